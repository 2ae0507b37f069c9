"""The one place that calls the portal again, and the one that waits for a turn.

Rules. Only what the portal said it did not take (`retryable`) is called again, with full jitter or as late as
the portal asked; while it waits, what can't wait is done (`meanwhile`). `unknown` and `final` go to the caller at once.
A wait that the portal asks for and that is longer than patience is kept (`delivery.rest`), and until it is over nobody
knocks. `requests_per_minute` holds over all schools and machines: turns are drawn from the database, a few at a
time; a twentieth of them is kept for taking records back.
"""

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import sqlalchemy as sa
import stamina
import stamina.instrumentation
from sqlalchemy.engine import Engine

from database import gate, writing
from delivery.rest import Rest
from delivery.tables import REQUEST_ALLOWANCE
from journal.portal import PortalError, Resend

# A retry's log line would show the arguments of the call, and a batch is personal data.
stamina.instrumentation.set_on_retry_hooks([])

_T = TypeVar("_T")
_SECONDS_A_MINUTE = 60
_TURNS_AT_ONCE = 10
_LOOK_EVERY = 1.0
_KEPT_FOR_URGENT = 20
"""One turn of so many is kept for what takes records back."""


def pause(seconds: float, meanwhile: Callable[[], None] | None, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait; `meanwhile` is called before each second of it, and its own time counts."""
    left = seconds
    while left > 0:
        part = left
        if meanwhile is not None:
            began = time.monotonic()
            meanwhile()
            left -= time.monotonic() - began
            part = max(0.0, min(left, _LOOK_EVERY))
        sleep(part)
        left -= part


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a refused call is repeated: attempts, and seconds in all and between."""

    attempts: int = 5
    total_seconds: float = 300.0
    first_wait: float = 0.5
    longest_wait: float = 60.0
    rest: Rest | None = None
    """Whose earlier word the calls heed; None: nobody's."""

    def heeding(self, rest: Rest) -> "Patience":
        """Return the same patience for one school's calls."""
        return replace(self, rest=rest)

    def heed(self) -> None:
        """Raise the PortalError that a call would end in, where the portal asked for a rest longer than patience."""
        refusal = None if self.rest is None else self.rest.refusal()
        if refusal is not None and (refusal.retry_after or 0) > self.longest_wait:
            raise refusal

    def once(self, ask: Callable[[], _T]) -> _T:
        """Return what `ask` returns, or raise its PortalError: nothing is repeated."""
        return self._knock(ask)

    def call(
        self, ask: Callable[[], _T], *, idempotent: bool = False, meanwhile: Callable[[], None] | None = None
    ) -> _T:
        """Return what `ask` returns; its last PortalError is raised when patience ends.

        `meanwhile` is called every second of a wait; what it raises ends the call.

        `idempotent`: the message changes nothing when it is told twice, so a lost reply is a reason to tell it again.
        A portal that asks for a longer wait than `longest_wait` is left alone: a run after that comes back.
        """
        repeated = {Resend.RETRYABLE, Resend.UNKNOWN} if idempotent else {Resend.RETRYABLE}

        tried = 0
        began = time.monotonic()

        def wait(error: Exception) -> bool | float:
            nonlocal tried
            tried += 1
            if not isinstance(error, PortalError) or error.resend not in repeated:
                return False
            seconds = self._wait_after(error, tried)
            over = began + self.total_seconds
            if tried >= self.attempts or seconds > self.longest_wait or time.monotonic() + seconds > over:
                return False
            pause(seconds, meanwhile)
            return 0.0

        retrying = stamina.retry_context(
            on=wait,
            attempts=self.attempts,
            timeout=self.total_seconds,
        )
        for attempt in retrying:
            with attempt:
                return self._knock(ask)
        raise AssertionError("a retry context ends by a return or an exception")

    def _wait_after(self, error: PortalError, tried: int) -> float:
        """Return how many seconds to wait after so many tries: what the portal asks for, else full jitter."""
        if error.retry_after is not None:
            return float(error.retry_after)
        return random.uniform(0, min(self.longest_wait, self.first_wait * 2**tried))  # noqa: S311  spreads load, no secret

    def _knock(self, ask: Callable[[], _T]) -> _T:
        if self.rest is None:
            return ask()
        refusal = self.rest.refusal()
        if refusal is not None:
            raise refusal
        try:
            return ask()
        except PortalError as error:
            if (error.retry_after or 0) > self.longest_wait:
                self.rest.keep(error)
            raise


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

    def take(self, *, urgent: bool = False, meanwhile: Callable[[], None] | None = None) -> None:
        """Return when one request may be sent; an `urgent` one may use what is kept back of each minute.

        `meanwhile` is called every second of a wait.
        """
        while not self._taken(urgent=urgent):
            now = self.clock()
            pause(max(0.05, _SECONDS_A_MINUTE - now % _SECONDS_A_MINUTE), meanwhile, self.sleep)

    def _taken(self, *, urgent: bool) -> bool:
        """Take a turn of this minute if there is one."""
        with self._lock:
            minute = int(self.clock() // _SECONDS_A_MINUTE)
            if self._minute != minute or self._left == 0:
                self._minute, self._left = minute, self._draw(minute, _TURNS_AT_ONCE, self._ordinary)
            if self._left == 0:
                return urgent and self._draw(minute, 1, self.per_minute) == 1
            self._left -= 1
            return True

    @property
    def _ordinary(self) -> int:
        """How many requests a minute may be other than urgent."""
        return self.per_minute - min(self.per_minute - 1, math.ceil(self.per_minute / _KEPT_FOR_URGENT))

    def _draw(self, minute: int, most: int, allowed: int) -> int:
        """Take up to `most` turns of `minute`, of which `allowed` may be taken in all; 0 when none is left."""
        table = REQUEST_ALLOWANCE
        with writing(self.engine) as connection:
            gate(connection, "*allowance")
            taken = connection.scalar(sa.select(table.c.taken).where(table.c.minute == minute))
            if taken is None:
                connection.execute(table.delete().where(table.c.minute < minute))
                connection.execute(table.insert().values(minute=minute, taken=0))
            turns = min(math.ceil(self.per_minute / _TURNS_AT_ONCE), most, allowed - (taken or 0))
            if turns > 0:
                connection.execute(table.update().where(table.c.minute == minute).values(taken=(taken or 0) + turns))
            return max(turns, 0)
