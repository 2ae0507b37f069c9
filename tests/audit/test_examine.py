"""A long log is looked at by several processes; what they find is what one finds, in the same order."""

import os
import signal
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from audit import examine
from audit.entry import Entry, RunStarted
from audit.errors import AuditUnavailableError
from audit.examine import Examined, examine_log
from audit.keys import SigningKey
from audit.location import open_store
from audit.log import open_log
from audit.verify import verify_log

ORIGIN = "school.example/audit"
SIZE = 40 * 256 + 77


@pytest.fixture
def long_location(location: str, key: SigningKey, intents: Callable[[int], list[Entry]]) -> str:
    log = open_log(location, key, ORIGIN)
    log.append(intents(SIZE))
    log.close()
    return location


def found(location: str, processes: int) -> list[Examined]:
    store = open_store(location)
    try:
        return list(examine_log(location, store.read, SIZE, processes))
    finally:
        store.close()


def test_several_processes_find_what_one_finds(long_location: str) -> None:
    alone = found(long_location, 1)
    assert sum(examined.bundle.width for examined in alone) == SIZE
    assert not any(examined.problems or examined.differing for examined in alone)
    for processes in (2, 3):
        assert found(long_location, processes) == alone


def test_what_is_wrong_is_found_and_said_in_order(
    tmp_path: Path, key: SigningKey, intents: Callable[[int], list[Entry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    before = log.append(intents(SIZE - 3))
    log.append(intents(3))
    for path, at in (("tile/entries/001", 700), ("tile/entries/017", 40), ("tile/0/033", 9), ("tile/1/000.p/40", 9)):
        content = bytearray((tmp_path / path).read_bytes())
        content[at] ^= 4
        (tmp_path / path).write_bytes(content)
    (tmp_path / "tile/entries/020").unlink()
    alone = verify_log(tmp_path, key.verifier, earlier=[before])
    assert len(alone.problems) > 5
    monkeypatch.setattr(examine, "SHORTEST_DIVIDED", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    assert verify_log(tmp_path, key.verifier, earlier=[before]) == alone


def test_a_store_that_fails_in_a_worker_is_said(
    tmp_path: Path, key: SigningKey, started: RunStarted, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_log(tmp_path, key, ORIGIN).append([started] * SIZE)
    (tmp_path / "tile/entries/025").unlink()
    (tmp_path / "tile/entries/025").mkdir()
    alone = verify_log(tmp_path, key.verifier)
    assert "Is a directory" in alone.problems[-1].en
    monkeypatch.setattr(examine, "SHORTEST_DIVIDED", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert verify_log(tmp_path, key.verifier) == alone


def test_a_worker_that_is_gone_is_no_whole_log(tmp_path: Path, key: SigningKey, started: RunStarted) -> None:
    open_log(tmp_path, key, ORIGIN).append([started] * SIZE)
    others = children()
    endless = examine_log(tmp_path, open_store(tmp_path).read, 10**9, 2)
    assert len(list(islice(endless, 3))) == 3
    for child in children() - others:
        os.kill(child, signal.SIGKILL)
    with pytest.raises(AuditUnavailableError, match="broke off"):
        for _ in endless:
            pass
    assert children() == others


def test_workers_end_with_whoever_asked(tmp_path: Path, key: SigningKey, started: RunStarted) -> None:
    open_log(tmp_path, key, ORIGIN).append([started] * SIZE)
    others = children()
    findings = examine_log(tmp_path, open_store(tmp_path).read, SIZE, 2)
    next(iter(findings))
    assert len(children() - others) == 2
    findings.close()  # type: ignore[attr-defined]  # it is a generator here
    assert children() == others


def children() -> set[int]:
    """The processes that this one started and that still are."""
    return {int(child) for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def test_a_short_log_starts_no_process(
    tmp_path: Path, key: SigningKey, started: RunStarted, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_log(tmp_path, key, ORIGIN).append([started] * 300)
    monkeypatch.setattr(examine, "_worker", None)
    assert verify_log(tmp_path, key.verifier).ok
