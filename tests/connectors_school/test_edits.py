"""Random edits of a school: reading only the changed journals ends in the state that reading all ends in.

Edits insert, change, delete, move and undo, with and without a note of the time; the school is a real SQLite file.
What was read is kept by journal, as a run would keep it.
"""

import shutil
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.school.changes import read_changes
from connectors.school.read import SchoolSource, read_fingerprints, read_school
from journal.school import SchoolReading, Window
from mappings.fingerprints import Fingerprint, Seen, changed_journals
from mappings.profile import load_profile

from .five_ways import plain, schema

WINDOW = Window(date(2026, 9, 1), date(2027, 8, 31))
PROFILE = load_profile("paragraf")
AT = "2026-10-01 10:00:00"
JOURNALS, LESSONS, STUDENTS = (1, 2, 3), tuple(range(1, 10)), (1, 2)
Edit = Callable[[sqlite3.Connection], object]

numbers = st.integers(1, 12)
codes = st.sampled_from([401, 402, 405, 421])
days = st.sampled_from(["2026-10-01", "2026-10-02", "2026-08-31", "2026-11-02"])
times = st.sampled_from([AT, "2026-10-02 08:00:00"])


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, tuple[object, ...]]:
    """Draw one statement of a teacher."""
    key, lesson, student = draw(numbers), draw(st.sampled_from(LESSONS)), draw(st.sampled_from(STUDENTS))
    code, at = draw(codes), draw(times)
    return draw(
        st.sampled_from(
            [
                ("INSERT OR IGNORE INTO MARK VALUES (?, ?, ?, ?, NULL, ?, ?)", (key, lesson, student, code, at, at)),
                ("DELETE FROM MARK WHERE ID = ?", (key,)),
                ("UPDATE MARK SET TYPE_ID = ?, CHANGED_AT = ? WHERE ID = ?", (code, at, key)),
                ("UPDATE MARK SET TYPE_ID = ? WHERE ID = ?", (code, key)),
                ("UPDATE MARK SET STUDENT_ID = ? WHERE ID = ?", (student, key)),
                ("UPDATE MARK SET CONTROL_ID = ? WHERE ID = ?", (lesson, key)),
                ("UPDATE LESSON SET LESSON_DATE = ? WHERE ID = ?", (draw(days), lesson)),
                ("UPDATE LESSON SET CANCELLED = ? WHERE ID = ?", (draw(st.integers(0, 1)), lesson)),
                ("UPDATE LESSON SET LESSON_NO = ? WHERE ID = ?", (draw(st.none() | st.integers(0, 8)), lesson)),
                ("UPDATE LESSON SET JOURNAL_ID = ? WHERE ID = ?", (draw(st.sampled_from(JOURNALS)), lesson)),
                ("UPDATE CONTROL SET COST = ? WHERE ID = ?", (draw(st.sampled_from(["1", "2", "1.5", None])), lesson)),
                ("INSERT OR IGNORE INTO ABSENCE VALUES (?, ?, ?, 501, ?)", (key, lesson, student, at)),
                ("DELETE FROM ABSENCE WHERE ID = ?", (key,)),
                ("UPDATE ABSENCE SET TYPE_ID = 503 WHERE ID = ?", (key,)),
                ("INSERT OR IGNORE INTO PERIOD_MARK VALUES (?, ?, 1, ?, ?, ?)", (key, 1 + key % 3, student, code, at)),
                ("DELETE FROM PERIOD_MARK WHERE ID = ?", (key,)),
                ("UPDATE PERIOD_MARK SET TYPE_ID = ? WHERE ID = ?", (code, key)),
            ]
        )
    )


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("edits") / "school.db"
    rows: dict[str, list[tuple[object, ...]]] = {
        "SCHOOL": [(1, "0252", "Школа")],
        "SCHOOL_CLASS": [(1, 2026, 5, "А")],
        "STUDENT": [(n, "Ф", "И", None, "2014-03-09", None) for n in STUDENTS],
        "ENROLMENT": [(n, n, 1, "2026-09-01", None) for n in STUDENTS],
        "SUBJECT": [(n, f"Предмет {n}") for n in JOURNALS],
        "JOURNAL": [(n, 1, n, None, 1) for n in JOURNALS],
        "JOURNAL_MEMBER": [(j, n, "2026-09-01", None) for j in JOURNALS for n in STUDENTS],
        "LESSON": [(n, 1 + n % 3, f"2026-10-0{n}", n, None, None, None, 0) for n in LESSONS],
        "CONTROL_TYPE": [(1, "Работа")],
        "CONTROL": [(n, n, 1, "1") for n in LESSONS],
        "MARK_TYPE": [(code, "", str(code)) for code in (401, 402, 405, 421, 501, 503)],
        "MARK": [(n, 1 + n % 9, 1 + n % 2, 405, None, AT, AT) for n in range(1, 7)],
        "ABSENCE": [(n, n, 1, 501, AT) for n in range(1, 4)],
        "PERIOD": [(1, 2026, 1, "1 четверть", "2026-09-01", "2026-10-25")],
        "PERIOD_MARK": [(n, n, 1, 1, 405, AT) for n in JOURNALS],
    }
    connection = sqlite3.connect(path)
    for text in schema():
        connection.execute(text)
    for table, given_rows in rows.items():
        for row in given_rows:
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", [plain(value) for value in row])  # noqa: S608
    connection.commit()
    connection.close()
    return path


def facts(path: Path, only: frozenset[str] | None = None) -> dict[str, tuple[object, ...]]:
    """Return everything that a reading says of each row, by its key."""
    reading = read_school(
        SchoolSource(f"sqlite:///{path}"), PROFILE, code="0252", window=WINDOW, today=date(2026, 11, 25),
        timezone=ZoneInfo("Europe/Moscow"), only_journals=only,
    )  # fmt: skip
    found = {row[0]: tuple(map(str, row)) for row in reading.records.itertuples(index=False)}
    return found | {row[0]: tuple(map(str, row)) for row in reading.set_aside.itertuples(index=False)}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.lists(edits(), min_size=1, max_size=4), st.booleans()), min_size=1, max_size=4))
def test_reading_what_changed_ends_where_reading_all_ends(school: Path, runs: list[tuple[list[tuple], bool]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(shutil.copy(school, f"{folder}/school.db"))
        source = SchoolSource(f"sqlite:///{path}")
        seen = read_fingerprints(source, PROFILE, code="0252", window=WINDOW) or {}
        known = {journal: facts(path, frozenset({journal})) for journal in seen}

        def read_again() -> None:
            nonlocal seen
            now = read_fingerprints(source, PROFILE, code="0252", window=WINDOW) or {}
            for journal in changed_journals(seen, now):
                known[journal] = facts(path, frozenset({journal}))
            seen = now
            assert {key: fact for held in known.values() for key, fact in held.items()} == facts(path)

        for run, undone in runs:
            before = path.read_bytes()
            teacher = sqlite3.connect(path)
            for sql, values in run:
                teacher.execute(sql, values)
            teacher.commit()
            teacher.close()
            read_again()
            if undone:  # every note of the time as it was, too
                path.write_bytes(before)
                read_again()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE MARK SET TYPE_ID = 401 WHERE ID = 1",
        "UPDATE MARK SET STUDENT_ID = 1 WHERE ID = 1",
        "UPDATE MARK SET CONTROL_ID = 5 WHERE ID = 1",
        "UPDATE MARK SET CHANGED_AT = '2027-01-01 10:00:00' WHERE ID = 1",
        "DELETE FROM MARK WHERE ID = 1",
        "UPDATE ABSENCE SET TYPE_ID = 503 WHERE ID = 1",
        "UPDATE ABSENCE SET STUDENT_ID = 2 WHERE ID = 1",
        "UPDATE PERIOD_MARK SET TYPE_ID = 401 WHERE ID = 2",
        "UPDATE PERIOD_MARK SET STUDENT_ID = 2 WHERE ID = 2",
        "UPDATE CONTROL SET COST = 2 WHERE ID = 4",
        "UPDATE LESSON SET LESSON_DATE = '2026-10-22' WHERE ID = 1",
        "UPDATE LESSON SET LESSON_DATE = '2026-08-22' WHERE ID = 1",
        "UPDATE LESSON SET LESSON_NO = 7 WHERE ID = 1",
        "UPDATE LESSON SET LESSON_NO = NULL WHERE ID = 1",
        "UPDATE LESSON SET CANCELLED = 1 WHERE ID = 1",
        "UPDATE LESSON SET JOURNAL_ID = 3 WHERE ID = 1",
    ],
)
def test_each_edit_by_itself_is_noticed_in_its_journal(school: Path, tmp_path: Path, sql: str) -> None:
    path = Path(shutil.copy(school, tmp_path / "school.db"))

    def counted() -> dict[str, Fingerprint]:
        return read_fingerprints(SchoolSource(f"sqlite:///{path}"), PROFILE, code="0252", window=WINDOW) or {}

    before, read_before = counted(), facts(path)
    teacher = sqlite3.connect(path)
    teacher.execute(sql)
    teacher.commit()
    teacher.close()
    changed = changed_journals(before, counted())
    assert ("3" if ("MARK SET" in sql and "PERIOD" not in sql) or "FROM MARK" in sql else "2") in changed
    assert len(changed) <= 2
    if "CHANGED_AT" not in sql:
        assert facts(path) != read_before


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE LESSON SET FILLED_AT = '2026-11-20 16:00:00'",
        "UPDATE JOURNAL SET TEACHER_ID = 2",
        "UPDATE JOURNAL SET CLASS_ID = 2",
    ],
)
def test_what_no_record_says_makes_nothing_worth_reading_again(school: Path, tmp_path: Path, sql: str) -> None:
    path = Path(shutil.copy(school, tmp_path / "school.db"))

    def run(before: Seen | None) -> tuple[SchoolReading, Seen]:
        return read_changes(
            SchoolSource(f"sqlite:///{path}"), PROFILE, code="0252", window=WINDOW, today=date(2026, 11, 25),
            timezone=ZoneInfo("Europe/Moscow"), software="1", before=before,
        )  # fmt: skip

    whole, seen = run(None)
    assert whole.rows_read > 0
    teacher = sqlite3.connect(path)
    assert teacher.execute(sql).rowcount > 0
    teacher.commit()
    teacher.close()
    again, _ = run(seen)
    assert (again.only, again.rows_read) == (frozenset(), 0)


class Weekdays:
    """A school that teaches on so many days a week."""

    def __init__(self, days: int) -> None:
        self.days = days

    def knows(self, day: date) -> bool:
        return day.year == 2026

    def is_school_day(self, day: date) -> bool:
        return day.isoweekday() <= self.days


def test_another_calendar_has_all_read_and_tells_of_other_lessons(school: Path) -> None:
    def changes(days: int, before: Seen | None) -> tuple[SchoolReading, Seen]:
        return read_changes(
            SchoolSource(f"sqlite:///{school}"), PROFILE, code="0252", window=WINDOW, today=date(2026, 11, 25),
            timezone=ZoneInfo("Europe/Moscow"), software="test", before=before, school_days=Weekdays(days),
        )  # fmt: skip

    def lessons_off(reading: SchoolReading) -> set[date]:
        found = reading.findings[reading.findings["code"] == "no-school-day"]
        return {day.date() for day in found["date"]}

    six, seen = changes(6, None)
    assert lessons_off(six) == {date(2026, 10, 4)}
    assert changes(6, seen)[0].only == frozenset()
    five, _ = changes(5, seen)
    assert five.only is None
    assert lessons_off(five) == {date(2026, 10, 3), date(2026, 10, 4)}
