"""What teachers write into the journal in a year: lessons, controls, marks, absences, remarks.

Rules. Everything here is clean: `dirt` spoils it afterwards. Rows come in the order of time, so ids grow
with it, as in a live database. Lessons after `today` are planned and empty; some of the last days' lessons
are not filled in yet, and an unfilled lesson has no marks. About six marks a student a week.
Deliberately not here: a timetable without clashes of teachers or rooms; nothing of the bridge reads it.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sandbox.school import curriculum, terms
from sandbox.school.population import Group, Population, Stay, Student
from sandbox.school.tables import AbsenceRow, ControlRow, JournalRow, LessonRow, MarkRow, Tables

ABSENT, ILL, LATE, REMARK = 501, 502, 503, 601
PASSED, NOT_PASSED, EXEMPT = 411, 412, 422

# By skill: how often the marks 1 to 5 are given.
_MARKS = (401, 402, 403, 404, 405)
_MARK_WEIGHTS = ((2, 16, 46, 29, 7), (0, 5, 25, 45, 25), (0, 1, 7, 37, 55))

_SIMPLE_WORK, _HOMEWORK, _TEST, _OWN_WORK, _DICTATION = 1, 2, 3, 4, 5
# How often a lesson has such a control, and what share of the class gets a mark for it.
_CONTROLS = ((_SIMPLE_WORK, 0.52, 0.26), (_HOMEWORK, 0.16, 0.26), (_OWN_WORK, 0.09, 0.62), (_TEST, 0.055, 0.92))
_WEIGHTS = {
    _SIMPLE_WORK: Decimal("1.00"),
    _HOMEWORK: None,
    _TEST: Decimal("2.00"),
    _OWN_WORK: Decimal("1.50"),
    _DICTATION: Decimal("1.75"),
}

_THEMES = (
    "Повторение изученного",
    "Новый материал",
    "Решение задач",
    "Закрепление",
    "Практическая работа № 3",
    "Обобщающий урок",
)
NOTES = (
    "Молодец!",
    "Работа над ошибками",
    "Не сдал тетрадь",
    "Пересдача до пятницы",
    " Активно работал на уроке ",
    "Вопросы 1–5: «верно»; 6 < 7 & 8 > 5 — неверно",
    "Решение с ошибкой в знаке.\r\nСм. с. 45, № 12",
    "Ответ неполный (нет вывода) \"см. правило\" и 'пример'",
)

# How often it happens, as a share of lessons, students or marks.
_FALLS_ILL = 0.008
_CANCELLED = 0.01
_HOMEWORK_SET = 0.7
_FORGOTTEN = 0.01
_NOT_YET_FILLED = 0.35
_FILLED_LATER = 0.08
_CHANGED_LATER = 0.03
_NOTED = 0.04
_EXEMPT_FROM_SPORT = 0.05
# Cumulative: below the first share the first, and so on.
_AWAY = ((0.008, ABSENT), (0.015, LATE), (0.016, REMARK))
_WITHOUT_FIGURE = ((0.016, PASSED), (0.02, NOT_PASSED), (0.023, REMARK))

_DAYS_TO_FILL_IN = 3
_LESSON_MINUTES = 55
_FIRST_BELL = time(8, 30)
_DAY_END = time(20, 0)


class Teaching:
    """Writes the lessons of the given days into `tables`, whose journals it finds by class and subject."""

    def __init__(self, rng: random.Random, tables: Tables, population: Population, today: date) -> None:
        self._rng = rng
        self._tables = tables
        self._today = today
        self._stays: dict[tuple[int, Group], list[Stay]] = {}
        for stay in population.stays:
            self._stays.setdefault((stay.year, stay.group), []).append(stay)
        self._subjects = {row.id: row.name for row in tables.subjects}
        self._timetables: dict[int, dict[tuple[int, int], list[JournalRow]]] = {}
        self._ill: dict[int, date] = {}

    def teach(self, days: Sequence[date], classes: dict[tuple[int, Group], int]) -> None:
        """Write the lessons of `days`; `classes` gives the class id of each group in each year."""
        for (year, group), class_id in classes.items():
            self._timetables[class_id] = self._timetable(class_id, group.parallel(year))
        for day in days:
            year = terms.school_year(day)
            for (class_year, group), class_id in classes.items():
                if class_year == year:
                    self._teach_day(day, group, class_id)

    def _timetable(self, class_id: int, parallel: int) -> dict[tuple[int, int], list[JournalRow]]:
        """Return which journals meet at which weekday and lesson number; subgroups of a course meet together."""
        rng = self._rng
        by_subject: dict[int, list[JournalRow]] = {}
        for journal in self._tables.journals:
            if journal.class_id == class_id:
                by_subject.setdefault(journal.subject_id, []).append(journal)
        hours = {course.subject: course.hours for course in curriculum.courses(parallel)}
        units = [
            journals
            for subject_id, journals in by_subject.items()
            for _ in range(hours.get(str(self._subjects[subject_id]), 1))
        ]
        rng.shuffle(units)
        weekdays = 6 if parallel >= curriculum.FIRST_PARALLEL_WITH_SATURDAY else 5
        return {(place % weekdays, 1 + place // weekdays): journals for place, journals in enumerate(units)}

    def _teach_day(self, day: date, group: Group, class_id: int) -> None:
        stays = self._stays[terms.school_year(day), group]
        here = [stay.student for stay in stays if stay.covers(day)]
        if day <= self._today:
            self._fall_ill(day, here)
        halves = {half: [one for one in here if one.subgroup == half] for half in (1, 2)}
        timetable = self._timetables[class_id]
        for number in range(1, 9):
            for journal in timetable.get((day.weekday(), number), ()):
                members = here if journal.subgroup is None else halves[journal.subgroup]
                self._lesson(day, number, journal, members)

    def _fall_ill(self, day: date, here: list[Student]) -> None:
        rng = self._rng
        for one in here:
            if rng.random() < _FALLS_ILL:
                self._ill[one.id] = day + timedelta(days=rng.randrange(2, 7))

    def _lesson(self, day: date, number: int, journal: JournalRow, members: list[Student]) -> None:
        rng = self._rng
        lessons = self._tables.lessons
        lesson_id = len(lessons) + 1
        theme = f"{rng.choice(_THEMES)}, урок {lesson_id % 68 + 1}"
        cancelled = rng.random() < _CANCELLED
        filled_at = None if cancelled else self._filled_at(day, number)
        set_homework = filled_at and rng.random() < _HOMEWORK_SET
        homework = f"§ {lesson_id % 60 + 1}, № {lesson_id % 400 + 1}" if set_homework else None
        lessons.append(LessonRow(lesson_id, journal.id, day, number, theme, homework, filled_at, int(cancelled)))
        if filled_at is None:
            return
        rest = list(self._absences(lesson_id, day, members, filled_at))
        subject = str(self._subjects[journal.subject_id])
        if rest and self._marked(journal):
            self._marks(lesson_id, subject, rest, filled_at)

    def _marked(self, journal: JournalRow) -> bool:
        parallel = self._tables.classes[journal.class_id - 1].parallel
        return parallel >= curriculum.FIRST_PARALLEL_WITH_MARKS

    def _filled_at(self, day: date, number: int) -> datetime | None:
        """Return when the lesson was filled in: mostly on the day, a few later, a few of the newest not yet."""
        rng = self._rng
        age = (self._today - day).days
        if age < 0 or rng.random() < (_NOT_YET_FILLED if age <= _DAYS_TO_FILL_IN else _FORGOTTEN):
            return None
        at = datetime.combine(day, _FIRST_BELL) + timedelta(
            minutes=_LESSON_MINUTES * number + rng.randrange(40), seconds=rng.randrange(60)
        )
        return self._later(at, rng.randrange(1, 72)) if rng.random() < _FILLED_LATER else at

    def _later(self, at: datetime, hours: int) -> datetime:
        """Return `at` some hours later, but not in the future."""
        newest = datetime.combine(self._today, _DAY_END)
        return max(at, min(at + timedelta(hours=hours), newest))

    def _absences(self, lesson_id: int, day: date, members: list[Student], filled_at: datetime) -> Iterator[Student]:
        """Write who was absent, late or remarked on; yield those who were there."""
        rng = self._rng
        absences = self._tables.absences
        for one in members:
            ill_until = self._ill.get(one.id)
            chance = rng.random()
            if ill_until is not None and ill_until >= day:
                kind = ILL
            elif chance < _AWAY[-1][0]:
                kind = next(kind for share, kind in _AWAY if chance < share)
            else:
                yield one
                continue
            absences.append(AbsenceRow(len(absences) + 1, lesson_id, one.id, kind, filled_at))
            if kind in (LATE, REMARK):
                yield one

    def _marks(self, lesson_id: int, subject: str, present: list[Student], filled_at: datetime) -> None:
        rng = self._rng
        tables = self._tables
        for control_type, often, share in _CONTROLS:
            if rng.random() >= often:
                continue
            kind = _DICTATION if control_type == _TEST and subject == curriculum.RUSSIAN else control_type
            control_id = len(tables.controls) + 1
            tables.controls.append(ControlRow(control_id, lesson_id, kind, _WEIGHTS[kind]))
            count = min(len(present), max(1, round(len(present) * share + rng.uniform(-1, 1))))
            for one in rng.sample(present, count):
                self._mark(control_id, one, subject, filled_at)

    def _mark(self, control_id: int, one: Student, subject: str, filled_at: datetime) -> None:
        rng = self._rng
        chance = rng.random()
        mark_type = rng.choices(_MARKS, _MARK_WEIGHTS[one.skill])[0]
        if subject == curriculum.SPORT and chance < _EXEMPT_FROM_SPORT:
            mark_type = EXEMPT
        elif chance < _WITHOUT_FIGURE[-1][0]:
            mark_type = next(kind for share, kind in _WITHOUT_FIGURE if chance < share)
        note = rng.choice(NOTES) if rng.random() < _NOTED or mark_type == REMARK else None
        changed_at = self._later(filled_at, rng.randrange(24, 240)) if rng.random() < _CHANGED_LATER else filled_at
        marks = self._tables.marks
        marks.append(MarkRow(len(marks) + 1, control_id, one.id, mark_type, note, filled_at, changed_at))
