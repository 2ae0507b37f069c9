"""The bridge's own database for a test, of either kind, empty and with its tables."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Engine

from database import open_database, upgrade


@contextmanager
def bridge_database(url: str) -> Iterator[Engine]:
    """Give the database at `url`; a server's is emptied first."""
    engine = open_database(url)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    upgrade(engine)
    try:
        yield engine
    finally:
        engine.dispose()
