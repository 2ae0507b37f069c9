"""The holidays that the law gives everybody (Labour Code, article 112): 1 to 8 January and six days more. Pure.

Deliberately not here: what the Government moves by decree (`consent_registry.terms.working_days`), a school's own days
off (`journal.school_calendar`).
"""

from datetime import date

_FIXED = ((2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4))
"""Month and day of the holidays outside January."""
_JANUARY = 8


def is_holiday(day: date) -> bool:
    """Tell whether the day is a holiday by law, on whatever day of the week it falls."""
    return (day.month == 1 and day.day <= _JANUARY) or (day.month, day.day) in _FIXED


def holidays(year: int) -> frozenset[date]:
    """Return the year's holidays."""
    january = {date(year, 1, number) for number in range(1, _JANUARY + 1)}
    return frozenset(january | {date(year, month, day) for month, day in _FIXED})
