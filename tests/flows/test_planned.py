"""A plan that was written down: a sync by it does exactly what it says, or nothing when the world is another."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from worlds.memory_world import CODE, DiedError, Link, MemoryWorld, Row

from database import reading, writing
from delivery import holds
from delivery.actions import Act
from delivery.balance import SchoolBalance
from delivery.limits import Limits
from delivery.plan_file import PlanFile, SchoolPlan, decode_plan, encode_plan
from flows.steps import plan_school, sweep_school, sync_school
from journal.records import LinkEnd, LinkPut, Publish, Withdraw

DAY = date(2026, 10, 5)


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    """A school that was synced, then edited: all four deeds are to be done."""
    made = MemoryWorld(tmp_path)
    for student in "123":
        made.register(Link(student, f"pa-{student}"))
        for number in range(4):
            made.rows[f"mark:{student}{number}"] = Row(student, "4", DAY)
    assert sync_school(made.bridge(), CODE).sent == 12
    made.rows["mark:10"].value = "5"
    del made.rows["mark:11"]
    made.rows["mark:24"] = Row("2", "3", DAY)
    made.register(Link("4", "pa-4"))
    made.rows["mark:40"] = Row("4", "5", DAY)
    made.withdraw("3", "pa-3")
    made.portal.calls.clear()
    made.portal.acts.clear()
    return made


def planned(world: MemoryWorld) -> SchoolPlan:
    """The plan of the school as it would be read from a file."""
    kept: list[SchoolPlan] = []
    assert plan_school(world.bridge(), CODE, write=kept.append).failure is None
    file = PlanFile(world.now, "test", tuple(kept))
    return decode_plan(encode_plan(file)).schools[0]


def done(world: MemoryWorld) -> list[tuple[str, str, str]]:
    """What the portal was told since the last look, in order: deed, id, reason."""
    words = {Publish: "publish", Withdraw: "withdraw", LinkPut: "put-link", LinkEnd: "end-link"}
    told = [act.message for act in world.portal.acts]
    return [
        (
            words[type(one)],
            one.record_id if isinstance(one, Publish | Withdraw) else one.link_id,
            str(one.reason) if isinstance(one, Withdraw | LinkEnd) else "",
        )
        for one in told
    ]


def test_a_sync_does_what_the_plan_says_and_in_its_order(world: MemoryWorld) -> None:
    plan = planned(world)
    assert world.portal.calls == []
    known = {record.record_id for record in world.portal.held(CODE).values()}
    balance = sync_school(world.bridge(), CODE, only=plan)
    assert balance.failure is None
    told = done(world)
    reasons = {"end-link", "withdraw"}
    expected = [(act.deed, act.what, act.word if act.deed in reasons else "") for act in plan.acts if not act.new]
    assert sorted(one for one in told if one[0] != "publish" or one[1] in known) == sorted(expected)
    assert len(told) == len(plan.acts)
    assert [deed for deed, _, _ in told] == [act.deed for act in plan.acts]
    assert planned(world).acts == ()


def test_the_same_world_gives_the_same_plan(world: MemoryWorld) -> None:
    first = planned(world)
    world.now += timedelta(hours=3)
    assert planned(world) == first
    assert {act.deed for act in first.acts} == {"end-link", "withdraw", "put-link", "publish"}


def correct(world: MemoryWorld) -> None:
    world.rows["mark:24"].value = "2"


def delete(world: MemoryWorld) -> None:
    del world.rows["mark:12"]


def enter(world: MemoryWorld) -> None:
    world.rows["mark:41"] = Row("4", "5", DAY)


def move(world: MemoryWorld) -> None:
    world.rows["mark:24"].student = "1"


def cancel(world: MemoryWorld) -> None:
    world.rows["mark:12"].bad = "lesson-cancelled"


def damage(world: MemoryWorld) -> None:
    world.rows["mark:40"].bad = "undecodable-text"


def withdraw(world: MemoryWorld) -> None:
    world.withdraw("2", "pa-2")


def widen(world: MemoryWorld) -> None:
    world.register(Link("4", "pa-4", records_from=date(2026, 9, 15)))


def link(world: MemoryWorld) -> None:
    world.register(Link("1", "pa-1b"))


def come_of_age(world: MemoryWorld) -> None:
    world.birth_dates["1"] = world.today.replace(year=world.today.year - 18)


def pause(world: MemoryWorld) -> None:
    world.paused = ((world.today, world.today),)


def tighten(world: MemoryWorld) -> None:
    world.limits = Limits(0.0, 0, 0.0, 0)


CHANGES: list[tuple[Callable[[MemoryWorld], None], str]] = [
    (correct, "records to publish: 1 other"),
    (delete, "records to take back: 1 new"),
    (enter, "records to publish: 1 new"),
    (move, "records to publish: 1 new, 1 gone"),
    (cancel, "records to take back: 1 new"),
    (damage, "records to publish: 1 gone"),
    (withdraw, "links to close: 1 new; records to take back: 4 new; records to publish: 1 gone"),
    (widen, "links to open: 1 other"),
    (link, "links to open: 1 new"),
    (come_of_age, "links to close: 1 new; records to take back: 3 new, 1 other; records to publish: 1 gone"),
    (pause, "then: nothing held the transfer back, now: a pause of the school"),
    (tighten, "then: nothing held the transfer back, now: a hold by the limits"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES, ids=lambda one: getattr(one, "__name__", ""))
def test_another_world_refuses_the_plan_by_counts_and_sends_nothing(
    world: MemoryWorld, change: Callable[[MemoryWorld], None], said: str
) -> None:
    plan = planned(world)
    change(world)
    balance = sync_school(world.bridge(), CODE, only=plan)
    assert balance.failure is not None
    assert balance.failure.code == "plan-outdated"
    assert f"this has changed: {said}. Nothing was sent." in balance.failure.wording.en
    assert "Ничего не отправлено" in balance.failure.wording.ru
    assert world.portal.calls == []
    anew = planned(world)
    assert (anew.stop, anew.digest) != (plan.stop, plan.digest)
    assert sync_school(world.bridge(), CODE, only=anew).failure is None


def test_a_change_that_was_undone_is_none(world: MemoryWorld) -> None:
    plan = planned(world)
    world.rows["mark:12"].value = "2"
    assert planned(world).digest != plan.digest
    world.rows["mark:12"].value = "4"
    assert sync_school(world.bridge(), CODE, only=plan).failure is None


def test_a_sweep_between_makes_the_plan_another(world: MemoryWorld) -> None:
    plan = planned(world)
    assert sweep_school(world.bridge(), CODE).withdrawn == {"consent-withdrawn": 4}
    refused = sync_school(world.bridge(), CODE, only=plan)
    assert refused.failure is not None
    assert "links to close: 1 gone; records to take back: 4 gone" in refused.failure.wording.en


def test_a_school_that_cannot_be_read_is_not_even_swept_by_a_plan(world: MemoryWorld) -> None:
    plan = planned(world)
    world.read_fails = ZeroDivisionError()
    assert code_of(sync_school(world.bridge(), CODE, only=plan)) == "internal"
    assert world.portal.calls == []


def test_a_plan_made_while_an_outcome_was_unknown_fits_only_if_nothing_arrived(world: MemoryWorld) -> None:
    world.die_at = ("reply-received", 0)
    with pytest.raises(DiedError):
        sync_school(world.bridge(), CODE)
    plan = planned(world)
    world.portal.acts.clear()
    assert code_of(sync_school(world.bridge(), CODE, only=plan)) == "plan-outdated"
    assert done(world) == []


def test_a_held_plan_goes_once_it_was_approved(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.limits = Limits(0.0, 0, 1.0, 0)
    del world.rows["mark:13"]
    world.rows["mark:25"] = Row("2", "5", DAY)
    plan = planned(world)
    assert plan.stop == "held"
    world.portal.calls.clear()
    held = sync_school(world.bridge(), CODE, only=plan)
    assert held.held is not None
    assert held.held.digest == plan.digest
    assert (held.failure, world.portal.calls) == (None, [])
    approve(world)
    assert sync_school(world.bridge(), CODE, only=plan).withdrawn == {"deleted": 1}


def test_an_approval_outlives_a_withdrawal_that_the_law_demands(world: MemoryWorld) -> None:
    """What waits for the approval is the same, whoever withdrew a consent meanwhile."""
    sync_school(world.bridge(), CODE)
    world.limits = Limits(0.0, 0, 1.0, 0)
    del world.rows["mark:13"]
    assert sync_school(world.bridge(), CODE).held is not None
    approve(world)
    world.withdraw("2", "pa-2")
    balance = sync_school(world.bridge(), CODE)
    assert balance.held is None
    assert balance.withdrawn == {"deleted": 1, "consent-withdrawn": 5}


def test_an_approval_counts_for_exactly_the_acts_that_were_held(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.limits = Limits(0.0, 0, 1.0, 0)
    del world.rows["mark:13"]
    assert sync_school(world.bridge(), CODE).held is not None
    approve(world)
    world.register(Link("1", "pa-1b"))
    held = sync_school(world.bridge(), CODE)
    assert held.held is not None
    assert held.links_put == 0


def test_acts_name_no_person_and_no_row(world: MemoryWorld) -> None:
    told = encode_plan(PlanFile(world.now, "test", (planned(world),))).decode()
    for secret in ("mark:", "pa-4", "pa-3", "Физика", '"4"', '"5"'):
        assert secret not in told
    assert isinstance(planned(world).acts[0], Act)


def approve(world: MemoryWorld) -> None:
    with reading(world.engine) as connection:
        (waiting,) = holds.list_holds(connection, CODE)
    with writing(world.engine) as connection:
        holds.decide_hold(connection, CODE, waiting.plan.digest[:12], holds.APPROVED, "Завуч", world.now)


def code_of(balance: SchoolBalance) -> str | None:
    return balance.failure.code if balance.failure else None
