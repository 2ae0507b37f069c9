from datetime import date

import pytest

from sandbox.school import terms


def test_the_school_year_turns_on_the_first_of_september() -> None:
    assert terms.school_year(date(2026, 8, 31)) == 2025
    assert terms.school_year(date(2026, 9, 1)) == 2026
    assert terms.school_year(date(2027, 1, 1)) == 2026


@pytest.mark.parametrize(
    ("day", "taught"),
    [
        (date(2026, 9, 1), True),
        (date(2026, 9, 5), True),  # a Saturday
        (date(2026, 9, 6), False),  # a Sunday
        (date(2026, 10, 30), False),  # autumn holidays
        (date(2027, 2, 23), False),  # a public holiday
        (date(2027, 7, 1), False),
    ],
)
def test_lessons_are_given_on_school_days_only(day: date, taught: bool) -> None:
    assert terms.is_school_day(day) is taught


def test_weeks_end_with_the_week_of_today_and_one_more_is_planned() -> None:
    days = terms.covered_days(None, 3, date(2026, 11, 25))
    assert days[0] == date(2026, 11, 9)
    assert date(2026, 11, 25) in days
    assert days[-1] == date(2026, 12, 5)


def test_weeks_step_over_holidays_and_into_the_year_before() -> None:
    days = terms.covered_days(None, 4, date(2026, 9, 9))
    assert {terms.school_year(day) for day in days} == {2025, 2026}
    assert all(terms.is_school_day(day) for day in days)
    assert len({day.isocalendar()[:2] for day in days if day <= date(2026, 9, 12)}) == 4


def test_a_given_first_day_starts_the_weeks() -> None:
    days = terms.covered_days(date(2026, 9, 2), 2, date(2027, 3, 1))
    assert (days[0], days[-1]) == (date(2026, 9, 2), date(2026, 9, 12))


def test_in_summer_nothing_is_planned_for_the_year_that_has_not_begun() -> None:
    assert terms.covered_days(None, 1, date(2026, 7, 15))[-1] == date(2026, 5, 26)
