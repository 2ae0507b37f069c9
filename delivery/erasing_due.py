"""Whose data are to be destroyed, and by when: the students of a school whose every ground is gone.

Rules. The term runs from the day on which the last ground went (152-ФЗ, article 21, parts 4 and 5), in the
installation's days; a term of calendar days that ends on a day off does not move. Who has no case is not looked at.
Deliberately not here: whether something still stands in the way (`delivery.erasing.look`).
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.fact_store import CaseFacts, case_facts
from consent_registry.sealed.erasure_rules import Standing, Why, end_of
from consent_registry.sealed.vault import Vault
from consent_registry.tables import CASE, STUDENT_KEY


@dataclass(frozen=True, slots=True)
class Due:
    """One student whose data have lost their ground: since when, why, by which day they must be destroyed.

    `links` are the references of the student's cases.
    """

    student: str
    since: date
    why: Why
    due_on: date
    links: tuple[str, ...] = ()


def due(
    connection: Connection, vault: Vault, school: str, *, now: datetime, timezone: tzinfo, destroy_days: int
) -> list[Due]:
    """Return the students of a school whose ground is gone, the first due first. Raises BridgeError as the vault."""
    found = []
    for student, cases in _by_student(connection, school).items():
        born = _birth_date(connection, vault, school, student)
        ends = tuple(end_of(case.at(now), case.facts, now, timezone, born) for case in cases)
        standing = Standing(kept=True, ends=ends)
        if standing.ended_at is not None and standing.why is not None:
            since = standing.ended_at.astimezone(timezone).date()
            links = tuple(case.key.link_id for case in cases)
            found.append(Due(student, since, standing.why, since + timedelta(days=destroy_days), links))
    return sorted(found, key=lambda one: (one.due_on, one.student))


def _by_student(connection: Connection, school: str) -> dict[str, list[CaseFacts]]:
    keys = set(connection.scalars(sa.select(STUDENT_KEY.c.student_key).where(STUDENT_KEY.c.school == school)))
    by_student: defaultdict[str, list[CaseFacts]] = defaultdict(list)
    for case in case_facts(connection, school):
        if case.key.student_key in keys:
            by_student[case.key.student_key].append(case)
    return by_student


def _birth_date(connection: Connection, vault: Vault, school: str, student: str) -> date | None:
    """Return the birth date that the student's cases keep sealed."""
    own = vault.student_keys(connection, school, [student])[student]
    sealed = connection.scalars(sa.select(CASE.c.sealed).where(CASE.c.school == school, CASE.c.student_key == student))
    told = [json.loads(own.open(one)).get("student_birth_date") for one in sealed]
    return next((date.fromisoformat(text) for text in reversed(told) if text), None)
