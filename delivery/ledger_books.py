"""Reads what `delivery.three_ledgers` compares from the audit log and from the bridge's database. Writes nothing."""

from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from audit.entry import DisclosureIntended, DisclosureOutcome, Entry, LinkIntended, LinkOutcome, parse
from delivery.reconcile import believed_records
from delivery.tables import BATCH, LINK_STATE
from delivery.three_ledgers import HeldRecord, LedgerBook

_KINDS = tuple(
    f'"kind":"{cls.kind}"'.encode() for cls in (DisclosureIntended, DisclosureOutcome, LinkIntended, LinkOutcome)
)


def ledger_book(connection: Connection, school: str) -> LedgerBook:
    """Return a school's ledger."""
    records = {
        one.record_id: HeldRecord(one.revision, one.held, one.student_ref)
        for one in believed_records(connection, school).values()
    }
    batches = connection.execute(sa.select(BATCH.c.batch_id, BATCH.c.state).where(BATCH.c.school == school))
    links = connection.execute(
        sa.select(LINK_STATE.c.link_id, LINK_STATE.c.active, LINK_STATE.c.pending).where(LINK_STATE.c.school == school)
    )
    return LedgerBook(
        records,
        {row.batch_id: row.state for row in batches},
        {link: None if pending else active for link, active, pending in links},
    )


def parsed(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Give those of a log's entries that say what is shown. Raises EntryError for a line that is none."""
    return (parse(line) for line in lines if any(kind in line for kind in _KINDS))
