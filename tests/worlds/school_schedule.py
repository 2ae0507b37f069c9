"""Schedules of a school's life: what teachers, parents, courts and secretaries do between the runs, and in their midst.

Pure. A schedule is an endless row of steps, the same for the same seed. An act names no row and no person: it carries
a number by which its subject is chosen from what is there when its turn comes (`school_life`), so that a schedule fits
any school.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

IN_THE_SCHOOL = {
    "correct": 6,
    "delete": 4,
    "re-enter": 3,
    "new-mark": 3,
    "move-lesson": 2,
    "cancel-lesson": 1,
    "new-absence": 2,
    "delete-absence": 1,
    "leave": 1,
}
"""Acts in the school's database, and how often each comes beside the others."""

IN_THE_REGISTRY = {
    "withdraw": 5,
    "consent": 4,
    "new-link": 2,
    "end-link": 2,
    "restrict": 2,
    "lift": 2,
    "pilot": 1,
}
"""Acts in the consent registry, likewise."""


@dataclass(frozen=True)
class Act:
    """One thing that somebody does; `chance` chooses to whom or to what."""

    name: str
    chance: int


@dataclass(frozen=True)
class Step:
    """What happens before a run, and in its midst: when (a share of the run), and what."""

    before: tuple[Act, ...]
    meanwhile: Act | None
    meanwhile_at: float


def steps(seed: int) -> Iterator[Step]:
    """Give the steps of one schedule, without end. The first comes after the register was taken in."""
    chance = random.Random(f"schedule {seed}")  # noqa: S311  a test's choices
    while True:
        before = [*_some(chance, IN_THE_SCHOOL, 1, 5), *_some(chance, IN_THE_REGISTRY, 1, 3)]
        meanwhile = _some(chance, IN_THE_REGISTRY, 1, 1)[0] if chance.random() < 0.5 else None
        yield Step(tuple(before), meanwhile, chance.random())


def _some(chance: random.Random, names: dict[str, int], least: int, most: int) -> list[Act]:
    chosen = chance.choices(list(names), list(names.values()), k=chance.randint(least, most))
    return [Act(name, chance.getrandbits(32)) for name in chosen]
