"""Which student a register's row means. Pure.

Rules. `student_id` is the school database's own id and must be known there; names beside it are a check: a row whose
last name and birth date both differ from the school's means another child and is a problem, one that differs in
one of them is told and taken (a new surname, a slip of the pen). Without an id, last name, first name and birth
date, with the patronymic where it is given, must name exactly one student. Names are compared without regard to
case, blanks and ё/е. Deliberately not here: reading the school (`connectors.school`).
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from consent_registry.register.file import RegisterProblem, RegisterRow
from journal.school import StudentIdentity
from journal.wording import Wording

Identities = Callable[[str], Sequence[StudentIdentity] | None]
"""Returns a school's students for matching; None when the configuration has no such school."""

_E_SCHOOL = Wording(
    "в настройках нет школы {school} (в XLSX код школы должен быть текстом, с нулями впереди)",
    "the configuration has no school {school} (in an XLSX the code must be text, with its leading zeros)",
)
_E_STUDENT_ID = Wording("в базе школы нет ученика с этим номером", "the school's database has no student with this id")
_E_STUDENT_NONE = Wording(
    "в базе школы нет ученика с этими именем и датой рождения",
    "the school's database has no student of this name and birth date",
)
_E_STUDENT_MANY = Wording(
    "в базе школы таких учеников несколько: укажите student_id",
    "the school's database has several such students: give student_id",
)
_E_OTHER_STUDENT = Wording(
    "под этим номером в базе школы другой ученик (фамилия и дата рождения иные): исправьте номер или имя",
    "in the school's database this id is another student (last name and birth date differ): mend the id or the name",
)
_E_TWICE = Wording("та же связь уже стоит в строке {row}", "the same link stands in row {row} already")
_W_DIFFERS = Wording(
    "в базе школы под этим номером записано иначе: сверьте с документом",
    "the school's database has another entry under this id: compare it with the document",
)


@dataclass(frozen=True, slots=True)
class Matched:
    """Each row with its student's key, what is wrong with others, and what a person should look at."""

    rows: list[tuple[RegisterRow, str]] = field(default_factory=list)
    problems: list[RegisterProblem] = field(default_factory=list)
    warnings: list[RegisterProblem] = field(default_factory=list)


def comparable(name: str | None) -> str:
    """Return a name as it is compared: composed, blanks collapsed, without case, ё as е."""
    composed = unicodedata.normalize("NFC", name or "")
    return " ".join(composed.split()).casefold().replace("ё", "е")


class _Students:
    """A school's students, by id and by name."""

    def __init__(self, students: Iterable[StudentIdentity]) -> None:
        self.by_key: dict[str, StudentIdentity] = {}
        self.by_name: defaultdict[tuple[str, str, date | None], list[StudentIdentity]] = defaultdict(list)
        for student in students:
            self.by_key[student.student_key] = student
            name = (comparable(student.last_name), comparable(student.first_name), student.birth_date)
            self.by_name[name].append(student)


def match_rows(rows: Iterable[RegisterRow], identities: Identities) -> Matched:
    """Name the student of each row; a second row of the same school, student and account is a problem."""
    matched = Matched()
    schools: dict[str, _Students | None] = {}
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        school = row.text("school")
        if school not in schools:
            students = identities(school)
            schools[school] = None if students is None else _Students(students)
        known = schools[school]
        if known is None:
            matched.problems.append(RegisterProblem(row.number, "school", _E_SCHOOL.filled(school=school)))
            continue
        student = _by_id(row, known, matched) if row.text("student_id") else _by_name(row, known, matched)
        if student is None:
            continue
        key = (school, student, row.text("account_id"))
        if key in seen:
            matched.problems.append(RegisterProblem(row.number, "account_id", _E_TWICE.filled(row=seen[key])))
            continue
        seen[key] = row.number
        matched.rows.append((row, student))
    return matched


def _by_id(row: RegisterRow, known: _Students, matched: Matched) -> str | None:
    student = known.by_key.get(row.text("student_id"))
    if student is None:
        matched.problems.append(RegisterProblem(row.number, "student_id", _E_STUDENT_ID))
        return None
    differs = [
        column
        for column, told, held in (
            ("student_last_name", comparable(row.text("student_last_name")), comparable(student.last_name)),
            ("student_birth_date", row.day("student_birth_date"), student.birth_date),
        )
        if told and held and told != held
    ]
    if len(differs) > 1:
        matched.problems.append(RegisterProblem(row.number, "student_id", _E_OTHER_STUDENT))
        return None
    matched.warnings.extend(RegisterProblem(row.number, column, _W_DIFFERS) for column in differs)
    return student.student_key


def _by_name(row: RegisterRow, known: _Students, matched: Matched) -> str | None:
    name = (comparable(row.text("student_last_name")), comparable(row.text("student_first_name")))
    middle = comparable(row.text("student_middle_name"))
    found = [
        student
        for student in known.by_name.get((*name, row.day("student_birth_date")), [])
        if not middle or comparable(student.middle_name) == middle
    ]
    if len(found) == 1:
        return found[0].student_key
    wrong = _E_STUDENT_MANY if found else _E_STUDENT_NONE
    matched.problems.append(RegisterProblem(row.number, "student_id", wrong))
    return None
