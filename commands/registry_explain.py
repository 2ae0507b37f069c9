"""`dnevnik registry explain`: why one record is sent or withheld, by whose consents, in words.

Rules. A record is named by its id at the portal, which the ledger knows, or by student, kind and date. The answer is
that of the decision itself (`consent_registry.explanation`), for now or any moment. Nothing is recorded, nobody named.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa

import database
from commands.asking import day_of
from commands.call import Call
from commands.recording import Recorder, recorder
from commands.registry_look import Look, Moments, head, look_at, moments_as_json
from consent_registry.explanation import Explanation, explain, say, with_consents
from delivery.tables import RECORD
from journal.vocabulary import RecordKind
from journal.wording import BridgeError, ExitStatus, Wording

_HEAD = Wording(
    ru="Школа {school}, ученик {student}, {kind}, {day}. На {at}, по сведениям на {known}; "
    "список учеников прочитан {read}",
    en="School {school}, student {student}, {kind}, {day}. At {at}, as known at {known}; "
    "the list of students was read {read}",
)
_HELD = Wording(ru="Запись {record} сейчас на портале, по его квитанциям.", en="The portal holds record {record} now.")
_NOT_HELD = Wording(
    ru="Записи {record} сейчас нет на портале, по его квитанциям.", en="The portal does not hold record {record} now."
)
_WHICH = Wording(
    ru="Назовите запись: --record НОМЕР или --student, --kind и --date вместе",
    en="Name the record: --record ID, or --student, --kind and --date together",
)
_UNKNOWN = Wording(
    ru="Школа {school}: учёт не знает записи {record}. Проверьте номер, или назовите --student, --kind и --date",
    en="School {school}: the ledger knows no record {record}. Check the id, or give --student, --kind and --date",
)
_BAD_KIND = Wording(ru="--kind: нужен вид записи: {known}", en="--kind: a record's kind is needed: {known}")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which record is asked about, as typed: by `record`, or by student, kind and day."""

    school: str
    record: str | None = None
    student: str | None = None
    kind: str | None = None
    day: str | None = None


@dataclass(frozen=True, slots=True)
class _Record:
    """The record, and whether the portal holds it; `held` None: it is not one of the ledger's."""

    student: str
    kind: str
    day: date
    held: bool | None = None


def explain_record(call: Call, asked: Asked, moments: Moments, *, as_document: bool) -> ExitStatus:
    """Explain the decision on a record. Raises BridgeError `record-unnamed`, `record-unknown`, and as `look_at`."""
    settings = call.settings()
    code = settings.school(asked.school).code
    with recorder(settings) as registry:
        record = _named(asked) if asked.record is None else _of_ledger(registry, code, asked)
        look = look_at(registry, code, moments, record.student)
    student = look.roster.students.get(record.student)
    explained = with_consents(
        explain(record.kind, record.day, look.grounds, student, look.pilot, look.today), look.cases
    )
    if as_document:
        call.console.result(json.dumps(_as_json(look, asked, record, explained), ensure_ascii=False, indent=2))
        return ExitStatus.DONE
    told = {"student": record.student, "kind": record.kind, "day": record.day}
    call.console.say(_HEAD, **head(look, settings.bridge.timezone), **told)
    for line in say(explained, call.console.language):
        call.console.result(line)
    if record.held is not None:
        call.console.say(_HELD if record.held else _NOT_HELD, record=asked.record)
    return ExitStatus.DONE


def _named(asked: Asked) -> _Record:
    if asked.student is None or asked.kind is None or asked.day is None:
        raise BridgeError("record-unnamed", _WHICH)
    if asked.kind not in set(RecordKind):
        raise BridgeError("kind-wrong", _BAD_KIND, {"known": ", ".join(RecordKind)})
    return _Record(asked.student, asked.kind, day_of(asked.day, "--date"))


def _of_ledger(registry: Recorder, code: str, asked: Asked) -> _Record:
    """Return the record as the portal was told of it."""
    if asked.student is not None or asked.kind is not None or asked.day is not None:
        raise BridgeError("record-unnamed", _WHICH)
    query = sa.select(RECORD).where(RECORD.c.school == code, RECORD.c.record_id == asked.record)
    with database.reading(registry.engine) as connection:
        row = connection.execute(query).first()
    if row is None:
        raise BridgeError("record-unknown", _UNKNOWN, {"school": code, "record": asked.record})
    return _Record(row.student_key, row.kind, row.date, row.held)


def _as_json(look: Look, asked: Asked, record: _Record, explained: Explanation) -> dict[str, object]:
    return {
        **moments_as_json(look),
        "record": asked.record,
        "student": record.student,
        "kind": record.kind,
        "date": record.day.isoformat(),
        "held": record.held,
        "permitted": explained.reason is None,
        "reason": explained.reason,
        "permitted_by": [
            {
                "link": grant.link_id,
                "account": grant.account_id,
                "consent": grant.consent_ref,
                "text_version": grant.consent_text_version,
            }
            for grant in explained.permitted_by
        ],
        "links": [asdict(verdict) for verdict in explained.links],
    }
