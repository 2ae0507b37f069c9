"""Takes a register of people and consents in: all of it or nothing.

Rules. Facts are only ever added. One problem, and nothing is stored. A row is known by school, student and account;
the same row again adds nothing, a changed one adds the facts that record the change. Names, documents and addresses
are sealed, only their newest form is kept; a fact says which of them were corrected.
Deliberately not here: which student a row means (`matching`), what a row adds (`changes`), what single acts of a
person record (`acts`, `applications`).
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.fact_store import CaseEvent, NewFact, add_facts, advance_clock, case_facts
from consent_registry.facts import CaseKey, Fact, FactKind, state_of
from consent_registry.register.changes import Entering, new_facts, people_of
from consent_registry.register.checks import HeldPeople, check_rows
from consent_registry.register.file import RegisterProblem, RegisterProblemsError, RegisterRow, row_warnings
from consent_registry.register.matching import Identities, match_rows
from consent_registry.sealed.account_refs import account_ref
from consent_registry.sealed.lookup import Purpose, replace_for_case
from consent_registry.sealed.staff import enter_staff
from consent_registry.sealed.vault import StudentKey, Vault
from consent_registry.tables import CASE
from journal.wording import Wording

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
_W_AHEAD = Wording(
    "отзыв датирован будущим: до этого времени данные передаются",
    "the withdrawal is dated ahead: until then data are sent",
)


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


def import_register(
    connection: Connection,
    rows: Sequence[RegisterRow],
    *,
    identities: Identities,
    vault: Vault,
    new_id: Callable[[], str],
    now: datetime,
    by: str,
    timezone: tzinfo,
    texts: Collection[str] | None = None,
    problems: Sequence[RegisterProblem] = (),
) -> ImportSummary:
    """Bring the registry to what a register says. Raises RegisterProblemsError; then nothing is stored.

    `by`: who imports, by name; `timezone`: the installation's, in which its days are; `texts`: the consent texts that
    there are, None: any; `problems`: what is wrong with the form of the rows, told together with all else.
    """
    matched = match_rows(rows, identities)
    told = {(problem.row, problem.column) for problem in problems}
    sound = [(row, student) for row, student in matched.rows if (row.number, "account_id") not in told]
    held, destroyed = _held_people(connection, vault, sound, now)
    wrong, doubts = check_rows(rows, sound, held, texts=texts, now=now, today=now.astimezone(timezone).date())
    gone = [
        RegisterProblem(row.number, "student_id", _E_DESTROYED)
        for row, student in sound
        if (row.text("school"), student) in destroyed
    ]
    # A field that can't be read is told once, as such: that it names no school or no student follows from it.
    further = [problem for problem in (*matched.problems, *gone, *wrong) if (problem.row, problem.column) not in told]
    if problems or further:
        every = dict.fromkeys([*problems, *further])
        raise RegisterProblemsError(sorted(every, key=lambda problem: problem.row))
    by_school: defaultdict[str, list[tuple[RegisterRow, str]]] = defaultdict(list)
    for row, student in matched.rows:
        by_school[row.text("school")].append((row, student))
    named = {by, *(row.text(column) for row, _ in matched.rows for column in ("identified_by", "registered_by"))}
    staff = enter_staff(connection, vault, sorted(named - {""}))
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    events: list[CaseEvent] = []
    warnings = [*matched.warnings, *doubts, *(warning for row, _ in matched.rows for warning in row_warnings(row))]
    for school in sorted(by_school):  # always in this order, so that two imports can't wait for each other
        moment = advance_clock(connection, school, now)
        entry = _Entry(connection, school, vault, Entering(moment, timezone, staff, new_id), staff[by])
        entry.prepare(by_school[school])
        for row, student in by_school[school]:
            counts[entry.enter(row, student)] += 1
        entry.store()
        events += entry.events
        warnings += entry.warnings
    warnings.sort(key=lambda warning: warning.row)
    return ImportSummary(**counts, events=tuple(events), warnings=tuple(warnings))


@dataclass(slots=True)
class _Known:
    """What the registry holds of one case, and who it names (sealed)."""

    key: CaseKey
    sealed: bytes
    facts: Sequence[Fact]


class _Entry:
    """The entering of one school's rows: reads all it needs first, writes all of it last."""

    def __init__(self, connection: Connection, school: str, vault: Vault, entering: Entering, by: str) -> None:
        self.events: list[CaseEvent] = []
        self.warnings: list[RegisterProblem] = []
        self._connection, self._school, self._vault = connection, school, vault
        self._entering, self._by = entering, by
        self._keys: dict[str, StudentKey] = {}
        self._known: dict[tuple[str, str], _Known] = {}
        self._facts: list[tuple[int, NewFact]] = []
        self._people: dict[int, Mapping[str, str]] = {}
        self._resealed: list[dict[str, object]] = []

    def prepare(self, rows: Sequence[tuple[RegisterRow, str]]) -> None:
        """Read what is held of these students, and make the cases that are new."""
        students = sorted({student for _, student in rows})
        self._known = _known_cases(self._connection, self._school, students)
        self._keys = self._vault.student_keys(self._connection, self._school, students)
        destroyed = {student for student, _ in self._known} - self._keys.keys()
        if destroyed:
            gone = [row.number for row, student in rows if student in destroyed]
            raise RegisterProblemsError([RegisterProblem(number, "student_id", _E_DESTROYED) for number in gone])
        without_key = set(students) - self._keys.keys()
        self._keys |= self._vault.make_student_keys(self._connection, self._school, without_key)
        self._open_cases([pair for pair in rows if (pair[1], pair[0].text("account_id")) not in self._known])

    def _open_cases(self, rows: Sequence[tuple[RegisterRow, str]]) -> None:
        values = [
            {
                "school": self._school,
                "student_key": student,
                "account_id": row.text("account_id"),
                "account_ref": account_ref(self._keys[student], row.text("account_id")),
                "link_id": self._entering.new_id(),
                "sealed": self._keys[student].seal(plain_people(people_of(row))),
                "created_at": self._entering.now,
            }
            for row, student in rows
        ]
        if not values:
            return
        insert = CASE.insert().returning(CASE.c.case_id, CASE.c.link_id, CASE.c.sealed, sort_by_parameter_order=True)
        stored_rows = self._connection.execute(insert, values)
        for stored, given, (row, student) in zip(stored_rows, values, rows, strict=True):
            account = row.text("account_id")
            key = CaseKey(stored.case_id, self._school, student, account, stored.link_id, str(given["account_ref"]))
            self._known[student, account] = _Known(key, stored.sealed, [])
            self._people[stored.case_id] = people_of(row)

    def enter(self, row: RegisterRow, student: str) -> str:
        """Note what a row adds; tells whether the row was new, changed or unchanged."""
        known = self._known[student, row.text("account_id")]
        now = self._entering.now
        people = people_of(row)
        held = json.loads(self._keys[student].open(known.sealed))
        added = new_facts(row, known.facts, self._entering)
        if held != people:
            changed = sorted(name for name in people if held.get(name) != people[name])
            added.append(NewFact(FactKind.PEOPLE, now, {"changed": changed}))
            sealed = self._keys[student].seal(plain_people(people))
            self._resealed.append({"resealed_case": known.key.case_id, "resealed": sealed})
            self._people[known.key.case_id] = people
        self._facts += [(known.key.case_id, fact) for fact in added]
        self.events += [
            CaseEvent(self._school, known.key.link_id, str(fact.kind), fact.valid_at, self._by) for fact in added
        ]
        self._warn(row, known, added)
        return "new" if not known.facts else "changed" if added else "unchanged"

    def _warn(self, row: RegisterRow, known: _Known, added: Sequence[NewFact]) -> None:
        now = self._entering.now
        withdrawn = row.moment("withdrawn_at")
        if withdrawn is not None and withdrawn > now:
            self.warnings.append(RegisterProblem(row.number, "withdrawn_at", _W_AHEAD))
        if not added or not known.facts:
            return
        before = state_of(known.key, known.facts, now).withdrawn_at
        after = state_of(known.key, [*known.facts, *_as_recorded(added, known.facts, now)], now).withdrawn_at
        if before is not None and after is None:
            self.warnings.append(RegisterProblem(row.number, "withdrawn_at", _W_REOPENED))

    def store(self) -> None:
        """Write what was noted."""
        add_facts(self._connection, self._facts, recorded_at=self._entering.now, recorded_by=self._by)
        if self._resealed:
            update = CASE.update().where(CASE.c.case_id == sa.bindparam("resealed_case"))
            self._connection.execute(update.values(sealed=sa.bindparam("resealed")), self._resealed)
        for case_id, people in self._people.items():
            replace_for_case(self._connection, self._vault, self._school, case_id, found_by(people))


def _as_recorded(added: Sequence[NewFact], known: Sequence[Fact], now: datetime) -> list[Fact]:
    """Return new facts as they will read once they are recorded."""
    first = max(fact.fact_id for fact in known) + 1
    return [
        Fact(first + place, fact.kind, fact.valid_at, now, "", fact.detail, fact.corrects)
        for place, fact in enumerate(added)
    ]


def _held_people(
    connection: Connection, vault: Vault, rows: Sequence[tuple[RegisterRow, str]], now: datetime
) -> tuple[list[HeldPeople], set[tuple[str, str]]]:
    """Return whom the cases name that the rows' accounts, or their students, already have.

    And the students, by school and key, whose data were destroyed: no one is named there any more.
    """
    held: list[HeldPeople] = []
    destroyed: set[tuple[str, str]] = set()
    by_school: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for row, student in rows:
        by_school[row.text("school")].append((student, row.text("account_id")))
    for school, pairs in by_school.items():
        accounts = sorted({account for _, account in pairs})
        students = {student for student, _ in pairs}
        for start in range(0, len(accounts), _CHUNK):
            of_these = CASE.c.account_id.in_(accounts[start : start + _CHUNK])
            query = sa.select(CASE.c.student_key).where(CASE.c.school == school, of_these)
            students |= set(connection.execute(query).scalars())
        keys = vault.student_keys(connection, school, students)
        for (student, account), case in _known_cases(connection, school, sorted(students)).items():
            if student not in keys:
                destroyed.add((school, student))
            else:
                state = state_of(case.key, case.facts, now)
                undone = [moment for moment in (state.withdrawn_at, state.ended_at) if moment is not None]
                people = json.loads(keys[student].open(case.sealed))
                held.append(HeldPeople(school, student, account, people, live=not any(m <= now for m in undone)))
    return held, destroyed


def _known_cases(connection: Connection, school: str, students: Sequence[str]) -> dict[tuple[str, str], _Known]:
    sealed: dict[int, bytes] = {}
    for start in range(0, len(students), _CHUNK):
        which = sa.and_(CASE.c.school == school, CASE.c.student_key.in_(students[start : start + _CHUNK]))
        sealed |= {row.case_id: row.sealed for row in connection.execute(sa.select(CASE).where(which))}
    return {
        (case.key.student_key, case.key.account_id): _Known(case.key, sealed[case.key.case_id], case.facts)
        for case in case_facts(connection, school, students)
    }


def found_by(people: Mapping[str, str]) -> list[tuple[Purpose, Sequence[str]]]:
    """Return what a case is found by."""
    parent = [people["parent_last_name"], people["parent_first_name"]]
    student = [people[f"student_{name}"] for name in ("last_name", "first_name", "birth_date")]
    return [
        (Purpose.EMAIL, [people["email"]]),
        *(
            [(Purpose.PARENT_NAME, parent), (Purpose.PARENT_NAME, [*parent, people["parent_middle_name"]])]
            if all(parent)
            else []
        ),
        *([(Purpose.STUDENT, student)] if all(student) else []),
    ]


def plain_people(people: Mapping[str, str]) -> bytes:
    """Return a case's people as they are sealed."""
    return json.dumps(people, ensure_ascii=False).encode()
