"""Looks at the schools' calendars: whether they know the present school year, for else vacations count as school days.

Rule. That is worth a look (!), never a failure: only the share of lessons filled in in time depends on it.
"""

from collections.abc import Iterator
from datetime import datetime

from commands.findings import Condition, Finding, found
from journal.wording import Wording
from settings import Settings

_KNOWN = Wording(ru="[actuality] calendar: учебные дни известны", en="[actuality] calendar: the school days are known")
_UNKNOWN = Wording(
    ru="[actuality] calendar: каникул этого учебного года нет для школ {schools}, они считаются учебными днями. "
    "Допишите файл учебных дней (docs/actuality.md)",
    en="[actuality] calendar: no vacations of this school year for the schools {schools}; they count as school days. "
    "Add them to the file of school days (docs/actuality.md)",
)


def look_at_school_days(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Name the schools whose calendar doesn't know the school year of `now`."""
    today = now.astimezone(settings.bridge.timezone).date()
    unknown = [school.code for school in settings.schools if not settings.school_days(school).knows(today)]
    if unknown:
        yield found(Condition.LOOK, _UNKNOWN, schools=", ".join(unknown))
    elif settings.schools:
        yield found(Condition.FINE, _KNOWN)
