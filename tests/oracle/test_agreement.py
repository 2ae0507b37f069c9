"""The product's reading and decision say of every row of a made-up, dirty school what the oracle says."""

import itertools
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from oracle.journal_oracle import MOSCOW, OracleRecord, RowKey, judge
from oracle.quality_oracle import student_doubts
from oracle.school_tables import one_line, read_register, read_tables

import consent_registry.register.file
from connectors.school.read import SchoolSource, read_identities, read_school
from consent_registry.decision import Grant, decide, ground
from consent_registry.fact_store import states
from consent_registry.register.registration import import_register
from consent_registry.sealed.vault import Vault
from database import METADATA, open_database, writing
from journal.school import SchoolReading, school_year
from mappings.findings import counted
from mappings.profile import load_profile
from sandbox.registry import write_register
from sandbox.school import write_school

CODE = "0252"
SOURCE_TABLES = {"mark": "MARK", "absence": "ABSENCE", "period": "PERIOD_MARK"}


def as_record(row: Any) -> OracleRecord:
    def there(value: Any) -> Any:
        return None if pd.isna(value) else value

    weight, entered_at = there(row.weight), there(row.entered_at)
    return OracleRecord(
        row.kind,
        row.subject,
        row.date.date(),
        there(row.lesson_number),
        there(row.value),
        None if weight is None else Decimal(weight),
        there(row.work),
        there(row.comment),
        None if entered_at is None else entered_at.to_pydatetime(),
    )


class World:
    """One made-up school and register, what the product makes of them, and the oracle's verdict."""

    def __init__(self, folder: Path, now: datetime, students: int, weeks: int) -> None:
        school, register = folder / "school.fdb", folder / "register.csv"
        today = now.date()
        write_school(
            school, code=CODE, name="Школа", students=students, weeks=weeks, seed=7, first_day=None, today=today
        )
        write_register(register, school, code=CODE, seed=7, today=today)
        profile, source = load_profile("paragraf"), SchoolSource(f"file:{school}")
        self.tables, self.today = read_tables(school), today
        self.verdict = judge(self.tables, read_register(register), code=CODE, now=now)
        self.keys = {f"{key.table}:{key.row_id}": key for key in self.verdict.fates}
        self.reading: SchoolReading = read_school(
            source, profile, code=CODE, window=school_year(today), today=today, timezone=MOSCOW
        )
        identities = read_identities(source, profile, code=CODE)
        numbers = itertools.count(1)
        engine = open_database(f"sqlite:///{folder}/bridge.db")
        METADATA.create_all(engine)
        with writing(engine) as connection:
            import_register(
                connection,
                consent_registry.register.file.read_register(register, two_persons=True),
                identities=lambda _: identities,
                vault=Vault(b"k" * 32),
                new_id=lambda: f"id-{next(numbers)}",
                now=now,
                by="test",
                timezone=MOSCOW,
            )
            cases = states(connection, CODE, at=now)
        engine.dispose()
        roster = self.reading.roster
        self.grounds = [ground(case, roster.get(case.student_key), now, today) for case in cases]
        self.decisions = decide(self.reading.records, self.grounds, roster, today=today)

    def key(self, source_key: str) -> RowKey:
        table, row_id = source_key.split(":")
        return self.keys[f"{SOURCE_TABLES[table]}:{row_id}"]


@pytest.fixture(
    scope="module",
    params=[
        (datetime(2026, 11, 25, 19, 15, tzinfo=MOSCOW), 90, 5),
        (datetime(2026, 9, 3, 23, 30, tzinfo=MOSCOW), 40, 2),  # a year that has hardly begun
        (datetime(2027, 7, 10, 8, 0, tzinfo=MOSCOW), 40, 3),  # exams and years are over
    ],
    ids=["autumn", "first-days", "summer"],
)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    now, students, weeks = request.param
    return World(tmp_path_factory.mktemp("world"), now, students, weeks)


def test_every_row_of_the_window_is_read_once(world: World) -> None:
    read = [*world.reading.records["source_key"], *world.reading.set_aside["source_key"]]
    assert Counter(map(world.key, read)) == Counter(list(world.verdict.fates))


def test_the_records_are_the_oracles_field_by_field(world: World) -> None:
    rows = world.reading.records.itertuples(index=False)
    made = {world.key(row.source_key): as_record(row) for row in rows}
    differing = [
        key for key in made.keys() | world.verdict.records.keys() if made.get(key) != world.verdict.records.get(key)
    ]
    assert differing == []


def test_what_is_set_aside_has_one_of_the_oracles_reasons(world: World) -> None:
    aside = world.reading.set_aside
    given = {world.key(key): reason for key, reason in zip(aside["source_key"], aside["reason"], strict=True)}
    assert [key for key, reason in given.items() if reason not in world.verdict.fates[key].reasons] == []
    assert len(set(given.values())) >= 5


def test_the_warnings_are_the_oracles(world: World) -> None:
    warned = world.reading.warnings
    given = Counter(zip(map(world.key, warned["source_key"]), warned["warning"], strict=True))
    assert given == Counter((key, word) for key, fate in world.verdict.fates.items() for word in fate.warnings)


def class_of(row: dict[str, object]) -> str:
    return f"{row['PARALLEL']}{one_line(row['LETTER'])}"


def place_of(by_id: dict[str, dict[int, dict]], key: RowKey) -> tuple[str, str]:
    """Return the class and the teacher of a row's journal, by the tables."""
    row = by_id[key.table][key.row_id]
    row = by_id["CONTROL"][row["CONTROL_ID"]] if key.table == "MARK" else row
    row = row if key.table == "PERIOD_MARK" else by_id["LESSON"][row["LESSON_ID"]]
    journal = by_id["JOURNAL"][row["JOURNAL_ID"]]
    return class_of(by_id["SCHOOL_CLASS"][journal["CLASS_ID"]]), str(journal["TEACHER_ID"])


def test_each_finding_stands_where_its_journal_does_and_is_counted_there(world: World) -> None:
    found = world.reading.findings[world.reading.findings["source_key"].notna()]
    by_id = {name: {row["ID"]: row for row in rows if "ID" in row} for name, rows in world.tables.items()}
    expected: Counter[tuple[str, str, str]] = Counter()
    for row in found.itertuples():
        class_name, teacher = place_of(by_id, world.key(row.source_key))
        assert (row.class_name, row.teacher) == (class_name, teacher)
        expected[row.code, class_name, teacher] += 1
    counts = {(one.code, one.class_name, one.teacher): one.count for one in counted(world.reading, {}) if one.teacher}
    assert counts == expected
    assert len({class_name for _, class_name, _ in expected}) > 1


def test_what_is_odd_about_students_is_what_the_oracle_finds(world: World) -> None:
    window = school_year(world.today)
    classes = {row["ID"]: class_of(row) for row in world.tables["SCHOOL_CLASS"]}
    stays: dict[int, list[tuple]] = {}
    for row in world.tables["ENROLMENT"]:
        stays.setdefault(row["STUDENT_ID"], []).append((row["DATE_FROM"], row["DATE_TO"], classes[row["CLASS_ID"]]))
    expected = {
        (str(row["ID"]), doubt)
        for row in world.tables["STUDENT"]
        for doubt in student_doubts(
            stays.get(row["ID"], []), row["BIRTH_DATE"], (window.first, window.last), world.today
        )
    }
    found = world.reading.findings[world.reading.findings["source_key"].isna()]
    assert set(zip(found["student_key"], found["code"], strict=True)) == expected
    assert expected


def test_exactly_the_oracles_records_are_permitted_and_the_others_have_its_reasons(world: World) -> None:
    keys = [world.key(key) for key in world.reading.records["source_key"]]
    permitted = {key for key, yes in zip(keys, world.decisions["permitted"], strict=True) if yes}
    assert permitted == set(world.verdict.permitted)
    assert permitted
    for key, reason in zip(keys, world.decisions["reason"], strict=True):
        assert key in permitted or reason in world.verdict.fates[key].reasons, (key, reason)


def test_the_links_in_force_are_the_oracles(world: World) -> None:
    granted = {
        (int(g.student_key), g.account_id, g.records_from, g.records_to, frozenset(map(str, g.kinds)))
        for g in world.grounds
        if isinstance(g, Grant)
    }
    assert granted == {
        (one.student_id, one.account_id, one.records_from, one.records_to, one.kinds)
        for one in world.verdict.open_links
    }
