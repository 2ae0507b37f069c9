"""A log in a database: the same resources as rows of two tables, for installations that share one over machines.

Rules. An append is one transaction, or part of the caller's where both share a database (`within`), so nothing
unpublished is ever stored and a lost connection leaves the log as it was. Writers queue: on SQLite by BEGIN IMMEDIATE
with synchronous=FULL, on PostgreSQL by a lock on the table of checkpoints. Every checkpoint is kept. The tables are
made here and not by a migration: the log stands on its own, mostly in a database of its own. Driver errors are named by
class only, for their text may hold a password.
A partial bundle is stored in pieces: its row holds the entries since the next smaller one, so that an append writes no
more than it adds. Everything else is stored as a folder would hold it.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from audit.errors import AuditDamagedError, AuditUnavailableError
from audit.store import COSIGNED, Longer, Resources
from audit.tiles import BUNDLES, CHECKPOINT, Tile, parse_path

BUSY_SECONDS = 30
_CREATION = zlib.crc32(b"audit log")

_METADATA = sa.MetaData()
_RESOURCE = sa.Table(
    "audit_resource",
    _METADATA,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
_CHECKPOINT = sa.Table(
    "audit_checkpoint",
    _METADATA,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)

# Made once: a statement costs SQLAlchemy more to make than most of these take to run.
_NEWEST = sa.select(_CHECKPOINT.c.size, _CHECKPOINT.c.note).order_by(_CHECKPOINT.c.size.desc()).limit(1)
_ONE = sa.select(_RESOURCE.c.content).where(_RESOURCE.c.path == sa.bindparam("path"))
_BETWEEN = sa.and_(_RESOURCE.c.path > sa.bindparam("first"), _RESOURCE.c.path < sa.bindparam("last"))
_PIECES = sa.select(_RESOURCE.c.path, _RESOURCE.c.content).where(_BETWEEN)
_ADD_RESOURCES, _ADD_CHECKPOINT = sa.insert(_RESOURCE), sa.insert(_CHECKPOINT)
_DROP = sa.delete(_RESOURCE).where(_BETWEEN)


def open_sql_store(url: str) -> "SqlStore":
    """Return the store at a SQLAlchemy URL (SQLite or PostgreSQL). Raises AuditUnavailableError."""
    try:
        store = SqlStore(_engine(sa.make_url(url)))
    except (SQLAlchemyError, ImportError) as error:
        failure = type(error).__name__
    else:
        return store
    raise _unreachable(failure)


def _engine(url: sa.URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _configure(dbapi_connection, _record) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  the DBAPI has no types
        dbapi_connection.isolation_level = None  # the begin event below says BEGIN, not the driver
        dbapi_connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("audit_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


class SqlStore:
    """A log's resources as rows."""

    leaves_unpublished = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file = Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None

    def prepare(self) -> None:
        """Make the tables where they are missing. Raises AuditUnavailableError."""
        with self._transaction(writing=True) as connection:
            if connection.dialect.name == "postgresql":  # where two creations at once collide
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CREATION})")
            _METADATA.create_all(connection)

    @contextmanager
    def _transaction(self, *, writing: bool = False) -> Iterator[Connection]:
        if self._file is not None and not writing and not self._file.is_file():
            raise _unreachable("no such file")  # SQLite would make one
        failure = None
        try:
            with self._engine.connect().execution_options(audit_writing=writing) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            failure = type(error).__name__
        if failure is not None:
            raise _unreachable(failure)

    def read(self, path: str) -> bytes | None:
        """Return a published resource, None where there is none. Raises AuditUnavailableError."""
        with self._transaction() as connection:
            return _read(connection, path)

    def paths(self) -> Iterator[str]:
        """Give the path of everything that is stored."""
        with self._transaction() as connection:
            query = sa.select(_RESOURCE.c.path).where(_RESOURCE.c.path != COSIGNED).order_by(_RESOURCE.c.path)
            paths = list(connection.execute(query).scalars())
            if _read(connection, CHECKPOINT) is not None:
                paths.append(CHECKPOINT)
        return iter(paths)

    def history(self) -> Iterator[bytes]:
        """Give every checkpoint but the newest, oldest first.

        Raises AuditDamagedError when one doesn't stand under the size that it says.
        """
        with self._transaction() as connection:
            rows = connection.execute(sa.select(_CHECKPOINT.c.size, _CHECKPOINT.c.note).order_by(_CHECKPOINT.c.size))
            kept = list(rows)[:-1]
        for size, note in kept:
            _check_size(size, note)
        return iter([bytes(note) for _, note in kept])

    @contextmanager
    def writing(self) -> Iterator["SqlWriter"]:
        """Open the one transaction of an append, behind every other writer's. Raises AuditUnavailableError."""
        with self._transaction(writing=True) as connection:
            _wait_for_others(connection)
            yield SqlWriter(connection)

    def within(self, connection: object) -> "JoinedStore | None":
        """Return the store within a transaction of the same database that holds the right to write; else None."""
        if isinstance(connection, Connection) and _place(connection.engine.url) == _place(self._engine.url):
            return JoinedStore(self._engine, connection)
        return None

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


class JoinedStore(SqlStore):
    """The log within its caller's transaction: what is appended stands or falls with all else that this one stores.

    On SQLite that transaction began with BEGIN IMMEDIATE and synchronous=FULL, as an append's own does; on PostgreSQL
    it is READ COMMITTED, so what is read under the lock is the newest. The lock is kept until it ends.
    """

    def __init__(self, engine: Engine, connection: Connection) -> None:
        super().__init__(engine)
        self._connection = connection

    @contextmanager
    def _transaction(self, *, writing: bool = False) -> Iterator[Connection]:  # noqa: ARG002  it was begun by the caller
        failure = None
        try:
            yield self._connection
        except SQLAlchemyError as error:
            failure = type(error).__name__
        if failure is not None:
            raise _unreachable(failure)

    def close(self) -> None:
        """Do nothing: the connection is the caller's."""


class SqlWriter:
    """The tables within the transaction of one append."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, path: str) -> bytes | None:
        """Return a resource, None where there is none."""
        return _read(self._connection, path)

    def drop_unpublished(self, size: int) -> None:
        """Do nothing: what isn't committed is not there."""

    def write(self, resources: Resources, longer: Longer | None = None) -> None:
        """Insert resources. Raises AuditDamagedError when one is there already, beyond the newest checkpoint."""
        rows = [{"path": path, "content": content} for path, content in resources.items()]
        if longer is not None:
            rows.append({"path": longer.path, "content": longer.added})
        try:
            self._connection.execute(_ADD_RESOURCES, rows)
        except IntegrityError:
            there_already = True
        else:
            there_already = False
        if there_already:
            raise AuditDamagedError(
                "В базе данных журнала аудита есть данные сверх последней отметки: её удалили. Проверьте журнал.",
                "The audit log's database holds more than its last checkpoint covers: one was deleted. Verify the log.",
            )

    def publish(self, checkpoint: bytes, size: int) -> None:
        """Add the checkpoint that makes the resources the log's."""
        self._connection.execute(_ADD_CHECKPOINT, {"size": size, "note": checkpoint})

    def keep_beside(self, path: str, content: bytes) -> None:
        """Put a row that is no part of the log in its former one's place."""
        self._connection.execute(sa.delete(_RESOURCE).where(_RESOURCE.c.path == path))
        self._connection.execute(_ADD_RESOURCES, {"path": path, "content": content})

    def drop_partials(self, folder: str) -> None:
        """Delete the partial forms of a full tile."""
        self._connection.execute(_DROP, _within(folder))


def _within(folder: str) -> dict[str, str]:
    """Return between which paths everything in a folder stands: 0 follows the slash."""
    return {"first": f"{folder}/", "last": f"{folder}0"}


def _wait_for_others(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
        connection.exec_driver_sql("LOCK TABLE audit_checkpoint IN EXCLUSIVE MODE")


def _place(url: sa.URL) -> tuple[object, ...]:
    """Return where a database is, whatever driver it is spoken to by."""
    if url.get_backend_name() == "sqlite":
        return ("sqlite", Path(url.database or "").resolve())
    return (url.get_backend_name(), url.host, url.port, url.database, url.query.get("host"))


def _read(connection: Connection, path: str) -> bytes | None:
    if path == CHECKPOINT:
        row = connection.execute(_NEWEST).first()
        if row is not None:
            _check_size(row.size, row.note)
        content = None if row is None else row.note
    elif ".p/" in path and (tile := parse_path(path)) is not None and tile.level == BUNDLES:
        content = _pieces(connection, tile)
    else:
        content = connection.execute(_ONE, {"path": path}).scalar()
    if content is None or isinstance(content, bytes):
        return content
    # SQLite keeps a text or a number in a column of bytes, if somebody puts it there.
    raise AuditDamagedError(
        f"В базе данных журнала аудита вместо {path} стоят не байты. Восстановите журнал из копии.",
        f"The audit log's database holds no bytes as {path}. Restore the log from a copy.",
    )


def _pieces(connection: Connection, bundle: Tile) -> object:
    """Return a partial bundle: what the appends since its first entry added, one after the other; None without it.

    Where a piece is no bytes, that is returned in its place.
    """
    found = {row.path: row.content for row in connection.execute(_PIECES, _within(bundle.partials))}
    if bundle.path not in found:
        return None
    tiles = sorted(tile for tile in map(parse_path, found) if tile is not None and tile.width <= bundle.width)
    pieces = [found[tile.path] for tile in tiles]
    return next((piece for piece in pieces if not isinstance(piece, bytes)), None) or b"".join(pieces)


def _check_size(size: int, note: object) -> None:
    """Refuse a checkpoint that stands under another size than its own: the newest would not be the newest."""
    if not isinstance(note, bytes) or note.split(b"\n", 2)[1:2] != [b"%d" % size]:
        raise AuditDamagedError(
            f"В таблице audit_checkpoint под размером {size} — не его отметка. Восстановите журнал из копии.",
            f"The table audit_checkpoint holds under the size {size} what isn't its checkpoint. Restore it.",
        )


def _unreachable(failure: str) -> AuditUnavailableError:
    return AuditUnavailableError(
        f"База данных журнала аудита недоступна ({failure}). Проверьте адрес и права; без журнала отправки нет.",
        f"The audit log's database is out of reach ({failure}). Check address and rights; nothing is sent without it.",
    )
