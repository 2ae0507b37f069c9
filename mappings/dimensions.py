"""What lessons, works, journals and codes say, each once, ready for the facts to take by position.

Rules. Every dimension ends in a row that says nothing, for keys that lead nowhere (see `mappings.lookup`).
A name that the record needs and that is empty or too long for the portal is *unsendable*; the limits are
those of the portal's schema: 100 characters for a subject, 16 for a value, 500 for a work.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from mappings.lookup import BoolArray, DayArray, IntArray, Lookup
from mappings.raw import (
    CONTROL_TYPES,
    CONTROLS,
    JOURNALS,
    LESSONS,
    MARK_TYPES,
    NOTHING,
    PERIODS,
    SPOILT,
    SPOILT_TIME,
    SUBJECTS,
    RawJournal,
)
from mappings.texts import Encoding, ObjectArray, lines

SUBJECT_LIMIT = 100
VALUE_LIMIT = 16
WORK_LIMIT = 500
LESSON_NUMBER_LIMIT = 255
NO_DAY = np.datetime64("NaT", "s")


@dataclass(frozen=True, slots=True)
class Names:
    """Names by position: the text, whether it could not be read, is longer than the portal takes, is missing."""

    lookup: Lookup
    text: ObjectArray
    spoilt: BoolArray
    too_long: BoolArray
    missing: BoolArray

    @property
    def unsendable(self) -> BoolArray:
        """Tell which names can't stand in a field that the record needs, though they could be read."""
        return self.too_long | (self.missing & ~self.spoilt)


@dataclass(frozen=True, slots=True)
class Periods:
    """Periods by position; `name` is the work of the period's marks."""

    name: Names
    kind: IntArray
    first: DayArray
    last: DayArray


@dataclass(frozen=True, slots=True)
class Lessons:
    """Lessons by position. `number` is `NOTHING` where there is none or `number_wrong`.

    `unreadable`: whether the lesson was cancelled can't be read.
    """

    lookup: Lookup
    journal: IntArray
    subject: IntArray
    date: DayArray
    number: IntArray
    number_wrong: BoolArray
    cancelled: BoolArray
    unreadable: BoolArray


@dataclass(frozen=True, slots=True)
class Controls:
    """Works by position, each at its lesson's and its type's position.

    `weight` is decimal text; it is wrong where it is no number, odd where it is one that no work should have.
    """

    lookup: Lookup
    lesson: IntArray
    work: IntArray
    weight: ObjectArray
    weight_wrong: BoolArray
    weight_odd: BoolArray


@dataclass(frozen=True, slots=True)
class Dimensions:
    """All that facts refer to. `journal_subject` is the subject's position by the journal's position."""

    subjects: Names
    mark_types: Names
    works: Names
    periods: Periods
    journals: Lookup
    journal_subject: IntArray
    lessons: Lessons
    controls: Controls


def dimensions(raw: RawJournal, encoding: Encoding, most_weight: Decimal | None = None) -> Dimensions:
    """Join the raw dimension tables with each other; a weight above `most_weight` is odd (None: none is too large)."""
    subjects = _names(raw[SUBJECTS.name], "name", SUBJECT_LIMIT, encoding)
    works = _names(raw[CONTROL_TYPES.name], "name", WORK_LIMIT, encoding)
    journals = Lookup(_integers(raw[JOURNALS.name], "id"))
    named = subjects.lookup.positions(_integers(raw[JOURNALS.name], "subject_id"))
    journal_subject = np.append(named, subjects.lookup.size)
    lessons = _lessons(raw[LESSONS.name], journals, journal_subject)
    return Dimensions(
        subjects=subjects,
        mark_types=_names(raw[MARK_TYPES.name], "short_name", VALUE_LIMIT, encoding),
        works=works,
        periods=_periods(raw[PERIODS.name], encoding),
        journals=journals,
        journal_subject=journal_subject,
        lessons=lessons,
        controls=_controls(raw[CONTROLS.name], lessons.lookup, works.lookup, most_weight),
    )


def _names(table: pd.DataFrame, column: str, limit: int, encoding: Encoding) -> Names:
    texts = lines(np.array([*table[column], None], object), encoding)
    too_long, missing = texts.longer_than(limit), texts.missing()
    return Names(Lookup(_integers(table, "id")), texts.values, texts.spoilt, too_long, missing)


def _periods(table: pd.DataFrame, encoding: Encoding) -> Periods:
    return Periods(
        name=_names(table, "name", WORK_LIMIT, encoding),
        kind=np.append(_integers(table, "kind"), NOTHING),
        first=np.append(_days(table, "date_from"), NO_DAY),
        last=np.append(_days(table, "date_to"), NO_DAY),
    )


def _lessons(table: pd.DataFrame, journals: Lookup, journal_subject: IntArray) -> Lessons:
    number = np.append(_integers(table, "lesson_no"), NOTHING)
    wrong = (number != NOTHING) & ((number < 0) | (number > LESSON_NUMBER_LIMIT))
    journal = journals.positions(np.append(_integers(table, "journal_id"), NOTHING))
    cancelled = _integers(table, "cancelled")
    return Lessons(
        lookup=Lookup(_integers(table, "id")),
        journal=journal,
        subject=journal_subject[journal],
        date=np.append(_days(table, "lesson_date"), NO_DAY),
        number=np.where(wrong, NOTHING, number),
        number_wrong=wrong,
        cancelled=np.append((cancelled != 0) & (cancelled != SPOILT), False),
        unreadable=np.append(cancelled == SPOILT, False),
    )


def _controls(table: pd.DataFrame, lessons: Lookup, works: Lookup, most_weight: Decimal | None) -> Controls:
    costs = table["cost"].tolist()
    weights = decimal_texts(costs)
    wrong = [cost is not None and weight is None for cost, weight in zip(costs, weights, strict=True)]
    odd = {text: _odd(Decimal(text), most_weight) for text in set(weights) if text is not None}
    return Controls(
        lookup=Lookup(_integers(table, "id")),
        lesson=lessons.positions(np.append(_integers(table, "lesson_id"), NOTHING)),
        work=works.positions(np.append(_integers(table, "type_id"), NOTHING)),
        weight=np.array([*weights, None], object),
        weight_wrong=np.array([*wrong, False]),
        weight_odd=np.array([*(weight is not None and odd[weight] for weight in weights), False]),
    )


def _odd(weight: Decimal, most: Decimal | None) -> bool:
    return weight <= 0 or (most is not None and weight > most)


def decimal_texts(numbers: Sequence[Decimal | None]) -> list[str | None]:
    """Return decimals as text with two places at least, the scale of the school's weights; None for no number.

    One number has one text, however a database's driver wrote it: 1, 1.0 and 1.00 are "1.00".
    """
    written: dict[Decimal, str | None] = {}
    for number in numbers:
        if number is not None and not number.is_nan() and number not in written:
            written[number] = _decimal_text(number)
    return [None if number is None or number.is_nan() else written[number] for number in numbers]


def _decimal_text(number: Decimal) -> str | None:
    if not math.isfinite(number):
        return None
    whole, _, places = f"{number:f}".partition(".")
    text = f"{whole}.{places.rstrip('0').ljust(2, '0')}"
    return text.removeprefix("-") if number.is_zero() else text


def _integers(table: pd.DataFrame, column: str) -> IntArray:
    return table[column].to_numpy(np.int64)


def _days(table: pd.DataFrame, column: str) -> DayArray:
    days = table[column].to_numpy("datetime64[s]")
    return np.where(days == SPOILT_TIME, NO_DAY, days)
