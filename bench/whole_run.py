"""Figure 3: a school's whole first run as a process: `dnevnik sync` against `bench/plain.py`, time and peak memory.

Each run has an empty portal in a process of its own, and the bridge's a new installation whose register is already
imported (the script reads the register in its run). At the end both portals must show the very same records and links.
Where the time went is read from the portal's own log of requests, the same way for both. The bridge then syncs once
more with nothing changed, which the script can't. Only the standard library is imported here: a child's peak memory
counts from its parent's size on.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from itertools import count
from pathlib import Path

from ground import CODE, Ground, dnevnik, make_installation, portal_process
from rounds import by_turns, middle, ratio, told

ROUNDS = 5
PLAIN = Path(__file__).parent / "plain.py"
CONTENT = """
SELECT kind, subject, date, lesson_number, value, CAST(weight AS REAL), work, comment, unixepoch(entered_at)
FROM holding WHERE withdrawn = 0"""
LINKS = "SELECT account_id, valid_from, valid_to, records_from, records_to, active FROM link"
SENDING = "SELECT min(at), max(at) FROM request_log WHERE operation = ?"

Shown = tuple[list[tuple[object, ...]], list[tuple[object, ...]]]


def run_as_child(command: list[str], folder: Path) -> dict[str, float]:
    """Run a program to its end; returns its seconds, CPU seconds and peak memory (MiB). Raises where it fails."""
    started, start = time.time(), time.perf_counter()
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1}:  # 1: done, with records set aside
        raise RuntimeError((folder / "output.txt").read_text())
    return {
        "started": started,
        "seconds": seconds,
        "busy": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
    }


def portal_shows(portal: Path) -> Shown:
    """Return what a portal holds, without the sender's opaque ids."""
    with closing(sqlite3.connect(portal / "portal.sqlite")) as connection:
        records, links = (sorted(connection.execute(query).fetchall(), key=repr) for query in (CONTENT, LINKS))
    return records, links


def phases(portal: Path, measured: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds until the first request, of the links, and of the records."""
    with closing(sqlite3.connect(portal / "portal.sqlite")) as connection:
        puts = connection.execute(SENDING, ("PutLink",)).fetchone()
        submits = connection.execute(SENDING, ("SubmitJournal",)).fetchone()
    first_put, last_put, _, last_submit = (datetime.fromisoformat(at).timestamp() for at in (*puts, *submits))
    ended = measured["started"] + measured["seconds"]
    return {
        "before": first_put - measured["started"],
        "links": last_put - first_put,
        "records": last_submit - last_put,
        "after": ended - last_submit,
    }


def main(folder: Path) -> None:
    """Measure and print."""
    ground = Ground(folder)
    numbers = count(1)
    shown: dict[str, Shown] = {}

    def run(side: str, command: Callable[[Path, str], list[str]]) -> Mapping[str, float]:
        own = folder / f"{side}-{next(numbers)}"
        own.mkdir()
        with portal_process(ground, own / "portal") as url:
            words = command(own, url)
            measured = run_as_child(words, own)
            measured |= phases(own / "portal", measured)
            shown[side] = portal_shows(own / "portal")
            if side == "bridge":
                again = run_as_child(words, own)
                measured |= {"again": again["seconds"], "again memory": again["memory"]}
                if portal_shows(own / "portal") != shown[side]:
                    raise RuntimeError("a second run changed what the portal shows")
        shutil.rmtree(own)
        return measured

    def plain(_: Path, url: str) -> list[str]:
        arguments = [ground.school, ground.register, url, ground.keys, CODE]
        return [sys.executable, str(PLAIN), *map(str, arguments)]

    def bridge(own: Path, url: str) -> list[str]:
        return [*dnevnik(make_installation(ground, own / "bridge", url)), "sync"]

    measured = by_turns({"plain": lambda: run("plain", plain), "bridge": lambda: run("bridge", bridge)}, ROUNDS)
    if shown["plain"] != shown["bridge"]:
        raise RuntimeError("the two sides did not send the same records and links")
    records, links = shown["bridge"]
    print(f"3. a whole first run: {len(records):,} records and {len(links):,} links, the same on both; {ROUNDS} rounds")
    for side, title in (("plain", "plain script"), ("bridge", "dnevnik sync")):
        mine = measured[side]
        print(f"   {title:<13} {told(mine, 'seconds', '.1f')} s; CPU {told(mine, 'busy', '.1f')} s", end="; ")
        print(f"peak memory {told(mine, 'memory')} MiB")
        parts = ", ".join(f"{part} {middle(mine, part):.1f} s" for part in ("before", "links", "records", "after"))
        print(f"   {'':<13} {parts}")
    second = measured["bridge"]
    print(f"   a second sync, nothing changed: {told(second, 'again', '.1f')} s; {told(second, 'again memory')} MiB")
    for figure, unit in (("seconds", "time"), ("busy", "CPU"), ("memory", "memory")):
        print(f"   bridge / script, {unit:<8} {ratio(measured['bridge'], measured['plain'], figure)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
