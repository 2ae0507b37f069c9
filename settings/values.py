"""How a value of bridge.toml becomes what the bridge works with: URLs, paths, secrets, spans of days.

Rules. A validator either returns the finished value or refuses with `_refused`, whose wording may say more than
the key's own `Expected`. Nothing is opened or reached here, but for a profile's folder, which is looked for, and a
file of school days, which is a part of the settings and read with them (`settings.school_calendar`).
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NoReturn, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from journal.school_calendar import SchoolCalendar
from journal.wording import Wording
from settings.cron import schedule_problem
from settings.school_calendar import CalendarProblem, read_calendar
from settings.secret import Secret, named_secret

REFUSED = "refused"
"""The type of this module's errors; their context's `wording` may add to what was expected."""

_PROFILE_NAME = re.compile(r"[a-z0-9_]+")
_DATABASE_FILES = (".fdb", ".gdb", ".fbk", ".gbk")

_IN_MEMORY = Wording(
    ru="база в памяти забудет всё при выходе из программы, нужен файл",
    en="a database in memory forgets everything when the program ends; a file is needed",
)
_NO_DIALECT = Wording(
    ru="такой базы SQLAlchemy не знает, проверьте слово перед ://",
    en="SQLAlchemy knows no such database; check the word before ://",
)
_NOT_LOOPBACK = Wording(
    ru="без TLS (http) свидетель может быть только на этой же машине",
    en="without TLS (http) a witness can only be on this very machine",
)
_ONE_EACH = Wording(
    ru="на каждый адрес в witnesses нужен свой ключ, в том же порядке",
    en="each URL in witnesses needs a key of its own, in the same order",
)
_LAST_BEFORE_FIRST = Wording(ru="конец раньше начала", en="the end is before the beginning")
_NO_PROFILE = Wording(
    ru="в mappings/ нет папки с таким именем и файлом profile.toml в ней",
    en="there is no folder of that name with a profile.toml in mappings/",
)


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What the validators have to know: the file being read, and the folder of the profiles."""

    file: Path
    profiles: Path


def _context(info: ValidationInfo) -> ReadingContext:
    return cast("ReadingContext", info.context)


def _refused(wording: Wording | None = None) -> NoReturn:
    raise PydanticCustomError(REFUSED, "refused", {"wording": wording})


def zone(value: object) -> ZoneInfo:
    """Return the time zone of that name."""
    if isinstance(value, ZoneInfo):
        return value
    found = None
    if isinstance(value, str):
        try:
            found = ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            found = None
    return found or _refused()


def local_path(value: object, info: ValidationInfo) -> Path:
    """Return a path made absolute by the file's folder."""
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        _refused()
    return _context(info).file.parent / value


def optional_path(value: object, info: ValidationInfo) -> Path | None:
    """Return an absolute path, or None where the text is empty."""
    return None if value is None or value == "" else local_path(value, info)


def blank_is_none(value: object) -> object:
    """Return None for an empty text: a key that may be left out may also stand there empty."""
    return None if value == "" else value


def named(key: str) -> BeforeValidator:
    """Return the validator of a secret's name; `key` is how messages call the setting, `{code}` the school's code."""

    def read(value: object, info: ValidationInfo) -> Secret:
        full_key = key.replace("{code}", str(info.data.get("code", "?")))
        secret = (
            named_secret(value, key=full_key, configuration=_context(info).file) if isinstance(value, str) else None
        )
        return secret or _refused()

    return BeforeValidator(read)


def portal_url(value: str) -> str:
    """Refuse all but https URLs with a host and without a name and password in them."""
    return _web_url(value, ("https",))


def witness_url(value: str) -> str:
    """Refuse all but https URLs, and http ones of this very machine: a "no" is not signed, so its sender counts."""
    url = _web_url(value, ("https", "http"))
    parts = urlsplit(url)
    if parts.query or (parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}):
        _refused(_NOT_LOOPBACK)
    return url


def witness_key(value: str) -> str:
    """Refuse what is no witness's verifier key line."""
    from audit.cosigning import CosignerKey  # noqa: PLC0415  cryptography, which --help need not wait for
    from audit.errors import NoteError  # noqa: PLC0415  likewise

    trouble = None
    try:
        CosignerKey.parse(value)
    except NoteError as error:
        trouble = Wording(error.ru.rstrip("."), error.en.rstrip("."))
    return value if trouble is None else _refused(trouble)


LONGEST_LOG_NAME = 100


def log_name(value: str) -> str:
    """Refuse a name that a signed note's key can't have (C2SP signed-note)."""
    fits = value.isprintable() and "+" not in value and not any(map(str.isspace, value))
    return value if fits and 0 < len(value) <= LONGEST_LOG_NAME else _refused()


def one_each(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Refuse keys of witnesses that are not one for each URL, all different."""
    if len(value) != len(info.data.get("witnesses", value)) or len(set(value)) != len(value):
        _refused(_ONE_EACH)
    return value


def quorum_of(value: int, info: ValidationInfo) -> int:
    """Return how many witnesses have to cosign; 0 in the file means more than half of them."""
    witnesses = len(info.data.get("witnesses", ()))
    if value == 0:
        return witnesses // 2 + 1 if witnesses else 0
    return value if 1 <= value <= witnesses else _refused()


def mail_server(value: str, info: ValidationInfo) -> str:
    """Refuse no server where there is somebody to mail to."""
    return value if value or not info.data.get("mail_to") else _refused()


def mail_address(value: str) -> str:
    """Refuse what is no e-mail address of the plain kind."""
    return value if re.fullmatch(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,190}", value) else _refused()


def _web_url(value: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(value)
        right = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        right = right and parts.username is None and not parts.fragment and not re.search(r"[\s\x00-\x1f]", value)
    except ValueError:
        right = False
    return value if right else _refused()


def database_url(value: str, info: ValidationInfo) -> str:
    """Refuse what is no SQLAlchemy URL or lies in memory; the path of a SQLite or Firebird file is made absolute."""
    import sqlalchemy as sa  # noqa: PLC0415  half a second that --help need not wait for

    trouble: Wording | None = None
    url = None
    try:
        url = sa.make_url(value)
        url.get_dialect()
    except sa.exc.NoSuchModuleError:
        trouble, url = _NO_DIALECT, None
    except (sa.exc.ArgumentError, ValueError, ImportError):
        url = None
    if url is None:
        _refused(trouble)
    backend = url.get_backend_name()
    if backend == "sqlite" and (not url.database or url.database == ":memory:" or "mode=memory" in value):
        _refused(_IN_MEMORY)
    is_file = backend == "sqlite" or (backend == "firebird" and not url.host)
    if not is_file or not url.database or url.database.startswith("file:"):
        return value
    absolute = _context(info).file.parent / url.database
    return url.set(database=str(absolute)).render_as_string(hide_password=False)


def audit_log(value: object, info: ValidationInfo) -> str | Path:
    """Return a SQLAlchemy URL, or the folder as an absolute path."""
    return database_url(value, info) if isinstance(value, str) and "://" in value else local_path(value, info)


def school_source(value: str, info: ValidationInfo) -> str:
    """Refuse what names no school database; file: paths come out absolute."""
    scheme, _, rest = value.partition(":")
    if scheme == "file":
        if Path(rest).suffix.lower() not in _DATABASE_FILES:
            _refused()
        return f"file:{local_path(rest, info)}"
    if scheme == "odbc":
        return value if "=" in rest else _refused()
    return database_url(value, info)


def known_profile(value: str, info: ValidationInfo) -> str:
    """Refuse a profile that does not stand among the mappings."""
    if not _PROFILE_NAME.fullmatch(value) or not (_context(info).profiles / value / "profile.toml").is_file():
        _refused(_NO_PROFILE)
    return value


def cron_schedule(value: str) -> str:
    """Refuse what is no cron schedule of five fields."""
    problem = schedule_problem(value)
    return value if problem is None else _refused(problem)


@dataclass(frozen=True, slots=True)
class Pause:
    """Days on which a school's journal is not carried, both included."""

    first: date
    last: date

    def covers(self, day: date) -> bool:
        """Tell whether `day` lies in the pause."""
        return self.first <= day <= self.last


def school_calendar(value: object, info: ValidationInfo) -> SchoolCalendar | None:
    """Return the calendar of the file that is named; None where the text is empty."""
    if value is None or isinstance(value, SchoolCalendar):
        return value
    path = optional_path(value, info)
    if path is None:
        return None
    try:
        return read_calendar(path)
    except CalendarProblem as found:
        wording = found.wording
    _refused(wording)


def pause(value: object) -> Pause:
    """Return the span of "FIRST/LAST", both ISO dates."""
    if isinstance(value, Pause):
        return value
    span = None
    if isinstance(value, str):
        first, _, last = value.partition("/")
        try:
            span = Pause(date.fromisoformat(first.strip()), date.fromisoformat(last.strip()))
        except ValueError:
            span = None
    if span is None:
        _refused()
    return span if span.first <= span.last else _refused(_LAST_BEFORE_FIRST)
