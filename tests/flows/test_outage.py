"""The portal is down for a day: runs end quickly with a sentence, nothing grows; then all is sent once, in turns."""

import os
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from worlds.memory_world import CODE, Link, MemoryWorld, Row

from audit.entry import parse
from database import reading
from delivery.patience import Turns
from delivery.rest import away
from delivery.tables import BATCH, BATCH_ROW, LINK_STATE, RECORD
from flows.bridge import Bridge
from flows.reconciling import reconcile_school
from flows.steps import sweep_school, sync_school
from journal.portal import PortalError, Resend

DAY = date(2026, 10, 5)
REFUSED = PortalError("connection", Resend.RETRYABLE)
SILENT = PortalError("timeout", Resend.UNKNOWN)
UNTRUSTED = PortalError("reply-untrusted", Resend.UNKNOWN)
BARRED = PortalError("NotAuthorized", Resend.FINAL)
FAILURES = [REFUSED, SILENT, UNTRUSTED, BARRED]
FAILURE_IDS = [error.code for error in FAILURES]


def with_records(world: MemoryWorld, students: int, each: int) -> MemoryWorld:
    for student in range(students):
        world.register(Link(str(student), f"pa-{student}"))
        for number in range(each):
            world.rows[f"mark:{student}:{number}"] = Row(str(student), "4", DAY)
    return world


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    return with_records(MemoryWorld(tmp_path), 3, 4)


def down(world: MemoryWorld, error: PortalError) -> None:
    world.portal.faults.clear()
    world.portal.fail_before("*", error, times=100_000)


def size(world: MemoryWorld) -> dict[str, int]:
    """How much there is of all that could grow."""
    with reading(world.engine) as connection:
        tables = {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in (BATCH, BATCH_ROW, LINK_STATE, RECORD)
        }
    return tables | {"entries": world.log.checkpoint().size}


def grown(world: MemoryWorld, before: dict[str, int]) -> dict[str, int]:
    return {name: count - before[name] for name, count in size(world).items() if count != before[name]}


def kinds_since(world: MemoryWorld, entries: int) -> Counter[str]:
    return Counter(parse(line).kind for line in list(world.log.entries())[entries:])


@pytest.mark.parametrize("error", FAILURES, ids=FAILURE_IDS)
@pytest.mark.parametrize("showing", [False, True])
def test_each_run_costs_one_call_and_leaves_nothing_but_that_it_ended(
    world: MemoryWorld, error: PortalError, showing: bool
) -> None:
    if showing:
        sync_school(world.bridge(), CODE)
        world.rows["mark:0:0"].value = "5"
        world.withdraw("1", "pa-1")
    down(world, error)
    first = sync_school(world.bridge(), CODE)
    assert first.failure is not None
    before = size(world)
    world.before_reading = lambda: pytest.fail("a school was read for a portal that is away")
    for _ in range(3):
        world.portal.calls.clear()
        world.now += timedelta(hours=1)
        for run in (sync_school, reconcile_school):
            balance = run(world.bridge(), CODE)
            assert balance.failure is not None
            assert balance.failure.code == f"portal-{error.code.lower()}"
            assert "dnevnik check" in balance.failure.wording.ru
            assert "dnevnik check" in balance.failure.wording.en
        assert world.portal.calls == ["receipt"] * 2
    assert grown(world, before) == {"entries": 6}
    assert kinds_since(world, before["entries"]) == {"run-ended": 6}
    # and when it is back, all is as it should be, without anything said twice
    world.portal.faults.clear()
    world.before_reading = lambda: None
    acts = len(world.portal.acts)
    assert sync_school(world.bridge(), CODE).failure is None
    with reading(world.engine) as connection:
        assert away(connection, CODE) is None
        keys = {row.record_id: row.student_key for row in connection.execute(sa.select(RECORD))}
        assert connection.scalar(sa.select(sa.func.count()).where(BATCH.c.state == "open")) == 0
    held = world.portal.held(CODE)
    assert sorted((keys[key], one.value) for key, one in held.items()) == sorted(world.permitted().values())
    said = [act.message for act in world.portal.acts[acts:]]
    assert len(said) == len({getattr(message, "record_id", None) or message.link_id for message in said})


def test_since_when_it_is_away_is_said(world: MemoryWorld) -> None:
    down(world, REFUSED)
    first = sync_school(world.bridge(), CODE)
    world.now += timedelta(hours=5)
    later = sync_school(world.bridge(), CODE)
    assert first.failure is not None
    assert later.failure is not None
    assert "12:00" not in first.failure.wording.en
    assert "since 2026-11-24T12:00+03:00 (connection)" in later.failure.wording.en
    assert "с 2026-11-24T12:00+03:00 (connection)" in later.failure.wording.ru


@pytest.mark.parametrize("error", FAILURES, ids=FAILURE_IDS)
def test_a_sweep_that_can_do_nothing_writes_nothing_and_the_first_that_can_takes_back(
    world: MemoryWorld, error: PortalError
) -> None:
    sync_school(world.bridge(), CODE)
    down(world, error)
    world.withdraw("1", "pa-1")
    first = sweep_school(world.bridge(), CODE)
    assert first.failure is not None
    before = size(world)
    for _ in range(60):
        world.now += timedelta(minutes=1)
        assert sweep_school(world.bridge(), CODE).failure is not None
    assert grown(world, before) == {}
    world.portal.faults.clear()
    assert sweep_school(world.bridge(), CODE).failure is None
    assert "pa-1" not in {link.account_id for link in world.portal.active_links(CODE).values()}
    assert len(world.portal.held(CODE)) == 8
    assert kinds_since(world, before["entries"])["run-started"] == 1
    assert kinds_since(world, before["entries"])["run-ended"] == 1
    quiet = size(world)
    sweep_school(world.bridge(), CODE)
    assert grown(world, quiet) == {}


def test_a_portal_that_rests_is_not_told_of_by_each_sweep(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.portal.fail_before("end_link", PortalError("Maintenance", Resend.RETRYABLE, retry_after=7200))
    world.withdraw("1", "pa-1")
    assert sweep_school(world.bridge(), CODE).failure is not None
    before = size(world)
    for _ in range(60):
        world.now += timedelta(minutes=1)
        balance = sweep_school(world.bridge(), CODE)
        assert balance.failure is not None
        assert "14:00" in balance.failure.wording.en
    assert grown(world, before) == {}
    world.now += timedelta(hours=1)
    assert sweep_school(world.bridge(), CODE).withdrawn == {"consent-withdrawn": 4}


def test_a_run_that_the_portal_did_not_end_is_followed_by_no_knock(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.read_fails = ZeroDivisionError()
    assert sync_school(world.bridge(), CODE).failure is not None
    world.read_fails = None
    world.portal.calls.clear()
    sync_school(world.bridge(), CODE)
    assert world.portal.calls == []


def test_an_open_batch_of_the_outage_stays_the_only_one_and_is_asked_after_when_it_is_over(world: MemoryWorld) -> None:
    world.portal.fail_after("submit", SILENT)
    world.portal.fail_before("receipt", SILENT, times=2)
    assert sync_school(world.bridge(), CODE).failure is not None
    down(world, SILENT)
    before = size(world)
    for _ in range(24):
        world.now += timedelta(hours=1)
        assert sync_school(world.bridge(), CODE).failure is not None
        assert sweep_school(world.bridge(), CODE).failure is not None
    assert grown(world, before) == {"entries": 24}
    world.portal.faults.clear()
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.unchanged, balance.sent) == (None, 3, 9)
    # 3 links and 12 records; the batch that was stored ahead when the silence began used up its records' first number
    assert sorted(act.message.revision for act in world.portal.acts) == [1] * 12 + [2] * 3


# a day, and 100,000 records (`make soak`; else fewer)


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
        return
    with postgresql() as url:
        with bridge_database(url):
            pass
        yield url


PER_MINUTE = 8
WAITING = 100_000 if os.environ.get("DNEVNIK_SOAK") else 20_000


def in_turns(world: MemoryWorld) -> Bridge:
    """Give the bridge with a minute's allowance and the world's clock, which its waits move."""

    def sleep(seconds: float) -> None:
        world.now += timedelta(seconds=seconds)

    def clock() -> float:
        return world.now.timestamp()

    turns = Turns(world.engine, PER_MINUTE, clock=clock, sleep=sleep)
    return replace(world.bridge(), turns=turns)


@pytest.mark.timeout(600)
def test_a_day_without_the_portal_and_many_records_waiting(tmp_path: Path, state: str | None) -> None:
    world = with_records(MemoryWorld(tmp_path, state=state, batch_records=1000), 10, WAITING // 10)
    down(world, SILENT)
    assert sync_school(in_turns(world), CODE).failure is not None
    before = size(world)
    began = time.monotonic()
    tracemalloc.start()
    for _ in range(24):
        world.now += timedelta(hours=1)
        balance = sync_school(in_turns(world), CODE)
        assert balance.failure is not None
        assert "since 2026-11-24T12:00+03:00" in balance.failure.wording.en
        sweep_school(in_turns(world), CODE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown(world, before) == {"entries": 24}
    assert peak < 10_000_000
    assert time.monotonic() - began < 24 * 5
    world.portal.faults.clear()
    when: list[int] = []
    original = world.portal.submit

    def submit(batch):
        when.append(int(world.now.timestamp() // 60))
        return original(batch)

    world.portal.submit = submit
    balance = sync_school(in_turns(world), CODE)
    assert (balance.failure, balance.sent, balance.balances) == (None, WAITING, True)
    assert max(Counter(when).values()) <= PER_MINUTE
    assert len(set(when)) >= WAITING // 1000 // PER_MINUTE
    held = world.portal.held(CODE)
    assert len(held) == WAITING
    assert {record.revision for record in held.values()} == {1}
    assert len(world.portal.acts) == WAITING + 10
    again = sync_school(in_turns(world), CODE)
    assert (again.sent, again.unchanged) == (0, WAITING)
    world.engine.dispose()
