"""Gathers all that the bridge keeps of a student or of an account in one school, for the answer to that person.

Rules. Everything that has a place in the database is named: who they are, documents (a number is kept as a digest
only), scans, facts, look-up digests, what stands at the portal, and the last reading of the school's list. Another
person's name is never taken: a student's answer has accounts, a parent's has students' numbers. What a destroyed key
sealed is gone and isn't named. Reads only.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from commands.subject_holdings import holdings_of_account, holdings_of_student
from commands.subject_records import subject_ids
from consent_registry.applications.claims import open_claim
from consent_registry.applications.procedure import ApplicationState
from consent_registry.applications.store import applications, of_account
from consent_registry.fact_store import CaseFacts, case_facts
from consent_registry.facts import CaseState
from consent_registry.sealed.vault import Vault
from consent_registry.tables import CASE, REQUEST, SCAN
from consent_registry.terms.requests import RequestEvent, RequestKind
from delivery.roster import load_roster
from delivery.tables import ROSTER_SNAPSHOT
from journal.vocabulary import ALL_KINDS, Relation
from journal.wording import BridgeError
from reports.forms.dossier_paper import Basis, Datum, PortalHolding, Request, Whose
from reports.forms.words import KIND_WORDS, RELATION_WORDS, day
from settings import Settings

_SEALED = "зашифровано ключом ученика"
_OPEN = "случайный или служебный номер"
_STUDENT = (
    ("Фамилия, имя, отчество", ("student_last_name", "student_first_name", "student_middle_name")),
    ("Дата рождения", ("student_birth_date",)),
)
_PARENT = (
    ("Фамилия, имя, отчество", ("parent_last_name", "parent_first_name", "parent_middle_name")),
    ("Адрес электронной почты", ("email",)),
    ("Вид документа (номер — только отпечаток)", ("document_kind",)),
    ("Документ о полномочиях", ("authority_document",)),
)
_REQUESTS = {RequestKind.CORRECTION: "исправить данные", RequestKind.ANSWER: "сведения о данных"}


@dataclass(frozen=True, slots=True, repr=False)
class SubjectFiles:
    """What is kept of a person in one school; `links`, `cases`: by which ids the log speaks of them.

    `accounts`: the account behind each reference by which the log names it.
    """

    whose: Whose
    subject: str
    school: str
    student_ref: str
    links: frozenset[str]
    cases: frozenset[str]
    data: Sequence[Datum]
    bases: Sequence[Basis]
    holdings: Sequence[PortalHolding]
    requests: Sequence[Request]
    accounts: Mapping[str, str]


def files_of_student(
    connection: Connection, settings: Settings, vault: Vault, school: str, student: str, *, now: datetime
) -> SubjectFiles:
    """Return what is kept of a student. Raises BridgeError `sealed-unreadable`, `master-key-rotated`."""
    zone = settings.bridge.timezone
    ids = subject_ids(connection, school, student)
    rows = connection.execute(sa.select(CASE).where(CASE.c.school == school, CASE.c.student_key == student)).all()
    applied = [state for state in applications(connection, school) if state.student_key == student]
    data = [
        Datum("Номер в базе школы", student, "база школы", _first(row.created_at for row in rows), _OPEN),
        *_roster(connection, vault, school, student, zone),
        *_people(connection, vault, rows, _STUDENT, "реестр или заявление", zone),
        *_claims(connection, vault, applied, zone, parent=False),
        *_kept_of_cases(connection, [row.case_id for row in rows], zone),
    ]
    if ids.student_ref:
        data.append(Datum("Номер на портале", ids.student_ref, "выдан мостом", "—", _OPEN))
    return SubjectFiles(
        "student",
        student,
        school,
        ids.student_ref,
        ids.links,
        ids.cases,
        data,
        _bases(ids.facts, applied, settings, now, whose="student"),
        holdings_of_student(connection, school, student),
        _requests(connection, [row.case_id for row in rows], zone),
        _accounts(ids.facts),
    )


def files_of_account(
    connection: Connection, settings: Settings, vault: Vault, school: str, account: str, *, now: datetime
) -> SubjectFiles:
    """Return what is kept of a parent's account. Raises as `files_of_student`."""
    zone = settings.bridge.timezone
    rows = connection.execute(sa.select(CASE).where(CASE.c.school == school, CASE.c.account_id == account)).all()
    own = {row.case_id for row in rows}
    cases = case_facts(connection, school, sorted({row.student_key for row in rows}))
    facts = [case for case in cases if case.key.case_id in own]
    applied = of_account(connection, school, account)
    requests = _requests(connection, sorted(own), zone)
    links = frozenset(row.link_id for row in rows)
    data = [
        Datum("Учётная запись на портале", account, "портал", _first(row.created_at for row in rows), _OPEN),
        *_people(connection, vault, rows, _PARENT, "реестр или заявление", zone),
        *_claims(connection, vault, applied, zone, parent=True),
        *_kept_of_cases(connection, sorted(own), zone),
    ]
    return SubjectFiles(
        "account",
        account,
        school,
        "",
        links,
        links | {state.key.reference for state in applied} | {one.reference for one in requests},
        data,
        _bases(facts, applied, settings, now, whose="account"),
        holdings_of_account(connection, school, facts, now),
        requests,
        _accounts(facts),
    )


def _accounts(cases: Sequence[CaseFacts]) -> dict[str, str]:
    return {case.key.account_ref: case.key.account_id for case in cases if case.key.account_ref}


def _first(moments: Iterable[datetime]) -> str:
    found = list(moments)
    return day(min(found).date()) if found else "—"


def _people(
    connection: Connection,
    vault: Vault,
    rows: Sequence[sa.Row[tuple[object, ...]]],
    wanted: Sequence[tuple[str, tuple[str, ...]]],
    source: str,
    zone: tzinfo,
) -> list[Datum]:
    """Return what is kept sealed of the person in these cases, each value once, with the day of the first."""
    found: dict[tuple[str, str], datetime] = {}
    for school in sorted({row.school for row in rows}):
        keys = vault.student_keys(connection, school, [row.student_key for row in rows])
        for row in rows:
            if row.student_key not in keys:
                continue
            people: Mapping[str, str] = json.loads(keys[row.student_key].open(row.sealed))
            for what, columns in wanted:
                value = _written(" ".join(filter(None, (people.get(column, "") for column in columns))))
                if value:
                    known = found.setdefault((what, value), row.created_at)
                    found[what, value] = min(known, row.created_at)
    return [
        Datum(what, value, source, day(since.astimezone(zone).date()), _SEALED)
        for (what, value), since in found.items()
    ]


def _written(value: str) -> str:
    try:
        return day(date.fromisoformat(value))
    except ValueError:
        return value


def _claims(
    connection: Connection, vault: Vault, applied: Sequence[ApplicationState], zone: tzinfo, *, parent: bool
) -> list[Datum]:
    found = []
    for state in applied:
        try:
            claim = open_claim(connection, state, vault)
        except BridgeError as error:
            if error.code != "claim-destroyed":
                raise
            continue
        names = (
            (claim.parent_last_name, claim.parent_first_name, claim.parent_middle_name, claim.email)
            if parent
            else (
                claim.student_last_name,
                claim.student_first_name,
                claim.student_middle_name,
                _written(claim.student_birth_date),
                claim.student_class,
            )
        )
        since = day(state.received_at.astimezone(zone).date())
        told = " ".join(filter(None, names))
        found.append(Datum(f"Заявление {state.key.reference}", told, "заявитель", since, "зашифровано"))
    return found


def _roster(connection: Connection, vault: Vault, school: str, student: str, zone: tzinfo) -> list[Datum]:
    """Return what the last reading of the school's list says of the student."""
    read_at = connection.scalar(sa.select(ROSTER_SNAPSHOT.c.read_at).where(ROSTER_SNAPSHOT.c.school == school))
    roster = load_roster(connection, school, lambda sealed: vault.open_for(f"roster:{school}", sealed))
    known = (roster or {}).get(student)
    if known is None or read_at is None:
        return []
    classes = ", ".join(
        f"{one.class_name} с {day(one.first)}" + (f" по {day(one.last)}" if one.last else "")
        for one in known.enrolments
    )
    told = "; ".join(filter(None, (f"дата рождения {day(known.birth_date)}" if known.birth_date else "", classes)))
    since = day(read_at.astimezone(zone).date())
    return [Datum("Список учеников (последнее чтение)", told or "—", "база школы", since, "зашифровано ключом моста")]


def _kept_of_cases(connection: Connection, cases: Sequence[int], zone: tzinfo) -> list[Datum]:
    """Return scans, and that look-up digests are kept."""
    if not cases:
        return []
    scans = connection.execute(
        sa.select(SCAN.c.media_type, SCAN.c.size, SCAN.c.recorded_at, SCAN.c.sha256).where(SCAN.c.case_id.in_(cases))
    )
    found = [
        Datum(
            "Скан согласия",
            f"{scan.media_type}, {scan.size} байт, SHA-256 {scan.sha256[:16]}…",
            "принёс родитель",
            day(scan.recorded_at.astimezone(zone).date()),
            _SEALED,
        )
        for scan in scans
    ]
    digests = "ключевые отпечатки имени, почты, документа — для поиска; самих данных в них нет"
    return [*found, Datum("Поисковые отпечатки", digests, "вычислены мостом", "—", "отпечаток с ключом")]


def _bases(
    cases: Sequence[CaseFacts],
    applied: Sequence[ApplicationState],
    settings: Settings,
    now: datetime,
    *,
    whose: Whose,
) -> list[Basis]:
    found = [_basis(case.at(now), settings, whose) for case in cases]
    for state in applied:
        if state.case_id is None:
            party = state.key.account_id if whose == "student" else (state.student_key or "—")
            submitted = day(state.submitted_at.astimezone(settings.bridge.timezone).date())
            ends = "до решения по заявлению" if state.open else "до уничтожения после окончания заявления"
            found.append(Basis(party, f"заявление {state.key.reference} от {submitted}", "—", "—", _stage(state), ends))
    return found


def _stage(state: ApplicationState) -> str:
    return "рассматривается" if state.open else "завершено"


def _basis(case: CaseState, settings: Settings, whose: Whose) -> Basis:
    zone = settings.bridge.timezone
    party = case.account_id if whose == "student" else case.student_key
    if case.relation is not None and whose == "student":
        party += f" ({RELATION_WORDS[Relation(case.relation)]})"
    document = "согласия нет"
    if case.consent_ref is not None:
        signed = f", подписано {day(case.consent_signed_on)}" if case.consent_signed_on else ""
        document = f"согласие {case.consent_ref[:8]}…, текст {case.consent_text_version}{signed}"
    kinds = "все виды" if case.kinds == ALL_KINDS else ", ".join(KIND_WORDS[kind] for kind in sorted(case.kinds))
    covers = f"{kinds}; записи {_span(case.records_from, case.records_to)}"
    ended = [moment for moment in (case.withdrawn_at, case.ended_at) if moment is not None]
    state = _state(case, zone)
    if ended:
        last = min(ended).astimezone(zone).date() + timedelta(days=settings.consent.destroy_days)
        until = f"передача прекращена {day(min(ended).astimezone(zone).date())}; уничтожить не позднее {day(last)}"
    elif case.in_force_to is not None:
        last = case.in_force_to + timedelta(days=settings.consent.destroy_days)
        until = f"передача по {day(case.in_force_to)}, отзыв или 18 лет — раньше; уничтожить не позднее {day(last)}"
    else:
        until = (
            "передача до отзыва, выбытия из школы или 18 лет ученика; уничтожить в течение "
            f"{settings.consent.destroy_days} дней после отзыва, прекращения связи или 18 лет"
        )
    return Basis(party, document, covers, _span(case.in_force_from, case.in_force_to), state, until)


def _state(case: CaseState, zone: tzinfo) -> str:
    told = [
        (case.registered_at, "зарегистрировано"),
        (case.withdrawn_at, "отозвано"),
        (case.ended_at, "связь прекращена"),
    ]
    words = [f"{word} {day(moment.astimezone(zone).date())}" for moment, word in told if moment is not None]
    words += [f"ограничение {_span(span.first, span.last)}" for span in case.restrictions]
    return "; ".join(words) or "не зарегистрировано"


def _span(first: date | None, last: date | None) -> str:
    return f"{f'с {day(first)}' if first else ''} {f'по {day(last)}' if last else 'бессрочно'}".strip()


def _requests(connection: Connection, cases: Sequence[int], zone: tzinfo) -> list[Request]:
    rows = connection.execute(sa.select(REQUEST).where(REQUEST.c.case_id.in_(cases)).order_by(REQUEST.c.fact_id)).all()
    answered = {row.reference: row.valid_at for row in rows if row.event == RequestEvent.ANSWERED}
    return [
        Request(
            row.reference,
            _REQUESTS[RequestKind(row.kind)],
            day(row.valid_at.astimezone(zone).date()),
            day(answered[row.reference].astimezone(zone).date()) if row.reference in answered else "ещё нет",
        )
        for row in rows
        if row.event == RequestEvent.RECEIVED
    ]
