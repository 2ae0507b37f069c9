"""PutLink, EndLink, GetUsage: who may look at whose records, and how often they did.

Rules. A revision not newer than the held one changes nothing and is answered with the held state. A link that is
ended before it was ever put is remembered with its revision, so that a late PutLink cannot open it.
"""

import json
from datetime import timedelta

from lxml import etree
from lxml.etree import _Element

from sandbox.portal.request import Request
from sandbox.portal.soap import (
    DIARY,
    FaultCode,
    ServiceFaultError,
    attribute,
    day,
    diary,
    moment,
    moment_text,
    required,
    whole,
)
from sandbox.portal.views import note_exposures_of_link

LONGEST_USAGE = timedelta(days=62)

Row = dict[str, str | int | None]

_PUT = """
INSERT OR REPLACE INTO link (
    school, link_id, revision, account_id, student_ref, consent_ref, valid_from, valid_to, records_from, records_to,
    kinds, active, ended_at, reason
) VALUES (
    :school, :link_id, :revision, :account_id, :student_ref, :consent_ref, :valid_from, :valid_to, :records_from,
    :records_to, :kinds, 1, NULL, NULL
)
"""

_END = """
INSERT INTO link (school, link_id, revision, active, ended_at, reason)
VALUES (:school, :link_id, :revision, 0, :ended_at, :reason)
ON CONFLICT (school, link_id) DO UPDATE
SET revision = :revision, active = 0, ended_at = :ended_at, reason = :reason
"""


def put_link(request: Request) -> _Element:
    """Open or renew an account's view of one student's records."""
    element = request.element
    if _is_newer(request):
        row = _key(request) | {
            "account_id": required(element, "accountId"),
            "student_ref": required(element, "studentRef"),
            "consent_ref": required(element, "consentRef"),
            "valid_from": _day(element, "validFrom"),
            "valid_to": _day(element, "validTo"),
            "records_from": _day(element, "recordsFrom"),
            "records_to": _day(element, "recordsTo"),
            "kinds": required(element, "kinds"),
        }
        request.connection.execute(_PUT, row)
        _note(request, "put-link", row)
        note_exposures_of_link(request.connection, request.school, str(row["link_id"]), request.now, request.today)
    return _state(request, "PutLinkResponse")


def end_link(request: Request) -> _Element:
    """Close an account's view of one student's records."""
    if _is_newer(request):
        row = _key(request) | {
            "ended_at": moment_text(moment(required(request.element, "endedAt"))),
            "reason": required(request.element, "reason"),
        }
        request.connection.execute(_END, row)
        _note(request, "end-link", row)
    return _state(request, "EndLinkResponse")


def get_usage(request: Request) -> _Element:
    """Answer how often each link was looked at, a row a day; raises SchemaViolation for more than 62 days."""
    first, last = (day(required(request.element, name)) for name in ("from", "to"))
    if not timedelta(0) <= last - first < LONGEST_USAGE:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "from and to are not 1 to 62 days")
    reply = etree.Element(diary("GetUsageResponse"), nsmap={"d": DIARY})
    rows = request.connection.execute(
        "SELECT date, link_id, views FROM usage WHERE school = ? AND date BETWEEN ? AND ? ORDER BY date, link_id",
        (request.school, first.isoformat(), last.isoformat()),
    )
    for row in rows:
        etree.SubElement(reply, diary("day"), date=row["date"], linkId=row["link_id"], views=str(row["views"]))
    return reply


def _key(request: Request) -> Row:
    return {
        "school": request.school,
        "link_id": required(request.element, "linkId"),
        "revision": whole(required(request.element, "revision")),
    }


def _day(element: _Element, name: str) -> str | None:
    text = attribute(element, name)
    return None if text is None else day(text).isoformat()


def _is_newer(request: Request) -> bool:
    held = request.connection.execute(
        "SELECT 1 FROM link WHERE school = :school AND link_id = :link_id AND revision >= :revision", _key(request)
    ).fetchone()
    return held is None


def _note(request: Request, act: str, row: Row) -> None:
    content = {key: value for key, value in row.items() if key not in _key(request) and value is not None}
    request.connection.execute(
        "INSERT INTO history (at, school, act, subject_id, revision, content) VALUES (?, ?, ?, ?, ?, ?)",
        (moment_text(request.now), request.school, act, row["link_id"], row["revision"], json.dumps(content)),
    )


def _state(request: Request, name: str) -> _Element:
    held = request.connection.execute(
        "SELECT link_id, revision, active FROM link WHERE school = :school AND link_id = :link_id", _key(request)
    ).fetchone()
    return etree.Element(
        diary(name),
        {
            "linkId": held["link_id"],
            "revision": str(held["revision"]),
            "active": "true" if held["active"] else "false",
        },
        nsmap={"d": DIARY},
    )
