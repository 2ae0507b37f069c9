"""docs/profiles.md against the tables that a profile's queries return, and the two profiles against it."""

import re
from pathlib import Path

import pytest

from mappings.profile import PROFILES, load_profile
from mappings.raw import ALL_TABLES, BESIDES, RawTable

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", [*ALL_TABLES, *BESIDES], ids=lambda table: table.name)
def test_the_page_names_each_querys_columns(table: RawTable) -> None:
    (row,) = re.findall(rf"^\| `{table.name}\.sql`[^|]*\| (.*) \|$", PAGE, flags=re.MULTILINE)
    told = row.split(", ")
    assert [name.strip("()") for name in told] == list(table.columns)
    assert {name.strip("()") for name in told if name.startswith("(")} == table.optional


@pytest.mark.parametrize("name", sorted(path.parent.name for path in PROFILES.glob("*/profile.toml")))
def test_a_profile_of_ours_loads_and_stands_on_the_page(name: str) -> None:
    assert load_profile(name).unfinished == ()
    assert f"`{name}`" in PAGE
