"""Wraps a canonical payload in a SOAP envelope that is signed as WS-Security X.509 asks.

Rules. Timestamp, SignedInfo and Body are written in the very bytes of their exclusive canonical form, so their digests
and the signature are taken from bytes and nothing is parsed again. One wsse:Security header holds token, timestamp
and signature; the signature covers Body and Timestamp by their wsu:Id. How a key signs and what digests are made of
is behind SignatureProvider: a token or another algorithm needs only another provider (`suite` says how one is put in).
Deliberately not here: verification (`reply`, `verifying`).
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from connectors.portal.canonical import moment
from connectors.portal.certificates import Identity
from connectors.portal.contract_schema import BASE64, DS, EXCLUSIVE_C14N, SOAP, WSSE, WSU, X509V3

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
DIGEST_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

# the contract allows five minutes; the rest is left to whoever rounds
MESSAGE_LIFE = timedelta(seconds=270)


class SignatureProvider(Protocol):
    """Signs with one key, wherever that is kept, by algorithms that it names itself (URIs of XML Signature)."""

    @property
    def certificate(self) -> bytes:
        """The certificate (DER) by which the portal knows the key."""
        ...

    @property
    def algorithm(self) -> str:
        """The signature method's URI."""
        ...

    @property
    def digest_algorithm(self) -> str:
        """The digest method's URI."""
        ...

    def digest(self, data: bytes) -> bytes:
        """Return the digest of `data` by that method."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the signature value over `data`, in the form that XML signatures carry."""
        ...


@dataclass(frozen=True, slots=True)
class KeyInMemory:
    """Signs with a private key that was read from a file: RSA-SHA256, or ECDSA-SHA256 for an EC key."""

    identity: Identity

    @property
    def certificate(self) -> bytes:
        """The certificate, DER."""
        return self.identity.certificate.public_bytes(Encoding.DER)

    @property
    def algorithm(self) -> str:
        """The signature method's URI."""
        return ECDSA_SHA256 if isinstance(self.identity.key, EllipticCurvePrivateKey) else RSA_SHA256

    @property
    def digest_algorithm(self) -> str:
        """The digest method's URI."""
        return DIGEST_SHA256

    def digest(self, data: bytes) -> bytes:
        """Return the SHA-256 of `data`."""
        return hashlib.sha256(data).digest()

    def sign(self, data: bytes) -> bytes:
        """Sign; an EC signature is r and s side by side (XML Signature 1.1, section 6.4.3), not DER."""
        key = self.identity.key
        if not isinstance(key, EllipticCurvePrivateKey):
            return key.sign(data, PKCS1v15(), SHA256())
        width = (key.key_size + 7) // 8
        return b"".join(part.to_bytes(width) for part in decode_dss_signature(key.sign(data, ECDSA(SHA256()))))


def seal(payload: bytes, provider: SignatureProvider, now: datetime) -> bytes:
    """Return the envelope around `payload`, which is in exclusive canonical form and valid for five minutes at most."""
    body = (f'<soap:Body xmlns:soap="{SOAP}" xmlns:wsu="{WSU}" wsu:Id="body">').encode() + payload + b"</soap:Body>"
    created = now.replace(microsecond=now.microsecond // 1000 * 1000)
    timestamp = (
        f'<wsu:Timestamp xmlns:wsu="{WSU}" wsu:Id="timestamp"><wsu:Created>{moment(created)}</wsu:Created>'
        f"<wsu:Expires>{moment(created + MESSAGE_LIFE)}</wsu:Expires></wsu:Timestamp>"
    ).encode()
    signed_info = (
        f'<ds:SignedInfo xmlns:ds="{DS}">'
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{provider.algorithm}"></ds:SignatureMethod>'
        f"{_reference('body', body, provider)}{_reference('timestamp', timestamp, provider)}</ds:SignedInfo>"
    ).encode()
    head = (
        f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Header>'
        f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" soap:mustUnderstand="1">'
        f'<wsse:BinarySecurityToken EncodingType="{BASE64}" ValueType="{X509V3}" wsu:Id="token">'
        f"{_base64(provider.certificate)}</wsse:BinarySecurityToken>"
    ).encode()
    signature = (
        f"<ds:SignatureValue>{_base64(provider.sign(signed_info))}</ds:SignatureValue>"
        f"<ds:KeyInfo><wsse:SecurityTokenReference>"
        f'<wsse:Reference URI="#token" ValueType="{X509V3}"></wsse:Reference>'
        f"</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security></soap:Header>"
    ).encode()
    start = f'<ds:Signature xmlns:ds="{DS}">'.encode()
    return b"".join((head, timestamp, start, signed_info, signature, body, b"</soap:Envelope>"))


def _reference(wsu_id: str, canonical: bytes, provider: SignatureProvider) -> str:
    return (
        f'<ds:Reference URI="#{wsu_id}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{EXCLUSIVE_C14N}"></ds:Transform></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{provider.digest_algorithm}"></ds:DigestMethod>'
        f"<ds:DigestValue>{_base64(provider.digest(canonical))}</ds:DigestValue></ds:Reference>"
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
