"""Hands a plan's records to the portal: intent, request, outcome.

The way of one batch, and what is true if the process dies there:
1. consents are read again and the batch is stored as `open` in one transaction. Dies after it: nothing was
   sent; the next run asks GetReceipt, hears "unknown", and drops the batch.
2. its disclosures are appended to the audit log, durable. Dies after it: as above; the log says "intended",
   then "not-taken".
3. the request. Dies during or after it: the next run asks GetReceipt and enters what it hears.
4. the outcome goes into the audit log, then into the ledger. Dies between: the next run hears the same receipt
   and enters it again; the log then says the outcome twice, which is true.

Rules. No audit log, no sending. A batch is sent again only when the portal said that it did not take it, and
only while consents still cover all of it. When an outcome stays unknown, nothing more is sent for this school.
Deliberately not here: what to send (`delivery.plan`), links (`delivery.send_links`), earlier runs' leftovers
(`delivery.recover`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import pandas as pd
from sqlalchemy.engine import Connection, Engine

from audit.entry import (
    DisclosureIntended,
    DisclosureOutcome,
    Ground,
    RecordAction,
    Rejected,
    canonical_parts,
    portal_code,
)
from audit.log import AuditLog
from consent_registry.decision import Grant, Refusal, covering
from database import gate, reading, writing
from delivery import ledger
from delivery.lease import Lease, confirm_lease
from delivery.patience import Patience, Turns
from journal.portal import BatchTooLargeError, Portal, PortalError, Resend, UnsendableRecordsError
from journal.records import BatchItem, PreparedBatch, Publish, Receipt, Withdraw
from journal.vocabulary import RecordKind, WithdrawReason

BASIS = "written-consent"
"""152-FZ, article 9: the written consent of the student's legal representative."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a school's sender works with. `grounds_now` reads consents in the caller's transaction."""

    engine: Engine
    portal: Portal
    log: AuditLog
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    seal: Callable[[bytes], bytes]
    school: str
    run: str
    software: str
    lease: Lease
    patience: Patience
    turns: Turns
    grounds_now: Callable[[Connection, Sequence[str], datetime], Sequence[Grant | Refusal]]
    in_pilot: Callable[[str], bool]
    boundary: Callable[[str], None] = field(default=lambda _: None)
    """Called with the name of each step just done; tests end the process here."""


@dataclass(slots=True)
class SendingTally:
    """What became of the records handed over; `stopped_by` is the error that ended the sending early."""

    sent: int = 0
    withdrawn: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    withheld_late: int = 0
    failed: int = 0
    stopped_by: PortalError | None = None


class GroundLostError(Exception):
    """A consent ended while a batch waited to be sent again."""


def send_withdrawals(desk: Desk, withdraw: pd.DataFrame, batch_records: int, tally: SendingTally) -> None:
    """Take records back. `withdraw` has the columns of RecordPlan.withdraw."""
    rows = withdraw.sort_values(["student_key", "record_id"], kind="stable")
    for start in range(0, len(rows), batch_records):
        if tally.stopped_by:
            return
        _send(desk, _withdraw_rows(rows.iloc[start : start + batch_records]), {}, tally)


def send_publications(desk: Desk, publish: pd.DataFrame, batch_records: int, tally: SendingTally) -> None:
    """Publish records. `publish` has the columns of RecordPlan.publish."""
    rows = publish.sort_values(["student_key", "source_key"], kind="stable")
    for start in range(0, len(rows), batch_records):
        part = rows.iloc[start : start + batch_records]
        if tally.stopped_by:
            tally.failed += len(part)
            continue
        contents = {row.source_key + "\x1f" + row.student_key: row for row in part.itertuples(index=False)}
        _send(desk, _publish_rows(part, desk.new_id), contents, tally)


def _publish_rows(part: pd.DataFrame, new_id: Callable[[], str]) -> list[ledger.BatchRow]:
    rows = []
    for row in part.itertuples(index=False):
        new = not isinstance(row.record_id, str)
        rows.append(
            ledger.BatchRow(
                record_id=new_id() if new else row.record_id,
                revision=1,
                action="publish",
                source_key=row.source_key,
                student_key=row.student_key,
                kind=row.kind,
                date=row.date.date(),
                digest=row.digest,
                reason=None,
                new=new,
            )
        )
    return rows


def _withdraw_rows(part: pd.DataFrame) -> list[ledger.BatchRow]:
    return [
        ledger.BatchRow(
            record_id=row.record_id,
            revision=1,
            action="withdraw",
            source_key="",
            student_key=row.student_key,
            kind=row.kind,
            date=row.date.date(),
            digest=None,
            reason=row.reason,
            new=False,
        )
        for row in part.itertuples(index=False)
    ]


def _item(row: ledger.BatchRow, content: object, student_ref: str) -> BatchItem:
    """Give one row the form the portal takes. `content` is a row of RecordPlan.publish."""
    if row.action == "withdraw":
        return Withdraw(row.record_id, row.revision, WithdrawReason(row.reason or ""))
    fields: dict[str, object] = {
        name: None if pd.isna(getattr(content, name)) else getattr(content, name)
        for name in ("lesson_number", "value", "weight", "work", "comment", "entered_at")
    }
    lesson, entered = fields["lesson_number"], fields["entered_at"]
    return Publish(
        record_id=row.record_id,
        revision=row.revision,
        student_ref=student_ref,
        kind=RecordKind(row.kind),
        subject=str(getattr(content, "subject")),  # noqa: B009  a column of the frame, by its name
        date=row.date,
        lesson_number=None if lesson is None else int(str(lesson)),
        value=None if fields["value"] is None else str(fields["value"]),
        weight=None if fields["weight"] is None else str(fields["weight"]),
        work=None if fields["work"] is None else str(fields["work"]),
        comment=None if fields["comment"] is None else str(fields["comment"]),
        entered_at=entered.to_pydatetime() if isinstance(entered, pd.Timestamp) else None,
    )


def _permitted(
    desk: Desk, connection: Connection, rows: Sequence[ledger.BatchRow], now: datetime
) -> tuple[list[ledger.BatchRow], dict[str, list[Grant]]]:
    """Read consents again: the rows that may go, and each student's grants that cover any of them."""
    students = sorted({row.student_key for row in rows})
    grounds = desk.grounds_now(connection, students, now)
    by_student: dict[str, list[Grant | Refusal]] = defaultdict(list)
    for ground in grounds:
        by_student[ground.student_key].append(ground)
    kept: list[ledger.BatchRow] = []
    used: dict[str, dict[str, Grant]] = defaultdict(dict)
    cache: dict[tuple[str, str, date], list[Grant]] = {}
    for row in rows:
        case = (row.student_key, row.kind, row.date)
        if case not in cache:
            cache[case] = (
                list(covering(by_student[row.student_key], row.student_key, RecordKind(row.kind), row.date))
                if desk.in_pilot(row.student_key)
                else []
            )
        grants = cache[case]
        if row.action == "withdraw" or grants:
            kept.append(row)
            used[row.student_key].update((grant.link_id, grant) for grant in grants)
    return kept, {student: list(grants.values()) for student, grants in used.items()}


@dataclass(frozen=True, slots=True)
class _Intent:
    """A batch that was stored and may be sent."""

    prepared: PreparedBatch
    rows: Sequence[ledger.BatchRow]


def _store(
    desk: Desk, rows: list[ledger.BatchRow], contents: dict[str, object], tally: SendingTally
) -> Iterator[_Intent]:
    """Store the rows as one batch, or as several where the portal's limits demand it; yields each once stored."""
    pending = [rows]
    while pending:
        part = pending.pop(0)
        with writing(desk.engine) as connection:
            gate(connection, desk.school)
            now = desk.clock()
            confirm_lease(connection, desk.lease, now)
            kept, grants = _permitted(desk, connection, part, now)
            refs = ledger.student_refs(connection, desk.school, (row.student_key for row in kept), desk.new_id)
            known = ledger.revisions(connection, [row.record_id for row in kept if not row.new])
            kept = [replace(row, revision=known.get(row.record_id, 0) + 1) for row in kept]
            prepared = None
            if kept:
                items = [_item(row, contents.get(_content_key(row)), refs[row.student_key]) for row in kept]
                try:
                    prepared = desk.portal.prepare(desk.school, items, now)
                except UnsendableRecordsError as error:
                    tally.failed += len(error.problems)
                    pending.insert(0, [row for row in kept if row.record_id not in error.problems])
                except BatchTooLargeError:
                    if len(kept) == 1:
                        tally.failed += 1
                    else:
                        pending[:0] = [kept[: len(kept) // 2], kept[len(kept) // 2 :]]
            tally.withheld_late += len(part) - len(kept)
            if prepared is not None:
                accounts = {grant.account_id for of_student in grants.values() for grant in of_student}
                stored = ledger.StoredBatch(
                    prepared.batch_id,
                    desk.school,
                    desk.run,
                    now,
                    published=sum(row.action == "publish" for row in kept),
                    withdrawn=sum(row.action == "withdraw" for row in kept),
                    body=desk.seal(prepared.body),
                )
                ledger.store_batch(connection, stored, kept, students=len(refs), accounts=len(accounts))
        if prepared is not None:
            desk.boundary("batch-stored")
            _announce(desk, prepared, kept, grants, refs, now)
            yield _Intent(prepared, kept)


def _content_key(row: ledger.BatchRow) -> str:
    return row.source_key + "\x1f" + row.student_key


def _announce(
    desk: Desk,
    prepared: PreparedBatch,
    rows: Sequence[ledger.BatchRow],
    grants: dict[str, list[Grant]],
    refs: dict[str, str],
    now: datetime,
) -> None:
    """Append the batch's disclosures to the audit log; durable when this returns."""
    by_student: dict[str, list[RecordAction]] = defaultdict(list)
    for row in rows:
        by_student[row.student_key].append(RecordAction(row.record_id, row.revision, row.action, row.reason))
    entries = [
        DisclosureIntended(
            at=now,
            run=desk.run,
            school=desk.school,
            batch=prepared.batch_id,
            student=refs[student],
            records=tuple(actions),
            grounds=tuple(Ground(g.link_id, g.consent_ref, g.account_id) for g in grants.get(student, [])),
            request_digest=prepared.batch_id,
            basis=BASIS,
            software=desk.software,
        )
        for student, actions in by_student.items()
    ]
    checkpoint = desk.log.append(entries)
    desk.boundary("intent-logged")
    with writing(desk.engine) as connection:
        lines = sum(len(canonical_parts(entry)) for entry in entries)
        ledger.note_audit_entries(connection, prepared.batch_id, checkpoint.size - lines, checkpoint.size - 1)


def _send(desk: Desk, rows: list[ledger.BatchRow], contents: dict[str, object], tally: SendingTally) -> None:
    for intent in _store(desk, rows, contents, tally):
        if tally.stopped_by:
            _drop(desk, intent, ledger.NOT_TAKEN, tally.stopped_by.code, tally)
            continue
        _submit(desk, intent, tally)


def _submit(desk: Desk, intent: _Intent, tally: SendingTally) -> None:
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
        tally.failed += sum(row.action == "publish" for row in intent.rows)
        tally.stopped_by = failure
        return
    final = failure.resend is Resend.FINAL
    _drop(desk, intent, ledger.REFUSED if final else ledger.NOT_TAKEN, failure.code, tally)
    tally.stopped_by = failure


def _receipt_for(desk: Desk, intent: _Intent) -> tuple[Receipt, str]:
    """Submit until a receipt, a refusal, or the end of patience; a lost reply is asked after, never sent blindly."""
    tries = 0

    def once() -> Receipt:
        nonlocal tries
        tries += 1
        with reading(desk.engine) as connection:
            # The first try comes right after the transaction that read consents; a later one may come minutes after.
            if tries > 1 and len(_permitted(desk, connection, intent.rows, desk.clock())[0]) < len(intent.rows):
                raise GroundLostError
        desk.turns.take()
        return desk.portal.submit(intent.prepared)

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


def ask_receipt(desk: Desk, batch_id: str) -> Receipt | None:
    """Ask the portal whether it took a batch. A PortalError here leaves the outcome unknown."""

    def once() -> Receipt | None:
        desk.turns.take()
        return desk.portal.receipt(desk.school, batch_id)

    patient = desk.patience
    try:
        return patient.call(once)
    except PortalError as error:
        unknown = PortalError(error.code, Resend.UNKNOWN, error.retry_after, error.detail)
    raise unknown


def enter_receipt(desk: Desk, receipt: Receipt, resolved_by: str) -> None:
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


def _drop(desk: Desk, intent: _Intent, state: str, code: str, tally: SendingTally) -> None:
    enter_not_taken(desk, intent.prepared.batch_id, state, code)
    tally.failed += sum(row.action == "publish" for row in intent.rows)


def _count(rows: Sequence[ledger.BatchRow], receipt: Receipt, tally: SendingTally) -> None:
    rejected = {rejection.record_id for rejection in receipt.rejected}
    for row in rows:
        if row.action == "withdraw":
            if row.record_id not in rejected:
                tally.withdrawn[row.reason or ""] += 1
        elif row.record_id in rejected:
            tally.failed += 1
        else:
            tally.sent += 1
