"""Step 7 of a record's way: the outcome of a batch, into the audit log and then into the ledger.

Rule: the log comes first. Dies between the two: the batch is still `open`, the next run asks GetReceipt, hears
the same and enters it again; the log then says the outcome twice, which is true.
"""

from typing import Literal

from audit.entry import DisclosureOutcome, Rejected, portal_code
from database import writing
from delivery import ledger
from delivery.desk import Desk
from journal.records import Receipt

ResolvedBy = Literal["reply", "receipt"]


def enter_receipt(desk: Desk, receipt: Receipt, resolved_by: ResolvedBy) -> None:
    """Write the portal's receipt into the audit log, then into the ledger."""
    now = desk.clock()
    desk.log.append(
        [
            DisclosureOutcome(
                at=now,
                run=desk.run,
                school=desk.school,
                batch=receipt.batch_id,
                outcome="taken",
                receipt=receipt.receipt_id,
                duplicate=receipt.duplicate,
                rejected=tuple(Rejected(r.record_id, portal_code(r.code)) for r in receipt.rejected),
                resolved_by=resolved_by,
            )
        ]
    )
    desk.boundary("outcome-logged")
    with writing(desk.engine) as connection:
        ledger.settle_batch(connection, receipt.batch_id, receipt, now)
    desk.boundary("outcome-stored")


def enter_not_taken(desk: Desk, batch_id: str, state: str, code: str) -> None:
    """Write into the audit log, then into the ledger, that the portal did not take a batch."""
    now = desk.clock()
    desk.log.append(
        [
            DisclosureOutcome(
                at=now,
                run=desk.run,
                school=desk.school,
                batch=batch_id,
                outcome="refused" if state == ledger.REFUSED else "not-taken",
                receipt=None,
                duplicate=False,
                rejected=(),
                resolved_by="reply",
            )
        ]
    )
    with writing(desk.engine) as connection:
        ledger.drop_batch(connection, batch_id, state, code, now)
