from datetime import UTC, date, datetime, timedelta
from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_registry.decision import (
    Grant,
    Refusal,
    comes_of_age_on,
    covering,
    covers,
    decide,
    ground,
    in_pilot,
)
from consent_registry.facts import CaseState, EndingReason, Span
from consent_registry.pilot.admission import Pilot
from consent_registry.reasons import MEANINGS, RANKING, Reason, end_reason, withdraw_reason
from journal.school import Enrolment, RosterEntry
from journal.vocabulary import ALL_KINDS, EndReason, RecordKind, WithdrawReason

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)

STUDENT = RosterEntry("7", date(2012, 5, 5), (Enrolment(date(2020, 9, 1), None, "5А"),))
STANDING = CaseState(
    case_id=1,
    school="0252",
    student_key="7",
    account_id="pa-1",
    link_id="link-1",
    relation="parent",
    submitted_at=NOW - 9 * DAY,
    identified_at=NOW - 8 * DAY,
    registered_at=NOW - 7 * DAY,
    consent_ref="consent-1",
    consent_text_version="2025-09",
    consent_signed_on=TODAY - 8 * DAY,
    in_force_from=TODAY - 7 * DAY,
    records_from=date(2026, 9, 1),
)


def changed(**fields: object) -> CaseState:
    values = {name: getattr(STANDING, name) for name in CaseState.__slots__} | fields
    return CaseState(**values)


def reason_of(case: CaseState, student: RosterEntry | None = STUDENT) -> Reason | None:
    outcome = ground(case, student, NOW, TODAY)
    return outcome.reason if isinstance(outcome, Refusal) else None


def test_a_case_that_went_the_whole_way_is_granted_what_its_consent_says() -> None:
    case = changed(kinds=frozenset({RecordKind.CURRENT}), records_to=TODAY, in_force_to=TODAY)
    assert ground(case, STUDENT, NOW, TODAY) == Grant(
        school="0252",
        student_key="7",
        account_id="pa-1",
        link_id="link-1",
        consent_ref="consent-1",
        consent_text_version="2025-09",
        kinds=frozenset({RecordKind.CURRENT}),
        in_force_from=TODAY - 7 * DAY,
        in_force_to=TODAY,
        records_from=date(2026, 9, 1),
        records_to=TODAY,
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"identified_at": None}, Reason.NOT_IDENTIFIED),
        ({"identified_at": NOW + timedelta(seconds=1)}, Reason.NOT_IDENTIFIED),
        ({"identified_at": NOW}, None),
        ({"consent_signed_on": None}, Reason.CONSENT_MISSING),
        ({"consent_signed_on": TODAY + DAY}, Reason.CONSENT_MISSING),
        ({"consent_signed_on": TODAY}, None),
        ({"consent_text_version": None}, Reason.CONSENT_MISSING),
        ({"consent_text_version": ""}, Reason.CONSENT_MISSING),
        ({"registered_at": None}, Reason.NOT_REGISTERED),
        ({"registered_at": NOW + timedelta(seconds=1)}, Reason.NOT_REGISTERED),
        ({"registered_at": NOW}, None),
        ({"in_force_from": None}, Reason.CONSENT_MISSING),
        ({"records_from": None}, Reason.CONSENT_MISSING),
        ({"in_force_from": TODAY + DAY}, Reason.CONSENT_NOT_YET_IN_FORCE),
        ({"in_force_from": TODAY}, None),
        ({"in_force_to": TODAY - DAY}, Reason.CONSENT_EXPIRED),
        ({"in_force_to": TODAY}, None),
        ({"in_force_to": TODAY + DAY}, None),
        ({"withdrawn_at": NOW}, Reason.CONSENT_WITHDRAWN),
        ({"withdrawn_at": NOW - DAY, "identified_at": None}, Reason.CONSENT_WITHDRAWN),
        ({"withdrawn_at": NOW + timedelta(seconds=1)}, None),
        ({"ended_at": NOW, "ended_why": EndingReason.GUARDIANSHIP_ENDED}, Reason.GUARDIANSHIP_ENDED),
        ({"ended_at": NOW, "ended_why": EndingReason.REGISTERED_IN_ERROR}, Reason.REGISTERED_IN_ERROR),
        ({"ended_at": NOW - DAY, "ended_why": EndingReason.GUARDIANSHIP_ENDED}, Reason.GUARDIANSHIP_ENDED),
        ({"ended_at": NOW + timedelta(seconds=1), "ended_why": EndingReason.REGISTERED_IN_ERROR}, None),
        (
            {"ended_at": NOW, "ended_why": EndingReason.REGISTERED_IN_ERROR, "withdrawn_at": NOW},
            Reason.CONSENT_WITHDRAWN,
        ),
        ({"authority_until": TODAY}, None),
        ({"authority_until": TODAY + DAY}, None),
        ({"authority_until": TODAY - DAY}, Reason.GUARDIANSHIP_ENDED),
        ({"restrictions": (Span(TODAY, None),)}, Reason.RESTRICTED),
        ({"restrictions": (Span(TODAY - DAY, TODAY),)}, Reason.RESTRICTED),
        ({"restrictions": (Span(None, TODAY),)}, Reason.RESTRICTED),
        ({"restrictions": (Span(TODAY + DAY, None), Span(TODAY, TODAY))}, Reason.RESTRICTED),
        ({"restrictions": (Span(TODAY + DAY, None),)}, None),
        ({"restrictions": (Span(TODAY - DAY, TODAY - DAY),)}, None),
        ({"restrictions": (Span(None, TODAY - DAY),)}, None),
    ],
)
def test_each_condition_of_a_case_at_its_border(fields: dict[str, object], reason: Reason | None) -> None:
    assert reason_of(changed(**fields)) == reason


@pytest.mark.parametrize(
    ("student", "reason"),
    [
        (None, Reason.STUDENT_UNKNOWN),
        (RosterEntry("7", None, STUDENT.enrolments), Reason.BIRTH_DATE_UNKNOWN),
        (RosterEntry("7", date(2008, 11, 20), STUDENT.enrolments), Reason.CAME_OF_AGE),
        (RosterEntry("7", date(2008, 11, 19), STUDENT.enrolments), Reason.CAME_OF_AGE),
        (RosterEntry("7", date(2008, 11, 21), STUDENT.enrolments), None),
        (RosterEntry("7", date(2012, 5, 5), ()), Reason.STUDENT_LEFT),
        (RosterEntry("7", date(2012, 5, 5), (Enrolment(date(2020, 9, 1), TODAY - DAY, "5А"),)), Reason.STUDENT_LEFT),
        (RosterEntry("7", date(2012, 5, 5), (Enrolment(date(2020, 9, 1), TODAY, "5А"),)), None),
        (RosterEntry("7", date(2012, 5, 5), (Enrolment(TODAY + DAY, None, "5А"),)), Reason.STUDENT_LEFT),
    ],
)
def test_each_condition_of_a_student_at_its_border(student: RosterEntry | None, reason: Reason | None) -> None:
    assert reason_of(STANDING, student) == reason


def test_a_consent_covers_its_kinds_from_its_first_day_to_its_last() -> None:
    kinds, last = frozenset({RecordKind.CURRENT}), date(2026, 9, 3)
    outcome = ground(changed(kinds=kinds, records_to=last), STUDENT, NOW, TODAY)
    assert isinstance(outcome, Grant)
    covered = [covers(outcome, RecordKind.CURRENT, date(2026, 8, 31) + n * DAY) for n in range(5)]
    assert covered == [False, True, True, True, False]
    assert not covers(outcome, RecordKind.PERIOD, last)
    without_end = ground(changed(), STUDENT, NOW, TODAY)
    assert isinstance(without_end, Grant)
    assert covers(without_end, RecordKind.PERIOD, TODAY)


def test_an_empty_case_is_an_application_not_identified() -> None:
    assert reason_of(CaseState(1, "0252", "7", "pa-1", "link-1")) is Reason.NOT_IDENTIFIED


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        ground(STANDING, STUDENT, NOW.replace(tzinfo=None), TODAY)


@pytest.mark.parametrize(
    ("born", "of_age"),
    [
        (date(2008, 11, 20), date(2026, 11, 20)),
        (date(2008, 2, 29), date(2026, 3, 1)),  # no 29 February in 2026
        (date(2008, 2, 28), date(2026, 2, 28)),
    ],
)
def test_coming_of_age(born: date, of_age: date) -> None:
    assert comes_of_age_on(born) == of_age


def test_the_pilot_group_is_that_of_today() -> None:
    assert in_pilot(None, TODAY, Pilot())
    assert not in_pilot(None, TODAY, Pilot(frozenset({"5А"})))
    moved = RosterEntry("7", None, (Enrolment(date(2020, 9, 1), TODAY - DAY, "5А"), Enrolment(TODAY, None, "5Б")))
    assert not in_pilot(moved, TODAY, Pilot(frozenset({"5А"})))
    assert in_pilot(moved, TODAY, Pilot(frozenset({"5-б"})))


def test_every_reason_has_a_meaning_and_a_remedy_in_both_languages() -> None:
    for reason in Reason:
        for wording in MEANINGS[reason]:
            assert wording.ru
            assert wording.en
            assert wording.ru != wording.en


def test_every_reason_has_the_portals_words() -> None:
    assert {reason: withdraw_reason(reason) for reason in Reason} == {
        Reason.NO_LINK: WithdrawReason.LINK_ENDED,
        Reason.NOT_IDENTIFIED: WithdrawReason.LINK_ENDED,
        Reason.CONSENT_MISSING: WithdrawReason.LINK_ENDED,
        Reason.NOT_REGISTERED: WithdrawReason.LINK_ENDED,
        Reason.STUDENT_UNKNOWN: WithdrawReason.STUDENT_LEFT,
        Reason.CONSENT_NOT_YET_IN_FORCE: WithdrawReason.LINK_ENDED,
        Reason.CONSENT_EXPIRED: WithdrawReason.CONSENT_EXPIRED,
        Reason.CONSENT_WITHDRAWN: WithdrawReason.CONSENT_WITHDRAWN,
        Reason.STUDENT_LEFT: WithdrawReason.STUDENT_LEFT,
        Reason.BIRTH_DATE_UNKNOWN: WithdrawReason.LINK_ENDED,
        Reason.REGISTERED_IN_ERROR: WithdrawReason.LINK_ENDED,
        Reason.GUARDIANSHIP_ENDED: WithdrawReason.LINK_ENDED,
        Reason.CAME_OF_AGE: WithdrawReason.CAME_OF_AGE,
        Reason.RESTRICTED: WithdrawReason.RESTRICTED,
        Reason.NOT_IN_PILOT: WithdrawReason.OUT_OF_SCOPE,
        Reason.KIND_NOT_COVERED: WithdrawReason.OUT_OF_SCOPE,
        Reason.DATE_NOT_COVERED: WithdrawReason.OUT_OF_SCOPE,
    }
    assert {reason for reason in Reason if end_reason(reason) is EndReason.REGISTERED_IN_ERROR} == {
        Reason.NO_LINK,
        Reason.NOT_IDENTIFIED,
        Reason.CONSENT_MISSING,
        Reason.NOT_REGISTERED,
        Reason.CONSENT_NOT_YET_IN_FORCE,
        Reason.BIRTH_DATE_UNKNOWN,
        Reason.REGISTERED_IN_ERROR,
        Reason.NOT_IN_PILOT,
        Reason.KIND_NOT_COVERED,
        Reason.DATE_NOT_COVERED,
    }
    assert end_reason(Reason.CAME_OF_AGE) is EndReason.CAME_OF_AGE
    assert end_reason(Reason.STUDENT_UNKNOWN) is EndReason.STUDENT_LEFT


# The same decision, one record at a time, straight from the words of the rule.

STUDENTS = ["1", "2"]
DAYS = [date(2026, 9, 1) + n * DAY for n in range(3)]
KINDS = [RecordKind.CURRENT, RecordKind.ABSENCE, RecordKind.REMARK]
ENDED = [reason for reason in RANKING if RANKING.index(reason) < RANKING.index(Reason.NOT_IN_PILOT)]


def row_by_row(
    student: object,
    kind: str | None,
    day: object,
    grounds: list[Grant | Refusal],
    roster: dict[str, RosterEntry],
    pilot_classes: frozenset[str],
) -> Reason | None:
    own = [candidate for candidate in grounds if candidate.student_key == student]
    grants = [candidate for candidate in own if isinstance(candidate, Grant)]
    if not grants:
        refused = [candidate.reason for candidate in own if isinstance(candidate, Refusal)]
        return max(refused, key=RANKING.index, default=Reason.NO_LINK)
    of_kind = [grant for grant in grants if kind in {str(covered) for covered in grant.kinds}]
    if not of_kind:
        return Reason.KIND_NOT_COVERED
    for grant in of_kind:
        if (
            isinstance(day, date)
            and grant.records_from <= day
            and (grant.records_to is None or day <= grant.records_to)
        ):
            inside = in_pilot(roster.get(str(student)), TODAY, Pilot(pilot_classes))
            return None if inside else Reason.NOT_IN_PILOT
    return Reason.DATE_NOT_COVERED


grants = st.builds(
    Grant,
    school=st.just("0252"),
    student_key=st.sampled_from([*STUDENTS, "none of ours"]),
    account_id=st.just("pa"),
    link_id=st.just("link"),
    consent_ref=st.just("consent"),
    consent_text_version=st.just("2025-09"),
    kinds=st.frozensets(st.sampled_from(KINDS)),
    in_force_from=st.just(date(2026, 9, 1)),
    in_force_to=st.none(),
    records_from=st.sampled_from(DAYS),
    records_to=st.none() | st.sampled_from(DAYS),
)
refusals = st.builds(
    Refusal,
    school=st.just("0252"),
    student_key=st.sampled_from(STUDENTS),
    account_id=st.just("pa"),
    link_id=st.just("link"),
    reason=st.sampled_from(ENDED),
)
EVERY_RECORD: list[tuple[str | None, str | None, date | None]] = list(
    product([*STUDENTS, "3", None], [*map(str, KINDS), "homework", None], [None, *DAYS, DAYS[-1] + DAY])
)
rosters = st.dictionaries(
    st.sampled_from(STUDENTS),
    st.sampled_from(["5А", "6Б"]).map(lambda name: RosterEntry("", None, (Enrolment(date(2020, 9, 1), None, name),))),
)


@given(
    st.lists(grants | refusals, max_size=8),
    rosters,
    st.sampled_from([frozenset(), frozenset({"5-а"})]),
    st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_decide_says_of_every_record_what_the_rule_says_row_by_row(
    grounds: list[Grant | Refusal], roster: dict[str, RosterEntry], pilot_classes: frozenset[str], categories: bool
) -> None:
    frame = pd.DataFrame(
        EVERY_RECORD, columns=["student_key", "kind", "date"], index=range(100, 100 + len(EVERY_RECORD))
    )
    kind_type = "category" if categories else "str"
    frame = frame.astype({"student_key": "str", "kind": kind_type, "date": "datetime64[s]"})

    decided = decide(frame, grounds, roster, today=TODAY, pilot=Pilot(pilot_classes))

    expected = [row_by_row(*record, grounds, roster, pilot_classes) for record in EVERY_RECORD]
    assert list(decided.index) == list(frame.index)
    assert list(decided["reason"]) == expected
    assert list(decided["permitted"]) == [reason is None for reason in expected]
    for (student, kind, day), reason in zip(EVERY_RECORD, expected, strict=True):
        if student is not None and day is not None and kind in set(RecordKind):
            permitting = covering(grounds, student, RecordKind(kind), day)
            assert bool(permitting) == (reason in {None, Reason.NOT_IN_PILOT})
            assert all(grant.student_key == student for grant in permitting)


def test_a_record_without_a_student_is_never_permitted() -> None:
    grounds = [ground(STANDING, STUDENT, NOW, TODAY)]
    frame = pd.DataFrame({"student_key": ["7", None], "kind": "current", "date": pd.Timestamp("2026-09-05")})
    decided = decide(records=frame, grounds=grounds, roster={"7": STUDENT}, today=TODAY)
    assert list(decided["reason"]) == [None, "no-link"]
    assert list(decide(frame[1:], grounds, {"7": STUDENT}, today=TODAY)["reason"]) == ["no-link"]


def test_outside_the_pilot_group_nothing_is_permitted() -> None:
    grounds = [ground(STANDING, STUDENT, NOW, TODAY)]
    frame = pd.DataFrame({"student_key": ["7", "8"], "kind": "current", "date": pd.Timestamp("2026-09-05")})
    inside = decide(frame, grounds, {"7": STUDENT}, today=TODAY, pilot=Pilot(frozenset({"5-а"})))
    outside = decide(frame, grounds, {"7": STUDENT}, today=TODAY, pilot=Pilot(frozenset({"6Б"})))
    assert list(inside["permitted"]) == [True, False]
    assert list(outside["permitted"]) == [False, False]
    assert list(outside["reason"]) == ["not-in-pilot", "no-link"]


def test_no_records_are_decided_to_nothing() -> None:
    frame = pd.DataFrame({"student_key": [], "kind": [], "date": []}).astype(
        {"student_key": "str", "kind": "str", "date": "datetime64[s]"}
    )
    assert decide(frame, [ground(STANDING, STUDENT, NOW, TODAY)], {}, today=TODAY).empty


def test_two_parents_see_what_either_consent_covers() -> None:
    marks = changed(kinds=frozenset({RecordKind.CURRENT}), link_id="a")
    early = changed(records_to=date(2026, 9, 10), link_id="b")
    withdrawn = changed(withdrawn_at=NOW, link_id="c")
    grounds = [ground(case, STUDENT, NOW, TODAY) for case in (withdrawn, marks, early)]
    frame = pd.DataFrame(
        {
            "student_key": "7",
            "kind": ["current", "absence", "absence"],
            "date": pd.to_datetime(["2026-10-01", "2026-09-10", "2026-09-11"]),
        }
    )
    decided = decide(frame, grounds, {"7": STUDENT}, today=TODAY)
    assert list(decided["reason"]) == [None, None, "date-not-covered"]
    assert [g.link_id for g in covering(grounds, str(7), RecordKind.CURRENT, date(2026, 9, 5))] == ["a", "b"]
    assert changed().kinds == ALL_KINDS
