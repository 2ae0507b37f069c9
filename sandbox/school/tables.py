"""The rows of a school's database as values, a named tuple a table, columns in the order of the contract's SQL.

`bytes` stand where a text is to be stored as it is, undecodable in Windows-1251. Times are the school's
local time without zone, as the contract's database keeps them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

Text = str | bytes
Value = int | str | bytes | date | datetime | Decimal | None


class SchoolRow(NamedTuple):
    """SCHOOL."""

    id: int
    code: str
    name: str


class ClassRow(NamedTuple):
    """SCHOOL_CLASS."""

    id: int
    school_year: int
    parallel: int
    letter: str


class StudentRow(NamedTuple):
    """STUDENT."""

    id: int
    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date | None
    personal_file_no: str | None


class EnrolmentRow(NamedTuple):
    """ENROLMENT; `date_to` is the last day, None while enrolled."""

    id: int
    student_id: int
    class_id: int
    date_from: date
    date_to: date | None


class TeacherRow(NamedTuple):
    """TEACHER."""

    id: int
    last_name: str
    first_name: str
    middle_name: str | None


class SubjectRow(NamedTuple):
    """SUBJECT."""

    id: int
    name: Text


class JournalRow(NamedTuple):
    """JOURNAL; `subgroup` is None for a whole class."""

    id: int
    class_id: int
    subject_id: int
    subgroup: int | None
    teacher_id: int


class MemberRow(NamedTuple):
    """JOURNAL_MEMBER, the one table without an id of its own."""

    journal_id: int
    student_id: int
    date_from: date
    date_to: date | None


class LessonRow(NamedTuple):
    """LESSON; `filled_at` is None until the teacher filled it in."""

    id: int
    journal_id: int
    lesson_date: date
    lesson_no: int | None
    theme: str | None
    homework: str | None
    filled_at: datetime | None
    cancelled: int


class ControlTypeRow(NamedTuple):
    """CONTROL_TYPE."""

    id: int
    name: Text


class ControlRow(NamedTuple):
    """CONTROL; `cost` is the weight."""

    id: int
    lesson_id: int
    type_id: int
    cost: Decimal | None


class MarkTypeRow(NamedTuple):
    """MARK_TYPE."""

    id: int
    name: Text
    short_name: Text


class MarkRow(NamedTuple):
    """MARK."""

    id: int
    control_id: int
    student_id: int
    type_id: int
    note: Text | None
    entered_at: datetime
    changed_at: datetime


class AbsenceRow(NamedTuple):
    """ABSENCE."""

    id: int
    lesson_id: int
    student_id: int
    type_id: int
    changed_at: datetime


class PeriodRow(NamedTuple):
    """PERIOD."""

    id: int
    school_year: int
    kind: int
    name: str
    date_from: date
    date_to: date


class PeriodMarkRow(NamedTuple):
    """PERIOD_MARK."""

    id: int
    journal_id: int
    period_id: int
    student_id: int
    type_id: int
    changed_at: datetime


@dataclass
class Tables:
    """A whole school in memory. `mark_types` holds only those added to the contract's own thirteen."""

    schools: list[SchoolRow] = field(default_factory=list)
    classes: list[ClassRow] = field(default_factory=list)
    students: list[StudentRow] = field(default_factory=list)
    enrolments: list[EnrolmentRow] = field(default_factory=list)
    teachers: list[TeacherRow] = field(default_factory=list)
    subjects: list[SubjectRow] = field(default_factory=list)
    journals: list[JournalRow] = field(default_factory=list)
    members: list[MemberRow] = field(default_factory=list)
    lessons: list[LessonRow] = field(default_factory=list)
    control_types: list[ControlTypeRow] = field(default_factory=list)
    controls: list[ControlRow] = field(default_factory=list)
    mark_types: list[MarkTypeRow] = field(default_factory=list)
    marks: list[MarkRow] = field(default_factory=list)
    absences: list[AbsenceRow] = field(default_factory=list)
    periods: list[PeriodRow] = field(default_factory=list)
    period_marks: list[PeriodMarkRow] = field(default_factory=list)

    def in_order(self) -> Iterator[tuple[str, Sequence[tuple[Value, ...]]]]:
        """Yield each table's name and rows, every table after those that it refers to."""
        yield "SCHOOL", self.schools
        yield "SCHOOL_CLASS", self.classes
        yield "STUDENT", self.students
        yield "ENROLMENT", self.enrolments
        yield "TEACHER", self.teachers
        yield "SUBJECT", self.subjects
        yield "JOURNAL", self.journals
        yield "JOURNAL_MEMBER", self.members
        yield "LESSON", self.lessons
        yield "CONTROL_TYPE", self.control_types
        yield "CONTROL", self.controls
        yield "MARK_TYPE", self.mark_types
        yield "MARK", self.marks
        yield "ABSENCE", self.absences
        yield "PERIOD", self.periods
        yield "PERIOD_MARK", self.period_marks
