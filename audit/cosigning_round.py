"""One round: the log's checkpoint is shown to every witness, and what they say is weighed. Writes nothing.

Rules. All witnesses are asked about one and the same checkpoint, at once, each from the size that it knows by its own
word. A witness that knows another tree of this log, or a longer one, has caught it cut, forked or put back from an
older copy: the round raises and nothing may be sent, however many others agree. Everything else that goes wrong
with a witness (out of reach, refuses, signs with another key) only means that its cosignature is missing; how many may
be missing and for how long is the caller's to say. A witness's moment may be ahead of this clock by five minutes.
Deliberately not here: storage, patience (`delivery.checkpoints`, `flows.witnessing`).
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from audit.cosigning import Cosignature, verify_cosignatures, with_lines
from audit.cosigning_client import WitnessAddress, WitnessUnreachableError, call
from audit.errors import AuditDamagedError, NoteError
from audit.log import AuditLog
from audit.note import Checkpoint
from audit.witness import SIZE_TYPE, submission_body

CLOCKS_APART = 300
"""Seconds that a witness's clock may be ahead of this machine's."""

_TRIES = 4
_ROUNDS = 3

UNKNOWN_LOG = "log-unknown"
UNKNOWN_KEY = "log-key-unknown"
NO_COSIGNATURE = "no-cosignature"
CLOCK_AHEAD = "clock-ahead"
UNSTEADY = "unsteady"
CONTRADICTED = "contradicted"
"""The witness knows this log otherwise: it stays so until it cosigns what it is shown."""


class LogContradictedError(AuditDamagedError):
    """A witness (`vkey`) knows this log otherwise: it was cut, forked, or put back from an older copy."""

    def __init__(self, ru: str, en: str, vkey: str) -> None:
        super().__init__(ru, en)
        self.vkey = vkey


@dataclass(frozen=True, slots=True)
class Answer:
    """What one witness said: its cosignature, or the code of why there is none.

    `known` is the size that the witness knew when it knew more than it was shown.
    """

    witness: WitnessAddress
    cosignature: Cosignature | None = None
    trouble: str = ""
    known: int | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """A checkpoint and every witness's answer to it, in the witnesses' order."""

    checkpoint: Checkpoint
    answers: tuple[Answer, ...]

    @property
    def cosignatures(self) -> tuple[Cosignature, ...]:
        """The cosignatures, each of another witness."""
        return tuple(answer.cosignature for answer in self.answers if answer.cosignature is not None)

    @property
    def note(self) -> bytes:
        """The checkpoint with all cosignatures."""
        return with_lines(self.checkpoint.note, [cosignature.line for cosignature in self.cosignatures])


def ask_all(log: AuditLog, witnesses: Sequence[WitnessAddress], known: Mapping[str, int], now: datetime) -> Round:
    """Return what all witnesses say of the log's present checkpoint.

    `known` are the sizes that the witnesses are believed to know, by vkey: a hint that saves a call.
    Raises LogContradictedError, AuditDamagedError, AuditUnavailableError (the log can't be read).
    """
    asked = _asked(log, log.checkpoint(), witnesses, known, now)
    for _ in range(_ROUNDS):
        ahead = [answer for answer in asked.answers if (answer.known or 0) > asked.checkpoint.size]
        if not ahead:
            break
        newest = log.checkpoint()  # another process of this log's may have grown it and asked meanwhile
        for answer in ahead:
            if (answer.known or 0) > newest.size:
                raise _cut(answer, newest.size)
        asked = _asked(log, newest, witnesses, known, now)
    return asked


def _asked(
    log: AuditLog, checkpoint: Checkpoint, witnesses: Sequence[WitnessAddress], known: Mapping[str, int], now: datetime
) -> Round:
    """Ask all witnesses about one checkpoint, at once."""

    def ask(witness: WitnessAddress) -> Answer:
        return _ask(log, checkpoint, witness, known.get(witness.key.vkey, 0), now)

    with ThreadPoolExecutor(max(1, len(witnesses)), thread_name_prefix="witness") as threads:
        return Round(checkpoint, tuple(threads.map(ask, witnesses)))


def _ask(log: AuditLog, checkpoint: Checkpoint, witness: WitnessAddress, known: int, now: datetime) -> Answer:
    old = min(known, checkpoint.size)
    for _ in range(_TRIES):
        body = submission_body(old, log.continuation(old, checkpoint), checkpoint.note)
        try:
            reply = call(witness, "POST", "add-checkpoint", body)
        except WitnessUnreachableError as error:
            return Answer(witness, trouble=error.failing.value)
        if reply.status == HTTPStatus.OK:
            return _cosigned(checkpoint, witness, reply.body, now)
        if reply.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise _forked(witness, old)
        if reply.status != HTTPStatus.CONFLICT:
            return Answer(witness, trouble=_TROUBLES.get(reply.status, f"http-{reply.status}"))
        size = _size(reply.body) if reply.content_type == SIZE_TYPE else None
        if size is None:
            return Answer(witness, trouble=f"http-{reply.status}")
        if size > checkpoint.size:
            return Answer(witness, trouble=UNSTEADY, known=size)
        old = size
    return Answer(witness, trouble=UNSTEADY)


_TROUBLES: Mapping[int, str] = {HTTPStatus.NOT_FOUND: UNKNOWN_LOG, HTTPStatus.FORBIDDEN: UNKNOWN_KEY}


def _cosigned(checkpoint: Checkpoint, witness: WitnessAddress, lines: bytes, now: datetime) -> Answer:
    try:
        found = verify_cosignatures(checkpoint.note + lines, [witness.key])
    except NoteError:
        found = []
    if not found:
        return Answer(witness, trouble=NO_COSIGNATURE)
    if found[0].moment > now.timestamp() + CLOCKS_APART:
        return Answer(witness, trouble=CLOCK_AHEAD)
    return Answer(witness, found[0])


def _size(body: bytes) -> int | None:
    digits = body.removesuffix(b"\n")
    right = digits.isdigit() and len(digits) < 20 and str(int(digits)).encode() == digits  # noqa: PLR2004  as sizes go
    return int(digits) if right else None


_NOTHING_RU = "Ничего не отправлено. Сохраните папки обеих сторон как есть."
_NOTHING_EN = "Nothing was sent. Keep both sides' folders as they are."
_OR_ELSE_RU = (
    "Либо здесь всё цело, а у свидетеля журнал продолжил кто-то другой, у кого есть ключ подписи. Проверьте свой: "
    "dnevnik audit verify; если он цел и ничего не возвращали из копий, ключ украден: отзовите его по docs/witness.md."
)
_OR_ELSE_EN = (
    "Or all is whole here, and somebody else who has the signing key continued the log at the witness. Check yours: "
    "dnevnik audit verify; if it is whole and nothing was put back, the key was stolen: revoke it as docs/witness.md "
    "says."
)


def _cut(answer: Answer, size: int) -> LogContradictedError:
    url, known = answer.witness.url, answer.known
    return LogContradictedError(
        f"Свидетель {url} знает журнал аудита из {known} записей, а здесь их {size}. {_NOTHING_RU} Либо журнал здесь "
        f"обрезан или восстановлен из старой копии: верните новейшую. {_OR_ELSE_RU}",
        f"The witness {url} knows the audit log with {known} entries, here it has {size}. {_NOTHING_EN} Either the log "
        f"here was cut or put back from an older copy: restore the newest one. {_OR_ELSE_EN}",
        answer.witness.key.vkey,
    )


def _forked(witness: WitnessAddress, size: int) -> LogContradictedError:
    return LogContradictedError(
        f"Свидетель {witness.url} заверил другой журнал аудита: первые {size} записей не те, что здесь. {_NOTHING_RU} "
        f"Либо журнал здесь переписан или начат заново: верните копию, которую знает свидетель. {_OR_ELSE_RU}",
        f"The witness {witness.url} cosigned another audit log: its first {size} entries are not those here. "
        f"{_NOTHING_EN} Either the log here was rewritten or begun anew: restore the copy that the witness knows. "
        f"{_OR_ELSE_EN}",
        witness.key.vkey,
    )
