"""What a school's sender works with, and the tally of what became of the records handed over."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from sqlalchemy.engine import Connection, Engine

from audit.log import AuditLog
from consent_registry.decision import Grant, Refusal
from delivery.lease import Lease
from delivery.ledger import BatchRow
from delivery.patience import Patience, Turns
from journal.portal import Portal, PortalError
from journal.records import Receipt
from journal.wording import BridgeError

ResolvedBy = Literal["reply", "receipt"]
Heard = tuple[Receipt, ResolvedBy]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a school's sender works with. `grounds_now` and `in_pilot_now` read in the caller's transaction."""

    engine: Engine
    portal: Portal
    log: AuditLog
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    school: str
    run: str
    software: str
    lease: Lease
    patience: Patience
    turns: Turns
    grounds_now: Callable[[Connection, Sequence[str], datetime], Sequence[Grant | Refusal]]
    in_pilot_now: Callable[[Connection, datetime], Callable[[str], bool]]
    day_of: Callable[[datetime], date]
    first: Callable[[], None] = field(default=lambda: None)
    """Done before a request and while waiting: takes back what lost its ground since. Raises TakingBackStoppedError."""
    urgent: bool = False
    """What is sent from here takes back: it waits for nobody else's requests."""
    heard: list[Heard] = field(default_factory=list, repr=False)
    """Receipts that the portal gave and that are not entered yet (`delivery.outcome`); one list for all its copies."""
    shut: set[str] = field(default_factory=set, repr=False)
    """Students, by key, of whom this run publishes nothing more, for a link of theirs was not ended or narrowed at the
    portal: its account would see it. One set for all its copies."""
    boundary: Callable[[str], None] = field(default=lambda _: None)
    """Called with the name of each step just done; tests end the process here."""


def at_once(desk: Desk) -> Desk:
    """Return the desk for what takes back: nothing goes before it, and it may use the turns kept for it."""
    return replace(desk, first=_nothing, urgent=True)


def _nothing() -> None:
    """Do nothing."""


class TakingBackStoppedError(Exception):
    """What goes first could not be done: `failure` says why, and nothing else may be sent."""

    def __init__(self, failure: PortalError | BridgeError) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(slots=True)
class SendingTally:
    """What became of the records handed over; `stopped_by` is the error that ended the sending early.

    `failed` counts publications, `not_withdrawn` records that should have been taken back and were not,
    `refused_in_a_row` batches refused since one was taken.
    """

    sent: int = 0
    withdrawn: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    withheld_late: int = 0
    failed: int = 0
    not_withdrawn: int = 0
    refused_in_a_row: int = 0
    stopped_by: PortalError | BridgeError | None = None

    def count_failed(self, rows: Sequence[BatchRow]) -> None:
        """Count records that were handed over in vain."""
        for row in rows:
            if row.action == "publish":
                self.failed += 1
            else:
                self.not_withdrawn += 1
