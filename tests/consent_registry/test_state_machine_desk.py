"""The other half of the steps (see test_state_machine.py), with applications among them."""

from itertools import count

import pytest
from worlds.desk_machine import DeskMachine
from worlds.registry_machine import run_steps, steps_wanted


@pytest.mark.timeout(8 * 3600 if steps_wanted() > 10**5 else 1500)
def test_the_registry_with_applications_agrees_with_the_oracle_at_every_step() -> None:
    wanted = steps_wanted() // 2
    assert run_steps(DeskMachine, wanted, count(1_000_000)) >= wanted
