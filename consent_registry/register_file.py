"""A register of people and consents as one table: CSV or XLSX in, checked rows or a list of problems out.

The form (contract, registry.example.csv): UTF-8 with or without BOM, `;` between fields, a header with these
names, dates ISO, times ISO with zone; an XLSX's first sheet has the same columns, its cells may be real dates.
Empty `in_force_to`, `records_to`: open. `kinds` is a blank-separated list, empty: all. A row without
`identified_at` or `registered_at` is an application at that stage.
Rules. Every problem of the file is told at once, by row and column, without the value. A row that lacks a part of
the procedure is no problem: the registry keeps it at the stage it has reached, and nothing is sent for it.
Deliberately not here: what the registry already knows (`consent_registry.registration`), who the student is.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zipfile import BadZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from journal.vocabulary import RecordKind, Relation
from journal.wording import BridgeError, Language, Wording

COLUMNS = (
    "school", "student_id", "student_last_name", "student_first_name", "student_middle_name", "student_birth_date",
    "account_id", "parent_last_name", "parent_first_name", "parent_middle_name", "email", "relation", "submitted_at",
    "identified_at", "identified_by", "document_kind", "authority_document", "consent_text_version",
    "consent_signed_on", "registered_at", "registered_by", "in_force_from", "in_force_to", "records_from",
    "records_to", "kinds", "withdrawn_at", "restricted_from", "restricted_to",
)  # fmt: skip

_DATES = frozenset(
    {
        "student_birth_date", "consent_signed_on", "in_force_from", "in_force_to",
        "records_from", "records_to", "restricted_from", "restricted_to",
    }
)  # fmt: skip
_MOMENTS = frozenset(["submitted_at", "identified_at", "registered_at", "withdrawn_at"])
_REQUIRED = frozenset(["school", "account_id", "relation", "submitted_at"])

Value = str | date | datetime | None


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One row: its number in the file (the header is 1) and its fields by column name. Personal data."""

    number: int
    fields: Mapping[str, Value]

    def text(self, column: str) -> str:
        """Return a text field, empty when there is none."""
        value = self.fields[column]
        return value if isinstance(value, str) else ""

    def day(self, column: str) -> date | None:
        """Return a date field."""
        value = self.fields[column]
        return value if isinstance(value, date) and not isinstance(value, datetime) else None

    def moment(self, column: str) -> datetime | None:
        """Return a moment field, aware."""
        value = self.fields[column]
        return value if isinstance(value, datetime) else None

    def __repr__(self) -> str:
        return f"RegisterRow({self.number})"


@dataclass(frozen=True, slots=True)
class RegisterProblem:
    """One thing wrong with a register; `row` 0: the whole file."""

    row: int
    column: str
    expected: Wording

    def say(self, language: Language | str) -> str:
        """Return the line that a person reads."""
        where = _AT.say(language, row=self.row, column=self.column) if self.row else self.column
        return f"{where}: {self.expected.say(language)}" if where else self.expected.say(language)


_AT = Wording("строка {row}, {column}", "row {row}, {column}")
_LINES = Wording(
    "Реестр не принят, ничего не изменено.\n{lines}", "The register was not taken, nothing was changed.\n{lines}"
)


class RegisterProblemsError(BridgeError):
    """A register that can't be taken: code `register-problems`, every problem in `problems`."""

    def __init__(self, problems: Sequence[RegisterProblem]) -> None:
        super().__init__("register-problems", _LINES)
        self.problems = tuple(problems)

    def say(self, language: Language | str) -> str:
        """Return one line a problem."""
        return _LINES.say(language, lines="\n".join(problem.say(language) for problem in self.problems))


_E_DATE = Wording("нужна дата вида 2026-09-30", "a date like 2026-09-30 is needed")
_E_MOMENT = Wording(
    "нужны дата и время с часовым поясом вида 2026-09-30T15:40:00+03:00",
    "a date and time with zone like 2026-09-30T15:40:00+03:00 are needed",
)
_E_EMPTY = Wording("не должно быть пусто", "must not be empty")
_E_RELATION = Wording("одно из слов: parent, adopter, guardian, trustee", "one of: parent, adopter, guardian, trustee")
_E_KINDS = Wording(
    f"слова через пробел из списка: {' '.join(RecordKind)}", f"blank-separated words of: {' '.join(RecordKind)}"
)
_E_REFERENCE = Wording(
    "латинские буквы, цифры и . _ : -, не больше 64", "Latin letters, digits and . _ : -, 64 at most"
)
_E_SCHOOL = Wording(
    "код школы: латинские буквы, цифры и -, не больше 16", "a school code: letters, digits, -, 16 at most"
)
_E_STUDENT = Wording(
    "нужен номер ученика, или его фамилия, имя и дата рождения",
    "the student's id is needed, or last name, first name and birth date",
)
_E_ORDER = Wording("не может быть раньше, чем {other}", "can't be before {other}")
_E_TWO = Wording(
    "регистрирует не тот, кто идентифицировал (two_persons = true)",
    "who registers is not who identified (two_persons = true)",
)
_E_TWICE = Wording("та же связь уже стоит в строке {row}", "the same link stands in row {row} already")
_E_FORM = Wording(
    "файл не читается: нужен CSV в UTF-8 с «;» между полями или XLSX",
    "the file can't be read: a CSV in UTF-8 with “;” between fields, or an XLSX, is needed",
)
_E_MISSING = Wording("нет столбца {name}", "there is no column {name}")
_E_UNKNOWN = Wording("лишний столбец {name}", "unknown column {name}")
_E_WIDTH = Wording("полей не столько, сколько в заголовке", "the number of fields differs from the header's")


def filled(wording: Wording, **parameters: object) -> Wording:
    """Return the wording with its places filled in both languages."""
    return Wording(wording.say(Language.RU, **parameters), wording.say(Language.EN, **parameters))


def read_register(path: Path, *, two_persons: bool) -> list[RegisterRow]:
    """Return the rows of a register file. Raises RegisterProblemsError, or OSError when there is no such file."""
    cells = list(_cells(path.read_bytes(), xlsx=path.suffix.lower() == ".xlsx"))
    header = [str(name or "").strip() for name in cells[0]] if cells else []
    problems = [RegisterProblem(0, "", filled(_E_MISSING, name=name)) for name in COLUMNS if name not in header]
    problems += [RegisterProblem(0, "", filled(_E_UNKNOWN, name=name)) for name in header if name not in COLUMNS]
    if problems:
        raise RegisterProblemsError(problems)
    rows = []
    for number, line in enumerate(cells[1:], 2):
        if not any(str(cell or "").strip() for cell in line):
            continue
        if len(line) != len(header):
            problems.append(RegisterProblem(number, "", _E_WIDTH))
            continue
        row = RegisterRow(number, dict(_fields(number, header, line, problems.append)))
        problems.extend(_row_problems(row, two_persons=two_persons))
        rows.append(row)
    problems.extend(_repeated(rows))
    if problems:
        raise RegisterProblemsError(problems)
    return rows


def _cells(content: bytes, *, xlsx: bool) -> Iterator[Sequence[object]]:
    try:
        if xlsx:
            sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[0]
            lines: list[Sequence[object]] = [tuple(line) for line in sheet.iter_rows(values_only=True)]
        else:
            lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";", strict=True))
    except (UnicodeDecodeError, csv.Error, BadZipFile, InvalidFileException, KeyError, ValueError):
        lines = []
    if not lines:
        raise RegisterProblemsError([RegisterProblem(0, "", _E_FORM)])
    yield from lines


def _fields(
    number: int, header: Sequence[str], line: Sequence[object], report: Callable[[RegisterProblem], None]
) -> Iterator[tuple[str, Value]]:
    for column, cell in zip(header, line, strict=True):
        value: Value = None
        try:
            if column in _DATES:
                value = _day(cell)
            elif column in _MOMENTS:
                value = _moment(cell)
            else:
                value = _text(cell)
        except ValueError:
            report(RegisterProblem(number, column, _E_DATE if column in _DATES else _E_MOMENT))
        else:
            if value in {None, ""} and column in _REQUIRED:
                report(RegisterProblem(number, column, _E_EMPTY))
        yield column, value


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a spreadsheet's 1017.0 is the number 1017
    return " ".join(str("" if cell is None else cell).split())


def _day(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = _text(cell)
    if text and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError("no ISO date")
    return date.fromisoformat(text) if text else None


def _moment(cell: object) -> datetime | None:
    text = _text(cell)
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment


def _row_problems(row: RegisterRow, *, two_persons: bool) -> Iterator[RegisterProblem]:
    def problem(column: str, expected: Wording) -> RegisterProblem:
        return RegisterProblem(row.number, column, expected)

    if row.text("school") and not re.fullmatch(r"[0-9A-Za-z-]{1,16}", row.text("school")):
        yield problem("school", _E_SCHOOL)
    if row.text("account_id") and not re.fullmatch(r"[0-9A-Za-z._:-]{1,64}", row.text("account_id")):
        yield problem("account_id", _E_REFERENCE)
    if row.text("relation") and row.text("relation") not in set(Relation):
        yield problem("relation", _E_RELATION)
    if not set(row.text("kinds").split()) <= set(RecordKind):
        yield problem("kinds", _E_KINDS)
    named = row.text("student_last_name") and row.text("student_first_name") and row.day("student_birth_date")
    if not row.text("student_id") and not named:
        yield problem("student_id", _E_STUDENT)
    for first, last in (
        ("in_force_from", "in_force_to"),
        ("records_from", "records_to"),
        ("restricted_from", "restricted_to"),
    ):
        begin, end = row.day(first), row.day(last)
        if begin is not None and end is not None and end < begin:
            yield problem(last, filled(_E_ORDER, other=first))
    same = row.text("registered_by") and row.text("registered_by") == row.text("identified_by")
    if two_persons and same and row.moment("registered_at"):
        yield problem("registered_by", _E_TWO)


def _repeated(rows: Iterable[RegisterRow]) -> Iterator[RegisterProblem]:
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        student = row.text("student_id") or "\x1f".join(
            [row.text("student_last_name"), row.text("student_first_name"), str(row.day("student_birth_date"))]
        )
        key = (row.text("school"), student, row.text("account_id"))
        if key in seen:
            yield RegisterProblem(row.number, "account_id", filled(_E_TWICE, row=seen[key]))
        seen.setdefault(key, row.number)
