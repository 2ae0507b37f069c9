"""The marks of quarters, half-years, the year, exams, and the final ones.

Rules. A class has the periods of its parallel: quarters up to the 9th year, half-years after it, exams and
final marks in the 9th and 11th. Marks are there for every period that is over, and for a few students of
one that runs on: teachers are early, and a mark dated in the future has to wait.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from statistics import fmean

from sandbox.school import curriculum
from sandbox.school.population import Group, Population, Stay
from sandbox.school.tables import JournalRow, PeriodMarkRow, PeriodRow, Tables

QUARTER, HALF_YEAR, YEAR, EXAM, FINAL = 1, 2, 3, 4, 5
NOT_ASSESSED = 421

_BY_AVERAGE = ((4.5, 405), (3.5, 404), (2.5, 403), (0.0, 402))
_NEUTRAL = 4.0
_EXAM_JOURNALS = 2
_EARLY_STUDENTS = 2


class Reporting:
    """Writes period marks into `tables` from the marks that stand there."""

    def __init__(self, rng: random.Random, tables: Tables, population: Population, today: date) -> None:
        self._rng = rng
        self._tables = tables
        self._today = today
        self._stays: dict[tuple[int, Group], list[Stay]] = {}
        for stay in population.stays:
            self._stays.setdefault((stay.year, stay.group), []).append(stay)
        self._averages = _averages(tables)

    def report(self, classes: dict[tuple[int, Group], int]) -> None:
        """Write the period marks of every class in every year."""
        journals: dict[int, list[JournalRow]] = {}
        for journal in self._tables.journals:
            journals.setdefault(journal.class_id, []).append(journal)
        for period in self._tables.periods:
            early = period.date_from <= self._today < period.date_to
            for (year, group), class_id in classes.items():
                parallel = group.parallel(year)
                if year != period.school_year or not has_period(parallel, period.kind):
                    continue
                meant = journals[class_id][:_EXAM_JOURNALS] if period.kind == EXAM else journals[class_id]
                if period.date_to <= self._today:
                    self._close(period, meant, self._stays[year, group])
                elif early and period.kind in (QUARTER, HALF_YEAR):
                    self._close(period, meant[:1], self._stays[year, group][:_EARLY_STUDENTS])
                    early = False

    def _close(self, period: PeriodRow, journals: Sequence[JournalRow], stays: Sequence[Stay]) -> None:
        day = min(period.date_to - timedelta(days=self._rng.randrange(4)), self._today)
        marks = self._tables.period_marks
        for journal in journals:
            at = datetime.combine(day, time(15, self._rng.randrange(60)))
            for stay in _last_stays(stays, period):
                if journal.subgroup in (None, stay.student.subgroup):
                    kind = self._mark_type(journal.id, stay.student.id)
                    marks.append(PeriodMarkRow(len(marks) + 1, journal.id, period.id, stay.student.id, kind, at))

    def _mark_type(self, journal_id: int, student_id: int) -> int:
        if self._rng.random() < 0.01:  # noqa: PLR2004  one in a hundred is not assessed
            return NOT_ASSESSED
        average = self._averages.get((journal_id, student_id), _NEUTRAL) + self._rng.uniform(-0.3, 0.3)
        return next(mark_type for least, mark_type in _BY_AVERAGE if average >= least)


def has_period(parallel: int, kind: int) -> bool:
    """Tell whether a class of `parallel` gets marks for a period of `kind`."""
    if parallel < curriculum.FIRST_PARALLEL_WITH_MARKS:
        return False
    halves = parallel >= curriculum.FIRST_PARALLEL_WITH_HALF_YEARS
    if kind in (QUARTER, HALF_YEAR):
        return halves == (kind == HALF_YEAR)
    return kind == YEAR or (kind in (EXAM, FINAL) and parallel in curriculum.PARALLELS_WITH_EXAMS)


def _last_stays(stays: Sequence[Stay], period: PeriodRow) -> Iterator[Stay]:
    """Yield the stays that reach into the period's end: who left before it gets no mark here."""
    return (stay for stay in stays if stay.first <= period.date_to and (not stay.last or stay.last >= period.date_to))


def _averages(tables: Tables) -> dict[tuple[int, int], float]:
    given: dict[tuple[int, int], list[int]] = {}
    for mark in tables.marks:
        if 401 <= mark.type_id <= 405:  # noqa: PLR2004  the marks 1 to 5
            lesson = tables.lessons[tables.controls[mark.control_id - 1].lesson_id - 1]
            given.setdefault((lesson.journal_id, mark.student_id), []).append(mark.type_id - 400)
    return {key: fmean(values) for key, values in given.items()}
