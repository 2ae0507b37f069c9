"""How a command ends when it does not end well: a line for the person, a status for the program that called it.

Rules. Every ending is one of the four exit statuses. A refusal says its own sentence; what nobody expected is told
by its type and the place in the program, and goes into the technical log, without a value.
"""

import os
import sys

from audit.errors import AuditError
from commands.console import Console
from journal.wording import BridgeError, ExitStatus, Language, Wording
from settings import ConfigurationError

INTERRUPTED = 130
"""What the parser of arguments returns after Ctrl+C."""

_DATABASE = Wording(
    ru="База моста недоступна или занята ({kind}). Проверьте: dnevnik check",
    en="The bridge's database can't be reached or is busy ({kind}). Check: dnevnik check",
)
_INTERRUPTED = Wording(ru="Прервано; уже сделанное не потеряно", en="Interrupted; what was done is not lost")
_INTERNAL = Wording(
    ru="Сбой программы ({what}). Передайте эту строку разработчикам",
    en="The program failed ({what}). Pass this line on to the developers",
)
_LOGGED = Wording(ru=". Подробности в техническом журнале: {log}", en=". Details are in the technical log: {log}")


def failed(console: Console, error: Exception) -> int:
    """Tell what went wrong and return the exit status."""
    if isinstance(error, BrokenPipeError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  the reader has gone; the flush at the end must not fail
        return ExitStatus.NOT_DONE
    if isinstance(error, ConfigurationError):
        console.note(error.say(error.language))
    elif isinstance(error, BridgeError):
        console.note(error.say(console.language))
        return error.exit_status
    elif isinstance(error, AuditError):
        console.note(error.ru if console.language == Language.RU else error.en)
    else:
        _unexpected(console, error)
    return ExitStatus.NOT_DONE


def wrong_usage(console: Console, error: Exception) -> int:
    """Tell in one line what the parser of arguments found."""
    told = getattr(error, "format_message", error.__str__)()
    console.note(f"dnevnik: {' '.join(str(told).split())}")
    return ExitStatus.NOT_DONE


def interrupted(console: Console) -> int:
    """Tell that a person stopped the command."""
    console.note(_INTERRUPTED.say(console.language))
    return ExitStatus.NOT_DONE


def _unexpected(console: Console, error: Exception) -> None:
    from flows.technical_log import report_failure, technical_log_file  # noqa: PLC0415  most commands end well

    what = report_failure(error)
    if type(error).__module__.partition(".")[0] == "sqlalchemy":
        line = _DATABASE.say(console.language, kind=type(error).__name__)
    else:
        line = _INTERNAL.say(console.language, what=what)
    file = technical_log_file()
    console.note(line if file is None else line + _LOGGED.say(console.language, log=file))
