"""The same school behind SQLAlchemy (SQLite, PostgreSQL) and ODBC reads as it does from Firebird."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psycopg
import pyodbc
import pytest
from fakes.postgresql import postgresql

from connectors.school.open import open_snapshot
from connectors.school.read import SchoolSource, probe
from journal.school import SchoolReading
from journal.wording import BridgeError
from mappings.profile import Profile, Statement
from mappings.raw import MARKS, SCHOOL, SPOILT_TEXT, SUBJECTS

from .conftest import ROWS, WINDOW, statements

Read = Callable[..., SchoolReading]
SQLITE_ODBC = next((name for name in pyodbc.drivers() if "SQLITE3" in name.upper()), None)
POSTGRESQL_ODBC = next((name for name in pyodbc.drivers() if "POSTGRESQL UNICODE" in name.upper()), None)


def readable(value: object) -> object:
    """Return a value that a database of decoded text can hold: it can't hold what is no text."""
    return "\x07" if value == b"\x98" else value


def filled(execute: Callable[[str, tuple[object, ...]], object], mark: str) -> None:
    for statement in statements():
        execute(statement, ())
    for table, rows in ROWS.items():
        for row in rows:
            values = tuple(readable(value) for value in row)
            execute(f"INSERT INTO {table} VALUES ({', '.join([mark] * len(row))})", values)  # noqa: S608


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    path = tmp_path / "school.db"
    connection = sqlite3.connect(path)
    filled(connection.execute, "?")
    connection.commit()
    connection.close()
    return path


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with postgresql() as url:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            filled(connection.execute, "%s")
            connection.execute("CREATE ROLE reader LOGIN")
            connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
            connection.execute("REVOKE SELECT ON mark FROM reader")
        yield url


def assert_same(found: SchoolReading, expected: SchoolReading) -> None:
    """Compare two readings: the order of rows is each database's own."""
    for one, other in (
        (found.records, expected.records),
        (found.set_aside, expected.set_aside),
        (found.warnings, expected.warnings),
    ):
        by = list(one.columns[:1]) + (["warning"] if "warning" in one else [])
        pd.testing.assert_frame_equal(
            one.sort_values(by, ignore_index=True), other.sort_values(by, ignore_index=True), check_exact=True
        )
    assert found.roster == expected.roster


def test_sqlite_reads_as_firebird_does(sqlite_file: Path, school_file: Path, read: Read) -> None:
    assert_same(read(f"sqlite:///{sqlite_file}"), read(school_file))


def test_sqlite_is_opened_for_reading_only(sqlite_file: Path, profile: Profile) -> None:
    with open_snapshot(SchoolSource(f"sqlite:///{sqlite_file}"), "0252") as snapshot:
        assert snapshot.facts.read_only
        with pytest.raises(BridgeError, match="school-reading-failed"):
            next(snapshot._chunks(MARKS, delete_marks(profile), WINDOW, None))  # noqa: SLF001  nothing public writes
    left = sqlite3.connect(sqlite_file)
    assert left.execute("SELECT COUNT(*) FROM MARK").fetchone() == (5,)
    left.close()


def delete_marks(profile: Profile) -> Profile:
    """Return the profile with a query that writes, which loading a profile would have refused."""
    from dataclasses import replace  # noqa: PLC0415

    from mappings.profile import Query  # noqa: PLC0415

    writing = Query("marks", "DELETE FROM MARK RETURNING ID, CONTROL_ID, STUDENT_ID, TYPE_ID, NOTE, ENTERED_AT")
    return replace(profile, queries={**profile.queries, "marks": writing})


def test_a_text_that_is_no_utf8_spoils_itself_alone_in_sqlite(tmp_path: Path) -> None:
    spoilt, size = (25, 40, 41), 10
    connection = sqlite3.connect(tmp_path / "school.db")
    connection.execute("CREATE TABLE SUBJECT (ID INTEGER PRIMARY KEY, NAME TEXT)")
    connection.executemany("INSERT INTO SUBJECT VALUES (?, ?)", [(row, f"Урок {row}") for row in range(57)])
    for row in spoilt:
        connection.execute("UPDATE SUBJECT SET NAME = CAST(x'98' AS TEXT) WHERE ID = ?", (row,))
    connection.commit()
    connection.close()
    expected = [(row, SPOILT_TEXT if row in spoilt else f"Урок {row}") for row in range(57)]
    with open_snapshot(SchoolSource(f"sqlite:///{tmp_path / 'school.db'}"), "0252") as snapshot:
        for _ in range(2):  # the second time it is known
            chunks = list(snapshot.driver.chunks(SUBJECTS, Statement("SELECT ID, NAME FROM SUBJECT", ()), [], size))
            assert [len(chunk["id"]) for chunk in chunks] == [10] * 5 + [7]
            rows = [row for chunk in chunks for row in zip(chunk["id"].tolist(), chunk["name"].tolist(), strict=True)]
            assert rows == expected


def test_sqlite_reads_one_state(sqlite_file: Path, profile: Profile) -> None:
    teacher = sqlite3.connect(sqlite_file)
    teacher.execute("PRAGMA journal_mode=WAL")
    with open_snapshot(SchoolSource(f"sqlite:///{sqlite_file}"), "0252") as snapshot:
        snapshot.read(SCHOOL, profile)
        teacher.execute("DELETE FROM MARK")
        teacher.commit()
        assert len(snapshot.read(MARKS, profile, WINDOW)) == 4
    teacher.close()


def test_a_sqlite_file_that_is_not_there_is_not_made(tmp_path: Path, read: Read) -> None:
    with pytest.raises(BridgeError, match="school-unreachable"):
        read(f"sqlite:///{tmp_path}/none.db")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("sql", "item"), [("DROP TABLE ABSENCE", "ABSENCE"), ("ALTER TABLE MARK DROP COLUMN NOTE", "M.NOTE")]
)
def test_what_sqlite_misses_is_named(sqlite_file: Path, read: Read, sql: str, item: str) -> None:
    connection = sqlite3.connect(sqlite_file)
    connection.execute(sql)
    connection.close()
    with pytest.raises(BridgeError) as caught:
        read(f"sqlite:///{sqlite_file}")
    assert (caught.value.code, caught.value.parameters["item"]) == ("school-schema-differs", item)
    assert caught.value.__context__ is None


def test_postgresql_reads_as_firebird_does(postgresql_url: str, school_file: Path, read: Read) -> None:
    assert_same(read(postgresql_url), read(school_file))


def test_postgresql_reads_one_state_and_may_not_write(postgresql_url: str, profile: Profile) -> None:
    with open_snapshot(SchoolSource(postgresql_url), "0252") as snapshot:
        before = len(snapshot.read(MARKS, profile, WINDOW))
        with psycopg.connect(postgresql_url.replace("+psycopg", "")) as teacher:
            teacher.execute("UPDATE mark SET type_id = 402 WHERE id = 1")
            teacher.execute("DELETE FROM mark WHERE id = 4")
        marks = snapshot.read(MARKS, profile, WINDOW)
        assert len(marks) == before
        assert 402 not in set(marks["type_id"])
        assert snapshot.facts.read_only
        assert snapshot.driver._connection.connection.driver_connection.read_only  # noqa: SLF001
        with psycopg.connect(postgresql_url.replace("+psycopg", "")) as teacher:
            teacher.execute("INSERT INTO mark VALUES (4, 3, 1018, 403, NULL, '2026-10-20 10:00', '2026-10-20 10:00')")
            teacher.execute("UPDATE mark SET type_id = 405 WHERE id = 1")


def test_what_postgresql_forbids_is_named(postgresql_url: str, profile: Profile) -> None:
    found = probe(SchoolSource(postgresql_url.replace("bridge@", "reader@")), profile, "0252")
    assert [(problem.code, problem.parameters["item"]) for problem in found.problems] == [
        ("school-not-permitted", "MARK")
    ]


def test_a_database_without_the_tables_is_named(postgresql_url: str, read: Read) -> None:
    with pytest.raises(BridgeError) as caught:
        read(postgresql_url.replace("/postgres", "/template1"))
    assert (caught.value.code, caught.value.parameters["item"]) == ("school-schema-differs", "SCHOOL")


def test_odbc_reads_as_firebird_does(sqlite_file: Path, school_file: Path, read: Read) -> None:
    assert_same(read(f"odbc:DRIVER={{{SQLITE_ODBC}}};Database={sqlite_file}"), read(school_file))


def test_postgresql_behind_odbc_reads_as_firebird_does(postgresql_url: str, school_file: Path, read: Read) -> None:
    folder = postgresql_url.partition("host=")[2]
    source = f"odbc:DRIVER={{{POSTGRESQL_ODBC}}};Server={folder};Database=postgres;UID=bridge"
    assert_same(read(source), read(school_file))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("odbc:DRIVER={No such driver};Database=x", "school-driver-missing"),
        ("odbc:DSN=no-such-dsn", "school-driver-missing"),
        ("oracle+oracledb://reader@127.0.0.1/x", "school-driver-missing"),
        ("nonsense://reader@127.0.0.1/x", "school-driver-missing"),
        ("postgresql+psycopg://reader@127.0.0.1:1/x", "school-unreachable"),
        ("firebird+firebird://reader@127.0.0.1:1/paragraf?charset=WIN1251", "school-unreachable"),
    ],
)
def test_what_cannot_be_opened_says_why_and_no_secret(read: Read, url: str, code: str) -> None:
    with pytest.raises(BridgeError) as caught:
        read(url, "s3cret")
    assert caught.value.code == code
    assert "s3cret" not in f"{caught.value} {caught.value.parameters}"
    assert caught.value.__context__ is None
