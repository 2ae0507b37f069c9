"""The share of lessons that were filled in in time («показатель актуальности»). Pure.

Rules. Counted are lessons that were held by the as-of day, are not cancelled, and whose term is over: the term is the
lesson's day and so many school days after it, the last one included, so a lesson is counted from the day after. Of
these, in time are those filled in on a day of the term or earlier. A lesson still within its term counts neither way,
filled or not. What was filled in after the as-of day was not yet filled in; whether a lesson is cancelled, and on which
day it is, is taken as it is known now. A lesson of which that can't be read is unclear and not counted. Where the
school's system keeps no time of filling nothing can be known: there is no share, which is not a share of 1.
Deliberately not here: which days are school days, where lessons come from, what follows from a low share.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from journal.school import SchoolLessons
from journal.school_calendar import SchoolCalendar

SEARCHED = 400
"""Days after a lesson in which its last day is looked for; a calendar with fewer school days leaves it open."""


class Standing(StrEnum):
    """Where a lesson stands on the as-of day. `IN_TIME`, `LATE` and `NOT_FILLED` are counted, the others are not."""

    UNCLEAR = "unclear"
    CANCELLED = "cancelled"
    NOT_HELD = "not-held"
    WITHIN_TERM = "within-term"
    IN_TIME = "in-time"
    LATE = "late"
    NOT_FILLED = "not-filled"


COUNTED = (Standing.IN_TIME, Standing.LATE, Standing.NOT_FILLED)


@dataclass(frozen=True, slots=True)
class Actuality:
    """How many lessons there are of each standing: three that are counted, and `not_counted` by `Standing`.

    `known`: the school's system keeps filling times.
    """

    in_time: int = 0
    late: int = 0
    not_filled: int = 0
    not_counted: Mapping[str, int] = field(default_factory=dict)
    known: bool = True

    @property
    def counted(self) -> int:
        """The lessons that the share is of."""
        return self.in_time + self.late + self.not_filled

    @property
    def share(self) -> float | None:
        """The share, 0 to 1; None where nothing is counted or nothing can be known."""
        return self.in_time / self.counted if self.known and self.counted else None

    def reaches(self, target: float) -> bool | None:
        """Tell whether the share is the target or more; None where there is no share."""
        return None if self.share is None else self.share >= target


@dataclass(frozen=True, slots=True)
class Goal:
    """What is asked of a school: within how many school days, of what share of lessons, and whether less holds it."""

    within_days: int = 2
    target: float = 0.95
    holds: bool = False


@dataclass(frozen=True, slots=True)
class SchoolActuality:
    """A school's figure on a day, with the goal that it is held against.

    `assumed`: no calendar knows the school year, so that vacations count as school days.
    """

    as_of: date
    goal: Goal
    figure: Actuality
    assumed: bool = False

    @property
    def below(self) -> bool:
        """Tell whether there is a share, and it is below the target."""
        return self.figure.reaches(self.goal.target) is False


def last_day(lesson: date, within_days: int, is_school_day: Callable[[date], bool]) -> date | None:
    """Return the last day of a lesson's term; None where the calendar has too few school days to tell."""
    left, day = within_days, lesson
    for _ in range(SEARCHED):
        if left == 0:
            return day
        day += timedelta(days=1)
        left -= is_school_day(day)
    return None


def standings(
    lessons: pd.DataFrame, as_of: date, *, within_days: int, is_school_day: Callable[[date], bool]
) -> pd.Series:
    """Return the `Standing` of each lesson on `as_of`.

    `lessons` has `date` and `filled_on` (datetime64[s], midnight of the school's local day, NaT for none), `cancelled`
    and `unclear` (bool). A lesson without a date is unclear.
    """
    day = lessons["date"].to_numpy("datetime64[D]")
    filled = lessons["filled_on"].to_numpy("datetime64[D]")
    today = np.datetime64(as_of, "D")
    last = _last_days(day, within_days, is_school_day)
    known_filled = ~np.isnat(filled) & (filled <= today)
    result = np.full(len(lessons), str(Standing.NOT_FILLED), object)
    result[known_filled] = str(Standing.LATE)
    result[known_filled & (filled <= last)] = str(Standing.IN_TIME)
    result[np.isnat(last) | (last >= today)] = str(Standing.WITHIN_TERM)
    result[day > today] = str(Standing.NOT_HELD)
    result[lessons["cancelled"].to_numpy(bool)] = str(Standing.CANCELLED)
    result[lessons["unclear"].to_numpy(bool) | np.isnat(day)] = str(Standing.UNCLEAR)
    return pd.Series(result, index=lessons.index, dtype="str")


def measured(lessons: SchoolLessons, as_of: date, goal: Goal, calendar: SchoolCalendar) -> SchoolActuality:
    """Return a school's figure on `as_of`."""
    standing = standings(lessons.rows, as_of, within_days=goal.within_days, is_school_day=calendar.is_school_day)
    return SchoolActuality(as_of, goal, figure(standing, known=lessons.known), assumed=not calendar.knows(as_of))


def figure(standing: pd.Series, *, known: bool = True) -> Actuality:
    """Return the figure of lessons of these standings."""
    counts = standing.value_counts()
    found = {one: int(counts.get(str(one), 0)) for one in Standing}
    return Actuality(
        in_time=found[Standing.IN_TIME],
        late=found[Standing.LATE],
        not_filled=found[Standing.NOT_FILLED],
        not_counted={str(one): count for one, count in found.items() if count and one not in COUNTED},
        known=known,
    )


def figures_by(lessons: pd.DataFrame, standing: pd.Series, column: str, *, known: bool = True) -> dict[str, Actuality]:
    """Return the figure of each group of lessons that agree in `column`, groups of which nothing is counted too.

    The texts of `column` name the groups; lessons where it is null are the group "".
    """
    return {str(name): figure(part, known=known) for name, part in standing.groupby(lessons[column].fillna(""))}


def _last_days(
    days: npt.NDArray[np.datetime64], within_days: int, is_school_day: Callable[[date], bool]
) -> npt.NDArray[np.datetime64]:
    places, distinct = pd.factorize(days)
    known = [last_day(one, within_days, is_school_day) for one in np.asarray(distinct, "datetime64[D]").tolist()]
    return np.array([*known, None], "datetime64[D]")[places]
