"""For how long the portal asked to be left alone, and since when it is away; kept in the database for all processes.

Rules. Only the portal's own signed word counts (Throttled, Maintenance), not a proxy's. Maintenance is the whole
portal's, Throttled the school's that was told. Shorter waits than a run's patience are waited out and not kept.
A wait over a day, or told at a moment yet to come, as a clock that was set back makes it look, is not heeded.
A run that the portal ended, by silence or by a refusal, leaves word: the school's next one knocks first
(`delivery.knock`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from database import gate, reading, writing
from delivery.tables import PORTAL_AWAY, PORTAL_REST
from journal.portal import PortalError, Resend

WHOLE_PORTAL = "*"
LONGEST_REST = timedelta(days=1)
CLOCKS_APART = timedelta(minutes=5)
_FOR_ALL = frozenset({"Maintenance"})


@dataclass(frozen=True, slots=True)
class Resting:
    """Until when the portal wants to be left alone, by its word `code`; `scope` is a school, or `*` for all."""

    scope: str
    until: datetime
    code: str
    told_at: datetime


def resting(connection: Connection, school: str, now: datetime) -> Resting | None:
    """Return the longest rest that holds for a school (or `*`: for the whole portal) at `now`."""
    rows = connection.execute(
        sa.select(PORTAL_REST)
        .where(PORTAL_REST.c.scope.in_([school, WHOLE_PORTAL]), PORTAL_REST.c.until > now)
        .where(PORTAL_REST.c.until <= now + LONGEST_REST, PORTAL_REST.c.told_at <= now + CLOCKS_APART)
        .order_by(PORTAL_REST.c.until.desc())
    ).first()
    return None if rows is None else Resting(rows.scope, rows.until, rows.code, rows.told_at)


@dataclass(frozen=True, slots=True)
class Away:
    """The school's runs are ended by the portal since then; `code` is the first one's failure."""

    since: datetime
    code: str


def away(connection: Connection, school: str) -> Away | None:
    """Return since when the portal ends a school's runs; None where it didn't end the last one."""
    row = connection.execute(sa.select(PORTAL_AWAY).where(PORTAL_AWAY.c.school == school)).first()
    return None if row is None else Away(row.since, row.code)


def note_away(connection: Connection, school: str, code: str, now: datetime) -> None:
    """Note that the portal ended a run of a school by the failure `code`; the first of several in a row stays."""
    gate(connection, f"*away:{school}")
    if away(connection, school) is None:
        connection.execute(PORTAL_AWAY.insert().values(school=school, since=now, code=code))


def note_back(connection: Connection, school: str) -> None:
    """Note that a run of a school was not ended by the portal."""
    connection.execute(PORTAL_AWAY.delete().where(PORTAL_AWAY.c.school == school))


@dataclass(frozen=True, slots=True)
class Rest:
    """What one school's calls ask before they knock."""

    engine: Engine
    clock: Callable[[], datetime]
    school: str

    def refusal(self) -> PortalError | None:
        """Return the portal's earlier word as the error that a call would end in; None: knock."""
        now = self.clock()
        with reading(self.engine) as connection:
            rest = resting(connection, self.school, now)
        if rest is None:
            return None
        wait = math.ceil((rest.until - now).total_seconds())
        return PortalError(rest.code, Resend.RETRYABLE, wait, "not called: the portal asked for a rest")

    def keep(self, error: PortalError) -> None:
        """Remember for how long the portal wants to be left alone, if that is what the error says."""
        if error.resend is not Resend.RETRYABLE or not error.said_by_portal or not error.retry_after:
            return
        now = self.clock()
        scope = WHOLE_PORTAL if error.code in _FOR_ALL else self.school
        until = now + min(timedelta(seconds=error.retry_after), LONGEST_REST)
        with writing(self.engine) as connection:
            gate(connection, f"*rest:{scope}")
            connection.execute(PORTAL_REST.delete().where(PORTAL_REST.c.scope == scope))
            connection.execute(PORTAL_REST.insert().values(scope=scope, until=until, code=error.code, told_at=now))
