"""Syncs one installation and kills its own process (SIGKILL) when it has passed a boundary so many times.

Usage: killed_sync.py CONFIG BOUNDARY PASSES. Exits 0 when the boundary was never reached that often.
"""

import os
import signal
import sys
from pathlib import Path

import settings
from flows.assembly import assemble
from flows.steps import sync_school


def main(config: str, boundary: str, passes: str) -> None:
    left = int(passes)

    def reached(name: str) -> None:
        nonlocal left
        if name == boundary:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    bridge = assemble(settings.load(Path(config)), boundary=reached)
    for code in bridge.schools:
        sync_school(bridge, code)


main(*sys.argv[1:])
