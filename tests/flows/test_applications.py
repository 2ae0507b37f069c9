"""The exchange as a step of the house: between parts in memory, over real SOAP and TLS, and as a Prefect flow."""

import contextlib
import importlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.memory_world import CODE, MOSCOW, MemoryWorld
from worlds.real_world import RealWorld, authority, build

from audit.errors import AuditUnavailableError
from consent_registry.acts import Actor, ConsentTerms, give_consent
from consent_registry.applications import desk
from consent_registry.applications.desk import ClosingReason, Document
from database import reading, writing
from delivery.tables import KNOWN_CHECKPOINT
from flows.applications import ApplicationExchange, exchange_applications
from flows.bridge import Bridge
from journal.portal import PortalError, Resend
from journal.records import PersonName, PortalApplication
from journal.vocabulary import Relation
from journal.wording import BridgeError
from sandbox.portal import FaultKind, seed_applications

SECRETS = ("Соколов", "parent@example.org", "2010-12-24")


def application(number: int, submitted_at: datetime) -> PortalApplication:
    return PortalApplication(
        application_id=f"a-{number}",
        sequence=number,
        submitted_at=submitted_at,
        relation=Relation.PARENT,
        consent_text_version="2025-09",
        account_id=f"pa-{number}",
        email="parent@example.org",
        account_holder=PersonName("Соколова", "Анна", "Викторовна"),
        student=PersonName("Соколов", "Илья"),
        student_birth_date=date(2010, 12, 24),
        student_class="9Б",
    )


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    made = MemoryWorld(tmp_path)
    made.portal.seed(CODE).applications += [application(n, made.now - timedelta(days=1)) for n in (1, 2)]
    return made


def test_applications_come_in_and_parents_are_told(world: MemoryWorld) -> None:
    assert exchange_applications(world.bridge(), CODE) == ApplicationExchange(CODE, pulled=2, told=2)
    assert exchange_applications(world.bridge(), CODE) == ApplicationExchange(CODE)
    with reading(world.engine) as connection:
        known = connection.execute(sa.select(KNOWN_CHECKPOINT)).one()
    assert known.size == world.log.checkpoint().size == 2


def test_a_portal_that_lists_nothing_now_is_still_told(world: MemoryWorld) -> None:
    exchange_applications(world.bridge(), CODE)
    with writing(world.engine) as connection:
        (one, _) = desk.applications(connection, CODE)
        actor = Actor("s-1", world.now, MOSCOW)
        desk.reject(connection, one.key.reference, ClosingReason.NO_CONSENT, at=None, actor=actor, vault=world.vault)
    world.portal.fail_before("applications", PortalError("Maintenance", Resend.RETRYABLE), times=2)
    done = exchange_applications(world.bridge(), CODE)
    assert (done.pulled, done.told, done.waiting) == (0, 1, 0)
    assert done.failure is not None
    assert done.failure.code == "portal-maintenance"


def test_reports_that_wait_say_why(world: MemoryWorld) -> None:
    world.portal.fail_before("report_application", PortalError("timeout", Resend.UNKNOWN), times=4)
    done = exchange_applications(world.bridge(), CODE)
    assert (done.pulled, done.told, done.waiting) == (2, 0, 2)
    assert done.failure is not None
    assert done.failure.code == "portal-timeout"
    assert exchange_applications(world.bridge(), CODE).told == 2


def test_nothing_is_told_by_a_clock_that_went_back(world: MemoryWorld) -> None:
    world.portal.fail_before("report_application", PortalError("timeout", Resend.UNKNOWN), times=4)
    exchange_applications(world.bridge(), CODE)
    world.now -= timedelta(minutes=2)
    calls = len(world.portal.calls)
    done = exchange_applications(world.bridge(), CODE)
    assert done.failure is not None
    assert (done.failure.code, done.pulled, done.told) == ("clock-back", 0, 0)
    assert len(world.portal.calls) == calls
    world.now += timedelta(minutes=1, seconds=30)
    assert exchange_applications(world.bridge(), CODE).told == 2


def test_a_refused_report_is_told_to_the_operator(world: MemoryWorld) -> None:
    world.portal.fail_before("report_application", PortalError("UnknownApplication", Resend.FINAL))
    done = exchange_applications(world.bridge(), CODE)
    (refused,) = done.refused
    assert (refused.status, refused.code, done.failure) == ("received", "UnknownApplication", None)
    assert done.told == 1


def test_a_failure_is_a_code_and_names_nobody(world: MemoryWorld) -> None:
    class BrokenLog:
        def append(self, _entries: object) -> object:
            raise AuditUnavailableError("Журнал недоступен", "The log is unavailable")

        def checkpoint(self) -> object:
            return self.append(())

    done = exchange_applications(replace(world.bridge(), log=BrokenLog()), CODE)
    assert done.failure is not None
    assert (done.failure.code, done.pulled) == ("audit", 0)
    assert not any(secret in repr(done) for secret in SECRETS)
    with pytest.raises(BridgeError):
        exchange_applications(world.bridge(), "9999")


# over real SOAP and TLS


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWorld]:
    keys = authority(tmp_path_factory.mktemp("authority"))
    made = build(tmp_path_factory.mktemp("world"), keys, students=12, weeks=1, reply_timeout=2)
    yield made
    made.server.stop()


def heard(world: RealWorld, application_id: str) -> list[str]:
    return [
        status
        for (status,) in world.portal_rows(
            "SELECT status FROM application_report WHERE application_id = ? ORDER BY sequence", application_id
        )
    ]


def went_the_whole_way(bridge: Bridge, reference: str) -> None:
    student, *_ = (identities := bridge.school("0252").identities())
    clerk, head = (Actor(who, bridge.clock(), bridge.timezone) for who in ("s-1", "s-2"))
    today = bridge.today(bridge.clock())
    with writing(bridge.engine) as connection:
        desk.identify(connection, reference, Document("паспорт", "1"), at=None, vault=bridge.vault, actor=clerk)
        desk.link(
            connection,
            reference,
            student.student_key,
            students=identities,
            at=None,
            vault=bridge.vault,
            new_id=bridge.new_id,
            actor=clerk,
        )
        account = desk.find(connection, reference).key.account_id
        terms = ConsentTerms("2025-09", today, today, today)
        give_consent(connection, "0252", student.student_key, account, terms, actor=clerk, new_id=bridge.new_id)
        desk.register(connection, reference, two_persons=True, actor=head)


def test_applications_over_the_wire_with_replies_lost_and_calls_refused(real: RealWorld) -> None:
    now = datetime.now(UTC)
    with contextlib.closing(real.server.connect()) as connection:
        seed_applications(connection, "0252", [application(n, now - timedelta(days=1)) for n in (3, 8, 20)])
    bridge = real.bridge()
    for fault, operation in (
        (FaultKind.CUT_BEFORE, "ListApplications"),
        (FaultKind.HTTP_503_AFTER, "ListApplications"),
        (FaultKind.CUT_AFTER, "ReportApplication"),
        (FaultKind.THROTTLED, "ReportApplication"),
        (FaultKind.REPLY_OF_ANOTHER, "ReportApplication"),
    ):
        real.server.fail_next(fault, operation=operation)
    first = exchange_applications(bridge, "0252")
    assert first == ApplicationExchange("0252", pulled=3, told=3)
    assert [heard(real, f"a-{number}") for number in (3, 8, 20)] == [["received"]] * 3
    with reading(bridge.engine) as connection:
        one, two, _ = desk.applications(connection, "0252")
        claim = desk.open_claim(connection, one, bridge.vault)
    assert (claim.parent_last_name, claim.student_class, claim.student_middle_name) == ("Соколова", "9Б", "")
    went_the_whole_way(bridge, one.key.reference)
    with writing(bridge.engine) as connection:
        actor = Actor("s-2", bridge.clock(), bridge.timezone)
        desk.reject(
            connection, two.key.reference, ClosingReason.STUDENT_NOT_FOUND, at=None, actor=actor, vault=bridge.vault
        )
    assert exchange_applications(bridge, "0252") == ApplicationExchange("0252", told=3)
    assert heard(real, one.key.portal_id or "") == ["received", "identified", "registered"]
    assert heard(real, two.key.portal_id or "") == ["received", "rejected"]
    logged = [json.loads(line) for line in bridge.log.entries()]
    assert [entry["event"] for entry in logged] == ["application-received"] * 3
    assert not any(secret in json.dumps(logged, ensure_ascii=False) for secret in SECRETS)


def test_a_prefect_task_fails_with_a_code_alone(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    district = importlib.import_module("flows.district")
    monkeypatch.setattr(district, "shared_bridge", world.bridge)
    district.applications_one.fn(CODE)
    world.portal.fail_before("applications", PortalError("Maintenance", Resend.RETRYABLE), times=2)
    with pytest.raises(district.SchoolRunError, match=r"^portal-maintenance$"):
        district.applications_one.fn(CODE)
