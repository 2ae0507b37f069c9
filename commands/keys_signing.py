"""`dnevnik keys rotate-signing`: another key signs the audit log from here on, also while a sync runs.

Rules. The order is that of `audit.key_file`; killed in between, the next command that opens the log finishes it. The
log tells of both keys, under a checkpoint that both signed: who trusts the old one learns the new one from it.
`--revoke` (the old key is in other hands): the new key signs alone, nobody accepts the old one, and programs that
still hold it can append nothing more: they send nothing until they are started again. Keys that were only replaced
before stay accepted and are named; `--revoke-all` revokes these too.
"""

from collections.abc import Callable
from contextlib import closing
from enum import Enum
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
    ru="Ключ отозван, его подписи больше не принимаются: {vkey}. Запустите снова программы моста, сообщите аудитору и "
    "свидетелям: пусть откажутся от него (dnevnik witness drop-key) и добавят новый, порядок в docs/witness.md",
    en="The key is revoked, its signatures are accepted no more: {vkey}. Start the bridge's programs again, tell the "
    "auditor and the witnesses: they drop it (dnevnik witness drop-key) and add the new one, as docs/witness.md says",
)
_STILL_ACCEPTED = Wording(
    ru="Прежние ключи, которые только сменили, по-прежнему принимаются: {keys}. Если в чужих руках и они: dnevnik keys "
    "rotate-signing --revoke-all",
    en="Earlier keys that were only replaced are still accepted: {keys}. If these are in other hands too: dnevnik keys "
    "rotate-signing --revoke-all",
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


class Revoked(Enum):
    """Whose signatures are accepted no more once another key signs: nobody's, the one's just replaced, all former."""

    NONE = "none"
    PRESENT = "present"
    ALL = "all"


def rotate_signing(
    call: Call, *, revoked: Revoked = Revoked.NONE, boundary: Callable[[str], None] = lambda _: None
) -> ExitStatus:
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
        keys = _change(settings, engine, path, revoked, boundary)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    finally:
        engine.dispose()
    if keys is None:
        raise BridgeError("signing-key-not-written", _NOT_WRITABLE, {"path": path, "reason": reason})
    old, new, gone = keys
    call.console.say(_CHANGED, former=old.key_id.hex(), present=new.key_id.hex(), vkey=new.vkey)
    for key in gone:
        call.console.say(_REVOKED, vkey=key.vkey)
    if gone and former_keys(path):
        call.console.say(_STILL_ACCEPTED, keys=", ".join(key.key_id.hex() for key in former_keys(path)))
    return ExitStatus.DONE


def _change(
    settings: Settings, engine: Engine, path: Path, revoked: Revoked, boundary: Callable[[str], None]
) -> tuple[VerifierKey, VerifierKey, list[VerifierKey]]:
    """Change the key in the order of `audit.key_file`; returns the former and the present one, and those revoked."""
    # Refuses a log that is cut, finishes a change that died.
    with closing(open_audit_log(settings, engine, asking=True)) as log:
        # What a witness knows of this log it can't tell any more once it is shown a key that is strange to it.
        open_witnessing(settings, engine, log, settings.audit.origin, utc_now)
    old = signing_key_of(path, path.read_bytes(), settings.audit.origin, settings.audit.log)
    revoke = revoked is not Revoked.NONE
    accepted = [old.verifier, *(key for key in former_keys(path) if key != old.verifier)]
    new = write_next(
        path, create_signing_key(), settings.audit.origin, revoke=revoke, all_former=revoked is Revoked.ALL
    )
    boundary("written")
    at = utc_now()
    gone = {Revoked.NONE: [], Revoked.PRESENT: accepted[:1], Revoked.ALL: accepted}[revoked]
    told = [("rotated", new.verifier), *(("revoked", key) for key in gone)]
    if not revoke:
        told.append(("retired", old.verifier))
    entries = [KeyEvent(at=at, event=event, purpose="signing", key=key.key_id.hex()) for event, key in told]
    log = AuditLog(open_store(settings.audit.log), new, accepted, also=None if revoke else old)
    with closing(log):
        checkpoint = log.append(entries)
    boundary("signed")
    finish(path, new.verifier, boundary)
    with database.writing(engine) as connection:
        remember_checkpoint(connection, settings.audit.origin, checkpoint.size, checkpoint.root, utc_now())
    return old.verifier, new.verifier, gone
