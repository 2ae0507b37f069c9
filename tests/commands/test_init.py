"""`dnevnik init` makes what is missing, overwrites nothing, and makes no key where one was lost."""

import stat
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from worlds.command_line import Run

import settings
from audit.keys import load_signing_key
from commands.init import TEMPLATE
from connectors.portal.certificates import identity
from consent_registry.sealed.vault import load_master_key
from sandbox.authority import Authority, Purpose
from settings.model import Settings


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "var" not in path.parts}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_gets_a_file_keys_requests_and_a_database(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "new" / "bridge.toml"
    ended = run("--config", config, "init")
    assert (ended.status, ended.err) == (0, "")
    read = settings.load(config)
    assert load_signing_key(read.audit.signing_key.read(), "any").verifier.vkey.startswith("any+")
    assert len(load_master_key(read.audit.master_key.read())) == 32
    keys = config.parent / "keys"
    assert mode(keys) == 0o700
    assert {mode(path) for path in keys.iterdir()} == {0o600}
    assert (config.parent / "var" / "bridge.db").exists()
    assert "dnevnik-bridge+" in ended.out  # the verifier key, for the auditor
    for name in ("bridge-tls", "bridge-signing"):
        request = x509.load_pem_x509_csr((keys / f"{name}.csr").read_bytes())
        key = load_pem_private_key((keys / f"{name}.key").read_bytes(), None)
        assert request.is_signature_valid
        assert request.public_key() == key.public_key()
        assert str(keys / f"{name}.csr") in ended.out
    assert run("--config", config, "audit", "verify").status == 0


def test_again_changes_nothing(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "bridge.toml"
    run("--config", config, "init")
    before = contents(tmp_path)
    assert run("--config", config, "init").status == 0
    assert contents(tmp_path) == before


def test_a_certificate_that_has_come_is_put_together_with_its_key(run: Run, tmp_path: Path) -> None:
    config, keys = tmp_path / "bridge.toml", tmp_path / "keys"
    run("--config", config, "init")
    key = load_pem_private_key((keys / "bridge-tls.key").read_bytes(), None)
    credential = Authority.create("Made-up", datetime.now(UTC)).issue("bridge", Purpose.TLS_CLIENT, key=key)
    (keys / "bridge-tls.crt").write_bytes(credential.certificate.public_bytes(Encoding.PEM))
    assert run("--config", config, "init").status == 0
    both = (keys / "bridge-tls.pem").read_bytes()
    assert identity(both, "client_certificate").certificate == credential.certificate
    assert mode(keys / "bridge-tls.pem") == 0o600


def test_a_certificate_of_another_key_is_refused(run: Run, tmp_path: Path) -> None:
    config, keys = tmp_path / "bridge.toml", tmp_path / "keys"
    run("--config", config, "init")
    other = Authority.create("Made-up", datetime.now(UTC)).issue("bridge", Purpose.TLS_CLIENT)
    (keys / "bridge-tls.crt").write_bytes(other.certificate_pem)
    ended = run("--config", config, "init")
    assert ended.status == 2
    assert "client_certificate" in ended.err
    assert not (keys / "bridge-tls.pem").exists()


def test_a_lost_signing_key_is_not_replaced_beside_its_log(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "bridge.toml"
    run("--config", config, "init")
    (tmp_path / "keys" / "audit-ed25519.pem").unlink()
    ended = run("--config", config, "init")
    assert ended.status == 2
    assert "[audit] signing_key" in ended.err
    assert not (tmp_path / "keys" / "audit-ed25519.pem").exists()


def test_a_lost_master_key_is_not_replaced_where_data_are_sealed(run: Run, world, tmp_path: Path) -> None:
    run("--config", world.config, "registry", "import", world.folder / "register.csv")
    key = world.folder / "keys" / "audit-master.key"
    kept = key.rename(tmp_path / "kept")
    try:
        ended = run("--config", world.config, "init")
        assert ended.status == 2
        assert "[audit] master_key" in ended.err
        assert not key.exists()
    finally:
        kept.rename(key)


def test_a_place_that_cannot_be_written_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    ended = run("--config", tmp_path / "file" / "bridge.toml", "init")
    assert ended.status == 2
    assert len(ended.err.splitlines()) == 1


def test_keys_in_variables_are_asked_for_and_not_made(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUDIT_KEY", raising=False)
    config = tmp_path / "bridge.toml"
    config.write_text(TEMPLATE.read_text(encoding="utf-8").replace("file:keys/audit-ed25519.pem", "env:AUDIT_KEY"))
    ended = run("--config", config, "init")
    assert ended.status == 0
    assert "AUDIT_KEY" in ended.out
    assert not (tmp_path / "keys" / "audit-ed25519.pem").exists()


def test_the_template_names_every_setting() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    whole = tomllib.loads(text)
    for section, field in Settings.model_fields.items():
        if section != "schools":
            assert set(whole[section]) == set(field.annotation.model_fields), section
    school = text.partition("# [[school]]\n")[2]
    uncommented = tomllib.loads("\n".join(line.removeprefix("# ") for line in school.splitlines()))
    assert set(uncommented) == set(settings.SchoolSection.model_fields)


def test_the_templates_school_only_needs_its_marks_taken_away(tmp_path: Path) -> None:
    head, mark, school = TEMPLATE.read_text(encoding="utf-8").partition("# [[school]]\n")
    assert mark
    config = tmp_path / "bridge.toml"
    lines = ["[[school]]", *(line.removeprefix("# ") for line in school.splitlines())]
    config.write_text(head + "\n".join(lines), encoding="utf-8")
    assert settings.load(config).school("0252").schedule == "15 19 * * 1-6"
