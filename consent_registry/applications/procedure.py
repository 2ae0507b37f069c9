"""The steps of one application, and which may follow which. Pure.

Rules (consent-rules, "Applications"). received → identified → linked → registered. Until registered also rejected,
lapsed or withdrawn; nothing follows these, and after registered only withdrawn. *Identified* and *linked* may be
entered again until the next step: the newer takes the older's place, and follows the step that the older followed.
A step is never dated ahead, nor before the step that it follows. A guardian or trustee is identified by a document
that gives the authority, and that has a last day. Registering needs a consent; with `two_persons`, whoever
identified may not register. Anything else is refused with one reason, the order of steps before dates, dates before
evidence. Deliberately not here: storage, sealed data, the case that an application becomes (`desk`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from journal.vocabulary import ApplicationStatus, Relation
from journal.wording import Wording


class Step(StrEnum):
    """What happened to an application; the newest is its stage."""

    RECEIVED = "received"
    IDENTIFIED = "identified"
    LINKED = "linked"
    REGISTERED = "registered"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class Origin(StrEnum):
    """How an application came."""

    PORTAL = "portal"
    PAPER = "paper"


ENDINGS = frozenset({Step.REJECTED, Step.LAPSED, Step.WITHDRAWN})
"""After these nothing follows."""

_FOLLOWERS: Mapping[Step | None, frozenset[Step]] = {
    None: frozenset({Step.RECEIVED}),
    Step.RECEIVED: ENDINGS | {Step.IDENTIFIED},
    Step.IDENTIFIED: ENDINGS | {Step.IDENTIFIED, Step.LINKED},
    Step.LINKED: ENDINGS | {Step.LINKED, Step.REGISTERED},
    Step.REGISTERED: frozenset({Step.WITHDRAWN}),
    Step.REJECTED: frozenset(),
    Step.LAPSED: frozenset(),
    Step.WITHDRAWN: frozenset(),
}

_TOLD_AS: Mapping[Step, ApplicationStatus] = {
    Step.RECEIVED: ApplicationStatus.RECEIVED,
    Step.IDENTIFIED: ApplicationStatus.IDENTIFIED,
    Step.REGISTERED: ApplicationStatus.REGISTERED,
    Step.REJECTED: ApplicationStatus.REJECTED,
    Step.LAPSED: ApplicationStatus.REJECTED,
    Step.WITHDRAWN: ApplicationStatus.WITHDRAWN,
}

AUTHORISED = frozenset({Relation.GUARDIAN, Relation.TRUSTEE})
"""Who acts by an authority's decision, which ends."""


class StepRefusal(StrEnum):
    """Why a step may not be taken."""

    NOT_RECEIVED = "not-received"
    ALREADY_RECEIVED = "already-received"
    NOT_IDENTIFIED = "not-identified"
    ALREADY_LINKED = "already-linked"
    NOT_LINKED = "not-linked"
    ALREADY_REGISTERED = "already-registered"
    ENDED = "ended"
    AHEAD = "ahead"
    TOO_EARLY = "too-early"
    DOCUMENT_MISSING = "document-missing"
    AUTHORITY_MISSING = "authority-missing"
    AUTHORITY_OVER = "authority-over"
    STUDENT_NOT_CHOSEN = "student-not-chosen"
    CONSENT_MISSING = "consent-missing"
    SAME_PERSON = "same-person"


MEANINGS: Mapping[StepRefusal, Wording] = {
    StepRefusal.NOT_RECEIVED: Wording(
        "Заявление {reference} ещё не принято: сначала получите его с портала или внесите бумажное",
        "Application {reference} is not received yet: pull it from the portal or enter the paper one first",
    ),
    StepRefusal.ALREADY_RECEIVED: Wording(
        "Заявление {reference} уже принято: второй раз принимать его не нужно",
        "Application {reference} is received already: it needs no second receipt",
    ),
    StepRefusal.NOT_IDENTIFIED: Wording(
        "Заявление {reference}: заявитель ещё не идентифицирован. Сначала проверьте документ и отметьте идентификацию",
        "Application {reference}: the applicant is not identified yet. See the document and enter that first",
    ),
    StepRefusal.ALREADY_LINKED: Wording(
        "Заявление {reference} уже привязано к ученику: идентификацию больше не исправить. Если она неверна, отклоните "
        "заявление и внесите новое",
        "Application {reference} is linked to a student already: its identification can't be mended any more. If it is "
        "wrong, reject the application and enter a new one",
    ),
    StepRefusal.NOT_LINKED: Wording(
        "Заявление {reference} ещё не привязано к ученику. Сначала выберите ученика",
        "Application {reference} is not linked to a student yet. Choose the student first",
    ),
    StepRefusal.ALREADY_REGISTERED: Wording(
        "Заявление {reference} уже зарегистрировано: теперь его можно только отозвать",
        "Application {reference} is registered already: it can only be withdrawn now",
    ),
    StepRefusal.ENDED: Wording(
        "Заявление {reference} закрыто (отклонено, просрочено или отозвано): нужно новое заявление",
        "Application {reference} is closed (rejected, lapsed or withdrawn): a new application is needed",
    ),
    StepRefusal.AHEAD: Wording(
        "Заявление {reference}: шаг нельзя датировать будущим временем. Укажите время не позже текущего",
        "Application {reference}: a step can't be dated ahead. Give a time that is not after now",
    ),
    StepRefusal.TOO_EARLY: Wording(
        "Заявление {reference}: шаг датирован раньше предыдущего. Укажите время не раньше предыдущего шага",
        "Application {reference}: the step is dated before the one it follows. Give a time not before that step",
    ),
    StepRefusal.DOCUMENT_MISSING: Wording(
        "Заявление {reference}: не указан вид (словами, без цифр) или номер документа заявителя. Укажите оба",
        "Application {reference}: the document's kind (in words, no digits) or number is missing. Give both",
    ),
    StepRefusal.AUTHORITY_MISSING: Wording(
        "Заявление {reference}: опекун и попечитель подтверждают полномочия. Укажите документ о назначении и его "
        "последний день",
        "Application {reference}: a guardian or trustee shows an authority. Give its document and its last day",
    ),
    StepRefusal.AUTHORITY_OVER: Wording(
        "Заявление {reference}: срок полномочий опекуна или попечителя истёк. Нужен действующий документ",
        "Application {reference}: the guardian's or trustee's authority is over. A document in force is needed",
    ),
    StepRefusal.STUDENT_NOT_CHOSEN: Wording(
        "Заявление {reference}: ученик не выбран. Выберите ученика из базы школы",
        "Application {reference}: no student was chosen. Choose one of the school's students",
    ),
    StepRefusal.CONSENT_MISSING: Wording(
        "Заявление {reference}: нет письменного согласия. Внесите согласие и повторите регистрацию",
        "Application {reference}: there is no written consent. Enter the consent, then register again",
    ),
    StepRefusal.SAME_PERSON: Wording(
        "Заявление {reference}: кто идентифицировал, тот не регистрирует. Пусть зарегистрирует другой сотрудник",
        "Application {reference}: who identified may not register. Let another member of staff register it",
    ),
}
"""What each refusal means and what to do about it; `{reference}` is the application's."""

_WHY_NOT: Mapping[Step | None, StepRefusal] = {
    None: StepRefusal.NOT_RECEIVED,
    Step.RECEIVED: StepRefusal.NOT_IDENTIFIED,
    Step.IDENTIFIED: StepRefusal.NOT_LINKED,
    Step.LINKED: StepRefusal.ALREADY_LINKED,
    Step.REGISTERED: StepRefusal.ALREADY_REGISTERED,
    Step.REJECTED: StepRefusal.ENDED,
    Step.LAPSED: StepRefusal.ENDED,
    Step.WITHDRAWN: StepRefusal.ENDED,
}
"""Why a step that doesn't follow a stage is refused there."""


@dataclass(frozen=True, slots=True)
class ApplicationKey:
    """What an application is known by; `portal_id` None: it came on paper."""

    application_id: int
    reference: str
    school: str
    origin: Origin
    portal_id: str | None
    account_id: str


@dataclass(frozen=True, slots=True)
class StepFact:
    """One step as it was recorded. `detail` holds JSON values, moments and dates as ISO text, and names nobody."""

    step: Step
    valid_at: datetime
    recorded_at: datetime
    recorded_by: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ApplicationState:
    """How far an application is. `stage_at` is when its stage was reached; `ended_why` a word of `applications`.

    Of identification and link the newest entry stands here.
    """

    key: ApplicationKey
    stage: Step
    stage_at: datetime
    submitted_at: datetime
    received_at: datetime
    relation: Relation
    text_version: str
    identified_by: str | None = None
    identified_at: datetime | None = None
    document_kind: str | None = None
    authority_until: date | None = None
    linked_at: datetime | None = None
    student_key: str | None = None
    case_id: int | None = None
    registered_by: str | None = None
    registered_at: datetime | None = None
    ended_why: str | None = None

    @property
    def open(self) -> bool:
        """Tell whether it still waits for a person: neither registered nor ended."""
        return self.stage not in ENDINGS and self.stage is not Step.REGISTERED


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a step rests on, as far as the rules ask for it: whether a document, an authority, a consent is there."""

    document: bool = False
    authority: bool = False
    authority_until: date | None = None
    student_chosen: bool = False
    consent: bool = False


@dataclass(frozen=True, slots=True)
class StepTaken:
    """The step may be recorded; `status` is what the parent is told of it, None: nothing."""

    step: Step
    at: datetime
    by: str
    status: ApplicationStatus | None


@dataclass(frozen=True, slots=True)
class StepRefused:
    """The step may not be recorded; `stage` is the application's (None: not received yet)."""

    step: Step
    stage: Step | None
    reason: StepRefusal


def told_as(step: Step) -> ApplicationStatus | None:
    """Return the portal's word for a step; None: the parent isn't told of it."""
    return _TOLD_AS.get(step)


def state_of_application(
    key: ApplicationKey, steps: Iterable[StepFact], known_at: datetime | None = None
) -> ApplicationState | None:
    """Fold an application's steps, in the order in which they were recorded; None: none was known by `known_at`.

    Raises ValueError when the first of them is not `received`.
    """
    state: ApplicationState | None = None
    for fact in steps:
        if known_at is not None and fact.recorded_at > known_at:
            continue
        if state is None:
            state = _received(key, fact)
        else:
            state = replace(_folded(state, fact), stage=fact.step, stage_at=fact.valid_at)
    return state


def _received(key: ApplicationKey, fact: StepFact) -> ApplicationState:
    if fact.step is not Step.RECEIVED:
        raise ValueError("an application begins by being received")
    return ApplicationState(
        key=key,
        stage=fact.step,
        stage_at=fact.valid_at,
        submitted_at=fact.valid_at,
        received_at=fact.recorded_at,
        relation=Relation(str(fact.detail["relation"])),
        text_version=str(fact.detail["text_version"]),
    )


def _folded(state: ApplicationState, fact: StepFact) -> ApplicationState:
    detail = fact.detail
    if fact.step is Step.IDENTIFIED:
        until = detail.get("authority_until")
        return replace(
            state,
            identified_by=str(detail["by"]),
            identified_at=fact.valid_at,
            document_kind=str(detail["document_kind"]),
            authority_until=None if until is None else date.fromisoformat(str(until)),
        )
    if fact.step is Step.LINKED:
        return replace(
            state,
            linked_at=fact.valid_at,
            student_key=str(detail["student_key"]),
            case_id=int(str(detail["case_id"])),
        )
    if fact.step is Step.REGISTERED:
        return replace(state, registered_by=str(detail["by"]), registered_at=fact.valid_at)
    return replace(state, ended_why=str(detail["why"]))


def next_step(
    state: ApplicationState | None,
    step: Step,
    *,
    at: datetime,
    by: str,
    now: datetime,
    today: date,
    two_persons: bool,
    evidence: Evidence,
) -> StepTaken | StepRefused:
    """Say whether `step`, valid at `at`, may be recorded at `now` by whom `by` names; `today` is the school's day.

    `state` None: there is no such application yet. Raises ValueError for a naive moment.
    """
    if at.tzinfo is None or now.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    stage = None if state is None else state.stage
    reason = (
        _out_of_order(stage, step)
        or _misdated(state, step, at, now)
        or _unproved(state, step, by, today, two_persons=two_persons, evidence=evidence)
    )
    if reason is not None:
        return StepRefused(step, stage, reason)
    return StepTaken(step, at, by, told_as(step))


def _out_of_order(stage: Step | None, step: Step) -> StepRefusal | None:
    if step in _FOLLOWERS[stage]:
        return None
    if step is Step.RECEIVED and stage not in ENDINGS:
        return StepRefusal.ALREADY_RECEIVED
    return _WHY_NOT[stage]


def _misdated(state: ApplicationState | None, step: Step, at: datetime, now: datetime) -> StepRefusal | None:
    if at > now:
        return StepRefusal.AHEAD
    followed = None if state is None else _followed(state, step)
    return StepRefusal.TOO_EARLY if followed is not None and at < followed else None


def _followed(state: ApplicationState, step: Step) -> datetime | None:
    """Return the moment of the step that `step` follows; one entered again follows what the older one followed."""
    if step is Step.IDENTIFIED:
        return state.submitted_at
    return state.identified_at if step is Step.LINKED else state.stage_at


def _unproved(
    state: ApplicationState | None, step: Step, by: str, today: date, *, two_persons: bool, evidence: Evidence
) -> StepRefusal | None:
    if state is None:
        return None
    if step is Step.IDENTIFIED:
        return _unidentified(state.relation, evidence, today)
    if step is Step.LINKED and not evidence.student_chosen:
        return StepRefusal.STUDENT_NOT_CHOSEN
    if step is Step.REGISTERED:
        if not evidence.consent:
            return StepRefusal.CONSENT_MISSING
        if two_persons and state.identified_by == by:
            return StepRefusal.SAME_PERSON
    return None


def _unidentified(relation: Relation, evidence: Evidence, today: date) -> StepRefusal | None:
    if not evidence.document:
        return StepRefusal.DOCUMENT_MISSING
    if relation not in AUTHORISED:
        return None
    if not evidence.authority or evidence.authority_until is None:
        return StepRefusal.AUTHORITY_MISSING
    return StepRefusal.AUTHORITY_OVER if evidence.authority_until < today else None
