"""The bridge's signed requests, judged by verifiers that are not the bridge's own."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier
from zeep.exceptions import SignatureVerificationFailed
from zeep.wsse.signature import MemorySignature

from connectors.portal.certificates import Identity, identity
from connectors.portal.contract_schema import DS, SOAP, WSSE, WSU
from connectors.portal.signing import KeyInMemory, seal
from sandbox.authority import Authority, Credential, Purpose, create_ec_key

NOW = datetime.now(UTC)
PAYLOAD = (
    '<d:GetReceipt xmlns:d="urn:diary-exchange:1" batchId="b" school="é\U0001f393&#xD;&quot;"></d:GetReceipt>'.encode()
)


@pytest.fixture(scope="module")
def rsa() -> Credential:
    return Authority.create("A", NOW).issue("Bridge", Purpose.SIGNING)


@pytest.fixture(scope="module")
def elliptic() -> Credential:
    return Authority.create("A", NOW).issue("Bridge", Purpose.SIGNING, key=create_ec_key())


def _sealed(credential: Credential) -> bytes:
    return seal(PAYLOAD, KeyInMemory(identity(credential.pem, "signing_key")), NOW)


def _signxml(message: bytes, credential: Credential, method: SignatureMethod) -> list[bytes]:
    results = XMLVerifier().verify(
        message,
        x509_cert=credential.certificate,
        id_attribute="Id",
        expect_config=SignatureConfiguration(
            location=f"./{{{SOAP}}}Header/{{{WSSE}}}Security/",
            expect_references=2,
            signature_methods=frozenset({method}),
            digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        ),
    )
    return [result.signed_data for result in results]


def test_signxml_finds_body_and_timestamp_signed_by_rsa(rsa: Credential) -> None:
    body, timestamp = _signxml(_sealed(rsa), rsa, SignatureMethod.RSA_SHA256)
    assert PAYLOAD in body
    assert b"Expires" in timestamp


def test_signxml_finds_body_and_timestamp_signed_by_an_ec_key(elliptic: Credential) -> None:
    body, _ = _signxml(_sealed(elliptic), elliptic, SignatureMethod.ECDSA_SHA256)
    assert PAYLOAD in body


@pytest.mark.parametrize("kind", ["rsa", "elliptic"])
def test_libxmlsec_by_way_of_zeep_verifies_it(kind: str, request: pytest.FixtureRequest) -> None:
    credential = request.getfixturevalue(kind)
    verifier = MemorySignature(credential.pem, credential.certificate_pem)
    verifier.verify(etree.fromstring(_sealed(credential)))


def test_a_changed_body_no_longer_verifies(rsa: Credential) -> None:
    changed = etree.fromstring(_sealed(rsa).replace(b'batchId="b"', b'batchId="c"'))
    with pytest.raises(SignatureVerificationFailed):
        MemorySignature(rsa.pem, rsa.certificate_pem).verify(changed)


def test_the_header_is_laid_out_as_the_contract_says(rsa: Credential) -> None:
    root = etree.fromstring(_sealed(rsa))
    security = root.findall(f"{{{SOAP}}}Header/{{{WSSE}}}Security")
    assert len(security) == 1
    assert [etree.QName(child).localname for child in security[0]] == ["BinarySecurityToken", "Timestamp", "Signature"]
    token = security[0][0]
    pointer = root.findall(f".//{{{DS}}}KeyInfo/{{{WSSE}}}SecurityTokenReference/{{{WSSE}}}Reference")
    assert [reference.get("URI") for reference in pointer] == [f"#{token.get(f'{{{WSU}}}Id')}"]


def test_the_timestamp_lives_five_minutes_at_most(rsa: Credential) -> None:
    root = etree.fromstring(_sealed(rsa))
    created, expires = (
        datetime.fromisoformat(root.findtext(f".//{{{WSU}}}Timestamp/{{{WSU}}}{name}"))
        for name in ("Created", "Expires")
    )
    assert abs(created - NOW) < timedelta(milliseconds=1)
    assert timedelta(minutes=4) < expires - created <= timedelta(minutes=5)


def test_every_part_is_already_canonical(rsa: Credential) -> None:
    message = _sealed(rsa)
    root = etree.fromstring(message)
    for part in (
        root.find(f"{{{SOAP}}}Body"),
        root.find(f".//{{{WSU}}}Timestamp"),
        root.find(f".//{{{DS}}}SignedInfo"),
    ):
        assert etree.tostring(part, method="c14n", exclusive=True, with_comments=False) in message


def test_another_provider_may_hold_the_key(rsa: Credential) -> None:
    class Elsewhere:
        certificate = rsa.certificate.public_bytes(Encoding.DER)
        algorithm = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
        digest_algorithm = "http://www.w3.org/2001/04/xmlenc#sha512"

        def digest(self, data: bytes) -> bytes:
            return hashlib.sha512(data).digest()

        def sign(self, data: bytes) -> bytes:
            return KeyInMemory(identity(rsa.pem, "signing_key")).sign(data)

    MemorySignature(rsa.pem, rsa.certificate_pem).verify(etree.fromstring(seal(PAYLOAD, Elsewhere(), NOW)))


def test_a_key_is_in_no_repr(rsa: Credential) -> None:
    own: Identity = identity(rsa.pem, "signing_key")
    assert "PRIVATE" not in repr(own)
    assert "RSAPrivateKey" not in repr(KeyInMemory(own))
