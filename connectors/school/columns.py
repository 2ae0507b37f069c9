"""Rows of a database driver as typed columns.

Rules. The profile's tables say of what type a column is; a driver's own idea of it only has to be convertible
without loss of meaning. A date may come as a date, a moment or ISO text, a decimal as any number or text, an
integer as any integer or text of one. A moment with a zone is not taken, nor the day of one: the school's times
are local. Null is `NOTHING`, NaT or None, and a field that is not of its type is spoilt, as `mappings.raw`
says: one damaged field sets one row aside. A column in which not one field is of its type is another column
than the profile thinks (`unreadable_column`).

A column whose fields are all of the type that a good driver gives, or all ISO texts of one length, is converted as a
whole (`connectors.school.whole_columns`); any other goes field by field here. Both ways give the same.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from connectors.school.whole_columns import days, distinct_converted, integers, moments
from mappings.raw import DTYPES, NOTHING, NUMBERS, SPOILT, SPOILT_TIME, TIMES, ColumnType

Column: TypeAlias = npt.NDArray[np.generic]

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?")
_WRONG = (TypeError, ValueError, OverflowError, ArithmeticError)


def to_columns(
    rows: Sequence[Sequence[object]], types: Mapping[str, ColumnType], places: Sequence[int | None] | None = None
) -> dict[str, Column]:
    """Return the rows' columns, typed. `places` says where each column stands in a row; None: not there, so null.

    Without `places` the columns stand in their order, and those that rows are too short for are null.
    """
    found = list(zip(*rows, strict=True))
    chosen = [place if place < len(found) else None for place in range(len(types))] if places is None else places
    return {
        name: nulls(kind, len(rows)) if place is None or not rows else converted(kind, found[place])
        for (name, kind), place in zip(types.items(), chosen, strict=True)
    }


def converted(kind: ColumnType, values: Sequence[object]) -> Column:
    """Return a column of its fields, of which there is one at least."""
    return _CONVERSIONS[kind](values)


def whole(types: Mapping[str, ColumnType], found: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns in their order, those that were not found as nulls."""
    size = len(next(iter(found.values())))
    return {name: found[name] if name in found else nulls(kind, size) for name, kind in types.items()}


def nulls(kind: ColumnType, size: int) -> Column:
    """Return a column of nulls."""
    null = np.datetime64("NaT") if kind in TIMES else NOTHING if kind in NUMBERS else None
    return np.full(size, null, DTYPES[kind])


def unreadable_column(columns: Mapping[str, Column], types: Mapping[str, ColumnType]) -> str | None:
    """Return a column in which some fields are spoilt and none can be read, None where there is none."""
    for name, kind in types.items():
        values = columns[name]
        if kind in TIMES:
            spoilt, null = values == SPOILT_TIME, np.isnat(values)
        elif kind is ColumnType.INTEGER:
            spoilt, null = values == SPOILT, values == NOTHING
        else:
            continue
        if spoilt.any() and (spoilt | null).all():
            return name
    return None


def _converted(values: Sequence[object], convert: Callable[[object], object], spoilt: object) -> list[object]:
    """Return each value converted; `spoilt` for one that can't be."""
    try:
        return [convert(value) for value in values]
    except _WRONG:
        pass
    result: list[object] = []
    for value in values:
        try:
            result.append(convert(value))
        except _WRONG:
            result.append(spoilt)
    return result


def _integers(values: Sequence[object]) -> Column:
    whole = integers(values)
    return np.array(_converted(values, _integer, SPOILT), np.int64) if whole is None else whole


def _integer(value: object) -> int:
    if value is None:
        return NOTHING
    if not isinstance(value, int):
        number = Decimal(str(value).strip())
        if number != number.to_integral_value():
            raise ValueError("fraction")
        value = int(number)
    if not SPOILT < value <= _LARGEST:
        raise OverflowError("integer")
    return value


def _keys(values: Sequence[object]) -> Column:
    """Return keys as whole numbers where all are, else as they come: `mappings.keys` makes texts of those."""
    whole = integers(values)
    if whole is not None:
        return whole
    try:
        if all(value is None or (isinstance(value, (int, float, Decimal)) and value == int(value)) for value in values):
            return _integers(values)
    except _WRONG:
        pass
    return _texts(values)


def _dates(values: Sequence[object]) -> Column:
    whole = days(values)
    if whole is None:
        whole = np.array(_converted(values, _day, SPOILT_DAY), "datetime64[D]")
    return whole.astype("datetime64[s]")


def _day(value: object) -> date | None:
    if isinstance(value, str):
        return _written(value).date()
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            raise TypeError("zone")
        return value.date()
    if value is None or isinstance(value, date):
        return value
    raise TypeError("date")


def _moments(values: Sequence[object]) -> Column:
    whole = moments(values)
    return np.array(_converted(values, _moment, SPOILT_DAY), "datetime64[s]") if whole is None else whole


def _moment(value: object) -> datetime | date | None:
    if isinstance(value, str):
        return _written(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise TypeError("zone")
    if value is None or isinstance(value, date):
        return value
    raise TypeError("moment")


def _written(text: str) -> datetime:
    """Return a day or moment of ISO text, as databases without such types keep it; nothing may stand behind it."""
    trimmed = text.strip()
    if not _DAY.fullmatch(trimmed) and not _MOMENT.fullmatch(trimmed):
        raise ValueError("date")
    return datetime.fromisoformat(trimmed)


def _texts(values: Sequence[object]) -> Column:
    return np.fromiter(values, object, len(values))


def _decimals(values: Sequence[object]) -> Column:
    return _texts(distinct_converted(values, lambda some: _converted(some, _decimal, Decimal("NaN"))))


def _decimal(value: object) -> Decimal | None:
    return value if value is None or isinstance(value, Decimal) else Decimal(str(value).strip())


_LARGEST = int(np.iinfo(np.int64).max)
SPOILT_DAY: date = SPOILT_TIME.astype("datetime64[D]").item()
_CONVERSIONS: Mapping[ColumnType, Callable[[Sequence[object]], Column]] = {
    ColumnType.INTEGER: _integers,
    ColumnType.KEY: _keys,
    ColumnType.DATE: _dates,
    ColumnType.MOMENT: _moments,
    ColumnType.TEXT: _texts,
    ColumnType.DECIMAL: _decimals,
}
