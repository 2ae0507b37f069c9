"""Whether an application's account is another person's, or its parent has another account to the student already.

Rules. Seen against every case of this account in the school, and every case of the student; who these name is opened
for the comparison alone. Deliberately not here: what counts as the same person (`sharing`), what follows (`linking`).
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, tzinfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.applications.claims import Claim
from consent_registry.applications.procedure import ApplicationState, Step
from consent_registry.applications.sharing import (
    AccountHolder,
    HeldLink,
    SharingFinding,
    parents_twice,
    shared_accounts,
)
from consent_registry.applications.store import history
from consent_registry.fact_store import case_facts
from consent_registry.facts import CaseState, FactKind, counting, of_kind
from consent_registry.sealed.vault import Vault
from consent_registry.tables import CASE


def sharing_of(
    connection: Connection,
    state: ApplicationState,
    claim: Claim,
    student_key: str,
    *,
    vault: Vault,
    now: datetime,
    timezone: tzinfo,
) -> frozenset[SharingFinding]:
    """Return what is wrong, or to be looked at, when this application is linked to this student."""
    held = _held_links(connection, state, student_key, vault, now, timezone)
    parent = (claim.parent_last_name, claim.parent_first_name, claim.parent_middle_name, claim.email)
    shown = next(step for step in reversed(history(connection, state.key.reference)) if step.step is Step.IDENTIFIED)
    holder = AccountHolder(state.key.account_id, *parent, _documents([shown.detail]))
    links = [*held, HeldLink(student_key, holder, live=True)]
    found = [*shared_accounts([link.holder for link in links]), *parents_twice(links)]
    return frozenset(one.finding for one in found if one.place == len(held))


def _held_links(
    connection: Connection,
    state: ApplicationState,
    student_key: str,
    vault: Vault,
    now: datetime,
    timezone: tzinfo,
) -> list[HeldLink]:
    school = state.key.school
    which = sa.and_(
        CASE.c.school == school, sa.or_(CASE.c.account_id == state.key.account_id, CASE.c.student_key == student_key)
    )
    rows = connection.execute(sa.select(CASE).where(which).order_by(CASE.c.case_id)).all()
    students = sorted({row.student_key for row in rows})
    keys = vault.student_keys(connection, school, students)
    today = now.astimezone(timezone).date()
    cases = {case.key.case_id: case for case in case_facts(connection, school, students)}
    live = {number for number, case in cases.items() if counting(case.facts) and _is_live(case.at(now), today)}
    shown = {
        number: _documents(fact.detail for fact in of_kind(counting(case.facts), FactKind.IDENTIFICATION))
        for number, case in cases.items()
    }
    return [
        HeldLink(
            row.student_key,
            _holder(row.account_id, json.loads(keys[row.student_key].open(row.sealed)), shown[row.case_id]),
            row.case_id in live,
        )
        for row in rows
        if row.student_key in keys
    ]


def _holder(account_id: str, people: Mapping[str, str], documents: frozenset[str]) -> AccountHolder:
    last, first, middle, email = (
        people.get(name, "") for name in ("parent_last_name", "parent_first_name", "parent_middle_name", "email")
    )
    return AccountHolder(account_id, last, first, middle, email, documents)


def _documents(identifications: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """Return the digests of the documents shown; a register's identification may name none."""
    return frozenset(str(shown["document_digest"]) for shown in identifications if shown.get("document_digest"))


def _is_live(case: CaseState, today: date) -> bool:
    """Tell whether a link was neither withdrawn nor ended nor has expired."""
    expired = case.in_force_to is not None and case.in_force_to < today
    return case.withdrawn_at is None and case.ended_at is None and not expired
