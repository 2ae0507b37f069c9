"""Puts an installation together from its settings: database, keys, audit log, portal, schools.

Rules. Nothing is sent with a log that does not continue the newest checkpoint known anywhere: to the bridge's
database, a witness, the copies. Keys are read when they are needed and shown nowhere. One process has one assembled
bridge for a configuration (`shared_bridge`), for the schema of the portal takes a while to load.
"""

import gc
import os
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Engine

import settings as configuration
from audit.cosigning import CosignerKey
from audit.errors import AuditError
from audit.key_file import former_keys, signing_key_of
from audit.log import AuditLog, open_log
from connectors.portal.soap_portal import PortalConnection
from connectors.portals import connector
from connectors.school.changes import read_changes
from connectors.school.read import SchoolSource, read_identities, read_school
from consent_registry.sealed.account_refs import complete_account_refs
from consent_registry.sealed.key_file import open_with
from consent_registry.sealed.vault import Vault
from database import open_database, reading, upgrade
from delivery.checkpoints import holders, known_checkpoint
from delivery.erasing import replay
from delivery.limits import Limits
from delivery.patience import Patience, Turns
from flows.bridge import Bridge, School
from flows.technical_log import open_technical_log
from flows.witness_opening import open_witnessing
from flows.witnessing import refuse_contradicted
from journal.actuality import Goal
from journal.school import SchoolReading, StudentIdentity, Window
from journal.school_calendar import SchoolCalendar
from journal.wording import BridgeError, Wording
from mappings.fingerprints import Seen
from mappings.profile import load_profile
from settings import SchoolSection, Settings

_AUDIT = Wording(ru="{ru}", en="{en}")
_CUT = Wording(
    ru="Журнал аудита короче или иной, чем помнит база обмена ({size} записей). Ничего не отправлено. "
    "Верните журнал из резервной копии и проверьте: dnevnik audit verify",
    en="The audit log is shorter than, or other than, the bridge's database remembers ({size} entries). Nothing was "
    "sent. Restore the log from its backup, then check: dnevnik audit verify",
)


def software() -> str:
    """Return this program's name and version, as the audit log records it."""
    return f"dnevnik-bridge/{version('dnevnik-bridge')}"


FEWER_COLLECTIONS = (50_000, 20, 20)
"""When Python looks for cycles: a batch is thousands of values, none of them in a cycle, and looking took a tenth."""


def random_id() -> str:
    """Return a new opaque id: 32 hexadecimal digits of randomness."""
    return secrets.token_hex(16)


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def open_vault(settings: Settings, engine: Engine) -> Vault:
    """Return the vault that the installation's master key opens; its tables have to be there.

    Raises BridgeError, `master-key-other` among others.
    """
    secret = settings.audit.master_key
    return open_with(engine, secret.read, secret.path)


def open_audit_log(settings: Settings, engine: Engine, *, asking: bool = False) -> AuditLog:
    """Open the audit log and hold it against what the database remembers. Raises BridgeError `audit`, `audit-cut`.

    `asking`: the caller asks the witnesses next. Who doesn't is refused while one that contradicted the log has not
    cosigned it since.
    """
    try:
        secret = settings.audit.signing_key
        path = None if secret.path is None else secret.path.resolve()
        key = signing_key_of(path, secret.read(), settings.audit.origin, settings.audit.log)
        log = open_log(settings.audit.log, key, settings.audit.origin, former_keys=former_keys(path))
        with reading(engine) as connection:
            known = known_checkpoint(connection, settings.audit.origin)
            holding = holders(connection, settings.audit.origin)
        if not asking:
            audit = settings.audit
            named = zip(audit.witness_keys, audit.witnesses, strict=True)
            refuse_contradicted({CosignerKey.parse(key).vkey: url for key, url in named}, holding)
        if known is None or log.continues(*known):
            return log
        refusal = BridgeError("audit-cut", _CUT, {"size": known[0]})
    except AuditError as error:
        refusal = BridgeError("audit", _AUDIT, {"ru": error.ru, "en": error.en})
    raise refusal


def school_source(section: SchoolSection) -> SchoolSource:
    """Return how to reach a school's database. Raises BridgeError when the password can't be read."""
    password = None if section.source_password is None else section.source_password.text()
    return SchoolSource(section.source, password)


def goal(settings: Settings) -> Goal:
    """Return what share of lessons is to be filled in in time."""
    section = settings.actuality
    return Goal(section.lesson_filled_within_days, section.target, holds=section.below_target == "hold")


def _school(section: SchoolSection, timezone: ZoneInfo, calendar: SchoolCalendar) -> School:
    profile = load_profile(section.profile)

    def read(window: Window, today: date) -> SchoolReading:
        return read_school(
            school_source(section),
            profile,
            code=section.code,
            window=window,
            today=today,
            timezone=timezone,
            school_days=calendar,
        )

    def changes(window: Window, today: date, before: Seen | None) -> tuple[SchoolReading, Seen]:
        return read_changes(
            school_source(section),
            profile,
            code=section.code,
            window=window,
            today=today,
            timezone=timezone,
            software=software(),
            before=before,
            school_days=calendar,
        )

    def identities() -> Sequence[StudentIdentity]:
        today = utc_now().astimezone(timezone).date()
        return read_identities(school_source(section), profile, code=section.code, today=today)

    return School(
        code=section.code,
        name=section.name,
        district=section.district,
        read=read,
        identities=identities,
        pilot_classes=frozenset(section.pilot_classes),
        paused=tuple((pause.first, pause.last) for pause in section.paused),
        read_changes=changes,
        calendar=calendar,
    )


def portal_connection(settings: Settings, now: Callable[[], datetime] = utc_now) -> PortalConnection:
    """Return how to reach the portal, and whom to believe; reads keys and certificates."""
    section = settings.portal
    return PortalConnection(
        url=section.url,
        client_certificate=section.client_certificate.read(),
        signing_key=section.signing_key.read(),
        authorities=section.authorities.read(),
        connect_timeout=section.connect_timeout,
        reply_timeout=section.reply_timeout,
        now=now,
        reread={
            "client_certificate": section.client_certificate.read,
            "signing_key": section.signing_key.read,
            "authorities": section.authorities.read,
        },
    )


def assemble(
    settings: Settings,
    *,
    now: Callable[[], datetime] = utc_now,
    new_id: Callable[[], str] = random_id,
    patience: Patience | None = None,
    boundary: Callable[[str], None] = lambda _: None,
) -> Bridge:
    """Put the installation together; brings its database's tables up to date. Raises BridgeError."""
    gc.set_threshold(*FEWER_COLLECTIONS)
    engine = open_database(settings.bridge.state)
    upgrade(engine)
    limits, vault = settings.limits, open_vault(settings, engine)
    log = open_audit_log(settings, engine, asking=True)
    replay(engine, vault, log, settings.audit.origin)  # a database that was put back must forget what was erased since
    complete_account_refs(engine, vault)
    return Bridge(
        engine=engine,
        portal=connector(settings.portal.connector).open_portal(portal_connection(settings, now)),
        log=log,
        origin=settings.audit.origin,
        vault=vault,
        schools={
            section.code: _school(section, settings.bridge.timezone, settings.school_days(section))
            for section in settings.schools
        },
        clock=now,
        new_id=new_id,
        timezone=settings.bridge.timezone,
        language=settings.bridge.language,
        limits=Limits(limits.withdraw_share, limits.withdraw_count, limits.change_share, limits.small_change),
        batch_records=settings.portal.batch_records,
        patience=patience or Patience(),
        turns=Turns(engine, settings.portal.requests_per_minute),
        software=software(),
        full_every_days=settings.reading.full_every_days,
        goal=goal(settings),
        witnessing=open_witnessing(settings, engine, log, settings.audit.origin, now),
        boundary=boundary,
    )


@cache
def _settings(path: Path, _changed: tuple[int, ...]) -> Settings:
    return configuration.load(path)


@cache
def _assembled(path: Path, changed: tuple[int, ...], _keys_changed: tuple[int, ...]) -> Bridge:
    settings = _settings(path, changed)
    open_technical_log(settings.bridge.log)
    return assemble(settings)


def _changed(path: Path | None) -> int:
    return path.stat().st_mtime_ns if path is not None and path.exists() else 0


def shared_bridge() -> Bridge:
    """Return this process's bridge for the configuration that DNEVNIK_CONFIG names (default ./bridge.toml).

    It is put together anew when the file, a calendar of school days or a key of the audit has changed.
    """
    path = Path(os.environ.get("DNEVNIK_CONFIG", "bridge.toml")).resolve()
    own = (_changed(path),)
    changed = (*own, *map(_changed, _settings(path, own).calendar_files))
    audit = _settings(path, changed).audit
    return _assembled(path, changed, (_changed(audit.master_key.path), _changed(audit.signing_key.path)))
