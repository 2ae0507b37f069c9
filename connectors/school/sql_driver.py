"""Reads a school's database through any other driver that SQLAlchemy knows: PostgreSQL, SQLite and the like.

Rules. SQLAlchemy makes the connection and opens the transaction; the rows come from the driver's own cursor, so
that nothing of the result is reflected, converted or kept. PostgreSQL reads in REPEATABLE READ, READ ONLY,
through a server-side cursor, and a database that is not in UTF-8 gives its texts as the bytes that it stores,
for one byte that is no letter would end the query; SQLite opens the file read-only (a missing file is not made)
and reads in one transaction; MySQL and MariaDB, one dialect for a profile, read in REPEATABLE READ, READ ONLY, which
is one state where all tables are InnoDB's, and leave the rest of a result at the server; other databases read in the
strictest level they offer and are sent nothing but SELECT.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import NullPool

from connectors.school import refusals
from connectors.school.columns import Column
from connectors.school.gathering import BATCH_ROWS
from connectors.school.snapshot import Bound, Catalogue, Fetch, SnapshotFacts, described, places, row_chunks
from connectors.school.source import SqlSource
from connectors.school.sqlite_columns import FEWEST, in_columns
from journal.wording import BridgeError
from mappings.profile import ParameterStyle, Statement
from mappings.raw import SPOILT_TEXT, RawTable

if TYPE_CHECKING:
    import psycopg  # which only PostgreSQL's schools need

CONNECT_SECONDS = 15
OTHER_ENGINES = (
    "SELECT COUNT(*) FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'"
)
"""How many tables of a MySQL or MariaDB no transaction sees in one state."""
_POSTGRESQL_ENCODINGS = {
    "WIN1251": "cp1251", "WIN866": "cp866", "KOI8R": "koi8-r", "ISO_8859_5": "iso8859-5", "WIN1252": "cp1252",
    "LATIN1": "latin-1",
}  # fmt: skip
_LOGIN_STATES = ("28000", "28P01")
_NO_PERMISSION = "42501"
_SCHEMES = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
"""How a URL begins whose driver comes with an extra of this package."""
_UNKNOWN = ("does not exist", "doesn't exist", "no such", "Unknown column")
DRIVER_STATES = ("IM002", "IM003", "01000")
_MYSQL_STATES = {1044: "28000", 1045: "28000", 1698: "28000", 1142: "42501", 1143: "42501"}
"""What MySQL's own error numbers are in SQLSTATE, which its drivers in Python don't give."""


@dataclass(slots=True)
class SqlDriver:
    """An open read-only snapshot; see `connectors.school.snapshot.Driver`."""

    facts: SnapshotFacts
    _engine: Engine = field(repr=False)
    _connection: Connection = field(repr=False)
    _encoding: str | None = None
    _by_copy: bool = True
    _by_columns: bool = True
    described: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def chunks(
        self, table: RawTable, statement: Statement, values: Sequence[Bound], size: int
    ) -> Iterator[dict[str, Column]]:
        """Run the query and yield its rows as typed columns.

        PostgreSQL gives up a transaction at its first error; going back to a savepoint lets the next query be tried.
        """
        if self.facts.dialect == "sqlite":
            yield from self._sqlite_rows(table, statement, values, size)
            return
        try:
            yield from self._rows(table, statement, values, size)
        except BaseException:
            if self.facts.dialect == "postgresql":
                with suppress(Exception):  # a connection that broke has no more to say
                    self._connection.exec_driver_sql("ROLLBACK TO SAVEPOINT before_queries")
            raise

    def _sqlite_rows(
        self, table: RawTable, statement: Statement, values: Sequence[Bound], size: int
    ) -> Iterator[dict[str, Column]]:
        """Let SQLite's driver decode the texts; where one is no UTF-8, decode them here from there on.

        The query is then run anew, and gives the same rows in the same order: it is the same program on the same state.
        """
        done = 0
        try:
            for chunk in self._rows(table, statement, values, size):
                yield chunk
                done += len(next(iter(chunk.values())))
        except sqlite3.OperationalError as error:
            if _decoded_here(self._connection) or "decode" not in str(error):
                raise
        else:
            return
        _decode_ourselves(self._connection)
        yield from self._rows(table, statement, values, size, done)

    def _rows(
        self, table: RawTable, statement: Statement, values: Sequence[Bound], size: int, done: int = 0
    ) -> Iterator[dict[str, Column]]:
        """Yield the rows of the query but for the first `done`, which are a multiple of `size`."""
        cursor = self._cursor(table.name)
        try:
            bound: list[object] = [
                str(value) if isinstance(value, date) and self.facts.dialect == "sqlite" else value for value in values
            ]
            cursor.execute(statement.sql, bound)
            names = [str(item[0]) for item in cursor.description or ()]
            self.described[table.name] = described(cursor.description)
            # a COPY that is not read to its end has to be cancelled: whoever wants but a row is given it by the cursor
            by_copy = self._copied(table, statement, bound, cursor) if size > 1 else None
            if by_copy is not None:
                yield from by_copy(size)
                return
            for _ in range(0, done, size):
                cursor.fetchmany(size)
            fetch = self._fetch(cursor)
            if self.facts.dialect == "sqlite" and size >= FEWEST and not done:
                first = fetch(FEWEST)
                found = self._gathered(table, statement, bound, names, first)
                if found is not None:
                    for start in range(0, len(next(iter(found.values()))), size):
                        yield {name: values[start : start + size] for name, values in found.items()}
                    return
                fetch = _continued(first, fetch)
            yield from row_chunks(table, names, fetch, size, self._at_once(size))
        finally:
            with suppress(Exception):
                cursor.close()

    def _gathered(
        self,
        table: RawTable,
        statement: Statement,
        bound: Sequence[object],
        names: Sequence[str],
        first: Sequence[Sequence[object]],
    ) -> dict[str, Column] | None:
        """Return what SQLite itself lays into columns; None where there is little of it, or it can't be done."""
        places(table, names)
        if len(first) < FEWEST or not self._by_columns or _decoded_here(self._connection):
            return None
        connection = cast("sqlite3.Connection", self._connection.connection.driver_connection)
        return in_columns(connection, statement.sql, bound, table.columns, names, first)

    def _copied(
        self, table: RawTable, statement: Statement, bound: Sequence[object], cursor: DBAPICursor
    ) -> Callable[[int], Iterator[dict[str, Column]]] | None:
        """Return what reads PostgreSQL's rows by COPY, as the open cursor describes them; None where they can't be."""
        if self.facts.dialect != "postgresql" or self._engine.driver != "psycopg" or not self._by_copy:
            return None
        from connectors.school.postgresql_rows import copied, layout_of, text_encoding  # noqa: PLC0415  psycopg may not be installed

        names = [str(item[0]).strip().lower() for item in cursor.description or ()]
        places(table, names)
        oids = [cast("int", item[1]) for item in cursor.description or ()]
        connection = cast("psycopg.Connection[Any]", self._connection.connection.driver_connection)
        layout = layout_of(table.columns, names, oids, text_encoding(connection, self._encoding))
        if layout is None:
            return None
        return lambda size: copied(connection, statement.sql, bound, table.columns, layout, size)

    def _at_once(self, size: int) -> int:
        """Return how many rows are asked of a cursor at once: each time it is asked is a way to the server and back."""
        return size if self.facts.dialect == "postgresql" else BATCH_ROWS

    def _fetch(self, cursor: DBAPICursor) -> Fetch:
        """Return how rows are fetched: with their texts decoded here, where the database gives bytes."""
        encoding = self._encoding
        if encoding is None:
            return cursor.fetchmany

        def fetch(size: int, /) -> Sequence[Sequence[object]]:
            return [
                [decoded(value, encoding) if isinstance(value, bytes) else value for value in row]
                for row in cursor.fetchmany(size)
            ]

        return fetch

    def _cursor(self, name: str) -> DBAPICursor:
        dbapi = self._connection.connection
        if self.facts.dialect == "postgresql":  # a named cursor lives at the server and is read in pieces
            return cast("DBAPICursor", dbapi.driver_connection.cursor(name=f"dnevnik_{name}"))  # type: ignore[union-attr]  # SQLAlchemy types it as any object
        # PyMySQL and mysqlclient keep a whole result in memory, unless they are asked for this one
        unbuffered = getattr(getattr(self._engine.dialect.loaded_dbapi, "cursors", None), "SSCursor", None)
        return dbapi.cursor() if unbuffered is None else dbapi.cursor(unbuffered)

    def refusal(self, error: Exception, school: str, profile: str, query: str, words: frozenset[str]) -> BridgeError:
        """Say what an error while reading means."""
        message = str(error)
        item = refusals.quoted(message, words)
        if state(error) == _NO_PERMISSION and item:
            return refusals.not_permitted(school, item)
        if item and any(complaint in message for complaint in _UNKNOWN):
            return refusals.schema_differs(school, profile, query, item)
        return refusals.reading_failed(school, query, error_name(error))

    def tables(self) -> Catalogue:
        """Return the tables and views of the default schema with their columns."""
        inspector = sa.inspect(self._connection)
        names = [*inspector.get_table_names(), *inspector.get_view_names()]
        return {
            name: [(str(column["name"]), str(column["type"])) for column in inspector.get_columns(name)]
            for name in names
        }

    def close(self) -> None:
        """End the transaction and close the connection."""
        with suppress(Exception):
            self._connection.close()
        self._engine.dispose()


def open_sql(source: SqlSource, school: str) -> SqlDriver:
    """Open a read-only snapshot. Raises `school-unreachable`, `school-login-refused`, `school-driver-missing`."""
    return refusals.guarded(lambda: _open(source), lambda error: _open_refusal(error, school, source))


def _open(source: SqlSource) -> SqlDriver:
    engine = _engine(source.url)
    connection = engine.connect()
    try:
        dialect = engine.dialect
        read_only = one_state = dialect.name in {"postgresql", "sqlite"}
        if dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        elif dialect.name != "sqlite":
            with suppress(sa.exc.ArgumentError, NotImplementedError):
                connection.execution_options(isolation_level="REPEATABLE READ")
        connection.begin()
        if dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        elif dialect.name in {"mysql", "mariadb"}:
            connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            connection.rollback()
            connection.begin()
            read_only = True
            one_state = connection.exec_driver_sql(OTHER_ENGINES).scalar() == 0
        encoding = None
        if dialect.name == "postgresql":
            # else a cursor's query is planned to give its first tenth soon, which takes ten times as long for all
            connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1")
            encoding = _own_encoding(connection)
            connection.exec_driver_sql("SAVEPOINT before_queries")
        style: ParameterStyle = "qmark" if dialect.paramstyle == "qmark" else "pyformat"
        version = ".".join(str(part) for part in dialect.server_version_info or ())
        family = "mysql" if dialect.name == "mariadb" else dialect.name
        name = "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name
        facts = SnapshotFacts(f"{name} {version}".strip(), family, style, read_only, one_state)
    except BaseException:
        connection.close()
        engine.dispose()
        raise
    return SqlDriver(facts, engine, connection, encoding)


def _engine(url: sa.URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        address = sa.URL.create(url.drivername, database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
        engine = sa.create_engine(address, poolclass=NullPool)

        @sa.event.listens_for(engine, "connect")
        def _plain(dbapi_connection, _record) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            dbapi_connection.isolation_level = None  # BEGIN is said above, not by the driver

        return engine
    timeout = (
        {"connect_timeout": CONNECT_SECONDS} if url.get_backend_name() in {"postgresql", "mysql", "mariadb"} else {}
    )
    return sa.create_engine(url, poolclass=NullPool, connect_args=timeout)


def _continued(first: Sequence[Sequence[object]], fetch: Fetch) -> Fetch:
    """Return what gives the rows that were fetched already, and then goes on."""
    left = list(first)

    def fetched(size: int, /) -> Sequence[Sequence[object]]:
        given = left[:size] if left else fetch(size)
        del left[:size]
        return given

    return fetched


def _decoded_here(connection: Connection) -> bool:
    return getattr(connection.connection.driver_connection, "text_factory", None) is decoded


def _decode_ourselves(connection: Connection) -> None:
    connection.connection.driver_connection.text_factory = decoded  # type: ignore[union-attr]  # SQLAlchemy types it as any object


def _own_encoding(connection: Connection) -> str | None:
    """Let a PostgreSQL that is not in UTF-8 give bytes, and return in which encoding they are."""
    named = str(connection.exec_driver_sql("SHOW server_encoding").scalar())
    encoding = _POSTGRESQL_ENCODINGS.get(named)
    if encoding is not None:
        connection.exec_driver_sql("SET client_encoding TO SQL_ASCII")
    return encoding


def decoded(stored: bytes, encoding: str = "utf-8") -> object:
    """Return a text of its stored bytes; SQLite doesn't say in which encoding they are, but promises UTF-8."""
    try:
        return stored.decode(encoding)
    except UnicodeDecodeError:
        return SPOILT_TEXT


def _open_refusal(error: Exception, school: str, source: SqlSource) -> BridgeError:
    if isinstance(error, (ImportError, sa.exc.NoSuchModuleError)) or state(error) in DRIVER_STATES:
        return refusals.driver_missing(school, source.url.drivername, _SCHEMES.get(source.url.get_backend_name()))
    message = str(error)
    if (
        state(error) in _LOGIN_STATES
        or "password authentication failed" in message
        or "no password supplied" in message
    ):
        return refusals.login_refused(school, error_name(error))
    return refusals.unreachable(school, error_name(error))


def state(error: Exception) -> str | None:
    """Return an error's SQLSTATE: as the driver gives it, as ODBC's first argument, or by MySQL's own number."""
    inner = getattr(error, "orig", None) or error
    found = getattr(inner, "sqlstate", None)
    first = inner.args[0] if inner.args else None
    if not found and isinstance(first, str):
        found = first if re.fullmatch("[0-9A-Z]{5}", first) else None
    return str(found) if found else _MYSQL_STATES.get(first) if isinstance(first, int) else None


def error_name(error: Exception) -> str:
    """Return what an error is called, without its message: that may hold data."""
    inner = getattr(error, "orig", None) or error
    found = state(error)
    return f"{type(inner).__name__}, SQLSTATE {found}" if found else type(inner).__name__
