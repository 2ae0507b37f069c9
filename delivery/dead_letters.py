"""What was not delivered and why, for people: to be looked at, tried again, or given up.

Rules. A batch is told of while its outcome is unknown, and after a final refusal until a later batch of the school was
taken. A record is told of while the portal rejects its present content; it is sent again when that changes, or at the
next sync after a person said so. Given up, it is withheld without a word until it changes. A withdrawal that the portal
rejects can't be given up: the law demands it, so each run tries. Refused links likewise.
Deliberately not here: who said so (`commands.delivery_letters`), any sending.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from delivery.ledger import DOUBTFUL, OPEN, REFUSED, TAKEN
from delivery.seen import distrust
from delivery.tables import BATCH, LINK_STATE, RECORD
from journal.wording import BridgeError, Wording

_NOT_REJECTED = Wording(
    ru="Школа {school}: портал не отклонял записи {record}, или её содержимое с тех пор отправлено. Посмотрите список: "
    "dnevnik delivery list {school}",
    en="School {school}: the portal rejects no record {record}, or its content was sent since. See the list: "
    "dnevnik delivery list {school}",
)
_STILL_SHOWN = Wording(
    ru="Школа {school}: портал отказался убрать запись {record}. От этого нельзя отказаться: она показана без "
    "основания, каждая передача повторит. Сообщите оператору портала.",
    en="School {school}: the portal refused to take back the record {record}. That can't be given up: it is shown "
    "without ground, each run tries again. Tell the portal's operator.",
)


@dataclass(frozen=True, slots=True)
class UnsettledBatch:
    """A batch whose outcome is unknown (`code` None), or that the portal refused for good, since `since`."""

    batch_id: str
    since: datetime
    published: int
    withdrawn: int
    code: str | None = None


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record whose content the portal will not take, or (`withdrawal`) that it will not take back.

    `since` is None for what was rejected before that was noted.
    """

    record_id: str
    code: str
    since: datetime | None
    withdrawal: bool


@dataclass(frozen=True, slots=True)
class RefusedLink:
    """A link that the portal would not open or close."""

    link_id: str
    code: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Undelivered:
    """All that was not delivered of one school, oldest first."""

    school: str
    unknown: Sequence[UnsettledBatch]
    refused: Sequence[UnsettledBatch]
    rejected: Sequence[RejectedRecord]
    links: Sequence[RefusedLink]

    @property
    def nothing(self) -> bool:
        """Tell whether all was delivered."""
        return not (self.unknown or self.refused or self.rejected or self.links)


def undelivered(connection: Connection, school: str) -> Undelivered:
    """Return what was not delivered of a school; what was given up is left out."""
    return Undelivered(
        school,
        _batches(connection, sa.and_(BATCH.c.school == school, BATCH.c.state == OPEN), BATCH.c.created_at),
        _batches(connection, _refused(school), BATCH.c.settled_at),
        _rejected(connection, school),
        _refused_links(connection, school),
    )


def _refused(school: str) -> sa.ColumnElement[bool]:
    newer = BATCH.alias()
    taken_since = (
        sa.select(newer.c.batch_id)
        .where(newer.c.school == school, newer.c.state.in_([TAKEN, DOUBTFUL]), newer.c.settled_at >= BATCH.c.settled_at)
        .exists()
    )
    return sa.and_(BATCH.c.school == school, BATCH.c.state == REFUSED, ~taken_since)


def _batches(
    connection: Connection, which: sa.ColumnElement[bool], since: sa.Column[datetime]
) -> tuple[UnsettledBatch, ...]:
    columns = (BATCH.c.batch_id, since, BATCH.c.published, BATCH.c.withdrawn, BATCH.c.error_code)
    rows = connection.execute(sa.select(*columns).where(which).order_by(since, BATCH.c.batch_id))
    return tuple(UnsettledBatch(*row) for row in rows)


def _told_of(school: str) -> sa.ColumnElement[bool]:
    """Rejected and not given up."""
    return sa.and_(RECORD.c.school == school, RECORD.c.rejected_code.is_not(None), ~RECORD.c.discarded)


def _rejected(connection: Connection, school: str) -> tuple[RejectedRecord, ...]:
    withdrawal = RECORD.c.rejected_digest.is_(None)
    columns = (RECORD.c.record_id, RECORD.c.rejected_code, RECORD.c.rejected_at, withdrawal)
    order = (RECORD.c.rejected_at.is_not(None), RECORD.c.rejected_at, RECORD.c.record_id)
    rows = connection.execute(sa.select(*columns).where(_told_of(school)).order_by(*order))
    return tuple(RejectedRecord(record, code, since, bool(taking)) for record, code, since, taking in rows)


def _refused_links(connection: Connection, school: str) -> tuple[RefusedLink, ...]:
    columns = (LINK_STATE.c.link_id, LINK_STATE.c.refused_code, LINK_STATE.c.refused_at)
    which = sa.and_(LINK_STATE.c.school == school, LINK_STATE.c.refused_code.is_not(None))
    rows = connection.execute(sa.select(*columns).where(which).order_by(LINK_STATE.c.refused_at, LINK_STATE.c.link_id))
    return tuple(RefusedLink(*row) for row in rows)


def retry_records(connection: Connection, school: str, record_id: str | None = None) -> list[str]:
    """Let a rejected record (None: all of the school's, but for those given up) be sent again; returns their ids.

    A record that was given up is tried again when it is named. Raises BridgeError `record-not-rejected` for another.
    """
    which = sa.and_(RECORD.c.school == school, RECORD.c.rejected_digest.is_not(None))
    which = sa.and_(which, ~RECORD.c.discarded if record_id is None else RECORD.c.record_id == record_id)
    records = list(connection.scalars(sa.select(RECORD.c.record_id).where(which).order_by(RECORD.c.record_id)))
    if record_id is not None and not records:
        raise BridgeError("record-not-rejected", _NOT_REJECTED, {"school": school, "record": record_id})
    distrust(connection, school)  # their rows are read again, though nobody changed them
    connection.execute(
        RECORD.update().where(which).values(rejected_digest=None, rejected_code=None, rejected_at=None, discarded=False)
    )
    return records


def discard_record(connection: Connection, school: str, record_id: str) -> None:
    """Give the present content of a rejected record up: it is told of no more until it changes.

    Raises BridgeError `record-not-rejected`; `record-still-shown` when it is a withdrawal that was rejected.
    """
    told = {"school": school, "record": record_id}
    which = sa.and_(_told_of(school), RECORD.c.record_id == record_id)
    found = connection.execute(sa.select(RECORD.c.rejected_digest).where(which)).one_or_none()
    if found is None:
        raise BridgeError("record-not-rejected", _NOT_REJECTED, dict(told))
    if found.rejected_digest is None:
        raise BridgeError("record-still-shown", _STILL_SHOWN, dict(told))
    connection.execute(RECORD.update().where(which).values(discarded=True))
