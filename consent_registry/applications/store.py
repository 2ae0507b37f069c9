"""Where applications are kept: their steps, and the reports of these that the portal is still to be told.

Rules. Steps are only added, each behind the school's gate (`fact_store.advance_clock`), and the report of a step is
queued in the transaction that records it: neither is ever without the other. A parent is told of each status once,
and only of an application that came through the portal. Reports are told in the order of the steps.
Deliberately not here: which step may follow (`procedure`), what people do (`desk`), the telling (`delivery`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.applications.procedure import (
    MEANINGS,
    ApplicationKey,
    ApplicationState,
    Evidence,
    Origin,
    Step,
    StepFact,
    StepRefused,
    StepTaken,
    next_step,
    state_of_application,
)
from consent_registry.applications.references import normal_reference
from consent_registry.fact_store import CaseEvent, advance_clock
from consent_registry.tables import APPLICATION, PORTAL_SEQUENCE, REPORT, STEP
from journal.records import ApplicationReport
from journal.vocabulary import ApplicationStatus
from journal.wording import BridgeError, Wording

_UNKNOWN = Wording(
    ru="Заявления {reference} нет в реестре. Проверьте номер на бланке; заявления школы: dnevnik registry applications",
    en="The registry has no application {reference}. Check the number on the form; to list a school's applications: "
    "dnevnik registry applications",
)
_KEY = (
    APPLICATION.c.application_id, APPLICATION.c.reference, APPLICATION.c.school, APPLICATION.c.origin,
    APPLICATION.c.portal_id, APPLICATION.c.account_id,
)  # fmt: skip


class ReportState(StrEnum):
    """What became of a report."""

    WAITING = "waiting"
    TOLD = "told"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class QueuedReport:
    """One report to the portal that nobody has taken yet, and the reference of its application."""

    report_id: int
    reference: str
    report: ApplicationReport


def find(connection: Connection, reference: str) -> ApplicationState:
    """Return an application as it stands now. Raises BridgeError `reference-wrong`, `application-unknown`."""
    normal = normal_reference(reference)
    found = _states(connection, APPLICATION.c.reference == normal)
    if not found:
        raise BridgeError("application-unknown", _UNKNOWN, {"reference": normal})
    return found[0]


def history(connection: Connection, reference: str) -> list[StepFact]:
    """Return an application's steps in the order in which they were recorded. Raises as `find`."""
    key = find(connection, reference).key
    return _steps(connection, APPLICATION.c.application_id == key.application_id)[key.application_id]


def applications(connection: Connection, school: str, *, stage: Step | None = None) -> list[ApplicationState]:
    """Return a school's applications (those at a stage), the oldest first."""
    found = _states(connection, APPLICATION.c.school == school)
    return [state for state in found if stage is None or state.stage is stage]


def of_account(connection: Connection, school: str, account_id: str) -> list[ApplicationState]:
    """Return an account's applications to a school, the oldest first."""
    return _states(connection, sa.and_(APPLICATION.c.school == school, APPLICATION.c.account_id == account_id))


def last_sequence(connection: Connection, school: str) -> int:
    """Return the newest of the portal's sequences that was stored for a school, be it erased since; 0: none yet."""
    newest = connection.scalar(sa.select(sa.func.max(APPLICATION.c.sequence)).where(APPLICATION.c.school == school))
    erased = connection.scalar(sa.select(PORTAL_SEQUENCE.c.sequence).where(PORTAL_SEQUENCE.c.school == school))
    return max(int(newest or 0), int(erased or 0))


def portal_ids(connection: Connection, school: str, among: Sequence[str]) -> set[str]:
    """Return those of the portal's ids under which a school's applications are stored already."""
    known = sa.select(APPLICATION.c.portal_id).where(
        APPLICATION.c.school == school, APPLICATION.c.portal_id.in_(list(among))
    )
    return {str(portal_id) for portal_id in connection.scalars(known)}


def _states(connection: Connection, which: sa.ColumnElement[bool]) -> list[ApplicationState]:
    steps = _steps(connection, which)
    states = []
    for row in connection.execute(sa.select(*_KEY).where(which)):
        key = ApplicationKey(
            row.application_id, row.reference, row.school, Origin(row.origin), row.portal_id, row.account_id
        )
        state = state_of_application(key, steps[key.application_id])
        if state is not None:
            states.append(state)
    return sorted(states, key=lambda state: (state.submitted_at, state.key.application_id))


def _steps(connection: Connection, which: sa.ColumnElement[bool]) -> defaultdict[int, list[StepFact]]:
    by_application: defaultdict[int, list[StepFact]] = defaultdict(list)
    for row in connection.execute(sa.select(STEP).join(APPLICATION).where(which).order_by(STEP.c.step_id)):
        by_application[row.application_id].append(
            StepFact(Step(row.step), row.valid_at, row.recorded_at, row.recorded_by, row.detail)
        )
    return by_application


def open_application(connection: Connection, reference: str, now: datetime) -> tuple[ApplicationState, datetime]:
    """Put a writer of the application's school in line; return the application and the moment that counts as now.

    Raises as `find`, and BridgeError `clock-back`.
    """
    moment = advance_clock(connection, find(connection, reference).key.school, now)
    return find(connection, reference), moment  # read again: who was first in line may have changed it


def lawful_step(
    state: ApplicationState,
    step: Step,
    *,
    at: datetime,
    by: str,
    now: datetime,
    today: date,
    two_persons: bool = False,
    evidence: Evidence = Evidence(),  # noqa: B008  frozen: no call can change it for the next
) -> StepTaken:
    """Return the step as it may be recorded. Raises BridgeError `application-…`, named after the refusal."""
    answer = next_step(state, step, at=at, by=by, now=now, today=today, two_persons=two_persons, evidence=evidence)
    if isinstance(answer, StepRefused):
        reference = {"reference": state.key.reference}
        raise BridgeError(f"application-{answer.reason}", MEANINGS[answer.reason], dict(reference))
    return answer


def record_step(
    connection: Connection,
    key: ApplicationKey,
    taken: StepTaken,
    detail: Mapping[str, object],
    *,
    recorded_at: datetime,
    told_at: datetime | None = None,
    reason: str | None = None,
) -> CaseEvent:
    """Add a step that may be taken, and queue what the parent is told of it, dated `told_at` (else as the step)."""
    connection.execute(
        STEP.insert().values(
            application_id=key.application_id,
            step=str(taken.step),
            valid_at=taken.at,
            recorded_at=recorded_at,
            recorded_by=taken.by,
            detail=dict(detail),
        )
    )
    if taken.status is not None and key.origin is Origin.PORTAL:
        _queue(connection, key.application_id, taken.status, told_at or taken.at, reason)
    return CaseEvent(key.school, key.reference, f"application-{taken.step}", taken.at, taken.by)


def _queue(
    connection: Connection, application_id: int, status: ApplicationStatus, at: datetime, reason: str | None
) -> None:
    """Queue a report, unless its status was queued before (a step that was entered again)."""
    queued = sa.select(REPORT.c.report_id).where(
        REPORT.c.application_id == application_id, REPORT.c.status == str(status)
    )
    if connection.execute(queued.limit(1)).first() is None:
        connection.execute(
            REPORT.insert().values(
                application_id=application_id, status=str(status), at=at, reason=reason, state=str(ReportState.WAITING)
            )
        )


def queued_reports(connection: Connection, school: str, state: ReportState = ReportState.WAITING) -> list[QueuedReport]:
    """Return a school's reports in one state, in the order of the steps that they tell of."""
    rows = connection.execute(
        sa.select(REPORT, APPLICATION.c.reference, APPLICATION.c.portal_id)
        .join(APPLICATION)
        .where(APPLICATION.c.school == school, REPORT.c.state == str(state))
        .order_by(REPORT.c.report_id)
    )
    return [
        QueuedReport(
            row.report_id,
            row.reference,
            ApplicationReport(school, row.portal_id, ApplicationStatus(row.status), row.at, row.reason),
        )
        for row in rows
    ]


def settle_report(
    connection: Connection, report_id: int, state: ReportState, at: datetime, code: str | None = None
) -> None:
    """Enter what became of a report; `code` is the portal's word for a refusal."""
    connection.execute(
        REPORT.update().where(REPORT.c.report_id == report_id).values(state=str(state), settled_at=at, error_code=code)
    )
