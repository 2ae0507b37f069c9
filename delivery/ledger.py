"""Reads and writes of the delivery ledger, each inside the caller's transaction.

Rules. `store_batch` and the three that close a batch (`settle_batch`, `settle_doubtful`, `drop_batch`) change what the
ledger says of records: the first before a byte is sent, the others when the portal's word is known, or known to be
worth nothing. A revision number is never used twice for a record, whatever became of its batch. Content that the portal
rejected is remembered by its digest, with the code. Deliberately not here: what people do about it
(`delivery.dead_letters`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from delivery.bulk import Same, in_parts, insert_columns
from delivery.plan import LEDGER_COLUMNS
from delivery.seen import in_journals
from delivery.tables import BATCH, BATCH_ROW, RECORD, STUDENT_REF
from journal.records import Receipt

OPEN, TAKEN, NOT_TAKEN, REFUSED, DOUBTFUL, DIVIDED = "open", "taken", "not-taken", "refused", "doubtful", "divided"
"""What became of a batch. Divided: refused for what it says; its records were told apart, each has its own end."""


class BatchRow(NamedTuple):
    """One record's part in a batch; `new` when the ledger has no such record yet."""

    record_id: str
    revision: int
    action: Literal["publish", "withdraw"]
    source_key: str
    student_key: str
    kind: str
    date: date
    digest: bytes | None
    reason: str | None
    new: bool


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch as the ledger keeps it while its outcome is unknown."""

    batch_id: str
    school: str
    run: str
    created_at: datetime
    published: int
    withdrawn: int


def load_records(connection: Connection, school: str, student_keys: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the ledger's records of a school (of these students): delivery.plan.LEDGER_COLUMNS and `journal`."""
    if student_keys is None:
        return _records(connection, school, [sa.true()])
    return _records(connection, school, in_parts(RECORD.c.student_key, student_keys))


def records_of_journals(connection: Connection, school: str, journals: Collection[str]) -> pd.DataFrame:
    """Return the ledger's records of these journals, and those of no journal, as `load_records`."""
    return _records(connection, school, in_journals(journals))


def records_of_rows(connection: Connection, school: str, source_keys: Sequence[str]) -> pd.DataFrame:
    """Return the ledger's records of these rows of the school's journal, as `load_records`."""
    return _records(connection, school, in_parts(RECORD.c.source_key, source_keys))


def _records(connection: Connection, school: str, which: Iterable[sa.ColumnElement[bool]]) -> pd.DataFrame:
    """Return the records that meet any of the conditions; none meets two."""
    columns = [*LEDGER_COLUMNS, "journal"]
    query = sa.select(*(RECORD.c[name] for name in columns)).where(RECORD.c.school == school)
    # Bare tuples: pandas asks each row of SQLAlchemy's whether it is a dataclass.
    rows = [tuple(row) for one in which for row in connection.execute(query.where(one))]
    frame = pd.DataFrame.from_records(rows, columns=columns)
    return frame.astype({"source_key": "str", "student_key": "str", "record_id": "str", "kind": "str"}).assign(
        date=pd.to_datetime(frame["date"]).astype("datetime64[s]"),
        held=frame["held"].astype(bool),
        discarded=frame["discarded"].astype(bool),
        revision=frame["revision"].astype("int64"),
        digest=frame["digest"].astype(object),
        rejected_digest=frame["rejected_digest"].astype(object),
        journal=frame["journal"].astype(object),
    )


def student_refs(
    connection: Connection, school: str, student_keys: Iterable[str], new_id: Callable[[], str]
) -> dict[str, str]:
    """Return each student's opaque reference, made at random where there is none yet."""
    wanted = sorted(set(student_keys))
    refs: dict[str, str] = {}
    query = sa.select(STUDENT_REF.c.student_key, STUDENT_REF.c.student_ref).where(STUDENT_REF.c.school == school)
    for these in in_parts(STUDENT_REF.c.student_key, wanted):
        refs.update((key, ref) for key, ref in connection.execute(query.where(these)))
    missing = [{"school": school, "student_key": key, "student_ref": new_id()} for key in wanted if key not in refs]
    if missing:
        connection.execute(STUDENT_REF.insert(), missing)
        refs.update((row["student_key"], row["student_ref"]) for row in missing)
    return refs


def revisions(connection: Connection, record_ids: Sequence[str]) -> dict[str, int]:
    """Return the newest revision that each record was ever given."""
    known: dict[str, int] = {}
    query = sa.select(RECORD.c.record_id, RECORD.c.revision)
    for these in in_parts(RECORD.c.record_id, record_ids):
        known.update((record_id, revision) for record_id, revision in connection.execute(query.where(these)))
    return known


_STORE = BATCH.insert()
_CHANGE = BATCH.update().where(BATCH.c.batch_id == sa.bindparam("b_batch"))


def store_batch(
    connection: Connection, batch: StoredBatch, rows: Sequence[BatchRow], *, students: int, accounts: int
) -> None:
    """Store a batch as open, its records' new revisions with it."""
    stored = {
        "batch_id": batch.batch_id,
        "school": batch.school,
        "run": batch.run,
        "created_at": batch.created_at,
        "state": OPEN,
        "published": batch.published,
        "withdrawn": batch.withdrawn,
        "students": students,
        "accounts": accounts,
    }
    connection.execute(_STORE, stored)
    _insert_records(connection, batch.school, [row for row in rows if row.new])
    known = [{"b_record": row.record_id, "b_revision": row.revision} for row in rows if not row.new]
    if known:
        connection.execute(
            RECORD.update()
            .where(RECORD.c.record_id == sa.bindparam("b_record"))
            .values(revision=sa.bindparam("b_revision")),
            known,
        )
    columns = _by_column(rows)
    names = ("record_id", "action", "kind", "date", "digest")
    of_batch = {"batch_id": Same(batch.batch_id)} | {name: _same(columns[name]) for name in ("revision", "reason")}
    insert_columns(connection, BATCH_ROW, of_batch | {name: columns[name] for name in names})


def _by_column(rows: Sequence[BatchRow]) -> dict[str, Sequence[object]]:
    """Return the rows' values by name; without rows, none of each."""
    columns = zip(*rows, strict=True) if rows else [()] * len(BatchRow._fields)
    return dict(zip(BatchRow._fields, columns, strict=True))


def _same(values: Sequence[object]) -> Sequence[object] | Same:
    """Return a column as the one value that it mostly has in all rows."""
    return Same(values[0]) if len(set(values)) == 1 else values


def _insert_records(connection: Connection, school: str, rows: Sequence[BatchRow], revision: int | None = None) -> None:
    """Insert records that the portal does not show yet; `revision`: of all of them, their rows' own where None."""
    columns = _by_column(rows)
    names = ("record_id", "source_key", "student_key", "kind", "date")
    of_all: dict[str, Sequence[object] | Same] = {
        "school": Same(school),
        "revision": _same(columns["revision"]) if revision is None else Same(revision),
        "held": Same(value=False),
    }
    insert_columns(connection, RECORD, of_all | {name: columns[name] for name in names})


def note_audit_entries(connection: Connection, batch_id: str, first: int, last: int) -> None:
    """Remember which entries of the audit log announce this batch."""
    connection.execute(_CHANGE, {"b_batch": batch_id, "audit_first": first, "audit_last": last})


def open_batches(connection: Connection, school: str) -> list[StoredBatch]:
    """Return the batches whose outcome is unknown, oldest first."""
    rows = connection.execute(
        sa.select(BATCH).where(BATCH.c.school == school, BATCH.c.state == OPEN).order_by(BATCH.c.created_at)
    )
    return [StoredBatch(r.batch_id, r.school, r.run, r.created_at, r.published, r.withdrawn) for r in rows]


_COUNTED = sa.select(BATCH.c.published, BATCH.c.withdrawn).where(BATCH.c.batch_id == sa.bindparam("b_batch"))
_FORGIVEN: Mapping[str, object] = {"rejected_code": None, "rejected_at": None, "discarded": False}


def _told(action: str, values: Mapping[str, object], *where: "sa.ColumnElement[bool]") -> dict[bool, sa.Update]:
    """Return the update of a taken batch's records, made once; under False those that were not told of since."""
    of_batch = RECORD.c.record_id == BATCH_ROW.c.record_id, BATCH_ROW.c.batch_id == sa.bindparam("b_batch")
    told = RECORD.update().where(*of_batch, BATCH_ROW.c.action == action, *where).values(**values)
    return {True: told, False: told.where(RECORD.c.revision == BATCH_ROW.c.revision)}


_CONTENT = {name: BATCH_ROW.c[name] for name in ("digest", "kind", "date")}
_SHOW = _told("publish", {"held": True, "rejected_digest": None, **_CONTENT, **_FORGIVEN})
_TAKE_BACK = _told("withdraw", {"held": False, "digest": None})
_FORGIVE = _told("withdraw", _FORGIVEN, RECORD.c.rejected_digest.is_(None), RECORD.c.rejected_code.is_not(None))
"""A withdrawal that was rejected before is done now; a content that was rejected stays rejected."""


def settle_batch(
    connection: Connection, batch_id: str, receipt: Receipt, now: datetime, *, overtaken: bool = False
) -> None:
    """Enter the portal's receipt: what it took is held (or gone), what it rejected is remembered.

    A record that was told of since, under a newer revision, has another batch whose outcome says what it is; with
    `overtaken` it is held (or gone) by this one all the same.
    """
    rejected = {rejection.record_id: rejection.code for rejection in receipt.rejected}
    if rejected:
        rows = [row for row in _rows_of(connection, batch_id) if row.record_id in rejected]
        reject_records(connection, rows, rejected, now)
        this_row = BATCH_ROW.c.batch_id == batch_id, BATCH_ROW.c.record_id == sa.bindparam("b_record")
        if rows:
            connection.execute(BATCH_ROW.delete().where(*this_row), [{"b_record": row.record_id} for row in rows])
    # What is left of the batch was taken. A statement finds its rows by the batch, so one for none is left out.
    of_batch = {"b_batch": batch_id}
    published, withdrawn = connection.execute(_COUNTED, of_batch).one()
    if published:
        connection.execute(_SHOW[overtaken], of_batch)
    if withdrawn:
        connection.execute(_TAKE_BACK[overtaken], of_batch)
        connection.execute(_FORGIVE[overtaken], of_batch)
    _close(connection, batch_id, TAKEN, now, receipt_id=receipt.receipt_id, rejected=len(rejected))


def _rows_of(connection: Connection, batch_id: str) -> Iterable[Any]:
    return connection.execute(sa.select(BATCH_ROW).where(BATCH_ROW.c.batch_id == batch_id))


def reject_records(connection: Connection, rows: Iterable[Any], codes: Mapping[str, str], now: datetime) -> None:
    """Remember which contents the portal will not take, and why; `rows` have a BatchRow's id, action and digest.

    `codes` is by record id. A withdrawal that was rejected is remembered without a digest: it is tried at each run.
    """
    told = [(row, {"b_record": row.record_id, "b_code": codes[row.record_id]}) for row in rows]
    this_record = RECORD.update().where(RECORD.c.record_id == sa.bindparam("b_record"))
    rejected = this_record.values(rejected_code=sa.bindparam("b_code"), rejected_at=now, discarded=False)
    publications = [{**values, "b_digest": row.digest} for row, values in told if row.action == "publish"]
    withdrawals = [values for row, values in told if row.action != "publish"]
    if publications:
        connection.execute(rejected.values(rejected_digest=sa.bindparam("b_digest")), publications)
    if withdrawals:
        connection.execute(rejected.where(RECORD.c.rejected_digest.is_(None)), withdrawals)


def note_unsendable(
    connection: Connection, school: str, rows: Sequence[BatchRow], codes: Mapping[str, str], now: datetime
) -> None:
    """Remember records that can't be put into any batch as rejected, also those that the ledger has not yet."""
    _insert_records(connection, school, [row for row in rows if row.new], revision=0)
    reject_records(connection, rows, codes, now)


def batch_records(connection: Connection, batch_id: str) -> list[str]:
    """Return the ids of the records in a batch whose outcome is not entered yet."""
    return list(connection.scalars(sa.select(BATCH_ROW.c.record_id).where(BATCH_ROW.c.batch_id == batch_id)))


def settle_doubtful(connection: Connection, batch_id: str, receipt_id: str | None, now: datetime) -> None:
    """Close a batch that the portal took, but whose receipt is not believed, so that nothing is lost by it.

    What it published counts as shown, with unknown content (so it is sent again, or taken back); what it withdrew
    counts as still shown (so it is taken back again).
    """
    published = [
        {"b_record": row.record_id, "b_kind": row.kind, "b_date": row.date}
        for row in _rows_of(connection, batch_id)
        if row.action == "publish"
    ]
    if published:
        connection.execute(
            RECORD.update()
            .where(RECORD.c.record_id == sa.bindparam("b_record"))
            .values(held=True, digest=None, kind=sa.bindparam("b_kind"), date=sa.bindparam("b_date")),
            published,
        )
    _close(connection, batch_id, DOUBTFUL, now, receipt_id=receipt_id, error_code=DOUBTFUL)


def drop_batch(
    connection: Connection, batch_id: str, state: str, code: str, now: datetime, *, blame_records: bool = False
) -> None:
    """Enter that the portal never took the batch (`not-taken`) or never will (`refused`, `divided`).

    `blame_records`: it is its records that the portal will never take, so they count as rejected with this code.
    """
    if blame_records:
        rows = list(_rows_of(connection, batch_id))
        reject_records(connection, rows, {row.record_id: code for row in rows}, now)
    _close(connection, batch_id, state, now, error_code=code)


_FORGET_ROWS = BATCH_ROW.delete().where(BATCH_ROW.c.batch_id == sa.bindparam("b_batch"))


def _close(connection: Connection, batch_id: str, state: str, now: datetime, **values: object) -> None:
    connection.execute(_CHANGE, {"b_batch": batch_id, "state": state, "settled_at": now, **values})
    # The rows have told the ledger all they knew; the audit log keeps what was sent for good.
    connection.execute(_FORGET_ROWS, {"b_batch": batch_id})
