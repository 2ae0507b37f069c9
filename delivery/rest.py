"""For how long the portal asked to be left alone; kept in the database, so that no other run or process knocks before.

Rules. Only the portal's own signed word counts (Throttled, Maintenance), not a proxy's. Maintenance is the whole
portal's, Throttled the school's that was told. Shorter waits than a run's patience are waited out and not kept.
A wait over a day, as a clock that was set back makes it look, is not heeded.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from database import gate, reading, writing
from delivery.tables import PORTAL_REST
from journal.portal import PortalError, Resend

WHOLE_PORTAL = "*"
LONGEST_REST = timedelta(days=1)
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
        .where(PORTAL_REST.c.until <= now + LONGEST_REST)
        .order_by(PORTAL_REST.c.until.desc())
    ).first()
    return None if rows is None else Resting(rows.scope, rows.until, rows.code, rows.told_at)


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
