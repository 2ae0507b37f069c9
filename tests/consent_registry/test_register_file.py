from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest

from consent_registry.register.file import COLUMNS, RegisterProblemsError, RegisterRow, read_register, row_warnings
from journal.wording import Language

if TYPE_CHECKING:
    from conftest import Files

Cells = dict[str, object]

EXAMPLE = """\
school;student_id;student_last_name;student_first_name;student_middle_name;student_birth_date;account_id;\
parent_last_name;parent_first_name;parent_middle_name;email;relation;submitted_at;identified_at;identified_by;\
document_kind;authority_document;consent_text_version;consent_signed_on;registered_at;registered_by;in_force_from;\
in_force_to;records_from;records_to;kinds;withdrawn_at;restricted_from;restricted_to
0252;1017;Ёлкина;Мария;Петровна;2014-03-09;pa-55810;Ёлкин;Пётр;Андреевич;elkin@example.org;parent;\
2026-09-02T10:15:00+03:00;2026-09-03T15:40:00+03:00;Секретарь 1;паспорт;;2025-09;2026-09-03;\
2026-09-04T09:00:00+03:00;Завуч 2;2026-09-04;;2026-09-01;;;;;
"""


def read(files: "Files", *rows: Cells, two_persons: bool = True) -> list[RegisterRow]:
    return read_register(files.csv(rows), two_persons=two_persons)


def problems(files: "Files", *rows: Cells, two_persons: bool = True) -> list[tuple[int, str]]:
    with pytest.raises(RegisterProblemsError) as caught:
        read(files, *rows, two_persons=two_persons)
    return [(problem.row, problem.column) for problem in caught.value.problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_contracts_example_is_read(files: "Files", encoding: str, newline: str) -> None:
    (row,) = read_register(files.raw(EXAMPLE.replace("\n", newline).encode(encoding)), two_persons=True)
    assert row.number == 2
    assert row.text("school") == "0252"
    assert row.text("student_last_name") == "Ёлкина"
    assert row.day("student_birth_date") == date(2014, 3, 9)
    assert row.moment("identified_at") == datetime(2026, 9, 3, 12, 40, tzinfo=UTC)
    assert row.day("in_force_to") is None
    assert row.text("kinds") == ""


def test_an_xlsx_has_the_same_columns_and_may_hold_real_dates_and_numbers(files: "Files", row: Cells) -> None:
    cells = {
        **row,
        "student_id": 1017,
        "account_id": "  pa-55810 ",
        "student_birth_date": date(2014, 3, 9),
        "in_force_from": datetime.combine(date(2026, 9, 4), time.min),
    }
    blank = [None] * len(COLUMNS)
    table = [list(COLUMNS), blank, [cells.get(column) for column in COLUMNS], blank]
    (got,) = read_register(files.xlsx(table), two_persons=True)
    assert got.number == 3
    assert got.text("student_id") == "1017"
    assert got.text("account_id") == "pa-55810"
    assert got.day("student_birth_date") == date(2014, 3, 9)
    assert got.day("in_force_from") == date(2026, 9, 4)
    (plain,) = read(files, row)
    assert dict(got.fields) == {**plain.fields, "account_id": "pa-55810"}


def test_a_number_that_a_spreadsheet_writes_with_a_point_is_that_number(files: "Files", row: Cells) -> None:
    cells = row | {"student_id": 7654321}
    path = files.xlsx([list(COLUMNS), [cells.get(column) for column in COLUMNS]])
    with ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content.replace(b"<v>7654321</v>", b"<v>7654321.0</v>"))
    (got,) = read_register(path, two_persons=True)
    assert got.text("student_id") == "7654321"


def test_an_xlsx_moment_without_zone_is_refused_and_so_is_a_date_with_a_time(files: "Files", row: Cells) -> None:
    cells = row | {"identified_at": datetime(2026, 9, 3, 15, 40), "in_force_from": datetime(2026, 9, 4, 10, 0)}  # noqa: DTZ001  what a spreadsheet holds
    table = [list(COLUMNS), [cells.get(column) for column in COLUMNS]]
    with pytest.raises(RegisterProblemsError) as caught:
        read_register(files.xlsx(table), two_persons=True)
    assert {problem.column for problem in caught.value.problems} == {"identified_at", "in_force_from"}


def test_columns_may_stand_in_any_order_and_empty_ones_at_the_end_do_not_count(files: "Files", row: Cells) -> None:
    columns = [*reversed(COLUMNS), "", ""]
    table = [columns, [row.get(column) for column in columns]]
    (got,) = read_register(files.xlsx(table), two_persons=True)
    text = "\n".join(";".join(str(cell or "") for cell in line) for line in table)
    (same,) = read_register(files.raw(text.encode()), two_persons=True)
    assert got.text("kinds") == same.text("kinds") == ""
    assert got.text("account_id") == same.text("account_id") == "pa-55810"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("school", ""),
        ("school", "0252/1"),
        ("school", "02520252025202520"),
        ("account_id", ""),
        ("account_id", "счёт 1"),
        ("account_id", "a" * 65),
        ("relation", ""),
        ("relation", "мать"),
        ("submitted_at", ""),
        ("submitted_at", "2026-09-02"),
        ("identified_at", "2026-09-03T15:40:00"),
        ("registered_at", "yesterday"),
        ("withdrawn_at", "0001-01-01T00:00:00+03:00"),
        ("student_birth_date", "09.03.2014"),
        ("student_birth_date", "20140309"),
        ("in_force_from", "2026-02-30"),
        ("in_force_to", "20226-01-01"),
        ("in_force_to", "2026-09-03"),
        ("records_to", "2026-08-31"),
        ("records_from", "0226-09-01"),
        ("kinds", "current,period"),
        ("kinds", "Current"),
        ("identified_by", ""),
        ("registered_by", ""),
        ("registered_by", "секретарь 1"),
        ("parent_last_name", "Ёл\x00кин"),
        ("parent_last_name", "Ёл\u202eкин"),
        ("parent_last_name", "Ё" * 501),
        ("document_kind", "паспорт 4012 345678"),
    ],
)
def test_a_wrong_field_is_named_by_row_and_column(files: "Files", row: Cells, column: str, value: str) -> None:
    assert problems(files, row | {"account_id": "pa-1"}, row | {column: value}) == [(3, column)]


def test_all_problems_are_told_at_once_in_both_languages_without_values(files: "Files", row: Cells) -> None:
    secret = "Непечатаев"
    rows = [row | {"student_birth_date": secret, "kinds": secret}, row | {"relation": secret, "in_force_from": secret}]
    with pytest.raises(RegisterProblemsError) as caught:
        read(files, *rows)
    error = caught.value
    assert [(problem.row, problem.column) for problem in error.problems] == [
        (2, "student_birth_date"),
        (2, "kinds"),
        (3, "in_force_from"),
        (3, "relation"),
    ]
    russian, english = error.say(Language.RU), error.say(Language.EN)
    assert "строка 3, relation" in russian
    assert "row 3, relation" in english
    assert secret not in russian + english + str(error) + repr(error) + repr(error.problems)


def test_who_identifies_may_register_where_the_installation_says_so(files: "Files", row: Cells) -> None:
    alone = row | {"registered_by": "Секретарь 1"}
    nobody = row | {"identified_by": "", "registered_by": ""}
    assert len(read(files, alone, nobody | {"account_id": "pa-2"}, two_persons=False)) == 2
    assert problems(files, alone) == [(2, "registered_by")]


def test_an_application_at_its_stage_is_no_problem(files: "Files", row: Cells) -> None:
    stages = ["identified_at", "identified_by", "registered_at", "registered_by"]
    applied = row | dict.fromkeys([*stages, "consent_signed_on", "in_force_from", "records_from"], "")
    (got,) = read(files, applied)
    assert got.moment("identified_at") is None
    assert list(row_warnings(got)) == []


@pytest.mark.parametrize("missing", ["student_last_name", "student_first_name", "student_birth_date"])
def test_without_an_id_a_student_needs_names_and_birth_date(files: "Files", row: Cells, missing: str) -> None:
    assert len(read(files, row | {"student_id": ""})) == 1
    assert problems(files, row | {"student_id": "", missing: ""}) == [(2, "student_id")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (EXAMPLE.encode("cp1251"), "can't be read"),
        (EXAMPLE.replace(";", ",").encode(), "no column school"),
        (EXAMPLE.replace("email;", "e-mail;", 1).encode(), "unknown column e-mail"),
        (EXAMPLE.replace("email;", "kinds;", 1).encode(), "the column kinds stands twice"),
        (EXAMPLE.encode() + b"0252;1018\n", "row 3: the number of fields"),
        (EXAMPLE.encode() + EXAMPLE.encode().splitlines()[1] + b";;;more\n", "row 3: the number of fields"),
        (EXAMPLE.encode() + b'0252;"1018', "can't be read"),
    ],
)
def test_a_file_of_another_form_is_refused_with_what_is_wrong(files: "Files", content: bytes, said: str) -> None:
    with pytest.raises(RegisterProblemsError) as caught:
        read_register(files.raw(content), two_persons=True)
    assert said in caught.value.say(Language.EN)


@pytest.mark.parametrize("content", [b"", b"no zip", EXAMPLE.encode()])
def test_a_file_that_is_no_xlsx_is_refused(files: "Files", content: bytes) -> None:
    with pytest.raises(RegisterProblemsError) as caught:
        read_register(files.raw(content, ".xlsx"), two_persons=True)
    assert "can't be read" in str(caught.value)


@pytest.mark.parametrize(("column", "cell"), [("withdrawn_at", "=TODAY()"), ("student_last_name", "=B3")])
def test_a_formula_of_a_spreadsheet_is_a_problem_and_no_empty_cell(
    files: "Files", row: Cells, column: str, cell: str
) -> None:
    path = files.xlsx([list(COLUMNS), [(row | {column: cell}).get(name) for name in COLUMNS]])
    assert (2, column, "the cell holds a formula or an error") in sheet_problems(path)


def test_an_error_value_and_merged_cells_of_a_spreadsheet_are_problems(files: "Files", row: Cells) -> None:
    wrong = row | {"student_last_name": "#REF!"}
    path = files.xlsx([list(COLUMNS), *([line.get(name) for name in COLUMNS] for line in (row, wrong))])
    assert (3, "student_last_name", "the cell holds a formula or an error") in sheet_problems(path)
    book = openpyxl.load_workbook(path)
    book.worksheets[0].merge_cells("C2:D2")
    book.save(path)
    assert (2, "", "the cells C2:D2 are merged") in sheet_problems(path)


def test_a_file_that_unpacks_to_more_than_a_register_is_not_opened(files: "Files") -> None:
    path = files.folder / "large.xlsx"
    with ZipFile(path, "w", ZIP_DEFLATED) as packed, packed.open("xl/worksheets/sheet1.xml", "w") as sheet:
        for _ in range(101):
            sheet.write(bytes(2**20))
    assert [said for _, _, said in sheet_problems(path)] == ["the file can't be read"]


def sheet_problems(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(RegisterProblemsError) as caught:
        read_register(path, two_persons=True)
    said = [(problem.row, problem.column, problem.expected.say(Language.EN)) for problem in caught.value.problems]
    return [(row, column, text.split(": ")[0]) for row, column, text in said]


def test_a_row_shows_no_personal_data_in_its_repr(files: "Files", row: Cells) -> None:
    (got,) = read(files, row)
    assert repr(got) == "RegisterRow(2)"


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ({}, []),
        ({"identified_at": ""}, ["identified_at"]),
        ({"consent_signed_on": "", "consent_text_version": ""}, ["consent_text_version", "consent_signed_on"]),
        ({"in_force_from": "", "records_from": ""}, ["in_force_from", "records_from"]),
        ({"identified_at": "2026-09-05T15:40:00+03:00"}, ["registered_at"]),
        ({"submitted_at": "2026-09-03T15:40:01+03:00"}, ["identified_at"]),
        ({"submitted_at": "2026-09-03T15:40:00+03:00"}, []),
        ({"withdrawn_at": "2026-09-02T10:14:59+03:00"}, ["withdrawn_at"]),
        ({"consent_signed_on": "2026-09-05"}, ["consent_signed_on"]),
        ({"consent_signed_on": "2026-09-04"}, []),
        ({"email": "elkin.example.org"}, ["email"]),
        ({"email": ""}, []),
        ({"student_birth_date": "1949-12-31"}, ["student_birth_date"]),
        ({"student_birth_date": "1950-01-01"}, []),
        ({"email": "elkin", "registered_at": "", "registered_by": ""}, ["email"]),
        ({"relation": "guardian"}, ["authority_document"]),
        ({"relation": "guardian", "authority_document": "решение опеки"}, []),
        ({"relation": "trustee", "registered_at": ""}, ["authority_document"]),
    ],
)
def test_a_row_that_a_person_should_look_at(files: "Files", row: Cells, change: Cells, columns: list[str]) -> None:
    (got,) = read(files, row | change)
    assert [warning.column for warning in row_warnings(got)] == columns
