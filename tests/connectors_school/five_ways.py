"""One made-up school in five databases: a Firebird file, a Firebird server, PostgreSQL, MariaDB and SQLite.

What the Firebird file holds as bytes that are no text can't stand in a database of decoded text: there it is a
character that XML can't carry, so that the same field can't be read in each.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pyodbc
import pytest
from fakes.database_servers import PASSWORD, READER_PASSWORD, firebird_server, mariadb
from fakes.postgresql import postgresql
from firebird.driver import connect, driver_config

from connectors.school.embedded import use_embedded_firebird
from sandbox.school import database
from sandbox.school.tables import Tables

UNREADABLE = "\x07"


@dataclass(frozen=True)
class Way:
    """How one of the databases is reached."""

    url: str
    password: str | None = None


def odbc_driver(word: str, package: str) -> str:
    """Return the name of an ODBC driver of this machine; fail with one line where there is none."""
    found = next((name for name in pyodbc.drivers() if word in name.upper()), None)
    if found is None:
        pytest.fail(f"no ODBC driver {word}: scripts/setup.sh tests, or apt-get install {package}", pytrace=False)
    return found


def decoded(value: object) -> object:
    """Return a value as a database of decoded text can hold it."""
    if isinstance(value, bytes):
        try:
            return value.decode("cp1251")
        except UnicodeDecodeError:
            return UNREADABLE
    return value


def plain(value: object) -> object:
    """Return a value as SQLite takes it."""
    return str(value) if isinstance(value, (date, datetime, Decimal)) else value


def rows_of(tables: Tables) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield all rows of the school with their tables' names, in an order that references allow."""
    for statement in database.statements():
        if found := re.fullmatch(r"INSERT INTO (\w+) VALUES \((\d+), '(.*?)'(?:, '(.*?)')?\)", statement, re.DOTALL):
            yield found[1], [int(found[2]), *(text for text in (found[3], found[4]) if text is not None)]
    for name, rows in tables.in_order():
        for row in rows:
            yield name, [decoded(value) for value in row]


def schema(moment: str = "TIMESTAMP") -> list[str]:
    """Return the statements that make the tables, with the database's own word for a moment."""
    made = [text for text in database.statements() if not text.startswith("INSERT")]
    return [re.sub(r"\bTIMESTAMP\b", moment, text) for text in made]


def inserts(tables: Tables, mark: str) -> Iterator[tuple[str, list[list[object]]]]:
    """Yield the INSERT of each table with all its rows."""
    grouped: dict[str, list[list[object]]] = {}
    for name, row in rows_of(tables):
        grouped.setdefault(name, []).append(list(row))
    for name, rows in grouped.items():
        yield f"INSERT INTO {name} VALUES ({', '.join([mark] * len(rows[0]))})", rows  # noqa: S608  names of ours


def fill_sqlite(path: Path, tables: Tables) -> None:
    """Write the school into a SQLite file."""
    connection = sqlite3.connect(path)
    for text in schema():
        connection.execute(text)
    for text, rows in inserts(tables, "?"):
        connection.executemany(text, [[plain(value) for value in row] for row in rows])
    connection.commit()
    connection.close()


def fill_postgresql(url: str, tables: Tables) -> None:
    """Write the school into a PostgreSQL."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for text in schema():
            connection.execute(text)
        for text, rows in inserts(tables, "%s"):
            connection.cursor().executemany(text, rows)


def fill_mariadb(port: int, tables: Tables) -> str:
    """Write the school into a MariaDB and return the ODBC connection string."""
    driver = odbc_driver("MARIADB", "odbc-mariadb")
    server = f"DRIVER={{{driver}}};SERVER=127.0.0.1;PORT={port};UID=root;CHARSET=utf8mb4"
    connection = pyodbc.connect(server, autocommit=True)
    connection.execute("CREATE DATABASE school CHARACTER SET utf8mb4")
    connection.close()
    connection = pyodbc.connect(f"{server};DATABASE=school", autocommit=False)
    for text in schema("DATETIME(6)"):
        connection.execute(re.sub(r" REFERENCES \w+", "", text))  # MariaDB wants the column's name too
    for text, rows in inserts(tables, "?"):
        for block in blocks(rows, 400):
            values = ", ".join([text.partition("VALUES ")[2]] * len(block))
            connection.execute(f"{text.partition('VALUES ')[0]}VALUES {values}", [v for row in block for v in row])
    connection.commit()
    connection.close()
    return f"{server};DATABASE=school"


def blocks(rows: list[list[object]], size: int) -> Iterable[list[list[object]]]:
    """Yield the rows some at a time."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def fill_firebird_server(port: int, path: Path, tables: Tables) -> str:
    """Fill the server's database and return its URL for READER, who may only read."""
    use_embedded_firebird()
    name = f"tests-{port}"
    server = driver_config.register_server(name)
    server.host.value, server.port.value = "127.0.0.1", str(port)
    server.user.value, server.password.value = "SYSDBA", PASSWORD
    described = driver_config.register_database(name)
    described.server.value, described.database.value = name, str(path)
    described.user.value, described.password.value = "SYSDBA", PASSWORD
    connection = connect(name, charset="WIN1251")
    names = [found for text in database.statements() for found in re.findall(r"^CREATE TABLE (\w+)", text)]
    for text in database.statements():
        connection.execute_immediate(text)
        if text.startswith("CREATE"):
            connection.commit()
    database._fill(connection, tables, None)  # noqa: SLF001  as the sandbox does, over the network
    for table in names:
        connection.execute_immediate(f"GRANT SELECT ON {table} TO USER READER")
    connection.commit()
    connection.close()
    return f"firebird+firebird://READER@127.0.0.1:{port}/{path}?charset=WIN1251"


@contextmanager
def five_ways(folder: Path, tables: Tables) -> Iterator[dict[str, Way]]:
    """Give the school in every database, each under the name of its way in."""
    file = folder / "school.fdb"
    database.create(file, tables)
    with (
        firebird_server() as (port, path),
        postgresql_ways(tables) as of_postgresql,
        mariadb_ways(tables) as of_mariadb,
    ):
        yield {
            "firebird-file": Way(f"file:{file}"),
            "firebird-server": Way(fill_firebird_server(port, path, tables), READER_PASSWORD),
            **of_postgresql,
            **of_mariadb,
            **sqlite_ways(folder, tables),
        }


@contextmanager
def postgresql_ways(tables: Tables) -> Iterator[dict[str, Way]]:
    """Give the school in a PostgreSQL, directly and by ODBC."""
    with postgresql() as url:
        fill_postgresql(url, tables)
        driver, server = odbc_driver("POSTGRESQL UNICODE", "odbc-postgresql"), url.partition("host=")[2]
        by_odbc = Way(f"odbc:DRIVER={{{driver}}};Server={server};Database=postgres;UID=bridge")
        yield {"postgresql": Way(url), "postgresql-odbc": by_odbc}


@contextmanager
def mariadb_ways(tables: Tables) -> Iterator[dict[str, Way]]:
    """Give the school in a MariaDB, directly and by ODBC."""
    with mariadb() as port:
        by_odbc = Way(f"odbc:{fill_mariadb(port, tables)}")
        yield {"mariadb": Way(f"mariadb+pymysql://root@127.0.0.1:{port}/school"), "mariadb-odbc": by_odbc}


def sqlite_ways(folder: Path, tables: Tables) -> dict[str, Way]:
    """Give the school in a SQLite file, directly and by ODBC."""
    file = folder / "school.db"
    fill_sqlite(file, tables)
    driver = odbc_driver("SQLITE3", "libsqliteodbc")
    return {"sqlite": Way(f"sqlite:///{file}"), "sqlite-odbc": Way(f"odbc:DRIVER={{{driver}}};Database={file}")}
