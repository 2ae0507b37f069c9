"""One school's registry of applications, on either database, driven as people drive it."""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from consent_registry.acts import Actor, ConsentTerms, give_consent
from consent_registry.applications import desk
from consent_registry.applications.claims import Claim
from consent_registry.applications.desk import Document, PaperApplication
from consent_registry.applications.procedure import ApplicationState
from consent_registry.applications.store import queued_reports
from consent_registry.fact_store import CaseEvent, case_facts
from consent_registry.facts import counting
from consent_registry.sealed.vault import Vault
from consent_registry.tables import APPLICATION, CASE, LOOKUP, REPORT, STEP, STUDENT_KEY
from database import open_database, reading, upgrade, writing
from journal.records import PersonName, PortalApplication
from journal.school import StudentIdentity
from journal.vocabulary import Relation
from journal.wording import BridgeError

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MOSCOW = ZoneInfo("Europe/Moscow")
SCHOOL = "0252"
STUDENTS = (
    StudentIdentity("1017", "Ёлкина", "Мария", "Петровна", date(2014, 3, 9)),
    StudentIdentity("1018", "Соколов", "Илья", "Олегович", date(2010, 12, 24)),
)
ONE = PortalApplication(
    application_id="app-1",
    sequence=1,
    submitted_at=NOW - timedelta(days=3),
    relation=Relation.PARENT,
    consent_text_version="2025-09",
    account_id="pa-1",
    email="elkin@example.org",
    account_holder=PersonName("Ёлкин", "Пётр", "Андреевич"),
    student=PersonName("Елкина", "Мария"),
    student_birth_date=date(2014, 3, 9),
    student_class="5А",
)
PASSPORT = Document("паспорт гражданина РФ", "40 10 № 123456")
TERMS = ConsentTerms("2025-09", date(2026, 11, 20), date(2026, 11, 20), date(2026, 9, 1))
SECRETS = ("Ёлкин", "Елкина", "elkin@example.org", "2014-03-09", "123456", "Распоряжение 7")


@dataclass
class World:
    """One school's registry; each act an hour after the one before, in a transaction of its own."""

    engine: Engine
    vault: Vault = field(default_factory=lambda: Vault(bytes(range(32))))
    now: datetime = NOW
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def actor(self, by: str) -> Actor:
        return Actor(by, self.now, MOSCOW)

    def receive(self, *received: PortalApplication) -> list[CaseEvent]:
        self.now += timedelta(hours=1)
        with writing(self.engine) as connection:
            return desk.receive_from_portal(
                connection,
                SCHOOL,
                received,
                vault=self.vault,
                new_reference=lambda: desk.new_reference(os.urandom),
                now=self.now,
                by="bridge",
            )

    def received(self, *received: PortalApplication) -> list[str]:
        return [event.case_ref for event in self.receive(*received)]

    def paper(self, paper: PaperApplication) -> str:
        self.now += timedelta(hours=1)
        with writing(self.engine) as connection:
            event = desk.enter_on_paper(
                connection,
                SCHOOL,
                paper,
                vault=self.vault,
                new_reference=lambda: desk.new_reference(os.urandom),
                actor=self.actor("s-1"),
            )
        return event.case_ref

    def identify(self, reference: str, document: Document = PASSPORT, *, by: str = "s-1", at: datetime | None = None):
        self.now += timedelta(hours=1)
        with writing(self.engine) as connection:
            return desk.identify(connection, reference, document, at=at, vault=self.vault, actor=self.actor(by))

    def link(self, reference: str, student: str = "1017", *, by: str = "s-1", at: datetime | None = None):
        self.now += timedelta(hours=1)
        with writing(self.engine) as connection:
            return desk.link(
                connection,
                reference,
                student,
                students=STUDENTS,
                at=at,
                vault=self.vault,
                new_id=lambda: f"id-{next(self.ids)}",
                actor=self.actor(by),
            )

    def consent(self, account: str = "pa-1", student: str = "1017", terms: ConsentTerms = TERMS) -> CaseEvent:
        with writing(self.engine) as connection:
            return give_consent(
                connection,
                SCHOOL,
                student,
                account,
                terms,
                actor=self.actor("s-1"),
                new_id=lambda: f"id-{next(self.ids)}",
            )

    def register(self, reference: str, *, by: str = "s-2", two_persons: bool = True):
        self.now += timedelta(hours=1)
        with writing(self.engine) as connection:
            return desk.register(connection, reference, two_persons=two_persons, actor=self.actor(by))

    def close(
        self, act: Callable[..., tuple[CaseEvent, ...]], reference: str, *more: object, at: datetime | None = None
    ):
        self.now += timedelta(hours=1)
        with writing(self.engine) as connection:
            return act(connection, reference, *more, at=at, actor=self.actor("s-2"), vault=self.vault)

    def whole_way(self, one: PortalApplication = ONE, student: str = "1017") -> str:
        (reference,) = self.received(one)
        self.identify(reference)
        self.link(reference, student)
        self.consent(one.account_id, student)
        self.register(reference)
        return reference

    def state(self, reference: str) -> ApplicationState:
        with reading(self.engine) as connection:
            return desk.find(connection, reference)

    def claim(self, reference: str) -> Claim:
        with reading(self.engine) as connection:
            return desk.open_claim(connection, desk.find(connection, reference), self.vault)

    def told(self) -> list[tuple[str, str, datetime]]:
        with reading(self.engine) as connection:
            queued = queued_reports(connection, SCHOOL)
        return [(one.report.application_id, str(one.report.status), one.report.at) for one in queued]

    def statuses(self) -> list[str]:
        return [status for _, status, _ in self.told()]

    def facts(self, student: str = "1017") -> list[str]:
        with reading(self.engine) as connection:
            return [
                str(fact.kind) for case in case_facts(connection, SCHOOL, [student]) for fact in counting(case.facts)
            ]

    def rows(self) -> dict[str, list[tuple]]:
        with reading(self.engine) as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(sa.select(table))]
                for table in (APPLICATION, STEP, REPORT, CASE, LOOKUP, STUDENT_KEY)
            }


def opened(request: pytest.FixtureRequest, folder: Path) -> Iterator[World]:
    """Give a world in an empty database of the kind that `request.param` names; the fixture `server` has the URL."""
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{folder}/bridge.db")
    else:
        engine = open_database(request.getfixturevalue("server"))
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    upgrade(engine)
    yield World(engine)
    engine.dispose()


def refused(world: World, act: Callable[[], object]) -> str:
    """The code with which an act is refused; nothing of it is written, and nothing personal is said."""
    before = world.rows()
    with pytest.raises(BridgeError) as caught:
        act()
    assert world.rows() == before
    for language in ("ru", "en"):
        said = caught.value.say(language)
        assert "{" not in said
        assert not any(secret in said for secret in SECRETS)
    return caught.value.code


def history_of(world: World, reference: str):
    with reading(world.engine) as connection:
        return desk.history(connection, reference)
