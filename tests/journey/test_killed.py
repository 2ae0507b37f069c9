"""SIGKILL in a process that starts as people start one: the next run ends where the oracle says, nothing is doubled."""

import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from journey.portal_reading import expected, open_links, shown, verdict
from worlds.real_world import RealWorld

from audit.keys import load_signing_key
from audit.verify import verify_log
from database import reading
from delivery.tables import BATCH
from flows.steps import sync_school
from sandbox.registry import write_register
from sandbox.school.edit import SchoolEditor

BOUNDARIES = ["links-told", "intent-logged", "reply-received"]
"""Some of them: a run is killed at each, and many more times, in `test_kills`."""


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_killed_sync_is_finished_by_the_next(make_world, tmp_path: Path, boundary: str) -> None:
    world: RealWorld = make_world(students=12, weeks=3, batch_records=40, seed=BOUNDARIES.index(boundary))
    register = tmp_path / "register.csv"
    write_register(register, world.school_file(), code="0252", seed=1, today=datetime.now(UTC).date(), share=0.9)
    assert world.run("registry", "import", str(register)).returncode == 0

    assert world.killed_sync(boundary, 0) == -signal.SIGKILL
    _edit(world)
    if not boundary.startswith("links"):
        assert world.killed_sync(boundary, 1) == -signal.SIGKILL
    bridge = world.bridge()
    balance = sync_school(bridge, "0252")
    assert balance.failure is None
    said = verdict(world, register)
    assert shown(world) == expected(said)
    assert open_links(world) == Counter(link.account_id for link in said.open_links)
    with reading(bridge.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(BATCH.c.state == "open")) == 0
    again = sync_school(bridge, "0252")
    assert (again.sent, again.withdrawn, again.links_put, again.links_ended) == (0, {}, 0, 0)
    assert verify_log(
        tmp_path / "var" / "audit",
        load_signing_key((tmp_path / "keys/audit-ed25519.pem").read_bytes(), "dnevnik-bridge").verifier,
    ).ok


def _edit(world: RealWorld) -> None:
    """A teacher corrects some marks and deletes others while the bridge lies dead."""
    editor = SchoolEditor(world.school_file())
    marks = editor.marks()
    now = datetime.now(UTC) - timedelta(minutes=1)
    for mark in marks[::7]:
        if 401 <= mark.type_id <= 405:
            editor.correct_mark(mark.mark_id, 401 + (mark.type_id - 400) % 5, at=now)
    for mark in marks[3::11]:
        editor.delete_mark(mark.mark_id)
