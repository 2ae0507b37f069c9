"""What of a parent's data stays when a student is erased, and on which ground: what else the same account has here.

Rules. A parent is known by the account, in one school. Everything of the erased student's cases goes, the parent's name
in them too; what the same account has for another child is that child's, sealed under that child's key, and stays as
long as it has its own ground. Looked at before the destruction, in its transaction. Whose child that is, is not said.
Deliberately not here: the sentences of the act (`commands.erasure_papers`).
"""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.applications.procedure import ENDINGS
from consent_registry.applications.store import of_account
from consent_registry.fact_store import case_facts
from consent_registry.sealed.erasure import Belongings
from consent_registry.sealed.erasure_rules import end_of
from consent_registry.sealed.vault import Vault
from consent_registry.tables import CASE


class Staying(StrEnum):
    """On which ground something of the same account stays; the words are stored, sealed."""

    CONSENT = "consent"
    ENDED = "ended"
    APPLICATION = "application"
    CLOSED_APPLICATION = "closed-application"


@dataclass(frozen=True, slots=True)
class Remaining:
    """One parent of whom something stays: the account, and on which grounds."""

    account: str = field(repr=False)
    grounds: tuple[Staying, ...]


def remaining(
    connection: Connection, vault: Vault, held: Belongings, *, now: datetime, timezone: tzinfo
) -> tuple[Remaining, ...]:
    """Return of which of the student's accounts something stays. Raises BridgeError as the vault."""
    found = []
    for account in sorted(set(held.accounts)):
        grounds = _of_cases(connection, vault, held, account, now, timezone) | _of_applications(
            connection, held, account
        )
        if grounds:
            found.append(Remaining(account, tuple(one for one in Staying if one in grounds)))
    return tuple(found)


def _of_cases(
    connection: Connection, vault: Vault, held: Belongings, account: str, now: datetime, timezone: tzinfo
) -> set[Staying]:
    """Return how the account's cases for other students stand."""
    others = sa.and_(CASE.c.school == held.school, CASE.c.account_id == account, CASE.c.student_key != held.student)
    sealed = {
        row.case_id: row.sealed for row in connection.execute(sa.select(CASE.c.case_id, CASE.c.sealed).where(others))
    }
    students = sorted(set(connection.scalars(sa.select(CASE.c.student_key).where(others))))
    keys = vault.student_keys(connection, held.school, students)
    grounds = set()
    for case in case_facts(connection, held.school, students):
        own = keys.get(case.key.student_key)
        if case.key.case_id in sealed:
            told = {} if own is None else json.loads(own.open(sealed[case.key.case_id]))
            born = told.get("student_birth_date")
            end = end_of(case.at(now), case.facts, now, timezone, date.fromisoformat(born) if born else None)
            grounds.add(Staying.CONSENT if end is None else Staying.ENDED)
    return grounds


def _of_applications(connection: Connection, held: Belongings, account: str) -> set[Staying]:
    """Return what the account applied for besides: undecided, or over without a link."""
    gone = {one.key.application_id for one in held.applications}
    others = [
        one
        for one in of_account(connection, held.school, account)
        if one.key.application_id not in gone and one.student_key is None
    ]
    return {Staying.CLOSED_APPLICATION if one.stage in ENDINGS else Staying.APPLICATION for one in others}
