"""The clocks of the law as the commands need them: a school's terms by the installation's limits and calendar.

Rules. Destruction is owed where a consent was withdrawn and, with `vault`, where a student's every ground is gone for
another reason (a term that ran out, an ending, coming of age: the birth date is sealed), as `dnevnik erase due` has it.
"""

from datetime import date, datetime

from sqlalchemy.engine import Connection

from consent_registry.applications.procedure import ApplicationState
from consent_registry.fact_store import registry_now
from consent_registry.sealed.vault import Vault
from consent_registry.terms.deadlines import Duty, Term, TermKind, TermLimits, terms
from consent_registry.terms.duties import open_duties
from consent_registry.terms.working_days import WorkingDays, load_working_days
from delivery.erasing_due import due
from settings import Settings


def working_days(settings: Settings) -> WorkingDays:
    """Return which days are worked, by the installation's calendar. Raises BridgeError `calendar-wrong`."""
    return load_working_days(settings.consent.calendar)


def limits(settings: Settings) -> TermLimits:
    """Return how many days each kind of term has here."""
    consent = settings.consent
    return TermLimits(
        response_days=consent.response_days,
        destroy_days=consent.destroy_days,
        correction_days=consent.correction_days,
        answer_days=consent.answer_days,
    )


def school_terms(
    connection: Connection,
    settings: Settings,
    code: str,
    now: datetime,
    calendar: WorkingDays,
    vault: Vault | None = None,
) -> list[Term]:
    """Return the terms of all that a school owes, the first due first. Raises BridgeError `clock-back`.

    Without `vault` nothing sealed is read.
    """
    moment = registry_now(connection, code, now)
    zone = settings.bridge.timezone
    duties = open_duties(connection, code, now=moment, timezone=zone)
    if vault is not None:
        told = {duty.reference for duty in duties if duty.kind is TermKind.DESTRUCTION}
        days = settings.consent.destroy_days
        for student in due(connection, vault, code, now=moment, timezone=zone, destroy_days=days):
            untold = (link for link in student.links if link not in told)
            duties += [Duty(TermKind.DESTRUCTION, code, link, student.since) for link in untold]
    return terms(duties, today=moment.astimezone(zone).date(), working_days=calendar, limits=limits(settings))


def overdue_after(settings: Settings, state: ApplicationState, today: date) -> date | None:
    """Return the last day of an application's term, None where it is over. Raises BridgeError `calendar-wrong`."""
    begun = state.submitted_at.astimezone(settings.bridge.timezone).date()
    duty = Duty(TermKind.APPLICATION, state.key.school, state.key.reference, begun)
    (term,) = terms([duty], today=today, working_days=working_days(settings), limits=limits(settings))
    return term.due_on if today <= term.due_on else None
