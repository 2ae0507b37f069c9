"""Blocks of an ODBC result give what pyodbc gives row by row, through each driver."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyodbc
import pytest
from fakes.database_servers import mariadb
from fakes.postgresql import postgresql

from connectors.school.odbc_driver import OdbcDriver
from connectors.school.odbc_rows import BLOCK_ROWS, bound
from connectors.school.open import open_snapshot
from connectors.school.source import SchoolSource
from connectors.school.sql_driver import decoded
from mappings.profile import Statement
from mappings.raw import NOTHING, SPOILT, SPOILT_TEXT, SPOILT_TIME, ColumnType, RawTable

from .five_ways import odbc_driver, plain
from .test_whole_columns import as_texts

NAMES = ("postgresql", "mariadb", "sqlite")
COLUMNS = {
    "f_small": "SMALLINT", "f_whole": "INTEGER", "f_large": "BIGINT", "f_day": "DATE", "f_moment": "TIMESTAMP",
    "f_short": "VARCHAR(40)", "f_padded": "CHAR(4)", "f_weight": "DECIMAL(6,2)", "f_share": "DOUBLE PRECISION",
    "f_long": "VARCHAR(1000)", "f_any": "TEXT",
}  # fmt: skip
KINDS = {
    "f_small": (ColumnType.INTEGER, ColumnType.KEY, ColumnType.DECIMAL),
    "f_whole": (ColumnType.INTEGER, ColumnType.KEY, ColumnType.TEXT),
    "f_large": (ColumnType.INTEGER, ColumnType.KEY, ColumnType.DECIMAL),
    "f_day": (ColumnType.DATE, ColumnType.MOMENT),
    "f_moment": (ColumnType.DATE, ColumnType.MOMENT),
    "f_short": tuple(ColumnType),
    "f_padded": (ColumnType.TEXT, ColumnType.KEY, ColumnType.INTEGER),
    "f_weight": (ColumnType.DECIMAL, ColumnType.KEY, ColumnType.INTEGER),
    "f_share": (ColumnType.DECIMAL, ColumnType.INTEGER),
    "f_long": (ColumnType.TEXT,),
    "f_any": (ColumnType.TEXT,),
}
ROWS = 2 * BLOCK_ROWS + 17
WORDS = ["", "7", " 8 ", "7.0", "Ёлка № 1", "и\u0306", "😀 ok", "2026-09-01", "2026-09-01 08:30:00", "О'Нил"]


def row(number: int, chance: Random) -> list[object]:
    moment = datetime(1950, 1, 1) + timedelta(seconds=chance.randrange(4 * 10**9))  # noqa: DTZ001  local times
    fields: list[object] = [
        chance.randrange(-(2**15), 2**15), chance.randrange(-(2**31), 2**31), chance.randrange(-(2**53), 2**53),
        moment.date(), moment, chance.choice(WORDS), chance.choice(["", "7", "8А", "abcd"]),
        Decimal(chance.randrange(-99999, 99999)) / 100, chance.choice([0.5, 7.0, -1.25]),
        chance.choice(WORDS) * chance.randrange(52), chance.choice(WORDS) * 3,
    ]  # fmt: skip
    return [number, *(None if chance.random() < 0.2 else value for value in fields)]


@pytest.fixture(scope="module")
def rows() -> list[list[object]]:
    chance = Random(1)  # noqa: S311  made-up rows
    return [row(number, chance) for number in range(ROWS)]


@pytest.fixture(scope="module")
def addresses(rows: list[list[object]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    file = tmp_path_factory.mktemp("odbc") / "school.db"
    with ExitStack() as servers:
        host = servers.enter_context(postgresql()).partition("host=")[2]
        port = servers.enter_context(mariadb())
        server = (
            f"DRIVER={{{odbc_driver('MARIADB', 'odbc-mariadb')}}};SERVER=127.0.0.1;PORT={port};UID=root;CHARSET=utf8mb4"
        )
        made = pyodbc.connect(server, autocommit=True)
        made.execute("CREATE DATABASE school CHARACTER SET utf8mb4")
        made.close()
        found = {
            "postgresql": f"DRIVER={{{odbc_driver('POSTGRESQL UNICODE', 'odbc-postgresql')}}};"
            f"Server={host};Database=postgres;UID=bridge",
            "mariadb": f"{server};DATABASE=school",
            "sqlite": f"DRIVER={{{odbc_driver('SQLITE3', 'libsqliteodbc')}}};Database={file}",
        }
        for name in NAMES:
            fill(name, found[name], rows, file)
        yield found


def literal(value: object) -> str:
    """Return a value as SQL writes it; MariaDB's driver can't take an empty text as a parameter of any length."""
    if value is None:
        return "NULL"
    return f"'{str(value).replace(chr(39), chr(39) * 2)}'"


def fill(name: str, address: str, rows: list[list[object]], file: Path) -> None:
    words = COLUMNS | ({"f_moment": "DATETIME(6)"} if name == "mariadb" else {})
    create = ", ".join(f"{column} {word}" for column, word in words.items())
    marks = ", ".join("?" * (len(COLUMNS) + 1))
    if name == "sqlite":
        lite = sqlite3.connect(file)
        lite.execute(f"CREATE TABLE fields (id INTEGER, {create})")
        lite.executemany(f"INSERT INTO fields VALUES ({marks})", [[plain(value) for value in one] for one in rows])  # noqa: S608
        lite.commit()
        lite.close()
        return
    connection = pyodbc.connect(address, autocommit=False)
    connection.execute(f"CREATE TABLE fields (id INTEGER, {create})")
    for start in range(0, len(rows), 100):
        block = rows[start : start + 100]
        values = ", ".join(f"({', '.join(map(literal, one))})" for one in block)
        connection.execute(f"INSERT INTO fields VALUES {values}")  # noqa: S608  values of ours
    connection.commit()
    connection.close()


@pytest.fixture(params=NAMES)
def driver(request: pytest.FixtureRequest, addresses: dict[str, str]) -> Iterator[OdbcDriver]:
    with open_snapshot(SchoolSource(f"odbc:{addresses[request.param]}"), "0252") as snapshot:
        assert isinstance(snapshot.driver, OdbcDriver)
        yield snapshot.driver


def read(driver: OdbcDriver, table: RawTable, sql: str, *, by_blocks: bool = True) -> list[dict[str, Any]]:
    driver._by_blocks = by_blocks  # noqa: SLF001  a test's own choice
    return list(driver.chunks(table, Statement(sql, ()), [], 10_000))


def table_of(kind: ColumnType) -> RawTable:
    return RawTable("fields", {"c": kind, "id": ColumnType.KEY, "gone": kind}, optional=frozenset({"gone"}))


def column(chunks: list[dict[str, Any]], name: str) -> list[str]:
    return [text for chunk in chunks for text in as_texts(chunk[name])]


@pytest.mark.parametrize("name", COLUMNS)
def test_blocks_give_what_pyodbc_gives(driver: OdbcDriver, name: str) -> None:
    sql = f"SELECT id, {name} AS c FROM fields ORDER BY id"  # noqa: S608  names of ours
    for kind in KINDS[name]:
        table = table_of(kind)
        found, expected = (read(driver, table, sql, by_blocks=way) for way in (True, False))
        for each in ("id", "c", "gone"):
            if kind is ColumnType.KEY:  # keys are judged block by block
                assert sum(len(chunk[each]) for chunk in found) == ROWS
            assert [str(one) for one in column(found, each)] == [str(one) for one in column(expected, each)], kind
        assert {values.dtype for chunk in found for values in chunk.values()} == {
            values.dtype for chunk in expected for values in chunk.values()
        }


@pytest.mark.parametrize("count", [0, 1, BLOCK_ROWS, BLOCK_ROWS + 1])
def test_all_rows_come_once_and_in_order(driver: OdbcDriver, count: int) -> None:
    table = RawTable("fields", {"id": ColumnType.KEY, "day": ColumnType.DATE})
    found = read(driver, table, f"SELECT id, f_day AS day FROM fields WHERE id < {count} ORDER BY id")  # noqa: S608
    assert [number for chunk in found for number in chunk["id"].tolist()] == list(range(count))
    assert all(len(chunk["id"]) for chunk in found)


def test_usual_columns_are_read_by_blocks_and_others_are_not(driver: OdbcDriver) -> None:
    connection = driver._connection  # noqa: SLF001  what the driver binds

    def rows_by_blocks(column: str, kind: ColumnType) -> int | None:
        cursor = connection.cursor()
        cursor.execute(f"SELECT {column} FROM fields")  # noqa: S608  names of ours
        found = bound(connection, cursor, {column: kind}, decoded if driver.facts.dialect == "sqlite" else None)
        if found is None:
            return None
        with found:
            count = sum(len(block[column]) for block in found.read())
        cursor.close()
        return count

    for column, kinds in KINDS.items():
        if column != "f_any":
            assert rows_by_blocks(column, kinds[0]) == ROWS, column
    assert rows_by_blocks("f_day", ColumnType.TEXT) is None


def test_a_cursor_that_is_not_as_expected_is_left_alone(driver: OdbcDriver) -> None:
    connection, types = driver._connection, {"id": ColumnType.KEY}  # noqa: SLF001  what the driver binds
    cursor = connection.cursor()
    cursor.execute("SELECT id FROM fields")
    assert bound(connection, cursor, types, None) is not None
    assert bound(object(), cursor, types, None) is None  # another connection than the cursor's
    assert bound(connection, cursor, {**types, "day": ColumnType.DATE}, None) is None  # another width
    cursor.close()
    assert bound(connection, cursor, types, None) is None  # it has no statement any more


def sqlite_with(tmp_path: Path, create: str, *rows: tuple[object, ...]) -> SchoolSource:
    connection = sqlite3.connect(tmp_path / "odd.db")
    connection.execute(create)
    connection.executemany(f"INSERT INTO odd VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608
    connection.commit()
    connection.close()
    return SchoolSource(f"odbc:DRIVER={{{odbc_driver('SQLITE3', 'libsqliteodbc')}}};Database={tmp_path / 'odd.db'}")


def test_a_text_longer_than_declared_is_read_whole(tmp_path: Path) -> None:
    texts = ["Ы" * length for length in (3, 5, 6, 21, 500)] * 700
    source = sqlite_with(tmp_path, "CREATE TABLE odd (id INTEGER, c VARCHAR(5))", *enumerate(texts))
    with open_snapshot(source, "0252") as snapshot:
        assert isinstance(snapshot.driver, OdbcDriver)
        found = read(snapshot.driver, table_of(ColumnType.TEXT), "SELECT id, c FROM odd ORDER BY id")
    assert [text for chunk in found for text in chunk["c"].tolist()] == texts


def test_a_text_that_is_no_utf8_spoils_itself_alone(tmp_path: Path) -> None:
    source = sqlite_with(tmp_path, "CREATE TABLE odd (id INTEGER, c VARCHAR(9))", (1, "ы"), (2, None), (3, "я"))
    connection = sqlite3.connect(tmp_path / "odd.db")
    connection.execute("UPDATE odd SET c = CAST(x'98' AS TEXT) WHERE id = 3")
    connection.commit()
    connection.close()
    with open_snapshot(source, "0252") as snapshot:
        assert isinstance(snapshot.driver, OdbcDriver)
        (found,) = read(snapshot.driver, table_of(ColumnType.TEXT), "SELECT id, c FROM odd ORDER BY id")
    assert found["c"].tolist() == ["ы", None, SPOILT_TEXT]


def test_numbers_without_a_sign_are_what_they_are(addresses: dict[str, str]) -> None:
    connection = pyodbc.connect(addresses["mariadb"], autocommit=True)
    connection.execute("CREATE TABLE odd (id INTEGER UNSIGNED, c BIGINT UNSIGNED)")
    numbers = [7, None, 2**63 - 1, 2**63, 2**64 - 1]
    values = ", ".join(f"({number}, {literal(value)})" for number, value in enumerate(numbers, 2**32 - len(numbers)))
    connection.execute(f"INSERT INTO odd VALUES {values}")  # noqa: S608  values of ours
    with open_snapshot(SchoolSource(f"odbc:{addresses['mariadb']}"), "0252") as snapshot:
        assert isinstance(snapshot.driver, OdbcDriver)
        for kind in (ColumnType.INTEGER, ColumnType.KEY):
            (found,) = read(snapshot.driver, table_of(kind), "SELECT id, c FROM odd ORDER BY id")
            assert found["id"].tolist() == list(range(2**32 - len(numbers), 2**32))
            assert found["c"].tolist() == [7, NOTHING, 2**63 - 1, SPOILT, SPOILT]
    connection.execute("DROP TABLE odd")
    connection.close()


def test_mariadbs_day_of_noughts_is_spoilt_alone(addresses: dict[str, str]) -> None:
    connection = pyodbc.connect(addresses["mariadb"], autocommit=True)
    connection.execute("SET sql_mode = ''")
    connection.execute("CREATE TABLE odd (id INTEGER, c DATE)")
    connection.execute("INSERT INTO odd VALUES (1, '2026-09-01'), (2, '0000-00-00'), (3, NULL), (4, '2026-09-00')")
    with open_snapshot(SchoolSource(f"odbc:{addresses['mariadb']}"), "0252") as snapshot:
        assert isinstance(snapshot.driver, OdbcDriver)
        (found,) = read(snapshot.driver, table_of(ColumnType.DATE), "SELECT id, c FROM odd ORDER BY id")
    connection.execute("DROP TABLE odd")
    connection.close()
    days = found["c"].tolist()
    assert days[0] == datetime.combine(date(2026, 9, 1), datetime.min.time())
    assert days[2] is None
    assert set(days[1:4:2]) <= {SPOILT_TIME.item(), None}
