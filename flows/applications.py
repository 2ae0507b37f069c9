"""The exchange of parents' applications with the portal, one school at a time, in plain Python.

Rules. What parents ask for is fetched first, then they are told how far it is; if the first fails, the second is tried
all the same. With a clock behind the registry's newest entry neither is done. A school fails alone, and what went
wrong is a code and a sentence (`failures`). It needs no lease: a page stored twice adds nothing, a report told twice
is no error. Nothing of it is a rule about applications.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from consent_registry.applications.references import new_reference
from consent_registry.fact_store import registry_now
from database import reading, writing
from delivery.applications import Counter, RefusedReport, pull_applications, tell_parents
from delivery.balance import RunFailure
from delivery.checkpoints import remember_checkpoint
from delivery.rest import Rest
from flows.bridge import Bridge
from flows.failures import describe, until_when
from flows.technical_log import own_place

log = structlog.get_logger("dnevnik.applications")


@dataclass(frozen=True, slots=True)
class ApplicationExchange:
    """What one exchange did: applications stored, reports told, reports that wait, those the portal will never take.

    `failure` is why applications were not fetched, or else why reports wait.
    """

    school: str
    pulled: int = 0
    told: int = 0
    waiting: int = 0
    refused: tuple[RefusedReport, ...] = ()
    failure: RunFailure | None = None


def counter_of(bridge: Bridge, code: str, randomness: Callable[[int], bytes] = os.urandom) -> Counter:
    """Return what the exchange of a school's applications works with. Raises BridgeError `school-unknown`."""
    return Counter(
        engine=bridge.engine,
        portal=bridge.portal,
        log=bridge.log,
        vault=bridge.vault,
        clock=bridge.clock,
        new_reference=lambda: new_reference(randomness),
        school=bridge.school(code).code,
        by=bridge.software,
        patience=bridge.patience.heeding(Rest(bridge.engine, bridge.clock, bridge.school(code).code)),
        turns=bridge.turns,
        boundary=bridge.boundary,
    )


def exchange_applications(bridge: Bridge, code: str) -> ApplicationExchange:
    """Fetch a school's new applications and tell parents how far theirs are. Raises BridgeError `school-unknown`."""
    counter = counter_of(bridge, code)
    failures: list[RunFailure] = []
    pulled, told, waiting = 0, 0, 0
    refused: tuple[RefusedReport, ...] = ()
    with _caught(code, failures):
        _refuse_old_clock(bridge, counter.school)
    if failures:
        return ApplicationExchange(code, failure=failures[0])
    with _caught(code, failures):
        pulling = pull_applications(counter)
        pulled = pulling.stored
        if pulling.failure is not None:
            failures.append(describe(pulling.failure))
    with _caught(code, failures):
        telling = tell_parents(counter)
        told, waiting, refused = telling.told, telling.waiting, tuple(telling.refused)
        if telling.failure is not None:
            failures.append(describe(telling.failure))
    with _caught(code, failures):
        _remember(bridge)
    failure = until_when(bridge, code, failures[0]) if failures else None
    for one in refused:
        log.warning("report refused", school=code, code=one.code, operation=str(one.status))
    return ApplicationExchange(code, pulled, told, waiting, refused, failure)


@contextmanager
def _caught(code: str, failures: list[RunFailure]) -> Iterator[None]:
    """Run the body; what it raises becomes a coded failure."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  the border that turns any failure into a coded one
        failure = describe(error)
        log.error(  # noqa: TRY400  a traceback's message may quote a row
            "exchange failed", school=code, code=failure.code, place=own_place(error)
        )
        failures.append(failure)


def _refuse_old_clock(bridge: Bridge, school: str) -> None:
    """Raise BridgeError `clock-back` where the clock stands before what the registry knows; nothing is sent then."""
    with reading(bridge.engine) as connection:
        registry_now(connection, school, bridge.clock())


def _remember(bridge: Bridge) -> None:
    """Let the bridge's database remember how far the audit log is."""
    checkpoint = bridge.log.checkpoint()
    with writing(bridge.engine) as connection:
        remember_checkpoint(connection, bridge.origin, checkpoint.size, checkpoint.root, bridge.clock())
