"""Finishes what an earlier process left: every open batch gets its outcome before anything new is sent.

Rule: an open batch may have been sent, so only GetReceipt tells. Taken: its receipt is entered. Unknown to the
portal: it is dropped (never sent again as it is, for consents may have changed since), and the plan of this run
decides anew. No answer: nothing is sent for this school in this run. A receipt that is not believed, though asked for
once more: the portal has the batch, but which of its records is its secret, so the ledger takes the worst of each
(`ledger.settle_doubtful`), this run sends them again under newer revisions, and the run says so. A batch that was
dropped may still have been on its way: it is asked for again while it can arrive (`delivery.stragglers`).
A portal keeps receipts for 30 days: that it does not know an older batch says nothing, and such a batch is closed
like one whose receipt is not believed; in the audit log it counts as taken, for its records may have been shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.engine import Engine

from database import reading, writing
from delivery import ledger
from delivery.desk import Desk
from delivery.lease import confirm_lease
from delivery.outcome import enter_doubtful, enter_not_taken, enter_receipt, enter_straggler
from delivery.receipts import doubt
from delivery.send import ask_receipt
from delivery.stragglers import forget_stragglers, stragglers
from journal.records import Receipt

REMEMBERED_FOR = timedelta(days=29)
"""How old a batch may be for the portal's word that it never came: a day less than receipts are kept."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many batches got their outcome; of how many the receipt was not believed, or was not there any more."""

    finished: int
    doubtful: int
    forgotten: int = 0


def open_batches(engine: Engine, school: str) -> list[ledger.StoredBatch]:
    """Return the batches of a school whose outcome is unknown, oldest first."""
    with reading(engine) as connection:
        return ledger.open_batches(connection, school)


def finish_open_batches(desk: Desk) -> Recovered:
    """Learn and enter the outcome of each open batch. Raises PortalError."""
    with writing(desk.engine) as connection:
        now = desk.clock()
        confirm_lease(connection, desk.lease, now)
        forget_stragglers(connection, desk.school, now)
        late = stragglers(connection, desk.school, now)
    batches = open_batches(desk.engine, desk.school)
    doubtful = _ask_after(desk, late)
    forgotten = 0
    for batch in batches:
        receipt = ask_receipt(desk, batch.batch_id)
        if receipt is None and desk.clock() - batch.created_at > REMEMBERED_FOR:
            enter_doubtful(desk, batch.batch_id, None)
            forgotten += 1
            continue
        if receipt is None:
            enter_not_taken(desk, batch.batch_id, ledger.NOT_TAKEN, "never-arrived", may_arrive=True)
            continue
        if _is_believed(desk, receipt):
            enter_receipt(desk, receipt, "receipt")
        else:
            enter_doubtful(desk, batch.batch_id, receipt.receipt_id)
            doubtful += 1
    return Recovered(len(batches), doubtful, forgotten)


def _is_believed(desk: Desk, receipt: Receipt) -> bool:
    with reading(desk.engine) as connection:
        return doubt(receipt, ledger.batch_records(connection, receipt.batch_id)) is None


def _ask_after(desk: Desk, waiting: Sequence[str]) -> int:
    """Ask for batches that were closed as not taken; returns how many arrived with a receipt that isn't believed."""
    doubtful = 0
    for batch_id in waiting:
        receipt = ask_receipt(desk, batch_id)
        if receipt is None:
            continue
        if _is_believed(desk, receipt):
            enter_straggler(desk, receipt)
        else:
            enter_doubtful(desk, batch_id, receipt.receipt_id)
            doubtful += 1
    return doubtful
