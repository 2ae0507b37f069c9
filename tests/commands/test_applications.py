"""`dnevnik registry` and applications: from the portal, or paper, to a registration; nobody named unless asked."""

import contextlib
import io
import json
import sqlite3
import sys
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from worlds.applying_parents import MOSCOW, application_for, apply, minors
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld

import settings
from audit.errors import AuditUnavailableError
from audit.log import AuditLog
from database import open_database
from flows.assembly import open_audit_log
from journal.records import PersonName, PortalApplication
from journal.school import StudentIdentity
from journal.vocabulary import Relation

Registry = Callable[..., Ended]
TODAY = datetime.now(MOSCOW).date()


@pytest.fixture(scope="module")
def students(world: RealWorld) -> list[StudentIdentity]:
    found = minors(world)
    assert len(found) >= 4
    return found


@pytest.fixture
def registry(run: Run, world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Run `dnevnik registry ARGUMENTS`, `answers` typed in, one a line."""
    assert run("--config", world.config, "init").status == 0

    def run_it(*arguments: object, answers: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
        return run("--config", world.config, "registry", *arguments)

    return run_it


def listed(registry: Registry, *options: str) -> dict[str, dict[str, object]]:
    ended = registry("applications", "--json", *options)
    assert ended.status == 0
    return {str(one["account"]): one for one in json.loads(ended.out)}


def pulled(registry: Registry, world: RealWorld, application: PortalApplication) -> str:
    apply(world, application)
    return pulled_again(registry, application)


def pulled_again(registry: Registry, application: PortalApplication) -> str:
    assert registry("exchange").status == 0
    return str(listed(registry)[application.account_id]["reference"])


def reports(world: RealWorld, application: PortalApplication) -> list[str]:
    query = "SELECT status FROM application_report WHERE application_id = ? ORDER BY rowid"
    return [status for (status,) in world.portal_rows(query, application.application_id)]


def events(world: RealWorld) -> list[tuple[str, str]]:
    read = settings.load(world.config)
    engine = open_database(read.bridge.state)
    log = open_audit_log(read, engine)
    entries = [json.loads(line) for line in log.entries()]
    log.close()
    engine.dispose()
    return [(entry["case"], entry["event"]) for entry in entries if entry["kind"] == "consent-event"]


def names_of(application: PortalApplication, student: StudentIdentity) -> tuple[str, ...]:
    holder = application.account_holder
    return holder.last_name, application.email, student.last_name, application.student_birth_date.isoformat()


def registered(registry: Registry, world: RealWorld, student: StudentIdentity) -> tuple[str, PortalApplication]:
    """Take one application the whole way; returns its reference."""
    application = application_for(student)
    reference = pulled(registry, world, application)
    registry("identify", reference, "--document", "passport", "--by", "Иванова Анна", answers="40 10 1\n")
    registry("link", reference, "--student", student.student_key, "--by", "Иванова Анна")
    link = ("--school", "0252", "--student", student.student_key, "--account", application.account_id)
    days = ("--signed", TODAY, "--in-force", TODAY, "--records", "2026-09-01")
    assert registry("consent", *link, "--text", "2025-09", *days, "--confirm-all").status == 0
    ended = registry("register", reference, "--by", "Петрова Ольга")
    assert (ended.status, ended.err) == (0, "")
    return reference, application


def test_from_the_portal_to_the_first_mark(
    registry: Registry, run: Run, world: RealWorld, students: list[StudentIdentity]
) -> None:
    student, application = students[0], application_for(students[0])
    reference = pulled(registry, world, application)
    assert reports(world, application) == ["received"]
    proposed = registry("propose", reference)
    assert f"Student {student.student_key}" in proposed.out
    assert "The birth date is the same" in proposed.out
    identified = registry("identify", reference, "--document", "passport", "--by", "Иванова Анна", answers="4010 1\n")
    assert f"registry link {reference}" in identified.out
    linked = registry("link", reference, "--student", student.student_key)
    assert f"registry form consent {reference}" in linked.out
    early = registry("register", reference)
    assert (early.status, early.out) == (2, "")
    assert "no written consent" in early.err
    link = ("--school", "0252", "--student", student.student_key, "--account", application.account_id)
    days = ("--signed", TODAY, "--in-force", TODAY, "--records", "2026-09-01")
    assert registry("consent", *link, "--text", "2025-09", *days, "--confirm-all").status == 0
    same = registry("register", reference, "--by", "ИВАНОВА  Анна")
    assert same.status == 2
    assert "who identified" in same.err.lower()
    done = registry("register", reference, "--by", "Петрова Ольга")
    assert (done.status, done.err) == (0, "")
    assert "dnevnik sync 0252" in done.out
    assert registry("exchange", "0252").status == 0
    assert reports(world, application) == ["received", "identified", "registered"]
    by_name = [
        ("Иванова Анна" in shown.out, "Петрова Ольга" in shown.out)
        for shown in (registry("show", reference), registry("show", reference, "--names"))
    ]
    assert by_name == [(False, False), (True, True)]
    told = [event for case, event in events(world) if case == reference and event != "names-shown"]
    assert told == ["application-received", "application-identified", "application-linked", "application-registered"]
    assert run("--config", world.config, "sync").status in {0, 1}
    assert world.portal_rows("SELECT 1 FROM link WHERE account_id = ? AND active = 1", application.account_id)
    assert world.holdings()


def test_nobody_is_named_unless_asked(registry: Registry, world: RealWorld, students: list[StudentIdentity]) -> None:
    application = application_for(students[1])
    reference = pulled(registry, world, application)
    personal = names_of(application, students[1])
    before = events(world)
    quiet = [
        registry("applications", "--all"),
        registry("applications", "--json"),
        registry("show", reference),
        registry("propose", reference),
        registry("terms"),
    ]
    assert all(ended.err == "" for ended in quiet)
    assert not [name for name in personal for ended in quiet if name in ended.out]
    assert events(world) == before
    for command in ("show", "propose"):
        ended = registry(command, reference, "--names")
        assert "Personal data below" in ended.err
        assert students[1].last_name in ended.out
        assert application.student_birth_date.isoformat() in ended.out
    assert events(world) == [*before, (reference, "names-shown"), (reference, "names-shown")]
    assert not [name for name in personal if name in json.dumps(events(world), ensure_ascii=False)]


def test_names_that_cannot_be_logged_are_not_shown(
    registry: Registry, world: RealWorld, students: list[StudentIdentity], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = pulled(registry, world, application_for(students[1]))

    def full(_log: AuditLog, _entries: object) -> None:
        raise AuditUnavailableError("диск полон", "the disk is full")

    monkeypatch.setattr(AuditLog, "append", full)
    ended = registry("show", reference, "--names")
    assert (ended.status, ended.out) == (2, "")
    refused = registry("identify", reference, "--document", "passport", answers="40 10 1\n")
    assert (refused.status, refused.out) == (2, "")
    monkeypatch.undo()
    assert "received" in registry("show", reference).out.splitlines()[0]


def test_days_left_are_working_days_and_the_overdue_stand_first(
    registry: Registry, world: RealWorld, students: list[StudentIdentity]
) -> None:
    late, new = application_for(students[2], days_ago=20), application_for(students[2])
    reference = pulled(registry, world, late)
    pulled(registry, world, new)
    shown = listed(registry)
    assert shown[late.account_id]["overdue"] is True
    assert shown[new.account_id]["working_days_left"] == 7
    lines = registry("applications").out.splitlines()
    assert reference in lines[2]
    assert "✗ overdue by" in lines[2]
    only = listed(registry, "--stage", "linked")
    assert late.account_id not in only
    wrong = registry("applications", "--stage", "lost")
    assert (wrong.status, wrong.out) == (2, "")
    assert "identified" in wrong.err


def test_rejected_lapsed_cancelled(registry: Registry, world: RealWorld, students: list[StudentIdentity]) -> None:
    stranger = application_for(students[3])
    stranger = PortalApplication(
        **{name: getattr(stranger, name) for name in PortalApplication.__slots__}
        | {"student": PersonName("Небывалов", "Никто")}
    )
    reference = pulled(registry, world, stranger)
    assert "student-not-found" in registry("propose", reference).out
    unreasoned = registry("reject", reference, "--reason", "no idea")
    assert unreasoned.status == 2
    assert "student-not-found: The school has no such student" in unreasoned.err
    assert registry("reject", reference, "--reason", "student-not-found").status == 0
    again = registry("reject", reference, "--reason", "student-not-found")
    assert again.status == 2
    assert "closed" in again.err
    forgotten = application_for(students[3], days_ago=20)
    lapsed = pulled(registry, world, forgotten)
    assert registry("lapse", lapsed).status == 0
    registry("exchange")
    assert (reports(world, stranger)[-1], reports(world, forgotten)[-1]) == ("rejected", "rejected")
    assert reference not in registry("applications").out
    pulled(registry, world, application_for(students[3]))
    stages = [
        one["stage"] in {"rejected", "lapsed", "withdrawn", "registered"} for one in listed(registry, "--all").values()
    ]
    assert stages == sorted(stages)  # what waits stands first, what is closed last
    assert {False, True} <= set(stages)
    assert "rejected" in registry("show", reference.lower().replace("-", " ")).out


def test_an_application_lapses_after_its_term_only(
    registry: Registry, world: RealWorld, students: list[StudentIdentity]
) -> None:
    application = application_for(students[3])
    reference = pulled(registry, world, application)
    due = listed(registry)[application.account_id]["due"]
    ended = registry("lapse", reference)
    assert (ended.status, ended.out) == (2, "")
    assert f"the last day is {due}" in ended.err
    assert f"registry reject {reference}" in ended.err
    assert listed(registry)[application.account_id]["stage"] == "received"


def test_a_registered_application_takes_its_consent_with_it(
    registry: Registry, world: RealWorld, students: list[StudentIdentity]
) -> None:
    reference, application = registered(registry, world, students[1])
    ended = registry("cancel", reference)
    assert (ended.status, ended.err) == (0, "")
    assert "dnevnik sweep 0252" in ended.out
    assert f"\t{application.account_id}\twithdrawn\t" in registry("list").out


def test_a_guardian_is_asked_for_the_authority(
    registry: Registry, world: RealWorld, students: list[StudentIdentity]
) -> None:
    reference = pulled(registry, world, application_for(students[2], relation=Relation.GUARDIAN))
    command = ("identify", reference, "--document", "passport")
    short = registry(*command, answers="40 10 222333\n")
    assert (short.status, short.out) == (2, "")
    assert "222333" not in short.err
    over = registry(*command, answers=f"40 10 222333\nAct 7\n{TODAY - timedelta(days=1):%d.%m.%Y}\n")
    assert "authority is over" in over.err
    done = registry(*command, answers=f"40 10 222333\nAct 7\n{TODAY + timedelta(days=90):%d.%m.%Y}\n")
    assert (done.status, done.err) == (0, "")
    assert "authority until" in registry("show", reference).out
    assert reference in registry("find", "--document", answers="4010 № 222333\n").out


def test_a_portal_that_is_away_or_refuses(
    registry: Registry, world: RealWorld, students: list[StudentIdentity]
) -> None:
    application = application_for(students[0])
    apply(world, application)
    text = world.config.read_text()
    port = world.server.url.split(":")[2].split("/")[0]
    world.config.write_text(text.replace(f":{port}/", ":1/"))
    away = registry("exchange")
    world.config.write_text(text)
    assert away.status == 2
    assert "new applications 0" in away.out
    assert "0252: " in away.err
    reference = pulled_again(registry, application)
    registry("identify", reference, "--document", "passport", answers="40 10 1\n")
    with contextlib.closing(sqlite3.connect(world.server.database)) as portal, portal:
        portal.execute("DELETE FROM application WHERE application_id = ?", [application.application_id])
    refused = registry("exchange", "0252")
    assert refused.status == 1
    assert "refused by the portal 1" in refused.out
    assert reference in refused.err
    assert "UnknownApplication" in refused.err
    assert "identified — refused" in registry("show", reference).out
    assert registry("exchange", "0252").status == 0


@pytest.mark.parametrize("reference", ["", "AAAA", "0000-0000-0000", "Иванов Иван"])
@pytest.mark.parametrize("command", ["show", "propose", "register", "lapse", "cancel"])
def test_a_reference_that_is_none(registry: Registry, command: str, reference: str) -> None:
    ended = registry(command, reference)
    assert (ended.status, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
    assert "Иванов" not in ended.err


def test_who_acts_has_a_name(registry: Registry, world: RealWorld, students: list[StudentIdentity]) -> None:
    reference = pulled(registry, world, application_for(students[3]))
    for name in (" ", "x" * 201, "a\nb"):
        ended = registry("lapse", reference, "--by", name)
        assert (ended.status, ended.out) == (2, "")
        assert "--by" in ended.err
