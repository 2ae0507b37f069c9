"""Counts working days by the law and a calendar file. Reading the file apart, pure.

Rules (Labour Code, articles 111 and 112). A week has five working days. 1 to 8 January, 23 February, 8 March, 1 and
9 May, 12 June and 4 November are holidays. A day off that falls on a holiday moves to the next working day after it,
except in January. What the Government moved by decree is in the file and goes before that rule; a day off that was
moved away is worked. A year that no file knows is counted by the law alone, and `is_assumed` says so.
The packaged file is `calendars/russia.toml`; a year of the operator's file takes the place of the packaged one.
Deliberately not here: which terms run (`consent_registry.terms.deadlines`), a school's own days and
vacations (`journal.school_calendar`).
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from journal.holidays import holidays
from journal.wording import BridgeError, Wording

PACKAGED = Path(__file__).parent / "calendars" / "russia.toml"

_SATURDAY = 5
_DAY = timedelta(days=1)
_YEAR = re.compile(r"[12]\d{3}")

_WRONG = Wording(
    ru="Календарь {file}, {key}: {expected_ru}. Исправьте файл или уберите его из настроек.",
    en="Calendar {file}, {key}: {expected_en}. Mend the file or take it out of the settings.",
)
_NO_FILE = ("файла нет или он не читается", "the file is missing or can't be read")
_NO_TOML = ("это не TOML в UTF-8", "this is no TOML in UTF-8")
_NO_YEAR = ("ожидался раздел года, например [2027]", "a year's section was expected, like [2027]")
_NO_KEY = ("такого ключа нет: возможны decree, moved, days_off", "there is no such key: decree, moved, days_off exist")
_NO_DECREE = (
    "нужно основание: номер и дата документа",
    "what it is founded on is needed: the document's number and date",
)
_NO_MOVES = ("нужны пары «выходной = день» этого года", 'pairs "day off = day" of this year are needed')
_NOT_OFF = ("переносится только суббота или воскресенье", "only a Saturday or a Sunday can be moved")
_NOT_WORKED = (
    "переносить можно только на рабочий день, на каждый один раз",
    "a day off moves only to a working day, to each once",
)
_NO_DAYS = ("нужен список дней этого года", "a list of days of this year is needed")


@dataclass(frozen=True, slots=True)
class YearCalendar:
    """What is known of one year: days off and where they were moved, and days that are off besides."""

    decree: str
    moved: Mapping[date, date]
    days_off: frozenset[date] = frozenset()


class WorkingDays:
    """Which days are worked, of any year."""

    def __init__(self, years: Mapping[int, YearCalendar]) -> None:
        self._years = dict(years)
        self._worked = cache(self._count_year)

    def is_assumed(self, year: int) -> bool:
        """Tell whether no file knows the year, so that its moved days off may come to lie elsewhere."""
        return year not in self._years

    def is_working(self, day: date) -> bool:
        """Tell whether the day is worked."""
        return day in self._worked(day.year)

    def after(self, day: date, count: int) -> date:
        """Return the `count`-th working day after `day`; the day itself does not count. ValueError for count < 1."""
        if count < 1:
            raise ValueError("a count of working days starts at 1")
        year, worked = day.year, self._worked(day.year)
        place = bisect_right(worked, day) + count - 1
        while place >= len(worked):
            place -= len(worked)
            year += 1
            worked = self._worked(year)
        return worked[place]

    def between(self, first: date, last: date) -> int:
        """Return how many working days are left on `first` until `last`, which counts while `first` does not.

        0 on `last` itself. Past it, minus the days since, each begun one counting: below 0 whenever `last` is worked.
        """
        if first <= last:
            return self._count(first, last)
        return -self._count(last - _DAY, first - _DAY)

    def _count(self, first: date, last: date) -> int:
        """Count the working days after `first` up to and with `last`."""
        whole = sum(len(self._worked(year)) for year in range(first.year, last.year))
        return whole + bisect_right(self._worked(last.year), last) - bisect_right(self._worked(first.year), first)

    def _count_year(self, year: int) -> tuple[date, ...]:
        known = self._years.get(year, YearCalendar("", {}))
        free = holidays(year)
        off = {day for day in _days(year) if _is_weekend(day) and day not in known.moved} | free
        off |= set(known.moved.values()) | known.days_off
        for holiday in sorted(free):
            if holiday.month > 1 and _is_weekend(holiday) and holiday not in known.moved:
                off.add(next(day for day in _days(year) if day > holiday and day not in off))
        return tuple(day for day in _days(year) if day not in off)


def load_working_days(path: Path | None = None) -> WorkingDays:
    """Read the packaged calendar, and over it the operator's where one is given.

    Raises BridgeError `calendar-wrong`, which names the file and the key.
    """
    years = _read(PACKAGED)
    return WorkingDays(years if path is None else years | _read(path))


def _read(path: Path) -> dict[int, YearCalendar]:
    problem = None
    content: dict[str, object] = {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        problem = _NO_FILE
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        problem = _NO_TOML
    if problem:
        raise _wrong(path, "–", problem)
    return dict(_year(path, name, section) for name, section in content.items())


def _year(path: Path, name: str, section: object) -> tuple[int, YearCalendar]:
    if not _YEAR.fullmatch(name) or not isinstance(section, dict):
        raise _wrong(path, name, _NO_YEAR)
    unknown = sorted(set(section) - {"decree", "moved", "days_off"})
    if unknown:
        raise _wrong(path, f"{name}.{unknown[0]}", _NO_KEY)
    decree, days_off = section.get("decree"), section.get("days_off", [])
    if not isinstance(decree, str) or not decree.strip():
        raise _wrong(path, f"{name}.decree", _NO_DECREE)
    if not isinstance(days_off, list) or not all(_is_day_of(name, day) for day in days_off):
        raise _wrong(path, f"{name}.days_off", _NO_DAYS)
    return int(name), YearCalendar(decree, _moved(path, name, section.get("moved", {})), frozenset(days_off))


def _moved(path: Path, year: str, pairs: object) -> dict[date, date]:
    if not isinstance(pairs, dict):
        raise _wrong(path, f"{year}.moved", _NO_MOVES)
    moved: dict[date, date] = {}
    for text, target in pairs.items():
        key = f"{year}.moved.{text}"
        day = _day(text)
        if day is None or not _is_day_of(year, day) or not _is_day_of(year, target):
            raise _wrong(path, key, _NO_MOVES)
        if not _is_weekend(day):
            raise _wrong(path, key, _NOT_OFF)
        if _is_weekend(target) or target in holidays(target.year) or target in moved.values():
            raise _wrong(path, key, _NOT_WORKED)
        moved[day] = target
    return moved


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_day_of(year: str, day: object) -> bool:
    return isinstance(day, date) and not isinstance(day, datetime) and day.year == int(year)


def _is_weekend(day: date) -> bool:
    return day.weekday() >= _SATURDAY


def _days(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + number * _DAY for number in range((date(year, 12, 31) - first).days + 1)]


def _wrong(path: Path, key: str, expected: tuple[str, str]) -> BridgeError:
    parameters: dict[str, object] = {"file": path, "key": key, "expected_ru": expected[0], "expected_en": expected[1]}
    return BridgeError("calendar-wrong", _WRONG, parameters)
