"""`dnevnik actuality` on random journals against a row-by-row oracle; what it says, lists, writes and refuses."""

import csv
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from oracle.actuality_oracle import Lesson, stands
from oracle.school_tables import read_tables
from worlds.command_line import Ended, Run
from worlds.lessons_school import FIRST, by_group, installation, judged, random_lessons, write_lessons
from worlds.real_world import RealWorld

import settings
from flows.assembly import goal, shared_bridge
from journal.actuality import Goal
from journal.holidays import is_holiday
from mappings.profile import PROFILES, load_profile

COUNTS = {"in_time": "in-time", "late": "late", "not_filled": "not-filled"}
Ask = Callable[..., Ended]


@pytest.fixture
def ask(run: Run, tmp_path: Path) -> Ask:
    """Ask for a school of these lessons."""

    def asked(lessons: list, *arguments: object, language: str = "en") -> Ended:
        if not (tmp_path / "0252.db").exists():
            write_lessons(tmp_path / "0252.db", lessons)
        config = installation(tmp_path, {"0252": ("sqlite:///0252.db", "paragraf")}, language=language)
        return run("--config", config, "actuality", *arguments)

    return asked


def counts(told: dict) -> Counter:
    """Return a figure of the document as how many lessons there are of each standing."""
    return Counter({word: told[name] for name, word in COUNTS.items()} | told["not_counted"]) + Counter()


@pytest.mark.parametrize("by", ["school", "class", "subject", "teacher", "week"])
@pytest.mark.parametrize("seed", range(6))
def test_each_grouping_gives_the_oracles_counts(ask: Ask, tmp_path: Path, seed: int, by: str) -> None:
    as_of = FIRST + timedelta(days=11 * seed + 5)
    ended = ask(random_lessons(seed), "0252", "--as-of", as_of, "--by", by, "--json", "--list")
    assert ended.err == ""
    told = json.loads(ended.out)["schools"]["0252"]
    expected = judged(tmp_path / "0252.db", as_of)
    assert counts(told) == Counter(lesson["standing"] for lesson in expected)
    assert told["share"] == (told["in_time"] / told["counted"] if told["counted"] else None)
    assert told["counted"] == sum(told[name] for name in COUNTS)
    found = {lesson["lesson"]: lesson for lesson in told["lessons"]}
    assert {key: one["standing"] for key, one in found.items()} == {one["lesson"]: one["standing"] for one in expected}
    if by == "teacher":  # words stand for them, one for each
        words = {one["teacher"]: found[one["lesson"]]["teacher"] for one in expected}
        assert len(set(words.values())) == len(words)
        expected = [{**one, "teacher": words[one["teacher"]]} for one in expected]
    if by != "school":
        groups = {group["name"]: counts(group) for group in told["groups"]}
        assert groups == by_group(expected, by)
        assert len(told["groups"]) == len(groups) > 2
    assert ended.status == (1 if told["reached"] is False else 0)


def test_the_figure_of_a_day_gone_by_stays_what_it_was(ask: Ask, tmp_path: Path) -> None:
    lessons = random_lessons(3)
    shown = []
    for file in ("0252.db", None):
        if file is None:  # a month later every lesson is filled in
            (tmp_path / "0252.db").unlink()
            lessons = [(*row[:6], row[6] or "2023-12-24 08:00:00", row[7]) for row in lessons]
        shown.append(ask(lessons, "--as-of", "2023-10-20", "--json", "--list").out)
    before, after = (json.loads(text)["schools"]["0252"] for text in shown)
    assert before["share"] == after["share"]
    assert [one["standing"] for one in before["lessons"]] == [one["standing"] for one in after["lessons"]]
    assert json.loads(ask(lessons, "--as-of", "24.12.2023", "--json").out)["schools"]["0252"]["not_filled"] == 0


LESSONS = [
    (1, 1, "2023-09-04", 1, None, None, "2023-09-04 10:00:00", 0),
    (2, 2, "2023-09-05", 2, None, None, "2023-09-09 10:00:00", 0),
    (3, 3, "2023-09-14", None, None, None, None, 0),
    (4, 4, "2023-09-14", 3, None, None, "2023-09-18 00:00:01", 0),
    (5, 5, "2023-09-14", 4, None, None, "2023-09-17 23:59:59", 0),
    (6, 1, "2023-09-18", 1, None, None, "2023-09-18 10:00:00", 0),
    (7, 1, "2023-09-18", 2, None, None, None, 1),
    (8, 1, "2023-09-21", 2, None, None, None, 0),
]
AS_OF = "2023-09-20"


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("by", ["class", "teacher"])
def test_what_it_says(ask: Ask, language: str, by: str, golden: Callable[[str, str], None]) -> None:
    ended = ask(LESSONS, "--as-of", AS_OF, "--by", by, "--list", language=language)
    golden(f"actuality-{by}.{language}.txt", "".join(f"{line.rstrip()}\n" for line in ended.out.splitlines()))
    assert (ended.status, ended.err) == (1, "")


def test_all_lessons_go_into_a_file_and_no_cell_is_a_formula(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "lessons.csv"
    ended = ask(LESSONS, "--as-of", AS_OF, "--lessons", file)
    assert f"{file}, 8 rows" in ended.err
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig")), delimiter=";"))
    assert [row["lesson's key"] for row in rows] == ["1", "2", "4", "5", "3", "6", "7", "8"]
    by_key = {row["lesson's key"]: row for row in rows}
    assert by_key["4"] == {
        "school": "0252", "day": "2023-09-14", "no.": "3", "class": "5Б", "subject": "'=2+5",
        "teacher": by_key["4"]["teacher"], "filled in": "2023-09-18 00:00", "term ends": "2023-09-17",
        "standing": "late", "journal": "4", "lesson's key": "4",
    }  # fmt: skip
    assert by_key["5"]["standing"] == "in time"
    assert by_key["1"]["teacher"] == by_key["5"]["teacher"] != by_key["4"]["teacher"]
    assert by_key["1"]["teacher"].startswith("#")
    assert file.stat().st_mode & 0o077 == 0
    again = ask(LESSONS, "--as-of", AS_OF, "--lessons", file)
    assert (again.status, again.out) == (2, "")
    assert str(file) in again.err


def test_a_file_that_cannot_be_written_is_said(ask: Ask, tmp_path: Path) -> None:
    ended = ask(LESSONS, "--as-of", AS_OF, "--lessons", tmp_path / "none" / "x.csv")
    assert ended.status == 2
    assert "x.csv" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "pupil"), "pupil"),
        (("--as-of", "2999-01-01"), "2999-01-01"),
        (("--as-of", "вчера"), "--as-of"),
        (("9999",), "9999"),
    ],
)
def test_what_it_cannot_do_is_one_line(ask: Ask, arguments: tuple[str, ...], said: str) -> None:
    ended = ask(LESSONS, *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1


def test_before_the_first_term_is_over_there_is_no_share(ask: Ask) -> None:
    ended = ask(LESSONS, "--as-of", "2023-09-02", "--json")
    told = json.loads(ended.out)["schools"]["0252"]
    assert (ended.status, told["share"], told["reached"], told["counted"]) == (0, None, None, 0)
    assert "nothing to count yet" in ask(LESSONS, "--as-of", "2023-09-02").out


def test_a_day_of_another_school_year_has_that_years_lessons(ask: Ask) -> None:
    ended = ask(LESSONS, "--as-of", "2023-08-31", "--json")
    told = json.loads(ended.out)["schools"]["0252"]
    assert told["counted"] + sum(told["not_counted"].values()) == 0
    assert told["calendar_known"] is False
    assert "vacations count as school days" in ask(LESSONS, "--as-of", "2024-09-01").out


def test_nothing_to_mend_is_said(ask: Ask) -> None:
    ended = ask(LESSONS[:1], "--as-of", AS_OF, "--list")
    assert ended.status == 0
    assert "100%; the target of 95% is reached" in ended.out
    assert "no lessons that were not filled in" in ended.out


def test_a_school_that_cannot_be_read_fails_alone(run: Run, tmp_path: Path) -> None:
    write_lessons(tmp_path / "0252.db", LESSONS[:1])
    sources = {"0252": ("sqlite:///0252.db", "paragraf"), "0385": ("sqlite:///absent.db", "paragraf")}
    config = installation(tmp_path, sources)
    ended = run("--config", config, "actuality", "--as-of", AS_OF)
    assert ended.status == 1
    assert "100%" in ended.out
    assert ended.err.startswith("0385: ")
    assert run("--config", config, "actuality", "0385").status == 2


def test_where_filling_times_are_not_kept_it_says_so(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(PROFILES / "paragraf", tmp_path / "paragraf")
    query = tmp_path / "paragraf" / "lessons.sql"
    query.write_text(query.read_text("utf-8").replace(", l.FILLED_AT", ""), "utf-8")
    monkeypatch.setattr("commands.actuality.load_profile", lambda name: load_profile(name, tmp_path))
    ended = ask(LESSONS, "--as-of", AS_OF, "--by", "class", "--list")
    assert ended.status == 0
    assert "doesn't keep when a lesson was filled in" in ended.out
    assert "%" not in ended.out
    told = json.loads(ask(LESSONS, "--as-of", AS_OF, "--by", "class", "--json").out)["schools"]["0252"]
    assert (told["filling_times"], told["share"], told["reached"]) == (False, None, None)
    assert {group["share"] for group in told["groups"]} == {None}


def test_a_firebird_file_gives_the_oracles_counts(run: Run, world: RealWorld) -> None:
    today = datetime.now(UTC).date() - timedelta(days=2)
    first = date(today.year if today.month >= 9 else today.year - 1, 9, 1)
    days = [day for n in range(400) if (day := first + timedelta(days=n)).isoweekday() < 6 and not is_holiday(day)]
    lessons = [row for row in read_tables(world.school_file())["LESSON"] if row["LESSON_DATE"] >= first]
    standings = {
        str(row["ID"]): stands(
            Lesson(
                row["LESSON_DATE"],
                None if row["FILLED_AT"] is None else row["FILLED_AT"].date(),
                cancelled=row["CANCELLED"] != 0,
                unclear=False,
            ),
            today,
            2,
            days,
        )
        for row in lessons
    }
    ended = run("--config", world.config, "actuality", "--as-of", today, "--json", "--list")
    told = json.loads(ended.out)["schools"]["0252"]
    assert {one["lesson"]: one["standing"] for one in told["lessons"]} == standings
    assert counts(told) == Counter(standings.values())
    assert told["counted"] > 10


def test_a_process_that_goes_on_takes_a_changed_calendar(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DNEVNIK_CONFIG", str(world.config))
    days, saturday = world.folder / "days.toml", date(2023, 9, 2)
    text, first = days.read_text("utf-8"), shared_bridge()
    assert shared_bridge() is first
    assert not first.schools["0252"].calendar.is_school_day(saturday)
    days.write_text("week = 6\n", "utf-8")
    second = shared_bridge()
    days.write_text(text, "utf-8")
    assert second.schools["0252"].calendar.is_school_day(saturday)
    assert (second.goal, second.full_every_days) == (Goal(2, 0.95, holds=False), first.full_every_days)


def test_what_the_file_says_of_the_goal_is_what_a_run_is_held_against(ask: Ask, tmp_path: Path) -> None:
    ask(LESSONS)
    file = tmp_path / "bridge.toml"
    text = file.read_text("utf-8").replace("within_days = 2", "within_days = 5").replace("0.95", "0.4")
    file.write_text(text.replace("target =", 'below_target = "hold"\ntarget =', 1), "utf-8")
    assert goal(settings.load(file)) == Goal(5, 0.4, holds=True)
