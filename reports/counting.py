"""Numbers, counted nouns, shares and dates as Russian and English write them.

Pure and without the system's locale, so that a page is the same on every machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from journal.wording import Language

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

_TEENS = range(11, 15)
_FEW = range(2, 5)

_MONTHS: Mapping[Language, tuple[str, ...]] = {
    Language.RU: (
        "января", "февраля", "марта", "апреля", "мая", "июня",
        "июля", "августа", "сентября", "октября", "ноября", "декабря",
    ),
    Language.EN: (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """A phrase that agrees with a number; each form has a place `{n}`.

    `ru` is the forms for 1, 2 and 5 (запись, записи, записей); `en` for 1 and for any other.
    """

    ru: tuple[str, str, str]
    en: tuple[str, str]

    def say(self, count: int, language: Language) -> str:
        """Return the form that goes with `count`, with the number written in and kept on one line with its word."""
        form = self._form(count, language).replace("{n} ", "{n}" + NO_BREAK_SPACE)
        return form.format(n=number(count, language))

    def _form(self, count: int, language: Language) -> str:
        if language == Language.EN:
            return self.en[0] if count == 1 else self.en[1]
        if count % 100 in _TEENS:
            return self.ru[2]
        if count % 10 == 1:
            return self.ru[0]
        return self.ru[1] if count % 10 in _FEW else self.ru[2]


def number(count: int, language: Language) -> str:
    """Write a whole number with its thousands apart: `12 345` in Russian, `12,345` in English."""
    separator = NO_BREAK_SPACE if language == Language.RU else ","
    return f"{count:,}".replace(",", separator)


def share(part: int, whole: int, language: Language) -> str:
    """Write `part` of `whole` in per cent, one decimal; never 0 or 100 for what is neither."""
    if whole == 0 or part == 0:
        percent, sign = "0", ""
    elif part * 1000 < whole:
        percent, sign = "0.1", "<" + NO_BREAK_SPACE
    elif part < whole and part * 1000 > whole * 999:
        percent, sign = "99.9", ">" + NO_BREAK_SPACE
    else:
        percent, sign = f"{100 * part / whole:.1f}".removesuffix(".0"), ""
    if language == Language.RU:
        return f"{sign}{percent.replace('.', ',')}{NO_BREAK_SPACE}%"
    return f"{sign}{percent}%"


def day_and_time(moment: datetime, zone: ZoneInfo, language: Language) -> str:
    """Write a moment for a reader: `24 ноября 2026, 19:15`. Refuses a moment without zone (ValueError)."""
    local = in_zone(moment, zone)
    month = _MONTHS[language][local.month - 1]
    return f"{local.day}{NO_BREAK_SPACE}{month}{NO_BREAK_SPACE}{local.year}, {local:%H:%M}"


def exact_time(moment: datetime, zone: ZoneInfo) -> str:
    """Write a moment for an auditor: `2026-11-24 19:15:02 +03:00`. Refuses a moment without zone (ValueError)."""
    local = in_zone(moment, zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.isoformat()[-6:]}"


def in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return `moment` on the clock of `zone`. Refuses a moment without zone (ValueError)."""
    if moment.tzinfo is None:
        raise ValueError("a moment without time zone can't be reported")
    return moment.astimezone(zone)
