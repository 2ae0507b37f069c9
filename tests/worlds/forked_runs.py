"""Forks a process for each run of a bridge, and for each portal, and kills runs (SIGKILL) when it is told to.

Starting Python and importing the bridge takes longer than a run. Here one process imports everything once, holds no
thread and no open connection, and forks: what it forks is a process like any other, with its own locks, connections
and files, and dies like any other.

It reads commands from its input, a line of JSON each, and answers each with a line:
{"portal": FOLDER}
    → {"pid": N, "url": URL}; the portal stands until {"stop": N}
{"run": CONFIG, "how": "sync" | "sweep", "kill_after": seconds | null, "boundary": name | null, "passes": n,
 "of_work": bool, "pause": name | null}
    → {"status": -9 | 0 | 1, "seconds": s, "stage": where it was, "failure": code}
A run that passes the boundary `pause` stands there the first time: {"paused": true} is answered, and any line lets it
go on. `stage` is the last boundary or step that the process had passed; `worked` the seconds since the bridge
stood. With `of_work`, `kill_after` counts from there.
"""

import gc
import json
import mmap
import os
import select
import signal
import sys
import time
from pathlib import Path

import sqlalchemy.dialects.sqlite

import connectors.portals.diary_exchange_1
import settings
from flows.assembly import assemble
from flows.steps import sweep_school, sync_school
from sandbox.portal import serve

LONGEST_RUN = 1800.0
"""Seconds after which a run counts as hanging."""
STAGE_BYTES = 64
FAILED = 1
WORK = 2
"""Where the moment stands at which a run's bridge stood."""
PRELOADED = (connectors.portals.diary_exchange_1, sqlalchemy.dialects.sqlite)
"""What a run would import by name."""


class Stage:
    """The last step of a run, where its parent can read it when the run is dead."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 3 * STAGE_BYTES)

    def enter(self, name: str, *, slot: int = 0) -> None:
        self._shared[slot * STAGE_BYTES : (slot + 1) * STAGE_BYTES] = name.encode().ljust(STAGE_BYTES)

    def read(self, slot: int = 0) -> str:
        return self._shared[slot * STAGE_BYTES : (slot + 1) * STAGE_BYTES].decode().strip(" \0")

    def close(self) -> None:
        self._shared.close()


class Pause:
    """Lets a run stand still at a boundary until its parent says that it may go on, and tells when its work begins."""

    def __init__(self) -> None:
        self.working, self._works = os.pipe()
        self.standing, self._stands = os.pipe()
        self._may_go, self._go = os.pipe()

    def at_work(self) -> None:
        os.write(self._works, b".")

    def stand(self) -> None:
        os.write(self._stands, b".")
        os.read(self._may_go, 1)

    def go_on(self) -> None:
        os.read(self.standing, 1)
        os.write(self._go, b".")

    def close(self) -> None:
        for end in (self.working, self._works, self.standing, self._stands, self._may_go, self._go):
            os.close(end)


def one_run(command: dict, stage: Stage, pause: Pause) -> int:
    """Run one sync or sweep of every school in this process; returns its status."""
    left = command["passes"]
    pauses = [command["pause"]]

    def reached(name: str) -> None:
        nonlocal left
        stage.enter(name)
        if name in pauses:
            pauses.clear()
            pause.stand()
        if name == command["boundary"]:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    def at_work() -> None:
        stage.enter(str(time.monotonic()), slot=WORK)
        pause.at_work()

    stage.enter("assemble")
    bridge = assemble(settings.load(Path(command["run"])), boundary=reached)
    at_work()
    run_school = sync_school if command["how"] == "sync" else sweep_school
    for code in bridge.schools:
        balance = run_school(bridge, code, lambda _, step: reached(step))
        if balance.failure is not None:
            stage.enter(balance.failure.code, slot=1)
            return FAILED
    return 0


def fork_run(command: dict) -> dict:
    """Fork a run, kill it when its time comes, and tell what became of it."""
    stage = Stage()
    stage.enter("start")
    pause = Pause()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        status = FAILED
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a run writes is no answer
        try:
            status = one_run(command, stage, pause)
        except BaseException as error:  # noqa: BLE001  a child of a fork must end here, whatever happened
            stage.enter(f"{type(error).__name__}", slot=1)
        finally:
            os._exit(status)
    after = command["kill_after"]
    awaited = os.pidfd_open(pid)
    if command["of_work"]:
        select.select([awaited, pause.working], [], [], LONGEST_RUN)
    ready, _, _ = select.select([awaited, pause.standing], [], [], LONGEST_RUN if after is None else after)
    if pause.standing in ready:
        answer({"paused": True})
        sys.stdin.readline()
        pause.go_on()
        ready, _, _ = select.select([awaited], [], [], LONGEST_RUN)
    if not ready:
        if after is None:
            stage.enter("hangs", slot=1)
        os.kill(pid, signal.SIGKILL)
    _, waited = os.waitpid(pid, 0)
    os.close(awaited)
    pause.close()
    told = {
        "status": os.waitstatus_to_exitcode(waited),
        "seconds": time.monotonic() - began,
        "worked": time.monotonic() - float(stage.read(WORK) or began),
        "stage": stage.read(),
        "failure": stage.read(1),
    }
    stage.close()
    return told


def fork_portal(folder: str) -> dict:
    """Fork a portal on `folder`; it answers until it is stopped, or this process ends."""
    read, write = os.pipe()
    here, parent = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os.close(parent)
        with serve(Path(folder)) as server:
            os.write(write, server.url.encode())
            os.close(write)
            select.select([here], [], [])
        os._exit(0)
    os.close(write)
    os.close(here)
    with os.fdopen(read) as stream:
        url = stream.read()
    _portals[pid] = parent
    return {"pid": pid, "url": url}


_portals: dict[int, int] = {}


def stop_portal(pid: int) -> dict:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(_portals.pop(pid))
    return {}


def answer(told: dict) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    gc.freeze()
    while line := sys.stdin.readline():
        command = json.loads(line)
        if "portal" in command:
            told = fork_portal(command["portal"])
        elif "stop" in command:
            told = stop_portal(command["stop"])
        else:
            told = fork_run(command)
        answer(told)
    for pid in list(_portals):
        stop_portal(pid)


if __name__ == "__main__":
    main()
