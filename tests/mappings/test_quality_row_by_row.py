"""The rules of quality on whole columns against the same rules said row by row, on schools made at random."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
from fakes.raw_journal import raw_journal
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.quality_oracle import PlainFact, record_doubts, student_doubts

from journal.frames import FINDINGS, RECORDS, SET_ASIDE, WARNINGS
from journal.school import SchoolReading, Window
from mappings.profile import load_profile
from mappings.quality import student_doubts as product_student_doubts
from mappings.reasons import CATALOGUE, RecordWarning, Severity
from mappings.records import to_reading
from mappings.roster import roster

ZONE = ZoneInfo("Europe/Moscow")
TODAY = date(2026, 11, 25)
WINDOW = Window(date(2026, 9, 1), date(2027, 8, 31))
PROFILE = load_profile("paragraf")
Tables = Mapping[str, Sequence[tuple]]

DAYS = [date(2026, 9, 1), date(2026, 10, 1), date(2026, 10, 2), date(2026, 10, 25), date(2026, 11, 9), TODAY]
ids = st.integers(1, 2)
days = st.sampled_from(DAYS)
open_days = st.none() | days
letters = st.sampled_from(["А", "Б", "", None])
moments = st.none() | st.builds(datetime.combine, days, st.sampled_from([time(0), time(23, 59, 59)]))
QUALITY = frozenset(map(str, RecordWarning)) - {
    "comment-undecodable", "not-journal-member", "lesson-number-out-of-range", "field-left-out",
}  # fmt: skip


def numbered(*columns: st.SearchStrategy, most: int = 4) -> st.SearchStrategy:
    rows = st.lists(st.tuples(*columns), max_size=most)
    return rows.map(lambda given: [(place, *row) for place, row in enumerate(given, 1)])


schools = st.fixed_dictionaries(
    {
        "students": st.lists(st.tuples(ids, open_days), max_size=2, unique_by=lambda row: row[0]),
        "enrolments": st.lists(st.tuples(ids, open_days, open_days, st.sampled_from([5, None]), letters), max_size=5),
        "subjects": st.just([(1, "Алгебра")]),
        "journals": numbered(
            st.just(1), st.none(), st.sampled_from([5, None]), letters, st.sampled_from([None, 7, 8]), most=2
        ),
        "control_types": st.just([(1, "Работа")]),
        "mark_types": st.just([(401, "1"), (501, "н"), (503, "оп"), (601, "зам")]),
        "periods": numbered(st.sampled_from([1, 3]), st.just("Четверть"), open_days, open_days, most=3),
        "members": st.just([]),
        "lessons": numbered(ids, open_days, st.just(1), st.sampled_from([0, 0, 0, 1])),
        "controls": numbered(
            st.integers(1, 4), st.just(1), st.sampled_from([None, "1", "0", "-1", "10", "10.01", "NaN"])
        ),
        "marks": numbered(st.integers(1, 4), ids, st.sampled_from([401, 401, 601]), st.none(), moments, most=6),
        "absences": numbered(st.integers(1, 4), ids, st.sampled_from([501, 503, 601]), moments, most=5),
        "period_marks": numbered(ids, st.integers(1, 3), ids, st.just(401), moments, most=5),
    }
)


class Calendar:
    """Knows the school year until October, and of it that nobody teaches on these days."""

    OFF = frozenset({date(2026, 10, 2), TODAY})

    def knows(self, day: date) -> bool:
        return day < date(2026, 11, 1)

    def is_school_day(self, day: date) -> bool:
        return day not in self.OFF


def read(tables: Tables) -> SchoolReading:
    return to_reading(
        raw_journal(**tables), PROFILE, school="0252", window=WINDOW, today=TODAY, timezone=ZONE, school_days=Calendar()
    )


def plain_facts(tables: Tables) -> list[PlainFact]:
    rows = {name: {row[0]: row for row in tables[name]} for name in tables}
    found = []

    def at_lesson(key: str, student: int, kind: str, lesson: int | None, at: datetime | None, cost: str | None) -> None:
        journal, day = rows["lessons"].get(lesson, (0, None, None))[1:3]
        weight = None if cost in {None, "NaN"} else Decimal(cost)
        entered = None if at is None else at.date()
        found.append(PlainFact(key, student, kind, lesson, None, journal, day, day, entered, weight))

    for key, control, student, code, _, at in tables["marks"]:
        _, lesson, _, cost = rows["controls"].get(control, (0, None, None, None))
        at_lesson(f"mark:{key}", student, "current" if code == 401 else "remark", lesson, at, cost)
    for key, lesson, student, code, at in tables["absences"]:
        at_lesson(f"absence:{key}", student, {501: "absence", 503: "late", 601: "remark"}[code], lesson, at, None)
    for key, journal, period, student, _, at in tables["period_marks"]:
        first, last = rows["periods"].get(period, (0, 0, "", None, None))[3:]
        entered = None if at is None else at.date()
        found.append(PlainFact(f"period:{key}", student, "period", None, period, journal, first, last, entered))
    return found


def stays_of(tables: Tables) -> dict[object, list[tuple]]:
    stays: dict[object, list[tuple]] = {}
    for student, first, last, parallel, letter in tables["enrolments"]:
        stays.setdefault(student, []).append((first, last, class_name(parallel, letter)))
    return stays


def class_name(parallel: int | None, letter: str | None) -> str:
    return f"{parallel or ''}{letter or ''}"


@given(schools)
@settings(max_examples=150, deadline=None)
def test_the_findings_are_the_oracles_and_every_row_has_one_fate(tables: Tables) -> None:
    reading = read(tables)
    for schema, frame in (
        (RECORDS, reading.records),
        (SET_ASIDE, reading.set_aside),
        (WARNINGS, reading.warnings),
        (FINDINGS, reading.findings),
    ):
        schema.validate(frame)
    facts = {fact.key: fact for fact in plain_facts(tables)}
    aside = dict(reading.set_aside[["source_key", "reason"]].itertuples(index=False, name=None))
    assert sorted([*reading.records["source_key"], *aside]) == sorted(facts)
    held_to_the_oracle(tables, reading, [fact for fact in facts.values() if fact.key not in aside])
    rows = reading.findings[reading.findings["source_key"].notna()]
    told = list(rows[["source_key", "code"]].itertuples(index=False, name=None))
    assert sorted(told) == sorted([*aside.items(), *reading.warnings.itertuples(index=False, name=None)])
    assert {key for key, code in told if CATALOGUE[code].severity is Severity.ERROR} == aside.keys()
    held_to_their_places(tables, rows, facts)


def held_to_the_oracle(tables: Tables, reading: SchoolReading, facts: Sequence[PlainFact]) -> None:
    expected = record_doubts(
        facts,
        stays=stays_of(tables),
        classes={row[0]: class_name(row[3], row[4]) for row in tables["journals"]},
        periods={row[0]: (row[3], row[4]) for row in tables["periods"]},
        most_weight=Decimal(10),
        days_off={date(2026, 10, 2)},
    )
    found = reading.warnings[reading.warnings["warning"].isin(QUALITY)]
    told = list(found.itertuples(index=False, name=None))
    assert sorted(told) == sorted((key, doubt) for key, doubts in expected.items() for doubt in doubts)
    students = reading.findings[reading.findings["source_key"].isna()][["student_key", "code"]]
    assert sorted(students.itertuples(index=False, name=None)) == expected_of_students(tables)


def expected_of_students(tables: Tables) -> list[tuple[str, str]]:
    stays = stays_of(tables)
    return sorted(
        (str(student), doubt)
        for student, born in tables["students"]
        for doubt in student_doubts(stays.get(student, []), born, (WINDOW.first, WINDOW.last), TODAY)
    )


def held_to_their_places(tables: Tables, rows: pd.DataFrame, facts: Mapping[object, PlainFact]) -> None:
    journals = {row[0]: row for row in tables["journals"]}
    for row in rows.itertuples():
        fact = facts[row.source_key]
        journal = journals.get(fact.journal, (None,) * 6)
        assert plain(row.class_name) == (class_name(journal[3], journal[4]) or None)
        assert plain(row.teacher) == (None if journal[5] is None else str(journal[5]))
        assert plain(row.date) == (None if fact.last is None else pd.Timestamp(fact.last))
        assert row.student_key == str(fact.student)


def plain(value: object) -> object:
    return None if pd.isna(value) else value


stays = st.tuples(st.just(1), open_days, open_days, st.sampled_from([5, None]), letters)
LATER = st.sampled_from([date(2025, 9, 1), date(2026, 5, 25), date(2027, 8, 31), date(2027, 9, 1)])
wide_stays = st.tuples(st.just(1), days | LATER, open_days | LATER, st.just(5), letters)


@given(st.lists(stays | wide_stays, max_size=4), open_days)
@settings(max_examples=200, deadline=None)
def test_doubts_about_a_student_are_the_oracles(held: list[tuple], born: date | None) -> None:
    tables = {"students": [(1, born)], "enrolments": held}
    known = roster(raw_journal(**tables), PROFILE.reading)
    told = [(key, str(code)) for key, code in product_student_doubts(known, WINDOW, TODAY)]
    assert sorted(told) == expected_of_students(tables)
