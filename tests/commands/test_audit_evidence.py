"""`audit evidence`, `audit verify EVIDENCE.zip`, `audit reconcile` on real parts: what they show, refuse and log."""

import json
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
from worlds.command_line import Run
from worlds.real_world import RealWorld, build

import settings
from audit.keys import create_signing_key, load_signing_key
from audit.log import open_log
from audit.verify_evidence import reference_of
from database import open_database, reading
from delivery.tables import STUDENT_REF
from sandbox.registry import write_register

ORIGIN = "dnevnik-bridge"

FROM, TO = "2020-01-01", "2099-12-31"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[RealWorld]:
    """A school whose records the portal holds; the tests of this module change nothing but the log."""
    folder = tmp_path_factory.mktemp("synced")
    made = build(folder, certificates, students=12, weeks=2)
    made.config.write_text(made.config.read_text().replace('language = "ru"', 'language = "en"'))
    write_register(
        folder / "register.csv", made.school_file(), code="0252", seed=1, today=datetime.now(UTC).date(), share=0.9
    )
    for arguments in (("registry", "import", folder / "register.csv"), ("sync", "--without-prefect")):
        assert made.run(*map(str, arguments)).returncode in {0, 1}
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def sent(synced: RealWorld) -> tuple[str, str]:
    """A student of whom records were sent: the school's id and the portal's."""
    engine = open_database(settings.load(synced.config).bridge.state)
    told = {e["student"] for e in log_of(synced) if e["kind"] == "disclosure-intended"}
    with reading(engine) as connection:
        rows = connection.execute(STUDENT_REF.select()).all()
    engine.dispose()
    return next((row.student_key, row.student_ref) for row in rows if row.student_ref in told)


def log_of(world: RealWorld) -> list[dict]:
    read = settings.load(world.config)
    with closing(open_log(read.audit.log, load_signing_key(read.audit.signing_key.read(), ORIGIN), ORIGIN)) as log:
        return [json.loads(line) for line in log.entries()]


def evidence(run: Run, world: RealWorld, student: str, out: Path, *more: object):
    arguments = ("--school", "0252", "--student", student, "--from", FROM, "--to", TO, "--out", out)
    return run("--config", world.config, "audit", "evidence", *arguments, *more)


def test_a_package_shows_all_that_the_log_says_of_the_student(
    run: Run, synced: RealWorld, sent: tuple[str, str], tmp_path: Path
) -> None:
    student, reference = sent
    file = tmp_path / "evidence.zip"
    ended = evidence(run, synced, student, file)
    assert (ended.status, ended.err) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
    look = log_of(synced)[-1]
    assert (look["kind"], look["what"], look["student"], look["names"]) == ("look", "evidence", reference, False)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    packed = [json.loads(line) for line in members["entries.jsonl"].splitlines()]
    told = {one["index"] for one in packed}
    batches = {one["entry"]["batch"] for one in packed if one["entry"]["kind"] == "disclosure-intended"}
    assert batches
    for number, entry in enumerate(log_of(synced)):
        wanted = entry.get("student") == reference or (
            entry["kind"] == "disclosure-outcome" and entry["batch"] in batches
        )
        assert not wanted or number in told, entry["kind"]
    assert {"consent-event", "link-intended", "link-outcome", "look"} <= {one["entry"]["kind"] for one in packed}
    consents = json.loads(members["consents.json"])
    grounds = {g["consent"] for one in packed for g in one["entry"].get("grounds", [])}
    assert grounds <= {e.get("consent_ref") for case in consents["cases"] for e in case["events"]}
    assert "names.json" not in members
    named = {case["link"]: case["account"] for case in consents["cases"]}
    shown = {(g["link"], g["account"]) for one in packed for g in one["entry"].get("grounds", [])}
    assert shown
    account_key = bytes.fromhex(consents["account_key"])
    assert shown == {(link, reference_of(account_key, named[link])) for link, _ in shown}
    for account in named.values():
        assert account.encode() not in members["entries.jsonl"]
    assert {named[link] for link, _ in shown} <= set(members["evidence.csv"].decode().replace(";", " ").split())
    assert all(account in text_of(file) for account in named.values())


def test_nobody_is_named_unless_names_are_asked_for_by_somebody(
    run: Run, synced: RealWorld, sent: tuple[str, str], tmp_path: Path
) -> None:
    student, _ = sent
    with (synced.folder / "register.csv").open(encoding="utf-8-sig") as register:
        head, *rows = [line.rstrip("\n").split(";") for line in register]
    people = next(dict(zip(head, row, strict=True)) for row in rows if row[head.index("student_id")] == student)
    names = [people["parent_last_name"], people["student_last_name"]]
    plain, named = tmp_path / "plain.zip", tmp_path / "named.zip"
    assert evidence(run, synced, student, plain).status == 0
    refused = evidence(run, synced, student, named, "--with-names")
    assert (refused.status, refused.out) == (2, "")
    assert not named.exists()
    assert evidence(run, synced, student, named, "--with-names", "--by", "Иванова А. А.").status == 0
    assert log_of(synced)[-1]["names"] is True
    assert log_of(synced)[-1]["by_digest"] != log_of(synced)[-2]["by_digest"]
    for name in names:
        assert name.encode() not in plain.read_bytes()
        assert name not in text_of(plain)
        assert name in json.loads(zipfile.ZipFile(named).read("names.json"))["Родитель"] + text_of(named)
    for part in (people["email"], people["student_birth_date"], student):
        assert f'"{part}"'.encode() not in plain.read_bytes()
    assert run("--config", synced.config, "audit", "verify", named).status == 0


def text_of(package: Path) -> str:
    with zipfile.ZipFile(package) as archive:
        pages = pypdfium2.PdfDocument(archive.read("evidence.pdf"))
    return " ".join(page.get_textpage().get_text_range() for page in pages)


def test_verify_takes_a_package_and_counts_again_against_the_whole_log(
    run: Run, synced: RealWorld, sent: tuple[str, str], tmp_path: Path
) -> None:
    file, log = tmp_path / "evidence.zip", synced.folder / "var" / "audit"
    evidence(run, synced, sent[0], file)
    ended = run("--config", synced.config, "audit", "verify", file)
    assert (ended.status, ended.err) == (0, "")
    assert len(ended.out.splitlines()) == 4
    assert "each computed again" in ended.out
    ended = run("--config", synced.config, "audit", "verify", file, "--against", log)
    assert (ended.status, ended.err) == (0, "")
    assert "nothing is left out" in ended.out
    stranger = load_signing_key(create_signing_key(), ORIGIN).verifier.vkey
    assert run("audit", "verify", file, "--key", stranger).status == 2
    anybody = run("audit", "verify", file)
    assert anybody.status == 0
    assert "compare" in anybody.out or "сравните" in anybody.out
    changed = bytearray(file.read_bytes())
    changed[-40] ^= 4
    file.write_bytes(changed)
    ended = run("--config", synced.config, "audit", "verify", file)
    assert (ended.status, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1


def test_what_a_package_leaves_out_is_told_by_the_whole_log(
    run: Run, synced: RealWorld, sent: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator makes a package without one entry, in every other way true."""
    import audit.evidence as making  # noqa: PLC0415  to be falsified here alone

    honest, file = making.verify_evidence.select, tmp_path / "evidence.zip"
    hidden: list[int] = []

    def hiding(entries, asked):
        for number, entry in honest(entries, asked):
            if entry["kind"] == "consent-event" and not hidden:
                hidden.append(number)
            elif number not in hidden:
                yield number, entry

    with monkeypatch.context() as falsified:
        falsified.setattr(making.verify_evidence, "select", hiding)
        assert evidence(run, synced, sent[0], file).status == 0
    assert run("--config", synced.config, "audit", "verify", file).status == 0
    ended = run("--config", synced.config, "audit", "verify", file, "--against", synced.folder / "var" / "audit")
    assert ended.status == 2
    assert str(hidden[0]) in ended.err


def test_refusals_leave_no_file(run: Run, synced: RealWorld, sent: tuple[str, str], tmp_path: Path) -> None:
    size = len(log_of(synced))
    file = tmp_path / "evidence.zip"
    assert evidence(run, synced, "no-such", file).status == 2
    arguments = ("--school", "0252", "--student", sent[0], "--out", file)
    ended = run("--config", synced.config, "audit", "evidence", *arguments, "--from", TO, "--to", FROM)
    assert ended.status == 2
    assert not file.exists()
    assert len(log_of(synced)) == size
    file.write_bytes(b"mine")
    assert evidence(run, synced, sent[0], file).status == 2
    assert file.read_bytes() == b"mine"


def test_log_ledger_and_portal_agree_after_a_sync_and_a_difference_is_named(run: Run, synced: RealWorld) -> None:
    size = len(log_of(synced))
    ended = run("--config", synced.config, "audit", "reconcile")
    assert (ended.status, ended.err) == (0, ""), ended.out
    record = synced.portal_rows("SELECT record_id FROM holding WHERE withdrawn = 0 LIMIT 1")[0][0]
    with closing(sqlite3.connect(synced.server.database)) as connection, connection:
        connection.execute("UPDATE holding SET withdrawn = 1 WHERE record_id = ?", [record])
    try:
        ended = run("--config", synced.config, "audit", "reconcile", "--json")
        assert ended.status == 1
        (found,) = json.loads(ended.out)["schools"]["0252"]["differences"]
        assert found == {"name": "not-shown", "record": record}
        ended = run("--config", synced.config, "audit", "reconcile", "0252")
        assert ended.status == 1
        assert record in ended.out
        assert "dnevnik reconcile 0252" in ended.out
    finally:
        with closing(sqlite3.connect(synced.server.database)) as connection, connection:
            connection.execute("UPDATE holding SET withdrawn = 0 WHERE record_id = ?", [record])
    assert len(log_of(synced)) == size  # nothing is written, not even that somebody compared


def test_the_readable_page_is_a_tagged_pdf(run: Run, synced: RealWorld, sent: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    evidence(run, synced, sent[0], file)
    (tmp_path / "page.pdf").write_bytes(zipfile.ZipFile(file).read("evidence.pdf"))
    told = subprocess.run(["pdfinfo", tmp_path / "page.pdf"], capture_output=True, text=True, check=True).stdout
    assert "Tagged:" in told
    words = " ".join(text_of(file).split())
    for expected in ("принято порталом", "открыт просмотр", "не доказывает, что ничего не опущено"):
        assert expected in words


def test_a_package_holds_after_the_logs_key_was_replaced(
    run: Run, synced: RealWorld, sent: tuple[str, str], tmp_path: Path
) -> None:
    kept, file = tmp_path / "kept", tmp_path / "evidence.zip"
    kept.write_bytes((settings.load(synced.config).audit.log / "checkpoint").read_bytes())
    assert run("--config", synced.config, "keys", "rotate-signing").status == 0
    ended = evidence(run, synced, sent[0], file, "--checkpoint", kept)
    assert (ended.status, ended.err) == (0, "")
    verdict = run("--config", synced.config, "audit", "verify", file)
    assert (verdict.status, verdict.err) == (0, "")
