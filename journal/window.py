"""Spans of days, and the school year that a day lies in. Needs nothing else, so that settings may speak of it."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Window:
    """The days whose records are read, both included."""

    first: date
    last: date


def school_year(today: date) -> Window:
    """Return the school year that `today` lies in: 1 September to 31 August."""
    start = today.year if (today.month, today.day) >= (9, 1) else today.year - 1
    return Window(date(start, 9, 1), date(start + 1, 8, 31))
