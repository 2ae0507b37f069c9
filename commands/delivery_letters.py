"""`dnevnik delivery …`: what was not delivered and why; a person has it tried again, or gives it up.

Rules. Records and links are named by the bridge's opaque ids (`dnevnik registry explain --record ID` says what one is).
Who decided stands, as a keyed digest, in the audit log. A retry sends nothing: the next sync does. `--json` writes one
JSON document on stdout and nothing else.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

import database
from audit.entry import DeliveryDecision
from commands.call import Call, utc_now
from commands.opening import open_state
from commands.recording import recorder
from delivery.dead_letters import RejectedRecord, Undelivered, discard_record, retry_records, undelivered
from delivery.rest import WHOLE_PORTAL, Resting, resting
from journal.wording import BridgeError, ExitStatus, Wording

MOST_SHOWN = 50
"""Records, links and batches of a sort that are shown of one school; `--json` has all."""

ID_SHOWN = 12

_ALL_DELIVERED = Wording(ru="Недоставленного нет", en="Nothing is undelivered")
_RESTS = Wording(
    ru="Школа {school}: портал просил не обращаться до {until} ({code}). Мост ждёт, делать ничего не нужно",
    en="School {school}: the portal asked to be left alone until {until} ({code}). The bridge waits, nothing to do",
)
_ALL_REST = Wording(
    ru="Портал просил не обращаться до {until} ({code}), все школы ждут. Делать ничего не нужно",
    en="The portal asked to be left alone until {until} ({code}), all schools wait. Nothing needs doing",
)
_UNKNOWN = Wording(
    ru="Школа {school}: исход пакета {batch} неизвестен с {since} (показать {published}, снять {withdrawn}). Следующая "
    "передача спросит портал",
    en="School {school}: the outcome of the batch {batch} is unknown since {since} (publish {published}, withdraw "
    "{withdrawn}). The next run asks the portal",
)
_REFUSED = Wording(
    ru="Школа {school}: портал отказал пакету {batch} {since} ({code}; показать {published}, снять {withdrawn}). "
    "Исправьте причину (dnevnik check), следующая передача попробует снова",
    en="School {school}: the portal refused the batch {batch} at {since} ({code}; publish {published}, withdraw "
    "{withdrawn}). Mend the cause (dnevnik check), the next sync tries again",
)
_REJECTED = Wording(
    ru="Школа {school}: запись {record} отклонена {since} ({code}). Повторится только после изменения или: "
    "dnevnik delivery retry {school} --record {record}",
    en="School {school}: the record {record} was rejected at {since} ({code}). Retried only after a change, or: "
    "dnevnik delivery retry {school} --record {record}",
)
_STILL_SHOWN = Wording(
    ru="Школа {school}: портал отказался убрать запись {record} {since} ({code}). Каждая передача повторит; сообщите "
    "оператору портала",
    en="School {school}: the portal refused to take back the record {record} at {since} ({code}). Each run tries "
    "again; tell the portal's operator",
)
_LINK = Wording(
    ru="Школа {school}: портал отказался открыть или закрыть связь {link} {since} ({code}). Каждая передача повторит; "
    "сообщите оператору портала",
    en="School {school}: the portal refused to open or close the link {link} at {since} ({code}). Each run tries "
    "again; tell the portal's operator",
)
_MORE = Wording(
    ru="Школа {school}: и ещё {count}; все: dnevnik delivery list {school} --json",
    en="School {school}: and {count} more; all: dnevnik delivery list {school} --json",
)
_RETRIED = Wording(
    ru="Школа {school}: будет отправлено снова записей: {count}. Отправить: dnevnik sync {school}",
    en="School {school}: {count} records will be sent again. To send them: dnevnik sync {school}",
)
_NOTHING_TO_RETRY = Wording(
    ru="Школа {school}: отклонённых записей нет, повторять нечего",
    en="School {school}: no record is rejected, there is nothing to try again",
)
_DISCARDED = Wording(
    ru="Школа {school}: запись {record} больше не напоминает о себе, пока не изменится. Вернуть: "
    "dnevnik delivery retry {school} --record {record}",
    en="School {school}: the record {record} is told of no more until it changes. To undo: "
    "dnevnik delivery retry {school} --record {record}",
)
_WHICH = Wording(
    ru="Назовите запись (--record ID) или все сразу (--all)", en="Name a record (--record ID), or all of them (--all)"
)

Document = dict[str, object]


def show(call: Call, schools: Sequence[str], *, as_document: bool) -> ExitStatus:
    """Write what was not delivered of each school, and for how long the portal wants to be left alone."""
    settings = call.settings()
    codes = [school.code for school in settings.chosen(schools)]
    engine = open_state(settings)
    now = utc_now()
    with database.reading(engine) as connection:
        found = [undelivered(connection, code) for code in codes]
        rests = {scope: resting(connection, scope, now) for scope in (*codes, WHOLE_PORTAL)}
    engine.dispose()
    own = {code: rest for code, rest in rests.items() if rest is not None and rest.scope == code}
    if as_document:
        whole = {"portal": _rest(own.get(WHOLE_PORTAL)), "schools": {one.school: _plain(one, own) for one in found}}
        call.console.result(json.dumps(whole, ensure_ascii=False, indent=2))
        return ExitStatus.DONE
    timezone = settings.bridge.timezone
    for scope in sorted(own):  # the whole portal sorts first
        told = {"until": _moment(own[scope].until, timezone), "code": own[scope].code}
        call.console.say(_ALL_REST if scope == WHOLE_PORTAL else _RESTS, school=scope, **told)
    for one in found:
        _show(call, one, timezone)
    if not own and all(one.nothing for one in found):
        call.console.say(_ALL_DELIVERED)
    return ExitStatus.DONE


def _show(call: Call, one: Undelivered, timezone: ZoneInfo) -> None:
    lines: list[tuple[Wording, dict[str, object]]] = []
    for wording, batches in ((_UNKNOWN, one.unknown), (_REFUSED, one.refused)):
        lines += [
            (
                wording,
                {
                    "batch": batch.batch_id[:ID_SHOWN],
                    "since": _moment(batch.since, timezone),
                    "published": batch.published,
                    "withdrawn": batch.withdrawn,
                    "code": batch.code,
                },
            )
            for batch in batches
        ]
    lines += [
        (
            _STILL_SHOWN if record.withdrawal else _REJECTED,
            {"record": record.record_id, "since": _moment(record.since, timezone), "code": record.code},
        )
        for record in one.rejected
    ]
    lines += [
        (_LINK, {"link": link.link_id, "since": _moment(link.since, timezone), "code": link.code}) for link in one.links
    ]
    for wording, parameters in lines[:MOST_SHOWN]:
        call.console.say(wording, school=one.school, **parameters)
    if len(lines) > MOST_SHOWN:
        call.console.say(_MORE, school=one.school, count=len(lines) - MOST_SHOWN)


def _moment(moment: datetime | None, timezone: ZoneInfo) -> str:
    return "-" if moment is None else moment.astimezone(timezone).isoformat(timespec="minutes")


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _rest(rest: Resting | None) -> Document | None:
    return None if rest is None else {"until": _utc(rest.until), "code": rest.code, "since": _utc(rest.told_at)}


def _plain(one: Undelivered, rests: dict[str, Resting]) -> Document:
    def batches(of: Sequence[object], *names: str) -> list[Document]:
        return [_fields(batch, "batch_id", "since", "published", "withdrawn", *names) for batch in of]

    return {
        "rest": _rest(rests.get(one.school)),
        "unknown": batches(one.unknown),
        "refused": batches(one.refused, "code"),
        "rejected": [_record(record) for record in one.rejected],
        "links": [_fields(link, "link_id", "code", "since") for link in one.links],
    }


def _record(record: RejectedRecord) -> Document:
    return {**_fields(record, "record_id", "code", "since"), "deed": "withdraw" if record.withdrawal else "publish"}


def _fields(value: object, *names: str) -> Document:
    told = {name: getattr(value, name) for name in names}
    return {name: _utc(told[name]) if name == "since" else told[name] for name in names}


def retry(call: Call, school: str, record: str | None, *, everything: bool) -> ExitStatus:
    """Let a rejected record, or all of a school, be sent again at the next sync.

    Raises BridgeError `record-not-rejected`; `which-record` when neither or both are asked for.
    """
    code = call.settings().school(school).code
    if (record is None) != everything:
        raise BridgeError("which-record", _WHICH)
    now = utc_now()
    with recorder(call.settings()) as desk:

        def work(connection: Connection) -> tuple[list[str], Sequence[DeliveryDecision]]:
            database.gate(connection, code)
            records = retry_records(connection, code, record)
            digest = desk.by_digest
            return records, [
                DeliveryDecision(at=now, school=code, record=one, action="retried", by_digest=digest) for one in records
            ]

        retried = desk.record(work)
    call.console.say(_RETRIED if retried else _NOTHING_TO_RETRY, school=code, count=len(retried))
    return ExitStatus.DONE


def discard(call: Call, school: str, record: str) -> ExitStatus:
    """Give a rejected record up until it changes. Raises BridgeError `record-not-rejected`, `record-still-shown`."""
    code = call.settings().school(school).code
    now = utc_now()
    with recorder(call.settings()) as desk:

        def work(connection: Connection) -> tuple[None, Sequence[DeliveryDecision]]:
            database.gate(connection, code)
            discard_record(connection, code, record)
            by = desk.by_digest
            return None, [DeliveryDecision(at=now, school=code, record=record, action="discarded", by_digest=by)]

        desk.record(work)
    call.console.say(_DISCARDED, school=code, record=record)
    return ExitStatus.DONE
