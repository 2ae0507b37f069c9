"""The audit log's newest checkpoints that the bridge's database remembers, read without touching anything."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

import database
from audit.note import Checkpoint
from delivery.tables import KNOWN_CHECKPOINT
from settings import Settings


def known_checkpoint(settings: Settings) -> list[Checkpoint]:
    """Return what is remembered; nothing where the database is not there, not reachable or not yet set up."""
    url = sa.make_url(settings.bridge.state)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return []
    try:
        engine = database.open_database(settings.bridge.state)
        with database.reading(engine) as connection:
            rows = connection.execute(sa.select(KNOWN_CHECKPOINT)).all()
        engine.dispose()
    except (SQLAlchemyError, ImportError):
        return []
    return [Checkpoint(row.origin, row.size, row.root, b"") for row in rows]
