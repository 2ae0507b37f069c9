"""What is odd about records that are sent all the same, and about students: rules on whole columns. Pure.

Rules, beyond those that `mappings.records` has from the contract.
- A class transfer is missing where the journal is of a class and the student was enrolled on the record's day (for a
  period's mark: on days of the period), but not in that class. Classes are compared by name; where either has none,
  nothing is said.
- A period is closed in a journal once it has ended and the journal holds marks of it. A current mark whose lesson lies
  in the period, entered after its last day, came too late for them. When a mark was changed later on is not read, so
  that is not told.
- A current mark was entered before its lesson where the day of entry lies before the lesson's.
- A lesson is on no school day where a calendar that knows the school year of its day says so; without one nothing is
  said.
- A current mark and an absence of one student at one lesson contradict each other; so do two absences or lates there,
  and two marks of one student for one period in one journal.
- A student is in no class who has no stay at all, or whose stay of today names no class. In two classes: two stays
  with other class names share a day of the window. Of students who left before the window nothing is said.
- Students are alike who have the same names and birth date, whatever the case, blanks and ё or е; without a birth date
  nobody is alike. At least one of them must be enrolled in the window.
A time of entry that is a fault of the clock (`mappings.moments`) is none.
Facts that were set aside have their own finding: they raise no warning and count nowhere here. Deliberately not here:
the words (`mappings.reasons`), counting (`mappings.findings`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import Protocol

import numpy as np
import pandas as pd

from journal.school import Enrolment, RosterEntry, StudentIdentity, Window
from journal.vocabulary import RecordKind
from mappings.dimensions import NO_DAY, Dimensions
from mappings.facts import KINDS, Facts, PlaceArray
from mappings.lookup import BoolArray, DayArray, IntArray, Lookup, Stays
from mappings.moments import believable
from mappings.raw import ENROLMENTS, JOURNALS, RawJournal
from mappings.reasons import RecordWarning, StudentWarning
from mappings.roster import class_names
from mappings.texts import Encoding

_CURRENT = KINDS.index(RecordKind.CURRENT)
_ABSENCE = KINDS.index(RecordKind.ABSENCE)
_MISSED = (_ABSENCE, KINDS.index(RecordKind.LATE))


class SchoolDays(Protocol):
    """A school's calendar: on which days there are lessons, and of which it knows the school year."""

    def is_school_day(self, day: date) -> bool:
        """Tell whether there are lessons on `day`."""
        ...

    def knows(self, day: date) -> bool:
        """Tell whether the calendar says anything of the school year of `day`."""
        ...


def record_doubts(
    rows: Facts,
    stands: BoolArray,
    raw: RawJournal,
    known: Dimensions,
    encoding: Encoding,
    school_days: SchoolDays | None = None,
) -> Mapping[RecordWarning, BoolArray]:
    """Tell for each fact which of this module's warnings hold of it; `stands`: it becomes a record.

    What is told of a fact that doesn't means nothing.
    """
    student = pd.factorize(rows.student)[0].astype(np.int64)
    lessons, periods = known.lessons.lookup.size, known.periods.name.lookup.size
    current, at_lesson = rows.kind == _CURRENT, stands & (rows.lesson < lessons)
    entered = _days(rows.entered_at)
    at = _pairs(rows.lesson, student)
    missed = at_lesson & np.isin(rows.kind, _MISSED)
    while_absent = np.zeros(len(at), bool)
    marks = np.flatnonzero(current & at_lesson)
    while_absent[marks] = pd.Index(at[marks]).isin(at[at_lesson & (rows.kind == _ABSENCE)])
    in_period = stands & (rows.period < periods) & (rows.journal < known.journals.size)
    return {
        RecordWarning.CLASS_TRANSFER_MISSING: _transfer_missing(rows, raw, encoding),
        RecordWarning.MARK_IN_CLOSED_PERIOD: _too_late(rows, known, marks, entered, np.flatnonzero(in_period)),
        RecordWarning.ENTERED_BEFORE_LESSON: current & at_lesson & (entered < rows.last),
        RecordWarning.NO_SCHOOL_DAY: at_lesson & _off(rows.last, school_days),
        RecordWarning.WEIGHT_OUT_OF_RANGE: rows.weight_odd & current,
        RecordWarning.MARK_WHILE_ABSENT: while_absent,
        RecordWarning.ABSENCE_REPEATED: _again(at, missed),
        RecordWarning.PERIOD_MARK_REPEATED: _again(_pairs(_pairs(rows.period, rows.journal), student), in_period),
    }


def _off(days: DayArray, school_days: SchoolDays | None) -> BoolArray:
    """Tell on which days there are no lessons; each day is looked up once."""
    if school_days is None:
        return np.zeros(len(days), bool)
    places, distinct = pd.factorize(days)
    known = np.asarray(distinct, "datetime64[D]").tolist()
    off = [school_days.knows(day) and not school_days.is_school_day(day) for day in known]
    return np.array([*off, False], bool)[places]  # -1, the last, is no day


def _days(moments: DayArray) -> DayArray:
    """Return the days of moments; none for a moment that is a fault of the clock."""
    days = moments.astype("datetime64[D]").astype("datetime64[s]")
    return np.where(believable(moments), days, NO_DAY)


def _pairs(left: IntArray | PlaceArray, right: IntArray) -> IntArray:
    """Return a number for each pair of whole numbers from 0 on that differs for different pairs."""
    return left.astype(np.int64) * (int(right.max(initial=0)) + 1) + right


def _again(keys: IntArray, among: BoolArray) -> BoolArray:
    """Tell which of the rows `among` share their key with another such row."""
    result = np.zeros(len(keys), bool)
    result[among] = np.asarray(pd.Index(keys[among]).duplicated(keep=False), bool)
    return result


def _transfer_missing(rows: Facts, raw: RawJournal, encoding: Encoding) -> BoolArray:
    names = class_names(raw[JOURNALS.name], encoding)
    stays = raw[ENROLMENTS.name]
    stay_class, distinct = pd.factorize(np.array(class_names(stays, encoding), object))
    of_class = {name: place for place, name in enumerate(distinct.tolist())}
    journal_class = np.array([*(of_class.get(name, len(distinct)) if name else -1 for name in names), -1], np.int64)
    class_of = journal_class[rows.journal]
    who = stays["student_id"].to_numpy(np.int64)
    people = Lookup(np.unique(who))
    days = stays["date_from"].to_numpy("datetime64[s]"), stays["date_to"].to_numpy("datetime64[s]")
    whose, wide = people.positions(who), len(distinct) + 1
    in_class = Stays(whose * wide + stay_class, *days)

    def lacking(asked: IntArray, held: Stays, keys: IntArray) -> IntArray:
        return asked[~held.overlap(keys, rows.first[asked], rows.last[asked])]

    asked = np.flatnonzero(class_of >= 0)
    asked = lacking(asked, in_class, people.positions(rows.student[asked]) * wide + class_of[asked])
    student = people.positions(rows.student[asked])
    if "" in of_class:
        asked = lacking(asked, in_class, student * wide + of_class[""])
        student = people.positions(rows.student[asked])
    result = np.zeros(len(rows.student), bool)
    result[asked] = Stays(whose, *days).overlap(student, rows.first[asked], rows.last[asked])
    return result


def _too_late(rows: Facts, known: Dimensions, asked: IntArray, entered: DayArray, given: IntArray) -> BoolArray:
    """Tell which of the marks `asked` were entered after the end of a period of which `given` are marks."""
    wide = known.periods.name.lookup.size + 1
    pairs = np.unique(rows.journal[given] * wide + rows.period[given])
    journal, period = pairs // wide, pairs % wide
    first, last = known.periods.first[period], known.periods.last[period]
    asked = asked[entered[asked] > rows.last[asked]]
    place = np.searchsorted(journal, rows.journal[asked], side="left")
    end = np.searchsorted(journal, rows.journal[asked], side="right")
    result = np.zeros(len(rows.student), bool)
    while len(left := np.flatnonzero(place < end)):
        asked, place, end = asked[left], place[left], end[left]
        day = rows.last[asked]
        result[asked[(first[place] <= day) & (day <= last[place]) & (last[place] < entered[asked])]] = True
        place = place + 1
    return result


def student_doubts(
    roster: Mapping[str, RosterEntry], window: Window, today: date
) -> Iterator[tuple[str, StudentWarning]]:
    """Yield what is odd about each student of the window, in the roster's order."""
    for key, entry in roster.items():
        stays = [stay for stay in entry.enrolments if _in_window(stay, window)]
        if not entry.enrolments or any(stay.covers(today) and not stay.class_name for stay in stays):
            yield key, StudentWarning.STUDENT_IN_NO_CLASS
        if any(_clash(one, other) for one, other in combinations(stays, 2)):
            yield key, StudentWarning.STUDENT_IN_TWO_CLASSES
        if any(
            stay.last is not None and stay.last < stay.first and _touches(stay, window) for stay in entry.enrolments
        ):
            yield key, StudentWarning.ENROLMENT_REVERSED
        if entry.birth_date is None and stays:
            yield key, StudentWarning.BIRTH_DATE_MISSING


def _in_window(stay: Enrolment, window: Window) -> bool:
    return stay.first <= window.last and (stay.last is None or stay.last >= max(stay.first, window.first))


def _touches(stay: Enrolment, window: Window) -> bool:
    """Tell whether either day of a stay lies in the window."""
    return any(day is not None and window.first <= day <= window.last for day in (stay.first, stay.last))


def _clash(one: Enrolment, other: Enrolment) -> bool:
    """Tell whether two stays with a day in the window share one; then they share one in the window too."""
    first, last = max(one.first, other.first), min(one.last or date.max, other.last or date.max)
    return one.class_name != other.class_name and "" not in {one.class_name, other.class_name} and first <= last


def alike(people: Iterable[StudentIdentity], roster: Mapping[str, RosterEntry], window: Window) -> Sequence[str]:
    """Return the keys of students who are like another one, sorted. Nothing but keys leaves this function."""
    same: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for one in people:
        if one.birth_date is not None:
            names = (one.last_name, one.first_name, one.middle_name or "")
            same[(*map(_plain, names), one.birth_date.isoformat())].add(one.student_key)

    def here(key: str) -> bool:
        entry = roster.get(key)
        return entry is not None and any(_in_window(stay, window) for stay in entry.enrolments)

    return sorted(key for keys in same.values() if len(keys) > 1 and any(map(here, keys)) for key in keys)


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("ё", "е").split())
