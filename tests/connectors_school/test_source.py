"""The forms of a source's URL."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.school.source import (
    FirebirdBackup,
    FirebirdFile,
    FirebirdServer,
    OdbcSource,
    SchoolSource,
    SqlSource,
    parse,
)
from journal.wording import BridgeError


@pytest.mark.parametrize(
    ("url", "password", "target"),
    [
        ("file:/srv/school.fdb", None, FirebirdFile(Path("/srv/school.fdb"))),
        ("file:///srv/school.fdb", None, FirebirdFile(Path("/srv/school.fdb"))),
        ("file:/srv/Школа.GDB", None, FirebirdFile(Path("/srv/Школа.GDB"))),
        ("file:school.fbk", None, FirebirdBackup(Path("school.fbk"))),
        ("firebird+firebird:////srv/school.fdb", None, FirebirdFile(Path("/srv/school.fdb"))),
        (
            "firebird+firebird://reader@db.school:3051/paragraf?charset=WIN1251",
            "s3cret",
            FirebirdServer("db.school", 3051, "paragraf", "reader", "s3cret"),
        ),
        (
            "firebird://reader:own@db.school//srv/school.fdb?role=READERS",
            None,
            FirebirdServer("db.school", 3050, "/srv/school.fdb", "reader", "own", "READERS"),
        ),
        ("odbc:DSN=school", None, OdbcSource("DSN=school")),
        ("odbc:DSN=school;", "a}b;c", OdbcSource("DSN=school;PWD={a}}b;c}")),
        (
            "postgresql+psycopg://reader@db/journal",
            "p@ss/w",
            SqlSource(sa.URL.create("postgresql+psycopg", "reader", "p@ss/w", "db", database="journal")),
        ),
    ],
)
def test_each_form_means_its_target(url: str, password: str | None, target: object) -> None:
    assert parse(SchoolSource(url, password)) == target


@pytest.mark.parametrize("url", ["", "school.fdb", "file:", "file:school.txt", "odbc:", "postgresql://host", "a:b"])
def test_anything_else_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BridgeError) as caught:
        parse(SchoolSource(url, "s3cret"))
    assert caught.value.code == "school-source-wrong"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url", ["odbc:DSN=x", "postgresql://reader:own-s3cret@db/j", "firebird://reader:own-s3cret@db/j"]
)
def test_passwords_are_not_shown(url: str) -> None:
    source = SchoolSource(url, "s3cret")
    assert "s3cret" not in f"{source!r} {source} {parse(source)!r} {parse(source)}"
