"""A table as a CSV that spreadsheets open as it is meant: UTF-8 with BOM, `;` between fields, no cell a formula.

Rule. A text that a spreadsheet would take for a formula gets a sign before it that spreadsheets don't show, so the file
is for people to read; it is no form in which data come back (`consent_registry.register.export` is).
"""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Return the rows as a CSV file."""
    out = io.StringIO(newline="")
    safe = [[f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in rows]
    csv.writer(out, delimiter=";").writerows(safe)
    return out.getvalue().encode("utf-8-sig")
