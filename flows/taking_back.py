"""Withdrawals go first, also while a run of the same school is sending: what a run does between its requests.

Rules (docs/adr/withdrawals-go-first.md). The sender itself looks, before each request and every second of a wait,
whether the registry moved; so there are never two senders. If it did, links that lost their ground are ended, those
that show less from now on are put so, and records are withdrawn, before anything else is sent. Only what the law
demands goes first; what limits may hold is left to the next run. It decides for the students concerned, by the roster
at hand: as last read, until the school is read.
Deliberately not here: taking back while nothing of the school is being sent (`flows.steps.sweep_school`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import pandas as pd

from database import reading, writing
from delivery import ledger
from delivery.balance import SchoolBalance
from delivery.desk import Desk, SendingTally, TakingBackStoppedError, at_once
from delivery.lease import PROLONG_AFTER, confirm_lease
from delivery.outcome import enter_heard
from delivery.plan import KEY_COLUMNS
from delivery.send import send_withdrawals
from delivery.send_links import LinkTally, end_links, put_links
from delivery.watch import Mark, has_moved, mark_after, mark_of, students_concerned
from flows.bridge import Bridge, School
from flows.failures import not_taken_back
from flows.look import LATE, Look, look_at
from journal.school import RosterEntry


@dataclass(slots=True)
class TakingBack:
    """What one run takes back between its requests; called, it looks and acts. `roster` is filled by the run.

    `look` is the run's own plan, once it has one; `taken` are the ids of the records that were taken back.
    """

    bridge: Bridge
    school: School
    desk: Desk
    roster: Mapping[str, RosterEntry] = field(repr=False)
    mark: Mark | None = None
    look: Look | None = field(default=None, repr=False)
    taken: set[str] = field(default_factory=set)
    _records: SendingTally = field(default_factory=SendingTally)
    _links: LinkTally = field(default_factory=LinkTally)
    _lost: list[pd.DataFrame] = field(default_factory=list, repr=False)
    _prolonged_at: datetime | None = None

    def __call__(self) -> None:
        """Take back what lost its ground since the last look, until nothing more has; the first look is at all.

        Raises TakingBackStoppedError, BridgeError `lease-lost`, `clock-back`.
        """
        if self.roster:  # else the school was never read, and the portal holds nothing of it
            while self._look():
                pass

    def _look(self) -> bool:
        """Look once and act upon it; False when the registry had not moved."""
        now = self.bridge.clock()
        self._prolong(now)
        with reading(self.bridge.engine) as connection:
            if self.mark is not None and not has_moved(connection, self.mark, now, self.bridge.today):
                return False
            later = mark_of(connection, self.school.code, now, self.bridge.today)
            students = None if self.mark is None else students_concerned(connection, self.mark, later)
        self.mark = later
        enter_heard(self.desk)  # so that the ledger says all that the portal shows
        if students is None or students:
            self._take_back(look_at(self.bridge, self.school, None, self.roster, now, students))
        return True

    def start_from_here(self) -> None:
        """Leave what was recorded so far to the run, which decides after this."""
        with reading(self.bridge.engine) as connection:
            now, today = self.bridge.clock(), self.bridge.today
            self.mark = mark_after(connection, self.mark, self.school.code, now, today)

    def _prolong(self, now: datetime) -> None:
        """Keep the lease through a long reading or wait."""
        if self._prolonged_at is None or now - self._prolonged_at > PROLONG_AFTER:
            with writing(self.bridge.engine) as connection:
                confirm_lease(connection, self.desk.lease, now)
            self._prolonged_at = now

    def _take_back(self, look: Look) -> None:
        links = look.links.demanded(limited=False)
        records = look.records.withdraw[look.records.withdraw["lawful"]]
        desk = at_once(self.desk)
        end_links(desk, links, self._links)
        if self._links.stopped_by is None:
            put_links(desk, links, self._links)
        if len(records):
            self._note(records)
            send_withdrawals(desk, records, self.bridge.batch_records, self._records)
        failure = self._records.stopped_by or self._links.stopped_by
        if failure is not None:
            raise TakingBackStoppedError(failure)

    def _note(self, records: pd.DataFrame) -> None:
        ids = set(records["record_id"])
        self.taken |= ids
        with reading(self.bridge.engine) as connection:
            known = ledger.load_records(connection, self.school.code, sorted(set(records["student_key"])))
        if self.look is not None:
            self._lost.append(known.loc[known["record_id"].isin(ids), [*KEY_COLUMNS, "digest"]])

    def counted(self, balance: SchoolBalance) -> SchoolBalance:
        """Add what was taken back to a run's balance, also of a run that failed."""
        withdrawn = Counter(balance.withdrawn)
        withdrawn.update(self._records.withdrawn)
        return replace(
            balance,
            withdrawn=dict(withdrawn),
            links_ended=balance.links_ended + self._links.ended,
            links_put=balance.links_put + self._links.put,
            failure=balance.failure
            or not_taken_back(self._records.not_withdrawn, self._links.not_ended + self._links.not_narrowed),
        )

    def rebalanced(self, balance: SchoolBalance) -> SchoolBalance:
        """Give records that the run found unchanged and then took back their fate: withheld, their consent changed.

        One that the run sent was sent; one that it had not sent yet is counted where it was kept back.
        """
        lost = self._unchanged_lost()
        if not lost:
            return balance
        withheld = {**balance.withheld, LATE: balance.withheld.get(LATE, 0) + lost}
        return replace(balance, unchanged=balance.unchanged - lost, withheld=withheld)

    def _unchanged_lost(self) -> int:
        if self.look is None or not self._lost:
            return 0
        lost = pd.concat(self._lost, ignore_index=True).drop_duplicates(KEY_COLUMNS)
        publish = self.look.records.publish[KEY_COLUMNS].assign(published=True)
        rows = lost.merge(self.look.contents, on=KEY_COLUMNS, suffixes=("_held", ""))
        rows = rows.merge(publish, on=KEY_COLUMNS, how="left")
        return int(((rows["digest_held"] == rows["digest"]) & rows["published"].isna()).sum())
