import pytest

from delivery.limits import Limits, exceeded, shrunk

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
