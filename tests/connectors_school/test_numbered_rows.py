"""A Firebird school whose rows bear the number of who wrote them: what changed is found, and nothing else is read.

The property holds with the numbers and without them, for a database that was restored lately is counted by its values.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from firebird.driver import Connection, SrvRestoreFlag, connect, connect_server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.school.changes import SETTLED_DAYS, read_changes
from connectors.school.open import open_snapshot
from connectors.school.read import SchoolSource, read_school
from journal.school import SchoolReading, Window
from mappings.fingerprints import Seen
from mappings.profile import load_profile

from .conftest import fill

WINDOW, TODAY = Window(date(2026, 9, 1), date(2027, 8, 31)), date(2026, 11, 25)
PROFILE, ZONE = load_profile("paragraf"), ZoneInfo("Europe/Moscow")
AT, LATER = "2026-10-01 10:00:00", "2026-11-20 08:00:00"
JOURNALS, LESSONS, STUDENTS = (1, 2, 3), tuple(range(1, 10)), (1, 2)
LONG_AGO = datetime(2026, 1, 1)  # noqa: DTZ001  a Firebird server's own time
Edit = tuple[str, tuple[object, ...]]

numbers, lessons, students = st.integers(1, 12), st.sampled_from(LESSONS), st.sampled_from(STUDENTS)
codes, times = st.sampled_from([401, 402, 405, 421]), st.sampled_from([AT, LATER])
days = st.sampled_from(["2026-10-01", "2026-08-31", "2026-11-20"])
INTO = "UPDATE OR INSERT INTO"


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """Draw one statement of a teacher."""
    key, lesson, student, code, at = draw(numbers), draw(lessons), draw(students), draw(codes), draw(times)
    return draw(
        st.sampled_from(
            [
                (f"{INTO} MARK VALUES (?, ?, ?, ?, NULL, ?, ?) MATCHING (ID)", (key, lesson, student, code, AT, at)),
                ("DELETE FROM MARK WHERE ID = ?", (key,)),
                ("UPDATE MARK SET TYPE_ID = ?, CHANGED_AT = ? WHERE ID = ?", (code, at, key)),
                ("UPDATE MARK SET TYPE_ID = ? WHERE ID = ?", (code, key)),
                ("UPDATE MARK SET STUDENT_ID = ? WHERE ID = ?", (student, key)),
                ("UPDATE MARK SET CONTROL_ID = ? WHERE ID = ?", (lesson, key)),
                ("UPDATE LESSON SET LESSON_DATE = ? WHERE ID = ?", (draw(days), lesson)),
                ("UPDATE LESSON SET CANCELLED = ? WHERE ID = ?", (draw(st.integers(0, 1)), lesson)),
                ("UPDATE LESSON SET JOURNAL_ID = ? WHERE ID = ?", (draw(st.sampled_from(JOURNALS)), lesson)),
                ("UPDATE CONTROL SET COST = ? WHERE ID = ?", (draw(st.sampled_from([1, 2, None])), lesson)),
                (f"{INTO} ABSENCE VALUES (?, ?, ?, 501, ?) MATCHING (ID)", (key, lesson, student, at)),
                ("DELETE FROM ABSENCE WHERE ID = ?", (key,)),
                ("UPDATE PERIOD_MARK SET TYPE_ID = ? WHERE ID = ?", (code, 1 + key % 3)),
                ("DELETE FROM PERIOD_MARK WHERE ID = ?", (1 + key % 3,)),
            ]
        )
    )


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A school half of whose lessons are older than the weeks that are counted by journal in each run."""
    path = tmp_path_factory.mktemp("numbered") / "school.fdb"
    fill(
        path,
        {
            "SCHOOL": [(1, "0252", "Школа")],
            "SCHOOL_CLASS": [(1, 2026, 5, "А")],
            "STUDENT": [(n, "Ф", "И", None, "2014-03-09", None) for n in STUDENTS],
            "ENROLMENT": [(n, n, 1, "2026-09-01", None) for n in STUDENTS],
            "TEACHER": [(1, "У", "А", None)],
            "SUBJECT": [(n, f"Предмет {n}") for n in JOURNALS],
            "JOURNAL": [(n, 1, n, None, 1) for n in JOURNALS],
            "JOURNAL_MEMBER": [(j, n, "2026-09-01", None) for j in JOURNALS for n in STUDENTS],
            "LESSON": [(n, 1 + n % 3, f"2026-1{n % 2}-{11 + n}", n, None, None, None, 0) for n in LESSONS],
            "CONTROL": [(n, n, 1, "1") for n in LESSONS],
            "MARK": [(n, n, 1 + n % 2, 405, None, AT, AT) for n in range(1, 7)],
            "ABSENCE": [(n, n, 1, 501, AT) for n in range(1, 4)],
            "PERIOD": [(1, 2026, 1, "1 четверть", "2026-09-01", "2026-10-25")],
            "PERIOD_MARK": [(n, n, 1, 1, 405, AT) for n in JOURNALS],
        },
    )
    return path


@contextmanager
def teacher(path: Path) -> Iterator[Connection]:
    """Write into a school; what is written is there for all at the end."""
    connection = connect(str(path), user="SYSDBA", charset="UTF8")
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()


def write(path: Path, *run: Edit) -> None:
    with teacher(path) as connection:
        cursor = connection.cursor()
        for sql, values in run:
            cursor.execute(sql, values)
        cursor.close()


def changes(path: Path, before: Seen | None, today: date = TODAY) -> tuple[SchoolReading, Seen]:
    return read_changes(
        SchoolSource(f"file:{path}"), PROFILE, code="0252", window=WINDOW, today=today, timezone=ZONE, software="1",
        before=before,
    )  # fmt: skip


def by_journal(reading: SchoolReading) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return everything that a reading says of each row, by journal and the row's key."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    parts = ((reading.records, reading.record_journals), (reading.set_aside, reading.aside_journals))
    for frame, journals in parts:
        for journal, row in zip(journals, frame.itertuples(index=False, name=None), strict=True):
            found.setdefault(journal, {})[row[0]] = tuple(map(str, row))
    return found


@pytest.fixture(params=[LONG_AGO, None], ids=["numbered", "by-value"])
def numbered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether rows are numbered, as a database says that is there for long, or for too short a time."""
    monkeypatch.setattr("connectors.school.firebird_driver._numbered_since", lambda _connection: request.param)
    return request.param is not None


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(edits(), min_size=1, max_size=4), min_size=1, max_size=3))
def test_reading_what_changed_ends_where_reading_all_ends(school: Path, numbered: bool, runs: list[list[Edit]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(shutil.copy(school, f"{folder}/school.fdb"))
        reading, seen = changes(path, None)
        known = by_journal(reading)
        for run in runs:
            write(path, *run)
            reading, seen = changes(path, seen)
            read = by_journal(reading)
            known = read if reading.only is None else {k: v for k, v in known.items() if k not in reading.only} | read
            whole = read_school(
                SchoolSource(f"file:{path}"), PROFILE, code="0252", window=WINDOW, today=TODAY, timezone=ZONE
            )
            assert known == by_journal(whole), numbered


@pytest.mark.parametrize(
    ("sql", "journals"),
    [
        ("UPDATE MARK SET TYPE_ID = 401 WHERE ID = 1", {"2"}),
        ("UPDATE MARK SET TYPE_ID = 401 WHERE ID = 2", {"3"}),
        ("DELETE FROM MARK WHERE ID = 2", {"3"}),
        ("DELETE FROM ABSENCE WHERE ID = 2", {"3"}),
        ("UPDATE CONTROL SET COST = 2 WHERE ID = 2", {"3"}),
        ("UPDATE LESSON SET LESSON_NO = 7 WHERE ID = 2", {"3"}),
        ("UPDATE PERIOD_MARK SET TYPE_ID = 401 WHERE ID = 2", {"2"}),
        ("UPDATE LESSON SET JOURNAL_ID = 1 WHERE ID = 2", {"1", "3"}),
        ("UPDATE LESSON SET FILLED_AT = '2026-11-20 16:00:00', THEME = 'x'", set()),
    ],
)
def test_each_edit_has_its_journals_read_and_no_other(
    school: Path, tmp_path: Path, numbered: bool, sql: str, journals: set[str]
) -> None:
    path = Path(shutil.copy(school, tmp_path / "school.fdb"))
    _, seen = changes(path, None)
    write(path, (sql, ()))
    reading, after = changes(path, seen)
    assert reading.only == journals, numbered
    assert changes(path, after)[0].only == frozenset()


def test_a_comment_that_was_changed_without_a_note_of_the_time_is_found_by_the_number(
    school: Path, tmp_path: Path, numbered: bool
) -> None:
    path = Path(shutil.copy(school, tmp_path / "school.fdb"))
    _, seen = changes(path, None)
    write(path, ("UPDATE MARK SET NOTE = 'x' WHERE ID IN (1, 2)", ()))
    assert changes(path, seen)[0].only == (frozenset({"2", "3"}) if numbered else frozenset())


def test_numbers_are_relied_upon_some_days_after_a_database_was_made(school: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(school, tmp_path / "school.fdb"))
    with open_snapshot(SchoolSource(f"file:{path}"), "0252") as snapshot:
        since = snapshot.facts.numbered_since
    assert since is not None
    settled = since.date() + timedelta(days=SETTLED_DAYS)
    _, by_value = changes(path, None, settled)
    _, by_number = changes(path, None, settled + timedelta(days=1))
    assert by_value.basis != by_number.basis
    assert changes(path, None, since.date())[1].basis == by_value.basis
    assert changes(path, by_value, settled + timedelta(days=1))[0].only is None


def test_a_restored_database_is_read_whole(school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are numbered anew, so that a sum may be what it was although something changed."""
    path, backup = Path(shutil.copy(school, tmp_path / "school.fdb")), tmp_path / "school.fbk"
    monkeypatch.setattr("connectors.school.changes.SETTLED_DAYS", -100_000)
    _, seen = changes(path, None)
    assert changes(path, seen)[0].only == frozenset()
    server = connect_server("", user="SYSDBA")
    server.database.backup(database=path, backup=backup)
    server.wait()
    server.database.restore(backup=backup, database=path, flags=SrvRestoreFlag.REPLACE)
    server.wait()
    server.close()
    assert changes(path, seen)[0].only is None
