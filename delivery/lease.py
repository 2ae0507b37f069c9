"""One sender a school: a lease with a fencing number in the bridge's database.

Rules. Whoever takes the lease raises its fence; whoever finds another fence than its own has lost it and
stores and sends nothing more. A lease is free when it was given back, when its time is over, or when it was
taken on this machine by a process that no longer lives (so a killed run never blocks the next one), or by a run of
this very process that is over (so neither does one that ended while the database was away).
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from database import writing
from delivery.tables import SCHOOL_LEASE
from journal.wording import BridgeError, ExitStatus, Wording

LEASE_TIME = timedelta(minutes=10)
PROLONG_AFTER = timedelta(seconds=30)
SECONDS_BETWEEN_TRIES = 0.5

_DEAD = frozenset({"Z", "X", "x"})
"""States of a process in /proc that has ended."""

_at_work: set[str] = set()
"""The holders (runs) of this process that are not over."""

_BUSY = Wording(
    ru="Школа {school}: обмен уже идёт в другом процессе (до {until}). Дождитесь его конца и повторите команду.",
    en="School {school}: another process is exchanging its journal (until {until}). Wait for its end and repeat.",
)
_LOST = Wording(
    ru="Школа {school}: обмен перенял другой процесс, этот остановлен. Ничего делать не нужно.",
    en="School {school}: another process took the exchange over, this one has stopped. Nothing needs doing.",
)


class SchoolBusyError(BridgeError):
    """Another process has the school's lease: code `school-busy`."""

    def __init__(self, school: str, until: datetime) -> None:
        super().__init__("school-busy", _BUSY, {"school": school, "until": until.isoformat(timespec="minutes")})


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send for one school, as long as the database holds the same fence."""

    school: str
    fence: int
    holder: str = ""


def this_process() -> str:
    """Name this process so that a later one on the same machine can tell whether it still lives."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def _started(pid: int) -> str:
    """Return a living process's start in clock ticks (Linux), so that a reused process id is told apart.

    One that died and that nobody has buried yet, as under a parent that waits for none, is not living.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return "" if status[0] in _DEAD else status[19]
    except (OSError, IndexError):
        return ""


def _lives(process: str) -> bool:
    """Tell whether `process` may still live; unknown counts as living."""
    host, pid, started = [*process.split(" "), "", ""][:3]
    if host != socket.gethostname() or not pid.isdigit() or not started:
        return True
    return _started(int(pid)) == started


def _works(holder: str, process: str) -> bool:
    """Tell whether a run may still be at work."""
    return holder in _at_work if process == this_process() else _lives(process)


def take_lease(connection: Connection, school: str, holder: str, now: datetime) -> Lease:
    """Take the school's lease for `holder` (the run). Raises SchoolBusyError."""
    row = connection.execute(
        sa.select(SCHOOL_LEASE).where(SCHOOL_LEASE.c.school == school).with_for_update()
    ).one_or_none()
    if row is None:
        fence = 1
        connection.execute(SCHOOL_LEASE.insert().values(school=school, fence=fence))
    else:
        if row.holder is not None and row.expires_at > now and _works(row.holder, row.process):
            raise SchoolBusyError(school, row.expires_at)
        fence = row.fence + 1
    connection.execute(
        SCHOOL_LEASE.update()
        .where(SCHOOL_LEASE.c.school == school)
        .values(holder=holder, process=this_process(), fence=fence, expires_at=now + LEASE_TIME)
    )
    _at_work.add(holder)
    return Lease(school, fence, holder)


def wait_for_lease(
    engine: Engine,
    school: str,
    holder: str,
    clock: Callable[[], datetime],
    *,
    tries: int,
    sleep: Callable[[float], None] = time.sleep,
) -> Lease:
    """Take the school's lease, trying so often while another process has it. Raises BridgeError `school-busy`."""
    for _ in range(tries - 1):
        with contextlib.suppress(SchoolBusyError), writing(engine) as connection:
            return take_lease(connection, school, holder, clock())
        sleep(SECONDS_BETWEEN_TRIES)
    with writing(engine) as connection:
        return take_lease(connection, school, holder, clock())


_FENCE = sa.select(SCHOOL_LEASE.c.fence).where(SCHOOL_LEASE.c.school == sa.bindparam("b_school"))
_PROLONG = SCHOOL_LEASE.update().where(
    SCHOOL_LEASE.c.school == sa.bindparam("b_school"), SCHOOL_LEASE.c.fence == sa.bindparam("b_fence")
)


def confirm_lease(connection: Connection, lease: Lease, now: datetime) -> None:
    """Prolong the lease. Raises BridgeError `lease-lost` when another process holds a newer one."""
    prolonged = connection.execute(
        _PROLONG, {"b_school": lease.school, "b_fence": lease.fence, "expires_at": now + LEASE_TIME}
    )
    if prolonged.rowcount != 1:
        raise _lost(lease)


def check_lease(connection: Connection, lease: Lease) -> None:
    """Raise BridgeError `lease-lost` when another process holds a newer lease; changes nothing."""
    fence = connection.scalar(_FENCE, {"b_school": lease.school})
    if fence != lease.fence:
        raise _lost(lease)


def _lost(lease: Lease) -> BridgeError:
    return BridgeError("lease-lost", _LOST, {"school": lease.school}, ExitStatus.NOT_DONE)


def give_back_lease(engine: Engine, lease: Lease) -> None:
    """Free the school for the next run, if the lease is still ours."""
    _at_work.discard(lease.holder)
    with writing(engine) as connection:
        connection.execute(
            SCHOOL_LEASE.update()
            .where(SCHOOL_LEASE.c.school == lease.school, SCHOOL_LEASE.c.fence == lease.fence)
            .values(holder=None, process=None, expires_at=None)
        )
