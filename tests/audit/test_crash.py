"""Killed, failed or raced at any point, the log stays whole and the next append goes on by the same code."""

import errno
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Never

import pytest

from audit.entry import Entry, RunStarted, parse
from audit.errors import AuditDamagedError, AuditUnavailableError
from audit.keys import SigningKey
from audit.location import open_store
from audit.log import AuditLog, open_log
from audit.note import Checkpoint
from audit.store import Longer, Resources, Writer
from audit.verify import verify_log

ORIGIN = "school.example/audit"
CALLS = ("open", "write", "fsync", "replace", "mkdir", "unlink", "rmdir")
SITUATIONS = [(0, 3), (250, 10), (500, 20)]  # a first append; a bundle filled; a bundle filled beside a full one
FORK = multiprocessing.get_context("fork")
Intents = Callable[[int], list[Entry]]


def in_a_process_of_its_own(work: Callable[[], object]) -> int:
    """Run `work` in a forked process and return how it ended: 0, or minus the signal's number."""
    process = FORK.Process(target=work)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def die() -> Never:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@contextmanager
def at_every_call(before: Callable[[str, tuple[Any, ...]], None], after: Callable[[str], None]) -> Iterator[None]:
    """Say `before` and `after` around each system call that the folder store makes."""
    real = {name: getattr(os, name) for name in CALLS}

    def around(name: str) -> Callable[..., object]:
        def call(*args: Any, **kwargs: Any) -> object:
            before(name, args)
            result: object = real[name](*args, **kwargs)
            after(name)
            return result

        return call

    for name in CALLS:
        setattr(os, name, around(name))
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def checked_after(folder: Path, key: SigningKey, before: Checkpoint, lines: list[bytes], more: list[Entry]) -> bool:
    """Hold a log after an append that was broken off against what it promises; tell whether the entries are in.

    `lines` are all entries when they are in. Appends `more`, which has to succeed.
    """
    verdict = verify_log(folder, key.verifier, earlier=[before])
    assert verdict.problems == ()
    assert verdict.size in {before.size, len(lines)}
    log = open_log(folder, key, ORIGIN)
    assert log.continues(before.size, before.root)
    published = lines[: verdict.size]
    assert list(log.entries()) == published
    after = log.append(more)
    assert [parse(line) for line in log.entries(verdict.size)] == more
    assert list(log.entries(0, verdict.size)) == published
    verdict = verify_log(folder, key.verifier, earlier=[before, after])
    assert (verdict.problems, verdict.unpublished) == ((), ())
    assert list((folder / ".new").iterdir()) == []
    return len(published) == len(lines)


@pytest.fixture(params=SITUATIONS, ids=lambda situation: f"{situation[0]}+{situation[1]}")
def situation(
    request: pytest.FixtureRequest, tmp_path: Path, key: SigningKey, intents: Intents
) -> tuple[Path, list[Entry], list[bytes], Checkpoint]:
    """A log of some entries, entries to add, the lines of both, and the checkpoint before."""
    size, added = request.param
    base = tmp_path / "base"
    log = open_log(base, key, ORIGIN)
    before = log.append(intents(size))
    more = intents(added)
    shutil.copytree(base, tmp_path / "done")
    done = open_log(tmp_path / "done", key, ORIGIN)
    done.append(more)
    return base, more, list(done.entries()), before


def test_killed_at_every_system_call(
    situation: tuple[Path, list[Entry], list[bytes], Checkpoint], tmp_path: Path, key: SigningKey, intents: Intents
) -> None:
    base, more, lines, before = situation
    outcomes: list[bool] = []
    for last in count(1):
        folder = tmp_path / f"killed-{last}"
        shutil.copytree(base, folder)

        def append(folder: Path = folder, last: int = last) -> None:
            log = open_log(folder, key, ORIGIN)
            steps = count(1)

            def kill(name: str, args: tuple[Any, ...]) -> None:
                if next(steps) == last:
                    if name == "write":
                        os.pwrite(args[0], bytes(args[1])[: len(args[1]) // 2], 0)  # half of it got there
                    die()

            with at_every_call(kill, lambda _: None):
                log.append(more)

        ended = in_a_process_of_its_own(append)
        outcomes.append(checked_after(folder, key, before, lines, intents(20)))
        shutil.rmtree(folder)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    assert len(outcomes) > 15, "hardly any call was seen"
    assert outcomes == sorted(outcomes), "once the entries are published, they stay"
    assert not outcomes[0]
    assert outcomes[-1]


@pytest.mark.parametrize("done", [False, True], ids=["failed and not done", "failed but done"])
def test_an_error_of_every_system_call(
    situation: tuple[Path, list[Entry], list[bytes], Checkpoint],
    tmp_path: Path,
    key: SigningKey,
    intents: Intents,
    done: bool,
) -> None:
    base, more, lines, before = situation
    for last in count(1):
        folder = tmp_path / f"failed-{last}"
        shutil.copytree(base, folder)
        log = open_log(folder, key, ORIGIN)
        steps = count(1)

        def fail(_name: str, _args: object = None, steps: Iterator[int] = steps, last: int = last) -> None:
            if next(steps) == last:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        around = (lambda _name, _args: None, fail) if done else (fail, lambda _: None)
        raised = False
        with at_every_call(*around):
            try:
                log.append(more)
            except AuditUnavailableError as error:
                raised = True
                assert "Input/output error" in str(error)  # noqa: PT017  whether it raises is a finding here
        inside = checked_after(folder, key, before, lines, intents(3))
        shutil.rmtree(folder)
        assert raised or inside, "an append that returned is in the log"
        if not raised:
            break


def test_everything_is_flushed_before_the_checkpoint_speaks_of_it(
    situation: tuple[Path, list[Entry], list[bytes], Checkpoint], key: SigningKey
) -> None:
    """What a power cut could take away: a file not flushed before its rename, a folder not flushed after it."""
    base, more, _, _ = situation
    log = open_log(base, key, ORIGIN)
    flushed: set[Path] = set()
    unflushed_folders: set[Path] = set()
    published = False

    def watch(name: str, args: tuple[Any, ...]) -> None:
        nonlocal published
        if name == "fsync":
            place = Path(f"/proc/self/fd/{args[0]}").readlink()
            flushed.add(place)
            unflushed_folders.discard(place)
        elif name == "write":
            flushed.discard(Path(f"/proc/self/fd/{args[0]}").readlink())
        elif name == "mkdir":
            unflushed_folders.add(Path(args[0]).parent)
        elif name == "replace":
            source, target = Path(args[0]), Path(args[1])
            assert source in flushed, f"{target} was renamed before it was flushed"
            flushed.discard(source)
            if target.name == "checkpoint":
                published = True
                assert unflushed_folders == set(), "the checkpoint speaks of files whose folders weren't flushed"
            unflushed_folders.add(target.parent)
        elif name in {"unlink", "rmdir"}:
            assert published, "nothing of the old state may go before the new one is published"

    with at_every_call(watch, lambda _: None):
        log.append(more)
    assert published
    assert base not in unflushed_folders, "the checkpoint's own rename wasn't flushed when append returned"


class DyingWriter:
    """A writer that kills its process before or after one of its acts."""

    def __init__(self, writer: Writer, act: str, *, after: bool) -> None:
        self._writer = writer
        self._act = act
        self._after = after

    def _do(self, act: str, work: Callable[[], None]) -> None:
        if act == self._act and not self._after:
            die()
        work()
        if act == self._act:
            die()

    def read(self, path: str) -> bytes | None:
        return self._writer.read(path)

    def drop_unpublished(self, size: int) -> None:
        self._do("drop_unpublished", lambda: self._writer.drop_unpublished(size))

    def write(self, resources: Resources, longer: Longer | None = None) -> None:
        self._do("write", lambda: self._writer.write(resources, longer))

    def publish(self, checkpoint: bytes, size: int) -> None:
        self._do("publish", lambda: self._writer.publish(checkpoint, size))

    def drop_partials(self, folder: str) -> None:
        self._do("drop_partials", lambda: self._writer.drop_partials(folder))


class DyingStore:
    """A store whose writers die."""

    def __init__(self, location: str, act: str, *, after: bool) -> None:
        self._store = open_store(location)
        self._act = act
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def writing(self) -> Iterator[DyingWriter]:
        with self._store.writing() as writer:
            yield DyingWriter(writer, self._act, after=self._after)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("act", ["drop_unpublished", "write", "publish", "drop_partials"])
def test_killed_around_every_act_in_both_stores(
    location: str, key: SigningKey, intents: Intents, act: str, after: bool
) -> None:
    log = open_log(location, key, ORIGIN)
    before = log.append(intents(250))
    more = intents(10)
    log.close()

    def append() -> None:
        store: Any = DyingStore(location, act, after=after)
        AuditLog(store, key).append(more)

    assert in_a_process_of_its_own(append) == -signal.SIGKILL
    verdict = verify_log(location, key.verifier, earlier=[before])
    assert verdict.problems == ()
    in_folder_published = "://" not in location and (act == "drop_partials" or (act == "publish" and after))
    assert verdict.size == (260 if in_folder_published else 250)
    log = open_log(location, key, ORIGIN)
    assert log.append(more).size == verdict.size + 10
    assert [parse(line) for line in log.entries(verdict.size)] == more
    log.close()
    verdict = verify_log(location, key.verifier, earlier=[before])
    assert (verdict.problems, verdict.unpublished) == ((), ())


def test_a_database_that_lost_its_newest_checkpoint_is_not_written_over(
    tmp_path: Path, key: SigningKey, intents: Intents
) -> None:
    import sqlalchemy as sa  # noqa: PLC0415  only here is it needed

    url = f"sqlite:///{tmp_path / 'audit.db'}"
    log = open_log(url, key, ORIGIN)
    for _ in range(3):
        log.append(intents(2))
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM audit_checkpoint WHERE size = 6"))
    engine.dispose()
    with pytest.raises(AuditDamagedError, match="holds more than its last checkpoint covers"):
        log.append(intents(2))
    assert log.checkpoint().size == 4
    log.close()


def numbered(writer: int, number: int, started: RunStarted) -> RunStarted:
    return replace(started, run=f"{writer}:{number}")


def appends(location: str, key: SigningKey, writer: int, started: RunStarted) -> None:
    log = open_log(location, key, ORIGIN)
    for number in range(0, 60, 3):
        log.append([numbered(writer, number + within, started) for within in range(3)])
    log.close()


def check_all_are_there_once(location: str, key: SigningKey, writers: int) -> None:
    log = open_log(location, key, ORIGIN)
    runs = [entry.run for entry in map(parse, log.entries()) if isinstance(entry, RunStarted)]
    log.close()
    for writer in range(writers):
        mine = [run for run in runs if run.startswith(f"{writer}:")]
        assert mine == [f"{writer}:{number}" for number in range(60)]
    assert len(runs) == 60 * writers
    for at in range(0, len(runs), 3):
        assert len({run.partition(":")[0] for run in runs[at : at + 3]}) == 1, "an append was torn apart"
    verdict = verify_log(location, key.verifier)
    assert (verdict.problems, verdict.unpublished) == ((), ())


def test_processes_that_append_at_once(location: str, key: SigningKey, started: RunStarted) -> None:
    open_log(location, key, ORIGIN).close()
    processes = [FORK.Process(target=appends, args=(location, key, writer, started)) for writer in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    check_all_are_there_once(location, key, 3)


def test_threads_that_append_to_one_log_at_once(
    log: AuditLog, location: str, key: SigningKey, started: RunStarted
) -> None:
    failures: list[BaseException] = []

    def work(writer: int) -> None:
        try:
            for number in range(0, 60, 3):
                log.append([numbered(writer, number + within, started) for within in range(3)])
        except BaseException as error:  # noqa: BLE001  a thread's failure is the test's
            failures.append(error)

    threads = [threading.Thread(target=work, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    check_all_are_there_once(location, key, 4)


def test_verification_and_reading_beside_a_writer(
    log: AuditLog, location: str, key: SigningKey, intents: Intents
) -> None:
    """Partial tiles go under a reader's hands; what it was promised is still there."""
    log.append(intents(200))
    ended = threading.Event()

    def write() -> None:
        for _ in range(40):
            log.append(intents(17))
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not ended.is_set():
            size = log.checkpoint().size
            assert sum(1 for _ in log.entries()) >= size
            assert verify_log(location, key.verifier).problems == ()
    finally:
        writer.join()
