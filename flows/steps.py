"""What is done for one school, in order, in plain Python: read, decide, plan, send, report.

The straight walk of a record: `connectors.school` (rows) → `mappings` (records) → `consent_registry.decision`
(permitted or withheld) → `delivery.plan` (publish, withdraw, unchanged) → `delivery.send` (intent, request,
outcome) → `connectors.portal` → `audit`. Links are closed first and opened before records are published, so
that no account ever sees a record without ground.

Rules. One `now` a reading and one a decision; consents are read again when an intent is stored, and what lost its
ground meanwhile goes first (`flows.taking_back`). Every run ends in a balance, also one
that was not done. A written plan (`only`) is carried out exactly, or refused with nothing sent. What the portal asked
for earlier is heeded before a school is read. Deliberately not here: Prefect (`flows.district`), what people look at
(`reports`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime

from sqlalchemy.engine import Connection

from audit.entry import RunEnded, RunStarted
from consent_registry.decision import Grant, Refusal
from database import reading, writing
from delivery import seen
from delivery.balance import SchoolBalance
from delivery.checkpoints import remember_checkpoint
from delivery.desk import Desk, TakingBackStoppedError
from delivery.knock import knock
from delivery.lease import SchoolBusyError, confirm_lease, give_back_lease, wait_for_lease
from delivery.logged_words import logged_counts
from delivery.plan_file import SchoolPlan
from delivery.recover import Recovered, finish_open_batches, open_batches
from delivery.rest import Rest
from delivery.roster import load_roster, store_roster
from delivery.runs import store_balance
from delivery.seen import Sight
from flows.applying import apply_look
from flows.bridge import Bridge, School
from flows.failures import doubtful_receipts, guarded, heed_how_it_ended, until_when
from flows.look import (
    Look,
    expected_balance,
    grounds_of,
    leave_for,
    look_at,
    pilot_test,
)
from flows.planned import refuse_changed, write_down
from flows.progress import Progress, silent
from flows.reading_plan import Ended, Read, Reader, begin, finish, last_sight, look_at_read, reader, too_little, vouched
from flows.standing_grounds import while_standing
from flows.taking_back import TakingBack
from flows.witness_steps import keep_up, tell_the_end, told_if_short, unless_short
from journal.school import RosterEntry
from mappings.fingerprints import Seen

LOOK_EVERY = 1.0
"""Seconds between two looks for what lost its ground while a school is read."""

LEASE_TRIES = 120
"""A sync waits a minute for another process's sweep; a sweep does not wait for a sync (it comes again)."""


def _read_meanwhile(read: Reader, before: Seen | None, school: str, meanwhile: Callable[[], None]) -> Read:
    """Read the school, which may take minutes, and every second of it do what can't wait."""
    with ThreadPoolExecutor(1, thread_name_prefix=f"read-{school}") as thread:
        reading_it = thread.submit(read, before)
        while not wait([reading_it], LOOK_EVERY).done:
            meanwhile()
        return reading_it.result()


def blank_balance(school: School, run: str, now: datetime, *, dry_run: bool = False) -> SchoolBalance:
    """Return the balance of a run that did nothing yet."""
    return SchoolBalance(school.code, school.name, school.district, run, now, now, dry_run=dry_run)


def plan_school(
    bridge: Bridge,
    code: str,
    progress: Progress = silent,
    *,
    write: Callable[[SchoolPlan], None] = lambda _: None,
    full: bool = False,
) -> SchoolBalance:
    """Return the balance that a sync would have now; nothing is sent or stored. `write` is given the plan itself.

    `full`: all of the school is read, as a run does that carries a written plan out.
    """
    school = bridge.school(code)
    now = bridge.clock()
    blank = blank_balance(school, "plan", now, dry_run=True)
    with guarded(blank) as outcome:
        progress(code, "read")
        sight, read_school = last_sight(bridge, school), reader(bridge, school, now)
        read = read_school(vouched(bridge, sight, now, full=full))
        progress(code, "decide")
        look = look_at_read(bridge, school, read, read.reading.roster, now, sight)
        if read.reading.only is not None and too_little(look, sight):
            read = read_school(None)
            look = look_at_read(bridge, school, read, read.reading.roster, now, sight)
        leave = leave_for(bridge, school, look)
        outcome.balance = expected_balance(look, leave, blank)
        write(write_down(bridge, school, look, leave))
    progress(code, "done")
    return replace(outcome.balance, ended_at=bridge.clock())


@contextmanager
def at_desk(
    bridge: Bridge,
    school: School,
    run: str,
    roster: Callable[[], Mapping[str, RosterEntry]],
    *,
    tries: int = LEASE_TRIES,
) -> Iterator[Desk]:
    """Hold the school's lease and give what sending needs; `roster` is asked each time consents are read.

    `tries`: how often the lease is tried for, half a second apart, while another process has it.
    """
    lease = wait_for_lease(bridge.engine, school.code, run, bridge.clock, tries=tries)

    def grounds_now(connection: Connection, students: Sequence[str], now: datetime) -> Sequence[Grant | Refusal]:
        return grounds_of(bridge, connection, school.code, roster(), now, students)

    def in_pilot_now(connection: Connection, now: datetime) -> Callable[[str], bool]:
        return pilot_test(bridge, connection, school, roster(), now)

    desk = Desk(
        engine=bridge.engine,
        portal=bridge.portal,
        log=bridge.log,
        clock=bridge.clock,
        new_id=bridge.new_id,
        school=school.code,
        run=run,
        software=bridge.software,
        lease=lease,
        patience=bridge.patience.heeding(Rest(bridge.engine, bridge.clock, school.code)),
        turns=bridge.turns,
        grounds_now=grounds_now,
        in_pilot_now=in_pilot_now,
        day_of=bridge.today,
        boundary=bridge.boundary,
    )
    try:
        yield desk
    finally:
        give_back_lease(bridge.engine, lease)


def sync_school(
    bridge: Bridge,
    code: str,
    progress: Progress = silent,
    *,
    only: SchoolPlan | None = None,
    differences: Mapping[str, int] | None = None,
    full: bool = False,
) -> SchoolBalance:
    """Bring the portal to what it should hold of one school; returns the run's balance, also of a failed run.

    `full`: read all of the school, also the journals that did not change since they were last seen.
    `only`: by exactly this plan; where the world has changed since, the run fails by `plan-outdated` and sends nothing.
    `differences`: what a reconciliation found just before, for the balance.
    """
    school = bridge.school(code)
    now = bridge.clock()
    run = bridge.new_id()
    blank = replace(blank_balance(school, run, now), differences=dict(differences or {}))
    counted: Callable[[SchoolBalance], SchoolBalance] = replace
    with guarded(blank) as outcome:
        roster: dict[str, RosterEntry] = {} if only else last_roster(bridge, code)
        with at_desk(bridge, school, run, lambda: roster) as desk:
            knock(desk)
            bridge.log.append([RunStarted(at=now, run=run, school=code, software=bridge.software)])
            sight, read_school = begin(bridge, school, desk.lease), reader(bridge, school, now)
            keep_up(bridge)
            progress(code, "recover")
            recovered = finish_open_batches(desk)
            first = TakingBack(bridge, school, desk, roster)
            counted = first.counted
            desk = replace(desk, first=first)  # noqa: PLW2901  the same desk, from here on with what goes first
            before = vouched(bridge, sight, now, full=full or only is not None)

            def read_it(before: Seen | None) -> Read:
                progress(code, "read")
                try:
                    read = _read_meanwhile(read_school, before, code, desk.first)
                except TakingBackStoppedError as stopped:
                    raise stopped.failure from None
                except Exception:
                    if only is not None:
                        raise
                    # A school that can't be read must not keep at the portal what lost its ground.
                    first.start_from_here()
                    look = _withdrawals_only(look_at(bridge, school, None, roster, now))
                    outcome.balance = apply_look(bridge, school, desk, look, blank, leave_for(bridge, school, look))
                    raise
                progress(code, "decide")
                return read

            read, look = _read_enough(bridge, school, first, roster, read_it, before, sight)
            first.look = look
            grounds_now = while_standing(look.standing, bridge.today, desk.grounds_now)
            desk = replace(desk, grounds_now=grounds_now)  # noqa: PLW2901  likewise
            leave = leave_for(bridge, school, look)
            if only is not None:
                refuse_changed(bridge, school, only, look, leave)
            progress(code, "send")
            leave = unless_short(bridge, leave)
            applied = first.rebalanced(apply_look(bridge, school, desk, look, blank, leave))
            outcome.balance = told_if_short(bridge, _with_doubts(applied, recovered))
            finish(bridge, school, desk.lease, Ended(read, look, leave, outcome.balance), sight)
    progress(code, "done")
    return close_run(bridge, counted(outcome.balance))


def _read_enough(
    bridge: Bridge,
    school: School,
    first: TakingBack,
    roster: dict[str, RosterEntry],
    read_it: Reader,
    before: Seen | None,
    sight: Sight | None,
) -> tuple[Read, Look]:
    """Read what `before` does not vouch for and look at it; all, where the look shows that this is too little."""
    if before is not None:  # read in moments: what lost its ground until now goes with the run's own plan
        first.start_from_here()
    while True:
        read = read_it(before)
        _take_roster(bridge, first.desk, roster, read.reading.roster, bridge.clock())
        first.start_from_here()
        look = look_at_read(bridge, school, read, roster, bridge.clock(), sight)
        if read.reading.only is None or not too_little(look, sight):
            return read, look
        before = first.mark = None


def _take_roster(
    bridge: Bridge, desk: Desk, roster: dict[str, RosterEntry], read: Mapping[str, RosterEntry], now: datetime
) -> None:
    """Let a roster that was read take the place of the last one, in this process and in the database."""
    roster.clear()
    roster.update(read)
    with writing(bridge.engine) as connection:
        confirm_lease(connection, desk.lease, bridge.clock())
        store_roster(connection, desk.school, read, now, lambda plain: _seal_roster(bridge, desk.school, plain))


def _with_doubts(balance: SchoolBalance, recovered: Recovered) -> SchoolBalance:
    """Say of a run that it met receipts which are not believed, unless something worse ended it."""
    return replace(balance, failure=balance.failure or doubtful_receipts(balance.school, recovered))


def sweep_school(bridge: Bridge, code: str, progress: Progress = silent) -> SchoolBalance:
    """Take back at once what lost its ground, and close ended links, from the registry and the ledger alone.

    Does nothing while another process syncs the school, for that one takes back between its requests. One that had
    nothing to do, or was kept from it before anything began (the portal rests or is away, a clock is wrong), comes
    again in a minute and leaves no entry in the audit log: `run-started` says that something is about to be done.
    """
    school = bridge.school(code)
    blank = replace(blank_balance(school, bridge.new_id(), bridge.clock()), sweep=True)
    begun: list[str] = []
    with guarded(blank) as outcome, suppress(SchoolBusyError):
        outcome.balance = _sweep(bridge, school, blank, progress, begun)
    if begun:
        progress(code, "done")
        return close_run(bridge, outcome.balance, keep=False)
    if outcome.balance.failure is None:
        return blank
    return told_how_it_ended(bridge, outcome.balance)


def _sweep(bridge: Bridge, school: School, blank: SchoolBalance, progress: Progress, begun: list[str]) -> SchoolBalance:
    """Sweep one school; the run is noted in `begun` once the audit log knows of it."""
    code, run, now = school.code, blank.run, blank.started_at

    def begin() -> None:
        if not begun:
            bridge.log.append([RunStarted(at=now, run=run, school=code, software=bridge.software)])
            begun.append(run)

    roster = last_roster(bridge, code)
    if not roster:  # never synced: the portal holds nothing of this school
        return blank
    with at_desk(bridge, school, run, lambda: roster, tries=1) as desk:
        if open_batches(bridge.engine, code):
            progress(code, "recover")
            knock(desk)
            begin()
        recovered = finish_open_batches(desk)
        look = look_at(bridge, school, None, roster, now)
        if look.links.end or look.links.narrowed or len(look.records.withdraw):
            progress(code, "send")
            knock(desk)
            begin()
            look = _withdrawals_only(look)
            with writing(bridge.engine) as connection:
                vouched_for = seen.distrust(connection, code)
            blank = apply_look(bridge, school, desk, look, blank, leave_for(bridge, school, look))
            if vouched_for and blank.failure is None:
                with writing(bridge.engine) as connection:
                    seen.trust_again(connection, code)
        return _with_doubts(blank, recovered)


def _withdrawals_only(look: Look) -> Look:
    return replace(look, links=look.links.demanded())


def last_roster(bridge: Bridge, code: str) -> dict[str, RosterEntry]:
    """Return the school's roster as last read; empty when it never was."""
    with reading(bridge.engine) as connection:
        return load_roster(connection, code, lambda sealed: _open_roster(bridge, code, sealed)) or {}


def _seal_roster(bridge: Bridge, code: str, plain: bytes) -> bytes:
    return bridge.vault.seal_for(f"roster:{code}", plain)


def _open_roster(bridge: Bridge, code: str, sealed: bytes) -> bytes:
    return bridge.vault.open_for(f"roster:{code}", sealed)


def told_how_it_ended(bridge: Bridge, balance: SchoolBalance) -> SchoolBalance:
    """Return the balance, its failure told with the moments that are known; notes whether the portal ended the run."""
    with guarded(balance) as told:
        told.balance = replace(balance, failure=until_when(bridge, balance.school, balance.failure))
        heed_how_it_ended(bridge, balance.school, balance.failure)
    return told.balance


def close_run(bridge: Bridge, balance: SchoolBalance, *, keep: bool = True) -> SchoolBalance:
    """Write the run's end into the audit log and keep its balance for reports."""
    ended = told_how_it_ended(bridge, replace(balance, ended_at=bridge.clock()))
    with guarded(ended) as outcome:
        counts: dict[str, int | Mapping[str, int]] = {
            "read": ended.read,
            "sent": ended.sent,
            "unchanged": ended.unchanged,
            "failed": ended.failed,
            "withheld": logged_counts(ended.withheld),
            "set_aside": dict(ended.set_aside),
            "withdrawn": logged_counts(ended.withdrawn),
            "links_put": ended.links_put,
            "links_ended": ended.links_ended,
        }
        failure = ended.failure.code if ended.failure else None
        checkpoint = bridge.log.append(
            [RunEnded(at=ended.ended_at, run=ended.run, school=ended.school, balance=counts, failure=failure)]
        )
        with writing(bridge.engine) as connection:
            if keep:
                store_balance(connection, ended)
            remember_checkpoint(connection, bridge.origin, checkpoint.size, checkpoint.root, ended.ended_at)
        tell_the_end(bridge)
    return outcome.balance
