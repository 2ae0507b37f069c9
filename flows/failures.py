"""The border at which anything that goes wrong in one school's run becomes a coded failure in its balance.

Rules. A school fails alone. What a person reads is a code and a sentence; what the technical log gets is the
code, the exception's type and where it was raised (file and line), never its message or values, for a driver's
message may quote a row. Nothing is raised further.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import exc

from audit.errors import AuditError
from database import reading, writing
from delivery.balance import RunFailure, SchoolBalance
from delivery.receipts import DOUBTFUL
from delivery.recover import Recovered
from delivery.rest import away, note_away, note_back, resting
from flows.bridge import Bridge
from flows.portal_certificate import WORDS
from flows.technical_log import own_place
from journal.portal import PortalError, Resend
from journal.wording import BridgeError, Wording

log = structlog.get_logger("dnevnik.runs")

_PORTAL = {
    Resend.RETRYABLE: Wording(
        ru="Портал сейчас не принимает данные ({code}). Следующий запуск отправит всё сам.",
        en="The portal takes nothing now ({code}). The next run sends everything.",
    ),
    Resend.FINAL: Wording(
        ru="Портал отказал ({code}). Покажите этот код оператору района; проверка: dnevnik check",
        en="The portal refused ({code}). Show this code to the district's operator; to check: dnevnik check",
    ),
    Resend.UNKNOWN: Wording(
        ru="Связь с порталом прервалась ({code}), ответ не получен. Следующий запуск сам спросит, что дошло.",
        en="The call to the portal broke off ({code}), its answer is unknown. The next run asks what arrived.",
    ),
}
_NOT_TAKEN_BACK = Wording(
    ru="Портал отказался убрать записей: {records}, закрыть или сузить связей: {links}. Они ещё видны, новых записей "
    "этих учеников мост не передаёт, следующий запуск повторит. Сообщите оператору портала.",
    en="The portal refused to take back {records} records and to close or narrow {links} links. They are still shown; "
    "nothing new of students with such links is sent, and the next run tries again. Tell the portal's operator.",
)
_RESTS = Wording(
    ru="Портал просил не обращаться к нему до {until} ({code}). До этого времени мост ждёт, "
    "следующий запуск после него отправит всё сам.",
    en="The portal asked to be left alone until {until} ({code}). The bridge waits until then, the "
    "next run after that sends everything.",
)
_AWAY = Wording(
    ru="Портал не принимает данные школы с {since} ({code}). Ничего не потеряно: когда он ответит, следующий запуск "
    "отправит всё сам. Проверка: dnevnik check",
    en="The portal takes nothing of this school since {since} ({code}). Nothing is lost: once it answers, the next run "
    "sends everything. To check: dnevnik check",
)
_DISTRUST = Wording(
    ru="Мост и портал не верят подписям друг друга ({code}). Чаще всего неверны часы: dnevnik check покажет "
    "расхождение. Поправьте часы этой машины (NTP) или сообщите оператору портала, если неверны его. Если часы верны, "
    "проверьте signing_key и authorities.",
    en="The bridge and the portal don't trust each other's signatures ({code}). Mostly a clock is wrong: dnevnik check "
    "tells how far they are apart. Set this machine's (NTP), or tell the portal's operator if it is theirs. If clocks "
    "are right, check signing_key and authorities.",
)
_OF_SIGNATURES = frozenset({"BadSignature", "reply-untrusted"})
"""What a clock that is wrong by more than minutes looks like, at the portal and here."""

_DOUBTFUL = Wording(
    ru="Квитанции портала противоречат отправленному: пакетов {batches}. Им не верят, записи этих пакетов будут "
    "отправлены снова. Сверьте: dnevnik reconcile {school}. Если повторится, сообщите оператору портала.",
    en="Receipts of the portal contradict what was sent: {batches} batches. They are not believed, the records of "
    "these batches are sent again. Compare: dnevnik reconcile {school}. If it happens again, tell the portal's "
    "operator.",
)
_FORGOTTEN = "batch-forgotten"
_GONE = Wording(
    ru="Портал уже не помнит, принял ли он пакеты старше 30 дней: {batches}. Они считаются принятыми, их записи будут "
    "отправлены снова или сняты. Сверьте: dnevnik reconcile {school}",
    en="The portal no longer knows whether it took batches older than 30 days: {batches}. They count as taken, their "
    "records are sent again or taken back. Compare: dnevnik reconcile {school}",
)
_DOUBTFUL_NOW = Wording(
    ru="Квитанция портала противоречит отправленному, и повторная тоже. Ей не верят: исход пакета неизвестен, передача "
    "школы остановлена. Сверьте: dnevnik reconcile. Если повторится, сообщите оператору портала.",
    en="The portal's receipt contradicts what was sent, and so does the one asked for after it. It is not believed: "
    "the batch's outcome is unknown, the school's run has stopped. Compare: dnevnik reconcile. If it happens again, "
    "tell the portal's operator.",
)
_DATABASE = Wording(
    ru="База обмена не отвечает, занята или не может писать ({kind}). Проверьте её сервер и место "
    "на диске (dnevnik check), следующий запуск продолжит с того же места.",
    en="The bridge's database is away, locked or can't write ({kind}). Look after its server and the "
    "disk's space (dnevnik check), the next run goes on from here.",
)
_UNEXPECTED = Wording(
    ru="Сбой программы ({kind} в {place}). Данные не потеряны. Передайте эту строку разработчикам.",
    en="The program failed ({kind} at {place}). No data is lost. Pass this line on to the developers.",
)


_NO_DATABASE = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError)
"""What the bridge's database raises when nothing is wrong with what it was asked. A school's own database is for
`connectors.school` to judge, the audit log's for `audit`: neither gets here as one of these."""


@dataclass(slots=True)
class RunOutcome:
    """Holds the balance while a run is under way, so that a failure finds what was reached."""

    balance: SchoolBalance


@contextmanager
def guarded(balance: SchoolBalance) -> Iterator[RunOutcome]:
    """Run the body; what it raises becomes `failure` in the outcome's balance."""
    outcome = RunOutcome(balance)
    try:
        yield outcome
    except Exception as error:  # noqa: BLE001  the border that turns any failure into a coded one
        failure = describe(error)
        log.error(  # noqa: TRY400  a traceback's message may quote a row
            "run failed", school=balance.school, run=balance.run, code=failure.code, place=own_place(error)
        )
        outcome.balance = replace(outcome.balance, failure=failure)


def describe(error: Exception) -> RunFailure:
    """Return a failure's code and sentences, its places filled and nothing personal in them."""
    if isinstance(error, BridgeError):
        return RunFailure(error.code, error.wording.filled(**error.parameters))
    if isinstance(error, AuditError):
        return RunFailure("audit", Wording(error.ru, error.en))
    if isinstance(error, PortalError) and error.code == DOUBTFUL:
        return RunFailure(_portal_code(DOUBTFUL), _DOUBTFUL_NOW)
    if isinstance(error, PortalError):
        wording = _DISTRUST if error.code in _OF_SIGNATURES else WORDS.get(error.code, _PORTAL[error.resend])
        return RunFailure(_portal_code(error.code), wording.filled(code=error.code))
    if isinstance(error, _NO_DATABASE):
        return RunFailure("database", _DATABASE.filled(kind=type(error).__name__))
    return RunFailure("internal", _UNEXPECTED.filled(kind=type(error).__name__, place=own_place(error)))


def doubtful_receipts(school: str, recovered: Recovered) -> RunFailure | None:
    """Return the failure of a run that met receipts which are not believed or are gone; None when it met none."""
    if recovered.doubtful:
        return RunFailure(_portal_code(DOUBTFUL), _DOUBTFUL.filled(school=school, batches=recovered.doubtful))
    if recovered.forgotten:
        return RunFailure(_portal_code(_FORGOTTEN), _GONE.filled(school=school, batches=recovered.forgotten))
    return None


def until_when(bridge: Bridge, school: str, failure: RunFailure | None) -> RunFailure | None:
    """Return the same failure, with the moment until when the portal wants to be left alone, if that is what it is.

    Or with the moment since when it is away, if that is known.
    """
    if failure is None:
        return None
    with reading(bridge.engine) as connection:
        rest = resting(connection, school, bridge.clock())
        gone = away(connection, school)
    if rest is not None and failure.code == _portal_code(rest.code):
        until = rest.until.astimezone(bridge.timezone).isoformat(timespec="minutes")
        return RunFailure(failure.code, _RESTS.filled(until=until, code=rest.code))
    if gone is not None and failure.code == gone.code and failure.code not in _OWN_WORDS:
        since = gone.since.astimezone(bridge.timezone).isoformat(timespec="minutes")
        return RunFailure(failure.code, _AWAY.filled(since=since, code=failure.code.removeprefix(_BY_PORTAL)))
    return failure


def heed_how_it_ended(bridge: Bridge, school: str, failure: RunFailure | None) -> None:
    """Note whether the portal ended a run, for the school's next one to knock first."""
    with writing(bridge.engine) as connection:
        if failure is None:
            note_back(connection, school)
        elif failure.code.startswith(_BY_PORTAL):
            note_away(connection, school, failure.code, bridge.clock())


_BY_PORTAL = "portal-"


def _portal_code(code: str) -> str:
    return f"{_BY_PORTAL}{code.lower()}"


_OWN_WORDS = frozenset(map(_portal_code, (DOUBTFUL, _FORGOTTEN, *_OF_SIGNATURES, *WORDS)))
"""Failures whose sentence says more than since when."""


def not_taken_back(records: int, links: int) -> RunFailure | None:
    """Return the failure of a run after which something is still shown without ground; None when nothing is."""
    if not records and not links:
        return None
    return RunFailure("not-taken-back", _NOT_TAKEN_BACK.filled(records=records, links=links))
