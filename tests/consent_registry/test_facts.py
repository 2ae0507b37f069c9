from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.facts import (
    CaseKey,
    CaseState,
    EndingReason,
    Fact,
    FactKind,
    Span,
    consents_of,
    counting,
    moment_of,
    state_of,
)
from journal.vocabulary import ALL_KINDS, RecordKind

KEY = CaseKey(1, "0252", "1017", "pa-1", "link-1")
START = datetime(2026, 9, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATE = START + timedelta(days=100)
CONSENT: dict[str, object] = {
    "consent_ref": "consent-1",
    "text_version": "2025-09",
    "signed_on": "2026-09-03",
    "in_force_from": "2026-09-04",
    "in_force_to": None,
    "records_from": "2026-09-01",
    "records_to": "2027-05-31",
    "kinds": "current period",
}
NAMED: dict[str, object] = {"consents": ["consent-1"]}


def fact(
    fact_id: int, kind: FactKind, detail: dict[str, object], *, valid: int = 0, corrects: tuple[int, ...] = ()
) -> Fact:
    """A fact recorded `fact_id` hours, and valid `valid` hours, after the start."""
    return Fact(fact_id, kind, START + valid * HOUR, START + fact_id * HOUR, "operator", detail, corrects)


WHOLE = [
    fact(1, FactKind.APPLICATION, {"relation": "guardian"}),
    fact(2, FactKind.IDENTIFICATION, {"by": "s-1", "authority_until": "2027-01-31"}, valid=1),
    fact(3, FactKind.CONSENT, CONSENT, valid=2),
    fact(4, FactKind.REGISTRATION, {"by": "s-2", **NAMED}, valid=3),
    fact(5, FactKind.WITHDRAWAL, {"origin": "person", **NAMED}, valid=4),
    fact(6, FactKind.ENDING, {"why": "guardianship-ended", **NAMED}, valid=5),
    fact(7, FactKind.RESTRICTION, {"from": "2026-10-01", "to": None}),
    fact(8, FactKind.PEOPLE, {"changed": ["email"]}),
]


def test_no_facts_make_a_case_without_anything() -> None:
    assert state_of(KEY, [], LATE) == CaseState(1, "0252", "1017", "pa-1", "link-1")


def test_all_facts_make_the_whole_state() -> None:
    assert state_of(KEY, WHOLE, LATE) == CaseState(
        case_id=1,
        school="0252",
        student_key="1017",
        account_id="pa-1",
        link_id="link-1",
        relation="guardian",
        submitted_at=START,
        identified_at=START + HOUR,
        authority_until=date(2027, 1, 31),
        consent_ref="consent-1",
        consent_text_version="2025-09",
        consent_signed_on=date(2026, 9, 3),
        in_force_from=date(2026, 9, 4),
        in_force_to=None,
        records_from=date(2026, 9, 1),
        records_to=date(2027, 5, 31),
        kinds=frozenset({RecordKind.CURRENT, RecordKind.PERIOD}),
        registered_at=START + 3 * HOUR,
        withdrawn_at=START + 4 * HOUR,
        ended_at=START + 5 * HOUR,
        ended_why=EndingReason.GUARDIANSHIP_ENDED,
        restrictions=(Span(date(2026, 10, 1), None),),
    )


def test_a_consent_without_kinds_covers_all_of_them() -> None:
    assert state_of(KEY, [fact(1, FactKind.CONSENT, CONSENT | {"kinds": ""})], LATE).kinds == ALL_KINDS


def test_the_consent_of_a_moment_is_the_one_that_took_its_place_last() -> None:
    first = fact(1, FactKind.CONSENT, CONSENT, valid=0)
    second = fact(2, FactKind.CONSENT, CONSENT | {"consent_ref": "consent-2"}, valid=48)
    at_once = fact(3, FactKind.CONSENT, CONSENT | {"consent_ref": "consent-3"}, valid=48)

    def reference(facts: list[Fact], hour: int) -> str | None:
        return state_of(KEY, facts, START + hour * HOUR).consent_ref

    assert [reference([first, second], hour) for hour in (-1, 0, 47, 48, 99)] == [
        "consent-1", "consent-1", "consent-1", "consent-2", "consent-2",
    ]  # fmt: skip
    assert reference([second, first], 48) == "consent-2"
    assert reference([first, second, at_once], 48) == "consent-3"


def test_what_happened_to_one_consent_did_not_happen_to_another() -> None:
    second = fact(9, FactKind.CONSENT, CONSENT | {"consent_ref": "consent-2"}, valid=6)
    after = state_of(KEY, [*WHOLE, second], START + 6 * HOUR)
    assert (after.consent_ref, after.registered_at, after.withdrawn_at, after.ended_at) == (
        "consent-2",
        None,
        None,
        None,
    )
    before = state_of(KEY, [*WHOLE, second], START + 5 * HOUR)
    assert before.withdrawn_at == START + 4 * HOUR
    first, other = consents_of(counting([*WHOLE, second]))
    assert first.ended_why is EndingReason.GUARDIANSHIP_ENDED
    assert other.ended_why is None


def test_a_case_without_a_consent_is_withdrawn_as_it_is() -> None:
    facts = [WHOLE[0], fact(2, FactKind.WITHDRAWAL, {"origin": "person", "consents": []}, valid=7)]
    assert state_of(KEY, facts, LATE).withdrawn_at == START + 7 * HOUR
    assert state_of(KEY, [*facts, fact(3, FactKind.CONSENT, CONSENT)], LATE).withdrawn_at is None


@pytest.mark.parametrize(("known", "expected"), [(1, 8), (2, 9), (3, None), (4, 10)])
def test_a_correction_counts_for_whoever_knows_of_it(known: int, expected: int | None) -> None:
    facts = [
        fact(1, FactKind.IDENTIFICATION, {"by": "s-1"}, valid=8),
        fact(2, FactKind.IDENTIFICATION, {"by": "s-1"}, valid=9, corrects=(1,)),
        fact(3, FactKind.IDENTIFICATION, {}, corrects=(2,)),
        fact(4, FactKind.IDENTIFICATION, {"by": "s-1"}, valid=10),
    ]
    state = state_of(KEY, facts, LATE, known_at=START + known * HOUR)
    assert state.identified_at == (None if expected is None else START + expected * HOUR)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.sets(st.integers(0, 11))), max_size=12),
    st.integers(-1, 12),
    st.integers(-1, 6),
)
def test_counting_and_the_fact_of_a_moment_agree_with_a_plain_reading(
    told: list[tuple[int, bool, set[int]]], known: int, at: int
) -> None:
    facts = [
        fact(
            number, FactKind.APPLICATION, {"relation": "parent"} if says else {}, valid=valid, corrects=tuple(corrects)
        )
        for number, (valid, says, corrects) in enumerate(told)
    ]
    heard = [one for one in facts if one.fact_id <= known]
    stands = [one for one in heard if one.detail and not any(one.fact_id in other.corrects for other in heard)]
    assert counting(facts, START + known * HOUR) == stands
    by_now = [one for one in stands if one.valid_at <= START + at * HOUR]
    if by_now:
        best = max(by_now, key=lambda one: (one.valid_at, one.fact_id))
    else:
        best = min(stands, key=lambda one: (one.valid_at, one.fact_id), default=None)
    assert moment_of(stands, START + at * HOUR) == best


def test_a_span_covers_its_days() -> None:
    day = date(2026, 10, 1)
    assert Span(day, day).covers(day)
    assert Span(None, day).covers(date.min)
    assert Span(day, None).covers(date.max)
    assert not Span(day, None).covers(date(2026, 9, 30))
    assert not Span(None, day).covers(date(2026, 10, 2))


@pytest.mark.parametrize(
    "whys", [("guardianship-ended", "registered-in-error"), ("registered-in-error", "guardianship-ended")]
)
def test_of_two_endings_at_one_moment_the_error_counts_and_else_the_earlier(whys: tuple[str, str]) -> None:
    first, second = ({"why": why, **NAMED} for why in whys)
    facts = [*WHOLE[:4], fact(6, FactKind.ENDING, first, valid=5), fact(7, FactKind.ENDING, second, valid=5)]
    assert state_of(KEY, facts, LATE).ended_why is EndingReason.REGISTERED_IN_ERROR
    facts.append(fact(8, FactKind.ENDING, {"why": "guardianship-ended", **NAMED}, valid=4))
    assert state_of(KEY, facts, LATE).ended_why is EndingReason.GUARDIANSHIP_ENDED
