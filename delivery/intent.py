"""Step 5 of a record's way: the intent. A batch is stored and its disclosures are logged, before a byte is sent.

Rules. Consents are read again in the transaction that stores the batch; what they no longer cover is left out.
Revisions are one more than any the record ever had. When this module yields a batch, its disclosures are durable
in the audit log; when appending fails, nothing is yielded and so nothing is sent. Batch and disclosures are one
transaction where ledger and log share a database; else the log comes after. Receipts that were heard and not entered
yet are entered with it (`delivery.outcome`), their entries before the disclosures. Dies between storing and logging:
the batch is `open`, was never sent, and the next run hears from GetReceipt that it is unknown.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from pandas.arrays import DatetimeArray
from sqlalchemy.engine import Connection

from audit.entry import DisclosureIntended, DisclosureOutcome, Ground, RecordAction, canonical_parts
from audit.log import Appended
from consent_registry.decision import Grant, covering
from database import gate, reading, writing
from delivery import ledger
from delivery.desk import Desk, SendingTally
from delivery.lease import check_lease, confirm_lease
from delivery.logged_words import logged_reason
from delivery.outcome import forget_heard, heard_outcomes, settle_heard
from delivery.watch import Mark, mark_after
from journal.portal import BatchTooLargeError, UnsendableRecordsError
from journal.records import BatchItem, PreparedBatch, Publish, Withdraw
from journal.vocabulary import RecordKind, WithdrawReason

BASIS = "written-consent"
"""152-FZ, article 9: the written consent of the student's legal representative."""

ID_STEM = 28
"""How many digits of a record's id are random: 112 bits; the last four count the records of its first batch."""

UNSENDABLE = "unsendable"
"""The code of a record that does not fit the portal's schema, or is too large alone."""


class Content(NamedTuple):
    """One row of RecordPlan.publish as plain values, None where a cell is missing; from `subject` on as it is sent."""

    record_id: str | None
    source_key: str
    student_key: str
    kind: str
    date: date
    digest: bytes
    subject: str
    lesson_number: int | None
    value: str | None
    weight: str | None
    work: str | None
    comment: str | None
    entered_at: datetime | None


def content_rows(frame: pd.DataFrame) -> list[Content]:
    """Return the rows of RecordPlan.publish; column by column, for a frame is slow by rows."""
    columns = [_cells(name, frame[name].array) for name in Content._fields]
    return list(map(Content._make, zip(*columns, strict=True)))


def _cells(name: str, column: ExtensionArray) -> list[Any]:
    """Return a column's cells as Python's own values, None where one is missing."""
    if name == "date":
        cells: list[Any] = np.asarray(column, "datetime64[D]").tolist()
        return cells
    missing = np.asarray(column.isna())
    cells = list(column.to_pydatetime()) if isinstance(column, DatetimeArray) else column.tolist()
    if missing.any():
        cells = [None if gone else cell for cell, gone in zip(cells, missing.tolist(), strict=True)]
    return [None if cell is None else int(cell) for cell in cells] if name == "lesson_number" else cells


def publish_rows(rows: Sequence[Content], new_id: Callable[[], str]) -> list[ledger.BatchRow]:
    """Return batch rows for rows of RecordPlan.publish; their revisions are set when they are stored.

    The ids of a batch's new records differ in their last digits only, so that they are stored side by side.
    """
    if not rows:
        return []
    stem = new_id()[-ID_STEM:]
    known, source_keys, student_keys, kinds, days, digests, *_ = zip(*rows, strict=True)
    ids = [record_id or f"{stem}{number:04x}" for number, record_id in enumerate(known)]
    new = [record_id is None for record_id in known]
    first, publish, no_reason = repeat(1), repeat("publish"), repeat(None)
    columns = zip(ids, first, publish, source_keys, student_keys, kinds, days, digests, no_reason, new, strict=False)
    return list(map(ledger.BatchRow._make, columns))


def withdraw_rows(frame: pd.DataFrame) -> list[ledger.BatchRow]:
    """Return batch rows for rows of RecordPlan.withdraw; their revisions are set when they are stored."""
    names = ("record_id", "student_key", "kind", "date", "reason")
    return [
        ledger.BatchRow(
            record_id=record_id,
            revision=1,
            action="withdraw",
            source_key="",
            student_key=student_key,
            kind=kind,
            date=day,
            digest=None,
            reason=reason,
            new=False,
        )
        for record_id, student_key, kind, day, reason in zip(
            *(_cells(name, frame[name].array) for name in names), strict=True
        )
    ]


_KINDS = {str(kind): kind for kind in RecordKind}


def _items(
    rows: Sequence[ledger.BatchRow], contents: Mapping[str, Content], refs: Mapping[str, str]
) -> list[BatchItem]:
    """Give rows the form that the portal takes."""
    items: list[BatchItem] = []
    for record_id, revision, action, _, student, kind, day, _, reason, _ in rows:
        if action == "withdraw":
            items.append(Withdraw(record_id, revision, WithdrawReason(reason or "")))
            continue
        subject, lesson, value, weight, work, comment, entered_at = contents[record_id][6:]
        items.append(
            Publish(
                record_id, revision, refs[student], _KINDS[kind],
                subject, day, lesson, value, weight, work, comment, entered_at,
            )
        )  # fmt: skip
    return items


def permitted_now(
    desk: Desk, connection: Connection, rows: Sequence[ledger.BatchRow], now: datetime
) -> tuple[list[ledger.BatchRow], dict[str, list[Grant]]]:
    """Read consents again: the rows that may go, and each student's grants that cover any of them."""
    students = sorted({row.student_key for row in rows})
    grounds, in_pilot = desk.grounds_now(connection, students, now), desk.in_pilot_now(connection, now)
    takes_part = {student for student in students if student not in desk.shut and in_pilot(student)}
    grants_of: dict[str, list[Grant]] = defaultdict(list)
    for ground in grounds:
        if isinstance(ground, Grant) and ground.student_key in takes_part:
            grants_of[ground.student_key].append(ground)
    kept: list[ledger.BatchRow] = []
    used: dict[str, dict[str, Grant]] = defaultdict(dict)
    covered: dict[tuple[str, str, date], bool] = {}
    for row in rows:
        what = row[4:7]  # student, kind, date
        may_go = covered.get(what)
        if may_go is None:
            student, word, day = what
            grants = covering(grants_of.get(student, ()), student, _KINDS[word], day)
            may_go = covered[what] = bool(grants)
            for grant in grants:
                used[student][grant.link_id] = grant
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
    desk: Desk,
    rows: list[ledger.BatchRow],
    contents: Mapping[str, Content],
    tally: SendingTally,
    earlier: Mark | None = None,
) -> Iterator[Intent]:
    """Store the rows as one batch, or as several where the portal's limits demand it; yields each once stored.

    `contents`: what is to be published, by record id.
    `earlier`: the mark of a batch before, which still stands where the registry did not move.
    """
    pending = [rows]
    while pending:
        part = pending.pop(0)
        prepared: PreparedBatch | None = None
        entries: list[DisclosureIntended] = []
        logged = False
        outcomes = heard_outcomes(desk)
        with writing(desk.engine) as connection:
            gate(connection, desk.school)
            now = desk.clock()
            confirm_lease(connection, desk.lease, now)
            mark = mark_after(connection, earlier, desk.school, now, desk.day_of)
            kept, grants = permitted_now(desk, connection, part, now)
            refs = ledger.student_refs(connection, desk.school, (row.student_key for row in kept), desk.new_id)
            kept = _revised(connection, kept)
            if kept:
                items = _items(kept, contents, refs)
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
                _store(desk, connection, prepared, kept, refs, grants, now)
                entries = _disclosures(desk, prepared.batch_id, kept, grants, refs, now)
                logged = _logged_within(desk, connection, prepared.batch_id, outcomes, entries)
        if prepared is not None:
            desk.boundary("batch-stored")
            if logged:
                forget_heard(desk, outcomes)
            else:
                _announce(desk, prepared.batch_id, outcomes, entries)
            yield Intent(prepared, kept, mark)


def _revised(connection: Connection, rows: list[ledger.BatchRow]) -> list[ledger.BatchRow]:
    """Give records that the ledger has one revision more than they ever had."""
    known = ledger.revisions(connection, [row.record_id for row in rows if not row.new])
    return [row._replace(revision=known.get(row.record_id, 0) + 1) for row in rows] if known else rows


def _store(
    desk: Desk,
    connection: Connection,
    prepared: PreparedBatch,
    rows: Sequence[ledger.BatchRow],
    refs: Mapping[str, str],
    grants: Mapping[str, Sequence[Grant]],
    now: datetime,
) -> None:
    """Store a batch as open."""
    accounts = {grant.account_id for of_student in grants.values() for grant in of_student}
    published = sum(row.action == "publish" for row in rows)
    batch = ledger.StoredBatch(prepared.batch_id, desk.school, desk.run, now, published, len(rows) - published)
    ledger.store_batch(connection, batch, rows, students=len(refs), accounts=len(accounts))


def _set_aside(
    desk: Desk, connection: Connection, rows: Sequence[ledger.BatchRow], now: datetime, tally: SendingTally
) -> None:
    """Count records that can't be put into any batch, and remember them as if the portal had rejected them."""
    tally.count_failed(rows)
    ledger.note_unsendable(connection, desk.school, rows, dict.fromkeys((r.record_id for r in rows), UNSENDABLE), now)


def _logged_within(
    desk: Desk,
    connection: Connection,
    batch_id: str,
    outcomes: Sequence[DisclosureOutcome],
    entries: Sequence[DisclosureIntended],
) -> bool:
    """Append to the log in the transaction that stores the batch, if the log is in that database; tell if so."""
    log = desk.log.within(connection)
    if log is None:
        return False
    _note(desk, connection, batch_id, outcomes, log.add([*outcomes, *entries]))
    return True


def _announce(
    desk: Desk, batch_id: str, outcomes: Sequence[DisclosureOutcome], entries: Sequence[DisclosureIntended]
) -> None:
    """Append a stored batch's disclosures to the log, behind the outcomes that were heard.

    Durable when this returns. Raises BridgeError `lease-lost`.
    """
    with reading(desk.engine) as connection:
        check_lease(connection, desk.lease)
    appended = desk.log.add([*outcomes, *entries])
    desk.boundary("intent-logged")
    with writing(desk.engine) as connection:
        confirm_lease(connection, desk.lease, desk.clock())
        _note(desk, connection, batch_id, outcomes, appended)
    forget_heard(desk, outcomes)


def _note(
    desk: Desk, connection: Connection, batch_id: str, outcomes: Sequence[DisclosureOutcome], appended: Appended
) -> None:
    """Enter in the ledger what was appended: which entries announce the batch, and what the outcomes settle."""
    first = appended.first + sum(len(canonical_parts(outcome)) for outcome in outcomes)
    ledger.note_audit_entries(connection, batch_id, first, appended.checkpoint.size - 1)
    settle_heard(desk, connection, outcomes)


def _disclosures(
    desk: Desk,
    batch_id: str,
    rows: Sequence[ledger.BatchRow],
    grants: Mapping[str, Sequence[Grant]],
    refs: Mapping[str, str],
    now: datetime,
) -> list[DisclosureIntended]:
    """Return a batch's entries of the audit log, one a student."""
    by_student: dict[str, list[RecordAction]] = defaultdict(list)
    for record_id, revision, action, _, student, _, _, _, reason, _ in rows:
        logged = None if reason is None else logged_reason(reason)
        by_student[student].append(RecordAction(record_id, revision, action, logged))
    return [
        DisclosureIntended(
            at=now,
            run=desk.run,
            school=desk.school,
            batch=batch_id,
            student=refs[student],
            records=tuple(actions),
            grounds=tuple(Ground(g.link_id, g.consent_ref, g.account_ref) for g in grants.get(student, [])),
            request_digest=batch_id,
            basis=BASIS,
            software=desk.software,
        )
        for student, actions in by_student.items()
    ]
