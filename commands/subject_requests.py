"""`dnevnik registry request …`: a person asks about their data, and was answered; the clock runs between the two.

Rules. What is asked stands on the paper, not here. A request may name the case that it is about. It is known by a
reference like an application's, which `registry terms` shows.
"""

import os
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from commands.application_desk import act
from commands.asking import moment_of
from commands.call import Call
from commands.recording import recorder
from commands.term_clocks import limits, working_days
from consent_registry.acts import Actor
from consent_registry.applications.references import new_reference, normal_reference
from consent_registry.fact_store import CaseEvent, case_of
from consent_registry.tables import REQUEST
from consent_registry.terms.deadlines import TermKind
from consent_registry.terms.requests import RequestKind, answer_request, receive_request
from journal.wording import BridgeError, ExitStatus, Wording
from settings import Settings

_TERM_OF = {RequestKind.CORRECTION: TermKind.CORRECTION, RequestKind.ANSWER: TermKind.ANSWER}
_RECEIVED = Wording(
    ru="Обращение внесено, номер {reference}. Исполнить по {due}, затем: dnevnik registry request answer {reference}",
    en="The request is entered as {reference}. Due on {due}; then: dnevnik registry request answer {reference}",
)
_ANSWERED = Wording(ru="Обращение {reference}: исполнение отмечено", en="Request {reference}: entered as answered")
_BAD_KIND = Wording(
    ru="--kind: нужно correction (исправить данные) или answer (ответить на запрос)",
    en="--kind: correction (of data) or answer (to a question) is needed",
)
_HALF_A_CASE = Wording(
    ru="Связь называют двое: --student и --account вместе, или ни одного",
    en="A link is named by both --student and --account, or by neither",
)
_NO_CASE = Wording(
    ru="Школа {school}: в реестре нет связи ученика {student} с учётной записью {account}. Проверьте номера",
    en="School {school}: the registry has no link of student {student} to account {account}. Check the ids",
)
_UNKNOWN = Wording(
    ru="Обращения {reference} нет. Номера обращений показывает: dnevnik registry terms",
    en="There is no request {reference}. Their references are shown by: dnevnik registry terms",
)


def receive(
    call: Call, *, school: str, kind: str, at: str | None, student: str | None, account: str | None
) -> ExitStatus:
    """Enter a request that came. Raises BridgeError `request-…`, `moment-wrong`, `link-unknown`, `clock-back`."""
    settings = call.settings()
    code = settings.school(school).code
    if kind not in set(RequestKind):
        raise BridgeError("request-kind", _BAD_KIND)
    if (student is None) != (account is None):
        raise BridgeError("request-half-a-case", _HALF_A_CASE)
    asked, came_at = RequestKind(kind), _moment(at, settings)
    with recorder(settings) as registry:

        def work(connection: Connection, actor: Actor) -> tuple[CaseEvent]:
            event = receive_request(
                connection,
                code,
                asked,
                at=came_at or actor.now,
                now=actor.now,
                by=actor.by,
                new_id=lambda: new_reference(os.urandom),
                case_id=_case_id(connection, code, student, account),
            )
            return (event,)

        (event,) = act(registry, work)
    started_on = event.valid_at.astimezone(settings.bridge.timezone).date()
    due = working_days(settings).after(started_on, limits(settings).of(_TERM_OF[asked]))
    call.console.say(_RECEIVED, reference=event.case_ref, due=due)
    return ExitStatus.DONE


def answer(call: Call, reference: str, *, at: str | None) -> ExitStatus:
    """Enter that a request was answered. Raises BridgeError `request-…`, `moment-wrong`, `clock-back`."""
    settings = call.settings()
    answered_at = _moment(at, settings)
    normal = normal_reference(reference)
    with recorder(settings) as registry:

        def work(connection: Connection, actor: Actor) -> tuple[CaseEvent]:
            which = sa.select(REQUEST.c.school).where(REQUEST.c.reference == normal)
            school = connection.scalars(which).first()
            if school is None:
                raise BridgeError("request-unknown", _UNKNOWN, {"reference": normal})
            event = answer_request(connection, school, normal, at=answered_at or actor.now, now=actor.now, by=actor.by)
            return (event,)

        (event,) = act(registry, work)
    call.console.say(_ANSWERED, reference=event.case_ref)
    return ExitStatus.DONE


def _moment(text: str | None, settings: Settings) -> datetime | None:
    return None if text is None else moment_of(text, "--at", settings.bridge.timezone)


def _case_id(connection: Connection, school: str, student: str | None, account: str | None) -> int | None:
    if student is None or account is None:
        return None
    case = case_of(connection, school, student, account)
    if case is None:
        raise BridgeError("link-unknown", _NO_CASE, {"school": school, "student": student, "account": account})
    return case.key.case_id
