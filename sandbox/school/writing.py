"""Puts a made-up school together and writes it to a file."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from journal.wording import BridgeError, Wording
from sandbox.school import curriculum, database, terms
from sandbox.school.dirt import Spoiler
from sandbox.school.names import SURNAMES, grown_up
from sandbox.school.population import Group, Population, Stay, make_population
from sandbox.school.reporting import Reporting
from sandbox.school.tables import (
    ClassRow,
    EnrolmentRow,
    JournalRow,
    MemberRow,
    PeriodRow,
    SchoolRow,
    StudentRow,
    SubjectRow,
    Tables,
    TeacherRow,
)
from sandbox.school.teaching import Teaching

FEWEST_STUDENTS = 9
MOST_STUDENTS = 3_000
MOST_WEEKS = 60

_STUDENTS_A_TEACHER = 14
_FEWEST_TEACHERS = 5

_BAD_SIZE = Wording(
    ru="Учеников должно быть от {fewest} до {most}, недель от 1 до {weeks}.",
    en="There have to be {fewest} to {most} students and 1 to {weeks} weeks.",
)


@dataclass(frozen=True, slots=True)
class SchoolSummary:
    """What was written: rows by table, and the first and last day with lessons."""

    path: Path
    code: str
    first_day: date
    last_day: date
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of rows in all tables."""
        return sum(self.counts.values())


def make_school(
    *, code: str, name: str, students: int, weeks: int, seed: int, first_day: date | None, today: date
) -> Tables:
    """Return the rows of a whole school: `students` in the newest school year, `weeks` weeks of lessons.

    Pure: the same arguments give the same rows. Without `first_day` the weeks end with the week of `today`.
    Raises BridgeError `sandbox-school-size`.
    """
    if not FEWEST_STUDENTS <= students <= MOST_STUDENTS or not 1 <= weeks <= MOST_WEEKS:
        limits: dict[str, object] = {"fewest": FEWEST_STUDENTS, "most": MOST_STUDENTS, "weeks": MOST_WEEKS}
        raise BridgeError("sandbox-school-size", _BAD_SIZE, limits)
    rng = random.Random(f"{code}/{seed}")
    days = terms.covered_days(first_day, weeks, today)
    population = make_population(rng, students=students, days=days, today=today)
    years = sorted({terms.school_year(day) for day in days})
    tables = Tables(schools=[SchoolRow(1, code, name)])
    classes = _classes(tables, population, years)
    _people(rng, tables, population, classes)
    broken_subject = _subjects(tables)
    _journals(rng, tables, population, classes)
    _broken_journal(tables, population, classes, broken_subject)
    for year in years:
        for term in terms.terms(year):
            tables.periods.append(PeriodRow(len(tables.periods) + 1, year, term.kind, term.name, term.first, term.last))
    Teaching(rng, tables, population, today).teach(days, classes)
    Reporting(rng, tables, population, today).report(classes)
    Spoiler(rng, tables, population, today).spoil(broken_subject)
    return tables


def write_school(
    path: Path,
    *,
    code: str,
    name: str,
    students: int,
    weeks: int,
    seed: int,
    first_day: date | None,
    today: date,
    progress: database.Progress | None = None,
) -> SchoolSummary:
    """Write a made-up school as a new Firebird database at `path`; `progress` gets rows done and rows in all.

    Raises BridgeError `sandbox-school-size` or `sandbox-file-exists`.
    """
    tables = make_school(
        code=code, name=name, students=students, weeks=weeks, seed=seed, first_day=first_day, today=today
    )
    database.create(path, tables, progress)
    days = [lesson.lesson_date for lesson in tables.lessons]
    return SchoolSummary(path, code, min(days), max(days), database.counts(tables))


def _classes(tables: Tables, population: Population, years: Sequence[int]) -> dict[tuple[int, Group], int]:
    classes: dict[tuple[int, Group], int] = {}
    for year in years:
        for group in population.groups(year):
            row = ClassRow(len(tables.classes) + 1, year, group.parallel(year), group.letter)
            tables.classes.append(row)
            classes[year, group] = row.id
    return classes


def _people(
    rng: random.Random, tables: Tables, population: Population, classes: Mapping[tuple[int, Group], int]
) -> None:
    for one in population.students:
        file_no = f"{one.name.last[0]}-{one.id}"
        tables.students.append(StudentRow(one.id, *one.name, one.birth_date, file_no))
    for stay in population.stays:
        class_id = classes[stay.year, stay.group]
        tables.enrolments.append(
            EnrolmentRow(len(tables.enrolments) + 1, stay.student.id, class_id, stay.first, stay.last)
        )
    teachers = max(_FEWEST_TEACHERS, len(population.students) // _STUDENTS_A_TEACHER)
    for number in range(1, teachers + 1):
        name = grown_up(rng, rng.choice(SURNAMES), female=rng.random() < 0.85)  # noqa: PLR2004  most are women
        tables.teachers.append(TeacherRow(number, *name))


def _subjects(tables: Tables) -> int:
    """Write the subjects; return the id of the undecodable one."""
    names: tuple[str | bytes, ...] = (*curriculum.subjects(), curriculum.BROKEN_SUBJECT)
    tables.subjects.extend(SubjectRow(number, name) for number, name in enumerate(names, 1))
    return len(names)


def _journals(
    rng: random.Random, tables: Tables, population: Population, classes: Mapping[tuple[int, Group], int]
) -> None:
    subject_ids = {row.name: row.id for row in tables.subjects}
    for (year, group), class_id in classes.items():
        stays = [stay for stay in population.stays if (stay.year, stay.group) == (year, group)]
        for course in curriculum.courses(group.parallel(year)):
            for subgroup in (1, 2) if course.split else (None,):
                teacher = 1 + rng.randrange(len(tables.teachers))
                row = JournalRow(len(tables.journals) + 1, class_id, subject_ids[course.subject], subgroup, teacher)
                tables.journals.append(row)
                tables.members.extend(_members(row, stays))


def _broken_journal(
    tables: Tables, population: Population, classes: Mapping[tuple[int, Group], int], subject_id: int
) -> None:
    """Add one journal of the undecodable subject, to the newest year's last class; lessons come with the dirt."""
    (year, group), class_id = max(classes.items(), key=lambda item: item[1])
    row = JournalRow(len(tables.journals) + 1, class_id, subject_id, None, 1)
    tables.journals.append(row)
    stays = [stay for stay in population.stays if (stay.year, stay.group) == (year, group)]
    tables.members.extend(_members(row, stays))


def _members(journal: JournalRow, stays: Sequence[Stay]) -> Iterator[MemberRow]:
    for stay in stays:
        if journal.subgroup in (None, stay.student.subgroup):
            yield MemberRow(journal.id, stay.student.id, stay.first, stay.last)
