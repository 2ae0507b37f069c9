"""What the registry and the ledger keep of one student's links, as ids: for evidence and for reconciling by hand.

Rules. Only what the log may hold as well: opaque ids, versions, days and moments. Staff, names, documents and sealed
evidence are left out, whatever a fact's detail has. Reads only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from audit.evidence import instant
from consent_registry.applications.store import applications
from consent_registry.fact_store import CaseFacts, case_facts
from consent_registry.facts import Fact
from consent_registry.tables import REQUEST
from delivery.tables import STUDENT_REF

_TOLD = (
    "consent_ref", "consents", "text_version", "text_digest", "signed_on", "in_force_from", "in_force_to",
    "records_from", "records_to", "kinds", "origin", "why", "from", "to", "sha256", "relation", "authority_until",
    "changed",
)  # fmt: skip
"""What of a fact's detail names nobody."""


@dataclass(frozen=True, slots=True)
class SubjectIds:
    """By which ids the log speaks of a student: the portal's reference ("" where it has none), links, cases."""

    student_ref: str
    links: frozenset[str]
    cases: frozenset[str]
    facts: Sequence[CaseFacts]

    @property
    def known(self) -> bool:
        """Tell whether anything is known of the student at all."""
        return bool(self.student_ref or self.cases)


def subject_ids(connection: Connection, school: str, student: str) -> SubjectIds:
    """Return a student's ids. A student who was erased has none any more."""
    which = sa.and_(STUDENT_REF.c.school == school, STUDENT_REF.c.student_key == student)
    reference = connection.scalar(sa.select(STUDENT_REF.c.student_ref).where(which))
    facts = case_facts(connection, school, [student])
    links = frozenset(case.key.link_id for case in facts)
    applied = {state.key.reference for state in applications(connection, school) if state.student_key == student}
    asked = sa.select(REQUEST.c.reference).where(REQUEST.c.case_id.in_([case.key.case_id for case in facts]))
    requests = set(connection.scalars(asked))
    return SubjectIds(reference or "", links, links | applied | requests, facts)


def consent_events(facts: Sequence[CaseFacts], account_key: bytes | None = None) -> dict[str, Any]:
    """Return the registry's facts of these cases, in the order of their recording, as canonical JSON takes them.

    `account_key`: the student's, by which a reader checks that the log's references are of the accounts named here.
    """
    return {
        **({} if account_key is None else {"account_key": account_key.hex()}),
        "cases": [
            {
                "link": case.key.link_id,
                "account": case.key.account_id,
                "events": [_event(fact) for fact in case.facts],
            }
            for case in facts
        ],
    }


def _event(fact: Fact) -> Mapping[str, Any]:
    detail = {name: fact.detail[name] for name in _TOLD if fact.detail.get(name) is not None}
    return {
        "number": fact.fact_id,
        "kind": str(fact.kind),
        "valid_at": instant(fact.valid_at),
        "recorded_at": instant(fact.recorded_at),
        "corrects": list(fact.corrects),
        **detail,
    }
