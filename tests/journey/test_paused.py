"""A process that was paused until another took its school over stores and sends nothing; what it sent is found."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from journey.portal_reading import expected, shown, verdict
from worlds.real_world import TESTS, RealWorld

from audit.keys import load_signing_key
from audit.verify import verify_log
from consent_registry.acts import Actor, withdraw
from consent_registry.tables import CASE
from database import reading, writing
from delivery.tables import BATCH, RECORD, SCHOOL_LEASE
from flows.bridge import Bridge
from flows.steps import sweep_school, sync_school
from sandbox.registry import write_register


@pytest.fixture
def world(make_world, tmp_path: Path) -> RealWorld:
    made: RealWorld = make_world(students=12, weeks=3, batch_records=60, seed=5)
    register = tmp_path / "register.csv"
    write_register(register, made.school_file(), code="0252", seed=1, today=datetime.now(UTC).date(), share=0.9)
    assert made.run("registry", "import", str(register)).returncode == 0
    return made


@contextmanager
def paused_at(world: RealWorld, boundary: str) -> Iterator[subprocess.Popen[str]]:
    """Give a sync that stands still at a boundary, its lease run out."""
    command = [sys.executable, str(TESTS / "worlds" / "paused_sync.py"), str(world.config), boundary]
    environment = world.process_environment()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            yield process
        finally:
            process.kill()


def take_over(bridge: Bridge) -> None:
    """Let the lease's time run out."""
    with writing(bridge.engine) as connection:
        connection.execute(SCHOOL_LEASE.update().values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))


def end_every_consent_of_what_waits(bridge: Bridge) -> None:
    """Withdraw the consents of the students whose records are in the open batch."""
    with writing(bridge.engine) as connection:
        students = connection.scalars(sa.select(RECORD.c.student_key).where(~RECORD.c.held).distinct()).all()
        cases = connection.execute(sa.select(CASE).where(CASE.c.student_key.in_(students))).all()
        now = datetime.now(UTC)
        for case in cases:
            withdraw(connection, case.school, case.student_key, case.account_id, at=now, actor=Actor("test", now, UTC))


def go_on(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGCONT)
    said, _ = process.communicate(timeout=60)
    return said.splitlines()[-1]


def ledger(bridge: Bridge) -> tuple[list[object], list[object]]:
    with reading(bridge.engine) as connection:
        records = connection.execute(sa.select(RECORD).order_by(RECORD.c.record_id)).all()
        return list(records), list(connection.execute(sa.select(BATCH).order_by(BATCH.c.batch_id)))


def test_a_paused_run_that_lost_its_lease_stores_and_sends_nothing(world: RealWorld) -> None:
    bridge = world.bridge()
    with paused_at(world, "intent-logged") as process:
        take_over(bridge)
        assert sync_school(bridge, "0252").failure is None
        before = (ledger(bridge), world.portal_rows("SELECT * FROM request_log"), bridge.log.checkpoint().size)
        assert go_on(process) == "lease-lost"
    # the end of the run that was stopped is written down, and nothing else
    assert (ledger(bridge), world.portal_rows("SELECT * FROM request_log")) == before[:2]
    assert bridge.log.checkpoint().size == before[2] + 1


def test_what_a_paused_run_sends_in_the_last_gap_is_found_and_taken_back(world: RealWorld, tmp_path: Path) -> None:
    """Between its last look at the lease and the socket nothing can hold a process up, whatever it is paused for."""
    bridge = world.bridge()
    with paused_at(world, "about-to-send") as process:
        take_over(bridge)
        end_every_consent_of_what_waits(bridge)
        assert sync_school(bridge, "0252").failure is None
        receipts = world.portal_rows("SELECT * FROM receipt")
        held = world.holdings()
        assert go_on(process) == "lease-lost"
        assert len(world.portal_rows("SELECT * FROM receipt")) == len(receipts) + 1
        assert len(world.holdings()) > len(held)  # it was taken: nothing of it has a ground any more
    swept = sweep_school(bridge, "0252")
    assert swept.failure is None
    assert sum(swept.withdrawn.values()) > 0
    assert world.holdings() == held
    with reading(bridge.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(BATCH.c.state == "open")) == 0
    again = sync_school(bridge, "0252")
    assert (again.sent, again.withdrawn) == (0, {})
    key = load_signing_key((tmp_path / "keys/audit-ed25519.pem").read_bytes(), "dnevnik-bridge").verifier
    assert verify_log(tmp_path / "var" / "audit", key).ok


def test_what_a_paused_run_had_sent_is_found_by_the_one_that_takes_over(world: RealWorld, tmp_path: Path) -> None:
    bridge = world.bridge()
    with paused_at(world, "reply-received") as process:
        take_over(bridge)
        assert sync_school(bridge, "0252").failure is None
        assert shown(world) == expected(verdict(world, tmp_path / "register.csv"))
        before = ledger(bridge)
        assert go_on(process) == "lease-lost"
    assert ledger(bridge) == before
    assert sync_school(bridge, "0252").sent == 0
