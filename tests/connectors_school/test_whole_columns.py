"""A column that is converted as a whole is what its fields are one by one."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.school.columns import to_columns
from connectors.school.whole_columns import days, integers, moments
from mappings.raw import SPOILT, ColumnType

ODD = b"a field of no form at all, so that each is converted by itself"
ISO = st.one_of(
    st.dates().map(str),
    st.datetimes(timezones=st.just(None)).map(lambda moment: str(moment.replace(microsecond=0))),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?", fullmatch=True),
    st.sampled_from(["0000-01-01", "2026-02-29", "2024-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "٢٠٢٦-٠١-٠١"]),
    st.sampled_from(["2026-01-01 24:00:00", "2026-01-01 23:59:60", "2026-01-01x10:00:00", "2026-01-01T10:00:00"]),
)
INTEGERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([2**63, SPOILT, SPOILT - 1, SPOILT + 1]))
FORMS: dict[ColumnType, st.SearchStrategy[object]] = {
    ColumnType.INTEGER: INTEGERS,
    ColumnType.KEY: INTEGERS,
    ColumnType.DATE: st.one_of(st.dates(), st.datetimes()),
    ColumnType.MOMENT: st.datetimes(timezones=st.sampled_from([None, None, None, UTC])),
    ColumnType.DECIMAL: st.one_of(
        st.decimals(allow_nan=False, places=2), st.integers(-5, 5), st.sampled_from(["1.5", "?"])
    ),
}


def columns(kind: ColumnType) -> st.SearchStrategy[list[object]]:
    forms = [FORMS[kind], ISO] if kind in {ColumnType.DATE, ColumnType.MOMENT} else [FORMS[kind]]
    return st.one_of([st.lists(st.one_of(form, st.none()), min_size=1, max_size=5) for form in forms])


def as_texts(values: np.ndarray) -> list[str]:
    return [repr(value) for value in values.tolist()]


@pytest.mark.parametrize("kind", sorted(FORMS))
@given(data=st.data())
@settings(max_examples=150)
def test_whole_columns_are_what_their_fields_are(kind: ColumnType, data: st.DataObject) -> None:
    values = data.draw(columns(kind))
    together = to_columns([(value,) for value in values], {"c": kind})["c"]
    if kind is ColumnType.KEY:  # a field that is no number makes texts of all, so it can't be beside them
        kind = ColumnType.INTEGER
    apart = to_columns([(value,) for value in (*values, ODD)], {"c": kind})["c"][:-1]
    assert as_texts(together) == as_texts(apart)


def test_what_good_drivers_give_is_converted_as_a_whole() -> None:
    assert integers((1, None, 3)) is not None
    assert days((date(2026, 9, 1), None)) is not None
    assert days(("2026-09-01", None)) is not None
    assert moments((datetime(2026, 9, 1, 8, 30), None)) is not None  # noqa: DTZ001  local times
    assert moments(("2026-09-01 08:30:00", None)) is not None
    assert integers((1, Decimal(2))) is None
    assert days(("2026-09-01", "2026-09-1")) is None
    assert moments(("2026-09-01", "2026-09-01 08:30:00")) is None
