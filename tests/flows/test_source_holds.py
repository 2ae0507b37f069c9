"""A school's database with far fewer rows than before, or with other columns, holds the run until a person looked."""

from pathlib import Path

import pytest
from worlds.changing_school import ChangingSchool, changing_school, write_school
from worlds.memory_world import CODE

from database import reading, writing
from delivery import holds
from delivery.limits import Limits
from flows.steps import plan_school
from reports.reason_text import Fate
from reports.reasons import catalogue

FEWER = ("DELETE FROM MARK WHERE ID > 3", ())
ANOTHER_COLUMN = ("ALTER TABLE MARK ADD COLUMN GRADE INTEGER", ())
CORRECTED = ("UPDATE MARK SET TYPE_ID = 402 WHERE ID = 3", ())


@pytest.fixture
def world(tmp_path: Path) -> ChangingSchool:
    """A school of whose students one has a parent who consented."""
    write_school(tmp_path / "template.db")
    made = changing_school(tmp_path / "template.db", tmp_path / "world", parents=(1,))
    made.limits = Limits(withdraw_count=10**9)
    assert made.sync().sent > 0
    return made


def approve(world: ChangingSchool) -> None:
    with writing(world.engine) as connection:
        waiting = [one for one in holds.list_holds(connection, CODE) if one.decision == holds.WAITING]
        assert len(waiting) == 1
        holds.decide_hold(connection, CODE, waiting[0].plan.digest, holds.APPROVED, "test", world.now)


def waits(world: ChangingSchool) -> list[holds.Hold]:
    with reading(world.engine) as connection:
        return holds.list_holds(connection, CODE)


@pytest.mark.parametrize(
    ("edit", "word"), [(FEWER, "source_shrunk"), (ANOTHER_COLUMN, "schema_differs")], ids=["fewer rows", "columns"]
)
def test_a_source_that_looks_other_changes_nothing_until_a_person_looked(
    world: ChangingSchool, edit: tuple, word: str
) -> None:
    before = world.shows()
    world.edit(edit, CORRECTED)
    balance = world.sync()
    assert balance.held is not None
    assert word in balance.held.exceeded
    assert balance.balances
    assert world.shows() == before
    assert world.sync().held is not None
    assert world.read is None  # what was held was not dealt with
    approve(world)
    done = world.sync()
    assert (done.held, done.failure) == (None, None)
    assert world.shows() == world.must_show() != before
    assert world.sync().held is None
    assert not waits(world)


def test_other_columns_hold_also_where_nothing_else_changed_and_the_approval_is_for_them(
    world: ChangingSchool,
) -> None:
    world.edit(ANOTHER_COLUMN)
    assert world.sync().held is not None
    approve(world)
    world.edit(CORRECTED)  # teachers go on writing
    assert world.sync().sent == 1
    assert world.shows() == world.must_show()
    world.edit(("ALTER TABLE MARK ADD COLUMN SCALE INTEGER", ()))
    assert world.sync().held is not None


def test_a_withdrawn_consent_does_not_wait_for_a_word_about_the_source(world: ChangingSchool) -> None:
    world.edit(FEWER, ANOTHER_COLUMN)
    world.withdraw("1", "pa-1")
    balance = world.sync()
    assert balance.held is not None
    assert set(balance.held.exceeded) == {"source_shrunk", "schema_differs"}
    assert not world.shows()


def test_a_few_rows_less_hold_nothing(world: ChangingSchool) -> None:
    world.edit(("DELETE FROM MARK WHERE ID IN (4, 7)", ()))  # of students without consent
    assert world.sync().held is None
    assert world.shows() == world.must_show()


def test_a_dry_run_tells_of_the_hold_and_stores_none(world: ChangingSchool) -> None:
    world.edit(ANOTHER_COLUMN)
    planned = plan_school(world.bridge(), CODE)
    assert planned.held is not None
    assert not waits(world)


def test_other_columns_are_expected_of_other_software(world: ChangingSchool) -> None:
    world.edit(ANOTHER_COLUMN)
    world.software = "test/2"
    assert world.sync().held is None


def test_each_reason_says_what_to_do() -> None:
    texts = catalogue()[Fate.LIMIT]
    for word in ("source_shrunk", "schema_differs"):
        for language in ("ru", "en"):
            assert "dnevnik hold approve" in getattr(texts[word].remedy, language)
            assert "profile check" in getattr(texts[word].remedy, language)
