"""Decides whether a certificate may speak for the portal: pure, all that it asks is given.

Rules. A certificate is trusted when one of the given authorities signed it itself, or when it is itself one of
them (pinned). Both are in force at `now`; the authority may sign certificates, the certificate may sign messages;
signatures use SHA-256 or better; keys are RSA of 2,048 bits or EC of 256 bits at least, or Edwards; a critical
extension that is not understood refuses. The contract's token carries one certificate, so intermediates stand
among the authorities.
Deliberately not here: host names (TLS checks them; a signing certificate has none) and revocation lists.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

_E = TypeVar("_E", bound=x509.ExtensionType)

SMALLEST_RSA = 2048
SMALLEST_EC = 256

_STRONG = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_EDWARDS = frozenset({SignatureAlgorithmOID.ED25519, SignatureAlgorithmOID.ED448})
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)


def distrust(certificate: x509.Certificate, authorities: Sequence[x509.Certificate], now: datetime) -> str | None:
    """Return why the certificate may not speak for the portal, in technical words; None when it may.

    The certificate may be a stranger's and hostile: one that can't be read is not trusted.
    """
    try:
        return _distrust(certificate, authorities, now)
    except Exception as error:  # noqa: BLE001  a certificate is parsed as it is asked, and raises anything
        return f"not readable ({type(error).__name__})"


def _distrust(certificate: x509.Certificate, authorities: Sequence[x509.Certificate], now: datetime) -> str | None:
    problem = _weakness(certificate, now) or _may_not_sign_messages(certificate)
    if problem:
        return problem
    if certificate in authorities:
        return None
    if not _strongly_signed(certificate):
        return "its own signature is weak"
    reasons = [_not_issued_by(certificate, authority, now) for authority in authorities]
    if None in reasons:
        return None
    return next((reason for reason in reasons if reason), "no authority issued it")


def _weakness(certificate: x509.Certificate, now: datetime) -> str | None:
    if now < certificate.not_valid_before_utc:
        return "not yet in force"
    if now > certificate.not_valid_after_utc:
        return "expired"
    if not _strong(certificate.public_key()):
        return "its key is weak or of an unknown kind"
    unknown = [e.oid for e in certificate.extensions if e.critical and e.oid not in _UNDERSTOOD]
    return "a critical extension is not understood" if unknown else None


def _strong(key: CertificatePublicKeyTypes) -> bool:
    if isinstance(key, RSAPublicKey):
        return key.key_size >= SMALLEST_RSA
    if isinstance(key, EllipticCurvePublicKey):
        return key.key_size >= SMALLEST_EC
    return isinstance(key, Ed25519PublicKey | Ed448PublicKey)


def _may_not_sign_messages(certificate: x509.Certificate) -> str | None:
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None or usage.digital_signature or usage.content_commitment:
        return None
    return "its key usage has no digital signature"


def _not_issued_by(certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> str | None:
    """Return None when `authority` issued it, "" when it did not, else why that authority may not."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return ""
    constraints = _extension(authority, x509.BasicConstraints)
    usage = _extension(authority, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        return "its issuer is no authority"
    problem = _weakness(authority, now)
    return f"its issuer: {problem}" if problem else None


def _strongly_signed(certificate: x509.Certificate) -> bool:
    if certificate.signature_algorithm_oid in _EDWARDS:  # these name no digest, it is part of them
        return True
    return isinstance(certificate.signature_hash_algorithm, _STRONG)


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
