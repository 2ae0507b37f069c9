"""A school whose teachers fill in too few lessons in time: named in the balance, and held where the settings say so."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from worlds.changing_school import ChangingSchool, changing_school, write_school
from worlds.memory_world import CODE

from database import reading, writing
from delivery import holds
from delivery.runs import last_balances
from flows.steps import plan_school, sweep_school
from journal.actuality import Actuality, Goal, SchoolActuality
from mappings.profile import PROFILES, load_profile
from reports.reason_text import Fate
from reports.reasons import catalogue

FILLED = ("UPDATE LESSON SET FILLED_AT = LESSON_DATE || ' 12:00:00' WHERE ID <= ?", (10,))
CORRECTED = ("UPDATE MARK SET TYPE_ID = 402 WHERE ID = ?", (3,))
NONE = Actuality(0, 0, 11, {"within-term": 1})
HOLDS = Goal(2, 0.95, holds=True)


@pytest.fixture
def world(tmp_path: Path) -> ChangingSchool:
    """A school of twelve lessons, none filled in, of whose students one has a parent who consented."""
    write_school(tmp_path / "template.db")
    made = changing_school(tmp_path / "template.db", tmp_path / "world", parents=(1,))
    made.goal = HOLDS
    return made


def waiting(world: ChangingSchool) -> list[holds.Hold]:
    with reading(world.engine) as connection:
        return holds.list_holds(connection, CODE)


def decide(world: ChangingSchool, decision: str) -> None:
    (one,) = waiting(world)
    with writing(world.engine) as connection:
        holds.decide_hold(connection, CODE, one.plan.digest, decision, "test", world.now)


def figure(world: ChangingSchool) -> Actuality:
    world.now += timedelta(minutes=1)
    balance = world.sync()
    assert balance.actuality is not None
    with reading(world.engine) as connection:  # what a later report shows
        assert last_balances(connection, [CODE])[0].actuality == balance.actuality
    return balance.actuality.figure


def test_by_default_a_low_share_is_told_and_nothing_is_held(world: ChangingSchool) -> None:
    world.goal = Goal()
    balance = world.sync()
    assert (balance.held, balance.failure) == (None, None)
    assert balance.sent > 0
    assert balance.actuality == SchoolActuality(world.today, Goal(), NONE, assumed=True)
    assert balance.actuality.below


def test_a_low_share_holds_what_a_person_has_to_let_through_once(world: ChangingSchool) -> None:
    balance = world.sync()
    assert balance.held is not None
    assert balance.held.exceeded == ("actuality_below",)
    assert balance.balances
    assert not world.shows()
    world.now += timedelta(days=1)
    world.edit(CORRECTED)  # teachers go on writing; the hold stays the one that was told
    assert world.sync().held == world.sync().held
    (one,) = waiting(world)
    assert one.plan.digest == balance.held.digest
    world.now += timedelta(days=1)
    decide(world, holds.APPROVED)
    done = world.sync()
    assert (done.held, done.failure) == (None, None)
    assert world.shows() == world.must_show()
    assert world.shows()
    assert not waiting(world)
    again = world.sync()
    assert again.held is not None
    assert again.held.digest != balance.held.digest


def test_a_hold_that_was_discarded_is_asked_anew(world: ChangingSchool) -> None:
    assert world.sync().held is not None
    decide(world, holds.DISCARDED)
    world.now += timedelta(minutes=1)
    assert world.sync().held is not None
    assert [one.decision for one in waiting(world)] == [holds.WAITING]


def test_a_withdrawn_consent_does_not_wait(world: ChangingSchool) -> None:
    world.goal = Goal()
    assert world.sync().sent > 0
    world.goal = HOLDS
    world.withdraw("1", "pa-1")
    balance = world.sync()
    assert balance.held is not None
    assert sum(balance.withdrawn.values()) > 0
    assert not world.shows()


def test_the_hold_ends_when_teachers_have_filled_enough_in(world: ChangingSchool) -> None:
    assert world.sync().held is not None
    world.goal = Goal(2, 10 / 11, holds=True)
    world.edit(FILLED)
    balance = world.sync()
    assert (balance.held, balance.failure) == (None, None)
    assert not waiting(world)
    assert world.shows() == world.must_show()


def test_where_little_is_read_the_figure_is_of_all_lessons(world: ChangingSchool) -> None:
    world.goal = Goal()
    assert figure(world) == NONE
    world.edit(CORRECTED)
    assert figure(world) == NONE
    assert world.read is not None
    assert len(world.read) == 1
    world.edit(FILLED)
    assert figure(world) == Actuality(10, 0, 1, {"within-term": 1})
    assert world.read == frozenset()  # a filling time makes no journal worth reading again


def test_where_filling_times_are_not_kept_nothing_is_held(world: ChangingSchool, tmp_path: Path) -> None:
    shutil.copytree(PROFILES / "paragraf", tmp_path / "profiles" / "paragraf")
    query = tmp_path / "profiles" / "paragraf" / "lessons.sql"
    query.write_text(query.read_text("utf-8").replace(", l.FILLED_AT", ""), "utf-8")
    (tmp_path / "profiles" / "paragraf" / "lesson_counts.sql").unlink()
    world.profile = load_profile("paragraf", tmp_path / "profiles")
    for _ in range(2):  # all is read, then what changed
        balance = world.sync()
        assert balance.held is None
        assert balance.actuality is not None
        assert (balance.actuality.figure.known, balance.actuality.figure.share) == (False, None)
    assert world.read == frozenset()


def test_a_dry_run_tells_of_the_hold_and_stores_none(world: ChangingSchool) -> None:
    planned = plan_school(world.bridge(), CODE)
    assert planned.held is not None
    assert planned.actuality is not None
    assert not waiting(world)


def test_a_sweep_reads_no_lessons_and_is_not_held(world: ChangingSchool) -> None:
    world.goal = Goal()
    assert world.sync().sent > 0
    world.goal = HOLDS
    world.withdraw("1", "pa-1")
    swept = sweep_school(world.bridge(), CODE)
    assert (swept.held, swept.actuality) == (None, None)
    assert not world.shows()


def test_with_another_limit_the_approval_is_for_the_plan_as_well(world: ChangingSchool) -> None:
    world.goal = Goal()
    assert world.sync().sent > 0
    world.goal = HOLDS
    world.edit(("ALTER TABLE MARK ADD COLUMN GRADE INTEGER", ()), CORRECTED)
    balance = world.sync()
    assert balance.held is not None
    assert set(balance.held.exceeded) == {"schema_differs", "actuality_below"}


def test_the_reason_says_what_to_do() -> None:
    text = catalogue()[Fate.LIMIT]["actuality_below"]
    for language in ("ru", "en"):
        assert "dnevnik hold approve" in getattr(text.remedy, language)
        assert "dnevnik actuality" in getattr(text.remedy, language)
