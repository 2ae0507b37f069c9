import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from reports.machine import as_json

if TYPE_CHECKING:
    from conftest import Cases


def test_all_cases_as_json(cases: "Cases", golden: Callable[[str, str], None]) -> None:
    for name, page in cases.schools.items():
        text = json.dumps(as_json([page.balance]), ensure_ascii=False, indent=1)
        golden(f"{name}.json", f"{text}\n")


def test_the_numbers_that_other_programs_rely_on(cases: "Cases") -> None:
    school = json.loads(json.dumps(as_json([cases.exceptions])))["schools"]["0252"]
    assert (school["read"], school["sent"], school["unchanged"], school["failed"]) == (61_219, 1_171, 38_416, 2)
    assert school["withheld"]["no-link"] == 21_005
    assert school["set_aside"]["duplicate-mark"] == 8
    parts = school["sent"] + school["unchanged"] + school["failed"]
    assert school["read"] == parts + sum(school["withheld"].values()) + sum(school["set_aside"].values())
    assert school["balances"] is True


def test_two_balances_of_one_school_are_refused(cases: "Cases") -> None:
    with pytest.raises(ValueError, match="one school"):
        as_json([cases.plain, cases.held])
