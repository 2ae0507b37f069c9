"""What would be done for one school now: decide, plan, and hold the plan against limits and pauses. Sends nothing.

Rules. One `now`: consents, ledger and links are read in one transaction. A pause or a hold keeps back everything
but withdrawals that the law demands. Deliberately not here: reading the school, sending (`flows.steps`).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy.engine import Connection

from consent_registry import decision
from consent_registry.decision import Grant, Refusal
from consent_registry.fact_store import registry_now, states
from consent_registry.pilot.admission import Pilot
from consent_registry.pilot.groups import pilot_of
from consent_registry.reasons import Reason, end_reason, withdraw_reason
from database import reading
from delivery import holds, ledger, seen
from delivery.actions import Act, acts_of, digest_of, held_back
from delivery.balance import MOST_ROWS_LISTED, HeldPlan, RowSetAside, SchoolBalance
from delivery.content import content_digests
from delivery.limits import Exceeded, enough, exceeded
from delivery.links import LinkPlan, plan_links
from delivery.plan import KEY_COLUMNS, RecordPlan, plan_records, with_unread
from delivery.plan_file import HELD, PAUSED
from delivery.send_links import told_links
from delivery.watch import mark_of
from flows.bridge import Bridge, School
from flows.standing_grounds import Standing, standing_at
from journal.actuality import SchoolActuality, measured
from journal.frames import RECORDS, SET_ASIDE, empty_frame
from journal.school import RosterEntry, SchoolReading, Window
from mappings.findings import FindingCount, counted
from mappings.reasons import TAKES_BACK

LATE = "consent-changed"
"""The reason for which a record is withheld whose consent ended while it was made ready. HELD and PAUSED: likewise,
though consents permit."""

LIMITED_REASONS = frozenset({str(Reason.NOT_IN_PILOT), str(Reason.STUDENT_UNKNOWN)})
"""Withdrawals for these reasons follow a change of the configuration, or students who vanished from the school's
database without leaving it: the limits hold them, for a wrong or emptied database looks just so."""


@dataclass(frozen=True, slots=True)
class Unread:
    """The journals that were not read again: their number, that of their records, how many were set aside, and why.

    `warnings`: how many warnings their records had, by code.
    """

    journals: int = 0
    records: int = 0
    set_aside: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)


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
    places: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    """The journals of records that the ledger has, or will have, elsewhere: `source_key`, `student_key`, `journal`."""
    pilot: str = ""
    """A digest of who takes part today."""
    doubtful: bool = False
    """Whether too little was read: a row that was read has a record in a journal that was not."""
    unread: Unread = field(default_factory=Unread)
    standing: Standing | None = field(default=None, repr=False)
    """All grounds of the school, as the plan was made of them."""
    findings: Sequence[FindingCount] = ()
    suspicions: tuple[Exceeded, ...] = ()
    schema: str = ""
    actuality: SchoolActuality | None = None


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

    `student_keys`: only these students' records and links are looked at, which asks for `read` None. Where some
    journals only were read, the ledger's records of the others are looked at as far as their ground may be gone.
    """
    today = bridge.today(now)
    only = None if read is None else read.only
    with reading(bridge.engine) as connection:
        grounds = grounds_of(bridge, connection, school.code, roster, now, student_keys)
        mark = mark_of(connection, school.code, now, bridge.today)
        pilot = pilot_of(connection, school.code, school.pilot_classes)
        known = (
            ledger.load_records(connection, school.code, student_keys)
            if only is None
            else ledger.records_of_journals(connection, school.code, only)
        )
        told = told_links(connection, school.code)
    if student_keys is not None:
        concerned = frozenset(student_keys)
        told = {link_id: link for link_id, link in told.items() if link.student_key in concerned}

    def decided(frame: pd.DataFrame) -> pd.DataFrame:
        words = decision.decide(frame, grounds, roster, today=today, pilot=pilot)
        return frame.assign(permitted=words["permitted"], reason=words["reason"].astype(object))

    def planned(
        judged: pd.DataFrame, set_aside: pd.DataFrame, known: pd.DataFrame, window: Window | None
    ) -> RecordPlan:
        return plan_records(
            judged,
            set_aside,
            decided(known),
            window,
            withdraw_reason=lambda reason: withdraw_reason(Reason(reason)),
            limited_reasons=LIMITED_REASONS,
            takes_back=TAKES_BACK,
        )

    records = empty_frame(RECORDS) if read is None else read.records
    digests = content_digests(records, bridge.vault.derive(f"content:{school.code}"))
    judged = decided(records).assign(digest=digests)
    links = plan_links(
        grounds,
        told,
        end_reason=end_reason,
        in_pilot=lambda key: decision.in_pilot(roster.get(key), today, pilot),
        limited_reasons=LIMITED_REASONS,
    )
    aside = empty_frame(SET_ASIDE) if read is None else read.set_aside
    doubtful = False
    if only is not None:
        with reading(bridge.engine) as connection:
            elsewhere = _elsewhere(connection, school.code, judged, known)
            doubtful = bool(elsewhere["held"].any())
            known = pd.concat([known, elsewhere], ignore_index=True) if len(elsewhere) else known
            unread = _losing(connection, school.code, links, known)
        nothing = judged.iloc[:0]
        plan = with_unread(
            planned(judged, aside, known, read.window if read else None),
            planned(nothing, empty_frame(SET_ASIDE), unread, None) if len(unread) else None,
        )
    else:
        plan = planned(judged, aside, known, None if read is None else read.window)
    return Look(
        now,
        today,
        roster,
        plan,
        links,
        {} if read is None else counts_of(read.warnings["warning"]),
        judged.loc[judged["permitted"].astype(bool), [*KEY_COLUMNS, "digest"]],
        () if read is None else _listed(read),
        places=pd.DataFrame() if read is None else _places(read, judged, known),
        pilot="" if read is None else _taking_part(roster, today, pilot),
        doubtful=doubtful,
        standing=standing_at(mark, grounds) if student_keys is None else None,
        findings=() if read is None else counted(read, {}),
        actuality=_actuality(bridge, school, read, today),
    )


def _actuality(bridge: Bridge, school: School, read: SchoolReading | None, today: date) -> SchoolActuality | None:
    lessons = None if read is None else read.lessons
    return None if lessons is None else measured(lessons, today, bridge.goal, school.calendar)


def _elsewhere(connection: Connection, school: str, judged: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return records of permitted rows that the ledger has under a journal that was not read."""
    permitted = judged.loc[judged["permitted"].astype(bool), "source_key"]
    missing = permitted[~permitted.isin(known["source_key"])].tolist()
    found = ledger.records_of_rows(connection, school, missing)
    return found[~found["record_id"].isin(known["record_id"])]


def _losing(connection: Connection, school: str, links: LinkPlan, known: pd.DataFrame) -> pd.DataFrame:
    """Return the records, in journals that were not read, of students who lose a link."""
    students = sorted({ending.student_key for ending in links.end})
    if not students:
        return known.iloc[:0]
    found = ledger.load_records(connection, school, students)
    return found[~found["record_id"].isin(known["record_id"])]


def _places(read: SchoolReading, judged: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return in which journals rows were read whose record is noted in another, or in none yet."""
    if read.record_journals is None or read.aside_journals is None:
        return pd.DataFrame()
    names = [*KEY_COLUMNS, "journal"]
    permitted = judged["permitted"].astype(bool)
    rows = judged[permitted].assign(journal=read.record_journals[permitted])[names]
    stays = read.set_aside.assign(journal=read.aside_journals)[names]
    kept = rows[KEY_COLUMNS[0]].size
    both = pd.concat([rows, stays], ignore_index=True)
    noted: npt.NDArray[np.object_] = both.merge(known[names], on=KEY_COLUMNS, how="left", suffixes=("", "_noted"))[
        "journal_noted"
    ].to_numpy()
    other = (both["journal"].to_numpy(object) != noted) & ((both.index.to_numpy() < kept) | pd.notna(noted))
    different: pd.DataFrame = both.loc[other]
    return different


def _taking_part(roster: Mapping[str, RosterEntry], today: date, pilot: Pilot) -> str:
    names = sorted(key for key, entry in roster.items() if decision.in_pilot(entry, today, pilot))
    return hashlib.blake2b("\x1f".join(names).encode(), digest_size=16).hexdigest()


def _listed(read: SchoolReading) -> tuple[RowSetAside, ...]:
    rows = read.set_aside.assign(journal=read.aside_journals)
    rows = rows.head(MOST_ROWS_LISTED).astype(object)
    return tuple(RowSetAside(*row) for row in rows.where(rows.notna(), None).itertuples(index=False, name=None))


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
        journals_not_read=look.unread.journals,
        records_not_read=look.unread.records,
        set_aside_not_read=look.unread.set_aside,
        warnings_not_read=look.unread.warnings,
        findings=look.findings,
        actuality=look.actuality,
    )


def admitted_withdrawals(plan: RecordPlan, leave: Leave) -> pd.DataFrame:
    """Return the withdrawals that may be sent; no limit and no pause keeps back a lawful one."""
    return plan.withdraw[plan.withdraw["lawful"]] if leave.stop else plan.withdraw


def admitted_links(links: LinkPlan, leave: Leave) -> LinkPlan:
    """Return the links that may be closed, renewed and opened."""
    return links.demanded(limited=False) if leave.stop else links


def planned_acts(bridge: Bridge, school: School, look: Look) -> list[Act]:
    """Return a look's plan as the acts that it comes to, in their order."""
    return acts_of(look.records, look.links, bridge.vault.derive(f"plan:{school.code}"))


def leave_for(bridge: Bridge, school: School, look: Look) -> Leave:
    """Hold the plan against the school's pauses and the installation's limits."""
    if school.is_paused(look.today):
        return Leave(PAUSED)
    plan = look.records
    told = {"withdrawals": plan.limited_withdrawals, "changes": plan.changes}
    limits = exceeded(bridge.limits, holdings=_holdings(bridge, school, plan, enough(bridge.limits, **told)), **told)
    over = (*limits, *look.suspicions, *_too_late(look))
    if not over:
        return Leave()
    digest = _named(bridge, school, look, over)
    with reading(bridge.engine) as connection:
        if holds.is_approved(connection, school.code, digest):
            return Leave()
    return Leave(HELD, HeldPlan(digest, over, **told, holdings=_holdings(bridge, school, plan)))


def _holdings(bridge: Bridge, school: School, plan: RecordPlan, most: int | None = None) -> int:
    """Return how many records the portal shows of a school; where that takes counting, no further than to `most`."""
    if plan.holdings is not None:
        return plan.holdings
    with reading(bridge.engine) as connection:
        return seen.holdings(connection, school.code, most)


def _too_late(look: Look) -> tuple[Exceeded, ...]:
    """Name the hold of a school whose teachers fill in too few lessons in time, where that is to hold it."""
    return ("actuality_below",) if look.actuality and look.actuality.goal.holds and look.actuality.below else ()


def _named(bridge: Bridge, school: School, look: Look, over: Sequence[Exceeded]) -> str:
    """Return the digest that an approval counts for: of the acts, but of other columns alone, whatever the acts.

    A hold for lessons that were not filled in is no word about the plan: it keeps its digest from the day on which it
    was stored, so that an approval lets the next run through, whatever teachers wrote meanwhile.
    """
    if set(over) == {"actuality_below"}:
        with reading(bridge.engine) as connection:
            waiting = holds.list_holds(connection, school.code)
        since = next((one.plan.digest for one in waiting if set(one.plan.exceeded) == set(over)), None)
        return since or hashlib.sha256(f"actuality_below\n{look.now.isoformat()}".encode()).hexdigest()
    acts = "" if set(over) == {"schema_differs"} else digest_of(held_back(planned_acts(bridge, school, look)))
    if "schema_differs" not in over:
        return acts
    return hashlib.sha256(f"{acts}\n{look.schema}".encode()).hexdigest()
