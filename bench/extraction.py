"""Figure 1: reading a school's journal by each way in, against that way's bare driver and the rows of the same queries.

One made-up school in every database, each on a server of its own where it has one. Each side opens the database, runs
all queries of the journal in one transaction, and closes it. The bare side stops at the driver's tuples (`fetchall`).
The bridge is measured twice: to the typed frames of `mappings.raw`, which is reading alone, and to judged records.
Told are rows a second, and the CPU of this process: that of a database in this process (Firebird's file, SQLite) is
in it, that of a server is not.

    bench/extraction.py FOLDER [STUDENTS [ROUNDS [WAY …]]]
"""

import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pyodbc
from firebird.driver import connect
from ground import CODE, SEED
from rounds import by_turns, middle, ratio, told

from connectors.school.open import open_snapshot
from connectors.school.read import SchoolSource, read_school
from journal.school import school_year
from mappings.profile import load_profile
from mappings.raw import JOURNAL_TABLES
from sandbox.school.writing import make_school

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # who starts the servers that the tests read from
from connectors_school.five_ways import Way, five_ways

STUDENTS, WEEKS = 500, 10
ROUNDS = 5
MOSCOW = ZoneInfo("Europe/Moscow")
WAYS = {
    "firebird-file": ("firebird-driver, a file", "firebird"),
    "firebird-server": ("firebird-driver, Firebird 3 server", "firebird"),
    "postgresql": ("psycopg, PostgreSQL", "postgresql"),
    "postgresql-odbc": ("pyodbc, PostgreSQL", "postgresql"),
    "mariadb-odbc": ("pyodbc, MariaDB", "mysql"),
    "sqlite": ("sqlite3", "sqlite"),
    "sqlite-odbc": ("pyodbc, SQLite", "sqlite"),
}
"""Each way in: what its bare driver is, and in which dialect its queries are."""


def bare_connection(name: str, way: Way) -> Any:  # noqa: ANN401  each driver's own
    """Open a way's database as its driver's manual says."""
    if way.url.startswith("odbc:"):
        return pyodbc.connect(way.url.removeprefix("odbc:"), autocommit=False)
    if name == "sqlite":
        return sqlite3.connect(way.url.removeprefix("sqlite:///"))
    if name == "postgresql":
        return psycopg.connect(way.url.replace("+psycopg", ""))
    if name == "firebird-file":
        return connect(way.url.removeprefix("file:"), user="SYSDBA", charset="WIN1251")
    place = way.url.removeprefix("firebird+firebird://READER@").partition("?")[0]
    host, _, path = place.partition("/")
    return connect(f"inet://{host}/{path}", user="READER", password=way.password, charset="WIN1251")


def sides_of(name: str, way: Way) -> Mapping[str, Callable[[], Mapping[str, float]]]:
    """Return what is measured of one way in."""
    profile = load_profile("paragraf")
    today = datetime.now(UTC).astimezone(MOSCOW).date()
    window = school_year(today)
    dialect = WAYS[name][1]
    style = "pyformat" if name == "postgresql" else "qmark"
    statements = [profile.statement(table.name, dialect, style) for table in JOURNAL_TABLES]
    days = {"first": window.first, "last": window.last}
    bound = [
        [str(days[part]) if dialect == "sqlite" else days[part] for part in statement.parameters]
        for statement in statements
    ]

    def bare() -> int:
        connection = bare_connection(name, way)
        rows = 0
        try:
            for statement, values in zip(statements, bound, strict=True):
                cursor = connection.cursor()
                cursor.execute(statement.sql, values)
                rows += len(cursor.fetchall())
                cursor.close()
        finally:
            connection.close()
        return rows

    def raw() -> int:
        with open_snapshot(SchoolSource(way.url, way.password), CODE) as snapshot:
            frames = [snapshot.read(table, profile, window) for table in JOURNAL_TABLES]
        return sum(map(len, frames))

    def records() -> int:
        source = SchoolSource(way.url, way.password)
        reading = read_school(source, profile, code=CODE, window=window, today=today, timezone=MOSCOW)
        return len(reading.records)

    rows = bare()
    if raw() != rows:
        raise RuntimeError(f"{name}: the bridge did not read the driver's rows")
    return {side.__name__: timed(side, rows) for side in (bare, raw, records)}


def timed(side: Callable[[], int], rows: int) -> Callable[[], Mapping[str, float]]:
    """Return a side that tells its time and CPU for so many rows."""

    def measured() -> Mapping[str, float]:
        start, busy = time.perf_counter(), time.process_time()
        count = side()
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        return {"count": count, "rate": rows / seconds, "busy": busy / rows * 1e6, "rows": rows}

    return measured


def main(folder: Path, students: int = STUDENTS, rounds: int = ROUNDS, only: Collection[str] = WAYS) -> None:
    """Measure each way by itself, its sides by turns, and print."""
    own = folder / "extraction"
    own.mkdir()
    today = datetime.now(UTC).date()
    tables = make_school(
        code=CODE, name="Школа", students=students, weeks=WEEKS, seed=SEED, first_day=None, today=today
    )
    print(f"1. extraction, {students:,} students, {WEEKS} weeks; {rounds} rounds; CPU of this process in us a row")
    with five_ways(own, tables) as ways:
        for name in only:
            driver = WAYS[name][0]
            measured = by_turns(sides_of(name, ways[name]), rounds)
            bare = measured["bare"]
            print(f"   {driver}: {middle(bare, 'rows'):,.0f} rows, {middle(measured['records'], 'count'):,.0f} records")
            for side, title in (("bare", "driver, tuples"), ("raw", "bridge, raw"), ("records", "bridge, records")):
                mine = measured[side]
                print(f"     {title:<16} {told(mine, 'rate')} rows/s; CPU {told(mine, 'busy', '.2f')}", end="")
                less = f"; rows/s / driver {ratio(mine, bare, 'rate', most=True)}" if mine is not bare else ""
                print(less, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:4]), *filter(None, [sys.argv[4:]]))
