"""Rotates one installation's master key and kills its own process (SIGKILL) at a boundary.

Usage: killed_rotation.py CONFIG BOUNDARY; `before-commit` is the last moment before the database's commit. Exits 0
when the boundary was never reached.
"""

import os
import signal
import sys
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from commands.call import Call
from commands.console import Console
from commands.keys import rotate_master


def main(config: str, boundary: str) -> None:
    passed: set[str] = set()

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def reached(name: str) -> None:
        passed.add(name)
        if name == boundary:
            kill()

    @sa.event.listens_for(Engine, "commit")
    def _before_commit(_connection: object) -> None:
        if boundary == "before-commit" and "wrapped" in passed:
            kill()

    rotate_master(Call(Path(config), Console()), boundary=reached)


main(*sys.argv[1:])
