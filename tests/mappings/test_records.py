"""Every line of the contract's table "How its rows become records", and every reason and warning."""

from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from fakes.raw_journal import BASE, raw_journal

from journal.frames import RECORDS, SET_ASIDE, WARNINGS
from journal.school import SchoolReading, Window
from mappings.profile import load_profile
from mappings.raw import SPOILT_TEXT
from mappings.records import to_reading

TODAY = date(2026, 11, 25)
AT = "2026-10-01 10:00:00.5"
PROFILE = load_profile("paragraf")


def reading(**tables: list[tuple[object, ...]]) -> SchoolReading:
    result = to_reading(
        raw_journal(**tables),
        PROFILE,
        school="0252",
        window=Window(date(2026, 9, 1), date(2027, 8, 31)),
        today=TODAY,
        timezone=ZoneInfo("Europe/Moscow"),
    )
    RECORDS.validate(result.records)
    SET_ASIDE.validate(result.set_aside)
    WARNINGS.validate(result.warnings)
    return result


def one(**tables: list[tuple[object, ...]]) -> dict[str, object]:
    """Return the one record, missing fields as None."""
    records = reading(**tables).records
    assert len(records) == 1
    return {name: None if pd.isna(value) else value for name, value in records.iloc[0].items()}


def reasons(**tables: list[tuple[object, ...]]) -> dict[str, str]:
    result = reading(**tables)
    assert not set(result.set_aside["source_key"]) & set(result.records["source_key"])
    return dict(zip(result.set_aside["source_key"], result.set_aside["reason"], strict=True))


def warnings(**tables: list[tuple[object, ...]]) -> set[tuple[str, str]]:
    frame = reading(**tables).warnings
    return set(zip(frame["source_key"], frame["warning"], strict=True))


def mark(row: int = 1, control: int = 1, student: int = 1, kind: int = 405, note: object = None) -> tuple[object, ...]:
    return (row, control, student, kind, note, AT)


def test_a_mark_becomes_a_current_record() -> None:
    assert one(marks=[mark(note="  Молодец \n ".encode("cp1251"))]) == {
        "source_key": "mark:1",
        "student_key": "1",
        "kind": "current",
        "subject": "Алгебра",
        "date": pd.Timestamp("2026-10-01"),
        "lesson_number": 2,
        "value": "5",
        "weight": "1.50",
        "work": "Работа на уроке",
        "comment": "Молодец",
        "entered_at": pd.Timestamp("2026-10-01T07:00:00Z"),
    }


def test_a_remark_among_marks_carries_its_note_but_neither_weight_nor_work() -> None:
    record = one(marks=[mark(kind=601, note="Опоздал")])
    assert (record["kind"], record["value"], record["comment"]) == ("remark", "зам", "Опоздал")
    assert record["weight"] is None
    assert record["work"] is None


@pytest.mark.parametrize(("code", "kind"), [(501, "absence"), (502, "absence"), (503, "late"), (601, "remark")])
def test_an_absence_becomes_what_its_code_means(code: int, kind: str) -> None:
    record = one(absences=[(3, 1, 1, code, AT)])
    assert (record["source_key"], record["kind"], record["lesson_number"]) == ("absence:3", kind, 2)
    assert record["entered_at"] == pd.Timestamp("2026-10-01T07:00:00Z")
    assert [record[name] for name in ("weight", "work", "comment")] == [None] * 3


@pytest.mark.parametrize(("period", "kind"), [(1, "period"), (2, "period"), (3, "annual"), (4, "exam"), (5, "final")])
def test_a_period_mark_becomes_what_its_period_is(period: int, kind: str) -> None:
    record = one(period_marks=[(9, 1, period, 1, 404, AT)])
    assert (record["source_key"], record["kind"], record["value"]) == ("period:9", kind, "4")
    assert record["date"] == pd.Timestamp("2026-10-31")
    assert record["work"] == f"Период {period}"
    assert record["lesson_number"] is None


def test_inner_blanks_are_collapsed_in_the_subject() -> None:
    assert one(marks=[mark(control=5)])["subject"] == "Русский язык"


@pytest.mark.parametrize("kind", [400, 423, 501, 503, 600, 602, 700])
def test_any_other_code_in_marks_is_unknown(kind: int) -> None:
    assert reasons(marks=[mark(kind=kind)]) == {"mark:1": "unknown-mark-type"}


@pytest.mark.parametrize("kind", [405, 500, 504, 600, 602])
def test_any_other_code_in_absences_is_unknown(kind: int) -> None:
    assert reasons(absences=[(1, 1, 1, kind, AT)]) == {"absence:1": "unknown-mark-type"}


@pytest.mark.parametrize("kind", [400, 423, 501, 601])
def test_any_other_code_in_period_marks_is_unknown(kind: int) -> None:
    assert reasons(period_marks=[(1, 1, 1, 1, kind, AT)]) == {"period:1": "unknown-mark-type"}


def test_a_code_in_range_that_the_school_does_not_list_is_unknown() -> None:
    assert reasons(marks=[mark(kind=410)]) == {"mark:1": "unknown-mark-type"}


def test_a_period_of_another_kind_is_unknown() -> None:
    assert reasons(period_marks=[(1, 1, 6, 1, 405, AT)]) == {"period:1": "unknown-period-kind"}


def test_a_cancelled_lesson_sets_its_rows_aside() -> None:
    assert reasons(marks=[mark(control=2)], absences=[(1, 2, 1, 501, AT)]) == {
        "mark:1": "lesson-cancelled",
        "absence:1": "lesson-cancelled",
    }


def test_a_lesson_that_does_not_say_whether_it_is_cancelled_counts_as_cancelled() -> None:
    lessons = [(1, 1, "2026-10-01", 2, None)]
    assert reasons(lessons=lessons, marks=[mark()]) == {"mark:1": "lesson-cancelled"}


def test_a_lesson_without_a_date_sets_its_rows_aside() -> None:
    assert reasons(marks=[mark(control=9)]) == {"mark:1": "date-missing"}


@pytest.mark.parametrize(
    ("stay", "sent"),
    [
        (("2026-10-01", "2026-10-01"), True),
        (("2026-10-02", None), False),
        (("2026-09-01", "2026-09-30"), False),
        (("2026-10-02", "2026-09-30"), False),
        ((None, None), False),
    ],
)
def test_a_mark_needs_an_enrolment_on_its_day(stay: tuple[str | None, str | None], sent: object) -> None:
    given = reasons(marks=[mark()], enrolments=[(1, *stay, 5, "А")])
    assert given == ({} if sent else {"mark:1": "not-enrolled"})


@pytest.mark.parametrize(
    ("stay", "sent"),
    [
        (("2026-10-31", None), True),
        (("2026-01-01", "2026-09-01"), True),
        (("2026-11-01", None), False),
        (("2026-01-01", "2026-08-31"), False),
    ],
)
def test_a_period_mark_needs_an_enrolment_on_any_day_of_the_period(stay: tuple[str, str | None], sent: object) -> None:
    given = reasons(period_marks=[(1, 1, 1, 1, 405, AT)], enrolments=[(1, *stay, 5, "А")])
    assert given == ({} if sent else {"period:1": "not-enrolled"})


def test_a_later_stay_counts_as_well_as_the_first() -> None:
    stays = [(1, "2025-09-01", "2026-05-31", 4, "А"), (1, "2026-09-20", None, 5, "А"), (2, "2026-01-01", None, 1, "")]
    assert reasons(marks=[mark()], enrolments=stays) == {}


@pytest.mark.parametrize("control", [3, 20])
def test_a_subject_or_work_that_cannot_be_read_sets_aside(control: int) -> None:
    assert reasons(marks=[mark(control=control)]) == {"mark:1": "undecodable-text"}


def test_a_value_that_cannot_be_read_sets_aside() -> None:
    assert reasons(marks=[mark(kind=421)]) == {"mark:1": "undecodable-text"}


def test_a_character_that_xml_cannot_carry_counts_as_unreadable() -> None:
    assert reasons(subjects=[(1, b"\x07")], marks=[mark()]) == {"mark:1": "undecodable-text"}


@pytest.mark.parametrize("control", [4, 10])
def test_a_subject_that_is_empty_or_too_long_is_not_sendable(control: int) -> None:
    assert reasons(marks=[mark(control=control)]) == {"mark:1": "text-not-sendable"}


def test_an_empty_value_is_not_sendable() -> None:
    assert reasons(marks=[mark(kind=422)]) == {"mark:1": "text-not-sendable"}


def test_a_journal_whose_subject_is_gone_is_not_sendable() -> None:
    assert reasons(journals=[(1, 99)], marks=[mark()]) == {"mark:1": "text-not-sendable"}


def test_both_marks_of_one_work_are_set_aside_whatever_their_type() -> None:
    rows = [mark(1), mark(2, kind=601), mark(3, student=2), mark(4, control=5)]
    assert reasons(marks=rows) == {"mark:1": "duplicate-mark", "mark:2": "duplicate-mark"}


def test_a_third_mark_of_one_work_is_set_aside_too() -> None:
    assert set(reasons(marks=[mark(1), mark(2), mark(3)])) == {"mark:1", "mark:2", "mark:3"}


def test_a_date_after_today_is_set_aside_and_today_is_not() -> None:
    rows = [mark(1, control=6), mark(2, control=11)]
    assert reasons(marks=rows, absences=[(1, 6, 1, 501, AT)]) == {"mark:1": "future-date", "absence:1": "future-date"}


def test_a_period_that_has_not_ended_is_set_aside() -> None:
    periods = [(1, 1, "1 четверть", "2026-09-01", "2026-12-27")]
    assert reasons(periods=periods, period_marks=[(1, 1, 1, 1, 405, AT)]) == {"period:1": "future-date"}


def test_a_row_that_no_longer_stands_says_so_whatever_else_is_wrong_with_it() -> None:
    rows = [mark(1, control=2, kind=700), mark(2, control=2, kind=700)]
    assert set(reasons(marks=rows).values()) == {"lesson-cancelled"}
    assert reasons(marks=[mark(control=12, kind=700)]) == {"mark:1": "not-enrolled"}


def test_a_note_that_cannot_be_read_costs_only_the_note() -> None:
    given = {"marks": [mark(note=b"ok \x98")]}
    assert one(**given)["comment"] is None
    assert warnings(**given) == {("mark:1", "comment-undecodable")}


def test_a_work_that_cannot_be_read_sets_its_records_aside() -> None:
    given = {"marks": [mark(control=20)], "period_marks": [(1, 1, 7, 1, 405, AT)]}
    aside = reading(**given).set_aside
    assert dict(zip(aside["source_key"], aside["reason"], strict=True)) == {
        "mark:1": "undecodable-text",
        "period:1": "undecodable-text",
    }


def test_what_is_too_long_or_no_number_is_left_out() -> None:
    given = {"marks": [mark(1, control=21), mark(2, control=22, note="з" * 4001)]}
    records = reading(**given).records
    assert records["work"].isna().all()  # too long, and empty
    assert records["comment"].isna().all()
    assert [None if pd.isna(weight) else weight for weight in records["weight"]] == [None, "2.00"]
    assert warnings(**given) == {("mark:1", "field-left-out"), ("mark:2", "field-left-out")}


def test_a_period_with_a_name_too_long_goes_without_it() -> None:
    given = {"periods": [(1, 1, "п" * 501, "2026-09-01", "2026-10-31")], "period_marks": [(1, 1, 1, 1, 405, AT)]}
    assert one(**given)["work"] is None
    assert warnings(**given) == {("period:1", "field-left-out")}


def test_a_remark_is_not_warned_of_its_works_faults() -> None:
    assert warnings(marks=[mark(1, control=20, kind=601), mark(2, control=21, kind=601)]) == set()


@pytest.mark.parametrize("control", [7, 8])
def test_a_lesson_number_out_of_range_is_left_out(control: int) -> None:
    given = {"marks": [mark(control=control)]}
    assert one(**given)["lesson_number"] is None
    assert warnings(**given) == {("mark:1", "lesson-number-out-of-range")}


@pytest.mark.parametrize(("control", "number"), [(13, 0), (14, 255)])
def test_the_least_and_the_greatest_lesson_number_are_sent(control: int, number: int) -> None:
    given = {"marks": [mark(control=control)]}
    assert one(**given)["lesson_number"] == number
    assert warnings(**given) == set()


def test_a_lesson_without_a_number_is_no_fault() -> None:
    given = {"marks": [mark(control=5)]}
    assert one(**given)["lesson_number"] is None
    assert warnings(**given) == set()


def test_a_negative_weight_is_still_a_weight() -> None:
    assert one(marks=[mark(control=23)])["weight"] == "-0.25"


def test_a_student_who_is_not_on_the_journals_list_is_sent_with_a_warning() -> None:
    members = [(1, 1, "2026-09-01", "2026-09-30"), (2, 1, "2026-09-01", None), (1, 2, "2026-09-01", None)]
    given = {"marks": [mark()], "members": members}
    assert len(reading(**given).records) == 1
    assert warnings(**given) == {("mark:1", "not-journal-member")}


def test_a_row_that_is_set_aside_is_not_warned_of() -> None:
    assert warnings(marks=[mark(control=2, note=b"\x98")], members=[]) == set()


@pytest.mark.parametrize("moment", ["1969-12-31 10:00:00", "2100-06-01 00:00:00"])
def test_a_time_of_entry_from_a_broken_clock_is_left_out(moment: str) -> None:
    given = {"absences": [(1, 1, 1, 501, moment)]}
    assert one(**given)["entered_at"] is None
    assert warnings(**given) == {("absence:1", "field-left-out")}


def test_a_missing_time_of_entry_is_no_fault() -> None:
    given = {"absences": [(1, 1, 1, 501, None)]}
    assert one(**given)["entered_at"] is None
    assert warnings(**given) == set()


def test_every_row_is_counted_once() -> None:
    rows = [mark(row, control=row) for row in range(1, 13)]
    result = reading(marks=rows, absences=[(1, 1, 1, 501, AT)], period_marks=[(1, 1, 1, 1, 405, AT)])
    assert result.rows_read == 14
    keys = [*result.records["source_key"], *result.set_aside["source_key"]]
    assert len(set(keys)) == 14


def test_an_empty_journal_is_an_empty_reading() -> None:
    result = reading(**{name: [] for name in BASE})
    assert result.rows_read == 0
    assert result.roster == {}


def test_a_reading_shows_no_personal_data() -> None:
    shown = repr(reading(marks=[mark(note="Секрет")]))
    assert "Секрет" not in shown
    assert "2014" not in shown


def test_a_list_that_names_nobody_is_no_list_of_a_student_who_is_on_none() -> None:
    for nobody in (None, SPOILT_TEXT):
        given = {"marks": [mark()], "members": [(1, nobody, "2026-09-01", None)]}
        assert warnings(**given) == {("mark:1", "not-journal-member")}


def test_a_row_that_names_nobody_is_no_row_of_an_enrolment_that_names_nobody() -> None:
    for nobody in (None, SPOILT_TEXT):
        stays = [(1, "2026-09-01", None, 5, "А"), (nobody, "2026-09-01", None, 5, "А")]
        given = {"marks": [mark(student=nobody)], "enrolments": stays}
        assert len(reading(**given).records) == 0
