"""Where each lesson stands, said lesson by lesson: a term is a list of days, written out."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple


class Lesson(NamedTuple):
    """One lesson as the journal has it; `filled` is the local day."""

    day: date | None
    filled: date | None
    cancelled: bool
    unclear: bool


def stands(lesson: Lesson, as_of: date, within: int, school_days: Collection[date]) -> str:
    """Return in one word where the lesson stands on `as_of`; fewer `school_days` than the term needs leave it open."""
    if lesson.unclear or lesson.day is None:
        return "unclear"
    if lesson.cancelled:
        return "cancelled"
    if lesson.day > as_of:
        return "not-held"
    term = [lesson.day, *[day for day in sorted(school_days) if day > lesson.day][:within]]
    if len(term) <= within or as_of in [term[0] + timedelta(n) for n in range((term[-1] - term[0]).days + 1)]:
        return "within-term"
    if lesson.filled is None or lesson.filled > as_of:
        return "not-filled"
    return "in-time" if lesson.filled <= term[-1] else "late"
