"""Opens the bridge's own database: SQLite on one machine, PostgreSQL where several share the work.

Rules. Every transaction is opened by `reading` or `writing`. On SQLite `writing` takes the write lock at
once (BEGIN IMMEDIATE), so that what it reads cannot change before it commits, and a commit is on the disk
when it returns (WAL, synchronous=FULL). On PostgreSQL a school's writers are put in line by `gate`.
Deliberately not here: tables; each room declares its own on `METADATA`, and `migrations/` creates them.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

MIGRATIONS = Path(__file__).parent.parent / "migrations"

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BUSY_SECONDS = 30

_ROOM = ("cache_size=-65536", "wal_autocheckpoint=4000")
"""64 MiB of pages in memory and 16 MiB of WAL: a batch's ids lie all over the indexes of a large ledger."""


class Moment(sa.TypeDecorator[datetime]):
    """An instant, stored as UTC text with microseconds (sorts as time does); a naive datetime is refused."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's signature
        """Write the instant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002  likewise
        """Read the instant, aware and in UTC."""
        return None if value is None else datetime.fromisoformat(value)


def open_database(url: str) -> Engine:
    """Return an engine for the bridge's database at `url`; a SQLite file's folder is made where missing."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True, isolation_level="READ COMMITTED", hide_parameters=True)
    if parsed.database and parsed.database != ":memory:" and not parsed.database.startswith("file:"):
        file = Path(parsed.database)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(OSError):  # what can't be made here is told by whoever opens it
            os.close(os.open(file, os.O_RDONLY | os.O_CREAT, 0o600))
    engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(dbapi_connection, _record) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        dbapi_connection.isolation_level = None  # the begin event below says BEGIN, not the driver
        cursor = dbapi_connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", *_ROOM):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("bridge_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads, seeing one state of the database throughout."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that may write; committed at the end, rolled back by an exception."""
    with engine.connect() as connection:
        connection.execution_options(bridge_writing=True)
        with connection.begin():
            yield connection


def gate(connection: Connection, school: str) -> None:
    """Put the writers of one school in line until this transaction ends (consents against intents)."""
    if connection.dialect.name == "postgresql":
        key = zlib.crc32(f"school:{school}".encode())
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def upgrade(engine: Engine) -> None:
    """Bring the database's tables to the newest migration; nothing happens where they are."""
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    with writing(engine) as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
