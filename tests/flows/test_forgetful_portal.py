"""A portal keeps receipts for 30 days: that it doesn't know an older batch is no proof that it never took it."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.memory_world import CODE, Link, MemoryWorld, Row

from audit.entry import DisclosureOutcome, parse
from database import reading
from delivery.tables import BATCH, RECORD
from flows.reconciling import reconcile_school
from flows.steps import sweep_school, sync_school
from journal.portal import PortalError, Resend

DAY = date(2026, 10, 5)
SILENT = PortalError("timeout", Resend.UNKNOWN)


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    made = MemoryWorld(tmp_path, batch_records=100)
    for student in "12":
        made.register(Link(student, f"pa-{student}"))
        for number in range(5):
            made.rows[f"mark:{student}{number}"] = Row(student, "4", DAY)
    return made


def left_open(world: MemoryWorld, *, taken: bool) -> None:
    """Let a batch's outcome stay unknown."""
    (world.portal.fail_after if taken else world.portal.fail_before)("submit", SILENT)
    world.portal.fail_before("receipt", SILENT, times=2)
    assert sync_school(world.bridge(), CODE).failure is not None
    world.portal.faults.clear()


def shown(world: MemoryWorld) -> list[tuple[str, str]]:
    with reading(world.engine) as connection:
        keys = {row.record_id: row.student_key for row in connection.execute(sa.select(RECORD))}
    return sorted((keys[key], record.value) for key, record in world.portal.held(CODE).items())


def last_outcome(world: MemoryWorld, batch: str) -> DisclosureOutcome:
    entries = [parse(line) for line in world.log.entries()]
    return [entry for entry in entries if isinstance(entry, DisclosureOutcome) and entry.batch == batch][-1]


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("run", [sync_school, reconcile_school])
def test_records_of_a_forgotten_batch_are_said_again_under_their_own_ids(world: MemoryWorld, taken: bool, run) -> None:
    left_open(world, taken=taken)
    with reading(world.engine) as connection:
        batch = connection.scalar(sa.select(BATCH.c.batch_id).where(BATCH.c.state == "open"))
    ids = set(world.portal.held(CODE))
    world.now += timedelta(days=31)
    world.rows["mark:10"].value = "5"
    balance = run(world.bridge(), CODE)
    assert balance.failure is not None
    assert balance.failure.code == "portal-batch-forgotten"
    assert "30" in balance.failure.wording.ru
    assert "dnevnik reconcile 0252" in balance.failure.wording.en
    assert balance.sent == 10
    held = world.portal.held(CODE)
    assert shown(world) == sorted(world.permitted().values())
    assert {record.revision for record in held.values()} == {2}
    assert not taken or set(held) == ids
    outcome = last_outcome(world, str(batch))
    assert (outcome.outcome, outcome.receipt) == ("taken", None)
    again = reconcile_school(world.bridge(), CODE)
    assert (again.failure, again.differences, again.sent) == (None, {}, 0)


def test_what_a_forgotten_batch_showed_is_taken_back_where_it_lost_its_ground_meanwhile(world: MemoryWorld) -> None:
    """Nobody would know of these records, had the portal's word been believed."""
    sync_school(world.bridge(), CODE)
    world.rows["mark:19"] = Row("1", "5", DAY)
    world.rows["mark:29"] = Row("2", "5", DAY)
    left_open(world, taken=True)
    world.now += timedelta(days=31)
    world.withdraw("1", "pa-1")
    balance = sweep_school(world.bridge(), CODE)
    assert balance.withdrawn == {"consent-withdrawn": 6}
    del world.rows["mark:29"]
    sync_school(world.bridge(), CODE)
    assert shown(world) == sorted(world.permitted().values())


def test_a_younger_batch_that_is_unknown_was_never_taken(world: MemoryWorld) -> None:
    left_open(world, taken=False)
    world.now += timedelta(days=28)
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent) == (None, 10)
    with reading(world.engine) as connection:
        states = connection.scalars(sa.select(BATCH.c.state)).all()
    assert sorted(states) == ["not-taken", "taken"]


def test_a_ledger_put_back_from_an_old_copy_is_mended_by_the_portals_holdings(world: MemoryWorld) -> None:
    """All that was sent since is unknown to it; nothing is shown twice, what has no ground goes."""
    sync_school(world.bridge(), CODE)
    with reading(world.engine) as connection:
        old = connection.execute(sa.select(RECORD)).mappings().all()
    world.rows["mark:10"].value = "5"
    world.rows["mark:19"] = Row("1", "3", DAY)
    del world.rows["mark:20"]
    sync_school(world.bridge(), CODE)
    world.now += timedelta(days=31)
    with world.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM batch_row"))
        connection.execute(RECORD.delete())
        connection.execute(RECORD.insert(), [dict(row) for row in old])
    balance = reconcile_school(world.bridge(), CODE)
    assert balance.failure is None
    assert balance.differences == {"extra": 1, "missing": 1, "newer": 1}
    assert shown(world) == sorted(world.permitted().values())
    assert reconcile_school(world.bridge(), CODE).differences == {}
