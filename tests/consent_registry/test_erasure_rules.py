"""When data may be destroyed: each consent on its own, the last ground counts, everything in the way is told."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.facts import CaseKey, Fact, FactKind, state_of
from consent_registry.sealed.erasure_rules import MEANINGS, Cause, End, Obstacle, Standing, Why, end_of, obstacles
from journal.wording import Language

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
CASE = CaseKey(1, "0252", "7", "pa-1", "link-1")
DAY = timedelta(days=1)
COUNTS = ("open_applications", "open_batches", "held_records", "open_links", "waiting_reports")
IN_THE_WAY = (
    Obstacle.APPLICATION_OPEN, Obstacle.BATCH_OPEN, Obstacle.RECORDS_HELD, Obstacle.LINK_OPEN, Obstacle.REPORT_WAITING,
)  # fmt: skip


def consent(number: int, at: datetime, last: date | None = None) -> Fact:
    signed = at.date().isoformat()
    detail = {
        "consent_ref": f"c-{number}", "text_version": "1", "signed_on": signed, "in_force_from": signed,
        "in_force_to": None if last is None else last.isoformat(), "records_from": signed,
    }  # fmt: skip
    return Fact(number, FactKind.CONSENT, at, at, "by", detail)


def fact(number: int, kind: FactKind, at: datetime, *consents: int, **detail: object) -> Fact:
    named = {"consents": [f"c-{one}" for one in consents]}
    return Fact(number, kind, at, at, "by", named | detail)


def ended(*facts: Fact, born: date | None = None) -> End | None:
    return end_of(state_of(CASE, facts, NOW), facts, NOW, MOSCOW, born)


def test_a_consent_that_nobody_ended_stands() -> None:
    assert ended(consent(1, NOW - 9 * DAY)) is None
    assert ended(consent(1, NOW - 9 * DAY, NOW.date())) is None


def test_a_withdrawal_an_ending_and_a_last_day_end_it_when_they_come_first() -> None:
    given_at = NOW - 9 * DAY
    withdrawn = fact(2, FactKind.WITHDRAWAL, NOW - 3 * DAY, 1)
    assert ended(consent(1, given_at), withdrawn) == End(NOW - 3 * DAY, Cause.WITHDRAWN)
    over = fact(2, FactKind.ENDING, NOW - 4 * DAY, 1, why="guardianship-ended")
    assert ended(consent(1, given_at), over) == End(NOW - 4 * DAY, Cause.LINK_ENDED)
    lapsed = ended(consent(1, given_at, (NOW - 5 * DAY).date()), withdrawn)
    assert lapsed == End(datetime(2026, 11, 21, tzinfo=MOSCOW), Cause.CONSENT_EXPIRED)


def test_a_withdrawal_ahead_ends_nothing_yet() -> None:
    assert ended(consent(1, NOW - 9 * DAY), fact(2, FactKind.WITHDRAWAL, NOW + DAY, 1)) is None


@pytest.mark.parametrize("at", [NOW - DAY, NOW + DAY])
def test_a_new_consent_after_the_withdrawn_one_stands_also_before_its_first_day(at: datetime) -> None:
    first, withdrawn = consent(1, NOW - 9 * DAY), fact(2, FactKind.WITHDRAWAL, NOW - 3 * DAY, 1)
    assert ended(first, withdrawn, consent(3, at)) is None


def test_a_consent_that_gave_its_place_to_a_later_one_does_not_count() -> None:
    first, second = consent(1, NOW - 9 * DAY), consent(2, NOW - 5 * DAY)
    assert ended(first, second, fact(3, FactKind.WITHDRAWAL, NOW - DAY, 2)) == End(NOW - DAY, Cause.WITHDRAWN)


def test_who_came_of_age_has_no_parents_consent_left() -> None:
    end = ended(consent(1, NOW - 9 * DAY), born=date(2008, 11, 24))
    assert end == End(datetime(2026, 11, 24, tzinfo=MOSCOW), Cause.CAME_OF_AGE)
    assert end.why is Why.TERM
    assert ended(consent(1, NOW - 9 * DAY), born=date(2008, 11, 26)) is None


def test_what_came_first_counts_also_when_the_student_has_come_of_age_since() -> None:
    """The term runs from the withdrawal, and the act names it."""
    withdrawn = consent(1, NOW - 9 * DAY), fact(2, FactKind.WITHDRAWAL, NOW - 3 * DAY, 1)
    assert ended(*withdrawn, born=date(2008, 11, 24)) == End(NOW - 3 * DAY, Cause.WITHDRAWN)
    assert ended(*withdrawn, born=date(2008, 11, 21)) == End(datetime(2026, 11, 21, tzinfo=MOSCOW), Cause.CAME_OF_AGE)


def test_a_case_that_never_had_a_consent_ended_with_what_undid_it_or_before_all_others() -> None:
    applied = fact(1, FactKind.APPLICATION, NOW - 9 * DAY, relation="parent")
    assert ended(applied) == End(NOW - 9 * DAY, Cause.NO_CONSENT)
    undone = fact(2, FactKind.WITHDRAWAL, NOW - 2 * DAY)
    assert ended(applied, undone) == End(NOW - 2 * DAY, Cause.WITHDRAWN)
    assert ended() == End(NOW, Cause.NO_CONSENT)


ENDS = st.none() | st.builds(End, st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 1), timezones=st.just(UTC)), st.sampled_from(Cause))  # fmt: skip  # noqa: DTZ001, E501  hypothesis wants them naive


@given(ends=st.lists(ENDS, max_size=4).map(tuple), counts=st.tuples(*[st.integers(0, 2)] * 5), why=st.sampled_from(Why))
def test_nothing_is_destroyed_while_anything_stands_and_all_of_it_is_told(
    ends: tuple[End | None, ...], counts: tuple[int, ...], why: Why
) -> None:
    told = set(obstacles(Standing(kept=True, ends=ends, **dict(zip(COUNTS, counts, strict=True))), why))
    unsettled = {obstacle for obstacle, count in zip(IN_THE_WAY, counts, strict=True) if count}
    assert told & set(IN_THE_WAY) == unsettled
    ground = told - unsettled
    if why is Why.ORDER:
        assert ground == set()
    elif any(end is None for end in ends):
        assert ground == {Obstacle.CONSENT_STANDS}
    else:
        whys = {end.why for end in ends if end}
        fits = why in whys or (why is Why.TERM and not whys)
        assert (ground == set()) is fits


@given(ends=st.lists(ENDS, max_size=4).map(tuple))
def test_the_term_runs_from_the_last_ground_and_not_while_one_stands(ends: tuple[End | None, ...]) -> None:
    since = Standing(kept=True, ends=ends).ended_at
    if not ends or None in ends:
        assert since is None
    else:
        assert all(end is not None and end.at <= since for end in ends)
        assert any(end is not None and end.at == since for end in ends)


def test_of_whom_nothing_is_kept_nothing_else_is_said() -> None:
    assert obstacles(Standing(kept=False, held_records=3), Why.ORDER) == [Obstacle.NOTHING_KEPT]


def test_every_obstacle_says_its_remedy_in_both_languages() -> None:
    for obstacle in Obstacle:
        for language in Language:
            assert "dnevnik" in MEANINGS[obstacle].say(language, school="0252") or "--why" in MEANINGS[obstacle].say(
                language, school="0252"
            )
