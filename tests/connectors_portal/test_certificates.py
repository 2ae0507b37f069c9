"""PEM files as operators give them, and who may speak for the portal."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from connectors.portal.certificates import certificates, identity, inspect
from connectors.portal.soap_portal import PortalConnection, SoapPortal
from connectors.portal.trust import distrust
from journal.wording import BridgeError
from sandbox.authority import Authority, Credential, Purpose

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
CITY = Authority.create("City", NOW)
PORTAL = CITY.issue("Portal", Purpose.SIGNING)
OTHER = CITY.issue("Other", Purpose.SIGNING)


def _key_pem(credential: Credential, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return credential.key.private_bytes(Encoding.PEM, form, NoEncryption())


def _code(pem: bytes) -> str:
    with pytest.raises(BridgeError) as caught:
        identity(pem, "signing_key")
    assert "signing_key" in caught.value.say("ru")
    assert "signing_key" in caught.value.say("en")
    return caught.value.code


@pytest.mark.parametrize(
    "pem",
    [
        PORTAL.certificate_pem + _key_pem(PORTAL),
        _key_pem(PORTAL) + PORTAL.certificate_pem,
        _key_pem(PORTAL, PrivateFormat.TraditionalOpenSSL) + OTHER.certificate_pem + PORTAL.certificate_pem,
        "Сертификат моста\n".encode() + PORTAL.certificate_pem + b"\r\n# the key\r\n" + _key_pem(PORTAL),
        (PORTAL.certificate_pem + _key_pem(PORTAL)).replace(b"\n", b"\r\n"),
    ],
    ids=["leaf first", "key first", "chain first", "with remarks", "of Windows"],
)
def test_a_key_finds_its_certificate_wherever_it_stands(pem: bytes) -> None:
    own = identity(pem, "signing_key")
    assert own.certificate == PORTAL.certificate
    assert own.pem.startswith(PORTAL.certificate_pem)
    assert identity(own.pem, "signing_key").chain == own.chain


def test_what_is_wrong_with_a_file_is_told() -> None:
    locked = PORTAL.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    edwards = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    broken = _key_pem(PORTAL).replace(b"MII", b"MMM")
    assert _code(b"") == "portal-certificate-unreadable"
    assert _code(b"\xff\xfe\x00 not a PEM") == "portal-certificate-unreadable"
    assert _code(_key_pem(PORTAL)) == "portal-certificate-unreadable"
    assert _code(PORTAL.certificate_pem.replace(b"MII", b"MMM")) == "portal-certificate-unreadable"
    assert _code(PORTAL.certificate_pem) == "portal-key-unreadable"
    assert _code(PORTAL.certificate_pem + locked) == "portal-key-unreadable"
    assert _code(PORTAL.certificate_pem + edwards) == "portal-key-unreadable"
    assert _code(PORTAL.certificate_pem + broken) == "portal-key-unreadable"
    assert _code(OTHER.certificate_pem + _key_pem(PORTAL)) == "portal-key-of-another"


def test_facts_of_a_file() -> None:
    facts = inspect(CITY.credential.certificate_pem + PORTAL.pem)
    assert "CN=Portal" in facts.subject
    assert "CN=City" in facts.issuer
    assert facts.not_before < NOW < facts.not_after
    assert facts.not_after.tzinfo is not None
    assert "CN=City" in inspect(CITY.credential.certificate_pem, "authorities").subject
    assert len(certificates(CITY.credential.certificate_pem * 2, "authorities")) == 2


def _connection(**changes: object) -> PortalConnection:
    fields = {
        "url": "https://127.0.0.1:8443/diary-exchange/1",
        "client_certificate": PORTAL.pem,
        "signing_key": OTHER.pem,
        "authorities": CITY.credential.certificate_pem,
        "connect_timeout": 1,
        "reply_timeout": 1,
    }
    return PortalConnection(**{**fields, **changes})


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "127.0.0.1:8443",
        "",
        "https:///x",
        "https://host:port/x",
        "https://host:99999/x",
        "https://[::1/x",
        "https://user:secret@host/x",
        "https://host/x?a=b",
        "file:///etc/passwd",
        "https://ho st/x",
    ],
)
def test_an_address_that_is_no_https_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(BridgeError) as caught:
        SoapPortal(_connection(url=url))
    assert caught.value.code == "portal-url"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("setting", ["client_certificate", "signing_key", "authorities"])
def test_each_setting_is_named_when_its_file_is_wrong(setting: str) -> None:
    with pytest.raises(BridgeError, match=setting):
        SoapPortal(_connection(**{setting: b"nothing"}))


def test_a_certificate_that_openssl_refuses_is_told() -> None:
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505  the weak key is the point
    with pytest.raises(BridgeError) as caught:
        SoapPortal(_connection(client_certificate=_made(key=short).pem))
    assert caught.value.code == "portal-tls"


def test_keys_are_in_no_repr() -> None:
    assert "PRIVATE" not in repr(_connection())
    assert "CERTIFICATE" not in repr(_connection())


# who may speak for the portal


def _made(
    *extensions: tuple[x509.ExtensionType, bool],
    key: object = None,
    issuer: Credential | None = None,
    digest: object = None,
    begins: datetime = NOW - DAY,
    ends: datetime = NOW + DAY,
) -> Credential:
    """Make a certificate by hand; without `issuer` it signs itself."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made")])
    builder = x509.CertificateBuilder(issuer.certificate.subject if issuer else name, name, own.public_key())
    builder = builder.serial_number(7).not_valid_before(begins).not_valid_after(ends)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    signer = issuer.key if issuer else own
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return Credential(builder.sign(signer, None), own)
    return Credential(builder.sign(signer, digest or hashes.SHA256()), own)


AUTHORITY = (x509.BasicConstraints(ca=True, path_length=None), True)


def _why(credential: Credential, *authorities: Credential, now: datetime = NOW) -> str | None:
    return distrust(credential.certificate, [authority.certificate for authority in authorities], now)


def test_issued_by_one_of_several_authorities() -> None:
    assert _why(PORTAL, _made(AUTHORITY), CITY.credential) is None
    assert _why(PORTAL, _made(AUTHORITY)) == "no authority issued it"
    assert _why(PORTAL) == "no authority issued it"


def test_a_bare_certificate_of_a_bare_authority_is_enough() -> None:
    city = _made(AUTHORITY)
    assert _why(_made(issuer=city), city) is None


def test_an_intermediate_stands_among_the_authorities() -> None:
    root = _made(AUTHORITY)
    middle = _made(AUTHORITY, issuer=root)
    leaf = _made(issuer=middle)
    assert _why(leaf, root) == "no authority issued it"
    assert _why(leaf, middle) is None


def test_a_pinned_certificate_needs_no_issuer() -> None:
    alone = _made()
    assert _why(alone, alone) is None
    assert _why(alone, alone, now=NOW + 2 * DAY) == "expired"


def test_edwards_authorities_are_strong() -> None:
    city = _made(AUTHORITY, key=ed25519.Ed25519PrivateKey.generate())
    assert _why(_made(issuer=city), city) is None


def test_times_are_held_to_the_given_now() -> None:
    city = _made(AUTHORITY, begins=NOW, ends=NOW + 3 * DAY)
    leaf = _made(issuer=city, begins=NOW - DAY, ends=NOW + 5 * DAY)
    assert _why(leaf, city, now=NOW + DAY) is None
    assert _why(leaf, city, now=NOW - 2 * DAY) == "not yet in force"
    assert _why(leaf, city, now=NOW - DAY / 2) == "its issuer: not yet in force"
    assert _why(leaf, city, now=NOW + 4 * DAY) == "its issuer: expired"
    assert _why(leaf, city, now=NOW + 6 * DAY) == "expired"


def test_an_issuer_has_to_be_an_authority() -> None:
    assert _why(OTHER, PORTAL, _made(AUTHORITY)) == "no authority issued it"
    bits = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    bits |= dict.fromkeys(("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    only_messages = (x509.KeyUsage(digital_signature=True, **bits), True)
    for wrong in (
        _made(),
        _made((x509.BasicConstraints(ca=False, path_length=None), True)),
        _made(AUTHORITY, only_messages),
    ):
        assert _why(_made(issuer=wrong), wrong) == "its issuer is no authority"


def test_weak_keys_and_signatures_are_refused() -> None:
    small = ec.generate_private_key(ec.SECP192R1())
    assert _why(_made(key=small, issuer=CITY.credential), CITY.credential) == "its key is weak or of an unknown kind"
    weak = _made(AUTHORITY, key=rsa.generate_private_key(65537, 1024))  # noqa: S505  the weak key is the point
    assert _why(_made(issuer=weak), weak) == "its issuer: its key is weak or of an unknown kind"
    by_224 = _made(issuer=CITY.credential, digest=hashes.SHA224())
    assert _why(by_224, CITY.credential) == "its own signature is weak"


def test_an_unknown_critical_extension_of_the_authority_is_refused() -> None:
    unknown = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.643.100.999"), b"\x05\x00"), True)
    city = _made(AUTHORITY, unknown)
    assert _why(_made(issuer=city), city) == "its issuer: a critical extension is not understood"
    harmless = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.643.100.999"), b"\x05\x00"), False)
    assert _why(_made(harmless, issuer=CITY.credential), CITY.credential) is None
