"""Keeps the audit log's checkpoints known elsewhere, and stops sending when too few witnesses vouch for them.

Rules (docs/adr/withdrawals-without-witnesses.md). Witnesses are asked when the bridge starts, at a run's start and
end, and between batches, never more often than every so many seconds but at a run's end. One that knows another or a
longer log stops everything at once, and until it cosigns this log again: being away, or strange to a new key, takes
nothing back. Fewer cosignatures than the quorum are borne for the set time, counted from the first round that fell
short, over all processes and restarts; after it nothing is published and no link opened, but what the law demands to be
taken back still is. Copies into a folder and by e-mail go at a run's end and stop nothing.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.engine import Engine

from audit.cosigning import verify_cosignatures
from audit.cosigning_client import WitnessAddress
from audit.cosigning_round import CONTRADICTED, LogContradictedError, Round, ask_all
from audit.errors import AuditDamagedError, NoteError
from audit.log import AuditLog
from audit.note import Checkpoint
from database import reading, writing
from delivery.checkpoint_copies import CopyFailedError, MailRoute, mail_copy, newest_copies, store_copy
from delivery.checkpoints import (
    FOLDER,
    MAIL,
    QUORUM,
    Held,
    holders,
    note_failing,
    note_held,
    remember_checkpoint,
)
from flows.witness_words import COPIES, DATABASE_WORD, LOG_FILE, contradicted, still_contradicted, why
from journal.wording import BridgeError, Language, Wording

log = structlog.get_logger("dnevnik.witnesses")

SHORT = "witnesses-short"

_SHORT = Wording(
    ru="Журнал аудита заверяют {count} из {quorum} нужных свидетелей, так уже с {since}. Ничего нового не "
    "отправляется, с портала только убирается то, что требует закон. Не заверили: {who_ru}. Проверьте связь "
    "(dnevnik check), сообщите владельцу свидетеля; следующий запуск спросит снова.",
    en="The audit log is cosigned by {count} of the {quorum} witnesses needed, since {since}. Nothing new is sent; "
    "only what the law demands is taken back from the portal. Not cosigned by: {who_en}. Check the connection (dnevnik "
    "check), tell the witness's owner; the next run asks again.",
)

_FEW = Wording(
    ru="Журнал аудита заверяют {count} из {quorum} нужных свидетелей, так с {since}. Новое отправляется до {until}, "
    "потом остановится. Не заверили: {who_ru}. Проверьте связь (dnevnik check), сообщите владельцу свидетеля",
    en="The audit log is cosigned by {count} of the {quorum} witnesses needed, since {since}. New records go until "
    "{until}, then no more. Not cosigned by: {who_en}. Check the connection (dnevnik check), tell the witness's owner",
)


@dataclass(slots=True)
class Witnessing:
    """How one installation keeps its checkpoints known elsewhere. Safe to use from several threads.

    `every` seconds are between two rounds, `copies_every` between two copies; `patience` is how long fewer
    cosignatures than `quorum` are borne.
    """

    engine: Engine
    log: AuditLog
    origin: str
    clock: Callable[[], datetime]
    witnesses: Sequence[WitnessAddress] = ()
    quorum: int = 0
    patience: timedelta = timedelta(hours=1)
    every: float = 60.0
    folder: Path | None = None
    mail: MailRoute | None = None
    copies_every: timedelta = timedelta(hours=1)
    language: Language = Language.RU
    _asking: threading.Lock = field(default_factory=threading.Lock)
    _asked_at: float | None = None
    _standing: Held = field(default_factory=Held)
    _last: Round | None = field(default=None, repr=False)

    def begin(self) -> None:
        """Hold the log against the newest checkpoint known anywhere, witnesses last.

        Raises AuditDamagedError (LogContradictedError from a witness) when the log doesn't continue one of them.
        """
        with reading(self.engine) as connection:
            known = holders(connection, self.origin)
        self._hold_against(LOG_FILE, self._cosigned_by_ours(self.log.cosigned()))
        for held in known.values():
            self._hold_against(DATABASE_WORD, _parsed(held.note))
        for copy in self._copies():
            self._hold_against(COPIES, copy)
        self.keep_up(at_once=True)

    def keep_up(self, *, at_once: bool = False) -> None:
        """Ask the witnesses, if it is time (`at_once`: in any case) and no other thread is at it.

        Raises LogContradictedError, AuditUnavailableError; a witness that is away raises nothing.
        """
        if not self.witnesses:
            return
        if not self._asking.acquire(blocking=at_once):
            return
        try:
            if at_once or self._asked_at is None or time.monotonic() - self._asked_at >= self.every:
                self._round()
                self._asked_at = time.monotonic()
        finally:
            self._asking.release()

    def refuse_when_short(self) -> None:
        """Raise BridgeError `witnesses-short` once too few witnesses have vouched for the log for too long."""
        told = self._missing()
        if told and self._standing.out_of_patience(self.clock(), self.patience):
            raise BridgeError(SHORT, _SHORT, told)

    def shortage(self) -> BridgeError | None:
        """Return what a person is to be told while too few vouch and it is still borne; None otherwise."""
        told = self._missing()
        if not told or self._standing.out_of_patience(self.clock(), self.patience):
            return None
        return BridgeError(SHORT, _FEW, told)

    def _missing(self) -> dict[str, object]:
        """Return who has not cosigned and since when they are too few, for a sentence; empty when they are enough."""
        since, asked = self._standing.failing_since, self._last
        if since is None or asked is None:
            return {}
        missing = [(one.witness.url, one.trouble) for one in asked.answers if one.cosignature is None]
        return {
            "count": len(asked.cosignatures),
            "quorum": self.quorum,
            "since": since.isoformat(timespec="minutes"),
            "until": (since + self.patience).isoformat(timespec="minutes"),
            "who_ru": ", ".join(f"{url} ({why(trouble).ru})" for url, trouble in missing),
            "who_en": ", ".join(f"{url} ({why(trouble).en})" for url, trouble in missing),
        }

    def end(self) -> None:
        """Ask once more, now that a run's last entry is in the log, and send the copies that are due.

        Raises as `keep_up` does.
        """
        self.keep_up(at_once=True)
        if self.folder is None and self.mail is None:
            return
        with reading(self.engine) as connection:
            known = holders(connection, self.origin)
        checkpoint = self._last.checkpoint if self._last else self.log.checkpoint()
        note = self._last.note if self._last else checkpoint.note
        outgoing = Checkpoint(checkpoint.origin, checkpoint.size, checkpoint.root, note)
        folder, mail = self.folder, self.mail
        if folder is not None:
            self._send(FOLDER, outgoing, known, lambda: store_copy(folder, outgoing))
        if mail is not None:
            self._send(MAIL, outgoing, known, lambda: mail_copy(mail, outgoing, self.language))

    def _send(self, holder: str, outgoing: Checkpoint, known: Mapping[str, Held], send: Callable[[], None]) -> None:
        now = self.clock()
        if not known.get(holder, Held()).is_due(outgoing.size, now, self.copies_every):
            return
        trouble = None
        try:
            send()
        except CopyFailedError as error:
            trouble = error.trouble
            log.warning("checkpoint copy failed", code=trouble)
        with writing(self.engine) as connection:
            if trouble is None:
                note_held(connection, self.origin, holder, size=outgoing.size, note=outgoing.note, now=now)
            else:
                note_failing(connection, self.origin, holder, trouble=trouble, now=now)

    def _round(self) -> None:
        with reading(self.engine) as connection:
            known = holders(connection, self.origin)
        sizes = {holder: held.size or 0 for holder, held in known.items()}
        try:
            asked = ask_all(self.log, self.witnesses, sizes, self.clock())
        except LogContradictedError as error:
            with writing(self.engine) as connection:
                note_failing(connection, self.origin, error.vkey, trouble=CONTRADICTED, now=self.clock())
            raise
        now, checkpoint = self.clock(), asked.checkpoint
        enough = len(asked.cosignatures) >= self.quorum
        if enough:  # before the database: dies between the two, the file beside the log knows
            self.log.keep_cosigned(asked.note)
        with writing(self.engine) as connection:
            for answer in asked.answers:
                holder = answer.witness.key.vkey
                if answer.cosignature is None:
                    note_failing(connection, self.origin, holder, trouble=answer.trouble, now=now)
                else:
                    note = checkpoint.note + answer.cosignature.line.encode()
                    note_held(connection, self.origin, holder, size=checkpoint.size, note=note, now=now)
            if enough:
                note_held(connection, self.origin, QUORUM, size=checkpoint.size, note=asked.note, now=now)
            else:
                note_failing(connection, self.origin, QUORUM, trouble=SHORT, now=now)
            remember_checkpoint(connection, self.origin, checkpoint.size, checkpoint.root, now)
            known = holders(connection, self.origin)
        self._standing, self._last = known[QUORUM], asked
        refuse_contradicted({witness.key.vkey: witness.url for witness in self.witnesses}, known)

    def _copies(self) -> list[Checkpoint]:
        """Return the newest copies in the folder that this log signed; one out of reach is told and passed over."""
        if self.folder is None:
            return []
        try:
            copies = newest_copies(self.folder)
        except CopyFailedError as error:
            log.warning("checkpoint copies unreadable", code=error.trouble)
            return []
        return [copy for copy in copies if self.log.verifies(copy)]

    def _cosigned_by_ours(self, checkpoint: Checkpoint | None) -> Checkpoint | None:
        """Return a checkpoint that one of the witnesses cosigned, None for any other."""
        try:
            keys = [witness.key for witness in self.witnesses]
            return checkpoint if checkpoint is not None and verify_cosignatures(checkpoint.note, keys) else None
        except NoteError:
            return None

    def _hold_against(self, where: Wording, known: Checkpoint | None) -> None:
        """Raise AuditDamagedError when the log does not continue a checkpoint known elsewhere that it signed itself."""
        if known is None or not self.log.verifies(known) or self.log.continues(known.size, known.root):
            return
        said = contradicted(where, known.size, self.log.checkpoint().size)
        raise AuditDamagedError(said.ru, said.en)


def refuse_contradicted(urls: Mapping[str, str], known: Mapping[str, Held]) -> None:
    """Raise LogContradictedError while a witness (URLs by vkey) that contradicted the log has not cosigned it."""
    for vkey, url in urls.items():
        held = known.get(vkey, Held())
        if held.trouble == CONTRADICTED:
            said = still_contradicted(url, held.failing_since)
            raise LogContradictedError(said.ru, said.en, vkey)


def _parsed(note: bytes | None) -> Checkpoint | None:
    try:
        return None if note is None else Checkpoint.parse(note)
    except NoteError:
        return None
