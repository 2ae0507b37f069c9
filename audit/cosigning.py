"""Cosignatures: what a witness says of a checkpoint, in the C2SP form cosignature/v1 (Ed25519 with a moment).

Rules. A cosignature states: as of that second, this is the largest tree of this origin that the witness has seen, and
it continues all that it saw before. Signed are the two lines `cosignature/v1` and `time N`, then the checkpoint's own
text. A witness's key is known by name and key id together (type byte 0x04, so it can't be taken for a log's key). A
signature line of an unknown key is passed over; one of a known key that doesn't verify makes the whole note worthless.
Deliberately not here: what a witness checks before it signs (`audit.witness`), ML-DSA, which needs a newer library.
Source: C2SP tlog-cosignature, signed-note.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.errors import NoteError
from audit.keys import SigningKey
from audit.note import KEY_ID_BYTES, Signature, check_name, split_note
from audit.tree import HASH_BYTES

COSIGNATURE = b"\x04"
MOMENT_BYTES = 8
SIGNATURE_BYTES = 64
LATEST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """The public half of a witness's key: its name and 32 bytes of Ed25519 public key."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public) != HASH_BYTES:
            raise NoteError("Открытый ключ Ed25519 — это 32 байта.", "An Ed25519 public key is 32 bytes long.")

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key beside its name."""
        return hashlib.sha256(self.name.encode() + b"\n" + COSIGNATURE + self.public).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one line of text, to be given to those who shall trust this witness."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(COSIGNATURE + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> "CosignerKey":
        """Return the key that a witness's vkey line holds. Raises NoteError."""
        name, _, rest = vkey.strip().partition("+")
        encoded = rest.partition("+")[2]
        try:
            material = base64.b64decode(encoded, validate=True)
        except ValueError:
            material = b""
        if material[:1] != COSIGNATURE or len(material) != 1 + HASH_BYTES:
            raise NoteError(
                "Строка ключа свидетеля имеет вид имя+8 знаков+Base64, где Base64 начинается с «B». "
                "Её печатает «dnevnik witness show».",
                "A witness's key line reads name+8 digits+Base64, the Base64 beginning with “B”. "
                "`dnevnik witness show` prints it.",
            )
        key = cls(name, material[1:])
        if key.vkey != vkey.strip():
            raise NoteError(
                "Строка ключа свидетеля искажена: её номер не сходится с ключом. Возьмите её у владельца свидетеля.",
                "The witness's key line is garbled: its id doesn't fit the key. Ask the witness's owner for it.",
            )
        return key

    def verifies(self, text: bytes, moment: int, signature: bytes) -> bool:
        """Tell whether `signature` says that the checkpoint `text` was seen at `moment` (POSIX seconds)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, signed_message(text, moment))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One witness's verified word on a checkpoint; `moment` in POSIX seconds, `line` as it stands in the note."""

    key: CosignerKey
    moment: int
    line: str


def signed_message(text: bytes, moment: int) -> bytes:
    """Return what is signed: two lines of header and the checkpoint's text, its last newline included."""
    return b"cosignature/v1\ntime %d\n%b" % (moment, text)


def cosigner_key(signing_key: SigningKey) -> CosignerKey:
    """Return the public half of a key as a witness's."""
    return CosignerKey(signing_key.verifier.name, signing_key.verifier.public)


def cosign(note: bytes, signing_key: SigningKey, moment: int) -> str:
    """Return the signature line by which a witness confirms the checkpoint `note` at `moment` (POSIX seconds).

    Raises ValueError for a moment that the form doesn't admit, NoteError for bytes that are no note.
    """
    if not 0 < moment <= LATEST:
        msg = f"{moment} is no moment of a cosignature"
        raise ValueError(msg)
    text, _ = split_note(note)
    value = moment.to_bytes(MOMENT_BYTES, "big") + signing_key.sign(signed_message(text.encode(), moment))
    key = cosigner_key(signing_key)
    return Signature(key.name, key.key_id, value).line


def verify_cosignatures(note: bytes, keys: Iterable[CosignerKey]) -> list[Cosignature]:
    """Return the verified cosignatures of `keys` in a note, each key's newest, in the order of `keys`.

    The text's own form and the log's signature are not looked at. Raises NoteError when the bytes are no note, or when
    a line that names one of the keys doesn't verify.
    """
    known = {(key.name, key.key_id): key for key in keys}
    text, signatures = split_note(note)
    found: dict[CosignerKey, Cosignature] = {}
    for signature in signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        moment = int.from_bytes(signature.value[:MOMENT_BYTES], "big")
        value = signature.value[MOMENT_BYTES:]
        right = len(value) == SIGNATURE_BYTES and 0 < moment <= LATEST
        if not right or not key.verifies(text.encode(), moment, value):
            raise NoteError(
                f"Подпись свидетеля {key.name} под контрольной отметкой неверна.",
                f"The signature of the witness {key.name} under the checkpoint is false.",
            )
        if key not in found or found[key].moment < moment:
            found[key] = Cosignature(key, moment, signature.line)
    return [found[key] for key in known.values() if key in found]


def with_lines(note: bytes, lines: Sequence[str]) -> bytes:
    """Return the note with signature lines added."""
    return note + "".join(lines).encode()


def log_lines(note: bytes, keys: Iterable[CosignerKey]) -> bytes:
    """Return the note without the lines of these witnesses, so that newer ones can stand in their place."""
    dropped = {(key.name, key.key_id) for key in keys}
    text, signatures = split_note(note)
    kept = [signature.line for signature in signatures if (signature.name, signature.key_id) not in dropped]
    return f"{text}\n{''.join(kept)}".encode()
