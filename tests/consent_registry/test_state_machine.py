"""Registers, acts, birthdays, leavings and time in any order: the registry says at each step what the oracle says.

Half of the steps are here, half, with applications, in test_state_machine_desk.py, for another process to take.
"""

from itertools import count

import pytest
from worlds.registry_machine import RegistryMachine, run_steps, steps_wanted


@pytest.mark.timeout(8 * 3600 if steps_wanted() > 10**5 else 1500)
def test_the_registry_agrees_with_the_oracle_at_every_step() -> None:
    wanted = steps_wanted() // 2
    assert run_steps(RegistryMachine, wanted, count(1)) >= wanted
