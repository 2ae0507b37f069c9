"""Other algorithms are put in as a whole: one module and one line of configuration, the connector untouched."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes import other_algorithms as other
from fakes.forgeries import handmade
from fakes.forgeries.handmade import Reference
from fakes.reply_signing import DIARY, DS, SOAP, WSSE, WSU, fault, signed
from fakes.scripted_server import ScriptedServer, http
from lxml import etree

import connectors.portals
from connectors.portal.signing import SignatureProvider
from connectors.portal.soap_portal import PortalConnection, SoapPortal
from connectors.portal.suite import CONTRACT
from connectors.portals import connector
from journal.portal import PortalError, Resend
from journal.wording import BridgeError, Language
from sandbox.authority import Credential

NO_BATCH = "0" * 64
MODULE = """
from connectors.portal.check import PortalProbe, probe as ask
from connectors.portal.soap_portal import PortalConnection, SoapPortal
from fakes.other_algorithms import SUITE

def open_portal(connection: PortalConnection) -> SoapPortal:
    return SoapPortal(connection, SUITE)

def probe(connection: PortalConnection, school: str | None) -> PortalProbe:
    return ask(connection, school, SUITE)

def check_signing_key(text: bytes) -> None:
    SUITE.signer(text)
"""


@pytest.fixture
def one_module(tmp_path: Path) -> Iterator[str]:
    """Put a module beside the connectors, as a second portal would stand there."""
    (tmp_path / "certified_1.py").write_text(MODULE)
    connectors.portals.__path__.append(str(tmp_path))
    yield "certified-1"
    connectors.portals.__path__.remove(str(tmp_path))
    sys.modules.pop("connectors.portals.certified_1", None)


@pytest.fixture
def bridge_key(keys: object) -> Credential:
    return other.credential(keys.district, datetime.now(UTC))


@pytest.fixture
def portal_key(keys: object) -> Credential:
    return other.credential(keys.city, datetime.now(UTC))


@pytest.fixture
def portal(one_module: str, connection: PortalConnection, bridge_key: Credential) -> Iterator[SoapPortal]:
    opened = connector(one_module).open_portal(replace(connection, signing_key=other.pem(bridge_key)))
    yield opened
    opened.close()


def _request_is_right(message: bytes, certified: Credential) -> None:
    """Verify a request as a portal with the certified provider would: step by step, by nothing of the bridge's."""
    root = etree.fromstring(message)
    info = root.find(f".//{{{DS}}}SignedInfo")
    assert info.find(f"{{{DS}}}SignatureMethod").get("Algorithm") == other.SIGNATURE
    value = handmade.base64.b64decode(root.findtext(f".//{{{DS}}}SignatureValue"))
    assert other.right(certified.certificate, handmade.canonical_bytes(info, handmade.EXCLUSIVE), value)
    for reference, tag in zip(
        info.findall(f"{{{DS}}}Reference"), (f"{{{SOAP}}}Body", f"{{{WSU}}}Timestamp"), strict=True
    ):
        assert reference.find(f"{{{DS}}}DigestMethod").get("Algorithm") == other.DIGEST
        canonical = handmade.canonical_bytes(root.find(f".//{tag}"), handmade.EXCLUSIVE)
        assert handmade.base64.b64decode(reference.findtext(f"{{{DS}}}DigestValue")) == other.digest(canonical)
    token = root.findtext(f".//{{{WSSE}}}BinarySecurityToken")
    assert handmade.base64.b64decode(token) == certified.certificate.public_bytes(other.Encoding.DER)


def test_a_call_by_other_algorithms_on_both_sides(
    portal: SoapPortal, server: ScriptedServer, portal_key: Credential, bridge_key: Credential
) -> None:
    receipt = (
        f'<GetReceiptResponse xmlns="{DIARY}" batchId="{NO_BATCH}" receiptId="rc-1" '
        f'receivedAt="2026-10-01T12:30:05Z" accepted="1" duplicate="false"/>'
    ).encode()
    server.scripts.append(lambda _: [http(other.reply(receipt, portal_key, datetime.now(UTC)))])
    told = portal.receipt("0252", NO_BATCH)
    assert told is not None
    assert told.receipt_id == "rc-1"
    _request_is_right(server.received[0].body, bridge_key)
    server.scripts.append(lambda _: [http(other.reply(fault("UnknownBatch"), portal_key, datetime.now(UTC)))])
    assert portal.receipt("0252", NO_BATCH) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": lambda _: bytes(64)}, "does not verify"),
        ({"value": lambda _: b""}, "does not verify"),
        ({"method": handmade.RSA_SHA256}, "does not verify (KeyError)"),
        ({"references": (Reference("#B"), Reference("#T", digest=other.DIGEST))}, "does not verify (KeyError)"),
        ({"references": (Reference("#B", digest=other.DIGEST),)}, "other parts"),
        ({"references": (Reference("#X", digest=other.DIGEST), Reference("#T", digest=other.DIGEST))}, "not over body"),
        (
            {"references": (Reference("#B", digest=other.DIGEST, element="T"), Reference("#T", digest=other.DIGEST))},
            "does not verify",
        ),
        ({"canonical": handmade.INCLUSIVE}, "canonicalised"),
    ],
)
def test_a_wrong_signature_by_other_algorithms_is_refused(
    change: dict[str, object], said: str, portal: SoapPortal, server: ScriptedServer, portal_key: Credential
) -> None:
    message = other.reply(fault("UnknownBatch"), portal_key, datetime.now(UTC), **change)
    server.answer(http(message))
    with pytest.raises(PortalError) as caught:
        portal.receipt("0252", NO_BATCH)
    assert caught.value.code == "reply-untrusted"
    assert said in caught.value.detail


def test_each_suite_refuses_the_others_replies(
    portal: SoapPortal,
    open_portal: Callable[..., SoapPortal],
    server: ScriptedServer,
    keys: object,
    portal_key: Credential,
) -> None:
    server.answer(http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC))))
    with pytest.raises(PortalError, match="does not verify"):
        portal.receipt("0252", NO_BATCH)
    server.answer(http(other.reply(fault("UnknownBatch"), portal_key, datetime.now(UTC))))
    with pytest.raises(PortalError, match="does not verify"):
        open_portal().receipt("0252", NO_BATCH)


def test_a_changed_body_is_refused_also_by_functions(
    portal: SoapPortal, server: ScriptedServer, portal_key: Credential, keys: object
) -> None:
    true = other.reply(fault("UnknownBatch"), portal_key, datetime.now(UTC))
    strange = other.reply(fault("UnknownBatch"), other.credential(keys.stranger, datetime.now(UTC)), datetime.now(UTC))
    for message in (true.replace(b"UnknownBatch", b"Throttled"), strange):
        server.answer(http(message))
        with pytest.raises(PortalError, match="untrusted") as caught:
            portal.receipt("0252", NO_BATCH)
        assert caught.value.resend is Resend.RETRYABLE


def test_a_judge_that_breaks_trusts_nobody(keys: object) -> None:
    def breaks(*_: object) -> str | None:
        raise RuntimeError

    broken = replace(other.SUITE.verifier, judge=breaks)
    assert "RuntimeError" in str(broken.distrust(keys.portal_signing.certificate, (), datetime.now(UTC)))


def test_an_unknown_connector_is_refused_with_the_names_that_there_are(one_module: str) -> None:
    for name in ("diary-exchange-2", "", "__init__", "os", "diary_exchange_1", "../check"):
        with pytest.raises(BridgeError) as caught:
            connector(name)
        assert caught.value.code == "connector-unknown"
        assert "diary-exchange-1" in caught.value.say(Language.RU)
        assert one_module in caught.value.say(Language.EN)


def test_the_contracts_own_suite_is_what_the_default_connector_opens(connection: PortalConnection) -> None:
    opened = connector("diary-exchange-1").open_portal(connection)
    assert isinstance(opened, SoapPortal)
    opened.close()
    provider: SignatureProvider = CONTRACT.signer(connection.signing_key)
    assert provider.algorithm.endswith("rsa-sha256")
    with pytest.raises(BridgeError, match="portal-"):
        connector("diary-exchange-1").check_signing_key(b"nothing")
