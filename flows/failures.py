"""The border at which anything that goes wrong in one school's run becomes a coded failure in its balance.

Rules. A school fails alone. What a person reads is a code and a sentence; what the technical log gets is the
code, the exception's type and where it was raised (file and line), never its message or values, for a driver's
message may quote a row. Nothing is raised further.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog

from audit.errors import AuditError
from delivery.balance import RunFailure, SchoolBalance
from flows.technical_log import own_place
from journal.portal import PortalError, Resend
from journal.wording import BridgeError, Wording

log = structlog.get_logger("dnevnik.runs")

_PORTAL = {
    Resend.RETRYABLE: Wording(
        ru="Портал сейчас не принимает данные ({code}). Ничего не потеряно: следующий запуск отправит всё сам.",
        en="The portal takes nothing now ({code}). Nothing is lost: the next run sends everything.",
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
    ru="Портал отказался убрать записей: {records}, закрыть связей: {links}. Они ещё видны, следующий запуск повторит. "
    "Сообщите оператору портала.",
    en="The portal refused to take back {records} records and to close {links} links. They are still shown, the next "
    "run tries again. Tell the portal's operator.",
)
_UNEXPECTED = Wording(
    ru="Сбой программы ({kind} в {place}). Данные не потеряны. Передайте эту строку разработчикам.",
    en="The program failed ({kind} at {place}). No data is lost. Pass this line on to the developers.",
)


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
    if isinstance(error, PortalError):
        return RunFailure(f"portal-{error.code.lower()}", _PORTAL[error.resend].filled(code=error.code))
    return RunFailure("internal", _UNEXPECTED.filled(kind=type(error).__name__, place=own_place(error)))


def not_taken_back(records: int, links: int) -> RunFailure | None:
    """Return the failure of a run after which something is still shown without ground; None when nothing is."""
    if not records and not links:
        return None
    return RunFailure("not-taken-back", _NOT_TAKEN_BACK.filled(records=records, links=links))
