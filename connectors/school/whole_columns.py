"""A driver's column converted as a whole, where all its fields are of the one form that nearly all columns have.

Rules. Each function gives exactly what the field-by-field conversion of `connectors.school.columns` gives, or None
where the column is of another form: a mixture of types, a moment with a zone, an ISO text of another length or one
that is no day. Nothing is judged here.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from types import NoneType

import numpy as np
import numpy.typing as npt

from mappings.raw import NOTHING, SPOILT

Array = npt.NDArray[np.generic]

_ORDINAL = date.toordinal
_EPOCH = date(1970, 1, 1).toordinal()
_DAY_LETTERS, _MOMENT_LETTERS = len("2026-09-01"), len("2026-09-01 08:30:00")
_DIGITS = {"year": (0, 4), "month": (5, 7), "day": (8, 10), "hour": (11, 13), "minute": (14, 16), "second": (17, 19)}
_SIGNS = ((4, "-"), (7, "-"), (10, " T"), (13, ":"), (16, ":"))
_ZERO = ord("0")


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
    held, place = _held(values)
    kinds = set(map(type, held))
    if kinds == {date}:
        ordinals = np.fromiter(map(_ORDINAL, held), np.int64, len(held))  # type: ignore[arg-type]  # all are date
        found = (ordinals - _EPOCH).view("datetime64[D]")
    elif kinds == {str}:
        instants = _instants(held, _DAY_LETTERS)  # type: ignore[arg-type]  # all are str
        if instants is None:
            return None
        found = instants.astype("datetime64[D]")
    else:
        return None
    return _spread(found, place, len(values))


def moments(values: Sequence[object]) -> Array | None:
    """Return a column of datetime without zone and None, or of ISO moments to the second, as datetime64[s]."""
    held, place = _held(values)
    kinds = set(map(type, held))
    if kinds == {datetime}:
        if set(map(attrgetter("tzinfo"), held)) != {None}:
            return None
        found = _since_epoch(held)
    elif kinds == {str}:
        instants = _instants(held, _MOMENT_LETTERS)  # type: ignore[arg-type]  # all are str
        if instants is None:
            return None
        found = instants
    else:
        return None
    return _spread(found, place, len(values))


def _since_epoch(moments: Sequence[object]) -> Array:
    """Return datetimes without zone as datetime64[s]; numpy's own way costs several times as much."""
    size = len(moments)
    seconds = (np.fromiter(map(_ORDINAL, moments), np.int64, size) - _EPOCH) * 86_400  # type: ignore[arg-type]  # all are datetime
    for part, worth in (("hour", 3600), ("minute", 60), ("second", 1)):
        seconds += np.fromiter(map(attrgetter(part), moments), np.int64, size) * worth
    return seconds.view("datetime64[s]")


def distinct_converted(
    values: Sequence[object], convert: Callable[[Sequence[object]], Sequence[object]]
) -> Sequence[object]:
    """Convert each distinct value once, where all are of one type; a column of weights has few."""
    kinds = set(map(type, values)) - {NoneType}
    if kinds <= {Decimal}:
        return values
    if kinds not in ({int}, {str}, {float}):
        return convert(values)
    distinct = list(dict.fromkeys(values))
    return list(map(dict(zip(distinct, convert(distinct), strict=True)).__getitem__, values))


def _held(values: Sequence[object]) -> tuple[Sequence[object], npt.NDArray[np.bool_] | None]:
    """Return the fields that are not null, and where they stand; None where all are held."""
    if NoneType not in set(map(type, values)):
        return values, None
    place = np.array([value is not None for value in values])
    return [value for value in values if value is not None], place


def _spread(found: Array, place: npt.NDArray[np.bool_] | None, size: int) -> Array:
    if place is None:
        return found
    result = np.full(size, "NaT", found.dtype)
    result[place] = found
    return result


def _instants(texts: Sequence[str], letters: int) -> npt.NDArray[np.datetime64] | None:
    """Read ISO texts of so many letters each; None where one is of another form or names no day of the calendar."""
    if set(map(len, texts)) != {letters}:
        return None
    joined = "".join(texts)
    if not joined.isascii():
        return None
    signs = np.frombuffer(joined.encode("ascii"), np.uint8).reshape(len(texts), letters)
    if any(not np.isin(signs[:, at], list(allowed.encode())).all() for at, allowed in _SIGNS if at < letters):
        return None
    parts: dict[str, npt.NDArray[np.int64]] = {}
    for name, (start, end) in _DIGITS.items():
        if start < letters:
            digits = signs[:, start:end].astype(np.int64) - _ZERO
            if ((digits < 0) | (digits > 9)).any():  # noqa: PLR2004  decimal
                return None
            parts[name] = digits @ (10 ** np.arange(end - start)[::-1])
    month = (parts["year"] * 12 + parts["month"] - 1 - 1970 * 12).view("datetime64[M]")
    day = month.astype("datetime64[D]") + (parts["day"] - 1)
    right = (parts["year"] > 0) & (parts["month"] >= 1) & (parts["month"] <= 12) & (day.astype(month.dtype) == month)  # noqa: PLR2004  months
    if letters == _DAY_LETTERS:
        return day.astype("datetime64[s]") if right.all() else None
    right &= (parts["hour"] < 24) & (parts["minute"] < 60) & (parts["second"] < 60)  # noqa: PLR2004  of a day
    seconds = (parts["hour"] * 60 + parts["minute"]) * 60 + parts["second"]
    return day.astype("datetime64[s]") + seconds if right.all() else None
