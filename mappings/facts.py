"""Marks, absences and period marks as rows of one shape, joined with what they refer to by position.

Rules. A fact keeps its place: no join drops or doubles it. What a fact's table doesn't have (a work for an
absence, a lesson number for a period mark) is absent from its record. Two rows of MARK with one student and
one control are duplicates of each other, whatever else is true of them. Deliberately not here: which facts
are sent (`mappings.records`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from journal.vocabulary import RecordKind
from mappings.dimensions import Dimensions
from mappings.lookup import BoolArray, DayArray, IntArray
from mappings.profile import CodeRange, Codes
from mappings.raw import ABSENCES, MARKS, NOTHING, PERIOD_MARKS, RawJournal
from mappings.texts import ObjectArray, only, prose

COMMENT_LIMIT = 4000
KINDS: tuple[RecordKind, ...] = tuple(RecordKind)
NO_KIND = -1

KindArray = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts as arrays of one length. `kind` is a place in `KINDS` or `NO_KIND`.

    `first` and `last` are the days on one of which the student must have been enrolled; `last` is the
    record's date. `subject`, `value` and `journal` are positions in their dimensions. `left_out` tells that
    an optional field was given and doesn't fit the portal.
    """

    source_key: ObjectArray
    student: IntArray
    kind: KindArray
    type_unknown: BoolArray
    period_unknown: BoolArray
    cancelled: BoolArray
    duplicate: BoolArray
    journal: IntArray
    subject: IntArray
    value: IntArray
    first: DayArray
    last: DayArray
    number: IntArray
    number_wrong: BoolArray
    weight: ObjectArray
    work: ObjectArray
    work_spoilt: BoolArray
    comment: ObjectArray
    comment_spoilt: BoolArray
    left_out: BoolArray
    entered_at: DayArray


def facts(raw: RawJournal, known: Dimensions, codes: Codes, encoding: str) -> Facts:
    """Return all facts of a reading: marks, then absences, then period marks, each in the order read."""
    return _joined(
        [_marks(raw, known, codes, encoding), _absences(raw, known, codes), _period_marks(raw, known, codes)]
    )


def kinds_of(values: IntArray, ranges: Sequence[CodeRange]) -> KindArray:
    """Return the kind of each code as a place in `KINDS`, `NO_KIND` where no range holds the code."""
    result = np.full(len(values), NO_KIND, np.int8)
    for meaning in ranges:
        result[(values >= meaning.first) & (values <= meaning.last)] = KINDS.index(meaning.kind)
    return result


def _marks(raw: RawJournal, known: Dimensions, codes: Codes, encoding: str) -> Facts:
    table = raw[MARKS.name]
    student, control_id = table["student_id"].to_numpy(np.int64), table["control_id"].to_numpy(np.int64)
    control = known.controls.lookup.positions(control_id)
    lesson = known.controls.lesson[control]
    value, kind, type_unknown = _value(table["type_id"].to_numpy(np.int64), known, codes.marks)
    plain = kind != KINDS.index(RecordKind.REMARK)  # a remark carries neither weight nor work
    work = known.controls.work[control]
    too_long = known.works.too_long[work]
    notes = prose(table["note"].to_numpy(object), encoding)
    note_long = notes.longer_than(COMMENT_LIMIT)
    return Facts(
        source_key=_source_keys("mark", table["id"].tolist()),
        student=student,
        kind=kind,
        type_unknown=type_unknown,
        period_unknown=np.zeros(len(table), bool),
        cancelled=known.lessons.cancelled[lesson],
        duplicate=_repeated(control_id, student),
        journal=known.lessons.journal[lesson],
        subject=known.lessons.subject[lesson],
        value=value,
        first=known.lessons.date[lesson],
        last=known.lessons.date[lesson],
        number=known.lessons.number[lesson],
        number_wrong=known.lessons.number_wrong[lesson],
        weight=only(known.controls.weight[control], plain),
        work=only(known.works.text[work], plain & ~too_long),
        work_spoilt=plain & known.works.spoilt[work],
        comment=only(notes.values, ~note_long),
        comment_spoilt=notes.spoilt,
        left_out=note_long | (plain & (too_long | known.controls.weight_wrong[control])),
        entered_at=table["entered_at"].to_numpy("datetime64[s]"),
    )


def _absences(raw: RawJournal, known: Dimensions, codes: Codes) -> Facts:
    table = raw[ABSENCES.name]
    none, no = np.full(len(table), None, object), np.zeros(len(table), bool)
    lesson = known.lessons.lookup.positions(table["lesson_id"].to_numpy(np.int64))
    value, kind, type_unknown = _value(table["type_id"].to_numpy(np.int64), known, codes.absences)
    return Facts(
        source_key=_source_keys("absence", table["id"].tolist()),
        student=table["student_id"].to_numpy(np.int64),
        kind=kind,
        type_unknown=type_unknown,
        period_unknown=no,
        cancelled=known.lessons.cancelled[lesson],
        duplicate=no,
        journal=known.lessons.journal[lesson],
        subject=known.lessons.subject[lesson],
        value=value,
        first=known.lessons.date[lesson],
        last=known.lessons.date[lesson],
        number=known.lessons.number[lesson],
        number_wrong=known.lessons.number_wrong[lesson],
        weight=none,
        work=none,
        work_spoilt=no,
        comment=none,
        comment_spoilt=no,
        left_out=no,
        entered_at=table["changed_at"].to_numpy("datetime64[s]"),
    )


def _period_marks(raw: RawJournal, known: Dimensions, codes: Codes) -> Facts:
    table = raw[PERIOD_MARKS.name]
    none, no = np.full(len(table), None, object), np.zeros(len(table), bool)
    names = known.periods.name
    period = names.lookup.positions(table["period_id"].to_numpy(np.int64))
    kind = kinds_of(known.periods.kind, codes.periods)[period]
    ranges = [CodeRange(first, last, RecordKind.PERIOD) for first, last in codes.period_marks]
    value, _, type_unknown = _value(table["type_id"].to_numpy(np.int64), known, ranges)
    journal = known.journals.positions(table["journal_id"].to_numpy(np.int64))
    too_long = names.too_long[period]
    return Facts(
        source_key=_source_keys("period", table["id"].tolist()),
        student=table["student_id"].to_numpy(np.int64),
        kind=kind,
        type_unknown=type_unknown,
        period_unknown=kind == NO_KIND,
        cancelled=no,
        duplicate=no,
        journal=journal,
        subject=known.journal_subject[journal],
        value=value,
        first=known.periods.first[period],
        last=known.periods.last[period],
        number=np.full(len(table), NOTHING, np.int64),
        number_wrong=no,
        weight=none,
        work=only(names.text[period], ~too_long),
        work_spoilt=names.spoilt[period],
        comment=none,
        comment_spoilt=no,
        left_out=too_long,
        entered_at=table["changed_at"].to_numpy("datetime64[s]"),
    )


def _value(types: IntArray, known: Dimensions, ranges: Sequence[CodeRange]) -> tuple[IntArray, KindArray, BoolArray]:
    """Return each type's position, the kind its code means, and whether code or type is unknown."""
    value = known.mark_types.lookup.positions(types)
    kind = kinds_of(types, ranges)
    return value, kind, (kind == NO_KIND) | (value == known.mark_types.lookup.size)


def _repeated(control: IntArray, student: IntArray) -> BoolArray:
    """Tell which pairs of control and student stand in more than one row."""
    order = np.lexsort((student, control))
    same = (np.diff(control[order]) == 0) & (np.diff(student[order]) == 0)
    result = np.zeros(len(control), bool)
    result[order[1:][same]] = True
    result[order[:-1][same]] = True
    return result


def _source_keys(prefix: str, ids: list[int]) -> ObjectArray:
    return np.array([f"{prefix}:{row}" for row in ids], object)


def _joined(parts: Sequence[Facts]) -> Facts:
    return Facts(**{item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Facts)})
