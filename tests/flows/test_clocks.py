"""Clocks that are wrong by hours, the bridge's or the portal's: nothing goes twice, and the sentence names the clock.

The portal refuses what seems stale to it, and the refusal seems stale to the bridge: it is not believed either.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.memory_world import CODE, Link, MemoryWorld
from worlds.wired_world import WiredWorld, lasting_keys, wired_world

from commands.check_outside import clock as clock_finding
from commands.findings import Condition
from connectors.portals import connector
from database import reading
from delivery.tables import BATCH
from flows.reconciling import reconcile_school
from flows.steps import plan_school, sweep_school, sync_school
from journal.wording import Language

HOURS = [timedelta(hours=-5), timedelta(minutes=-11), timedelta(minutes=11), timedelta(hours=5)]
IDS = ["5 h behind", "11 min behind", "11 min ahead", "5 h ahead"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lasting_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def world(tmp_path: Path, keys: Path) -> Iterator[WiredWorld]:
    with wired_world(tmp_path, keys) as made:
        yield made


def each_said_once(world: WiredWorld) -> None:
    said = world.said()
    assert len(said) == len(set(said))
    assert [value for value, _ in world.shown()] == sorted(value for _, value in world.permitted().values())
    with reading(world.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(BATCH.c.state == "open")) == 0
    assert reconcile_school(world.bridge(), CODE).differences == {}


@pytest.mark.parametrize("wrong", HOURS, ids=IDS)
def test_a_portal_whose_clock_is_wrong_takes_nothing_and_all_goes_once_it_is_right(
    world: WiredWorld, wrong: timedelta
) -> None:
    world.portal_now = world.now + wrong
    for run in (sync_school, sync_school, reconcile_school):
        balance = run(world.bridge(), CODE)
        assert balance.failure is not None
        assert balance.failure.code == "portal-reply-untrusted"
        for sentence, word in ((balance.failure.wording.ru, "часы"), (balance.failure.wording.en, "clock")):
            assert word in sentence
            assert "dnevnik check" in sentence
            assert "NTP" in sentence
    assert world.said() == []
    world.portal_now = world.now
    assert sync_school(world.bridge(), CODE).sent == 10
    each_said_once(world)


@pytest.mark.parametrize("wrong", HOURS, ids=IDS)
def test_a_portal_whose_clock_jumps_after_it_took_a_batch(world: WiredWorld, wrong: timedelta) -> None:
    """It takes the batch by a right clock and loses the reply; what is asked after that is stale to either side."""
    world.server.fail_next("cut-after", operation="SubmitJournal")
    submit = world.portal.submit

    def jump(batch):
        try:
            return submit(batch)
        finally:
            world.portal_now = world.now + wrong

    world.portal.submit = jump
    first = sync_school(world.bridge(), CODE)
    world.portal.submit = submit
    assert first.failure is not None
    assert first.failure.code == "portal-reply-untrusted"
    assert sync_school(world.bridge(), CODE).failure is not None
    world.portal_now = world.now
    second = sync_school(world.bridge(), CODE)
    assert (second.failure, second.sent, second.unchanged) == (None, 0, 10)
    assert len(world.said()) == 12
    each_said_once(world)


def test_a_reply_of_another_hour_is_not_believed_and_asked_for_again(world: WiredWorld) -> None:
    world.server.fail_next("stale-timestamp", times=None)
    first = sync_school(world.bridge(), CODE)
    assert first.failure is not None
    assert first.failure.code == "portal-reply-untrusted"
    assert "clock" in first.failure.wording.en
    assert len(world.shown()) == 0
    world.server.clear_faults()
    assert sync_school(world.bridge(), CODE).failure is None
    each_said_once(world)


@pytest.mark.parametrize("wrong", HOURS, ids=IDS)
def test_a_bridge_whose_clock_is_wrong_after_a_good_run(world: WiredWorld, wrong: timedelta) -> None:
    assert sync_school(world.bridge(), CODE).sent == 10
    world.rows["mark:10"].value = "1"
    right = world.now
    world.now = right + wrong
    for run in (sync_school, sync_school, reconcile_school):
        balance = run(world.bridge(), CODE)
        assert balance.failure is not None
        behind = wrong < timedelta(0)  # then the registry knows of a later moment, though only a run of decisions asks
        assert balance.failure.code in (
            {"clock-back", "portal-reply-untrusted"} if behind else {"portal-reply-untrusted"}
        )
        assert "clock" in balance.failure.wording.en
        assert "часы" in balance.failure.wording.ru.lower()
    assert len(world.said()) == 12
    world.now = right
    assert sync_school(world.bridge(), CODE).sent == 1
    each_said_once(world)


def test_check_tells_how_far_the_clocks_are_apart_though_nobody_trusts_the_other(world: WiredWorld) -> None:
    for wrong in HOURS:
        world.portal_now = world.now + wrong
        seen = connector("diary-exchange-1").probe(world.connection(), CODE)
        assert (seen.reached, seen.understood) == (True, False)
        assert seen.clock_difference is not None
        assert abs(seen.clock_difference - wrong) < timedelta(seconds=5)
        finding = clock_finding(seen.clock_difference)
        assert finding.condition is Condition.WRONG
        assert str(round(wrong.total_seconds())) in finding.line(Language.EN)


# the registry's own rule


def test_by_a_clock_behind_the_registry_no_run_sends_and_each_says_so(tmp_path: Path) -> None:
    """Something was recorded by a clock five hours ahead; then the clock was set right."""
    world = MemoryWorld(tmp_path)
    world.register(Link("1", "pa-1"))
    assert sync_school(world.bridge(), CODE).failure is None
    right = world.now
    world.now = right + timedelta(hours=5)
    world.register(Link("2", "pa-2"))
    world.now = right + timedelta(minutes=1)
    acts, entries = len(world.portal.acts), world.log.checkpoint().size
    for run in (sync_school, sweep_school, plan_school):
        balance = run(world.bridge(), CODE)
        assert balance.failure is not None
        assert balance.failure.code == "clock-back"
        assert "Set the clock" in balance.failure.wording.en
    assert len(world.portal.acts) == acts
    assert world.log.checkpoint().size <= entries + 2  # the sync began and ended; the sweep left nothing
    world.now = right + timedelta(hours=5, seconds=1)
    assert sync_school(world.bridge(), CODE).failure is None
    assert {link.account_id for link in world.portal.active_links(CODE).values()} == {"pa-1", "pa-2"}
