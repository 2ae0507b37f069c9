"""The same school in each database gives the row-by-row oracle's answer, read in one state that nobody may change."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyodbc
import pytest
from oracle.journal_oracle import MOSCOW, OracleRecord, Verdict, judge
from oracle.school_tables import read_tables

from connectors.school.changes import read_changes
from connectors.school.open import open_snapshot
from connectors.school.read import SchoolSource, probe, read_fingerprints, read_school
from connectors.school.snapshot import ColumnsDifferError
from journal.school import SchoolReading, school_year
from mappings.fingerprints import Fingerprint, Seen, changed_journals
from mappings.lessons import counted_lessons, lesson_times
from mappings.profile import Profile, Statement
from mappings.raw import ABSENCES, JOURNALS, LESSON_COUNTS, LESSONS, SCHOOL, SUBJECTS
from sandbox.school.writing import make_school

from .five_ways import Way, five_ways

CODE = "0252"
NOW = datetime(2026, 11, 25, 19, 15, tzinfo=MOSCOW)
NAMES = (
    "firebird-file", "firebird-server", "postgresql", "postgresql-odbc", "mariadb", "mariadb-odbc",
    "sqlite", "sqlite-odbc",
)  # fmt: skip
TABLES = {"mark": "MARK", "absence": "ABSENCE", "period": "PERIOD_MARK"}


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Way]]:
    tables = make_school(code=CODE, name="Школа", students=40, weeks=3, seed=7, first_day=None, today=NOW.date())
    with five_ways(tmp_path_factory.mktemp("ways"), tables) as found:
        yield found


@pytest.fixture(scope="module")
def verdict(ways: dict[str, Way]) -> Verdict:
    return judge(read_tables(Path(ways["firebird-file"].url.removeprefix("file:"))), [], code=CODE, now=NOW)


def read(way: Way, profile: Profile) -> SchoolReading:
    today = NOW.date()
    source = SchoolSource(way.url, way.password)
    return read_school(source, profile, code=CODE, window=school_year(today), today=today, timezone=MOSCOW)


def as_record(row: Any) -> OracleRecord:
    def there(value: Any) -> Any:
        return None if pd.isna(value) else value

    weight, at = there(row.weight), there(row.entered_at)
    return OracleRecord(
        row.kind, row.subject, row.date.date(), there(row.lesson_number), there(row.value),
        None if weight is None else Decimal(weight), there(row.work), there(row.comment),
        None if at is None else at.to_pydatetime(),
    )  # fmt: skip


def row_name(source_key: str) -> tuple[str, int]:
    table, _, row = source_key.partition(":")
    return TABLES[table], int(row)


@pytest.mark.parametrize("name", NAMES)
def test_each_database_gives_the_oracles_answer(
    ways: dict[str, Way], verdict: Verdict, profile: Profile, name: str
) -> None:
    reading = read(ways[name], profile)
    made = {row_name(row.source_key): as_record(row) for row in reading.records.itertuples(index=False)}
    expected = {(key.table, key.row_id): record for key, record in verdict.records.items()}
    assert [key for key in made.keys() | expected.keys() if made.get(key) != expected.get(key)] == []
    fates = {(key.table, key.row_id): fate for key, fate in verdict.fates.items()}
    aside = dict(zip(map(row_name, reading.set_aside["source_key"]), reading.set_aside["reason"], strict=True))
    assert {key for key, fate in fates.items() if fate.word == "set-aside"} == aside.keys()
    assert [key for key, reason in aside.items() if reason not in fates[key].reasons] == []
    warned = set(zip(map(row_name, reading.warnings["source_key"]), reading.warnings["warning"], strict=True))
    assert warned == {(key, word) for key, fate in fates.items() for word in fate.warnings}
    assert len(made) > 500
    assert len(set(aside.values())) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_what_did_not_change_is_not_read_again_of_any_database(
    ways: dict[str, Way], profile: Profile, name: str
) -> None:
    way, today = ways[name], NOW.date()

    def changes(before: Seen | None) -> tuple[SchoolReading, Seen]:
        return read_changes(
            SchoolSource(way.url, way.password), profile, code=CODE, window=school_year(today), today=today,
            timezone=MOSCOW, software="test", before=before,
        )  # fmt: skip

    whole, seen = changes(None)
    assert whole.only is None
    assert whole.records.equals(read(way, profile).records)
    assert seen.total is not None
    assert seen.total.sum_of_codes is not None
    assert seen.rows == whole.rows_read
    nothing, again = changes(seen)
    assert (nothing.only, nothing.rows_read, again) == (frozenset(), 0, seen)
    one = next(key for key, journal in seen.journals.items() if journal.rows > 3)
    asked = replace(seen, journals=seen.journals | {one: replace(seen.journals[one], again=True)})
    part, after = changes(asked)
    assert part.only == {one}
    mine = whole.record_journals == one
    assert part.records.reset_index(drop=True).equals(whole.records[mine].reset_index(drop=True))
    assert after == seen


@pytest.mark.parametrize("name", NAMES)
def test_each_database_is_read_in_one_state_that_may_not_be_written(
    ways: dict[str, Way], profile: Profile, name: str
) -> None:
    way = ways[name]
    with open_snapshot(SchoolSource(way.url, way.password), CODE) as snapshot:
        assert snapshot.facts.one_state
        assert snapshot.facts.read_only
        before = len(snapshot.read(ABSENCES, profile, school_year(NOW.date())))
        with pytest.raises(Exception) as refused:  # noqa: PT011  each driver has its own
            next(snapshot.driver.chunks(SCHOOL, Statement("DELETE FROM ABSENCE", ()), [], 1))
        assert not isinstance(refused.value, ColumnsDifferError)
    with open_snapshot(SchoolSource(way.url, way.password), CODE) as snapshot:
        assert len(snapshot.read(ABSENCES, profile, school_year(NOW.date()))) == before > 0
    assert probe(SchoolSource(way.url, way.password), profile, CODE).ok


@pytest.mark.parametrize("name", NAMES)
def test_each_database_gives_whole_numbers_whole(ways: dict[str, Way], name: str) -> None:
    with open_snapshot(SchoolSource(ways[name].url, ways[name].password), CODE) as snapshot:
        for number in (2**31, -(2**33) - 7, 10**18 + 1):
            query = Statement(f"SELECT {number} AS ID, 'x' AS NAME FROM SCHOOL", ())  # noqa: S608  a number
            (chunk,) = snapshot.driver.chunks(SUBJECTS, query, [], 1000)
            assert chunk["id"].tolist() == [number]


def test_mariadb_shows_nothing_of_what_is_written_meanwhile(ways: dict[str, Way], profile: Profile) -> None:
    way = ways["mariadb-odbc"]
    teacher = pyodbc.connect(way.url.removeprefix("odbc:"), autocommit=True)
    window = school_year(NOW.date())
    with open_snapshot(SchoolSource(way.url), CODE) as snapshot:
        snapshot.read(SCHOOL, profile)
        row = "SELECT 900000, LESSON_ID, STUDENT_ID, TYPE_ID, CHANGED_AT FROM ABSENCE LIMIT 1"
        teacher.execute(f"INSERT INTO ABSENCE {row}")
        assert 900000 not in snapshot.read(ABSENCES, profile, window)["id"].to_numpy()
    with open_snapshot(SchoolSource(way.url), CODE) as snapshot:
        assert 900000 in snapshot.read(ABSENCES, profile, window)["id"].to_numpy()
    teacher.execute("DELETE FROM ABSENCE WHERE ID = 900000")
    teacher.execute("CREATE TABLE OLD (ID INTEGER) ENGINE=MyISAM")
    with open_snapshot(SchoolSource(way.url), CODE) as snapshot:
        assert not snapshot.facts.one_state
    teacher.execute("DROP TABLE OLD")
    teacher.close()


def test_a_server_that_refuses_the_password_says_so(ways: dict[str, Way], profile: Profile) -> None:
    found = probe(SchoolSource(ways["firebird-server"].url, "wrong"), profile, CODE)
    assert [problem.code for problem in found.problems] == ["school-login-refused"]


@pytest.mark.parametrize("name", NAMES)
def test_each_database_counts_its_journals_alike(ways: dict[str, Way], profile: Profile, name: str) -> None:
    def counted(way: Way) -> dict[str, Fingerprint]:
        source = SchoolSource(way.url, way.password)
        return read_fingerprints(source, profile, code=CODE, window=school_year(NOW.date())) or {}

    found = counted(ways[name])
    assert len(found) > 20
    assert changed_journals(counted(ways["firebird-file"]), found) == frozenset()


@pytest.mark.parametrize("name", NAMES)
def test_each_database_says_whose_a_journal_is_and_when_a_lesson_was_filled_in(
    ways: dict[str, Way], profile: Profile, name: str
) -> None:
    tables = read_tables(Path(ways["firebird-file"].url.removeprefix("file:")))
    classes = {row["ID"]: row for row in tables["SCHOOL_CLASS"]}
    with open_snapshot(SchoolSource(ways[name].url, ways[name].password), CODE) as snapshot:
        journals = snapshot.read(JOURNALS, profile)
        lessons = snapshot.read(LESSONS, profile, school_year(NOW.date()))
        counts = snapshot.read(LESSON_COUNTS, profile, school_year(NOW.date()))
    letters = [profile.reading.decoded(letter) for letter in journals["letter"]]
    whose = zip(*(journals[one] for one in ("id", "class_id", "parallel", "teacher_id")), letters, strict=True)
    assert sorted(whose) == sorted(
        (row["ID"], row["CLASS_ID"], of["PARALLEL"], row["TEACHER_ID"], of["LETTER"].decode("cp1251"))
        for row in tables["JOURNAL"]
        for of in (classes[row["CLASS_ID"]],)
    )
    filled = {key: None if pd.isna(at) else at for key, at in zip(lessons["id"], lessons["filled_at"], strict=True)}
    first = school_year(NOW.date()).first
    assert filled == {row["ID"]: row["FILLED_AT"] for row in tables["LESSON"] if row["LESSON_DATE"] >= first}
    assert len(set(filled.values())) > 10
    assert None in filled.values()
    told, counted = lesson_times({LESSONS.name: lessons}, profile), counted_lessons(counts, profile)
    columns = ["date", "cancelled", "unclear", "filled_on"]
    pd.testing.assert_frame_equal(
        *(one.rows[columns].sort_values(columns, ignore_index=True) for one in (told, counted))
    )
    assert told.known
    assert counted.known
