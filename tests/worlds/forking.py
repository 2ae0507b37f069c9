"""Runs of a bridge in processes of their own, made quickly: the near side of `forked_runs`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

TESTS = Path(__file__).parent.parent
KILLED = -9


@dataclass(frozen=True)
class Ended:
    """What became of a run: its status (KILLED, 0, 1), where it was, how long it took and worked, its failure."""

    status: int
    seconds: float
    worked: float
    stage: str
    failure: str

    @property
    def killed(self) -> bool:
        return self.status == KILLED


@dataclass(frozen=True)
class Kill:
    """When a run is to die: so many seconds after its start, or when it has passed a boundary so many times.

    `of_work`: the seconds count from when its bridge stood.
    """

    after: float | None = None
    boundary: str | None = None
    passes: int = 0
    of_work: bool = False


NO_KILL = Kill()


class Forker:
    """The process that forks; one command at a time."""

    def __init__(self) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, str(TESTS / "worlds" / "forked_runs.py")],
            env=kept | {"DO_NOT_TRACK": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=150)
        self._process.stdout.close()

    def _tell(self, command: dict[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _hear(self) -> dict:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    @contextmanager
    def portal(self, folder: Path) -> Iterator[str]:
        """Give the URL of a portal on `folder`, in a process of its own."""
        self._tell({"portal": str(folder)})
        told = self._hear()
        try:
            yield told["url"]
        finally:
            self._tell({"stop": told["pid"]})
            self._hear()

    def start(self, config: Path, how: str, kill: Kill = NO_KILL, pause: str | None = None) -> None:
        """Start a run; `ended` waits for its end."""
        moment = {"kill_after": kill.after, "boundary": kill.boundary, "passes": kill.passes, "of_work": kill.of_work}
        self._tell({"run": str(config), "how": how, **moment, "pause": pause})

    def run_with_pause(self, config: Path, how: str, boundary: str, meanwhile: Callable[[], None]) -> Ended:
        """Run; the first time that the run passes a boundary it stands still, and something happens meanwhile."""
        self.start(config, how, pause=boundary)
        told = self._hear()
        if "paused" not in told:
            return Ended(**told)
        try:
            meanwhile()
        finally:
            self._tell({"go": True})
            ended = self.ended()
        return ended

    def ended(self) -> Ended:
        return Ended(**self._hear())

    def run(self, config: Path, how: str, kill: Kill = NO_KILL) -> Ended:
        self.start(config, how, kill)
        return self.ended()
