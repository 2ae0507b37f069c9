"""What is dropped goes back to the system.

Measured in a process of its own: one that has already held more and freed it takes the columns from what it has.
"""

import subprocess
import sys

COLUMN_BYTES = 6 * 2**20
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from connectors.school.allocation import give_back_large_blocks

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

size = int(sys.argv[1])
given_back = give_back_large_blocks() if sys.argv[2] == "given back" else True
del [np.ones(size, np.int8) for _ in range(2)][:]  # from such a one on glibc would keep the like
before = resident()
columns = [np.ones(size, np.int8) for _ in range(8)]
last = np.ones(size, np.int8)  # what is kept beyond them holds them in the heap
held = resident()
del columns
print(int(given_back), held - before, resident() - before, int(last.all()))
"""


def grown(way: str) -> tuple[int, int]:
    """Bytes that the process grew by, with the columns and after they are dropped."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(COLUMN_BYTES), way], capture_output=True, text=True, check=True, timeout=60
    )
    given_back, held, after, whole = (int(part) for part in run.stdout.split())
    assert given_back
    assert whole
    return held, after


def test_a_dropped_column_leaves_the_process() -> None:
    held, after = grown("given back")
    assert held > 8 * COLUMN_BYTES
    assert after < 2 * COLUMN_BYTES


def test_without_it_the_process_keeps_the_columns() -> None:
    _, after = grown("left as it is")
    assert after > 8 * COLUMN_BYTES, "the premise: this C library would keep them"
