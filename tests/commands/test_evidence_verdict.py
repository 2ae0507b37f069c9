"""`dnevnik audit verify PACKAGE` in an installation: whose witnesses count, and which of its own keys it trusts."""

from pathlib import Path

import pytest
from worlds.command_line import Run
from worlds.evidence_world import entries, package

from audit.cosigning import cosign, cosigner_key, with_lines
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.log import open_log
from audit.note import Checkpoint

ORIGIN = "dnevnik-bridge"
EARLIER = 9
SIZE = len(entries())
TRUE, SECOND, FAKE = (load_signing_key(create_signing_key(), name) for name in ("w.true", "w.second", "w.true"))


@pytest.fixture
def config(run: Run, tmp_path: Path) -> Path:
    """An installation that trusts one witness."""
    file = tmp_path / "bridge.toml"
    run("--config", file, "init")
    text = file.read_text().replace('language = "ru"', 'language = "en"')
    text = text.replace("witnesses = []", 'witnesses = ["http://127.0.0.1:1"]', 1)
    file.write_text(text.replace("witness_keys = []", f'witness_keys = ["{cosigner_key(TRUE).vkey}"]', 1))
    return file


def own_key(config: Path) -> SigningKey:
    return load_signing_key((config.parent / "keys" / "audit-ed25519.pem").read_bytes(), ORIGIN)


def signed(head: Checkpoint, *by: SigningKey) -> Checkpoint:
    return Checkpoint.parse(with_lines(head.note, [cosign(head.note, one, 1_800_000_000) for one in by]))


@pytest.fixture
def made(config: Path, tmp_path: Path) -> Path:
    """A package whose first entries the true witness signed, and all of them one that took its name."""
    key, told = own_key(config), [entry for entry, _ in entries()]
    log, young = open_log(tmp_path / "other", key, ORIGIN), open_log(tmp_path / "young", key, ORIGIN)
    log.append(told)
    file = tmp_path / "evidence.zip"
    file.write_bytes(
        package(
            str(tmp_path / "other"),
            key,
            grow=False,
            witnesses=[cosigner_key(one) for one in (TRUE, SECOND, FAKE)],
            head=signed(log.checkpoint(), FAKE),
            remembered=signed(young.append(told[:EARLIER]), TRUE, SECOND),
        )
    )
    return file


def test_the_configured_witness_counts_up_to_what_it_signed_and_its_namesake_doesnt(
    run: Run, config: Path, made: Path, tmp_path: Path
) -> None:
    ended = run("--config", config, "audit", "verify", made)
    assert (ended.status, ended.err) == (0, "")
    assert f"were given: w.true ({EARLIER}). Signatures: 1, needed 1: the log's first {EARLIER} entries" in ended.out
    assert f"Not counted, for their keys weren't given: w.true ({SIZE}); w.second ({EARLIER})" in ended.out
    asked = ("--config", config, "audit", "verify", made)
    assert run(*asked, "--quorum", 1).status == 0
    refused = run(*asked, "--quorum", 2)
    assert (refused.status, refused.out) == (2, "")
    assert "keys were given: 1, 2 are needed" in refused.err
    both = [part for one in (TRUE, SECOND) for part in ("--witness", cosigner_key(one).vkey)]
    ended = run(*asked, *both, "--quorum", 2)
    assert ended.status == 0
    assert f"Signatures: 2, needed 2: the log's first {EARLIER} entries" in ended.out
    russian = run("--config", tmp_path / "none.toml", "audit", "verify", made)
    assert "ничего не доказывают" in russian.out
    assert run("--config", tmp_path / "none.toml", "audit", "verify", made, "--quorum", 1).status == 2


def test_a_quorum_that_is_configured_is_said_and_refuses_nothing(run: Run, config: Path, made: Path) -> None:
    text = config.read_text().replace('["http://127.0.0.1:1"]', '["http://127.0.0.1:1", "http://127.0.0.1:2"]')
    other = cosigner_key(load_signing_key(create_signing_key(), "w.away")).vkey
    config.write_text(text.replace("witness_keys = [", f'witness_keys = ["{other}", ', 1))
    ended = run("--config", config, "audit", "verify", made)
    assert ended.status == 0
    assert "Signatures: 1, needed 2: the log's first 0 entries" in ended.out


def test_a_package_of_before_a_change_of_key_holds_unless_that_key_was_revoked(
    run: Run, config: Path, made: Path
) -> None:
    config.write_text(config.read_text().replace('witnesses = ["', 'witnesses = [] # ["', 1))
    config.write_text(config.read_text().replace('witness_keys = ["', 'witness_keys = [] # ["', 1))
    first, verify = own_key(config), ("--config", config, "audit", "verify", made)
    assert run("--config", config, "keys", "rotate-signing").status == 0
    ended = run(*verify)
    assert (ended.status, ended.err) == (0, "")
    assert "Whose key it is was not checked" not in ended.out
    # The one in between is in other hands; the first was only replaced, and stays trusted.
    assert run("--config", config, "keys", "rotate-signing", "--revoke").status == 0
    assert first.verifier.key_id.hex() in run("--config", config, "keys", "list").out
    assert run(*verify).status == 0


def test_a_package_under_a_revoked_key_is_refused_by_its_id(run: Run, config: Path, made: Path) -> None:
    config.write_text(config.read_text().replace('witnesses = ["', 'witnesses = [] # ["', 1))
    config.write_text(config.read_text().replace('witness_keys = ["', 'witness_keys = [] # ["', 1))
    key_id = own_key(config).verifier.key_id.hex()
    assert run("--config", config, "keys", "rotate-signing", "--revoke").status == 0
    refused = run("--config", config, "audit", "verify", made)
    assert (refused.status, refused.out) == (2, "")
    assert f"{ORIGIN}+{key_id}" in refused.err
