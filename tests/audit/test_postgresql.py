"""The log as rows of a real PostgreSQL, where several machines share one."""

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.context import ForkProcess

import pytest
from fakes.postgresql import postgresql

from audit.entry import Entry, RunStarted, parse
from audit.keys import SigningKey
from audit.log import open_log
from audit.verify import verify_log

ORIGIN = "school.example/audit"
FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL of its own, on a socket in its own folder; gives its URL."""
    with postgresql() as url:
        yield url


def appends(url: str, key: SigningKey, writer: int, started: RunStarted) -> None:
    log = open_log(url, key, ORIGIN)
    for number in range(20):
        log.append([replace(started, run=f"{writer}:{number}")] * 2)
    log.close()


def begin(url: str, key: SigningKey) -> None:
    open_log(url, key, ORIGIN).close()


def together(*processes: ForkProcess) -> None:
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def test_a_log_in_postgresql(
    server: str, key: SigningKey, intents: Callable[[int], list[Entry]], started: RunStarted
) -> None:
    together(*(FORK.Process(target=begin, args=(server, key)) for _ in range(4)))
    log = open_log(server, key, ORIGIN)
    first = log.append(intents(250))
    second = log.append(intents(100))
    assert log.continues(first.size, first.root)
    assert sum(1 for _ in log.entries(200, 300)) == 100
    together(*(FORK.Process(target=appends, args=(server, key, writer, started)) for writer in range(3)))
    runs = [entry.run for entry in map(parse, log.entries(350)) if isinstance(entry, RunStarted)]
    assert sorted(runs) == sorted(f"{writer}:{number}" for writer in range(3) for number in range(20) for _ in "ab")
    assert runs[::2] == runs[1::2], "an append was torn apart"
    log.close()
    verdict = verify_log(server, key.verifier, earlier=[first, second])
    assert (verdict.problems, verdict.size, verdict.unpublished) == ((), 470, ())
