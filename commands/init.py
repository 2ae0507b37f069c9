"""`dnevnik init`: writes what an installation lacks, and says what only other people can give.

Rules. Nothing that exists is ever overwritten, so it may be run again at any time. A key is made only where none can
be lost by it: with an audit log or sealed data in place, a missing key is an error, not an occasion for a new one.
Private keys are for their owner alone (0600, folder 0700) and durable before the next thing is made. TLS and signing
certificates come from an authority: the key and the request are made here, and once the certificate lies beside them
the two are put together. Dies between two steps: running it again goes on.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

import database
from audit.durable_files import flush_folder
from audit.errors import AuditError
from audit.keys import create_signing_key, load_signing_key
from audit.location import open_store
from audit.log import open_log
from audit.tiles import CHECKPOINT
from commands.call import Call
from commands.certificate_request import certificate_beside, private_key_beside, request_beside, write_request
from connectors.portal.certificates import identity
from consent_registry.sealed.rotation import give_root
from consent_registry.sealed.vault import create_master_key, load_master_key
from consent_registry.tables import STUDENT_KEY
from journal.wording import BridgeError, ExitStatus, Wording
from settings import Secret, Settings

TEMPLATE = Path(__file__).with_name("new_bridge.toml")
OWNER_ONLY = 0o600

_WROTE_FILE = Wording(
    ru="{file}: записан. Впишите в него школы и адрес портала",
    en="{file}: written. Put your schools and the portal's URL into it",
)
_WROTE_KEY = Wording(
    ru="{key}: ключ создан: {path}. Сделайте копию в надёжном месте, отдельно от этой машины",
    en="{key}: key made: {path}. Keep a copy in a safe place, apart from this machine",
)
_THERE = Wording(ru="{key}: есть: {path}", en="{key}: there: {path}")
_SET_VARIABLE = Wording(
    ru="{key}: переменная {name} не задана. Задайте её там, где запускается dnevnik",
    en="{key}: the variable {name} is not set. Set it where dnevnik is started",
)
_REQUESTED = Wording(
    ru="{key}: сертификата ещё нет. Отдайте запрос {request} удостоверяющему центру; полученный сертификат (PEM) "
    "положите как {certificate} и снова выполните dnevnik init",
    en="{key}: no certificate yet. Give the request {request} to the authority; put the certificate it returns (PEM) "
    "as {certificate}, then do dnevnik init again",
)
_COMBINED = Wording(ru="{key}: сертификат и ключ собраны: {path}", en="{key}: certificate and key put together: {path}")
_AUTHORITIES = Wording(
    ru="{key}: файла нет. Получите у оператора портала сертификаты его центра (PEM) и положите как {path}",
    en="{key}: no file. Get the portal's authority certificates (PEM) from its operator and put them as {path}",
)
_DATABASE = Wording(ru="[bridge] state: база готова", en="[bridge] state: the database is ready")
_LOG = Wording(
    ru="[audit] log: журнал аудита готов. Ключ проверки для аудитора: {vkey}",
    en="[audit] log: the audit log is ready. Verifier key for the auditor: {vkey}",
)
_KEY_LOST = Wording(
    ru="{file}: {key}: ключа {path} нет, а данные под ним уже есть. Новый ключ их не откроет: верните файл из копии",
    en="{file}: {key}: the key {path} is gone, but what it protects is there. A new one won't open it: restore it",
)
_NOT_WRITABLE = Wording(
    ru="{path}: нельзя записать ({reason}). Дайте право записи или укажите другое место",
    en="{path}: can't be written ({reason}). Allow writing there, or name another place",
)


def initialize(call: Call) -> ExitStatus:
    """Write the file where there is none, then what it names. Raises BridgeError."""
    if not call.file.exists():
        write_new(call.file, TEMPLATE.read_bytes(), mode=0o644)
        call.console.say(_WROTE_FILE, file=call.file)
    settings = call.settings()
    engine = database.open_database(settings.bridge.state)
    _make(call, settings.audit.signing_key, create_signing_key, lambda: _log_exists(settings))
    new = _make(call, settings.audit.master_key, create_master_key, lambda: _sealed_exists(engine))
    database.upgrade(engine)
    if new:  # dies before this: the master key itself is the root, as it was in earlier versions
        with database.writing(engine) as connection:
            give_root(connection, load_master_key(settings.audit.master_key.read()))
    call.console.say(_DATABASE)
    _begin_log(call, settings)
    _certificates(call, settings)
    engine.dispose()
    return ExitStatus.DONE


def write_new(path: Path, content: bytes, mode: int = OWNER_ONLY) -> None:
    """Write a file that must not exist yet, whole or not at all. Raises BridgeError `not-writable`."""
    reason = None
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside.unlink(missing_ok=True)  # left by an init that died here
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)  # unlike a rename, never overwrites
        beside.unlink()
        flush_folder(path.parent)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason is not None:
        raise BridgeError("not-writable", _NOT_WRITABLE, {"path": path, "reason": reason})


def _make(call: Call, secret: Secret, create: Callable[[], bytes], in_use: Callable[[], bool]) -> bool:
    """Make one of the bridge's own keys where it is missing and nothing needs the former one; tells whether it did."""
    if secret.path is None:
        if not secret.exists:
            call.console.say(_SET_VARIABLE, key=secret.key, name=secret.name)
        return False
    if secret.exists:
        call.console.say(_THERE, key=secret.key, path=secret.path)
        return False
    if in_use():
        raise BridgeError("key-lost", _KEY_LOST, {"file": call.file, "key": secret.key, "path": secret.path})
    write_new(secret.path, create())
    call.console.say(_WROTE_KEY, key=secret.key, path=secret.path)
    return True


def _log_exists(settings: Settings) -> bool:
    """Tell whether something was ever logged."""
    location = settings.audit.log
    if isinstance(location, Path) and not location.exists():
        return False
    store = open_store(location)
    try:
        return store.read(CHECKPOINT) is not None
    except AuditError:
        return False  # its tables are not there yet
    finally:
        store.close()


def _sealed_exists(engine: Engine) -> bool:
    """Tell whether any student's key is wrapped by a master key."""
    if not sa.inspect(engine).has_table(STUDENT_KEY.name):
        return False
    with database.reading(engine) as connection:
        return connection.execute(sa.select(STUDENT_KEY.c.school).limit(1)).first() is not None


def _begin_log(call: Call, settings: Settings) -> None:
    if not settings.audit.signing_key.exists:
        return
    key = load_signing_key(settings.audit.signing_key.read(), settings.audit.origin)
    log = open_log(settings.audit.log, key, settings.audit.origin)
    log.close()
    call.console.say(_LOG, vkey=key.verifier.vkey)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A certificate that an authority has to give."""

    secret: Secret
    setting: str
    common_name: str
    signing: bool


def _certificates(call: Call, settings: Settings) -> None:
    portal = settings.portal
    for wanted in (
        _Wanted(portal.client_certificate, "client_certificate", "dnevnik-bridge TLS", signing=False),
        _Wanted(portal.signing_key, "signing_key", "dnevnik-bridge signing", signing=True),
    ):
        _certificate(call, wanted)
    authorities = portal.authorities
    if authorities.exists:
        call.console.say(_THERE, key=authorities.key, path=authorities.name)
    elif authorities.path is None:
        call.console.say(_SET_VARIABLE, key=authorities.key, name=authorities.name)
    else:
        call.console.say(_AUTHORITIES, key=authorities.key, path=authorities.path)


def _certificate(call: Call, wanted: _Wanted) -> None:
    """Make the key and the request for one certificate, or put a certificate that has come with its key."""
    secret = wanted.secret
    if secret.path is None:
        if not secret.exists:
            call.console.say(_SET_VARIABLE, key=secret.key, name=secret.name)
        return
    if secret.exists:
        call.console.say(_THERE, key=secret.key, path=secret.path)
        return
    key_path, certificate_path = private_key_beside(secret.path), certificate_beside(secret.path)
    if key_path.exists() and certificate_path.exists():
        both = certificate_path.read_bytes().rstrip() + b"\n" + key_path.read_bytes()
        identity(both, wanted.setting)  # a certificate of another key is refused here
        write_new(secret.path, both)
        call.console.say(_COMBINED, key=secret.key, path=secret.path)
        return
    request_path = request_beside(secret.path)
    write_request(key_path, request_path, common_name=wanted.common_name, signing=wanted.signing, write=write_new)
    call.console.say(_REQUESTED, key=secret.key, request=request_path, certificate=certificate_path)
