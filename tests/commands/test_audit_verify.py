"""`dnevnik audit verify`: its own log or any other, with the right key, and nothing changed goes unseen."""

import json
import re
import shutil
from pathlib import Path

import pytest
from worlds.command_line import Run

import settings
from audit.entry import RunStarted
from audit.keys import create_signing_key, load_signing_key
from audit.log import open_log
from audit.note import Checkpoint
from commands.call import utc_now
from commands.known_checkpoint import known_checkpoint
from commands.recording import recorder
from delivery.checkpoint_copies import store_copy


@pytest.fixture
def config(run: Run, tmp_path: Path) -> Path:
    """An installation with a log of four entries, which its database remembers."""
    file = tmp_path / "bridge.toml"
    run("--config", file, "init")
    file.write_text(file.read_text(encoding="utf-8").replace('language = "ru"', 'language = "en"'), encoding="utf-8")
    for number in range(4):
        record(file, number)
    return file


def with_copies(config: Path, folder: Path) -> None:
    text = config.read_text(encoding="utf-8")
    changed = re.sub(r"(?m)^#? ?copies = .*$", f'copies = "{folder}"', text)
    assert changed != text
    config.write_text(changed, encoding="utf-8")


def record(config: Path, number: int) -> None:
    entry = RunStarted(at=utc_now(), run=f"run-{number}", school="0252")
    with recorder(settings.load(config)) as desk:
        desk.record(lambda _connection: (None, [entry]))


def test_its_own_log(run: Run, config: Path) -> None:
    ended = run("--config", config, "audit", "verify")
    assert (ended.status, ended.err) == (0, "")
    assert "Entries: 4" in ended.out


def test_any_changed_byte_of_a_copy_is_refused(run: Run, config: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "var" / "audit", copy)
    assert run("--config", config, "audit", "verify", copy).status == 0
    entries = next(path for path in (copy / "tile" / "entries").rglob("*") if path.is_file())
    content = bytearray(entries.read_bytes())
    content[20] ^= 1
    entries.write_bytes(content)
    ended = run("--config", config, "audit", "verify", copy)
    assert (ended.status, ended.out) == (2, "")
    assert "NOT whole" in ended.err
    assert run("--config", config, "audit", "verify").status == 0


def test_a_log_cut_back_to_a_true_earlier_state_is_refused_by_what_the_database_remembers(
    run: Run, config: Path, tmp_path: Path
) -> None:
    log, kept = tmp_path / "var" / "audit", tmp_path / "kept"
    shutil.copytree(log, kept)
    record(config, 5)
    assert known_checkpoint(settings.load(config))[0].size == 5
    shutil.rmtree(log)
    kept.rename(log)
    ended = run("--config", config, "audit", "verify")
    assert ended.status == 2
    assert "cut" in ended.err


def test_a_checkpoint_kept_apart_shows_a_cut_log_to_anybody(run: Run, config: Path, tmp_path: Path) -> None:
    log, copy, kept = tmp_path / "var" / "audit", tmp_path / "copy", tmp_path / "kept.txt"
    shutil.copytree(log, copy)
    record(config, 5)
    kept.write_bytes((log / "checkpoint").read_bytes())
    assert run("audit", "verify", copy, "--checkpoint", kept).status == 2
    assert run("audit", "verify", log, "--checkpoint", kept).status == 0
    assert run("audit", "verify", log, "--checkpoint", tmp_path / "absent").status == 2


def test_an_auditor_needs_the_log_and_the_key_alone(
    run: Run, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = load_signing_key(settings.load(config).audit.signing_key.read(), "dnevnik-bridge").verifier.vkey
    log = tmp_path / "var" / "audit"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ended = run("audit", "verify", log, "--key", key)
    assert (ended.status, ended.err) == (0, "")
    ended = run("audit", "verify", log)
    assert ended.status == 0
    assert len(ended.err.splitlines()) == 1  # whose signature it is was not checked
    other = load_signing_key(create_signing_key(), "dnevnik-bridge").verifier.vkey
    assert run("audit", "verify", log, "--key", other).status == 2
    assert run("audit", "verify", log, "--key", "nonsense").status == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_log_signed_by_another_is_refused(run: Run, config: Path, tmp_path: Path) -> None:
    name = "dnevnik-bridge"
    open_log(tmp_path / "forged", load_signing_key(create_signing_key(), name), name).close()
    ended = run("--config", config, "audit", "verify", tmp_path / "forged")
    assert ended.status == 2
    assert "signature" in ended.err


def test_no_log_at_all(run: Run, config: Path, tmp_path: Path) -> None:
    ended = run("--config", config, "audit", "verify", tmp_path / "absent")
    assert (ended.status, ended.out) == (2, "")
    assert "there is no such file or folder" in ended.err
    assert "NOT whole" not in ended.err
    assert not (tmp_path / "absent").exists()


def test_log_and_database_put_back_together_are_refused_by_the_copies_in_the_folder(
    run: Run, config: Path, tmp_path: Path
) -> None:
    """What the log's key did not sign is passed over; a folder that can't be read is told."""
    copies, var, kept = tmp_path / "share", tmp_path / "var", tmp_path / "kept"
    with_copies(config, copies)
    shutil.copytree(var, kept)
    record(config, 5)
    read = settings.load(config)
    key = load_signing_key(read.audit.signing_key.read(), "dnevnik-bridge")
    store_copy(copies, Checkpoint.parse((var / "audit" / "checkpoint").read_bytes()))
    stranger = load_signing_key(create_signing_key(), "dnevnik-bridge")
    for number in range(90, 95):
        store_copy(copies, Checkpoint.sign("dnevnik-bridge", number, bytes(32), stranger))
    store_copy(copies, Checkpoint.sign("another-log", 99, bytes(32), key))
    ended = run("--config", config, "audit", "verify")
    assert (ended.status, ended.err) == (0, "")
    shutil.rmtree(var)
    kept.rename(var)
    ended = run("--config", config, "audit", "verify")
    assert (ended.status, "speaks of 5 entries, now there are 4" in ended.err) == (2, True)
    shutil.rmtree(copies)
    copies.write_bytes(b"")
    ended = run("--config", config, "audit", "verify")
    assert (ended.status, "the folder can't be read" in ended.err) == (0, True)


def test_a_database_that_was_put_back_knows_of_the_copies_in_the_folder(run: Run, config: Path, tmp_path: Path) -> None:
    copies = tmp_path / "share"
    with_copies(config, copies)
    assert "copies: no copy is noted here" in run("--config", config, "check").out
    store_copy(copies, Checkpoint.parse((tmp_path / "var" / "audit" / "checkpoint").read_bytes()))
    assert "copies: newest copy: 4 entries" in run("--config", config, "check").out


def test_the_log_holds_what_was_recorded(config: Path) -> None:
    read = settings.load(config)
    log = open_log(read.audit.log, load_signing_key(read.audit.signing_key.read(), "dnevnik-bridge"), "dnevnik-bridge")
    assert [json.loads(line)["run"] for line in log.entries()] == [f"run-{number}" for number in range(4)]
    log.close()
