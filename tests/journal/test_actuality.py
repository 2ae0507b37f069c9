"""The rule on whole columns against the same rule said lesson by lesson, on random journals and calendars."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.actuality_oracle import Lesson, stands

from journal.actuality import (
    Actuality,
    Goal,
    SchoolActuality,
    Standing,
    figure,
    figures_by,
    last_day,
    measured,
    standings,
)
from journal.school import SchoolLessons
from journal.school_calendar import SchoolCalendar, YearOfSchool

MONDAY = date(2026, 11, 16)
days = st.integers(-5, 25).map(lambda n: MONDAY + timedelta(days=n))
lessons = st.lists(
    st.builds(
        Lesson,
        st.none() | days,
        st.none() | days,
        st.sampled_from([False, False, True]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=12,
)


def frame(rows: list[Lesson]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": pd.Series([row.day for row in rows], dtype="datetime64[s]"),
            "filled_on": pd.Series([row.filled for row in rows], dtype="datetime64[s]"),
            "cancelled": pd.Series([row.cancelled for row in rows], dtype=bool),
            "unclear": pd.Series([row.unclear for row in rows], dtype=bool),
            "class_name": pd.Series([("5А", "6А", None)[n % 3] for n in range(len(rows))], dtype="str"),
        }
    )


def weekday(day: date) -> bool:
    return day.weekday() < 5


def one(day: date, filled: date | None, as_of: date, within: int = 2) -> str:
    told = standings(
        frame([Lesson(day, filled, cancelled=False, unclear=False)]), as_of, within_days=within, is_school_day=weekday
    )
    return str(told[0])


@given(lessons, days, st.integers(0, 4), st.frozensets(st.integers(-10, 60).map(lambda n: MONDAY + timedelta(days=n))))
@settings(max_examples=200, deadline=None)
def test_columns_and_lessons_agree(rows: list[Lesson], as_of: date, within: int, school_days: frozenset[date]) -> None:
    table = frame(rows)
    found = standings(table, as_of, within_days=within, is_school_day=school_days.__contains__)
    expected = [stands(row, as_of, within, school_days) for row in rows]
    assert found.tolist() == expected
    counted = sum(word in {"in-time", "late", "not-filled"} for word in expected)
    words = ("in-time", "late", "not-filled", "unclear", "cancelled", "not-held", "within-term")
    counts = {word: expected.count(word) for word in words}
    others = {word: counts[word] for word in words[3:] if counts[word]}
    assert figure(found) == Actuality(*(counts[word] for word in words[:3]), others)
    assert figure(found).counted == counted
    parts = figures_by(table, found, "class_name")
    assert set(parts) == set(table["class_name"].fillna(""))
    assert sum(part.counted for part in parts.values()) == counted


@pytest.mark.parametrize(
    ("filled", "as_of", "standing"),
    [
        (date(2026, 11, 24), date(2026, 11, 24), Standing.WITHIN_TERM),
        (date(2026, 11, 24), date(2026, 11, 25), Standing.IN_TIME),
        (date(2026, 11, 25), date(2026, 11, 25), Standing.LATE),
        (date(2026, 11, 26), date(2026, 11, 25), Standing.NOT_FILLED),
        (None, date(2026, 11, 25), Standing.NOT_FILLED),
        (None, date(2026, 11, 19), Standing.NOT_HELD),
    ],
)
def test_a_fridays_lesson_has_until_tuesday(filled: date | None, as_of: date, standing: Standing) -> None:
    assert one(date(2026, 11, 20), filled, as_of) == standing


def test_without_a_time_of_filling_there_is_no_share() -> None:
    assert Actuality(3, known=False).share is None
    assert Actuality().reaches(0.95) is None
    assert Actuality(19, 1).reaches(0.95) is True
    assert Actuality(18, 1, 1).reaches(0.95) is False
    told = [SchoolActuality(MONDAY, Goal(), one).below for one in (Actuality(), Actuality(19, 1), Actuality(0, 0, 1))]
    assert told == [False, False, True]


def test_a_calendar_without_school_days_leaves_the_term_open() -> None:
    assert last_day(MONDAY, 1, lambda _: False) is None
    assert last_day(MONDAY, 0, lambda _: False) == MONDAY


@pytest.mark.parametrize("known", [True, False])
def test_a_schools_figure_is_of_its_calendar_and_goal(*, known: bool) -> None:
    friday, monday = date(2026, 11, 20), date(2026, 11, 23)
    rows = frame([Lesson(friday, monday, cancelled=False, unclear=False)])
    told = [
        measured(SchoolLessons(rows, known), date(2026, 11, 24), Goal(1), SchoolCalendar(week)).figure
        for week in (5, 6)
    ]
    assert told == [Actuality(1, known=known), Actuality(0, 1, known=known)]
    years = {2026: YearOfSchool()}
    assumed = [
        measured(SchoolLessons(rows, known), friday, Goal(), SchoolCalendar(5, one)).assumed for one in ({}, years)
    ]
    assert assumed == [True, False]
