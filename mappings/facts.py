"""Marks, absences and period marks as rows of one shape, joined with what they refer to by position.

Rules. A fact keeps its place: no join drops or doubles it. What a fact's table doesn't have (a work for an
absence, a lesson number for a period mark) is absent from its record. Two rows of MARK with one student and one
control are duplicates of each other, whatever else is true of them. Rows that bear one id are not told apart.
Deliberately not here: which facts are sent (`mappings.records`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from journal.vocabulary import RecordKind
from mappings.dimensions import VALUE_LIMIT, Dimensions
from mappings.keys import MISSING, SPOILT_KEY, Keys, key_texts
from mappings.lookup import BoolArray, DayArray, IntArray
from mappings.points import points_texts
from mappings.profile import CodeMeaning, CodeNames, CodeRange, Codes
from mappings.raw import ABSENCES, MARKS, NOTHING, PERIOD_MARKS, SPOILT, SPOILT_TIME, RawTable
from mappings.texts import Encoding, ObjectArray, Texts, lines, only, prose

COMMENT_LIMIT = 4000
KINDS: tuple[RecordKind, ...] = tuple(RecordKind)
NO_KIND = -1
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")

KindArray = npt.NDArray[np.int8]
PlaceArray = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts as arrays of one length. `kind` is a place in `KINDS` or `NO_KIND`.

    `first` and `last` are the days on one of which the student must have been enrolled; `last` is the
    record's date. `subject` and `journal` are positions in their dimensions; `value` is a text. `unreadable`: a field
    that says what or whose the fact is can't be read. `left_out`: an optional field was given and doesn't fit the
    portal. `lesson` and `period` are positions in their dimensions, beyond the last where the fact leads to none or has
    none (`of_lesson`: it has to lead to one). `weight_odd`: the weight that it goes with is out of range.
    """

    source_key: ObjectArray
    repeated: BoolArray
    unreadable: BoolArray
    student: IntArray
    kind: KindArray
    type_unknown: BoolArray
    period_unknown: BoolArray
    cancelled: BoolArray
    duplicate: BoolArray
    of_lesson: BoolArray
    lesson: PlaceArray
    period: PlaceArray
    journal: IntArray
    subject: IntArray
    value: ObjectArray
    value_spoilt: BoolArray
    value_unsendable: BoolArray
    points_unclear: BoolArray
    first: DayArray
    last: DayArray
    number: IntArray
    number_wrong: BoolArray
    weight: ObjectArray
    weight_odd: BoolArray
    work: ObjectArray
    work_spoilt: BoolArray
    comment: ObjectArray
    comment_spoilt: BoolArray
    left_out: BoolArray
    entered_at: DayArray


def facts(keys: Keys, known: Dimensions, codes: Codes, encoding: Encoding) -> Facts:
    """Return all facts of a reading: marks, then absences, then period marks, each in the order read."""
    makers = _marks, _absences, _period_marks
    return _joined([make(_Reading(keys, known, codes, encoding)) for make in makers])


def kinds_of(values: IntArray, meanings: Sequence[CodeMeaning], names: ObjectArray | None = None) -> KindArray:
    """Return the kind of each code as a place in `KINDS`, `NO_KIND` where nothing says what the code means.

    `names` are the codes' texts where they are no whole numbers; `values` are then places in it.
    """
    result = np.full(len(values), NO_KIND, np.int8)
    if names is not None:
        kinds = np.array([_kind_of(str(name), meanings) for name in names.tolist()], np.int8)
        known = values > SPOILT
        result[known] = kinds[values[known]]
        return result
    for meaning in meanings:
        if isinstance(meaning, CodeRange):
            result[(values >= meaning.first) & (values <= meaning.last)] = KINDS.index(meaning.kind)
        else:
            wanted = [int(name) for name in meaning.names if _WHOLE.fullmatch(name)]
            result[np.isin(values, np.array(wanted, np.int64))] = KINDS.index(meaning.kind)
    return result


def _kind_of(name: str, meanings: Sequence[CodeMeaning]) -> int:
    for meaning in meanings:
        if isinstance(meaning, CodeNames):
            found = name in meaning.names
        else:
            found = bool(_WHOLE.fullmatch(name)) and meaning.first <= int(name) <= meaning.last
        if found:
            return KINDS.index(meaning.kind)
    return NO_KIND


@dataclass(frozen=True, slots=True)
class _Reading:
    """What facts are made of."""

    keys: Keys
    known: Dimensions
    codes: Codes
    encoding: Encoding

    def integers(self, table: RawTable, column: str) -> IntArray:
        return self.keys.raw[table.name][column].to_numpy(np.int64)

    def moments(self, table: RawTable, column: str) -> tuple[DayArray, BoolArray]:
        """Return a column of moments, and which could not be read; these are no moment."""
        given = self.keys.raw[table.name][column].to_numpy("datetime64[s]")
        spoilt = given == SPOILT_TIME
        return np.where(spoilt, np.datetime64("NaT", "s"), given), spoilt


def _marks(reading: _Reading) -> Facts:
    known, table = reading.known, reading.keys.raw[MARKS.name]
    student, control_id = reading.integers(MARKS, "student_id"), reading.integers(MARKS, "control_id")
    control = known.controls.lookup.positions(control_id)
    lesson = known.controls.lesson[control]
    values = _values(reading, MARKS, reading.codes.marks)
    plain = values.kind != KINDS.index(RecordKind.REMARK)  # a remark carries neither weight nor work
    work = known.controls.work[control]
    too_long = known.works.too_long[work]
    notes = prose(table["note"].to_numpy(object), reading.encoding)
    note_long = notes.longer_than(COMMENT_LIMIT)
    entered_at, untimed = reading.moments(MARKS, "entered_at")
    keys, repeated = _source_keys("mark", reading, MARKS)
    return Facts(
        source_key=keys,
        repeated=repeated,
        unreadable=_spoilt(student, control_id, values.types) | known.lessons.unreadable[lesson],
        student=student,
        kind=values.kind,
        type_unknown=values.unknown,
        period_unknown=np.zeros(len(table), bool),
        cancelled=known.lessons.cancelled[lesson],
        duplicate=_repeated(control_id, student),
        of_lesson=np.ones(len(table), bool),
        lesson=lesson.astype(np.int32),
        period=np.full(len(table), known.periods.name.lookup.size, np.int32),
        journal=known.lessons.journal[lesson],
        subject=known.lessons.subject[lesson],
        value=values.text,
        value_spoilt=values.spoilt,
        value_unsendable=values.unsendable,
        points_unclear=values.points_unclear,
        first=known.lessons.date[lesson],
        last=known.lessons.date[lesson],
        number=known.lessons.number[lesson],
        number_wrong=known.lessons.number_wrong[lesson],
        weight=only(known.controls.weight[control], plain),
        weight_odd=known.controls.weight_odd[control] & plain,
        work=only(known.works.text[work], plain & ~too_long),
        work_spoilt=plain & known.works.spoilt[work],
        comment=only(notes.values, ~note_long),
        comment_spoilt=notes.spoilt,
        left_out=note_long | untimed | (plain & (too_long | known.controls.weight_wrong[control])),
        entered_at=entered_at,
    )


def _absences(reading: _Reading) -> Facts:
    known, size = reading.known, len(reading.keys.raw[ABSENCES.name])
    none, no = np.full(size, None, object), np.zeros(size, bool)
    student, lesson_id = reading.integers(ABSENCES, "student_id"), reading.integers(ABSENCES, "lesson_id")
    lesson = known.lessons.lookup.positions(lesson_id)
    values = _values(reading, ABSENCES, reading.codes.absences)
    entered_at, untimed = reading.moments(ABSENCES, "changed_at")
    keys, repeated = _source_keys("absence", reading, ABSENCES)
    return Facts(
        source_key=keys,
        repeated=repeated,
        unreadable=_spoilt(student, lesson_id, values.types) | known.lessons.unreadable[lesson],
        student=student,
        kind=values.kind,
        type_unknown=values.unknown,
        period_unknown=no,
        cancelled=known.lessons.cancelled[lesson],
        duplicate=no,
        of_lesson=~no,
        lesson=lesson.astype(np.int32),
        period=np.full(size, known.periods.name.lookup.size, np.int32),
        journal=known.lessons.journal[lesson],
        subject=known.lessons.subject[lesson],
        value=values.text,
        value_spoilt=values.spoilt,
        value_unsendable=values.unsendable,
        points_unclear=values.points_unclear,
        first=known.lessons.date[lesson],
        last=known.lessons.date[lesson],
        number=known.lessons.number[lesson],
        number_wrong=known.lessons.number_wrong[lesson],
        weight=none,
        weight_odd=no,
        work=none,
        work_spoilt=no,
        comment=none,
        comment_spoilt=no,
        left_out=untimed,
        entered_at=entered_at,
    )


def _period_marks(reading: _Reading) -> Facts:
    known, size = reading.known, len(reading.keys.raw[PERIOD_MARKS.name])
    none, no = np.full(size, None, object), np.zeros(size, bool)
    names = known.periods.name
    student, period_id = reading.integers(PERIOD_MARKS, "student_id"), reading.integers(PERIOD_MARKS, "period_id")
    journal_id = reading.integers(PERIOD_MARKS, "journal_id")
    period, journal = names.lookup.positions(period_id), known.journals.positions(journal_id)
    kind = kinds_of(known.periods.kind, reading.codes.periods, reading.keys.texts.get("period-kind"))[period]
    values = _values(reading, PERIOD_MARKS, reading.codes.period_marks)
    too_long = names.too_long[period]
    entered_at, untimed = reading.moments(PERIOD_MARKS, "changed_at")
    keys, repeated = _source_keys("period", reading, PERIOD_MARKS)
    return Facts(
        source_key=keys,
        repeated=repeated,
        unreadable=_spoilt(student, period_id, journal_id, values.types),
        student=student,
        kind=kind,
        type_unknown=values.unknown,
        period_unknown=kind == NO_KIND,
        cancelled=no,
        duplicate=no,
        of_lesson=no,
        lesson=np.full(size, known.lessons.lookup.size, np.int32),
        period=period.astype(np.int32),
        journal=journal,
        subject=known.journal_subject[journal],
        value=values.text,
        value_spoilt=values.spoilt,
        value_unsendable=values.unsendable,
        points_unclear=values.points_unclear,
        first=known.periods.first[period],
        last=known.periods.last[period],
        number=np.full(size, NOTHING, np.int64),
        number_wrong=no,
        weight=none,
        weight_odd=no,
        work=only(names.text[period], ~too_long),
        work_spoilt=names.spoilt[period],
        comment=none,
        comment_spoilt=no,
        left_out=too_long | untimed,
        entered_at=entered_at,
    )


@dataclass(frozen=True, slots=True)
class _Values:
    """What the facts of a table are worth, by their codes or by themselves."""

    types: IntArray
    kind: KindArray
    unknown: BoolArray
    text: ObjectArray
    spoilt: BoolArray
    unsendable: BoolArray
    points_unclear: BoolArray


def _values(reading: _Reading, table: RawTable, meanings: Sequence[CodeMeaning]) -> _Values:
    types, names = reading.integers(table, "type_id"), reading.known.mark_types
    place = names.lookup.positions(types)
    kind = kinds_of(types, meanings, reading.keys.texts.get("type"))
    coded = _Values(
        types=types,
        kind=kind,
        unknown=(kind == NO_KIND) | (place == names.lookup.size),
        text=names.text[place],
        spoilt=names.spoilt[place],
        unsendable=names.unsendable[place],
        points_unclear=np.zeros(len(types), bool),
    )
    own = np.flatnonzero(types == NOTHING) if reading.codes.uncoded and "points" in table.columns else types[:0]
    if len(own):
        _by_themselves(coded, own, reading, table)
    return coded


def _by_themselves(values: _Values, places: IntArray, reading: _Reading, table: RawTable) -> None:
    """Fill in what the marks at `places`, which have no code, say themselves."""
    frame = reading.keys.raw[table.name].iloc[places]
    signs = lines(frame["sign"].to_numpy(object), reading.encoding)
    points = points_texts(frame["points"].tolist(), frame["maximum"].tolist())
    bare = signs.missing() & ~signs.spoilt
    text = np.where(bare, points, signs.values)
    given = ~(bare & np.asarray(frame["points"].isna(), bool))
    kind = reading.codes.uncoded
    values.kind[places] = np.where(given, KINDS.index(kind), NO_KIND) if kind else NO_KIND
    values.unknown[places] = ~given
    values.text[places] = text
    values.spoilt[places] = signs.spoilt
    values.unsendable[places] = Texts(text, signs.spoilt).longer_than(VALUE_LIMIT)
    values.points_unclear[places] = bare & given & np.asarray(pd.isna(points), bool)


def _spoilt(*keys: IntArray) -> BoolArray:
    """Tell which rows have a key that can't be read."""
    result = np.zeros(len(keys[0]), bool)
    for column in keys:
        result |= column == SPOILT
    return result


def _repeated(control: IntArray, student: IntArray) -> BoolArray:
    """Tell which pairs of control and student stand in more than one row."""
    order = np.lexsort((student, control))
    same = (np.diff(control[order]) == 0) & (np.diff(student[order]) == 0)
    result = np.zeros(len(control), bool)
    result[order[1:][same]] = True
    result[order[:-1][same]] = True
    return result


def _source_keys(prefix: str, reading: _Reading, table: RawTable) -> tuple[ObjectArray, BoolArray]:
    """Return the rows' names, and which of them are no names: null, spoilt, or borne by several rows.

    Of several rows the first keeps the name, so that what the portal holds under it is known; the others are counted.
    """
    ids = reading.keys.raw[table.name]["id"].to_numpy()
    if (
        ids.dtype == np.int64 and pd.Index(ids).is_unique and (ids > SPOILT).all()
    ):  # nearly always; no text is made twice
        return np.array([f"{prefix}:{row}" for row in ids.tolist()], object), np.zeros(len(ids), bool)
    texts = key_texts(ids, reading.encoding.name)
    keys = np.array([f"{prefix}:{text}" for text in texts.tolist()], object)
    index = pd.Index(texts)
    nameless = np.asarray(index.isin([MISSING, SPOILT_KEY]), bool)
    if index.is_unique:
        return keys, nameless
    again = pd.Series(keys).groupby(keys).cumcount().to_numpy()
    for place in np.flatnonzero(again).tolist():
        keys[place] = f"{keys[place]}#{again[place] + 1}"
    return keys, nameless | np.asarray(index.duplicated(keep=False), bool)


def _joined(parts: list[Facts]) -> Facts:
    """Return all parts as one; each column of the parts is let go as soon as it is joined."""
    names = [item.name for item in fields(Facts)]
    columns = [{name: getattr(part, name) for name in names} for part in parts]
    parts.clear()
    return Facts(**{name: np.concatenate([part.pop(name) for part in columns]) for name in names})
