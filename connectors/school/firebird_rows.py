"""Reads a Firebird cursor's rows as columns, without a Python object for each field.

Rules. Firebird gives each row as one message: fields at fixed offsets, a null flag beside each. The rows of a
chunk are fetched one after another into one block of memory and the block is read column by column with
numpy; this is several times faster than the driver's own decoding of each field. It relies on the driver's
message buffer and result set (`_stmt`, `_result`), which are not its public interface: a cursor that lacks
them, or a column of a type that isn't read here, goes the driver's own way (`layout_of` gives None), and a
test holds the two ways equal. Texts must be of the character set OCTETS or they go that way too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Protocol

import numpy as np
import numpy.typing as npt
from firebird.driver.fbapi import OCTETS
from firebird.driver.interfaces import iResultSet
from firebird.driver.types import SQLDataType, StateResult

from connectors.school.columns import Column, nulls
from mappings.raw import NOTHING, ColumnType

_EPOCH_DAY = 40587  # 1970-01-01, counted as Firebird does from 1858-11-17
_DAY_SECONDS = 86_400
_TICKS = 10_000  # Firebird's fractions of a second
_ALIGNMENT = 8
_INTEGERS: Mapping[SQLDataType, str] = {SQLDataType.SHORT: "<i2", SQLDataType.LONG: "<i4", SQLDataType.INT64: "<i8"}
_FORMS: Mapping[ColumnType, tuple[SQLDataType, ...]] = {
    ColumnType.INTEGER: tuple(_INTEGERS),
    ColumnType.KEY: tuple(_INTEGERS),
    ColumnType.DECIMAL: (*_INTEGERS, SQLDataType.INT128),
    ColumnType.DATE: (SQLDataType.DATE,),
    ColumnType.MOMENT: (SQLDataType.TIMESTAMP,),
    ColumnType.TEXT: (SQLDataType.VARYING,),
}

_HALF_BITS = 64
_ALL_DIGITS = Context(prec=40)  # 128 bits are 39 digits

Block = npt.NDArray[np.void]


class ItemLike(Protocol):
    """What a message says of one field."""

    datatype: SQLDataType
    charset: int
    scale: int
    subtype: int
    length: int
    offset: int
    null_offset: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a row lies in its message: the rows' dtype, and how each column is read out of a block of rows."""

    dtype: np.dtype[np.void]
    readers: Mapping[str, Callable[[Block], Column]]


def layout_of(types: Mapping[str, ColumnType], items: Sequence[ItemLike | None], length: int) -> Layout | None:
    """Return the layout of a message of `length` bytes, or None where a field is of a form not read here.

    An item that is None stands for a column that the query doesn't return: it is null in every row.
    """
    fields: dict[str, tuple[str, int]] = {}
    readers: dict[str, Callable[[Block], Column]] = {}
    for (name, kind), item in zip(types.items(), items, strict=True):
        if item is None:
            readers[name] = _nulls(kind)
            continue
        if not _readable(kind, item):
            return None
        fields[f"{name}.null"] = ("<i2", item.null_offset)
        if kind is ColumnType.TEXT:
            fields[name] = ("<u2", item.offset)
            readers[name] = _texts(name, item.offset + 2)
        elif kind is ColumnType.MOMENT:
            fields |= {name: ("<i4", item.offset), f"{name}.time": ("<u4", item.offset + 4)}
            readers[name] = _moments(name)
        elif item.datatype is SQLDataType.INT128:
            fields |= {f"{name}.low": ("<u8", item.offset), name: ("<i8", item.offset + 8)}
            readers[name] = _long_decimals(name, item.scale)
        elif kind is ColumnType.DATE:
            fields[name] = ("<i4", item.offset)
            readers[name] = _dates(name)
        else:
            fields[name] = (_INTEGERS[item.datatype], item.offset)
            readers[name] = _integers(name) if kind is not ColumnType.DECIMAL else _decimals(name, item.scale)
    dtype = np.dtype(
        {
            "names": list(fields),
            "formats": [form for form, _ in fields.values()],
            "offsets": [offset for _, offset in fields.values()],
            "itemsize": -(-length // _ALIGNMENT) * _ALIGNMENT,  # rows follow each other, aligned as Firebird expects
        }
    )
    return Layout(dtype, readers)


def blocks(result: iResultSet, layout: Layout, size: int) -> Iterator[dict[str, Column]]:
    """Fetch a result set to its end and yield its rows as typed columns, `size` rows at a time.

    Raises the driver's DatabaseError. The status that Firebird reports to belongs to the thread, so all of
    a result set is to be fetched by one thread.
    """
    block = np.empty(size, layout.dtype)
    start, step = block.ctypes.data, layout.dtype.itemsize
    fetch, handle = result.vtable.fetchNext, result._as_parameter_
    failed, status = result.status.vtable.getState, result.status._as_parameter_
    more = True
    while more:
        filled = 0
        while filled < size:
            code = fetch(handle, status, start + filled * step)
            if failed(status):
                result._check()  # noqa: SLF001  raises what the status says
            if code != StateResult.OK:
                more = False
                break
            filled += 1
        if filled:
            rows = block[:filled]
            yield {name: read(rows) for name, read in layout.readers.items()}


def _readable(kind: ColumnType, item: ItemLike) -> bool:
    if item.datatype not in _FORMS[kind]:
        return False
    if kind is ColumnType.TEXT:
        return bool(item.charset == OCTETS)
    return kind is ColumnType.DECIMAL or not (item.scale or item.subtype)


def _nulls(kind: ColumnType) -> Callable[[Block], Column]:
    def read(rows: Block) -> Column:
        return nulls(kind, len(rows))

    return read


def _integers(name: str) -> Callable[[Block], Column]:
    def read(rows: Block) -> Column:
        return np.where(rows[f"{name}.null"] != 0, NOTHING, rows[name].astype(np.int64))

    return read


def _decimals(name: str, scale: int) -> Callable[[Block], Column]:
    def read(rows: Block) -> Column:
        distinct, place = np.unique(rows[name], return_inverse=True)
        numbers = np.empty(len(distinct), object)
        numbers[:] = [Decimal(number).scaleb(scale) for number in distinct.tolist()]
        result = numbers[place]
        result[rows[f"{name}.null"] != 0] = None
        return result

    return read


def _long_decimals(name: str, scale: int) -> Callable[[Block], Column]:
    def read(rows: Block) -> Column:
        result = np.empty(len(rows), object)
        halves = zip(rows[name].tolist(), rows[f"{name}.low"].tolist(), strict=True)
        result[:] = [Decimal((high << _HALF_BITS) + low).scaleb(scale, _ALL_DIGITS) for high, low in halves]
        result[rows[f"{name}.null"] != 0] = None
        return result

    return read


def _dates(name: str) -> Callable[[Block], Column]:
    def read(rows: Block) -> Column:
        return _instants(rows[name], np.zeros(1, np.uint32), rows[f"{name}.null"])

    return read


def _moments(name: str) -> Callable[[Block], Column]:
    def read(rows: Block) -> Column:
        return _instants(rows[name], rows[f"{name}.time"], rows[f"{name}.null"])

    return read


def _instants(days: Column, ticks: Column, null: Column) -> Column:
    seconds = (days.astype(np.int64) - _EPOCH_DAY) * _DAY_SECONDS + ticks.astype(np.int64) // _TICKS
    return np.where(null != 0, np.datetime64("NaT", "s"), seconds.astype("datetime64[s]"))


def _texts(name: str, offset: int) -> Callable[[Block], Column]:
    def read(rows: Block) -> Column:
        memory = rows.view(np.uint8).data
        step = rows.dtype.itemsize
        result = np.full(len(rows), None, object)
        held = np.flatnonzero(rows[f"{name}.null"] == 0).tolist()
        for place, length in zip(held, rows[name][held].tolist(), strict=True):
            start = place * step + offset
            result[place] = bytes(memory[start : start + length])
        return result

    return read
