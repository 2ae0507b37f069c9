"""The exchange of applications between a portal in memory and a registry: nothing lost, nothing twice, in order."""

import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes.memory_portal import MemoryPortal
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import AuditUnavailableError
from audit.keys import create_signing_key, load_signing_key
from audit.log import open_log
from consent_registry import applications as desk
from consent_registry.acts import Actor
from consent_registry.application_store import ReportState, queued_reports
from consent_registry.applications import ClosingReason, Document
from consent_registry.references import new_reference
from consent_registry.vault import Vault
from database import open_database, reading, upgrade, writing
from delivery.applications import Counter, Pulling, RefusedReport, pull_applications, tell_parents
from delivery.patience import Patience, Turns
from journal.portal import PortalError, Resend
from journal.records import PersonName, PortalApplication
from journal.vocabulary import Relation
from journal.wording import BridgeError

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


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.log.close()
    made.engine.dispose()


def pull(world: World) -> Pulling:
    return pull_applications(world.counter)


# the way in


def test_all_pages_are_stored_each_in_a_transaction_of_its_own(world: World) -> None:
    world.seed(*range(1, 1204))
    assert pull(world) == Pulling(1203)
    assert world.portal.calls == ["applications"] * 3
    assert world.boundaries == ["page-listed", "page-logged", "page-stored"] * 3
    assert len(world.stored()) == len(set(world.stored())) == 1203
    assert pull(world) == Pulling(0)
    world.seed(1300)
    assert pull(world) == Pulling(1)


def test_nothing_listed_is_nothing_stored(world: World) -> None:
    assert pull(world) == Pulling(0)
    assert world.entries() == []


def test_each_receipt_is_in_the_audit_log_without_a_name(world: World) -> None:
    world.seed(1, 2)
    pull(world)
    entries = world.entries()
    assert [(one["kind"], one["event"], one["case"]) for one in entries] == [
        ("consent-event", "application-received", world.reference(number)) for number in (1, 2)
    ]
    assert "lkin" not in repr(entries)
    assert "dnevnik-bridge/test" not in repr(entries)


@pytest.mark.parametrize("boundary", ["page-listed", "page-logged", "page-stored"])
@pytest.mark.parametrize("passes", [0, 1])
def test_a_pull_that_died_anywhere_is_ended_by_the_next(world: World, boundary: str, passes: int) -> None:
    world.seed(*range(1, 502))
    world.die_at = (boundary, passes)
    with pytest.raises(DiedError):
        pull(world)
    pages_stored = passes + (boundary == "page-stored")
    assert len(world.stored()) == (0, 500, 501)[pages_stored]
    assert pull(world) == Pulling((501, 1, 0)[pages_stored])
    assert sorted(world.stored()) == sorted(f"app-{number}" for number in range(1, 502))
    logged = [one["case"] for one in world.entries()]
    with reading(world.engine) as connection:
        references = {state.key.reference for state in desk.applications(connection, SCHOOL)}
    assert references <= set(logged)
    assert len(logged) == len(set(logged))
    assert len(logged) - 501 == (0 if boundary != "page-logged" else (500, 1)[passes])


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
@pytest.mark.parametrize("error", [BUSY, LOST], ids=["retryable", "unknown"])
def test_a_listing_that_failed_is_asked_again(world: World, fault: str, error: PortalError) -> None:
    world.attempts = 2
    world.seed(1, 2)
    getattr(world.portal, fault)("applications", error)
    assert pull(world) == Pulling(2)
    getattr(world.portal, fault)("applications", error, times=2)
    world.seed(3)
    assert pull(world) == Pulling(0, error)
    assert pull(world) == Pulling(1)


def test_a_listing_that_breaks_off_keeps_the_pages_before(world: World) -> None:
    world.seed(*range(1, 601))
    pages = itertools.count()
    plain = world.portal.applications

    def second_page_fails(*arguments: object) -> object:
        if next(pages) == 1:
            raise BUSY
        return plain(*arguments)

    world.portal.applications = second_page_fails
    assert pull(world) == Pulling(500, BUSY)
    assert len(world.stored()) == 500


class BrokenLog:
    """An audit log on a full disk."""

    def append(self, _entries: object) -> object:
        raise AuditUnavailableError("Журнал недоступен", "The log is unavailable")


def test_without_an_audit_log_nothing_is_recorded(world: World) -> None:
    world.seed(1)
    whole, world.log = world.log, BrokenLog()
    with pytest.raises(AuditUnavailableError):
        pull(world)
    world.log = whole
    assert world.stored() == []
    assert pull(world) == Pulling(1)


def test_a_log_in_the_same_file_follows_the_commit(tmp_path: Path) -> None:
    world = World(tmp_path, f"sqlite:///{tmp_path}/bridge.db")
    world.seed(1)
    assert pull(world) == Pulling(1)
    assert [one["case"] for one in world.entries()] == [world.reference(1)]
    world.log.close()
    world.engine.dispose()


def test_a_clock_set_back_stores_nothing(world: World) -> None:
    world.seed(1)
    pull(world)
    world.seed(2)
    world.now -= timedelta(minutes=2)
    with pytest.raises(BridgeError) as caught:
        pull(world)
    assert caught.value.code == "clock-back"
    assert world.stored() == ["app-1"]


# the way out


def test_parents_are_told_of_each_step_once_and_in_order(world: World) -> None:
    world.seed(1, 2)
    pull(world)
    world.identify(1)
    world.reject(1)
    told = tell_parents(world.counter)
    assert (told.told, told.waiting, told.refused, told.failure) == (4, 0, [], None)
    assert world.heard(1) == ["received", "identified", "rejected"]
    assert world.heard(2) == ["received"]
    assert world.portal.seed(SCHOOL).reports[-1].reason
    assert tell_parents(world.counter).told == 0
    assert world.queued(ReportState.TOLD) == 4


@pytest.mark.parametrize(
    ("fault", "error", "calls"),
    [("fail_before", BUSY, 3), ("fail_before", LOST, 3), ("fail_after", LOST, 3), ("fail_after", BUSY, 3)],
)
def test_a_report_whose_reply_was_lost_is_told_again_and_noted_once(
    world: World, fault: str, error: PortalError, calls: int
) -> None:
    world.attempts = 2
    world.seed(1, 2)
    pull(world)
    getattr(world.portal, fault)("report_application", error)
    assert tell_parents(world.counter).told == 2
    assert world.portal.calls.count("report_application") == calls
    assert world.heard() == ["app-1/received", "app-2/received"]


@pytest.mark.parametrize("boundary", ["report-told", "report-settled"])
def test_a_telling_that_died_anywhere_is_ended_by_the_next(world: World, boundary: str) -> None:
    world.seed(1)
    pull(world)
    world.identify(1)
    world.die_at = (boundary, 0)
    with pytest.raises(DiedError):
        tell_parents(world.counter)
    assert world.heard() == ["app-1/received"]
    assert tell_parents(world.counter).told == (2 if boundary == "report-told" else 1)
    assert world.heard() == ["app-1/received", "app-1/identified"]


@pytest.mark.parametrize("error", [BUSY, LOST], ids=["retryable", "unknown"])
def test_while_a_report_waits_its_application_waits_and_the_others_go(world: World, error: PortalError) -> None:
    world.seed(1, 2)
    pull(world)
    world.identify(1)
    world.portal.fail_before("report_application", error)
    told = tell_parents(world.counter)
    assert (told.told, told.waiting, told.failure) == (1, 2, error)
    assert world.heard() == ["app-2/received"]
    assert tell_parents(world.counter).told == 2
    assert world.heard(1) == ["received", "identified"]


def test_a_report_that_the_portal_refuses_is_kept_as_refused_and_hinders_nobody(world: World) -> None:
    world.seed(1, 2)
    pull(world)
    world.identify(1)
    world.portal.fail_before("report_application", PortalError("UnknownApplication", Resend.FINAL))
    told = tell_parents(world.counter)
    assert (told.told, told.waiting, told.failure) == (2, 0, None)
    assert told.refused == [RefusedReport(world.reference(1), "received", "UnknownApplication")]
    assert world.heard() == ["app-2/received", "app-1/identified"]
    assert tell_parents(world.counter).refused == []
    assert world.queued(ReportState.REFUSED) == 1


@pytest.mark.parametrize(
    "error",
    [
        PortalError("NotAuthorized", Resend.FINAL),
        PortalError("BadSignature", Resend.FINAL),
        PortalError("tls", Resend.FINAL),
    ],
    ids=str,
)
def test_what_is_wrong_with_the_installation_refuses_no_report_and_is_not_hammered(
    world: World, error: PortalError
) -> None:
    world.seed(*range(1, 11))
    pull(world)
    world.portal.fail_before("report_application", error, times=100)
    told = tell_parents(world.counter)
    assert (told.told, told.waiting, told.refused, told.failure) == (0, 10, [], error)
    assert world.portal.calls.count("report_application") == 3
    world.portal.faults.clear()
    assert tell_parents(world.counter).told == 10


FAULTS = st.tuples(
    st.sampled_from(["applications", "report_application"]),
    st.sampled_from([BUSY, LOST]),
    st.booleans(),
    st.integers(0, 3),
)
ACTS = st.one_of(
    st.tuples(st.just("seed"), st.integers(1, 3)),
    st.tuples(st.just("identify"), st.integers(0, 20)),
    st.tuples(st.just("reject"), st.integers(0, 20)),
    st.tuples(st.just("exchange"), st.lists(FAULTS, max_size=4)),
)


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


@settings(max_examples=20, deadline=None)
@given(st.lists(ACTS, max_size=12))
def test_whatever_fails_in_the_end_all_is_stored_and_all_is_told_in_order(acts: list[tuple[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plain = Plain(folder)
        for act, what in acts:
            getattr(plain, act)(what)
        plain.world.portal.faults.clear()
        plain.exchange([])
        assert sorted(plain.expected) == list(range(1, next(plain.numbers)))
        assert {number: plain.world.heard(number) for number in plain.expected} == plain.expected
        assert plain.world.queued() == 0
        plain.close()
