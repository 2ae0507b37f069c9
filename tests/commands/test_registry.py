"""`dnevnik registry`: whole or nothing, logged before it is recorded, no name shown."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from worlds.command_line import Run
from worlds.real_world import RealWorld

import settings
from audit.errors import AuditUnavailableError
from audit.log import AuditLog
from audit.verify import verify_log
from consent_registry.fact_store import states
from database import open_database, reading, upgrade
from flows.assembly import open_audit_log


def cases(world: RealWorld) -> dict[tuple[str, str], object]:
    engine = open_database(settings.load(world.config).bridge.state)
    upgrade(engine)  # whichever test comes first
    with reading(engine) as connection:
        found = {(s.student_key, s.account_id): s for s in states(connection, "0252", at=datetime.now(UTC))}
    engine.dispose()
    return found


def events(world: RealWorld) -> list[dict[str, str]]:
    read = settings.load(world.config)
    engine = open_database(read.bridge.state)
    log = open_audit_log(read, engine)
    entries = [json.loads(line) for line in log.entries()]
    log.close()
    engine.dispose()
    return [entry for entry in entries if entry["kind"] == "consent-event"]


@pytest.fixture
def register(world: RealWorld) -> Path:
    return world.folder / "register.csv"


def rows(register: Path) -> list[dict[str, str]]:
    with register.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=";"))


def rewritten(register: Path, to: Path, **changes: str) -> Path:
    """Write the register with the first row changed."""
    table = rows(register)
    table[0] |= changes
    with to.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(table)
    return to


def test_a_trial_records_nothing_and_says_what_the_import_then_does(run: Run, world: RealWorld, register: Path) -> None:
    count = len(rows(register))
    run("--config", world.config, "init")
    tried = run("--config", world.config, "registry", "import", register, "--dry-run")
    assert (tried.status, tried.err) == (0, "")
    assert f"new {count}," in tried.out
    assert cases(world) == {}
    assert events(world) == []
    done = run("--config", world.config, "registry", "import", register)
    assert (done.status, done.err) == (0, "")
    assert f"new {count}," in done.out
    assert len(cases(world)) == count
    recorded = len(events(world))
    assert recorded > count
    again = run("--config", world.config, "registry", "import", register)
    assert f"new 0, changed 0, unchanged {count}" in again.out
    assert len(events(world)) == recorded


def test_nothing_personal_is_said_or_logged(run: Run, world: RealWorld, register: Path) -> None:
    run("--config", world.config, "registry", "import", register)
    listed = run("--config", world.config, "registry", "list")
    assert listed.status == 0
    assert len(listed.out.splitlines()) == len(rows(register))
    told = listed.out + json.dumps(events(world), ensure_ascii=False)
    for row in rows(register):
        for column in ("parent_last_name", "email", "student_last_name", "student_birth_date"):
            assert not row[column] or row[column] not in told


def test_a_register_with_mistakes_is_refused_whole(run: Run, world: RealWorld, register: Path, tmp_path: Path) -> None:
    before, logged = cases(world), len(events(world))
    wrong = rewritten(register, tmp_path / "wrong.csv", relation="aunt", in_force_from="30.09.2026")
    ended = run("--config", world.config, "registry", "import", wrong)
    assert (ended.status, ended.out) == (2, "")
    assert "row 2, relation" in ended.err
    assert "row 2, in_force_from" in ended.err
    assert (cases(world), len(events(world))) == (before, logged)


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_mistakes_of_form_hide_none_that_need_the_school(
    run: Run, world: RealWorld, register: Path, tmp_path: Path, options: list[str]
) -> None:
    before, logged = cases(world), len(events(world))
    wrong = rewritten(register, tmp_path / "wrong.csv", relation="aunt", student_id="99999999")
    with wrong.open("a", encoding="utf-8") as file:
        file.write("0252;lone\n")
    ended = run("--config", world.config, "registry", "import", wrong, *options)
    assert (ended.status, ended.out) == (2, "")
    assert "row 2, relation" in ended.err
    assert "row 2, student_id" in ended.err
    assert f"row {len(rows(register)) + 2}: the number of fields" in ended.err
    assert (cases(world), len(events(world))) == (before, logged)


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_register_that_cannot_be_read_is_one_line(run: Run, world: RealWorld, tmp_path: Path, name: str) -> None:
    ended = run("--config", world.config, "registry", "import", tmp_path / name)
    assert (ended.status, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1


def test_a_withdrawal_is_recorded_and_logged_once(run: Run, world: RealWorld, register: Path) -> None:
    run("--config", world.config, "registry", "import", register)
    student, account = next(
        key for key, state in cases(world).items() if state.registered_at and not state.withdrawn_at
    )
    command = ("registry", "withdraw", "--school", "0252", "--student", student, "--account", account)
    before = len(events(world))
    ended = run("--config", world.config, *command, "--at", "2026-11-02T08:00:00+03:00")
    assert (ended.status, ended.err) == (0, "")
    assert cases(world)[student, account].withdrawn_at.isoformat() == "2026-11-02T05:00:00+00:00"
    assert [event["event"] for event in events(world)[before:]] == ["withdrawal"]
    again = run("--config", world.config, *command)
    assert again.status == 0
    assert "nothing was changed" in again.out
    assert len(events(world)) == before + 1


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        ("2026-11-02", "2026-11-01T21:00:00+00:00"),
        ("02.11.2026", "2026-11-01T21:00:00+00:00"),
        ("2026-11-02T08:00:00", "2026-11-02T05:00:00+00:00"),
    ],
)
def test_a_withdrawal_is_dated_by_a_day_or_a_local_time(
    run: Run, world: RealWorld, register: Path, at: str, moment: str
) -> None:
    run("--config", world.config, "registry", "import", register)
    student, account = next(
        key for key, state in cases(world).items() if state.registered_at and not state.withdrawn_at
    )
    command = ("registry", "withdraw", "--school", "0252", "--student", student, "--account", account)
    assert run("--config", world.config, *command, "--at", at).status == 0
    assert cases(world)[student, account].withdrawn_at.isoformat() == moment


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"--student": "999999"}, "999999"),
        ({"--school": "0999"}, "0999"),
        ({"--account": "pa-none"}, "pa-none"),
        ({"--at": "02/11/2026"}, "--at"),
        ({"--at": "2026-11-02T25:00:00"}, "--at"),
        ({"--at": "yesterday"}, "--at"),
        ({"--at": "2999-01-01T00:00:00Z"}, "2999"),
    ],
)
def test_a_withdrawal_that_cannot_be_is_one_line(
    run: Run, world: RealWorld, register: Path, changes: dict[str, str], said: str
) -> None:
    run("--config", world.config, "registry", "import", register)
    student, account = next(iter(cases(world)))
    options = {"--school": "0252", "--student": student, "--account": account} | changes
    before = cases(world), len(events(world))
    ended = run("--config", world.config, "registry", "withdraw", *(word for pair in options.items() for word in pair))
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert said in line
    assert (cases(world), len(events(world))) == before


def test_without_a_log_nothing_is_recorded(
    run: Run, world: RealWorld, register: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("--config", world.config, "registry", "import", register)
    before = cases(world)

    def full(_log: AuditLog, _entries: object) -> None:
        raise AuditUnavailableError("диск полон", "the disk is full")

    monkeypatch.setattr(AuditLog, "append", full)
    changed = rewritten(register, tmp_path / "changed.csv", records_from="2026-09-02", in_force_from="2026-09-02")
    ended = run("--config", world.config, "registry", "import", changed)
    assert (ended.status, ended.out) == (2, "")
    assert "the disk is full" in ended.err
    assert cases(world) == before


@pytest.fixture
def one_file(world: RealWorld) -> Iterator[None]:
    """The audit log in the same SQLite file as the registry."""
    text = world.config.read_text()
    state = world.folder / "var" / "both.db"
    world.config.write_text(
        text.replace('"var/audit"', '"sqlite:///var/both.db"').replace("sqlite:///var/bridge.db", f"sqlite:///{state}")
    )
    yield
    world.config.write_text(text)


@pytest.mark.usefixtures("one_file")
def test_log_and_registry_may_share_one_file(run: Run, world: RealWorld, register: Path) -> None:
    ended = run("--config", world.config, "registry", "import", register)
    assert (ended.status, ended.err) == (0, "")
    assert len(events(world)) > len(rows(register))
    assert run("--config", world.config, "audit", "verify").status == 0
    assert verify_log(settings.load(world.config).audit.log, None).ok
