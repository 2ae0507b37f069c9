"""Keys of any kind join as whole numbers do, and name their rows."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from fakes.raw_journal import BASE, raw_journal
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.school import SchoolReading, Window
from mappings.keys import MISSING, SPOILT_KEY, as_integers, key_texts
from mappings.raw import NOTHING, SPOILT, SPOILT_TEXT
from mappings.records import to_reading
from mappings.selection import of_journals

from .test_records import AT, PROFILE, TODAY, mark, reading


def column(*values: object) -> np.ndarray:
    result = np.empty(len(values), object)
    result[:] = values
    return result


def test_whole_numbers_stay_as_they_are_at_no_cost() -> None:
    raw = raw_journal(marks=[mark()])
    keys = as_integers(raw, "cp1251")
    assert keys.texts == {}
    assert keys.raw["marks"]["control_id"].to_numpy() is not None
    assert keys.text_of("student", np.array([7, NOTHING, SPOILT])).tolist() == ["7", MISSING, SPOILT_KEY]


def test_a_key_is_its_text_without_blanks_at_the_end() -> None:
    given = column(7, 7.0, Decimal(7), "7  ", 1.5, "a-1", "A-1", b"a-1", b"\x98")
    assert key_texts(given, "cp1251").tolist() == ["7", "7", "7", "7", "1.5", "a-1", "A-1", "a-1", "\\x98"]


def test_what_is_no_key_is_null_or_spoilt() -> None:
    assert key_texts(column(None, NOTHING), "cp1251").tolist() == [MISSING] * 2
    given = column(SPOILT_TEXT, SPOILT, float("nan"), Decimal("Infinity"))
    assert key_texts(given, "cp1251").tolist() == [SPOILT_KEY] * 4


def text_keys(rows: list[tuple], *places: int) -> list[tuple]:
    """Return rows with the keys at these places as texts of several columns."""
    return [
        tuple(f"{value}-x " if place in places and value is not None else value for place, value in enumerate(row))
        for row in rows
    ]


def test_keys_that_are_texts_join_as_numbers_do() -> None:
    rows = [mark(1, 1), mark(2, 2), mark(3, 3, note="a"), mark(4, 1, student=2), mark(5, 99)]
    plain = reading(marks=rows, absences=[(1, 1, 1, 501, AT)], period_marks=[(1, 1, 1, 1, 405, AT)])
    told = reading(
        students=text_keys(BASE["students"], 0),
        enrolments=text_keys(BASE["enrolments"], 0),
        subjects=text_keys(BASE["subjects"], 0),
        journals=text_keys(BASE["journals"], 0, 1),
        control_types=text_keys(BASE["control_types"], 0),
        periods=text_keys(BASE["periods"], 0),
        members=text_keys(BASE["members"], 0, 1),
        lessons=text_keys(BASE["lessons"], 0, 1),
        controls=text_keys(BASE["controls"], 0, 1, 2),
        marks=text_keys(rows, 1, 2),
        absences=text_keys([(1, 1, 1, 501, AT)], 1, 2),
        period_marks=text_keys([(1, 1, 1, 1, 405, AT)], 1, 2, 3),
    )
    for one, other in ((plain.records, told.records), (plain.set_aside, told.set_aside)):
        other["student_key"] = other["student_key"].str.removesuffix("-x")
        assert one.equals(other)
    assert {key.removesuffix("-x") for key in told.roster} == set(plain.roster)


def test_codes_may_be_texts_and_numbers_at_once() -> None:
    result = reading(marks=[mark(1, 1, kind="405"), mark(2, 13, kind="601"), mark(3, 14, kind="x")])
    assert result.records["kind"].tolist() == ["current", "remark"]
    assert result.set_aside["reason"].tolist() == ["unknown-mark-type"]


@pytest.mark.parametrize("key", [None, "(null)"])
def test_a_row_without_a_key_is_set_aside(key: object) -> None:
    rows = [(key, 1, 1, 405, None, AT), (None, 13, 1, 405, None, AT)]
    result = reading(marks=rows)
    assert set(result.set_aside["reason"]) == {"duplicate-key"}
    assert result.set_aside["source_key"].tolist() == ["mark:(null)", "mark:(null)#2"]


def test_rows_that_bear_one_key_are_set_aside_and_counted() -> None:
    result = reading(marks=[mark(1, 1), mark(1, 13), mark(2, 14), mark(1, 2)])
    assert result.set_aside["source_key"].tolist() == ["mark:1", "mark:1#2", "mark:1#3"]
    assert set(result.set_aside["reason"]) == {"duplicate-key"}
    assert result.records["source_key"].tolist() == ["mark:2"]


def test_null_keys_do_not_meet_each_other() -> None:
    """A lesson without an id is not the lesson of a work that names none."""
    result = reading(lessons=[(None, 1, "2026-10-01", 1, 0)], controls=[(1, None, 1, None)], marks=[mark(1, 1)])
    assert result.set_aside["reason"].tolist() == ["lesson-missing"]


def of(wanted: set[str], **tables: list[tuple]) -> SchoolReading:
    raw = of_journals(raw_journal(**tables), frozenset(wanted), PROFILE)
    window = Window(date(2026, 9, 1), date(2027, 8, 31))
    return to_reading(raw, PROFILE, school="0252", window=window, today=TODAY, timezone=ZoneInfo("Europe/Moscow"))


@settings(deadline=None)
@given(st.sets(st.sampled_from(["1", "2", "3", "4", "5"])))
def test_the_readings_of_some_journals_and_of_the_others_make_up_the_whole(wanted: set[str]) -> None:
    rows = [mark(number, number) for number in range(1, 15)]
    tables = {"marks": rows, "absences": [(1, 4, 1, 501, AT)], "period_marks": [(1, 2, 1, 1, 405, AT)]}
    whole = reading(**tables)
    parts = [of(wanted, **tables), of({"1", "2", "3", "4", "5"} - wanted, **tables)]
    for frame in ("records", "set_aside"):
        keys = [key for part in parts for key in getattr(part, frame)["source_key"]]
        assert sorted(keys) == sorted(getattr(whole, frame)["source_key"])
    assert parts[0].roster == whole.roster


def test_facts_of_no_journal_are_in_every_selection() -> None:
    assert of(set(), marks=[mark(1, 99)]).set_aside["source_key"].tolist() == ["mark:1"]
    assert of(set(), period_marks=[(1, 99, 1, 1, 405, AT)]).rows_read == 1


def test_a_text_that_names_its_row_is_the_records_key() -> None:
    assert reading(marks=[("1-7 ", *mark()[1:]), ("1-8", *mark(control=13)[1:])]).records["source_key"].tolist() == [
        "mark:1-7",
        "mark:1-8",
    ]
