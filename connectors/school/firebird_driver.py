"""Opens a Firebird database, over the network or as a file, and reads it in one read-only snapshot.

Rules. The transaction is a SNAPSHOT with access READ and no waiting: the engine itself refuses any writing in
it. The connection collects no garbage and fires no database triggers, so what is read is left as it was;
only the engine's own counters in a file's header move. Each server's database is registered with the driver
under a name of its own: two schools whose servers call their databases alike must never be taken for each
other. The connection is closed by its maker.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from firebird.driver import (
    TPB,
    Connection,
    Cursor,
    DatabaseError,
    Isolation,
    TraAccessMode,
    connect,
    driver_config,
)

from connectors.school import refusals
from connectors.school.columns import Column
from connectors.school.embedded import use_embedded_firebird
from connectors.school.firebird_rows import Layout, blocks, layout_of
from connectors.school.snapshot import Bound, Catalogue, SnapshotFacts, described, places, row_chunks
from connectors.school.source import FirebirdFile, FirebirdServer
from journal.wording import BridgeError
from mappings.profile import Statement
from mappings.raw import RawTable

CONNECT_SECONDS = 15
_LOGIN_CODES = frozenset({335544472, 335545106, 335544352})  # login, login_error, no_priv at the attachment
_NO_PERMISSION = 335544352
_NETWORK_CODES = frozenset({335544721, 335544726, 335544727, 335544741, 335544648})
_IO_ERROR = 335544344
_BUSY_CODES = frozenset({335545107, 335544345})  # opened by another engine, lock conflict
_FORMAT_CODES = frozenset({335544323, 335544379, 335545273})  # no database, another version's, too short
_SCHEMA_STATES = ("42S02", "42S22")

_CATALOGUE = """
SELECT f.RDB$RELATION_NAME, f.RDB$FIELD_NAME, t.RDB$FIELD_TYPE
FROM RDB$RELATION_FIELDS f
JOIN RDB$RELATIONS r ON r.RDB$RELATION_NAME = f.RDB$RELATION_NAME
JOIN RDB$FIELDS t ON t.RDB$FIELD_NAME = f.RDB$FIELD_SOURCE
WHERE COALESCE(r.RDB$SYSTEM_FLAG, 0) = 0
ORDER BY f.RDB$RELATION_NAME, f.RDB$FIELD_POSITION
"""
_TYPES = {
    7: "SMALLINT", 8: "INTEGER", 16: "BIGINT or NUMERIC", 10: "FLOAT", 27: "DOUBLE PRECISION", 12: "DATE", 13: "TIME",
    35: "TIMESTAMP", 14: "CHAR", 37: "VARCHAR", 261: "BLOB", 23: "BOOLEAN",
}  # fmt: skip

_NUMBERS_ROWS = 3.0
"""The first version of the engine with RDB$RECORD_VERSION."""

_registering = threading.Lock()


@dataclass(slots=True)
class FirebirdDriver:
    """An open read-only snapshot of a Firebird database; see `connectors.school.snapshot.Driver`."""

    facts: SnapshotFacts
    _connection: Connection = field(repr=False)
    _by_block: bool = True
    described: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def chunks(
        self, table: RawTable, statement: Statement, values: Sequence[Bound], size: int
    ) -> Iterator[dict[str, Column]]:
        """Run the query and yield its rows as typed columns."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement.sql, list(values))
            self.described[table.name] = described(cursor.description)
            layout = _layout(cursor, table) if self._by_block else None
            if layout is not None:
                yield from blocks(cursor._result, layout, size)  # noqa: SLF001  see firebird_rows
            else:
                yield from row_chunks(table, [str(item[0]) for item in cursor.description], cursor.fetchmany, size)
        finally:
            with suppress(DatabaseError):
                cursor.close()

    def refusal(self, error: Exception, school: str, profile: str, query: str, words: frozenset[str]) -> BridgeError:
        """Say what an error while reading means."""
        if isinstance(error, DatabaseError):
            item = refusals.quoted(str(error), words)
            if error.sqlstate in _SCHEMA_STATES and item:
                return refusals.schema_differs(school, profile, query, item)
            if _NO_PERMISSION in error.gds_codes and item:
                return refusals.not_permitted(school, item)
            if not _NETWORK_CODES.isdisjoint(error.gds_codes):
                return refusals.unreachable(school, error_numbers(error))
        return refusals.reading_failed(school, query, error_numbers(error))

    def tables(self) -> Catalogue:
        """Return the tables and views with their columns."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(_CATALOGUE)
            found: dict[str, list[tuple[str, str]]] = {}
            for table, column, kind in cursor.fetchall():
                found.setdefault(table.strip(), []).append((column.strip(), _TYPES.get(kind, "other")))
            return found
        finally:
            with suppress(DatabaseError):
                cursor.close()

    def close(self) -> None:
        """End the transaction and close the connection."""
        with suppress(DatabaseError):
            self._connection.rollback()
        with suppress(DatabaseError):
            self._connection.close()


def open_file(file: FirebirdFile, school: str, *, by_block: bool = True) -> FirebirdDriver:
    """Open a database file with the embedded engine. Raises BridgeError `school-unreachable`."""
    use_embedded_firebird()
    if not readable(file.path):
        raise refusals.file_missing(school, str(file.path))
    return refusals.guarded(
        lambda: _open(str(file.path.absolute()), "SYSDBA", None, None, by_block=by_block),
        lambda error: _file_refusal(error, school, file.path),
    )


def open_server(server: FirebirdServer, school: str, *, by_block: bool = True) -> FirebirdDriver:
    """Open a database that a server serves. Raises BridgeError `school-unreachable` or `school-login-refused`."""
    use_embedded_firebird()
    name = _registered(server)
    return refusals.guarded(
        lambda: _open(name, server.user, server.password, server.role, by_block=by_block),
        lambda error: _server_refusal(error, school),
    )


def _open(name: str, user: str | None, password: str | None, role: str | None, *, by_block: bool) -> FirebirdDriver:
    connection = connect(
        name,
        user=user,
        password=password,
        role=role,
        charset="UTF8",
        no_gc=True,
        no_db_triggers=user == "SYSDBA" or None,
    )
    try:
        request = TPB(isolation=Isolation.SNAPSHOT, access_mode=TraAccessMode.READ, lock_timeout=0)
        connection.begin(request.get_buffer())
        facts = SnapshotFacts(
            product=f"Firebird {connection.info.version}",
            dialect="firebird",
            style="qmark",
            read_only=connection.main_transaction.info.is_read_only(),
            one_state=True,
            numbered_since=_numbered_since(connection),
        )
    except BaseException:
        connection.close()
        raise
    return FirebirdDriver(facts, connection, by_block)


def _numbered_since(connection: Connection) -> datetime | None:
    """Return since when the rows' numbers grow: a restored database numbers its rows anew."""
    if connection.info.engine_version < _NUMBERS_ROWS:
        return None
    made = connection.info.creation_date
    return made if isinstance(made, datetime) else None


def _registered(server: FirebirdServer) -> str:
    """Register a server's database with the driver and return its name there; the same one has the same name."""
    place = f"{server.host}\n{server.port}\n{server.database}"
    name = f"dnevnik-{sha256(place.encode()).hexdigest()}"
    with _registering:
        if driver_config.get_database(name) is None:
            address = driver_config.register_server(name)
            address.host.value = _host(server.host)
            address.port.value = str(server.port)
            described = driver_config.register_database(name)
            described.database.value = server.database
            described.server.value = name
            described.utf8filename.value = True
            described.timeout.value = CONNECT_SECONDS
    return name


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def readable(path: Path) -> bool:
    """Tell whether a file is there and may be read."""
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def _layout(cursor: Cursor, table: RawTable) -> Layout | None:
    """Return how the query's rows lie in memory, None where the driver is to decode them."""
    statement = getattr(cursor, "_stmt", None)
    buffer, items = getattr(statement, "_out_buffer", None), getattr(statement, "_out_desc", None)
    if buffer is None or items is None or not hasattr(getattr(cursor, "_result", None), "fetch_next"):
        return None
    order = places(table, [str(item.alias) for item in items])
    return layout_of(table.columns, [None if place is None else items[place] for place in order], len(buffer))


def _file_refusal(error: Exception, school: str, path: Path) -> BridgeError:
    codes = frozenset(error.gds_codes if isinstance(error, DatabaseError) else ())
    if codes & _BUSY_CODES:
        return refusals.file_busy(school, str(path))
    if codes & _FORMAT_CODES:
        return refusals.file_format(school, str(path))
    if _IO_ERROR in codes:
        return refusals.file_missing(school, str(path))
    return refusals.unreachable(school, error_numbers(error))


def _server_refusal(error: Exception, school: str) -> BridgeError:
    if isinstance(error, DatabaseError) and not _LOGIN_CODES.isdisjoint(error.gds_codes):
        return refusals.login_refused(school, error_numbers(error))
    return refusals.unreachable(school, error_numbers(error))


def error_numbers(error: Exception) -> str:
    """Return an error's numbers: they say what happened, and hold no data."""
    if isinstance(error, DatabaseError):
        return f"SQLSTATE {error.sqlstate or '–'}, gds {', '.join(str(code) for code in error.gds_codes) or '–'}"
    return type(error).__name__
