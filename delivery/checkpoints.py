"""The audit log's newest checkpoints, remembered apart from it, and who else has them.

Rules. A log that does not continue a checkpoint known anywhere was cut, forked or put back from an older copy; nothing
is sent with it. A holder is a witness, the folder of copies, the mailbox, or `quorum`: enough witnesses on one
checkpoint. Of each is kept the newest that it has, and since when it fails to get a newer one; a success ends that.
Deliberately not here: asking witnesses (`audit.cosigning_round`), sending copies (`delivery.checkpoint_copies`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from audit.cosigning_round import CONTRADICTED
from database import gate
from delivery.tables import CHECKPOINT_HOLDER, KNOWN_CHECKPOINT

QUORUM, FOLDER, MAIL = "quorum", "folder", "mail"

_LINE = "checkpoint-holders"


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


@dataclass(frozen=True, slots=True)
class Held:
    """What one holder has: its newest checkpoint, and what keeps it from a newer one since when."""

    size: int | None = None
    note: bytes | None = field(default=None, repr=False)
    held_at: datetime | None = None
    trouble: str | None = None
    failing_since: datetime | None = None

    def out_of_patience(self, now: datetime, patience: timedelta) -> bool:
        """Tell whether it has failed for longer than is borne."""
        return self.failing_since is not None and now - self.failing_since > patience

    def is_due(self, size: int, now: datetime, every: timedelta) -> bool:
        """Tell whether it is time to give it the checkpoint of that size: one it has not, and not too soon."""
        return self.size != size and (self.held_at is None or now - self.held_at >= every)


def holders(connection: Connection, origin: str) -> Mapping[str, Held]:
    """Return what every holder has, by its name."""
    columns = CHECKPOINT_HOLDER.c
    query = sa.select(
        columns.holder, columns.size, columns.note, columns.held_at, columns.trouble, columns.failing_since
    ).where(columns.origin == origin)
    return {
        row.holder: Held(row.size, row.note, row.held_at, row.trouble, row.failing_since)
        for row in connection.execute(query)
    }


def note_held(connection: Connection, origin: str, holder: str, *, size: int, note: bytes, now: datetime) -> None:
    """Note that a holder has this checkpoint now; of two, the longer one stays. Ends its failing."""
    gate(connection, _LINE)
    before = holders(connection, origin).get(holder, Held())
    values: dict[str, object] = {"trouble": None, "failing_since": None}
    if before.size is None or before.size <= size:
        values |= {"size": size, "note": note, "held_at": now}
    _put(connection, origin, holder, values)


def note_failing(connection: Connection, origin: str, holder: str, *, trouble: str, now: datetime) -> None:
    """Note that a holder could not be given a newer checkpoint; since when stays as first noted.

    One that contradicted the log is noted so until it holds a checkpoint again, whatever it says or not meanwhile.
    """
    gate(connection, _LINE)
    before = holders(connection, origin).get(holder, Held())
    if before.trouble == CONTRADICTED:
        return
    since = before.failing_since
    if since is None or trouble == CONTRADICTED:
        since = now
    _put(connection, origin, holder, {"trouble": trouble, "failing_since": min(since, now)})


def _put(connection: Connection, origin: str, holder: str, values: Mapping[str, object]) -> None:
    table = CHECKPOINT_HOLDER
    found = connection.execute(
        table.update().where(table.c.origin == origin, table.c.holder == holder).values(**values)
    ).rowcount
    if not found:
        connection.execute(table.insert().values(origin=origin, holder=holder, **values))
