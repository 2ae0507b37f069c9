"""Reads a school's database through an ODBC driver of this machine.

Rules. The connection is opened read-only, without autocommit, in the strictest common level that the driver
takes; it is sent nothing but SELECT, and what makes its transaction read-only where the database is known. What
the database is called decides the form in which texts are read: a Firebird behind ODBC gives bytes as it does
directly. Whether a driver honours "read-only" can't be told, so it is claimed only where the database itself was
told; likewise that all queries see one state.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from connectors.school import refusals
from connectors.school.columns import Column, whole
from connectors.school.odbc_rows import Blocks, NotByBlocksError
from connectors.school.odbc_rows import bound as bound_blocks
from connectors.school.snapshot import Bound, Catalogue, SnapshotFacts, described, places, row_chunks
from connectors.school.source import OdbcSource
from connectors.school.sql_driver import DRIVER_STATES, OTHER_ENGINES, decoded
from journal.wording import BridgeError
from mappings.profile import Statement
from mappings.raw import RawTable

if TYPE_CHECKING:
    import pyodbc  # needs the system's unixodbc, which only ODBC sources need

CONNECT_SECONDS = 15
FEWEST = 1_000
"""Whoever wants fewer rows at a time is not given whole blocks."""
_BY_BLOCKS = frozenset({"postgresql", "mysql", "sqlite"})  # whose drivers are known to fetch blocks as they should
_LOGIN_STATES = ("28000",)
_SCHEMA_STATES = ("42S02", "42S22", "42P01", "42703")
_NO_PERMISSION = "42501"
_DIALECTS = (
    ("firebird", "firebird"),
    ("interbase", "firebird"),
    ("postgres", "postgresql"),
    ("sqlite", "sqlite"),
    ("mariadb", "mysql"),
    ("mysql", "mysql"),
    ("sql server", "mssql"),
)
_OWN_SCHEMAS = {"pg_catalog", "information_schema", "sys", "mysql", "performance_schema"}
_READ_ONLY = {
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}


@dataclass(slots=True)
class OdbcDriver:
    """An open snapshot behind ODBC; see `connectors.school.snapshot.Driver`."""

    facts: SnapshotFacts
    _connection: "pyodbc.Connection" = field(repr=False)
    _by_blocks: bool = True
    described: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def chunks(
        self, table: RawTable, statement: Statement, values: Sequence[Bound], size: int
    ) -> Iterator[dict[str, Column]]:
        """Run the query and yield its rows as typed columns: by blocks, where that can be, or `size` rows at a time."""
        cursor = self._connection.cursor()
        try:
            bound: list[object] = [
                str(value) if isinstance(value, date) and self.facts.dialect == "sqlite" else value for value in values
            ]
            cursor.execute(statement.sql, *bound)
            self.described[table.name] = described(cursor.description)
            names = [str(item[0]) for item in cursor.description or ()]
            read = None
            found = self._bound(table, names, cursor) if size >= FEWEST else None
            if found is not None:
                with found, suppress(NotByBlocksError):
                    read = found.read()
                if read is None:
                    cursor.execute(statement.sql, *bound)
            if read is None:
                yield from row_chunks(table, names, cursor.fetchmany, size)
            else:
                yield from (whole(table.columns, read.pop(0)) for _ in range(len(read)))
        finally:
            with suppress(Exception):
                cursor.close()

    def _bound(self, table: RawTable, names: Sequence[str], cursor: "pyodbc.Cursor") -> Blocks | None:
        """Return how an executed query is read by blocks, None where it can't be. Raises ColumnsDifferError."""
        places(table, names)
        if not self._by_blocks or self.facts.dialect not in _BY_BLOCKS:
            return None
        types = {name: table.columns[name] for name in (name.strip().lower() for name in names)}
        return bound_blocks(self._connection, cursor, types, decoded if self.facts.dialect == "sqlite" else None)

    def refusal(self, error: Exception, school: str, profile: str, query: str, words: frozenset[str]) -> BridgeError:
        """Say what an error while reading means."""
        message, found = str(error), state(error)
        item = refusals.quoted(message, words)
        if found == _NO_PERMISSION and item:
            return refusals.not_permitted(school, item)
        if item and (found in _SCHEMA_STATES or "no such" in message or "unknown" in message):
            return refusals.schema_differs(school, profile, query, item)
        return refusals.reading_failed(school, query, f"SQLSTATE {found}")

    def tables(self) -> Catalogue:
        """Return the tables and views that the driver's catalogue names, but for the database's own."""
        cursor = self._connection.cursor()
        names = [
            (row[1], row[2])
            for row in cursor.tables().fetchall()
            if row[3] in {"TABLE", "VIEW"} and str(row[1] or "").lower() not in _OWN_SCHEMAS
        ]
        found: dict[str, list[tuple[str, str]]] = {}
        for schema, name in names:
            rows = cursor.columns(table=name, schema=schema or None).fetchall()
            found[str(name)] = [(str(row[3]), str(row[5])) for row in rows]
        return found

    def close(self) -> None:
        """End the transaction and close the connection."""
        with suppress(Exception):
            self._connection.rollback()
        with suppress(Exception):
            self._connection.close()


def open_odbc(source: OdbcSource, school: str) -> OdbcDriver:
    """Open a snapshot. Raises `school-unreachable`, `school-login-refused` or `school-driver-missing`."""
    return refusals.guarded(lambda: _open(source), lambda error: _open_refusal(error, school))


def _open(source: OdbcSource) -> OdbcDriver:
    import pyodbc  # noqa: PLC0415  as above

    connection = _connected(source.connection_string)
    try:
        with suppress(pyodbc.Error):  # a driver without this level keeps its own
            connection.set_attr(pyodbc.SQL_ATTR_TXN_ISOLATION, pyodbc.SQL_TXN_REPEATABLE_READ)
        product = str(connection.getinfo(pyodbc.SQL_DBMS_NAME))
        version = str(connection.getinfo(pyodbc.SQL_DBMS_VER))
        dialect = next((said for word, said in _DIALECTS if word in product.lower()), "other")
        if dialect == "sqlite":  # its driver makes other letters of bytes that are no UTF-8
            for kind in (pyodbc.SQL_CHAR, pyodbc.SQL_VARCHAR, pyodbc.SQL_LONGVARCHAR):
                connection.add_output_converter(kind, decoded)
        told = _made_read_only(connection, dialect)
        one_state = told and (dialect != "mysql" or _number(connection, OTHER_ENGINES) == 0)
        facts = SnapshotFacts(f"{product} {version} (ODBC)", dialect, "qmark", read_only=told, one_state=one_state)
    except BaseException:
        connection.close()
        raise
    return OdbcDriver(facts, connection)


def _connected(connection_string: str) -> "pyodbc.Connection":
    """Connect; to SQLite's driver so that whole numbers come whole: by itself it gives the lowest 32 bits of them."""
    import pyodbc  # noqa: PLC0415  as above

    choices = {"autocommit": False, "readonly": True, "timeout": CONNECT_SECONDS}
    connection = pyodbc.connect(connection_string, **choices)
    if "sqlite" not in str(connection.getinfo(pyodbc.SQL_DBMS_NAME)).lower():
        return connection
    connection.close()
    return pyodbc.connect(f"{connection_string.rstrip(';')};BigInt=1", **choices)


def _made_read_only(connection: "pyodbc.Connection", dialect: str) -> bool:
    """Tell the database itself that nothing is to be written; False where it can't be told."""
    if dialect not in _READ_ONLY:
        return False
    connection.cursor().execute(_READ_ONLY[dialect])
    if dialect == "mysql":  # it holds from the next transaction on
        connection.rollback()
    return True


def _number(connection: "pyodbc.Connection", query: str) -> int:
    (found,) = connection.cursor().execute(query).fetchone()
    return int(found)


def _open_refusal(error: Exception, school: str) -> BridgeError:
    found = state(error)
    if isinstance(error, ImportError) or found in DRIVER_STATES:
        return refusals.driver_missing(school, "ODBC" if isinstance(error, ImportError) else f"SQLSTATE {found}")
    if found in _LOGIN_STATES:
        return refusals.login_refused(school, f"SQLSTATE {found}")
    return refusals.unreachable(school, f"SQLSTATE {found}")


def state(error: Exception) -> str:
    """Return an ODBC error's SQLSTATE, its first argument."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, str) and first.isalnum() and first.isascii() else type(error).__name__
