"""A consent that covers less from now on takes back as a withdrawal does: at once, in a run, a sweep, under a pause."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.memory_world import CODE, Link, MemoryWorld, Row

from database import reading
from delivery.tables import RECORD
from flows.steps import sweep_school, sync_school
from journal.portal import PortalError, Resend
from journal.records import LinkEnd, LinkPut, LinkState, Publish

DAY, LATER = date(2026, 10, 5), date(2026, 10, 12)
FULL, NARROW = Link("1", "pa-2"), Link("1", "pa-2", kinds="absence")


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    made = MemoryWorld(tmp_path, batch_records=2)
    made.register(Link("1", "pa-1"))
    made.register(FULL)
    for number in range(8):
        made.rows[f"mark:{number}"] = Row("1", "4", DAY)
    return made


def seen(world: MemoryWorld, account: str) -> int:
    return len(world.portal.visible(CODE, account))


def after_first_submit(world: MemoryWorld, act: Callable[[], None]) -> None:
    submit = world.portal.submit

    def once(batch: object) -> object:
        answer = submit(batch)
        world.portal.submit = submit
        act()
        return answer

    world.portal.submit = once


def test_in_a_run_nothing_more_is_published_before_the_link_shows_less(world: MemoryWorld) -> None:
    after_first_submit(world, lambda: world.register(NARROW))
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent) == (None, 8)
    messages = [act.message for act in world.portal.acts]
    narrowed = next(place for place, one in enumerate(messages) if isinstance(one, LinkPut) and len(one.kinds) == 1)
    assert sum(isinstance(one, Publish) for one in messages[:narrowed]) == 2
    assert (seen(world, "pa-1"), seen(world, "pa-2")) == (8, 0)


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("run", [sweep_school, sync_school])
def test_a_sweep_and_a_paused_run_tell_it(world: MemoryWorld, run: Callable[..., object], paused: bool) -> None:
    sync_school(world.bridge(), CODE)
    if paused:
        world.paused = ((world.today, world.today),)
    world.register(NARROW)
    run(world.bridge(), CODE)
    assert (seen(world, "pa-1"), seen(world, "pa-2")) == (8, 0)
    calls = len(world.portal.calls)
    sweep_school(world.bridge(), CODE)
    assert len(world.portal.calls) == calls


@pytest.mark.parametrize("run", [sweep_school, sync_school])
def test_a_consent_that_covers_more_waits_for_the_end_of_a_pause(
    world: MemoryWorld, run: Callable[..., object]
) -> None:
    world.register(NARROW)
    sync_school(world.bridge(), CODE)
    assert seen(world, "pa-2") == 0
    world.paused = ((world.today, world.today),)
    world.register(FULL)
    run(world.bridge(), CODE)
    assert seen(world, "pa-2") == 0
    world.paused = ()
    sync_school(world.bridge(), CODE)
    assert seen(world, "pa-2") == 8


def test_what_was_taken_back_while_its_batch_waited_goes_again_under_a_newer_revision(tmp_path: Path) -> None:
    """A record moves to another day; while that waits, the consent comes to cover the new day and no more the old."""
    world = MemoryWorld(tmp_path, batch_records=2)
    world.register(Link("1", "pa-1"))
    world.rows["mark:1"] = Row("1", "4", DAY)
    sync_school(world.bridge(), CODE)
    world.rows["mark:1"].day = LATER
    submit = world.portal.submit

    def throttled(_batch: object) -> object:
        world.portal.submit = submit
        world.register(replace(FULL, account="pa-1", records_from=LATER))
        raise PortalError("Throttled", Resend.RETRYABLE, retry_after=0)

    world.portal.submit = throttled
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent) == (None, 1)
    assert [record.date for record in world.portal.visible(CODE, "pa-1").values()] == [LATER]
    with reading(world.engine) as connection:
        held, day, revision = connection.execute(sa.select(RECORD.c.held, RECORD.c.date, RECORD.c.revision)).one()
    (record,) = world.portal.held(CODE).values()
    assert (held, day, revision) == (True, LATER, record.revision)


def refuse_for(world: MemoryWorld, account: str) -> Callable[[], None]:
    """Let the portal refuse to end a link of an account, and to let it show less; returns what ends this."""
    put, end = world.portal.put_link, world.portal.end_link
    links: set[str] = set()

    def refusing_put(message: LinkPut) -> LinkState:
        if message.account_id == account:
            links.add(message.link_id)
            if len(message.kinds) == 1:
                raise PortalError("SchemaViolation", Resend.FINAL)
        return put(message)

    def refusing_end(message: LinkEnd) -> LinkState:
        if message.link_id in links:
            raise PortalError("SchemaViolation", Resend.FINAL)
        return end(message)

    def over() -> None:
        world.portal.put_link, world.portal.end_link = put, end

    world.portal.put_link, world.portal.end_link = refusing_put, refusing_end
    return over


@pytest.mark.parametrize("less", [NARROW, "withdrawn"])
def test_of_a_student_whose_link_the_portal_leaves_as_it_was_nothing_new_is_published(
    world: MemoryWorld, less: Link | str
) -> None:
    over = refuse_for(world, "pa-2")
    world.register(Link("2", "pa-3"))
    sync_school(world.bridge(), CODE)
    assert seen(world, "pa-2") == 8
    world.withdraw("1", "pa-2") if less == "withdrawn" else world.register(NARROW)
    world.rows["mark:20"] = Row("1", "5", DAY)
    world.rows["mark:21"] = Row("2", "5", DAY)
    balance = sync_school(world.bridge(), CODE)
    assert (seen(world, "pa-1"), seen(world, "pa-2"), seen(world, "pa-3")) == (8, 8, 1)
    assert balance.failure is not None
    assert balance.failure.code == "not-taken-back"
    assert (balance.sent, balance.failed, balance.balances) == (1, 1, True)
    over()
    assert sync_school(world.bridge(), CODE).failure is None
    assert (seen(world, "pa-1"), seen(world, "pa-2"), seen(world, "pa-3")) == (9, 0, 1)


@pytest.mark.parametrize("less", [NARROW, "withdrawn"])
def test_so_it_is_where_the_portal_refuses_in_the_middle_of_a_run(world: MemoryWorld, less: Link | str) -> None:
    refuse_for(world, "pa-2")
    after_first_submit(world, lambda: world.withdraw("1", "pa-2") if less == "withdrawn" else world.register(NARROW))
    balance = sync_school(world.bridge(), CODE)
    assert seen(world, "pa-2") == 2
    assert balance.failure is not None
    assert balance.failure.code == "not-taken-back"
    assert (balance.sent, sum(balance.withheld.values()), balance.balances) == (2, 6, True)


def test_a_link_that_was_put_between_two_requests_is_not_told_once_more(world: MemoryWorld) -> None:
    world.register(NARROW)
    sync_school(world.bridge(), CODE)
    before = len(world.portal.acts)
    world.register(FULL)
    del world.rows["mark:0"]
    after_first_submit(world, lambda: world.register(replace(FULL, kinds="late")))
    assert sync_school(world.bridge(), CODE).failure is None
    puts = [act.message for act in world.portal.acts[before:] if isinstance(act.message, LinkPut)]
    assert [sorted(map(str, put.kinds)) for put in puts] == [["late"]]
