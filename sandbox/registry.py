"""A made-up register of parents' applications and consents for a made-up school, in every stage and shape.

Rules. The file is in the form of the contract's registry.example.csv. Each stage of `STAGES` occurs at least
once where the school has students enough; most applications are in force. Who identifies a parent is never
who registers the consent. Deterministic: the same school, seed and day give the same file. Nobody in it exists.
"""

import csv
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sandbox.school.database import opened
from sandbox.school.names import FATHERS, SURNAMES, Father, Name, grown_up, surname
from sandbox.school.population import eighteen_years_before
from sandbox.school.terms import school_year

COLUMNS = (
    "school", "student_id", "student_last_name", "student_first_name", "student_middle_name", "student_birth_date",
    "account_id", "parent_last_name", "parent_first_name", "parent_middle_name", "email", "relation", "submitted_at",
    "identified_at", "identified_by", "document_kind", "authority_document", "consent_text_version",
    "consent_signed_on", "registered_at", "registered_by", "in_force_from", "in_force_to", "records_from",
    "records_to", "kinds", "withdrawn_at", "restricted_from", "restricted_to",
)  # fmt: skip

MOSCOW = ZoneInfo("Europe/Moscow")
TEXT_VERSION = "2025-09"

Row = dict[str, str]

_SHARE_IN_FORCE = 0.7
_SHARE_OF_SECOND_PARENTS = 0.2
_FATHERS = {patronymic: father for father in FATHERS for patronymic in (father.son, father.daughter)}
_FAMILIES = {surname(family, female=female): family for family in SURNAMES for female in (False, True)}
_AFTER_REGISTRATION = ("registered_at", "registered_by", "in_force_from", "records_from")
_AFTER_IDENTIFICATION = (
    "identified_at", "identified_by", "document_kind", "consent_text_version", "consent_signed_on",
)  # fmt: skip


class KnownStudent(NamedTuple):
    """A student as the school's database knows them today."""

    id: int
    name: Name
    birth_date: date | None
    enrolled: bool


@dataclass(frozen=True, slots=True)
class RegisterSummary:
    """What was written: the number of rows by stage."""

    path: Path
    stages: Mapping[str, int]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(self.stages.values())


class _Days:
    """Days around today, and moments on them, as the register writes them."""

    def __init__(self, today: date, timezone: ZoneInfo) -> None:
        self.today = today
        self._timezone = timezone

    def day(self, offset: int) -> str:
        return (self.today + timedelta(days=offset)).isoformat()

    def moment(self, offset: int, hour: int, minute: int) -> str:
        day = self.today + timedelta(days=offset)
        return datetime.combine(day, time(hour, minute), tzinfo=self._timezone).isoformat()


def _received(row: Row, _: _Days) -> None:
    row.update(dict.fromkeys((*_AFTER_IDENTIFICATION, *_AFTER_REGISTRATION), ""))


def _identified(row: Row, _: _Days) -> None:
    row.update(dict.fromkeys(_AFTER_REGISTRATION, ""))


def _set(**columns: str | Callable[[_Days], str]) -> Callable[[Row, _Days], None]:
    """Return a stage that differs from an application in force in these columns."""

    def change(row: Row, days: _Days) -> None:
        row.update({name: value if isinstance(value, str) else value(days) for name, value in columns.items()})

    return change


STAGES: Mapping[str, Callable[[Row, _Days], None]] = {
    "in-force": _set(),
    "received": _received,
    "identified": _identified,
    "withdrawn": _set(withdrawn_at=lambda days: days.moment(-2, 8, 0)),
    "expired": _set(in_force_to=lambda days: days.day(-1)),
    "last-day": _set(in_force_to=lambda days: days.day(0)),
    "not-yet-in-force": _set(in_force_from=lambda days: days.day(1)),
    "first-day": _set(in_force_from=lambda days: days.day(0)),
    "restricted": _set(restricted_from=lambda days: days.day(-3), restricted_to=lambda days: days.day(10)),
    "restricted-open-end": _set(restricted_from=lambda days: days.day(0)),
    "restriction-over": _set(restricted_from=lambda days: days.day(-12), restricted_to=lambda days: days.day(-1)),
    "kinds-narrowed": _set(kinds="current period annual"),
    "absences-only": _set(kinds="absence late"),
    "dates-narrowed": _set(records_from=lambda days: days.day(-21), records_to=lambda days: days.day(-7)),
    "guardian": _set(relation="guardian", authority_document="решение опеки от 2021-05-14"),
    "adopter": _set(relation="adopter", authority_document="решение суда от 2019-02-11"),
    "trustee": _set(relation="trustee", authority_document="решение опеки от 2023-10-02"),
    "by-name": _set(student_id=""),
}


def write_register(
    path: Path,
    school_path: Path,
    *,
    code: str,
    seed: int,
    today: date,
    share: float = 0.6,
    timezone: ZoneInfo = MOSCOW,
) -> RegisterSummary:
    """Write a register for the school in the Firebird file at `school_path`; parents of `share` of it applied.

    Overwrites `path`. Raises BridgeError `sandbox-school-unusable`.
    """
    students = _read_students(school_path, today)
    rows, stages = make_register(students, code=code, seed=seed, today=today, share=share, timezone=timezone)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=";", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return RegisterSummary(path, stages)


def make_register(
    students: Sequence[KnownStudent],
    *,
    code: str,
    seed: int,
    today: date,
    share: float,
    timezone: ZoneInfo = MOSCOW,
) -> tuple[list[Row], dict[str, int]]:
    """Return the register's rows and how many there are of each stage; pure."""
    writer = _RegisterWriter(random.Random(f"{code}/{seed}/register"), code, _Days(today, timezone))
    for number, student in enumerate(_applied_for(writer.rng, students, share, today)):
        writer.apply(student, number)
    writer.siblings(students)
    return writer.rows, dict(writer.stages)


def _applied_for(rng: random.Random, students: Sequence[KnownStudent], share: float, today: date) -> list[KnownStudent]:
    """Return for whom somebody applied; who is of age, has left, or has no birth date comes last, a few of each."""
    usual = [one for one in students if _usual(one, today)]
    unusual = [one for one in students if not _usual(one, today)]
    wanted = min(len(usual), max(len(STAGES), round(len(students) * share)))
    of_age = [one for one in unusual if one.enrolled and one.birth_date][:3]
    left = [one for one in unusual if not one.enrolled][:3]
    undated = [one for one in unusual if one.enrolled and one.birth_date is None][:3]
    return rng.sample(usual, wanted) + of_age + left + undated


def _usual(student: KnownStudent, today: date) -> bool:
    return bool(student.enrolled and student.birth_date and student.birth_date > eighteen_years_before(today))


class _RegisterWriter:
    """Gathers the rows; every account id is given once, but for a parent of several children."""

    def __init__(self, rng: random.Random, code: str, days: _Days) -> None:
        self.rng = rng
        self.rows: list[Row] = []
        self.stages: Counter[str] = Counter()
        self._code = code
        self._days = days
        self._accounts: set[str] = set()

    def apply(self, student: KnownStudent, number: int) -> None:
        """Let one parent apply for the student, or two."""
        names = list(STAGES)
        usual = _usual(student, self._days.today)
        if not usual or (number >= len(names) and self.rng.random() < _SHARE_IN_FORCE):
            stage = names[0]
        else:
            stage = names[number] if number < len(names) else self.rng.choice(names)
        guardian = stage in ("guardian", "trustee", "adopter")
        mother = self.rng.random() < 0.6  # noqa: PLR2004  mothers apply more often
        self._write(student, stage, self._parent(student, mother=mother, related=not guardian), self._account())
        if number == 1 or self.rng.random() < _SHARE_OF_SECOND_PARENTS:
            other = self.rng.choice(names) if usual and number > 1 else names[0]
            self._write(student, other, self._parent(student, mother=not mother, related=True), self._account())

    def siblings(self, students: Sequence[KnownStudent]) -> None:
        """Let the parents who have applied apply for another child of the same family, with the same account."""
        families: dict[tuple[str, Father], list[KnownStudent]] = {}
        for one in students:
            father, family = _FATHERS.get(one.name.middle or ""), _FAMILIES.get(one.name.last)
            if father and family and one.enrolled:
                families.setdefault((family, father), []).append(one)
        applied = {int(row["student_id"]): row for row in self.rows if row["student_id"]}
        for children in families.values():
            known = [one for one in children if one.id in applied]
            others = [one for one in children if one.id not in applied]
            if known and others:
                row = applied[known[0].id]
                parent = Name(row["parent_last_name"], row["parent_first_name"], row["parent_middle_name"] or None)
                self._write(others[0], "in-force", parent, row["account_id"])

    def _write(self, student: KnownStudent, stage: str, parent: Name, account: str) -> None:
        days, rng = self._days, self.rng
        submitted = -rng.randrange(20, 60)
        identified = submitted + rng.randrange(1, 4)
        registered = identified + rng.randrange(1, 4)
        row = dict.fromkeys(COLUMNS, "")
        row.update(
            school=self._code,
            student_id=str(student.id),
            student_last_name=student.name.last,
            student_first_name=student.name.first,
            student_middle_name=student.name.middle or "",
            student_birth_date=student.birth_date.isoformat() if student.birth_date else "",
            account_id=account,
            parent_last_name=parent.last,
            parent_first_name=parent.first,
            parent_middle_name=parent.middle or "",
            email=f"{account}@example.org",
            relation="parent",
            submitted_at=days.moment(submitted, 19, rng.randrange(60)),
            identified_at=days.moment(identified, 15, rng.randrange(60)),
            identified_by=f"Секретарь {rng.randrange(1, 3)}",
            document_kind="паспорт",
            consent_text_version=TEXT_VERSION,
            consent_signed_on=days.day(identified),
            registered_at=days.moment(registered, 9, rng.randrange(60)),
            registered_by=f"Завуч {rng.randrange(1, 4)}",
            in_force_from=days.day(registered),
            records_from=date(school_year(days.today), 9, 1).isoformat(),
        )
        STAGES[stage](row, days)
        if stage == "by-name" and student.birth_date:
            row["student_last_name"] = f" {row['student_last_name'].replace('ё', 'е')}"
        self.rows.append(row)
        self.stages[stage] += 1

    def _parent(self, student: KnownStudent, *, mother: bool, related: bool) -> Name:
        family = _FAMILIES.get(student.name.last) if related else None
        name = grown_up(self.rng, family or self.rng.choice(SURNAMES), female=mother)
        father = _FATHERS.get(student.name.middle or "")
        return name if mother or not related or father is None else name._replace(first=father.first)

    def _account(self) -> str:
        while (account := f"pa-{self.rng.randrange(10_000, 1_000_000)}") in self._accounts:
            pass
        self._accounts.add(account)
        return account


def _read_students(school_path: Path, today: date) -> list[KnownStudent]:
    with opened(school_path) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT STUDENT_ID, DATE_FROM, DATE_TO FROM ENROLMENT")
        enrolled = {row[0] for row in cursor.fetchall() if row[1] <= today and (row[2] is None or today <= row[2])}
        cursor.execute("SELECT ID, LAST_NAME, FIRST_NAME, MIDDLE_NAME, BIRTH_DATE FROM STUDENT ORDER BY ID")
        return [KnownStudent(row[0], Name(*row[1:4]), row[4], row[0] in enrolled) for row in cursor.fetchall()]
