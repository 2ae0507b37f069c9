"""`dnevnik registry show`: one application and its history: who did what, when, on what evidence.

Rules. Without `--names` nobody is named: staff by the beginning of a digest, people not at all. With it, names are
opened for the authorised person who asked, said plainly, and the audit log knows before they are shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from rich import box
from rich.table import Table
from sqlalchemy.engine import Connection

from audit.entry import ConsentEvent
from commands.application_desk import gathered, looked_at
from commands.application_words import ORIGINS, RELATIONS, STAGES, what_next
from commands.call import Call, utc_now
from commands.recording import recorder
from commands.term_clocks import school_terms, working_days
from commands.terms import left_in_words
from consent_registry.applications.claims import Claim, open_claim
from consent_registry.applications.closing import TELLINGS, ClosingReason
from consent_registry.applications.procedure import ApplicationState, Origin, StepFact
from consent_registry.applications.store import QueuedReport, ReportState, find, history, queued_reports
from consent_registry.sealed.staff import staff_names
from consent_registry.terms.deadlines import Term
from journal.vocabulary import ApplicationStatus
from journal.wording import ExitStatus, Language, Wording

NAMES_SHOWN = "names-shown"
"""The audit log's word for names that were opened on a screen."""

NAMES_BELOW = Wording(
    ru="Ниже личные данные: показывайте их только тем, кому это поручено. Просмотр записан в журнал аудита",
    en="Personal data below, only for those charged with it. That they were looked at stands in the audit log",
)
_HEAD = Wording(
    ru="Заявление {reference}: {stage}\nШкола {school}, {origin}, {relation}, учётная запись {account}, "
    "текст согласия {text}",
    en="Application {reference}: {stage}\nSchool {school}, {origin}, {relation}, account {account}, "
    "consent text {text}",
)
_TERM = Wording(ru="Зарегистрировать по {due} включительно, осталось: {left}", en="Register by {due}, left: {left}")
_PARENT = Wording(ru="Заявитель: {name}; {email}", en="Applicant: {name}; {email}")
_STUDENT = Wording(
    ru="Ученик в заявлении: {name}; {born}; класс {class_name}",
    en="Student as claimed: {name}; {born}; class {class_name}",
)
_AUTHORITY = Wording(ru="Документ о полномочиях: {document}", en="Document of authority: {document}")
_COLUMNS = (
    Wording(ru="когда", en="when"),
    Wording(ru="внесено", en="recorded"),
    Wording(ru="что", en="what"),
    Wording(ru="кто", en="who"),
    Wording(ru="основание", en="evidence"),
)
_STAFF = Wording(ru="сотрудник {digits}", en="staff {digits}")
_DOCUMENT = Wording(ru="документ: {kind}", en="document: {kind}")
_UNTIL = Wording(ru="полномочия по {until}", en="authority until {until}")
_CHOSEN = Wording(ru="ученик {student}", en="student {student}")
_CONSENTS = Wording(ru="согласий: {count}", en="consents: {count}")
_TOLD = Wording(ru="Родителю через портал: {reports}", en="To the parent, by the portal: {reports}")
_STATUSES = {
    ApplicationStatus.RECEIVED: Wording(ru="принято", en="received"),
    ApplicationStatus.IDENTIFIED: Wording(ru="личность подтверждена", en="identified"),
    ApplicationStatus.REGISTERED: Wording(ru="зарегистрировано", en="registered"),
    ApplicationStatus.REJECTED: Wording(ru="отклонено", en="rejected"),
    ApplicationStatus.WITHDRAWN: Wording(ru="отозвано", en="withdrawn"),
}
_REPORT_STATES = {
    ReportState.WAITING: Wording(ru="ждёт отправки", en="waits"),
    ReportState.TOLD: Wording(ru="сообщено", en="told"),
    ReportState.REFUSED: Wording(ru="портал не принял", en="refused"),
}
_REFERENCE_DIGITS, _DIGITS_SHOWN = 32, 8


@dataclass(frozen=True, slots=True, repr=False)
class _View:
    """One application with all that is shown of it; `claim` and `names` only where they were asked for."""

    state: ApplicationState
    steps: Sequence[StepFact]
    reports: Sequence[tuple[QueuedReport, ReportState]]
    term: Term | None
    claim: Claim | None
    names: Mapping[str, str]


def show(call: Call, reference: str, *, names: bool) -> ExitStatus:
    """Show one application. Raises BridgeError `reference-wrong`, `application-unknown`, `claim-destroyed`."""
    settings = call.settings()
    calendar, now = working_days(settings), utc_now()
    with recorder(settings) as registry:

        def gather(connection: Connection) -> tuple[_View, Sequence[ConsentEvent]]:
            state = find(connection, reference)
            key, steps = state.key, history(connection, reference)
            due = school_terms(connection, settings, key.school, now, calendar) if state.open else []
            view = _View(
                state,
                steps,
                _reports(connection, key.school, key.reference),
                next((term for term in due if term.reference == key.reference), None),
                open_claim(connection, state, registry.vault) if names else None,
                staff_names(connection, registry.vault, {_who(fact) for fact in steps}) if names else {},
            )
            return view, [looked_at(key.school, key.reference, NAMES_SHOWN, registry, now)] if names else []

        view = gathered(registry, gather, logged=names)
    if names:
        call.console.note(NAMES_BELOW.say(call.console.language))
    _tell(call, view, settings.bridge.timezone)
    return ExitStatus.DONE


def _reports(connection: Connection, school: str, reference: str) -> list[tuple[QueuedReport, ReportState]]:
    found = [
        (report, state)
        for state in ReportState
        for report in queued_reports(connection, school, state)
        if report.reference == reference
    ]
    return sorted(found, key=lambda one: one[0].report_id)


def _who(fact: StepFact) -> str:
    """Return who acted: the one whose act it was, else who entered it."""
    return str(fact.detail.get("by") or fact.recorded_by)


def _tell(call: Call, view: _View, timezone: tzinfo) -> None:
    state, language = view.state, call.console.language
    call.console.say(
        _HEAD,
        reference=state.key.reference,
        stage=STAGES[state.stage].say(language),
        school=state.key.school,
        origin=ORIGINS[state.key.origin].say(language),
        relation=RELATIONS[state.relation].say(language),
        account=state.key.account_id,
        text=state.text_version,
    )
    for line in _people(view.claim, language):
        call.console.result(line)
    if view.term is not None:
        call.console.say(_TERM, due=view.term.due_on, left=left_in_words(view.term, language))
    call.console.draw(_steps(view, timezone, language))
    if state.key.origin is Origin.PORTAL:
        told = (
            f"{_STATUSES[one.report.status].say(language)} — {_REPORT_STATES[how].say(language)}"
            for one, how in view.reports
        )
        call.console.say(_TOLD, reports="; ".join(told) or "—")
    call.console.result(what_next(state, language))


def _steps(view: _View, timezone: tzinfo, language: Language) -> Table:
    steps = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in _COLUMNS:
        steps.add_column(column.say(language), overflow="fold")
    for fact in view.steps:
        moments = (fact.valid_at, fact.recorded_at)
        steps.add_row(
            *(moment.astimezone(timezone).strftime("%Y-%m-%d %H:%M") for moment in moments),
            STAGES[fact.step].say(language),
            _named(_who(fact), view.names, language),
            _evidence(fact, language),
        )
    return steps


def _people(claim: Claim | None, language: Language) -> list[str]:
    if claim is None:
        return []
    parent = (claim.parent_last_name, claim.parent_first_name, claim.parent_middle_name)
    student = (claim.student_last_name, claim.student_first_name, claim.student_middle_name)
    born = claim.birth_date.isoformat() if claim.birth_date is not None else "—"
    told = [
        _PARENT.say(language, name=full_name(*parent), email=claim.email or "—"),
        _STUDENT.say(language, name=full_name(*student), born=born, class_name=claim.student_class or "—"),
    ]
    return [*told, _AUTHORITY.say(language, document=claim.authority_document)] if claim.authority_document else told


def full_name(*parts: str | None) -> str:
    """Return a name in one line."""
    return " ".join(part for part in parts if part)


def _named(who: str, names: Mapping[str, str], language: Language) -> str:
    """Return a member of staff by name where names are shown, else by the beginning of the reference."""
    if who in names:
        return names[who]
    is_reference = len(who) == _REFERENCE_DIGITS and who.isalnum()
    return _STAFF.say(language, digits=who[:_DIGITS_SHOWN]) if is_reference else who


def _evidence(fact: StepFact, language: Language) -> str:
    detail = fact.detail
    told: list[str] = []
    if detail.get("document_kind"):
        told.append(_DOCUMENT.say(language, kind=detail["document_kind"]))
    if detail.get("authority_until"):
        told.append(_UNTIL.say(language, until=detail["authority_until"]))
    if detail.get("student_key"):
        told.append(_CHOSEN.say(language, student=detail["student_key"]))
    consents = detail.get("consents")
    if isinstance(consents, list):
        told.append(_CONSENTS.say(language, count=len(consents)))
    if detail.get("why"):
        told.append(TELLINGS[ClosingReason(str(detail["why"]))].say(language))
    return "; ".join(told)
