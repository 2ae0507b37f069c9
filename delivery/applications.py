"""Applications between the portal and the registry: what parents ask for comes in, how far it is goes out.

The way in, a page at a time, and what is true if the process dies there:
1. the portal lists what lies after the newest sequence stored. Dies after it: nothing happened; it is listed again.
2. the page is stored and announced in the audit log in one transaction, the log before the commit (after it where
   both are one SQLite file, which takes one writer). Dies between: the log tells of a receipt that was not recorded,
   and the next run stores the page under other references. No page is lost, for the newest sequence is what is stored.
The way out, a report at a time: told, then marked as told. Dies between: it is told again, which is no error.

Rules. Reports of one application go out in the order of its steps; while one waits, the later ones wait too. A refusal
of the message itself is final: it is marked `refused` and told to the operator, and the later ones go on. What is
wrong with the installation (signature, rights, trust) is no refusal of a message: everything waits. After so many
failures in a row the portal is left alone until the next run.
Deliberately not here: who may take which step (`consent_registry`), when this is done (`flows`).
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from audit.entry import ConsentEvent
from audit.log import AuditLog
from consent_registry.applications.receiving import receive_from_portal
from consent_registry.applications.store import QueuedReport, ReportState, last_sequence, queued_reports, settle_report
from consent_registry.fact_store import CaseEvent
from consent_registry.sealed.vault import Vault
from database import reading, writing
from delivery.patience import Patience, Turns
from journal.portal import Portal, PortalError, Resend
from journal.records import ApplicationPage, ApplicationReport, PortalApplication
from journal.vocabulary import ApplicationStatus

FAILURES_IN_A_ROW = 3
_OURS = frozenset({"BadSignature", "NotAuthorized"})
"""The portal's faults that speak of this installation, not of the message."""


@dataclass(frozen=True, slots=True)
class Counter:
    """Where one school's applications are exchanged. `by` names the program in what it records."""

    engine: Engine
    portal: Portal = field(repr=False)
    log: AuditLog = field(repr=False)
    vault: Vault = field(repr=False)
    clock: Callable[[], datetime]
    new_reference: Callable[[], str]
    school: str
    by: str
    patience: Patience
    turns: Turns
    boundary: Callable[[str], None] = field(default=lambda _: None)
    """Called with the name of each step just done; tests end the process here."""


@dataclass(frozen=True, slots=True)
class RefusedReport:
    """One report that the portal will never take: of which application, what it told, and the portal's word."""

    reference: str
    status: ApplicationStatus
    code: str


@dataclass(slots=True)
class Pulling:
    """How many applications were stored; `failure` is the portal's error that ended the listing early."""

    stored: int = 0
    failure: PortalError | None = None


@dataclass(slots=True)
class Telling:
    """What became of the reports; `failure` is the newest error because of which some wait."""

    told: int = 0
    waiting: int = 0
    refused: list[RefusedReport] = field(default_factory=list)
    failure: PortalError | None = None


def pull_applications(counter: Counter) -> Pulling:
    """Store a school's new applications, until the newest that the portal has.

    Raises BridgeError `clock-back`, AuditUnavailableError; the pages before are stored then.
    """
    pulling = Pulling()
    with reading(counter.engine) as connection:
        after = last_sequence(connection, counter.school)
    while True:
        try:
            page = counter.patience.call(partial(_ask, counter, after), idempotent=True)
        except PortalError as error:
            pulling.failure = error
            return pulling
        counter.boundary("page-listed")
        if not page.applications:
            return pulling
        pulling.stored += _store(counter, page.applications)
        counter.boundary("page-stored")
        after = max(application.sequence for application in page.applications)
        if after >= page.last:
            return pulling


def _ask(counter: Counter, after: int) -> ApplicationPage:
    counter.turns.take()
    return counter.portal.applications(counter.school, after)


def _store(counter: Counter, applications: Sequence[PortalApplication]) -> int:
    with writing(counter.engine) as connection:
        now = counter.clock()
        events = receive_from_portal(
            connection,
            counter.school,
            applications,
            vault=counter.vault,
            new_reference=counter.new_reference,
            now=now,
            by=counter.by,
        )
        entries = [_entry(counter, event, now) for event in events]
        after_commit = _log_stands_here(connection)
        if entries and not after_commit:
            counter.log.append(entries)
        counter.boundary("page-logged")
    if entries and after_commit:
        counter.log.append(entries)
    return len(events)


def _log_stands_here(connection: Connection) -> bool:
    """Tell whether the audit log is kept in this very SQLite file, which takes one writer at a time."""
    return connection.dialect.name == "sqlite" and sa.inspect(connection).has_table("audit_checkpoint")


def _entry(counter: Counter, event: CaseEvent, now: datetime) -> ConsentEvent:
    digest = hmac.new(counter.vault.derive("recorded-by"), event.by.encode(), hashlib.sha256).hexdigest()
    return ConsentEvent(
        at=now,
        school=event.school,
        case=event.case_ref,
        event=event.event,
        valid_at=event.valid_at,
        by_digest=digest,
    )


def tell_parents(counter: Counter) -> Telling:
    """Tell the portal of the steps that it was not told of yet. Raises nothing of the portal's."""
    with reading(counter.engine) as connection:
        queued = queued_reports(connection, counter.school)
    telling = Telling()
    held_up: set[str] = set()
    failures = 0
    for one in queued:
        if one.reference in held_up or failures >= FAILURES_IN_A_ROW:
            telling.waiting += 1
            continue
        try:
            counter.patience.call(partial(_report, counter, one.report), idempotent=True)
        except PortalError as error:
            if error.resend is Resend.FINAL and error.said_by_portal and error.code not in _OURS:
                _settle(counter, one, ReportState.REFUSED, error.code)
                telling.refused.append(RefusedReport(one.reference, one.report.status, error.code))
                failures = 0
                continue
            held_up.add(one.reference)
            telling.waiting += 1
            telling.failure = error
            failures += 1
        else:
            counter.boundary("report-told")
            _settle(counter, one, ReportState.TOLD)
            telling.told += 1
            failures = 0
    return telling


def _report(counter: Counter, report: ApplicationReport) -> None:
    counter.turns.take()
    counter.portal.report_application(report)


def _settle(counter: Counter, one: QueuedReport, state: ReportState, code: str | None = None) -> None:
    with writing(counter.engine) as connection:
        settle_report(connection, one.report_id, state, counter.clock(), code)
    counter.boundary("report-settled")
