"""A run that ends half way: each record that was read has exactly one fate, and the next run does the rest once."""

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.memory_world import CODE, Link, MemoryWorld, Row

from database import reading
from delivery.runs import last_balances
from delivery.tables import RECORD
from flows.steps import sync_school
from journal.portal import PortalError, Resend

DAY = date(2026, 10, 5)
BATCHES = 5

STOPS = {
    "silence": PortalError("timeout", Resend.UNKNOWN),
    "refusal": PortalError("NotAuthorized", Resend.FINAL),
    "rest": PortalError("Maintenance", Resend.RETRYABLE, retry_after=3600),
}


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("after", range(BATCHES))
def test_each_record_has_one_fate_wherever_a_run_ends(tmp_path: Path, stop: str, after: int, taken: bool) -> None:
    world = MemoryWorld(tmp_path, batch_records=2)
    world.register(Link("1", "pa-1"))
    for number in range(2 * BATCHES):
        world.rows[f"mark:{number}"] = Row("1", "4", DAY)
    world.rows["mark:aside"] = Row("1", "4", DAY, bad="undecodable-text")
    world.rows["mark:other"] = Row("2", "4", DAY)
    submit, calls = world.portal.submit, []

    def until(batch):
        calls.append(batch)
        if len(calls) <= after:
            return submit(batch)
        if taken and stop == "silence":
            submit(batch)
            world.portal.fail_before("receipt", STOPS[stop], times=9)
        elif stop == "silence":
            world.portal.fail_before("receipt", STOPS[stop], times=9)
        raise STOPS[stop]

    world.portal.submit = until
    balance = sync_school(world.bridge(), CODE)
    assert balance.failure is not None
    assert balance.read == 2 * BATCHES + 2
    assert (balance.sent, balance.failed) == (2 * after, 2 * (BATCHES - after))
    assert (balance.set_aside, balance.withheld) == ({"undecodable-text": 1}, {"no-link": 1})
    assert balance.balances
    with reading(world.engine) as connection:
        (kept,) = last_balances(connection, [CODE])
    assert (kept.run, kept.sent, kept.failed, kept.failure) == (
        balance.run,
        balance.sent,
        balance.failed,
        balance.failure,
    )
    world.portal.submit = submit
    world.portal.faults.clear()
    world.now = world.now.replace(hour=world.now.hour + 2)
    rest = sync_school(world.bridge(), CODE)
    assert rest.failure is None
    assert rest.balances
    arrived = 2 * (after + (taken and stop == "silence"))
    assert (rest.unchanged, rest.sent) == (arrived, 2 * BATCHES - arrived)
    assert len(world.portal.held(CODE)) == 2 * BATCHES
    said = [act.message.record_id for act in world.portal.acts if hasattr(act.message, "record_id")]
    assert len(said) == len(set(said))
    with reading(world.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(RECORD).where(RECORD.c.held)) == 2 * BATCHES
