"""`dnevnik keys rotate-signing`: another key signs the audit log from here on, also while a sync runs.

Rules. The order is that of `audit.key_file`; killed in between, the next command that opens the log finishes it. The
log tells of both keys, under a checkpoint that both signed: who trusts the old one learns the new one from it.
`--revoke` (the old key is in other hands): the new key signs alone, nobody accepts the old one, and programs that
still hold it can append nothing more: they send nothing until they are started again.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import Engine

import database
from audit.entry import KeyEvent
from audit.key_file import finish, former_keys, signing_key_of, write_next
from audit.keys import create_signing_key
from audit.location import open_store
from audit.log import AuditLog
from audit.note import VerifierKey
from commands.call import Call, utc_now
from commands.opening import check_keys, open_state
from delivery.checkpoints import remember_checkpoint
from flows.assembly import open_audit_log
from flows.witness_opening import open_witnessing
from journal.wording import BridgeError, ExitStatus, Wording
from settings import Settings

_CHANGED = Wording(
    ru="Ключ подписи журнала сменён: был {former}, теперь {present}. Ключ проверки для аудитора и свидетелей: {vkey}",
    en="The log's signing key was changed: it was {former}, now it is {present}. Verifier key for auditor and "
    "witnesses: {vkey}",
)
_REVOKED = Wording(
    ru="Прежний ключ отозван: его подписи больше не принимаются. Запустите снова программы моста, сообщите аудитору",
    en="The former key is revoked: its signatures are accepted no more. Start the bridge's programs again, tell the "
    "auditor",
)
_NOT_A_FILE = Wording(
    ru='{file}: {key}: ключ берётся из переменной {name}, заменить его там нельзя. Укажите {key} = "file:…" (0600)',
    en="{file}: {key}: the key comes from the variable {name}, where it can't be replaced. "
    'Set {key} = "file:…" (0600)',
)
_NOT_WRITABLE = Wording(
    ru="{path}: новый ключ не записать ({reason}). Журнал не тронут или уже принял новый ключ: повторите, дав право "
    "записи в эту папку",
    en="{path}: the new key can't be written ({reason}). The log is untouched, or has taken the new key already: allow "
    "writing in this folder and do this again",
)


def rotate_signing(call: Call, *, revoke: bool = False, boundary: Callable[[str], None] = lambda _: None) -> ExitStatus:
    """Change the key that signs the log. Raises BridgeError `signing-key-in-environment`, `signing-key-not-written`."""
    settings = call.settings()
    secret = settings.audit.signing_key
    if secret.path is None:
        told = {"file": settings.file, "key": secret.key, "name": secret.name}
        raise BridgeError("signing-key-in-environment", _NOT_A_FILE, dict(told))
    check_keys(settings, portal=False)
    path = secret.path.resolve()
    engine = open_state(settings)
    reason, keys = None, None
    try:
        keys = _change(settings, engine, path, revoke=revoke, boundary=boundary)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    finally:
        engine.dispose()
    if keys is None:
        raise BridgeError("signing-key-not-written", _NOT_WRITABLE, {"path": path, "reason": reason})
    old, new = keys
    call.console.say(_CHANGED, former=old.key_id.hex(), present=new.key_id.hex(), vkey=new.vkey)
    if revoke:
        call.console.say(_REVOKED)
    return ExitStatus.DONE


def _change(
    settings: Settings, engine: Engine, path: Path, *, revoke: bool, boundary: Callable[[str], None]
) -> tuple[VerifierKey, VerifierKey]:
    """Change the key in the order of `audit.key_file`; returns the former and the present one."""
    # Refuses a log that is cut, finishes a change that died.
    with closing(open_audit_log(settings, engine, asking=True)) as log:
        # What a witness knows of this log it can't tell any more once it is shown a key that is strange to it.
        open_witnessing(settings, engine, log, settings.audit.origin, utc_now)
    old = signing_key_of(path, path.read_bytes(), settings.audit.origin, settings.audit.log)
    new = write_next(path, create_signing_key(), settings.audit.origin, revoke=revoke)
    boundary("written")
    at = utc_now()
    entries = [
        KeyEvent(at=at, event="rotated", purpose="signing", key=new.verifier.key_id.hex()),
        KeyEvent(at=at, event="revoked" if revoke else "retired", purpose="signing", key=old.verifier.key_id.hex()),
    ]
    accepted = [old.verifier, *former_keys(path)]
    log = AuditLog(open_store(settings.audit.log), new, accepted, also=None if revoke else old)
    with closing(log):
        checkpoint = log.append(entries)
    boundary("signed")
    finish(path, new.verifier, boundary)
    with database.writing(engine) as connection:
        remember_checkpoint(connection, settings.audit.origin, checkpoint.size, checkpoint.root, utc_now())
    return old.verifier, new.verifier
