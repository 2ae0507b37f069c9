"""A driver's values become the declared types, or the one field is spoilt."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest

from connectors.school.columns import to_columns, unreadable_column
from mappings.raw import NOTHING, SPOILT, SPOILT_TIME, ColumnType


def column(kind: ColumnType, *values: object) -> list[object]:
    return to_columns([(value,) for value in values], {"c": kind})["c"].tolist()


def test_integers_come_as_integers_or_as_text_of_them() -> None:
    assert column(ColumnType.INTEGER, 1, True, None, "3", Decimal("4.00"), 5.0) == [1, 1, NOTHING, 3, 4, 5]


def test_dates_come_as_dates_moments_or_iso_text() -> None:
    given = (date(2026, 9, 1), datetime(2026, 9, 1, 13), "2026-09-01 00:00:00", None)  # noqa: DTZ001  local days
    assert column(ColumnType.DATE, *given) == [datetime(2026, 9, 1)] * 3 + [None]  # noqa: DTZ001  local days


def test_moments_keep_whole_seconds() -> None:
    given = (datetime(2026, 9, 1, 10, 0, 0, 999_999), "2026-09-01 10:00:00.5", None)  # noqa: DTZ001  local times
    assert column(ColumnType.MOMENT, *given) == [datetime(2026, 9, 1, 10)] * 2 + [None]  # noqa: DTZ001  likewise


def test_decimals_are_exact() -> None:
    assert column(ColumnType.DECIMAL, 0.1, 2, "1.50", None) == [Decimal("0.1"), Decimal(2), Decimal("1.50"), None]


def test_texts_are_left_alone() -> None:
    assert column(ColumnType.TEXT, b"\x98", "a", None, 5) == [b"\x98", "a", None, 5]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnType.INTEGER, "x"),
        (ColumnType.INTEGER, 1.5),
        (ColumnType.INTEGER, 2**70),
        (ColumnType.DATE, "01.09.2026"),
        (ColumnType.DATE, "2026-09-01 and more"),
        (ColumnType.DATE, "2026-02-30"),
        (ColumnType.MOMENT, "20260901T101010"),
        (ColumnType.DATE, 20260901),
        (ColumnType.MOMENT, datetime(2026, 9, 1, tzinfo=UTC)),
        (ColumnType.DATE, datetime(2026, 9, 1, tzinfo=UTC)),
        (ColumnType.MOMENT, 1.5),
        (ColumnType.DECIMAL, "much"),
    ],
)
def test_what_does_not_fit_is_spoilt_and_nothing_beside_it(kind: ColumnType, value: object) -> None:
    found = to_columns([(value,), (None,)], {"c": kind})
    if kind is ColumnType.DECIMAL:
        assert str(found["c"][0]) == "NaN"
        return
    assert found["c"][0] == (SPOILT if kind is ColumnType.INTEGER else SPOILT_TIME)
    assert unreadable_column(found, {"c": kind}) == "c"


def test_one_readable_field_makes_it_the_right_column() -> None:
    found = to_columns([("x",), (5,)], {"c": ColumnType.INTEGER})
    assert found["c"].tolist() == [SPOILT, 5]
    assert unreadable_column(found, {"c": ColumnType.INTEGER}) is None
    assert unreadable_column(to_columns([(None,)], {"c": ColumnType.DATE}), {"c": ColumnType.DATE}) is None


def test_keys_are_whole_numbers_or_what_they_are() -> None:
    assert to_columns([(1,), (Decimal(2),), (None,)], {"c": ColumnType.KEY})["c"].tolist() == [1, 2, NOTHING]
    assert to_columns([(1,), ("12-3",), (None,)], {"c": ColumnType.KEY})["c"].tolist() == [1, "12-3", None]


def test_columns_stand_where_they_stand_and_a_missing_one_is_null() -> None:
    found = to_columns([(1, 2)], {"a": ColumnType.INTEGER, "b": ColumnType.TEXT, "c": ColumnType.INTEGER}, [1, None, 0])
    assert {name: values.tolist() for name, values in found.items()} == {"a": [2], "b": [None], "c": [1]}


def test_no_rows_are_empty_columns_of_the_type() -> None:
    assert to_columns([], {"c": ColumnType.DATE})["c"].dtype == np.dtype("datetime64[s]")
