"""A student's data in the registry: what there is of them, and its destruction, in one transaction of the caller.

Rules. What belongs to a student: the key, the cases with all their facts, scans and requests, the applications that
were linked to the student, and those of the same accounts that came to nothing but named the student; with them
everything by which these can be found. Where an account has nothing else here, no case of another student and no
application that is undecided, all that came to nothing goes too: then the account's id is nowhere any more. It goes as
a whole. Facts are append-only, so the rows that may go are named
first (`erasure_permit`), and the database lets go of these alone. Zeros stand where rows stood (SQLite).
A *mark* is derived from a destroyed key: whoever has the key can make it, and nobody else, so a backup that is put
back knows by it what is to be destroyed again, and no list of names and birth dates finds anything by it.
Deliberately not here: whether data may be destroyed (`erasure_rules`), the ledger of the portal (`delivery.erasing`).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.applications.claims import key_owner
from consent_registry.applications.procedure import ENDINGS, ApplicationState, Step
from consent_registry.applications.store import of_account
from consent_registry.sealed.lookup import Purpose, find, forget_application, forget_case
from consent_registry.sealed.vault import StudentKey, Vault, destroy_student_key
from consent_registry.tables import (
    APPLICATION,
    CASE,
    ERASURE_PERMIT,
    FACT,
    PORTAL_SEQUENCE,
    REPORT,
    REQUEST,
    SCAN,
    STEP,
    STUDENT_KEY,
)

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Belongings:
    """What the registry keeps of one student: numbers of rows, owners of keys.

    `people` and `accounts` of each case, in the order of `cases`; never shown. No `people` where the key is gone.
    """

    school: str
    student: str
    cases: tuple[int, ...]
    applications: tuple[ApplicationState, ...]
    keys: Mapping[str, StudentKey] = field(repr=False)
    people: tuple[Mapping[str, str], ...] = field(repr=False)
    accounts: tuple[str, ...] = field(repr=False, default=())

    @property
    def anything(self) -> bool:
        """Tell whether there is anything of the student."""
        return bool(self.cases or self.applications or self.keys)

    @property
    def birth_date(self) -> date | None:
        """The student's birth date, as the school told it last."""
        told = [people["student_birth_date"] for people in self.people if people.get("student_birth_date")]
        return date.fromisoformat(told[-1]) if told else None

    @property
    def marks(self) -> list[str]:
        """What the keys that are destroyed are known by, in the audit log and to a backup."""
        return sorted(mark_of(key) for key in self.keys.values())


def mark_of(key: StudentKey) -> str:
    """Return the mark of a key: 64 hexadecimal digits that say nothing to whoever lacks the key."""
    return key.derive("erasure").hex()


def belongings(connection: Connection, vault: Vault, school: str, student: str) -> Belongings:
    """Return what the registry keeps of a student. Raises BridgeError `sealed-unreadable`, `master-key-rotated`."""
    rows = connection.execute(
        sa.select(CASE).where(CASE.c.school == school, CASE.c.student_key == student).order_by(CASE.c.case_id)
    ).all()
    own = vault.student_keys(connection, school, [student]).get(student)
    people: list[Mapping[str, str]] = [json.loads(own.open(row.sealed)) for row in rows] if own else []
    applied = _applications(connection, vault, school, student, people, {row.account_id for row in rows})
    owners = [student, *(key_owner(one.key.reference, one.student_key) for one in applied)]
    return Belongings(
        school,
        student,
        tuple(row.case_id for row in rows),
        tuple(applied),
        vault.student_keys(connection, school, owners),
        tuple(people),
        tuple(row.account_id for row in rows),
    )


def _applications(
    connection: Connection,
    vault: Vault,
    school: str,
    student: str,
    people: Sequence[Mapping[str, str]],
    accounts: Iterable[str],
) -> list[ApplicationState]:
    """Return the applications that were linked to the student, and those of the same accounts that only named them.

    Of an account that has nothing else here, all that are over.
    """
    naming: set[int | None] = set()
    for one in people:
        named = (one.get("student_last_name", ""), one.get("student_first_name", ""), one.get("student_birth_date", ""))
        if all(named):
            naming |= {found.application_id for found in find(connection, vault, Purpose.STUDENT, named, school=school)}
    found: list[ApplicationState] = []
    for account in sorted(set(accounts)):
        applied = of_account(connection, school, account)
        theirs = [
            state
            for state in applied
            if state.student_key == student or (state.student_key is None and state.key.application_id in naming)
        ]
        rest = [state for state in applied if state not in theirs]
        others = sa.exists().where(CASE.c.school == school, CASE.c.account_id == account, CASE.c.student_key != student)
        elsewhere = any(not _came_to_nothing(state) for state in rest) or connection.scalar(sa.select(others))
        found += theirs if elsewhere else applied
    return found


def _came_to_nothing(state: ApplicationState) -> bool:
    return state.student_key is None and state.stage in ENDINGS


def undecided(held: Belongings) -> int:
    """Count the applications that are neither registered nor over."""
    return sum(one.stage not in ENDINGS | {Step.REGISTERED} for one in held.applications)


def waiting_reports(connection: Connection, held: Belongings) -> int:
    """Count the words to parents that the portal was not told yet."""
    numbers = [one.key.application_id for one in held.applications]
    waiting = sa.select(sa.func.count()).select_from(REPORT).where(REPORT.c.state == "waiting")
    return int(connection.scalar(waiting.where(REPORT.c.application_id.in_(numbers))) or 0)


def destroy(connection: Connection, held: Belongings) -> dict[str, int]:
    """Destroy all of it; returns how much of each sort was destroyed. Needs a transaction of `database.writing`."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")  # zeros where a row stood, not just a free place
    numbers = [one.key.application_id for one in held.applications]
    _keep_sequence(connection, held, numbers)
    permits = [{"owner": "case", "number": number} for number in held.cases]
    permits += [{"owner": "application", "number": number} for number in numbers]
    if permits:
        connection.execute(ERASURE_PERMIT.insert(), permits)
    for case in held.cases:
        forget_case(connection, case)
    for number in numbers:
        forget_application(connection, number)
    counts = {
        "scans": _gone(connection, SCAN.c.case_id, held.cases),
        "facts": _gone(connection, FACT.c.case_id, held.cases),
        "requests": _gone(connection, REQUEST.c.case_id, held.cases),
        "steps": _gone(connection, STEP.c.application_id, numbers),
        "reports": _gone(connection, REPORT.c.application_id, numbers),
        "applications": _gone(connection, APPLICATION.c.application_id, numbers),
        "cases": _gone(connection, CASE.c.case_id, held.cases),
        "keys": sum(destroy_student_key(connection, held.school, owner) for owner in sorted(held.keys)),
    }
    connection.execute(ERASURE_PERMIT.delete())
    return counts


def _gone(connection: Connection, column: sa.Column[int], numbers: Sequence[int]) -> int:
    """Delete the rows of these owners; returns how many went."""
    parts = (numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE))
    return sum(connection.execute(sa.delete(column.table).where(column.in_(part))).rowcount for part in parts)


def _keep_sequence(connection: Connection, held: Belongings, numbers: Sequence[int]) -> None:
    """Remember how far the portal's applications were taken, or it would hand the erased one over again."""
    newest = connection.scalar(
        sa.select(sa.func.max(APPLICATION.c.sequence)).where(APPLICATION.c.application_id.in_(numbers))
    )
    if newest is None:
        return
    kept = connection.scalar(sa.select(PORTAL_SEQUENCE.c.sequence).where(PORTAL_SEQUENCE.c.school == held.school))
    if kept is None:
        connection.execute(PORTAL_SEQUENCE.insert().values(school=held.school, sequence=newest))
    elif newest > kept:
        connection.execute(
            PORTAL_SEQUENCE.update().where(PORTAL_SEQUENCE.c.school == held.school).values(sequence=newest)
        )


def marked(connection: Connection, vault: Vault, marks: set[str]) -> list[tuple[str, str]]:
    """Return whose keys (school, owner) bear one of these marks: a backup that was put back has them again."""
    found: list[tuple[str, str]] = []
    owners = connection.execute(sa.select(STUDENT_KEY.c.school, STUDENT_KEY.c.student_key)).all()
    for school in sorted({row.school for row in owners}):
        keys = vault.student_keys(connection, school, [row.student_key for row in owners if row.school == school])
        found += [(school, owner) for owner, key in keys.items() if mark_of(key) in marks]
    return found
