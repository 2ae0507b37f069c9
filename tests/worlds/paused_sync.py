"""Syncs one installation and stops its own process (SIGSTOP) when it first passes a boundary; prints how the run ended.

Usage: paused_sync.py CONFIG BOUNDARY. Whoever started it lets it go on (SIGCONT). Prints the failure's code or `done`.
"""

import os
import signal
import sys
from pathlib import Path

import settings
from flows.assembly import assemble
from flows.steps import sync_school


def main(config: str, boundary: str) -> None:
    paused = False

    def reached(name: str) -> None:
        nonlocal paused
        if name == boundary and not paused:
            paused = True
            os.kill(os.getpid(), signal.SIGSTOP)

    bridge = assemble(settings.load(Path(config)), boundary=reached)
    for code in bridge.schools:
        balance = sync_school(bridge, code)
        print(balance.failure.code if balance.failure else "done")  # noqa: T201  read by the test


main(*sys.argv[1:])
