"""docs/dependencies.md against pyproject.toml and what is installed."""

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def named(requirements: list[str]) -> list[str]:
    return [re.split(r"[\[<>=!~; ]", requirement)[0] for requirement in requirements]


def tables() -> list[dict[str, list[str]]]:
    """Return the page's three tables: package → cells."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    found = []
    for section in text.split("\n## ")[1:]:
        rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
        found.append({row[0].strip(): [cell.strip() for cell in row] for row in rows[1:]})
    return found


def test_every_direct_dependency_has_its_row_and_no_other() -> None:
    run, extra, develop = map(sorted, tables())
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = [one for requirements in written["project"]["optional-dependencies"].values() for one in requirements]
    assert run == sorted(named(written["project"]["dependencies"]))
    assert extra == sorted(named(extras))
    assert sorted(develop + extra) == sorted(named(written["dependency-groups"]["dev"]))


def test_every_row_is_filled() -> None:
    for table in tables():
        for cells in table.values():
            assert len(cells) == 4
            assert all(cells)


@pytest.mark.parametrize("package", [name for table in tables() for name in table])
def test_the_licence_is_the_one_that_the_metadata_names(package: str) -> None:
    (cells,) = [table[package] for table in tables() if package in table]
    about = metadata(package)
    classifiers = [name.rpartition(" :: ")[2] for name in about.get_all("Classifier", []) if name.startswith("License")]
    text = (about.get("License") or "").strip()
    said = about.get("License-Expression") or (text.splitlines()[0].strip() if text else "")
    licence = cells[2].removesuffix(" ¹")
    assert licence == said or licence in classifiers, (said, classifiers)
