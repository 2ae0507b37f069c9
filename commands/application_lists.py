"""`dnevnik registry applications`: which applications there are, how far each is, how long it may still take.

Rules. No names: references, schools, stages, days. Open applications unless all, or those of a stage, are asked for;
the ones with the fewest days left first, closed ones last.
"""

import json
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

import database
from commands.application_words import ORIGINS, SHORT_NEXT, STAGES
from commands.call import Call, utc_now
from commands.recording import recorder
from commands.term_clocks import school_terms, working_days
from commands.terms import left_in_words
from consent_registry.applications.procedure import ApplicationState, Step
from consent_registry.applications.store import applications
from consent_registry.terms.deadlines import Term, TermKind, assumed_years
from journal.wording import BridgeError, ExitStatus, Language, Wording
from settings import Settings

_HEADINGS = (
    Wording(ru="номер", en="reference"),
    Wording(ru="школа", en="school"),
    Wording(ru="откуда", en="origin"),
    Wording(ru="стадия", en="stage"),
    Wording(ru="подано", en="submitted"),
    Wording(ru="осталось", en="left"),
    Wording(ru="дальше", en="next"),
)
_STAGE = _HEADINGS[3]
_WHOLE = (_HEADINGS[0], _HEADINGS[1], _HEADINGS[4])
"""Columns that are never broken: a half reference or date is none."""
_NONE = Wording(
    ru="Таких заявлений нет. Получить с портала: dnevnik registry exchange; внести бумажное: dnevnik registry enter",
    en="There are none. To pull them: dnevnik registry exchange; to enter one on paper: dnevnik registry enter",
)
_BAD_STAGE = Wording(ru="--stage: возможны {stages}", en="--stage: possible are {stages}")
_ASSUMED = Wording(
    ru="Для {years} г. в календаре нет переносов выходных: сроки могут сдвинуться",
    en="The calendar has no moved days off for {years}: terms may yet move",
)


def list_applications(
    call: Call, schools: Sequence[str], *, stage: str | None, closed_too: bool, as_document: bool
) -> ExitStatus:
    """Show the schools' applications. Raises BridgeError `stage-unknown`, `calendar-wrong`, `clock-back`."""
    if stage is not None and stage not in set(Step):
        raise BridgeError("stage-unknown", _BAD_STAGE, {"stages": ", ".join(Step)})
    settings = call.settings()
    wanted = None if stage is None else Step(stage)
    found, terms = _read(settings, schools, wanted)
    shown = [state for state in found if closed_too or wanted is not None or state.open]
    shown.sort(key=lambda state: (not state.open, _due(terms.get(state.key.reference)), state.submitted_at))
    if as_document:
        document = [_as_json(state, terms.get(state.key.reference)) for state in shown]
        call.console.result(json.dumps(document, ensure_ascii=False, indent=2))
    elif not shown:
        call.console.say(_NONE)
    else:
        call.console.draw(_table(settings, shown, terms, call.console.language))
        years = assumed_years(terms.values(), working_days(settings))
        if years:
            call.console.say(_ASSUMED, years=", ".join(map(str, years)))
    return ExitStatus.DONE


def _read(
    settings: Settings, schools: Sequence[str], stage: Step | None
) -> tuple[list[ApplicationState], Mapping[str, Term]]:
    """Return the applications, and the terms of the open ones by reference."""
    chosen = settings.chosen(schools)
    calendar, now = working_days(settings), utc_now()
    found: list[ApplicationState] = []
    terms: dict[str, Term] = {}
    with recorder(settings) as registry, database.reading(registry.engine) as connection:
        for school in chosen:
            found += applications(connection, school.code, stage=stage)
            due = school_terms(connection, settings, school.code, now, calendar)
            terms |= {term.reference: term for term in due if term.kind is TermKind.APPLICATION}
    return found, terms


def _due(term: Term | None) -> int:
    return 0 if term is None else term.due_on.toordinal()


def _as_json(state: ApplicationState, term: Term | None) -> dict[str, object]:
    return {
        "reference": state.key.reference,
        "school": state.key.school,
        "origin": str(state.key.origin),
        "account": state.key.account_id,
        "student": state.student_key,
        "stage": str(state.stage),
        "submitted_at": state.submitted_at.isoformat(),
        "due": None if term is None else term.due_on.isoformat(),
        "working_days_left": None if term is None else term.days_left,
        "overdue": term is not None and term.is_overdue,
    }


def _table(
    settings: Settings, shown: Sequence[ApplicationState], terms: Mapping[str, Term], language: Language
) -> Table:
    rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in _HEADINGS:
        least = max(len(word) for wording in STAGES.values() for word in wording.say(language).split())
        width = least if heading is _STAGE else None
        rows.add_column(heading.say(language), no_wrap=heading in _WHOLE, min_width=width, overflow="fold")
    for state in shown:
        term = terms.get(state.key.reference)
        rows.add_row(
            state.key.reference,
            state.key.school,
            ORIGINS[state.key.origin].say(language),
            STAGES[state.stage].say(language),
            state.submitted_at.astimezone(settings.bridge.timezone).date().isoformat(),
            _left(term, settings.consent.alarm_days, language),
            SHORT_NEXT.get(state.stage, ""),
        )
    return rows


def _left(term: Term | None, alarm_days: int, language: Language) -> Text:
    if term is None:
        return Text("—")
    told = left_in_words(term, language)
    if term.is_overdue:
        return Text(f"✗ {told}", "red")
    return Text(f"! {told}", "yellow") if term.days_left <= alarm_days else Text(told)
