"""Replies that are lost, a thousand of each sort: GetReceipt tells, and no batch is ever sent twice as a new one.

In pairs: the portal took the batch and its reply was lost, or the request was lost and nothing was taken; the bridge
can't tell them apart but by asking. One record a batch; the portal's own books are held against the bridge's.
"""

import contextlib
import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds.forking import Forker
from worlds.school_life import Home, SchoolLife, living, make_home

from delivery.tables import BATCH
from sandbox.portal import FaultKind, connect, queue_fault

SOAK = os.environ.get("DNEVNIK_SOAK") == "1"
LOST = 1000 if SOAK else 100
STUDENTS, WEEKS = (36, 8) if SOAK else (20, 2)
AFTER_TAKING = (FaultKind.CUT_AFTER, FaultKind.HALF_REPLY_AFTER, FaultKind.HTTP_502_AFTER, FaultKind.UNSIGNED)
BEFORE_TAKING = (FaultKind.CUT_BEFORE, FaultKind.HTTP_502_BEFORE, FaultKind.HTTP_503_BEFORE, FaultKind.HTTP_500_BEFORE)
TIMEOUT_EVERY = 20
"""One loss of so many is a time-out, which takes as long as the bridge waits for a reply."""
REPLY_TIMEOUT = 1


@pytest.fixture(scope="module")
def home(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("home") / "home"
    made = make_home(folder, keys, seed=5, students=STUDENTS, weeks=WEEKS, batch_records=1)
    config = folder / "bridge.toml"
    config.write_text(config.read_text().replace("reply_timeout = 20", f"reply_timeout = {REPLY_TIMEOUT}"))
    return made


@pytest.fixture
def life(home: Home, tmp_path: Path) -> Iterator[SchoolLife]:
    with Forker() as forker, living(home, tmp_path / "school", forker) as living_school:
        yield living_school


@pytest.mark.timeout(3600 if SOAK else 300)
def test_every_reply_that_was_lost_after_taking_is_found_by_its_receipt(life: SchoolLife) -> None:
    kinds = _queue(life, AFTER_TAKING, FaultKind.TIMEOUT_AFTER, again=False)
    books = _sync(life)
    assert books.resolved["receipt"] >= LOST
    assert books.submits == books.batches  # none was sent a second time
    assert books.asked["ok"] >= LOST
    assert books.asked["UnknownBatch"] == 0
    _agree(life, books)
    print(f"lost after taking: {LOST} of {books.batches} batches, {kinds}, {books}")  # noqa: T201  the figures


@pytest.mark.timeout(3600 if SOAK else 300)
def test_every_request_that_was_lost_is_sent_again_as_the_same_batch(life: SchoolLife) -> None:
    kinds = _queue(life, BEFORE_TAKING, FaultKind.TIMEOUT_BEFORE, again=True)
    books = _sync(life)
    assert books.submits == books.batches + LOST
    assert books.asked["UnknownBatch"] == LOST
    assert books.resolved["reply"] == books.batches
    _agree(life, books)
    print(f"lost before taking: {LOST} of {books.batches} batches, {kinds}, {books}")  # noqa: T201  the figures


class Books:
    """What both sides wrote down of one run."""

    def __init__(self, life: SchoolLife, seconds: float) -> None:
        entries = life.log_entries()
        self.seconds = seconds
        self.intended = Counter(entry["batch"] for entry in entries if entry["kind"] == "disclosure-intended")
        outcomes = [entry for entry in entries if entry["kind"] == "disclosure-outcome"]
        self.outcomes = Counter((entry["batch"], entry["outcome"]) for entry in outcomes)
        self.resolved = Counter(entry["resolved_by"] for entry in outcomes)
        with life.engine.connect() as connection:
            self.ours = {row.batch_id: row.state for row in connection.execute(BATCH.select())}
        self.receipts = {batch for (batch,) in life.portal_rows("SELECT batch_id FROM receipt")}
        log = life.portal_rows("SELECT operation, outcome FROM request_log")
        self.submits = sum(operation == "SubmitJournal" for operation, _ in log)
        self.asked = Counter(outcome for operation, outcome in log if operation == "GetReceipt")

    @property
    def batches(self) -> int:
        return len(self.ours)

    def __str__(self) -> str:
        return (
            f"submits {self.submits}, receipts asked for {self.asked.total()}, "
            f"receipts at the portal {len(self.receipts)}, {self.seconds:.0f} s"
        )


def _queue(life: SchoolLife, kinds: tuple[FaultKind, ...], timeout: FaultKind, *, again: bool) -> dict[str, int]:
    """Let so many replies be lost, each batch's first; `again`: the second time it is taken."""
    chosen: list[FaultKind] = []
    with contextlib.closing(connect(life.folder / "portal" / "portal.sqlite")) as connection:
        for number, kind in zip(range(LOST), itertools.cycle(kinds)):
            lost = timeout if number % TIMEOUT_EVERY == 0 else kind
            chosen.append(lost)
            waits = str(3 * REPLY_TIMEOUT) if lost is timeout else None
            queue_fault(connection, lost, operation="SubmitJournal", argument=waits)
            if again:
                queue_fault(connection, FaultKind.SLOW, operation="SubmitJournal", argument="0")
    return {str(kind): count for kind, count in Counter(chosen).items()}


def _sync(life: SchoolLife) -> Books:
    began = time.monotonic()
    ended = life.run("sync")
    assert (ended.status, ended.failure) == (0, "")
    return Books(life, time.monotonic() - began)


def _agree(life: SchoolLife, books: Books) -> None:
    """Every batch was intended once, taken once and has one outcome; the portal knows these and no others."""
    assert books.batches >= LOST
    assert set(books.ours.values()) == {"taken"}
    assert books.receipts == set(books.ours) == set(books.intended)
    assert books.outcomes == Counter({(batch, "taken"): 1 for batch in books.ours})
    assert life.portal_rows("SELECT count(*) FROM faults") == [(0,)]
    again = life.run("sync")
    assert (again.status, len(life.portal_rows("SELECT * FROM receipt"))) == (0, books.batches)
