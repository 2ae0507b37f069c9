"""A table out of a CSV or an XLSX, as cells, and what in it has no value that a program could read.

Rules. A CSV is UTF-8 with or without BOM, `;` between fields. Of an XLSX the first sheet is read. A formula, an error
value and merged cells are told, never guessed: what a person sees there is not what stands in the file. A file that
unpacks to more than a register could be is not opened.
Deliberately not here: what the columns mean (`consent_registry.register.file`).
"""

import csv
import io
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from journal.wording import Wording

LARGEST_UNPACKED = 100 * 2**20
"""Bytes that an XLSX may unpack to."""

_FORMULA = Wording(
    "в ячейке формула или ошибка: замените её значением (в Excel: «Специальная вставка», «Значения»)",
    "the cell holds a formula or an error: put its value there (Excel: Paste Special, Values)",
)
_MERGED = Wording("ячейки {cells} объединены: разъедините их", "the cells {cells} are merged: unmerge them")


class CellProblem(NamedTuple):
    """What is wrong in a line (the header is 1); `column` by its header, empty: the line as a whole."""

    line: int
    column: str
    expected: Wording


@dataclass(frozen=True, slots=True)
class Table:
    """The lines' cells, the header first. Personal data."""

    lines: Sequence[Sequence[object]]
    problems: Sequence[CellProblem] = ()


def read_table(content: bytes, *, xlsx: bool) -> Table | None:
    """Return the table, or None where the bytes are none."""
    try:
        return _sheet(content) if xlsx else _text(content)
    except (UnicodeDecodeError, csv.Error, BadZipFile, InvalidFileException, KeyError, ValueError, IndexError):
        return None


def _text(content: bytes) -> Table:
    return Table(list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";", strict=True)))


def _sheet(content: bytes) -> Table | None:
    with ZipFile(io.BytesIO(content)) as packed:
        if sum(member.file_size for member in packed.infolist()) > LARGEST_UNPACKED:
            return None
    with closing(openpyxl.load_workbook(io.BytesIO(content))) as book:
        sheet = book.worksheets[0]
        merged = [
            CellProblem(cells.min_row, "", _MERGED.filled(cells=cells.coord)) for cells in sheet.merged_cells.ranges
        ]
        cells = [tuple(line) for line in sheet.iter_rows()]
    header = ["" if cell.value is None else str(cell.value) for cell in next(iter(cells), ())]
    unread = [
        CellProblem(number, column, _FORMULA)
        for number, line in enumerate(cells, 1)
        for column, cell in zip(header, line, strict=True)
        if cell.data_type in {"f", "e"}
    ]
    return Table([tuple(cell.value for cell in line) for line in cells], [*merged, *unread])
