"""Which links to open and to close, case by case."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.decision import Grant, Refusal
from consent_registry.reasons import Reason, end_reason
from delivery.links import LinkEnding, LinkPlan, Reach, ToldLink, plan_links, terms_digest
from journal.vocabulary import ALL_KINDS, EndReason, RecordKind

GRANT = Grant(
    "0252", "1", "pa-1", "link-1", "consent-1", "2025-09", ALL_KINDS, date(2026, 9, 1), None, date(2026, 9, 1), None
)
REACH = Reach.of(GRANT)
OPEN = ToldLink("link-1", "1", 3, active=True, pending=False, terms_digest=terms_digest(GRANT), reach=REACH)


def refusal(reason: Reason) -> Refusal:
    return Refusal("0252", "1", "pa-1", "link-1", reason)


def plan(ground: Grant | Refusal | None, told: ToldLink | None, *, pilot: bool = True) -> LinkPlan:
    return plan_links(
        [] if ground is None else [ground],
        {} if told is None else {told.link_id: told},
        end_reason=end_reason,
        in_pilot=lambda _: pilot,
        limited_reasons=frozenset({"student-unknown"}),
    )


def ending(reason: EndReason, *, limited: bool = False) -> LinkPlan:
    return LinkPlan((LinkEnding("link-1", "1", reason, limited),), ())


PUT, NOTHING = LinkPlan((), (GRANT,)), LinkPlan((), ())


@pytest.mark.parametrize(
    ("ground", "told", "expected"),
    [
        (GRANT, None, PUT),
        (GRANT, OPEN, NOTHING),
        (GRANT, replace(OPEN, pending=True), PUT),
        (GRANT, replace(OPEN, active=False), PUT),
        (GRANT, replace(OPEN, terms_digest=None), PUT),
        (refusal(Reason.CONSENT_WITHDRAWN), None, NOTHING),
        (refusal(Reason.CONSENT_WITHDRAWN), replace(OPEN, active=False), NOTHING),
        (refusal(Reason.CONSENT_WITHDRAWN), OPEN, ending(EndReason.CONSENT_WITHDRAWN)),
        (refusal(Reason.RESTRICTED), replace(OPEN, active=False, pending=True), ending(EndReason.RESTRICTED)),
        (refusal(Reason.STUDENT_UNKNOWN), OPEN, ending(EndReason.STUDENT_LEFT, limited=True)),
        (None, OPEN, ending(EndReason.REGISTERED_IN_ERROR)),
        (None, replace(OPEN, active=False, pending=True), ending(EndReason.REGISTERED_IN_ERROR)),
        (None, replace(OPEN, active=False), NOTHING),
    ],
)
def test_what_is_told(ground: Grant | Refusal | None, told: ToldLink | None, expected: LinkPlan) -> None:
    assert plan(ground, told) == expected


def test_outside_the_pilot_no_link_is_opened_and_an_open_one_stays() -> None:
    assert plan(GRANT, None, pilot=False) == NOTHING
    assert plan(GRANT, OPEN, pilot=False) == NOTHING


@pytest.mark.parametrize(
    "change",
    [
        {"account_id": "pa-2"},
        {"consent_ref": "consent-2"},
        {"in_force_to": date(2027, 8, 31)},
        {"records_from": date(2026, 9, 2)},
        {"records_to": date(2027, 5, 31)},
        {"kinds": frozenset({RecordKind.CURRENT})},
    ],
)
def test_every_term_counts(change: dict[str, object]) -> None:
    assert terms_digest(replace(GRANT, **change)) != terms_digest(GRANT)


DAY = date(2026, 10, 1)
spans = st.dates(DAY, DAY + timedelta(days=3))
reaches = st.builds(
    Reach,
    st.frozensets(st.sampled_from(["current", "absence", "annual"])),
    spans,
    st.none() | spans,
    spans,
    st.none() | spans,
)


def shown(reach: Reach) -> set[tuple[str, date, date]]:
    """Return, one by one, which kind of record of which day may be looked at on which day."""
    days = [DAY + timedelta(days=number) for number in range(8)]

    def within(day: date, first: date, last: date | None) -> bool:
        return first <= day and (last is None or day <= last)

    return {
        (kind, day, today)
        for kind in reach.kinds
        for day in days
        for today in days
        if within(day, reach.records_from, reach.records_to) and within(today, reach.in_force_from, reach.in_force_to)
    }


@given(reaches, reaches)
def test_terms_that_cover_others_admit_all_that_they_admitted(mine: Reach, other: Reach) -> None:
    """Not the other way round: what admits nothing may be found to be more."""
    if mine.covers(other):
        assert shown(other) <= shown(mine)
    assert mine.covers(mine)
    assert Reach.read(json.loads(json.dumps(mine.plain()))) == mine


@pytest.mark.parametrize(
    ("change", "narrows"),
    [
        ({"kinds": frozenset({RecordKind.CURRENT})}, True),
        ({"records_from": date(2026, 9, 2)}, True),
        ({"records_from": date(2026, 8, 31)}, False),
        ({"records_to": date(2027, 5, 31)}, True),
        ({"in_force_to": date(2027, 8, 31)}, True),
        ({"consent_ref": "consent-2"}, False),
    ],
)
def test_terms_that_show_less_are_known_from_others(change: dict[str, object], narrows: bool) -> None:
    told = plan(replace(GRANT, **change), OPEN)
    assert (len(told.put), bool(told.narrowed)) == (1, narrows)
    assert len(told.demanded().put) == narrows
    assert plan(replace(GRANT, **change), replace(OPEN, reach=None)).narrowed == {"link-1"}
    assert plan(replace(GRANT, **change), replace(OPEN, active=False)).narrowed == frozenset()
