"""Which receipts are believed, against the rule said in other words: each record sent is spoken of once."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.receipts import doubt
from journal.records import Receipt, Rejection

IDS = st.sampled_from(["a", "b", "c", "d"])


def receipt(accepted: int, *rejected: str) -> Receipt:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Receipt(
        "batch", "receipt", at, accepted, duplicate=False, rejected=tuple(Rejection(r, "X") for r in rejected)
    )


@given(st.sets(IDS, min_size=1), st.lists(IDS, max_size=4), st.integers(0, 5))
def test_a_receipt_is_believed_when_it_speaks_of_each_record_once(
    sent: set[str], rejected: list[str], accepted: int
) -> None:
    left = set(sent)
    for record in rejected:
        if record not in left:
            assert doubt(receipt(accepted, *rejected), sent) in {"stranger", "twice"}
            return
        left.remove(record)
    assert (doubt(receipt(accepted, *rejected), sent) is None) == (accepted == len(left))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (receipt(2), None),
        (receipt(1, "a"), None),
        (receipt(0, "a", "b"), None),
        (receipt(1), "sum"),
        (receipt(3), "sum"),
        (receipt(2, "a"), "sum"),
        (receipt(1, "c"), "stranger"),
        (receipt(0, "a", "a"), "twice"),
    ],
)
def test_what_is_wrong_with_it_is_said(told: Receipt, why: str | None) -> None:
    assert doubt(told, {"a", "b"}) == why
