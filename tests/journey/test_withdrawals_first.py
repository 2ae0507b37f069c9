"""While a full run is sending to a slow portal, and while it waits as the portal asked, withdrawals get through."""

import csv
import random
import subprocess
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from journey.portal_reading import expected, open_links, register_rows, shown, verdict
from worlds.real_world import DNEVNIK, RealWorld

from consent_registry.acts import Actor, withdraw
from consent_registry.tables import CASE
from database import writing
from flows.bridge import Bridge
from flows.steps import sweep_school, sync_school
from sandbox.portal.misbehaviour import FaultKind, queue_fault
from sandbox.registry import write_register

SEED = 7
THROTTLED_FOR = 6
LIMIT = 60
"""Seconds within which each has to be at the portal."""


def test_a_withdrawal_reaches_the_portal_while_a_full_run_is_sending(make_world, tmp_path: Path) -> None:
    world: RealWorld = make_world(students=40, weeks=6, batch_records=60, seed=SEED)
    register = tmp_path / "register.csv"
    write_register(register, world.school_file(), code="0252", seed=1, today=datetime.now(UTC).date(), share=0.9)
    assert world.run("registry", "import", str(register)).returncode == 0
    _slow_down(world)
    bridge, committed = world.bridge(), {}
    chance = random.Random(SEED)  # noqa: S311  moments, no secrets
    command = [str(DNEVNIK), "--config", str(world.config), "sync"]
    with subprocess.Popen(command, env=world.process_environment(), stdout=subprocess.PIPE) as run:
        while run.poll() is None:
            time.sleep(chance.uniform(0.3, 1.2))
            committed |= _withdraw_one(world, bridge, chance, committed)
        run.communicate()
    assert len(committed) >= 8
    assert world.portal_rows("SELECT 1 FROM request_log WHERE misbehaviour = 'throttled'")
    sweep_school(bridge, "0252")  # as comes every minute: the run may have ended before it could see the last ones
    waited = {link: _taken_back_at(world, link) - at for link, at in committed.items()}
    assert max(waited.values()) < LIMIT, sorted(waited.values())

    sync_school(bridge, "0252")
    _note_in_register(register, {account for account, _ in _accounts(world, committed)})
    said = verdict(world, register)
    assert shown(world) == expected(said)
    assert open_links(world) == Counter(link.account_id for link in said.open_links)
    for link in committed:
        (ended,) = world.portal_rows("SELECT at FROM history WHERE act = 'end-link' AND subject_id = ?", link)[0]
        assert not world.portal_rows("SELECT 1 FROM exposure WHERE link_id = ? AND at > ?", link, ended)


def _slow_down(world: RealWorld) -> None:
    """Let each answer take a while, and the portal be busy now and then."""
    with closing(world.server.connect()) as connection:
        for number in range(60):
            if number % 12 == 5:
                queue_fault(connection, FaultKind.THROTTLED, operation="SubmitJournal", argument=str(THROTTLED_FOR))
            else:
                queue_fault(connection, FaultKind.SLOW, operation="SubmitJournal", argument="0.4")


def _withdraw_one(
    world: RealWorld, bridge: Bridge, chance: random.Random, committed: dict[str, float]
) -> dict[str, float]:
    """Withdraw the consent behind a link that is open at the portal; returns it and the moment of the commit."""
    links = [link for (link,) in world.portal_rows("SELECT link_id FROM link WHERE active = 1 ORDER BY link_id")]
    links = [link for link in links if link not in committed]
    if not links:
        return {}
    link = chance.choice(links)
    with writing(bridge.engine) as connection:
        now = datetime.now(UTC)
        case = connection.execute(sa.select(CASE).where(CASE.c.link_id == link)).one()
        withdraw(connection, case.school, case.student_key, case.account_id, at=now, actor=Actor("test", now, UTC))
    return {link: time.time()}


def _taken_back_at(world: RealWorld, link: str) -> float:
    """The moment, by the portal, at which the link was closed and, if nobody else sees them, its records withdrawn."""
    rows = world.portal_rows("SELECT at FROM history WHERE act = 'end-link' AND subject_id = ?", link)
    rows += world.portal_rows(
        "SELECT taken.at FROM history taken JOIN history published ON published.act = 'publish'"
        " AND published.subject_id = taken.subject_id"
        " WHERE taken.act = 'withdraw' AND json_extract(published.content, '$.student_ref')"
        " = (SELECT student_ref FROM link WHERE link_id = ?)"
        " AND 1 = (SELECT COUNT(*) FROM link other JOIN link own ON own.student_ref = other.student_ref"
        "          WHERE own.link_id = ?)",
        link,
        link,
    )
    return max(datetime.fromisoformat(at).timestamp() for (at,) in rows)


def _accounts(world: RealWorld, links: dict[str, float]) -> list[tuple[str, str]]:
    return [
        (account, link) for account, link in world.portal_rows("SELECT account_id, link_id FROM link") if link in links
    ]


def _note_in_register(register: Path, accounts: set[str]) -> None:
    """Write the withdrawals into the register's file, for the oracle."""
    rows = register_rows(register)
    with register.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]), delimiter=";")
        writer.writeheader()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for row in rows:
            writer.writerow(row | ({"withdrawn_at": now} if row["account_id"] in accounts else {}))
