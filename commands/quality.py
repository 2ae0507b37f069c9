"""`dnevnik findings`: what is wrong or odd in the schools' journals, with what to do about it, and where.

Rules. Each school is read whole, in one read-only snapshot; nothing is recorded and nothing is sent. Nobody is named:
students, teachers and rows go by the keys of the school's own database, and the names that are read to find students
who are alike are shown nowhere. A school fails alone: its line says why, the others go on. Exit status 2 where no
school could be read, 1 where a row is set aside or a school could not be read, else 0; warnings don't count.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from commands.call import Call, utc_now
from commands.written_file import refuse_existing, write_whole
from connectors.school.read import read_findings
from flows.assembly import school_source
from journal.school import SchoolReading, school_year
from journal.wording import BridgeError, ExitStatus, Language, Wording
from mappings.findings import counted
from mappings.profile import load_profile
from mappings.reasons import Severity
from mappings.unmapped import Unmapped
from reports.findings import as_csv, document, severity_of
from reports.findings_table import table_of
from reports.reasons import catalogue
from settings import SchoolSection, Settings

_READING = Wording(ru="Чтение журналов", en="Reading journals")
_WRITTEN = Wording(
    ru="Записано находок: {rows}, файл {file}. В нём нет имён, но есть номера учеников и учителей в базе школы",
    en="Findings written: {rows}, file {file}. It has no names, but the students' and teachers' keys in the database",
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read of a school, and the codes that its profile says nothing of."""

    reading: SchoolReading
    unmapped: tuple[Unmapped, ...]


def findings(
    call: Call, schools: Sequence[str], *, table: Path | None = None, force: bool = False, as_document: bool = False
) -> ExitStatus:
    """Read the schools and tell what was found; `table`: write each finding into this file.

    Raises ConfigurationError, BridgeError `school-unknown`, `file-exists`, `file-not-written`.
    """
    settings = call.settings()
    chosen = settings.chosen(schools)
    if table is not None:
        refuse_existing(table, force=force)
    read: dict[str, _Seen | BridgeError] = {}
    with call.console.waiting(_READING) as waiting:
        for done, section in enumerate(chosen):
            waiting.tell(section.code, done, len(chosen))
            read[section.code] = _read(settings, section)
    readings = {code: one.reading for code, one in read.items() if isinstance(one, _Seen)}
    if as_document:
        call.console.result(json.dumps(_document(read), ensure_ascii=False, indent=1))
    else:
        _draw(call, chosen, read)
    if table is not None:
        write_whole(table, as_csv({code: one.findings for code, one in readings.items()}), force=force)
        rows = sum(len(one.findings) for one in readings.values())
        call.console.note(_WRITTEN.say(call.console.language, rows=rows, file=table))
    if not readings:
        return ExitStatus.NOT_DONE
    wrong = len(readings) < len(read) or any(_errors(one.findings) for one in readings.values())
    return ExitStatus.DONE_WITH_EXCEPTIONS if wrong else ExitStatus.DONE


def _read(settings: Settings, section: SchoolSection) -> _Seen | BridgeError:
    timezone = settings.bridge.timezone
    today = utc_now().astimezone(timezone).date()
    try:
        return _Seen(
            *read_findings(
                school_source(section),
                load_profile(section.profile),
                code=section.code,
                window=school_year(today),
                today=today,
                timezone=timezone,
                school_days=settings.school_days(section),
            )
        )
    except BridgeError as error:
        return error


def _errors(frame: pd.DataFrame) -> bool:
    return any(severity_of(code) is Severity.ERROR for code in frame["code"].unique())


def _document(read: Mapping[str, _Seen | BridgeError]) -> dict[str, object]:
    def school(one: _Seen | BridgeError) -> dict[str, object]:
        if isinstance(one, BridgeError):
            return {"failure": {"code": one.code, "ru": one.say(Language.RU), "en": one.say(Language.EN)}}
        return {
            "read": one.reading.rows_read,
            "findings": document(counted(one.reading, {})),
            "unmapped": [asdict(code) for code in one.unmapped],
            "failure": None,
        }

    return {"schools": {code: school(one) for code, one in read.items()}}


def _draw(call: Call, chosen: Sequence[SchoolSection], read: Mapping[str, _Seen | BridgeError]) -> None:
    language = call.console.language
    for section in chosen:
        one = read[section.code]
        if isinstance(one, BridgeError):
            call.console.note(one.say(language))
            continue
        counts, school = counted(one.reading, {}), f"{section.code} {section.name}"
        call.console.draw(table_of(school, one.reading.rows_read, counts, language, catalogue(), unmapped=one.unmapped))
