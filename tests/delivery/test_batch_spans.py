"""How publications are divided into batches: all of them, in order, none too large, the first one small."""

from hypothesis import given
from hypothesis import strategies as st

from delivery.send import FIRST_RECORDS, batch_spans


@given(records=st.integers(0, 20_000), most=st.integers(1, 5_000))
def test_every_record_is_in_one_batch_in_its_order(records: int, most: int) -> None:
    batches = [range(records)[span] for span in batch_spans(records, most)]
    assert [record for batch in batches for record in batch] == list(range(records))
    assert all(0 < len(batch) <= most for batch in batches)
    assert len(batches) <= -(-records // most) + 1
    if len(batches) > 1:
        assert len(batches[0]) == min(most, FIRST_RECORDS)


def test_what_fits_into_one_batch_is_one() -> None:
    assert batch_spans(1_000, 1_000) == [slice(0, 1_000)]
    assert batch_spans(1_001, 1_000) == [slice(0, 250), slice(250, 1_001)]
    assert batch_spans(0, 1_000) == []
