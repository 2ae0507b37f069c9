"""A client made of zeep and xmlsec alone uses all eight operations."""

import contextlib
from datetime import UTC, date, datetime

import pytest
import zeep.exceptions
from sandbox_portal.wire import ZeepClient

from journal.records import PersonName, PortalApplication
from journal.vocabulary import Relation
from sandbox.portal import PortalServer, look, seed_applications

APPLICATION = PortalApplication(
    application_id="a-1",
    sequence=3,
    submitted_at=datetime(2026, 9, 2, 7, 15, tzinfo=UTC),
    relation=Relation.PARENT,
    consent_text_version="2025-09",
    account_id="pa-1",
    email="parent@example.org",
    account_holder=PersonName("Ёлкин", "Пётр", "Андреевич"),
    student=PersonName("Ёлкина", "Мария"),
    student_birth_date=date(2014, 3, 9),
    student_class="5А",
)
PUBLISH = {
    "publish": {
        "recordId": "r-1",
        "revision": 1,
        "studentRef": "s-1",
        "kind": "current",
        "subject": "Русский язык",
        "date": date(2026, 9, 15),
        "value": "5",
        "comment": "«отлично» & <так держать>\r\n𝔐",
    }
}
WITHDRAW = {"withdraw": {"recordId": "r-2", "revision": 4, "reason": "deleted"}}


def link_fields() -> dict[str, object]:
    return {
        "school": "0252",
        "linkId": "l-1",
        "revision": 2,
        "accountId": "pa-1",
        "studentRef": "s-1",
        "consentRef": "c-1",
        "validFrom": date(2026, 9, 1),
        "recordsFrom": date(2026, 9, 1),
        "kinds": ["current", "absence"],
    }


def test_a_stranger_uses_all_eight_operations(portal: PortalServer, stranger: ZeepClient) -> None:
    with contextlib.closing(portal.connect()) as connection:
        seed_applications(connection, "0252", [APPLICATION])

    receipt = stranger.submit("0252", [PUBLISH, WITHDRAW])
    assert (receipt.accepted, receipt.duplicate, receipt.rejected) == (2, False, [])
    again = stranger.service.GetReceipt(school="0252", batchId=receipt.batchId)
    assert again.receiptId == receipt.receiptId

    holdings = stranger.service.ListHoldings(school="0252")
    assert [(held.recordId, held.revision, held.studentRef) for held in holdings.holding] == [("r-1", 1, "s-1")]

    state = stranger.service.PutLink(**link_fields())
    assert (state.linkId, state.revision, state.active) == ("l-1", 2, True)

    page = stranger.service.ListApplications(school="0252", after=0)
    assert (page.last, [found.sequence for found in page.application]) == (3, [3])
    assert page.application[0].student.lastName == "Ёлкина"
    moment = datetime(2026, 9, 3, tzinfo=UTC)
    report = {"school": "0252", "applicationId": "a-1", "status": "received", "at": moment}
    assert stranger.service.ReportApplication(**report) == "a-1"

    today = datetime.now(UTC).date()
    with contextlib.closing(portal.connect()) as connection:
        assert list(look(connection, "0252", "pa-1", today)) == ["r-1"]
    usage = stranger.service.GetUsage(**{"school": "0252", "from": today, "to": today})
    assert [(day.date, day.linkId, day.views) for day in usage] == [(today, "l-1", 1)]

    ended = stranger.service.EndLink(
        school="0252", linkId="l-1", revision=3, endedAt=datetime.now(UTC), reason="consent-withdrawn"
    )
    assert (ended.revision, ended.active) == (3, False)


def test_the_same_batch_again_gives_the_same_receipt(stranger: ZeepClient) -> None:
    first = stranger.submit("0252", [PUBLISH])
    second = stranger.submit("0252", [PUBLISH])
    assert (first.duplicate, second.duplicate) == (False, True)
    assert (second.receiptId, second.receivedAt) == (first.receiptId, first.receivedAt)


def test_text_arrives_as_it_was_sent(portal: PortalServer, stranger: ZeepClient) -> None:
    stranger.submit("0252", [PUBLISH])
    with contextlib.closing(portal.connect()) as connection:
        row = connection.execute("SELECT subject, comment FROM holding").fetchone()
    assert row["subject"] == PUBLISH["publish"]["subject"]
    assert row["comment"] == PUBLISH["publish"]["comment"]


def test_faults_are_signed_and_name_their_code(stranger: ZeepClient) -> None:
    with pytest.raises(zeep.exceptions.Fault) as caught:
        stranger.service.GetReceipt(school="0252", batchId="0" * 64)
    assert caught.value.detail[0].attrib["code"] == "UnknownBatch"
