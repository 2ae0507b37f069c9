"""Replies that must not be believed: each is sent over real TLS in answer to a submit, and none may be taken.

Each forgery starts from a genuine reply (which is accepted: the first test), signed by libxmlsec, and turns one
thing wrong. For a submit all of them end as "unknown": the request did leave.
"""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import xmlsec
from fakes.forgeries import contents, signatures, signers, wrapping
from fakes.forgeries.scene import FORGERIES, Scene, body_of, header_of, security_of, signature_of, token_of
from fakes.reply_signing import BASE64
from fakes.scripted_server import ScriptedServer, http
from lxml import etree

from connectors.portal.soap_portal import SoapPortal
from journal.portal import PortalError, Resend
from journal.records import PreparedBatch, Withdraw
from journal.vocabulary import WithdrawReason
from sandbox.authority import Purpose

FILLED_BY = (contents, signatures, signers, wrapping)  # importing them fills FORGERIES


@pytest.fixture
def batch(portal: SoapPortal) -> PreparedBatch:
    return portal.prepare("0252", [Withdraw("r-1", 2, WithdrawReason.DELETED)], datetime.now(UTC))


def test_the_genuine_reply_is_taken(
    portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    scene = Scene(keys, batch, datetime.now(UTC))
    server.answer(http(etree.tostring(scene.genuine())))
    assert portal.submit(batch).receipt_id == "rc-1"


def test_comments_beside_the_signed_parts_change_nothing(
    portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    scene = Scene(keys, batch, datetime.now(UTC))
    root = scene.genuine()
    for element in (root, header_of(root), security_of(root), body_of(root), signature_of(root)):
        element.insert(0, etree.Comment("not signed"))
    server.answer(http(etree.tostring(root)))
    assert portal.submit(batch).receipt_id == "rc-1"


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_not_taken(
    name: str, portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    make, reason = FORGERIES[name]
    server.scripts.append(lambda received: [http(make(Scene(keys, batch, datetime.now(UTC), received.body)))])
    with pytest.raises(PortalError) as caught:
        portal.submit(batch)
    assert caught.value.resend is Resend.UNKNOWN
    assert caught.value.code in {"reply-untrusted", "reply-malformed"}
    assert caught.value.detail == f"SubmitJournal: {reason}"
    assert "forged" not in str(caught.value)


def test_there_are_many_forgeries() -> None:
    assert len(FILLED_BY) == 4
    assert len(FORGERIES) >= 90


def test_a_genuine_receipt_with_the_status_of_a_failure_is_not_taken(
    portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    scene = Scene(keys, batch, datetime.now(UTC))
    server.answer(http(etree.tostring(scene.genuine()), "500 Internal Server Error"))
    with pytest.raises(PortalError) as caught:
        portal.submit(batch)
    assert (caught.value.code, caught.value.resend) == ("http-500", Resend.UNKNOWN)


def test_a_reply_packed_though_nobody_asked_is_not_unpacked(
    portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    scene = Scene(keys, batch, datetime.now(UTC))
    packed = gzip.compress(etree.tostring(scene.genuine()))
    server.answer(http(packed, Content_Encoding="gzip"))
    with pytest.raises(PortalError) as caught:
        portal.submit(batch)
    assert (caught.value.code, caught.value.resend) == ("reply-malformed", Resend.UNKNOWN)


@pytest.mark.parametrize("length", ["told", "untold"])
def test_a_reply_without_end_is_cut(
    length: str, portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer
) -> None:
    megabyte = b"<!-- " + b"x" * (1024 * 1024) + b" -->"
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 99999999999\r\n" if length == "told" else b"") + b"\r\n"
    server.answer(head, *[megabyte] * 40)
    with pytest.raises(PortalError) as caught:
        portal.submit(batch)
    assert (caught.value.code, caught.value.resend) == ("reply-malformed", Resend.UNKNOWN)


def test_the_body_of_a_redirect_is_bounded_like_any_other(
    portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer
) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:9/\r\nContent-Length: 99999999\r\n\r\n"
    server.answer(moved, *[b" " * 1024 * 1024] * 40)
    with pytest.raises(PortalError, match="longer than 16 MiB") as caught:
        portal.submit(batch)
    assert caught.value.resend is Resend.UNKNOWN


def test_the_bridges_own_certificate_may_not_speak_for_the_portal(
    open_portal: Callable[..., SoapPortal], batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    """One authority may have issued both sides' certificates: a reflected or self-made answer still fails."""
    both = keys.city.credential.certificate_pem + keys.district.credential.certificate_pem
    for own in (keys.bridge_signing, keys.bridge_tls):
        method = xmlsec.constants.TransformRsaSha256
        if own is keys.bridge_tls:
            method = xmlsec.constants.TransformEcdsaSha256
        server.scripts.append(
            lambda _, own=own, method=method: [http(Scene(keys, batch, datetime.now(UTC)).by(own, method=method))]
        )
        with pytest.raises(PortalError, match="own certificate"):
            open_portal(authorities=both).submit(batch)


def test_a_token_may_be_split_over_lines(
    portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    scene = Scene(keys, batch, datetime.now(UTC))
    root = scene.genuine()
    token = token_of(root)
    token.text = "\n".join(token.text[n : n + 64] for n in range(0, len(token.text), 64)) + "\n"
    assert token.get("EncodingType") == BASE64
    server.answer(http(etree.tostring(root)))
    assert portal.submit(batch).receipt_id == "rc-1"


def test_an_ec_certificate_may_speak_for_the_portal(
    portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    elliptic = keys.city.issue("Portal EC", Purpose.TLS_CLIENT)
    message = Scene(keys, batch, datetime.now(UTC)).by(elliptic, method=xmlsec.constants.TransformEcdsaSha256)
    server.answer(http(message))
    assert portal.submit(batch).receipt_id == "rc-1"


def test_prefixes_may_be_canonicalised_inclusively_as_java_does(
    portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    scene = Scene(keys, batch, datetime.now(UTC))
    server.answer(http(scene.by(keys.portal_signing, prefixes="u S w")))
    assert portal.submit(batch).receipt_id == "rc-1"


def test_a_reply_may_carry_other_headers(
    portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    root = Scene(keys, batch, datetime.now(UTC)).genuine()
    etree.SubElement(header_of(root), "{urn:x}Routing").text = "not signed, not read"
    server.answer(http(etree.tostring(root)))
    assert portal.submit(batch).receipt_id == "rc-1"
