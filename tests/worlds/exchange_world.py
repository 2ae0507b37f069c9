"""A portal in memory, a registry and an audit log, with the exchange of applications between them."""

import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from fakes.memory_portal import MemoryPortal

from audit.keys import create_signing_key, load_signing_key
from audit.log import open_log
from consent_registry.acts import Actor
from consent_registry.applications import desk
from consent_registry.applications.desk import ClosingReason, Document
from consent_registry.applications.references import new_reference
from consent_registry.applications.store import ReportState, queued_reports
from consent_registry.sealed.vault import Vault
from database import open_database, reading, upgrade, writing
from delivery.applications import Counter, Pulling, pull_applications, tell_parents
from delivery.patience import Patience, Turns
from journal.portal import PortalError, Resend
from journal.records import PersonName, PortalApplication
from journal.vocabulary import Relation

SCHOOL = "0252"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MOSCOW = ZoneInfo("Europe/Moscow")
BUSY = PortalError("Maintenance", Resend.RETRYABLE)
LOST = PortalError("timeout", Resend.UNKNOWN)


class DiedError(BaseException):
    """The process ends here."""


def application(number: int) -> PortalApplication:
    return PortalApplication(
        application_id=f"app-{number}",
        sequence=number,
        submitted_at=NOW - timedelta(days=2),
        relation=Relation.PARENT,
        consent_text_version="2025-09",
        account_id=f"pa-{number}",
        email="elkin@example.org",
        account_holder=PersonName("Ёлкин", "Пётр"),
        student=PersonName("Ёлкина", "Мария"),
        student_birth_date=date(2014, 3, 9),
    )


@dataclass
class World:
    """A portal, a registry and an audit log; `die_at`: a boundary at which the process ends, after so many passes."""

    folder: Path
    log_url: str | None = None
    attempts: int = 1
    now: datetime = NOW
    die_at: tuple[str, int] | None = None
    boundaries: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.portal = MemoryPortal(lambda: self.now)
        self.engine = open_database(f"sqlite:///{self.folder}/bridge.db")
        upgrade(self.engine)
        self.vault = Vault(bytes(range(32)))
        key = load_signing_key(create_signing_key(), "test-log")
        self.log = open_log(self.log_url or self.folder / "audit", key, "test-log")

    def _boundary(self, name: str) -> None:
        self.boundaries.append(name)
        if self.die_at is not None and self.die_at[0] == name:
            if self.die_at[1] == 0:
                self.die_at = None
                raise DiedError
            self.die_at = (name, self.die_at[1] - 1)

    @property
    def counter(self) -> Counter:
        return Counter(
            engine=self.engine,
            portal=self.portal,
            log=self.log,
            vault=self.vault,
            clock=lambda: self.now,
            new_reference=lambda: new_reference(os.urandom),
            school=SCHOOL,
            by="dnevnik-bridge/test",
            patience=Patience(attempts=self.attempts, total_seconds=5, first_wait=0.001, longest_wait=0.001),
            turns=Turns(self.engine, 1_000_000),
            boundary=self._boundary,
        )

    def seed(self, *numbers: int) -> None:
        self.portal.seed(SCHOOL).applications += [application(number) for number in numbers]

    def stored(self) -> list[str]:
        with reading(self.engine) as connection:
            return [str(state.key.portal_id) for state in desk.applications(connection, SCHOOL)]

    def reference(self, number: int) -> str:
        with reading(self.engine) as connection:
            states = desk.applications(connection, SCHOOL)
        return next(state.key.reference for state in states if state.key.portal_id == f"app-{number}")

    def entries(self) -> list[dict]:
        return [json.loads(line) for line in self.log.entries()]

    def identify(self, number: int) -> None:
        self.now += timedelta(minutes=1)
        reference, document = self.reference(number), Document("паспорт", "1")
        with writing(self.engine) as connection:
            actor = Actor("s-1", self.now, MOSCOW)
            desk.identify(connection, reference, document, at=None, vault=self.vault, actor=actor)

    def reject(self, number: int) -> None:
        self.now += timedelta(minutes=1)
        reference = self.reference(number)
        with writing(self.engine) as connection:
            actor = Actor("s-1", self.now, MOSCOW)
            desk.reject(connection, reference, ClosingReason.NO_CONSENT, at=None, actor=actor, vault=self.vault)

    def heard(self, number: int | None = None) -> list[str]:
        """What the portal was told: of one application, in order; of all, as app/status."""
        reports = self.portal.seed(SCHOOL).reports
        if number is None:
            return [f"{report.application_id}/{report.status}" for report in reports]
        return [str(report.status) for report in reports if report.application_id == f"app-{number}"]

    def queued(self, state: ReportState = ReportState.WAITING) -> int:
        with reading(self.engine) as connection:
            return len(queued_reports(connection, SCHOOL, state))


def pull(world: World) -> Pulling:
    return pull_applications(world.counter)


class Plain:
    """What people did and what each parent is to hear, as plain lists beside the world."""

    def __init__(self, folder: str) -> None:
        self.world = World(Path(folder))
        self.numbers = itertools.count(1)
        self.expected: dict[int, list[str]] = {}

    def seed(self, count: int) -> None:
        self.world.seed(*itertools.islice(self.numbers, count))

    def exchange(self, faults: list[tuple[str, PortalError, bool, int]]) -> None:
        portal = self.world.portal
        for operation, error, taken, times in faults:
            (portal.fail_after if taken else portal.fail_before)(operation, error, times=times)
        pull(self.world)
        for portal_id in self.world.stored():
            self.expected.setdefault(int(portal_id.removeprefix("app-")), ["received"])
        tell_parents(self.world.counter)
        for number, statuses in self.expected.items():
            heard = self.world.heard(number)
            assert heard == statuses[: len(heard)]

    def identify(self, pick: int) -> None:
        self._step(pick, "identified", self.world.identify, frozenset({"received"}))

    def reject(self, pick: int) -> None:
        self._step(pick, "rejected", self.world.reject, frozenset({"received", "identified"}))

    def _step(self, pick: int, word: str, act: Callable[[int], None], after: frozenset[str]) -> None:
        lawful = [number for number, statuses in self.expected.items() if statuses[-1] in after]
        if lawful:
            number = lawful[pick % len(lawful)]
            act(number)
            self.expected[number].append(word)

    def close(self) -> None:
        self.world.log.close()
        self.world.engine.dispose()
