"""`dnevnik profile check` and `dnevnik profile new`: a school is attached by SQL and code tables, without Python.

Rules. Neither changes a school's database. What is shown of its rows names nobody. `new` replaces no file. Exit status
2 when a reading would not go through, 1 when it would and rows would be set aside for unmapped codes, else 0.
"""

import json
import os
import secrets
from datetime import datetime
from pathlib import Path

from commands.call import Call, utc_now
from commands.profile_page import draw
from connectors.school.examination import Examination, examine
from connectors.school.open import open_snapshot
from connectors.school.source import SchoolSource
from flows.assembly import school_source
from journal.school import school_year
from journal.wording import BridgeError, ExitStatus, Language, Wording
from mappings.profile import PROFILES, is_name, load_draft
from mappings.skeleton import skeleton
from settings import Settings

_WRITTEN = Wording(
    ru="Записано: {folder}, файлов: {count}. База: {product}, таблиц: {tables}. Замените TODO в каждом запросе, коды "
    "впишите в codes.toml, затем: dnevnik profile check ШКОЛА --profile {name}",
    en="Written: {folder}, files: {count}. Database: {product}, tables: {tables}. Replace TODO in each query, fill in "
    "codes.toml, then: dnevnik profile check SCHOOL --profile {name}",
)
_THERE = Wording(
    ru="Папка {folder} уже есть. Удалите её или назовите профиль иначе.",
    en="The folder {folder} exists already. Delete it, or give the profile another name.",
)
_NAME = Wording(
    ru="Имя профиля – латинские буквы, цифры, - и _, до 64 знаков: «{name}» не подходит.",
    en='A profile\'s name has Latin letters, digits, - and _, 64 at most: "{name}" is none.',
)
_SECRET = Wording(
    ru="--password: нужно env:ИМЯ или file:ПУТЬ, и там должно что-то быть.",
    en="--password: env:NAME or file:PATH is needed, and something has to be there.",
)
_UNWRITABLE = Wording(
    ru="Папку {folder} не создать. Укажите другую: --folder.",
    en="The folder {folder} can't be made. Name another: --folder.",
)


def check(
    call: Call, school: str, *, profile: str | None = None, folder: Path | None = None, as_document: bool = False
) -> ExitStatus:
    """Run all queries of a school's profile on its database and show what comes of it.

    Raises ConfigurationError, BridgeError `school-unknown`, `profile-unknown`, `profile-wrong`.
    """
    settings = call.settings()
    seen = _examined(settings, school, profile, folder, utc_now())
    if as_document:
        call.console.result(json.dumps(document(seen), ensure_ascii=False, indent=1))
    else:
        draw(call.console, seen)
    if not seen.ok:
        return ExitStatus.NOT_DONE
    return ExitStatus.DONE_WITH_EXCEPTIONS if seen.unmapped else ExitStatus.DONE


def _examined(settings: Settings, school: str, profile: str | None, folder: Path | None, now: datetime) -> Examination:
    section = settings.school(school)
    today = now.astimezone(settings.bridge.timezone).date()
    return examine(
        school_source(section),
        load_draft(profile or section.profile, folder),
        code=section.code,
        window=school_year(today),
        today=today,
        timezone=settings.bridge.timezone,
        salt=secrets.token_bytes(16),
    )


def new(call: Call, name: str, *, url: str, password: str | None = None, folder: Path | None = None) -> ExitStatus:
    """Write the skeleton of a profile for the database at `url`.

    Raises BridgeError `profile-name-wrong`, `profile-exists`, `profile-password-wrong`, `school-unreachable`, ….
    """
    if not is_name(name):
        raise BridgeError("profile-name-wrong", _NAME, {"name": name})
    place = (folder or PROFILES) / name
    if place.exists():
        raise BridgeError("profile-exists", _THERE, {"folder": place})
    with open_snapshot(SchoolSource(url, None if password is None else _secret(password)), name) as snapshot:
        tables = snapshot.driver.tables()
        facts = snapshot.facts
    files = skeleton(name, facts.product, facts.dialect, tables)
    if not _written(place, files):
        raise BridgeError("profile-unwritable", _UNWRITABLE, {"folder": place})
    call.console.say(_WRITTEN, folder=place, count=len(files), product=facts.product, tables=len(tables), name=name)
    return ExitStatus.DONE


def _written(place: Path, files: dict[str, str]) -> bool:
    try:
        place.mkdir(parents=True)
        for name, text in files.items():
            (place / name).write_text(text, encoding="utf-8")
    except OSError:
        return False
    return True


def _secret(named: str) -> str:
    """Read a password as `env:NAME` or `file:PATH` names it."""
    kind, _, name = named.partition(":")
    try:
        found = os.environ.get(name, "") if kind == "env" else Path(name).read_text("utf-8") if kind == "file" else ""
    except (OSError, UnicodeDecodeError):
        found = ""
    if not found.strip():
        raise BridgeError("profile-password-wrong", _SECRET)
    return found.strip()


def document(seen: Examination) -> dict[str, object]:
    """Return what was seen as one JSON document."""

    def said(problem: BridgeError | None) -> dict[str, str] | None:
        if problem is None:
            return None
        return {"code": problem.code, "ru": problem.say(Language.RU), "en": problem.say(Language.EN)}

    return {
        "school": seen.school,
        "profile": seen.profile,
        "ok": seen.ok,
        "product": seen.facts and seen.facts.product,
        "one_state": seen.facts and seen.facts.one_state,
        "read_only": seen.facts and seen.facts.read_only,
        "problems": [said(problem) for problem in seen.problems],
        "fingerprints": seen.has_fingerprints,
        "filling_times": seen.keeps_filling_times,
        "lesson_counts_differ": seen.counts_differ,
        "queries": [
            {
                "name": query.name,
                "rows": query.rows,
                "unfinished": query.unfinished,
                "misread": query.misread,
                "problem": said(query.problem),
                "columns": [
                    {
                        "name": column.name,
                        "type": str(column.kind),
                        "filled": column.filled,
                        "unreadable": column.unreadable,
                        "examples": list(column.examples),
                    }
                    for column in query.columns
                ],
            }
            for query in seen.queries
        ],
        "unmapped": [{"table": one.table, "code": one.code, "count": one.count} for one in seen.unmapped],
        "records": seen.records,
        "set_aside": dict(seen.set_aside),
        "warnings": dict(seen.warnings),
    }
