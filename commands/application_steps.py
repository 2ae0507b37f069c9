"""What people do to one application: `dnevnik registry identify`, `link`, `register`, `reject`, `lapse`, `cancel`.

Rules. Each says what was done and what comes next. A document's number is asked for, never an argument: of it the
registry keeps a keyed digest only. A guardian's or trustee's authority is asked for where it was not given. The
student of a link is one that a person names; the school's own database must have them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.engine import Connection

import database
from commands.application_desk import Act, act, students_of
from commands.application_words import STAGES, what_next
from commands.asking import Asking, day_of, moment_of
from commands.call import Call, utc_now
from commands.recording import Recorder, recorder
from commands.term_clocks import overdue_after
from consent_registry.acts import Actor
from consent_registry.applications.closing import REJECTIONS, TELLINGS, ClosingReason
from consent_registry.applications.desk import (
    Document,
    identify,
    lapse,
    link,
    register,
    reject,
    withdraw_application,
)
from consent_registry.applications.procedure import AUTHORISED, ApplicationState, Origin, told_as
from consent_registry.applications.store import find, open_application
from consent_registry.fact_store import CaseEvent
from flows.assembly import random_id
from journal.wording import BridgeError, ExitStatus, Wording

_DONE = Wording(ru="Заявление {reference}: {stage}", en="Application {reference}: {stage}")
_TELL = Wording(
    ru="Родителю об этом скажет ближайший обмен: dnevnik registry exchange {school}",
    en="The parent is told by the next exchange: dnevnik registry exchange {school}",
)
_WITHDRAWN = Wording(
    ru="Согласия этой связи отозваны. С портала записи снимет ближайший запуск: dnevnik sweep {school}",
    en="The link's consents are withdrawn. The next run takes the records back: dnevnik sweep {school}",
)
_NUMBER = Wording(ru="Серия и номер документа (не сохраняются)", en="The document's series and number (not kept)")
_AUTHORITY = Wording(
    ru="Документ о полномочиях опекуна или попечителя (кем выдан, номер, день)",
    en="The guardian's or trustee's document of authority (by whom, number, day)",
)
_UNTIL = Wording(ru="Последний день полномочий", en="The authority's last day")
_NOT_OVER = Wording(
    ru="Заявление {reference}: срок его рассмотрения ещё не истёк, последний день {due}. Дождитесь его или закройте "
    "заявление с причиной: dnevnik registry reject {reference} --reason CODE",
    en="Application {reference}: its term is not over, the last day is {due}. Wait until it has passed, or close it "
    "with the reason: dnevnik registry reject {reference} --reason CODE",
)
_BAD_REASON = Wording(ru="--reason: нужно одно из:\n{known}", en="--reason: one of these is needed:\n{known}")


@dataclass(frozen=True, slots=True, repr=False)
class SeenDocument:
    """The document as the command line names it; its number is asked for."""

    kind: str
    authority: str | None = None
    authority_until: str | None = None


def identify_parent(call: Call, reference: str, seen: SeenDocument, *, at: str | None, by: str | None) -> ExitStatus:
    """Enter that an authorised person saw who the applicant is. Raises BridgeError `application-…`, as `Asking`."""
    settings = call.settings()
    moment = None if at is None else moment_of(at, "--at", settings.bridge.timezone)
    with recorder(settings) as registry:
        document = _document(call, _state(registry, reference), seen)

        def work(connection: Connection, actor: Actor) -> tuple[CaseEvent]:
            return (identify(connection, reference, document, at=moment, vault=registry.vault, actor=actor),)

        return _carry_out(call, registry, reference, work, by)


def _document(call: Call, state: ApplicationState, seen: SeenDocument) -> Document:
    """Return the whole document; what the command line doesn't say is asked for."""
    asking = Asking(call.console)
    number = asking.text(_NUMBER)
    authority, until = seen.authority or "", seen.authority_until
    if state.relation not in AUTHORISED:
        return Document(seen.kind, number, authority, _day(until))
    return Document(
        seen.kind,
        number,
        authority or asking.text(_AUTHORITY),
        _day(until) or asking.value(_UNTIL, lambda answer: day_of(answer, asking.named(_UNTIL))),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else day_of(text, "--authority-until")


def link_student(call: Call, reference: str, *, student: str, by: str | None) -> ExitStatus:
    """Enter which student a person chose. Raises BridgeError `application-…`, `student-unknown` and as `linking`."""
    settings = call.settings()
    with recorder(settings) as registry:
        students = students_of(settings, _state(registry, reference).key.school, utc_now())

        def work(connection: Connection, actor: Actor) -> Sequence[CaseEvent]:
            return link(
                connection,
                reference,
                student,
                students=students,
                at=None,
                vault=registry.vault,
                new_id=random_id,
                actor=actor,
            )

        return _carry_out(call, registry, reference, work, by)


def register_application(call: Call, reference: str, *, by: str | None) -> ExitStatus:
    """Register an application with its consent. Raises BridgeError `application-…`, `two-persons`, `no-consent`."""
    settings = call.settings()
    with recorder(settings) as registry:

        def work(connection: Connection, actor: Actor) -> Sequence[CaseEvent]:
            return register(connection, reference, two_persons=settings.consent.two_persons, actor=actor)

        return _carry_out(call, registry, reference, work, by)


def reject_application(call: Call, reference: str, *, reason: str, by: str | None) -> ExitStatus:
    """Reject an application. Raises BridgeError `no-rejection` (lists the reasons in words), `application-…`."""
    settings = call.settings()
    if reason not in REJECTIONS:
        language = call.console.language
        known = "\n".join(f"  {one}: {TELLINGS[one].say(language)}" for one in ClosingReason if one in REJECTIONS)
        raise BridgeError("no-rejection", _BAD_REASON, {"known": known})
    with recorder(settings) as registry:

        def work(connection: Connection, actor: Actor) -> Sequence[CaseEvent]:
            why = ClosingReason(reason)
            return reject(connection, reference, why, at=None, actor=actor, vault=registry.vault)

        return _carry_out(call, registry, reference, work, by)


def lapse_application(call: Call, reference: str, *, by: str | None) -> ExitStatus:
    """Enter that an application's time ran out. Raises BridgeError `term-not-over`, `application-…`."""
    settings = call.settings()
    with recorder(settings) as registry:

        def work(connection: Connection, actor: Actor) -> Sequence[CaseEvent]:
            state, moment = open_application(connection, reference, actor.now)
            due = overdue_after(settings, state, moment.astimezone(actor.timezone).date()) if state.open else None
            if due is not None:
                raise BridgeError("term-not-over", _NOT_OVER, {"reference": state.key.reference, "due": due})
            return lapse(connection, reference, at=None, actor=actor, vault=registry.vault)

        return _carry_out(call, registry, reference, work, by)


def cancel_application(call: Call, reference: str, *, at: str | None, by: str | None) -> ExitStatus:
    """Enter that the parent withdrew an application; a registered one takes its consents with it."""
    settings = call.settings()
    moment: datetime | None = None if at is None else moment_of(at, "--at", settings.bridge.timezone)
    with recorder(settings) as registry:

        def work(connection: Connection, actor: Actor) -> Sequence[CaseEvent]:
            return withdraw_application(connection, reference, at=moment, actor=actor, vault=registry.vault)

        return _carry_out(call, registry, reference, work, by)


def _state(registry: Recorder, reference: str) -> ApplicationState:
    with database.reading(registry.engine) as connection:
        return find(connection, reference)


def _carry_out(call: Call, registry: Recorder, reference: str, work: Act, by: str | None) -> ExitStatus:
    """Record an act, then say how the application stands and what comes next."""
    events = act(registry, work, by=by)
    state = _state(registry, reference)
    language, key = call.console.language, state.key
    call.console.say(_DONE, reference=key.reference, stage=STAGES[state.stage].say(language))
    if any(event.event == "withdrawal" for event in events):
        call.console.say(_WITHDRAWN, school=key.school)
    else:
        call.console.result(what_next(state, language))
    if key.origin is Origin.PORTAL and told_as(state.stage) is not None:
        call.console.say(_TELL, school=key.school)
    return ExitStatus.DONE
