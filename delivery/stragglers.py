"""Batches that were closed as not taken and may yet arrive: asked after again, so that none is shown unknown.

Rules. A call that broke off, or a process that died or was paused with the request in its hands, can reach the portal
after GetReceipt said that it never did. A signed message is good for five minutes (its Timestamp), clocks may differ
by as much, so for `LOOKED_OUT_FOR` after it was closed each run, a sweep a minute among them, asks once more. Nothing
waits meanwhile: whatever is said anew has a newer revision, which a late message can't undo. A batch that did arrive is
entered as taken; what has no ground is then taken back by the same run. Its rows are kept for a day, for a process that
wakes after that time may still hear a receipt: it enters nothing, for the lease is another's, but leaves word to ask.
Deliberately not here: who asks (`delivery.recover`), the audit log (`delivery.outcome`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from delivery import ledger
from delivery.bulk import in_parts
from delivery.tables import BATCH, BATCH_ROW, RECORD
from journal.records import Receipt

LOOKED_OUT_FOR = timedelta(minutes=15)
ROWS_KEPT = timedelta(days=1)

_HAS_ROWS = sa.exists().where(BATCH_ROW.c.batch_id == BATCH.c.batch_id)


def close_as_straggler(connection: Connection, batch_id: str, code: str, now: datetime) -> None:
    """Enter that the portal did not take a batch so far; its rows stay, in case that it does."""
    connection.execute(
        BATCH.update()
        .where(BATCH.c.batch_id == batch_id)
        .values(state=ledger.NOT_TAKEN, settled_at=now, error_code=code)
    )


def stragglers(connection: Connection, school: str, now: datetime) -> list[str]:
    """Return the ids of a school's batches that may yet arrive, oldest first."""
    query = sa.select(BATCH.c.batch_id).where(
        BATCH.c.school == school,
        BATCH.c.state == ledger.NOT_TAKEN,
        BATCH.c.settled_at > now - LOOKED_OUT_FOR,
        _HAS_ROWS,
    )
    return list(connection.scalars(query.order_by(BATCH.c.created_at)))


def look_out_again(connection: Connection, batch_id: str, now: datetime) -> None:
    """Let the next run ask for a batch that another process closed as not taken."""
    connection.execute(
        BATCH.update()
        .where(BATCH.c.batch_id == batch_id, BATCH.c.state == ledger.NOT_TAKEN, _HAS_ROWS)
        .values(settled_at=now)
    )


def settle_straggler(connection: Connection, batch_id: str, receipt: Receipt, now: datetime) -> None:
    """Enter the receipt of a batch that arrived late.

    Of a record about which something newer was said it isn't known whether that arrived: it counts as shown, with
    unknown content, so that it is sent again or taken back.
    """
    newer = sa.exists().where(RECORD.c.record_id == BATCH_ROW.c.record_id, RECORD.c.revision > BATCH_ROW.c.revision)
    of_batch = sa.and_(BATCH_ROW.c.batch_id == batch_id, newer)
    overtaken: Sequence[str] = connection.scalars(
        sa.select(BATCH_ROW.c.record_id).where(of_batch, BATCH_ROW.c.action == "publish")
    ).all()
    connection.execute(BATCH_ROW.delete().where(of_batch, BATCH_ROW.c.action == "withdraw"))
    ledger.settle_batch(connection, batch_id, receipt, now, overtaken=True)
    for these in in_parts(RECORD.c.record_id, overtaken):
        connection.execute(RECORD.update().where(these).values(digest=None))


def forget_stragglers(connection: Connection, school: str, now: datetime) -> None:
    """Drop the rows of batches that were closed long ago."""
    old = sa.select(BATCH.c.batch_id).where(
        BATCH.c.school == school, BATCH.c.state == ledger.NOT_TAKEN, BATCH.c.settled_at <= now - ROWS_KEPT
    )
    connection.execute(BATCH_ROW.delete().where(BATCH_ROW.c.batch_id.in_(old)))
