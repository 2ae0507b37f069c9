"""ListApplications and ReportApplication keep the contract's promises."""

import contextlib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from lxml import etree
from lxml.etree import _Element
from sandbox_portal.wire import RawClient, element, rows

from journal.records import PersonName, PortalApplication
from journal.vocabulary import Relation
from sandbox.portal import PortalServer, seed_applications

ONE = PortalApplication(
    application_id="a-0",
    sequence=1,
    submitted_at=datetime(2026, 9, 2, 7, 15, tzinfo=UTC),
    relation=Relation.GUARDIAN,
    consent_text_version="2025-09",
    account_id="pa-0",
    email="parent@example.org",
    account_holder=PersonName("Соколова", "Анна", "Викторовна"),
    student=PersonName("Соколов", "Илья"),
    student_birth_date=date(2010, 12, 24),
)


def seed(portal: PortalServer, sequences: range) -> None:
    applications = [
        replace(ONE, application_id=f"a-{number}", sequence=number, account_id=f"pa-{number}") for number in sequences
    ]
    with contextlib.closing(portal.connect()) as connection:
        seed_applications(connection, "0252", applications)


def listed(reply: _Element) -> tuple[list[int], str]:
    return [int(found.attrib["sequence"]) for found in reply], reply.attrib["last"]


def test_applications_come_oldest_first_after_a_sequence(portal: PortalServer, raw: RawClient) -> None:
    seed(portal, range(9, 2, -2))
    assert listed(raw.ok(element("ListApplications", school="0252", after="0"))) == ([3, 5, 7, 9], "9")
    assert listed(raw.ok(element("ListApplications", school="0252", after="3", limit="2"))) == ([5, 7], "9")
    assert listed(raw.ok(element("ListApplications", school="0252", after="9" * 30))) == ([], "9")
    assert listed(raw.ok(element("ListApplications", school="7", after="0"))) == ([], "0")


def test_five_hundred_come_at_most(portal: PortalServer, raw: RawClient) -> None:
    seed(portal, range(1, 502))
    assert len(raw.ok(element("ListApplications", school="0252", after="0", limit="1000"))) == 500


def test_an_application_carries_its_people(portal: PortalServer, raw: RawClient) -> None:
    seed(portal, range(1, 2))
    found = raw.ok(element("ListApplications", school="0252", after="0"))[0]
    texts = [(etree.QName(name).localname, name.text) for name in found.iter() if name.text]
    assert texts == [
        ("lastName", "Соколова"),
        ("firstName", "Анна"),
        ("middleName", "Викторовна"),
        ("lastName", "Соколов"),
        ("firstName", "Илья"),
    ]
    assert found.attrib["relation"] == "guardian"
    assert dict(found[1].attrib) == {"birthDate": "2010-12-24"}


def report(application_id: str, **other: str) -> _Element:
    fields = {"school": "0252", "status": "identified", "at": "2026-09-03T15:40:00+03:00"} | other
    return element("ReportApplication", applicationId=application_id, **fields)


def test_the_same_report_twice_is_no_error_and_kept_once(portal: PortalServer, raw: RawClient) -> None:
    seed(portal, range(1, 2))
    for at in ("2026-09-03T15:40:00+03:00", "2026-09-03T12:40:00Z"):
        assert raw.ok(report("a-1", at=at)).attrib["applicationId"] == "a-1"
    raw.ok(report("a-1", status="rejected", reason="нет документа"))
    assert rows(portal, "SELECT status, reason FROM application_report") == [
        ("identified", None),
        ("rejected", "нет документа"),
    ]


@pytest.mark.parametrize("school", ["0252", "7"])
def test_a_report_of_an_unknown_application_is_a_fault(portal: PortalServer, raw: RawClient, school: str) -> None:
    seed(portal, range(1, 2))
    assert raw.refused(report("a-2" if school == "0252" else "a-1", school=school)) == "UnknownApplication"


def test_a_reply_that_would_break_the_schema_never_leaves(portal: PortalServer, raw: RawClient) -> None:
    long_name = replace(ONE, student=PersonName("Я" * 101, "Илья"))
    with contextlib.closing(portal.connect()) as connection:
        seed_applications(connection, "0252", [long_name])
    assert raw.refused(element("ListApplications", school="0252", after="0")) == "Internal"
