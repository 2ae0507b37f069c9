"""Each rule of quality at its edge: what is said, and what is not said beside it."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from fakes.raw_journal import raw_journal
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.school import Enrolment, Place, RosterEntry, SchoolReading, StudentIdentity, Window
from mappings.findings import FindingCount, counted, with_alike
from mappings.fingerprints import SeenJournal
from mappings.profile import load_profile
from mappings.quality import SchoolDays, alike
from mappings.reasons import CATALOGUE, RecordWarning, SetAsideReason, Severity, StudentWarning
from mappings.records import to_reading

TODAY = date(2026, 11, 25)
WINDOW = Window(date(2026, 9, 1), date(2027, 8, 31))
SCHOOL = {
    "students": [(1, "2014-03-09")],
    "enrolments": [(1, "2026-09-01", None, 5, "А")],
    "subjects": [(1, "Алгебра")],
    "journals": [(1, 1, 10, 5, "А", 7)],
    "control_types": [(1, "Работа")],
    "mark_types": [(401, "1"), (501, "н"), (503, "оп"), (601, "зам")],
    "periods": [(1, 1, "I четверть", "2026-09-01", "2026-10-25")],
    "members": [(1, 1, "2026-09-01", None)],
    "lessons": [(1, 1, "2026-10-01", 1, 0)],
    "controls": [(1, 1, 1, "1")],
    "marks": [(1, 1, 1, 401, None, "2026-10-01 10:00:00")],
    "absences": [],
    "period_marks": [],
}


def read(school_days: SchoolDays | None = None, **tables: Sequence[tuple[object, ...]]) -> SchoolReading:
    return to_reading(
        raw_journal(**{**SCHOOL, **tables}), load_profile("paragraf"), school="0252", window=WINDOW, today=TODAY,
        timezone=ZoneInfo("Europe/Moscow"), school_days=school_days,
    )  # fmt: skip


def found(**tables: Sequence[tuple[object, ...]]) -> set[tuple[str, str]]:
    findings = read(**tables).findings
    subject = findings["source_key"].fillna("student:" + findings["student_key"])
    return set(zip(subject, findings["code"], strict=True))


def test_a_clean_school_has_no_findings() -> None:
    assert found() == set()


TWO_CLASSES = [(1, "2026-09-01", "2026-09-30", 5, "Б"), (1, "2026-10-01", None, 5, "А")]
LATE = [(1, 1, 1, 401, None, "2026-10-26 00:00:00")]
GIVEN = [(1, 1, 1, 1, 401, "2026-10-24 10:00:00")]


@pytest.mark.parametrize(
    ("tables", "findings"),
    [
        ({"lessons": []}, {("mark:1", "lesson-missing")}),
        ({"controls": []}, {("mark:1", "lesson-missing")}),
        ({"lessons": [(1, 1, None, 1, 0)]}, {("mark:1", "date-missing")}),
        ({"enrolments": [(1, "2026-09-01", None, 5, "Б")]}, {("mark:1", "class-transfer-missing")}),
        ({"enrolments": TWO_CLASSES}, set()),
        ({"enrolments": TWO_CLASSES, "lessons": [(1, 1, "2026-09-30", 1, 0)]}, {("mark:1", "class-transfer-missing")}),
        ({"enrolments": TWO_CLASSES, "journals": [(1, 1, None, None, None, 7)]}, set()),
        (
            {"enrolments": TWO_CLASSES, "period_marks": GIVEN, "marks": [], "journals": [(1, 1, 11, 5, "Б", 7)]},
            set(),  # on one day of the period at least the student was there
        ),
        ({"period_marks": GIVEN}, set()),
        (
            {"period_marks": GIVEN, "marks": [(1, 1, 1, 401, None, "2026-10-25 23:59:59")]},
            set(),
        ),
        (
            {"period_marks": GIVEN, "marks": [(1, 1, 1, 401, None, "2026-10-26 00:00:00")]},
            {("mark:1", "mark-in-closed-period")},
        ),
        (
            {"period_marks": GIVEN, "lessons": [(1, 1, "2026-09-01", 1, 0)], "marks": LATE},
            {("mark:1", "mark-in-closed-period")},
        ),
        (
            {"period_marks": GIVEN, "lessons": [(1, 1, "2026-10-25", 1, 0)], "marks": LATE},
            {("mark:1", "mark-in-closed-period")},
        ),
        (
            {"periods": [(2, 1, "I", "2026-09-01", "2026-09-30"), *SCHOOL["periods"]], "marks": LATE,
             "period_marks": [*GIVEN, (2, 1, 2, 1, 401, None)]},
            {("mark:1", "mark-in-closed-period")},
        ),
        ({"marks": [(1, 1, 1, 401, None, "2026-10-26 00:00:00")]}, set()),  # nobody gave marks of the period
        (
            {
                "period_marks": GIVEN, "lessons": [(1, 1, "2026-10-26", 1, 0)],
                "marks": [(1, 1, 1, 401, None, "2026-11-01 10:00:00")],
            },
            set(),  # the lesson lies after it
        ),
        ({"marks": [(1, 1, 1, 401, None, "2026-09-30 23:59:59")]}, {("mark:1", "entered-before-lesson")}),
        ({"marks": [(1, 1, 1, 601, None, "2026-09-30 23:59:59")]}, set()),
        ({"marks": [(1, 1, 1, 401, None, "1960-01-01 00:00:00")]}, {("mark:1", "field-left-out")}),
        ({"controls": [(1, 1, 1, "0")]}, {("mark:1", "weight-out-of-range")}),
        ({"controls": [(1, 1, 1, "-0.25")]}, {("mark:1", "weight-out-of-range")}),
        ({"controls": [(1, 1, 1, "0.01")]}, set()),
        ({"controls": [(1, 1, 1, "10.00")]}, set()),
        ({"controls": [(1, 1, 1, "10.01")]}, {("mark:1", "weight-out-of-range")}),
        ({"absences": [(1, 1, 1, 501, None)]}, {("mark:1", "mark-while-absent")}),
        ({"absences": [(1, 1, 1, 503, None)]}, set()),
        (
            {"absences": [(1, 1, 1, 501, None)], "mark_types": [(401, "1"), (501, b"\x98")]},
            {("absence:1", "undecodable-text")},  # what was set aside contradicts nothing
        ),
        ({"absences": [(1, 1, 1, 700, None)]}, {("absence:1", "unknown-mark-type")}),
        (
            {"absences": [(1, 1, 1, 501, None), (2, 1, 1, 503, None)], "marks": []},
            {("absence:1", "absence-repeated"), ("absence:2", "absence-repeated")},
        ),
        ({"absences": [(1, 1, 1, 501, None), (2, 1, 1, 601, None)], "marks": []}, set()),
        (
            {"period_marks": [*GIVEN, (2, 1, 1, 1, 401, None)], "marks": []},
            {("period:1", "period-mark-repeated"), ("period:2", "period-mark-repeated")},
        ),
        ({"period_marks": [*GIVEN, (2, 1, 1, 1, 700, None)], "marks": []}, {("period:2", "unknown-mark-type")}),
        (
            {
                "period_marks": [*GIVEN, (2, 2, 1, 1, 401, None)], "marks": [],
                "journals": [*SCHOOL["journals"], (2, 1, 10, 5, "А", 7)],
                "members": [*SCHOOL["members"], (2, 1, "2026-09-01", None)],
            },
            set(),
        ),
        ({"students": [(1, None)]}, {("student:1", "birth-date-missing")}),
        ({"students": [*SCHOOL["students"], (2, None)]}, {("student:2", "student-in-no-class")}),
        (
            {
                "students": [*SCHOOL["students"], (2, None)],
                "enrolments": [*SCHOOL["enrolments"], (2, "2020-09-01", "2026-05-25", 11, "А")],
            },
            set(),  # who left long ago is nobody's concern
        ),
        ({"enrolments": [(1, "2026-09-01", None, None, None)]}, {("student:1", "student-in-no-class")}),
        (
            {"enrolments": [(1, "2026-09-01", None, 5, "А"), (1, "2026-11-01", None, 5, "Б")]},
            {("student:1", "student-in-two-classes")},
        ),
        (
            {"enrolments": [*SCHOOL["enrolments"], (1, "2026-11-01", "2026-10-01", 5, "Б")]},
            {("student:1", "enrolment-reversed")},
        ),
    ],
)  # fmt: skip
def test_each_rule_says_so_at_its_edge_and_nothing_beside_it(
    tables: dict[str, list[tuple]], findings: set[tuple[str, str]]
) -> None:
    assert found(**tables) == findings


class Calendar:
    def knows(self, day: date) -> bool:
        return day.year == 2026

    def is_school_day(self, day: date) -> bool:
        return day.isoweekday() != 7


def test_a_lesson_is_on_no_school_day_where_a_calendar_of_its_year_says_so() -> None:
    """A mark, an absence and a period's mark of 4 October 2026, a Sunday; and a Sunday of a year nobody knows."""
    tables = {
        "lessons": [(1, 1, "2026-10-04", 1, 0), (2, 1, "2025-10-05", 1, 0)],
        "controls": [(1, 1, 1, "1"), (2, 2, 1, "1")],
        "marks": [(1, 1, 1, 401, None, None), (2, 2, 1, 401, None, None)], "absences": [(1, 1, 1, 503, None)],
        "periods": [(1, 1, "I", "2026-09-01", "2026-10-04")], "period_marks": GIVEN,
        "enrolments": [(1, "2025-09-01", None, 5, "А")], "members": [(1, 1, "2025-09-01", None)],
    }  # fmt: skip
    given = read(school_days=Calendar(), **tables).findings
    assert list(zip(given["source_key"], given["code"], strict=True)) == [
        ("mark:1", "no-school-day"),
        ("absence:1", "no-school-day"),
    ]
    assert found(**tables) == set()


def test_a_record_with_a_warning_is_sent_as_it_stands() -> None:
    plain, odd = (read(controls=[(1, 1, 1, weight)]).records for weight in ("1", "99.99"))
    assert odd["weight"].tolist() == ["99.99"]
    pd.testing.assert_frame_equal(plain.drop(columns="weight"), odd.drop(columns="weight"))


def test_a_profile_says_which_warnings_mean_nothing_in_its_system() -> None:
    assert load_profile("rosariosis").codes.silent == {RecordWarning.ENTERED_BEFORE_LESSON}
    assert load_profile("paragraf").codes.silent == frozenset()


def test_the_catalogue_has_every_code_once_and_says_how_grave_it_is() -> None:
    codes = [*SetAsideReason, *RecordWarning, *StudentWarning]
    assert list(CATALOGUE) == list(map(str, codes))
    assert len(CATALOGUE) == len(codes)
    errors = {code for code, one in CATALOGUE.items() if one.severity is Severity.ERROR}
    assert errors == set(map(str, SetAsideReason))


# --- students who are alike ---------------------------------------------------------------------------------------

names = st.sampled_from(["Ёлкина", "ЕЛКИНА", "елкина ", "Елкин", ""])
born = st.sampled_from([None, date(2014, 3, 9), date(2014, 3, 10)])
spans = st.sampled_from([None, (date(2026, 9, 1), None), (date(2020, 9, 1), date(2026, 8, 31))])
people = st.lists(st.tuples(names, names, st.none() | names, born, spans), max_size=6)


@given(people)
@settings(max_examples=300, deadline=None)
def test_students_are_alike_by_name_and_birth_date_whatever_the_case_and_yo(rows: list[tuple]) -> None:
    identities = [StudentIdentity(str(n), *row[:4]) for n, row in enumerate(rows)]
    roster = {
        str(n): RosterEntry(str(n), row[3], () if row[4] is None else (Enrolment(*row[4], "5А"),))
        for n, row in enumerate(rows)
    }
    plain = [
        (*((name or "").lower().replace("ё", "е").strip() for name in row[:3]), row[3]) if row[3] else None
        for row in rows
    ]
    here = [row[4] == (date(2026, 9, 1), None) for row in rows]
    expected = [
        str(n)
        for n, one in enumerate(plain)
        if one and plain.count(one) > 1 and any(here[m] for m, other in enumerate(plain) if other == one)
    ]
    assert list(alike(identities, roster, WINDOW)) == expected


def test_of_the_alike_nothing_but_their_keys_is_told() -> None:
    twins = [StudentIdentity(key, "Ёлкина", "Мария", None, date(2014, 3, 9)) for key in ("1", "2")]
    reading = with_alike(read(enrolments=[(1, "2026-09-01", None, 5, "А"), (2, "2026-09-01", None, 5, "Б")],
                              students=[(1, "2014-03-09"), (2, "2014-03-09")]), twins, TODAY)  # fmt: skip
    told = reading.findings.astype(object).where(reading.findings.notna(), None)
    assert list(told.itertuples(index=False, name=None)) == [
        ("students-alike", None, "1", None, "5А", None, None),
        ("students-alike", None, "2", None, "5Б", None, None),
    ]


# --- counts ---------------------------------------------------------------------------------------------------------


def test_counts_are_of_what_was_read_and_of_the_journals_that_were_not() -> None:
    reading = read(
        controls=[(1, 1, 1, "0")], marks=[(1, 1, 1, 401, None, None), (2, 9, 1, 401, None, None)],
        students=[(1, None)], journals=[(1, 1, 10, 5, "А", 7), (2, 1, 11, 6, "Б", None)],
    )  # fmt: skip
    assert reading.places == {"1": Place("5А", "7"), "2": Place("6Б", None)}
    others = {
        "2": SeenJournal({}, None, 9, {"date-missing": 3}, {"weight-out-of-range": 2}),
        "gone": SeenJournal({}, None, 1, {"date-missing": 1}),
    }
    assert counted(reading, others) == (
        FindingCount("birth-date-missing", "5А", "", 1),
        FindingCount("date-missing", "", "", 1),
        FindingCount("date-missing", "6Б", "", 3),
        FindingCount("lesson-missing", "", "", 1),
        FindingCount("weight-out-of-range", "5А", "7", 1),
        FindingCount("weight-out-of-range", "6Б", "", 2),
    )
    assert sum(one.count for one in counted(reading, {})) == len(reading.findings)
    assert Counter(reading.findings["code"]).total() == 3
