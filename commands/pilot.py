"""`dnevnik pilot`: who takes part in the exchange and how many are covered; a class is moved to another stage.

Rules. A move is a person's act: logged, then recorded, never changed, only followed by another. A class that the
school doesn't have is refused, for a slip of the pen would put it out unseen. What a move stops is said. Coverage is
by the roster read last (`consent_registry.pilot.admission`, `coverage`). Nobody is named.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from rich import box
from rich.table import Table
from sqlalchemy.engine import Connection

from commands.application_desk import act
from commands.asking import day_of
from commands.call import Call, utc_now
from commands.days import moment_in_words, span_in_table, span_in_words
from commands.known_roster import KnownRoster, known_roster
from commands.recording import recorder
from commands.registry_look import Look, Moments, look_at
from consent_registry.acts import Actor
from consent_registry.fact_store import CaseEvent
from consent_registry.pilot.admission import (
    STAGE_NAMES,
    WHOLE_SCHOOL,
    Pilot,
    PilotGroup,
    Stage,
    class_code,
    class_order,
)
from consent_registry.pilot.coverage import Coverage, Covered, coverage
from consent_registry.pilot.groups import move, pilot_of
from journal.wording import BridgeError, ExitStatus, Language, Wording

_HEAD = Wording(
    ru="Школа {school} {name}. Список учеников прочитан {read}",
    en="School {school} {name}. The list of students was read {read}",
)
_CONFIGURED = Wording(
    ru="Файл установки (pilot_classes) допускает только: {classes}",
    en="The installation's file (pilot_classes) admits only: {classes}",
)
_COLUMNS = (
    Wording(ru="класс", en="class"),
    Wording(ru="этап", en="stage"),
    Wording(ru="дни", en="days"),
    Wording(ru="передаётся", en="sent"),
    Wording(ru="учеников", en="students"),
    Wording(ru="охвачено", en="covered"),
    Wording(ru="доля", en="share"),
    Wording(ru="без даты рождения", en="no birth date"),
)
_STAGES = {
    Stage.PREPARE: Wording(ru="подготовка", en="preparation"),
    Stage.PILOT: Wording(ru="опытная", en="pilot"),
    Stage.REGULAR: Wording(ru="постоянная", en="regular"),
}
_NO_GROUP = Wording(ru="без этапа", en="no stage")
_TOTAL = Wording(ru="всего", en="total")
_YES, _NO = Wording(ru="да", en="yes"), Wording(ru="нет", en="no")
_BY_STAGE = Wording(ru="этап: {stage}", en="stage: {stage}")

_MOVED = Wording(
    ru="Школа {school}, {what}: {stage}, {days}. Проверьте: dnevnik pilot; исполнит dnevnik sync {school}",
    en="School {school}, {what}: {stage}, {days}. Look: dnevnik pilot; to carry out: dnevnik sync {school}",
)
_UNMOVED = Wording(
    ru="Школа {school}, {what}: так уже и есть, ничего не изменено",
    en="School {school}, {what}: that is so already, nothing was changed",
)
_STOPS = Wording(
    ru="Внимание: с этой минуты не передаются классы {classes}, их записи снимут с портала. Сколько их, покажет "
    "dnevnik plan {school}",
    en="Mind: from now on the classes {classes} are not sent, their records will be taken back from the portal. "
    "dnevnik plan {school} shows how many",
)
_STARTS = Wording(ru="Теперь передаются классы: {classes}", en="From now on these classes are sent: {classes}")
_KEPT_OUT = Wording(
    ru="Внимание: {what} нет в pilot_classes файла установки, и потому ничего не передаётся. Добавьте класс туда",
    en="Mind: {what} is not in the pilot_classes of the installation's file, so nothing is sent. Add the class there",
)
_CLASS = Wording(ru="класс {name}", en="class {name}")
_WHOLE = Wording(ru="вся школа", en="the whole school")
_WHICH = Wording(
    ru="Нужны класс и этап, например: dnevnik pilot move {school} 5А pilot; для всей школы --whole-school и один этап",
    en="Class and stage are needed, like: dnevnik pilot move {school} 5А pilot; for the whole school --whole-school "
    "and the stage alone",
)
_BAD_STAGE = Wording(ru="Этапа {stage} нет. Есть: {known}", en="There is no stage {stage}. There are: {known}")
_UNKNOWN_CLASS = Wording(
    ru="Школа {school}: класса {name} нет. Есть: {known}", en="School {school}: no class {name}. There are: {known}"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A move as typed: `words` are class and stage, or with `whole_school` the stage alone; days may be None."""

    school: str
    words: Sequence[str]
    first: str | None = None
    last: str | None = None
    whole_school: bool = False


def show_pilot(call: Call, schools: Sequence[str], *, as_document: bool) -> ExitStatus:
    """Show each school's classes with stage, days and coverage. Raises BridgeError as `registry_look.look_at`."""
    settings = call.settings()
    chosen = settings.chosen(schools)
    language = call.console.language
    with recorder(settings) as registry:
        looks = [look_at(registry, school.code, Moments()) for school in chosen]
    counted = [coverage(look.roster.students, look.grounds, look.pilot, look.today) for look in looks]
    if as_document:
        document = {look.school: _as_json(look, count) for look, count in zip(looks, counted, strict=True)}
        call.console.result(json.dumps({"schools": document}, ensure_ascii=False, indent=2))
        return ExitStatus.DONE
    for school, look, count in zip(chosen, looks, counted, strict=True):
        read = moment_in_words(look.roster.read_at, settings.bridge.timezone)
        call.console.say(_HEAD, school=school.code, name=school.name, read=read)
        if school.pilot_classes:
            call.console.say(_CONFIGURED, classes=", ".join(school.pilot_classes))
        call.console.draw(_table(look, count, language))
    return ExitStatus.DONE


def _table(look: Look, counted: Coverage, language: Language) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, column in enumerate(_COLUMNS):
        table.add_column(column.say(language), overflow="fold", justify="left" if place <= _SENT else "right")
    for one in counted.classes:
        group = look.pilot.begun_by(look.today).group_of(one.class_name) or look.pilot.group_of(one.class_name)
        table.add_row(
            one.class_name,
            _NO_GROUP.say(language) if group is None else _STAGES[group.stage].say(language),
            "" if group is None else span_in_table(group.first, group.last),
            (_YES if one.takes_part else _NO).say(language),
            *_numbers(one),
        )
    table.add_section()
    for stage, numbers in counted.stages.items() if look.pilot.groups else ():
        name = _NO_GROUP.say(language) if stage is None else _STAGES[stage].say(language)
        table.add_row(_BY_STAGE.say(language, stage=name), "", "", "", *_numbers(numbers))
    table.add_row(_TOTAL.say(language), "", "", "", *_numbers(counted.total))
    return table


_SENT = 3
"""The last of the columns that hold words."""


def _numbers(count: Covered) -> tuple[str, ...]:
    share = "" if count.share is None else f"{count.share:.0%}"
    return str(count.students), str(count.covered), share, str(count.age_unknown or "")


def _as_json(look: Look, counted: Coverage) -> dict[str, object]:
    classes = []
    for one in counted.classes:
        group = look.pilot.begun_by(look.today).group_of(one.class_name) or look.pilot.group_of(one.class_name)
        days = {"from": None, "to": None} if group is None else {"from": group.first, "to": group.last}
        classes.append(
            {
                "class": one.class_name,
                "stage": None if group is None else group.stage,
                **{name: None if day is None else day.isoformat() for name, day in days.items()},
                "takes_part": one.takes_part,
                **_counts(one),
            }
        )
    return {
        "roster_read_at": look.roster.read_at.isoformat(),
        "classes": classes,
        "stages": {str(stage) if stage else "none": _counts(numbers) for stage, numbers in counted.stages.items()},
        "total": _counts(counted.total),
    }


def _counts(count: Covered) -> dict[str, object]:
    return {
        "students": count.students,
        "covered": count.covered,
        "share": count.share,
        "age_unknown": count.age_unknown,
    }


def move_class(call: Call, wish: Wish, *, by: str | None) -> ExitStatus:
    """Move a class, or the school's others, to a stage. Raises BridgeError `class-unknown`, `stage-unknown`, ….

    `pilot-move-unclear` and `pilot-days-reversed` are the others of its own.
    """
    settings = call.settings()
    school = settings.school(wish.school)
    configured = frozenset(school.pilot_classes)
    name, stage = _class_and_stage(wish)
    now = utc_now()
    today = now.astimezone(settings.bridge.timezone).date()
    first = today if wish.first is None else day_of(wish.first, "--from")
    last = None if wish.last is None else day_of(wish.last, "--to")
    changes = _Changes()
    with recorder(settings) as registry:
        roster = known_roster(registry, school.code, now)
        classes = _classes(roster, today)

        def work(connection: Connection, actor: Actor) -> list[CaseEvent]:
            nonlocal name, changes
            pilot = pilot_of(connection, school.code, configured)
            if not wish.whole_school:
                name = _known_class(name, classes, pilot, school.code)
            after = Pilot(configured, (*pilot.groups, PilotGroup(school.code, name, stage, first, last)))
            changes = _changes(classes.values(), pilot, after, today)
            moved = move(connection, school.code, name, stage, first=first, last=last, now=actor.now, by=actor.by)
            valid_at = datetime.combine(first, time.min, actor.timezone)
            return [CaseEvent(school.code, "pilot", f"pilot-{stage}", valid_at, actor.by)] if moved else []

        moved = act(registry, work, by=by)
    language = call.console.language
    what = _WHOLE.say(language) if name == WHOLE_SCHOOL else _CLASS.say(language, name=name)
    if not moved:
        call.console.say(_UNMOVED, school=school.code, what=what)
        return ExitStatus.DONE
    days, named = span_in_words(first, last, language), STAGE_NAMES[stage].say(language)
    call.console.say(_MOVED, school=school.code, what=what, stage=named, days=days)
    if changes.starts:
        call.console.say(_STARTS, classes=", ".join(changes.starts))
    if changes.stops:
        call.console.note(_STOPS.say(language, school=school.code, classes=", ".join(changes.stops)))
    if stage.sends and name and not Pilot(configured).admits((name,), today):
        call.console.note(_KEPT_OUT.say(language, what=what))
    return ExitStatus.DONE


@dataclass(frozen=True, slots=True)
class _Changes:
    """The classes that a move stops today, and those that it starts."""

    stops: Sequence[str] = ()
    starts: Sequence[str] = ()


def _changes(classes: Iterable[str], before: Pilot, after: Pilot, today: date) -> _Changes:
    """Compare class by class: the first move of a school puts out every class that it does not speak of."""
    ordered = sorted(classes, key=class_order)
    was = {name for name in ordered if before.admits((name,), today)}
    becomes = {name for name in ordered if after.admits((name,), today)}
    return _Changes(
        [name for name in ordered if name in was - becomes], [name for name in ordered if name in becomes - was]
    )


def _classes(roster: KnownRoster, today: date) -> dict[str, str]:
    """Return today's classes as the school writes them, by how they are compared."""
    return {class_code(name): name for student in roster.students.values() for name in student.classes_on(today)}


def _class_and_stage(wish: Wish) -> tuple[str, Stage]:
    if len(wish.words) != (1 if wish.whole_school else 2):
        raise BridgeError("pilot-move-unclear", _WHICH, {"school": wish.school})
    stage = wish.words[-1]
    if stage not in set(Stage):
        raise BridgeError("stage-unknown", _BAD_STAGE, {"stage": stage, "known": ", ".join(Stage)})
    return WHOLE_SCHOOL if wish.whole_school else wish.words[0], Stage(stage)


def _known_class(name: str, classes: Mapping[str, str], pilot: Pilot, school: str) -> str:
    """Return a class as the school, or an earlier move, writes it. Raises BridgeError `class-unknown`."""
    known = {class_code(group.class_name): group.class_name for group in pilot.groups if group.class_name} | dict(
        classes
    )
    code = class_code(name)
    if not code or code not in known:
        listed = ", ".join(sorted(known.values(), key=class_order)) or "–"
        raise BridgeError("class-unknown", _UNKNOWN_CLASS, {"school": school, "name": name, "known": listed})
    return known[code]
