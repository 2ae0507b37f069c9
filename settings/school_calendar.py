"""Reads a file of school days: a setting that is too long for bridge.toml and stands in a file of its own.

Rules. The file is TOML: `week` (5 or 6), and for each school year a section named by the year in which it starts, with
`vacations` and `days_off` (no lessons) and `school_days` (lessons all the same). A day is written 2026-11-02, a span
"2026-10-26/2026-11-03". What is wrong is told by key and place; a day outside its school year, one that is both off and
taught, and an unknown key are wrong, for else a slip of the pen would change a school's figures unseen.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

from journal.school_calendar import WEEKS, SchoolCalendar, YearOfSchool
from journal.window import Window, school_year
from journal.wording import Wording

_KEYS = ("vacations", "days_off", "school_days")
_STARTS_IN = re.compile("[12][0-9]{3}")
_UNREADABLE = Wording(ru="{file}: файла нет или он не читается", en="{file}: the file is missing or can't be read")
_NO_TOML = Wording(ru="{file}: это не TOML в UTF-8", en="{file}: this is no TOML in UTF-8")
_WEEK = Wording(ru="{file}: week: учебных дней в неделе 5 или 6", en="{file}: week: a school week has 5 or 6 days")
_NO_YEAR = Wording(
    ru="{file}: {key}: ожидался week или раздел учебного года по году его начала, например [2026]",
    en="{file}: {key}: week was expected, or a school year's section named by the year it starts in, like [2026]",
)
_NO_KEY = Wording(
    ru="{file}: [{year}] {key}: такого ключа нет, есть vacations, days_off, school_days",
    en="{file}: [{year}] {key}: there is no such key; vacations, days_off, school_days exist",
)
_NO_LIST = Wording(
    ru='{file}: [{year}] {key}: нужен список дней, например ["2026-11-02", "2026-10-26/2026-11-03"]',
    en='{file}: [{year}] {key}: a list of days is needed, like ["2026-11-02", "2026-10-26/2026-11-03"]',
)
_NO_DAY = Wording(
    ru="{file}: [{year}] {key}, {place}-е в списке: нужен день ГГГГ-ММ-ДД или срок ПЕРВЫЙ/ПОСЛЕДНИЙ",
    en="{file}: [{year}] {key}, number {place} of the list: a day YYYY-MM-DD or a span FIRST/LAST is needed",
)
_OTHER_YEAR = Wording(
    ru="{file}: [{year}] {key}, {place}-е в списке: день не этого учебного года (с 1 сентября по 31 августа)",
    en="{file}: [{year}] {key}, number {place} of the list: not a day of this school year (1 September to 31 August)",
)
_BOTH = Wording(
    ru="{file}: [{year}] school_days, {place}-е в списке: этот день назван и в days_off",
    en="{file}: [{year}] school_days, number {place} of the list: this day stands in days_off too",
)


class CalendarProblem(Exception):  # noqa: N818  a sentence for a person, which becomes a problem of the settings
    """What is wrong with a file of school days."""

    def __init__(self, wording: Wording, **places: object) -> None:
        super().__init__("school-calendar")
        self.wording = wording.filled(**places)


def read_calendar(path: Path) -> SchoolCalendar:
    """Return the calendar in the file. Raises CalendarProblem."""
    content = _content(path)
    week = content.pop("week", WEEKS[0])
    if type(week) is not int or week not in WEEKS:
        raise CalendarProblem(_WEEK, file=path.name)
    years = dict(_year(path.name, key, section) for key, section in content.items())
    return SchoolCalendar(week, years, path)


def _content(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError:
        wording = _UNREADABLE
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        wording = _NO_TOML
    raise CalendarProblem(wording, file=path.name)


def _year(file: str, key: str, section: object) -> tuple[int, YearOfSchool]:
    if not _STARTS_IN.fullmatch(key) or not isinstance(section, dict):
        raise CalendarProblem(_NO_YEAR, file=file, key=key)
    unknown = next((name for name in section if name not in _KEYS), None)
    if unknown is not None:
        raise CalendarProblem(_NO_KEY, file=file, year=key, key=unknown)
    spans = {name: list(_spans(file, key, name, section)) for name in _KEYS}
    off, taught = spans["days_off"], spans["school_days"]
    for place, span in enumerate(taught, 1):
        if any(other.first <= span.last and span.first <= other.last for other in off):
            raise CalendarProblem(_BOTH, file=file, year=key, place=place)
    days = (date.fromordinal(number) for one in taught for number in _ordinals(one))
    return int(key), YearOfSchool((*spans["vacations"], *off), frozenset(days))


def _spans(file: str, year: str, key: str, section: Mapping[str, object]) -> Iterator[Window]:
    written = section.get(key, [])
    if not isinstance(written, list):
        raise CalendarProblem(_NO_LIST, file=file, year=year, key=key)
    whole = school_year(date(int(year), 9, 1))
    for place, one in enumerate(written, 1):
        span = _span(one)
        if span is None:
            raise CalendarProblem(_NO_DAY, file=file, year=year, key=key, place=place)
        if span.first < whole.first or span.last > whole.last:
            raise CalendarProblem(_OTHER_YEAR, file=file, year=year, key=key, place=place)
        yield span


def _span(written: object) -> Window | None:
    """Return a day, or a span of days; None for what is neither."""
    if isinstance(written, date) and not isinstance(written, datetime):
        return Window(written, written)
    if not isinstance(written, str):
        return None
    first, _, last = written.partition("/")
    try:
        span = Window(date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip()))
    except ValueError:
        return None
    return span if span.first <= span.last else None


def _ordinals(span: Window) -> range:
    return range(span.first.toordinal(), span.last.toordinal() + 1)
