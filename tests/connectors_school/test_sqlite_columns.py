"""Columns that SQLite gathers itself are those of its rows, or it says that it can't."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.school.columns import to_columns
from connectors.school.open import open_snapshot
from connectors.school.source import SchoolSource
from connectors.school.sql_driver import SqlDriver
from connectors.school.sqlite_columns import FEWEST, in_columns
from connectors.school.whole_columns import iso_instants
from mappings.profile import Statement
from mappings.raw import NOTHING, SPOILT, SPOILT_TEXT, ColumnType, RawTable

from .test_whole_columns import as_texts

WHOLE = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(0, 9), st.sampled_from([NOTHING, SPOILT]))
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.sampled_from(["7", "1,2", "-", "1-2", "a\nb", "\0", '"', "\\", "null", "Ёлка", "\u2028"]),
)
ISO = st.one_of(st.dates().map(str), st.datetimes().map(lambda moment: str(moment.replace(microsecond=0))))
ODD = st.one_of(
    WHOLE, TEXTS, ISO, st.floats(allow_nan=False), st.binary(max_size=3),
    st.sampled_from([b"2026-09-01", "0001-01-01", "0001-01-01 00:00:00", "2026-02-30", "2026-09-01,2026-09-02"]),
)  # fmt: skip
USUAL = {
    ColumnType.INTEGER: WHOLE,
    ColumnType.KEY: WHOLE,
    ColumnType.DATE: st.dates().map(str),
    ColumnType.MOMENT: st.datetimes().map(lambda moment: str(moment.replace(microsecond=0))),
    ColumnType.TEXT: TEXTS,
}


def columns(kind: ColumnType, values: Sequence[object], first: int) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return what SQLite gathers of the values, and what their rows become."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, c)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", enumerate(values))
    sql, types = 'SELECT c AS "C", id FROM t WHERE id >= ? -- all', {"id": ColumnType.KEY, "c": kind, "gone": kind}
    rows = connection.execute(sql, [0]).fetchall()
    found = in_columns(connection, sql, [0], types, ["C", "id"], rows[:first])
    connection.close()
    return found, to_columns(rows, types, [1, 0, None])


@pytest.mark.parametrize("kind", sorted(USUAL))
@given(data=st.data())
@settings(max_examples=200)
def test_gathered_columns_are_those_of_the_rows(kind: ColumnType, data: st.DataObject) -> None:
    one = st.one_of(USUAL[kind], USUAL[kind], USUAL[kind], st.none())
    values = data.draw(
        st.one_of(st.lists(one, min_size=1, max_size=6), st.lists(st.one_of(one, ODD), min_size=1, max_size=4))
    )
    found, expected = columns(kind, values, data.draw(st.integers(1, 6)))
    if found is not None:
        for name, values_of in expected.items():
            assert found[name].dtype == values_of.dtype
            assert as_texts(found[name]) == as_texts(values_of)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ColumnType.INTEGER, [1, None, -3, 2**63 - 1, -(2**63) + 2]),
        (ColumnType.KEY, [1, 2, 3]),
        (ColumnType.KEY, [None, 2, None]),
        (ColumnType.DATE, ["2026-09-01", None, "2024-02-29"]),
        (ColumnType.MOMENT, ["2026-09-01 08:30:00", None, "2026-09-01T08:30:00"]),
        (ColumnType.TEXT, ["Ёлка", None, 'a"b\n']),
        (ColumnType.TEXT, [None, None]),
        (ColumnType.DATE, [None]),
    ],
)
def test_usual_columns_are_gathered(kind: ColumnType, values: list[object]) -> None:
    found, expected = columns(kind, values, len(values))
    assert found is not None
    assert as_texts(found["c"]) == as_texts(expected["c"])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ColumnType.KEY, [1, "2"]),
        (ColumnType.KEY, [1, b"2"]),
        (ColumnType.KEY, [1, 2.0]),
        (ColumnType.KEY, [1, 2, None]),  # not foreseen by the first row
        (ColumnType.INTEGER, [1, "1-2"]),
        (ColumnType.INTEGER, [NOTHING, None]),
        (ColumnType.DATE, ["2026-09-01", b"2026-09-01"]),
        (ColumnType.DATE, ["2026-09-01", 20260901]),
        (ColumnType.DATE, ["0001-01-01", None]),
        (ColumnType.DATE, ["2026-09-01 10:00:00"]),
        (ColumnType.TEXT, ["a", 1]),
        (ColumnType.TEXT, ["a", 0.1]),
        (ColumnType.TEXT, ["a", b"a"]),
        (ColumnType.DECIMAL, [1]),
    ],
)
def test_what_is_not_usual_is_left_to_the_rows(kind: ColumnType, values: list[object]) -> None:
    assert columns(kind, values, 1)[0] is None


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[SqlDriver]:
    connection = sqlite3.connect(tmp_path / "school.db")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, day DATE, name TEXT)")
    days = [date.fromordinal(738_000 + row) if row % 7 else None for row in range(3 * FEWEST)]
    rows = [(row, day and str(day), f"Урок {row}") for row, day in enumerate(days)]
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    with open_snapshot(SchoolSource(f"sqlite:///{tmp_path / 'school.db'}"), "0252") as snapshot:
        assert isinstance(snapshot.driver, SqlDriver)
        yield snapshot.driver


TABLE = RawTable("t", {"id": ColumnType.KEY, "day": ColumnType.DATE, "name": ColumnType.TEXT})


@pytest.mark.parametrize("count", [0, 1, FEWEST - 1, FEWEST, FEWEST + 1, 3 * FEWEST])
def test_the_driver_gives_the_same_chunks_either_way(driver: SqlDriver, count: int) -> None:
    def read(size: int, *, by_columns: bool) -> list[list[list[str]]]:
        driver._by_columns = by_columns  # noqa: SLF001  a test's own choice
        statement = Statement("SELECT id, day, name FROM t WHERE id < ? ORDER BY id DESC", ())
        chunks = list(driver.chunks(TABLE, statement, [count], size))
        return [[as_texts(chunk[name]) for name in TABLE.columns] for chunk in chunks]

    for size in (FEWEST, FEWEST + 7, 10_000):
        assert read(size, by_columns=True) == read(size, by_columns=False)


def test_a_text_that_is_no_utf8_far_behind_spoils_itself_alone(driver: SqlDriver, tmp_path: Path) -> None:
    teacher = sqlite3.connect(tmp_path / "school.db")
    teacher.execute("UPDATE t SET name = CAST(x'98' AS TEXT) WHERE id = ?", [2 * FEWEST])
    teacher.commit()
    teacher.close()
    chunks = list(driver.chunks(TABLE, Statement("SELECT id, day, name FROM t ORDER BY id", ()), [], 10_000))
    names = [name for chunk in chunks for name in chunk["name"].tolist()]
    assert names == [SPOILT_TEXT if row == 2 * FEWEST else f"Урок {row}" for row in range(3 * FEWEST)]


def test_many_lines_are_read_as_one() -> None:
    days = np.arange(np.datetime64("1990-01-01"), np.datetime64("2050-01-01"))
    found = iso_instants("\n".join(map(str, days)).encode(), len(days), 10)
    assert found is not None
    assert (found == days).all()
    assert iso_instants("\n".join([*map(str, days), "2026-02-30"]).encode(), len(days) + 1, 10) is None
