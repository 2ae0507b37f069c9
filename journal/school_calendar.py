"""Which days are school days: a week of five or six days, without holidays, vacations and other days off. Pure.

Rules. The week starts on Monday; Sunday is never part of it. A holiday by law is no school day. Of a school year that
the calendar knows, its days off (vacations, days moved by decree) are none either, and a day that it names as taught is
one whatever else says no: a worked Saturday, a Sunday, a day in the vacations. Of a year that it doesn't know nothing
but week and holidays is known, and `knows` says so.
Not the same as working days (`consent_registry.terms.working_days`), in which the law counts terms: a school may teach
on Saturdays, and has vacations. Deliberately not here: reading the file (`settings.school_calendar`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from journal.holidays import is_holiday
from journal.window import Window, school_year

WEEKS = (5, 6)
"""Days of a school week that there may be."""


@dataclass(frozen=True, slots=True)
class YearOfSchool:
    """What is known of one school year: spans without lessons, both ends included, and days taught all the same."""

    off: tuple[Window, ...] = ()
    taught: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """A school's days; `years` by the calendar year in which a school year starts, `file` where it was read."""

    week: int = WEEKS[0]
    years: Mapping[int, YearOfSchool] = field(default_factory=dict)
    file: Path | None = None

    def is_school_day(self, day: date) -> bool:
        """Tell whether there are lessons on `day`."""
        year = self.years.get(school_year(day).first.year, YearOfSchool())
        if day in year.taught:
            return True
        if day.weekday() >= self.week or is_holiday(day):
            return False
        return not any(span.first <= day <= span.last for span in year.off)

    def knows(self, day: date) -> bool:
        """Tell whether the calendar says anything of the school year of `day`."""
        return school_year(day).first.year in self.years
