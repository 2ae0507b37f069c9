"""`dnevnik registry terms` and `request`, and what `check` says of them: nothing lapses unseen."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from worlds.applying_parents import MOSCOW, application_for, apply, minors
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld

from commands.terms import in_order
from consent_registry.terms.deadlines import Term, TermKind

Registry = Callable[..., Ended]
TODAY = datetime.now(MOSCOW).date()


@pytest.fixture
def registry(run: Run, world: RealWorld) -> Registry:
    assert run("--config", world.config, "init").status == 0
    return lambda *arguments: run("--config", world.config, "registry", *arguments)


@pytest.fixture
def config(world: RealWorld) -> Iterator[Path]:
    """The installation's file, put back afterwards."""
    text = world.config.read_text()
    yield world.config
    world.config.write_text(text)


def terms(registry: Registry, *options: str) -> list[dict[str, object]]:
    return json.loads(registry("terms", "--json", *options).out)["terms"]


def received(registry: Registry, *options: object) -> str:
    ended = registry("request", "receive", "--school", "0252", *options)
    assert (ended.status, ended.err) == (0, "")
    found = re.search(r"entered as (\S+)\. ", ended.out)
    assert found is not None
    return found[1]


def check_lines(run: Run, world: RealWorld) -> tuple[int, str]:
    ended = run("--config", world.config, "check")
    (line,) = (line for line in ended.out.splitlines() if "[[school]] 0252: terms" in line or "nothing is due" in line)
    return ended.status, line


def test_nothing_is_due_then_something_is_then_it_is_answered(run: Run, registry: Registry, world: RealWorld) -> None:
    quiet = registry("terms")
    assert (quiet.status, quiet.out.strip()) == (0, "Nothing is overdue and nothing waits")
    assert check_lines(run, world) == (0, "✓ [[school]] 0252: nothing is due")
    fresh = received(registry, "--kind", "correction")
    (term,) = terms(registry)
    assert (term["kind"], term["code"], term["days_left"], term["working_days"]) == ("correction", fresh, 7, True)
    assert check_lines(run, world)[1].startswith("✓")
    late = received(registry, "--kind", "answer", "--at", TODAY - timedelta(days=60))
    shown = registry("terms")
    assert shown.status == 1
    assert late in shown.out.splitlines()[2]
    assert "✗ answer" in shown.out.splitlines()[2]
    assert "152-ФЗ" in shown.out
    status, line = check_lines(run, world)
    assert status == 0
    assert line.startswith("! [[school]] 0252: terms: overdue 1, due within 2 days: 0")
    assert "dnevnik registry terms 0252" in line
    assert [one["code"] for one in terms(registry, "--within", "2")] == [late]
    found = registry("find", late.lower())
    assert f"request answer {late}" in found.out
    assert registry("request", "answer", late).status == 0
    twice = registry("request", "answer", late)
    assert (twice.status, twice.out) == (2, "")
    assert registry("terms", "--within", "2").out.startswith("Nothing is overdue")
    assert registry("terms").status == 0
    assert registry("request", "answer", fresh).status == 0
    assert terms(registry) == []


def test_each_clock_of_the_law_runs(registry: Registry, world: RealWorld) -> None:
    register = world.folder / "register.csv"
    assert registry("import", register).status == 0
    application = application_for(minors(world)[0])
    apply(world, application)
    registry("exchange")
    reference = received(registry, "--kind", "answer")
    found = terms(registry)
    kinds = {term["kind"] for term in found}
    assert {"application", "destruction", "answer"} <= kinds
    destruction = next(term for term in found if term["kind"] == "destruction")
    assert (destruction["working_days"], destruction["student"] is not None) == (False, True)
    since, due = (date.fromisoformat(str(destruction[name])) for name in ("since", "due"))
    assert due - since == timedelta(days=30)
    assert str(destruction["student"]) in registry("find", str(destruction["code"])).out
    assert [term for term in found if term["overdue"]] == found[: sum(bool(term["overdue"]) for term in found)]
    registry("request", "answer", reference)


def test_a_request_may_name_the_link_it_is_about(registry: Registry, world: RealWorld) -> None:
    registry("import", world.folder / "register.csv")
    _, student, account, *_ = registry("list").out.splitlines()[0].split("\t")
    registry("request", "answer", received(registry, "--kind", "answer", "--student", student, "--account", account))
    for options in (("--student", student), ("--student", student, "--account", "none")):
        ended = registry("request", "receive", "--school", "0252", "--kind", "answer", *options)
        assert (ended.status, ended.out) == (2, "")


def test_alarms_of_all_schools_stand_first() -> None:
    def term(school: str, due: int, left: int) -> Term:
        return Term(TermKind.ANSWER, school, f"r-{due}", date(2026, 11, 1), date(2026, 11, due), left, working=True)

    late, soon, later, far = term("2", 5, -3), term("1", 20, 1), term("2", 12, 4), term("1", 30, 9)
    assert in_order([far, soon, later, late], {soon, late}) == [late, soon, later, far]


def test_what_is_due_soon_is_worth_a_look(run: Run, registry: Registry, world: RealWorld) -> None:
    for number in range(8, 20):
        reference = received(registry, "--kind", "answer", "--at", TODAY - timedelta(days=number))
        (term,) = (one for one in terms(registry) if one["code"] == reference)
        if term["days_left"] in {1, 2}:
            break
        registry("request", "answer", reference)
    status, line = check_lines(run, world)
    assert status == 0
    late = [one["kind"] for one in terms(registry) if one["days_left"] < 0]
    assert f"overdue {len(late)}, due within 2 days: 1." in line
    assert set(late) <= {"destruction"}
    assert registry("terms").status == (1 if late else 0)
    early = registry("request", "answer", reference, "--at", TODAY - timedelta(days=40))
    assert (early.status, early.out) == (2, "")
    assert registry("request", "answer", reference, "--at", TODAY - timedelta(days=1)).status == 0


def test_whatever_took_the_ground_the_destruction_is_a_term(run: Run, registry: Registry, world: RealWorld) -> None:
    told = run("--config", world.config, "erase", "due").out
    assert "(term)" in told  # consents that ran out or ended: nobody withdrew them
    owed = [one for one in terms(registry) if one["kind"] == "destruction"]
    assert {one["due"] for one in owed} == set(re.findall(r"destroy by (\d{4}-\d{2}-\d{2})", told))


@pytest.mark.parametrize(
    "arguments",
    [
        ("receive", "--school", "0252", "--kind", "question"),
        ("receive", "--school", "0999", "--kind", "answer"),
        ("receive", "--school", "0252", "--kind", "answer", "--at", "2999-01-01"),
        ("receive", "--school", "0252", "--kind", "answer", "--at", "вчера"),
        ("answer", "0000-0000-0000"),
        ("answer", "x"),
    ],
)
def test_a_request_that_cannot_be_is_one_line(registry: Registry, arguments: tuple[str, ...]) -> None:
    before = terms(registry)
    ended = registry("request", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
    assert terms(registry) == before


def test_the_installation_says_how_long_and_by_which_calendar(registry: Registry, config: Path, tmp_path: Path) -> None:
    reference = received(registry, "--kind", "answer")
    calendar = tmp_path / "calendar.toml"
    off = [TODAY + timedelta(days=number) for number in range(1, 20)]
    years = sorted({day.year for day in off})
    calendar.write_text(
        "\n".join(
            f'[{year}]\ndecree = "own"\ndays_off = [{", ".join(str(day) for day in off if day.year == year)}]'
            for year in years
        )
    )
    config.write_text(f'{config.read_text()}\n[consent]\nanswer_days = 1\ncalendar = "{calendar}"\n')
    (term,) = (term for term in terms(registry) if term["code"] == reference)
    assert date.fromisoformat(str(term["due"])) > off[-1]
    assert term["days_left"] == 1
    calendar.write_text("x")
    ended = registry("terms")
    assert (ended.status, ended.out) == (2, "")
    assert "calendar.toml" in ended.err


def test_years_that_no_calendar_knows_are_told(registry: Registry, config: Path) -> None:
    reference = received(registry, "--kind", "answer")
    config.write_text(f"{config.read_text()}\n[consent]\nanswer_days = 366\n")
    document = json.loads(registry("terms", "--json").out)
    assert document["assumed_years"]
    assert "counted by the law alone" in registry("terms").out
    registry("request", "answer", reference)
