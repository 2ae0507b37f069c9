"""What a profile's queries return: the raw tables, their columns and types, declared once.

Rules. A query returns its table's columns under these names, in any order; an optional column may be left out.
A key is whatever names a row: a number, a text, or several columns that the query joins to one text. In the
frames that a connector makes of the rows, an integer is int64 with `NOTHING` for null, a key likewise or, where
one of its column is no number, an object column of int, str or bytes with None for null; a date and a moment are
datetime64[s] without zone with NaT for null, a text is bytes in the profile's encoding (or str, where a database
gives no bytes) with None for null, a decimal is Decimal with None for null. A field that is not of its type is
*spoilt*: `SPOILT`, `SPOILT_TIME`, `SPOILT_TEXT` or a decimal NaN stands in its place, which equals nothing real.
The fact tables are narrow on purpose: what a lesson, a journal or a code says stands once in its own table and
is joined here, not by the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.internals import create_dataframe_from_blocks  # type: ignore[import-not-found]  # not in its stubs yet

NOTHING = int(np.iinfo(np.int64).min)
"""The integer that stands for null in a raw frame; no database's key is that small."""
SPOILT = NOTHING + 1
"""The integer that stands for a field that is no integer."""
SPOILT_TIME = np.datetime64("0001-01-01", "s")
"""The day that stands for a field that is no day or moment."""


class _Spoilt(Enum):
    """The text that stands for a field that is no text."""

    SPOILT = "spoilt"


SPOILT_TEXT: Final = _Spoilt.SPOILT
"""What stands in a text column for a field that the driver itself could not decode."""


class ColumnType(StrEnum):
    """How a raw column is typed; the profile's queries say nothing of types."""

    INTEGER = "integer"
    KEY = "key"
    DATE = "date"
    MOMENT = "moment"
    TEXT = "text"
    DECIMAL = "decimal"


NUMBERS = (ColumnType.INTEGER, ColumnType.KEY)
TIMES = (ColumnType.DATE, ColumnType.MOMENT)


@dataclass(frozen=True, slots=True)
class RawTable:
    """One query of a profile: its name, its columns, whether it is read within the window, what may be left out.

    `beside` are columns that no record says anything of: a change there makes no journal worth reading again.
    """

    name: str
    columns: Mapping[str, ColumnType]
    windowed: bool = field(default=False)
    optional: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a query has to return."""
        return tuple(name for name in self.columns if name not in self.optional)

    def frame(self, columns: Mapping[str, npt.NDArray[np.generic]]) -> pd.DataFrame:
        """Return the table's frame of its columns, each of exactly its type (pandas would guess that of texts).

        The frame is made of the very arrays, where they are of their type: who gave them leaves them alone.
        """
        typed = [np.asarray(columns[name], _dtype(kind, columns[name])) for name, kind in self.columns.items()]
        frame: pd.DataFrame = create_dataframe_from_blocks(
            [(values.reshape(1, -1), np.array([place])) for place, values in enumerate(typed)],
            index=pd.RangeIndex(len(typed[0])),
            columns=_named(tuple(self.columns)),
        )
        return frame

    def empty(self) -> pd.DataFrame:
        """Return the table's frame without rows."""
        return self.frame({name: np.empty(0, DTYPES[kind]) for name, kind in self.columns.items()})


@cache
def _named(columns: tuple[str, ...]) -> "pd.Index[str]":
    return pd.Index([*columns], dtype="str")


def _dtype(kind: ColumnType, values: npt.NDArray[np.generic]) -> np.dtype:
    return values.dtype if kind is ColumnType.KEY else DTYPES[kind]


DTYPES: Mapping[ColumnType, np.dtype] = {
    ColumnType.INTEGER: np.dtype("int64"),
    ColumnType.KEY: np.dtype("int64"),
    ColumnType.DATE: np.dtype("datetime64[s]"),
    ColumnType.MOMENT: np.dtype("datetime64[s]"),
    ColumnType.TEXT: np.dtype(object),
    ColumnType.DECIMAL: np.dtype(object),
}

_INTEGER, _DATE, _MOMENT = ColumnType.INTEGER, ColumnType.DATE, ColumnType.MOMENT
_TEXT, _DECIMAL, _KEY = ColumnType.TEXT, ColumnType.DECIMAL, ColumnType.KEY

OWN_VALUE = frozenset({"sign", "points", "maximum"})
"""What a mark without a code says itself: its sign (a letter), or points of a maximum."""

WHOSE = frozenset({"class_id", "parallel", "letter", "teacher_id"})
"""Whose a journal is: its class, called as in `ENROLMENTS`, and its teacher, by the school system's own keys."""
FILLED_AT = "filled_at"
"""When a lesson was filled in, in the school's local time; null: not yet. A system that keeps no such time leaves the
column out of its query, which is not the same as a column of nulls."""

SCHOOL = RawTable("school", {"code": _TEXT})
STUDENTS = RawTable("students", {"id": _KEY, "birth_date": _DATE})
IDENTITIES = RawTable(
    "identities",
    {"id": _KEY, "last_name": _TEXT, "first_name": _TEXT, "middle_name": _TEXT, "birth_date": _DATE},
)
ENROLMENTS = RawTable(
    "enrolments",
    {"student_id": _KEY, "date_from": _DATE, "date_to": _DATE, "parallel": _INTEGER, "letter": _TEXT},
)
SUBJECTS = RawTable("subjects", {"id": _KEY, "name": _TEXT})
JOURNALS = RawTable(
    "journals",
    {
        "id": _KEY,
        "subject_id": _KEY,
        "class_id": _KEY,
        "parallel": _INTEGER,
        "letter": _TEXT,
        "teacher_id": _KEY,
    },
    optional=WHOSE,
    beside=WHOSE,
)
CONTROL_TYPES = RawTable("control_types", {"id": _KEY, "name": _TEXT})
MARK_TYPES = RawTable("mark_types", {"id": _KEY, "short_name": _TEXT})
PERIODS = RawTable(
    "periods",
    {"id": _KEY, "kind": _KEY, "name": _TEXT, "date_from": _DATE, "date_to": _DATE},
    windowed=True,
)
MEMBERS = RawTable(
    "members",
    {"journal_id": _KEY, "student_id": _KEY, "date_from": _DATE, "date_to": _DATE},
    windowed=True,
)
LESSONS = RawTable(
    "lessons",
    {
        "id": _KEY,
        "journal_id": _KEY,
        "lesson_date": _DATE,
        "lesson_no": _INTEGER,
        "cancelled": _INTEGER,
        FILLED_AT: _MOMENT,
    },
    windowed=True,
    optional=frozenset({FILLED_AT}),
    beside=frozenset({FILLED_AT}),
)
CONTROLS = RawTable(
    "controls",
    {"id": _KEY, "lesson_id": _KEY, "type_id": _KEY, "cost": _DECIMAL},
    windowed=True,
)
MARKS = RawTable(
    "marks",
    {
        "id": _KEY,
        "control_id": _KEY,
        "student_id": _KEY,
        "type_id": _KEY,
        "note": _TEXT,
        "entered_at": _MOMENT,
        "sign": _TEXT,
        "points": _DECIMAL,
        "maximum": _DECIMAL,
    },
    windowed=True,
    optional=OWN_VALUE,
)
ABSENCES = RawTable(
    "absences",
    {"id": _KEY, "lesson_id": _KEY, "student_id": _KEY, "type_id": _KEY, "changed_at": _MOMENT},
    windowed=True,
)
PERIOD_MARKS = RawTable(
    "period_marks",
    {
        "id": _KEY,
        "journal_id": _KEY,
        "period_id": _KEY,
        "student_id": _KEY,
        "type_id": _KEY,
        "changed_at": _MOMENT,
        "sign": _TEXT,
        "points": _DECIMAL,
        "maximum": _DECIMAL,
    },
    windowed=True,
    optional=OWN_VALUE,
)

FINGERPRINTS = RawTable(
    "fingerprints",
    {
        "journal_id": _KEY,
        "rows": _INTEGER,
        "newest": _MOMENT,
        "sum_of_ids": _DECIMAL,
        "sum_of_codes": _DECIMAL,
    },
    windowed=True,
    optional=frozenset({"newest"}),
)
"""One row a journal with anything in the window: what the database itself counts of it."""

TOTALS = RawTable(
    "totals",
    {"rows": _INTEGER, "sum_of_ids": _DECIMAL, "sum_of_codes": _DECIMAL},
    optional=frozenset({"sum_of_ids"}),
)
"""One row: what `FINGERPRINTS` counts, over all journals and all days in one, the window's and all others'."""

LESSON_COUNTS = RawTable(
    "lesson_counts",
    {"lesson_date": _DATE, "cancelled": _INTEGER, "filled_on": _DATE, "lessons": _INTEGER},
    windowed=True,
)
"""How many of `LESSONS` there are of each day, filled in on each day: a run that reads little needs no more of them."""

BESIDES: tuple[RawTable, ...] = (FINGERPRINTS, TOTALS, LESSON_COUNTS)
"""What spares a run reading; a profile may be without."""

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
FACT_TABLES: frozenset[str] = frozenset({MARKS.name, ABSENCES.name, PERIOD_MARKS.name})
"""The tables whose rows become records."""
ALL_TABLES: tuple[RawTable, ...] = (SCHOOL, IDENTITIES, *JOURNAL_TABLES)

KEYS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "student": (
        ("students", "id"), ("enrolments", "student_id"), ("members", "student_id"), ("marks", "student_id"),
        ("absences", "student_id"), ("period_marks", "student_id"),
    ),
    "journal": (
        ("journals", "id"), ("members", "journal_id"), ("lessons", "journal_id"), ("period_marks", "journal_id"),
    ),
    "subject": (("subjects", "id"), ("journals", "subject_id")),
    "class": (("journals", "class_id"),),
    "teacher": (("journals", "teacher_id"),),
    "lesson": (("lessons", "id"), ("controls", "lesson_id"), ("absences", "lesson_id")),
    "control": (("controls", "id"), ("marks", "control_id")),
    "work": (("control_types", "id"), ("controls", "type_id")),
    "type": (
        ("mark_types", "id"), ("marks", "type_id"), ("absences", "type_id"), ("period_marks", "type_id"),
    ),
    "period": (("periods", "id"), ("period_marks", "period_id")),
    "period-kind": (("periods", "kind"),),
}  # fmt: skip
"""Which key columns name the same things, and so are joined with each other."""

RawJournal = Mapping[str, pd.DataFrame]
"""The frames of `JOURNAL_TABLES` by name, all read in one snapshot."""
