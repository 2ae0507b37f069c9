"""When a school teaches: school years, quarters, holidays, and the weeks that a made-up journal covers.

Rules. The school year runs from 1 September to 31 August; lessons are given in its quarters only, Monday
to Saturday, not on public holidays. Pure; today is an argument.
"""

from dataclasses import dataclass
from datetime import date, timedelta

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
SUNDAY = 6

_PUBLIC_HOLIDAYS = frozenset({(11, 4), (2, 23), (3, 8), (5, 1), (5, 9)})
_NEWEST_KIND_OF_PERIOD = 6


@dataclass(frozen=True, slots=True)
class Term:
    """A PERIOD row: `kind` is the contract's 1 quarter, 2 half-year, 3 year, 4 exam, 5 final (6 is dirt)."""

    kind: int
    name: str
    first: date
    last: date


def school_year(day: date) -> int:
    """Return the calendar year in which the school year of `day` starts."""
    return day.year if (day.month, day.day) >= (9, 1) else day.year - 1


def quarters(year: int) -> tuple[Term, ...]:
    """Return the four quarters of the school year that starts in `year`."""
    return (
        Term(1, "1 четверть", date(year, 9, 1), date(year, 10, 26)),
        Term(1, "2 четверть", date(year, 11, 5), date(year, 12, 28)),
        Term(1, "3 четверть", date(year + 1, 1, 9), date(year + 1, 3, 22)),
        Term(1, "4 четверть", date(year + 1, 3, 31), date(year + 1, 5, 26)),
    )


def terms(year: int) -> tuple[Term, ...]:
    """Return every period of a school year, among them one of a kind that no contract names."""
    return (
        *quarters(year),
        Term(2, "1 полугодие", date(year, 9, 1), date(year, 12, 28)),
        Term(2, "2 полугодие", date(year + 1, 1, 9), date(year + 1, 5, 26)),
        Term(3, "Год", date(year, 9, 1), date(year + 1, 5, 26)),
        Term(4, "Экзамен", date(year + 1, 5, 27), date(year + 1, 6, 20)),
        Term(5, "Итоговая  оценка", date(year, 9, 1), date(year + 1, 6, 25)),
        Term(_NEWEST_KIND_OF_PERIOD, "Стартовая диагностика", date(year, 9, 1), date(year, 9, 20)),
    )


def is_school_day(day: date) -> bool:
    """Tell whether lessons are given on `day`."""
    if day.weekday() == SUNDAY or (day.month, day.day) in _PUBLIC_HOLIDAYS:
        return False
    return any(quarter.first <= day <= quarter.last for quarter in quarters(school_year(day)))


def school_days(monday: date) -> tuple[date, ...]:
    """Return the school days of the week that begins with `monday`."""
    return tuple(day for day in (monday + number * DAY for number in range(7)) if is_school_day(day))


def covered_days(first_day: date | None, weeks: int, today: date) -> tuple[date, ...]:
    """Return the school days of `weeks` school weeks, and of the week after them where it is not over yet.

    With `first_day` the weeks run from there; without it they end with the last school week that has
    begun by `today`, and reach back into earlier school years where one is too short. Holidays do not count.
    """
    anchor = first_day or today
    monday = anchor - anchor.weekday() * DAY
    days: list[date] = []
    found = 0
    while found < weeks:
        week = [day for day in school_days(monday) if first_day is None or day >= first_day]
        begun = first_day is not None or (week and week[0] <= today)
        if week and begun:
            days.extend(week)
            found += 1
        monday += WEEK if first_day else -WEEK
    days.sort()
    planned = _week_after(days[-1])
    if planned[0] > today and school_year(planned[0]) == school_year(days[-1]):
        days.extend(planned)
    return tuple(days)


def _week_after(day: date) -> tuple[date, ...]:
    monday = day - day.weekday() * DAY + WEEK
    while not (days := school_days(monday)):
        monday += WEEK
    return days
