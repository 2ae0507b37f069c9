"""How an application becomes a case: a person chooses the student, and later registers the consent.

Rules. A person names the student, one that the school has. One account is one person: an account that somebody else
uses is refused, and so is the same parent a second time for the same student. The link records in the case what the
application brings, its facts carrying the application's reference; linked anew to another student, or closed before
it was registered, they are taken back. The claim is sealed under the student's key, and its own key is destroyed.
A registration registers the consents that wait in the case; who identified may not register with `two_persons`.
Deliberately not here: proposals, consents (`acts`), the order of steps (`procedure`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.acts import Actor, register_consents
from consent_registry.applications.claims import Claim, key_owner, open_claim, store_claim
from consent_registry.applications.holders import sharing_of
from consent_registry.applications.procedure import ApplicationState, Evidence, Step
from consent_registry.applications.sharing import MEANINGS
from consent_registry.applications.store import history, lawful_step, of_account, open_application, record_step
from consent_registry.fact_store import CaseEvent, CaseFacts, NewFact, add_facts, case_facts, case_of
from consent_registry.facts import FactKind, consents_of, counting
from consent_registry.sealed.account_refs import account_ref
from consent_registry.sealed.vault import StudentKey, Vault, destroy_student_key
from consent_registry.tables import CASE
from journal.school import StudentIdentity
from journal.wording import BridgeError, Wording

_UNKNOWN_STUDENT = Wording(
    ru="Заявление {reference}: в базе школы {school} нет ученика {student}. Проверьте номер ученика",
    en="Application {reference}: the database of school {school} has no student {student}. Check the student's id",
)
_DESTROYED = Wording(
    ru="Заявление {reference}: данные ученика {student} уничтожены, новых связей у него не бывает. Отклоните заявление",
    en="Application {reference}: the data of student {student} were destroyed, it takes no new links. Reject it",
)
_TWICE = Wording(
    ru="Заявление {reference}: эта учётная запись уже подала на ученика {student} заявление {other}. Отклоните одно из "
    "них",
    en="Application {reference}: this account applied for student {student} already, by {other}. Reject one of the two",
)
_LINKED = Wording(
    ru="Заявление {reference}: эта учётная запись уже связана с учеником {student}. Отклоните заявление",
    en="Application {reference}: this account is linked to student {student} already. Reject the application",
)


@dataclass(frozen=True, slots=True)
class _Linking:
    """One link under way: who and when, and the student with their key."""

    state: ApplicationState
    student: StudentIdentity
    key: StudentKey
    moment: datetime
    by: str


def link(
    connection: Connection,
    reference: str,
    student_key: str,
    *,
    students: Sequence[StudentIdentity],
    at: datetime | None,
    vault: Vault,
    new_id: Callable[[], str],
    actor: Actor,
) -> tuple[CaseEvent, ...]:
    """Record that a person chose the student (one of the school's `students`) whom an application means.

    Raises BridgeError `student-unknown`, `student-destroyed`, `applied-twice`, `account-shared`, `parent-twice`,
    `application-…`.
    """
    state, moment = open_application(connection, reference, actor.now)
    taken_on = moment.astimezone(actor.timezone).date()
    taken = lawful_step(
        state,
        Step.LINKED,
        at=at or moment,
        by=actor.by,
        now=moment,
        today=taken_on,
        evidence=Evidence(student_chosen=bool(student_key)),
    )
    student = next((one for one in students if one.student_key == student_key), None)
    if student is None:
        raise _refused(state, "student-unknown", _UNKNOWN_STUDENT, student_key)
    _refuse_twice(connection, state, student_key, moment, taken_on)
    if state.student_key == student_key:  # chosen before, and chosen again: the case has it all
        return (record_step(connection, state.key, taken, _detail(student_key, state.case_id), recorded_at=moment),)
    claim = open_claim(connection, state, vault)
    _refuse_sharing(connection, state, claim, student_key, vault=vault, now=moment, timezone=actor.timezone)
    key = _student_key(connection, state, student_key, vault)
    taken_back = take_back(connection, state, vault=vault, moment=moment, by=actor.by)
    linking = _Linking(state, student, key, moment, actor.by)
    case, events = _bring(connection, linking, claim, new_id)
    store_claim(connection, state, claim, key)
    destroy_student_key(connection, state.key.school, key_owner(state.key.reference, None))
    event = record_step(connection, state.key, taken, _detail(student_key, case.key.case_id), recorded_at=moment)
    return (event, *taken_back, *events)


def _detail(student_key: str, case_id: int | None) -> dict[str, object]:
    return {"student_key": student_key, "case_id": case_id}


def _refused(state: ApplicationState, code: str, wording: Wording, student: str, **more: object) -> BridgeError:
    told = {"reference": state.key.reference, "school": state.key.school, "student": student}
    return BridgeError(code, wording, {**told, **more})


def _refuse_twice(
    connection: Connection, state: ApplicationState, student_key: str, now: datetime, today: date
) -> None:
    """Refuse a student for whom this account has a consent in force or to come, or another application."""
    others = [
        other
        for other in of_account(connection, state.key.school, state.key.account_id)
        if other.stage is Step.LINKED and other.student_key == student_key and other.key != state.key
    ]
    if others:
        raise _refused(state, "applied-twice", _TWICE, student_key, other=others[0].key.reference)
    case = case_of(connection, state.key.school, student_key, state.key.account_id)
    held = None if case is None else case.at(now)
    if held is None or held.consent_ref is None or held.registered_at is None:
        return
    if held.withdrawn_at is not None or held.ended_at is not None:
        return
    if held.in_force_to is None or today <= held.in_force_to:
        raise _refused(state, "applied-twice", _LINKED, student_key)


def _refuse_sharing(
    connection: Connection,
    state: ApplicationState,
    claim: Claim,
    student_key: str,
    *,
    vault: Vault,
    now: datetime,
    timezone: tzinfo,
) -> None:
    """Refuse an account that is another person's, and a parent who has another account to this student."""
    found = sharing_of(connection, state, claim, student_key, vault=vault, now=now, timezone=timezone)
    worst = min((finding for finding in found if finding.is_problem), default=None)
    if worst is not None:
        meaning = MEANINGS[worst]
        wording = Wording(f"Заявление {{reference}}: {meaning.ru}", f"Application {{reference}}: {meaning.en}")
        raise _refused(state, str(worst), wording, student_key)


def _student_key(connection: Connection, state: ApplicationState, student_key: str, vault: Vault) -> StudentKey:
    """Return the student's key, made where they have no case yet. Raises BridgeError `student-destroyed`."""
    school = state.key.school
    found = vault.student_keys(connection, school, [student_key]).get(student_key)
    if found is not None:
        return found
    if case_facts(connection, school, [student_key]):
        raise _refused(state, "student-destroyed", _DESTROYED, student_key)
    return vault.make_student_keys(connection, school, [student_key])[student_key]


def _bring(
    connection: Connection, linking: _Linking, claim: Claim, new_id: Callable[[], str]
) -> tuple[CaseFacts, list[CaseEvent]]:
    """Make or find the case, and record in it what the application says and how its parent was identified."""
    key, student = linking.state.key, linking.student
    people = claim.people(student)
    case = case_of(connection, key.school, student.student_key, key.account_id)
    facts = _facts_of(connection, linking.state)
    if case is None:
        values = {
            "school": key.school,
            "student_key": student.student_key,
            "account_id": key.account_id,
            "account_ref": account_ref(linking.key, key.account_id),
            "link_id": new_id(),
            "sealed": linking.key.seal(_plain(people)),
            "created_at": linking.moment,
        }
        connection.execute(CASE.insert().values(**values))
        case = case_of(connection, key.school, student.student_key, key.account_id)
        assert case is not None  # noqa: S101  it was stored in this transaction
    else:
        facts += _renew_people(connection, case, people, linking)
    add_facts(
        connection,
        [(case.key.case_id, fact) for fact in facts],
        recorded_at=linking.moment,
        recorded_by=linking.by,
    )
    link_id = case.key.link_id
    return case, [CaseEvent(key.school, link_id, str(fact.kind), fact.valid_at, linking.by) for fact in facts]


def _facts_of(connection: Connection, state: ApplicationState) -> list[NewFact]:
    """Return what an application brings to its case."""
    reference = state.key.reference
    application = {"relation": str(state.relation), "origin": str(state.key.origin), "application": reference}
    identified = next(fact for fact in reversed(history(connection, reference)) if fact.step is Step.IDENTIFIED)
    return [
        NewFact(FactKind.APPLICATION, state.submitted_at, application),
        NewFact(FactKind.IDENTIFICATION, identified.valid_at, {**identified.detail, "application": reference}),
    ]


def _renew_people(
    connection: Connection, case: CaseFacts, people: Mapping[str, str], linking: _Linking
) -> list[NewFact]:
    """Keep the newest form of who they are, and return the fact that says which of it changed."""
    sealed = connection.execute(sa.select(CASE.c.sealed).where(CASE.c.case_id == case.key.case_id)).scalar_one()
    held = json.loads(linking.key.open(sealed))
    changed = sorted(name for name in people if held.get(name) != people[name])
    if not changed:
        return []
    _seal_people(connection, case.key.case_id, people, linking.key)
    return [NewFact(FactKind.PEOPLE, linking.moment, {"changed": changed})] if held else []


def _seal_people(connection: Connection, case_id: int, people: Mapping[str, str], key: StudentKey) -> None:
    connection.execute(CASE.update().where(CASE.c.case_id == case_id).values(sealed=key.seal(_plain(people))))


def _plain(people: Mapping[str, str]) -> bytes:
    return json.dumps(people, ensure_ascii=False).encode()


def take_back(
    connection: Connection, state: ApplicationState, *, vault: Vault, moment: datetime, by: str
) -> tuple[CaseEvent, ...]:
    """Take back the facts that an application's link brought to its case; nothing where it is not linked.

    A case that nothing else was recorded of forgets who they are.
    """
    if state.student_key is None:
        return ()
    case = case_of(connection, state.key.school, state.student_key, state.key.account_id)
    brought = (
        [fact for fact in counting(case.facts) if fact.detail.get("application") == state.key.reference] if case else []
    )
    if case is None or not brought:
        return ()
    undone = NewFact(FactKind.APPLICATION, moment, {}, tuple(fact.fact_id for fact in brought))
    add_facts(connection, [(case.key.case_id, undone)], recorded_at=moment, recorded_by=by)
    key = vault.student_keys(connection, state.key.school, [state.student_key]).get(state.student_key)
    if key is not None and len(counting(case.facts)) == len(brought):
        _seal_people(connection, case.key.case_id, {}, key)
    return (CaseEvent(state.key.school, case.key.link_id, "application-taken-back", moment, by),)


def register(connection: Connection, reference: str, *, two_persons: bool, actor: Actor) -> tuple[CaseEvent, ...]:
    """Register an application and the consents that wait in its case, now.

    Raises BridgeError `application-…`, and what `acts.register_consents` raises.
    """
    state, moment = open_application(connection, reference, actor.now)
    student = state.student_key or ""
    case = case_of(connection, state.key.school, student, state.key.account_id)
    consents = consents_of(counting(case.facts)) if case is not None else []
    waiting = [consent for consent in consents if consent.registered_at is None]
    taken = lawful_step(
        state,
        Step.REGISTERED,
        at=moment,
        by=actor.by,
        now=moment,
        today=moment.astimezone(actor.timezone).date(),
        two_persons=two_persons,
        evidence=Evidence(consent=bool(waiting)),
    )
    registered = register_consents(
        connection, state.key.school, student, state.key.account_id, two_persons=two_persons, actor=actor
    )
    detail = {"by": actor.by, "consents": [consent.consent_ref for consent in waiting]}
    return (record_step(connection, state.key, taken, detail, recorded_at=moment), registered)
