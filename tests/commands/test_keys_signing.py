"""`dnevnik keys rotate-signing | list | check`: the log goes on under another key, whoever is appending meanwhile."""

import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from worlds.command_line import Run

import settings
from audit.cosigning import cosigner_key
from audit.cosigning_round import CONTRADICTED
from audit.errors import AuditDamagedError
from audit.keys import create_signing_key, load_signing_key
from audit.note import Checkpoint, VerifierKey, split_note
from commands.call import Call
from commands.console import Console
from commands.keys_signing import Revoked, rotate_signing
from commands.recording import recorder
from database import open_database, writing
from delivery.checkpoints import note_failing, note_held
from flows.assembly import open_audit_log
from journal.wording import BridgeError, ExitStatus, Language

ORIGIN = "dnevnik-bridge"

TESTS = Path(__file__).parents[1]
BOUNDARIES = ["written", "signed", "renamed"]
SOME = 20


class KilledError(BaseException):
    """Stands for the process's end at a boundary."""


@pytest.fixture
def config(run: Run, tmp_path: Path) -> Path:
    file = tmp_path / "bridge.toml"
    run("--config", file, "init")
    file.write_text(file.read_text().replace('language = "ru"', 'language = "en"'))
    return file


def key_path(config: Path) -> Path:
    return config.parent / "keys" / "audit-ed25519.pem"


def present(config: Path) -> VerifierKey:
    return load_signing_key(key_path(config).read_bytes(), ORIGIN).verifier


def beside(config: Path) -> set[str]:
    name = key_path(config).name
    return {path.name.removeprefix(f"{name}.") for path in key_path(config).parent.glob(f"{name}.*")}


def checkpoint(config: Path) -> Checkpoint:
    return Checkpoint.parse((settings.load(config).audit.log / "checkpoint").read_bytes())


def entries(config: Path) -> list[dict[str, str]]:
    read = settings.load(config)
    engine = open_database(read.bridge.state)
    with closing(open_audit_log(read, engine)) as log:
        lines = [json.loads(line) for line in log.entries()]
    engine.dispose()
    return lines


def rotate(config: Path, **more: object) -> ExitStatus:
    return rotate_signing(Call(config, Console(Language.EN)), **more)


def test_the_log_goes_on_and_the_change_is_signed_by_both(config: Path, run: Run) -> None:
    former, pem = present(config), key_path(config).read_bytes()
    ended = run("--config", config, "keys", "rotate-signing")
    assert (ended.status, ended.err) == (0, "")
    now = present(config)
    assert now != former
    note = checkpoint(config)
    assert {signature.key_id for signature in split_note(note.note)[1]} == {now.key_id, former.key_id}
    assert note.signed_by([former]) == former
    assert note.signed_by([now]) == now
    told = [(entry["event"], entry["key"]) for entry in entries(config) if entry["kind"] == "key"]
    assert told == [("rotated", now.key_id.hex()), ("retired", former.key_id.hex())]
    assert now.vkey in ended.out
    assert beside(config) == {f"{former.key_id.hex()}.former"}
    assert key_path(config).stat().st_mode & 0o777 == 0o600
    for file in config.parent.rglob("*"):
        assert not file.is_file() or pem.splitlines()[1] not in file.read_bytes()
    assert run("--config", config, "audit", "verify").status == 0
    assert run("--config", config, "keys", "rotate-master").status == 0
    assert run("--config", config, "audit", "verify").status == 0
    listed = run("--config", config, "keys", "list")
    assert now.vkey in listed.out
    assert former.key_id.hex() in listed.out


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("revoked", [Revoked.NONE, Revoked.PRESENT])
def test_killed_anywhere_the_log_goes_on_with_one_of_the_two(config: Path, boundary: str, revoked: Revoked) -> None:
    former, size = present(config), checkpoint(config).size

    def dies(step: str) -> None:
        if step == boundary:
            raise KilledError

    with pytest.raises(KilledError):
        rotate(config, revoked=revoked, boundary=dies)
    assert len(entries(config)) >= size
    changed = BOUNDARIES.index(boundary) > 0
    assert (present(config) != former) is changed
    assert rotate(config) is ExitStatus.DONE
    assert not [name for name in beside(config) if name.endswith(".next")]
    assert len([entry for entry in entries(config) if entry["kind"] == "key"]) == (4 if changed else 2)


def test_a_program_that_appends_meanwhile_loses_nothing(config: Path, run: Run, tmp_path: Path) -> None:
    path, stop = os.pathsep.join([str(TESTS.parent), str(TESTS)]), tmp_path / "stop"
    program = [sys.executable, str(TESTS / "worlds" / "appending.py"), str(config), str(stop)]
    with subprocess.Popen(program, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        said = [other.stdout.readline() for _ in range(SOME)]
        assert rotate(config) is ExitStatus.DONE
        changed_at = checkpoint(config).size
        while checkpoint(config).size < changed_at + SOME:
            said.append(other.stdout.readline())
            assert said[-1], "it ended: the log took no entry of it any more"
        stop.touch()
        said += other.stdout.readlines()
        assert other.wait(60) == 0
    runs = [entry["run"] for entry in entries(config) if entry["kind"] == "run-started"]
    assert runs == [f"run-{line.strip()}" for line in said]
    places = [number for number, entry in enumerate(entries(config)) if entry["kind"] == "key"]
    assert SOME <= places[0] < len(runs) - SOME // 2  # it was appending before the change and after it
    assert rotate(config) is ExitStatus.DONE  # what the former key signed last is gone on from
    assert run("--config", config, "audit", "verify").status == 0


def test_a_revoked_key_appends_nothing_more(config: Path) -> None:
    read = settings.load(config)
    engine = open_database(read.bridge.state)
    former = present(config)
    with closing(open_audit_log(read, engine)) as log:
        assert rotate(config, revoked=Revoked.PRESENT) is ExitStatus.DONE
        with pytest.raises(AuditDamagedError):
            log.append([])
    engine.dispose()
    assert checkpoint(config).signed_by([former]) is None
    assert beside(config) == set()
    assert [entry["event"] for entry in entries(config) if entry["kind"] == "key"] == ["rotated", "revoked"]


def test_revoking_a_key_leaves_those_that_were_only_replaced_and_names_them(config: Path, run: Run) -> None:
    first = present(config)
    assert rotate(config) is ExitStatus.DONE
    second = present(config)
    revoked = run("--config", config, "keys", "rotate-signing", "--revoke")
    assert revoked.status == 0
    assert beside(config) == {f"{first.key_id.hex()}.former"}
    assert second.vkey in revoked.out
    assert f"still accepted: {first.key_id.hex()}." in revoked.out
    assert "--revoke-all" in revoked.out
    assert run("--config", config, "audit", "verify").status == 0
    third = present(config)
    assert run("--config", config, "keys", "rotate-signing", "--revoke-all").status == 0
    assert beside(config) == set()
    told = [(entry["event"], entry["key"]) for entry in entries(config) if entry["kind"] == "key"]
    assert told[-3:] == [
        ("rotated", present(config).key_id.hex()),
        ("revoked", third.key_id.hex()),
        ("revoked", first.key_id.hex()),
    ]
    assert run("--config", config, "audit", "verify").status == 0


def test_a_key_whose_plain_change_died_is_revoked_all_the_same(config: Path) -> None:
    former = present(config)

    def dies(_step: str) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        rotate(config, boundary=dies)
    assert f"{former.key_id.hex()}.former" in beside(config)
    assert rotate(config, revoked=Revoked.PRESENT) is ExitStatus.DONE
    assert beside(config) == set()


def test_a_log_that_a_witness_contradicted_gets_neither_a_new_key_nor_an_entry(config: Path) -> None:
    witness = cosigner_key(load_signing_key(create_signing_key(), "committee.example/w")).vkey
    text = config.read_text().replace("witnesses = []", 'witnesses = ["http://127.0.0.1:1"]', 1)
    config.write_text(text.replace("witness_keys = []", f'witness_keys = ["{witness}"]', 1))
    engine = open_database(settings.load(config).bridge.state)
    with writing(engine) as connection:
        note_failing(connection, ORIGIN, witness, trouble=CONTRADICTED, now=datetime(2026, 10, 5, tzinfo=UTC))
    key, before = present(config), checkpoint(config)
    with pytest.raises(BridgeError, match="has not cosigned this one since"):
        rotate(config)
    with pytest.raises(BridgeError, match="has not cosigned this one since"), recorder(settings.load(config)):
        pass
    assert (present(config), beside(config), checkpoint(config)) == (key, set(), before)
    with writing(engine) as connection:
        note_held(
            connection, ORIGIN, witness, size=before.size, note=before.note, now=datetime(2026, 10, 5, tzinfo=UTC)
        )
    engine.dispose()
    assert rotate(config) is ExitStatus.DONE


def test_a_stolen_key_that_a_witness_cosigned_for_is_revoked_once_another_witness_stands_in_its_place(
    config: Path,
) -> None:
    """The order of docs/witness.md: the witness begins anew under a new key, the bridge names that, then revokes."""
    old, new = (cosigner_key(load_signing_key(create_signing_key(), "committee.example/w")).vkey for _ in range(2))
    text = config.read_text().replace("witnesses = []", 'witnesses = ["http://127.0.0.1:1"]', 1)
    config.write_text(text.replace("witness_keys = []", f'witness_keys = ["{old}"]', 1))
    engine = open_database(settings.load(config).bridge.state)
    with writing(engine) as connection:
        note_failing(connection, ORIGIN, old, trouble=CONTRADICTED, now=datetime(2026, 10, 5, tzinfo=UTC))
    engine.dispose()
    with pytest.raises(BridgeError) as caught:
        rotate(config, revoked=Revoked.PRESENT)
    for language, words in ((Language.EN, "somebody with a stolen key"), (Language.RU, "с украденным ключом")):
        assert words in caught.value.say(language)
    config.write_text(config.read_text().replace(old, new))
    assert rotate(config, revoked=Revoked.PRESENT) is ExitStatus.DONE


def test_a_key_that_others_may_read_is_refused_and_named(config: Path, run: Run) -> None:
    key_path(config).chmod(0o640)
    for command in (("keys", "rotate-master"), ("keys", "rotate-signing")):
        refused = run("--config", config, *command)
        assert refused.status == 2
        assert f"chmod 600 {key_path(config)}" in refused.err
    checked = run("--config", config, "keys", "check")
    assert (checked.status, f"chmod 600 {key_path(config)}" in checked.out) == (2, True)


def test_a_key_of_the_environment_is_refused_with_what_to_do(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING", key_path(config).read_text())
    config.write_text(config.read_text().replace("file:keys/audit-ed25519.pem", "env:SIGNING"))
    with pytest.raises(BridgeError) as caught:
        rotate(config)
    assert caught.value.code == "signing-key-in-environment"
    for language in Language:
        assert "SIGNING" in caught.value.say(language)
        assert "PRIVATE" not in caught.value.say(language)
