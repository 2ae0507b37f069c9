"""What a school owes by the clocks of the law: open applications, requests, withdrawals whose data stand.

Rules. A term starts on the day, in the installation's time zone, on which an application was submitted, a withdrawal
came (its *valid at*, also where it was dated back), a request was received. An application is open until it is
registered, rejected, lapsed or withdrawn. A withdrawal is open while the case's consent of the moment is the withdrawn
one and the student's key stands: a consent given anew needs the data again, a destroyed key has destroyed them.
Deliberately not here: by when that is due (`consent_registry.terms.deadlines`), the destruction itself.
"""

from datetime import datetime, tzinfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.applications.procedure import ENDINGS, Step
from consent_registry.applications.store import applications
from consent_registry.fact_store import states
from consent_registry.facts import FactKind
from consent_registry.tables import CASE, FACT, STUDENT_KEY
from consent_registry.terms.deadlines import Duty, TermKind
from consent_registry.terms.requests import RequestKind, open_requests

_CLOSED = ENDINGS | {Step.REGISTERED}
_OF_REQUEST = {RequestKind.CORRECTION: TermKind.CORRECTION, RequestKind.ANSWER: TermKind.ANSWER}


def open_duties(connection: Connection, school: str, *, now: datetime, timezone: tzinfo) -> list[Duty]:
    """Return what a school owes at `now`, in no order. ValueError for a naive moment."""
    if now.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    found = [
        Duty(TermKind.APPLICATION, school, state.key.reference, state.submitted_at.astimezone(timezone).date())
        for state in applications(connection, school)
        if state.stage not in _CLOSED
    ]
    found += _withdrawals(connection, school, now, timezone)
    found += [
        Duty(_OF_REQUEST[request.kind], school, request.reference, request.received_at.astimezone(timezone).date())
        for request in open_requests(connection, school)
    ]
    return found


def _withdrawals(connection: Connection, school: str, now: datetime, timezone: tzinfo) -> list[Duty]:
    """Return the withdrawals of students whose key stands; only cases that ever saw a withdrawal are read."""
    withdrawn = (
        sa.select(CASE.c.student_key)
        .join(FACT)
        .join(
            STUDENT_KEY, sa.and_(STUDENT_KEY.c.school == CASE.c.school, STUDENT_KEY.c.student_key == CASE.c.student_key)
        )
        .where(CASE.c.school == school, FACT.c.kind == str(FactKind.WITHDRAWAL))
        .distinct()
    )
    students = sorted(connection.scalars(withdrawn))
    return [
        Duty(TermKind.DESTRUCTION, school, case.link_id, case.withdrawn_at.astimezone(timezone).date())
        for case in states(connection, school, at=now, student_keys=students)
        if case.withdrawn_at is not None and case.withdrawn_at <= now
    ]
