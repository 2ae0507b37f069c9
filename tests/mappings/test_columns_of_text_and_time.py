"""Texts, moments, decimals and joins, column by column."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.dimensions import decimal_texts
from mappings.lookup import Lookup, Stays
from mappings.moments import to_instants
from mappings.raw import NOTHING, SPOILT, SPOILT_TEXT
from mappings.texts import Encoding, lines, prose

CP1251 = Encoding("cp1251")


def column(*values: object) -> np.ndarray:
    result = np.empty(len(values), object)
    result[:] = values
    return result


def days(*values: str | None) -> np.ndarray:
    return np.array(values, "datetime64[s]")


@pytest.mark.parametrize(
    ("raw", "line", "text"),
    [
        ("  Русский \t\r\n язык ".encode("cp1251"), "Русский язык", "Русский \t\r\n язык"),
        (b"a\xa0b", "a b", "a\xa0b"),
        (bytearray(b"5"), "5", "5"),
        (memoryview(b"5"), "5", "5"),
        (" уже текст ", "уже текст", "уже текст"),
        (12, "12", "12"),
        (b" \n ", None, None),
        (b"", None, None),
        (None, None, None),
    ],
)
def test_a_text_is_trimmed_and_a_line_collapsed(raw: object, line: str | None, text: str | None) -> None:
    read = lines(column(raw), CP1251), prose(column(raw), CP1251)
    assert [one.values[0] for one in read] == [line, text]
    assert not any(one.spoilt[0] for one in read)


@pytest.mark.parametrize("raw", [b"\x98", b"a\x00b", "\x1f", "\ud800", "\uffff", b"\x0b"])
def test_what_xml_cannot_carry_spoils_its_field_only(raw: object) -> None:
    read = lines(column(b"a", raw, b"b"), CP1251)
    assert list(read.values) == ["a", None, "b"]
    assert list(read.spoilt) == [False, True, False]


@given(st.text(st.characters(codec="cp1251", exclude_categories=["Cc"])))
def test_any_printable_text_of_the_encoding_is_read(text: str) -> None:
    assert prose(column(text.encode("cp1251")), CP1251).values[0] == (text.strip() or None)


def test_lengths_are_counted_in_characters() -> None:
    read = lines(column("я" * 3, None, "я" * 4), CP1251)
    assert list(read.longer_than(3)) == [False, False, True]
    assert list(read.missing()) == [False, True, False]


@given(st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001  local times
def test_a_local_time_is_the_instant_that_the_zone_says(local: datetime) -> None:
    zone = ZoneInfo("Europe/Moscow")
    instants, outside = to_instants(np.array([local], "datetime64[s]"), zone)
    expected = local.replace(microsecond=0, tzinfo=zone).astimezone(UTC)
    assert instants[0].item().replace(tzinfo=UTC) == expected
    assert not outside[0]


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00"),  # shown twice: the first
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00"),  # skipped: moved forward
    ],
)
def test_doubled_and_skipped_times(local: str, instant: str) -> None:
    instants, _ = to_instants(days(local), ZoneInfo("Europe/Berlin"))
    assert instants[0] == np.datetime64(instant)


def test_times_out_of_range_are_told_from_missing_ones() -> None:
    instants, outside = to_instants(
        days(None, "1969-12-31T23:59:59", "2100-01-01", "1970-01-01"), ZoneInfo("Europe/Moscow")
    )
    assert list(np.isnat(instants)) == [True, True, True, False]
    assert list(outside) == [False, True, True, False]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1", "1.00"), ("1.5", "1.50"), ("1.50", "1.50"), ("0.125", "0.125"), ("0.1250", "0.125"), ("1E+1", "10.00"),
        ("-0", "0.00"), ("-0.25", "-0.25"), ("NaN", None), ("sNaN", None), ("Infinity", None),
    ],
)  # fmt: skip
def test_one_number_has_one_text(number: str, text: str | None) -> None:
    assert decimal_texts([None, Decimal(number)]) == [None, text]


def test_a_key_that_is_not_there_is_at_the_end() -> None:
    lookup = Lookup(np.array([30, 10, 20, 10]))
    assert list(lookup.positions(np.array([10, 20, 30, 5, 40]))) == [1, 2, 0, 4, 4]
    assert list(Lookup(np.array([], np.int64)).positions(np.array([1]))) == [0]


dates = st.integers(0, 6).map(lambda day: np.datetime64("2026-09-01", "s") + np.timedelta64(day, "D"))
spans = st.tuples(st.integers(1, 3) | st.sampled_from([NOTHING, SPOILT]), st.none() | dates, st.none() | dates)


@given(st.lists(spans, max_size=8), st.lists(spans, max_size=8))
def test_stays_overlap_as_sets_of_days_do(stays: list[tuple], asked: list[tuple]) -> None:
    def columns(rows: list[tuple]) -> tuple[np.ndarray, ...]:
        return (
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], "datetime64[s]"),
            np.array([row[2] for row in rows], "datetime64[s]"),
        )

    def covered(first: np.datetime64 | None, last: np.datetime64 | None) -> set[int]:
        return set() if first is None or last is None else set(range(first.astype(int), last.astype(int) + 1, 86400))

    found = Stays(*columns(stays)).overlap(*columns(asked))
    far = np.datetime64("2026-09-30", "s")
    assert list(found) == [
        key > SPOILT
        and any(
            key == stay[0] and covered(stay[1], far if stay[2] is None else stay[2]) & covered(*span) for stay in stays
        )
        for key, *span in asked
    ]


MISREAD = Encoding("cp1251", "cp1252")


@pytest.mark.parametrize("text", ["Алгебра", "Ёлкина ё е", "№ 5 — «да»", "\u0402\u0403", "\u045f\u0459"])
def test_cp1251_that_was_taken_for_latin_1_is_read_as_it_was_written(text: str) -> None:
    stored = text.encode("cp1251")
    told = "".join(
        chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode("cp1252") for byte in stored
    )
    assert told != text
    assert MISREAD.decoded(told) == text
    assert Encoding("cp1251", "latin-1").decoded(stored.decode("latin-1")) == text
    assert CP1251.decoded(stored) == text


def test_what_no_byte_can_be_is_spoilt() -> None:
    assert MISREAD.decoded("Алгебра") is None  # letters that latin-1 has not
    assert MISREAD.decoded("\u0098") is None  # cp1251 leaves this place empty
    assert MISREAD.decoded(b"\xc0") == "А"


def test_what_a_driver_could_not_decode_is_spoilt() -> None:
    assert CP1251.decoded(SPOILT_TEXT) is None


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("и\u0306", "й"), ("Е\u0308лка", "Ёлка"), ("ё", "ё"), ("е", "е"), ("a\u0301", "á"), ("щ\u0301", "щ\u0301"),
        ("5\x00", None), ("\x00", None), ("5   ", "5"),
    ],
)  # fmt: skip
def test_letters_are_one_character_each_and_stay_what_they_are(given: str, read: str | None) -> None:
    (found,) = lines(column(given), CP1251).values
    assert found == read
