import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.limits import Limits, enough, exceeded, shrunk

LIMITS = Limits(withdraw_share=0.10, withdraw_count=200, change_share=0.75, small_change=2)


@pytest.mark.parametrize(
    ("holdings", "withdrawals", "changes", "over"),
    [
        (0, 0, 0, ()),
        (100, 10, 0, ()),
        (100, 11, 0, ("withdraw_share",)),
        (10_000, 200, 0, ()),
        (10_000, 201, 0, ("withdraw_count",)),
        (1_000, 201, 0, ("withdraw_share", "withdraw_count")),
        (5, 2, 0, ()),
        (5, 3, 0, ("withdraw_share",)),
        (100, 0, 75, ()),
        (100, 0, 76, ("change_share",)),
        (2, 0, 2, ()),
        (3, 0, 3, ("change_share",)),
    ],
)
def test_each_limit_at_its_edge(holdings: int, withdrawals: int, changes: int, over: tuple[str, ...]) -> None:
    assert exceeded(LIMITS, holdings=holdings, withdrawals=withdrawals, changes=changes) == over


@pytest.mark.parametrize(
    ("before", "now", "looks_other"),
    [(0, 0, False), (0, 50, False), (100, 90, False), (100, 89, True), (5, 3, False), (5, 2, True), (9, 0, True)],
)
def test_a_source_has_shrunk_at_the_edge_of_the_share(before: int, now: int, looks_other: bool) -> None:
    assert shrunk(LIMITS, before=before, now=now) is looks_other


@given(
    st.builds(Limits, st.floats(0, 1), st.integers(0, 50), st.floats(0, 1), st.integers(0, 5)),
    st.integers(0, 400),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_counting_holdings_no_further_than_enough_names_the_same_limits(
    limits: Limits, holdings: int, withdrawals: int, changes: int
) -> None:
    most = enough(limits, withdrawals=withdrawals, changes=changes)
    counted = holdings if most is None else min(holdings, most)
    said = [
        exceeded(limits, holdings=number, withdrawals=withdrawals, changes=changes) for number in (holdings, counted)
    ]
    assert said[0] == said[1]


def test_little_that_changes_takes_little_counting() -> None:
    assert enough(LIMITS, withdrawals=2, changes=2) == 0
    assert enough(LIMITS, withdrawals=8, changes=9) == 82
    assert enough(Limits(withdraw_share=0), withdrawals=8, changes=0) is None
