"""Each operation against a real TLS server: what is asked, and what comes of a genuine answer."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from fakes.reply_signing import fault, signed
from fakes.scripted_server import Received, ScriptedServer, http
from lxml import etree

from connectors.portal.batch import prepare
from connectors.portal.soap_portal import SoapPortal
from journal.portal import PortalError, Resend
from journal.records import (
    ApplicationReport,
    Holding,
    LinkEnd,
    LinkPut,
    LinkState,
    PersonName,
    PortalApplication,
    Publish,
    Receipt,
    Rejection,
    UsageDay,
    Withdraw,
)
from journal.vocabulary import ApplicationStatus, EndReason, RecordKind, Relation, WithdrawReason

NOW = datetime(2026, 10, 1, 12, 30, tzinfo=timezone(timedelta(hours=3)))
RECORD = Publish("r-1", 1, "s-1", RecordKind.CURRENT, "Алгебра", date(2026, 9, 30), 3, "5", comment="<&>\r\n")
BATCH = (RECORD, Withdraw("r-2", 4, WithdrawReason.DELETED))
LINK = LinkPut(
    school="0252",
    link_id="l-1",
    revision=2,
    account_id="a-1",
    student_ref="s-1",
    consent_ref="c-1",
    valid_from=date(2026, 9, 1),
    valid_to=None,
    records_from=date(2026, 9, 1),
    records_to=date(2027, 8, 31),
    kinds=frozenset({RecordKind.LATE, RecordKind.CURRENT}),
)
END = LinkEnd("0252", "l-1", 3, NOW, EndReason.RESTRICTED)


@pytest.fixture
def reply(server: ScriptedServer, keys: object) -> Callable[..., None]:
    """Give a function that queues a genuine answer with this payload."""

    def queue(payload: str | bytes, status: str = "200 OK") -> None:
        raw = payload if isinstance(payload, bytes) else payload.encode()
        server.scripts.append(lambda _: [http(signed(raw, keys.portal_signing, datetime.now(UTC)), status)])

    return queue


def _asked(received: Received) -> etree._Element:
    body = etree.fromstring(received.body).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
    return body[0]


def _receipt(batch_id: str, inside: str = "", accepted: int = 2) -> str:
    return (
        f'<x:SubmitJournalResponse xmlns:x="urn:diary-exchange:1" batchId="{batch_id}" receiptId="rc-1" '
        f'receivedAt="2026-10-01T12:30:05.25+03:00" accepted="{accepted}" duplicate="1">'
        f"{inside}</x:SubmitJournalResponse>"
    )


def test_submit_sends_the_prepared_bytes_and_reads_the_receipt(
    portal: SoapPortal, server: ScriptedServer, reply: Callable[..., None]
) -> None:
    batch = portal.prepare("0252", BATCH, NOW)
    reply(_receipt(batch.batch_id, '<x:rejected recordId="r-2" code=" no  such " message="зачем"/>', accepted=1))
    receipt = portal.submit(batch)
    assert receipt == Receipt(
        batch_id=batch.batch_id,
        receipt_id="rc-1",
        received_at=datetime(2026, 10, 1, 12, 30, 5, 250_000, tzinfo=timezone(timedelta(hours=3))),
        accepted=1,
        duplicate=True,
        rejected=(Rejection("r-2", "no such", "зачем"),),
    )
    assert batch.body in server.received[0].body
    assert 'SOAPAction: "urn:diary-exchange:1#SubmitJournal"' in server.received[0].head


def test_who_knows_all_of_a_batch_but_what_was_drawn_has_no_digest_to_compare_with(portal: SoapPortal) -> None:
    """The log keeps the digest: of a student who was erased, a journal kept elsewhere must not give it once more."""
    made = {portal.prepare("0252", BATCH, NOW).batch_id for _ in range(3)}
    assert len(made) == 3
    assert prepare("0252", BATCH, NOW).batch_id not in made


def test_receipt_of_a_batch_that_was_taken(
    portal: SoapPortal, server: ScriptedServer, reply: Callable[..., None]
) -> None:
    batch = portal.prepare("0252", BATCH, NOW)
    reply(_receipt(batch.batch_id).replace("SubmitJournalResponse", "GetReceiptResponse"))
    found = portal.receipt("0252", batch.batch_id)
    assert found is not None
    assert (found.receipt_id, found.rejected) == ("rc-1", ())
    assert dict(_asked(server.received[0]).attrib) == {"school": "0252", "batchId": batch.batch_id}


def test_receipt_of_a_batch_that_never_was(portal: SoapPortal, reply: Callable[..., None]) -> None:
    reply(fault("UnknownBatch"), "500 Internal Server Error")
    assert portal.receipt("0252", "0" * 64) is None


def test_holdings_goes_from_page_to_page(
    portal: SoapPortal, server: ScriptedServer, reply: Callable[..., None]
) -> None:
    start = '<ListHoldingsResponse xmlns="urn:diary-exchange:1"'
    reply(start + ' nextPageToken="t 2"><holding recordId="a" revision="1" studentRef="s"/></ListHoldingsResponse>')
    reply(start + '><holding recordId="b" revision="7" studentRef="s"/></ListHoldingsResponse>')
    assert list(portal.holdings("0252")) == [Holding("a", 1, "s"), Holding("b", 7, "s")]
    first, second = (dict(_asked(received).attrib) for received in server.received)
    assert first == {"school": "0252", "pageSize": "10000"}
    assert second == {"school": "0252", "pageSize": "10000", "pageToken": "t 2"}


def test_holdings_is_not_led_in_a_circle(portal: SoapPortal, reply: Callable[..., None]) -> None:
    for token in ("t1", "t2", "t1"):
        reply(f'<ListHoldingsResponse xmlns="urn:diary-exchange:1" nextPageToken="{token}"/>')
    with pytest.raises(PortalError) as caught:
        list(portal.holdings("0252"))
    assert (caught.value.code, caught.value.resend) == ("reply-malformed", Resend.RETRYABLE)


APPLICATION = """
<application applicationId="ap-1" sequence="{sequence}" submittedAt="2026-10-01T08:00:00Z" relation="guardian"
             consentTextVersion=" 2025-09 ">
  <account accountId="a-1" email="p@example.org"><lastName> Петрова </lastName><firstName>Анна
  Мария</firstName><middleName>Ивановна</middleName></account>
  <student birthDate="2015-02-03" className="5 А"><lastName>Петров</lastName><firstName>Пётр</firstName></student>
</application>"""


def _applications(*sequences: int, last: int = 9) -> str:
    inside = "".join(APPLICATION.format(sequence=sequence) for sequence in sequences)
    return f'<ListApplicationsResponse xmlns="urn:diary-exchange:1" last="{last}">{inside}</ListApplicationsResponse>'


def test_applications(portal: SoapPortal, server: ScriptedServer, reply: Callable[..., None]) -> None:
    reply(_applications(5))
    page = portal.applications("0252", 4, limit=900)
    assert page.last == 9
    assert page.applications == [
        PortalApplication(
            application_id="ap-1",
            sequence=5,
            submitted_at=datetime(2026, 10, 1, 8, tzinfo=UTC),
            relation=Relation.GUARDIAN,
            consent_text_version="2025-09",
            account_id="a-1",
            email="p@example.org",
            account_holder=PersonName("Петрова", "Анна Мария", "Ивановна"),
            student=PersonName("Петров", "Пётр"),
            student_birth_date=date(2015, 2, 3),
            student_class="5 А",
        )
    ]
    assert dict(_asked(server.received[0]).attrib) == {"school": "0252", "after": "4", "limit": "500"}


def test_no_applications(portal: SoapPortal, reply: Callable[..., None]) -> None:
    reply(_applications(last=0))
    assert list(portal.applications("0252", 0).applications) == []


@pytest.mark.parametrize("sequences", [(4,), (6, 5), (5, 5)])
def test_applications_out_of_order_are_refused(
    sequences: tuple[int, ...], portal: SoapPortal, reply: Callable[..., None]
) -> None:
    reply(_applications(*sequences))
    with pytest.raises(PortalError, match="oldest first"):
        portal.applications("0252", 4)


def test_report_application(portal: SoapPortal, server: ScriptedServer, reply: Callable[..., None]) -> None:
    reply('<ReportApplicationResponse xmlns="urn:diary-exchange:1" applicationId="ap-1"/>')
    portal.report_application(ApplicationReport("0252", "ap-1", ApplicationStatus.REJECTED, NOW, 'нет "подписи"'))
    assert dict(_asked(server.received[0]).attrib) == {
        "school": "0252",
        "applicationId": "ap-1",
        "status": "rejected",
        "at": "2026-10-01T09:30:00Z",
        "reason": 'нет "подписи"',
    }


def _state(operation: str, active: str) -> str:
    return f'<{operation}Response xmlns="urn:diary-exchange:1" linkId="l-1" revision="3" active="{active}"/>'


def test_put_link(portal: SoapPortal, server: ScriptedServer, reply: Callable[..., None]) -> None:
    reply(_state("PutLink", "true"))
    assert portal.put_link(LINK) == LinkState("l-1", 3, active=True)
    assert dict(_asked(server.received[0]).attrib) == {
        "school": "0252",
        "linkId": "l-1",
        "revision": "2",
        "accountId": "a-1",
        "studentRef": "s-1",
        "consentRef": "c-1",
        "validFrom": "2026-09-01",
        "recordsFrom": "2026-09-01",
        "recordsTo": "2027-08-31",
        "kinds": "current late",
    }


def test_end_link(portal: SoapPortal, server: ScriptedServer, reply: Callable[..., None]) -> None:
    reply(_state("EndLink", "0"))
    assert portal.end_link(END) == LinkState("l-1", 3, active=False)
    assert _asked(server.received[0]).get("endedAt") == "2026-10-01T09:30:00Z"


def test_usage(portal: SoapPortal, server: ScriptedServer, reply: Callable[..., None]) -> None:
    day = '<day date="2026-09-0{}" linkId="l-1" views="{}"/>'
    reply(f'<GetUsageResponse xmlns="urn:diary-exchange:1">{day.format(1, 3)}{day.format(2, 0)}</GetUsageResponse>')
    rows = portal.usage("0252", date(2026, 9, 1), date(2026, 9, 2))
    assert rows == [UsageDay(date(2026, 9, 1), "l-1", 3), UsageDay(date(2026, 9, 2), "l-1", 0)]
    assert dict(_asked(server.received[0]).attrib) == {"school": "0252", "from": "2026-09-01", "to": "2026-09-02"}


def test_no_usage(portal: SoapPortal, reply: Callable[..., None]) -> None:
    reply('<GetUsageResponse xmlns="urn:diary-exchange:1"/>')
    assert list(portal.usage("0252", date(2026, 9, 1), date(2026, 9, 1))) == []


@pytest.mark.parametrize("days", [-1, 62])
def test_usage_of_too_many_days_is_not_even_asked(days: int, portal: SoapPortal, server: ScriptedServer) -> None:
    with pytest.raises(PortalError) as caught:
        portal.usage("0252", date(2026, 9, 1), date(2026, 9, 1) + timedelta(days=days))
    assert (caught.value.code, caught.value.resend, server.received) == ("too-many-days", Resend.FINAL, [])


def test_a_request_that_breaks_the_schema_is_not_sent(portal: SoapPortal, server: ScriptedServer) -> None:
    with pytest.raises(PortalError) as caught:
        portal.receipt("0252", "not a batch id")
    assert (caught.value.code, caught.value.resend) == ("request-invalid", Resend.FINAL)
    report = ApplicationReport("0252", "ap-1", ApplicationStatus.REJECTED, NOW, "zero \x00 byte")
    with pytest.raises(PortalError, match="request-invalid"):
        portal.report_application(report)
    assert server.received == []


def test_a_naive_moment_is_refused(portal: SoapPortal) -> None:
    naive = datetime(2026, 10, 1)  # noqa: DTZ001  the naive moment is the point
    with pytest.raises(ValueError, match="zone"):
        portal.end_link(LinkEnd("0252", "l-1", 3, naive, EndReason.RESTRICTED))


def test_a_batch_whose_stored_bytes_changed_is_not_sent(portal: SoapPortal, server: ScriptedServer) -> None:
    batch = portal.prepare("0252", BATCH, NOW)
    damaged = type(batch)(batch.school, batch.batch_id, batch.record_count, batch.body.replace(b">5<", b">4<"))
    with pytest.raises(PortalError) as caught:
        portal.submit(damaged)
    assert (caught.value.code, caught.value.resend, server.received) == ("batch-damaged", Resend.FINAL, [])


@pytest.mark.parametrize(
    ("code", "wait", "resend", "after"),
    [
        ("Throttled", 7, Resend.RETRYABLE, 7),
        ("Maintenance", 10**20, Resend.RETRYABLE, 86_400),
        ("Throttled", None, Resend.RETRYABLE, None),
        ("Internal", 5, Resend.UNKNOWN, None),
        ("UnknownSchool", None, Resend.FINAL, None),
        ("SchemaViolation", None, Resend.FINAL, None),
        ("BadSignature", None, Resend.FINAL, None),
        ("NotAuthorized", None, Resend.FINAL, None),
        ("TooLarge", None, Resend.FINAL, None),
        ("UnknownBatch", None, Resend.FINAL, None),
    ],
)
def test_what_a_signed_fault_says_of_sending_again(
    code: str, wait: int | None, resend: Resend, after: int | None, portal: SoapPortal, reply: Callable[..., None]
) -> None:
    reply(fault(code, wait), "500 Internal Server Error")
    with pytest.raises(PortalError) as caught:
        portal.submit(portal.prepare("0252", BATCH, NOW))
    assert (caught.value.code, caught.value.resend, caught.value.retry_after) == (code, resend, after)


def test_internal_is_retryable_for_what_only_asks(portal: SoapPortal, reply: Callable[..., None]) -> None:
    reply(fault("Internal"), "500 Internal Server Error")
    with pytest.raises(PortalError) as caught:
        portal.receipt("0252", "0" * 64)
    assert caught.value.resend is Resend.RETRYABLE


def test_one_connection_serves_many_calls(
    portal: SoapPortal, server: ScriptedServer, reply: Callable[..., None]
) -> None:
    for _ in range(3):
        reply(_state("PutLink", "true"))
        portal.put_link(LINK)
    assert [received.connection for received in server.received] == [1, 1, 1]
