"""WS-Security of the portal: verifies a request, signs a reply.

Rules. Only what `signature` returns as signed is read. A request has one Body at /Envelope/Body and one Security
header with one Timestamp, one BinarySecurityToken and one Signature over exactly Body and Timestamp, by their
wsu:Id, with exclusive C14N and SHA-256 or better. The token's certificate must chain to an authority that the
portal was given; the Timestamp must be fresh. Everything else is BadSignature.
Deliberately not here: a memory of signatures already seen; the operations are safe to repeat.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)
from lxml import etree
from lxml.etree import _Element
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.signer import XMLSigner

from sandbox.authority import Credential
from sandbox.portal.signature import verified
from sandbox.portal.soap import (
    DS,
    EXCLUSIVE_C14N,
    SOAP,
    WSSE,
    WSU,
    FaultCode,
    ServiceFaultError,
    moment,
    moment_text,
    parse,
)

LONGEST_LIFE = timedelta(minutes=5)  # between Created and Expires, as the contract says
CLOCK_DIFFERENCE = timedelta(minutes=1)  # by which the two sides' clocks may differ

X509V3 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"

_ENVELOPE, _HEADER, _BODY = (f"{{{SOAP}}}{name}" for name in ("Envelope", "Header", "Body"))
_SECURITY, _TOKEN, _TOKEN_REFERENCE, _REFERENCE = (
    f"{{{WSSE}}}{name}" for name in ("Security", "BinarySecurityToken", "SecurityTokenReference", "Reference")
)
_TIMESTAMP, _CREATED, _EXPIRES, _ID = (f"{{{WSU}}}{name}" for name in ("Timestamp", "Created", "Expires", "Id"))
_SIGNATURE, _KEY_INFO, _SIGNED_INFO = (f"{{{DS}}}{name}" for name in ("Signature", "KeyInfo", "SignedInfo"))
_SIGNED_REFERENCE = f"{{{DS}}}Reference"
_TRANSFORM = f"{{{DS}}}Transforms/{{{DS}}}Transform"
_C14N_METHOD = f"{_SIGNED_INFO}/{{{DS}}}CanonicalizationMethod"
_BODY_ID, _TIMESTAMP_ID, _TOKEN_ID = "body", "timestamp", "token"


def load_credential(pem: bytes) -> Credential:
    """Read a certificate and its key from one PEM; raises ValueError for a key that cannot sign here."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the signing key is neither RSA nor elliptic")  # noqa: TRY004  a file's content, not a caller's type
    return Credential(x509.load_pem_x509_certificate(pem), key)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A verified request's Body, in the exclusive canonical form that was signed, and whose certificate signed it."""

    body: bytes = field(repr=False)
    signer: x509.Certificate


@dataclass(frozen=True, slots=True)
class Trust:
    """The authorities whose certificates may sign."""

    store: Store

    @classmethod
    def load(cls, pem: bytes) -> Self:
        """Read one or more authorities' certificates."""
        return cls(Store(x509.load_pem_x509_certificates(pem)))

    def check(self, certificate: x509.Certificate, now: datetime) -> None:
        """Raise BadSignature unless `certificate` chains to an authority at `now` and may sign."""
        policy = ExtensionPolicy.permit_all().may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
        builder = PolicyBuilder().store(self.store).time(now)
        builder = builder.extension_policies(ee_policy=policy, ca_policy=ExtensionPolicy.webpki_defaults_ca())
        try:
            builder.build_client_verifier().verify(certificate, [])
        except VerificationError:
            raise _bad("the certificate does not chain to a known authority now") from None


def verify(envelope: _Element, trust: Trust, now: datetime) -> Authenticated:
    """Return the signed Body, in which there is one element; raises BadSignature or SchemaViolation."""
    if envelope.tag != _ENVELOPE or [child.tag for child in _elements(envelope)] != [_HEADER, _BODY]:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "not an Envelope of one Header and one Body")
    header, body = _elements(envelope)
    security = _only(header, _SECURITY)
    if len(list(_elements(security))) != 3:  # noqa: PLR2004  the three of the next lines and nothing else
        raise _bad("the Security header holds more or less than Timestamp, BinarySecurityToken and Signature")
    timestamp, token, signature = (_only(security, tag) for tag in (_TIMESTAMP, _TOKEN, _SIGNATURE))
    certificate = _certificate(token)
    trust.check(certificate, now)
    _check_key_info(signature, token)
    _check_references(signature, [body, timestamp])
    canonical = verified(signature, [body, timestamp], certificate)
    if canonical is None:
        raise _bad("the signature does not verify")
    signed_body, signed_timestamp = canonical
    _check_fresh(parse(signed_timestamp), now)
    if len(_elements(body)) != 1:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "the Body holds not exactly one element")
    return Authenticated(signed_body, certificate)


def envelope_around(payload: _Element) -> _Element:
    """Return an unsigned Envelope with `payload` in its Body and an empty Header."""
    envelope = etree.Element(_ENVELOPE, nsmap={"soap": SOAP})
    etree.SubElement(envelope, _HEADER)
    etree.SubElement(envelope, _BODY).append(payload)
    return envelope


def sign(envelope: _Element, credential: Credential, now: datetime) -> None:
    """Add a Security header over Body and Timestamp, which expires in five minutes from `now`."""
    header, body = _elements(envelope)
    body.set(_ID, _BODY_ID)
    security = etree.SubElement(header, _SECURITY, nsmap={"wsse": WSSE, "wsu": WSU})
    security.set(f"{{{SOAP}}}mustUnderstand", "1")
    timestamp = etree.SubElement(security, _TIMESTAMP, {_ID: _TIMESTAMP_ID})
    etree.SubElement(timestamp, _CREATED).text = moment_text(now)
    etree.SubElement(timestamp, _EXPIRES).text = moment_text(now + LONGEST_LIFE)
    token = etree.SubElement(security, _TOKEN, {_ID: _TOKEN_ID, "ValueType": X509V3, "EncodingType": BASE64})
    token.text = base64.b64encode(credential.certificate.public_bytes(Encoding.DER)).decode()
    elliptic = isinstance(credential.key, ec.EllipticCurvePrivateKey)
    signer = XMLSigner(
        method=SignatureConstructionMethod.detached,
        signature_algorithm=SignatureMethod.ECDSA_SHA256 if elliptic else SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signature = signer.sign(
        envelope,
        key=credential.key,
        key_info=_key_info(),
        reference_uri=[f"#{_BODY_ID}", f"#{_TIMESTAMP_ID}"],
        id_attribute="Id",
    )
    security.append(signature)


def _may_sign(_policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("the certificate is not for signing")


def _bad(message: str) -> ServiceFaultError:
    return ServiceFaultError(FaultCode.BAD_SIGNATURE, message)


def _elements(parent: _Element) -> list[_Element]:
    """Return the children that are elements: comments and processing instructions say nothing."""
    return list(parent.iterchildren("{*}*"))


def _only(parent: _Element, tag: str) -> _Element:
    found = [child for child in _elements(parent) if child.tag == tag]
    if len(found) != 1:
        raise _bad(f"{etree.QName(tag).localname}: exactly one is expected, found {len(found)}")
    return found[0]


def _certificate(token: _Element) -> x509.Certificate:
    if token.get("ValueType") != X509V3 or token.get("EncodingType") != BASE64:
        raise _bad("the BinarySecurityToken is not X509v3 in Base64Binary")
    try:
        return x509.load_der_x509_certificate(base64.b64decode("".join((token.text or "").split()), validate=True))
    except (ValueError, binascii.Error):
        raise _bad("the BinarySecurityToken holds no certificate") from None


def _check_key_info(signature: _Element, token: _Element) -> None:
    """Hold that the key is named by one reference to the token, and in no other way."""
    key_info = _only(signature, _KEY_INFO)
    token_reference = _only(key_info, _TOKEN_REFERENCE)
    reference = _only(token_reference, _REFERENCE)
    if len(_elements(key_info)) != 1 or len(_elements(token_reference)) != 1:
        raise _bad("KeyInfo holds more than a reference to the BinarySecurityToken")
    named = reference.get("URI", "#")
    if named == "#" or named != f"#{token.get(_ID)}" or reference.get("ValueType", X509V3) != X509V3:
        raise _bad("KeyInfo does not refer to the BinarySecurityToken")


def _check_references(signature: _Element, signed: Sequence[_Element]) -> None:
    """Exactly the elements `signed` are referred to, each through exclusive C14N alone."""
    references = _elements(_only(signature, _SIGNED_INFO))[2:]
    if {reference.get("URI") for reference in references} != {f"#{element.get(_ID)}" for element in signed}:
        raise _bad("the signature does not cover exactly Body and Timestamp by their wsu:Id")
    method = signature.find(_C14N_METHOD)
    transforms = [reference.findall(_TRANSFORM) for reference in references]
    algorithms = [[transform.get("Algorithm") for transform in found] for found in transforms]
    if method is None or method.get("Algorithm") != EXCLUSIVE_C14N or algorithms != [[EXCLUSIVE_C14N]] * len(signed):
        raise _bad("the signature uses another canonicalisation than exclusive C14N")


def _check_fresh(timestamp: _Element, now: datetime) -> None:
    created, expires = (moment(_only(timestamp, tag).text or "") for tag in (_CREATED, _EXPIRES))
    if not created < expires <= created + LONGEST_LIFE:
        raise _bad("the Timestamp's Created and Expires are more than five minutes apart, or not in order")
    if created > now + CLOCK_DIFFERENCE:
        raise _bad("the Timestamp lies in the future")
    if expires <= now - CLOCK_DIFFERENCE:
        raise _bad("the Timestamp has expired")


def _key_info() -> _Element:
    key_info = etree.Element(_KEY_INFO, nsmap={"ds": DS})
    reference = etree.SubElement(key_info, _TOKEN_REFERENCE, nsmap={"wsse": WSSE})
    etree.SubElement(reference, _REFERENCE, {"URI": f"#{_TOKEN_ID}", "ValueType": X509V3})
    return key_info
