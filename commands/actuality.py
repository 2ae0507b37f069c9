"""`dnevnik actuality`: what share of lessons was filled in in time, of any day, with its formula and its lessons.

Rules. A school's lessons come from one snapshot of its database; nothing is written there or at the portal, and no
student is read. Today's figure is the default; of a day gone by it is what was known of it then, as far as the school
keeps it (`journal.actuality`). A teacher stands there as a word that the installation's own key makes of the school's
key: the same word each time, which means nothing elsewhere. A school fails alone. Exit status 1 where a school is below
the target or could not be read.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd

from commands.asking import day_of
from commands.call import Call, utc_now
from commands.opening import check_keys, open_state
from commands.written_file import refuse_existing, write_whole
from connectors.school.lessons import read_lessons
from consent_registry.pilot.admission import class_order
from flows.assembly import goal, open_vault, school_source
from journal.actuality import Actuality, Goal, SchoolActuality, figure, figures_by, last_day, standings
from journal.school import SchoolLessons, school_year
from journal.school_calendar import SchoolCalendar
from journal.wording import BridgeError, ExitStatus, Wording
from mappings.profile import load_profile
from mappings.pseudonyms import pseudonym
from reports.actuality_words import formula, headline
from reports.lesson_tables import SchoolLessonsTold, as_document, group_table, lesson_rows, lesson_table
from reports.machine import actuality_json
from reports.safe_csv import csv_bytes
from settings import SchoolSection, Settings

_HEAD = Wording(
    ru="Школа {school} {name}, на {as_of} (учебный год с {first})",
    en="School {school} {name}, as of {as_of} (school year from {first})",
)
_CALENDAR = Wording(
    ru="Учебная неделя: {week} дн.; каникулы и выходные: {file}", en="School week: {week} days; days off: {file}"
)
_NO_CALENDAR = Wording(ru="только праздники по закону", en="holidays by law alone")
_NOTHING_TO_MEND = Wording(
    ru="Уроков, не заполненных в срок, нет", en="There are no lessons that were not filled in in time"
)
_BAD_GROUP = Wording(
    ru="--by: по {by} не считается. Есть: school, class, subject, teacher, week",
    en="--by: there are no figures by {by}. There are: school, class, subject, teacher, week",
)
_AHEAD = Wording(
    ru="--as-of: {day} ещё не наступил. Укажите сегодняшний день или прошедший",
    en="--as-of: {day} is still to come. Give today or a day gone by",
)
_WRITTEN = Wording(ru="Уроки записаны: {file}, строк {rows}", en="The lessons are written: {file}, {rows} rows")


WORD_BYTES = 5
"""Of a teacher's word: two of a school's teachers share one by a chance of less than 1 in 10^7."""


class GroupedBy(StrEnum):
    """What figures may be grouped by, beside the school itself."""

    SCHOOL = "school"
    CLASS = "class"
    SUBJECT = "subject"
    TEACHER = "teacher"
    WEEK = "week"


_COLUMNS = {GroupedBy.CLASS: "class_name", GroupedBy.SUBJECT: "subject", GroupedBy.TEACHER: "teacher"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, as typed. `listed`: the lessons are shown; `file`: they are written there."""

    as_of: str | None = None
    by: str = GroupedBy.SCHOOL
    listed: bool = False
    file: Path | None = None
    as_document: bool = False


def show(call: Call, schools: Sequence[str], wish: Wish) -> ExitStatus:
    """Show the schools' figures. Raises BridgeError `actuality-by-unknown`, `day-wrong`, `day-ahead`, `file-…`."""
    settings = call.settings()
    chosen = settings.chosen(schools)
    by = _grouped_by(wish.by)
    as_of = _as_of(wish.as_of, utc_now().astimezone(settings.bridge.timezone).date())
    if wish.file is not None:
        refuse_existing(wish.file)
    named = _names_of_teachers(settings) if by is GroupedBy.TEACHER or wish.listed or wish.file else _no_names
    found: list[SchoolLessonsTold] = []
    failures = 0
    for school in chosen:
        try:
            found.append(_counted(settings, school, as_of, by, named))
        except BridgeError as error:
            failures += 1
            call.console.note(f"{school.code}: {error.say(call.console.language)}")
    if wish.as_document:
        document = {"schools": {one.school: _document(one, by, listed=wish.listed) for one in found}}
        call.console.result(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        for one in found:
            _draw(call, settings, one, by, listed=wish.listed)
    if wish.file is not None and found:
        _write(call, wish.file, found)
    if not found:
        return ExitStatus.NOT_DONE
    below = failures or any(one.told.below for one in found)
    return ExitStatus.DONE_WITH_EXCEPTIONS if below else ExitStatus.DONE


def _grouped_by(text: str) -> GroupedBy:
    if text not in set(GroupedBy):
        raise BridgeError("actuality-by-unknown", _BAD_GROUP, {"by": text})
    return GroupedBy(text)


def _as_of(text: str | None, today: date) -> date:
    day = today if text is None else day_of(text, "--as-of")
    if day > today:
        raise BridgeError("day-ahead", _AHEAD, {"day": day})
    return day


Naming = Callable[[str, str], str]
"""Makes the word that stands for a teacher, of a school's code and the teacher's key there."""


def _no_names(_school: str, _key: str) -> str:
    return ""


def _names_of_teachers(settings: Settings) -> Naming:
    """Return what names teachers by the installation's key. Raises ConfigurationError, BridgeError."""
    check_keys(settings, portal=False)
    engine = open_state(settings)
    try:
        vault = open_vault(settings, engine)
    finally:
        engine.dispose()

    def named(school: str, key: str) -> str:
        return pseudonym(key, vault.derive(f"teachers:{school}"), WORD_BYTES)

    return named


def _counted(settings: Settings, school: SchoolSection, as_of: date, by: GroupedBy, named: Naming) -> SchoolLessonsTold:
    """Read a school's lessons and count them. Raises BridgeError as `read_lessons` does."""
    lessons = read_lessons(
        school_source(school), load_profile(school.profile), code=school.code, window=school_year(as_of)
    )
    asked, calendar = goal(settings), settings.school_days(school)
    standing = standings(lessons.rows, as_of, within_days=asked.within_days, is_school_day=calendar.is_school_day)
    told = SchoolActuality(as_of, asked, figure(standing, known=lessons.known), assumed=not calendar.knows(as_of))
    rows = _listed(school.code, lessons, standing, asked, calendar, named)
    groups = {} if by is GroupedBy.SCHOOL else _groups(rows, standing, by, known=lessons.known)
    return SchoolLessonsTold(school.code, school.name, told, groups, rows)


def _listed(
    school: str, lessons: SchoolLessons, standing: pd.Series, asked: Goal, calendar: SchoolCalendar, named: Naming
) -> pd.DataFrame:
    """Return the lessons with all that a list says of them, oldest first; `week` is the week's Monday."""
    rows = lessons.rows
    days = {day.date() for day in rows["date"].dropna().unique()}
    ends = {pd.Timestamp(day): last_day(day, asked.within_days, calendar.is_school_day) for day in days}
    words = {key: named(school, key) for key in rows["teacher"].dropna().unique()}
    mondays = {pd.Timestamp(day): f"{day - timedelta(days=day.weekday())}" for day in days}
    return rows.assign(
        school=school,
        standing=standing,
        teacher=rows["teacher"].map(words).astype("str"),
        last_day=rows["date"].map(ends).astype("datetime64[s]"),
        week=rows["date"].map(mondays).astype("str"),
    ).sort_values(["date", "number", "class_name", "journal"], kind="stable")


def _groups(rows: pd.DataFrame, standing: pd.Series, by: GroupedBy, *, known: bool) -> dict[str, Actuality]:
    found = figures_by(rows, standing.loc[rows.index], _COLUMNS.get(by, "week"), known=known)
    if by is GroupedBy.TEACHER:  # words mean nothing, so the least share stands first
        return dict(sorted(found.items(), key=lambda one: (np.inf if one[1].share is None else one[1].share, one[0])))
    order = class_order if by is GroupedBy.CLASS else str
    return dict(sorted(found.items(), key=lambda one: (not one[0], order(one[0]))))


def _document(one: SchoolLessonsTold, by: GroupedBy, *, listed: bool) -> dict[str, object]:
    return {**actuality_json(one.told), **as_document(one, by, listed=listed)}


def _draw(call: Call, settings: Settings, one: SchoolLessonsTold, by: GroupedBy, *, listed: bool) -> None:
    language, told = call.console.language, one.told
    first = school_year(told.as_of).first
    call.console.say(_HEAD, school=one.school, name=one.name, as_of=told.as_of, first=first)
    call.console.result(headline(told, language))
    for sentence in formula(told, language):
        call.console.result(sentence)
    if not told.figure.known:
        return
    calendar = settings.school_days(settings.school(one.school))
    file = calendar.file.name if calendar.file else _NO_CALENDAR.say(language)
    call.console.say(_CALENDAR, week=calendar.week, file=file)
    if by is not GroupedBy.SCHOOL:
        call.console.draw(group_table(one, by, language))
    if listed and len(one.to_mend):
        call.console.draw(lesson_table(one, language))
    elif listed:
        call.console.say(_NOTHING_TO_MEND)


def _write(call: Call, file: Path, found: Sequence[SchoolLessonsTold]) -> None:
    """Write all lessons. Raises BridgeError `file-exists`, `file-not-written`."""
    rows = lesson_rows(found, call.console.language)
    write_whole(file, csv_bytes(rows))
    call.console.note(_WRITTEN.say(call.console.language, file=file, rows=len(rows) - 1))
