"""The log's private key: Ed25519 in a PKCS #8 PEM file.

Rules. The key is never written by this module, only made and read; whoever stores it gives the file mode
0600. A SigningKey shows nothing of itself but its public half.
"""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.errors import KeyFileError
from audit.note import VerifierKey


def create_signing_key() -> bytes:
    """Return a new random key as PEM (PKCS #8, not encrypted)."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class SigningKey:
    """The private half of a log's key; signs notes."""

    __slots__ = ("_private", "verifier")

    def __init__(self, private: Ed25519PrivateKey, name: str) -> None:
        self._private = private
        self.verifier = VerifierKey(name, private.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """Return the Ed25519 signature over `text`."""
        return self._private.sign(text)

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier.vkey!r})"


def load_signing_key(pem: bytes, name: str) -> SigningKey:
    """Return the key in a PEM text under the name that notes will carry: the log's origin.

    Raises KeyFileError when the text holds no Ed25519 key, NoteError when notes don't admit the name.
    """
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(
            "В файле ключа журнала аудита нет незашифрованного ключа Ed25519 в виде PEM (PKCS #8).",
            "The audit log's key file holds no unencrypted Ed25519 key as PEM (PKCS #8).",
        )
    return SigningKey(private, name)
