"""Finishes what an earlier process left: every open batch gets its outcome before anything new is sent.

Rule: an open batch may have been sent, so only GetReceipt tells. Taken: its receipt is entered. Unknown to the
portal: it is dropped (never sent again as it is, for consents may have changed since), and the plan of this run
decides anew. No answer: nothing is sent for this school in this run.
"""

from sqlalchemy.engine import Engine

from database import reading
from delivery import ledger
from delivery.desk import Desk
from delivery.outcome import enter_not_taken, enter_receipt
from delivery.send import ask_receipt


def open_batches(engine: Engine, school: str) -> list[ledger.StoredBatch]:
    """Return the batches of a school whose outcome is unknown, oldest first."""
    with reading(engine) as connection:
        return ledger.open_batches(connection, school)


def finish_open_batches(desk: Desk) -> int:
    """Learn and enter the outcome of each open batch; returns their number. Raises PortalError."""
    batches = open_batches(desk.engine, desk.school)
    for batch in batches:
        receipt = ask_receipt(desk, batch.batch_id)
        if receipt is None:
            enter_not_taken(desk, batch.batch_id, ledger.NOT_TAKEN, "never-arrived")
        else:
            enter_receipt(desk, receipt, "receipt")
    return len(batches)
