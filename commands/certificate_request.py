"""Keys and certificate requests (PKCS #10) for the two certificates that an authority gives the bridge.

Rules. The private key never leaves its file; the request holds its public half and what the certificate is for.
TLS keys are P-256; signing keys are RSA 3072, which every WS-Security library knows. An existing key is used again,
so a request that got lost can be written anew for the same key.
"""

from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from journal.wording import BridgeError, Wording

SIGNING_BITS = 3072

_BAD_KEY = Wording(
    ru="{path}: это не закрытый ключ RSA или EC в PEM без пароля. Верните файл из копии или уберите его",
    en="{path}: this is no RSA or EC private key in PEM without a password. Restore the file or move it away",
)


def private_key_beside(path: Path) -> Path:
    """Return where the private key waits for its certificate."""
    return path.with_suffix(".key")


def request_beside(path: Path) -> Path:
    """Return where the request to the authority lies."""
    return path.with_suffix(".csr")


def certificate_beside(path: Path) -> Path:
    """Return where the authority's certificate is to be put."""
    return path.with_suffix(".crt")


def write_request(
    key_path: Path, request_path: Path, *, common_name: str, signing: bool, write: Callable[[Path, bytes], None]
) -> None:
    """Make the key and the request where they are missing. Raises BridgeError `request-key-unreadable`."""
    if not key_path.exists():
        made = rsa.generate_private_key(65537, SIGNING_BITS) if signing else ec.generate_private_key(ec.SECP256R1())
        write(key_path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    if request_path.exists():
        return
    write(request_path, _request(_load(key_path), common_name, signing=signing))


def _load(path: Path) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise BridgeError("request-key-unreadable", _BAD_KEY, {"path": path})
    return key


def _request(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, common_name: str, *, signing: bool) -> bytes:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=signing,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    if not signing:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
