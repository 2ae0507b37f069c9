"""A reconciliation: the portal is held against the ledger, then the school is synced, which mends the portal.

Rules. Differences have names (`delivery.reconcile`); each is in the technical log with the record's opaque id, their
numbers are in the balance. Withdrawals go between the pages of the listing, so what was taken back meanwhile counts as
no difference. A page is a request like others. Deliberately not here: what is done about a difference.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import structlog

from database import gate, writing
from delivery.balance import SchoolBalance
from delivery.desk import Desk, TakingBackStoppedError
from delivery.knock import knock
from delivery.lease import confirm_lease
from delivery.reconcile import believed_records, correct_ledger, differences
from delivery.recover import Recovered, finish_open_batches
from delivery.seen import distrust
from flows.bridge import Bridge
from flows.failures import doubtful_receipts, guarded
from flows.progress import Progress, silent
from flows.steps import at_desk, blank_balance, close_run, last_roster, sync_school
from flows.taking_back import TakingBack
from journal.records import Holding
from journal.school import RosterEntry

HOLDINGS_A_PAGE = 10_000
"""At most so many records are in one answer of ListHoldings."""

log = structlog.get_logger("dnevnik.runs")


def _holdings(bridge: Bridge, desk: Desk) -> list[Holding]:
    """Return all that the portal holds of the school, a request a page; withdrawals go between the pages."""

    def once() -> list[Holding]:
        held: list[Holding] = []
        desk.turns.take(meanwhile=desk.first)
        for holding in bridge.portal.holdings(desk.school):
            held.append(holding)
            if len(held) % HOLDINGS_A_PAGE == 0:
                desk.first()
                desk.turns.take(meanwhile=desk.first)
        return held

    try:
        return desk.patience.call(once, idempotent=True, meanwhile=desk.first)
    except TakingBackStoppedError as stopped:
        failure = stopped.failure
    raise failure


def reconcile_school(bridge: Bridge, code: str, progress: Progress = silent) -> SchoolBalance:
    """Hold the portal's holdings against the ledger, put the ledger right, then sync: the outbox mends the rest."""
    school = bridge.school(code)
    now = bridge.clock()
    run = bridge.new_id()
    blank = blank_balance(school, run, now)
    found: Counter[str] = Counter()
    recovered = Recovered(0, 0)
    counted: Callable[[SchoolBalance], SchoolBalance] = replace
    roster: dict[str, RosterEntry] = {}
    with guarded(blank) as outcome, at_desk(bridge, school, run, lambda: roster) as desk:
        roster.update(last_roster(bridge, code))
        knock(desk)
        progress(code, "recover")
        recovered = finish_open_batches(desk)
        progress(code, "holdings")
        first = TakingBack(bridge, school, desk, roster)
        counted = first.counted
        held = _holdings(bridge, replace(desk, first=first))
        with writing(bridge.engine) as connection:
            gate(connection, code)
            confirm_lease(connection, desk.lease, bridge.clock())
            named = differences(believed_records(connection, code), held)
            # What was taken back while the pages came says nothing of the portal or the ledger.
            named = [difference for difference in named if difference.record_id not in first.taken]
            if named:
                distrust(connection, code)
            found = correct_ledger(connection, code, named, bridge.today(now))
        for difference in named:
            log.warning("difference", school=code, run=run, difference=difference.name, record=difference.record_id)
    reconciled = counted(outcome.balance)
    if reconciled.failure is not None:
        return close_run(bridge, reconciled)
    synced = sync_school(bridge, code, progress, differences=found, full=True)
    synced = replace(synced, withdrawn=dict(Counter(synced.withdrawn) + Counter(reconciled.withdrawn)))
    return replace(synced, failure=synced.failure or doubtful_receipts(code, recovered))
