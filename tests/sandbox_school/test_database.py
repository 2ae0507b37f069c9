"""A made-up school in a real Firebird file."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from journal.wording import BridgeError
from sandbox.school import SchoolSummary, database, make_school, write_school
from sandbox.school.database import literal, opened
from sandbox.school.tables import SchoolRow, Tables

TODAY = date(2026, 11, 25)


def read(path: Path, query: str) -> list[tuple[object, ...]]:
    with opened(path) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return [tuple(row) for row in cursor.fetchall()]


def test_the_file_holds_exactly_the_rows_that_were_made(written: SchoolSummary) -> None:
    made = make_school(code="0252", name="ГБОУ СОШ № 252", students=60, weeks=4, seed=1, first_day=None, today=TODAY)
    for table, rows in made.in_order():
        if table in ("SUBJECT", "MARK_TYPE", "CONTROL_TYPE", "MARK"):
            continue  # undecodable texts, and the contract's own rows: below
        assert read(written.path, f"SELECT * FROM {table}") == [tuple(row) for row in rows], table  # noqa: S608  names of ours
    marks = "SELECT ID, CONTROL_ID, STUDENT_ID, TYPE_ID, CAST(NOTE AS VARCHAR(1000) CHARACTER SET OCTETS), "
    stored = read(written.path, marks + "ENTERED_AT, CHANGED_AT FROM MARK ORDER BY ID")
    assert stored == [
        (*row[:4], row.note.encode("cp1251") if isinstance(row.note, str) else row.note, *row[5:]) for row in made.marks
    ]


def test_undecodable_texts_are_stored_byte_by_byte(written: SchoolSummary) -> None:
    stored = read(written.path, "SELECT CAST(NAME AS VARCHAR(100) CHARACTER SET OCTETS) FROM SUBJECT")
    assert sum(b"\x98" in name for (name,) in stored if isinstance(name, bytes)) == 1
    stored = read(written.path, "SELECT CAST(SHORT_NAME AS VARCHAR(16) CHARACTER SET OCTETS) FROM MARK_TYPE")
    assert sum(b"\x98" in name for (name,) in stored if isinstance(name, bytes)) == 1


def test_the_summary_counts_what_is_in_the_file(written: SchoolSummary) -> None:
    for table, count in written.counts.items():
        assert read(written.path, f"SELECT COUNT(*) FROM {table}") == [(count,)], table  # noqa: S608  names of ours
    assert written.rows == sum(written.counts.values())
    first, last = read(written.path, "SELECT MIN(LESSON_DATE), MAX(LESSON_DATE) FROM LESSON")[0]
    assert (written.first_day, written.last_day) == (first, last)


def test_the_tables_are_the_contracts(written: SchoolSummary) -> None:
    tables = {
        str(name).strip()
        for (name,) in read(written.path, "SELECT RDB$RELATION_NAME FROM RDB$RELATIONS WHERE RDB$SYSTEM_FLAG = 0")
    }
    assert tables == {name for name, _ in Tables().in_order()}
    indices = {
        str(name).strip()
        for (name,) in read(written.path, "SELECT RDB$INDEX_NAME FROM RDB$INDICES WHERE RDB$SYSTEM_FLAG = 0")
    }
    assert {"LESSON_BY_DATE", "MARK_BY_CHANGE", "MARK_BY_CONTROL"} <= indices
    assert read(written.path, "SELECT TRIM(RDB$CHARACTER_SET_NAME) FROM RDB$DATABASE") == [("WIN1251",)]
    assert read(written.path, "SELECT ID, NAME FROM CONTROL_TYPE WHERE ID = 4") == [(4, "Самостоятельная работа")]


def test_an_existing_file_is_not_overwritten(school_file: Path) -> None:
    before = school_file.stat()
    with pytest.raises(BridgeError) as refused:
        database.create(school_file, Tables())
    assert refused.value.code == "sandbox-file-exists"
    assert school_file.stat().st_mtime_ns == before.st_mtime_ns


def test_a_failure_leaves_no_file_under_the_schools_name(tmp_path: Path) -> None:
    tables = Tables(schools=[SchoolRow(1, "0252", "А"), SchoolRow(1, "0253", "Б")])
    with pytest.raises(Exception, match="PRIMARY or UNIQUE"):
        database.create(tmp_path / "school.fdb", tables)
    assert not (tmp_path / "school.fdb").exists()
    database.create(tmp_path / "school.fdb", Tables(schools=tables.schools[:1]))
    assert read(tmp_path / "school.fdb", "SELECT CODE FROM SCHOOL") == [("0252",)]


def test_progress_ends_with_all_rows(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    progress: Callable[[int, int], None] = lambda done, total: seen.append((done, total))  # noqa: E731  one line
    summary = write_school(
        tmp_path / "s.fdb",
        code="1",
        name="А",
        students=9,
        weeks=1,
        seed=1,
        first_day=None,
        today=TODAY,
        progress=progress,
    )
    assert seen[-1][0] == seen[-1][1] <= summary.rows


@pytest.mark.parametrize("content", [None, b"no database"])
def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "school.fdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BridgeError) as refused, opened(path):
        pass
    assert refused.value.code == "sandbox-school-unusable"
    assert "school.fdb" in refused.value.say("ru")


def test_another_process_can_open_the_file_afterwards(school_file: Path) -> None:
    read(school_file, "SELECT COUNT(*) FROM MARK")
    program = (
        "import sys; from pathlib import Path; from sandbox.school.database import opened\n"
        "with opened(Path(sys.argv[1])) as connection: print('opened')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(school_file)],
        capture_output=True, text=True, check=False, cwd=Path(database.__file__).parents[2],
    )  # fmt: skip
    assert done.stdout == "opened\n", done.stderr


@pytest.mark.parametrize(
    ("value", "written_as"),
    [
        (None, "NULL"),
        (7, "7"),
        (Decimal("1.50"), "1.50"),
        ("О'Хара", "'О''Хара'"),
        (b"\xe0\x98", "x'e098'"),
        (date(2026, 9, 1), "'2026-09-01'"),
        (datetime(2026, 9, 1, 8, 30), "'2026-09-01 08:30:00'"),  # noqa: DTZ001  the table's local time
    ],
)
def test_values_are_written_as_sql(value: object, written_as: str) -> None:
    assert literal(value) == written_as  # type: ignore[arg-type]  the table's types are mixed
