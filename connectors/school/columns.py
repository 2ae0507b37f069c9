"""Rows of a database driver as typed columns.

Rules. The profile's tables say of what type a column is; a driver's own idea of it only has to be
convertible without loss of meaning. A date may come as a date, a moment or ISO text, a decimal as any number
or text, an integer as any integer or text of one. A moment with a zone is refused: the school's times are
local. Null is `NOTHING`, NaT or None, as `mappings.raw` says.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mappings.raw import DTYPES, NOTHING, ColumnType

Column: TypeAlias = npt.NDArray[np.generic]


class ColumnTypeError(Exception):
    """A column holds what is not of its type; `column` names it. Carries no value."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


def to_columns(rows: Sequence[Sequence[object]], types: Mapping[str, ColumnType]) -> dict[str, Column]:
    """Return the rows' columns, typed. Raises ColumnTypeError."""
    if not rows:
        return {name: np.empty(0, DTYPES[kind]) for name, kind in types.items()}
    found = zip(*rows, strict=True)
    return {name: _column(name, kind, list(values)) for (name, kind), values in zip(types.items(), found, strict=True)}


def _column(name: str, kind: ColumnType, values: list[object]) -> Column:
    try:
        return _CONVERSIONS[kind](values)
    except (TypeError, ValueError, OverflowError, InvalidOperation):
        pass
    raise ColumnTypeError(name)


def _integers(values: list[object]) -> Column:
    return np.array([NOTHING if value is None else _integer(value) for value in values], np.int64)


def _integer(value: object) -> int:
    if isinstance(value, int):
        return value
    number = Decimal(str(value))
    if number != number.to_integral_value():
        raise ValueError("fraction")
    return int(number)


def _dates(values: list[object]) -> Column:
    return np.array([_day(value) for value in values], "datetime64[D]").astype("datetime64[s]")


def _day(value: object) -> date | None:
    if isinstance(value, str):
        return date.fromisoformat(value[:10])
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    raise TypeError("date")


def _moments(values: list[object]) -> Column:
    return np.array([_moment(value) for value in values], "datetime64[s]")


def _moment(value: object) -> datetime | date | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise TypeError("zone")
    if value is None or isinstance(value, date):
        return value
    raise TypeError("moment")


def _texts(values: list[object]) -> Column:
    result = np.empty(len(values), object)
    result[:] = values
    return result


def _decimals(values: list[object]) -> Column:
    decimals: list[object] = [
        value if value is None or isinstance(value, Decimal) else Decimal(str(value)) for value in values
    ]
    return _texts(decimals)


_CONVERSIONS: Mapping[ColumnType, Callable[[list[object]], Column]] = {
    ColumnType.INTEGER: _integers,
    ColumnType.DATE: _dates,
    ColumnType.MOMENT: _moments,
    ColumnType.TEXT: _texts,
    ColumnType.DECIMAL: _decimals,
}
