"""Which days are school days, against the same rule said day by day on random calendars, and the days at the edges."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.holidays import holidays, is_holiday
from journal.school import Window
from journal.school_calendar import SchoolCalendar, YearOfSchool

days = st.dates(date(2026, 8, 25), date(2027, 9, 5))
spans = st.tuples(days, st.integers(0, 20)).map(lambda one: Window(one[0], one[0] + timedelta(days=one[1])))
HOLIDAYS = {"01-01", "01-02", "01-03", "01-04", "01-05", "01-06", "01-07", "01-08", "02-23", "03-08", "05-01", "05-09",
            "06-12", "11-04"}  # fmt: skip


@given(st.sampled_from([5, 6]), st.lists(spans, max_size=3), st.frozensets(days, max_size=3), days, st.booleans())
def test_a_day_is_what_its_week_its_holidays_and_its_years_calendar_say(
    week: int, off: list[Window], taught: frozenset[date], day: date, is_taught
) -> None:
    taught |= {day} if is_taught else set()
    calendar = SchoolCalendar(week, {2026: YearOfSchool(tuple(off), taught)})
    told = date(2026, 9, 1) <= day < date(2027, 9, 1)
    free = any(day in [one.first + timedelta(days=n) for n in range((one.last - one.first).days + 1)] for one in off)
    plain = day.strftime("%a") in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][:week]
    plain = plain and day.isoformat()[5:] not in HOLIDAYS
    expected = (day in taught or (plain and not free)) if told else plain
    assert calendar.is_school_day(day) is expected
    assert calendar.knows(day) is told


@pytest.mark.parametrize(
    ("day", "five", "six"),
    [
        (date(2026, 11, 20), True, True),  # a Friday
        (date(2026, 11, 21), False, True),
        (date(2026, 11, 22), False, False),
        (date(2026, 11, 4), False, False),  # a Wednesday, and a holiday
        (date(2027, 1, 8), False, False),
        (date(2027, 1, 9), False, True),
        (date(2028, 2, 29), True, True),
    ],
)
def test_without_a_file_there_are_week_and_holidays(day: date, *, five: bool, six: bool) -> None:
    assert SchoolCalendar().is_school_day(day) is five
    assert SchoolCalendar(6).is_school_day(day) is six
    assert not SchoolCalendar().knows(day)


def test_a_taught_day_is_one_whatever_else_says_no() -> None:
    sunday, holiday = date(2026, 11, 22), date(2026, 11, 4)
    whole = Window(date(2026, 9, 1), date(2027, 8, 31))
    calendar = SchoolCalendar(5, {2026: YearOfSchool((whole,), frozenset({sunday, holiday}))})
    assert calendar.is_school_day(sunday)
    assert calendar.is_school_day(holiday)
    assert not calendar.is_school_day(date(2026, 11, 20))


def test_holidays_of_a_year_are_its_holidays() -> None:
    first = date(2027, 1, 1)
    assert holidays(2027) == {day for n in range(365) if is_holiday(day := first + timedelta(days=n))}
    assert len(holidays(2027)) == 14
