"""Throw-away authorities and certificates, so that the sandbox speaks real TLS and signs real messages.

Rules. Two authorities, for each side trusts only the other's: one issues the portal's certificates, one the
bridge's. A file holds the certificate and its key, readable by its owner alone. TLS keys are P-256; signing keys
are RSA, because every WS-Security library knows RSA-SHA256. Nothing here protects anybody's real data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

LIFE = timedelta(days=365)
STARTS_EARLIER = timedelta(hours=1)  # a clock that is a little slow must not meet "not yet valid"
LOCAL_HOSTS = ("127.0.0.1", "localhost")

_OWNER_ONLY = 0o600


class Purpose(Enum):
    """What a certificate is for; each asks for its own extensions."""

    TLS_CLIENT = "tls-client"
    TLS_SERVER = "tls-server"
    SIGNING = "signing"


def create_rsa_key() -> rsa.RSAPrivateKey:
    """Make a key for signing messages with RSA-SHA256."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def create_ec_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key: quick to make and to use."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def pem(self) -> bytes:
        """The certificate, then its unencrypted key (PKCS 8): the form that bridge.toml names."""
        return self.certificate_pem + self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate in lower-case hex: how the portal's list of clients names it."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority with its key; `now` is the moment from which all that it issues is valid."""

    credential: Credential
    now: datetime
    life: timedelta = LIFE

    @classmethod
    def create(cls, name: str, now: datetime, life: timedelta = LIFE) -> Self:
        """Make a self-signed authority; what it issues is valid for `life`, itself ten times as long."""
        key = create_ec_key()
        subject = _name(name)
        builder = _builder(subject, subject, key, now - STARTS_EARLIER, now + 10 * life)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(authority=True), critical=True)
        return cls(Credential(builder.sign(key, hashes.SHA256()), key), now, life)

    def issue(
        self,
        name: str,
        purpose: Purpose,
        *,
        key: PrivateKey | None = None,
        hosts: Sequence[str] = LOCAL_HOSTS,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Credential:
        """Issue a certificate for `purpose`; `hosts` are named only in a TLS server's.

        Without `key` one is made that fits the purpose. Without dates it is valid from the
        authority's `now` for its `life`.
        """
        if key is None:
            key = create_rsa_key() if purpose is Purpose.SIGNING else create_ec_key()
        issuer = self.credential.certificate
        builder = _builder(
            _name(name), issuer.subject, key, not_before or self.now - STARTS_EARLIER, not_after or self.now + self.life
        )
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.credential.key.public_key()), critical=False
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(authority=False), critical=True)
        if purpose is Purpose.TLS_SERVER:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False
            )
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        elif purpose is Purpose.TLS_CLIENT:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        return Credential(builder.sign(self.credential.key, hashes.SHA256()), key)


@dataclass(frozen=True, slots=True)
class AuthorityFiles:
    """Where the certificates of both sides stand; the first three are what a bridge.toml names."""

    folder: Path

    @property
    def bridge_tls(self) -> Path:
        """The bridge's client certificate and key for TLS."""
        return self.folder / "bridge-tls.pem"

    @property
    def bridge_signing(self) -> Path:
        """The bridge's certificate and key for WS-Security."""
        return self.folder / "bridge-signing.pem"

    @property
    def portal_ca(self) -> Path:
        """The authority that the bridge trusts."""
        return self.folder / "portal-ca.pem"

    @property
    def portal_tls(self) -> Path:
        """The portal's server certificate and key for TLS."""
        return self.folder / "portal-tls.pem"

    @property
    def portal_signing(self) -> Path:
        """The portal's certificate and key for WS-Security."""
        return self.folder / "portal-signing.pem"

    @property
    def bridge_ca(self) -> Path:
        """The authority that the portal trusts."""
        return self.folder / "bridge-ca.pem"

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file, in the order in which they are written."""
        return (
            self.portal_ca,
            self.portal_tls,
            self.portal_signing,
            self.bridge_ca,
            self.bridge_tls,
            self.bridge_signing,
        )


def write_authority(folder: Path, now: datetime | None = None, life: timedelta = LIFE) -> AuthorityFiles:
    """Make both authorities and all four certificates in `folder`; files of an earlier call are replaced.

    The authorities' own keys are forgotten: nobody can issue another certificate that these files trust.
    """
    now = now or datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = AuthorityFiles(folder)
    city = Authority.create("Sandbox authority of the portal", now, life)
    district = Authority.create("Sandbox authority of the bridge", now, life)
    _write(files.portal_ca, city.credential.certificate_pem)
    _write(files.portal_tls, city.issue("localhost", Purpose.TLS_SERVER).pem)
    _write(files.portal_signing, city.issue("Sandbox portal", Purpose.SIGNING).pem)
    _write(files.bridge_ca, district.credential.certificate_pem)
    _write(files.bridge_tls, district.issue("Sandbox bridge TLS", Purpose.TLS_CLIENT).pem)
    _write(files.bridge_signing, district.issue("Sandbox bridge", Purpose.SIGNING).pem)
    return files


def ensure_authority(folder: Path, now: datetime | None = None) -> AuthorityFiles:
    """Return the files in `folder`, making all of them where one is missing."""
    files = AuthorityFiles(folder)
    return files if all(path.is_file() for path in files.all) else write_authority(folder, now)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Diary sandbox"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer_name=issuer, subject_name=subject, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(not_before).not_valid_after(not_after)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=_OWNER_ONLY)
    path.write_bytes(content)
