"""What the file names and can't be opened: a line with file and key, before anything is done."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from worlds.command_line import Run
from worlds.real_world import RealWorld

from sandbox.authority import Authority, Purpose


@pytest.fixture
def config(world: RealWorld) -> Iterator[Path]:
    """The installation's file, put back afterwards."""
    text = world.config.read_text()
    yield world.config
    world.config.write_text(text)


RUNS = ["plan", "sync", "sweep", "reconcile"]
REGISTRY = ["registry", "list"]

WRONG = [
    (["plan"], "file:portal/keys/bridge-tls.pem", "file:bridge.toml", "[portal] client_certificate", "certificate"),
    (["sync"], "file:portal/keys/bridge-tls.pem", "file:absent.pem", "[portal] client_certificate", "absent.pem"),
    (["sweep"], "file:portal/keys/bridge-signing.pem", "file:portal/keys/portal-ca.pem", "[portal] signing_key", "key"),
    (["reconcile"], "file:portal/keys/portal-ca.pem", "env:NO_SUCH_VARIABLE", "[portal] authorities", "NO_SUCH"),
    (["plan"], "file:keys/audit-master.key", "file:bridge.toml", "[audit] master_key", "Base64"),
    (REGISTRY, "file:keys/audit-master.key", "file:absent.key", "[audit] master_key", "absent.key"),
    (["sync"], "file:keys/audit-ed25519.pem", "file:bridge.toml", "[audit] signing_key", "Ed25519"),
    (REGISTRY, "file:keys/audit-ed25519.pem", "file:bridge.toml", "[audit] signing_key", "Ed25519"),
    (
        ["plan"],
        "sqlite:///var/bridge.db",
        "postgresql+psycopg://n:geheim@127.0.0.1:1/n",
        "[bridge] state",
        "Operational",
    ),
    (["report"], "sqlite:///var/bridge.db", "postgresql+psycopg://n@127.0.0.1:1/n", "[bridge] state", "Operational"),
    (["plan"], "sqlite:///var/bridge.db", "mysql+cymysql://n@127.0.0.1:1/n", "[bridge] state", "cymysql"),
    (REGISTRY, "sqlite:///var/bridge.db", "sqlite:///bridge.toml", "[bridge] state", "DatabaseError"),
]


@pytest.mark.parametrize(("command", "right", "wrong", "key", "said"), WRONG)
def test_it_is_one_line_with_file_and_key(
    run: Run, world: RealWorld, config: Path, command: list[str], right: str, wrong: str, key: str, said: str
) -> None:
    assert right in config.read_text()
    config.write_text(config.read_text().replace(right, wrong))
    ended = run("--config", config, *command)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith(f"{config}: {key}: ")
    assert line.count(key) == 1
    assert said in line
    assert "geheim" not in line
    assert world.holdings() == []


def test_all_keys_that_are_wrong_are_told_at_once(run: Run, config: Path) -> None:
    config.write_text(config.read_text().replace("keys/", "nowhere/"))
    assert len(run("--config", config, "plan").err.splitlines()) == 5


def test_a_certificate_that_has_expired_stops_a_run_before_it_starts(run: Run, world: RealWorld, config: Path) -> None:
    now = datetime.now(UTC)
    authority = Authority.create("Made-up", now - timedelta(days=9))
    old = authority.issue("bridge", Purpose.TLS_CLIENT, not_after=now - timedelta(days=1))
    (world.folder / "old.pem").write_bytes(old.pem)
    config.write_text(config.read_text().replace("file:portal/keys/bridge-tls.pem", "file:old.pem"))
    ended = run("--config", config, "sync")
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith(f"{config}: [portal] client_certificate: the certificate expired on ")


def test_keys_are_looked_at_before_a_database_is_made(run: Run, config: Path) -> None:
    text = config.read_text().replace("var/bridge.db", "var/unmade.db")
    config.write_text(text.replace("file:keys/audit-master.key", "file:absent.key"))
    for command in RUNS:
        assert run("--config", config, command).status == 2
    assert not (config.parent / "var" / "unmade.db").exists()
