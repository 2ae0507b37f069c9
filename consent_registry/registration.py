"""What people do to the registry: import a register, withdraw a consent; and the reads that decisions use.

Rules. Facts are only ever added. An import is all or nothing: one problem, and nothing is stored. A row is known by
school, student and account; the same row again adds nothing, a changed one adds the facts that record the change.
A withdrawal may be back-dated by a person, never dated ahead. Writers of one school wait for each other and for
the sender's intents (`database.gate`), so an intent stored after a withdrawal always knows it.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.facts import CaseKey, CaseState, Fact, FactKind, newest, state_of
from consent_registry.register_file import RegisterProblem, RegisterProblemsError, RegisterRow, filled
from consent_registry.tables import CASE, FACT
from consent_registry.vault import Vault
from database import gate
from journal.school import StudentIdentity
from journal.wording import BridgeError, Wording

_CHUNK = 500

_E_SCHOOL = Wording("в настройках нет школы {school}", "the configuration has no school {school}")
_E_STUDENT_ID = Wording("в базе школы нет ученика с этим номером", "the school's database has no student with this id")
_E_STUDENT_NONE = Wording(
    "в базе школы нет ученика с этими именем и датой рождения",
    "the school's database has no student of this name and birth date",
)
_E_STUDENT_MANY = Wording(
    "в базе школы таких учеников несколько: укажите student_id",
    "the school's database has several such students: give student_id",
)
_E_TWICE = Wording("та же связь уже стоит в строке {row}", "the same link stands in row {row} already")
_UNKNOWN_LINK = Wording(
    ru="Школа {school}: в реестре нет связи ученика {student} с учётной записью {account}. Проверьте номера.",
    en="School {school}: the registry has no link of student {student} to account {account}. Check the ids.",
)
_AHEAD = Wording(
    ru="Отзыв нельзя датировать будущим временем ({at}). Укажите время не позже текущего.",
    en="A withdrawal can't be dated ahead ({at}). Give a time that is not after now.",
)


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """What was recorded of one case, without names: for the audit log."""

    school: str
    case_ref: str
    event: str
    valid_at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """How many rows were new, changed the registry, or were known as they are; and what was recorded."""

    new: int
    changed: int
    unchanged: int
    events: tuple[CaseEvent, ...] = ()


Identities = Callable[[str], Sequence[StudentIdentity] | None]
"""Returns a school's students for matching; None when the configuration has no such school."""


def states(
    connection: Connection,
    school: str,
    *,
    student_keys: Sequence[str] | None = None,
    known_at: datetime | None = None,
) -> list[CaseState]:
    """Return the state of each case of a school (of these students), as far as it was known at `known_at`.

    Read from the facts themselves, in the caller's transaction; nothing is cached.
    """
    if student_keys is None:
        return _states(connection, CASE.c.school == school, known_at)
    found: list[CaseState] = []
    for start in range(0, len(student_keys), _CHUNK):
        part = student_keys[start : start + _CHUNK]
        found += _states(connection, sa.and_(CASE.c.school == school, CASE.c.student_key.in_(part)), known_at)
    return found


def _states(connection: Connection, which: sa.ColumnElement[bool], known_at: datetime | None) -> list[CaseState]:
    keys = [
        CaseKey(r.case_id, r.school, r.student_key, r.account_id, r.link_id)
        for r in connection.execute(
            sa.select(CASE.c.case_id, CASE.c.school, CASE.c.student_key, CASE.c.account_id, CASE.c.link_id)
            .where(which)
            .order_by(CASE.c.case_id)
        )
    ]
    facts = _facts(connection, which)
    return [state_of(key, facts[key.case_id], known_at) for key in keys]


def _facts(connection: Connection, which: sa.ColumnElement[bool]) -> defaultdict[int, list[Fact]]:
    by_case: defaultdict[int, list[Fact]] = defaultdict(list)
    rows = connection.execute(sa.select(FACT).join(CASE).where(which).order_by(FACT.c.fact_id))
    for row in rows:
        by_case[row.case_id].append(
            Fact(FactKind(row.kind), row.valid_at, row.recorded_at, row.recorded_by, row.detail)
        )
    return by_case


def _matching(text: str) -> str:
    return " ".join(text.split()).casefold().replace("ё", "е")


def _match(row: RegisterRow, students: Sequence[StudentIdentity]) -> str | RegisterProblem:
    """Return the key of the one student that a row means, or what is wrong."""
    wanted_id = row.text("student_id")
    if wanted_id:
        if any(student.student_key == wanted_id for student in students):
            return wanted_id
        return RegisterProblem(row.number, "student_id", _E_STUDENT_ID)
    middle = _matching(row.text("student_middle_name"))
    found = [
        student
        for student in students
        if _matching(student.last_name) == _matching(row.text("student_last_name"))
        and _matching(student.first_name) == _matching(row.text("student_first_name"))
        and student.birth_date == row.day("student_birth_date")
        and (not middle or _matching(student.middle_name or "") == middle)
    ]
    if len(found) == 1:
        return found[0].student_key
    return RegisterProblem(row.number, "student_id", _E_STUDENT_MANY if found else _E_STUDENT_NONE)


def _resolve(rows: Sequence[RegisterRow], identities: Identities) -> list[tuple[RegisterRow, str]]:
    """Name each row's student. Raises RegisterProblemsError with all that is wrong."""
    schools: dict[str, Sequence[StudentIdentity] | None] = {}
    resolved: list[tuple[RegisterRow, str]] = []
    problems: list[RegisterProblem] = []
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        school = row.text("school")
        if school not in schools:
            schools[school] = identities(school)
        students = schools[school]
        if students is None:
            problems.append(RegisterProblem(row.number, "school", filled(_E_SCHOOL, school=school)))
            continue
        student = _match(row, students)
        if isinstance(student, RegisterProblem):
            problems.append(student)
            continue
        key = (school, student, row.text("account_id"))
        if key in seen:
            problems.append(RegisterProblem(row.number, "account_id", filled(_E_TWICE, row=seen[key])))
            continue
        seen[key] = row.number
        resolved.append((row, student))
    if problems:
        raise RegisterProblemsError(problems)
    return resolved


def import_register(
    connection: Connection,
    rows: Sequence[RegisterRow],
    *,
    identities: Identities,
    vault: Vault,
    new_id: Callable[[], str],
    now: datetime,
    by: str,
) -> ImportSummary:
    """Bring the registry to what a register says. Raises RegisterProblemsError; then nothing is stored."""
    resolved = _resolve(rows, identities)
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    events: list[CaseEvent] = []
    for school in sorted({row.text("school") for row, _ in resolved}):
        gate(connection, school)
    for row, student in resolved:
        school, account = row.text("school"), row.text("account_id")
        case, is_new = _case(connection, school, student, account, vault, new_id, now)
        who_changed = _store_people(connection, case, row, vault, is_new=is_new)
        facts = _facts(connection, CASE.c.case_id == case.case_id)[case.case_id]
        added = _new_facts(row, newest(facts), new_id)
        for kind, valid_at, detail in added:
            _add_fact(connection, case.case_id, kind, valid_at or now, now, by, detail)
            events.append(CaseEvent(school, case.link_id, str(kind), valid_at or now, by))
        counts["new" if is_new else "changed" if added or who_changed else "unchanged"] += 1
    return ImportSummary(**counts, events=tuple(events))


def _case(
    connection: Connection,
    school: str,
    student: str,
    account: str,
    vault: Vault,
    new_id: Callable[[], str],
    now: datetime,
) -> tuple[CaseKey, bool]:
    found = connection.execute(
        sa.select(CASE.c.case_id, CASE.c.link_id).where(
            CASE.c.school == school, CASE.c.student_key == student, CASE.c.account_id == account
        )
    ).one_or_none()
    if found is not None:
        return CaseKey(found.case_id, school, student, account, found.link_id), False
    link_id = new_id()
    sealed = vault.seal_student(connection, school, student, b"{}")
    case_id = connection.execute(
        CASE.insert()
        .values(school=school, student_key=student, account_id=account, link_id=link_id, sealed=sealed, created_at=now)
        .returning(CASE.c.case_id)
    ).scalar_one()
    return CaseKey(case_id, school, student, account, link_id), True


_PEOPLE = (
    "student_last_name", "student_first_name", "student_middle_name", "student_birth_date",
    "parent_last_name", "parent_first_name", "parent_middle_name", "email",
)  # fmt: skip


def _store_people(connection: Connection, case: CaseKey, row: RegisterRow, vault: Vault, *, is_new: bool) -> bool:
    """Seal who the row names, where that differs from what is sealed; tells whether it did."""
    people = {name: str(row.fields[name] or "") for name in _PEOPLE}
    sealed = connection.execute(sa.select(CASE.c.sealed).where(CASE.c.case_id == case.case_id)).scalar_one()
    if json.loads(vault.open_student(connection, case.school, case.student_key, sealed)) == people:
        return False
    plain = json.dumps(people, ensure_ascii=False).encode()
    resealed = vault.seal_student(connection, case.school, case.student_key, plain)
    connection.execute(CASE.update().where(CASE.c.case_id == case.case_id).values(sealed=resealed))
    return not is_new


NewFact = tuple[FactKind, datetime | None, Mapping[str, object]]


def _new_facts(row: RegisterRow, told: Mapping[FactKind, Fact], new_id: Callable[[], str]) -> list[NewFact]:
    """Return the facts that a row adds to what is told already; an empty detail takes a kind back. Pure but for ids."""
    added: list[NewFact] = []
    for kind, valid_at, detail in _facts_of(row):
        known = told.get(kind)
        if kind is FactKind.WITHDRAWAL and known is not None and _stands(known, row):
            continue
        if known is None:
            same = not detail
        else:
            was = {name: value for name, value in known.detail.items() if name != "consent_ref"}
            same = was == dict(detail) and (valid_at is None or known.valid_at == valid_at)
        if not same:
            reference = {"consent_ref": new_id()} if kind is FactKind.CONSENT and detail else {}
            added.append((kind, valid_at, {**detail, **reference}))
    return added


def _stands(withdrawal: Fact, row: RegisterRow) -> bool:
    """Tell whether a withdrawal that a person recorded outlives what a register says.

    A register that does not know of it must not revive the consent; only a registration after it does.
    """
    if withdrawal.detail.get("origin") != "person":
        return False
    registered, withdrawn = row.moment("registered_at"), row.moment("withdrawn_at")
    if withdrawn is not None:
        return withdrawal.valid_at <= withdrawn
    return registered is None or registered <= withdrawal.valid_at


def _iso(row: RegisterRow, column: str) -> str | None:
    day = row.day(column)
    return None if day is None else day.isoformat()


def _facts_of(row: RegisterRow) -> list[NewFact]:
    """Return all that a row says, kind by kind; empty detail: nothing of this kind."""
    identified, registered = row.moment("identified_at"), row.moment("registered_at")
    withdrawn = row.moment("withdrawn_at")
    signed = row.day("consent_signed_on")
    consent: dict[str, object] = {
        "text_version": row.text("consent_text_version"),
        "signed_on": _iso(row, "consent_signed_on"),
        "in_force_from": _iso(row, "in_force_from"),
        "in_force_to": _iso(row, "in_force_to"),
        "records_from": _iso(row, "records_from"),
        "records_to": _iso(row, "records_to"),
        "kinds": " ".join(sorted(row.text("kinds").split())),
    }
    restriction = {"from": _iso(row, "restricted_from"), "to": _iso(row, "restricted_to")}
    return [
        (FactKind.APPLICATION, row.moment("submitted_at"), {"relation": row.text("relation")}),
        (
            FactKind.IDENTIFICATION,
            identified,
            {
                "by": row.text("identified_by"),
                "document_kind": row.text("document_kind"),
                "authority_document": row.text("authority_document"),
            }
            if identified
            else {},
        ),
        (FactKind.CONSENT, None, consent if signed or row.text("consent_text_version") else {}),
        (FactKind.REGISTRATION, registered, {"by": row.text("registered_by")} if registered else {}),
        (FactKind.WITHDRAWAL, withdrawn, {"origin": "register"} if withdrawn else {}),
        (FactKind.RESTRICTION, None, restriction if any(restriction.values()) else {}),
    ]


def _add_fact(
    connection: Connection,
    case_id: int,
    kind: FactKind,
    valid_at: datetime,
    now: datetime,
    by: str,
    detail: Mapping[str, object],
) -> None:
    connection.execute(
        FACT.insert().values(
            case_id=case_id, kind=str(kind), valid_at=valid_at, recorded_at=now, recorded_by=by, detail=dict(detail)
        )
    )


def withdraw(
    connection: Connection,
    school: str,
    student_key: str,
    account_id: str,
    *,
    at: datetime,
    now: datetime,
    by: str,
) -> CaseEvent | None:
    """Record that a consent was withdrawn at `at`; None when it already was, by then or earlier.

    Raises BridgeError `link-unknown` or `withdrawal-ahead`.
    """
    if at > now:
        raise BridgeError("withdrawal-ahead", _AHEAD, {"at": at.isoformat(timespec="seconds")})
    gate(connection, school)
    of_student = states(connection, school, student_keys=[student_key])
    case = next((state for state in of_student if state.account_id == account_id), None)
    if case is None:
        parameters = {"school": school, "student": student_key, "account": account_id}
        raise BridgeError("link-unknown", _UNKNOWN_LINK, dict(parameters))
    if case.withdrawn_at is not None and case.withdrawn_at <= at:
        return None
    _add_fact(connection, case.case_id, FactKind.WITHDRAWAL, at, now, by, {"origin": "person"})
    return CaseEvent(school, case.link_id, "withdrawal", at, by)
