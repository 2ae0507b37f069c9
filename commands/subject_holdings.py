"""What the portal shows now of a student, or to a parent's account: from the ledger, as far as receipts tell.

Rules. A student's are all records that the portal holds. An account sees of each child only what its own link covers,
and only while that link isn't closed there: a link whose closing the portal has not confirmed counts as open. What the
link covers is what the registry says now; without a consent to say it, all that is held of the child is named rather
than too little. Reads only.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.fact_store import CaseFacts
from consent_registry.facts import CaseState
from delivery.tables import LINK_STATE, RECORD
from journal.vocabulary import RecordKind
from reports.forms.dossier_paper import PortalHolding
from reports.forms.words import KIND_WORDS, day


def holdings_of_student(connection: Connection, school: str, student: str) -> list[PortalHolding]:
    """Return what the portal holds of a student, by kind."""
    return _held(connection, school, student, sa.true())


def holdings_of_account(
    connection: Connection, school: str, cases: Sequence[CaseFacts], now: datetime
) -> list[PortalHolding]:
    """Return what the portal shows to the account of these cases, by child and kind."""
    may_see = sa.or_(LINK_STATE.c.active, LINK_STATE.c.pending)
    opened = set(connection.scalars(sa.select(LINK_STATE.c.link_id).where(LINK_STATE.c.school == school, may_see)))
    return [
        holding
        for case in sorted(cases, key=lambda one: one.key.student_key)
        if case.key.link_id in opened
        for holding in _held(connection, school, case.key.student_key, _covered(case.at(now)))
    ]


def _covered(case: CaseState) -> sa.ColumnElement[bool]:
    covered: list[sa.ColumnElement[bool]] = [RECORD.c.kind.in_([str(kind) for kind in case.kinds])]
    if case.records_from is not None:
        covered.append(RECORD.c.date >= case.records_from)
    if case.records_to is not None:
        covered.append(RECORD.c.date <= case.records_to)
    return sa.and_(*covered)


def _held(connection: Connection, school: str, student: str, which: sa.ColumnElement[bool]) -> list[PortalHolding]:
    rows = connection.execute(
        sa.select(RECORD.c.kind, sa.func.count(), sa.func.min(RECORD.c.date), sa.func.max(RECORD.c.date))
        .where(RECORD.c.school == school, RECORD.c.student_key == student, RECORD.c.held.is_(True), which)
        .group_by(RECORD.c.kind)
        .order_by(RECORD.c.kind)
    )
    return [
        PortalHolding(student, KIND_WORDS[RecordKind(kind)], count, day(first), day(last))
        for kind, count, first, last in rows
    ]
