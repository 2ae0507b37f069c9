"""The bridge's database breaks off in the middle of a run: that ends with words, the next where the oracle says."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql, start_again, stop_at_once
from worlds.memory_world import CODE, Link, MemoryWorld, Row

from audit.keys import load_signing_key
from audit.verify import verify_log
from database import reading
from delivery.balance import SchoolBalance
from delivery.tables import BATCH, RECORD
from flows.steps import sync_school

DAY = date(2026, 10, 5)
BOUNDARIES = ["links-told", "batch-stored", "intent-logged", "reply-received", "outcome-logged"]


def filled(world: MemoryWorld) -> MemoryWorld:
    for student in "12":
        world.register(Link(student, f"pa-{student}"))
        for number in range(5):
            world.rows[f"mark:{student}{number}"] = Row(student, str(number % 4 + 2), DAY)
    return world


def sync_until(world: MemoryWorld, boundary: str, happens: Callable[[], None]) -> SchoolBalance:
    """Sync; at the first pass of a boundary something happens."""
    left = [boundary]

    def reached(name: str) -> None:
        if name in left:
            left.remove(name)
            happens()

    return sync_school(replace(world.bridge(), boundary=reached), CODE)


def ended_with_words(balance: SchoolBalance, code: str = "database") -> None:
    assert balance.failure is not None
    assert balance.failure.code == code
    assert "mark:" not in repr(balance.failure)
    assert "dnevnik check" in balance.failure.wording.ru or code == "audit"
    assert balance.balances


def the_next_run_ends_as_the_oracle_says(world: MemoryWorld) -> None:
    balance = sync_school(world.bridge(), CODE)
    assert balance.failure is None
    assert balance.balances
    with reading(world.engine) as connection:
        students = {row.record_id: row.student_key for row in connection.execute(sa.select(RECORD))}
        assert connection.scalar(sa.select(sa.func.count()).where(BATCH.c.state == "open")) == 0
    held = world.portal.held(CODE)
    assert sorted((students[key], record.value) for key, record in held.items()) == sorted(world.permitted().values())
    assert len(world.portal.active_links(CODE)) == len(world.open_links())
    again = sync_school(world.bridge(), CODE)
    assert (again.sent, again.withdrawn, again.links_put, again.links_ended) == (0, {}, 0, 0)
    assert verify_log(world.folder / "audit", load_signing_key(world.pem, "test-log").verifier).ok


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_postgresql_that_is_stopped_at_once(server: str, tmp_path: Path, boundary: str) -> None:
    with bridge_database(server):
        pass
    world = filled(MemoryWorld(tmp_path, state=server))
    try:
        ended_with_words(sync_until(world, boundary, lambda: stop_at_once(server)))
    finally:
        start_again(server)
    world.rows["mark:10"].value = "5"
    del world.rows["mark:21"]
    the_next_run_ends_as_the_oracle_says(world)
    world.engine.dispose()


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_sqlite_file_that_is_locked_for_longer_than_the_bridge_waits(
    tmp_path: Path, boundary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("database.BUSY_SECONDS", 0.2)
    world = filled(MemoryWorld(tmp_path))
    with closing(sqlite3.connect(tmp_path / "bridge.db", isolation_level=None)) as other:
        ended_with_words(sync_until(world, boundary, lambda: other.execute("BEGIN IMMEDIATE")))
    world.rows["mark:10"].value = "5"
    the_next_run_ends_as_the_oracle_says(world)


@pytest.fixture
def full_disk() -> Iterator[Callable[[int], None]]:
    """Give what lets no file of this process grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_disk_on_which_the_database_cannot_grow(
    tmp_path: Path, boundary: str, full_disk: Callable[[int], None]
) -> None:
    world = filled(MemoryWorld(tmp_path))
    written = tmp_path / "bridge.db-wal"
    ended_with_words(sync_until(world, boundary, lambda: full_disk(written.stat().st_size)))
    full_disk(resource.RLIM_INFINITY)
    world.rows["mark:10"].value = "5"
    the_next_run_ends_as_the_oracle_says(world)


@pytest.mark.parametrize("boundary", ["batch-stored", "reply-received"])
def test_a_disk_on_which_the_audit_log_cannot_grow(
    tmp_path: Path, boundary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = filled(MemoryWorld(tmp_path))
    add, full = world.log.add, []

    def on_a_full_disk(entries: object) -> object:
        if not full:
            return add(entries)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
        try:
            return add(entries)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    monkeypatch.setattr(world.log, "add", on_a_full_disk)
    submitted = len(world.portal.seed(CODE).receipts)
    ended_with_words(sync_until(world, boundary, lambda: full.append(True)), "audit")
    if boundary == "batch-stored":
        assert len(world.portal.seed(CODE).receipts) == submitted
    full.clear()
    the_next_run_ends_as_the_oracle_says(world)
