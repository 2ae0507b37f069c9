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
from operator import itemgetter

from lxml import etree
from lxml.etree import _Element

from sandbox.portal.request import Request
from sandbox.portal.soap import (
    DIARY,
    FaultCode,
    ServiceFaultError,
    attribute,
    collapse,
    day,
    diary,
    moment,
    moment_text,
    required,
    texts,
    whole,
)
from sandbox.portal.views import note_exposures_of_records

RECEIPTS_LIVE = timedelta(days=30)
TOKENS_LIVE = timedelta(hours=1)
LARGEST_PAGE = 10_000
REJECTION_CODE = "Refused"

_CONTENT = (
    "student_ref", "kind", "subject", "date", "lesson_number", "value", "weight", "work", "comment", "entered_at",
)  # fmt: skip

_HELD = ("revision", *_CONTENT, "withdrawn", "reason")
_KEY = ("school", "record_id")
_UPSERT = f"""
INSERT INTO holding ({", ".join((*_KEY, *_HELD))}) VALUES ({", ".join("?" * len((*_KEY, *_HELD)))})
ON CONFLICT DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _HELD)}
"""  # noqa: S608  joined from constants
_TOLD = (*_CONTENT, "reason")
_VALUES = itemgetter(*_KEY, *_HELD)
_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode

Row = dict[str, str | int | None]
_NO_CONTENT: Row = {**dict.fromkeys(_CONTENT), "withdrawn": 0, "reason": None}
_WITHDRAW = diary("withdraw")


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch divided: what changes the holdings, and what the portal would not take."""

    changes: Sequence[Row]
    rejected: Sequence[str]


def submit_journal(request: Request) -> _Element:
    """Take a batch whole, in the request's transaction, and answer its receipt."""
    batch_id = required(request.element, "batchId")
    known = _receipt(request, batch_id)
    if known is not None:
        return _receipt_reply("SubmitJournalResponse", known, duplicate=True)
    moment(required(request.element, "createdAt"))
    taken = divide(request, _held_revisions(request))
    _store(request, batch_id, taken.changes)
    row: Row = {
        "school": request.school,
        "batch_id": batch_id,
        "receipt_id": f"r-{secrets.token_hex(12)}",
        "received_at": moment_text(request.now),
        "record_count": len(request.element),
        "accepted": len(request.element) - len(taken.rejected),
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
    for item in request.element:
        row = _row(request.school, item)
        record_id, revision = str(row["record_id"]), int(row["revision"] or 0)
        if request.rejecting is not None and request.rejecting.search(record_id):
            rejected.append(record_id)
        elif revision > newest.get(record_id, 0):
            newest[record_id] = revision
            changes.append(row)
    return Taken(changes, rejected)


def _row(school: str, item: _Element) -> Row:
    row: Row = {
        "school": school,
        "record_id": required(item, "recordId"),
        "revision": whole(required(item, "revision")),
        **_NO_CONTENT,
    }
    if item.tag == _WITHDRAW:
        row["withdrawn"], row["reason"] = 1, attribute(item, "reason")
        return row
    told = texts(item)
    row["student_ref"] = collapse(told["studentRef"])
    row["kind"] = collapse(told["kind"])
    row["subject"] = collapse(told["subject"])
    row["date"] = day(collapse(told["date"])).isoformat()
    row["lesson_number"] = whole(told["lessonNumber"]) if "lessonNumber" in told else None
    row["value"] = _collapsed(told.get("value"))
    row["weight"] = _collapsed(told.get("weight"))
    row["work"], row["comment"] = told.get("work"), told.get("comment")
    row["entered_at"] = moment_text(moment(told["enteredAt"])) if "enteredAt" in told else None
    return row


def _collapsed(text: str | None) -> str | None:
    return None if text is None else collapse(text)


def _held_revisions(request: Request) -> dict[str, int]:
    ids = [collapse(value) for item in request.element if (value := item.get("recordId")) is not None]
    rows = request.connection.execute(
        "SELECT record_id, revision FROM holding WHERE school = ? AND record_id IN (SELECT value FROM json_each(?))",
        (request.school, json.dumps(ids)),
    )
    return {row["record_id"]: row["revision"] for row in rows}


def _store(request: Request, batch_id: str, changes: Sequence[Row]) -> None:
    before = request.connection.execute("SELECT coalesce(max(sequence), 0) FROM history").fetchone()[0]
    request.connection.executemany(_UPSERT, map(_VALUES, changes))
    at = moment_text(request.now)
    request.connection.executemany(
        "INSERT INTO history (at, school, act, subject_id, revision, batch_id, content) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                at,
                request.school,
                "withdraw" if row["withdrawn"] else "publish",
                row["record_id"],
                row["revision"],
                batch_id,
                _AS_JSON({key: told for key in _TOLD if (told := row[key]) is not None}),
            )
            for row in changes
        ],
    )
    note_exposures_of_records(request.connection, before, request.now, request.today)


def _receipt(request: Request, batch_id: str) -> Row | None:
    row = request.connection.execute(
        "SELECT * FROM receipt WHERE school = ? AND batch_id = ?", (request.school, batch_id)
    ).fetchone()
    if row is None or datetime.fromisoformat(row["received_at"]) < request.now - RECEIPTS_LIVE:
        return None
    return dict(row)


def _receipt_reply(name: str, row: Row, *, duplicate: bool) -> _Element:
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
