"""docs/faults.md against the tests that it names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")


def rows() -> Iterator[list[str]]:
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "fault":
            yield cells


def functions_of(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("cells", list(rows()), ids=lambda cells: cells[0])
def test_each_fault_has_a_test_that_exists_an_answer_and_a_code(cells: list[str]) -> None:
    assert len(cells) == 4
    assert all(cells)
    named = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", cells[1])
    assert named is not None
    assert named[2] in functions_of(ROOT / named[1])


def test_the_page_has_a_row_for_each_kind_of_fault() -> None:
    told = " ".join(cells[0].lower() for cells in rows())
    for word in (
        "time-out before", "time-out after", "reset", "half a reply", "500, 502, 503", "throttled", "maintenance",
        "wrong", "missing", "wrapped", "replayed", "stale", "sha-1", "another request", "rejected records",
        "duplicate receipt", "30 days", "100,000", "portal's clock", "bridge's clock", "postgresql", "disk full",
        "locked",
    ):  # fmt: skip
        assert word in told, word
