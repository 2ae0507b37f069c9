"""`dnevnik registry state`: which links had a ground at a moment, as known at another.

Rules. Nothing is recorded. The registry answers for any moment by its facts (docs/consent-rules.md); the school's
roster is the one read last, whatever the moment, and says so. Names stand nowhere.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

import database
from commands.asking import moment_of
from commands.call import Call, utc_now
from commands.days import moment_in_words, span_in_table
from commands.known_roster import KnownRoster, known_roster
from commands.recording import Recorder, recorder
from consent_registry.decision import Grant, Refusal, ground, in_pilot
from consent_registry.fact_store import registry_now, states
from consent_registry.facts import CaseState
from consent_registry.pilot.admission import Pilot
from consent_registry.pilot.groups import pilot_of
from consent_registry.reasons import MEANINGS, RANKING
from journal.vocabulary import ALL_KINDS
from journal.wording import ExitStatus, Language, Wording

SHOWN = 8
"""Digits of an opaque id that a table shows."""

_HEAD = Wording(
    ru="Школа {school} на {at}, по сведениям на {known}. Список учеников прочитан {read}",
    en="School {school} at {at}, as known at {known}. The list of students was read {read}",
)
_NONE = Wording(
    ru="Школа {school}: на этот момент связей не известно", en="School {school}: no links are known at this moment"
)
_COLUMNS = (
    Wording(ru="ученик", en="student"),
    Wording(ru="учётная запись", en="account"),
    Wording(ru="основание", en="ground"),
    Wording(ru="согласие", en="consent"),
    Wording(ru="текст", en="text"),
    Wording(ru="действует", en="in force"),
    Wording(ru="записи", en="records"),
    Wording(ru="виды", en="kinds"),
)
_HAS_GROUND = Wording(ru="есть", en="yes")
_NOT_IN_PILOT = Wording(ru="есть, но класс не участвует", en="yes, but the class takes no part")
_ALL_KINDS = Wording(ru="все", en="all")


@dataclass(frozen=True, slots=True)
class Moments:
    """What is asked for, as typed: what held at `at` (None: now), as known at `known_at` (None: all that is known)."""

    at: str | None = None
    known_at: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What the registry says of a school's links at a moment; `grounds` beside `cases`."""

    school: str
    at: datetime
    known_at: datetime
    today: date
    roster: KnownRoster
    pilot: Pilot
    cases: Sequence[CaseState] = field(repr=False)
    grounds: Sequence[Grant | Refusal] = field(repr=False)


def look_at(registry: Recorder, code: str, moments: Moments, student: str | None = None) -> Look:
    """Look at a school's links (at one student's).

    Raises BridgeError `moment-wrong`, `clock-back`, and as `known_roster`.
    """
    settings = registry.settings
    timezone, now = settings.bridge.timezone, utc_now()
    known_at = None if moments.known_at is None else moment_of(moments.known_at, "--known-at", timezone)
    asked = None if moments.at is None else moment_of(moments.at, "--at", timezone)
    roster = known_roster(registry, code, now)
    with database.reading(registry.engine) as connection:
        present = registry_now(connection, code, now)
        at = asked or present
        cases = states(connection, code, at=at, student_keys=None if student is None else [student], known_at=known_at)
        configured = frozenset(settings.school(code).pilot_classes)
        pilot = pilot_of(connection, code, configured, known_at=known_at)
    today = at.astimezone(timezone).date()
    cases = sorted(cases, key=lambda case: (case.student_key, case.account_id))
    grounds = [ground(case, roster.students.get(case.student_key), at, today) for case in cases]
    return Look(code, at, known_at or present, today, roster, pilot, cases, grounds)


def show_state(call: Call, school: str, student: str | None, moments: Moments, *, as_document: bool) -> ExitStatus:
    """Show each link's ground, or why it has none. Raises BridgeError as `look_at`."""
    settings = call.settings()
    code = settings.school(school).code
    with recorder(settings) as registry:
        look = look_at(registry, code, moments, student)
    if as_document:
        call.console.result(json.dumps(_as_json(look), ensure_ascii=False, indent=2))
        return ExitStatus.DONE
    call.console.say(_HEAD, **head(look, settings.bridge.timezone))
    if look.cases:
        call.console.draw(_table(look, call.console.language))
    else:
        call.console.say(_NONE, school=code)
    return ExitStatus.DONE


def head(look: Look, timezone: tzinfo) -> dict[str, object]:
    """Return the moments of a look, as sentences say them."""
    moments = {"at": look.at, "known": look.known_at, "read": look.roster.read_at}
    return {"school": look.school, **{name: moment_in_words(moment, timezone) for name, moment in moments.items()}}


def _table(look: Look, language: Language) -> RenderableType:
    """Return a row a link, and below what the reasons in it mean."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, column in enumerate(_COLUMNS, 1):
        last = place == len(_COLUMNS)
        table.add_column(column.say(language), overflow="fold", no_wrap=not last)
    for case, said in zip(look.cases, look.grounds, strict=True):
        kinds = _ALL_KINDS.say(language) if case.kinds == ALL_KINDS else " ".join(sorted(case.kinds))
        table.add_row(
            case.student_key,
            case.account_id,
            _ground(look, said, language),
            (case.consent_ref or "")[:SHOWN],
            case.consent_text_version or "",
            span_in_table(case.in_force_from, case.in_force_to),
            span_in_table(case.records_from, case.records_to),
            kinds if case.consent_ref else "",
        )
    reasons = {said.reason for said in look.grounds if isinstance(said, Refusal)}
    legend = [f"{reason}: {MEANINGS[reason][0].say(language)}" for reason in RANKING if reason in reasons]
    return Group(table, *(Text(line, "dim") for line in legend))


def _ground(look: Look, said: Grant | Refusal, language: Language) -> Text:
    if isinstance(said, Refusal):
        return Text(f"✗ {said.reason}", "yellow")
    if not _in_pilot(look, said):
        return Text(f"· {_NOT_IN_PILOT.say(language)}")
    return Text(f"✓ {_HAS_GROUND.say(language)}", "green")


def _in_pilot(look: Look, said: Grant | Refusal) -> bool:
    return in_pilot(look.roster.students.get(said.student_key), look.today, look.pilot)


def _as_json(look: Look) -> dict[str, object]:
    return {
        **moments_as_json(look),
        "links": [_link(look, *pair) for pair in zip(look.cases, look.grounds, strict=True)],
    }


def moments_as_json(look: Look) -> dict[str, object]:
    """Return which moment of which school a document speaks of."""
    return {
        "school": look.school,
        "at": look.at.isoformat(),
        "known_at": look.known_at.isoformat(),
        "roster_read_at": look.roster.read_at.isoformat(),
    }


def _link(look: Look, case: CaseState, said: Grant | Refusal) -> dict[str, object]:
    return {
        "student": case.student_key,
        "account": case.account_id,
        "link": case.link_id,
        "ground": isinstance(said, Grant),
        "reason": said.reason if isinstance(said, Refusal) else None,
        "in_pilot": _in_pilot(look, said),
        "consent": case.consent_ref,
        "text_version": case.consent_text_version,
        "signed_on": _iso(case.consent_signed_on),
        "in_force_from": _iso(case.in_force_from),
        "in_force_to": _iso(case.in_force_to),
        "records_from": _iso(case.records_from),
        "records_to": _iso(case.records_to),
        "kinds": sorted(case.kinds),
        "identified_at": _iso(case.identified_at),
        "registered_at": _iso(case.registered_at),
        "withdrawn_at": _iso(case.withdrawn_at),
        "ended_at": _iso(case.ended_at),
        "ended_why": case.ended_why,
        "restrictions": [{"from": _iso(span.first), "to": _iso(span.last)} for span in case.restrictions],
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
