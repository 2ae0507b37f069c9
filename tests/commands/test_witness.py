"""`dnevnik witness` as another organisation runs it: a folder, a key, a process; no file of settings, no database."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from worlds.command_line import Run

from audit.cosigning import CosignerKey
from audit.cosigning_client import WitnessAddress
from audit.cosigning_round import UNKNOWN_KEY, LogContradictedError, ask_all
from audit.entry import RunStarted
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.location import open_store
from audit.log import AuditLog, open_log
from sandbox.authority import Authority, Purpose

ORIGIN = "dnevnik-bridge"
NAME = "committee.example/witness"


@pytest.fixture
def key() -> SigningKey:
    return load_signing_key(create_signing_key(), ORIGIN)


def grown(log: AuditLog, count: int) -> None:
    log.append([RunStarted(at=datetime.now(UTC), run=f"run-{number}", school="0252") for number in range(count)])


@contextmanager
def serving(folder: Path, *options: object, imports: str = "") -> Iterator[str]:
    """Run the witness as a process of its own in an empty folder; gives the URL that it says."""
    program = f"import sys; {imports}\nimport cli\nsys.exit(cli.run(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "witness", "serve", "--folder", folder, "--listen", "127.0.0.1:0"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [str(part) for part in [*command, *options]],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment,
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def vkey_of(out: str) -> CosignerKey:
    return CosignerKey.parse(next(word for word in out.split() if word.startswith(f"{NAME}+")))


def test_it_cosigns_is_killed_and_still_knows_and_shows_what_it_saw(run: Run, tmp_path: Path, key: SigningKey) -> None:
    folder = tmp_path / "w"
    made = run("witness", "init", "--folder", folder, "--name", NAME, "--log-key", key.verifier.vkey)
    assert made.status == 0
    assert (folder / "witness.pem").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o077 == 0
    vkey = vkey_of(made.out)
    log = open_log(tmp_path / "log", key, ORIGIN)
    fork = open_log(tmp_path / "fork", key, ORIGIN)
    grown(log, 5)
    grown(fork, 6)
    now = datetime.now(UTC)
    with serving(folder) as url:
        assert ask_all(log, [WitnessAddress(url, vkey)], {}, now).cosignatures
    with serving(folder) as url:
        assert ask_all(log, [WitnessAddress(url, vkey)], {}, now).cosignatures
        with pytest.raises(LogContradictedError):
            ask_all(fork, [WitnessAddress(url, vkey)], {}, now)
    shown = run("witness", "show", "--folder", folder)
    assert "5" in shown.out
    assert vkey_of(shown.out) == vkey


def test_it_runs_without_the_bridges_rooms(run: Run, tmp_path: Path, key: SigningKey) -> None:
    folder = tmp_path / "w"
    vkey = vkey_of(run("witness", "init", "--folder", folder, "--name", NAME).out)
    absent = (
        "sqlalchemy",
        "prefect",
        "pandas",
        "zeep",
        "lxml",
        "database",
        "delivery",
        "consent_registry",
        "connectors",
    )
    imports = f"sys.modules.update(dict.fromkeys({absent!r}))"
    log = open_log(tmp_path / "log", key, ORIGIN)
    with serving(folder, "--log-key", key.verifier.vkey, imports=imports) as url:
        assert ask_all(log, [WitnessAddress(url, vkey)], {}, datetime.now(UTC)).cosignatures


def test_it_speaks_tls_with_a_certificate(run: Run, tmp_path: Path, key: SigningKey) -> None:
    folder = tmp_path / "w"
    vkey = vkey_of(run("witness", "init", "--folder", folder, "--name", NAME, "--log-key", key.verifier.vkey).out)
    authority = Authority.create("test", datetime.now(UTC))
    (tmp_path / "tls.pem").write_bytes(authority.issue("127.0.0.1", Purpose.TLS_SERVER).pem)
    log = open_log(tmp_path / "log", key, ORIGIN)
    with serving(folder, "--certificate", tmp_path / "tls.pem") as url:
        assert url.startswith("https://")
        address = WitnessAddress(url, vkey, authority.credential.certificate_pem.decode())
        assert ask_all(log, [address], {}, datetime.now(UTC)).cosignatures


def test_init_again_keeps_the_key_and_adds_logs(run: Run, tmp_path: Path, key: SigningKey) -> None:
    folder = tmp_path / "w"
    first = run("witness", "init", "--folder", folder, "--name", NAME)
    pem = (folder / "witness.pem").read_bytes()
    again = run("witness", "init", "--folder", folder, "--name", NAME, "--log-key", key.verifier.vkey)
    twice = run("witness", "init", "--folder", folder, "--name", NAME, "--log-key", key.verifier.vkey)
    assert (again.status, twice.status) == (0, 0)
    assert (folder / "witness.pem").read_bytes() == pem
    assert vkey_of(first.out) == vkey_of(twice.out)
    assert (folder / "logs").read_text().splitlines() == [key.verifier.vkey]


def test_a_running_witness_heeds_added_and_dropped_keys_and_a_stolen_one_gets_nothing_more(
    run: Run, tmp_path: Path, key: SigningKey
) -> None:
    folder, now = tmp_path / "w", datetime.now(UTC)
    new = load_signing_key(create_signing_key(), ORIGIN)
    vkey = vkey_of(run("witness", "init", "--folder", folder, "--name", NAME, "--log-key", key.verifier.vkey).out)
    log = open_log(tmp_path / "log", key, ORIGIN)
    grown(log, 3)
    with serving(folder, "--log-key", key.verifier.vkey) as url:
        address = WitnessAddress(url, vkey)
        assert ask_all(log, [address], {}, now).cosignatures
        shutil.copytree(tmp_path / "log", tmp_path / "thief")
        dropped = run("witness", "drop-key", "--folder", folder, "--log-key", key.verifier.vkey)
        assert dropped.status == 0
        assert f"Больше не принимает: {key.verifier.vkey}" in dropped.out
        assert "записей 3" in dropped.out
        assert f"подписана ключом {key.verifier.key_id.hex()}" in dropped.out
        thief = open_log(tmp_path / "thief", key, ORIGIN)
        grown(thief, 1)
        assert [answer.trouble for answer in ask_all(thief, [address], {}, now).answers] == [UNKNOWN_KEY]
        log = AuditLog(open_store(tmp_path / "log"), new, [key.verifier])
        grown(log, 2)
        assert [answer.trouble for answer in ask_all(log, [address], {}, now).answers] == [UNKNOWN_KEY]
        added = ("witness", "init", "--folder", folder, "--name", NAME, "--log-key")
        assert run(*added, new.verifier.vkey).status == 0
        assert ask_all(log, [address], {}, now).cosignatures  # without a restart
    refused = run(*added, key.verifier.vkey)
    assert refused.status == 2
    assert "отказался" in refused.err
    refused = run("witness", "serve", "--folder", folder, "--listen", "127.0.0.1:0", "--log-key", key.verifier.vkey)
    assert (refused.status, "отказался" in refused.err) == (2, True)


def test_what_is_wrong_is_told_with_the_remedy(run: Run, tmp_path: Path, key: SigningKey) -> None:
    folder = tmp_path / "w"
    for arguments, words in (
        (("show", "--folder", folder), "witness init"),
        (("init", "--folder", folder, "--name", "two words"), "без пробелов"),
        (("init", "--folder", folder, "--name", NAME, "--log-key", "junk"), "ключа проверки"),
    ):
        ended = run("witness", *arguments)
        assert ended.status == 2
        assert words in ended.err
    run("witness", "init", "--folder", folder, "--name", NAME)
    known = ("--log-key", key.verifier.vkey)
    for arguments, words in (
        (("init", "--folder", folder, "--name", "other.example/w"), "уже свидетель"),
        (("serve", "--folder", folder, "--listen", "127.0.0.1:0"), "--log-key"),
        (("serve", "--folder", folder, "--listen", "8100", *known), "АДРЕС:ПОРТ"),
        (("serve", "--folder", folder, "--listen", "127.0.0.1:0", "--log-key", "junk"), "ключа проверки"),
        (
            ("serve", "--folder", folder, "--listen", "127.0.0.1:0", *known, "--certificate", folder / "none.pem"),
            "--certificate",
        ),
    ):
        ended = run("witness", *arguments)
        assert ended.status == 2
        assert words in ended.err
