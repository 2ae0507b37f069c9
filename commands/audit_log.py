"""`dnevnik audit verify`: recomputes a log from its files; needs no database of the bridge and no Prefect.

Rules. Verifies any log at any place; without a place, the installation's own. A key given by `--key` decides
who should have signed; without it the installation's signing key does, where there is one; else the log is only
held against itself, and the verdict says so. The installation's own log is also held against the newest checkpoint
that the bridge's database remembers, where that can be read, and the copies of checkpoints in the folder that the
settings name, as far as the log's keys signed them. Exit status 0 whole, 2 damaged or signed by another.
"""

import base64
from collections.abc import Sequence
from pathlib import Path

from audit.cosigning import CosignerKey
from audit.errors import AuditError
from audit.key_file import former_keys
from audit.keys import load_signing_key
from audit.location import open_store
from audit.note import Checkpoint, VerifierKey
from audit.tiles import CHECKPOINT
from audit.verify import Verdict, verify_log
from commands.call import Call
from commands.console import Console
from journal.wording import BridgeError, ExitStatus, Language, Wording
from settings import Settings

_VERIFYING = Wording(ru="Проверка журнала", en="Verifying the log")
_WHOLE = Wording(
    ru="{log}: журнал цел. Записей: {size}. Корень: {root}", en="{log}: the log is whole. Entries: {size}. Root: {root}"
)
_COMPARED = Wording(
    ru="Журнал продолжает все прежние отметки, какие нашлись: {count}",
    en="The log continues all earlier checkpoints that were found: {count}",
)
_KEPT = Wording(
    ru="Из них в таблице audit_checkpoint: {count}. Удалены ли оттуда другие, не видно; записей это не скрывает: все "
    "записи покрывает последняя отметка, а что журнал не обрезан, показывают свидетели и отметки, сохранённые отдельно",
    en="Of these in the table audit_checkpoint: {count}. Whether others were deleted there can't be told; that hides "
    "no entry: the newest checkpoint covers all, and that the log wasn't cut is shown by witnesses and checkpoints "
    "kept elsewhere",
)
_WITNESSED = Wording(
    ru="Первые записи ({size}) подтвердили свидетели: {witnesses}",
    en="Witnesses confirmed the first entries ({size}): {witnesses}",
)
_TOO_FEW = Wording(
    ru="Свидетелей, которым вы верите, под отметкой {count}, нужно {quorum}. Спросите их о ней: docs/witness.md",
    en="Witnesses whom you trust signed a checkpoint: {count}, {quorum} are needed. Ask them for it: docs/witness.md",
)
_UNKNOWN_KEY = Wording(
    ru="Чья подпись под журналом, не проверено: дайте ключ проверки (--key)",
    en="Whose signature the log bears was not checked: give the verifier key (--key)",
)
_UNPUBLISHED = Wording(
    ru="За последней отметкой лежит незаконченное ({count}): так бывает после обрыва, следующая запись это уберёт",
    en="Beyond the last checkpoint lies something unfinished ({count}): a break leaves that, the next entry removes it",
)
_BROKEN = Wording(
    ru="{log}: журнал НЕ цел, нарушений: {count}. Сохраните его как есть и верните копию",
    en="{log}: the log is NOT whole, problems: {count}. Keep it as it is and restore a copy",
)
_NOTHING_KNOWN = Wording(
    ru="{file}: файл контрольной отметки не читается. Дайте файл checkpoint, сохранённый отдельно от журнала",
    en="{file}: the checkpoint file can't be read. Give a file checkpoint that was kept apart from the log",
)
_NO_LOG = Wording(
    ru="{log}: такого файла или папки нет. Дайте папку журнала, адрес его базы или пакет доказательств",
    en="{log}: there is no such file or folder. Give the log's folder, its database's URL or an evidence package",
)
_COPIES_UNREAD = Wording(
    ru="[audit] copies: папка не читается ({trouble}), с копиями отметок в ней журнал не сверен. Проверьте папку и "
    "права",
    en="[audit] copies: the folder can't be read ({trouble}), so the log was not held against the checkpoints in it. "
    "Check the folder and the rights",
)


def verify(
    call: Call,
    log: str | None,
    *,
    key: str | None,
    checkpoints: Sequence[Path] = (),
    witnesses: Sequence[str] = (),
    quorum: int = 0,
) -> ExitStatus:
    """Verify the log at a folder or URL and say what was found.

    Raises BridgeError (`log-missing`, `checkpoint-unreadable`), AuditError for a wrong key.
    `witnesses` are vkey lines, none: the installation's; fewer than `quorum` of them are an answer of status 2.
    """
    earlier = [kept_checkpoint(file) for file in checkpoints]
    settings = _settings(call, needed=log is None)
    if log is None and settings is not None:
        location = settings.audit.log
        earlier += _remembered(settings)
    else:
        location = log if log is not None and "://" in log else Path(log or "")
        if isinstance(location, Path) and not location.exists():
            raise BridgeError("log-missing", _NO_LOG, {"log": location})
    verifier = _own_key(settings, location) if key is None else VerifierKey.parse(key)
    former = [] if settings is None or key is not None else installation_former_keys(settings)
    configured = () if settings is None else settings.audit.witness_keys
    trusted = [CosignerKey.parse(known) for known in witnesses or configured]
    console = call.console
    if log is None and settings is not None:
        earlier += _copies(console, settings, [] if verifier is None else [verifier, *former])
    with console.waiting(_VERIFYING) as waiting:
        verdict = verify_log(
            location,
            verifier,
            former_keys=former,
            witnesses=trusted,
            earlier=earlier,
            progress=lambda done, total: waiting.tell("", done, total),
        )
    status = _say(console, verdict, str(location) if isinstance(location, Path) else "[audit] log")
    if len(verdict.witnesses) < quorum:
        console.note(_TOO_FEW.say(console.language, count=len(verdict.witnesses), quorum=quorum))
        return ExitStatus.NOT_DONE
    return status


def _say(console: Console, verdict: Verdict, shown: str) -> ExitStatus:
    for problem in verdict.problems:
        console.note(problem.ru if console.language == Language.RU else problem.en)
    if not verdict.ok:
        console.note(_BROKEN.say(console.language, log=shown, count=len(verdict.problems)))
        return ExitStatus.NOT_DONE
    console.say(_WHOLE, log=shown, size=verdict.size, root=base64.b64encode(verdict.root).decode())
    if verdict.compared:
        console.say(_COMPARED, count=verdict.compared)
    if verdict.kept:
        console.say(_KEPT, count=verdict.kept)
    if verdict.witnesses:
        console.say(_WITNESSED, size=verdict.witnessed, witnesses=", ".join(verdict.witnesses))
    if not verdict.key_known:
        console.note(_UNKNOWN_KEY.say(console.language))
    if verdict.unpublished:
        console.note(_UNPUBLISHED.say(console.language, count=len(verdict.unpublished)))
    return ExitStatus.DONE


def _settings(call: Call, *, needed: bool) -> Settings | None:
    """Read the installation's file; an auditor who names a log needs none."""
    if needed:
        return call.settings()
    try:
        return call.settings()
    except BridgeError:
        return None


def _own_key(settings: Settings | None, location: str | Path) -> VerifierKey | None:
    """Return the public half of the installation's signing key, under the name that the log gives itself."""
    if settings is None or not settings.audit.signing_key.exists:
        return None
    store = open_store(location)
    try:
        note = store.read(CHECKPOINT)
        origin = None if note is None else Checkpoint.parse(note).origin
    except AuditError:
        origin = None  # the verification says what is wrong
    finally:
        store.close()
    return None if origin is None else load_signing_key(settings.audit.signing_key.read(), origin).verifier


def installation_former_keys(settings: Settings) -> list[VerifierKey]:
    """Return the keys that signed the installation's log before the present one did."""
    path = settings.audit.signing_key.path
    return former_keys(None if path is None else path.resolve())


def kept_checkpoint(file: Path) -> Checkpoint:
    """Read a checkpoint that was kept apart from the log. Raises BridgeError `checkpoint-unreadable`, NoteError."""
    try:
        note = file.read_bytes()
    except OSError:
        note = None
    if note is None:
        raise BridgeError("checkpoint-unreadable", _NOTHING_KNOWN, {"file": file})
    return Checkpoint.parse(note)


def _copies(console: Console, settings: Settings, keys: Sequence[VerifierKey]) -> list[Checkpoint]:
    """Return the copies in the configured folder that one of the log's keys signed; says when it can't be read."""
    from delivery.checkpoint_copies import CopyFailedError, newest_copies  # noqa: PLC0415  likewise

    if settings.audit.copies is None:
        return []
    try:
        copies = newest_copies(settings.audit.copies, most=None)
    except CopyFailedError as error:
        console.note(_COPIES_UNREAD.say(console.language, trouble=error.trouble))
        return []
    return [copy for copy in copies if copy.origin == settings.audit.origin and copy.signed_by(keys) is not None]


def _remembered(settings: Settings) -> list[Checkpoint]:
    """Return the newest checkpoint that the bridge's database knows, where there is one: a cut log shows by it."""
    from commands.known_checkpoint import known_checkpoint  # noqa: PLC0415  a copy of a log needs no database

    return known_checkpoint(settings)
