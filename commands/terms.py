"""`dnevnik registry terms`: what is owed by the clocks of the law, by when, and what to do about it.

Rules. Alarms first: what has lapsed, then what has at most `alarm_days` left. Nobody is named: a term is known by the
code that `registry find` finds. A year that no calendar knows is told, for its days may yet move. Exit status 1 when
something is overdue.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa
from rich import box
from rich.table import Table
from rich.text import Text
from sqlalchemy.engine import Connection

import database
from commands.application_desk import NamedCase, form_code
from commands.call import Call, utc_now
from commands.recording import recorder
from commands.term_clocks import school_terms, working_days
from consent_registry.tables import CASE
from consent_registry.terms.deadlines import WORDS, Term, TermKind, alarms, assumed_years
from journal.wording import ExitStatus, Language, Wording

_KINDS = {
    TermKind.APPLICATION: Wording(ru="заявление", en="application"),
    TermKind.DESTRUCTION: Wording(ru="уничтожение", en="destruction"),
    TermKind.CORRECTION: Wording(ru="исправление", en="correction"),
    TermKind.ANSWER: Wording(ru="ответ на запрос", en="answer"),
}
_HEADINGS = (
    Wording(ru="что", en="what"),
    Wording(ru="школа", en="school"),
    Wording(ru="код", en="code"),
    Wording(ru="с", en="since"),
    Wording(ru="по", en="due"),
    Wording(ru="осталось", en="left"),
)
_WHOLE = (_HEADINGS[1], _HEADINGS[3], _HEADINGS[4])
"""Columns that are never broken; of a code's column the code itself is not."""
_CODE_WIDTH = 14
_NOTHING = Wording(ru="Ничего не просрочено и ничего не ждёт", en="Nothing is overdue and nothing waits")
_NOTHING_SOON = Wording(
    ru="Ничего не просрочено, в ближайшие дни ({within}) ничего не истекает",
    en="Nothing is overdue, nothing is due within {within} days",
)
_LATE = Wording(ru="просрочено на {days} {unit}", en="overdue by {days} {unit}")
_TODAY = Wording(ru="последний день", en="the last day")
_LEFT = Wording(ru="{days} {unit}", en="{days} {unit}")
_WORKING = Wording(ru="раб. дн.", en="working days")
_CALENDAR = Wording(ru="дн.", en="days")
_WHAT_TO_DO = Wording(ru="{what}. {remedy} ({source})", en="{what}. {remedy} ({source})")
_ASSUMED = Wording(
    ru="Для {years} г. в календаре нет переносов выходных: сроки посчитаны по закону и могут сдвинуться",
    en="The calendar has no moved days off for {years}: these terms are counted by the law alone and may yet move",
)


def list_terms(call: Call, schools: Sequence[str], *, within: int | None, as_document: bool) -> ExitStatus:
    """Show what the schools owe (within so many days). Raises BridgeError `calendar-wrong`, `clock-back`."""
    settings = call.settings()
    chosen = settings.chosen(schools)
    calendar, now = working_days(settings), utc_now()
    found: list[Term] = []
    cases: dict[str, NamedCase] = {}
    with recorder(settings) as registry, database.reading(registry.engine) as connection:
        for school in chosen:
            found += school_terms(connection, settings, school.code, now, calendar, registry.vault)
        cases = _cases(connection, found)
    shown = found if within is None else alarms(found, within_days=within)
    urgent = set(alarms(shown, within_days=settings.consent.alarm_days))
    shown = in_order(shown, urgent)
    assumed = assumed_years(shown, calendar)
    language = call.console.language
    if as_document:
        document = {"terms": [_as_json(term, cases) for term in shown], "assumed_years": assumed}
        call.console.result(json.dumps(document, ensure_ascii=False, indent=2))
    elif shown:
        call.console.draw(_table(shown, urgent, cases, language))
        for kind in TermKind:
            if any(term.kind is kind for term in shown):
                call.console.result(_what_to_do(kind, language))
        if assumed:
            call.console.say(_ASSUMED, years=", ".join(map(str, assumed)))
    else:
        call.console.say(_NOTHING if within is None else _NOTHING_SOON, within=within)
    return ExitStatus.DONE_WITH_EXCEPTIONS if any(term.is_overdue for term in shown) else ExitStatus.DONE


def in_order(found: Iterable[Term], urgent: Collection[Term]) -> list[Term]:
    """Return the terms of all schools: alarms first, each part by the day on which it is due."""
    return sorted(found, key=lambda term: (term not in urgent, term.due_on, term.school, term.kind, term.reference))


def left_in_words(term: Term, language: Language) -> str:
    """Return how many days a term has left, or since when it has lapsed."""
    unit = (_WORKING if term.working else _CALENDAR).say(language)
    if term.days_left == 0:
        return _TODAY.say(language)
    return (_LATE if term.is_overdue else _LEFT).say(language, days=abs(term.days_left), unit=unit)


def _cases(connection: Connection, found: Sequence[Term]) -> dict[str, NamedCase]:
    """Return the cases whose data wait to be destroyed, by link."""
    links = [term.reference for term in found if term.kind is TermKind.DESTRUCTION]
    rows = sa.select(CASE.c.link_id, CASE.c.school, CASE.c.student_key, CASE.c.account_id)
    return {
        row.link_id: NamedCase(row.school, row.student_key, row.account_id)
        for start in range(0, len(links), 500)
        for row in connection.execute(rows.where(CASE.c.link_id.in_(links[start : start + 500])))
    }


def _code(term: Term) -> str:
    return form_code(term.reference) if term.kind is TermKind.DESTRUCTION else term.reference


def _as_json(term: Term, cases: Mapping[str, NamedCase]) -> dict[str, object]:
    case = cases.get(term.reference)
    return {
        "kind": str(term.kind),
        "school": term.school,
        "reference": term.reference,
        "code": _code(term),
        "student": None if case is None else case.student,
        "account": None if case is None else case.account,
        "since": term.started_on.isoformat(),
        "due": term.due_on.isoformat(),
        "days_left": term.days_left,
        "working_days": term.working,
        "overdue": term.is_overdue,
    }


def _table(
    shown: Sequence[Term],
    urgent: set[Term],
    cases: Mapping[str, NamedCase],
    language: Language,
) -> Table:
    rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in _HEADINGS:
        least = _CODE_WIDTH if heading is _HEADINGS[2] else None
        rows.add_column(heading.say(language), no_wrap=heading in _WHOLE, min_width=least, overflow="fold")
    for term in shown:
        style, mark = ("red", "✗") if term.is_overdue else ("yellow", "!") if term in urgent else ("", " ")
        case = cases.get(term.reference)
        code = _code(term) if case is None else f"{_code(term)}\n({case.student}, {case.account})"
        rows.add_row(
            Text(f"{mark} {_KINDS[term.kind].say(language)}", style),
            term.school,
            code,
            term.started_on.isoformat(),
            term.due_on.isoformat(),
            Text(left_in_words(term, language), style),
        )
    return rows


def _what_to_do(kind: TermKind, language: Language) -> str:
    words = WORDS[kind]
    told = {"remedy": words.remedy.say(language), "source": words.source.say(language)}
    return _WHAT_TO_DO.say(language, what=words.meaning.say(language), **told)
