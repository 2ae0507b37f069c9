"""Withdrawals go first: a consent that ends while its school is read or sent is acted upon before anything else."""

import itertools
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.memory_portal import MemoryPortal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds.memory_world import CODE, Link, MemoryWorld, Row

from database import reading
from delivery.patience import Patience
from delivery.tables import BATCH, LINK_STATE, RECORD
from flows.steps import sweep_school, sync_school
from journal.portal import PortalError, Resend
from journal.records import LinkEnd, LinkPut, Publish, Withdraw

DAY = date(2026, 10, 5)
OPERATIONS = ("submit", "receipt", "put_link", "end_link")


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    return school(tmp_path)


def school(folder: Path, students: str = "123", records: int = 4) -> MemoryWorld:
    made = MemoryWorld(folder)
    for student in students:
        made.register(Link(student, f"pa-{student}"))
        for number in range(records):
            made.rows[f"mark:{student}{number}"] = Row(student, str(number % 4 + 2), DAY)
    return made


def after_each(portal: MemoryPortal, act: Callable[[str, object], None]) -> None:
    """Let something happen after each call of the portal, when its answer is on the way back."""

    def wrapped(name: str) -> Callable[..., object]:
        original = getattr(portal, name)

        def call(*arguments: object) -> object:
            answer = original(*arguments)
            act(name, arguments[0])
            return answer

        return call

    for name in OPERATIONS:
        setattr(portal, name, wrapped(name))


def once(condition: Callable[[str, object], bool], act: Callable[[], None]) -> Callable[[str, object], None]:
    done = False

    def maybe(name: str, argument: object) -> None:
        nonlocal done
        if not done and condition(name, argument):
            done = True
            act()

    return maybe


def shown(world: MemoryWorld) -> list[tuple[str, str]]:
    with reading(world.engine) as connection:
        keys = {r.record_id: r.student_key for r in connection.execute(sa.select(RECORD))}
    return sorted((keys[key], record.value) for key, record in world.portal.held(CODE).items())


def agrees(world: MemoryWorld) -> None:
    """The portal shows exactly what the oracle permits, and no batch is left without an outcome."""
    assert shown(world) == sorted(world.permitted().values())
    accounts = {link.account_id for link in world.portal.active_links(CODE).values()}
    assert accounts == {account for _, account in world.open_links()}
    with reading(world.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(BATCH.c.state == "open")) == 0


def deeds(world: MemoryWorld, since: int = 0) -> list[str]:
    names = {Publish: "publish", Withdraw: "withdraw", LinkPut: "put", LinkEnd: "end"}
    return [name for name, _ in itertools.groupby(names[type(act.message)] for act in world.portal.acts[since:])]


def test_what_was_sent_in_this_very_run_is_taken_back_before_anything_else_is_sent(world: MemoryWorld) -> None:
    def of_the_first_sent() -> None:
        student = shown(world)[0][0]
        world.withdraw(student, f"pa-{student}")

    after_each(world.portal, once(lambda name, _: name == "submit", of_the_first_sent))
    balance = sync_school(world.bridge(), CODE)
    assert deeds(world) == ["put", "publish", "end", "withdraw", "publish"]
    assert balance.failure is None
    assert (balance.sent, balance.withheld, balance.withdrawn) == (
        3 + 8,
        {"consent-changed": 1},
        {"consent-withdrawn": 3},
    )
    assert balance.balances
    assert balance.links_ended == 1
    agrees(world)


def test_what_was_found_unchanged_and_is_then_taken_back_is_withheld(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    for student in "123":
        world.rows[f"mark:{student}0"].value = "1"

    def of_one_not_sent_yet() -> None:
        waiting = [student for student in "123" if (student, "1") not in shown(world)]
        world.withdraw(waiting[-1], f"pa-{waiting[-1]}")

    after_each(world.portal, once(lambda name, _: name == "submit", of_one_not_sent_yet))
    world.batch_records = 1
    balance = sync_school(world.bridge(), CODE)
    assert (balance.read, balance.sent, balance.unchanged) == (12, 2, 6)
    assert balance.withheld == {"consent-changed": 4}  # three were unchanged, one waited to be sent again
    assert balance.withdrawn == {"consent-withdrawn": 4}
    assert balance.balances
    agrees(world)


def test_a_batch_that_waits_gives_way_and_what_still_has_a_ground_goes_in_the_same_run(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    for student in "123":
        world.rows[f"mark:{student}0"].value = "5"
        world.rows[f"mark:{student}9"] = Row(student, "5", DAY)
    world.batch_records = 6
    original = world.portal.submit

    def throttled(_batch: object) -> object:
        world.portal.submit = original
        world.withdraw("2", "pa-2")
        raise PortalError("Throttled", Resend.RETRYABLE, retry_after=0)

    world.portal.submit = throttled
    since = len(world.portal.acts)
    balance = sync_school(world.bridge(), CODE)
    assert deeds(world, since) == ["end", "withdraw", "publish"]
    assert (balance.sent, balance.failed, balance.failure) == (4, 0, None)
    assert balance.balances
    agrees(world)


def test_the_portals_wait_is_kept_for_what_it_refused_and_not_for_a_withdrawal(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.rows["mark:10"].value = "5"
    world.portal.fail_before("submit", PortalError("Throttled", Resend.RETRYABLE, retry_after=4))
    bridge = replace(world.bridge(), patience=Patience(attempts=3, total_seconds=20, longest_wait=5))
    ended_at: list[int] = []
    after_each(world.portal, lambda name, _: ended_at.append(len(world.portal.calls)) if name == "end_link" else None)
    threading.Timer(0.5, world.withdraw, ("3", "pa-3")).start()
    since = len(world.portal.calls)
    assert sync_school(bridge, CODE).failure is None
    assert world.portal.calls[since:] == ["submit", "end_link", "submit", "submit", "submit"]
    agrees(world)


def test_a_school_that_is_long_in_reading_holds_no_withdrawal_up(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    taken_back = threading.Event()

    def slowly() -> None:
        world.withdraw("1", "pa-1")
        assert taken_back.wait(20), "the withdrawal waited for the school"

    world.before_reading = slowly
    after_each(world.portal, lambda name, _: taken_back.set() if name == "submit" else None)
    assert sync_school(world.bridge(), CODE).failure is None
    agrees(world)


def test_a_new_day_is_noticed_while_sending(world: MemoryWorld) -> None:
    world.register(Link("1", "pa-1", in_force_to=world.today))
    sync_school(world.bridge(), CODE)
    world.rows["mark:29"] = Row("2", "5", DAY)

    def midnight() -> None:
        world.now += timedelta(days=1)

    after_each(world.portal, once(lambda name, _: name == "submit", midnight))
    balance = sync_school(world.bridge(), CODE)
    assert balance.withdrawn == {"consent-expired": 4}
    agrees(world)


def test_a_link_that_was_opened_and_lost_its_ground_in_one_breath_is_closed_and_stays_closed(
    world: MemoryWorld,
) -> None:
    first = lambda name, link: name == "put_link" and link.account_id == "pa-1"  # noqa: E731  a condition
    after_each(world.portal, once(first, lambda: world.withdraw("1", "pa-1")))
    balance = sync_school(world.bridge(), CODE)
    assert balance.withheld == {"consent-changed": 4}
    agrees(world)
    with reading(world.engine) as connection:
        states = connection.execute(sa.select(LINK_STATE.c.active, LINK_STATE.c.pending)).all()
    assert sorted(states) == [(False, False), (True, False), (True, False)]
    assert sync_school(world.bridge(), CODE).links_ended == 0


def test_a_link_whose_consent_was_narrowed_after_it_was_stored_is_never_put_as_it_was(world: MemoryWorld) -> None:
    first = lambda name, link: name == "put_link" and link.account_id == "pa-1"  # noqa: E731  a condition
    after_each(world.portal, once(first, lambda: world.register(Link("3", "pa-3", kinds="absence"))))
    balance = sync_school(world.bridge(), CODE)
    puts = [a.message for a in world.portal.acts if isinstance(a.message, LinkPut) and a.message.account_id == "pa-3"]
    assert [len(put.kinds) for put in puts] == [1]
    assert balance.withheld == {"consent-changed": 4}
    agrees(world)


def test_what_cannot_be_taken_back_stops_the_run_and_the_next_one_does_it(world: MemoryWorld) -> None:
    lost = PortalError("timeout", Resend.UNKNOWN)

    def withdrawn_and_down() -> None:
        world.withdraw("1", "pa-1")
        world.portal.fail_before("end_link", lost, times=9)
        world.portal.fail_before("submit", lost, times=1)
        world.portal.fail_before("receipt", lost, times=9)

    after_each(world.portal, once(lambda name, _: name == "submit", withdrawn_and_down))
    balance = sync_school(world.bridge(), CODE)
    assert balance.failure is not None
    assert balance.failure.code == "portal-timeout"
    assert (balance.sent, balance.balances) == (3, True)
    world.portal.faults.clear()
    assert sweep_school(world.bridge(), CODE).failure is None
    assert sync_school(world.bridge(), CODE).failure is None
    agrees(world)


@given(
    interruptions=st.lists(st.tuples(st.integers(0, 12), st.sampled_from("1234")), max_size=4),
    synced_before=st.booleans(),
    batch_records=st.integers(1, 6),
    throttled=st.integers(0, 2),
)
@settings(
    max_examples=500 if os.environ.get("DNEVNIK_SOAK") == "1" else 15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_nothing_is_shown_to_an_account_after_its_consent_was_withdrawn(
    tmp_path_factory: pytest.TempPathFactory,
    interruptions: list[tuple[int, str]],
    synced_before: bool,
    batch_records: int,
    throttled: int,
) -> None:
    world = school(tmp_path_factory.mktemp("world"), "1234", 3)
    world.register(Link("4", "pa-4b", kinds="absence"))
    world.batch_records = batch_records
    if synced_before:
        sync_school(world.bridge(), CODE)
        for student in "1234":
            world.rows[f"mark:{student}0"].value = "5"
            world.rows[f"mark:{student}7"] = Row(student, "4", DAY)
        del world.rows["mark:12"]
    world.portal.fail_before("submit", PortalError("Throttled", Resend.RETRYABLE, retry_after=0), times=throttled)
    calls = itertools.count()
    withdrawn: list[tuple[int, str]] = []

    def interrupt(_name: str, _argument: object) -> None:
        number = next(calls)
        for at, student in interruptions:
            if at == number and world.links[student, f"pa-{student}"].withdrawn is None:
                world.withdraw(student, f"pa-{student}")
                withdrawn.append((len(world.portal.exposures), student))

    after_each(world.portal, interrupt)
    balance = sync_school(world.bridge(), CODE)
    if balance.failure is None:
        agrees(world)
    assert balance.balances
    for seen, student in withdrawn:
        later = [shown_to.account_id for shown_to in world.portal.exposures[seen:]]
        assert f"pa-{student}" not in later
    assert sync_school(world.bridge(), CODE).failure is None
    agrees(world)
    again = sync_school(world.bridge(), CODE)
    assert (again.sent, again.withdrawn, again.links_put, again.links_ended) == (0, {}, 0, 0)
