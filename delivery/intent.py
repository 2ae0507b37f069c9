"""Step 5 of a record's way: the intent. A batch is stored and its disclosures are logged, before a byte is sent.

Rules. Consents are read again in the transaction that stores the batch; what they no longer cover is left out.
Revisions are one more than any the record ever had. When this module yields a batch, its disclosures are durable
in the audit log; when appending fails, nothing is yielded and so nothing is sent. Dies between storing and
logging: the batch is `open`, was never sent, and the next run hears from GetReceipt that it is unknown.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast

import pandas as pd
from sqlalchemy.engine import Connection

from audit.entry import DisclosureIntended, Ground, RecordAction, canonical_parts
from consent_registry.decision import Grant, Refusal, covering
from database import gate, reading, writing
from delivery import ledger
from delivery.desk import Desk, SendingTally
from delivery.lease import check_lease, confirm_lease
from delivery.watch import Mark, mark_of
from journal.portal import BatchTooLargeError, UnsendableRecordsError
from journal.records import BatchItem, PreparedBatch, Publish, Withdraw
from journal.vocabulary import RecordKind, WithdrawReason

BASIS = "written-consent"
"""152-FZ, article 9: the written consent of the student's legal representative."""

UNSENDABLE = "unsendable"
"""The code of a record that does not fit the portal's schema, or is too large alone."""

Content = Mapping[str, Any]
"""One row of RecordPlan.publish by column name."""


def content_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows as dictionaries by column name."""
    return cast("list[dict[str, Any]]", frame.to_dict("records"))


def publish_rows(rows: Sequence[Content], new_id: Callable[[], str]) -> list[ledger.BatchRow]:
    """Return batch rows for rows of RecordPlan.publish; their revisions are set when they are stored."""
    return [
        ledger.BatchRow(
            record_id=row["record_id"] if isinstance(row["record_id"], str) else new_id(),
            revision=1,
            action="publish",
            source_key=row["source_key"],
            student_key=row["student_key"],
            kind=row["kind"],
            date=row["date"].date(),
            digest=row["digest"],
            reason=None,
            new=not isinstance(row["record_id"], str),
        )
        for row in rows
    ]


def withdraw_rows(rows: Sequence[Content]) -> list[ledger.BatchRow]:
    """Return batch rows for rows of RecordPlan.withdraw; their revisions are set when they are stored."""
    return [
        ledger.BatchRow(
            record_id=row["record_id"],
            revision=1,
            action="withdraw",
            source_key="",
            student_key=row["student_key"],
            kind=row["kind"],
            date=row["date"].date(),
            digest=None,
            reason=row["reason"],
            new=False,
        )
        for row in rows
    ]


def _present(content: Content, name: str) -> Any:  # noqa: ANN401  a cell of a frame
    """Return a cell, None where it is missing."""
    cell = content[name]
    return None if cell is None or cell is pd.NA or cell != cell else cell  # noqa: PLR0124  NaN and NaT differ from themselves


def _item(row: ledger.BatchRow, contents: Mapping[str, Content], student_ref: str) -> BatchItem:
    """Give one row the form that the portal takes."""
    if row.action == "withdraw":
        return Withdraw(row.record_id, row.revision, WithdrawReason(row.reason or ""))
    content = contents[content_key(row)]
    lesson, entered = _present(content, "lesson_number"), _present(content, "entered_at")
    return Publish(
        record_id=row.record_id,
        revision=row.revision,
        student_ref=student_ref,
        kind=RecordKind(row.kind),
        subject=content["subject"],
        date=row.date,
        lesson_number=None if lesson is None else int(lesson),
        value=_present(content, "value"),
        weight=_present(content, "weight"),
        work=_present(content, "work"),
        comment=_present(content, "comment"),
        entered_at=None if entered is None else entered.to_pydatetime(),
    )


def permitted_now(
    desk: Desk, connection: Connection, rows: Sequence[ledger.BatchRow], now: datetime
) -> tuple[list[ledger.BatchRow], dict[str, list[Grant]]]:
    """Read consents again: the rows that may go, and each student's grants that cover any of them."""
    students = sorted({row.student_key for row in rows})
    grounds, in_pilot = desk.grounds_now(connection, students, now), desk.in_pilot_now(connection, now)
    by_student: dict[str, list[Grant | Refusal]] = defaultdict(list)
    for ground in grounds:
        by_student[ground.student_key].append(ground)
    kept: list[ledger.BatchRow] = []
    used: dict[str, dict[str, Grant]] = defaultdict(dict)
    covered: dict[tuple[str, str, date], bool] = {}
    for row in rows:
        student, kind, day = row.student_key, row.kind, row.date
        may_go = covered.get((student, kind, day))
        if may_go is None:
            grants = list(covering(by_student[student], student, RecordKind(kind), day)) if in_pilot(student) else []
            may_go = covered[student, kind, day] = bool(grants)
            used[student].update((grant.link_id, grant) for grant in grants)
        if may_go or row.action == "withdraw":
            kept.append(row)
    return kept, {student: list(grants.values()) for student, grants in used.items()}


@dataclass(frozen=True, slots=True)
class Intent:
    """A batch that was stored and may be sent, as long as the registry is where it was at `mark`."""

    prepared: PreparedBatch
    rows: Sequence[ledger.BatchRow]
    mark: Mark


def store_intents(
    desk: Desk, rows: list[ledger.BatchRow], contents: Mapping[str, Content], tally: SendingTally
) -> Iterator[Intent]:
    """Store the rows as one batch, or as several where the portal's limits demand it; yields each once stored."""
    pending = [rows]
    while pending:
        part = pending.pop(0)
        with writing(desk.engine) as connection:
            gate(connection, desk.school)
            now = desk.clock()
            confirm_lease(connection, desk.lease, now)
            mark = mark_of(connection, desk.school, now, desk.day_of)
            kept, grants = permitted_now(desk, connection, part, now)
            refs = ledger.student_refs(connection, desk.school, (row.student_key for row in kept), desk.new_id)
            known = ledger.revisions(connection, [row.record_id for row in kept if not row.new])
            kept = [replace(row, revision=known.get(row.record_id, 0) + 1) for row in kept]
            prepared = None
            if kept:
                items = [_item(row, contents, refs[row.student_key]) for row in kept]
                try:
                    prepared = desk.portal.prepare(desk.school, items, now)
                except UnsendableRecordsError as error:
                    _set_aside(desk, connection, [row for row in kept if row.record_id in error.problems], now, tally)
                    pending.insert(0, [row for row in kept if row.record_id not in error.problems])
                except BatchTooLargeError:
                    if len(kept) == 1:
                        _set_aside(desk, connection, kept, now, tally)
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
            yield Intent(prepared, kept, mark)


def _set_aside(
    desk: Desk, connection: Connection, rows: Sequence[ledger.BatchRow], now: datetime, tally: SendingTally
) -> None:
    """Count records that can't be put into any batch, and remember them as if the portal had rejected them."""
    for row in rows:
        if row.action == "publish":
            tally.failed += 1
        else:
            tally.not_withdrawn += 1
    ledger.note_unsendable(connection, desk.school, rows, dict.fromkeys((r.record_id for r in rows), UNSENDABLE), now)


def content_key(row: ledger.BatchRow) -> str:
    """Return the key under which the content of a row to be published is handed along."""
    return row.source_key + "\x1f" + row.student_key


def _announce(
    desk: Desk,
    prepared: PreparedBatch,
    rows: Sequence[ledger.BatchRow],
    grants: dict[str, list[Grant]],
    refs: dict[str, str],
    now: datetime,
) -> None:
    """Append the batch's disclosures to the audit log; durable when this returns. Raises BridgeError `lease-lost`."""
    with reading(desk.engine) as connection:
        check_lease(connection, desk.lease)
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
        confirm_lease(connection, desk.lease, desk.clock())
        lines = sum(len(canonical_parts(entry)) for entry in entries)
        ledger.note_audit_entries(connection, prepared.batch_id, checkpoint.size - lines, checkpoint.size - 1)
