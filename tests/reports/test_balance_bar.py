from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.balance_bar import NARROWEST, segments

COUNTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=6)


@given(COUNTS)
def test_the_parts_fill_the_bar_side_by_side(counts: list[int]) -> None:
    laid = segments([(str(place), count) for place, count in enumerate(counts)])
    assert [int(segment.fate) for segment in laid] == [place for place, count in enumerate(counts) if count]
    end = 0.0
    for segment in laid:
        assert segment.start == pytest.approx(end, abs=0.05)
        assert segment.width >= NARROWEST * 0.9
        end = segment.start + segment.width
    if laid:
        assert end == pytest.approx(100, abs=0.05)


@given(COUNTS)
def test_more_records_are_never_drawn_narrower(counts: list[int]) -> None:
    laid = sorted(segments([(str(place), count) for place, count in enumerate(counts)]), key=lambda one: one.count)
    assert all(lesser.width <= greater.width + 0.11 for lesser, greater in pairwise(laid))


def test_shares_are_drawn_to_scale() -> None:
    assert [(one.start, one.width) for one in segments([("a", 3), ("b", 0), ("c", 1)])] == [(0, 75), (75, 25)]


def test_a_part_too_small_to_see_is_widened() -> None:
    assert [one.width for one in segments([("a", 999_999), ("b", 1)])] == [98.8, 1.2]
