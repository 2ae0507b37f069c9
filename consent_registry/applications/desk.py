"""What people do to applications: identify, reject, let lapse, withdraw; and the way in to the rest.

Rules (docs/consent-rules.md, "Applications"). Each act stands in the caller's transaction, behind the school's gate,
asks `procedure` whether the step may be taken, and queues what the parent is told; refused, nothing is written.
Closing an application before it is registered takes back what its link brought to a case; withdrawing a registered
one withdraws the consents of its case. Each act returns what the audit log is to be told. `actor.by` is a `staff_ref`.
Deliberately not here: how applications come (`receiving`), links and registrations (`linking`), which student is
meant (`proposals`), the exchange with the portal (`delivery.applications`).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.engine import Connection

from consent_registry import acts
from consent_registry.acts import Actor
from consent_registry.applications.claims import claim_key, document_digest, is_document, open_claim, store_claim
from consent_registry.applications.closing import REJECTIONS, TELLINGS, ClosingReason
from consent_registry.applications.linking import link, register, take_back
from consent_registry.applications.procedure import ApplicationState, Evidence, Step
from consent_registry.applications.receiving import PaperApplication, enter_on_paper, receive_from_portal
from consent_registry.applications.references import new_reference, normal_reference
from consent_registry.applications.store import (
    applications,
    find,
    history,
    last_sequence,
    lawful_step,
    of_account,
    open_application,
    record_step,
)
from consent_registry.fact_store import CaseEvent
from consent_registry.facts import EndingReason
from consent_registry.sealed import lookup
from consent_registry.sealed.vault import Vault
from journal.wording import BridgeError, Language, Wording

__all__ = [
    "ClosingReason",
    "Document",
    "PaperApplication",
    "applications",
    "end_link",
    "enter_on_paper",
    "find",
    "history",
    "identify",
    "lapse",
    "last_sequence",
    "link",
    "new_reference",
    "normal_reference",
    "open_claim",
    "receive_from_portal",
    "register",
    "reject",
    "withdraw_application",
    "withdraw_link",
]

_NO_REJECTION = Wording(
    ru="Заявление {reference}: причина {reason} не для отклонения. Возможные: {reasons}",
    en="Application {reference}: {reason} is no reason to reject. Possible: {reasons}",
)


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """What an authorised person was shown. `authority`: a guardian's or trustee's document, with its last day.

    Personal data: of the number only a keyed digest is kept.
    """

    kind: str
    number: str
    authority: str = ""
    authority_until: date | None = None


def identify(
    connection: Connection, reference: str, document: Document, *, at: datetime | None, vault: Vault, actor: Actor
) -> CaseEvent:
    """Record that an authorised person saw who the applicant is, at `at` (None: now).

    Raises BridgeError `application-…`, `claim-destroyed` and as `open_application`.
    """
    state, moment = open_application(connection, reference, actor.now)
    taken = lawful_step(
        state,
        Step.IDENTIFIED,
        at=at or moment,
        by=actor.by,
        now=moment,
        today=moment.astimezone(actor.timezone).date(),
        evidence=Evidence(
            document=is_document(document.kind, document.number),
            authority=bool(document.authority.strip()),
            authority_until=document.authority_until,
        ),
    )
    claim = open_claim(connection, state, vault)
    seen = replace(claim, document_kind=document.kind.strip(), authority_document=document.authority.strip())
    store_claim(connection, state, seen, claim_key(connection, state, vault))
    lookup.forget_application(connection, state.key.application_id)  # a number entered wrongly must not find it
    known_by = [*claim.known_by, (lookup.Purpose.DOCUMENT, document.number)]
    lookup.enter(connection, vault, state.key.school, known_by, application_id=state.key.application_id)
    until = document.authority_until
    detail: dict[str, object] = {
        "by": actor.by,
        "document_kind": document.kind.strip(),
        "document_digest": document_digest(vault, document.number).hex(),
        "authority_until": None if until is None else until.isoformat(),
    }
    return record_step(connection, state.key, taken, detail, recorded_at=moment)


def reject(
    connection: Connection, reference: str, why: ClosingReason, *, at: datetime | None, actor: Actor, vault: Vault
) -> tuple[CaseEvent, ...]:
    """Record that the school rejected an application, and why. Raises BridgeError `no-rejection`, `application-…`."""
    if why not in REJECTIONS:
        reasons = ", ".join(sorted(REJECTIONS))
        raise BridgeError("no-rejection", _NO_REJECTION, {"reference": reference, "reason": why, "reasons": reasons})
    return _close(connection, reference, Step.REJECTED, why, at=at, actor=actor, vault=vault)


def lapse(
    connection: Connection, reference: str, *, at: datetime | None, actor: Actor, vault: Vault
) -> tuple[CaseEvent, ...]:
    """Record that an application's time ran out. Raises BridgeError `application-…`."""
    return _close(connection, reference, Step.LAPSED, ClosingReason.LAPSED, at=at, actor=actor, vault=vault)


def withdraw_application(
    connection: Connection, reference: str, *, at: datetime | None, actor: Actor, vault: Vault
) -> tuple[CaseEvent, ...]:
    """Record that the parent withdrew an application; a registered one takes its case's consents with it.

    Raises BridgeError `application-…`.
    """
    return _close(connection, reference, Step.WITHDRAWN, ClosingReason.WITHDRAWN, at=at, actor=actor, vault=vault)


def withdraw_link(
    connection: Connection,
    school: str,
    student_key: str,
    account_id: str,
    *,
    at: datetime,
    actor: Actor,
    evidence: str = "",
) -> tuple[CaseEvent, ...]:
    """Withdraw all consents of a case, and with them the applications that were registered, so that the parent is told.

    Nothing where the consents were withdrawn by then. Raises BridgeError `link-unknown`, `withdrawal-ahead`.
    """
    withdrawn = acts.withdraw(connection, school, student_key, account_id, at=at, actor=actor, evidence=evidence)
    if withdrawn is None:
        return ()
    closed = _close_registered(connection, (school, student_key, account_id), ClosingReason.WITHDRAWN, at, actor)
    return (withdrawn, *closed)


def end_link(
    connection: Connection,
    school: str,
    student_key: str,
    account_id: str,
    why: EndingReason,
    *,
    at: datetime,
    actor: Actor,
) -> tuple[CaseEvent, ...]:
    """End a link, and with it the applications that were registered for its case, so that the parent is told.

    Nothing where it was ended by then. Raises BridgeError `link-unknown`, `ahead`.
    """
    ended = acts.end_link(connection, school, student_key, account_id, why, at=at, actor=actor)
    if ended is None:
        return ()
    closed = _close_registered(connection, (school, student_key, account_id), ClosingReason.LINK_ENDED, at, actor)
    return (ended, *closed)


def _close_registered(
    connection: Connection, case: tuple[str, str, str], why: ClosingReason, at: datetime, actor: Actor
) -> list[CaseEvent]:
    """Close the registered applications of a case (school, student, account)."""
    school, student_key, account_id = case
    registered = [
        state
        for state in of_account(connection, school, account_id)
        if state.stage is Step.REGISTERED and state.student_key == student_key
    ]
    events = []
    for state in registered:
        _, moment = open_application(connection, state.key.reference, actor.now)
        today = moment.astimezone(actor.timezone).date()
        when = max(at, state.stage_at)  # a consent may be withdrawn as of before its registration, a step is not
        taken = lawful_step(state, Step.WITHDRAWN, at=when, by=actor.by, now=moment, today=today)
        told = TELLINGS[why].say(Language.RU) if why is not ClosingReason.WITHDRAWN else None
        events.append(record_step(connection, state.key, taken, {"why": str(why)}, recorded_at=moment, reason=told))
    return events


def _close(
    connection: Connection,
    reference: str,
    step: Step,
    why: ClosingReason,
    *,
    at: datetime | None,
    actor: Actor,
    vault: Vault,
) -> tuple[CaseEvent, ...]:
    state, moment = open_application(connection, reference, actor.now)
    today = moment.astimezone(actor.timezone).date()
    taken = lawful_step(state, step, at=at or moment, by=actor.by, now=moment, today=today)
    if state.stage is Step.REGISTERED:
        followed = _withdraw_consents(connection, state, taken.at, actor)
    else:
        followed = take_back(connection, state, vault=vault, moment=moment, by=actor.by)
    told = TELLINGS[why].say(Language.RU) if step is not Step.WITHDRAWN else None
    event = record_step(connection, state.key, taken, {"why": str(why)}, recorded_at=moment, reason=told)
    return (event, *followed)


def _withdraw_consents(
    connection: Connection, state: ApplicationState, at: datetime, actor: Actor
) -> tuple[CaseEvent, ...]:
    """Withdraw the consents of a registered application's case; nothing where they were withdrawn before."""
    student, account = state.student_key or "", state.key.account_id
    event = acts.withdraw(connection, state.key.school, student, account, at=at, actor=actor)
    return () if event is None else (event,)
