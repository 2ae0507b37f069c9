"""The flow through Prefect and a server of its own: the same end state, and nothing personal left in Prefect."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from journey.portal_reading import expected, shown, verdict
from worlds.real_world import TESTS, RealWorld

from sandbox.registry import write_register
from sandbox.school.edit import SchoolEditor

CANARY = "Преображенская-Заозёрная"
NOTE = "канареечное примечание"


def test_a_district_runs_through_prefect_and_prefect_learns_no_name(make_world, tmp_path: Path) -> None:
    world: RealWorld = make_world(codes=("0252", "0385"), students=10, weeks=2)
    home = tmp_path / "prefect"
    world.environment |= {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }
    register = tmp_path / "register.csv"
    write_register(register, world.school_file(), code="0252", seed=1, today=datetime.now(UTC).date(), share=0.9)
    assert world.run("registry", "import", str(register)).returncode == 0
    editor = SchoolEditor(world.school_file())
    editor.note_mark(editor.marks()[0].mark_id, NOTE, at=datetime.now(UTC) - timedelta(hours=1))
    done = subprocess.run(
        [sys.executable, str(TESTS / "worlds" / "prefect_sync.py"), str(world.config), "0385", CANARY],
        env=world.process_environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line[:4] in {"0252", "0385"})
    assert lines["0385"] == "0 internal"
    assert lines["0252"].endswith(" -")
    assert shown(world) == expected(verdict(world, register))

    kept = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.name == "prefect.db" and path.stat().st_size > 100_000 for path in kept)
    names = [CANARY, NOTE, *_parents(register)]
    for path in [*kept, *_logs(tmp_path)]:
        content = path.read_bytes()
        for name in names:
            assert not any(form in content for form in _forms(name)), f"{path.name} names a person"
    assert b"sync-0385" in b"".join(path.read_bytes() for path in kept if path.name.startswith("prefect.db"))
    for name in names:
        assert name not in done.stdout
        assert name not in done.stderr


def _parents(register: Path) -> list[str]:
    rows = register.read_text(encoding="utf-8-sig").splitlines()
    columns = rows[0].split(";")
    place = columns.index("email")
    return [row.split(";")[place] for row in rows[1:]]


def _logs(folder: Path) -> list[Path]:
    return [path for path in (folder / "var").rglob("*") if path.is_file() and path.suffix in {".log", ""}]


def _forms(name: str) -> list[bytes]:
    """A name as UTF-8, as JSON escapes, and as cp1251."""
    return [name.encode(), name.encode("ascii", "backslashreplace"), name.encode("cp1251")]
