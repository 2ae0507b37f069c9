"""The balance as a picture: where each part of the bar stands. Pure geometry; the templates draw it."""

from collections.abc import Sequence
from dataclasses import dataclass

NARROWEST = 1.2
"""Per cent of the bar's width that a part is given at least, so that three records in a million can be seen."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of the bar: `fate` names it; `start` and `width` are per cent of the bar's width."""

    fate: str
    count: int
    start: float
    width: float


def segments(parts: Sequence[tuple[str, int]]) -> tuple[Segment, ...]:
    """Lay the parts (name, count) side by side over the whole bar; parts of nothing are left out.

    Parts under `NARROWEST` get just that width; the others share what is left in proportion.
    """
    present = [(fate, count) for fate, count in parts if count > 0]
    total = sum(count for _, count in present)
    wide_total = sum(count for _, count in present if not _narrow(count, total))
    room = 100.0 - NARROWEST * sum(_narrow(count, total) for _, count in present)
    laid: list[Segment] = []
    start = 0.0
    for fate, count in present:
        width = NARROWEST if _narrow(count, total) else room * count / wide_total
        laid.append(Segment(fate, count, round(start, 2), round(width, 2)))
        start += width
    return tuple(laid)


def _narrow(count: int, total: int) -> bool:
    return 100.0 * count < NARROWEST * total
