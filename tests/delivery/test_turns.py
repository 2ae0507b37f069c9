"""`requests_per_minute` holds over all schools, threads and machines that share one database."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from sqlalchemy.engine import Engine

from database import open_database
from delivery.patience import Turns
from delivery.tables import REQUEST_ALLOWANCE

PER_MINUTE = 60
ORDINARY = 57  # a twentieth is kept for what takes records back
MINUTE = 29_333_333  # any

DRAWING = """
import sys
from database import open_database
from delivery.patience import Turns

class Over(Exception):
    pass

def over(_seconds):
    raise Over

turns, taken = Turns(open_database(sys.argv[1]), int(sys.argv[2]), clock=lambda: float(sys.argv[3]), sleep=over), 0
print("ready", flush=True)
sys.stdin.readline()
try:
    while True:
        turns.take()
        taken += 1
except Over:
    print(taken)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        with bridge_database(f"sqlite:///{tmp_path}/bridge.db"):
            yield f"sqlite:///{tmp_path}/bridge.db"
        return
    with postgresql() as address, bridge_database(address):
        yield address


class OverError(Exception):
    """The minute's turns are all drawn."""


def over(_seconds: float) -> None:
    raise OverError


def drawn(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.sum(REQUEST_ALLOWANCE.c.taken))) or 0


def test_processes_on_one_database_share_one_minute(url: str) -> None:
    """As two machines would: four processes begin at once and draw until the minute is spent."""
    moment = str(MINUTE * 60 + 1)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", DRAWING, url, str(PER_MINUTE), moment],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(taken) == ORDINARY
    assert [process.returncode for process in processes] == [0] * 4


def test_threads_and_schools_share_one_minute_and_the_next_has_its_own(url: str) -> None:
    """Two engines, as of two machines, each with three schools; a clock that their waits move on."""
    now = [float(MINUTE * 60)]
    lock = threading.Lock()
    sent: Counter[int] = Counter()

    def sleep(seconds: float) -> None:
        with lock:
            now[0] += min(seconds, 0.5)

    def school(turns: Turns) -> None:
        for _ in range(30):
            turns.take()
            with lock:
                sent[int(now[0] // 60)] += 1

    engines = [open_database(url), open_database(url)]
    threads = []
    for engine in engines:
        turns = Turns(engine, PER_MINUTE, clock=lambda: now[0], sleep=sleep)
        threads += [threading.Thread(target=school, args=(turns,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(sent.values()) == 180
    # a turn that was drawn as the minute ended is counted in the next, one a thread at most
    assert max(sent.values()) <= ORDINARY + len(threads)
    for engine in engines:
        engine.dispose()


def test_what_takes_back_has_turns_left_when_the_rest_is_spent(url: str) -> None:
    engine = open_database(url)
    turns = Turns(engine, PER_MINUTE, clock=lambda: MINUTE * 60.0, sleep=over)
    for _ in range(ORDINARY):
        turns.take()
    with pytest.raises(OverError):
        turns.take()
    for _ in range(PER_MINUTE - ORDINARY):
        turns.take(urgent=True)
    with pytest.raises(OverError):
        turns.take(urgent=True)
    assert drawn(engine) == PER_MINUTE
    engine.dispose()


def test_the_waits_are_until_the_next_minute_and_what_cannot_wait_is_done_meanwhile(url: str) -> None:
    engine = open_database(url)
    now, waited, done = [datetime(2026, 11, 25, 9, 0, 58, tzinfo=UTC).timestamp()], [], []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    turns = Turns(engine, 1, clock=lambda: now[0], sleep=sleep)
    turns.take()
    turns.take(meanwhile=lambda: done.append(now[0]))
    assert 1.9 < sum(waited) < 2.1
    assert len(done) >= 2
    engine.dispose()
