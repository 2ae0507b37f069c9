"""Keeps personal data sealed: AES-256-GCM under each student's own key, which the master key wraps.

Rules. Destroying a student's wrapped key makes all that was sealed under it unreadable for ever. Everything that
belongs to no one student (keyed digests, bodies of batches on their way) uses keys derived from the master key,
one a purpose. What was sealed for one place does not open at another (the place is authenticated).
Formats: a sealed value is version (1 byte), nonce (12), ciphertext with tag; a master key file is one line of
Base64 of 32 bytes. Sources: NIST SP 800-38D (GCM), RFC 5869 (HKDF).
"""

import base64
import binascii
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.engine import Connection

from consent_registry.tables import STUDENT_KEY
from journal.wording import BridgeError, Wording

KEY_BYTES = 32
_NONCE_BYTES = 12
_STUDENTS_AT_ONCE = 500
_VERSION = b"\x01"

_BAD_MASTER_KEY = Wording(
    ru="Главный ключ повреждён: нужна одна строка Base64 из 32 байт. Верните файл из резервной копии.",
    en="The master key is damaged: one line of Base64 of 32 bytes is needed. Put the file back from its backup.",
)
_UNREADABLE = Wording(
    ru="Закрытые данные не открываются: они изменены или главный ключ другой. Верните ключ из резервной копии.",
    en="Sealed data can't be opened: they were changed, or the master key is another. Restore the key from its backup.",
)


def create_master_key(randomness: Callable[[int], bytes] = os.urandom) -> bytes:
    """Return the content of a new master key file."""
    return base64.b64encode(randomness(KEY_BYTES)) + b"\n"


def load_master_key(content: bytes) -> bytes:
    """Return the key of a master key file. Raises BridgeError `master-key-damaged`."""
    try:
        key = base64.b64decode(content.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise BridgeError("master-key-damaged", _BAD_MASTER_KEY)
    return key


@dataclass(frozen=True, slots=True, repr=False)
class StudentKey:
    """One student's own key, in memory for one piece of work; shows itself nowhere."""

    key: bytes
    place: str
    randomness: Callable[[int], bytes]

    def seal(self, plain: bytes) -> bytes:
        """Seal data of this student."""
        return _seal(self.key, plain, self.place, self.randomness)

    def open(self, sealed: bytes) -> bytes:
        """Open what was sealed under this key. Raises BridgeError `sealed-unreadable`."""
        return _open(self.key, sealed, self.place)


class Vault:
    """Seals and opens; holds the master key in memory and shows it nowhere."""

    def __init__(self, master_key: bytes, randomness: Callable[[int], bytes] = os.urandom) -> None:
        self._master_key = master_key
        self._randomness = randomness
        self.derive = cache(self._derive)

    def _derive(self, purpose: str) -> bytes:
        """Return the 32-byte key for one purpose, the same for the same master key."""
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"dnevnik-bridge:{purpose}".encode()).derive(self._master_key)

    def seal_for(self, purpose: str, plain: bytes) -> bytes:
        """Seal data that belong to no one student, under the purpose's own key."""
        return _seal(self.derive(f"seal:{purpose}"), plain, purpose, self._randomness)

    def open_for(self, purpose: str, sealed: bytes) -> bytes:
        """Open what `seal_for` sealed for the same purpose. Raises BridgeError `sealed-unreadable`."""
        return _open(self.derive(f"seal:{purpose}"), sealed, purpose)

    def student_keys(self, connection: Connection, school: str, students: Iterable[str]) -> dict[str, StudentKey]:
        """Return the keys of those students that have one; one that was destroyed is missing.

        Raises BridgeError `sealed-unreadable` when the master key is not the one that wrapped them.
        """
        wanted = sorted(set(students))
        found: dict[str, StudentKey] = {}
        for start in range(0, len(wanted), _STUDENTS_AT_ONCE):
            rows = connection.execute(
                sa.select(STUDENT_KEY.c.student_key, STUDENT_KEY.c.wrapped_key).where(
                    STUDENT_KEY.c.school == school,
                    STUDENT_KEY.c.student_key.in_(wanted[start : start + _STUDENTS_AT_ONCE]),
                )
            )
            for student, wrapped in rows:
                key = _open(self.derive("wrap"), wrapped, _key_place(school, student))
                found[student] = StudentKey(key, f"{school}:{student}", self._randomness)
        return found

    def make_student_keys(self, connection: Connection, school: str, students: Iterable[str]) -> dict[str, StudentKey]:
        """Make, store and return a key for each of these students, who have none yet."""
        made = {
            student: StudentKey(self._randomness(KEY_BYTES), f"{school}:{student}", self._randomness)
            for student in sorted(set(students))
        }
        rows = [
            {
                "school": school,
                "student_key": student,
                "wrapped_key": _seal(self.derive("wrap"), own.key, _key_place(school, student), self._randomness),
            }
            for student, own in made.items()
        ]
        if rows:
            connection.execute(STUDENT_KEY.insert(), rows)
        return made


def _key_place(school: str, student: str) -> str:
    return f"student-key:{school}:{student}"


def _seal(key: bytes, plain: bytes, place: str, randomness: Callable[[int], bytes]) -> bytes:
    nonce = randomness(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def _open(key: bytes, sealed: bytes, place: str) -> bytes:
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        plain = AESGCM(key).decrypt(nonce, ciphertext, place.encode()) if sealed[:1] == _VERSION else None
    except (InvalidTag, ValueError):
        plain = None
    if plain is None:
        raise BridgeError("sealed-unreadable", _UNREADABLE)
    return plain
