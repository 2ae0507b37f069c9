"""Which facts become records, which are set aside, and why: the contract's rules on whole columns.

Rules. Every fact ends in exactly one of `records` and `set_aside`; nothing else decides than what stands in
`mappings.reasons`, in its order. A warning is given only for what becomes a record; those that the contract
doesn't name are `mappings.quality`'s. A date is in the future
when it lies after `today`, the day of the run in the installation's zone. Whether the teacher has marked a
lesson as filled in plays no part. Deliberately not here: consents; whether a record may be sent is
`consent_registry`'s to say.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from journal.frames import RECORD_COLUMNS
from journal.school import SchoolReading, Window
from mappings.dimensions import Dimensions, dimensions
from mappings.facts import KINDS, Facts, facts
from mappings.findings import Pupils, Rows, findings_of, places
from mappings.keys import as_integers
from mappings.lessons import lesson_times
from mappings.lookup import BoolArray, IntArray, Lookup, Stays
from mappings.moments import to_instants
from mappings.profile import Profile
from mappings.quality import SchoolDays, record_doubts, student_doubts
from mappings.raw import ENROLMENTS, FACT_TABLES, MEMBERS, NOTHING, RawJournal
from mappings.reasons import RecordWarning, SetAsideReason
from mappings.roster import roster
from mappings.selection import journals_of
from mappings.texts import ObjectArray

_CONTENTS = ("entered_at", "number", "subject", "value", "weight", "work", "comment")
_KIND_WORDS = np.array([*(str(kind) for kind in KINDS), None], object)  # NO_KIND is -1, the last


def to_reading(
    raw: RawJournal,
    profile: Profile,
    *,
    school: str,
    window: Window,
    today: date,
    timezone: ZoneInfo,
    school_days: SchoolDays | None = None,
) -> SchoolReading:
    """Make of one snapshot's raw tables what the rest of the bridge works with.

    The raw tables must be those of `mappings.raw.JOURNAL_TABLES`; their rows are counted as read, all of them.
    `school_days` is the school's calendar; None where there is none. The facts' raw tables, the largest, are let go
    once they are joined: a caller who keeps no name for `raw` has their memory back before the records are made.
    """
    keys = as_integers(raw, profile.encoding)
    journals = journals_of(keys)
    students_known, raw = roster(raw, profile.reading), keys.raw
    known = dimensions(raw, profile.reading, profile.codes.most_weight)
    rows = facts(keys, known, profile.codes, profile.reading)
    raw = {name: table for name, table in raw.items() if name not in FACT_TABLES}
    keys = replace(keys, raw=raw)
    reason = _first_reason(rows, raw, known, today)
    doubts = record_doubts(rows, reason == "", raw, known, profile.reading, school_days)
    taken = np.flatnonzero(reason == "")
    left = np.flatnonzero(reason != "")
    reason = reason[left]
    students = keys.text_of("student", rows.student)
    set_aside = pd.DataFrame(
        {
            "source_key": _strings(rows.source_key[left]),
            "student_key": _strings(students[left]),
            "reason": _strings(reason),
        }
    )
    rows, contents = _parted(rows)
    records, untimed = _records(rows, contents, known, students, taken, timezone)
    warnings = _warnings(rows, taken, _not_members(rows, raw, known), untimed, doubts)
    odd, words = _told(warnings, profile.codes.silent)
    where = places(keys, profile.reading)
    return SchoolReading(
        school=school,
        window=window,
        records=records,
        set_aside=set_aside,
        warnings=pd.DataFrame({"source_key": _strings(rows.source_key[odd]), "warning": _strings(words)}),
        roster=students_known,
        record_journals=_strings(journals[taken]),
        aside_journals=_strings(journals[left]),
        aside_days=pd.Series(rows.last[left]),
        findings=findings_of(
            np.concatenate([reason, words]),
            Rows(rows.source_key, students, journals, rows.last).at(np.concatenate([left, odd])),
            where,
            Pupils(student_doubts(students_known, window, today), students_known, today),
        ),
        places=where,
        lessons=lesson_times(raw, profile),
    )


def _first_reason(rows: Facts, raw: RawJournal, known: Dimensions, today: date) -> ObjectArray:
    """Return for each fact the first reason that applies, "" where none does."""
    undated = np.isnat(rows.last)
    applies: Mapping[SetAsideReason, BoolArray] = {
        SetAsideReason.LESSON_CANCELLED: rows.cancelled & ~rows.repeated,
        SetAsideReason.NOT_ENROLLED: ~undated & ~rows.unreadable & ~rows.repeated & ~_enrolled(rows, raw),
        SetAsideReason.DUPLICATE_KEY: rows.repeated,
        SetAsideReason.UNREADABLE_FIELD: rows.unreadable,
        SetAsideReason.DUPLICATE_MARK: rows.duplicate,
        SetAsideReason.UNKNOWN_MARK_TYPE: rows.type_unknown,
        SetAsideReason.UNKNOWN_PERIOD_KIND: rows.period_unknown,
        SetAsideReason.LESSON_MISSING: rows.of_lesson & (rows.lesson == known.lessons.lookup.size),
        SetAsideReason.DATE_MISSING: undated,
        SetAsideReason.FUTURE_DATE: rows.last > np.datetime64(today, "s"),
        SetAsideReason.UNDECODABLE_TEXT: known.subjects.spoilt[rows.subject] | rows.value_spoilt | rows.work_spoilt,
        SetAsideReason.TEXT_NOT_SENDABLE: known.subjects.unsendable[rows.subject] | rows.value_unsendable,
        SetAsideReason.POINTS_UNCLEAR: rows.points_unclear,
    }
    result = np.full(len(rows.student), "", object)
    for reason in reversed(SetAsideReason):
        result[applies[reason]] = str(reason)
    return result


def _enrolled(rows: Facts, raw: RawJournal) -> BoolArray:
    table = raw[ENROLMENTS.name]
    stays = Stays(
        table["student_id"].to_numpy(np.int64),
        table["date_from"].to_numpy("datetime64[s]"),
        table["date_to"].to_numpy("datetime64[s]"),
    )
    return stays.overlap(rows.student, rows.first, rows.last)


def _not_members(rows: Facts, raw: RawJournal, known: Dimensions) -> BoolArray:
    table = raw[MEMBERS.name]
    member = table["student_id"].to_numpy(np.int64)
    people = Lookup(np.unique(member))

    def pairs(journal: IntArray, student: IntArray) -> IntArray:
        place = people.positions(student)
        return np.where(place < people.size, journal * (people.size + 1) + place, NOTHING)

    stays = Stays(
        pairs(known.journals.positions(table["journal_id"].to_numpy(np.int64)), member),
        table["date_from"].to_numpy("datetime64[s]"),
        table["date_to"].to_numpy("datetime64[s]"),
    )
    return ~stays.overlap(pairs(rows.journal, rows.student), rows.first, rows.last)


def _parted(rows: Facts) -> tuple[Facts, dict[str, Any]]:
    """Return the facts without what only their records say, and that, by column: a year of it need not stand twice."""
    contents = {name: getattr(rows, name) for name in _CONTENTS}
    # an empty copy: a view would keep the whole column
    return replace(rows, **{name: column[:0].copy() for name, column in contents.items()}), contents


def _records(
    rows: Facts, contents: dict[str, Any], known: Dimensions, students: ObjectArray, taken: IntArray, timezone: ZoneInfo
) -> tuple[pd.DataFrame, BoolArray]:
    """Return the records' frame, and which of them go without their time of entry. Each of `contents` is used up."""
    instants, outside = to_instants(contents.pop("entered_at")[taken], timezone)
    number = contents.pop("number")[taken]
    columns = {
        "source_key": _strings(rows.source_key[taken]),
        "student_key": _strings(students[taken]),
        "kind": _strings(_KIND_WORDS[rows.kind[taken]]),
        "subject": _strings(known.subjects.text[contents.pop("subject")[taken]]),
        "date": rows.last[taken],
        "lesson_number": pd.arrays.IntegerArray(
            np.where(number == NOTHING, 0, number).astype(np.int16), number == NOTHING
        ),
        "value": _strings(contents.pop("value")[taken]),
        "weight": _strings(contents.pop("weight")[taken]),
        "work": _strings(contents.pop("work")[taken]),
        "comment": _strings(contents.pop("comment")[taken]),
        "entered_at": pd.DatetimeIndex(instants).tz_localize("UTC"),
    }
    return pd.DataFrame(columns, columns=list(RECORD_COLUMNS), copy=False), outside  # a year's texts stand once


def _warnings(
    rows: Facts,
    taken: IntArray,
    outsiders: BoolArray,
    untimed: BoolArray,
    doubts: Mapping[RecordWarning, BoolArray],
) -> Mapping[RecordWarning, IntArray]:
    """Return the places of the facts that became records with each warning."""
    applies = {
        RecordWarning.COMMENT_UNDECODABLE: rows.comment_spoilt[taken],
        RecordWarning.NOT_JOURNAL_MEMBER: outsiders[taken],
        RecordWarning.LESSON_NUMBER_OUT_OF_RANGE: rows.number_wrong[taken],
        RecordWarning.FIELD_LEFT_OUT: rows.left_out[taken] | untimed,
        **{code: holds[taken] for code, holds in doubts.items()},
    }
    return {code: taken[holds] for code, holds in applies.items()}


def _told(warnings: Mapping[RecordWarning, IntArray], silent: frozenset[RecordWarning]) -> tuple[IntArray, ObjectArray]:
    """Return a fact's place and the word for each warning that is given, in the order of `RecordWarning`."""
    parts = [warnings[code] if code not in silent else warnings[code][:0] for code in RecordWarning]
    codes = [np.full(len(part), str(code), object) for code, part in zip(RecordWarning, parts, strict=True)]
    return np.concatenate(parts), np.concatenate(codes)


def _strings(values: ObjectArray) -> pd.Series:
    return pd.Series(values, dtype="str")
