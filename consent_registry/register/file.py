"""A register of people and consents as one table: CSV or XLSX in, checked rows or a list of problems out.

The form (contract, registry.example.csv): UTF-8 with or without BOM, `;` between fields, a header with these
names, dates ISO, times ISO with zone; an XLSX's first sheet has the same columns, its cells may be real dates.
Empty `in_force_to`, `records_to`: open. `kinds` is a blank-separated list, empty: all. A row without
`identified_at` or `registered_at` is an application at that stage.
Rules. Every problem of the file is told at once, by row and column, without the value. A row that lacks a part of
the procedure is no problem: the registry keeps it at the stage it has reached, and nothing is sent for it.
Deliberately not here: what the registry already knows (`consent_registry.register.registration`), who the student is.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TypeVar

from consent_registry.register.table import read_table
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
_YEARS = 1900, 2199
_UNLIKELY_BEFORE = 1950
_REQUIRED = frozenset(["school", "account_id", "relation", "submitted_at"])

_LONGEST = 500
_UNSEEN = frozenset(["Cc", "Cs", "Co", "Cn"])
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what is read after them."""
_A_NUMBER = re.compile(r"\d{4}")

Value = str | date | datetime | None
T = TypeVar("T")


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
    """One thing that a person should mend or look at; `row` 0: the whole file; `column` empty: the whole row."""

    row: int
    column: str
    expected: Wording

    def say(self, language: Language | str) -> str:
        """Return the line that a person reads."""
        where = [_ROW.say(language, row=self.row)] if self.row else []
        where += [self.column] if self.column else []
        return ": ".join([", ".join(where), self.expected.say(language)] if where else [self.expected.say(language)])


_ROW = Wording("строка {row}", "row {row}")
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
_E_WHO = Wording("не указано, кто это сделал (two_persons = true)", "who did it is not stated (two_persons = true)")
_E_REPEATED = Wording("столбец {name} стоит дважды", "the column {name} stands twice")
_E_EMPTY_FILE = Wording(
    "файл пуст: нужна строка с названиями столбцов", "the file is empty: a line with the columns' names is needed"
)
_W_INCOMPLETE = Wording(
    "связь зарегистрирована, но поле пусто: по ней ничего не передаётся",
    "the link is registered but the field is empty: nothing is sent for it",
)
_W_EARLIER = Wording("раньше, чем {other}: проверьте порядок", "earlier than {other}: check the order")
_W_LATER = Wording("позже, чем {other}: проверьте порядок", "later than {other}: check the order")
_W_EMAIL = Wording("это не адрес: нет знака @", "this is no address: it has no @")
_W_LONG_AGO = Wording(
    "дата рождения раньше 1950 года: сверьте с документом",
    "the birth date lies before the year 1950: compare it with the document",
)
_W_AUTHORITY = Wording(
    "опекун или попечитель: впишите документ о его полномочиях",
    "a guardian or trustee: enter the document that gives the authority",
)
_E_FORM = Wording(
    "файл не читается: нужен XLSX или CSV в UTF-8 с «;» между полями (в Excel: «Сохранить как», «CSV UTF-8»)",
    "the file can't be read: an XLSX, or a CSV in UTF-8 with “;” between fields, is needed (Excel: Save as, CSV UTF-8)",
)
_E_MISSING = Wording("нет столбца {name}", "there is no column {name}")
_E_UNKNOWN = Wording("лишний столбец {name}", "unknown column {name}")
_E_UNSEEN = Wording(
    "в тексте невидимые управляющие знаки: впишите его заново",
    "the text holds unseen control characters: type it anew",
)
_E_LONG = Wording("текст длиннее {most} знаков", "the text is longer than {most} characters")
_E_NUMBER = Wording(
    "здесь вид документа, а не его номер: номер в реестр не вносится",
    "this is the document's kind, not its number: the number is not entered",
)
_E_WIDTH = Wording("полей не столько, сколько в заголовке", "the number of fields differs from the header's")


def read_register(path: Path, *, two_persons: bool) -> list[RegisterRow]:
    """Return the rows of a register file. Raises RegisterProblemsError, or OSError when there is no such file."""
    rows, problems = read_rows(path, two_persons=two_persons)
    if problems:
        raise RegisterProblemsError(problems)
    return rows


def read_rows(path: Path, *, two_persons: bool) -> tuple[list[RegisterRow], list[RegisterProblem]]:
    """Return the rows of a register file and what is wrong with their form, so that all else may be told beside it.

    A field that can't be read is None in its row; a line of another width is a problem and no row. Raises
    RegisterProblemsError when the file has no rows to speak of, OSError when there is no such file.
    """
    content, xlsx = path.read_bytes(), path.suffix.lower() == ".xlsx"
    table = read_table(content, xlsx=xlsx)
    if table is None:
        raise RegisterProblemsError([RegisterProblem(0, "", _E_FORM)])
    lines, problems = table.lines, [RegisterProblem(*problem) for problem in table.problems]
    header = _trimmed([_text(name) for name in next(iter(lines), ())])
    wrong = [RegisterProblem(0, "", wording) for wording in _header_problems(header)]
    if wrong:
        raise RegisterProblemsError([*wrong, *problems])
    rows = []
    for number, line in enumerate(lines[1:], 2):
        cells = _trimmed(line)
        if not cells:
            continue
        if len(cells) > len(header) or (len(line) < len(header) and not xlsx):
            problems.append(RegisterProblem(number, "", _E_WIDTH))
            continue
        padded = [*cells, *[None] * (len(header) - len(cells))]
        row = RegisterRow(number, dict(_fields(number, header, padded, problems.append)))
        problems.extend(_row_problems(row, two_persons=two_persons))
        rows.append(row)
    return rows, problems


def _header_problems(header: Sequence[str]) -> Iterator[Wording]:
    if not header:
        yield _E_EMPTY_FILE
        return
    yield from (_E_MISSING.filled(name=name) for name in COLUMNS if name not in header)
    yield from (_E_UNKNOWN.filled(name=name) for name in dict.fromkeys(header) if name not in COLUMNS)
    yield from (_E_REPEATED.filled(name=name) for name in COLUMNS if header.count(name) > 1)


def _trimmed(line: Sequence[T]) -> list[T]:
    """Return a line without the empty cells at its end, which a spreadsheet likes to add."""
    last = max((position for position, cell in enumerate(line, 1) if _text(cell)), default=0)
    return list(line[:last])


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
            if isinstance(value, str):
                for wrong in _text_problems(column, value):
                    report(RegisterProblem(number, column, wrong))
        yield column, value


def _text_problems(column: str, text: str) -> Iterator[Wording]:
    if any(unicodedata.category(sign) in _UNSEEN or sign in _TURNING for sign in text):
        yield _E_UNSEEN
    if len(text) > _LONGEST:
        yield _E_LONG.filled(most=_LONGEST)
    if column == "document_kind" and _A_NUMBER.search(text):
        yield _E_NUMBER


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a spreadsheet's 1017.0 is the number 1017
    return " ".join(str("" if cell is None else cell).split())


def _day(cell: object) -> date | None:
    if isinstance(cell, datetime) and cell.time() == time.min:
        return _in_bounds(cell.date())  # a spreadsheet's date is the midnight that begins it
    text = _text(cell)
    if not text:
        return None
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError("no ISO date")
    return _in_bounds(date.fromisoformat(text))


def _moment(cell: object) -> datetime | None:
    text = _text(cell)
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    _in_bounds(moment.date())
    return moment


def _in_bounds(day: date) -> date:
    """Return a day that people may mean; a year 20226 or 0202 is a slip of the pen."""
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise ValueError("no year of anyone's")
    return day


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
            yield problem(last, _E_ORDER.filled(other=first))
    if two_persons and row.moment("registered_at"):
        yield from _two_person_problems(row)


def _two_person_problems(row: RegisterRow) -> Iterator[RegisterProblem]:
    identifier, registrar = row.text("identified_by"), row.text("registered_by")
    if not identifier and row.moment("identified_at"):
        yield RegisterProblem(row.number, "identified_by", _E_WHO)
    if not registrar:
        yield RegisterProblem(row.number, "registered_by", _E_WHO)
    elif identifier and registrar.casefold() == identifier.casefold():
        yield RegisterProblem(row.number, "registered_by", _E_TWO)


def row_warnings(row: RegisterRow) -> Iterator[RegisterProblem]:
    """Tell what a person should look at in a row that can be taken."""
    identified, registered = row.moment("identified_at"), row.moment("registered_at")
    if row.text("relation") in {Relation.GUARDIAN, Relation.TRUSTEE} and not row.text("authority_document"):
        yield RegisterProblem(row.number, "authority_document", _W_AUTHORITY)
    yield from _unlikely(row)
    if registered is None:
        return
    for column in ("identified_at", "consent_text_version", "consent_signed_on", "in_force_from", "records_from"):
        if not row.fields[column]:
            yield RegisterProblem(row.number, column, _W_INCOMPLETE)
    if identified is not None and registered < identified:
        yield RegisterProblem(row.number, "registered_at", _W_EARLIER.filled(other="identified_at"))


def _unlikely(row: RegisterRow) -> Iterator[RegisterProblem]:
    """Tell what is likelier a slip of the pen than so, at whatever stage a row is."""
    submitted, born = row.moment("submitted_at"), row.day("student_birth_date")
    for column in ("identified_at", "withdrawn_at"):
        moment = row.moment(column)
        if submitted is not None and moment is not None and moment < submitted:
            yield RegisterProblem(row.number, column, _W_EARLIER.filled(other="submitted_at"))
    signed, begins = row.day("consent_signed_on"), row.day("in_force_from")
    if signed is not None and begins is not None and signed > begins:
        yield RegisterProblem(row.number, "consent_signed_on", _W_LATER.filled(other="in_force_from"))
    if row.text("email") and "@" not in row.text("email"):
        yield RegisterProblem(row.number, "email", _W_EMAIL)
    if born is not None and born.year < _UNLIKELY_BEFORE:
        yield RegisterProblem(row.number, "student_birth_date", _W_LONG_AGO)
