"""The one form in which anything is sealed: AES-256-GCM, bound to its place.

Rules. What was sealed for one place does not open at another (the place is authenticated). A sealed value is version
(1 byte), nonce (12), ciphertext with tag. Source: NIST SP 800-38D. Deliberately not here: keys (`vault`).
"""

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal.wording import BridgeError, Wording

Randomness = Callable[[int], bytes]
"""Returns so many bytes that nobody can foretell."""

_NONCE_BYTES = 12
_VERSION = b"\x01"

UNREADABLE = Wording(
    ru="Закрытые данные не открываются: они изменены или главный ключ другой. Верните ключ из резервной копии.",
    en="Sealed data can't be opened: they were changed, or the master key is another. Restore the key from its backup.",
)


def seal(key: bytes, plain: bytes, place: str, randomness: Randomness) -> bytes:
    """Return `plain` sealed under a 32-byte key for one place."""
    nonce = randomness(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def unseal(key: bytes, sealed: bytes, place: str) -> bytes:
    """Return what was sealed for this place. Raises BridgeError `sealed-unreadable`."""
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        plain = AESGCM(key).decrypt(nonce, ciphertext, place.encode()) if sealed[:1] == _VERSION else None
    except (InvalidTag, ValueError):
        plain = None
    if plain is None:
        raise BridgeError("sealed-unreadable", UNREADABLE)
    return plain
