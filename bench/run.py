"""Prints the machine, the versions and the figures of docs/performance.md: `make bench`, more than half an hour.

Each figure is a ratio of two sides measured in one run, by turns, on the same data; medians, with the lowest and the
highest value beside them. `--students` and `--weeks` change the school of figures 2, 3 and 5, `--only` chooses figures.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from ground import make_ground

BENCH = Path(__file__).parent
FIGURES = {
    "1": "extraction.py",
    "2": "submit.py",
    "3": "whole_run.py",
    "4": "decide.py",
    "5": "withdrawal.py",
    "6": "audit_log.py",
    "8": "evidence.py",
    "9": "memory.py",
    "10": "fingerprints.py",
    "11": "reading_memory.py",
    "12": "dlt_rival.py",
    "13": "odbc_batches.py",
}
NEED_A_SCHOOL = frozenset({"2", "3", "5"})
PACKAGES = (
    "firebird-driver",
    "firebird-embedded",
    "lxml",
    "numpy",
    "pandas",
    "requests",
    "signxml",
    "sqlalchemy",
    "xmlsec",
    "zeep",
)


def machine() -> str:
    """Return what the figures were measured on, in one line."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    kernel = ".".join(platform.release().split(".")[:2])
    return f"{model}, {cores} cores, {memory:.0f} GiB; Linux {kernel}; CPython {platform.python_version()}"


def main() -> None:
    """Make the ground, and measure each figure in a process of its own."""
    parser = argparse.ArgumentParser(description="Measures the bridge against what it replaces.")
    parser.add_argument("--students", type=int, default=1000)
    parser.add_argument("--weeks", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=sorted(FIGURES, key=int), default=sorted(FIGURES, key=int))
    chosen = parser.parse_args()
    print(machine())
    print(", ".join(f"{name} {version(name)}" for name in PACKAGES))
    print(f"figures 2, 3 and 5: one school of {chosen.students:,} students and {chosen.weeks} weeks", flush=True)
    with tempfile.TemporaryDirectory(prefix="dnevnik-bench-") as folder:
        if NEED_A_SCHOOL.intersection(chosen.only):
            make_ground(Path(folder), chosen.students, chosen.weeks)
        for figure in chosen.only:
            subprocess.run([sys.executable, str(BENCH / FIGURES[figure]), folder], check=True)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
