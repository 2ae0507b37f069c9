"""The exchange of applications between a portal in memory and a registry: nothing lost, nothing twice, in order."""

import itertools
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds.exchange_world import BUSY, LOST, SCHOOL, DiedError, Plain, World, pull

from audit.errors import AuditUnavailableError
from consent_registry.applications import desk
from consent_registry.applications.store import ReportState
from database import reading
from delivery.applications import Pulling, RefusedReport, tell_parents
from journal.portal import PortalError, Resend
from journal.wording import BridgeError


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.log.close()
    made.engine.dispose()


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
