"""What a witness decides: pure rules of C2SP tlog-witness, `add-checkpoint`.

Rules. A checkpoint is cosigned only if a known key of its origin signed it and it continues the newest one that this
witness cosigned: the caller names that one's size, the proof leads from its root to the new root. So no log that ever
got a cosignature can be cut, forked or put back without its witness saying no. Each refusal has the status code that
the specification gives it. Deliberately not here: storage (`audit.witness_folder`), HTTP (`audit.witness_server`).
Source: C2SP tlog-witness, tlog-checkpoint.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from audit.errors import NoteError
from audit.note import Checkpoint, VerifierKey, split_note
from audit.tree import EMPTY_ROOT, HASH_BYTES, verify_consistency

LONGEST_PROOF = 63
LARGEST_REQUEST = 128 * 1024
"""Bytes: 63 lines of proof and a note of some twenty post-quantum signatures."""
SIZE_TYPE = "text/x.tlog.size"

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_HEAD_LINES = 3

LogKeys = Mapping[str, Sequence[VerifierKey]]
"""The keys that may sign for an origin, by origin."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A request to cosign: the size that the witness is believed to know, the proof, the checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint of an origin that this witness cosigned."""

    size: int
    root: bytes


NOTHING_SEEN = Seen(0, EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is cosigned: the status code, a word for people, and the known size where that is the answer."""

    status: HTTPStatus
    reason: str
    known_size: int | None = None

    @property
    def body(self) -> bytes:
        """The reply's body."""
        return b"%d\n" % self.known_size if self.known_size is not None else f"{self.reason}\n".encode()

    @property
    def content_type(self) -> str:
        """The reply's Content-Type."""
        return SIZE_TYPE if self.known_size is not None else "text/plain; charset=utf-8"


def read_submission(body: bytes) -> Submission | Refusal:
    """Return the request that the body of an `add-checkpoint` holds."""
    head, blank, note = body.partition(b"\n\n")
    old, *lines = head.split(b"\n")
    word, _, size = old.partition(b" ")
    wrong = Refusal(HTTPStatus.BAD_REQUEST, "expected: old SIZE, proof lines, an empty line, a checkpoint")
    if not blank or len(body) > LARGEST_REQUEST or word != b"old" or not _is_size(size):
        return wrong
    if len(lines) > LONGEST_PROOF:
        return Refusal(HTTPStatus.BAD_REQUEST, f"a proof has {LONGEST_PROOF} lines at most")
    proof = tuple(_hash(line) for line in lines)
    try:
        checkpoint = read_checkpoint(note)
    except NoteError:
        return wrong
    if any(not step for step in proof):
        return Refusal(HTTPStatus.BAD_REQUEST, "a proof line is the Base64 of 32 bytes")
    return Submission(int(size), proof, checkpoint)


def read_checkpoint(note: bytes) -> Checkpoint:
    """Return the checkpoint in a note, which may have extension lines; no signature is verified. Raises NoteError."""
    text, _ = split_note(note)
    lines = text.removesuffix("\n").split("\n")
    root = _hash(lines[2].encode()) if len(lines) >= _HEAD_LINES else b""
    if not root or not all(lines) or not _is_size(lines[1].encode()):
        raise NoteError("Это не контрольная отметка журнала.", "This is no checkpoint of a log.")
    return Checkpoint(lines[0], int(lines[1]), root, note)


def known_log(checkpoint: Checkpoint, keys: LogKeys) -> Refusal | None:
    """Say why a checkpoint is nobody's whom this witness serves; None when a key of its origin signed it."""
    trusted = keys.get(checkpoint.origin)
    if trusted is None:
        return Refusal(HTTPStatus.NOT_FOUND, "this witness doesn't serve the origin")
    if checkpoint.signed_by(trusted) is None:
        return Refusal(HTTPStatus.FORBIDDEN, "no true signature by a known key of the origin")
    return None


def decide(submission: Submission, seen: Seen) -> Refusal | None:
    """Say why a known log's checkpoint is not cosigned; None when it continues what was `seen`.

    To be asked and acted upon under one lock, or two submissions at once could take the witness back.
    """
    new = submission.checkpoint
    if submission.old_size > new.size:
        return Refusal(HTTPStatus.BAD_REQUEST, "the old size is above the checkpoint's")
    if submission.old_size != seen.size:
        return Refusal(HTTPStatus.CONFLICT, "another size is known", known_size=seen.size)
    if new.size == 0 and new.root != EMPTY_ROOT:
        return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "the root of an empty tree is the hash of nothing")
    if not verify_consistency(seen.size, new.size, seen.root, new.root, submission.proof):  # from 0: by no proof
        return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "the checkpoint doesn't continue the known one")
    return None


def submission_body(old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """Return the body of an `add-checkpoint` request."""
    lines = "".join(f"{base64.b64encode(step).decode()}\n" for step in proof)
    return f"old {old_size}\n{lines}\n".encode() + note


def origin_hash(origin: str) -> str:
    """Return what names a log in a witness's monitoring URL and in its folder."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _is_size(text: bytes) -> bool:
    try:
        return _SIZE.fullmatch(text.decode("ascii")) is not None
    except UnicodeDecodeError:
        return False


def _hash(line: bytes) -> bytes:
    """Return the 32 bytes that a Base64 line stands for, nothing for any other text."""
    try:
        data = base64.b64decode(line, validate=True)
    except ValueError:
        return b""
    return data if len(data) == HASH_BYTES and base64.b64encode(data) == line else b""
