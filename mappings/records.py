"""Which facts become records, which are set aside, and why: the contract's rules on whole columns.

Rules. Every fact ends in exactly one of `records` and `set_aside`; nothing else decides than what stands in
`mappings.reasons`, in its order. A warning is given only for what becomes a record. A date is in the future
when it lies after `today`, the day of the run in the installation's zone. Whether the teacher has marked a
lesson as filled in plays no part. Deliberately not here: consents; whether a record may be sent is
`consent_registry`'s to say.
"""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from journal.frames import RECORD_COLUMNS
from journal.school import SchoolReading, Window
from mappings.dimensions import Dimensions, dimensions
from mappings.facts import KINDS, Facts, facts
from mappings.keys import as_integers
from mappings.lessons import lesson_times
from mappings.lookup import BoolArray, IntArray, Lookup, Stays
from mappings.moments import to_instants
from mappings.profile import Profile
from mappings.raw import ENROLMENTS, MEMBERS, NOTHING, RawJournal
from mappings.reasons import RecordWarning, SetAsideReason
from mappings.roster import roster
from mappings.selection import journals_of
from mappings.texts import ObjectArray

_KIND_WORDS = np.array([*(str(kind) for kind in KINDS), None], object)  # NO_KIND is -1, the last


def to_reading(
    raw: RawJournal, profile: Profile, *, school: str, window: Window, today: date, timezone: ZoneInfo
) -> SchoolReading:
    """Make of one snapshot's raw tables what the rest of the bridge works with.

    The raw tables must be those of `mappings.raw.JOURNAL_TABLES`; their rows are counted as read, all of them.
    """
    keys = as_integers(raw, profile.encoding)
    journals = journals_of(keys)
    students_known, raw = roster(raw, profile.reading), keys.raw
    known = dimensions(raw, profile.reading)
    rows = facts(keys, known, profile.codes, profile.reading)
    reason = _first_reason(rows, raw, known, today)
    taken = np.flatnonzero(reason == "")
    left = np.flatnonzero(reason != "")
    students = keys.text_of("student", rows.student)
    set_aside = pd.DataFrame(
        {
            "source_key": _strings(rows.source_key[left]),
            "student_key": _strings(students[left]),
            "reason": _strings(reason[left]),
        }
    )
    records, untimed = _records(rows, known, students, taken, timezone)
    return SchoolReading(
        school=school,
        window=window,
        records=records,
        set_aside=set_aside,
        warnings=_warnings(rows, taken, _not_members(rows, raw, known), untimed),
        roster=students_known,
        record_journals=_strings(journals[taken]),
        aside_journals=_strings(journals[left]),
        aside_days=pd.Series(rows.last[left]),
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
        return journal * (people.size + 1) + people.positions(student)

    stays = Stays(
        pairs(known.journals.positions(table["journal_id"].to_numpy(np.int64)), member),
        table["date_from"].to_numpy("datetime64[s]"),
        table["date_to"].to_numpy("datetime64[s]"),
    )
    return ~stays.overlap(pairs(rows.journal, rows.student), rows.first, rows.last)


def _records(
    rows: Facts, known: Dimensions, students: ObjectArray, taken: IntArray, timezone: ZoneInfo
) -> tuple[pd.DataFrame, BoolArray]:
    """Return the records' frame, and which of them go without their time of entry."""
    instants, outside = to_instants(rows.entered_at[taken], timezone)
    number = rows.number[taken]
    columns = {
        "source_key": _strings(rows.source_key[taken]),
        "student_key": _strings(students[taken]),
        "kind": _strings(_KIND_WORDS[rows.kind[taken]]),
        "subject": _strings(known.subjects.text[rows.subject[taken]]),
        "date": rows.last[taken],
        "lesson_number": pd.arrays.IntegerArray(
            np.where(number == NOTHING, 0, number).astype(np.int16), number == NOTHING
        ),
        "value": _strings(rows.value[taken]),
        "weight": _strings(rows.weight[taken]),
        "work": _strings(rows.work[taken]),
        "comment": _strings(rows.comment[taken]),
        "entered_at": pd.DatetimeIndex(instants).tz_localize("UTC"),
    }
    return pd.DataFrame(columns, columns=list(RECORD_COLUMNS)), outside


def _warnings(rows: Facts, taken: IntArray, outsiders: BoolArray, untimed: BoolArray) -> pd.DataFrame:
    """Return a row for each warning of each record, in the order in which `RecordWarning` lists them."""
    applies = {
        RecordWarning.COMMENT_UNDECODABLE: rows.comment_spoilt[taken],
        RecordWarning.NOT_JOURNAL_MEMBER: outsiders[taken],
        RecordWarning.LESSON_NUMBER_OUT_OF_RANGE: rows.number_wrong[taken],
        RecordWarning.FIELD_LEFT_OUT: rows.left_out[taken] | untimed,
    }
    keys = rows.source_key[taken]
    parts = [keys[applies[code]] for code in RecordWarning]
    codes = [np.full(len(part), str(code), object) for code, part in zip(RecordWarning, parts, strict=True)]
    return pd.DataFrame({"source_key": _strings(np.concatenate(parts)), "warning": _strings(np.concatenate(codes))})


def _strings(values: ObjectArray) -> pd.Series:
    return pd.Series(values, dtype="str")
