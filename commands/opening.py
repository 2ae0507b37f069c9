"""Opens what the installation's file names, and says with file and key what can't be opened; before anything is done.

Rules. All keys and certificates are read first, so everything wrong with them is told at once. A driver's message is
never passed on, for it may hold an address with a password.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

import database
from audit.errors import AuditError
from audit.keys import load_signing_key
from commands.call import utc_now
from commands.check_outside import look_at_certificate
from commands.check_own import OPEN_TO_OTHERS
from commands.console import Console
from commands.findings import Condition, without_subject
from connectors.portal.certificates import certificates, identity, inspect
from connectors.portals import connector
from consent_registry.sealed.vault import load_master_key
from flows.assembly import shared_bridge
from flows.bridge import Bridge
from journal.wording import BridgeError, Language, Wording
from settings import ConfigurationError, Secret, Settings
from settings.problems import Problem

STATE = "[bridge] state"

_OPEN_TO_OTHERS = Wording(
    ru="файл ключа открыт другим пользователям. Закройте: chmod 600 {name}",
    en="the key's file is open to other users. Close it: chmod 600 {name}",
)
_EXPIRED = Wording(
    ru="срок сертификата истёк {until}. Получите новый у удостоверяющего центра",
    en="the certificate expired on {until}. Get a new one from the authority",
)
_UNREACHABLE = Wording(
    ru="база недоступна, занята или испорчена ({kind}). Проверьте адрес, пароль и сеть",
    en="the database is out of reach, busy or damaged ({kind}). Check its address, password and the network",
)
_NO_DRIVER = Wording(
    ru="нет драйвера этой базы ({kind}). Установите его или исправьте адрес",
    en="there is no driver for this database ({kind}). Install it or correct the URL",
)


def open_bridge(settings: Settings) -> Bridge:
    """Return the assembled installation, and say on stderr which certificates are over soon.

    Raises ConfigurationError for what the installation's file names wrongly, BridgeError.
    """
    check_keys(settings, portal=True)
    for line in _over_soon(settings, utc_now()):
        Console(settings.bridge.language).note(line)
    open_state(settings).dispose()
    return shared_bridge()


def _over_soon(settings: Settings, now: datetime) -> Iterator[str]:
    outer = settings.portal
    for secret in (outer.client_certificate, outer.signing_key, outer.authorities):
        for finding in look_at_certificate(secret, now):
            if finding.condition is Condition.LOOK:
                yield finding.line(settings.bridge.language)


def open_state(settings: Settings) -> Engine:
    """Open the bridge's database and bring its tables up to date. Raises ConfigurationError."""
    try:
        engine = database.open_database(settings.bridge.state)
        database.upgrade(engine)
    except ImportError as error:
        trouble = _NO_DRIVER.filled(kind=error.name or "-")
    except SQLAlchemyError as error:
        trouble = _UNREACHABLE.filled(kind=type(error).__name__)
    else:
        return engine
    raise ConfigurationError(settings.file, [Problem(STATE, trouble)], settings.bridge.language)


def check_keys(settings: Settings, *, portal: bool) -> None:
    """Read the audit's keys, and the portal's certificates where they are needed. Raises ConfigurationError."""
    problems = list(_problems(settings, utc_now(), portal=portal))
    if problems:
        raise ConfigurationError(settings.file, problems, settings.bridge.language)


def _problems(settings: Settings, now: datetime, *, portal: bool) -> Iterator[Problem]:
    audit, outer = settings.audit, settings.portal
    yield from _own_problem(audit.signing_key, lambda content: load_signing_key(content, audit.origin))
    yield from _own_problem(audit.master_key, load_master_key)
    if portal:
        yield from _problem(outer.client_certificate, lambda content: identity(content, "client_certificate"), now)
        yield from _problem(outer.signing_key, connector(outer.connector).check_signing_key, now)
        yield from _problem(outer.authorities, lambda content: certificates(content, "authorities"))


def _own_problem(secret: Secret, load: Callable[[bytes], object]) -> Iterator[Problem]:
    """Give what is wrong with a secret of the installation's own, which others may not read."""
    problems = list(_problem(secret, load))
    yield from problems
    if not problems and secret.path is not None and secret.path.stat().st_mode & OPEN_TO_OTHERS:
        yield Problem(secret.key, _OPEN_TO_OTHERS.filled(name=secret.name))


def _problem(secret: Secret, load: Callable[[bytes], object], now: datetime | None = None) -> Iterator[Problem]:
    """Give what is wrong with one secret; with `now`, a certificate that has expired is wrong too."""
    try:
        content = secret.read()
        load(content)
        over = None if now is None else inspect(content).not_after
    except (BridgeError, AuditError) as error:
        ru, en = (without_subject(secret.key, _said(error, language)) for language in (Language.RU, Language.EN))
        yield Problem(secret.key, Wording(ru, en))
        return
    if over is not None and now is not None and over < now:
        yield Problem(secret.key, _EXPIRED.filled(until=over.date()))


def _said(error: BridgeError | AuditError, language: Language) -> str:
    if isinstance(error, BridgeError):
        return error.say(language)
    return error.ru if language == Language.RU else error.en
