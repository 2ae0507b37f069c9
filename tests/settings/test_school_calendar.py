"""The file of school days: what it gives, and the one line of bridge.toml's problems that each mistake in it gets."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from journal.wording import Language
from settings import ConfigurationError, Settings, load

SHORTEST = """
[portal]
url = "https://portal.example"
client_certificate = "env:TLS"
signing_key = "file:signing.pem"
authorities = "file:ca.pem"
[audit]
signing_key = "file:a"
master_key = "file:b"
[actuality]
calendar = "days.toml"
[[school]]
code = "1"
source = "file:school.fdb"
[[school]]
code = "2"
source = "file:school.fdb"
school_week = 5
[[school]]
code = "3"
source = "file:school.fdb"
calendar = "own.toml"
"""
DAYS = """
week = 6
[2026]
vacations = ["2026-10-26/2026-11-03", "2026-12-31 / 2027-01-10"]
days_off = [2027-02-22, "2027-05-03"]
school_days = ["2026-11-22", "2026-10-30"]
"""
Given = Callable[[str], Settings]


@pytest.fixture
def given(tmp_path: Path) -> Given:
    def settings(days: str) -> Settings:
        (tmp_path / "days.toml").write_text(days, "utf-8")
        (tmp_path / "own.toml").write_text("", "utf-8")
        (tmp_path / "bridge.toml").write_text(SHORTEST, "utf-8")
        return load(tmp_path / "bridge.toml")

    return settings


def test_the_file_says_which_days_are_taught(given: Given, tmp_path: Path) -> None:
    read = given(DAYS)
    calendar = read.school_days(read.school("1"))
    taught = {
        "2026-10-24": True, "2026-10-26": False, "2026-10-30": True, "2026-11-03": False, "2026-11-05": True,
        "2026-11-22": True, "2026-11-29": False, "2026-12-31": False, "2027-01-09": False, "2027-01-11": True,
        "2027-02-22": False, "2027-05-03": False, "2027-05-04": True, "2026-11-21": True,
    }  # fmt: skip
    assert {day: calendar.is_school_day(date.fromisoformat(day)) for day in taught} == taught
    assert (calendar.knows(date(2026, 9, 1)), calendar.knows(date(2026, 8, 31))) == (True, False)
    assert read.calendar_files == (tmp_path / "days.toml", tmp_path / "own.toml")


def test_a_school_may_have_a_week_or_a_file_of_its_own(given: Given) -> None:
    read = given(DAYS)
    saturday, vacation = date(2026, 11, 21), date(2026, 10, 27)
    calendars = [read.school_days(school) for school in read.schools]
    assert [one.is_school_day(saturday) for one in calendars] == [True, False, False]
    assert [one.is_school_day(vacation) for one in calendars] == [False, False, True]


def test_without_a_file_a_school_has_five_days_and_no_vacations(given: Given, tmp_path: Path) -> None:
    given(DAYS)
    (tmp_path / "bridge.toml").write_text(SHORTEST.replace("days.toml", ""), "utf-8")
    read = load(tmp_path / "bridge.toml")
    assert read.actuality.calendar is None
    assert not read.school_days(read.school("1")).is_school_day(date(2026, 11, 21))


MISTAKES = [
    (None, "missing or can't be read"),
    ("week = ", "no TOML"),
    ("week = 7", "5 or 6"),
    ("week = true", "5 or 6"),
    ("weeks = 5", "[2026]"),
    ("[26]", "[2026]"),
    ("[9999]\ndays_off = []", "[2026]"),
    ("2026 = 5", "[2026]"),
    ("[2026]\nholidays = []", "[2026] holidays"),
    ('[2026]\nvacations = "2026-10-26/2026-11-03"', "list of days"),
    ('[2026]\nvacations = ["2026-11-03", "2026-02-30"]', "vacations, number 2"),
    ('[2026]\nvacations = ["2026-11-03/2026-11-02"]', "vacations, number 1"),
    ("[2026]\ndays_off = [2026-11-03T10:00:00]", "days_off, number 1"),
    ("[2026]\ndays_off = [5]", "days_off, number 1"),
    ('[2026]\ndays_off = ["2026-08-31"]', "not a day of this school year"),
    ('[2026]\nvacations = ["2027-08-01/2027-09-01"]', "not a day of this school year"),
    ('[2026]\ndays_off = ["2026-11-03/2026-11-05"]\nschool_days = ["2026-11-06", "2026-11-04"]', "number 2"),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_each_mistake_is_one_line_with_its_key_and_the_files(
    given: Given, tmp_path: Path, text: str | None, said: str
) -> None:
    given(DAYS)
    (tmp_path / "days.toml").unlink()
    if text is not None:
        (tmp_path / "days.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "bridge.toml")
    (line,) = caught.value.say(Language.EN).splitlines()
    assert line.startswith(f"{tmp_path / 'bridge.toml'}: [actuality] calendar: days.toml: ")
    assert said in line
    assert line.endswith("(docs/actuality.md)")
    (russian,) = caught.value.say(Language.RU).splitlines()
    assert re.search("[а-я]{4}", russian.partition("days.toml")[2])


def test_a_schools_own_file_is_named_by_the_schools_key(given: Given, tmp_path: Path) -> None:
    given(DAYS)
    (tmp_path / "own.toml").unlink()
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "bridge.toml")
    (line,) = caught.value.say(Language.EN).splitlines()
    assert "[[school]] 3: calendar: own.toml: the file is missing" in line
