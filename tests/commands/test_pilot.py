"""`dnevnik pilot`: who takes part and how many are covered; moves that are logged, recorded and told whole."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld
from worlds.registry_desk import TODAY, Desk, minors

from consent_registry.pilot.groups import moves_of
from consent_registry.tables import PILOT
from database import reading

Pilot = Callable[..., Ended]


@pytest.fixture
def desk(run: Run, world: RealWorld) -> Desk:
    made = Desk(run, world, minors(world)[0], "pa-1")
    assert made.take().status == 0
    return made


@pytest.fixture
def pilot(desk: Desk) -> Iterator[Pilot]:
    """Run `dnevnik pilot …`; a school's moves are forgotten afterwards."""
    yield lambda *arguments: desk.run("--config", desk.world.config, "pilot", *arguments)
    with desk.database() as engine, engine.begin() as connection:
        for trigger in connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars():
            if "pilot_fact" in trigger:
                connection.execute(sa.text(f'DROP TRIGGER "{trigger}"'))
        connection.execute(PILOT.delete())


def listed(pilot: Pilot) -> dict[str, dict[str, object]]:
    ended = pilot("--json")
    assert (ended.status, ended.err) == (0, "")
    return {one["class"]: one for one in json.loads(ended.out)["schools"]["0252"]["classes"]}


def test_coverage_is_told_by_class_and_in_all(pilot: Pilot, desk: Desk) -> None:
    document = json.loads(pilot("--school", "0252", "--json").out)["schools"]["0252"]
    classes, total = document["classes"], document["total"]
    assert total["covered"] == sum(one["covered"] for one in classes) == 1
    assert total["students"] == sum(one["students"] for one in classes)
    assert total["share"] == pytest.approx(1 / total["students"])
    assert all(one["takes_part"] and one["stage"] is None for one in classes)
    table = pilot().out
    assert "no stage" in table
    for one in classes:
        assert one["class"] in table
    assert "Школа 0252" in table
    desk("withdraw")
    assert json.loads(pilot("--json").out)["schools"]["0252"]["total"]["covered"] == 0


def test_the_first_move_tells_every_class_that_it_puts_out(pilot: Pilot, desk: Desk) -> None:
    first, *others = listed(pilot)
    logged = desk.events()
    moved = pilot("move", "0252", first.lower(), "pilot", "--by", "Иванова Анна")
    assert moved.status == 0
    assert f"class {first}: pilot, from {TODAY}, open" in moved.out
    assert f"the classes {', '.join(others)} are not sent" in moved.err
    assert desk.events() == [*logged, "pilot-pilot"]
    assert {name: one["takes_part"] for name, one in listed(pilot).items()} == {
        first: True, **dict.fromkeys(others, False)
    }  # fmt: skip
    again = pilot("move", "0252", first, "pilot")
    assert (again.status, again.err) == (0, "")
    assert "nothing was changed" in again.out
    assert desk.events() == [*logged, "pilot-pilot"]
    whole = pilot("move", "0252", "--whole-school", "regular")
    assert (whole.status, whole.err) == (0, "")
    assert f"these classes are sent: {', '.join(others)}" in whole.out
    stopped = pilot("move", "0252", first, "prepare", "--to", TODAY + timedelta(days=9))
    assert f"the classes {first} are not sent" in stopped.err
    table = pilot("--school", "0252").out
    for stage in ("stage: preparation", "stage: regular"):
        assert stage in table
    with desk.database() as engine, reading(engine) as connection:
        assert len(moves_of(connection, "0252")) == 3


def test_a_move_planned_ahead_changes_nothing_before_its_first_day(pilot: Pilot) -> None:
    before = {name: group["takes_part"] for name, group in listed(pilot).items()}
    moved = pilot("move", "0252", "--whole-school", "regular", "--from", TODAY + timedelta(days=3))
    assert (moved.status, moved.err) == (0, "")
    assert {name: group["takes_part"] for name, group in listed(pilot).items()} == before


@pytest.fixture
def configured(world: RealWorld, pilot: Pilot) -> Iterator[str]:
    """The installation's file admits the first class alone."""
    name = next(iter(listed(pilot)))
    text = world.config.read_text()
    world.config.write_text(f'{text}\npilot_classes = ["{name}"]\n')
    yield name
    world.config.write_text(text)


def test_a_class_that_the_installations_file_keeps_out_is_told_so(pilot: Pilot, configured: str) -> None:
    other = next(name for name in listed(pilot) if name != configured)
    assert configured in pilot().out.splitlines()[1]
    moved = pilot("move", "0252", other, "pilot")
    assert moved.status == 0
    assert "pilot_classes" in moved.err
    assert not listed(pilot)[other]["takes_part"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["0252", "9Ъ", "pilot"], "9Ъ"),
        (["0252", "-", "pilot"], "no class"),
        (["0252", "pilot"], "--whole-school"),
        (["0252", "5А", "pilot", "--whole-school"], "--whole-school"),
        (["0252", "5А", "launch"], "prepare, pilot, regular"),
        (["0252", "--whole-school", "pilot", "--from", "soon"], "--from"),
        (["0252", "--whole-school", "pilot", "--from", "2026-11-02", "--to", "2026-11-01"], "2026-11-01"),
        (["0999", "5А", "pilot"], "0999"),
        (["0252", "--whole-school", "pilot", "--by", ""], "--by"),
    ],
)
def test_a_move_that_cannot_be_is_one_line(pilot: Pilot, desk: Desk, arguments: list[str], said: str) -> None:
    logged = desk.events()
    ended = pilot("move", *arguments)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert said in line
    assert desk.events() == logged
    with desk.database() as engine, reading(engine) as connection:
        assert moves_of(connection, "0252") == ()


def test_an_unknown_class_is_told_with_those_that_there_are(pilot: Pilot) -> None:
    names = listed(pilot)
    assert ", ".join(names) in pilot("move", "0252", "9Ъ", "pilot").err
