"""`dnevnik keys list | check`: which keys there are, by their ids, where, and whether they are as they have to be.

Rules. A key is shown by its id or its public half, never by itself. A private key that others may read is wrong, and so
is one that can't be read or is none. Deliberately not here: whether a key opens the data (`dnevnik check`).
"""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audit.errors import AuditError
from audit.key_file import former_files
from audit.keys import load_signing_key
from commands.call import Call
from commands.check_own import OPEN_TO_OTHERS
from connectors.portal.certificates import inspect
from consent_registry.sealed.vault import load_master_key, master_id
from journal.wording import BridgeError, ExitStatus, Wording
from settings import Secret, Settings

_LINE = Wording(ru="{key}: {id}: {name}{mode}", en="{key}: {id}: {name}{mode}")
_OPEN = Wording(ru=" — ОТКРЫТ ДРУГИМ: chmod 600 {name}", en=" — OPEN TO OTHERS: chmod 600 {name}")
_FORMER = Wording(
    ru="{key}: прежний {id}: {name}: {use}",
    en="{key}: former {id}: {name}: {use}",
)
_OLD_MASTER = Wording(
    ru="открывает старые резервные копии базы и больше ничего; не нужны — удалите",
    en="opens old backups of the database and nothing else; delete it where these are not needed",
)
_OLD_SIGNING = Wording(
    ru="открытая часть; подписи, сделанные до смены, принимаются", en="public half; signatures made before are accepted"
)
_WRONG = Wording(
    ru="{key}: {name}: ключ не читается или это не ключ. Верните файл из копии; если копии нет: docs/keys.md",
    en="{key}: {name}: the key can't be read, or is none. Restore the file; without a copy: docs/keys.md",
)
_FINE = Wording(ru="Все ключи на месте и закрыты от других", en="All keys are there and closed to others")


@dataclass(frozen=True, slots=True)
class KeyLine:
    """What is known of one key; `id` None: it can't be read."""

    secret: Secret
    id: str | None
    open_to_others: bool


def list_keys(call: Call) -> ExitStatus:
    """List the installation's keys, those that were replaced too; status 2 where one is wrong."""
    settings = call.settings()
    status = _say(call, [*_keys(settings)], every=True)
    for key, path, use in _former(settings):
        said = use.say(call.console.language)
        call.console.say(_FORMER, key=key, id=path.name.split(".")[-2], name=path, use=said)
    return status


def check_keys_of(call: Call) -> ExitStatus:
    """Say what is wrong with the keys; status 2 where something is."""
    status = _say(call, [*_keys(call.settings())], every=False)
    if status is ExitStatus.DONE:
        call.console.say(_FINE)
    return status


def _say(call: Call, lines: list[KeyLine], *, every: bool) -> ExitStatus:
    status, language = ExitStatus.DONE, call.console.language
    for line in lines:
        if line.id is None:
            call.console.say(_WRONG, key=line.secret.key, name=line.secret.name)
        elif every or line.open_to_others:
            mode = _OPEN.say(language, name=line.secret.name) if line.open_to_others else ""
            call.console.say(_LINE, key=line.secret.key, id=line.id, name=line.secret.name, mode=mode)
        if line.id is None or line.open_to_others:
            status = ExitStatus.NOT_DONE
    return status


def _keys(settings: Settings) -> Iterator[KeyLine]:
    audit, portal = settings.audit, settings.portal
    yield _line(audit.signing_key, lambda content: load_signing_key(content, audit.origin).verifier.vkey)
    yield _line(audit.master_key, lambda content: master_id(load_master_key(content)))
    for secret in (portal.client_certificate, portal.signing_key):
        yield _line(secret, lambda content: f"{inspect(content).not_after:%Y-%m-%d}")


def _line(secret: Secret, read: Callable[[bytes], str]) -> KeyLine:
    try:
        known: str | None = read(secret.read())
    except (BridgeError, AuditError):
        known = None
    path = secret.path
    is_open = path is not None and path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & OPEN_TO_OTHERS)
    return KeyLine(secret, known, is_open)


def _former(settings: Settings) -> Iterator[tuple[str, Path, Wording]]:
    master, signing = settings.audit.master_key, settings.audit.signing_key
    if master.path is not None:
        path = master.path.resolve()
        yield from ((master.key, old, _OLD_MASTER) for old in sorted(path.parent.glob(f"{path.name}.*.old")))
    if signing.path is not None:
        yield from ((signing.key, old, _OLD_SIGNING) for old in former_files(signing.path.resolve()))
