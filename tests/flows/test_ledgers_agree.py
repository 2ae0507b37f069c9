"""Log, ledger and portal agree after every sort of ending: rejected, lost replies, refused, died, withdrawn."""

import random
from datetime import date, timedelta
from pathlib import Path

import pytest
from worlds.memory_world import CODE, DiedError, Link, MemoryWorld, Row

from database import reading
from delivery.ledger_books import ledger_book, parsed
from delivery.three_ledgers import Difference, compare, fold
from flows.steps import sweep_school, sync_school
from journal.portal import PortalError, Resend

BOUNDARIES = ("batch-stored", "intent-logged", "links-stored", "links-logged", "links-told")


def differences(world: MemoryWorld) -> list[Difference]:
    book = fold(parsed(world.log.entries()))[CODE]
    with reading(world.engine) as connection:
        return compare(book, ledger_book(connection, CODE), world.portal.holdings(CODE))


def fate(world: MemoryWorld, chance: random.Random) -> None:
    """Let something go wrong in the next run, or nothing."""
    lost, busy = PortalError("timeout", Resend.UNKNOWN), PortalError("Throttled", Resend.RETRYABLE)
    operation = chance.choice(["submit", "put_link", "end_link", "receipt"])
    chance.choice(
        [
            lambda: None,
            lambda: world.portal.fail_after(operation, lost, times=chance.randint(1, 3)),
            lambda: world.portal.fail_before(operation, chance.choice([lost, busy]), times=chance.randint(1, 3)),
            lambda: setattr(world, "die_at", (chance.choice(BOUNDARIES), chance.randint(0, 1))),
        ]
    )()


@pytest.mark.parametrize("seed", range(3))
def test_what_a_run_leaves_is_explained_and_what_is_tampered_with_is_not(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  to be repeated
    world = MemoryWorld(tmp_path)
    for student in ("1", "2", "3"):
        world.register(Link(student, f"pa-{student}"))
    for turn in range(12):
        world.now += timedelta(hours=1)
        for number in chance.sample(range(12), 4):
            world.rows[f"row-{number}"] = Row(str(1 + number % 3), str(turn), date(2026, 11, 2 + number))
        world.rows.pop(f"row-{chance.randrange(12)}", None)
        if turn == 8:
            world.withdraw("1", "pa-1")
        fate(world, chance)
        try:
            (sweep_school if turn == 9 else sync_school)(world.bridge(), CODE)
        except DiedError:
            continue  # its batch may be half entered; the next run finishes it
        assert differences(world) == [], turn
    world.die_at = None
    world.portal.faults.clear()
    world.now += timedelta(hours=1)
    sync_school(world.bridge(), CODE)
    assert differences(world) == []
    record = min(world.portal.held(CODE))
    del world.portal.schools[CODE].records[record]
    assert [(str(one.name), one.what) for one in differences(world)] == [("not-shown", record)]
