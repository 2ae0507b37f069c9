# ruff: noqa: S608  every value in these statements is the test's own
"""Random edits in each database: its own fingerprints lead to the state that reading all ends in, by every way in.

The same edits go to Firebird, PostgreSQL, MariaDB and SQLite. In each run a way reads what
its database says has changed, and keeps the rest as it was; all of them must know the same, and what a full reading
of the database gives. An edit inserts, changes, deletes or moves; some runs' edits are undone afterwards, with every
note of the time as it was.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pyodbc
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from connectors.school.changes import read_changes
from connectors.school.read import SchoolSource
from journal.school import SchoolReading, Window
from mappings.fingerprints import Seen
from mappings.profile import load_profile
from sandbox.school import database
from sandbox.school import tables as of

from .five_ways import Way, mariadb_ways, postgresql_ways, sqlite_ways

EXAMPLES = 80 if os.environ.get("DNEVNIK_SOAK") == "1" else 2
WINDOW = Window(date(2026, 9, 1), date(2027, 8, 31))
PROFILE = load_profile("paragraf")
AT = datetime(2026, 10, 1, 10)  # noqa: DTZ001  as the table has it
JOURNALS, LESSONS, STUDENTS = (1, 2, 3), tuple(range(1, 10)), (1, 2)
EDITED = ("LESSON", "CONTROL", "MARK", "ABSENCE", "PERIOD_MARK")
"""Tables that edits touch, each after those that it refers to."""
Execute = Callable[[list[str]], None]

numbers, lessons, students = st.integers(1, 12), st.sampled_from(LESSONS), st.sampled_from(STUDENTS)
codes, journals = st.sampled_from([401, 402, 405, 421]), st.sampled_from(JOURNALS)
days = st.sampled_from(["2026-10-01", "2026-10-12", "2026-08-31", "2026-11-20"])  # of old, of late, of another year
times = st.sampled_from([f"{AT}", "2026-11-24 08:00:00"])


@st.composite
def edits(draw: st.DrawFn) -> list[str]:
    """Draw what a teacher does at once, in SQL that each of the databases takes."""
    key, lesson, student, code, at = draw(numbers), draw(lessons), draw(students), draw(codes), draw(times)
    number = draw(st.none() | st.integers(0, 8))
    number = "NULL" if number is None else number
    return draw(
        st.sampled_from(
            [
                [
                    f"DELETE FROM MARK WHERE ID = {key}",
                    f"INSERT INTO MARK VALUES ({key}, {lesson}, {student}, {code}, NULL, '{at}', '{at}')",
                ],
                [f"DELETE FROM MARK WHERE ID = {key}"],
                [f"UPDATE MARK SET TYPE_ID = {code}, CHANGED_AT = '{at}' WHERE ID = {key}"],
                [f"UPDATE MARK SET TYPE_ID = {code} WHERE ID = {key}"],
                [f"UPDATE MARK SET STUDENT_ID = {student} WHERE ID = {key}"],
                [f"UPDATE MARK SET CONTROL_ID = {lesson} WHERE ID = {key}"],
                [f"UPDATE LESSON SET LESSON_DATE = '{draw(days)}' WHERE ID = {lesson}"],
                [f"UPDATE LESSON SET CANCELLED = {draw(st.integers(0, 1))} WHERE ID = {lesson}"],
                [f"UPDATE LESSON SET LESSON_NO = {number} WHERE ID = {lesson}"],
                [f"UPDATE LESSON SET JOURNAL_ID = {draw(journals)} WHERE ID = {lesson}"],
                [f"UPDATE CONTROL SET COST = {draw(st.sampled_from(['1', '2', '1.5', 'NULL']))} WHERE ID = {lesson}"],
                [
                    f"DELETE FROM ABSENCE WHERE ID = {key}",
                    f"INSERT INTO ABSENCE VALUES ({key}, {lesson}, {student}, 501, '{at}')",
                ],
                [f"DELETE FROM ABSENCE WHERE ID = {key}"],
                [f"UPDATE ABSENCE SET TYPE_ID = 503 WHERE ID = {key}"],
                [
                    f"DELETE FROM PERIOD_MARK WHERE ID = {key}",
                    f"INSERT INTO PERIOD_MARK VALUES ({key}, {draw(journals)}, 1, {student}, {code}, '{at}')",
                ],
                [f"DELETE FROM PERIOD_MARK WHERE ID = {key}"],
                [f"UPDATE PERIOD_MARK SET TYPE_ID = {code} WHERE ID = {key}"],
                [f"UPDATE PERIOD_MARK SET JOURNAL_ID = {draw(journals)} WHERE ID = {key}"],
            ]
        )
    )


EACH_SORT = [
    ["INSERT INTO MARK VALUES (90, 2, 2, 402, NULL, '2026-11-24 08:00:00', '2026-11-24 08:00:00')"],
    ["UPDATE MARK SET TYPE_ID = 401 WHERE ID = 1", "DELETE FROM MARK WHERE ID = 2"],
    ["UPDATE MARK SET CONTROL_ID = 5 WHERE ID = 3", "UPDATE MARK SET STUDENT_ID = 2 WHERE ID = 4"],
    ["UPDATE LESSON SET LESSON_DATE = '2026-10-22' WHERE ID = 4"],
    ["UPDATE LESSON SET JOURNAL_ID = 1 WHERE ID = 5", "UPDATE CONTROL SET COST = 2.5 WHERE ID = 6"],
    ["UPDATE PERIOD_MARK SET JOURNAL_ID = 3 WHERE ID = 2"],
]
runs = st.lists(st.tuples(st.lists(edits(), min_size=1, max_size=3), st.booleans()), min_size=2, max_size=4)


def small_school() -> of.Tables:
    first = date(2026, 9, 1)
    return of.Tables(
        schools=[of.SchoolRow(1, "0252", "Школа")],
        classes=[of.ClassRow(1, 2026, 5, "А")],
        students=[of.StudentRow(n, "Ф", "И", None, date(2014, 3, 9), None) for n in STUDENTS],
        enrolments=[of.EnrolmentRow(n, n, 1, first, None) for n in STUDENTS],
        teachers=[of.TeacherRow(1, "Ф", "И", None)],
        subjects=[of.SubjectRow(n, f"Предмет {n}") for n in JOURNALS],
        journals=[of.JournalRow(n, 1, n, None, 1) for n in JOURNALS],
        members=[of.MemberRow(j, n, first, None) for j in JOURNALS for n in STUDENTS],
        lessons=[of.LessonRow(n, 1 + n % 3, date(2026, 10 + n % 2, 10 + n), n, None, None, None, 0) for n in LESSONS],
        control_types=[of.ControlTypeRow(101, "Работа")],
        controls=[of.ControlRow(n, n, 101, None) for n in LESSONS],
        marks=[of.MarkRow(n, 1 + n % 9, 1 + n % 2, 405, None, AT, AT) for n in range(1, 7)],
        absences=[of.AbsenceRow(n, n, 1, 501, AT) for n in range(1, 4)],
        periods=[of.PeriodRow(1, 2026, 1, "1 четверть", first, date(2026, 10, 25))],
        period_marks=[of.PeriodMarkRow(n, n, 1, 1, 405, AT) for n in JOURNALS],
    )


@dataclass
class Known:
    """What is known of a school by one way in, journal by journal, as a run would keep it."""

    way: Way
    seen: Seen | None = None
    facts: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    def run(self, *, full: bool = False) -> SchoolReading:
        reading, self.seen = read_changes(
            SchoolSource(self.way.url), PROFILE, code="0252", window=WINDOW, today=date(2026, 11, 25),
            timezone=ZoneInfo("Europe/Moscow"), software="test", before=None if full else self.seen,
        )  # fmt: skip
        if reading.only is None:
            self.facts.clear()
        for journal in reading.only or ():
            self.facts.pop(journal, None)
        for frame, of_rows in ((reading.records, reading.record_journals), (reading.set_aside, reading.aside_journals)):
            for journal, row in zip(of_rows, frame.itertuples(index=False), strict=True):
                self.facts.setdefault(journal, {})[row[0]] = tuple(map(str, row))
        return reading


@dataclass
class Databases:
    """The databases, and what a teacher writes into all of them."""

    ways: dict[str, Way]
    execute: list[Execute]

    def write(self, statements: list[str]) -> None:
        for execute in self.execute:
            execute(statements)

    def content(self) -> list[str]:
        """Return the statements that bring all that is ever edited back to what it is now."""
        put_back = [f"DELETE FROM {table}" for table in reversed(EDITED)]
        with closing(sqlite3.connect(self.ways["sqlite"].url.removeprefix("sqlite:///"))) as there:
            for table in EDITED:
                for row in there.execute(f"SELECT * FROM {table}"):
                    values = ", ".join("NULL" if value is None else f"'{value}'" for value in row)
                    put_back.append(f"INSERT INTO {table} VALUES ({values})")
        return put_back


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    folder, tables = tmp_path_factory.mktemp("edited"), small_school()
    database.create(folder / "school.fdb", tables)
    with postgresql_ways(tables) as of_postgresql, mariadb_ways(tables) as of_mariadb:
        ways = {"firebird": Way(f"file:{folder}/school.fdb"), **of_postgresql, **of_mariadb}
        ways |= sqlite_ways(folder, tables)
        yield Databases(
            ways,
            [
                firebird(folder / "school.fdb"),
                through(lambda: psycopg.connect(ways["postgresql"].url.replace("+psycopg", ""))),
                through(lambda: pyodbc.connect(ways["mariadb-odbc"].url.removeprefix("odbc:"))),
                through(lambda: sqlite3.connect(folder / "school.db")),
            ],
        )


def firebird(file: Path) -> Execute:
    def execute(statements: list[str]) -> None:
        with database.opened(file) as teacher:
            for statement in statements:
                teacher.execute_immediate(statement)
            teacher.commit()

    return execute


def through(opened: Callable) -> Execute:
    def execute(statements: list[str]) -> None:
        with closing(opened()) as teacher:
            for statement in statements:
                teacher.execute(statement)
            teacher.commit()

    return execute


@pytest.mark.timeout(900)
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES < 10, phases=set(Phase) - {Phase.explain},
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@example([([edits], number % 3 == 0) for number, edits in enumerate(EACH_SORT)])
@given(runs)
def test_each_databases_fingerprints_end_where_reading_all_ends(databases: Databases, runs: list) -> None:
    beginning = databases.content()
    known = {name: Known(way) for name, way in databases.ways.items()}
    try:
        agree(known, full=True)
        for statements, undone in runs:
            before = databases.content()
            databases.write([one for edit in statements for one in edit])
            agree(known)
            if undone:
                databases.write(before)
                agree(known)
        agree({name: Known(one.way) for name, one in known.items()}, full=True)
    finally:
        databases.write(beginning)


def agree(known: dict[str, Known], *, full: bool = False) -> None:
    """Let each way read what changed (or all), and hold what all of them know against a full reading."""
    read = {name: one.run(full=full).only for name, one in known.items()}
    whole = Known(known["firebird"].way)
    whole.run(full=True)
    assert [name for name, one in known.items() if one.facts != whole.facts] == []
    assert full or None not in read.values()
    assert len(set(read.values())) == 1
