"""The search for canaries finds each of them, in every form, and passes over what holds them by purpose."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from canaries import CANARIES, COMMENT, STUDENT, Search, plant

from sandbox.school import write_school
from sandbox.school.database import opened


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is empty again afterwards: what is planted here is no leak of the run."""
    yield tmp_path
    for path in tmp_path.iterdir():
        path.unlink()


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-16-le", "json"])
def test_a_canary_in_a_log_is_found_in_every_form(folder: Path, canary: str, encoding: str) -> None:
    form = json.dumps(canary).encode() if encoding == "json" else canary.encode(encoding)
    (folder / "dnevnik.log").write_bytes(b"2026 " + form + b"\n")
    (folder / "other.log").write_bytes(b"nothing")
    search = Search()
    search.through(folder)
    assert [canary in leak for leak in search.leaks] == [True]
    assert search.looked == 2


def test_the_bridges_own_database_is_searched_and_the_portals_is_not(folder: Path) -> None:
    for name, table in (("bridge.db", "record"), ("portal.sqlite", "holding")):
        connection = sqlite3.connect(folder / name)
        connection.execute(f"CREATE TABLE {table} (comment TEXT)")
        connection.execute(f"INSERT INTO {table} VALUES (?)", (COMMENT,))  # noqa: S608  own names
        connection.commit()
        connection.close()
    search = Search()
    search.through(folder)
    assert [str(folder / "bridge.db") in leak for leak in search.leaks] == [True]


def test_registers_and_acts_may_name_people_and_other_tables_may_not(folder: Path) -> None:
    for name, head in (("a.csv", "school;student_last_name"), ("b.csv", "\ufeffПоле;Значение"), ("c.csv", "entry;at")):
        (folder / name).write_text(f"{head}\n{STUDENT}\n", encoding="utf-8")
    search = Search()
    search.through(folder)
    assert [leak.startswith(str(folder / "c.csv")) for leak in search.leaks] == [True]


def test_what_a_test_printed_is_looked_through() -> None:
    search = Search()
    search.in_text("a test", f"… {STUDENT} …")
    search.in_text("a test", "nothing")
    assert len(search.leaks) == 1


def test_the_school_holds_what_was_planted(folder: Path) -> None:
    school = folder / "school.fdb"
    write_school(
        school, code="0252", name="Школа", students=12, weeks=2, seed=1, first_day=None, today=date(2026, 11, 25)
    )
    plant(school)
    with opened(school) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM STUDENT WHERE LAST_NAME = ?", (STUDENT,))
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT COUNT(*) FROM MARK WHERE NOTE = ?", (COMMENT,))
        assert cursor.fetchone()[0] > 0
