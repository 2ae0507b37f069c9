"""What would be done for one school now: decide, plan, and hold the plan against limits and pauses. Sends nothing.

Rules. One `now`: consents, ledger and links are read in one transaction. A pause or a hold keeps back everything
but withdrawals that the law demands. Deliberately not here: reading the school, sending (`flows.steps`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import pandas as pd
from sqlalchemy.engine import Connection

from consent_registry import decision
from consent_registry.decision import Grant, Refusal
from consent_registry.fact_store import registry_now, states
from consent_registry.pilot.groups import pilot_of
from consent_registry.reasons import Reason, end_reason, withdraw_reason
from database import reading
from delivery import holds, ledger
from delivery.actions import Act, acts_of, digest_of, held_back
from delivery.balance import MOST_ROWS_LISTED, HeldPlan, RowSetAside, SchoolBalance
from delivery.content import content_digests
from delivery.limits import exceeded
from delivery.links import LinkPlan, plan_links
from delivery.plan import KEY_COLUMNS, RecordPlan, plan_records
from delivery.plan_file import HELD, PAUSED
from delivery.send_links import told_links
from flows.bridge import Bridge, School
from journal.frames import RECORDS, SET_ASIDE, empty_frame
from journal.school import RosterEntry, SchoolReading
from mappings.reasons import TAKES_BACK

LATE = "consent-changed"
"""The reason for which a record is withheld whose consent ended while it was made ready. HELD and PAUSED: likewise,
though consents permit."""

LIMITED_REASONS = frozenset({str(Reason.NOT_IN_PILOT), str(Reason.STUDENT_UNKNOWN)})
"""Withdrawals for these reasons follow a change of the configuration, or students who vanished from the school's
database without leaving it: the limits hold them, for a wrong or emptied database looks just so."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a school at one moment, and what would be done about it."""

    now: datetime
    today: date
    roster: Mapping[str, RosterEntry] = field(repr=False)
    records: RecordPlan
    links: LinkPlan
    warnings: Mapping[str, int]
    contents: pd.DataFrame = field(repr=False)
    """Of each record that was read and is permitted: whose it is, and the keyed digest of its content."""
    rows_set_aside: Sequence[RowSetAside] = ()


def grounds_of(
    bridge: Bridge,
    connection: Connection,
    school: str,
    roster: Mapping[str, RosterEntry],
    now: datetime,
    student_keys: Sequence[str] | None = None,
) -> list[Grant | Refusal]:
    """Return each link's ground at `now`, read from the facts in the caller's transaction.

    Raises BridgeError `clock-back` when the registry knows of a later moment.
    """
    moment = registry_now(connection, school, now)
    cases = states(connection, school, at=moment, student_keys=student_keys)
    today = bridge.today(moment)
    return [decision.ground(case, roster.get(case.student_key), moment, today) for case in cases]


def pilot_test(
    bridge: Bridge, connection: Connection, school: School, roster: Mapping[str, RosterEntry], now: datetime
) -> Callable[[str], bool]:
    """Return which students (by key) take part in the exchange now, read in the caller's transaction."""
    pilot, today = pilot_of(connection, school.code, school.pilot_classes), bridge.today(now)

    def in_pilot(student_key: str) -> bool:
        return decision.in_pilot(roster.get(student_key), today, pilot)

    return in_pilot


def look_at(
    bridge: Bridge,
    school: School,
    read: SchoolReading | None,
    roster: Mapping[str, RosterEntry],
    now: datetime,
    student_keys: Sequence[str] | None = None,
) -> Look:
    """Decide and plan for what was read (`read` None: for what the ledger holds alone). Sends nothing.

    `student_keys`: only these students' records and links are looked at, which asks for `read` None.
    """
    today = bridge.today(now)
    with reading(bridge.engine) as connection:
        grounds = grounds_of(bridge, connection, school.code, roster, now, student_keys)
        pilot = pilot_of(connection, school.code, school.pilot_classes)
        known = ledger.load_records(connection, school.code, student_keys)
        told = told_links(connection, school.code)
    if student_keys is not None:
        concerned = frozenset(student_keys)
        told = {link_id: link for link_id, link in told.items() if link.student_key in concerned}

    def decided(frame: pd.DataFrame) -> pd.DataFrame:
        words = decision.decide(frame, grounds, roster, today=today, pilot=pilot)
        return frame.assign(permitted=words["permitted"], reason=words["reason"].astype(object))

    records = empty_frame(RECORDS) if read is None else read.records
    digests = content_digests(records, bridge.vault.derive(f"content:{school.code}"))
    judged = decided(records).assign(digest=digests)
    plan = plan_records(
        judged,
        empty_frame(SET_ASIDE) if read is None else read.set_aside,
        decided(known),
        None if read is None else read.window,
        withdraw_reason=lambda reason: withdraw_reason(Reason(reason)),
        limited_reasons=LIMITED_REASONS,
        takes_back=TAKES_BACK,
    )
    links = plan_links(
        grounds,
        told,
        end_reason=end_reason,
        in_pilot=lambda key: decision.in_pilot(roster.get(key), today, pilot),
        limited_reasons=LIMITED_REASONS,
    )
    warnings = {} if read is None else counts_of(read.warnings["warning"])
    contents = judged.loc[judged["permitted"].astype(bool), [*KEY_COLUMNS, "digest"]]
    rows_set_aside = () if read is None else _listed(read.set_aside)
    return Look(now, today, roster, plan, links, warnings, contents, rows_set_aside)


def _listed(set_aside: pd.DataFrame) -> tuple[RowSetAside, ...]:
    rows = set_aside.head(MOST_ROWS_LISTED).astype(object).where(set_aside.notna(), None)
    return tuple(RowSetAside(*row) for row in rows.itertuples(index=False, name=None))


def counts_of(values: pd.Series) -> dict[str, int]:
    """Return how often each value stands in a column."""
    return {str(value): int(count) for value, count in values.value_counts(sort=False).items()}


@dataclass(frozen=True, slots=True)
class Leave:
    """What may be sent: all (`stop` None), or lawful withdrawals alone because of a pause or a hold."""

    stop: str | None = None
    held: HeldPlan | None = None


def expected_balance(look: Look, leave: Leave, blank: SchoolBalance) -> SchoolBalance:
    """Return the balance of a run that does all of `look` that `leave` admits."""
    plan = look.records
    waiting = {leave.stop: len(plan.publish)} if leave.stop and len(plan.publish) else {}
    return replace(
        blank,
        read=plan.read,
        sent=0 if leave.stop else len(plan.publish),
        unchanged=plan.unchanged,
        failed=plan.rejected_before,
        withheld={**plan.withheld, **waiting},
        set_aside=plan.set_aside,
        warnings=look.warnings,
        withdrawn=counts_of(admitted_withdrawals(plan, leave)["reason"]),
        links_put=0 if leave.stop else len(look.links.put),
        links_ended=len(admitted_links(look.links, leave).end),
        held=leave.held,
        rows_set_aside=look.rows_set_aside,
    )


def admitted_withdrawals(plan: RecordPlan, leave: Leave) -> pd.DataFrame:
    """Return the withdrawals that may be sent; no limit and no pause keeps back a lawful one."""
    return plan.withdraw[plan.withdraw["lawful"]] if leave.stop else plan.withdraw


def admitted_links(links: LinkPlan, leave: Leave) -> LinkPlan:
    """Return the links that may be closed and opened."""
    return LinkPlan(tuple(ending for ending in links.end if not ending.limited), ()) if leave.stop else links


def planned_acts(bridge: Bridge, school: School, look: Look) -> list[Act]:
    """Return a look's plan as the acts that it comes to, in their order."""
    return acts_of(look.records, look.links, bridge.vault.derive(f"plan:{school.code}"))


def leave_for(bridge: Bridge, school: School, look: Look) -> Leave:
    """Hold the plan against the school's pauses and the installation's limits."""
    if school.is_paused(look.today):
        return Leave(PAUSED)
    plan = look.records
    over = exceeded(bridge.limits, holdings=plan.holdings, withdrawals=plan.limited_withdrawals, changes=plan.changes)
    if not over:
        return Leave()
    digest = digest_of(held_back(planned_acts(bridge, school, look)))
    with reading(bridge.engine) as connection:
        if holds.is_approved(connection, school.code, digest):
            return Leave()
    return Leave(HELD, HeldPlan(digest, over, plan.limited_withdrawals, plan.changes, plan.holdings))
