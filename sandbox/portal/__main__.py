"""The portal as a program.

`python -m sandbox.portal --folder F [--port P]` serves and prints its URL when it is ready;
`python -m sandbox.portal fault --folder F KIND` lets a portal on the same folder misbehave, running or not.
"""

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from sandbox.portal.misbehaviour import EVERY_OPERATION, FaultKind, queue_fault
from sandbox.portal.server import serve
from sandbox.portal.store import connect, create_store

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str]) -> int:
    """Serve until a signal comes, or queue one fault; returns the exit status."""
    if arguments[:1] == ["fault"]:
        return _fault(arguments[1:])
    parser = argparse.ArgumentParser(prog="sandbox.portal", description="Serve diary-exchange-1.")
    parser.add_argument("--folder", type=Path, required=True, help="keeps portal.sqlite and keys/")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--school", action="append", help="a school that the portal knows; none given: all")
    options = parser.parse_args(arguments)
    run(options.folder, options.host, options.port, options.school)
    return 0


def run(folder: Path, host: str, port: int, schools: Collection[str] | None) -> None:
    """Serve until SIGINT or SIGTERM; prints the URL when the portal is ready."""
    stop = threading.Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: stop.set())
    with serve(folder, host, port, schools=schools) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        stop.wait()


def _fault(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="sandbox.portal fault", description="Let the portal misbehave.")
    parser.add_argument("kind", choices=[str(kind) for kind in FaultKind])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--operation", default=EVERY_OPERATION, help="such as SubmitJournal; * is any")
    parser.add_argument("--times", type=int, default=1, help="0: until cleared")
    parser.add_argument("--argument", help="seconds, or a regular expression of record ids")
    options = parser.parse_args(arguments)
    with contextlib.closing(connect(create_store(options.folder))) as connection:
        queue_fault(
            connection,
            options.kind,
            operation=options.operation,
            times=options.times or None,
            argument=options.argument,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
