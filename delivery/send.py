"""Hands a plan's records to the portal: intent, request, outcome.

The way of one batch, and what is true if the process dies there:
1. consents are read again and the batch is stored as `open` in one transaction. Dies after it: nothing was
   sent; the next run asks GetReceipt, hears "unknown", and drops the batch.
2. its disclosures are appended to the audit log, durable. Dies after it: as above; the log says "intended",
   then "not-taken".
3. the request. Dies during or after it: the next run asks GetReceipt and enters what it hears.
4. the outcome goes into the audit log, then into the ledger (`delivery.outcome`).

Rules. No audit log, no sending. A batch is sent again only when the portal said that it did not take it, and
only while consents still cover all of it. When an outcome stays unknown, nothing more is sent for this school.
Deliberately not here: what to send (`delivery.plan`), links (`delivery.send_links`), earlier runs' leftovers
(`delivery.recover`).
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from database import writing
from delivery import ledger
from delivery.desk import Desk, SendingTally
from delivery.intent import (
    Content,
    Intent,
    content_key,
    content_rows,
    permitted_now,
    publish_rows,
    store_intents,
    withdraw_rows,
)
from delivery.lease import confirm_lease
from delivery.outcome import ResolvedBy, enter_not_taken, enter_receipt
from journal.portal import PortalError, Resend
from journal.records import Receipt


class GroundLostError(Exception):
    """A consent ended while a batch waited to be sent again."""


def send_withdrawals(desk: Desk, withdraw: pd.DataFrame, batch_records: int, tally: SendingTally) -> None:
    """Take records back. `withdraw` has the columns of RecordPlan.withdraw."""
    rows = withdraw.sort_values(["student_key", "record_id"], kind="stable")
    for start in range(0, len(rows), batch_records):
        if tally.stopped_by:
            tally.not_withdrawn += len(rows) - start
            return
        _send(desk, withdraw_rows(content_rows(rows.iloc[start : start + batch_records])), {}, tally)


def send_publications(desk: Desk, publish: pd.DataFrame, batch_records: int, tally: SendingTally) -> None:
    """Publish records. `publish` has the columns of RecordPlan.publish."""
    rows = publish.sort_values(["student_key", "source_key"], kind="stable")
    for start in range(0, len(rows), batch_records):
        part = rows.iloc[start : start + batch_records]
        if tally.stopped_by:
            tally.failed += len(part)
            continue
        contents = content_rows(part)
        batch = publish_rows(contents, desk.new_id)
        by_key = {content_key(row): content for row, content in zip(batch, contents, strict=True)}
        _send(desk, batch, by_key, tally)


def _send(desk: Desk, rows: list[ledger.BatchRow], contents: Mapping[str, Content], tally: SendingTally) -> None:
    for intent in store_intents(desk, rows, contents, tally):
        if tally.stopped_by:
            _drop(desk, intent, ledger.NOT_TAKEN, tally.stopped_by.code, tally)
            continue
        _submit(desk, intent, tally)


def _submit(desk: Desk, intent: Intent, tally: SendingTally) -> None:
    """Send one stored batch and enter its outcome; an outcome that stays unknown stops the sending."""
    try:
        receipt, resolved_by = _receipt_for(desk, intent)
    except GroundLostError:
        _drop(desk, intent, ledger.NOT_TAKEN, "ground-lost", tally)
        return
    except PortalError as error:
        failure = error
    else:
        desk.boundary("reply-received")
        enter_receipt(desk, receipt, resolved_by)
        _count(intent.rows, receipt, tally)
        return
    if failure.resend is Resend.UNKNOWN:
        _count_failed(intent.rows, tally)
        tally.stopped_by = failure
        return
    refused = failure.resend is Resend.FINAL and failure.said_by_portal
    _drop(desk, intent, ledger.REFUSED if refused else ledger.NOT_TAKEN, failure.code, tally)
    tally.stopped_by = failure


def _receipt_for(desk: Desk, intent: Intent) -> tuple[Receipt, ResolvedBy]:
    """Submit until a receipt, a refusal, or the end of patience; a lost reply is asked after, never sent blindly."""
    tries = 0

    def once() -> Receipt:
        nonlocal tries
        tries += 1
        if tries > 1:
            _still_ours(desk, intent)
        desk.turns.take()
        return desk.portal.submit(intent.prepared)

    lost = PortalError("no-attempt", Resend.RETRYABLE)
    for _ in range(desk.patience.attempts):
        try:
            return desk.patience.call(once), "reply"
        except PortalError as error:
            if error.resend is not Resend.UNKNOWN:
                raise
            lost = error
        receipt = ask_receipt(desk, intent.prepared.batch_id)
        if receipt is not None:
            return receipt, "receipt"
    # The portal said each time that it took nothing: so nothing is unknown any more.
    raise PortalError(lost.code, Resend.RETRYABLE, detail=lost.detail)


def _still_ours(desk: Desk, intent: Intent) -> None:
    """Hold a batch against the world again before a later try, which may come minutes after its intent was stored.

    Raises GroundLostError when a consent ended, BridgeError `lease-lost` when another process took over: then that
    one has asked for this batch's receipt and entered its outcome, and nothing may be sent from here any more.
    """
    with writing(desk.engine) as connection:
        now = desk.clock()
        confirm_lease(connection, desk.lease, now)
        if len(permitted_now(desk, connection, intent.rows, now)[0]) < len(intent.rows):
            raise GroundLostError


def ask_receipt(desk: Desk, batch_id: str) -> Receipt | None:
    """Ask the portal whether it took a batch. A PortalError here leaves the outcome unknown."""

    def once() -> Receipt | None:
        desk.turns.take()
        return desk.portal.receipt(desk.school, batch_id)

    try:
        return desk.patience.call(once)
    except PortalError as error:
        unknown = PortalError(error.code, Resend.UNKNOWN, error.retry_after, error.detail)
    raise unknown


def _drop(desk: Desk, intent: Intent, state: str, code: str, tally: SendingTally) -> None:
    enter_not_taken(desk, intent.prepared.batch_id, state, code)
    _count_failed(intent.rows, tally)


def _count_failed(rows: Sequence[ledger.BatchRow], tally: SendingTally) -> None:
    for row in rows:
        if row.action == "publish":
            tally.failed += 1
        else:
            tally.not_withdrawn += 1


def _count(rows: Sequence[ledger.BatchRow], receipt: Receipt, tally: SendingTally) -> None:
    rejected = {rejection.record_id for rejection in receipt.rejected}
    for row in rows:
        if row.action == "withdraw":
            if row.record_id in rejected:
                tally.not_withdrawn += 1
            else:
                tally.withdrawn[row.reason or ""] += 1
        elif row.record_id in rejected:
            tally.failed += 1
        else:
            tally.sent += 1
