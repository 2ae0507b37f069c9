"""What people do to the registry: import a register, withdraw a consent; and the reads that decisions use.

Rules. Facts are only ever added. An import is all or nothing: one problem, and nothing is stored. A row is known by
school, student and account; the same row again adds nothing, a changed one adds the facts that record the change.
Names, documents and addresses are sealed, only their newest form is kept; a fact says which of them were corrected.
A withdrawal may be back-dated by a person, never dated ahead. Writers of one school wait for each other and for
the sender's intents (`database.gate`), so an intent stored after a withdrawal always knows it.
Deliberately not here: which student a row means (`matching`), what a row adds (`changes`).
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.changes import BY_PERSON, new_facts, people_of
from consent_registry.facts import CaseKey, CaseState, Fact, FactKind, newest, state_of
from consent_registry.matching import Identities, match_rows
from consent_registry.register_file import RegisterProblem, RegisterProblemsError, RegisterRow, row_warnings
from consent_registry.tables import CASE, FACT
from consent_registry.vault import StudentKey, Vault
from database import gate
from journal.wording import BridgeError, Wording

_CHUNK = 500

_E_DESTROYED = Wording(
    "данные этого ученика уничтожены, связь закрыта: удалите строку из реестра",
    "this student's data were destroyed, the link is closed: remove the row from the register",
)
_W_REOPENED = Wording(
    "отзыв снят: в реестре его больше нет. Если это не так, отзовите снова (dnevnik registry withdraw)",
    "the withdrawal is lifted: the register no longer has it. If that is wrong, withdraw again "
    "(dnevnik registry withdraw)",
)
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
    """How many rows were new, changed the registry, or were known as they are; and what was recorded.

    `warnings` are rows that were taken and that a person should look at.
    """

    new: int
    changed: int
    unchanged: int
    events: tuple[CaseEvent, ...] = ()
    warnings: tuple[RegisterProblem, ...] = ()


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
    of_school = CASE.c.school == school
    if known_at is not None:
        of_school = sa.and_(of_school, CASE.c.created_at <= known_at)
    if student_keys is None:
        return _states(connection, of_school, known_at)
    found: list[CaseState] = []
    for start in range(0, len(student_keys), _CHUNK):
        part = student_keys[start : start + _CHUNK]
        found += _states(connection, sa.and_(of_school, CASE.c.student_key.in_(part)), known_at)
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


@dataclass(slots=True)
class _Known:
    """What the registry holds of one case, and who it names (sealed)."""

    key: CaseKey
    sealed: bytes
    facts: list[Fact]


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
    matched = match_rows(rows, identities)
    if matched.problems:
        raise RegisterProblemsError(matched.problems)
    by_school: defaultdict[str, list[tuple[RegisterRow, str]]] = defaultdict(list)
    for row, student in matched.rows:
        by_school[row.text("school")].append((row, student))
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    events: list[CaseEvent] = []
    warnings = [*matched.warnings, *(warning for row, _ in matched.rows for warning in row_warnings(row))]
    for school in sorted(by_school):  # always in this order, so that two imports can't wait for each other
        gate(connection, school)
        entry = _Entry(connection, school, vault, new_id, now, by)
        entry.prepare(by_school[school])
        for row, student in by_school[school]:
            counts[entry.enter(row, student)] += 1
        entry.store()
        events += entry.events
        warnings += entry.warnings
    warnings.sort(key=lambda warning: warning.row)
    return ImportSummary(**counts, events=tuple(events), warnings=tuple(warnings))


class _Entry:
    """The entering of one school's rows: reads all it needs first, writes all of it last."""

    def __init__(
        self, connection: Connection, school: str, vault: Vault, new_id: Callable[[], str], now: datetime, by: str
    ) -> None:
        self.events: list[CaseEvent] = []
        self.warnings: list[RegisterProblem] = []
        self._connection, self._school, self._vault = connection, school, vault
        self._new_id, self._now, self._by = new_id, now, by
        self._keys: dict[str, StudentKey] = {}
        self._known: dict[tuple[str, str], _Known] = {}
        self._facts: list[dict[str, object]] = []
        self._resealed: list[dict[str, object]] = []

    def prepare(self, rows: Sequence[tuple[RegisterRow, str]]) -> None:
        """Read what is held of these students, and make the cases that are new."""
        students = sorted({student for _, student in rows})
        self._known = _known_cases(self._connection, self._school, students)
        self._keys = self._vault.student_keys(self._connection, self._school, students)
        destroyed = {student for student, _ in self._known} - self._keys.keys()
        if destroyed:
            raise RegisterProblemsError(
                [
                    RegisterProblem(row.number, "student_id", _E_DESTROYED)
                    for row, student in rows
                    if student in destroyed
                ]
            )
        without_key = set(students) - self._keys.keys()
        self._keys |= self._vault.make_student_keys(self._connection, self._school, without_key)
        self._open_cases([pair for pair in rows if (pair[1], pair[0].text("account_id")) not in self._known])

    def _open_cases(self, rows: Sequence[tuple[RegisterRow, str]]) -> None:
        values = [
            {
                "school": self._school,
                "student_key": student,
                "account_id": row.text("account_id"),
                "link_id": self._new_id(),
                "sealed": self._keys[student].seal(_plain(people_of(row))),
                "created_at": self._now,
            }
            for row, student in rows
        ]
        if not values:
            return
        insert = CASE.insert().returning(CASE.c.case_id, CASE.c.link_id, CASE.c.sealed, sort_by_parameter_order=True)
        for stored, (row, student) in zip(self._connection.execute(insert, values), rows, strict=True):
            account = row.text("account_id")
            key = CaseKey(stored.case_id, self._school, student, account, stored.link_id)
            self._known[student, account] = _Known(key, stored.sealed, [])

    def enter(self, row: RegisterRow, student: str) -> str:
        """Note what a row adds; tells whether the row was new, changed or unchanged."""
        known = self._known[student, row.text("account_id")]
        told = newest(known.facts)
        people = people_of(row)
        held = json.loads(self._keys[student].open(known.sealed))
        added = new_facts(row, told, self._new_id)
        if held != people:
            changed = sorted(name for name in people if held.get(name) != people[name])
            added.append((FactKind.PEOPLE, None, {"changed": changed}))
            sealed = self._keys[student].seal(_plain(people))
            self._resealed.append({"resealed_case": known.key.case_id, "resealed": sealed})
        for kind, at, detail in added:
            self._facts.append(_fact_values(known.key.case_id, kind, at or self._now, self._now, self._by, detail))
            self.events.append(CaseEvent(self._school, known.key.link_id, str(kind), at or self._now, self._by))
            if kind is FactKind.WITHDRAWAL and not detail:
                self.warnings.append(RegisterProblem(row.number, "withdrawn_at", _W_REOPENED))
        return "new" if not known.facts else "changed" if added else "unchanged"

    def store(self) -> None:
        """Write what was noted."""
        if self._facts:
            self._connection.execute(FACT.insert(), self._facts)
        if self._resealed:
            update = CASE.update().where(CASE.c.case_id == sa.bindparam("resealed_case"))
            self._connection.execute(update.values(sealed=sa.bindparam("resealed")), self._resealed)


def _known_cases(connection: Connection, school: str, students: Sequence[str]) -> dict[tuple[str, str], _Known]:
    known: dict[tuple[str, str], _Known] = {}
    for start in range(0, len(students), _CHUNK):
        which = sa.and_(CASE.c.school == school, CASE.c.student_key.in_(students[start : start + _CHUNK]))
        facts = _facts(connection, which)
        for row in connection.execute(sa.select(CASE).where(which)):
            key = CaseKey(row.case_id, school, row.student_key, row.account_id, row.link_id)
            known[row.student_key, row.account_id] = _Known(key, row.sealed, facts[row.case_id])
    return known


def _plain(people: Mapping[str, str]) -> bytes:
    return json.dumps(people, ensure_ascii=False).encode()


def _fact_values(
    case_id: int, kind: FactKind, valid_at: datetime, now: datetime, by: str, detail: Mapping[str, object]
) -> dict[str, object]:
    return {
        "case_id": case_id,
        "kind": str(kind),
        "valid_at": valid_at,
        "recorded_at": now,
        "recorded_by": by,
        "detail": dict(detail),
    }


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

    Raises BridgeError `link-unknown` or `withdrawal-ahead`; ValueError for a naive moment.
    """
    if at.tzinfo is None or now.tzinfo is None:
        raise ValueError("a moment needs a time zone")
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
    detail = {"origin": BY_PERSON}
    connection.execute(FACT.insert(), [_fact_values(case.case_id, FactKind.WITHDRAWAL, at, now, by, detail)])
    return CaseEvent(school, case.link_id, "withdrawal", at, by)
