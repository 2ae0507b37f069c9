"""What all acts on applications share: one transaction with its audit entries, who acts, the school's students.

Rules. An act is announced in the audit log before it is recorded (`recording.Recorder`). Facts name the person who
acted: the account that runs the program, or whoever `--by` says it acts for; the log names the account alone.
A case that came by a register has no application and so no reference; the code on its forms is made from its link
(`form_code`), says nothing of anybody, and finds it again.
Deliberately not here: which act is lawful (`consent_registry.applications.procedure`), how arguments are spelt.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

import database
from audit.entry import ConsentEvent
from commands.call import utc_now
from commands.recording import Recorder, Result, Work
from connectors.school.read import read_identities
from consent_registry.acts import Actor
from consent_registry.applications.procedure import MEANINGS, ApplicationState, StepRefusal
from consent_registry.applications.references import new_reference
from consent_registry.applications.store import find
from consent_registry.fact_store import CaseEvent
from flows.assembly import school_source
from journal.school import StudentIdentity
from journal.wording import BridgeError, Wording
from mappings.profile import load_profile
from settings import Settings

Act = Callable[[Connection, Actor], Sequence[CaseEvent]]

_NO_NAME = Wording(
    ru="--by: нужны фамилия и имя того, кто действует, не длиннее 200 знаков",
    en="--by: the name of who acts is needed, of 200 characters at most",
)
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class NamedCase:
    """What a case is known by to the commands."""

    school: str
    student: str
    account: str


def act(registry: Recorder, work: Act, *, by: str | None = None) -> tuple[CaseEvent, ...]:
    """Carry an act out: logged, then recorded; returns what was recorded. `by`: who acts, if not this account.

    Raises BridgeError `actor-unnamed`, and what `work` raises; nothing is recorded then.
    """
    if by is not None and not (0 < len(by.strip()) <= _LONGEST_NAME and by.isprintable()):
        raise BridgeError("actor-unnamed", _NO_NAME)
    now = utc_now()

    def recorded(connection: Connection) -> tuple[tuple[CaseEvent, ...], Sequence[ConsentEvent]]:
        events = tuple(work(connection, registry.actor(connection, now, by)))
        return events, [entry(event, registry, now) for event in events]

    return registry.record(recorded)


def entry(event: CaseEvent, registry: Recorder, now: datetime) -> ConsentEvent:
    """Return what the audit log says of an event."""
    return ConsentEvent(
        at=now,
        school=event.school,
        case=event.case_ref,
        event=event.event,
        valid_at=event.valid_at,
        by_digest=registry.by_digest,
    )


def looked_at(school: str, case_ref: str, event: str, registry: Recorder, now: datetime) -> ConsentEvent:
    """Return what the audit log says of somebody who sees names: on the screen (`names-shown`) or on paper."""
    return ConsentEvent(at=now, school=school, case=case_ref, event=event, valid_at=now, by_digest=registry.by_digest)


def gathered(registry: Recorder, gather: Work[Result], *, logged: bool) -> Result:
    """Run what only reads; where it opens names (`logged`), the audit log knows before anybody sees them."""
    if logged:
        return registry.record(gather)
    with database.reading(registry.engine) as connection:
        return gather(connection)[0]


def case_of_application(connection: Connection, reference: str) -> NamedCase:
    """Return the case that an application was linked to.

    Raises BridgeError `reference-wrong`, `application-unknown`, `application-not-linked`.
    """
    state = find(connection, reference)
    if state.student_key is None:
        raise refused(state, StepRefusal.NOT_LINKED)
    return NamedCase(state.key.school, state.student_key, state.key.account_id)


def refused(state: ApplicationState, reason: StepRefusal) -> BridgeError:
    """Return the refusal of something that an application's stage does not admit."""
    return BridgeError(f"application-{reason}", MEANINGS[reason], {"reference": state.key.reference})


def students_of(settings: Settings, code: str, now: datetime) -> list[StudentIdentity]:
    """Read who the school's students are. Personal data. Raises BridgeError `school-unknown`, as `read_identities`."""
    school = settings.school(code)
    today = now.astimezone(settings.bridge.timezone).date()
    return read_identities(school_source(school), load_profile(school.profile), code=code, today=today)


def form_code(link_id: str) -> str:
    """Return the code that forms of a case carry where it has no application: 60 bits of its link's digest."""
    return new_reference(lambda count: hashlib.sha256(f"form:{link_id}".encode()).digest()[:count])
