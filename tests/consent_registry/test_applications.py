"""Applications from receipt to registration, on both databases: what is recorded, sealed, told, refused."""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from fakes.postgresql import postgresql
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from consent_registry import applications as desk
from consent_registry import lookup
from consent_registry.acts import Actor, ConsentTerms, give_consent, withdraw
from consent_registry.application_store import queued_reports
from consent_registry.applications import ClosingReason, Document, PaperApplication
from consent_registry.claims import Claim, claim_of, document_digest
from consent_registry.fact_store import CaseEvent, case_facts, states
from consent_registry.facts import counting
from consent_registry.procedure import ApplicationState, Step
from consent_registry.tables import APPLICATION, CASE, LOOKUP, REPORT, STEP, STUDENT_KEY
from consent_registry.vault import Vault
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


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{tmp_path}/bridge.db")
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


def test_an_application_goes_the_whole_way_and_the_parent_is_told_of_each_step(world: World) -> None:
    (reference,) = world.received(ONE)
    received_at = world.now
    identified = world.identify(reference, at=NOW - timedelta(days=1))
    linked = world.link(reference)
    linked_at = world.now
    world.consent()
    registered = world.register(reference)
    assert [step.step for step in history_of(world, reference)] == ["received", "identified", "linked", "registered"]
    assert world.told() == [
        ("app-1", "received", received_at),
        ("app-1", "identified", NOW - timedelta(days=1)),
        ("app-1", "registered", world.now),
    ]
    with reading(world.engine) as connection:
        (case,) = states(connection, SCHOOL, at=world.now)
    assert (case.account_id, case.student_key, case.relation) == ("pa-1", "1017", "parent")
    assert (case.submitted_at, case.identified_at) == (ONE.submitted_at, NOW - timedelta(days=1))
    assert case.registered_at == world.now
    link_id = case.link_id
    assert identified == CaseEvent(SCHOOL, reference, "application-identified", NOW - timedelta(days=1), "s-1")
    assert linked == (
        CaseEvent(SCHOOL, reference, "application-linked", linked_at, "s-1"),
        CaseEvent(SCHOOL, link_id, "application", ONE.submitted_at, "s-1"),
        CaseEvent(SCHOOL, link_id, "identification", NOW - timedelta(days=1), "s-1"),
    )
    assert registered == (
        CaseEvent(SCHOOL, reference, "application-registered", world.now, "s-2"),
        CaseEvent(SCHOOL, link_id, "registration", world.now, "s-2"),
    )


def history_of(world: World, reference: str):
    with reading(world.engine) as connection:
        return desk.history(connection, reference)


def test_applications_of_the_portal_are_stored_once_in_its_order(world: World) -> None:
    two = replace(ONE, application_id="app-2", sequence=7, account_id="pa-2")
    first = world.receive(two, ONE)
    assert [event.event for event in first] == ["application-received"] * 2
    assert world.receive(ONE, replace(two, sequence=9), two) == []
    with reading(world.engine) as connection:
        assert desk.last_sequence(connection, SCHOOL) == 7
        assert desk.last_sequence(connection, "0385") == 0
        assert [state.key.portal_id for state in desk.applications(connection, SCHOOL)] == ["app-1", "app-2"]
        assert desk.applications(connection, SCHOOL, stage=Step.LINKED) == []
        assert len(desk.applications(connection, SCHOOL, stage=Step.RECEIVED)) == 2
        assert desk.applications(connection, "0385") == []


def test_the_same_application_twice_in_a_page_is_stored_once(world: World) -> None:
    assert len(world.receive(ONE, replace(ONE, sequence=2))) == 1


def test_two_who_fetch_the_same_page_at_once_store_it_once(world: World) -> None:
    page = [replace(ONE, application_id=f"app-{n}", sequence=n, account_id=f"pa-{n}") for n in range(1, 21)]
    stored: list[int] = []

    def fetch() -> None:
        with writing(world.engine) as connection:
            events = desk.receive_from_portal(
                connection,
                SCHOOL,
                page,
                vault=world.vault,
                new_reference=lambda: desk.new_reference(os.urandom),
                now=world.now,
                by="bridge",
            )
        stored.append(len(events))

    threads = [Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(stored) == [0, 0, 0, 20]
    assert len(world.rows()["registry_application"]) == 20


def test_an_application_that_the_portal_dates_ahead_counts_as_submitted_now(world: World) -> None:
    (reference,) = world.received(replace(ONE, submitted_at=NOW + timedelta(days=400)))
    assert world.state(reference).submitted_at == world.now
    assert world.claim(reference).submitted_at == (NOW + timedelta(days=400)).isoformat()
    world.identify(reference)


def test_nothing_personal_is_stored_in_clear_and_no_document_number_at_all(world: World) -> None:
    reference = world.whole_way(replace(ONE, relation=Relation.PARENT))
    (other,) = world.received(replace(ONE, application_id="app-2", account_id="pa-2", relation=Relation.GUARDIAN))
    world.identify(other, replace(PASSPORT, authority="Распоряжение 7", authority_until=date(2027, 1, 1)))
    stored = repr(world.rows())
    assert not any(secret in stored for secret in SECRETS)
    for shown in (
        PASSPORT,
        world.claim(reference),
        PaperApplication("a", Relation.PARENT, "v", NOW, world.claim(other)),
    ):
        assert not any(secret in repr(shown) for secret in SECRETS)
    assert world.claim(other).authority_document == "Распоряжение 7"
    assert world.state(other).authority_until == date(2027, 1, 1)
    assert world.claim(reference).parent_last_name == "Ёлкин"


def test_a_document_is_known_again_by_its_digest_however_it_was_typed(world: World) -> None:
    one, two, three = world.received(
        ONE,
        replace(ONE, application_id="app-2", sequence=2, account_id="pa-2"),
        replace(ONE, application_id="app-3", sequence=3, account_id="pa-3"),
    )
    world.identify(one)
    world.identify(two, Document("паспорт", "4010№123456"))
    world.identify(three, Document("паспорт", "4010 123457"))
    digests = [history_of(world, reference)[-1].detail["document_digest"] for reference in (one, two, three)]
    assert digests[0] == digests[1] != digests[2]
    assert document_digest(world.vault, "iv-ак 5") == document_digest(world.vault, "IV-АК№5")
    assert document_digest(Vault(b"x" * 32), "4010123456").hex() != digests[0]
    assert len(digests[0]) == 64
    world.identify(one, Document("паспорт", "4010 999999"))
    with reading(world.engine) as connection:
        found = lookup.find(connection, world.vault, lookup.Purpose.DOCUMENT, "4010 123456")
        assert [one.application_id for one in found] == [world.state(two).key.application_id]


def test_when_linked_the_claim_is_under_the_students_key_and_its_own_is_gone(world: World) -> None:
    (reference,) = world.received(ONE)
    world.identify(reference)
    owners = {owner for _, owner, *_ in world.rows()["student_key"]}
    assert owners == {f"application:{reference}"}
    world.link(reference)
    assert {owner for _, owner, *_ in world.rows()["student_key"]} == {"1017"}
    assert world.claim(reference).email == "elkin@example.org"
    with writing(world.engine) as connection:
        connection.execute(STUDENT_KEY.delete())
    with pytest.raises(BridgeError) as caught:
        world.claim(reference)
    assert caught.value.code == "claim-destroyed"


def test_the_case_knows_the_student_as_the_school_does_and_the_parent_as_claimed(world: World) -> None:
    world.whole_way()
    with reading(world.engine) as connection:
        sealed = connection.execute(sa.select(CASE.c.sealed)).scalar_one()
        people = world.vault.student_keys(connection, SCHOOL, ["1017"])["1017"].open(sealed).decode()
    assert '"student_last_name": "Ёлкина"' in people
    assert '"parent_last_name": "Ёлкин"' in people
    assert '"document_kind": "паспорт гражданина РФ"' in people


def test_linked_anew_to_another_student_the_first_case_keeps_nothing(world: World) -> None:
    (reference,) = world.received(ONE)
    world.identify(reference)
    world.link(reference)
    assert world.facts() == ["application", "identification"]
    events = world.link(reference, "1018")
    assert [event.event for event in events] == [
        "application-linked",
        "application-taken-back",
        "application",
        "identification",
    ]
    assert world.facts() == []
    assert world.facts("1018") == ["application", "identification"]
    assert world.state(reference).student_key == "1018"
    with reading(world.engine) as connection:
        keys = world.vault.student_keys(connection, SCHOOL, ["1017", "1018"])
        rows = connection.execute(sa.select(CASE.c.student_key, CASE.c.sealed))
        sealed = {row.student_key: row.sealed for row in rows}
    assert keys["1017"].open(sealed["1017"]) == b"{}"
    assert "Ёлкин" in keys["1018"].open(sealed["1018"]).decode()
    assert world.claim(reference).email == "elkin@example.org"
    world.link(reference)  # and back to the first
    assert world.facts() == ["application", "identification"]
    assert world.statuses() == ["received", "identified"]


def test_the_same_student_chosen_again_adds_a_step_and_no_fact(world: World) -> None:
    (reference,) = world.received(ONE)
    world.identify(reference)
    world.link(reference)
    (event,) = world.link(reference)
    assert event.event == "application-linked"
    assert world.facts() == ["application", "identification"]
    world.consent()
    world.register(reference)


def test_an_identification_entered_again_takes_the_first_ones_place_and_is_told_once(world: World) -> None:
    (reference,) = world.received(ONE)
    world.identify(reference, by="s-1")
    world.identify(reference, Document("загранпаспорт", "75 1"), by="s-3", at=NOW - timedelta(days=2))
    state = world.state(reference)
    assert (state.identified_by, state.identified_at) == ("s-3", NOW - timedelta(days=2))
    assert state.document_kind == "загранпаспорт"
    assert world.statuses() == ["received", "identified"]
    world.link(reference)
    assert refused(world, lambda: world.identify(reference)) == "application-already-linked"


@pytest.mark.parametrize(
    ("act", "more", "status", "why"),
    [
        (desk.reject, (ClosingReason.STUDENT_NOT_FOUND,), "rejected", "student-not-found"),
        (desk.lapse, (), "rejected", "lapsed"),
        (desk.withdraw_application, (), "withdrawn", "withdrawn"),
    ],
)
@pytest.mark.parametrize("stage", ["received", "identified", "linked"])
def test_an_application_may_end_before_it_is_registered(
    world: World, stage: str, act: Callable[..., tuple[CaseEvent, ...]], more: tuple[object, ...], status: str, why: str
) -> None:
    (reference,) = world.received(ONE)
    if stage != "received":
        world.identify(reference)
    if stage == "linked":
        world.link(reference)
    events = world.close(act, reference, *more)
    assert [event.event for event in events][1:] == (["application-taken-back"] if stage == "linked" else [])
    state = world.state(reference)
    assert (state.ended_why, state.open) == (why, False)
    assert world.statuses()[-1] == status
    assert world.facts() == []
    with reading(world.engine) as connection:
        reason = queued_reports(connection, SCHOOL)[-1].report.reason
    assert (reason is None) == (status == "withdrawn")
    assert reason is None or 0 < len(reason) <= 500
    assert refused(world, lambda: world.identify(reference)) == "application-ended"
    assert refused(world, lambda: world.close(act, reference, *more)) == "application-ended"


def test_withdrawing_a_registered_application_withdraws_its_consents(world: World) -> None:
    reference = world.whole_way()
    at = world.now
    events = world.close(desk.withdraw_application, reference, at=at)
    assert [event.event for event in events] == ["application-withdrawn", "withdrawal"]
    with reading(world.engine) as connection:
        (case,) = states(connection, SCHOOL, at=world.now)
    assert case.withdrawn_at == at
    assert world.statuses() == ["received", "identified", "registered", "withdrawn"]


def test_withdrawing_an_application_whose_consent_was_withdrawn_adds_the_step_alone(world: World) -> None:
    reference = world.whole_way()
    with writing(world.engine) as connection:
        withdraw(connection, SCHOOL, "1017", "pa-1", at=world.now, actor=world.actor("s-1"))
    assert len(world.close(desk.withdraw_application, reference)) == 1


def test_a_registered_application_can_only_be_withdrawn(world: World) -> None:
    reference = world.whole_way()
    acts = [
        lambda: world.identify(reference),
        lambda: world.link(reference),
        lambda: world.register(reference),
        lambda: world.close(desk.reject, reference, ClosingReason.IN_ERROR),
        lambda: world.close(desk.lapse, reference),
    ]
    assert {refused(world, act) for act in acts} == {"application-already-registered"}


def test_a_parent_comes_back_after_a_withdrawal_by_a_new_application(world: World) -> None:
    world.whole_way()
    again = replace(ONE, application_id="app-2", sequence=2, submitted_at=NOW, email="new@example.org")
    (second,) = world.received(again)
    world.identify(second)
    assert refused(world, lambda: world.link(second)) == "applied-twice"
    with writing(world.engine) as connection:
        withdraw(connection, SCHOOL, "1017", "pa-1", at=world.now, actor=world.actor("s-1"))
    events = world.link(second)
    assert [event.event for event in events][1:] == ["application", "identification", "people"]
    world.consent()
    world.register(second)
    with reading(world.engine) as connection:
        (case,) = states(connection, SCHOOL, at=world.now)
    assert (case.registered_at, case.withdrawn_at) == (world.now, None)


def test_a_later_application_that_is_rejected_takes_back_its_own_and_nothing_else(world: World) -> None:
    (first,) = world.received(ONE)
    world.identify(first)
    world.link(first)
    world.consent(terms=replace(TERMS, in_force_to=date(2026, 11, 20)))
    world.register(first)
    before = world.facts()
    world.now += timedelta(days=1)  # the consent has expired, so the same parent may apply again
    (second,) = world.received(replace(ONE, application_id="app-2", sequence=2, submitted_at=world.now))
    world.identify(second)
    assert [event.event for event in world.link(second)][1:] == ["application", "identification"]
    world.close(desk.reject, second, ClosingReason.NO_CONSENT)
    assert world.facts() == before
    with reading(world.engine) as connection:
        sealed = connection.execute(sa.select(CASE.c.sealed)).scalar_one()
        assert world.vault.student_keys(connection, SCHOOL, ["1017"])["1017"].open(sealed) != b"{}"


def test_an_application_whose_student_was_erased_can_still_be_closed(world: World) -> None:
    (reference,) = world.received(ONE)
    world.identify(reference)
    world.link(reference)
    with writing(world.engine) as connection:
        connection.execute(STUDENT_KEY.delete())
    assert refused(world, lambda: world.link(reference, "1018")) == "claim-destroyed"
    world.close(desk.reject, reference, ClosingReason.IN_ERROR)
    assert world.facts() == []


def test_a_second_application_for_a_student_waits_until_the_first_is_closed(world: World) -> None:
    first, second = world.received(ONE, replace(ONE, application_id="app-2", sequence=2))
    for reference in (first, second):
        world.identify(reference)
    world.link(first)
    assert refused(world, lambda: world.link(second)) == "applied-twice"
    world.close(desk.reject, first, ClosingReason.APPLIED_TWICE)
    world.link(second)
    assert world.facts() == ["application", "identification"]


def test_one_parent_may_be_linked_to_two_children(world: World) -> None:
    world.whole_way()
    other = replace(ONE, application_id="app-2", sequence=2, student=PersonName("Соколов", "Илья"))
    world.whole_way(other, "1018")
    assert world.facts("1018")[:2] == ["application", "identification"]


def test_an_account_of_one_parent_is_not_linked_for_another(world: World) -> None:
    world.whole_way()
    other = replace(ONE, application_id="app-2", sequence=2, account_holder=PersonName("Соколова", "Анна"))
    (reference,) = world.received(other)
    world.identify(reference)
    assert refused(world, lambda: world.link(reference, "1018")) == "account-shared"
    married = replace(other, application_id="app-3", sequence=3, account_holder=PersonName("Соколов", "Пётр"))
    (reference,) = world.received(married)
    world.identify(reference)
    world.link(reference, "1018")  # one name differs: for a person to look at


def test_a_parent_needs_one_account_to_a_student(world: World) -> None:
    world.whole_way()
    (reference,) = world.received(replace(ONE, application_id="app-2", sequence=2, account_id="pa-2"))
    world.identify(reference)
    assert refused(world, lambda: world.link(reference)) == "parent-twice"
    with writing(world.engine) as connection:
        withdraw(connection, SCHOOL, "1017", "pa-1", at=world.now, actor=world.actor("s-1"))
    world.link(reference)


@pytest.mark.parametrize(("last_day", "code"), [(date(2026, 11, 21), "parent-twice"), (date(2026, 11, 20), "")])
def test_an_expired_link_hinders_no_new_account(world: World, last_day: date, code: str) -> None:
    (first,) = world.received(ONE)
    world.identify(first)
    world.link(first)
    world.consent(terms=replace(TERMS, in_force_to=last_day))
    world.register(first)
    world.now += timedelta(days=1)
    (reference,) = world.received(replace(ONE, application_id="app-2", sequence=2, account_id="pa-2"))
    world.identify(reference)
    if code:
        assert refused(world, lambda: world.link(reference)) == code
    else:
        world.link(reference)


def test_a_link_needs_a_student_of_the_school_whose_data_live(world: World) -> None:
    (reference,) = world.received(ONE)
    assert refused(world, lambda: world.link(reference)) == "application-not-identified"
    world.identify(reference)
    assert refused(world, lambda: world.link(reference, "9999")) == "student-unknown"
    assert refused(world, lambda: world.link(reference, "")) == "application-student-not-chosen"
    assert refused(world, lambda: world.link(reference, at=NOW - timedelta(days=4))) == "application-too-early"
    mother = PersonName("Ёлкина", "Ольга")
    world.whole_way(replace(ONE, application_id="app-2", sequence=2, account_id="pa-2", account_holder=mother))
    with writing(world.engine) as connection:
        connection.execute(STUDENT_KEY.delete().where(STUDENT_KEY.c.student_key == "1017"))
    assert refused(world, lambda: world.link(reference)) == "student-destroyed"


def test_a_registration_needs_a_consent_and_another_person(world: World) -> None:
    (reference,) = world.received(ONE)
    assert refused(world, lambda: world.register(reference)) == "application-not-identified"
    world.identify(reference, by="s-1")
    assert refused(world, lambda: world.register(reference)) == "application-not-linked"
    world.link(reference)
    assert refused(world, lambda: world.register(reference)) == "application-consent-missing"
    world.consent()
    assert refused(world, lambda: world.register(reference, by="s-1")) == "application-same-person"
    world.register(reference, by="s-1", two_persons=False)


def test_an_identification_needs_a_document_without_its_number_in_the_kind(world: World) -> None:
    (reference,) = world.received(replace(ONE, relation=Relation.TRUSTEE))
    for document in (
        Document("паспорт", " № "),
        Document(" ", "1"),
        Document("паспорт 4010 123456", "1"),
        Document("п" * 41, "1"),
    ):
        assert refused(world, lambda document=document: world.identify(reference, document)) == (
            "application-document-missing"
        )
    assert refused(world, lambda: world.identify(reference)) == "application-authority-missing"
    over = replace(PASSPORT, authority="Распоряжение 7", authority_until=date(2026, 11, 19))
    assert refused(world, lambda: world.identify(reference, over)) == "application-authority-over"
    world.identify(reference, replace(over, authority_until=date(2026, 11, 20)))


def test_the_days_of_authority_are_the_installations(world: World) -> None:
    world.now = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
    (reference,) = world.received(replace(ONE, relation=Relation.GUARDIAN))
    over = replace(PASSPORT, authority="Распоряжение 7", authority_until=date(2026, 11, 20))
    assert refused(world, lambda: world.identify(reference, over)) == "application-authority-over"


def test_a_clock_set_back_records_nothing(world: World) -> None:
    (reference,) = world.received(ONE)
    world.now -= timedelta(hours=3)
    assert refused(world, lambda: world.identify(reference)) == "clock-back"
    assert refused(world, lambda: world.receive(replace(ONE, application_id="app-2", sequence=2))) == "clock-back"


PAPER = PaperApplication(
    "pa-7",
    Relation.PARENT,
    "2025-09",
    NOW - timedelta(days=1),
    claim_of(
        PersonName("Ёлкин", "Пётр"),
        PersonName("Ёлкина", "Мария"),
        date(2014, 3, 9),
        email="elkin@example.org",
        student_class="",
    ),
)


def test_a_paper_application_goes_the_same_way_and_the_portal_is_not_told(world: World) -> None:
    reference = world.paper(PAPER)
    world.identify(reference)
    world.link(reference)
    world.consent("pa-7")
    world.register(reference)
    assert world.told() == []
    state = world.state(reference)
    assert (state.key.origin, state.submitted_at) == ("paper", PAPER.submitted_at)
    assert world.facts() == ["application", "identification", "consent", "registration"]
    other = world.paper(replace(PAPER, account_id="pa-8"))
    world.close(desk.lapse, other)
    assert world.told() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"account_id": ""}, "paper-field"),
        ({"account_id": "a b"}, "paper-field"),
        ({"text_version": ""}, "paper-field"),
        ({"email": "nobody"}, "paper-field"),
        ({"student_last_name": " "}, "paper-field"),
        ({"parent_first_name": "Я" * 101}, "paper-field"),
        ({"submitted_at": NOW + timedelta(days=1)}, "paper-field"),
        ({"student_birth_date": "2026-11-21"}, "paper-birth-date"),
        ({"student_birth_date": "2008-11-20"}, "paper-birth-date"),
        ({"student_birth_date": "1899-12-31"}, "paper-birth-date"),
        ({"student_birth_date": ""}, "paper-birth-date"),
    ],
)
def test_a_wrong_paper_application_is_refused(world: World, changes: Mapping[str, object], code: str) -> None:
    own = {name: value for name, value in changes.items() if name in {"account_id", "text_version", "submitted_at"}}
    claimed = {name: value for name, value in changes.items() if name not in own}
    assert refused(world, lambda: world.paper(replace(PAPER, **own, claim=replace(PAPER.claim, **claimed)))) == code


def test_a_child_one_day_short_of_eighteen_is_a_child(world: World) -> None:
    world.paper(replace(PAPER, claim=replace(PAPER.claim, student_birth_date="2008-11-21")))


def test_a_rejection_takes_the_reasons_of_a_rejection(world: World) -> None:
    (reference,) = world.received(ONE)
    assert refused(world, lambda: world.close(desk.reject, reference, ClosingReason.LAPSED)) == "no-rejection"


def test_an_unknown_or_mistyped_reference_is_told(world: World) -> None:
    (reference,) = world.received(ONE)
    assert refused(world, lambda: world.identify("0000-0000-0000")) == "application-unknown"
    assert refused(world, lambda: world.identify("паспорт 123456")) == "reference-wrong"
    assert world.state(reference.lower().replace("-", " ")).key.reference == reference


# references

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(st.binary(min_size=8, max_size=8))
def test_a_reference_spells_its_sixty_bits(drawn: bytes) -> None:
    reference = desk.new_reference(lambda size: drawn[:size])
    assert [len(group) for group in reference.split("-")] == [4, 4, 4]
    value = 0
    for character in reference.replace("-", ""):
        value = value * 32 + ALPHABET.index(character)
    assert value == int.from_bytes(drawn, "big") // 16
    assert desk.normal_reference(reference) == reference


@given(st.text(ALPHABET, min_size=12, max_size=12), st.data())
def test_a_reference_is_read_as_a_person_meant_it(characters: str, data: st.DataObject) -> None:
    alike = {"0": "0Oo", "1": "1IiLl"}
    typed = "".join(
        data.draw(st.sampled_from(alike.get(character, character + character.lower())))
        + data.draw(st.sampled_from(["", "", " ", "-", "\u2013", "\u00a0"]))
        for character in characters
    )
    assert desk.normal_reference(typed) == "-".join((characters[:4], characters[4:8], characters[8:]))


@pytest.mark.parametrize("text", ["", "ABCD", "ABCD-EFGH-JKM", "ABCD-EFGH-JKMNP", "ABCD-EFGH-JKMU", "ЯBCD-EFGH-JKMN"])
def test_what_is_no_reference_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BridgeError) as caught:
        desk.normal_reference(text)
    assert caught.value.code == "reference-wrong"
    assert not text or text not in caught.value.say("ru")
