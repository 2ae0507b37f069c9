"""Rows that come batch by batch become the columns that their fields are one by one."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.school.columns import to_columns
from connectors.school.gathering import BATCH_ROWS, Gathered
from connectors.school.snapshot import ColumnsDifferError, row_chunks
from mappings.raw import NOTHING, SPOILT, SUBJECTS, ColumnType

from .test_whole_columns import FORMS, ISO, ODD, as_texts

LINES = st.sampled_from(["2026-09-01\n2026-09-02", "2026-09-01 08:30:00\n2026-09-01 08:30:00", "\n", "", "\udc98"])
ANY = st.one_of(*FORMS.values(), ISO, LINES, st.floats(), st.booleans(), st.binary(max_size=3))


def fields(kind: ColumnType) -> st.SearchStrategy[list[object]]:
    """Batches that are mostly of one form, as a driver's are, with nulls and something else now and then."""
    ordinary = FORMS.get(kind, st.text(max_size=3))
    forms = [ordinary, ISO] if kind in {ColumnType.DATE, ColumnType.MOMENT} else [ordinary]
    one = st.one_of([st.lists(st.one_of(form, st.none()), min_size=1, max_size=4) for form in forms])
    return st.one_of(one, one, one, st.lists(ANY, min_size=1, max_size=2))


def numbers_of_truth(keys: np.ndarray) -> np.ndarray:
    return np.array([int(key) if isinstance(key, bool) else key for key in keys.tolist()] + [None], object)[:-1]


@pytest.mark.parametrize("kind", sorted(ColumnType))
@given(data=st.data())
@settings(max_examples=150)
def test_batches_become_what_their_fields_are(kind: ColumnType, data: st.DataObject) -> None:
    batches = data.draw(st.lists(fields(kind), min_size=1, max_size=4))
    found = Gathered({"c": kind, "left out": kind}, [0, None])
    for batch in batches:
        found.add([(value,) for value in batch])
    values = [value for batch in batches for value in batch]
    columns = found.columns()
    if kind is ColumnType.KEY:  # a key is judged by all keys beside it; a truth value is the number that it is
        values = [int(value) if isinstance(value, bool) else value for value in values]
        columns["c"] = columns["c"] if columns["c"].dtype == np.int64 else numbers_of_truth(columns["c"])
        expected = to_columns([(value,) for value in values], {"c": kind})["c"]
    else:
        expected = to_columns([(value,) for value in (*values, ODD)], {"c": kind})["c"][:-1]
    assert columns["c"].dtype == expected.dtype
    assert as_texts(columns["c"]) == as_texts(expected)
    assert columns["left out"].dtype == to_columns([(None,)], {"c": kind})["c"].dtype
    assert set(as_texts(columns["left out"])) == set(as_texts(to_columns([(None,)], {"c": kind})["c"]))


@pytest.mark.parametrize("late", ["x", 2**63, NOTHING, SPOILT, Decimal(5), 5.0, None, date(2026, 9, 1)])
@pytest.mark.parametrize("kind", [ColumnType.INTEGER, ColumnType.KEY, ColumnType.DATE])
def test_a_field_of_another_form_may_come_late(kind: ColumnType, late: object) -> None:
    usual: object = "2026-09-01" if kind is ColumnType.DATE else 7
    rows = [(usual,), (None,)] * BATCH_ROWS + [(late,)] + [(usual,)] * BATCH_ROWS
    found = Gathered({"c": kind}, [0])
    found.add(rows)
    assert as_texts(found.columns()["c"]) == as_texts(to_columns(rows, {"c": kind})["c"])


def chunks(rows: Sequence[Sequence[object]], size: int, at_once: int = BATCH_ROWS) -> list[list[tuple[object, ...]]]:
    left = list(rows)

    def fetch(count: int, /) -> Sequence[Sequence[object]]:
        assert count <= at_once
        given, left[:] = left[:count], left[count:]
        return given

    read = list(row_chunks(SUBJECTS, ["NAME", "ID"], fetch, size, at_once))
    return [list(zip(one["name"].tolist(), one["id"].tolist(), strict=True)) for one in read]


@pytest.mark.parametrize("count", [0, 1, BATCH_ROWS, BATCH_ROWS + 1, 4 * BATCH_ROWS])
def test_chunks_have_their_size_whatever_is_asked_at_once(count: int) -> None:
    rows: list[tuple[object, ...]] = [(f"Урок {row}", row) for row in range(count)]
    for size, at_once in ((1, 7), (BATCH_ROWS, BATCH_ROWS), (2 * BATCH_ROWS + 1, BATCH_ROWS), (999, 5000)):
        found = chunks(rows[: 9 * size], size, at_once)
        assert [row for chunk in found for row in chunk] == rows[: 9 * size]
        assert [len(chunk) for chunk in found[:-1]] == [size] * (len(found) - 1)
        assert all(found)


def test_rows_of_different_lengths_and_other_columns_are_refused() -> None:
    found = Gathered({"a": ColumnType.TEXT, "b": ColumnType.TEXT}, [0, 1])
    with pytest.raises(ValueError, match="argument"):
        found.add([("a", "b"), ("c",)])
    with pytest.raises(ColumnsDifferError):
        next(row_chunks(SUBJECTS, ["ID", "TITLE"], lambda _: [(1, "Алгебра")], 1))


def test_no_rows_are_empty_columns_of_the_type() -> None:
    assert Gathered({"c": ColumnType.DATE}, [0]).columns()["c"].dtype == np.dtype("datetime64[s]")
