"""`dnevnik registry form`: a PDF for its owner alone, announced in the audit log, with a code that finds the case."""

import csv
import io
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest
from worlds.applying_parents import application_for, apply, minors
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld

import settings
from audit.errors import AuditUnavailableError
from audit.log import AuditLog
from database import open_database
from flows.assembly import open_audit_log
from journal.records import PortalApplication

Registry = Callable[..., Ended]


@pytest.fixture
def registry(run: Run, world: RealWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    assert run("--config", world.config, "init").status == 0
    monkeypatch.chdir(tmp_path)

    def run_it(*arguments: object, answers: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
        return run("--config", world.config, "registry", *arguments)

    return run_it


@pytest.fixture
def application(registry: Registry, world: RealWorld) -> tuple[str, PortalApplication]:
    made = application_for(minors(world)[0])
    apply(world, made)
    registry("exchange")
    applications = json.loads(registry("applications", "--json").out)
    return next(one["reference"] for one in applications if one["account"] == made.account_id), made


def words(file: Path) -> str:
    document = pypdfium2.PdfDocument(file)
    text = " ".join(page.get_textpage().get_text_bounded() for page in document)
    document.close()
    return " ".join(text.split())


def printed_events(world: RealWorld) -> list[str]:
    read = settings.load(world.config)
    engine = open_database(read.bridge.state)
    log = open_audit_log(read, engine)
    entries = [json.loads(line) for line in log.entries()]
    log.close()
    engine.dispose()
    return [entry["case"] for entry in entries if entry.get("event") == "form-printed"]


@pytest.mark.parametrize("kind", ["application", "consent", "withdrawal"])
def test_a_form_of_an_application(
    registry: Registry, world: RealWorld, application: tuple[str, PortalApplication], tmp_path: Path, kind: str
) -> None:
    reference, made = application
    before = printed_events(world)
    ended = registry("form", kind, reference, "--out", "paper.pdf")
    assert (ended.status, ended.err) == (0, "")
    file = tmp_path / "paper.pdf"
    assert str(file) in ended.out
    assert f"registry find {reference}" in ended.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = words(file)
    for told in (reference, made.account_holder.last_name, made.student.last_name, "Школа 0252"):
        assert told in text
    assert printed_events(world) == [*before, reference]
    assert made.account_holder.last_name not in ended.out


def test_a_consent_names_the_student_whom_a_person_chose(
    registry: Registry, application: tuple[str, PortalApplication], world: RealWorld, tmp_path: Path
) -> None:
    reference, made = application
    other = next(one for one in minors(world) if one.last_name != made.student.last_name)
    registry("identify", reference, "--document", "passport", answers="40 10 1\n")
    assert registry("link", reference, "--student", other.student_key).status == 0
    registry("form", "consent", reference)
    registry("form", "application", reference)
    assert other.last_name in words(tmp_path / f"consent-{reference}.pdf")
    assert made.student.last_name in words(tmp_path / f"application-{reference}.pdf")


def test_school_and_processor_come_from_the_settings(
    registry: Registry, application: tuple[str, PortalApplication], world: RealWorld, tmp_path: Path
) -> None:
    text = world.config.read_text()
    told = 'district = "Красносельский"'
    changed = text.replace(told, f'{told}\naddress = "ул. Полевая, 7"')
    world.config.write_text(f'{changed}\n[consent]\nprocessor_name = "ГУП Центр"\nprocessor_address = "Невский, 1"\n')
    ended = registry("form", "consent", application[0], "--out", "c.pdf")
    world.config.write_text(text)
    assert ended.status == 0
    for value in ("ул. Полевая, 7", "ГУП Центр", "Невский, 1", "2025-09"):
        assert value in words(tmp_path / "c.pdf")


def test_a_case_of_a_register_has_a_code_of_its_own(registry: Registry, world: RealWorld, tmp_path: Path) -> None:
    registry("import", world.folder / "register.csv")
    listed = registry("list").out.splitlines()
    with (world.folder / "register.csv").open(encoding="utf-8-sig", newline="") as file:
        people = {row["account_id"]: row for row in csv.DictReader(file, delimiter=";")}
    _, student, account, *_ = next(line.split("\t") for line in listed if line.split("\t")[2] in people)
    link = ("--school", "0252", "--student", student, "--account", account)
    ended = registry("form", "withdrawal", *link)
    assert (ended.status, ended.err) == (0, "")
    (file,) = tmp_path.glob("withdrawal-*.pdf")
    code = file.stem.removeprefix("withdrawal-")
    assert f"registry withdraw {' '.join(link)}" in ended.out
    found = registry("find", code)
    assert found.status == 0
    assert student in found.out
    assert account in found.out
    assert people[account]["parent_last_name"] in words(file)


@pytest.mark.parametrize(
    "arguments",
    [
        ("konsent", "0000-0000-0000"),
        ("consent",),
        ("consent", "0000-0000-0000"),
        ("consent", "--school", "0252", "--student", "1"),
        ("consent", "--school", "0252", "--student", "1", "--account", "none"),
        ("consent", "0000-0000-0000", "--school", "0252", "--student", "1", "--account", "none"),
    ],
)
def test_a_form_that_cannot_be(registry: Registry, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ended = registry("form", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
    assert not list(tmp_path.glob("*.pdf"))


def test_a_folder_that_is_none_and_a_log_that_is_full(
    registry: Registry,
    application: tuple[str, PortalApplication],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nowhere = registry("form", "consent", application[0], "--out", tmp_path / "none" / "c.pdf")
    assert (nowhere.status, nowhere.out) == (2, "")
    assert "none" in nowhere.err

    def full(_log: AuditLog, _entries: object) -> None:
        raise AuditUnavailableError("диск полон", "the disk is full")

    monkeypatch.setattr(AuditLog, "append", full)
    assert registry("form", "consent", application[0]).status == 2
    assert not list(tmp_path.glob("*.pdf"))


def test_a_form_takes_the_place_of_a_form_only(
    registry: Registry, application: tuple[str, PortalApplication], tmp_path: Path
) -> None:
    other = tmp_path / "bridge.toml"
    other.write_text("mine")
    ended = registry("form", "consent", application[0], "--out", other)
    assert (ended.status, ended.out, other.read_text()) == (2, "", "mine")
    assert "bridge.toml" in ended.err
    for _ in range(2):
        assert registry("form", "consent", application[0], "--out", "again.pdf").status == 0


def test_a_closed_application_takes_no_consent(registry: Registry, application: tuple[str, PortalApplication]) -> None:
    registry("reject", application[0], "--reason", "consent-not-given")
    ended = registry("form", "consent", application[0])
    assert (ended.status, ended.out) == (2, "")
    assert "closed" in ended.err
