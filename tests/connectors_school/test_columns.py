"""A driver's values become the declared types, or the column is named."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest

from connectors.school.columns import ColumnTypeError, to_columns
from mappings.raw import NOTHING, ColumnType


def column(kind: ColumnType, *values: object) -> list[object]:
    return to_columns([(value,) for value in values], {"c": kind})["c"].tolist()


def test_integers_come_as_integers_or_as_text_of_them() -> None:
    assert column(ColumnType.INTEGER, 1, True, None, "3", Decimal("4.00"), 5.0) == [1, 1, NOTHING, 3, 4, 5]


def test_dates_come_as_dates_moments_or_iso_text() -> None:
    given = (date(2026, 9, 1), datetime(2026, 9, 1, 13, tzinfo=UTC), "2026-09-01 00:00:00", None)
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
        (ColumnType.DATE, 20260901),
        (ColumnType.MOMENT, datetime(2026, 9, 1, tzinfo=UTC)),
        (ColumnType.MOMENT, 1.5),
        (ColumnType.DECIMAL, "much"),
    ],
)
def test_what_does_not_fit_is_refused_without_its_value(kind: ColumnType, value: object) -> None:
    with pytest.raises(ColumnTypeError) as caught:
        column(kind, value)
    assert (caught.value.column, str(caught.value)) == ("c", "c")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_no_rows_are_empty_columns_of_the_type() -> None:
    assert to_columns([], {"c": ColumnType.DATE})["c"].dtype == np.dtype("datetime64[s]")
