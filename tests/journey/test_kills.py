"""Runs that are killed at any moment of a school's life: nothing is lost, doubled or shown without ground.

Each run is a process of its own, the portal another, and SIGKILL comes at a moment drawn from the whole of a run's
length, or at a named boundary; what people do in the registry meanwhile goes on. After each step's last run the portal
holds exactly what the oracle says; at the end of a schedule all that it ever showed is judged.
"""

import os
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pytest
from journey.boundaries import ROOT, named_boundaries
from oracle.lawful_showing import doubled, given_up_unasked, lost_revisions, unanswered, unlawful
from worlds.forking import Ended, Forker, Kill
from worlds.school_acts import carry_out
from worlds.school_life import Home, SchoolLife, living, make_home, now, terms
from worlds.school_schedule import Act, Step, steps

from audit.keys import load_signing_key
from audit.verify import verify_log

SOAK = os.environ.get("DNEVNIK_SOAK") == "1"
SCHEDULES, KILLS, SEEDS = (200, 500, 20) if SOAK else (10, 40, 2)
LONGEST_SCHEDULE = 12
BOUNDARIES = named_boundaries("delivery", "desk")
NEW_LINKS = 8
"""How many links come in, one after the other, until a run passes the boundary that it is to be killed at."""
FIRST_SECONDS, LATER_SECONDS = 1.5, 0.5
"""How long a run takes before any was measured."""


@dataclass
class Tally:
    """What was done to all schedules together, and how long runs took that nobody killed."""

    schedules: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    runs: int = 0
    shown: int = 0
    records: int = 0
    batches: int = 0
    links: int = 0
    lengths: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    problems: list[str] = field(default_factory=list)

    def length(self, how: str) -> float:
        """Return the usual length of a run of this sort."""
        known = self.lengths[how][-15:]
        return statistics.median(known) if known else FIRST_SECONDS if how.startswith("first") else LATER_SECONDS

    def note(self, ended: Ended, how: str | None = None) -> None:
        self.runs += 1
        if ended.killed:
            self.kills[ended.stage] += 1
        elif how is not None:
            self.lengths[how].append(ended.seconds)
            self.lengths[f"{how} at work"].append(ended.worked)

    def __str__(self) -> str:
        where = ", ".join(f"{stage} {count}" for stage, count in sorted(self.kills.items()))
        return (
            f"schedules {self.schedules}, runs {self.runs}, kills {self.kills.total()} ({where}), "
            f"not killed in time {self.missed}, batches taken {self.batches}, links told {self.links}, "
            f"records ever shown {self.records}, showings judged {self.shown}, differences {len(self.problems)}"
        )


@pytest.fixture(scope="module")
def home(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("home") / "home", keys, seed=3, students=20, weeks=2, batch_records=60)


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    with Forker() as forking:
        yield forking


@pytest.mark.timeout(4 * 3600 if SOAK else 900)
def test_runs_killed_at_any_moment_lose_double_and_leak_nothing(home: Home, forker: Forker, tmp_path: Path) -> None:
    tally, began = Tally(), time.monotonic()
    for seed in range(SCHEDULES):
        wanted = KILLS * (seed + 1) // SCHEDULES - tally.kills.total()
        with living(home, tmp_path / f"school-{seed}", forker) as life:
            _live(life, seed, wanted, tally)
    print(f"{tally}, {time.monotonic() - began:.0f} s")  # noqa: T201  the figures
    assert tally.problems == []
    assert tally.kills.total() >= KILLS


@pytest.mark.timeout(3600 if SOAK else 900)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_run_killed_at_a_boundary_is_finished_by_the_next(
    home: Home, forker: Forker, tmp_path: Path, boundary: str
) -> None:
    tally = Tally()
    for seed in range(SEEDS):
        with living(home, tmp_path / f"school-{seed}", forker) as life:
            first = life.run("sync", Kill(boundary=boundary, passes=seed % 5))
            for more in range(NEW_LINKS):
                if first.killed:
                    break  # else it was not passed so often, or the link that came in has no ground to be opened on
                carry_out(life, [*next(steps(seed)).before, Act("new-link", seed + more), Act("correct", seed)])
                first = life.run("sync", Kill(boundary=boundary))
            assert (first.killed, first.stage) == (True, boundary)
            tally.note(first)
            chance = random.Random(f"boundary {boundary} {seed}")  # noqa: S311  a test's choices
            _step(life, next(steps(10_000 + seed)), chance, 0, tally)
            _judge(life, tally, f"boundary {boundary}, seed {seed}")
    print(f"boundary {boundary}: {tally}")  # noqa: T201  the figures
    assert tally.problems == []
    assert tally.kills.total() == SEEDS


def test_no_boundary_of_a_run_is_forgotten() -> None:
    """A new one is killed at above; what else is in these rooms dies in tests of its own."""
    every = {
        name for room in ("audit", "connectors", "database", "delivery", "flows") for name in named_boundaries(room)
    }
    others = every - set(BOUNDARIES)
    text = (ROOT / "tests/delivery/test_applications.py").read_text(encoding="utf-8")
    assert [name for name in sorted(others) if f'"{name}"' not in text] == []
    assert len(every) - len(others) >= 9


def _live(life: SchoolLife, seed: int, kills: int, tally: Tally) -> None:
    """Live one schedule, until so many of its runs were killed."""
    chance = random.Random(f"kills {seed}")  # noqa: S311  a test's choices
    left = tally.kills.total() + kills
    for number, step in enumerate(islice(steps(seed), LONGEST_SCHEDULE)):
        missing = left - tally.kills.total()
        if number >= 2 and missing <= 0:
            break
        before = len(tally.problems)
        _step(life, step, chance, min(missing, 1 + chance.randrange(3)), tally, first=number == 0)
        if len(tally.problems) > before:
            tally.problems.append(f"so it was at step {number} of schedule {seed}")
            return
    _judge(life, tally, f"schedule {seed}")


def _step(
    life: SchoolLife, step: Step, chance: random.Random, kills: int, tally: Tally, *, first: bool = False
) -> None:
    """Let a step's acts happen, kill so many runs, and let one go through; then hold the portal against the oracle."""
    carry_out(life, step.before)
    for _ in range(kills):
        how = "sweep" if not first and chance.random() < 0.15 else "sync"
        # Half of them from its very start, the others where something can be left half done.
        at_work = chance.random() < 0.5
        after = chance.uniform(0, tally.length(("first" if first else how) + (" at work" if at_work else "")))
        kill = Kill(after=after, of_work=at_work)
        ended = _run(life, how, step if chance.random() < 0.5 else None, kill, after)
        tally.note(ended)
        if not ended.killed:
            tally.missed += 1
            tally.problems += _failure(ended)
    if step.meanwhile is not None:
        _swept(life, step, tally)
    ended = life.run("sync")
    # A first run that goes through at once has a first run's length.
    tally.note(ended, "first" if first and not kills else None if first else "sync")
    tally.problems += _failure(ended)
    tally.problems += _differences(life)


def _swept(life: SchoolLife, step: Step, tally: Tally) -> None:
    """Let something happen in the registry in the midst of a run; the sweep that comes next takes back what it must."""
    act = step.meanwhile
    assert life.forker is not None
    assert act is not None
    ended = life.forker.run_with_pause(
        life.config, "sync", BOUNDARIES[act.chance % len(BOUNDARIES)], lambda: carry_out(life, [act])
    )
    tally.note(ended)
    tally.problems += _failure(ended)
    ended = life.run("sweep")
    tally.note(ended, "sweep")
    tally.problems += _failure(ended)
    at = now()
    must, (_, may_be_open) = life.truth.must_hold(at), life.truth.links(at)
    if life.shown() - must:
        tally.problems.append("a sweep left records shown that have no ground")
    if {key for key, _ in life.open_links()} - may_be_open.keys():
        tally.problems.append("a sweep left links open that have no ground")


def _run(life: SchoolLife, how: str, step: Step | None, kill: Kill, length: float) -> Ended:
    """Run once, killed or not; with a step something happens in the registry meanwhile, within so many seconds."""
    assert life.forker is not None
    life.forker.start(life.config, how, kill)
    try:
        if step is not None and step.meanwhile is not None:
            time.sleep(step.meanwhile_at * length)
            carry_out(life, [step.meanwhile])
    finally:
        ended = life.forker.ended()
    return ended


def _failure(ended: Ended) -> list[str]:
    return [] if ended.status == 0 else [f"a run ended with {ended.failure or ended.status} at {ended.stage}"]


def _differences(life: SchoolLife) -> list[str]:
    """Hold what the portal shows now against the oracle: every record, every link with its terms."""
    at = now()
    shown, must = life.shown(), life.truth.must_hold(at)
    must_be_open, may_be_open = life.truth.links(at)
    links = life.open_links()
    known = Counter((key, terms(paper)) for key, paper in may_be_open.items())
    needed = Counter((key, terms(paper)) for key, paper in must_be_open.items())
    found = {
        "records are missing": (must - shown).total(),
        "records are shown that must not be": (shown - must).total(),
        "links are missing": (needed - links).total(),
        "links are open that must not be": (links - known).total(),
        "batches are still open": life.open_batches(),
    }
    return [f"{count} {what}" for what, count in found.items() if count]


def _judge(life: SchoolLife, tally: Tally, where: str) -> None:
    """Judge all that the portal ever showed, and the audit log with it."""
    portal, entries = life.portal_record(), life.log_entries()
    problems = [
        *unlawful(life.truth, portal, entries),
        *doubled(life.truth, portal),
        *lost_revisions(portal, entries),
        *given_up_unasked(portal, life.given_up()),
        *unanswered(portal, entries),
    ]
    key = load_signing_key((life.folder / "keys/audit-ed25519.pem").read_bytes(), "dnevnik-bridge").verifier
    if not verify_log(life.folder / "var" / "audit", key).ok:
        problems.append("the audit log does not verify")
    tally.problems += [f"{where}: {problem}" for problem in problems]
    tally.schedules += 1
    tally.shown += len(portal.exposures)
    tally.records += len({said.subject for said in portal.history if said.act == "publish"})
    tally.links += sum(said.batch is None for said in portal.history)
    tally.batches += len(portal.receipts)
