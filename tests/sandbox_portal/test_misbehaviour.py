"""Every switch does what it says: in what it takes, and in what the client meets."""

import contextlib
import http.client
import time

import pytest
import zeep.exceptions
from lxml import etree
from lxml.etree import _Element
from sandbox_portal.wire import (
    SOAP,
    RawClient,
    ZeepClient,
    element,
    fault_code,
    journal,
    publish,
    put_link,
    rows,
)
from zeep.wsse.signature import MemorySignature

from sandbox.portal import FaultKind, PortalServer, queue_fault
from sandbox.portal.security import load_credential

PUT_LINK = "urn:diary-exchange:1#PutLink"
TAKES_NOTHING = {
    "timeout-before-taking",
    "cut-before",
    "throttled",
    "maintenance",
    "internal-before",
    "http-500-before",
    "http-502-before",
    "http-503-before",
    "redirect",
}
BREAKS_OFF = {"timeout-before-taking", "timeout-after-taking", "cut-before", "cut-after", "half-reply-after"}
ARGUMENTS = {
    "timeout-before-taking": "0.1",
    "timeout-after-taking": "0.1",
    "slow": "0.1",
    "trickle": "0.0001",
    "reject-records": "^none$",
}


@pytest.mark.parametrize("kind", FaultKind)
def test_a_kind_takes_the_batch_or_not_and_is_used_once(portal: PortalServer, raw: RawClient, kind: FaultKind) -> None:
    portal.fail_next(kind, argument=ARGUMENTS.get(kind))
    batch = journal([publish("r-1")])
    message = etree.tostring(raw.envelope(batch))
    if kind in BREAKS_OFF:
        with pytest.raises((OSError, http.client.HTTPException)) as caught:
            raw.post(message, "SubmitJournal")
        assert not isinstance(caught.value, TimeoutError)
    else:
        raw.post(message, "SubmitJournal")
    assert rows(portal, "SELECT count(*) FROM holding") == [(0 if kind in TAKES_NOTHING else 1,)]
    assert raw.ok(batch).attrib["duplicate"] == ("false" if kind in TAKES_NOTHING else "true")
    assert rows(portal, "SELECT outcome, misbehaviour FROM request_log") == [
        ("not-taken" if kind in TAKES_NOTHING else "ok", kind),
        ("ok", None),
    ]


@pytest.mark.parametrize(
    ("kind", "code", "retry_after"),
    [
        ("throttled", "Throttled", "17"),
        ("maintenance", "Maintenance", "17"),
        ("internal-before", "Internal", None),
        ("internal-after", "Internal", None),
    ],
)
def test_a_fault_is_the_contracts_own(
    portal: PortalServer, raw: RawClient, kind: str, code: str, retry_after: str | None
) -> None:
    portal.fail_next(kind, argument="17")
    reply = raw.send(raw.envelope(journal([publish("r-1")])), "SubmitJournal")
    assert (fault_code(reply), reply.find("detail")[0].get("retryAfter")) == (code, retry_after)
    assert reply.find("faultcode").text == "soap:Server"


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_proxys_page_is_no_soap(portal: PortalServer, raw: RawClient, status: int, side: str) -> None:
    portal.fail_next(f"http-{status}-{side}")
    got, body = raw.post(etree.tostring(raw.envelope(journal([publish("r-1")]))), "SubmitJournal")
    assert (got, b"<html" in body) == (status, True)


def verified(portal: PortalServer, body: bytes) -> _Element:
    certificate = load_credential(portal.files.portal_signing.read_bytes()).certificate_pem
    return MemorySignature(b"", certificate).verify(etree.fromstring(body.strip()))


@pytest.mark.parametrize("kind", ["wrong-signature", "altered-body", "foreign-certificate"])
@pytest.mark.parametrize("payload", [put_link("l-1"), element("ListHoldings", school="0252")], ids=["link", "holdings"])
def test_a_forged_reply_does_not_verify(portal: PortalServer, raw: RawClient, kind: str, payload: _Element) -> None:
    portal.fail_next(kind)
    _, body = raw.post(etree.tostring(raw.envelope(payload)), etree.QName(payload).localname)
    with pytest.raises(zeep.exceptions.SignatureVerificationFailed):
        verified(portal, body)


def test_an_unsigned_reply_has_no_signature(portal: PortalServer, raw: RawClient) -> None:
    portal.fail_next("unsigned")
    _, body = raw.post(etree.tostring(raw.envelope(put_link("l-1"))), "PutLink")
    assert b"Signature" not in body
    assert etree.fromstring(body).find(f"{{{SOAP}}}Body")[0].attrib["linkId"] == "l-1"


def test_a_stale_reply_is_well_signed_and_an_hour_old(portal: PortalServer, raw: RawClient) -> None:
    portal.fail_next("stale-timestamp")
    _, body = raw.post(etree.tostring(raw.envelope(put_link("l-1"))), "PutLink")
    expires = next(verified(portal, body).iter("{*}Expires")).text
    assert time.time() - time.mktime(time.strptime(expires[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone > 50 * 60


@pytest.mark.parametrize(
    ("payload", "echo"),
    [
        (journal([publish("r-1")]), "batchId"),
        (put_link("l-1"), "linkId"),
        (element("ListHoldings", school="0252"), "linkId"),
    ],
    ids=["journal", "link", "holdings"],
)
def test_a_reply_of_another_is_well_signed_and_names_another(
    portal: PortalServer, raw: RawClient, payload: _Element, echo: str
) -> None:
    portal.fail_next("reply-of-another")
    _, body = raw.post(etree.tostring(raw.envelope(payload)), etree.QName(payload).localname)
    assert raw.checked(body).attrib[echo] != payload.get(echo)


def test_an_oversize_reply_is_larger_than_any_reply(portal: PortalServer, raw: RawClient) -> None:
    portal.fail_next("oversize-reply")
    _, body = raw.post(etree.tostring(raw.envelope(put_link("l-1"))), "PutLink")
    assert len(body) > 16 * 1024 * 1024


def test_a_redirect_leads_elsewhere(portal: PortalServer, raw: RawClient) -> None:
    portal.fail_next("redirect")
    status, _ = raw.post(etree.tostring(raw.envelope(put_link("l-1"))), "PutLink")
    assert status == 307


def test_faults_wait_in_line_for_their_operation(portal: PortalServer, raw: RawClient) -> None:
    portal.fail_next("throttled", operation="SubmitJournal", times=2)
    portal.fail_next("maintenance", operation="PutLink")
    portal.fail_next("internal-before")
    batch = journal([publish("r-1")])
    assert [raw.refused(batch), raw.refused(put_link("l-1")), raw.refused(batch)] == [
        "Throttled",
        "Maintenance",
        "Throttled",
    ]
    assert raw.refused(element("ListHoldings", school="0252")) == "Internal"
    raw.ok(batch)
    raw.ok(put_link("l-1"))


def test_a_fault_without_an_end_stays_until_it_is_cleared(portal: PortalServer, raw: RawClient) -> None:
    portal.fail_next("maintenance", times=None)
    assert {raw.refused(put_link("l-1")) for _ in range(3)} == {"Maintenance"}
    portal.clear_faults()
    raw.ok(put_link("l-1"))


def test_a_refused_request_uses_no_fault_up(portal: PortalServer, raw: RawClient) -> None:
    portal.fail_next("maintenance")
    assert raw.refused(journal([])) == "SchemaViolation"
    assert raw.refused(put_link("l-1")) == "Maintenance"


def test_anybody_may_queue_a_fault_in_the_file(portal: PortalServer, stranger: ZeepClient) -> None:
    with contextlib.closing(portal.connect()) as connection:
        connection.execute("INSERT INTO faults (fault) VALUES ('maintenance')")
    with pytest.raises(zeep.exceptions.Fault):
        stranger.service.ListHoldings(school="0252")
    assert list(stranger.service.ListHoldings(school="0252").holding) == []


@pytest.mark.parametrize(
    ("kind", "argument"), [("no-such-kind", None), ("slow", "soon"), ("reject-records", "["), ("throttled", "x")]
)
def test_a_fault_that_means_nothing_is_not_queued(portal: PortalServer, kind: str, argument: str | None) -> None:
    with (
        contextlib.closing(portal.connect()) as connection,
        pytest.raises(ValueError, match=r"not a valid|could not convert|no regular"),
    ):
        queue_fault(connection, kind, argument=argument)
    assert rows(portal, "SELECT count(*) FROM faults") == [(0,)]


def test_a_failure_within_the_portal_is_answered(portal: PortalServer, raw: RawClient) -> None:
    with contextlib.closing(portal.connect()) as connection:
        connection.execute("INSERT INTO faults (fault) VALUES ('no-such-kind')")
    assert raw.refused(put_link("l-1")) == "Internal"
    raw.ok(put_link("l-1"))


def test_slow_and_trickle_take_their_time(portal: PortalServer, raw: RawClient) -> None:
    portal.fail_next("slow", argument="0.3")
    started = time.monotonic()
    raw.ok(put_link("l-1"))
    assert time.monotonic() - started >= 0.3
    portal.fail_next("trickle", argument="0.0001")
    raw.ok(put_link("l-2"))


def test_a_timeout_outlasts_the_clients_patience(portal: PortalServer, raw: RawClient) -> None:
    portal.fail_next("timeout-after-taking")
    message = etree.tostring(raw.envelope(put_link("l-1")))
    with contextlib.closing(raw.connection()) as connection:
        connection.timeout = 0.3
        connection.request("POST", "/diary-exchange/1", message, {"Content-Type": "text/xml", "SOAPAction": PUT_LINK})
        with pytest.raises(TimeoutError):
            connection.getresponse()
    assert rows(portal, "SELECT link_id FROM link") == [("l-1",)]
