"""The one place that calls the portal again, and the one that waits for a turn.

Rules. Only what the portal said it did not take (`retryable`) is called again, with full jitter or as late as
the portal asked. `unknown` and `final` go to the caller at once. `requests_per_minute` holds over all schools
and machines: turns are drawn from the bridge's database, a few at a time.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import sqlalchemy as sa
import stamina
import stamina.instrumentation
from sqlalchemy.engine import Engine

from database import gate, writing
from delivery.tables import REQUEST_ALLOWANCE
from journal.portal import PortalError, Resend

# A retry's log line would show the arguments of the call, and a batch is personal data.
stamina.instrumentation.set_on_retry_hooks([])

_T = TypeVar("_T")
_SECONDS_A_MINUTE = 60
_TURNS_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a refused call is repeated: attempts, and seconds in all and between."""

    attempts: int = 5
    total_seconds: float = 300.0
    first_wait: float = 0.5
    longest_wait: float = 60.0

    def call(self, ask: Callable[[], _T], *, idempotent: bool = False) -> _T:
        """Return what `ask` returns; its last PortalError is raised when patience ends.

        `idempotent`: the message changes nothing when it is told twice, so a lost reply is a reason to tell it again.
        A portal that asks for a longer wait than `longest_wait` is left alone: a later run comes back.
        """
        repeated = {Resend.RETRYABLE, Resend.UNKNOWN} if idempotent else {Resend.RETRYABLE}

        def wait(error: Exception) -> bool | float:
            if not isinstance(error, PortalError) or error.resend not in repeated:
                return False
            if error.retry_after is None:
                return True
            return float(error.retry_after) if error.retry_after <= self.longest_wait else False

        retrying = stamina.retry_context(
            on=wait,
            attempts=self.attempts,
            timeout=self.total_seconds,
            wait_initial=self.first_wait,
            wait_max=self.longest_wait,
            wait_jitter=self.first_wait,
        )
        for attempt in retrying:
            with attempt:
                return ask()
        raise AssertionError("a retry context ends by a return or an exception")


@dataclass(slots=True)
class Turns:
    """Draws the right to one request from the minute's allowance; waits for the next minute when it is spent."""

    engine: Engine
    per_minute: int
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _minute: int = field(default=-1, init=False)
    _left: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def take(self) -> None:
        """Return when one request may be sent."""
        with self._lock:
            while True:
                minute = int(self.clock() // _SECONDS_A_MINUTE)
                if self._minute == minute and self._left > 0:
                    self._left -= 1
                    return
                self._minute, self._left = minute, self._draw(minute)
                if self._left == 0:
                    self.sleep(max(0.05, (minute + 1) * _SECONDS_A_MINUTE - self.clock()))

    def _draw(self, minute: int) -> int:
        """Take up to ten turns of `minute`; 0 when none is left."""
        table = REQUEST_ALLOWANCE
        with writing(self.engine) as connection:
            gate(connection, "*allowance")
            taken = connection.scalar(sa.select(table.c.taken).where(table.c.minute == minute))
            if taken is None:
                connection.execute(table.delete().where(table.c.minute < minute))
                connection.execute(table.insert().values(minute=minute, taken=0))
            turns = min(math.ceil(self.per_minute / _TURNS_AT_ONCE), _TURNS_AT_ONCE, self.per_minute - (taken or 0))
            if turns > 0:
                connection.execute(table.update().where(table.c.minute == minute).values(taken=(taken or 0) + turns))
            return max(turns, 0)
