"""What is dropped goes back to the system."""

from pathlib import Path

import numpy as np

from connectors.school.allocation import give_back_large_blocks

COLUMN_BYTES = 6 * 2**20


def resident() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def test_a_dropped_column_leaves_the_process() -> None:
    assert give_back_large_blocks()
    del [np.ones(COLUMN_BYTES, np.int8) for _ in range(2)][:]  # from such a one on glibc would keep the like
    before = resident()
    columns = [np.ones(COLUMN_BYTES, np.int8) for _ in range(8)]
    last = np.ones(COLUMN_BYTES, np.int8)  # what is kept beyond them holds them in the heap
    held = resident()
    del columns
    assert held - before > 8 * COLUMN_BYTES
    assert resident() - before < 2 * COLUMN_BYTES
    assert last.all()
