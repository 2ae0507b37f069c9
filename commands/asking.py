"""Asks a person for what must not stand on a command line: names, e-mails, birth dates, document numbers.

Rules. Arguments can be seen by other users of the machine and stay in the shell's history, so such values come from
the standard input, one a line: typed at a terminal, where the question is shown, or piped in the same order.
A day may be written 2014-03-09 or 09.03.2014; a moment without a zone is one of the installation's.
"""

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, tzinfo
from typing import TypeVar

from commands.console import Console
from journal.wording import BridgeError, Wording

Value = TypeVar("Value")

_RUSSIAN_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")

_ENDED = Wording(
    ru="Ввод закончился: не хватает ответа «{what}». Ничего не записано",
    en="The input ended early: the answer “{what}” is missing. Nothing was recorded",
)
_UNREADABLE = Wording(
    ru="Ответ «{what}» не читается: в нём управляющие знаки или он не в UTF-8. Ничего не записано",
    en="The answer “{what}” can't be read: it has control characters or isn't UTF-8. Nothing was recorded",
)
_NEEDED = Wording(
    ru="Ответ «{what}» обязателен. Ничего не записано", en="The answer “{what}” is needed. Nothing was recorded"
)
_BAD_DAY = Wording(
    ru="{where}: нужна дата вида 09.03.2014 или 2014-03-09",
    en="{where}: a date is needed, like 09.03.2014 or 2014-03-09",
)
_BAD_MOMENT = Wording(
    ru="{where}: нужны дата и время, например 2026-11-02 08:00 или 2026-11-02T08:00:00+03:00, или один день",
    en="{where}: a date and time are needed, like 2026-11-02 08:00 or 2026-11-02T08:00:00+03:00, or a day alone",
)


class Asking:
    """Asks one thing after another. At a terminal a wrong answer is asked for again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._at_terminal = sys.stdin.isatty()

    def text(self, what: Wording, *, needed: bool = True) -> str:
        """Return the answer, "" where it may be empty.

        Raises BridgeError `answer-missing`, `answer-unreadable`, `input-ended`.
        """
        return self.value(what, str, needed=needed)

    def value(self, what: Wording, read: Callable[[str], Value], *, needed: bool = True) -> Value:
        """Return the answer as `read` reads it. Raises BridgeError as `text` does, and what `read` raises."""
        while True:
            try:
                return read(self._answer(what, needed=needed))
            except BridgeError as error:
                if not self._at_terminal or error.code == "input-ended":
                    raise
                self._console.note(error.say(self._console.language))

    def named(self, what: Wording) -> str:
        """Return how a question is called when its answer is wrong."""
        return what.say(self._console.language)

    def _answer(self, what: Wording, *, needed: bool) -> str:
        if self._at_terminal:
            sys.stderr.write(f"{what.say(self._console.language)}: ")
            sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise BridgeError("input-ended", _named(_ENDED, what))
        answer = line.strip()
        if not answer.isprintable():
            raise BridgeError("answer-unreadable", _named(_UNREADABLE, what))
        if needed and not answer:
            raise BridgeError("answer-missing", _named(_NEEDED, what))
        return answer


def _named(wording: Wording, what: Wording) -> Wording:
    return Wording(wording.ru.format(what=what.ru), wording.en.format(what=what.en))


def day_of(text: str, where: str) -> date:
    """Return the day that a text writes. Raises BridgeError `day-wrong`, which names `where`, never the text."""
    day = _day(text.strip())
    if day is None:
        raise BridgeError("day-wrong", _BAD_DAY, {"where": where})
    return day


def moment_of(text: str, where: str, timezone: tzinfo) -> datetime:
    """Return the moment that a text writes; a day alone is its beginning, one without a zone is of `timezone`.

    Raises BridgeError `moment-wrong`, which names `where`.
    """
    day, moment = _day(text.strip()), None
    if day is not None:
        return datetime.combine(day, time.min, timezone)
    with suppress(ValueError):
        moment = datetime.fromisoformat(text.strip())
    if moment is None:
        raise BridgeError("moment-wrong", _BAD_MOMENT, {"where": where})
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone)


def _day(text: str) -> date | None:
    russian = _RUSSIAN_DAY.fullmatch(text)
    with suppress(ValueError):
        return date(*map(int, reversed(russian.groups()))) if russian else date.fromisoformat(text)
    return None
