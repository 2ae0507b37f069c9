"""`dnevnik check` on real parts: a line a thing, and a remedy for each thing that is wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.witnesses import RunningWitness
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld

from audit.cosigning import cosigner_key
from audit.keys import create_signing_key, load_signing_key
from commands import check_outside

ORIGIN = "dnevnik-bridge"


def wrong(ended: Ended) -> list[str]:
    return [line for line in ended.out.splitlines() if not line.startswith("✓")]


@pytest.fixture(autouse=True)
def set_up(run: Run, world: RealWorld) -> None:
    assert run("--config", world.config, "init").status == 0


@pytest.fixture
def changed(world: RealWorld) -> Iterator[Path]:
    """The installation's file, put back afterwards."""
    text = world.config.read_text()
    yield world.config
    world.config.write_text(text)


def test_all_is_well(run: Run, world: RealWorld) -> None:
    ended = run("--config", world.config, "check")
    assert (ended.status, ended.err, wrong(ended)) == (0, "", [])
    for subject in ("[bridge] state", "[audit] log", "[portal] client_certificate", "[portal] url", "clock", "0252"):
        assert subject in ended.out


def test_a_key_open_to_others_is_worth_a_look(run: Run, world: RealWorld) -> None:
    key = world.folder / "keys" / "audit-master.key"
    key.chmod(0o644)
    ended = run("--config", world.config, "check")
    key.chmod(0o600)
    assert ended.status == 0
    (line,) = wrong(ended)
    assert line.startswith("! [audit] master_key")
    assert f"chmod 600 {key}" in line


def test_a_calendar_that_ends_is_worth_a_look(run: Run, world: RealWorld) -> None:
    days = world.folder / "days.toml"
    text = days.read_text()
    assert "✓ [actuality] calendar: the school days are known" in run("--config", world.config, "check").out
    days.write_text("[2020]\n")
    ended = run("--config", world.config, "check")
    days.write_text(text)
    assert ended.status == 0
    (line,) = wrong(ended)
    assert line.startswith("! [actuality] calendar: no vacations of this school year for the schools 0252")


CHANGES = [
    ('code = "0252"', 'code = "0999"', "[[school]] 0999", "another school's"),
    ("file:0252.fdb", "file:absent.fdb", "[[school]] 0252", "absent.fdb"),
    ("file:keys/audit-master.key", "file:bridge.toml", "[audit] log", "master key"),
    ("file:keys/audit-ed25519.pem", "file:bridge.toml", "[audit] log", "Ed25519"),
    ("file:portal/keys/bridge-tls.pem", "file:portal/keys/portal-ca.pem", "[portal] url", "private key"),
    ("file:portal/keys/bridge-signing.pem", "file:bridge.toml", "[portal] signing_key", "certificate"),
    ("file:portal/keys/portal-ca.pem", "file:portal/keys/bridge-ca.pem", "[portal] url", "authorities names"),
    ("[portal]\n", '[portal]\nconnector = "other-1"\n', "[portal] url", "there is no connector other-1"),
    ("sqlite:///var/bridge.db", "sqlite:///var/other.db", "[bridge] state", "dnevnik init"),
    ("sqlite:///var/bridge.db", "postgresql+psycopg://nobody@127.0.0.1:1/none", "[bridge] state", "OperationalError"),
]


@pytest.mark.parametrize(("right", "changed_to", "subject", "said"), CHANGES)
def test_what_is_wrong_is_one_line_and_hides_nothing(
    run: Run, changed: Path, right: str, changed_to: str, subject: str, said: str
) -> None:
    changed.write_text(changed.read_text().replace(right, changed_to))
    ended = run("--config", changed, "check")
    assert ended.status == 2
    lines = [line for line in wrong(ended) if line.startswith("✗")]
    assert any(line.startswith(f"✗ {subject}") and said in line for line in lines), lines
    assert "✓" in ended.out
    assert not (changed.parent / "var" / "other.db").exists()


def test_a_portal_that_is_away(run: Run, changed: Path, world: RealWorld) -> None:
    port = world.server.url.split(":")[2].split("/")[0]
    changed.write_text(changed.read_text().replace(f":{port}/", ":1/"))
    ended = run("--config", changed, "check")
    assert ended.status == 2
    (line,) = wrong(ended)
    assert line.startswith("✗ [portal] url")


def test_a_portal_that_answers_otherwise_than_promised(run: Run, world: RealWorld) -> None:
    world.server.fail_next("unsigned")
    ended = run("--config", world.config, "check")
    assert ended.status == 2
    assert wrong(ended)[0].startswith("✗ [portal] url: the portal answers, but not as promised")


@pytest.mark.parametrize(("seconds", "mark"), [(0, "✓"), (59, "✓"), (-61, "!"), (239, "!"), (241, "✗"), (-900, "✗")])
def test_clocks_apart(seconds: int, mark: str) -> None:
    finding = check_outside.clock(check_outside.timedelta(seconds=seconds))
    assert finding.condition == mark


def test_a_password_in_the_source_and_a_config_without_schools(run: Run, changed: Path) -> None:
    text = changed.read_text()
    changed.write_text(text.replace("file:0252.fdb", "firebird+firebird://r:geheim@127.0.0.1:1/x"))
    ended = run("--config", changed, "check")
    assert "geheim" not in ended.out
    assert any(line.startswith("! [[school]] 0252") and "source_password" in line for line in wrong(ended))
    changed.write_text(text.partition("[[school]]")[0])
    ended = run("--config", changed, "check")
    assert ended.status == 0
    assert wrong(ended) == [f"! {changed}: no school. Add a [[school]] section"]


def test_a_witness_out_of_reach_is_told_with_what_follows(run: Run, changed: Path) -> None:
    vkey = cosigner_key(load_signing_key(create_signing_key(), "w.example/1")).vkey
    more = f'[audit]\nwitnesses = ["http://127.0.0.1:1"]\nwitness_keys = ["{vkey}"]'
    changed.write_text(changed.read_text().replace("[audit]", more))
    (missing, short) = wrong(run("--config", changed, "check"))
    assert missing.startswith("! [audit] witnesses: http://127.0.0.1:1 has not cosigned: no connection")
    assert short.startswith("! [audit] quorum: 0 witnesses cosigned, 1 are needed. New records go until ")


def test_a_witness_that_cosigns_is_told(run: Run, changed: Path, tmp_path: Path) -> None:
    pem = (changed.parent / "keys" / "audit-ed25519.pem").read_bytes()
    witness = RunningWitness(tmp_path / "w", load_signing_key(pem, ORIGIN).verifier)
    more = f'[audit]\nwitnesses = ["{witness.url}"]\nwitness_keys = ["{witness.address().key.vkey}"]'
    changed.write_text(changed.read_text().replace("[audit]", more))
    try:
        ended = run("--config", changed, "check")
    finally:
        witness.stop()
    assert wrong(ended) == []
    assert f"✓ [audit] witnesses: {witness.url} cosigned the checkpoint" in ended.out
    assert "✓ [audit] quorum: 1 witnesses cosigned, 1 are needed" in ended.out
