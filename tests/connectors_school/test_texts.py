"""A text that a database can't decode spoils its own field, whatever the way in, and the school is read on."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from fakes.postgresql import postgresql

from connectors.school.open import open_snapshot
from connectors.school.source import SchoolSource
from journal.school import SchoolReading
from mappings.profile import Profile
from mappings.raw import SPOILT_TEXT, SUBJECTS

from .conftest import ROWS, statements
from .five_ways import odbc_driver, plain

Read = Callable[..., SchoolReading]


def subject_names(url: str, profile: Profile) -> list[str | None]:
    with open_snapshot(SchoolSource(url), "0252") as snapshot:
        names = snapshot.read(SUBJECTS, profile)["name"]
    return [profile.reading.decoded(name) for name in names]


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """A SQLite whose second subject is stored as bytes that are no UTF-8."""
    path = tmp_path / "school.db"
    connection = sqlite3.connect(path)
    for text in statements():
        connection.execute(text)
    for table, rows in ROWS.items():
        for row in rows:
            marks = ", ".join("CAST(? AS TEXT)" if isinstance(value, bytes) else "?" for value in row)
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", [plain(value) for value in row])  # noqa: S608
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize("way", ["sqlalchemy", "odbc"])
def test_sqlite_without_utf_8_in_one_field_is_read(sqlite_file: Path, profile: Profile, read: Read, way: str) -> None:
    driver = odbc_driver("SQLITE3", "libsqliteodbc")
    url = f"sqlite:///{sqlite_file}" if way == "sqlalchemy" else f"odbc:DRIVER={{{driver}}};Database={sqlite_file}"
    assert subject_names(url, profile) == ["Алгебра", None]
    reading = read(url)
    aside = dict(zip(reading.set_aside["source_key"], reading.set_aside["reason"], strict=True))
    assert aside["mark:2"] == "undecodable-text"
    assert ("mark:3", "comment-undecodable") in set(reading.warnings.itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def windows_1251() -> Iterator[str]:
    """A PostgreSQL in WIN1251 with a byte that this encoding leaves empty."""
    with postgresql() as url:
        plain_url = url.replace("+psycopg", "")
        with psycopg.connect(plain_url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE school ENCODING 'WIN1251' LOCALE 'C' TEMPLATE template0")
        with psycopg.connect(plain_url.replace("/postgres?", "/school?")) as connection:
            connection.execute("CREATE TABLE subject (id integer, name text)")
            connection.execute("INSERT INTO subject VALUES (1, 'Ёлка № 1'), (3, NULL)")
            connection.execute("INSERT INTO subject VALUES (2, convert_from('\\x98'::bytea, 'SQL_ASCII'))")
        yield url.replace("/postgres?", "/school?")


def test_postgresql_in_another_encoding_gives_its_other_fields(windows_1251: str, profile: Profile) -> None:
    with open_snapshot(SchoolSource(windows_1251), "0252") as snapshot:
        names = snapshot.read(SUBJECTS, profile).sort_values("id")["name"].tolist()
    assert names == ["Ёлка № 1", SPOILT_TEXT, None]
