"""A provider as a certified one would be put in: its own algorithm URIs, an Ed25519 key, and BLAKE2 for digests.

It stands for GOST R 34.10-2012 with Streebog: nothing that signs or verifies XML knows these URIs, and the key is none
that the bridge reads from a file. It serves both sides, as the bridge's provider and as the portal that answers.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from fakes.forgeries import handmade
from fakes.forgeries.handmade import Reference
from fakes.reply_signing import envelope

from connectors.portal.suite import Suite
from connectors.portal.verifying import ByFunctions
from sandbox.authority import Authority, Credential

SIGNATURE = "urn:example:algorithms:signature-2012-256"
DIGEST = "urn:example:algorithms:digest-2012-256"


def digest(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def right(certificate: x509.Certificate, data: bytes, value: bytes) -> bool:
    key = certificate.public_key()
    try:
        assert isinstance(key, Ed25519PublicKey)
        key.verify(value, b"prefix of its own" + data)
    except (AssertionError, InvalidSignature):
        return False
    return True


@dataclass(frozen=True)
class Elsewhere:
    """Signs with a key that only this class can use."""

    certificate: bytes
    key: Ed25519PrivateKey
    algorithm: str = SIGNATURE
    digest_algorithm: str = DIGEST

    @staticmethod
    def opened(text: bytes) -> "Elsewhere":
        """Read what `[portal] signing_key` names for this provider."""
        key = load_pem_private_key(text, None)
        return Elsewhere(x509.load_pem_x509_certificate(text).public_bytes(Encoding.DER), key)

    def digest(self, data: bytes) -> bytes:
        return digest(data)

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(b"prefix of its own" + data)


SUITE = Suite(signer=Elsewhere.opened, verifier=ByFunctions(digests={DIGEST: digest}, methods={SIGNATURE: right}))


def credential(authority: Authority, now: datetime) -> Credential:
    """Issue a certificate for a new Ed25519 key."""
    key = Ed25519PrivateKey.generate()
    issuer = authority.credential
    builder = x509.CertificateBuilder(issuer.certificate.subject, issuer.certificate.subject, key.public_key())
    builder = builder.serial_number(9).not_valid_before(now - timedelta(hours=1))
    made = builder.not_valid_after(now + timedelta(days=1)).sign(issuer.key, hashes.SHA256())
    return Credential(made, key)


def pem(own: Credential) -> bytes:
    return own.certificate_pem + own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def reply(payload: bytes, own: Credential, now: datetime, **changes: object) -> bytes:
    """Return a portal's reply by these algorithms."""
    handmade.DIGESTS.setdefault(DIGEST, hashlib.blake2s)
    told = {"method": SIGNATURE, "references": (Reference("#B", digest=DIGEST), Reference("#T", digest=DIGEST))}
    signer = Elsewhere(b"", own.key)
    return handmade.sign(envelope(payload, own, now), changes.pop("value", signer.sign), **{**told, **changes})
