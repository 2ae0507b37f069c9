"""Looks at what is the installation's own: its database, its keys, its audit log."""

import stat
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

import database
from commands.findings import Condition, Finding, found
from flows.assembly import open_audit_log, open_vault
from journal.wording import Wording
from settings import Secret, Settings

OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_DATABASE = Wording(
    ru="[bridge] state: база открыта, таблицы на месте", en="[bridge] state: open, its tables are current"
)
_NOT_MIGRATED = Wording(
    ru="[bridge] state: таблиц нет или они старые. Выполните: dnevnik init",
    en="[bridge] state: its tables are missing or old. Do: dnevnik init",
)
_NEWER = Wording(
    ru="[bridge] state: таблицы новее программы. Обновите dnevnik",
    en="[bridge] state: its tables are newer than the program. Update dnevnik",
)
_CLOSED = Wording(
    ru="[bridge] state: база недоступна ({kind}). Проверьте адрес, пароль и сеть",
    en="[bridge] state: the database can't be reached ({kind}). Check its address, password and the network",
)
_NO_DRIVER = Wording(
    ru="[bridge] state: нет драйвера этой базы ({kind}). Установите его или исправьте адрес",
    en="[bridge] state: there is no driver for this database ({kind}). Install it or correct the URL",
)
_KEY = Wording(ru="{key}: на месте: {name}", en="{key}: there: {name}")
_MODE = Wording(
    ru="{key}: файл открыт другим пользователям. Закройте: chmod 600 {name}",
    en="{key}: the file is open to other users. Close it: chmod 600 {name}",
)
_LOG = Wording(
    ru="[audit] log: продолжает известную отметку, записей: {size}. Полная проверка: dnevnik audit verify",
    en="[audit] log: continues the known checkpoint, entries: {size}. To check all of it: dnevnik audit verify",
)


def look_at_database(settings: Settings) -> Iterator[Finding]:
    """Open the bridge's database, without making one, and compare its tables with the program's migrations."""
    file = sa.make_url(settings.bridge.state)
    if file.get_backend_name() == "sqlite" and not Path(file.database or "").exists():
        yield found(Condition.WRONG, _NOT_MIGRATED)
        return
    try:
        engine = database.open_database(settings.bridge.state)
        yield _tables(engine)
        engine.dispose()
    except ImportError as error:
        yield found(Condition.WRONG, _NO_DRIVER, kind=error.name)
    except SQLAlchemyError as error:
        yield found(Condition.WRONG, _CLOSED, kind=type(error).__name__)


def _tables(engine: Engine) -> Finding:
    configuration = Config()
    configuration.set_main_option("script_location", str(database.MIGRATIONS))
    scripts = ScriptDirectory.from_config(configuration)
    with database.reading(engine) as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    if present == scripts.get_current_head():
        return found(Condition.FINE, _DATABASE)
    known = {script.revision for script in scripts.walk_revisions()}
    return found(Condition.WRONG, _NOT_MIGRATED if present is None or present in known else _NEWER)


def look_at_key(secret: Secret, *, is_private: bool) -> Iterator[Finding]:
    """Read a key or certificate that the file names; one for the owner alone is to be closed to others."""
    secret.read()
    if is_private and secret.path is not None and secret.path.stat().st_mode & OPEN_TO_OTHERS:
        yield found(Condition.LOOK, _MODE, key=secret.key, name=secret.name)
    else:
        yield found(Condition.FINE, _KEY, key=secret.key, name=secret.name)


def look_at_audit(settings: Settings) -> Iterator[Finding]:
    """Open the audit log with its key, and hold it against what the database remembers of it."""
    engine = database.open_database(settings.bridge.state)
    try:
        open_vault(settings, engine)
        log = open_audit_log(settings, engine, asking=True)  # `check` asks them, too
        yield found(Condition.FINE, _LOG, size=log.checkpoint().size)
        log.close()
    finally:
        engine.dispose()
