"""Lessons as rows, on journals typed by hand: whatever is wrong with one, it is a row, and says what can be told."""

from datetime import datetime

import pandas as pd
import pytest
from fakes.raw_journal import raw_journal

from connectors.school.columns import to_columns
from journal.school import SchoolLessons
from mappings.keys import as_integers
from mappings.lessons import counted_lessons, same_times, school_lessons
from mappings.profile import load_profile
from mappings.raw import LESSON_COUNTS, NOTHING, SPOILT_TEXT

PARAGRAF, ROSARIO = load_profile("paragraf"), load_profile("rosariosis")
SUBJECTS = [(1, "Алгебра  и\tначала"), (2, b"\x98"), (3, " ")]
JOURNALS = [
    (1, 1, 1, 5, "А".encode("cp1251"), 7),
    (2, 2, 1, 5, b"\x98", None),
    (3, 3, None, None, None, 8),
    (4, 9, None, None, "1Б", 7),
]
LESSONS = [
    (1, 1, "2026-10-01", 2, 0, "2026-10-01 23:59:59"),
    (2, 2, "2026-10-01", None, 1, None),
    (3, 3, None, 1, None, "2026-10-02"),
    (4, 4, "вчера", 1, 0, None),
    (5, 9, "2026-10-01", "x", "x", None),
    (6, None, "2026-10-01", 1, 0, "2026-10-02T10:00:00+03:00"),
]


def rows(lessons: list, journals: list = JOURNALS, profile=PARAGRAF):
    raw = raw_journal(subjects=SUBJECTS, journals=journals, lessons=lessons)
    return school_lessons(as_integers(raw, profile.encoding), profile)


def test_each_lesson_says_what_can_be_told() -> None:
    told = rows(LESSONS).rows
    day = datetime(2026, 10, 1)  # noqa: DTZ001  a local day
    found = {row.lesson: row for row in told.astype(object).where(told.notna(), None).itertuples()}
    whose = {key: (row.class_name, row.subject, row.teacher, row.journal) for key, row in found.items()}
    assert whose == {
        "1": ("5А", "Алгебра и начала", "7", "1"), "2": ("5\ufffd", None, None, "2"), "3": (None, None, "8", "3"),
        "4": ("1Б", None, "7", "4"), "5": (None, None, None, "9"), "6": (None, None, None, None),
    }  # fmt: skip
    assert [found[key].date for key in "123456"] == [day, day, None, None, day, day]
    assert [found[key].number for key in "123456"] == [2, None, 1, 1, None, 1]
    assert [found[key].cancelled for key in "123456"] == [False, True, True, False, False, False]
    assert [found[key].unclear for key in "123456"] == [False, False, True, True, True, True]
    assert found["1"].filled_at == datetime(2026, 10, 1, 23, 59, 59)  # noqa: DTZ001  likewise
    assert [found[key].filled_on for key in "1236"] == [day, None, datetime(2026, 10, 2), None]  # noqa: DTZ001


def test_keys_of_any_kind_lead_to_the_journal() -> None:
    journals = [("j-1 ", 1, "c", 5, "А", "t-1"), ("J-1", 1, "c", 6, "А", SPOILT_TEXT)]
    told = rows([("x", "j-1", "2026-10-01", 1, 0), ("y", "J-1", "2026-10-01", 1, 0)], journals).rows
    assert told["class_name"].tolist() == ["5А", "6А"]
    assert [None if pd.isna(key) else key for key in told["teacher"]] == ["t-1", None]
    assert told["lesson"].tolist() == ["x", "y"]


def test_without_lessons_or_journals_there_are_no_rows() -> None:
    assert rows([]).rows.empty
    (row,) = rows([(1, 1, "2026-10-01", 1, 0)], []).rows.itertuples()
    assert all(map(pd.isna, (row.class_name, row.subject, row.teacher)))


@pytest.mark.parametrize(
    ("profile", "filled", "known"),
    [(PARAGRAF, None, True), (ROSARIO, None, False), (ROSARIO, "2026-10-01 10:00:00", True)],
    ids=["kept, nothing filled", "not kept", "there all the same"],
)
def test_a_system_without_filling_times_is_told_from_teachers_who_filled_nothing(profile, filled, *, known) -> None:
    assert rows([(1, 1, "2026-10-01", 1, 0, filled)], profile=profile).known is known


def test_null_is_no_number() -> None:
    assert rows([(1, 1, "2026-10-01", NOTHING, 0)]).rows["number"].isna().all()


def test_counts_are_as_many_lessons() -> None:
    rows = [("2026-10-01", 0, "2026-10-02 10:00:00", 2), ("2026-10-02", 1, None, 1), ("2026-10-03", "x", "вчера", 1)]
    rows += [("2026-10-04", 0, None, 0), ("2026-10-05", 0, None, None)]
    told = counted_lessons(LESSON_COUNTS.frame(to_columns(rows, LESSON_COUNTS.columns)), PARAGRAF)
    assert told.known
    assert [day.day for day in told.rows["date"]] == [1, 1, 2, 3]
    assert told.rows["cancelled"].tolist() == [False, False, True, False]
    assert told.rows["unclear"].tolist() == [False, False, False, True]
    assert [None if pd.isna(day) else day.day for day in told.rows["filled_on"]] == [2, 2, None, None]


def test_counts_of_the_same_lessons_are_told_from_others() -> None:
    def counted(*rows: tuple) -> SchoolLessons:
        return counted_lessons(LESSON_COUNTS.frame(to_columns(rows, LESSON_COUNTS.columns)), PARAGRAF)

    one, late, none = ("2026-10-01", 0, "2026-10-02", 1), ("2026-10-01", 0, "2026-10-05", 1), ("2026-10-01", 0, None, 1)
    assert same_times(counted(one, none, one), counted(none, (*one[:3], 2)))
    assert not same_times(counted(one, none), counted(one, none, none))
    assert not same_times(counted(one), counted(late))
    assert not same_times(counted(one), counted(none))
