"""Reads what PostgreSQL's binary COPY sends as columns, without a Python object for each field.

Rules. `COPY (query) TO STDOUT (FORMAT BINARY)` sends each row as one message: a count of fields, then each field as its
length (-1: null) and its bytes. The messages of a chunk are laid one after another, and the fields of a column are
picked out of them with numpy. The server sends on while a chunk is turned into columns. A column of a type that isn't
read here makes its query go by a cursor (`layout_of` gives None); a test holds the two ways equal. One difference is
meant: a day that Python has no date for (infinity, before Christ) is spoilt here, where psycopg gives up the query.
Texts come as bytes in the connection's encoding.
"""

import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from connectors.school.columns import Column, converted, nulls, whole
from mappings.raw import NOTHING, NUMBERS, SPOILT, SPOILT_TEXT, SPOILT_TIME, TIMES, ColumnType

BLOCK_ROWS = 5_000
"""So few that most of what the server sends meanwhile has room between the two, and enough for numpy to be quick."""
_EPOCH_DAY = 10_957  # 2000-01-01, from which PostgreSQL counts, in days since 1970
_DAY_SECONDS = 86_400
_MICROSECONDS = 1_000_000
_FIRST, _END = (int(np.datetime64(day, "s").astype(np.int64)) for day in ("0001-01-01", "10000-01-01"))
_SIGNATURE_BYTES, _END_OF_ROWS = 19, b"\xff\xff"
_SHORTEST = len(_END_OF_ROWS)
_LENGTH, _LENGTH_BITS = 4, 32
_SPARE = 8  # behind the last field, so that a null that stands last can be looked at like a number
_INTEGERS: Mapping[int, str] = {16: "u1", 21: ">i2", 23: ">i4", 20: ">i8"}
_BOOLEAN, _DATE, _TIMESTAMP, _NUMERIC, _FLOAT, _BYTES = 16, 1082, 1114, 1700, 701, 17
_TEXTS = frozenset({25, 1043, 1042, 19})
_NEGATIVE, _DIGIT_BASE, _DIGITS = 0x4000, 10_000, 4
_UNWRITTEN: Mapping[int, str] = {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Rows:
    """The messages of some rows: their bytes, and at which byte each begins."""

    memory: ByteArray
    starts: IntArray

    def numbers(self, places: IntArray, form: str) -> npt.NDArray[np.int64]:
        """Return the numbers of this form that stand at these bytes, wherever they are."""
        kind = np.dtype(form)
        everywhere = np.ndarray(len(self.memory) - kind.itemsize + 1, kind, self.memory, strides=(1,))
        return everywhere[places].astype(np.int64)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How texts come: the name of their encoding, None where they stay bytes; and whether bytes are taken for texts."""

    name: str | None
    of_bytes_too: bool = False


Reader = Callable[[Rows, IntArray], tuple[Column, IntArray]]
"""Makes a column of where its fields' lengths stand, and says how long each is; -1 is null."""


def layout_of(
    types: Mapping[str, ColumnType], names: Sequence[str], oids: Sequence[int], encoding: Encoding
) -> Mapping[str, Reader] | None:
    """Return how each column of a result is read, by name, in the result's order; None where one can't be read here."""
    readers: dict[str, Reader] = {}
    for name, oid in zip(names, oids, strict=True):
        reader = _reader(types[name], oid, encoding)
        if reader is None:
            return None
        readers[name] = reader
    return readers


def text_encoding(connection: "psycopg.Connection[Any]", own: str | None) -> Encoding:
    """Return how texts come: `own` is the database's encoding where its texts were asked for as they are stored."""
    if own is not None:
        return Encoding(own, of_bytes_too=True)
    told = connection.info.parameter_status("client_encoding")
    return Encoding(None if told == "SQL_ASCII" else connection.info.encoding)


def copied(
    connection: "psycopg.Connection[Any]",
    sql: str,
    values: Sequence[object],
    types: Mapping[str, ColumnType],
    layout: Mapping[str, Reader],
    size: int,
) -> Iterator[dict[str, Column]]:
    """Run the query as a COPY and yield its rows as typed columns, `size` at a time or fewer. Raises psycopg's."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY (\n{sql}\n) TO STDOUT (FORMAT BINARY)".encode(), values) as copy,
    ):
        yield from blocks(copy, types, layout, min(size, BLOCK_ROWS))


def blocks(
    copy: "psycopg.Copy", types: Mapping[str, ColumnType], layout: Mapping[str, Reader], size: int
) -> Iterator[dict[str, Column]]:
    """Read a COPY to its end and yield its rows as typed columns, `size` rows at a time. Raises psycopg's errors."""
    for rows in _chunks(copy, size):
        columns = {}
        places = rows.starts + 2  # behind the count of fields
        for name, read in layout.items():
            columns[name], lengths = read(rows, places)
            places += np.maximum(lengths, 0) + _LENGTH
        yield whole(types, columns)


def _chunks(copy: "psycopg.Copy", size: int) -> Iterator[Rows]:
    """Yield the messages of `size` rows at a time.

    psycopg's own reading of a message costs more than all else here, so the messages are taken from libpq directly;
    psycopg begins and ends the COPY.
    """
    take = copy.connection.pgconn.get_copy_data
    memory = bytearray(bytes(copy.read())[_SIGNATURE_BYTES:])  # a row may follow the signature in the same message
    lengths = [len(memory)] if memory else []
    more = not memory.startswith(_END_OF_ROWS)
    while more:
        for _ in range(size - len(lengths)):
            length, message = take(1)
            if length <= _SHORTEST:
                length, message = _awaited(copy, length, message)
                if message == _END_OF_ROWS:
                    more = False
                    break
            memory += message
            lengths.append(length)
        if lengths:
            memory += bytes(_SPARE)
            ends = np.cumsum(np.array(lengths, np.int64))
            yield Rows(np.frombuffer(memory, np.uint8), ends - lengths)
        memory, lengths = bytearray(), []
    copy.read()


def _awaited(copy: "psycopg.Copy", length: int, message: memoryview) -> tuple[int, memoryview]:
    """Wait for the next message, where it is not there; where the rows broke off, raise why."""
    connection = copy.connection.pgconn
    while length == 0:
        arrivals = select.poll()
        arrivals.register(connection.socket, select.POLLIN)
        arrivals.poll()
        connection.consume_input()
        length, message = connection.get_copy_data(1)
    if length > 0:
        return length, message
    results = list(iter(connection.get_result, None))  # to the last, else nothing more may be asked
    if not results:
        raise psycopg.OperationalError("the COPY broke off")
    raise psycopg.errors.error_from_result(results[0])


def _reader(kind: ColumnType, oid: int, encoding: Encoding) -> Reader | None:
    if kind in NUMBERS and oid in _INTEGERS:
        return _column_of(_INTEGERS[oid], _whole_numbers)
    if kind in TIMES and oid == _DATE:
        return _column_of(">i4", _days)
    if kind in TIMES and oid == _TIMESTAMP:
        return _column_of(">i8", _moments if kind is ColumnType.MOMENT else _days_of_moments)
    value = _value(oid, encoding)
    if value is None:
        return None

    def read(rows: Rows, places: IntArray) -> tuple[Column, IntArray]:
        lengths = rows.numbers(places, ">i4")
        return _each(kind, rows, places + _LENGTH, lengths, value), lengths

    return read


def _column_of(form: str, made: Callable[[IntArray, BoolArray], Column]) -> Reader:
    """Return what reads numbers of this form and makes a column of them and of where null stands."""

    def read(rows: Rows, places: IntArray) -> tuple[Column, IntArray]:
        if np.dtype(form).itemsize == _LENGTH:  # as most are: the length and the number are picked out as one
            both = rows.numbers(places, ">i8")
            lengths, found = both >> _LENGTH_BITS, (both << _LENGTH_BITS) >> _LENGTH_BITS
        else:
            lengths, found = rows.numbers(places, ">i4"), rows.numbers(places + _LENGTH, form)
        return made(found, lengths < 0), lengths

    return read


def _value(oid: int, encoding: Encoding) -> Callable[[bytes], object] | None:
    """Return what makes of a field's bytes the value that psycopg makes of them."""
    if oid in _TEXTS or (oid == _BYTES and encoding.of_bytes_too):
        name = encoding.name
        return bytes if name is None else lambda field: _text(field, name)
    if oid == _BYTES:
        return bytes
    if oid == _NUMERIC:
        return _numeric
    if oid == _FLOAT:
        return lambda field: np.frombuffer(field, ">f8").item()
    if oid in _INTEGERS and oid != _BOOLEAN:
        return lambda field: int.from_bytes(field, "big", signed=True)
    return None


def _each(
    kind: ColumnType, rows: Rows, places: IntArray, lengths: IntArray, value: Callable[[bytes], object]
) -> Column:
    """Return a column of the fields as Python's values, each distinct one made once."""
    held = np.flatnonzero(lengths >= 0)
    starts = places[held]
    memory, known = rows.memory.data, dict[bytes, object]()
    found: list[object] = []
    for start, end in zip(starts.tolist(), (starts + lengths[held]).tolist(), strict=True):
        field = bytes(memory[start:end])
        if field not in known:
            known[field] = value(field)
        found.append(known[field])
    values = nulls(ColumnType.TEXT, len(places))
    values[held] = np.fromiter(found, object, len(found))
    return values if kind is ColumnType.TEXT else converted(kind, values.tolist())


def _text(field: bytes, encoding: str) -> object:
    try:
        return field.decode(encoding)
    except UnicodeDecodeError:
        return SPOILT_TEXT


def _numeric(field: bytes) -> Decimal:
    """Return a numeric, with as many places behind the point as it was stored with."""
    count, weight, sign, scale, *digits = np.frombuffer(field, ">i2").tolist()
    if sign & 0xFFFF in _UNWRITTEN:
        return Decimal(_UNWRITTEN[sign & 0xFFFF])
    number = 0
    for digit in digits:
        number = number * _DIGIT_BASE + digit
    shift = _DIGITS * (weight + 1 - count) + scale
    number = number * 10**shift if shift >= 0 else number // 10**-shift
    return Decimal((int(sign == _NEGATIVE), tuple(map(int, str(number))), -scale))


def _whole_numbers(found: IntArray, null: BoolArray) -> Column:
    found = np.maximum(found, SPOILT)  # the numbers that have a meaning of their own here
    found[null] = NOTHING
    return found


def _days(found: IntArray, null: BoolArray) -> Column:
    return _instants((found + _EPOCH_DAY) * _DAY_SECONDS, null)


def _moments(found: IntArray, null: BoolArray) -> Column:
    return _instants(found // _MICROSECONDS + _EPOCH_DAY * _DAY_SECONDS, null)


def _days_of_moments(found: IntArray, null: BoolArray) -> Column:
    return _moments(found, null).astype("datetime64[D]").astype("datetime64[s]")


def _instants(seconds: IntArray, null: BoolArray) -> Column:
    found = seconds.view("datetime64[s]")
    found[(seconds < _FIRST) | (seconds >= _END)] = SPOILT_TIME
    found[null] = np.datetime64("NaT")
    return found
