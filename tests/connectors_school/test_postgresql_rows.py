"""PostgreSQL's binary COPY gives what its cursor gives, field by field, in fewer steps."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from fakes.postgresql import postgresql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.school.open import open_snapshot
from connectors.school.postgresql_rows import BLOCK_ROWS, Encoding, layout_of
from connectors.school.source import SchoolSource
from connectors.school.sql_driver import SqlDriver
from journal.wording import BridgeError
from mappings.profile import Profile, Query, Statement
from mappings.raw import SPOILT_TIME, SUBJECTS, ColumnType, RawTable

from .test_whole_columns import as_texts

WHOLE = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
NUMERICS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=7).map(str),
    st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,15})?", fullmatch=True),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "0.00", "10000", "0.0001", "1e30", "1.50", "99990000.10"]),
)
FIELDS: dict[str, st.SearchStrategy[str]] = {
    **{name: st.integers(-end, end - 1).map(str) for name, end in WHOLE.items()},
    "bool": st.sampled_from(["t", "f"]),
    "date": st.dates().map(str),
    "timestamp": st.datetimes().map(str),
    "numeric": NUMERICS,
    "float8": st.floats().map(repr),
    "text": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9),
    "varchar": st.sampled_from(["", "7", "7.0", "Ёлка", "2026-09-01", "2026-09-01 10:00:00"]),
    "bpchar": st.sampled_from(["", "7 ", "Ёлка  "]),
    "bytea": st.binary(max_size=5).map(lambda value: "\\x" + value.hex()),
    # not read by COPY
    "float4": st.sampled_from(["1.1", "7"]),
    "timestamptz": st.sampled_from(["2026-09-01 10:00+03"]),
    "uuid": st.sampled_from(["12345678123456781234567812345678"]),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(scope="module")
def driver(server: str) -> Iterator[SqlDriver]:
    with open_snapshot(SchoolSource(server), "0252") as snapshot:
        assert isinstance(snapshot.driver, SqlDriver)
        yield snapshot.driver


def read(driver: SqlDriver, kind: ColumnType, sql: str, values: list[Any], size: int, *, by_copy: bool) -> list[Any]:
    driver._by_copy = by_copy  # noqa: SLF001  a test's own choice
    try:
        table = RawTable("pairs", {"c": kind, "id": ColumnType.INTEGER, "gone": kind}, optional=frozenset({"gone"}))
        return list(driver.chunks(table, Statement(sql, ()), values, size))
    finally:
        driver._by_copy = True  # noqa: SLF001  as it was


@pytest.mark.parametrize("name", FIELDS)
@given(data=st.data())
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors])
def test_copy_gives_what_a_cursor_gives(driver: SqlDriver, name: str, data: st.DataObject) -> None:
    fields = data.draw(st.lists(st.one_of(st.none(), FIELDS[name], FIELDS[name]), max_size=7))
    size = data.draw(st.integers(2, 5))
    sql = f'SELECT t.id AS "ID", t.c FROM unnest(%s::text[]::{name}[]) WITH ORDINALITY AS t(c, id) -- 100 %%'  # noqa: S608
    for kind in ColumnType:
        if kind is ColumnType.TEXT and name in {"bool", "date", "timestamp", "timestamptz", "uuid"}:
            continue
        found, expected = (read(driver, kind, sql, [fields], size, by_copy=way) for way in (True, False))
        assert [len(chunk["id"]) for chunk in found] == [len(chunk["id"]) for chunk in expected]
        for one, other in zip(found, expected, strict=True):
            assert {column: values.dtype for column, values in one.items()} == {
                column: values.dtype for column, values in other.items()
            }
            for column in ("c", "id", "gone"):
                assert as_texts(one[column]) == as_texts(other[column]), (kind, column)


def test_what_good_schools_keep_is_read_by_copy_and_the_rest_is_not() -> None:
    utf8 = Encoding("utf-8")
    types = {
        "a": ColumnType.KEY,
        "b": ColumnType.DATE,
        "c": ColumnType.MOMENT,
        "d": ColumnType.TEXT,
        "e": ColumnType.DECIMAL,
    }
    assert layout_of(types, ["e", "a", "b", "c", "d"], [1700, 23, 1082, 1114, 1043], utf8) is not None
    assert layout_of(types, ["a", "c"], [20, 1184], utf8) is None  # a moment with a zone
    assert layout_of(types, ["d"], [2950], utf8) is None  # a UUID
    assert layout_of(types, ["d"], [17], Encoding("cp1251", of_bytes_too=True)) is not None


@pytest.mark.parametrize("count", [0, 1, BLOCK_ROWS, BLOCK_ROWS + 1, 3 * BLOCK_ROWS])
def test_all_rows_come_once_and_in_order(driver: SqlDriver, count: int) -> None:
    sql = "SELECT g AS id, CASE WHEN g % 3 = 0 THEN repeat('ы', g % 50) END AS c FROM generate_series(1, %s) AS g"
    chunks = read(driver, ColumnType.TEXT, sql.replace("% ", "%% "), [count], 10_000, by_copy=True)
    rows = [row for chunk in chunks for row in zip(chunk["id"].tolist(), chunk["c"].tolist(), strict=True)]
    assert rows == [(g, "ы" * (g % 50) if g % 3 == 0 else None) for g in range(1, count + 1)]
    assert all(len(chunk["id"]) <= BLOCK_ROWS for chunk in chunks)


def test_a_day_that_has_no_date_is_spoilt_alone(driver: SqlDriver) -> None:
    days = ["infinity", "2026-09-01", "-infinity", "0044-03-15 BC", "20000-01-01", None, "9999-12-31"]
    sql = "SELECT t.id, t.c FROM unnest(%s::text[]::{}[]) WITH ORDINALITY AS t(c, id)"
    spoilt = SPOILT_TIME.item()
    expected = [spoilt, datetime(2026, 9, 1), spoilt, spoilt, spoilt, None, datetime(9999, 12, 31)]  # noqa: DTZ001  local
    for name in ("date", "timestamp"):
        for kind in (ColumnType.DATE, ColumnType.MOMENT):
            (found,) = read(driver, kind, sql.format(name), [days], 10, by_copy=True)
            assert found["c"].tolist() == expected


def test_what_breaks_off_in_the_middle_says_why_and_the_snapshot_goes_on(server: str, profile: Profile) -> None:
    failing = Query(
        "subjects", "SELECT g AS ID, CAST(1 / (5000 - g) AS TEXT) AS NAME FROM generate_series(1, 9000) AS g"
    )
    good = Query("subjects", "SELECT g AS ID, 'x' AS NAME FROM generate_series(1, 3) AS g")
    with open_snapshot(SchoolSource(server), "0252") as snapshot:
        with pytest.raises(BridgeError, match="school-reading-failed") as caught:
            snapshot.read(SUBJECTS, replace(profile, queries={**profile.queries, "subjects": failing}))
        assert "22012" in str(caught.value.parameters)
        assert len(snapshot.read(SUBJECTS, replace(profile, queries={**profile.queries, "subjects": good}))) == 3


def test_who_stops_after_the_first_rows_can_ask_on(driver: SqlDriver) -> None:
    table = RawTable("pairs", {"id": ColumnType.INTEGER})
    endless = Statement("SELECT generate_series(1, 100000000) AS id", ())
    for size in (1, 2):  # by the cursor, and by COPY
        chunks = driver.chunks(table, endless, [], size)
        assert next(chunks)["id"].tolist() == list(range(1, size + 1))
        chunks.close()  # type: ignore[attr-defined]  # a generator
    assert next(driver.chunks(table, Statement("SELECT 7 AS id", ()), [], 1))["id"].tolist() == [7]


def test_parameters_of_each_kind_are_put_in(driver: SqlDriver) -> None:
    table = RawTable("pairs", {"id": ColumnType.INTEGER, "name": ColumnType.TEXT, "day": ColumnType.DATE})
    sql = "SELECT CAST(%s AS integer) AS id, CAST(%s AS text) AS name, CAST(%s AS date) AS day"
    (found,) = driver.chunks(table, Statement(sql, ()), [7, "О'Нил %", date(2026, 9, 1)], 10)
    assert [values.tolist() for values in found.values()] == [[7], ["О'Нил %"], [datetime(2026, 9, 1)]]  # noqa: DTZ001
