"""Signed notes and checkpoints: what a log says of itself, in the C2SP forms, with Ed25519.

Rules. A note is text, a blank line, signature lines; a checkpoint's text is origin, size, root. A key is known
by its name and its key id together; a signature of an unknown key is passed over, one of a known key that
doesn't verify, or a second one of it, makes the whole note worthless. Bytes are taken only in the one form that this
module would write (no other Base64, no leading zeros, no line twice). Deliberately not here: private keys
(`audit.keys`), countersignatures.
Source: C2SP signed-note and tlog-checkpoint.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.errors import NoteError
from audit.tree import HASH_BYTES

ED25519 = b"\x01"
KEY_ID_BYTES = 4
LARGEST_NOTE = 1 << 20

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CHECKPOINT_LINES = 3


def _note_error(ru: str, en: str) -> NoteError:
    return NoteError(ru, en)


def _decode(text: str) -> bytes | None:
    """Return what standard Base64 stands for, None for any text that isn't exactly its one standard form."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _encode(data) == text else None


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def check_name(name: str) -> str:
    """Return a key name that notes admit: no blank, no plus, no control. Raises NoteError."""
    if not name or "+" in name or any(character.isspace() or not character.isprintable() for character in name):
        raise _note_error(
            "Имя ключа журнала должно быть непустым, без пробелов и знака «+», например school.example/audit.",
            "A log key's name is not empty and has no blank and no plus, such as school.example/audit.",
        )
    return name


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a log's key: its name and 32 bytes of Ed25519 public key."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public) != HASH_BYTES:
            raise _note_error("Открытый ключ Ed25519 — это 32 байта.", "An Ed25519 public key is 32 bytes long.")

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key beside its name."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one line of text, to be given to auditors."""
        return f"{self.name}+{self.key_id.hex()}+{_encode(ED25519 + self.public)}"

    @classmethod
    def parse(cls, vkey: str) -> "VerifierKey":
        """Return the key that a vkey line holds. Raises NoteError."""
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        material = _decode(encoded)
        if material is None or material[:1] != ED25519 or len(material) != 1 + HASH_BYTES:
            raise _note_error(
                "Строка ключа проверки имеет вид имя+8 знаков+Base64 и содержит ключ Ed25519.",
                "A verifier key line reads name+8 digits+Base64 and holds an Ed25519 key.",
            )
        key = cls(name, material[1:])
        if key.key_id.hex() != key_id:
            raise _note_error(
                "Строка ключа проверки искажена: её номер не сходится с ключом. Возьмите её у владельца журнала.",
                "The verifier key line is garbled: its id doesn't fit the key. Ask the log's owner for it.",
            )
        return key

    def verifies(self, text: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over `text` was made with this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


class Signer(Protocol):
    """Whoever can sign a note; see `audit.keys.SigningKey`."""

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        ...

    def sign(self, text: bytes) -> bytes:
        """Return the Ed25519 signature over `text`."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line as it stands in a note, its newline included."""
        return f"— {self.name} {_encode(self.key_id + self.value)}\n"


def sign_note(text: str, *signers: Signer) -> bytes:
    """Return the note of `text` (which ends in a newline) signed by all of `signers`, in their order."""
    verifiers = ((signer, signer.verifier) for signer in signers)
    lines = (Signature(key.name, key.key_id, signer.sign(text.encode())).line for signer, key in verifiers)
    return f"{text}\n{''.join(lines)}".encode()


def split_note(note: bytes) -> tuple[str, tuple[Signature, ...]]:
    """Return a note's text and its signatures, none of them verified. Raises NoteError."""
    malformed = _note_error(
        "Это не подписанная запись по форме C2SP signed-note.", "This is no signed note of the C2SP form."
    )
    if len(note) > LARGEST_NOTE:
        raise malformed
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError:
        raise malformed from None
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not tail.endswith("\n") or _CONTROL.search(whole):
        raise malformed
    signatures: list[Signature] = []
    for line in tail.removesuffix("\n").split("\n"):
        name, _, encoded = line.removeprefix("— ").partition(" ")
        data = _decode(encoded)
        if data is None or len(data) <= KEY_ID_BYTES or not name:
            raise malformed
        signature = Signature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])
        if signature.line != f"{line}\n" or signature in signatures:
            raise malformed
        signatures.append(signature)
    return f"{text}\n", tuple(signatures)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log held when it was signed: `size` entries under `root`; `note` are the signed bytes."""

    origin: str
    size: int
    root: bytes
    note: bytes = field(repr=False)

    @classmethod
    def sign(cls, origin: str, size: int, root: bytes, *signers: Signer) -> "Checkpoint":
        """Return a new checkpoint, signed by each of `signers` (two while one key takes another's place)."""
        return cls(origin, size, root, sign_note(f"{origin}\n{size}\n{_encode(root)}\n", *signers))

    @classmethod
    def parse(cls, note: bytes) -> "Checkpoint":
        """Return the checkpoint that a note says; its signatures are not verified. Raises NoteError."""
        text, _ = split_note(note)
        lines = text.removesuffix("\n").split("\n")
        root = _decode(lines[2]) if len(lines) == _CHECKPOINT_LINES else None
        if root is None or len(root) != HASH_BYTES or not lines[0] or not _SIZE.fullmatch(lines[1]):
            raise _note_error(
                "Это не контрольная отметка журнала: ожидались строки «источник», «число записей», «корень».",
                "This is no checkpoint: the lines origin, size and root were expected.",
            )
        return cls(lines[0], int(lines[1]), root, note)

    def signed_by(self, keys: Iterable[VerifierKey]) -> VerifierKey | None:
        """Return the first of `keys` that signed this checkpoint, None when none did.

        A signature line that names one of the keys and doesn't verify, or a key that signed twice, makes the answer
        None as well.
        """
        text, signatures = split_note(self.note)
        known = {(key.name, key.key_id): key for key in keys}
        signers: list[VerifierKey] = []
        for signature in signatures:
            key = known.get((signature.name, signature.key_id))
            if key is None:
                continue
            if key in signers or not key.verifies(text.encode(), signature.value):
                return None
            signers.append(key)
        return signers[0] if signers else None
