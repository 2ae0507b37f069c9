"""What an operator is shown of a school's rows names nobody."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.pseudonyms import masked, pseudonym, shown
from mappings.raw import ALL_TABLES, SPOILT_TEXT, ColumnType, RawTable
from mappings.texts import Encoding

TABLES = {table.name: table for table in ALL_TABLES}
CP1251 = Encoding("cp1251")


@pytest.mark.parametrize(
    ("table", "column", "value", "text"),
    [
        ("identities", "last_name", "Ёлкина-Smith 2", "Аааааа-Aaaaa 0"),
        ("identities", "birth_date", datetime(2014, 3, 9), "2014-××-××"),  # noqa: DTZ001  a local day
        ("students", "birth_date", None, "—"),
        ("marks", "note", "Молодец!".encode("cp1251"), "Ааааааа!"),
        ("marks", "note", SPOILT_TEXT, "⁇"),
        ("marks", "type_id", 405, "405"),
        ("marks", "points", Decimal("8.5"), "8.5"),
        ("marks", "points", Decimal("NaN"), "—"),
        ("mark_types", "id", "A/E", "A/E"),
        ("subjects", "name", "  Русский   язык ", "Русский язык"),
        ("subjects", "name", " ", "''"),
        ("subjects", "name", "П" * 40, "П" * 23 + "…"),
        ("lessons", "lesson_date", datetime(2026, 10, 1), "2026-10-01"),  # noqa: DTZ001  likewise
        ("lessons", "lesson_no", 2, "2"),
    ],
)
def test_a_field_is_shown_by_its_form(table: str, column: str, value: object, text: str) -> None:
    assert shown(TABLES[table], column, value, CP1251, b"s") == text


@given(st.text())
def test_a_masked_text_has_no_letter_or_digit_of_its_own(text: str) -> None:
    assert set(masked(text)) & set(text) <= {sign for sign in text if not sign.isalnum()} | set("АаAa0")
    assert len(masked(text)) == len(text)


@given(st.integers(), st.integers())
def test_pseudonyms_are_of_one_salt(one: int, other: int) -> None:
    assert pseudonym(one, b"a") == pseudonym(one, b"a")
    assert str(one) not in pseudonym(one, b"a") or abs(one) < 10**6
    assert (pseudonym(one, b"a") == pseudonym(other, b"a")) is (one == other) or abs(one - other) > 10**3


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_no_key_of_a_person_is_shown(table: RawTable) -> None:
    for column, kind in table.columns.items():
        if kind is ColumnType.KEY and (
            "student" in column or column == "teacher_id" or (column == "id" and table.name in {"students", "marks"})
        ):
            assert "1017" not in shown(table, column, 1017, CP1251, b"s")
