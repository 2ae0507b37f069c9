"""Gathers what the report's pages show: the newest balances, the links in force at the portal, the transfers.

Rules. The transfers come from the ledger's batches with the numbers of their audit log entries, and the page says
what a verification of the log found at that moment. Nothing here names a person.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

import database
from audit.keys import load_signing_key
from audit.verify import verify_log
from commands.audit_log import installation_former_keys
from delivery.balance import SchoolBalance
from delivery.tables import BATCH, LINK_STATE
from journal.wording import Wording
from reports.pages import Edition, write_pages
from reports.reasons import catalogue
from reports.school_view import SchoolPage, SetAsideRow
from reports.transfers import LogState, Transfer, TransfersPage
from settings import Settings

OPEN = "open"


def write_report(
    settings: Settings, engine: Engine, balances: Sequence[SchoolBalance], folder: Path, now: datetime
) -> Path:
    """Write the pages into `folder` and return the index. Raises BridgeError `report-folder-not-writable`."""
    schools = [balance.school for balance in balances]
    with database.reading(engine) as connection:
        links = _links_open(connection, schools)
        transfers = _transfers(connection, schools)
    pages = [SchoolPage(balance, rows=_rows(balance), links_open=links.get(balance.school, 0)) for balance in balances]
    edition = Edition(catalogue(), settings.bridge.language, settings.bridge.timezone, now)
    page = TransfersPage(transfers, _log_state(settings, now))
    return write_pages(folder, schools=pages, transfers=page, edition=edition).index


def _rows(balance: SchoolBalance) -> list[SetAsideRow]:
    return [SetAsideRow(row.source_key, row.student_key, row.reason) for row in balance.rows_set_aside]


def _links_open(connection: Connection, schools: Sequence[str]) -> dict[str, int]:
    query = (
        sa.select(LINK_STATE.c.school, sa.func.count())
        .where(LINK_STATE.c.school.in_(schools), LINK_STATE.c.active.is_(True))
        .group_by(LINK_STATE.c.school)
    )
    return {str(school): int(count) for school, count in connection.execute(query)}


def _transfers(connection: Connection, schools: Sequence[str]) -> list[Transfer]:
    """Return the batches whose disclosures are in the audit log, newest first."""
    query = (
        sa.select(BATCH)
        .where(BATCH.c.school.in_(schools), BATCH.c.audit_first.is_not(None))
        .order_by(BATCH.c.created_at.desc())
    )
    return [
        Transfer(
            at=row.created_at,
            school=row.school,
            batch=row.batch_id,
            records_published=row.published,
            records_withdrawn=row.withdrawn,
            students=row.students,
            accounts=row.accounts,
            outcome=None if row.state == OPEN else row.state,
            receipt=row.receipt_id,
            audit_first=row.audit_first,
            audit_last=row.audit_last,
        )
        for row in connection.execute(query)
    ]


def _log_state(settings: Settings, now: datetime) -> LogState:
    """Verify the audit log and say what was found."""
    key = load_signing_key(settings.audit.signing_key.read(), settings.audit.origin).verifier
    verdict = verify_log(settings.audit.log, key, former_keys=installation_former_keys(settings))
    return LogState(
        origin=settings.audit.origin,
        size=verdict.size,
        root=base64.b64encode(verdict.root).decode(),
        verified=verdict.ok,
        key=key.vkey,
        checked_at=now,
        problems=tuple(Wording(problem.ru, problem.en) for problem in verdict.problems),
    )
