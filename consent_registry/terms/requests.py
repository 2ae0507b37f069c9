"""What people ask about their personal data, and that it was answered: kept append-only.

Rules. A request is received once and answered once, neither dated ahead, the answer not before the receipt. It is
known by an opaque reference; what is asked, and of whom, stands on the paper, not here: a request may name the case
it is about. Written behind the school's gate (`fact_store.advance_clock`). Each act returns what the audit log is told.
Deliberately not here: by when a request is due (`consent_registry.terms.deadlines`), what the answer says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.fact_store import CaseEvent, advance_clock
from consent_registry.tables import CASE, REQUEST
from journal.wording import BridgeError, Wording

_LONGEST_REFERENCE = 64

_UNKNOWN = Wording(
    ru="Школа {school}: обращения {reference} нет. Проверьте номер по списку сроков.",
    en="School {school}: there is no request {reference}. Check the reference in the list of terms.",
)
_ANSWERED = Wording(
    ru="Школа {school}: обращение {reference} уже исполнено {answered_at}. Если просят снова, внесите новое обращение.",
    en="School {school}: request {reference} was answered on {answered_at} already. If asked again, enter a new one.",
)
_AHEAD = Wording(
    ru="Обращение и ответ на него нельзя датировать будущим временем ({at}). Укажите время не позже текущего.",
    en="A request or its answer can't be dated ahead ({at}). Give a time that is not after now.",
)
_TOO_EARLY = Wording(
    ru="Школа {school}: ответ на обращение {reference} датирован {at}, раньше его получения {received_at}. "
    "Исправьте время ответа.",
    en="School {school}: the answer to request {reference} is dated {at}, before its receipt on {received_at}. "
    "Correct the answer's time.",
)
_NO_CASE = Wording(
    ru="Школа {school}: такой связи в реестре нет. Проверьте ученика и учётную запись или внесите обращение без них.",
    en="School {school}: the registry has no such link. Check student and account, or enter the request without them.",
)


class RequestKind(StrEnum):
    """What a subject, or who acts for them, asks for."""

    CORRECTION = "correction"
    ANSWER = "answer"


class RequestEvent(StrEnum):
    """What happened to a request."""

    RECEIVED = "received"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that waits; `case_id` is the case that it is about, where it names one."""

    reference: str
    school: str
    kind: RequestKind
    received_at: datetime
    case_id: int | None = None


def receive_request(
    connection: Connection,
    school: str,
    kind: RequestKind,
    *,
    at: datetime,
    now: datetime,
    by: str,
    new_id: Callable[[], str],
    case_id: int | None = None,
) -> CaseEvent:
    """Record that a request came at `at`; the event's `case_ref` is its new reference.

    Raises BridgeError `request-ahead`, `request-case-unknown`, `clock-back`; ValueError for a naive moment or for a
    reference of `new_id` that is taken or too long.
    """
    moment = advance_clock(connection, school, now)
    _refuse_ahead(at, moment)
    of_school = sa.select(CASE.c.case_id).where(CASE.c.school == school, CASE.c.case_id == case_id)
    if case_id is not None and connection.execute(of_school).first() is None:
        raise BridgeError("request-case-unknown", _NO_CASE, {"school": school})
    reference = new_id()
    taken = sa.select(REQUEST.c.fact_id).where(REQUEST.c.reference == reference).limit(1)
    if not 0 < len(reference) <= _LONGEST_REFERENCE or connection.execute(taken).first() is not None:
        raise ValueError("a new reference is short and not taken")
    request = OpenRequest(reference, school, kind, at, case_id)
    return _record(connection, request, RequestEvent.RECEIVED, at=at, now=moment, by=by)


def answer_request(
    connection: Connection, school: str, reference: str, *, at: datetime, now: datetime, by: str
) -> CaseEvent:
    """Record that a request was answered at `at`.

    Raises BridgeError `request-unknown`, `request-answered`, `request-ahead`, `request-too-early`, `clock-back`;
    ValueError for a naive moment.
    """
    moment = advance_clock(connection, school, now)
    _refuse_ahead(at, moment)
    of_request = sa.and_(REQUEST.c.school == school, REQUEST.c.reference == reference)
    told = {row.event: row for row in connection.execute(sa.select(REQUEST).where(of_request))}
    received, answered = told.get(RequestEvent.RECEIVED), told.get(RequestEvent.ANSWERED)
    named: dict[str, object] = {"school": school, "reference": reference}
    if received is None:
        raise BridgeError("request-unknown", _UNKNOWN, named)
    if answered is not None:
        raise BridgeError("request-answered", _ANSWERED, named | {"answered_at": _iso(answered.valid_at)})
    if at < received.valid_at:
        dates = {"at": _iso(at), "received_at": _iso(received.valid_at)}
        raise BridgeError("request-too-early", _TOO_EARLY, named | dates)
    request = OpenRequest(reference, school, RequestKind(received.kind), received.valid_at, received.case_id)
    return _record(connection, request, RequestEvent.ANSWERED, at=at, now=moment, by=by)


def open_requests(connection: Connection, school: str) -> list[OpenRequest]:
    """Return a school's requests that wait for an answer, the oldest first."""
    answered = sa.select(REQUEST.c.reference).where(
        REQUEST.c.school == school, REQUEST.c.event == str(RequestEvent.ANSWERED)
    )
    waiting = (
        sa.select(REQUEST)
        .where(REQUEST.c.school == school, REQUEST.c.event == str(RequestEvent.RECEIVED))
        .where(REQUEST.c.reference.not_in(answered))
        .order_by(REQUEST.c.valid_at, REQUEST.c.fact_id)
    )
    return [
        OpenRequest(row.reference, school, RequestKind(row.kind), row.valid_at, row.case_id)
        for row in connection.execute(waiting)
    ]


def _refuse_ahead(at: datetime, now: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    if at > now:
        raise BridgeError("request-ahead", _AHEAD, {"at": _iso(at)})


def _record(
    connection: Connection, request: OpenRequest, event: RequestEvent, *, at: datetime, now: datetime, by: str
) -> CaseEvent:
    connection.execute(
        REQUEST.insert().values(
            reference=request.reference,
            school=request.school,
            case_id=request.case_id,
            kind=str(request.kind),
            event=str(event),
            valid_at=at,
            recorded_at=now,
            recorded_by=by,
        )
    )
    return CaseEvent(request.school, request.reference, f"request-{event}", at, by)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
