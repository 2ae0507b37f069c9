"""Which cron schedules are admitted; everything that is, Prefect's own parser admits too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect._vendor.croniter import croniter

from settings.cron import schedule_problem


@pytest.mark.parametrize(
    "expression",
    [
        "15 19 * * 1-6",
        "* * * * *",
        "*/5 0-6 1,15 * *",
        "0 0 29 2 *",
        "0 0 31 1-12/2 *",
        "0 0 30 2 1",  # or on Mondays
        "0 8 * sep-dec mon,wed,FRI",
        "0 0 * * 7",
        "5/10 * * * *",
        "  15  19 * * 1-6 ",
    ],
)
def test_schedules(expression: str) -> None:
    assert schedule_problem(expression) is None
    assert croniter.is_valid(expression)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "five fields"),
        ("15 19 * *", "five fields"),
        ("15 19 * * 1-6 2027", "five fields"),
        ("@daily", "five fields"),
        ("60 * * * *", "minute"),
        ("-1 * * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 25 * * *", "hour"),
        ("0 0 0 * *", "day of month"),
        ("0 0 32 * *", "day of month"),
        ("0 0 L * *", "day of month"),
        ("0 0 * 13 *", "month"),
        ("0 0 * mon *", "month"),
        ("0 0 * * 8", "day of week"),
        ("0 0 * * jan", "day of week"),
        ("0 0 * * 5-1", "day of week"),
        ("0 0 * * 1#2", "day of week"),
        ("*/0 * * * *", "minute"),
        ("*/ * * * *", "minute"),
        ("*/x * * * *", "minute"),
        ("1, * * * *", "minute"),
        ("1-2-3 * * * *", "minute"),
        ("٣ * * * *", "minute"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
    ],
)
def test_what_is_wrong_is_said_by_field(expression: str, said: str) -> None:
    problem = schedule_problem(expression)
    assert problem is not None
    assert said in problem.en
    assert problem.ru != problem.en


_ITEM = st.one_of(
    st.just("*"),
    st.integers(0, 60).map(str),
    st.tuples(st.integers(0, 31), st.integers(0, 31)).map(lambda pair: f"{pair[0]}-{pair[1]}"),
    st.sampled_from(["*/2", "1-5/2", "3/4", "mon", "jan-mar", "x", "1,2,9", ""]),
)


@given(st.lists(_ITEM, min_size=4, max_size=6).map(" ".join))
def test_what_is_admitted_a_scheduler_takes(expression: str) -> None:
    if schedule_problem(expression) is None:
        assert croniter.is_valid(expression)
