"""ListApplications, ReportApplication: what parents ask for and how far it is, as the portal passes it on.

Rules. Applications come oldest first, by a sequence of their school's own. The same report twice is kept once.
"""

import sqlite3
from collections.abc import Sequence

from lxml import etree
from lxml.etree import _Element

from journal.records import PersonName, PortalApplication
from sandbox.portal.request import Request
from sandbox.portal.soap import (
    DIARY,
    FaultCode,
    ServiceFaultError,
    attribute,
    diary,
    moment,
    moment_text,
    required,
)
from sandbox.portal.store import writing

MOST_APPLICATIONS = 500

_SEED = """
INSERT INTO application (
    school, sequence, application_id, submitted_at, relation, consent_text_version, account_id, email,
    last_name, first_name, middle_name, student_last_name, student_first_name, student_middle_name,
    student_birth_date, student_class
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def seed_applications(connection: sqlite3.Connection, school: str, applications: Sequence[PortalApplication]) -> None:
    """Let parents have applied: each application is listed to `school` under its own sequence."""
    rows = [
        (
            school,
            application.sequence,
            application.application_id,
            moment_text(application.submitted_at),
            str(application.relation),
            application.consent_text_version,
            application.account_id,
            application.email,
            *_names(application.account_holder),
            *_names(application.student),
            application.student_birth_date.isoformat(),
            application.student_class,
        )
        for application in applications
    ]
    with writing(connection):
        connection.executemany(_SEED, rows)


def list_applications(request: Request) -> _Element:
    """Answer the applications after a sequence, 500 at most, and the newest sequence there is."""
    limit = attribute(request.element, "limit")
    most = MOST_APPLICATIONS if limit is None else min(int(limit), MOST_APPLICATIONS)
    after = min(int(required(request.element, "after")), 2**63 - 1)
    last = request.connection.execute(
        "SELECT coalesce(max(sequence), 0) FROM application WHERE school = ?", (request.school,)
    ).fetchone()[0]
    reply = etree.Element(diary("ListApplicationsResponse"), {"last": str(last)}, nsmap={"d": DIARY})
    rows = request.connection.execute(
        "SELECT * FROM application WHERE school = ? AND sequence > ? ORDER BY sequence LIMIT ?",
        (request.school, after, most),
    )
    for row in rows:
        reply.append(_application(row))
    return reply


def report_application(request: Request) -> _Element:
    """Keep a report, told to the parent once; raises UnknownApplication."""
    application_id = required(request.element, "applicationId")
    known = request.connection.execute(
        "SELECT 1 FROM application WHERE school = ? AND application_id = ?", (request.school, application_id)
    ).fetchone()
    if known is None:
        raise ServiceFaultError(FaultCode.UNKNOWN_APPLICATION, "no such application of this school")
    report = (
        request.school,
        application_id,
        required(request.element, "status"),
        moment_text(moment(required(request.element, "at"))),
        request.element.get("reason"),
    )
    request.connection.execute(
        "INSERT INTO application_report (received_at, school, application_id, status, at, reason)"
        " SELECT ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM application_report WHERE"
        " school = ? AND application_id = ? AND status = ? AND at = ? AND reason IS ?)",
        (moment_text(request.now), *report, *report),
    )
    return etree.Element(diary("ReportApplicationResponse"), {"applicationId": application_id}, nsmap={"d": DIARY})


def _names(person: PersonName) -> tuple[str, str, str | None]:
    return person.last_name, person.first_name, person.middle_name


def _application(row: sqlite3.Row) -> _Element:
    element = etree.Element(
        diary("application"),
        {
            "applicationId": row["application_id"],
            "sequence": str(row["sequence"]),
            "submittedAt": row["submitted_at"],
            "relation": row["relation"],
            "consentTextVersion": row["consent_text_version"],
        },
    )
    account = etree.SubElement(element, diary("account"), {"accountId": row["account_id"], "email": row["email"]})
    _add_names(account, row["last_name"], row["first_name"], row["middle_name"])
    student = etree.SubElement(element, diary("student"), {"birthDate": row["student_birth_date"]})
    if row["student_class"] is not None:
        student.set("className", row["student_class"])
    _add_names(student, row["student_last_name"], row["student_first_name"], row["student_middle_name"])
    return element


def _add_names(element: _Element, last: str, first: str, middle: str | None) -> None:
    for name, text in (("lastName", last), ("firstName", first), ("middleName", middle)):
        if text is not None:
            etree.SubElement(element, diary(name)).text = text
