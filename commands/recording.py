"""Records what a person decided: in the bridge's database, and before that is committed, in the audit log.

Rules. If the log can't be written, nothing is recorded. Where log and database share one SQLite file, which one
writer at a time may lock, the log follows the commit. Dies between log and commit: the log tells of something that
was not recorded, and doing it again records it. Who decided is the account that runs the program; the log holds a
keyed digest of its name.
"""

import getpass
import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

import database
from audit.entry import Entry
from commands.call import utc_now
from commands.opening import check_keys, open_state
from consent_registry.acts import Actor
from consent_registry.sealed.account_refs import complete_account_refs
from consent_registry.sealed.staff import enter_staff
from consent_registry.sealed.vault import Vault
from delivery.checkpoints import remember_checkpoint
from delivery.erasing import replay
from flows.assembly import open_audit_log, open_vault
from settings import Settings

Result = TypeVar("Result")
Work = Callable[[Connection], tuple[Result, Sequence[Entry]]]


@dataclass(frozen=True, slots=True)
class Recorder:
    """The parts that recording needs. `by` names who decides."""

    settings: Settings
    engine: Engine
    vault: Vault
    by: str

    @property
    def by_digest(self) -> str:
        """Who decides, as the audit log names them."""
        return hmac.new(self.vault.derive("recorded-by"), self.by.encode(), hashlib.sha256).hexdigest()

    def account_digest(self, school: str, account_id: str) -> str:
        """Return by what the audit log knows an account of which all was shown at once."""
        named = f"{school}:{account_id}".encode()
        return hmac.new(self.vault.derive("looked-account"), named, hashlib.sha256).hexdigest()

    def actor(self, connection: Connection, now: datetime, acting: str | None = None) -> Actor:
        """Return who acts, as facts name them; `acting`: the person whose act is entered here, if another's."""
        name = acting or self.by
        reference = enter_staff(connection, self.vault, [name])[name]
        return Actor(reference, now, self.settings.bridge.timezone)

    def record(self, work: Work[Result]) -> Result:
        """Run `work` in one transaction, log the entries that it returns, commit. Raises what `work` raises."""
        with closing(open_audit_log(self.settings, self.engine)) as log:
            with database.writing(self.engine) as connection:
                result, entries = work(connection)
                after_commit = self._shares_file_with_log()
                if entries and not after_commit:
                    log.append(entries)
            if entries and after_commit:
                log.append(entries)
            checkpoint = log.checkpoint()
        with database.writing(self.engine) as connection:
            remember_checkpoint(connection, self.settings.audit.origin, checkpoint.size, checkpoint.root, utc_now())
        return result

    def tried(self, work: Work[Result]) -> Result:
        """Run `work` and take back all that it did; nothing is logged."""
        with self.engine.connect() as connection, connection.begin() as transaction:
            result, _ = work(connection)
            transaction.rollback()
        return result

    def _shares_file_with_log(self) -> bool:
        location = self.settings.audit.log
        if isinstance(location, Path) or self.engine.dialect.name != "sqlite":
            return False
        log = sa.make_url(location)
        return log.get_backend_name() == "sqlite" and log.database == self.engine.url.database


@contextmanager
def recorder(settings: Settings) -> Iterator[Recorder]:
    """Open what recording needs; the database's tables are brought up to date. Raises BridgeError."""
    check_keys(settings, portal=False)
    engine = open_state(settings)
    try:
        vault = open_vault(settings, engine)
        with closing(open_audit_log(settings, engine)) as log:
            # a database that was put back must forget what was erased since
            replay(engine, vault, log, settings.audit.origin)
        complete_account_refs(engine, vault)
        yield Recorder(settings, engine, vault, _who())
    finally:
        engine.dispose()


def _who() -> str:
    """Name the account that runs the program."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
