"""A driver's column converted as a whole, where all its fields are of the one form that nearly all columns have.

Rules. Each function gives exactly what the field-by-field conversion of `connectors.school.columns` gives, or None
where the column is of another form: a mixture of types, a moment with a zone, an ISO text of another length or one
that is no day. Nothing is judged here.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from types import NoneType

import numpy as np
import numpy.typing as npt

from mappings.raw import NOTHING, SPOILT

Array = npt.NDArray[np.generic]

_ORDINAL = date.toordinal
_EPOCH = date(1970, 1, 1).toordinal()
_LINES = 8_192  # so many texts at once stay in the processor's cache
_LAST_YEAR, _MONTHS = 9999, 12
DAY_LETTERS, MOMENT_LETTERS = len("2026-09-01"), len("2026-09-01 08:30:00")


def _range(first: str, last: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the lowest sign of each place, and how far above it the highest lies."""
    lowest, highest = (np.frombuffer(text.encode(), np.uint8)[:, None] for text in (first, last))
    return lowest, highest - lowest


_RANGES = {
    DAY_LETTERS: _range("0000-00-00\n", "9999-99-99\n"),
    MOMENT_LETTERS: _range("0000-00-00 00:00:00\n", "9999-99-99T99:99:99\n"),
}
_LOWEST, _HIGHEST = ({letters: ends[end] for letters, ends in _RANGES.items()} for end in (0, 1))


def integers(values: Sequence[object]) -> Array | None:
    """Return a column of int and None as int64 with `NOTHING` for None."""
    kinds = set(map(type, values))
    if not kinds <= {int, NoneType}:
        return None
    nulls = 0
    if NoneType in kinds:
        nulls = values.count(None)
        values = [NOTHING if value is None else value for value in values]
    try:
        found = np.fromiter(values, np.int64, len(values))
    except OverflowError:
        return None
    return found if np.count_nonzero(found <= SPOILT) == nulls else None


def days(values: Sequence[object]) -> Array | None:
    """Return a column of date and None, or of ISO days and None, as datetime64[D]."""
    return _times(values, DAY_LETTERS, _since_epoch_in_days)


def moments(values: Sequence[object]) -> Array | None:
    """Return a column of datetime without zone and None, or of ISO moments to the second, as datetime64[s]."""
    return _times(values, MOMENT_LETTERS, _since_epoch)


def _times(
    values: Sequence[object], letters: int, of_objects: Callable[[Sequence[object]], Array | None]
) -> Array | None:
    texts = _joined(values)
    if texts is not None:
        return iso_instants(texts, len(values), letters)
    if values[0] is None and values.count(None) == len(values):
        return np.full(len(values), "NaT", "datetime64[s]")
    place = np.array([value is not None for value in values])
    held = [value for value in values if value is not None]
    texts = _joined(held)
    found = of_objects(held) if texts is None else iso_instants(texts, len(held), letters)
    if found is None:
        return None
    result = np.full(len(values), "NaT", found.dtype)
    result[place] = found
    return result


def _joined(values: Sequence[object]) -> bytes | None:
    """Return texts one a line, "?" for a letter of other scripts; None where not all are texts, or there is none."""
    try:
        return "\n".join(values).encode("ascii", "replace") or None  # type: ignore[arg-type]  # what is no text is refused
    except TypeError:
        return None


def _since_epoch_in_days(days: Sequence[object]) -> Array | None:
    if set(map(type, days)) != {date}:
        return None
    ordinals = np.fromiter(map(_ORDINAL, days), np.int64, len(days))  # type: ignore[arg-type]  # all are date
    return (ordinals - _EPOCH).view("datetime64[D]")


def _since_epoch(moments: Sequence[object]) -> Array | None:
    """Return datetimes without zone as datetime64[s]; numpy's own way costs several times as much."""
    if set(map(type, moments)) != {datetime} or set(map(attrgetter("tzinfo"), moments)) != {None}:
        return None
    size = len(moments)
    seconds = (np.fromiter(map(_ORDINAL, moments), np.int64, size) - _EPOCH) * 86_400  # type: ignore[arg-type]  # all are datetime
    for part, worth in (("hour", 3600), ("minute", 60), ("second", 1)):
        seconds += np.fromiter(map(attrgetter(part), moments), np.int64, size) * worth
    return seconds.view("datetime64[s]")


def distinct_converted(
    values: Sequence[object], convert: Callable[[Sequence[object]], Sequence[object]]
) -> Sequence[object]:
    """Convert each distinct value of each type once (1 and 1.0 are two); a column of weights has few."""
    kinds = set(map(type, values)) - {NoneType}
    if kinds <= {Decimal}:
        return values
    if not kinds <= {int, str, float}:
        return convert(values)
    distinct = list(dict.fromkeys(zip(map(type, values), values, strict=True)))
    found = convert([value for _, value in distinct])
    known = dict(zip(distinct, found, strict=True))
    return list(map(known.__getitem__, zip(map(type, values), values, strict=True)))


def iso_instants(joined: bytes, count: int, letters: int) -> npt.NDArray[np.datetime64] | None:
    """Read ISO texts of so many letters each, one a line; None where one is of another form or names no day.

    Where each line has its length, the signs and digits in their places leave no room for another line break, so the
    lines are the texts.
    """
    line = letters + 1
    if len(joined) != count * line - 1:
        return None
    found = np.empty(count, "datetime64[s]")
    for start in range(0, count, _LINES):
        lines = joined[start * line : (start + _LINES) * line]
        part = _instants(lines if len(lines) % line == 0 else lines + b"\n", letters)
        if part is None:
            return None
        found[start : start + _LINES] = part
    return found


def _instants(lines: bytes, letters: int) -> npt.NDArray[np.datetime64] | None:
    # one row for each place, how far its signs are above the lowest that may stand there; what is below wraps around
    places = np.frombuffer(lines, np.uint8).reshape(-1, letters + 1).T.copy()
    places -= _LOWEST[letters]
    between = places[DAY_LETTERS]
    if (places > _HIGHEST[letters]).any() or not ((between == 0) | (between == _HIGHEST[letters][DAY_LETTERS])).all():
        return None

    def two(place: int) -> npt.NDArray[np.uint8]:
        number: npt.NDArray[np.uint8] = places[place] * np.uint8(10) + places[place + 1]
        return number

    days, right = day_numbers(two(0).astype(np.int32) * 100 + two(2), two(5), two(8))
    seconds = days * 86_400
    if letters > DAY_LETTERS:
        hour, minute, second = two(11), two(14), two(17)
        right &= (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004  of a day
        seconds += (hour.astype(np.int32) * 60 + minute) * 60 + second
    return seconds.view("datetime64[s]") if right.all() else None


def day_numbers(
    years: npt.NDArray[np.int32], months: npt.NDArray[np.unsignedinteger], days: npt.NDArray[np.unsignedinteger]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return days in days since 1970, and which of them the calendar has, of the years 1 to 9999."""
    right = (years > 0) & (years <= _LAST_YEAR) & (months > 0) & (months <= _MONTHS)
    number = np.where(right, years * _MONTHS + months.astype(np.int32) - 1, _MONTHS)
    starts = _month_starts()
    first = starts[number]
    right &= (days > 0) & (days <= starts[number + 1] - first)
    return first.astype(np.int64) + days.astype(np.int64) - 1, right


@cache
def _month_starts() -> npt.NDArray[np.int32]:
    """Return the first day of each month from the year 0 to 10000, in days since 1970."""
    months = np.arange(np.datetime64("0000-01", "M"), np.datetime64("10000-02", "M"))
    return months.astype("datetime64[D]").view(np.int64).astype(np.int32)
