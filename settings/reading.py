"""Reads bridge.toml and turns everything wrong in it into lines for a person.

Rules. `load` returns settings that are wholly right or raises one `ConfigurationError` with every problem found.
No secret is read, no database or portal reached.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from journal.wording import Language, Wording
from settings.model import Settings
from settings.problems import ConfigurationError, Expected, Problem
from settings.values import ReadingContext

PROFILES = Path(__file__).parent.parent / "mappings"

_OPTIONAL_SECTIONS = ("bridge", "consent", "actuality", "limits")

_NO_FILE = Wording(
    ru="такого файла нет. Создать его с пояснениями: dnevnik --config ФАЙЛ init",
    en="there is no such file. To write one with comments: dnevnik --config FILE init",
)
_UNREADABLE = Wording(
    ru="не читается; ожидался файл TOML в UTF-8, открытый для чтения",
    en="can't be read; a TOML file in UTF-8 was expected, open for reading",
)
_MISSING = Wording(ru="ключа нет", en="the key is missing")
_MISSING_SECTION = Wording(ru="раздела нет, он обязателен", en="the section is missing and has to be there")
_NO_SECTION = Wording(ru="ожидался раздел", en="a section was expected")


class _Environment(BaseSettings):
    """The one thing that the environment says itself: where the file is."""

    model_config = SettingsConfigDict(env_prefix="DNEVNIK_", extra="ignore")

    config: Path = Path("bridge.toml")


def locate(given: Path | None = None) -> Path:
    """Return the file to read: the given one, else DNEVNIK_CONFIG, else bridge.toml here; absolute."""
    return (given or _Environment().config).absolute()


def load(path: Path, *, profiles: Path = PROFILES) -> Settings:
    """Read and check the file. Raises ConfigurationError (a BridgeError, code `configuration`)."""
    file = path.absolute()
    raw = _parse(file)
    problems = list(_duplicates(raw))
    complete = {**{section: {} for section in _OPTIONAL_SECTIONS}, "school": [], **raw}
    settings = None
    try:
        settings = Settings.model_validate(complete, context=ReadingContext(file, profiles))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems = [*_told(details, raw), *problems]
    if settings is None or problems:
        raise ConfigurationError(file, problems, _language(raw))
    return settings


def _parse(file: Path) -> dict[str, object]:
    """Return the file's tables."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        problem = Problem("", _NO_FILE)
    except (OSError, UnicodeDecodeError):
        problem = Problem("", _UNREADABLE)
    except tomllib.TOMLDecodeError as error:
        problem = _no_toml(str(error))
    raise ConfigurationError(file, [problem])


def _no_toml(message: str) -> Problem:
    """Say where the file stops being TOML; the parser's words may repeat the text, so only the place is kept."""
    place = re.search(r"line (\d+), column (\d+)", message)
    if place is None:
        return Problem("", Wording(ru="это не TOML: файл обрывается", en="this is no TOML: the file breaks off"))
    line, column = place.groups()
    return Problem(
        "",
        Wording(
            ru=f"строка {line}, столбец {column}: это не TOML; текст пишется в кавычках, ключ — один раз",
            en=f"line {line}, column {column}: this is no TOML; texts stand in quotes, a key stands once",
        ),
    )


def _language(raw: Mapping[str, object]) -> Language:
    """Return the language that a file asks for, however wrong it may be otherwise."""
    section = raw.get("bridge")
    return Language.EN if isinstance(section, dict) and section.get("language") == "en" else Language.RU


def _duplicates(raw: Mapping[str, object]) -> Iterator[Problem]:
    """Find school codes that stand twice."""
    seen: set[str] = set()
    for number, school in enumerate(_schools(raw)):
        code = school.get("code") if isinstance(school, dict) else None
        if isinstance(code, str):
            if code in seen:
                yield Problem(
                    f"[[school]] {number + 1}: code",
                    Wording(
                        f"код {code} уже занят школой выше; ожидался другой",
                        f"the code {code} is taken by a school above; another one was expected",
                    ),
                )
            seen.add(code)


def _schools(raw: Mapping[str, object]) -> Sequence[object]:
    schools = raw.get("school")
    return schools if isinstance(schools, list) else ()


def _told(details: Sequence[ErrorDetails], raw: Mapping[str, object]) -> list[Problem]:
    """Turn pydantic's findings into one problem a key."""
    problems: dict[str, Problem] = {}
    for detail in details:
        if detail["type"] == "default_factory_not_called":  # a default that waits for another key, itself wrong
            continue
        problem = _problem(detail, raw)
        problems.setdefault(problem.key, problem)
    return list(problems.values())


def _problem(detail: ErrorDetails, raw: Mapping[str, object]) -> Problem:
    section, *inner = detail["loc"]
    names = [part for part in inner if isinstance(part, str)]
    is_school = section == "school"
    heading = _school_heading(inner, raw) if is_school else _heading(str(section), raw)
    model = _model(str(section))
    if detail["type"] == "extra_forbidden":
        return _unknown_key(heading, str(section), names)
    if not names or model is None:
        if detail["type"] == "missing":
            return Problem(heading, _MISSING_SECTION)
        return Problem(heading, Wording(f"{_NO_SECTION.ru} {heading}", f"{_NO_SECTION.en}: {heading}"))
    key = names[0]
    expected = _expected(model.model_fields[key])
    separator = ": " if is_school else " "
    if detail["type"] == "missing":
        more: Wording | None = _MISSING
    else:
        more = detail.get("ctx", {}).get("wording")
    return Problem(f"{heading}{separator}{key}", _sentence(expected, more))


def _sentence(expected: Expected, more: Wording | None) -> Wording:
    if more is None:
        return Wording(f"ожидалось: {expected.ru}", f"expected: {expected.en}")
    return Wording(f"{more.ru}; ожидалось: {expected.ru}", f"{more.en}; expected: {expected.en}")


def _heading(section: str, raw: Mapping[str, object]) -> str:
    """Call a section by its heading, a key outside all sections by its name."""
    return f"[{section}]" if isinstance(raw.get(section, {}), dict) else section


def _school_heading(inner: Sequence[int | str], raw: Mapping[str, object]) -> str:
    """Call a school by its code where it has one, else by its place in the file."""
    if not inner or not isinstance(inner[0], int):
        return "[[school]]"
    school = _schools(raw)[inner[0]]
    code = school.get("code") if isinstance(school, dict) else None
    right = isinstance(code, str) and re.fullmatch(r"[0-9A-Za-z-]{1,16}", code)
    return f"[[school]] {code if right else inner[0] + 1}"


def _model(section: str) -> type[BaseModel] | None:
    """Return the model of a section of the file."""
    for name, field in Settings.model_fields.items():
        if (field.alias or name) == section:
            for candidate in (field.annotation, *get_args(field.annotation)):
                if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                    return candidate
    return None


def _unknown_key(heading: str, section: str, names: Sequence[str]) -> Problem:
    """Say that a key or section is none of ours, and which one may have been meant."""
    model = _model(section)
    if names and model is not None:
        known, key, title = (
            list(model.model_fields),
            names[0],
            f"{heading}{': ' if section == 'school' else ' '}{names[0]}",
        )
    else:
        known, key, title = [field.alias or name for name, field in Settings.model_fields.items()], section, heading
    near = difflib.get_close_matches(key, known, n=1)
    choice = near[0] if near else ", ".join(known)
    return Problem(
        title, Wording(f"такого ключа нет; ожидалось: {choice}", f"there is no such key; expected: {choice}")
    )


def _expected(field: FieldInfo) -> Expected:
    """Return what a key has to be, as it stands on its type."""
    return next(mark for mark in field.metadata if isinstance(mark, Expected))
