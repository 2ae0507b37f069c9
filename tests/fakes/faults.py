"""Faults of the system itself: a process killed, or given an error, at the very system call that a test names.

strace stands between the process and the kernel. It needs the right to trace one's own children, which Linux gives.
"""

import multiprocessing
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

FORK = multiprocessing.get_context("fork")
KILL = "signal=SIGKILL"
EIO = "error=EIO"
ENOSPC = "error=ENOSPC"

DONE, REFUSED = 0, 3


@dataclass(frozen=True)
class Ended:
    """How a traced piece of work ended: `hit` tells whether the fault came at all, `status` the process's end."""

    hit: bool
    status: int

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL


def with_fault(work: Callable[[], object], refusal: type[Exception], call: str, fault: str, number: int) -> Ended:
    """Do `work` in a process of its own whose `number`-th system call of this name ends in `fault`.

    `status` is DONE when the work returned, REFUSED when it raised `refusal`, else whatever ended the process.
    """
    mine, its = socket.socketpair()

    def traced() -> None:
        its.send(b"r")
        its.recv(1)  # until strace is there
        try:
            work()
        except refusal:
            os._exit(REFUSED)
        os._exit(DONE)

    process = FORK.Process(target=traced)
    process.start()
    its.close()
    mine.recv(1)
    read, write = os.pipe()
    strace = subprocess.Popen(
        [
            *("strace", "-f", "-o", f"/dev/fd/{write}", "-p", str(process.pid)),
            *("-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}", "-e", "signal=none"),
        ],
        stderr=subprocess.PIPE,
        pass_fds=[write],
        text=True,
    )
    os.close(write)
    assert strace.stderr is not None
    attached = strace.stderr.readline()
    assert "attached" in attached, f"strace can't trace here: {attached}"
    mine.send(b"g")
    with os.fdopen(read) as calls:
        trace = calls.read()
    strace.communicate()
    process.join()
    mine.close()
    assert process.exitcode is not None
    killed = process.exitcode == -signal.SIGKILL
    return Ended(hit=killed if fault == KILL else "(INJECTED)" in trace, status=process.exitcode)
