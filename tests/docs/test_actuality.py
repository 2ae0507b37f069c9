"""docs/actuality.md against the program: its calendar loads, its settings and groupings are those that exist."""

import re
import tomllib
from datetime import date
from pathlib import Path

from commands.actuality import GroupedBy
from settings.model import ActualitySection, SchoolSection
from settings.school_calendar import read_calendar

PAGE = (Path(__file__).parents[2] / "docs" / "actuality.md").read_text(encoding="utf-8")


def test_the_calendar_on_the_page_is_one(tmp_path: Path) -> None:
    (settings, calendar) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    (tmp_path / "days.toml").write_text(calendar, "utf-8")
    read = read_calendar(tmp_path / "days.toml")
    assert read.is_school_day(date(2026, 12, 26))
    assert not read.is_school_day(date(2027, 7, 1))
    written = tomllib.loads(settings)
    assert set(written["actuality"]) == set(ActualitySection.model_fields)
    assert set(written["school"][0]) <= set(SchoolSection.model_fields)


def test_the_page_names_each_grouping() -> None:
    assert ", ".join(GroupedBy) in PAGE
