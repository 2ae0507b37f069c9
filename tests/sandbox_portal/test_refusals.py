"""Whoever may not speak, and whatever was not signed as the contract asks, is refused; nothing is taken."""

import base64
import ssl
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from lxml.etree import _Element
from sandbox_portal.wire import DIARY, SOAP, Clock, RawClient, element, fault_code, journal, publish, put_link, rows
from signxml import XMLSigner
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod

from sandbox.authority import Authority, Purpose, create_ec_key
from sandbox.portal import PortalServer, serve
from sandbox.portal.security import load_credential
from sandbox.portal.soap import DS, WSSE, WSU

SECURITY = f"{{{SOAP}}}Header/{{{WSSE}}}Security"
ID = f"{{{WSU}}}Id"
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)

Forgery = Callable[[_Element], object]


def part(envelope: _Element, tag: str) -> _Element:
    return next(envelope.iter(tag))


def security(envelope: _Element) -> _Element:
    return envelope.find(SECURITY)


def drop(tag: str) -> Forgery:
    def forge(envelope: _Element) -> None:
        found = part(envelope, tag)
        found.getparent().remove(found)

    return forge


def repeat(tag: str) -> Forgery:
    def forge(envelope: _Element) -> None:
        found = part(envelope, tag)
        found.addnext(deepcopy(found))

    return forge


def write(tag: str, text: str) -> Forgery:
    def forge(envelope: _Element) -> None:
        part(envelope, tag).text = text

    return forge


def attribute(tag: str, name: str, value: str) -> Forgery:
    def forge(envelope: _Element) -> None:
        part(envelope, tag).set(name, value)

    return forge


def wrap_body(envelope: _Element) -> None:
    """Keep the signed Body in the header, and put another in its place."""
    body = envelope[1]
    wrapper = etree.SubElement(envelope[0], "wrapper")
    wrapper.append(body)
    forged = etree.SubElement(envelope, body.tag, {ID: "forged"})
    forged.append(journal([publish("forged")]))


def wrap_body_under_its_id(envelope: _Element) -> None:
    wrap_body(envelope)
    envelope[-1].set(ID, "body")


def wrap_timestamp(envelope: _Element) -> None:
    timestamp = part(envelope, f"{{{WSU}}}Timestamp")
    forged = deepcopy(timestamp)
    forged.set(ID, "forged")
    security(envelope).append(forged)
    etree.SubElement(envelope[0], "wrapper").append(timestamp)


def move_id(envelope: _Element) -> None:
    """Refer to the Body by an Id that is not wsu:Id."""
    envelope[1].attrib.pop(ID)
    envelope[1].set("Id", "body")


FORGERIES: dict[str, Forgery] = {
    "another record": lambda envelope: part(envelope, f"{{{DIARY}}}publish").set("recordId", "forged"),
    "no security header": lambda envelope: envelope[0].remove(security(envelope)),
    "two security headers": repeat(f"{{{WSSE}}}Security"),
    "no timestamp": drop(f"{{{WSU}}}Timestamp"),
    "two timestamps": repeat(f"{{{WSU}}}Timestamp"),
    "no token": drop(f"{{{WSSE}}}BinarySecurityToken"),
    "two tokens": repeat(f"{{{WSSE}}}BinarySecurityToken"),
    "no signature": drop(f"{{{DS}}}Signature"),
    "two signatures": repeat(f"{{{DS}}}Signature"),
    "something more in the header": lambda envelope: etree.SubElement(security(envelope), f"{{{WSSE}}}UsernameToken"),
    "a wrapped body": wrap_body,
    "a wrapped body under its id": wrap_body_under_its_id,
    "a wrapped timestamp": wrap_timestamp,
    "an id that is not wsu:Id": move_id,
    "the body's id a second time": lambda envelope: etree.SubElement(envelope[0], "other", {ID: "body"}),
    "a digest with a part within": lambda envelope: etree.SubElement(part(envelope, f"{{{DS}}}DigestValue"), "other"),
    "an object in the signature": lambda envelope: etree.SubElement(
        part(envelope, f"{{{DS}}}Signature"), f"{{{DS}}}Object"
    ),
    "a signature of an elliptic key": attribute(
        f"{{{DS}}}SignatureMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    ),
    "a later Expires": write(f"{{{WSU}}}Expires", "2026-11-25T09:04:00Z"),
    "a token that is no certificate": write(f"{{{WSSE}}}BinarySecurityToken", "AAAA"),
    "a token that is no base64": write(f"{{{WSSE}}}BinarySecurityToken", "*"),
    "a token of another type": attribute(f"{{{WSSE}}}BinarySecurityToken", "ValueType", "urn:other"),
    "a token in another encoding": attribute(f"{{{WSSE}}}BinarySecurityToken", "EncodingType", "urn:other"),
    "a reference to nothing": attribute(f"{{{WSSE}}}Reference", "URI", "#other"),
    "a reference without a place": lambda envelope: part(envelope, f"{{{WSSE}}}Reference").attrib.pop("URI"),
    "two references to the token": repeat(f"{{{WSSE}}}Reference"),
    "a key named twice": lambda envelope: etree.SubElement(part(envelope, f"{{{DS}}}KeyInfo"), f"{{{DS}}}KeyName"),
    "a signature of SHA-1": attribute(f"{{{DS}}}SignatureMethod", "Algorithm", f"{DS}rsa-sha1"),
    "a digest of SHA-1": attribute(f"{{{DS}}}DigestMethod", "Algorithm", f"{DS}sha1"),
    "inclusive C14N": attribute(f"{{{DS}}}Transform", "Algorithm", "http://www.w3.org/2006/12/xml-c14n11"),
    "enveloped besides": repeat(f"{{{DS}}}Transform"),
    "only one reference": drop(f"{{{DS}}}Reference"),
    "one reference twice": lambda envelope: [
        reference.set("URI", "#body") for reference in envelope.iter(f"{{{DS}}}Reference")
    ],
    "another signature value": write(f"{{{DS}}}SignatureValue", base64.b64encode(bytes(256)).decode()),
    "no base64 as signature": write(f"{{{DS}}}SignatureValue", "?"),
}


REASONS = {
    "does not verify": [
        "another record",
        "a wrapped body under its id",
        "the body's id a second time",
        "a digest with a part within",
        "an object in the signature",
        "a signature of an elliptic key",
        "a later Expires",
        "a signature of SHA-1",
        "a digest of SHA-1",
        "another signature value",
        "no base64 as signature",
    ],
    "exactly one is expected": ["no security header", "two security headers", "two references to the token"],
    "more or less than Timestamp": [
        "no timestamp",
        "two timestamps",
        "no token",
        "two tokens",
        "no signature",
        "two signatures",
        "something more in the header",
    ],
    "does not cover exactly": [
        "a wrapped body",
        "a wrapped timestamp",
        "an id that is not wsu:Id",
        "only one reference",
        "one reference twice",
    ],
    "holds no certificate": ["a token that is no certificate", "a token that is no base64"],
    "is not X509v3": ["a token of another type", "a token in another encoding"],
    "does not refer to": ["a reference to nothing", "a reference without a place"],
    "more than a reference": ["a key named twice"],
    "another canonicalisation": ["inclusive C14N", "enveloped besides"],
}
REASON_OF = {name: reason for reason, names in REASONS.items() for name in names}


@pytest.fixture(autouse=True)
def _now(clock: Clock) -> None:
    clock.moment = NOW


def taken(portal: PortalServer) -> int:
    return rows(portal, "SELECT count(*) FROM history")[0][0]


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_message_is_refused(portal: PortalServer, raw: RawClient, name: str) -> None:
    envelope = raw.envelope(journal([publish("r-1")]))
    FORGERIES[name](envelope)
    reply = raw.send(envelope, "SubmitJournal")
    assert fault_code(reply) == "BadSignature"
    assert REASON_OF[name] in reply.find("detail")[0].attrib["message"]
    assert taken(portal) == 0
    assert rows(portal, "SELECT operation FROM request_log") == [("",)]


def test_the_message_that_is_forged_above_is_taken_untouched(portal: PortalServer, raw: RawClient) -> None:
    raw.send(raw.envelope(journal([publish("r-1")])), "SubmitJournal")
    assert taken(portal) == 1


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(0, None), (359, None), (-60, None), (360, "BadSignature"), (-61, "BadSignature"), (86400, "BadSignature")],
)
def test_a_timestamp_is_fresh_for_five_minutes_and_one_of_clock_difference(
    raw: RawClient, seconds: int, code: str | None
) -> None:
    envelope = raw.envelope(element("ListHoldings", school="0252"), at=NOW - timedelta(seconds=seconds))
    reply = raw.send(envelope, "ListHoldings")
    assert (fault_code(reply) if code else reply.tag) == (code or f"{{{DIARY}}}ListHoldingsResponse")


def signed_by_hand(raw: RawClient, method: SignatureMethod, digest: DigestAlgorithm, life: timedelta) -> _Element:
    """Sign anew with other algorithms, or another life of the Timestamp."""
    envelope = raw.envelope(journal([publish("r-1")]))
    header = security(envelope)
    part(envelope, f"{{{WSU}}}Expires").text = (NOW + life).isoformat()
    old = part(envelope, f"{{{DS}}}Signature")
    header.remove(old)
    signer = _AnySigner(
        SignatureConstructionMethod.detached, method, digest, CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    )
    uris = ["#body", "#timestamp"]
    key_info = old.find(f"{{{DS}}}KeyInfo")
    header.append(signer.sign(envelope, key=raw.signing.key, key_info=key_info, reference_uri=uris, id_attribute="Id"))
    return envelope


class _AnySigner(XMLSigner):
    """Signs with SHA-1, too."""

    def check_deprecated_methods(self) -> None:
        """Allow what the library rightly refuses."""


@pytest.mark.parametrize(
    ("method", "digest", "life", "code"),
    [
        (SignatureMethod.RSA_SHA512, DigestAlgorithm.SHA384, timedelta(minutes=5), None),
        (SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA256, timedelta(minutes=5), "BadSignature"),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA1, timedelta(minutes=5), "BadSignature"),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA256, timedelta(minutes=6), "BadSignature"),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA256, timedelta(minutes=-1), "BadSignature"),
    ],
)
def test_weak_algorithms_and_long_lives_are_refused_though_well_signed(
    raw: RawClient, method: SignatureMethod, digest: DigestAlgorithm, life: timedelta, code: str | None
) -> None:
    reply = raw.send(signed_by_hand(raw, method, digest, life), "SubmitJournal")
    assert (fault_code(reply) if code else None) == code


@pytest.fixture
def district(portal_folder: Path) -> Authority:
    """Replace the bridge's authority by one whose key the test has, and its certificates with it."""
    authority = Authority.create("District", datetime(2020, 1, 1, tzinfo=UTC), life=timedelta(days=36_500))
    keys = portal_folder / "keys"
    (keys / "bridge-ca.pem").write_bytes(authority.credential.certificate_pem)
    (keys / "bridge-signing.pem").write_bytes(authority.issue("Bridge", Purpose.SIGNING).pem)
    (keys / "bridge-tls.pem").write_bytes(authority.issue("Bridge", Purpose.TLS_CLIENT).pem)
    return authority


def test_an_elliptic_key_signs_as_well(district: Authority, raw: RawClient) -> None:
    credential = district.issue("Bridge", Purpose.SIGNING, key=create_ec_key())
    raw.send(raw.envelope(journal([publish("r-1")]), credential=credential), "SubmitJournal").attrib["receiptId"]


def test_only_certificates_of_the_authority_that_are_valid_now_sign(
    district: Authority, portal: PortalServer, raw: RawClient
) -> None:
    credentials = {
        "stranger": Authority.create("District", NOW).issue("Bridge", Purpose.SIGNING),
        "expired": district.issue("Bridge", Purpose.SIGNING, not_after=NOW - timedelta(seconds=1)),
        "of tomorrow": district.issue("Bridge", Purpose.SIGNING, not_before=NOW + timedelta(days=1)),
        "the portal's own": load_credential(portal.files.portal_signing.read_bytes()),
        "the authority itself": district.credential,
    }
    codes = {
        name: fault_code(raw.send(raw.envelope(journal([publish("r-1")]), credential=credential), "SubmitJournal"))
        for name, credential in credentials.items()
    }
    assert codes == dict.fromkeys(credentials, "BadSignature")
    assert taken(portal) == 0


def test_a_key_that_is_not_the_certificates_own_is_refused(district: Authority, raw: RawClient) -> None:
    mixed = replace(raw.signing, certificate=district.issue("Bridge", Purpose.SIGNING).certificate)
    assert fault_code(raw.send(raw.envelope(put_link("l-1"), credential=mixed), "PutLink")) == "BadSignature"


def test_tls_asks_for_a_certificate_of_the_authority(portal: PortalServer, raw: RawClient, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(Authority.create("Stranger", datetime.now(UTC)).issue("Bridge", Purpose.TLS_CLIENT).pem)
    with pytest.raises(OSError, match=r"(?i)alert|reset|closed|pipe|eof"):
        attempt(raw, stranger)
    assert rows(portal, "SELECT count(*) FROM request_log") == [(0,)]


def attempt(raw: RawClient, certificate: Path) -> None:
    connection = raw.connection(certificate)
    try:
        connection.request("GET", "/diary-exchange/1?wsdl")
        connection.getresponse()
    finally:
        connection.close()


def test_old_tls_is_refused(raw: RawClient) -> None:
    connection = raw.connection()
    context: ssl.SSLContext = connection._context  # noqa: SLF001  http.client offers no other way to it
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError, match=r"(?i)alert protocol version|reset|pipe|eof"):
        connection.request("GET", "/diary-exchange/1?wsdl")
    connection.close()


@pytest.fixture
def narrow(portal_folder: Path, clock: Clock, keys_folder: Path) -> Iterator[RawClient]:
    """Yield a client of a portal that knows one school, and of its two certificates only the signing one."""
    signing = load_credential((keys_folder / "bridge-signing.pem").read_bytes())
    tls = load_credential((keys_folder / "bridge-tls.pem").read_bytes())
    clients = {signing.fingerprint, tls.fingerprint}
    with serve(portal_folder, schools=["0252"], clients=clients, now=clock) as server:
        yield RawClient(server, signing, clock)


def test_an_unknown_school_is_named_so(narrow: RawClient) -> None:
    narrow.ok(element("ListHoldings", school="0252"))
    assert narrow.refused(element("ListHoldings", school="0253")) == "UnknownSchool"
    assert narrow.refused(journal([publish("r-1")], school="0253")) == "UnknownSchool"


@pytest.mark.parametrize("missing", ["bridge-signing.pem", "bridge-tls.pem"])
def test_a_certificate_that_is_not_listed_may_not_speak(portal_folder: Path, clock: Clock, missing: str) -> None:
    names = {"bridge-signing.pem", "bridge-tls.pem"}
    keys = {name: load_credential((portal_folder / "keys" / name).read_bytes()) for name in names}
    listed = {keys[name].fingerprint for name in names - {missing}}
    with serve(portal_folder, clients=listed, now=clock) as server:
        client = RawClient(server, keys["bridge-signing.pem"], clock)
        assert client.refused(element("ListHoldings", school="0252")) == "NotAuthorized"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"no xml",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>',
        b"<?xml version='1.0'?><a><?php x?></a>",
        b"\xff\xfe\x00",
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body/></s:Envelope>'.encode(),
        f'<s:Envelope xmlns:s="{SOAP}"><s:Header/><s:Body/><s:Body/></s:Envelope>'.encode(),
    ],
)
def test_what_is_no_soap_message_is_a_schema_violation(raw: RawClient, message: bytes) -> None:
    status, body = raw.post(message, "SubmitJournal")
    assert (status, fault_code(raw.checked(body))) == (500, "SchemaViolation")


@pytest.mark.parametrize("operation", ["GetReceipt", "", "SubmitJournalResponse"])
def test_the_soap_action_names_the_operation(raw: RawClient, operation: str) -> None:
    envelope = raw.envelope(element("ListHoldings", school="0252"))
    assert fault_code(raw.send(envelope, operation)) == "SchemaViolation"


def test_a_body_of_two_requests_is_refused(portal: PortalServer, raw: RawClient) -> None:
    payload = put_link("l-1")
    envelope = etree.Element(f"{{{SOAP}}}Envelope")
    etree.SubElement(envelope, f"{{{SOAP}}}Header")
    etree.SubElement(envelope, f"{{{SOAP}}}Body").extend([payload, put_link("l-2")])
    assert fault_code(raw.send(raw.signed(envelope), "PutLink")) == "SchemaViolation"
    assert taken(portal) == 0


def test_a_processing_instruction_may_not_divide_a_text(portal: PortalServer, raw: RawClient) -> None:
    record = publish("r-1")
    subject = record.find(f"{{{DIARY}}}subject")
    subject.text = "Алгебра"
    subject.append(etree.PI("cut", "here"))
    assert raw.refused(journal([record])) == "SchemaViolation"
    assert taken(portal) == 0
