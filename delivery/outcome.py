"""Step 7 of a record's way: the outcome of a batch, into the audit log and into the ledger.

Rule: where both are in one database, in one transaction; else the log comes first. Dies between the two: the batch is
still `open`, the next run asks GetReceipt, hears the same and enters it again; the log then says the outcome twice,
which is true. A receipt may be entered together with the next batch's intent (`heard_outcomes`, `settle_heard`): in
the same order, by one append and one transaction less. Of a batch whose receipt is not believed the log says that it
was taken, for then its records were disclosed, and that no record was rejected. A process that lost the school's lease
enters nothing: another one has asked for this batch's receipt. Hearing one all the same it leaves word, so that the
batch is asked for once more (`delivery.stragglers`).
"""

from collections.abc import Callable, Sequence

from sqlalchemy.engine import Connection

from audit.entry import DisclosureOutcome, Rejected, portal_code
from database import reading, writing
from delivery import ledger
from delivery.desk import Desk, ResolvedBy
from delivery.lease import check_lease, confirm_lease
from delivery.stragglers import close_as_straggler, look_out_again, settle_straggler
from journal.records import Receipt
from journal.wording import BridgeError


def enter_heard(desk: Desk) -> None:
    """Enter the receipts that were heard and are not entered yet. Raises as `enter_receipt`; the next run asks then."""
    while desk.heard:
        enter_receipt(desk, *desk.heard.pop(0))


def heard_outcomes(desk: Desk) -> list[DisclosureOutcome]:
    """Return what the log is to say of the receipts that were heard and are not entered yet, in their order."""
    return [_taken(desk, receipt, resolved_by) for receipt, resolved_by in desk.heard]


def settle_heard(desk: Desk, connection: Connection, outcomes: Sequence[DisclosureOutcome]) -> None:
    """Store in the ledger the receipts that `outcomes` are of; `forget_heard` is for after the commit."""
    for (receipt, _), outcome in zip(desk.heard, outcomes, strict=True):
        ledger.settle_batch(connection, receipt.batch_id, receipt, outcome.at)


def forget_heard(desk: Desk, outcomes: Sequence[DisclosureOutcome]) -> None:
    """Forget the receipts that were settled, once that is durable."""
    if outcomes:
        del desk.heard[: len(outcomes)]
        desk.boundary("outcome-stored")


def enter_receipt(desk: Desk, receipt: Receipt, resolved_by: ResolvedBy) -> None:
    """Write the portal's receipt into the audit log, then into the ledger. Raises BridgeError `lease-lost`."""
    try:
        with reading(desk.engine) as connection:
            check_lease(connection, desk.lease)
    except BridgeError:
        with writing(desk.engine) as connection:
            look_out_again(connection, receipt.batch_id, desk.clock())
        raise
    outcome = _taken(desk, receipt, resolved_by)
    _enter(desk, outcome, lambda open_: ledger.settle_batch(open_, receipt.batch_id, receipt, outcome.at))


def enter_straggler(desk: Desk, receipt: Receipt) -> None:
    """Write into the audit log, then into the ledger, that a batch arrived after it was closed as not taken."""
    outcome = _taken(desk, receipt, "receipt")
    _enter(desk, outcome, lambda open_: settle_straggler(open_, receipt.batch_id, receipt, outcome.at))


def _taken(desk: Desk, receipt: Receipt, resolved_by: ResolvedBy) -> DisclosureOutcome:
    return DisclosureOutcome(
        at=desk.clock(),
        run=desk.run,
        school=desk.school,
        batch=receipt.batch_id,
        outcome="taken",
        receipt=receipt.receipt_id,
        duplicate=receipt.duplicate,
        rejected=tuple(Rejected(r.record_id, portal_code(r.code)) for r in receipt.rejected),
        resolved_by=resolved_by,
    )


def enter_doubtful(desk: Desk, batch_id: str, receipt_id: str | None) -> None:
    """Write into the audit log, then into the ledger, that a batch was taken, its receipt worth nothing otherwise.

    `receipt_id` None: the portal no longer has one, so the batch counts as taken.
    """
    outcome = DisclosureOutcome(
        at=desk.clock(),
        run=desk.run,
        school=desk.school,
        batch=batch_id,
        outcome="taken",
        receipt=receipt_id,
        resolved_by="receipt",
    )
    _enter(desk, outcome, lambda open_: ledger.settle_doubtful(open_, batch_id, receipt_id, outcome.at))


def enter_not_taken(
    desk: Desk, batch_id: str, state: str, code: str, *, blame_records: bool = False, may_arrive: bool = False
) -> None:
    """Write into the audit log, then into the ledger, that the portal did not take a batch.

    `blame_records`: its records are at fault (`ledger.drop_batch`). `may_arrive`: a message of it may be on its way.
    """
    outcome = DisclosureOutcome(
        at=desk.clock(),
        run=desk.run,
        school=desk.school,
        batch=batch_id,
        outcome="not-taken" if state == ledger.NOT_TAKEN else "refused",
        receipt=None,
        duplicate=False,
        rejected=(),
        resolved_by="reply",
    )

    def store(connection: Connection) -> None:
        if may_arrive and state == ledger.NOT_TAKEN:
            close_as_straggler(connection, batch_id, code, outcome.at)
        else:
            ledger.drop_batch(connection, batch_id, state, code, outcome.at, blame_records=blame_records)

    _enter(desk, outcome, store)


def _enter(desk: Desk, outcome: DisclosureOutcome, store: Callable[[Connection], None]) -> None:
    """Append to the log and store in the ledger, as the module says. Raises BridgeError `lease-lost`, also between."""
    with reading(desk.engine) as connection:
        check_lease(connection, desk.lease)
        together = desk.log.within(connection) is not None
    if not together:
        desk.log.append([outcome])
        desk.boundary("outcome-logged")
    with writing(desk.engine) as connection:
        confirm_lease(connection, desk.lease, outcome.at)
        store(connection)
        log = desk.log.within(connection)
        if log is not None:
            log.append([outcome])
    desk.boundary("outcome-stored")
