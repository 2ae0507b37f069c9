"""Lets SQLite itself lay a query's result into columns, so that no Python object is made of a field.

Rules. The query is asked as it stands, within another that gathers each of its columns into one text: numbers and ISO
texts with `group_concat`, other texts with `json_group_array`. SQLite keeps any type in any column, so the smallest or
greatest field is asked too, which tells of a text among numbers or bytes among texts: they come after all numbers, and
bytes after all texts. Then, and where a text is no UTF-8 or a field has another form, the answer is None and the rows
are read one by one, which says exactly what each is. So are decimals, whose floats SQLite does not write exactly. A
test holds the two ways equal.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType

import numpy as np

from connectors.school.columns import Column, nulls, whole
from connectors.school.whole_columns import DAY_LETTERS, MOMENT_LETTERS, iso_instants
from mappings.raw import NOTHING, NUMBERS, SPOILT, SPOILT_TIME, ColumnType

FEWEST = 250
"""A result of fewer rows is read as quickly row by row."""
_LETTERS = {ColumnType.DATE: DAY_LETTERS, ColumnType.MOMENT: MOMENT_LETTERS}
_NO_DAY = "0001-01-01 00:00:00"
"""Stands for null among days and moments; where a field says so itself, the rows are read one by one."""
_USUAL: Mapping[ColumnType, frozenset[type]] = {
    **dict.fromkeys(NUMBERS, frozenset({int, NoneType})),
    **dict.fromkeys((*_LETTERS, ColumnType.TEXT), frozenset({str, NoneType})),
    ColumnType.DECIMAL: frozenset(),
}
_DIGITS = b"0123456789-,"


@dataclass(frozen=True, slots=True)
class _Gathered:
    """A column as SQLite gathered it: the text, how many fields it has, how many are not null, and its ends."""

    text: str | None
    count: int
    held: int
    least: object
    most: object


def in_columns(
    connection: sqlite3.Connection,
    sql: str,
    values: Sequence[object],
    types: Mapping[str, ColumnType],
    names: Sequence[str],
    first: Sequence[Sequence[object]],
) -> dict[str, Column] | None:
    """Return the columns of a query whose result has these columns; None where it can't be told.

    `first` are some of its rows: what they show of a column is taken to hold for all, until it shows that it doesn't.
    """
    kinds = [types[name.strip().lower()] for name in names]
    held = [set(map(type, fields)) for fields in zip(*first, strict=True)]
    if any(not some <= _USUAL[kind] for kind, some in zip(kinds, held, strict=True)):
        return None
    full = [
        _quoted(name)
        for name, kind, some in zip(names, kinds, held, strict=True)
        if kind is ColumnType.KEY and some == {int}
    ]
    greatest = full[0] if len(full) == 1 else f"max({', '.join(full)})" if full else "0"
    asked = [_asked(_quoted(name), kind, full) for name, kind in zip(names, kinds, strict=True)]
    try:
        count, most, *told = connection.execute(
            f"SELECT count(*), max({greatest}), {', '.join(asked)} FROM (\n{sql}\n)",  # noqa: S608  the profile's query
            values,
        ).fetchone()
    except sqlite3.Error:  # what is wrong with the query itself shows when its rows are read
        return None
    found: dict[str, Column] = {}
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        text, held, least, own_most = told[4 * place : 4 * place + 4]
        gathered = _Gathered(text, count, held, least, most if _quoted(name) in full else own_most)
        column = _column(kind, gathered)
        if column is None:
            return None
        found[name.strip().lower()] = column
    return whole(types, found)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _asked(column: str, kind: ColumnType, full: Sequence[str]) -> str:
    """Return what is asked of a column: its text, the count of what is not null, its least and its greatest field.

    The greatest of all `full` columns is asked once for all, which a null among them would hide: but a null shows, for
    their text then has fewer fields.
    """
    if column in full:
        return f"group_concat({column}), count(*), NULL, NULL"
    if kind in NUMBERS:
        return f"group_concat(ifnull({column}, {NOTHING})), count({column}), NULL, max({column})"
    if kind in _LETTERS:
        field = f"ifnull({column}, '{_NO_DAY[: _LETTERS[kind]]}')"
        return f"group_concat({field}, '\n'), count({column}), NULL, max({column})"
    return f"json_group_array({column}), count({column}), min({column}), max({column})"


def _column(kind: ColumnType, found: _Gathered) -> Column | None:
    """Return a gathered column; None where a field has another form than its kind has here."""
    if not found.held or found.text is None:
        return nulls(kind, found.count)
    if kind in NUMBERS:
        return _numbers(found, found.text) if isinstance(found.most, int) else None
    if not isinstance(found.most, str):
        return None
    if kind in _LETTERS:
        return _instants(found, found.text, _LETTERS[kind])
    return np.fromiter(json.loads(found.text), object, found.count) if isinstance(found.least, str) else None


def _numbers(found: _Gathered, text: str) -> Column | None:
    written = text.encode("ascii", "replace")
    if written.translate(None, _DIGITS):  # a fraction
        return None
    numbers = np.fromstring(written, np.int64, sep=",")
    right = len(numbers) == found.count and np.count_nonzero(numbers <= SPOILT) == found.count - found.held
    return numbers if right else None


def _instants(found: _Gathered, text: str, letters: int) -> Column | None:
    instants = iso_instants(text.encode("ascii", "replace"), found.count, letters)
    if instants is None or found.held == found.count:
        return instants
    gone = instants == SPOILT_TIME
    instants[gone] = np.datetime64("NaT")
    return instants if np.count_nonzero(gone) == found.count - found.held else None
