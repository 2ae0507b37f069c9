"""Killed or told of an error, by strace, at every system call of the writer: the log is whole and keeps its promises.

Rules. Each case begins from a copy of the same log, opens it and appends to it in a process of its own. Of every system
call that changes or makes durable anything, the first, the second and so on is hit, until one is no longer made. After
that the log verifies, still holds what it held, holds the new entries where `append` returned, and takes more.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path

import pytest
from fakes.faults import DONE, EIO, ENOSPC, KILL, REFUSED, with_fault
from fakes.postgresql import postgresql

from audit.entry import Entry, parse
from audit.errors import AuditUnavailableError
from audit.keys import SigningKey
from audit.log import open_log
from audit.note import Checkpoint
from audit.verify import verify_log

ORIGIN = "school.example/audit"
SOAK = os.environ.get("DNEVNIK_SOAK") == "1"
Intents = Callable[[int], list[Entry]]

FOLDER_CALLS = ("openat", "write", "fsync", "rename", "mkdir", "unlink", "unlinkat", "rmdir")
SQLITE_CALLS = ("openat", "pwrite64", "fdatasync", "fsync", "unlink") if SOAK else ("pwrite64", "fdatasync", "unlink")
EACH = 10
# A log that isn't there yet; a first bundle; one that is filled, so that its partial forms go.
SITUATIONS = [(None, 3), (0, 3), (250, 10)] + ([(500, 20), (65_530, 10)] if SOAK else [])


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in memory where there is one: what is asked is whether and in what order things are made durable."""
    memory = Path("/dev/shm")  # noqa: S108  a folder of one's own is made in it
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


class Writer:
    """A log of some entries, and an append to it that is yet to be made."""

    def __init__(self, location: str, key: SigningKey, intents: Intents, size: int | None, added: int) -> None:
        self.location, self.key = location, key
        self.more = intents(added)
        self.before: Checkpoint | None = None
        if size is not None:
            log = open_log(location, key, ORIGIN)
            self.before = log.append(intents(size)) if size else log.checkpoint()
            log.close()
        self.size = size or 0

    def append(self) -> None:
        log = open_log(self.location, self.key, ORIGIN)
        log.append(self.more)

    def check(self, after: list[Entry], *, promised: bool) -> bool:
        """Hold the log against what it promises, and append `after`; tell whether the entries are in."""
        earlier = [] if self.before is None else [self.before]
        log = open_log(self.location, self.key, ORIGIN)  # where there is none yet, it begins one
        verdict = verify_log(self.location, self.key.verifier, earlier=earlier)
        assert verdict.problems == ()
        assert verdict.size in ({self.size + len(self.more)} if promised else {self.size, self.size + len(self.more)})
        inside = verdict.size > self.size
        assert [parse(line) for line in log.entries(self.size)] == (self.more if inside else [])
        checkpoint = log.append(after)
        assert [parse(line) for line in log.entries(verdict.size)] == after
        log.close()
        verdict = verify_log(self.location, self.key.verifier, earlier=[*earlier, checkpoint])
        assert (verdict.problems, verdict.unpublished) == ((), ())
        return inside


def faults(number: int) -> tuple[str, ...]:
    """What the call of this number meets: death, and an error; both errors in the long form."""
    return (KILL, EIO, ENOSPC) if SOAK else (KILL, (EIO, ENOSPC)[number % 2])


def hit_all(
    fresh: Callable[[int], Writer], calls: tuple[str, ...], intents: Intents, stride: int = 1
) -> dict[str, int]:
    """Hit every call with every fault until it is no longer made; return the number of the last that was hit of each.

    Of many calls of a kind, every `stride`-th after the first ones is hit.
    """
    made: dict[str, int] = {}
    cases = count()
    for call in calls:
        for number in chain(range(1, EACH), count(EACH, stride)):
            hits = set()
            for fault in faults(number):
                writer = fresh(next(cases))
                ended = with_fault(writer.append, AuditUnavailableError, call, fault, number)
                where = (call, fault, number, ended)
                assert ended.status in {DONE, REFUSED} or ended.killed, where
                assert ended.hit or ended.status == DONE, where
                writer.check(intents(12), promised=ended.status == DONE)
                hits.add(ended.hit)
            assert len(hits) == 1, (call, number)
            if hits == {False}:
                break
            made[call] = number
    return made


@pytest.mark.timeout(3600 if SOAK else 300)
@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_log_in_a_folder(situation: tuple[int | None, int], place: Path, key: SigningKey, intents: Intents) -> None:
    base = Writer(str(place / "base"), key, intents, *situation)

    def fresh(number: int) -> Writer:
        shutil.rmtree(place / f"{number - 1}", ignore_errors=True)
        writer = Writer(str(place / f"{number}"), key, lambda _: base.more, None, 0)
        writer.before, writer.size = base.before, base.size
        if situation[0] is not None:
            shutil.copytree(base.location, writer.location)
        return writer

    made = hit_all(fresh, FOLDER_CALLS, intents)
    assert made["openat"] > made["write"], made
    assert made["write"] == made["rename"] >= 3, made
    assert made["fsync"] >= 2 * made["rename"], made
    assert ("unlinkat" in made) == (situation[0] in {250, 500, 65_530}), made


@pytest.mark.timeout(3600 if SOAK else 300)
@pytest.mark.parametrize("situation", [(250, 10)], ids=str)
def test_a_log_in_sqlite(situation: tuple[int, int], place: Path, key: SigningKey, intents: Intents) -> None:
    base = Writer(f"sqlite:///{place / 'base.db'}", key, intents, *situation)

    def fresh(number: int) -> Writer:
        writer = Writer(f"sqlite:///{place / f'{number}.db'}", key, lambda _: base.more, None, 0)
        writer.before, writer.size = base.before, base.size
        shutil.copyfile(place / "base.db", place / f"{number}.db")
        return writer

    made = hit_all(fresh, SQLITE_CALLS, intents, stride=1 if SOAK else 19)
    assert made["pwrite64"] >= 6, made
    assert made["fdatasync"] >= 2, made


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


def test_a_log_in_postgresql(server: str, key: SigningKey, intents: Intents) -> None:
    """The server keeps its own promises; here the bridge dies between any two things that it tells it."""
    Writer(server, key, intents, 250, 0)
    sizes: list[int] = []
    for number in chain(range(1, EACH), count(EACH, 1 if SOAK else 4)):
        log = open_log(server, key, ORIGIN)
        before = log.checkpoint()
        log.close()
        writer = Writer(server, key, intents, None, 3)
        writer.before, writer.size = before, before.size
        ended = with_fault(writer.append, AuditUnavailableError, "sendto", KILL, number)
        assert ended.killed or ended.status == DONE
        sizes.append(writer.check(intents(2), promised=ended.status == DONE))
        if not ended.hit:
            break
    assert len(sizes) > 8, "hardly any message was seen"
    assert sizes[-1]
    assert not sizes[0]
