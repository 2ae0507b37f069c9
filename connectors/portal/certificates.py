"""Reads the PEM files an operator gives: certificates with their key, and the authorities that the bridge trusts.

Rules. A file may hold its blocks in any order; the certificate that belongs to the key is the leaf, the others are
its chain. Everything wrong with a file is a BridgeError that names the setting, before anything is sent. A key is
never in a repr, a message or a log. Deliberately not here: where the bytes come from (`settings`), and whether a
certificate is still in force (`trust` for the portal's, `dnevnik check` for the bridge's own).
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from journal.wording import BridgeError, Wording

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey

_KEY_BLOCK = re.compile(rb"-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)

_NO_CERTIFICATE = Wording(
    ru="[portal] {setting}: в файле нет читаемого сертификата. Нужен PEM с блоком BEGIN CERTIFICATE",
    en="[portal] {setting}: the file holds no readable certificate. Give a PEM file with a BEGIN CERTIFICATE block",
)
_NO_KEY = Wording(
    ru="[portal] {setting}: в файле нет закрытого ключа RSA или EC без пароля. Добавьте его блок PEM к сертификату",
    en="[portal] {setting}: the file holds no RSA or EC private key without a password. Add its PEM block to the file",
)
_KEY_OF_ANOTHER = Wording(
    ru="[portal] {setting}: закрытый ключ не подходит к сертификатам файла. Положите вместе ключ и его сертификат",
    en="[portal] {setting}: the private key fits none of the file's certificates. Put a key beside its certificate",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key with its own certificate and, after it, the certificates that came along."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        """The whole identity as one PEM text, leaf first: what OpenSSL expects."""
        certificates = [certificate.public_bytes(Encoding.PEM) for certificate in (self.certificate, *self.chain)]
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return b"".join((*certificates, key))


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a person wants to know of a certificate; moments are aware, UTC."""

    subject: str
    issuer: str
    serial_number: str
    not_before: datetime
    not_after: datetime


def inspect_all(pem: bytes, setting: str = "authorities") -> tuple[CertificateFacts, ...]:
    """Return the facts of all certificates of a file, its key's first. Raises as `inspect`."""
    if _KEY_BLOCK.search(pem):
        own = identity(pem, setting)
        return tuple(facts(one) for one in (own.certificate, *own.chain))
    return tuple(facts(one) for one in certificates(pem, setting))


def inspect(pem: bytes, setting: str = "client_certificate") -> CertificateFacts:
    """Return the facts of the file's leaf: the certificate of its key, or its first where it holds no key.

    Raises BridgeError `portal-certificate-unreadable`, or one of `identity`'s for a key that fits no certificate.
    """
    if _KEY_BLOCK.search(pem):
        return facts(identity(pem, setting).certificate)
    return facts(certificates(pem, setting)[0])


def facts(certificate: x509.Certificate) -> CertificateFacts:
    """Return the facts of one certificate."""
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial_number=format(certificate.serial_number, "x"),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def certificates(pem: bytes, setting: str) -> tuple[x509.Certificate, ...]:
    """Return all certificates of a PEM file, at least one. Raises BridgeError `portal-certificate-unreadable`."""
    whole = pem.count(b"-----BEGIN ") == pem.count(b"-----END ")  # a file half written may hold whole ones before
    try:
        found = tuple(x509.load_pem_x509_certificates(pem)) if whole else ()
    except ValueError:
        found = ()
    if not found:
        raise BridgeError("portal-certificate-unreadable", _NO_CERTIFICATE, {"setting": setting})
    return found


def identity(pem: bytes, setting: str) -> Identity:
    """Return the private key of a PEM file with its certificate.

    Raises BridgeError `portal-certificate-unreadable`, `portal-key-unreadable` or `portal-key-of-another`.
    """
    found = certificates(pem, setting)
    key = _private_key(pem)
    if key is None:
        raise BridgeError("portal-key-unreadable", _NO_KEY, {"setting": setting})
    public = _spki(key.public_key())
    own = next((certificate for certificate in found if _spki(certificate.public_key()) == public), None)
    if own is None:
        raise BridgeError("portal-key-of-another", _KEY_OF_ANOTHER, {"setting": setting})
    return Identity(own, tuple(certificate for certificate in found if certificate is not own), key)


def _private_key(pem: bytes) -> PrivateKey | None:
    block = _KEY_BLOCK.search(pem)
    if block is None:
        return None
    try:
        key = load_pem_private_key(block.group(), password=None)
    except (ValueError, TypeError):  # TypeError: the key wants a password
        return None
    return key if isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey) else None


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
