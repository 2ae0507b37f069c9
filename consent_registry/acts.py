"""What a person does to one case: withdraw, end, restrict, lift, give a consent, register it.

Rules (docs/consent-rules.md, "What people may do"). Nothing is dated ahead; a consent is never older than what undid
the one before. Withdrawing, ending and registering name the consents that they speak of. Each act is recorded in the
caller's transaction, behind the school's gate, and returns what the audit log is to be told; an act that changes
nothing returns None. `by` is a `staff_ref`.
Deliberately not here: applications and their steps (`applications`), what a consent must contain (`consent_content`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from sqlalchemy.engine import Connection

from consent_registry.fact_store import CaseEvent, CaseFacts, NewFact, add_facts, advance_clock, case_of
from consent_registry.facts import EndingReason, Fact, FactKind, consents_of, counting, day_of, names, of_kind
from consent_registry.register.changes import BY_PERSON
from journal.vocabulary import ALL_KINDS, RecordKind
from journal.wording import BridgeError, Wording

_UNKNOWN_LINK = Wording(
    ru="Школа {school}: в реестре нет связи ученика {student} с учётной записью {account}. Проверьте номера.",
    en="School {school}: the registry has no link of student {student} to account {account}. Check the ids.",
)
_AHEAD = Wording(
    ru="Отзыв нельзя датировать будущим временем ({at}). Укажите время не позже текущего.",
    en="A withdrawal can't be dated ahead ({at}). Give a time that is not after now.",
)
_ACT_AHEAD = Wording(
    ru="Нельзя датировать будущим временем ({at}). Укажите время не позже текущего.",
    en="It can't be dated ahead ({at}). Give a time that is not after now.",
)
_NO_SPAN = Wording(
    ru="Ограничение: нужен первый или последний день, и первый не позже последнего.",
    en="A restriction: its first or last day is needed, the first not after the last.",
)
_BAD_DAYS = Wording(
    ru="Согласие: даты не сходятся ({field}). Подписано ≤ начало действия ≤ конец; записи с ≤ по.",
    en="The consent's dates don't fit ({field}). Signed ≤ in force from ≤ to; records from ≤ to.",
)
_SIGNED_AHEAD = Wording(
    ru="Согласие подписано будущим днём ({day}). Внесите его, когда оно будет подписано.",
    en="The consent is signed on a day to come ({day}). Enter it once it is signed.",
)
_OLDER = Wording(
    ru="Согласие подписано {day}, а {undone} прежнее было отозвано или прекращено. Возьмите новое согласие.",
    en="The consent was signed on {day}, and the one before was withdrawn or ended on {undone}. Take a new consent.",
)
_NO_CONSENT = Wording(
    ru="Нечего регистрировать: у этой связи нет согласия, которое ещё не зарегистрировано. Внесите согласие.",
    en="There is nothing to register: the link has no consent that is not registered yet. Enter the consent.",
)
_NOT_IDENTIFIED = Wording(
    ru="Личность родителя ещё не подтверждена. Сначала внесите идентификацию.",
    en="The parent is not identified yet. Enter the identification first.",
)
_SAME_PERSON = Wording(
    ru="Регистрирует не тот, кто идентифицировал (two_persons = true). Пусть зарегистрирует другой сотрудник.",
    en="Who identified may not register (two_persons = true). Let another member of staff register.",
)


@dataclass(frozen=True, slots=True)
class ConsentTerms:
    """What a signed consent says. Days of the installation; `None` last days: open. `text_digest`: SHA-256, hex."""

    text_version: str
    signed_on: date
    in_force_from: date
    records_from: date
    in_force_to: date | None = None
    records_to: date | None = None
    kinds: frozenset[RecordKind] = ALL_KINDS
    text_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, when, in whose days."""

    by: str
    now: datetime
    timezone: tzinfo


def withdraw(
    connection: Connection,
    school: str,
    student_key: str,
    account_id: str,
    *,
    at: datetime,
    actor: Actor,
    evidence: str = "",
) -> CaseEvent | None:
    """Record that all consents of a case were withdrawn at `at`; None when they already were, by then or earlier.

    `evidence`: why it is dated back, sealed by the caller. Raises BridgeError `link-unknown`, `withdrawal-ahead`.
    """
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    case, now = _open_case(connection, school, student_key, account_id, actor)
    if at > now:
        raise BridgeError("withdrawal-ahead", _AHEAD, {"at": _iso(at)})
    detail = {"origin": BY_PERSON, **({"evidence": evidence} if evidence else {})}
    return _undo(connection, case, FactKind.WITHDRAWAL, detail, at=at, now=now, by=actor.by)


def end_link(
    connection: Connection,
    school: str,
    student_key: str,
    account_id: str,
    why: EndingReason,
    *,
    at: datetime,
    actor: Actor,
) -> CaseEvent | None:
    """Record that a link ended at `at`; None when it already was. Raises BridgeError `link-unknown`, `ahead`."""
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    case, now = _open_case(connection, school, student_key, account_id, actor)
    if at > now:
        raise BridgeError("ahead", _ACT_AHEAD, {"at": _iso(at)})
    return _undo(connection, case, FactKind.ENDING, {"why": str(why)}, at=at, now=now, by=actor.by)


def _undo(
    connection: Connection,
    case: CaseFacts,
    kind: FactKind,
    detail: Mapping[str, object],
    *,
    at: datetime,
    now: datetime,
    by: str,
) -> CaseEvent | None:
    """Name the consents that no fact of this kind ends by `at`; a case without consents is ended as it is."""
    counted = counting(case.facts)
    undone = [fact for fact in of_kind(counted, kind) if fact.valid_at <= at]
    named = {reference for fact in undone for reference in names(fact)}
    consents = [consent.consent_ref for consent in consents_of(counted)]
    open_ones = [reference for reference in consents if reference not in named]
    if (consents and not open_ones) or (not consents and any(not names(fact) for fact in undone)):
        return None
    fact = NewFact(kind, at, {**detail, "consents": open_ones})
    return _record(connection, case, fact, now, by)


def restrict(
    connection: Connection,
    school: str,
    student_key: str,
    account_id: str,
    *,
    first: date | None,
    last: date | None,
    actor: Actor,
    evidence: str = "",
) -> CaseEvent | None:
    """Record a court's restriction of a parent; None when the same stands. `evidence`: the document, sealed.

    Raises BridgeError `link-unknown`, `restriction-days`.
    """
    if (first is None and last is None) or (first is not None and last is not None and first > last):
        raise BridgeError("restriction-days", _NO_SPAN)
    case, now = _open_case(connection, school, student_key, account_id, actor)
    detail = _span(first, last)
    held = of_kind(counting(case.facts), FactKind.RESTRICTION)
    if any(_span_of(fact) == detail and fact.detail.get("origin") == BY_PERSON for fact in held):
        return None  # what a register says goes as it came, so a person's word is recorded beside it
    told = {**detail, "origin": BY_PERSON, **({"evidence": evidence} if evidence else {})}
    return _record(connection, case, NewFact(FactKind.RESTRICTION, now, told), now, actor.by)


def lift_restrictions(
    connection: Connection, school: str, student_key: str, account_id: str, *, on: date, actor: Actor
) -> CaseEvent | None:
    """Record that no restriction holds from a day on; None when none did. Raises BridgeError `link-unknown`."""
    case, now = _open_case(connection, school, student_key, account_id, actor)
    lasting = [
        fact
        for fact in of_kind(counting(case.facts), FactKind.RESTRICTION)
        if (last := day_of(fact.detail, "to")) is None or last >= on
    ]
    if not lasting:
        return None
    shortened = [_until(fact, on - timedelta(days=1), now) for fact in lasting]
    add_facts(connection, [(case.key.case_id, fact) for fact in shortened], recorded_at=now, recorded_by=actor.by)
    return CaseEvent(case.key.school, case.key.link_id, "restriction-lifted", now, actor.by)


def _until(fact: Fact, last: date, now: datetime) -> NewFact:
    """Return what a restriction becomes when its last day is `last`: nothing, where it began later."""
    first = day_of(fact.detail, "from")
    detail = {**fact.detail, "origin": BY_PERSON, "to": last.isoformat()} if first is None or first <= last else {}
    return NewFact(FactKind.RESTRICTION, now, detail, (fact.fact_id,))


def give_consent(
    connection: Connection,
    school: str,
    student_key: str,
    account_id: str,
    terms: ConsentTerms,
    *,
    actor: Actor,
    new_id: Callable[[], str],
) -> CaseEvent:
    """Record a signed consent; it takes the place of earlier ones from the day on which it comes into force.

    Raises BridgeError `link-unknown`, `consent-days`, `consent-ahead`, `consent-older`.
    """
    wrong = _wrong_days(terms)
    if wrong:
        raise BridgeError("consent-days", _BAD_DAYS, {"field": wrong})
    case, now = _open_case(connection, school, student_key, account_id, actor)
    if terms.signed_on > now.astimezone(actor.timezone).date():
        raise BridgeError("consent-ahead", _SIGNED_AHEAD, {"day": terms.signed_on})
    counted = counting(case.facts)
    undone = [*of_kind(counted, FactKind.WITHDRAWAL), *of_kind(counted, FactKind.ENDING)]
    undone = [fact for fact in undone if fact.valid_at <= now]  # a register may date a withdrawal ahead
    last = max((fact.valid_at.astimezone(actor.timezone).date() for fact in undone), default=terms.signed_on)
    if terms.signed_on < last:
        raise BridgeError("consent-older", _OLDER, {"day": terms.signed_on, "undone": last})
    at = datetime.combine(terms.in_force_from, time.min, actor.timezone)
    return _record(connection, case, NewFact(FactKind.CONSENT, at, _consent_detail(terms, new_id())), now, actor.by)


def _wrong_days(terms: ConsentTerms) -> str:
    """Return the name of a field whose day does not fit, or nothing."""
    if terms.in_force_from < terms.signed_on:
        return "in_force_from"
    if terms.in_force_to is not None and terms.in_force_to < terms.in_force_from:
        return "in_force_to"
    return "records_to" if terms.records_to is not None and terms.records_to < terms.records_from else ""


def _consent_detail(terms: ConsentTerms, reference: str) -> dict[str, object]:
    return {
        "consent_ref": reference,
        "origin": BY_PERSON,
        "text_version": terms.text_version,
        "text_digest": terms.text_digest,
        "signed_on": terms.signed_on.isoformat(),
        "in_force_from": terms.in_force_from.isoformat(),
        "in_force_to": terms.in_force_to and terms.in_force_to.isoformat(),
        "records_from": terms.records_from.isoformat(),
        "records_to": terms.records_to and terms.records_to.isoformat(),
        "kinds": "" if terms.kinds == ALL_KINDS else " ".join(sorted(terms.kinds)),
    }


def attach_scan(
    connection: Connection, school: str, student_key: str, account_id: str, *, scan_ref: str, sha256: str, actor: Actor
) -> CaseEvent:
    """Record the scan of the consent that was entered last. Raises BridgeError `link-unknown`, `no-consent`."""
    case, now = _open_case(connection, school, student_key, account_id, actor)
    consents = of_kind(counting(case.facts), FactKind.CONSENT)
    if not consents:
        raise BridgeError("no-consent", _NO_CONSENT)
    detail = {"consents": [consents[-1].detail["consent_ref"]], "scan_ref": scan_ref, "sha256": sha256}
    return _record(connection, case, NewFact(FactKind.SCAN, now, detail), now, actor.by)


def register_consents(
    connection: Connection, school: str, student_key: str, account_id: str, *, two_persons: bool, actor: Actor
) -> CaseEvent:
    """Register the consents of a case that are not yet; the parent must be identified, by another with `two_persons`.

    Raises BridgeError `link-unknown`, `no-consent`, `not-identified`, `two-persons`.
    """
    case, now = _open_case(connection, school, student_key, account_id, actor)
    counted = counting(case.facts)
    identified = [fact for fact in of_kind(counted, FactKind.IDENTIFICATION) if fact.valid_at <= now]
    if not identified:
        raise BridgeError("not-identified", _NOT_IDENTIFIED)
    if two_persons and identified[-1].detail.get("by") == actor.by:
        raise BridgeError("two-persons", _SAME_PERSON)
    waiting = [consent.consent_ref for consent in consents_of(counted) if consent.registered_at is None]
    if not waiting:
        raise BridgeError("no-consent", _NO_CONSENT)
    fact = NewFact(FactKind.REGISTRATION, now, {"by": actor.by, "consents": waiting})
    return _record(connection, case, fact, now, actor.by)


def _open_case(
    connection: Connection, school: str, student_key: str, account_id: str, actor: Actor
) -> tuple[CaseFacts, datetime]:
    """Put this writer in line; return the case and the moment that counts as now. Raises BridgeError `link-unknown`."""
    now = advance_clock(connection, school, actor.now)
    case = case_of(connection, school, student_key, account_id)
    if case is None:
        parameters = {"school": school, "student": student_key, "account": account_id}
        raise BridgeError("link-unknown", _UNKNOWN_LINK, dict(parameters))
    return case, now


def _record(connection: Connection, case: CaseFacts, fact: NewFact, now: datetime, by: str) -> CaseEvent:
    add_facts(connection, [(case.key.case_id, fact)], recorded_at=now, recorded_by=by)
    return CaseEvent(case.key.school, case.key.link_id, str(fact.kind), fact.valid_at, by)


def _span(first: date | None, last: date | None) -> dict[str, object]:
    return {"from": first and first.isoformat(), "to": last and last.isoformat()}


def _span_of(fact: Fact) -> dict[str, object]:
    return {"from": fact.detail.get("from"), "to": fact.detail.get("to")}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
