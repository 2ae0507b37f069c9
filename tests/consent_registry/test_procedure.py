"""An application's steps: each held against a plain table of what may follow what, written out by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.applications.procedure import (
    MEANINGS,
    ApplicationKey,
    ApplicationState,
    Evidence,
    Origin,
    Step,
    StepFact,
    StepRefusal,
    StepRefused,
    StepTaken,
    next_step,
    state_of_application,
    told_as,
)
from journal.vocabulary import ApplicationStatus, Relation

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)
KEY = ApplicationKey(1, "ABCD-EFGH-JKMN", "0252", Origin.PORTAL, "app-1", "pa-1")
ALL = Evidence(document=True, authority=True, authority_until=date(2027, 1, 1), student_chosen=True, consent=True)

# Rows: the stage. Columns: received, identified, linked, registered, rejected, lapsed, withdrawn. "-": it may follow.
TABLE = """
nothing    -          not-received not-received not-received not-received not-received not-received
received   received!  -            not-identified not-identified - - -
identified received!  -            -            not-linked   -            -            -
linked     received!  already-linked -          -            -            -            -
registered received!  registered   registered   registered   registered   registered   -
rejected   ended      ended        ended        ended        ended        ended        ended
lapsed     ended      ended        ended        ended        ended        ended        ended
withdrawn  ended      ended        ended        ended        ended        ended        ended
"""
SHORT = {"received!": "already-received", "registered": "already-registered"}
EXPECTED = {
    (stage, step): SHORT.get(word, word)
    for stage, *words in (line.split() for line in TABLE.strip().splitlines())
    for step, word in zip(Step, words, strict=True)
}
TOLD = {
    "received": "received",
    "identified": "identified",
    "linked": None,
    "registered": "registered",
    "rejected": "rejected",
    "lapsed": "rejected",
    "withdrawn": "withdrawn",
}
DETAIL = {
    Step.RECEIVED: {"relation": "parent", "text_version": "2025-09"},
    Step.IDENTIFIED: {"by": "s-1", "document_kind": "passport"},
    Step.LINKED: {"student_key": "1017", "case_id": 7},
    Step.REGISTERED: {"by": "s-2"},
    Step.REJECTED: {"why": "applied-twice"},
    Step.LAPSED: {"why": "lapsed"},
    Step.WITHDRAWN: {"why": "withdrawn"},
}
WAY = (Step.RECEIVED, Step.IDENTIFIED, Step.LINKED, Step.REGISTERED)


def fact(step: Step, at: datetime, recorded_at: datetime | None = None, **detail: object) -> StepFact:
    return StepFact(step, at, recorded_at or at, "operator", DETAIL[step] | detail)


def at_stage(stage: Step) -> ApplicationState:
    """An application that went the whole way to `stage`, a day a step, up to yesterday."""
    way = WAY[: WAY.index(stage) + 1] if stage in WAY else (Step.RECEIVED, stage)
    moments = [NOW - timedelta(days=len(way) - place) for place in range(len(way))]
    state = state_of_application(KEY, [fact(step, at) for step, at in zip(way, moments, strict=True)])
    assert state is not None
    return state


def taken(
    state: ApplicationState | None, step: Step, *, at: datetime = NOW, by: str = "s-9", **other: object
) -> StepTaken | StepRefused:
    arguments = {"now": NOW, "today": TODAY, "two_persons": True, "evidence": ALL} | other
    return next_step(state, step, at=at, by=by, **arguments)


@pytest.mark.parametrize(("stage", "step"), EXPECTED, ids=str)
def test_each_step_after_each_stage_is_as_the_table_says(stage: str, step: Step) -> None:
    state = None if stage == "nothing" else at_stage(Step(stage))
    answer = taken(state, step)
    word = EXPECTED[stage, step]
    if word == "-":
        status = None if TOLD[step] is None else ApplicationStatus(TOLD[step])
        assert answer == StepTaken(step, NOW, "s-9", status)
    else:
        assert answer == StepRefused(step, None if stage == "nothing" else Step(stage), StepRefusal(word))


@pytest.mark.parametrize("step", Step)
def test_what_the_parent_is_told(step: Step) -> None:
    assert told_as(step) == TOLD[step]


@given(st.lists(st.tuples(st.sampled_from(Step), st.integers(-3, 3)), max_size=12), st.booleans())
def test_a_history_keeps_the_rules_whatever_is_asked(asked: list[tuple[Step, int]], two_persons: bool) -> None:
    """Steps asked for in any order and at any time: what is recorded is a way through the table, dated in order."""
    now, moments, stage, history = NOW, {}, "nothing", []
    for step, hours in asked:
        now += timedelta(hours=1)
        at = now + timedelta(hours=hours)
        state = state_of_application(KEY, history)
        by = "s-1" if step is Step.IDENTIFIED else "s-2"
        answer = taken(state, step, at=at, by=by, now=now, two_persons=two_persons)
        before = {"identified": "received", "linked": "identified"}.get(step, stage)
        reason = EXPECTED[stage, step]
        if reason == "-" and at > now:
            reason = "ahead"
        elif reason == "-" and stage != "nothing" and at < moments[before]:
            reason = "too-early"
        if reason != "-":
            assert isinstance(answer, StepRefused)
            assert answer.reason == reason
            continue
        assert isinstance(answer, StepTaken)
        history.append(fact(step, at, now))
        stage, moments[str(step)] = str(step), at
    state = state_of_application(KEY, history)
    assert (state.stage if state else "nothing") == stage
    if state is not None:
        assert state.stage_at == moments[stage]
        assert state.submitted_at == moments["received"]
        assert state.identified_at == moments.get("identified")
        assert state.linked_at == moments.get("linked")
        assert state.open == (stage in {"received", "identified", "linked"})


def test_a_step_entered_again_takes_the_place_of_the_older_and_may_be_dated_before_it() -> None:
    state = at_stage(Step.IDENTIFIED)
    assert isinstance(taken(state, Step.IDENTIFIED, at=state.submitted_at), StepTaken)
    early = taken(state, Step.IDENTIFIED, at=state.submitted_at - timedelta(microseconds=1))
    assert early == StepRefused(Step.IDENTIFIED, Step.IDENTIFIED, StepRefusal.TOO_EARLY)
    linked = at_stage(Step.LINKED)
    assert isinstance(taken(linked, Step.LINKED, at=linked.identified_at), StepTaken)
    again = [
        fact(Step.RECEIVED, NOW),
        fact(Step.IDENTIFIED, NOW, by="s-1", authority_until="2027-01-01"),
        fact(Step.IDENTIFIED, NOW, by="s-3"),
        fact(Step.LINKED, NOW),
        fact(Step.LINKED, NOW, student_key="1018", case_id=8),
    ]
    state = state_of_application(KEY, again)
    assert (state.identified_by, state.authority_until) == ("s-3", None)
    assert (state.student_key, state.case_id) == ("1018", 8)


def test_a_moment_of_now_is_not_ahead_and_one_of_the_followed_step_not_too_early() -> None:
    state = at_stage(Step.RECEIVED)
    assert isinstance(taken(state, Step.REJECTED, at=NOW), StepTaken)
    assert isinstance(taken(state, Step.REJECTED, at=state.submitted_at), StepTaken)
    ahead = taken(state, Step.REJECTED, at=NOW + timedelta(microseconds=1))
    assert isinstance(ahead, StepRefused)
    assert ahead.reason is StepRefusal.AHEAD
    assert isinstance(taken(None, Step.RECEIVED, at=NOW + timedelta(seconds=1)), StepRefused)


@pytest.mark.parametrize("relation", Relation)
@pytest.mark.parametrize(
    ("evidence", "reason_of_a_parent", "reason_of_a_guardian"),
    [
        (replace(ALL, document=False), "document-missing", "document-missing"),
        (replace(ALL, authority=False), None, "authority-missing"),
        (replace(ALL, authority_until=None), None, "authority-missing"),
        (replace(ALL, authority_until=TODAY - timedelta(days=1)), None, "authority-over"),
        (replace(ALL, authority_until=TODAY), None, None),
        (ALL, None, None),
    ],
)
def test_an_identification_needs_a_document_and_a_guardians_an_authority_in_force(
    relation: Relation, evidence: Evidence, reason_of_a_parent: str | None, reason_of_a_guardian: str | None
) -> None:
    state = replace(at_stage(Step.RECEIVED), relation=relation)
    answer = taken(state, Step.IDENTIFIED, evidence=evidence)
    expected = reason_of_a_guardian if relation in {"guardian", "trustee"} else reason_of_a_parent
    assert (answer.reason if isinstance(answer, StepRefused) else None) == expected


def test_a_link_needs_a_chosen_student_and_a_registration_a_consent() -> None:
    answer = taken(at_stage(Step.IDENTIFIED), Step.LINKED, evidence=replace(ALL, student_chosen=False))
    assert answer == StepRefused(Step.LINKED, Step.IDENTIFIED, StepRefusal.STUDENT_NOT_CHOSEN)
    answer = taken(at_stage(Step.LINKED), Step.REGISTERED, evidence=replace(ALL, consent=False))
    assert answer == StepRefused(Step.REGISTERED, Step.LINKED, StepRefusal.CONSENT_MISSING)


def test_who_identified_may_not_register_while_two_persons_are_asked_for() -> None:
    linked = at_stage(Step.LINKED)
    answer = taken(linked, Step.REGISTERED, by="s-1")
    assert answer == StepRefused(Step.REGISTERED, Step.LINKED, StepRefusal.SAME_PERSON)
    assert isinstance(taken(linked, Step.REGISTERED, by="s-1", two_persons=False), StepTaken)
    assert isinstance(taken(linked, Step.REGISTERED, by="s-2"), StepTaken)


def test_what_was_recorded_later_was_not_known_then() -> None:
    recorded = [NOW, NOW + timedelta(days=3)]
    facts = [fact(Step.RECEIVED, NOW, recorded[0]), fact(Step.IDENTIFIED, NOW, recorded[1])]
    assert state_of_application(KEY, facts, known_at=NOW - timedelta(seconds=1)) is None
    for known_at, stage in ((recorded[0], Step.RECEIVED), (recorded[1], Step.IDENTIFIED)):
        state = state_of_application(KEY, facts, known_at=known_at)
        assert state is not None
        assert state.stage is stage


def test_an_ended_application_says_why_and_a_registered_one_by_whom() -> None:
    assert at_stage(Step.REJECTED).ended_why == "applied-twice"
    registered = at_stage(Step.REGISTERED)
    assert (registered.registered_by, registered.registered_at) == ("s-2", registered.stage_at)
    assert not registered.open


def test_a_history_begins_with_its_receipt() -> None:
    with pytest.raises(ValueError, match="received"):
        state_of_application(KEY, [fact(Step.IDENTIFIED, NOW)])
    assert state_of_application(KEY, []) is None


@pytest.mark.parametrize("naive", ["at", "now"])
def test_a_naive_moment_is_refused(naive: str) -> None:
    moments = {"at": NOW, "now": NOW, naive: NOW.replace(tzinfo=None)}
    with pytest.raises(ValueError, match="time zone"):
        taken(at_stage(Step.RECEIVED), Step.REJECTED, **moments)


@pytest.mark.parametrize("reason", StepRefusal)
def test_each_refusal_is_said_in_both_languages_and_names_the_application(reason: StepRefusal) -> None:
    ru, en = MEANINGS[reason].say("ru", reference="R-1"), MEANINGS[reason].say("en", reference="R-1")
    assert "R-1" in ru
    assert "R-1" in en
    assert ru != en
