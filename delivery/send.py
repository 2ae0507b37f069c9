"""Hands a plan's records to the portal: intent, request, outcome.

The way of one batch, and what is true if the process dies there:
1. consents are read again and the batch is stored as `open` in one transaction. Dies after it: nothing was
   sent; the next run asks GetReceipt, hears "unknown", and drops the batch.
2. its disclosures are appended to the audit log, durable. Dies after it: as above; the log says "intended",
   then "not-taken".
3. the request. Dies during or after it: the next run asks GetReceipt and enters what it hears.
4. the outcome goes into the audit log, then into the ledger (`delivery.outcome`).
Of publications, 4 of the batch before and 1 and 2 of the batch after are done while the portal has this one
(`delivery.ahead`).

Rules. No audit log, no sending. A batch is sent again only when the portal said that it did not take it, and
only while consents still cover all of it. When an outcome stays unknown, nothing more is sent for this school; a
receipt that is not believed (`delivery.receipts`) leaves it unknown. A batch that the portal will never take because of
what it says is divided until the records at fault stand alone; these are not sent again until they change or a person
says so (`delivery.dead_letters`), the others go. What is wrong with the installation is no record's fault and stops
the run.
Deliberately not here: what to send (`delivery.plan`), links (`delivery.send_links`), earlier runs' leftovers
(`delivery.recover`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise, zip_longest

import numpy as np
import numpy.typing as npt
import pandas as pd

from database import reading
from delivery import ledger
from delivery.ahead import Meanwhile, looking_ahead
from delivery.desk import Desk, ResolvedBy, SendingTally, TakingBackStoppedError
from delivery.intent import (
    Content,
    Intent,
    content_rows,
    permitted_now,
    publish_rows,
    store_intents,
    withdraw_rows,
)
from delivery.lease import check_lease
from delivery.outcome import enter_heard, enter_not_taken
from delivery.receipts import doubt, doubted
from delivery.watch import Mark, has_moved
from journal.portal import PortalError, Resend
from journal.records import Receipt
from journal.wording import BridgeError

RECORDS_FAULTS = frozenset({"SchemaViolation", "TooLarge"})
"""The portal's final refusals that speak of what a batch says, not of who sends it."""

FIRST_RECORDS = 250
"""So few go first where several batches are published: until they are stored the portal has nothing to do."""

REFUSALS_IN_A_ROW = 14
"""One more than dividing the largest batch down to one record takes: if so many are, it is no record's fault."""


class GroundLostError(Exception):
    """A consent ended after a batch was stored and before it was sent."""


@dataclass(slots=True)
class _Calls:
    """What is known of a batch's calls: whether any broke off, so that it may arrive later."""

    broken: bool = False


@dataclass(slots=True)
class _Part:
    """A batch's worth of rows; `stored` are its intents where they were stored ahead of its turn."""

    rows: list[ledger.BatchRow] = field(repr=False)
    contents: Mapping[str, Content] = field(repr=False)
    stored: list[Intent] | None = field(default=None, repr=False)


def send_withdrawals(desk: Desk, withdraw: pd.DataFrame, batch_records: int, tally: SendingTally) -> None:
    """Take records back. `withdraw` has the columns of RecordPlan.withdraw."""
    order = _in_order(withdraw, desk.new_id())
    for start in range(0, len(order), batch_records):
        if tally.stopped_by:
            tally.not_withdrawn += len(order) - start
            return
        part = _Part(withdraw_rows(withdraw.iloc[order[start : start + batch_records]]), {})
        _send(desk, part, tally, Meanwhile())
        enter_heard(desk)


def send_publications(desk: Desk, publish: pd.DataFrame, batch_records: int, tally: SendingTally) -> None:
    """Publish records. `publish` has the columns of RecordPlan.publish."""
    order = _in_order(publish, desk.new_id())
    spans = batch_spans(len(order), batch_records)
    ahead: _Part | None = None
    mark: Mark | None = None

    def part_of(span: slice) -> _Part:
        contents = content_rows(publish.iloc[order[span]])
        rows = publish_rows(contents, desk.new_id)
        return _Part(rows, {row.record_id: content for row, content in zip(rows, contents, strict=True)})

    def look_ahead(span: slice | None) -> None:
        nonlocal ahead, mark
        if span is not None:
            ahead = part_of(span)
            ahead.stored = list(store_intents(desk, ahead.rows, ahead.contents, tally, mark))
            mark = ahead.stored[-1].mark if ahead.stored else mark
        enter_heard(desk)

    try:
        with looking_ahead() as meanwhile:
            for span, following in zip_longest(spans, spans[1:]):
                part, ahead = ahead, None
                take_back_first(desk, tally)
                if part is None:
                    if tally.stopped_by:
                        tally.failed += len(order[span])
                        continue
                    part = part_of(span)
                meanwhile.put(partial(look_ahead, following) if desk.heard or following else None)
                _send(desk, part, tally, meanwhile)
    except BridgeError:
        with suppress(BridgeError):  # what was heard is entered all the same, or word of it is left
            enter_heard(desk)
        raise
    enter_heard(desk)


def batch_spans(records: int, most: int) -> list[slice]:
    """Divide so many records into batches, of which the first is small where others follow."""
    first = min(most, FIRST_RECORDS) if records > most else most
    starts = [0, *range(first, records, most)] if records else []
    return [slice(start, end) for start, end in pairwise([*starts, records])]


def _in_order(frame: pd.DataFrame, drawn: str) -> npt.NDArray[np.intp]:
    """Return the rows' positions, a student's side by side as they stand: a large frame isn't copied.

    The students follow each other as `drawn` at random, for in the order of their keys the log's entries would say
    who is before whom in the school's list, and so, of somebody whose key was destroyed, between whom.
    """
    places, students = pd.factorize(frame["student_key"])
    lots = [hashlib.blake2b(f"{drawn}\x1f{student}".encode(), digest_size=16).digest() for student in students]
    ranks = np.empty(len(lots), np.intp)
    ranks[sorted(range(len(lots)), key=lots.__getitem__)] = np.arange(len(lots))
    return np.argsort(ranks[places], kind="stable")


def take_back_first(desk: Desk, tally: SendingTally) -> None:
    """Take back what lost its ground since it was last looked for; if that can't be done, nothing else is sent."""
    if tally.stopped_by is None:
        try:
            desk.first()
        except TakingBackStoppedError as stopped:
            tally.stopped_by = stopped.failure


def _send(desk: Desk, part: _Part, tally: SendingTally, meanwhile: Meanwhile) -> None:
    waiting = [part]
    while waiting:
        part = waiting.pop(0)
        if tally.stopped_by and part.stored is None:
            tally.count_failed(part.rows)
            continue
        divided: list[list[ledger.BatchRow]] = []
        stored = part.stored
        for intent in store_intents(desk, part.rows, part.contents, tally) if stored is None else stored:
            if tally.stopped_by:
                _drop(desk, intent, ledger.NOT_TAKEN, tally.stopped_by.code, tally)
            else:
                divided += _submit(desk, intent, tally, meanwhile)
                meanwhile.check()
        waiting[:0] = [_Part(rows, part.contents) for rows in divided]


def _submit(desk: Desk, intent: Intent, tally: SendingTally, meanwhile: Meanwhile) -> list[list[ledger.BatchRow]]:
    """Send one stored batch and enter its outcome; an outcome that stays unknown stops the sending.

    Returns what is to be stored and sent in its place: the parts that a refused batch was divided into, or all of one
    that can't go as it is, for storing it again leaves out what lost its ground.
    """
    calls = _Calls()
    try:
        receipt, resolved_by = _receipt_for(desk, intent, calls, meanwhile)
    except GroundLostError:
        enter_not_taken(desk, intent.prepared.batch_id, ledger.NOT_TAKEN, "ground-lost", may_arrive=calls.broken)
        return [[row._replace(new=False) for row in intent.rows]]
    except TakingBackStoppedError as stopped:
        _drop(desk, intent, ledger.NOT_TAKEN, "not-sent", tally, may_arrive=calls.broken)
        tally.stopped_by = stopped.failure
        return []
    except PortalError as error:
        failure = error
    else:
        desk.boundary("reply-received")
        desk.heard.append((receipt, resolved_by))
        _count(intent.rows, receipt, tally)
        tally.refused_in_a_row = 0
        return []
    if failure.resend is Resend.UNKNOWN:
        tally.count_failed(intent.rows)
        tally.stopped_by = failure
        return []
    refused = failure.resend is Resend.FINAL and failure.said_by_portal
    tally.refused_in_a_row += 1
    if refused and failure.code in RECORDS_FAULTS and tally.refused_in_a_row < REFUSALS_IN_A_ROW:
        return _divide(desk, intent, failure.code, tally)
    state = ledger.REFUSED if refused else ledger.NOT_TAKEN
    _drop(desk, intent, state, failure.code, tally, may_arrive=calls.broken)
    tally.stopped_by = failure
    return []


def _divide(desk: Desk, intent: Intent, code: str, tally: SendingTally) -> list[list[ledger.BatchRow]]:
    """Enter a refusal that is its records' fault; returns the halves, none when the one record at fault is found."""
    alone = len(intent.rows) == 1
    enter_not_taken(desk, intent.prepared.batch_id, ledger.DIVIDED, code, blame_records=alone)
    if alone:
        tally.count_failed(intent.rows)
        return []
    known = [row._replace(new=False) for row in intent.rows]
    return [known[: len(known) // 2], known[len(known) // 2 :]]


def _receipt_for(desk: Desk, intent: Intent, calls: _Calls, meanwhile: Meanwhile) -> tuple[Receipt, ResolvedBy]:
    """Submit until a receipt, a refusal, or the end of patience; a lost reply is asked after, never sent blindly."""

    def once() -> Receipt:
        meanwhile.check()
        desk.turns.take(urgent=desk.urgent, meanwhile=desk.first)
        _still_stands(desk, intent)
        desk.boundary("about-to-send")
        return meanwhile.ask(partial(desk.portal.submit, intent.prepared))

    sent = {row.record_id for row in intent.rows}
    lost = PortalError("no-attempt", Resend.RETRYABLE)
    for _ in range(desk.patience.attempts):
        try:
            receipt: Receipt | None = desk.patience.call(once, meanwhile=desk.first)
        except PortalError as error:
            if error.resend is not Resend.UNKNOWN:
                raise
            lost = error
            calls.broken = True
        else:
            if receipt is not None and doubt(receipt, sent) is None:
                return receipt, "reply"
        receipt = ask_receipt(desk, intent.prepared.batch_id)
        if receipt is not None:
            why = doubt(receipt, sent)
            if why is not None:
                raise doubted(why)
            return receipt, "receipt"
    # The portal said each time that it took nothing: so nothing is unknown any more.
    raise PortalError(lost.code, Resend.RETRYABLE, detail=lost.detail)


def _still_stands(desk: Desk, intent: Intent) -> None:
    """Hold a batch against the world at the last moment before a try, which may come minutes after it was stored.

    Where the registry moved, what lost its ground is taken back first: at this moment no outcome is unknown, and what
    is taken back is in no other batch, or this one doesn't go, though a consent covers it again: its revision is older.
    Raises GroundLostError when a consent ended, a record was told of or its student shut off since, and BridgeError
    `lease-lost` when another process took over: then that one has asked for this batch's receipt and entered its
    outcome, and nothing may be sent from here any more.
    """
    with reading(desk.engine) as connection:
        check_lease(connection, desk.lease)
        if not has_moved(connection, intent.mark, desk.clock(), desk.day_of):
            if desk.shut and any(row.student_key in desk.shut and row.action == "publish" for row in intent.rows):
                raise GroundLostError
            return
    desk.first()
    with reading(desk.engine) as connection:
        check_lease(connection, desk.lease)
        known = ledger.revisions(connection, [row.record_id for row in intent.rows])
        overtaken = any(known.get(row.record_id, row.revision) != row.revision for row in intent.rows)
        if overtaken or len(permitted_now(desk, connection, intent.rows, desk.clock())[0]) < len(intent.rows):
            raise GroundLostError


def ask_receipt(desk: Desk, batch_id: str) -> Receipt | None:
    """Ask the portal whether it took a batch. A PortalError here leaves the outcome unknown."""

    def once() -> Receipt | None:
        desk.turns.take(urgent=desk.urgent)
        return desk.portal.receipt(desk.school, batch_id)

    try:
        return desk.patience.call(once)
    except PortalError as error:
        unknown = PortalError(error.code, Resend.UNKNOWN, error.retry_after, error.detail)
    raise unknown


def _drop(desk: Desk, intent: Intent, state: str, code: str, tally: SendingTally, *, may_arrive: bool = False) -> None:
    enter_not_taken(desk, intent.prepared.batch_id, state, code, may_arrive=may_arrive)
    tally.count_failed(intent.rows)


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
