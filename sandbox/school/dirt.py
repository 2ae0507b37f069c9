"""The dirt of a live database, put into clean tables: what a bridge has to set aside, warn about, or tidy.

Rules. Each sort of dirt is a function that changes a few rows and no more; a journal of any size has at
least one row of each. Every function says what the bridge is expected to do with its rows. Null birth dates,
students of one name, and blanks in subjects are not here: they come with the people and the curriculum.
"""

import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sandbox.school.population import Population, Stay
from sandbox.school.reporting import QUARTER
from sandbox.school.tables import (
    AbsenceRow,
    ControlRow,
    JournalRow,
    LessonRow,
    MarkRow,
    MarkTypeRow,
    PeriodMarkRow,
    Tables,
    Text,
)

# Windows-1251 has no character 0x98.
BROKEN_NOTE = "Исправлено ".encode("cp1251") + b"\x98"
UNKNOWN_MARK_TYPE = 431
BROKEN_MARK_TYPE = 414
LOCAL_MARK_TYPE = 413
BROKEN_SUBJECT_LESSONS = 3

_UNUSUAL_TYPES = (
    MarkTypeRow(LOCAL_MARK_TYPE, "зачёт с отличием", " зч  + "),
    MarkTypeRow(BROKEN_MARK_TYPE, "оценка из старой программы", "ст".encode("cp1251") + b"\x98"),
    MarkTypeRow(UNKNOWN_MARK_TYPE, "проект", "пр"),
)
_ROWS_A_THOUSAND = 0.4
_TOO_HIGH_LESSON_NUMBER = 300


class Spoiler:
    """Spoils the tables of one school; the same randomness spoils the same rows."""

    def __init__(self, rng: random.Random, tables: Tables, population: Population, today: date) -> None:
        self._rng = rng
        self._tables = tables
        self._today = today
        self._count = max(2, round(len(tables.marks) * _ROWS_A_THOUSAND / 1000))
        self._group_of_class = {row.id: (row.school_year, row.school_year - row.parallel + 1) for row in tables.classes}
        self._letters = {row.id: row.letter for row in tables.classes}
        self._stays: dict[tuple[int, int, str], list[Stay]] = {}
        self._stays_of: dict[int, list[Stay]] = {}
        for stay in population.stays:
            self._stays_of.setdefault(stay.student.id, []).append(stay)
            self._stays.setdefault((stay.year, stay.group.entered, stay.group.letter), []).append(stay)

    def spoil(self, broken_subject: int) -> None:
        """Put every sort of dirt into the tables; `broken_subject` is the id of the undecodable subject."""
        self._tables.mark_types.extend(_UNUSUAL_TYPES)
        for put in (
            self._unusual_mark_types,
            self._undecodable_notes,
            self._remarks_among_absences,
            self._doubled_marks,
            self._cancelled_lessons_with_rows,
            self._marks_of_no_members,
            self._marks_of_the_gone,
            self._future_marks,
            self._odd_lesson_numbers,
            self._odd_period_marks,
        ):
            put()
        self._undecodable_subject(broken_subject)

    def _pick(self, rows: Sequence[object], count: int | None = None) -> list[int]:
        """Return the places of a few rows, or of as many as there are."""
        return self._rng.sample(range(len(rows)), min(len(rows), count or self._count))

    def _unusual_mark_types(self) -> None:
        """Unknown, and undecodable: set aside. Added by the school within 401 to 422: sent, tidied."""
        marks = self._tables.marks
        for mark_type in (UNKNOWN_MARK_TYPE, BROKEN_MARK_TYPE, LOCAL_MARK_TYPE, 501):
            for place in self._pick(marks):
                marks[place] = marks[place]._replace(type_id=mark_type)
        absences = self._tables.absences
        for place in self._pick(absences, 2):
            absences[place] = absences[place]._replace(type_id=405)

    def _undecodable_notes(self) -> None:
        """Sent without the comment, as a warning."""
        marks = self._tables.marks
        for place in self._pick(marks):
            marks[place] = marks[place]._replace(note=BROKEN_NOTE)

    def _remarks_among_absences(self) -> None:
        """Sent as remarks without a comment: the table has none."""
        absences = self._tables.absences
        for place in self._pick(absences, 2):
            absences[place] = absences[place]._replace(type_id=601)

    def _doubled_marks(self) -> None:
        """Both rows are set aside until one is gone."""
        for place in self._pick(self._tables.marks):
            twin = self._tables.marks[place]
            self._mark(twin.control_id, twin.student_id, 404, twin.entered_at)

    def _cancelled_lessons_with_rows(self) -> None:
        """Set aside while the lesson is cancelled."""
        lessons = self._tables.lessons
        for place in self._pick(self._tables.controls):
            lesson = self._tables.controls[place].lesson_id
            lessons[lesson - 1] = lessons[lesson - 1]._replace(cancelled=1)
        for place in self._pick(self._tables.absences, 2):
            lesson = self._tables.absences[place].lesson_id
            lessons[lesson - 1] = lessons[lesson - 1]._replace(cancelled=1)

    def _marks_of_no_members(self) -> None:
        """Sent, as a warning: the student is enrolled, but sits in the other subgroup's journal."""

        def in_other_half(stay: Stay, journal: JournalRow, day: date) -> bool:
            return journal.subgroup == 3 - stay.student.subgroup and stay.covers(day)

        self._foreign_marks(in_other_half)

    def _marks_of_the_gone(self) -> None:
        """Set aside: not enrolled on the lesson's day."""

        def gone(stay: Stay, journal: JournalRow, day: date) -> bool:
            was_here = stay.first < day and stay.last is not None and journal.subgroup is None
            return was_here and not any(other.covers(day) for other in self._stays_of[stay.student.id])

        self._foreign_marks(gone)

    def _stays_in(self, journal: JournalRow) -> list[Stay]:
        year, entered = self._group_of_class[journal.class_id]
        return self._stays.get((year, entered, self._letters[journal.class_id]), [])

    def _foreign_marks(self, fits: Callable[[Stay, JournalRow, date], bool]) -> None:
        """Add marks in lessons to students of the same class who `fits` says should have none there."""
        left = self._count
        for place in self._pick(self._tables.controls, len(self._tables.controls)):
            control = self._tables.controls[place]
            lesson = self._tables.lessons[control.lesson_id - 1]
            journal = self._tables.journals[lesson.journal_id - 1]
            who = next((s for s in self._stays_in(journal) if fits(s, journal, lesson.lesson_date)), None)
            if who is not None and not lesson.cancelled and lesson.filled_at:
                self._mark(control.id, who.student.id, 405, lesson.filled_at)
                left -= 1
            if not left:
                return

    def _future_marks(self) -> None:
        """Set aside until the day has come."""
        ahead = [lesson for lesson in self._tables.lessons if lesson.lesson_date > self._today]
        if not ahead:
            journal = self._tables.journals[-1]
            ahead = [self._lesson(journal.id, self._today + timedelta(days=7), 1)]
        for lesson in self._rng.sample(ahead, min(self._count, len(ahead))):
            journal = self._tables.journals[lesson.journal_id - 1]
            stays = [stay for stay in self._stays_in(journal) if stay.covers(lesson.lesson_date)]
            if stays:
                one = self._rng.choice(stays).student
                entered_at = datetime.combine(self._today, time(9))
                self._mark(self._control(lesson.id, 3), one.id, 405, entered_at)
                self._absence(lesson.id, one.id, 501, entered_at)

    def _odd_lesson_numbers(self) -> None:
        """Sent without a number: it is null, or no byte (a warning)."""
        lessons = self._tables.lessons
        for number in (None, _TOO_HIGH_LESSON_NUMBER, -1):
            for place in self._pick(self._tables.controls, 2):
                lesson = self._tables.controls[place].lesson_id
                lessons[lesson - 1] = lessons[lesson - 1]._replace(lesson_no=number)

    def _odd_period_marks(self) -> None:
        """Set aside: a period of an unknown kind, a type that is no mark, a student who came after the period."""
        tables = self._tables
        newest = max(row.school_year for row in tables.classes)
        journal = next(row for row in tables.journals if self._group_of_class[row.class_id][0] == newest)
        students = [stay.student.id for stay in self._stays_in(journal)]
        quarter = next(row for row in tables.periods if row.school_year == newest and row.kind == QUARTER)
        unknown = next(row for row in tables.periods if row.school_year == newest and row.kind > 5)  # noqa: PLR2004  contract: 1 to 5
        late = [stay.student.id for every in self._stays.values() for stay in every if stay.first > quarter.date_to]
        for period, student, kind in (
            *((unknown.id, student, 404) for student in students[:2]),
            *((quarter.id, student, 501) for student in students[2:3]),
            *((quarter.id, student, 405) for student in late[:1]),
        ):
            at = datetime.combine(self._today, time(9))
            tables.period_marks.append(
                PeriodMarkRow(len(tables.period_marks) + 1, journal.id, period, student, kind, at)
            )

    def _undecodable_subject(self, subject_id: int) -> None:
        """Set aside: the record needs its subject."""
        tables = self._tables
        journal = next(row for row in tables.journals if row.subject_id == subject_id)
        taught = sorted({lesson.lesson_date for lesson in tables.lessons if lesson.lesson_date <= self._today})
        for day in taught[-BROKEN_SUBJECT_LESSONS:]:
            lesson = self._lesson(journal.id, day, 8)
            at = datetime.combine(day, time(16))
            control = self._control(lesson.id, 1)
            stays = [stay for stay in self._stays_in(journal) if stay.covers(day)]
            for stay in stays[:5]:
                self._mark(control, stay.student.id, 405, at)

    def _lesson(self, journal_id: int, day: date, number: int) -> LessonRow:
        lessons = self._tables.lessons
        filled_at = datetime.combine(day, time(16)) if day <= self._today else None
        lessons.append(LessonRow(len(lessons) + 1, journal_id, day, number, None, None, filled_at, 0))
        return lessons[-1]

    def _control(self, lesson_id: int, control_type: int) -> int:
        controls = self._tables.controls
        controls.append(ControlRow(len(controls) + 1, lesson_id, control_type, Decimal("1.00")))
        return controls[-1].id

    def _mark(self, control_id: int, student_id: int, kind: int, at: datetime, note: Text | None = None) -> None:
        marks = self._tables.marks
        marks.append(MarkRow(len(marks) + 1, control_id, student_id, kind, note, at, at))

    def _absence(self, lesson_id: int, student_id: int, kind: int, at: datetime) -> None:
        absences = self._tables.absences
        absences.append(AbsenceRow(len(absences) + 1, lesson_id, student_id, kind, at))
