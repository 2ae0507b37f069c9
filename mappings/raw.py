"""What a profile's queries return: the raw tables, their columns and types, declared once.

Rules. A query returns its table's columns in this order, under these names. In the frames that a connector
makes of the rows, an integer is int64 with `NOTHING` for null, a date and a moment are datetime64[s] without
zone with NaT for null, a text is bytes in the profile's encoding (or str, where a database gives no
bytes) with None for null, a decimal is Decimal with None for null. The fact tables are narrow on purpose:
what a lesson, a journal or a code says stands once in its own table and is joined here, not by the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

NOTHING = int(np.iinfo(np.int64).min)
"""The integer that stands for null in a raw frame; no database's key is that small."""


class ColumnType(StrEnum):
    """How a raw column is typed; the profile's queries say nothing of types."""

    INTEGER = "integer"
    DATE = "date"
    MOMENT = "moment"
    TEXT = "text"
    DECIMAL = "decimal"


@dataclass(frozen=True, slots=True)
class RawTable:
    """One query of a profile: its name, its columns, and whether it is read within the window."""

    name: str
    columns: Mapping[str, ColumnType]
    windowed: bool = field(default=False)

    def frame(self, columns: Mapping[str, npt.NDArray[np.generic]]) -> pd.DataFrame:
        """Return the table's frame of its columns, each of exactly its type (pandas would guess that of texts)."""
        return pd.DataFrame({name: pd.Series(columns[name], dtype=DTYPES[kind]) for name, kind in self.columns.items()})

    def empty(self) -> pd.DataFrame:
        """Return the table's frame without rows."""
        return self.frame({name: np.empty(0, DTYPES[kind]) for name, kind in self.columns.items()})


DTYPES: Mapping[ColumnType, np.dtype] = {
    ColumnType.INTEGER: np.dtype("int64"),
    ColumnType.DATE: np.dtype("datetime64[s]"),
    ColumnType.MOMENT: np.dtype("datetime64[s]"),
    ColumnType.TEXT: np.dtype(object),
    ColumnType.DECIMAL: np.dtype(object),
}

_INTEGER, _DATE, _MOMENT = ColumnType.INTEGER, ColumnType.DATE, ColumnType.MOMENT
_TEXT, _DECIMAL = ColumnType.TEXT, ColumnType.DECIMAL

SCHOOL = RawTable("school", {"code": _TEXT})
STUDENTS = RawTable("students", {"id": _INTEGER, "birth_date": _DATE})
IDENTITIES = RawTable(
    "identities",
    {"id": _INTEGER, "last_name": _TEXT, "first_name": _TEXT, "middle_name": _TEXT, "birth_date": _DATE},
)
ENROLMENTS = RawTable(
    "enrolments",
    {"student_id": _INTEGER, "date_from": _DATE, "date_to": _DATE, "parallel": _INTEGER, "letter": _TEXT},
)
SUBJECTS = RawTable("subjects", {"id": _INTEGER, "name": _TEXT})
JOURNALS = RawTable("journals", {"id": _INTEGER, "subject_id": _INTEGER})
CONTROL_TYPES = RawTable("control_types", {"id": _INTEGER, "name": _TEXT})
MARK_TYPES = RawTable("mark_types", {"id": _INTEGER, "short_name": _TEXT})
PERIODS = RawTable(
    "periods",
    {"id": _INTEGER, "kind": _INTEGER, "name": _TEXT, "date_from": _DATE, "date_to": _DATE},
    windowed=True,
)
MEMBERS = RawTable(
    "members",
    {"journal_id": _INTEGER, "student_id": _INTEGER, "date_from": _DATE, "date_to": _DATE},
    windowed=True,
)
LESSONS = RawTable(
    "lessons",
    {"id": _INTEGER, "journal_id": _INTEGER, "date": _DATE, "number": _INTEGER, "cancelled": _INTEGER},
    windowed=True,
)
CONTROLS = RawTable(
    "controls",
    {"id": _INTEGER, "lesson_id": _INTEGER, "type_id": _INTEGER, "cost": _DECIMAL},
    windowed=True,
)
MARKS = RawTable(
    "marks",
    {
        "id": _INTEGER,
        "control_id": _INTEGER,
        "student_id": _INTEGER,
        "type_id": _INTEGER,
        "note": _TEXT,
        "entered_at": _MOMENT,
    },
    windowed=True,
)
ABSENCES = RawTable(
    "absences",
    {"id": _INTEGER, "lesson_id": _INTEGER, "student_id": _INTEGER, "type_id": _INTEGER, "changed_at": _MOMENT},
    windowed=True,
)
PERIOD_MARKS = RawTable(
    "period_marks",
    {
        "id": _INTEGER,
        "journal_id": _INTEGER,
        "period_id": _INTEGER,
        "student_id": _INTEGER,
        "type_id": _INTEGER,
        "changed_at": _MOMENT,
    },
    windowed=True,
)

ROSTER_TABLES: tuple[RawTable, ...] = (STUDENTS, ENROLMENTS)
JOURNAL_TABLES: tuple[RawTable, ...] = (
    *ROSTER_TABLES,
    SUBJECTS,
    JOURNALS,
    CONTROL_TYPES,
    MARK_TYPES,
    PERIODS,
    MEMBERS,
    LESSONS,
    CONTROLS,
    MARKS,
    ABSENCES,
    PERIOD_MARKS,
)
ALL_TABLES: tuple[RawTable, ...] = (SCHOOL, IDENTITIES, *JOURNAL_TABLES)

RawJournal = Mapping[str, pd.DataFrame]
"""The frames of `JOURNAL_TABLES` by name, all read in one snapshot."""
