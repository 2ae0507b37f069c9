"""A driver's tuples, laid into columns a few hundred at a time, while they are still in the processor's cache.

Rules. The columns are exactly those of `connectors.school.columns.to_columns`. Whole numbers are kept as machine
integers and ISO texts of days and moments as lines, so that the driver's objects are let go at once; a column that
turns out to hold anything else is kept as it came, from its first field on, and is converted there. (A truth value
beside keys that are texts is a number here, a word there; no driver gives both.)
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Protocol

import numpy as np
import numpy.typing as npt

from connectors.school.columns import Column, converted, nulls
from connectors.school.whole_columns import DAY_LETTERS, MOMENT_LETTERS, iso_instants
from mappings.raw import NOTHING, SPOILT, ColumnType

BATCH_ROWS = 250
"""So many rows are best laid into columns at once."""


class _Fields(Protocol):
    """One column's fields."""

    def add(self, fields: Sequence[object]) -> bool:
        """Take in some fields; False, and nothing taken, where they are of another form."""
        ...

    def fields(self) -> list[object]:
        """Return what was taken in, as it came."""
        ...

    def column(self, kind: ColumnType) -> Column | None:
        """Return the typed column; None where a field is not of the one form."""
        ...


class _Anything:
    def __init__(self, fields: list[object]) -> None:
        self._fields = fields

    def add(self, fields: Sequence[object]) -> bool:
        self._fields.extend(fields)
        return True

    def fields(self) -> list[object]:
        return self._fields

    def column(self, kind: ColumnType) -> Column | None:
        return converted(kind, self._fields)


class _Numbers:
    """Whole numbers, packed as machine integers, `NOTHING` for null; beside each batch, how many nulls it has."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._nulls: list[int] = []

    def add(self, fields: Sequence[object]) -> bool:
        nulls = 0
        try:
            packed = _packer(len(fields))(*fields)
        except struct.error:  # a null, or no integer of 64 bits
            nulls = fields.count(None)
            if not nulls or NOTHING in fields:
                return False
            try:
                packed = _packer(len(fields))(*(NOTHING if field is None else field for field in fields))
            except struct.error:
                return False
        self._packed.append(packed)
        self._nulls.append(nulls)
        return True

    def fields(self) -> list[object]:
        return [
            None if nulls and number == NOTHING else number
            for packed, nulls in zip(self._packed, self._nulls, strict=True)
            for number in np.frombuffer(packed, np.int64).tolist()
        ]

    def column(self, kind: ColumnType) -> Column | None:  # noqa: ARG002  either kind of number
        found = np.frombuffer(b"".join(self._packed), np.int64)
        return found if np.count_nonzero(found <= SPOILT) == sum(self._nulls) else None


class _Times:
    """Days or moments as texts, one a line."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._held: list[npt.NDArray[np.bool_]] = []
        self._count = 0

    def add(self, fields: Sequence[object]) -> bool:
        held = fields
        try:
            lines = "\n".join(fields)  # type: ignore[arg-type]  # what is no text is refused
        except TypeError:
            held = [field for field in fields if field is not None]
            try:
                lines = "\n".join(held)  # type: ignore[arg-type]  # likewise
            except TypeError:
                return False
        if held and lines.count("\n") != len(held) - 1:
            return False
        place = np.ones(len(fields), bool)
        if len(held) < len(fields):
            place[:] = [field is not None for field in fields]
        if held:
            self._lines.append(lines)
        self._held.append(place)
        self._count += len(held)
        return True

    def fields(self) -> list[object]:
        texts = iter([text for lines in self._lines for text in lines.split("\n")])
        return [next(texts) if there else None for place in self._held for there in place.tolist()]

    def column(self, kind: ColumnType) -> Column | None:
        letters = DAY_LETTERS if kind is ColumnType.DATE else MOMENT_LETTERS
        held = np.concatenate(self._held)
        if not self._count:
            return nulls(kind, len(held))
        found = iso_instants("\n".join(self._lines).encode("ascii", "replace"), self._count, letters)
        if found is None or self._count == len(held):
            return found
        result = nulls(kind, len(held))
        result[held] = found
        return result


@cache
def _packer(size: int) -> Callable[..., bytes]:
    return struct.Struct(f"{size}q").pack


_FORMS: Mapping[ColumnType, type[_Numbers | _Times]] = {
    ColumnType.INTEGER: _Numbers,
    ColumnType.KEY: _Numbers,
    ColumnType.DATE: _Times,
    ColumnType.MOMENT: _Times,
}


class Gathered:
    """Rows as they come, laid into columns."""

    def __init__(self, types: Mapping[str, ColumnType], places: Sequence[int | None]) -> None:
        """`places` says where each column stands in a row; None: not there, so null."""
        self._types, self._places = types, places
        kinds = {place: kind for kind, place in zip(types.values(), places, strict=True) if place is not None}
        self._columns: list[_Fields] = [
            _FORMS[kinds[place]]() if kinds[place] in _FORMS else _Anything([]) for place in range(len(kinds))
        ]
        self.rows = 0

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Take in some rows, all as long as the first: ValueError."""
        for start in range(0, len(rows), BATCH_ROWS):
            turned = zip(*rows[start : start + BATCH_ROWS], strict=True)
            for place, fields in enumerate(islice(turned, len(self._columns))):
                if not self._columns[place].add(fields):
                    self._columns[place] = _Anything([*self._columns[place].fields(), *fields])
        self.rows += len(rows)

    def columns(self) -> dict[str, Column]:
        """Return the columns, typed; what was gathered is used up."""
        return {
            name: nulls(kind, self.rows) if place is None or not self.rows else self._typed(kind, place)
            for (name, kind), place in zip(self._types.items(), self._places, strict=True)
        }

    def _typed(self, kind: ColumnType, place: int) -> Column:
        found = self._columns[place].column(kind)
        return converted(kind, self._columns[place].fields()) if found is None else found
