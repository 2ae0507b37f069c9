"""The newest checkpoint of the audit log, remembered apart from it.

Rule: a log that does not continue the checkpoint remembered here was cut, forked or put back from an older
copy; nothing is sent with it.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from delivery.tables import KNOWN_CHECKPOINT


def known_checkpoint(connection: Connection, origin: str) -> tuple[int, bytes] | None:
    """Return the size and root of the newest checkpoint known of the log `origin`."""
    row = connection.execute(
        sa.select(KNOWN_CHECKPOINT.c.size, KNOWN_CHECKPOINT.c.root).where(KNOWN_CHECKPOINT.c.origin == origin)
    ).one_or_none()
    return None if row is None else (row.size, row.root)


def remember_checkpoint(connection: Connection, origin: str, size: int, root: bytes, now: datetime) -> None:
    """Remember a checkpoint, unless a newer one is known."""
    known = known_checkpoint(connection, origin)
    if known is None:
        connection.execute(KNOWN_CHECKPOINT.insert().values(origin=origin, size=size, root=root, seen_at=now))
    elif known[0] < size:
        connection.execute(
            KNOWN_CHECKPOINT.update()
            .where(KNOWN_CHECKPOINT.c.origin == origin)
            .values(size=size, root=root, seen_at=now)
        )
