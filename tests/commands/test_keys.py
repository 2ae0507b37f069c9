"""`dnevnik keys rotate-master`: done or not done wherever it dies, and nothing is unreadable."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from worlds.command_line import Run

import settings
from audit.errors import AuditError
from audit.tiles import CHECKPOINT
from commands.call import Call
from commands.console import Console
from commands.keys import rotate_master
from consent_registry.sealed.vault import Vault, load_master_key, master_id
from database import open_database, reading, writing
from flows.assembly import open_audit_log, open_vault
from journal.wording import BridgeError, ExitStatus, Language

TESTS = Path(__file__).parents[1]
STUDENTS = ["7", "8"]
BOUNDARIES = ["gate-closed", "written", "wrapped", "before-commit", "committed", "kept", "renamed"]


@pytest.fixture
def config(run: Run, tmp_path: Path) -> Path:
    """An installation with two students' keys."""
    file = tmp_path / "bridge.toml"
    run("--config", file, "init")
    read = settings.load(file)
    engine = open_database(read.bridge.state)
    with writing(engine) as connection:
        open_vault(read, engine).make_student_keys(connection, "0252", STUDENTS)
    engine.dispose()
    return file


def key_path(config: Path) -> Path:
    return config.parent / "keys" / "audit-master.key"


def present(config: Path) -> str:
    return master_id(load_master_key(key_path(config).read_bytes()))


def beside(config: Path) -> set[str]:
    return {path.name for path in key_path(config).parent.glob("audit-master*")}


def opened(config: Path) -> tuple[Vault, list[bytes]]:
    """Open the installation's vault as every command does; returns it and what identifies all that is under it."""
    read = settings.load(config)
    engine = open_database(read.bridge.state)
    vault = open_vault(read, engine)
    with reading(engine) as connection:
        keys = vault.student_keys(connection, "0252", STUDENTS)
    engine.dispose()
    return vault, [keys["7"].key, keys["8"].key, vault.derive("staff"), vault.derive("content:0252")]


def key_events(config: Path) -> list[dict[str, str]]:
    read = settings.load(config)
    engine = open_database(read.bridge.state)
    log = open_audit_log(read, engine)
    entries = [json.loads(line) for line in log.entries()]
    log.close()
    engine.dispose()
    return [entry for entry in entries if entry["kind"] == "key"]


def rotate(config: Path, **more: object) -> ExitStatus:
    return rotate_master(Call(config, Console(Language.EN)), **more)


def test_the_key_is_another_and_all_it_protected_is_the_same(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    former, (_, before) = present(config), opened(config)
    assert rotate(config) is ExitStatus.DONE
    vault, after = opened(config)
    assert after == before
    assert vault.master == present(config) != former
    assert beside(config) == {"audit-master.key", f"audit-master.key.{former}.old"}
    assert key_path(config).stat().st_mode & 0o777 == 0o600
    (event,) = key_events(config)
    assert (event["event"], event["purpose"], event["key"]) == ("rotated", "master", present(config))
    said = capsys.readouterr().out
    for told in (former, present(config), f"{key_path(config)}.{former}.old"):
        assert told in said
    for key in key_path(config).parent.glob("audit-master*"):
        assert key.read_text().strip() not in said
    rotate(config)
    assert opened(config)[1] == before


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_anywhere_it_is_done_or_not_done_and_all_is_readable(config: Path, boundary: str) -> None:
    former, (_, before) = present(config), opened(config)
    program = [sys.executable, str(TESTS / "worlds" / "killed_rotation.py"), str(config), boundary]
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    killed = subprocess.run(
        program, env=os.environ | {"PYTHONPATH": path}, timeout=120, capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    done = BOUNDARIES.index(boundary) >= BOUNDARIES.index("committed")
    vault, after = opened(config)
    assert after == before
    assert (vault.master != former) is done
    assert present(config) == vault.master
    rotate(config)
    assert opened(config)[1] == before
    olds = {f"audit-master.key.{key_id}.old" for key_id in {former, vault.master}}
    assert beside(config) == {"audit-master.key", *olds}
    assert key_events(config)[-1]["key"] == present(config)


def test_a_rename_that_fails_is_told_and_done_later(config: Path) -> None:
    former, (_, before) = present(config), opened(config)

    def fails(step: str) -> None:
        if step == "kept":
            raise PermissionError(13, "Permission denied")

    with pytest.raises(BridgeError) as caught:
        rotate(config, boundary=fails)
    assert caught.value.code == "master-key-not-renamed"
    (left,) = key_path(config).parent.glob("*.next")
    for language in Language:
        assert str(left) in caught.value.say(language)
    assert present(config) == former
    assert opened(config)[1] == before
    assert present(config) != former


def test_where_the_log_cannot_be_written_the_key_stays_as_it_was(config: Path) -> None:
    former, (_, before) = present(config), opened(config)
    checkpoint = settings.load(config).audit.log / CHECKPOINT
    content = checkpoint.read_bytes()

    def breaks(step: str) -> None:
        if step == "wrapped":
            checkpoint.write_bytes(b"damaged")

    with pytest.raises(AuditError):
        rotate(config, boundary=breaks)
    checkpoint.write_bytes(content)
    assert present(config) == former
    assert opened(config)[1] == before
    assert key_events(config) == []


def test_a_key_of_the_environment_is_refused_with_what_to_do(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER", key_path(config).read_text())
    text = config.read_text().replace("file:keys/audit-master.key", "env:MASTER")
    assert "env:MASTER" in text
    config.write_text(text)
    with pytest.raises(BridgeError) as caught:
        rotate(config)
    assert caught.value.code == "master-key-in-environment"
    for language in Language:
        assert "MASTER" in caught.value.say(language)
        assert "[audit] master_key" in caught.value.say(language)
        assert key_path(config).read_text().strip() not in caught.value.say(language)


def test_another_key_file_is_refused_before_anything_is_done(config: Path, run: Run) -> None:
    key_path(config).write_bytes(b"AAAA" * 10 + b"AAA=\n")
    ended = run("--config", config, "check")
    assert ended.status == 2
    assert present(config) in ended.out
    with pytest.raises(BridgeError) as caught:
        rotate(config)
    assert caught.value.code == "master-key-other"
    assert beside(config) == {"audit-master.key"}
