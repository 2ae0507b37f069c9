"""Reads an ODBC result as columns, some thousand rows at once, without a Python object for each field.

Rules. pyodbc runs the query; then its statement is told to fetch blocks of rows into arrays of ours (SQLBindCol), one
array a column, and these are read with numpy. The statement is found behind pyodbc's cursor, which is not its public
interface: the cursor must name its connection in the place before, and the driver manager must know the handle and
count its columns as pyodbc does. Else, and where a column is of a type that isn't read here or may be of any length,
the query goes pyodbc's own way (`bound` gives None). A field that is longer than the driver said, or that the driver
can't convert, shows while reading: NotByBlocksError, and all of the query is read anew, pyodbc's way, with its errors.
A test holds the two ways equal. Differences are meant: a day that no calendar has (MariaDB's 0000-00-00), or a text
of half a letter, is spoilt here, where pyodbc gives up the query; and a number without a sign is what it is, where
pyodbc makes another of one that is large.
"""

import ctypes
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from connectors.school.columns import Column, converted, nulls
from connectors.school.whole_columns import day_numbers
from mappings.raw import NOTHING, NUMBERS, SPOILT, SPOILT_TEXT, SPOILT_TIME, TIMES, ColumnType

if TYPE_CHECKING:
    import pyodbc

BLOCK_ROWS = 2_500
BLOCK_BYTES = 8 * 2**20
LONGEST_TEXT = 10_000
"""Longer texts, and those of any length, go pyodbc's way."""
_LIBRARY = "libodbc.so.2"  # unixODBC's driver manager, the one that pyodbc is linked to
_SUCCESS, _WITH_INFO, _NO_DATA = 0, 1, 100
_UNBIND = 2
_STATUS_PLACE, _FETCHED_PLACE, _ARRAY_SIZE = 25, 26, 27
_ROW_ERROR = 5
_NULL = -1
_WIDE, _BINARY, _CHARACTERS, _INTEGER, _UNSIGNED, _DOUBLE, _DATE, _TIMESTAMP = -8, -2, 1, -25, -27, 8, 91, 93
_HAS_NO_SIGN = 8
_BYTE_TYPES = (1, 12, -1)  # SQL_CHAR, SQL_VARCHAR, SQL_LONGVARCHAR
_DAY = np.dtype([("year", "i2"), ("month", "u2"), ("day", "u2")])
_MOMENT = np.dtype(
    [("year", "i2"), ("month", "u2"), ("day", "u2"), ("hour", "u2"), ("minute", "u2"), ("second", "u2"), ("part", "u4")]
)

Array = npt.NDArray[Any]
Lengths = npt.NDArray[np.int64]
Reader = Callable[[Array, Lengths], Column]
"""Makes a column of a block's fields and how long each is; -1 is null."""


class NotByBlocksError(Exception):
    """A field can't be read this way after all: the query is to be read anew."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How one column is fetched: the C type asked for, the array's dtype, and who reads it."""

    c_type: int
    dtype: np.dtype[Any]
    read: Reader

    @property
    def room(self) -> int:
        """How long a field may be; a text has its end marked behind it."""
        return self.dtype.itemsize - {_WIDE: 2, _CHARACTERS: 1}.get(self.c_type, 0)


@dataclass(frozen=True, slots=True)
class Blocks(AbstractContextManager["Blocks"]):
    """A pyodbc cursor's result, bound to arrays; must be left before the cursor is used otherwise."""

    _library: ctypes.CDLL
    _statement: ctypes.c_void_p
    _forms: Mapping[str, _Form]
    _arrays: Mapping[str, tuple[Array, Lengths]]
    _status: npt.NDArray[np.uint16]
    _fetched: ctypes.c_size_t = field(default_factory=ctypes.c_size_t)

    def read(self) -> list[dict[str, Column]]:
        """Fetch to the end and return the blocks as typed columns. Raises NotByBlocksError, also where the fetch fails.

        Nothing is given before all is read, for it may have to be read anew.
        """
        found = []
        self._bind()
        while (code := self._library.SQLFetch(self._statement)) != _NO_DATA:
            count = self._fetched.value
            if code not in {_SUCCESS, _WITH_INFO} or not count or (self._status[:count] == _ROW_ERROR).any():
                raise NotByBlocksError
            columns = {}
            for name, (values, lengths) in self._arrays.items():
                form, held = self._forms[name], lengths[:count]
                if ((held < _NULL) | (held > form.room)).any():
                    raise NotByBlocksError
                columns[name] = form.read(values[:count], held)
            found.append(columns)
        return found

    def _bind(self) -> None:
        self._set(_ARRAY_SIZE, len(self._status))
        self._set(_FETCHED_PLACE, ctypes.addressof(self._fetched))
        self._set(_STATUS_PLACE, self._status.ctypes.data)
        for number, (name, (values, lengths)) in enumerate(self._arrays.items(), 1):
            form = self._forms[name]
            code = self._library.SQLBindCol(
                self._statement,
                ctypes.c_ushort(number),
                ctypes.c_short(form.c_type),
                ctypes.c_void_p(values.ctypes.data),
                ctypes.c_ssize_t(form.dtype.itemsize),
                ctypes.c_void_p(lengths.ctypes.data),
            )
            if code != _SUCCESS:
                raise NotByBlocksError

    def _set(self, attribute: int, value: int) -> None:
        code = self._library.SQLSetStmtAttr(
            self._statement, ctypes.c_int(attribute), ctypes.c_void_p(value), ctypes.c_int(0)
        )
        if code != _SUCCESS:  # a driver that sets another value says so by another code
            raise NotByBlocksError

    def __exit__(self, *_exception: object) -> None:
        """Unbind the arrays, so that nobody writes into them any more."""
        self._library.SQLFreeStmt(self._statement, ctypes.c_ushort(_UNBIND))
        for attribute, value in ((_ARRAY_SIZE, 1), (_FETCHED_PLACE, 0), (_STATUS_PLACE, 0)):
            self._library.SQLSetStmtAttr(
                self._statement, ctypes.c_int(attribute), ctypes.c_void_p(value), ctypes.c_int(0)
            )


def bound(
    connection: "pyodbc.Connection",
    cursor: "pyodbc.Cursor",
    types: Mapping[str, ColumnType],
    decoded: Callable[[bytes], object] | None,
) -> Blocks | None:
    """Return how an executed cursor is read by blocks, None where it can't be.

    `types` are those of the result's columns, in its order. `decoded` makes texts of bytes, where they are to be asked
    for as bytes.
    """
    library = _driver_manager()
    statement = None if library is None else _statement_of(library, connection, cursor, len(types))
    if library is None or statement is None:
        return None
    forms: dict[str, _Form] = {}
    for number, ((name, kind), described) in enumerate(zip(types.items(), cursor.description, strict=True), 1):
        sql_type, unsigned = _described(library, statement, number)
        of_bytes = decoded if sql_type in _BYTE_TYPES else None  # of those types pyodbc is told to ask for bytes
        form = _form(kind, described[1], described[3], of_bytes)
        if form is None:
            return None
        if form.c_type == _INTEGER and unsigned:
            form = replace(form, c_type=_UNSIGNED, dtype=np.dtype("u8"))
        forms[name] = form
    width = sum(form.dtype.itemsize + 8 for form in forms.values())
    size = max(1, min(BLOCK_ROWS, BLOCK_BYTES // width))
    arrays = {name: (np.empty(size, form.dtype), np.empty(size, np.int64)) for name, form in forms.items()}
    return Blocks(library, statement, forms, arrays, np.zeros(size, np.uint16))


@cache
def _driver_manager() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    for name in (
        "SQLFetch",
        "SQLBindCol",
        "SQLSetStmtAttr",
        "SQLFreeStmt",
        "SQLNumResultCols",
        "SQLDescribeCol",
        "SQLColAttribute",
    ):
        getattr(library, name).restype = ctypes.c_short
    return library


def _statement_of(
    library: ctypes.CDLL, connection: "pyodbc.Connection", cursor: "pyodbc.Cursor", width: int
) -> ctypes.c_void_p | None:
    """Return the statement behind a pyodbc cursor, which keeps its connection and then its statement."""
    behind = (ctypes.c_void_p * 2).from_address(id(cursor) + object.__basicsize__)
    if behind[0] != id(connection) or not behind[1]:
        return None
    statement, count = ctypes.c_void_p(behind[1]), ctypes.c_short(-1)
    code = library.SQLNumResultCols(statement, ctypes.byref(count))
    return statement if code == _SUCCESS and count.value == width else None


def _described(library: ctypes.CDLL, statement: ctypes.c_void_p, number: int) -> tuple[int, bool]:
    """Return a column's SQL type, and whether its numbers have no sign."""
    kind, unsigned, column = ctypes.c_short(0), ctypes.c_ssize_t(0), ctypes.c_ushort(number)
    library.SQLDescribeCol(statement, column, None, ctypes.c_short(0), None, ctypes.byref(kind), None, None, None)
    library.SQLColAttribute(
        statement, column, ctypes.c_ushort(_HAS_NO_SIGN), None, ctypes.c_short(0), None, ctypes.byref(unsigned)
    )
    return kind.value, bool(unsigned.value)


def _form(kind: ColumnType, given: type, size: int | None, decoded: Callable[[bytes], object] | None) -> _Form | None:
    """Return how a column is read that pyodbc would give as `given`, None where it can't be."""
    if given in {date, datetime} and kind not in TIMES:
        return None
    fixed = {
        int: _Form(_INTEGER, np.dtype("i8"), _whole_numbers if kind in NUMBERS else _values(kind)),
        float: _Form(_DOUBLE, np.dtype("f8"), _values(kind)),
        date: _Form(_DATE, _DAY, _days),
        datetime: _Form(_TIMESTAMP, _MOMENT, _moments if kind is ColumnType.MOMENT else _days),
    }
    if given in fixed:
        return fixed[given]
    if not size or size > LONGEST_TEXT:
        return None
    sized = {
        Decimal: (_CHARACTERS, size + 4, _decimal),  # a sign, a naught, a point and the text's end
        str: (_WIDE, 2 * (2 * size + 1), _wide) if decoded is None else (_BINARY, 4 * size, decoded),
        bytes: (_BINARY, size, bytes),
        bytearray: (_BINARY, size, bytes),
    }
    if given not in sized:
        return None
    c_type, room, value = sized[given]
    return _Form(c_type, np.dtype(f"V{room}"), _fields(kind, value))


def _whole_numbers(values: Array, lengths: Lengths) -> Column:
    found = values.astype(np.int64)  # a copy, which numbers too large for it leave below nought
    if values.dtype == np.uint64:
        found[found < 0] = SPOILT
    found = np.maximum(found, SPOILT)  # the numbers that have a meaning of their own here
    found[lengths == _NULL] = NOTHING
    return found


def _values(kind: ColumnType) -> Reader:
    def read(values: Array, lengths: Lengths) -> Column:
        held: list[object] = values.tolist()
        for place in np.flatnonzero(lengths == _NULL).tolist():
            held[place] = None
        return converted(kind, held)

    return read


def _days(values: Array, lengths: Lengths) -> Column:
    days, right = day_numbers(values["year"].astype(np.int32), values["month"], values["day"])
    return _instants(days * 86_400, right, lengths)


def _moments(values: Array, lengths: Lengths) -> Column:
    days, right = day_numbers(values["year"].astype(np.int32), values["month"], values["day"])
    hour, minute, second = (values[part].astype(np.int64) for part in ("hour", "minute", "second"))
    right &= (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004  of a day
    return _instants(((days * 24 + hour) * 60 + minute) * 60 + second, right, lengths)


def _instants(seconds: npt.NDArray[np.int64], right: npt.NDArray[np.bool_], lengths: Lengths) -> Column:
    found = seconds.view("datetime64[s]")
    found[~right] = SPOILT_TIME
    found[lengths == _NULL] = np.datetime64("NaT")
    return found


def _fields(kind: ColumnType, value: Callable[[bytes], object]) -> Reader:
    """Read fields of bytes; each distinct one is made a value once."""

    def read(values: Array, lengths: Lengths) -> Column:
        held = np.flatnonzero(lengths != _NULL).tolist()
        if not held:
            return nulls(kind, len(values))
        result: list[object] = [None] * len(values)
        known: dict[bytes, object] = {}
        memory, step = values.view(np.uint8).data, values.dtype.itemsize
        for place in held:
            start = place * step
            written = bytes(memory[start : start + int(lengths[place])])
            if written not in known:
                known[written] = value(written)
            result[place] = known[written]
        return converted(kind, result)

    return read


def _wide(written: bytes) -> object:
    try:
        return written.decode("utf-16-le")
    except UnicodeDecodeError:
        return SPOILT_TEXT


def _decimal(written: bytes) -> object:
    text = written.decode("ascii", "replace")
    try:
        return Decimal(text)
    except ArithmeticError:
        return text
