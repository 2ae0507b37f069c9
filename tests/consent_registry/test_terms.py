from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.terms.deadlines import WORDS, Duty, Term, TermKind, TermLimits, alarms, assumed_years, terms
from consent_registry.terms.working_days import load_working_days

DAYS = load_working_days(None)
FRIDAY = date(2026, 10, 30)
ONE_DAY = timedelta(days=1)

duties = st.lists(
    st.builds(
        Duty,
        st.sampled_from(TermKind),
        st.sampled_from(["0252", "0253"]),
        st.text("ab", min_size=1, max_size=3),
        st.dates(date(2025, 1, 1), date(2027, 6, 1)),
    )
)
limit = st.integers(1, 40)


def only(kind: TermKind, started_on: date, today: date) -> Term:
    (term,) = terms([Duty(kind, "0252", "a-1", started_on)], today=today, working_days=DAYS)
    return term


@pytest.mark.parametrize(
    ("kind", "due_on", "days_left", "working"),
    [  # from Friday 30 October 2026 on; Wednesday 4 November is a holiday
        (TermKind.APPLICATION, date(2026, 11, 11), 7, True),
        (TermKind.DESTRUCTION, date(2026, 11, 29), 30, False),
        (TermKind.CORRECTION, date(2026, 11, 11), 7, True),
        (TermKind.ANSWER, date(2026, 11, 16), 10, True),
    ],
)
def test_each_kind_has_the_days_that_the_law_gives_it(
    kind: TermKind, due_on: date, days_left: int, working: bool
) -> None:
    assert only(kind, FRIDAY, FRIDAY) == Term(kind, "0252", "a-1", FRIDAY, due_on, days_left, working)


@pytest.mark.parametrize("kind", TermKind)
def test_a_term_is_kept_on_the_day_it_is_due_and_lapsed_on_the_next(kind: TermKind) -> None:
    due_on = only(kind, FRIDAY, FRIDAY).due_on
    on_the_day, on_the_next = only(kind, FRIDAY, due_on), only(kind, FRIDAY, due_on + ONE_DAY)
    assert (on_the_day.days_left, on_the_day.is_overdue) == (0, False)
    assert (on_the_next.days_left, on_the_next.is_overdue) == (-1, True)


@given(duties, st.dates(date(2025, 1, 1), date(2027, 6, 1)), st.tuples(limit, limit, limit, limit))
def test_terms_are_counted_day_by_day(owed: list[Duty], today: date, numbers: tuple[int, int, int, int]) -> None:
    limits = dict(zip(TermKind, numbers, strict=True))
    found = terms(owed, today=today, working_days=DAYS, limits=TermLimits(*numbers))
    expected = []
    for duty in owed:
        calendar = duty.kind is TermKind.DESTRUCTION
        due_on, left = duty.started_on, limits[duty.kind]
        while left:
            due_on += ONE_DAY
            left -= calendar or DAYS.is_working(due_on)
        day, remaining = min(today, due_on), 0
        while day < max(today, due_on):
            counted = day + ONE_DAY if today < due_on else day
            remaining += calendar or DAYS.is_working(counted)
            day += ONE_DAY
        sign = 1 if today <= due_on else -1
        expected.append(
            Term(duty.kind, duty.school, duty.reference, duty.started_on, due_on, sign * remaining, not calendar)
        )
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert [term.due_on for term in found] == sorted(term.due_on for term in found)
    assert all(term.is_overdue == (today > term.due_on) for term in found)


@given(duties, st.dates(date(2025, 1, 1), date(2027, 6, 1)), st.integers(0, 20))
def test_alarms_are_what_lapsed_or_soon_will(owed: list[Duty], today: date, within: int) -> None:
    found = terms(owed, today=today, working_days=DAYS)
    rung = alarms(found, within_days=within)
    assert rung == [term for term in found if today > term.due_on or term.days_left <= within]


def test_what_has_lapsed_rings_whatever_is_asked() -> None:
    lapsed = only(TermKind.APPLICATION, FRIDAY, date(2026, 11, 12))
    assert alarms([lapsed], within_days=-5) == [lapsed]
    soon = only(TermKind.APPLICATION, FRIDAY, date(2026, 11, 9))
    assert (alarms([soon], within_days=2), alarms([soon], within_days=1)) == ([soon], [])


def test_years_that_no_calendar_knows_are_told() -> None:
    autumn = only(TermKind.ANSWER, date(2026, 11, 2), FRIDAY)
    christmas = only(TermKind.ANSWER, date(2026, 12, 25), FRIDAY)
    destruction = only(TermKind.DESTRUCTION, date(2026, 12, 25), FRIDAY)
    assert assumed_years([autumn, destruction], DAYS) == []
    assert assumed_years([autumn, christmas], DAYS) == [2027]


@pytest.mark.parametrize("name", ["response_days", "destroy_days", "correction_days", "answer_days"])
def test_a_term_of_no_days_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        TermLimits(**{name: 0})


def test_each_kind_has_its_words_and_its_source() -> None:
    assert set(WORDS) == set(TermKind)
    for words in WORDS.values():
        for wording in (words.meaning, words.remedy, words.source):
            assert wording.ru.strip()
            assert wording.en.strip()
    assert WORDS[TermKind.DESTRUCTION].source.ru == "152-ФЗ, статья 21, часть 5"
    assert WORDS[TermKind.CORRECTION].source.ru == "152-ФЗ, статья 21, часть 2"
    assert WORDS[TermKind.ANSWER].source.ru == "152-ФЗ, статья 20, часть 1"
