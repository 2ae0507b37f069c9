"""A batch that the portal did not know when it was asked, and that arrives all the same."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.memory_world import CODE, DiedError, Link, MemoryWorld, Row

from audit.keys import load_signing_key
from audit.verify import verify_log
from database import reading
from delivery.tables import BATCH, BATCH_ROW, RECORD
from flows.steps import sweep_school, sync_school
from journal.records import PreparedBatch

DAY = date(2026, 10, 5)


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    made = MemoryWorld(tmp_path)
    for student in "12":
        made.register(Link(student, f"pa-{student}"))
        for number in range(3):
            made.rows[f"mark:{student}{number}"] = Row(student, str(number % 4 + 2), DAY)
    return made


def killed_with_a_batch_in_its_hands(world: MemoryWorld) -> PreparedBatch:
    """Sync until the process dies just before the socket; returns the batch, which is on its way."""
    prepare, made = world.portal.prepare, []
    world.portal.prepare = lambda *arguments: made.append(prepare(*arguments)) or made[-1]
    world.die_at = ("about-to-send", 0)
    with pytest.raises(DiedError):
        sync_school(world.bridge(), CODE)
    world.portal.prepare = prepare
    return made[0]


def shown(world: MemoryWorld) -> list[tuple[str, str]]:
    with reading(world.engine) as connection:
        keys = {row.record_id: row.student_key for row in connection.execute(sa.select(RECORD))}
    return sorted((keys[key], record.value) for key, record in world.portal.held(CODE).items())


def agrees(world: MemoryWorld) -> None:
    assert shown(world) == sorted(world.permitted().values())
    assert verify_log(world.folder / "audit", load_signing_key(world.pem, "test-log").verifier).ok


def states(world: MemoryWorld) -> dict[str, int]:
    with reading(world.engine) as connection:
        rows = connection.execute(sa.select(BATCH.c.state, sa.func.count()).group_by(BATCH.c.state))
        return {state: count for state, count in rows}  # noqa: C416  rows of two columns


def test_what_arrives_late_without_ground_is_found_by_the_next_sweep_and_taken_back(world: MemoryWorld) -> None:
    late = killed_with_a_batch_in_its_hands(world)
    world.withdraw("1", "pa-1")
    assert sync_school(world.bridge(), CODE).failure is None
    world.now += timedelta(minutes=1)
    world.portal.submit(late)
    assert shown(world) != sorted(world.permitted().values())
    world.now += timedelta(minutes=1)
    assert sweep_school(world.bridge(), CODE).withdrawn == {"consent-withdrawn": 3}
    agrees(world)
    assert set(states(world)) == {"taken"}


def test_what_arrives_late_and_was_overtaken_changes_nothing_that_lasts(world: MemoryWorld) -> None:
    late = killed_with_a_batch_in_its_hands(world)
    before = world.rows["mark:10"].value
    world.rows["mark:10"].value = "1"
    assert sync_school(world.bridge(), CODE).sent == 6
    world.portal.submit(late)
    agrees(world)
    sweep_school(world.bridge(), CODE)
    world.rows["mark:10"].value = before  # as the late batch had it, but not as the portal shows it
    assert sync_school(world.bridge(), CODE).failure is None
    agrees(world)
    assert sync_school(world.bridge(), CODE).sent == 0


def test_a_batch_is_looked_out_for_a_while_and_then_forgotten(world: MemoryWorld) -> None:
    killed_with_a_batch_in_its_hands(world)
    sync_school(world.bridge(), CODE)
    for minutes, asked in ((10, 1), (4, 1), (2, 0)):
        world.now += timedelta(minutes=minutes)
        world.portal.calls.clear()
        sweep_school(world.bridge(), CODE)
        assert world.portal.calls.count("receipt") == asked
    world.now += timedelta(days=1)
    sweep_school(world.bridge(), CODE)
    with reading(world.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(BATCH_ROW)) == 0
    assert states(world) == {"taken": 2, "not-taken": 1}
