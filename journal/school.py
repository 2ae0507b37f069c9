"""What was read from one school's journal in one snapshot: records, rows set aside, warnings, roster.

Rules. A row of the school's database ends in exactly one of `records` and `set_aside`. A row that was set
aside is not a deleted row. The roster holds every student of the school's database, so that "not in the
roster" means "unknown to the school". Frames are declared in `journal.frames`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from journal.frames import FINDINGS, empty_frame
from journal.window import Window, school_year

__all__ = [
    "Enrolment", "Place", "RosterEntry", "SchoolLessons", "SchoolReading", "StudentIdentity", "Window", "school_year",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One stay of a student in a class; `last` is the last day, None while enrolled."""

    first: date
    last: date | None
    class_name: str

    def covers(self, day: date) -> bool:
        """Tell whether the student was enrolled on `day`."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A student as the school knows them. Birth date is personal data: never in a log line."""

    student_key: str
    birth_date: date | None
    enrolments: tuple[Enrolment, ...] = ()

    def classes_on(self, day: date) -> tuple[str, ...]:
        """Return the classes in which the student is enrolled on `day`; empty: not enrolled."""
        return tuple(e.class_name for e in self.enrolments if e.covers(day))


@dataclass(frozen=True, slots=True)
class StudentIdentity:
    """A student's name and birth date, read only to match applications. Personal data: never in a log line."""

    student_key: str
    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date | None
    class_name: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a school a journal stands: its class and its teacher, by the school's own key; None where unknown."""

    class_name: str | None = None
    teacher: str | None = None


@dataclass(frozen=True, slots=True)
class SchoolLessons:
    """A school's lessons, a row each, and whether its system keeps when a lesson was filled in (`known`).

    Columns: `date`, `filled_at`, `filled_on` (datetime64[s], local), `cancelled`, `unclear` (bool). Where it is told
    whose a lesson is, besides: `lesson`, `journal` (keys), `number` (Int64), `class_name`, `subject`, `teacher` (texts,
    null where there is none).
    """

    rows: pd.DataFrame = field(repr=False)
    known: bool


@dataclass(frozen=True, slots=True)
class SchoolReading:
    """Everything that one run read of one school's journal."""

    school: str
    window: Window
    records: pd.DataFrame = field(repr=False)
    set_aside: pd.DataFrame = field(repr=False)
    warnings: pd.DataFrame = field(repr=False)
    roster: Mapping[str, RosterEntry] = field(repr=False)
    record_journals: pd.Series | None = field(default=None, repr=False)
    """The key of the journal that each of `records` stands in, where that is known; so for `set_aside`."""
    aside_journals: pd.Series | None = field(default=None, repr=False)
    aside_days: pd.Series | None = field(default=None, repr=False)
    """The day of each of `set_aside`."""
    findings: pd.DataFrame = field(default_factory=lambda: empty_frame(FINDINGS), repr=False)
    """What is wrong or odd: each of `set_aside` and `warnings`, and of the students, with its place."""
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)
    """The school's journals by their keys, also those that were not read."""
    only: frozenset[str] | None = None
    """The journals that were read, by their keys; None: all."""
    lessons: SchoolLessons | None = field(default=None, repr=False)
    """The lessons of all journals, also of those that were not read."""

    @property
    def rows_read(self) -> int:
        """The number of journal rows read: each became a record or was set aside."""
        return len(self.records) + len(self.set_aside)
