"""Looks at who else knows the audit log's checkpoints: each witness, whether they are enough, copies and mail.

Rules. Asks the witnesses as a run would, which may give them the newest checkpoint; mails nothing. An installation
without witnesses is told so: its log is vouched for by its own key alone.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import database
from audit.log import AuditLog
from commands.findings import Condition, Finding, found
from delivery.checkpoint_copies import CopyFailedError, newest_copies
from delivery.checkpoints import FOLDER, MAIL, QUORUM, Held, holders
from flows.assembly import open_audit_log
from flows.witness_opening import open_witnessing
from flows.witness_words import why
from journal.wording import Wording
from settings import Settings

_NONE = Wording(
    ru="[audit] witnesses: свидетелей нет, за журнал ручается только его собственный ключ. "
    "Как завести: docs/witness.md",
    en="[audit] witnesses: none; only the log's own key vouches for it. To have some: docs/witness.md",
)
_COSIGNED = Wording(
    ru="[audit] witnesses: {url} заверил отметку, записей: {size}",
    en="[audit] witnesses: {url} cosigned the checkpoint, entries: {size}",
)
_MISSING = Wording(
    ru="[audit] witnesses: {url} не заверил: {ru}. Так с {since}. Проверьте адрес и сеть или сообщите его владельцу",
    en="[audit] witnesses: {url} has not cosigned: {en}. Since {since}. Check address and network, or tell its owner",
)
_ENOUGH = Wording(
    ru="[audit] quorum: свидетелей заверило {count}, нужно {quorum}",
    en="[audit] quorum: {count} witnesses cosigned, {quorum} are needed",
)
_SHORT = Wording(
    ru="[audit] quorum: свидетелей заверило {count}, нужно {quorum}. Новое отправляется до {until}, потом остановится",
    en="[audit] quorum: {count} witnesses cosigned, {quorum} are needed. New records go until {until}, then no more",
)
_STOPPED = Wording(
    ru="[audit] quorum: свидетелей заверило {count}, нужно {quorum}. Отправка остановлена с {until}",
    en="[audit] quorum: {count} witnesses cosigned, {quorum} are needed. Nothing new is sent since {until}",
)
_COPY = Wording(
    ru="[audit] {key}: последняя копия отметки: записей {size}", en="[audit] {key}: newest copy: {size} entries"
)
_NO_COPY = Wording(
    ru="[audit] {key}: об отправленных копиях здесь не записано, следующая уйдёт в конце запуска",
    en="[audit] {key}: no copy is noted here, the next one goes at a run's end",
)
_COPY_FAILED = Wording(
    ru="[audit] {key}: копия отметки не уходит ({trouble}) с {since}. Проверьте папку, сервер и настройки",
    en="[audit] {key}: copies fail ({trouble}) since {since}. Check the folder, the server and the settings",
)


def look_at_witnesses(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Ask every witness, and say when copies last went. Raises BridgeError when one contradicts the log."""
    audit = settings.audit
    engine = database.open_database(settings.bridge.state)
    try:
        log = open_audit_log(settings, engine, asking=True)
        open_witnessing(settings, engine, log, audit.origin, lambda: now)
        in_folder = _newest_in_folder(log, audit.copies)
        log.close()
        with database.reading(engine) as connection:
            known = holders(connection, audit.origin)
    finally:
        engine.dispose()
    if not audit.witnesses:
        yield found(Condition.FINE, _NONE)
    else:
        yield from _witnesses(settings, known, now)
    for holder, key, is_wanted in ((FOLDER, "copies", audit.copies), (MAIL, "mail_to", audit.mail_to)):
        if is_wanted:
            held = known.get(holder, Held())
            yield _copy(settings, key, held, in_folder if holder == FOLDER else None)


def _witnesses(settings: Settings, known: Mapping[str, Held], now: datetime) -> Iterator[Finding]:
    audit, count = settings.audit, 0
    for url, key in zip(audit.witnesses, audit.witness_keys, strict=True):
        held = known.get(key, Held())
        if held.failing_since is None:
            count += 1
            yield found(Condition.FINE, _COSIGNED, url=url, size=held.size)
        else:
            words = why(held.trouble or "")
            since = _local(settings, held.failing_since)
            yield found(Condition.LOOK, _MISSING, url=url, ru=words.ru, en=words.en, since=since)
    short_since = known.get(QUORUM, Held()).failing_since
    if short_since is None:
        yield found(Condition.FINE, _ENOUGH, count=count, quorum=audit.quorum)
        return
    until = short_since + timedelta(minutes=audit.witness_patience_minutes)
    condition, words = (Condition.WRONG, _STOPPED) if now > until else (Condition.LOOK, _SHORT)
    yield found(condition, words, count=count, quorum=audit.quorum, until=_local(settings, until))


def _newest_in_folder(log: AuditLog, folder: Path | None) -> int | None:
    """Return the size of the newest copy in the folder that this log signed: a database put back knows less of it."""
    try:
        copies = [] if folder is None else newest_copies(folder)
    except CopyFailedError:
        return None  # what was noted of it is told
    return max((copy.size for copy in copies if log.verifies(copy)), default=None)


def _copy(settings: Settings, key: str, held: Held, found_there: int | None) -> Finding:
    if held.failing_since is not None:
        since = _local(settings, held.failing_since)
        return found(Condition.LOOK, _COPY_FAILED, key=key, trouble=held.trouble, since=since)
    size = max((one for one in (held.size, found_there) if one is not None), default=None)
    return found(Condition.FINE, _NO_COPY if size is None else _COPY, key=key, size=size)


def _local(settings: Settings, moment: datetime) -> str:
    return moment.astimezone(settings.bridge.timezone).isoformat(timespec="minutes")
