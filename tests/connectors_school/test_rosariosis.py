"""A system that nobody here wrote: composite keys, points of a maximum, letters, no lessons."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg
import pytest
from fakes.postgresql import postgresql

from connectors.school.changes import read_changes
from connectors.school.lessons import read_lessons
from connectors.school.open import open_snapshot
from connectors.school.read import SchoolSource, probe, read_fingerprints, read_identities, read_school
from journal.actuality import Goal, measured
from journal.frames import RECORDS, SET_ASIDE, WARNINGS
from journal.school import SchoolReading, Window
from journal.school_calendar import SchoolCalendar
from mappings.fingerprints import Seen, changed_journals
from mappings.profile import load_profile
from mappings.raw import JOURNALS, LESSONS, NOTHING

from .rosariosis import AT, School, fill, school

WINDOW = Window(date(2026, 9, 1), date(2027, 8, 31))
PROFILE = load_profile("rosariosis")
GRADE = "UPDATE gradebook_grades SET {} WHERE student_id = 1 AND assignment_id = 1"


@pytest.fixture(scope="module")
def made() -> School:
    return school()


@pytest.fixture(scope="module")
def url(made: School) -> Iterator[str]:
    with postgresql() as found:
        fill(found, made.rows)
        yield found


def read(url: str, code: str = "0252") -> SchoolReading:
    return read_school(
        SchoolSource(url),
        PROFILE,
        code=code,
        window=WINDOW,
        today=date(2026, 11, 25),
        timezone=ZoneInfo("Europe/Moscow"),
    )


def test_each_row_becomes_what_it_must_or_is_set_aside(url: str, made: School) -> None:
    reading = read(url)
    for schema, frame in ((RECORDS, reading.records), (SET_ASIDE, reading.set_aside), (WARNINGS, reading.warnings)):
        schema.validate(frame)
    found = {
        row.source_key: tuple(
            None if pd.isna(value) else value
            for value in (row.kind, row.subject, str(row.date.date()), row.value, row.weight, row.work)
        )
        for row in reading.records.itertuples()
    }
    assert found == made.records
    assert dict(zip(reading.set_aside["source_key"], reading.set_aside["reason"], strict=True)) == made.aside
    assert reading.records["lesson_number"].isna().all()
    comments = reading.records.set_index("source_key")["comment"]
    assert comments["mark:1-1-100"] == "Good"
    assert len(reading.warnings) == 0


def test_another_school_of_the_same_database_is_not_mixed_in(url: str) -> None:
    other = read(url, "0300")
    assert set(other.records["source_key"]) == {"mark:3-6-200", "absence:3-20261002-1"}
    assert set(other.roster) == {"3"}
    assert set(read(url).roster) == {"1", "2"}


def test_a_student_is_enrolled_until_the_year_ends_in_their_grade(url: str) -> None:
    entry = read(url).roster["1"]
    assert entry.classes_on(date(2027, 5, 25)) == ("05",)
    assert entry.classes_on(date(2027, 5, 26)) == ()
    people = read_identities(SchoolSource(url), PROFILE, code="0252", today=date(2026, 10, 1))
    assert {(one.student_key, one.last_name, one.class_name) for one in people} == {
        ("1", "Ёлкина", "05"),
        ("2", "Stone", "05"),
    }


def test_the_database_fits_the_profile(url: str) -> None:
    assert probe(SchoolSource(url), PROFILE, "0252").ok


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("points = 9", "points = 8.5"),
        ("points = -1", "points = 8.5"),
        (f"updated_at = '{AT[:-2]}59'", "updated_at = NULL"),
    ],
)
def test_a_change_changes_its_journals_fingerprint_and_undone_it_is_the_same(url: str, change: str, back: str) -> None:
    def seen() -> dict:
        return read_fingerprints(SchoolSource(url), PROFILE, code="0252", window=WINDOW) or {}

    before = seen()
    assert set(before) == {"100"}
    with psycopg.connect(url.replace("+psycopg", "")) as teacher:
        teacher.execute(GRADE.format(change))
    assert changed_journals(before, seen()) == {"100"}
    with psycopg.connect(url.replace("+psycopg", "")) as teacher:
        teacher.execute(GRADE.format(back))
    assert changed_journals(before, seen()) == frozenset()


@pytest.fixture
def moved(url: str) -> Iterator[None]:
    """A second course period of the same course, while a test lasts."""
    with psycopg.connect(url.replace("+psycopg", "")) as office:
        office.execute("INSERT INTO course_periods VALUES (2026, 1, 101, 10, 'Algebra B', 8)")
    yield
    with psycopg.connect(url.replace("+psycopg", "")) as office:
        office.execute("DELETE FROM course_periods WHERE course_period_id = 101")


@pytest.mark.parametrize(
    ("change", "back", "journals"),
    [
        (GRADE.format("points = 9"), GRADE.format("points = 8.5"), {"100"}),
        (GRADE.format("comment = 'Bad'"), GRADE.format("comment = 'Good '"), {"100"}),
        (GRADE.format(f"updated_at = '{AT[:-2]}59'"), GRADE.format("updated_at = NULL"), {"100"}),
        (GRADE.format("course_period_id = 101"), GRADE.format("course_period_id = 100"), {"100", "101"}),
        (
            "UPDATE attendance_period SET course_period_id = 101 WHERE student_id = 1 AND school_date = '2026-10-06'",
            "UPDATE attendance_period SET course_period_id = 100 WHERE student_id = 1 AND school_date = '2026-10-06'",
            {"100", "101"},
        ),
        (
            "UPDATE student_report_card_grades SET course_period_id = 101 WHERE id = 1",
            "UPDATE student_report_card_grades SET course_period_id = 100 WHERE id = 1",
            {"100", "101"},
        ),
        (
            "UPDATE gradebook_assignments SET due_date = '2026-10-03' WHERE assignment_id = 1",
            "UPDATE gradebook_assignments SET due_date = '2026-10-02' WHERE assignment_id = 1",
            {"100"},
        ),
        (
            "UPDATE gradebook_assignments SET weight = 3 WHERE assignment_id = 1",
            "UPDATE gradebook_assignments SET weight = 2 WHERE assignment_id = 1",
            {"100"},
        ),
    ],
)
@pytest.mark.usefixtures("moved")
def test_a_change_of_long_ago_is_seen_by_the_total_and_its_journals_are_read(
    url: str, change: str, back: str, journals: set[str]
) -> None:
    def changes(before: Seen | None) -> tuple[SchoolReading, Seen]:
        return read_changes(
            SchoolSource(url), PROFILE, code="0252", window=WINDOW, today=date(2026, 11, 25),
            timezone=ZoneInfo("Europe/Moscow"), software="test", before=before,
        )  # fmt: skip

    whole, seen = changes(None)
    assert (whole.only, seen.boundary) == (None, date(2026, 11, 11))
    assert seen.total is not None
    assert seen.total.whole
    assert changes(seen)[0].only == frozenset()
    with psycopg.connect(url.replace("+psycopg", "")) as teacher:
        teacher.execute(change)
    reading, now = changes(seen)
    with psycopg.connect(url.replace("+psycopg", "")) as teacher:
        teacher.execute(back)
    assert reading.only == journals
    assert now.total != seen.total
    assert changes(seen)[0].only == frozenset()


def test_a_group_has_a_teacher_and_no_class_and_nothing_tells_when_a_lesson_was_filled_in(url: str) -> None:
    with open_snapshot(SchoolSource(url), "0252") as snapshot:
        journals = snapshot.read(JOURNALS, PROFILE)
        lessons = snapshot.read(LESSONS, PROFILE, WINDOW)
    assert dict(zip(journals["id"], journals["teacher_id"], strict=True))[100] == 7
    assert set(journals["class_id"]) == set(journals["parallel"]) == {NOTHING}
    assert len(lessons) > 0
    assert lessons["filled_at"].isna().all()
    told = read_lessons(SchoolSource(url), PROFILE, code="0252", window=WINDOW)
    assert (told.known, len(told.rows)) == (False, len(lessons))
    assert measured(told, date(2026, 11, 25), Goal(), SchoolCalendar()).figure.share is None
    assert not PROFILE.keeps_filling_times
    assert load_profile("paragraf").keeps_filling_times
