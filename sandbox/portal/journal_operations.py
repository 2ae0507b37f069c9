"""SubmitJournal, GetReceipt, ListHoldings: how records are taken, remembered and listed.

Rules. Records of a batch are taken in their order, each alone; one whose revision is not newer than the held one
changes nothing and counts as accepted. A withdrawn record keeps its id and revision and loses its content. The
same batch again gives its receipt for 30 days; after that the portal knows it no more.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from json.encoder import encode_basestring as _quoted

from lxml import etree
from lxml.etree import _Element

from sandbox.portal.journal import Text, Told
from sandbox.portal.request import Request
from sandbox.portal.soap import (
    DIARY,
    FaultCode,
    ServiceFaultError,
    attribute,
    day,
    diary,
    moment,
    moment_held,
    moment_text,
    required,
    whole,
)
from sandbox.portal.views import note_exposures_of_records

RECEIPTS_LIVE = timedelta(days=30)
TOKENS_LIVE = timedelta(hours=1)
LARGEST_PAGE = 10_000
REJECTION_CODE = "Refused"

Receipt = dict[str, str | int | None]

_COLUMNS = (
    "school", "record_id", "revision", "student_ref", "kind", "subject", "date", "lesson_number", "value", "weight",
    "work", "comment", "entered_at", "withdrawn", "reason",
)  # fmt: skip
Row = tuple[str, str, int, Text, Text, Text, Text, int | None, Text, Text, Text, Text, Text, int, Text]
"""A row of `holding` by _COLUMNS; a plain tuple, for SQLite's module binds any other sequence slowly."""
_KEY = frozenset({"school", "record_id"})
_NO_CONTENT = (None,) * 10
_UPSERT = f"""
INSERT INTO holding ({", ".join(_COLUMNS)}) VALUES ({", ".join("?" * len(_COLUMNS))})
ON CONFLICT DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in _KEY)}
"""  # noqa: S608  joined from constants


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch divided: what changes the holdings, and what the portal would not take."""

    changes: Sequence[Row]
    rejected: Sequence[str]


def submit_journal(request: Request) -> _Element:
    """Take a batch whole, in the request's transaction, and answer its receipt."""
    journal = request.journal
    known = _receipt(request, journal.batch_id)
    if known is not None:
        return _receipt_reply("SubmitJournalResponse", known, duplicate=True)
    moment(journal.created_at)
    taken = divide(request, _held_revisions(request))
    _store(request, taken.changes)
    row: Receipt = {
        "school": request.school,
        "batch_id": journal.batch_id,
        "receipt_id": f"r-{secrets.token_hex(12)}",
        "received_at": moment_text(request.now),
        "record_count": len(journal.records),
        "accepted": len(journal.records) - len(taken.rejected),
        "rejected": json.dumps([{"recordId": record_id, "code": REJECTION_CODE} for record_id in taken.rejected]),
    }
    request.connection.execute(
        "INSERT OR REPLACE INTO receipt (school, batch_id, receipt_id, received_at, record_count, accepted, rejected)"
        " VALUES (:school, :batch_id, :receipt_id, :received_at, :record_count, :accepted, :rejected)",
        row,
    )
    return _receipt_reply("SubmitJournalResponse", row, duplicate=False)


def get_receipt(request: Request) -> _Element:
    """Answer the receipt of a batch that was taken; raises UnknownBatch."""
    known = _receipt(request, required(request.element, "batchId"))
    if known is None:
        raise ServiceFaultError(FaultCode.UNKNOWN_BATCH, "no such batch was taken")
    return _receipt_reply("GetReceiptResponse", known, duplicate=False)


def list_holdings(request: Request) -> _Element:
    """Answer a page of what is held, ordered by record id."""
    after, page_size = _page(request)
    rows = request.connection.execute(
        "SELECT record_id, revision, student_ref FROM holding"
        " WHERE school = ? AND record_id > ? AND withdrawn = 0 ORDER BY record_id LIMIT ?",
        (request.school, after, page_size + 1),
    ).fetchall()
    reply = _element("ListHoldingsResponse")
    for row in rows[:page_size]:
        etree.SubElement(
            reply,
            diary("holding"),
            recordId=row["record_id"],
            revision=str(row["revision"]),
            studentRef=row["student_ref"],
        )
    if len(rows) > page_size:
        reply.set("nextPageToken", _issue_token(request, rows[page_size - 1]["record_id"], page_size))
    return reply


def divide(request: Request, held: dict[str, int]) -> Taken:
    """Say what a batch changes, given the revisions held by record id."""
    newest = dict(held)
    changes: list[Row] = []
    rejected: list[str] = []
    for told in request.journal.records:
        row = _row(request.school, told)
        record_id, revision = row[1], row[2]
        if request.rejecting is not None and request.rejecting.search(record_id):
            rejected.append(record_id)
        elif revision > newest.get(record_id, 0):
            newest[record_id] = revision
            changes.append(row)
    return Taken(changes, rejected)


def _row(school: str, told: Told) -> Row:
    reason, record_id, revision, student, kind, subject, date, number, value, weight, work, comment, entered = told
    if date is None:
        return school, record_id, whole(revision), *_NO_CONTENT, 1, reason
    held_date, lesson = day(date).isoformat(), None if number is None else whole(number)
    entered_at = None if entered is None else moment_held(entered)
    return (
        school, record_id, whole(revision),
        student, kind, subject, held_date, lesson, value, weight, work, comment, entered_at, 0, None,
    )  # fmt: skip


def _act(row: Row) -> tuple[str, str, int, str]:
    """Return what `history` says of a change: act, id, revision, and content as `json` would write it, but sooner."""
    _, record_id, revision, student, kind, subject, date, lesson, value, weight, work, comment, entered, _, reason = row
    if reason is not None:
        return "withdraw", record_id, revision, f'{{"reason": "{reason}"}}'
    content = "".join(
        (
            f'{{"student_ref": "{student}", "kind": "{kind}", "subject": {_quoted(subject or "")}, "date": "{date}"',
            "" if lesson is None else f', "lesson_number": {lesson}',
            "" if value is None else f', "value": {_quoted(value)}',
            "" if weight is None else f', "weight": "{weight}"',
            "" if work is None else f', "work": {_quoted(work)}',
            "" if comment is None else f', "comment": {_quoted(comment)}',
            "}" if entered is None else f', "entered_at": "{entered}"}}',
        )
    )
    return "publish", record_id, revision, content


def _held_revisions(request: Request) -> dict[str, int]:
    ids = [record_id for _, record_id, *_ in request.journal.records]
    rows = request.connection.execute(
        "SELECT record_id, revision FROM holding WHERE school = ? AND record_id IN (SELECT value FROM json_each(?))",
        (request.school, json.dumps(ids)),
    )
    return dict(iter(rows))


def _store(request: Request, changes: Sequence[Row]) -> None:
    before = request.connection.execute("SELECT coalesce(max(sequence), 0) FROM history").fetchone()[0]
    request.connection.executemany(_UPSERT, changes)
    at, school, batch_id = moment_text(request.now), request.school, request.journal.batch_id
    request.connection.executemany(
        "INSERT INTO history (at, school, batch_id, act, subject_id, revision, content) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(at, school, batch_id, *_act(row)) for row in changes],
    )
    note_exposures_of_records(request.connection, before, request.now, request.today)


def _receipt(request: Request, batch_id: str) -> Receipt | None:
    row = request.connection.execute(
        "SELECT * FROM receipt WHERE school = ? AND batch_id = ?", (request.school, batch_id)
    ).fetchone()
    if row is None or datetime.fromisoformat(row["received_at"]) < request.now - RECEIPTS_LIVE:
        return None
    return dict(row)


def _receipt_reply(name: str, row: Receipt, *, duplicate: bool) -> _Element:
    reply = _element(name)
    reply.set("batchId", str(row["batch_id"]))
    reply.set("receiptId", str(row["receipt_id"]))
    reply.set("receivedAt", str(row["received_at"]))
    reply.set("accepted", str(row["accepted"]))
    reply.set("duplicate", "true" if duplicate else "false")
    for rejected in json.loads(str(row["rejected"])):
        etree.SubElement(reply, diary("rejected"), rejected)
    return reply


def _page(request: Request) -> tuple[str, int]:
    page_token, size = attribute(request.element, "pageToken"), attribute(request.element, "pageSize")
    asked = LARGEST_PAGE if size is None else min(int(size), LARGEST_PAGE)
    if page_token is None:
        return "", asked
    row = request.connection.execute(
        "SELECT * FROM page_token WHERE token = ? AND school = ?", (page_token, request.school)
    ).fetchone()
    if row is None or datetime.fromisoformat(row["issued_at"]) < request.now - TOKENS_LIVE:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "pageToken is unknown or older than one hour")
    return row["after"], row["page_size"] if size is None else asked


def _issue_token(request: Request, after: str, page_size: int) -> str:
    page_token = secrets.token_urlsafe(16)
    request.connection.execute("DELETE FROM page_token WHERE issued_at < ?", (moment_text(request.now - TOKENS_LIVE),))
    request.connection.execute(
        "INSERT INTO page_token (token, school, after, page_size, issued_at) VALUES (?, ?, ?, ?, ?)",
        (page_token, request.school, after, page_size, moment_text(request.now)),
    )
    return page_token


def _element(name: str) -> _Element:
    return etree.Element(diary(name), nsmap={"d": DIARY})
