"""Where a witness keeps what it is and what it saw: its key, the logs that it serves, each log's newest checkpoint.

Rules. `witness.pem` (0600) is the key, `name` the witness's name, `logs` one vkey a line, `dropped` likewise the keys
that are refused for good, `seen/HASH/checkpoint` the newest checkpoint that was cosigned, with the log's signature and
the witness's own. Both lists are read at each request, so a witness at work heeds what is added and dropped; a key that
was dropped is refused whatever else names it, and its origin stays known. A checkpoint is written beside,
flushed, renamed, and its folder flushed, before its cosignature leaves; what is stored is trusted only as far as the
witness's own signature in it verifies, else nothing is cosigned. The lock (flock) is held from reading what was seen
until the new one is durable, so any number of threads and processes may serve one folder.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from audit.cosigning import cosign, cosigner_key, log_lines, verify_cosignatures, with_lines
from audit.durable_files import flush_folder, make_folder, write_flushed
from audit.errors import AuditDamagedError, AuditUnavailableError, NoteError
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.note import Checkpoint, VerifierKey, check_name, split_note
from audit.witness import (
    NOTHING_SEEN,
    LogKeys,
    Refusal,
    Seen,
    decide,
    known_log,
    origin_hash,
    read_checkpoint,
    read_submission,
)

KEY_FILE, NAME_FILE, LOGS_FILE, DROPPED_FILE, SEEN = "witness.pem", "name", "logs", "dropped", "seen"
LOCK_SECONDS = 5.0
_POLL_SECONDS = 0.005
BUSY = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "busy, try again")


def read_witness(folder: Path) -> SigningKey:
    """Return the key of the witness in `folder`, under its name.

    Raises AuditUnavailableError, KeyFileError, NoteError.
    """
    with _named(folder):
        pem, name = (folder / KEY_FILE).read_bytes(), (folder / NAME_FILE).read_text(encoding="utf-8").strip()
    return load_signing_key(pem, name)


def make_witness(folder: Path, name: str) -> bool:
    """Make a witness of that name in `folder`; tells whether its key is new. A key that is there is kept.

    Raises NoteError for a wrong name, AuditUnavailableError when another witness is there or nothing can be written.
    """
    check_name(name)
    with _named(folder):
        make_folder(folder)
        if not (folder / NAME_FILE).exists():
            _write(folder / NAME_FILE, f"{name}\n".encode())
        known = (folder / NAME_FILE).read_text(encoding="utf-8").strip()
        if known == name and not (folder / KEY_FILE).exists():  # dies before: the key is made next time
            _write(folder / KEY_FILE, create_signing_key())
            return True
    if known != name:
        raise AuditUnavailableError(
            f"В папке {folder} уже свидетель {known}. Другому имени нужна другая папка и другой ключ.",
            f"The witness {known} is in {folder} already. Another name needs another folder and another key.",
        )
    return False


def add_log_keys(folder: Path, keys: Sequence[VerifierKey]) -> None:
    """Write down logs that the witness in `folder` is to serve besides; those there stay.

    Raises AuditUnavailableError, for a key that was dropped too.
    """
    refuse_dropped(folder, keys)
    _add_lines(folder, LOGS_FILE, keys)


def refuse_dropped(folder: Path, keys: Sequence[VerifierKey]) -> None:
    """Raise AuditUnavailableError where one of the keys was dropped: it is not to come back by an old command."""
    for key in keys:
        if key in read_dropped_keys(folder):
            raise AuditUnavailableError(
                f"От ключа {key.vkey} этот свидетель отказался. Дайте новый ключ журнала; если отказ был ошибкой, "
                f"удалите строку из {folder / DROPPED_FILE}",
                f"This witness dropped the key {key.vkey}. Give the log's new key; if it was dropped by mistake, "
                f"delete the line from {folder / DROPPED_FILE}",
            )


def read_log_keys(folder: Path) -> list[VerifierKey]:
    """Return the keys of the logs that the witness in `folder` serves. Raises AuditUnavailableError, NoteError."""
    return _keys_in(folder, LOGS_FILE)


def read_dropped_keys(folder: Path) -> list[VerifierKey]:
    """Return the keys that the witness in `folder` refuses for good. Raises AuditUnavailableError, NoteError."""
    return _keys_in(folder, DROPPED_FILE)


def _lines_of(folder: Path, name: str) -> list[str]:
    with _named(folder):
        try:
            return (folder / name).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []


def _keys_in(folder: Path, name: str) -> list[VerifierKey]:
    lines = _lines_of(folder, name)
    return [VerifierKey.parse(line) for line in lines if line.strip() and not line.startswith("#")]


def _add_lines(folder: Path, name: str, keys: Sequence[VerifierKey]) -> None:
    there = _keys_in(folder, name)
    more = [key.vkey for key in dict.fromkeys(keys) if key not in there]
    if more:
        _write_lines(folder, name, [*_lines_of(folder, name), *more])


def _write_lines(folder: Path, name: str, lines: Sequence[str]) -> None:
    with _named(folder):
        _write(folder / name, "".join(f"{line}\n" for line in lines).encode())


def by_origin(keys: Sequence[VerifierKey]) -> dict[str, list[VerifierKey]]:
    """Return log keys by the origin that they sign for, which is their name."""
    grouped: dict[str, list[VerifierKey]] = {}
    for key in keys:
        grouped.setdefault(key.name, []).append(key)
    return grouped


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness at work on its folder; serves `logs` besides the folder's. Safe for several threads and processes."""

    folder: Path
    key: SigningKey = field(repr=False)
    logs: LogKeys = field(default_factory=dict)
    now: Callable[[], int] = lambda: int(time.time())

    def served(self) -> LogKeys:
        """Return the keys that may sign now, by origin, as the folder has them; none for one whose keys were dropped.

        Raises AuditUnavailableError, NoteError.
        """
        dropped = read_dropped_keys(self.folder)
        given = [*read_log_keys(self.folder), *(key for keys in self.logs.values() for key in keys)]
        known = by_origin([key for key in dict.fromkeys(given) if key not in dropped])
        return {**{key.name: [] for key in dropped}, **known}

    def drop(self, key: VerifierKey) -> None:
        """Refuse a log's key for good. Once this returns nothing is cosigned that it alone signed; what was, stays.

        Raises AuditUnavailableError; then `drop` has to be asked for again.
        """
        with self._locked(key.name) as place:
            if place is None:
                raise AuditUnavailableError(
                    "Свидетель занят этим журналом. Повторите", "The witness is busy with this log. Do this again"
                )
            _add_lines(self.folder, DROPPED_FILE, [key])
            # Killed here: it is refused already, for `dropped` counts before `logs`.
            lines = _lines_of(self.folder, LOGS_FILE)
            left = [line for line in lines if line.strip() != key.vkey]
            if left != lines:
                _write_lines(self.folder, LOGS_FILE, left)

    def add_checkpoint(self, body: bytes) -> str | Refusal:
        """Return the cosignature line for an `add-checkpoint` body, or why there is none.

        Raises AuditUnavailableError when the folder can't be read or written; then nothing was cosigned.
        """
        submission = read_submission(body)
        if isinstance(submission, Refusal):
            return submission
        checkpoint = submission.checkpoint
        unknown = known_log(checkpoint, self.served())
        if unknown is not None:
            return unknown  # before there is a place for it: a stranger's log leaves nothing here
        with self._locked(checkpoint.origin) as place:
            if place is None:
                return BUSY
            served = self.served()  # a key may have been dropped since, under this lock
            refusal = known_log(checkpoint, served) or decide(submission, self._seen(place, checkpoint.origin))
            if refusal is not None:
                return refusal
            line = cosign(checkpoint.note, self.key, self.now())
            self._keep(place, with_lines(self._own(checkpoint, served), [line]))
            # Killed before this line: it is known as cosigned, the log asks once more and gets a newer cosignature.
            return line

    def latest(self, hashed: str) -> bytes | None:
        """Return the newest cosigned checkpoint of the origin with this hash; None when there is none."""
        if hashed not in {origin_hash(origin) for origin in self.served()}:
            return None
        with _named(self.folder):
            try:
                return (self.folder / SEEN / hashed / "checkpoint").read_bytes()
            except FileNotFoundError:
                return None

    def check(self) -> list[Checkpoint]:
        """Read all that was seen, as serving would. Raises AuditDamagedError, AuditUnavailableError."""
        found = []
        for origin in self.served():
            place = self.folder / SEEN / origin_hash(origin)
            if self._seen(place, origin) != NOTHING_SEEN:
                found.append(read_checkpoint((place / "checkpoint").read_bytes()))
        return found

    def _own(self, checkpoint: Checkpoint, served: LogKeys) -> bytes:
        """Return the note with the signatures of known keys of the log alone."""
        text, signatures = split_note(checkpoint.note)
        known = {(key.name, key.key_id) for key in served[checkpoint.origin]}
        kept = "".join(line.line for line in signatures if (line.name, line.key_id) in known)
        return log_lines(f"{text}\n{kept}".encode(), [cosigner_key(self.key)])

    def _seen(self, place: Path, origin: str) -> Seen:
        with _named(place):
            try:
                note = (place / "checkpoint").read_bytes()
            except FileNotFoundError:
                return NOTHING_SEEN
        checkpoint = self._own_word(note, origin)
        if checkpoint is None:
            raise AuditDamagedError(
                f"Файл {place / 'checkpoint'} не подписан этим свидетелем или испорчен. Свидетель не подписывает "
                "ничего по этому журналу. Верните файл из копии или спросите владельца журнала о последней отметке.",
                f"The file {place / 'checkpoint'} is damaged or not signed by this witness, which signs nothing for "
                "this log. Restore the file, or ask the log's owner for the newest checkpoint.",
            )
        return Seen(checkpoint.size, checkpoint.root)

    def _own_word(self, note: bytes, origin: str) -> Checkpoint | None:
        """Return the checkpoint in a stored note, if this witness cosigned it for this origin."""
        try:
            checkpoint = read_checkpoint(note)
            own = verify_cosignatures(note, [cosigner_key(self.key)])
        except NoteError:
            return None
        return checkpoint if own and checkpoint.origin == origin else None

    def _keep(self, place: Path, note: bytes) -> None:
        """Put the new checkpoint in the old one's place, durably."""
        with _named(place):
            _write(place / "checkpoint", note)

    @contextmanager
    def _locked(self, origin: str) -> Iterator[Path | None]:
        """Hold a log's place; None when others hold it for too long."""
        place = self.folder / SEEN / origin_hash(origin)
        with _named(place):
            make_folder(place)
            lock = os.open(place / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield place if _taken(lock) else None
        finally:
            os.close(lock)


def _write(target: Path, content: bytes) -> None:
    """Put a file in place, whole and durable, readable by its owner alone."""
    new = target.with_name(f"{target.name}.new")
    write_flushed(new, content)
    os.replace(new, target)  # noqa: PTH105  the calls that may fail are all of `os`, as tests break them
    # Killed before the flush: the old or the new file stands, and no cosignature has left for the new one.
    flush_folder(target.parent)


def _taken(lock: int) -> bool:
    deadline = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)
        else:
            return True
    return False


@contextmanager
def _named(place: Path) -> Iterator[None]:
    """Turn a failure of the file system into the error that says where."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise AuditUnavailableError(
            f"Папка свидетеля {place} недоступна ({reason}). Проверьте путь, диск и права; создать: "
            "dnevnik witness init",
            f"The witness's folder {place} is out of reach ({reason}). Check path, disk and rights; to make one: "
            "dnevnik witness init",
        ) from error
