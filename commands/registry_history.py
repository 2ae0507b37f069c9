"""`dnevnik registry history`: all that was recorded of a student's links, in the order in which it was recorded.

Rules. Nothing is left out: what was corrected later stands there, marked. Staff are named, families never; sealed
evidence is said to be there and not shown. Nothing is recorded.
"""

from collections.abc import Mapping

from rich import box
from rich.table import Table
from rich.text import Text

import database
from commands.call import Call
from commands.days import moment_in_words
from commands.recording import recorder
from commands.registry_look import SHOWN
from consent_registry.fact_store import CaseFacts, case_facts
from consent_registry.facts import Fact, FactKind, names
from consent_registry.sealed.staff import staff_names
from journal.wording import BridgeError, ExitStatus, Language, Wording
from settings import Settings

_HEAD = Wording(
    ru="Школа {school}, ученик {student}, учётная запись {account}, связь {link}",
    en="School {school}, student {student}, account {account}, link {link}",
)
_NONE = Wording(
    ru="Школа {school}: о связях ученика {student} ничего не записано. Проверьте номера: "
    "dnevnik registry list {school}",
    en="School {school}: nothing is recorded of links of student {student}. Check the ids: "
    "dnevnik registry list {school}",
)
_COLUMNS = (
    Wording(ru="№", en="no."),
    Wording(ru="действует с", en="valid at"),
    Wording(ru="записано", en="recorded"),
    Wording(ru="кто", en="who"),
    Wording(ru="что", en="what"),
    Wording(ru="исправляет", en="corrects"),
)
_CORRECTED = Wording(ru="исправлено записью {by}: ", en="corrected by {by}: ")
_TAKEN_BACK = Wording(ru="взято назад", en="taken back")
_WITH_EVIDENCE = Wording(ru="; основание хранится закрытым", en="; its evidence is kept sealed")

_TITLES: Mapping[FactKind, Wording] = {
    FactKind.APPLICATION: Wording(ru="заявление: {relation}, {origin}", en="application: {relation}, {origin}"),
    FactKind.IDENTIFICATION: Wording(ru="личность подтверждена: {by}{more}", en="identified by {by}{more}"),
    FactKind.CONSENT: Wording(
        ru="согласие {consent}, текст {text}, подписано {signed}, действует {in_force}, записи {records}, "
        "виды: {kinds}",
        en="consent {consent}, text {text}, signed {signed}, in force {in_force}, records {records}, kinds: {kinds}",
    ),
    FactKind.SCAN: Wording(
        ru="скан согласия {consents}, SHA-256 {sha256}…", en="scan of {consents}, SHA-256 {sha256}…"
    ),
    FactKind.REGISTRATION: Wording(
        ru="зарегистрировано: {by}; согласия {consents}", en="registered by {by}; consents {consents}"
    ),
    FactKind.WITHDRAWAL: Wording(
        ru="отзыв согласий {consents}, {origin}", en="withdrawal of consents {consents}, {origin}"
    ),
    FactKind.ENDING: Wording(ru="прекращено: {why}; согласия {consents}", en="ended: {why}; consents {consents}"),
    FactKind.RESTRICTION: Wording(
        ru="ограничение с {first} по {last}, {origin}", en="restriction from {first} to {last}, {origin}"
    ),
    FactKind.PEOPLE: Wording(ru="исправлены данные людей: {changed}", en="people's data corrected: {changed}"),
}
_ORIGINS = {
    "person": Wording(ru="внёс сотрудник", en="entered by a person"),
    "register": Wording(ru="из реестра", en="from a register"),
    "portal": Wording(ru="с портала", en="from the portal"),
    "paper": Wording(ru="на бумаге", en="on paper"),
}
_RELATIONS = {
    "parent": Wording(ru="родитель", en="parent"),
    "adopter": Wording(ru="усыновитель", en="adopter"),
    "guardian": Wording(ru="опекун", en="guardian"),
    "trustee": Wording(ru="попечитель", en="trustee"),
}
_UNTIL = Wording(ru=", полномочия по {day}", en=", authority until {day}")
_ALL = Wording(ru="все", en="all")


def show_history(call: Call, school: str, student: str, account: str | None) -> ExitStatus:
    """Show each of a student's cases (of one account), fact by fact. Raises BridgeError `history-none`."""
    settings = call.settings()
    code = settings.school(school).code
    with recorder(settings) as registry, database.reading(registry.engine) as connection:
        cases = [
            case
            for case in case_facts(connection, code, [student])
            if account is None or case.key.account_id == account
        ]
        staff = staff_names(connection, registry.vault, {ref for case in cases for ref in _staff(case)})
    if not cases:
        raise BridgeError("history-none", _NONE, {"school": code, "student": student})
    for case in cases:
        key = case.key
        told = {"school": code, "student": student, "account": key.account_id, "link": key.link_id}
        call.console.say(_HEAD, **told)
        call.console.draw(_table(case, staff, settings, call.console.language))
    return ExitStatus.DONE


def _staff(case: CaseFacts) -> list[str]:
    return [str(name) for fact in case.facts for name in (fact.recorded_by, fact.detail.get("by")) if name]


def _table(case: CaseFacts, staff: Mapping[str, str], settings: Settings, language: Language) -> Table:
    timezone = settings.bridge.timezone
    corrected = {gone: fact.fact_id for fact in case.facts for gone in fact.corrects}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in _COLUMNS:
        table.add_column(column.say(language), overflow="fold")
    for fact in case.facts:
        what = _what(fact, staff, language)
        if fact.fact_id in corrected:
            what = _CORRECTED.say(language, by=corrected[fact.fact_id]) + what
        table.add_row(
            str(fact.fact_id),
            moment_in_words(fact.valid_at, timezone),
            moment_in_words(fact.recorded_at, timezone),
            staff.get(fact.recorded_by, fact.recorded_by),
            Text(what, "dim" if fact.fact_id in corrected else ""),
            " ".join(map(str, fact.corrects)),
        )
    return table


def _what(fact: Fact, staff: Mapping[str, str], language: Language) -> str:
    """Return a fact in words; ids are shortened."""
    if not fact.detail:
        return _TAKEN_BACK.say(language)

    def detail(name: str) -> str:
        return str(fact.detail.get(name) or "")

    def word(words: Mapping[str, Wording], name: str) -> str:
        known = words.get(detail(name))
        return detail(name) or "–" if known is None else known.say(language)

    until = detail("authority_until")
    told = {
        "by": staff.get(detail("by"), detail("by")) or "–",
        "consents": " ".join(sorted(reference[:SHOWN] for reference in names(fact))) or "–",
        "consent": detail("consent_ref")[:SHOWN],
        "text": detail("text_version") or "–",
        "signed": detail("signed_on") or "–",
        "in_force": f"{detail('in_force_from')}/{detail('in_force_to')}",
        "records": f"{detail('records_from')}/{detail('records_to')}",
        "kinds": detail("kinds") or _ALL.say(language),
        "relation": word(_RELATIONS, "relation"),
        "origin": word(_ORIGINS, "origin"),
        "more": _UNTIL.say(language, day=until) if until else "",
        "sha256": detail("sha256")[:SHOWN],
        "why": detail("why"),
        "first": detail("from") or "…",
        "last": detail("to") or "…",
        "changed": ", ".join(_listed(fact.detail.get("changed"))),
    }
    evidence = _WITH_EVIDENCE.say(language) if fact.detail.get("evidence") else ""
    return _TITLES[fact.kind].say(language, **told) + evidence


def _listed(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []
