"""Applications from receipt to their end, on both databases: what is recorded, sealed, told, refused."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fakes.postgresql import postgresql
from worlds.application_world import NOW, ONE, PASSPORT, SCHOOL, SECRETS, World, history_of, opened, refused

from consent_registry.acts import withdraw
from consent_registry.applications import desk
from consent_registry.applications.claims import document_digest
from consent_registry.applications.desk import ClosingReason, Document, PaperApplication
from consent_registry.applications.store import queued_reports
from consent_registry.fact_store import CaseEvent, states
from consent_registry.facts import EndingReason
from consent_registry.sealed import lookup
from consent_registry.sealed.vault import Vault
from database import reading, writing
from journal.vocabulary import Relation


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from opened(request, tmp_path)


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


def test_a_withdrawn_consent_is_told_to_the_parent_through_the_application(world: World) -> None:
    reference = world.whole_way()

    def withdrawn(at: datetime) -> list[str]:
        with writing(world.engine) as connection:
            done = desk.withdraw_link(connection, SCHOOL, "1017", "pa-1", at=at, actor=world.actor("s-1"))
        return [event.event for event in done]

    early = world.now - timedelta(
        days=9
    )  # before the registration: the consent from then, the step when it was registered
    assert withdrawn(early) == ["withdrawal", "application-withdrawn"]
    assert world.statuses() == ["received", "identified", "registered", "withdrawn"]
    with reading(world.engine) as connection:
        (case,) = states(connection, SCHOOL, at=world.now)
        state = desk.find(connection, reference)
    assert (case.withdrawn_at, state.stage_at) == (early, state.registered_at)
    assert withdrawn(early) == []


def test_an_ended_link_is_told_to_the_parent_through_the_application(world: World) -> None:
    reference = world.whole_way()
    registered_at = world.state(reference).registered_at
    early = world.now - timedelta(days=1)
    why = EndingReason.GUARDIANSHIP_ENDED
    for expected in (["ending", "application-withdrawn"], []):
        with writing(world.engine) as connection:
            done = desk.end_link(connection, SCHOOL, "1017", "pa-1", why, at=early, actor=world.actor("s-1"))
        assert [event.event for event in done] == expected
    state = world.state(reference)
    assert (state.ended_why, state.stage_at) == ("link-ended", registered_at)
    with reading(world.engine) as connection:
        report = queued_reports(connection, SCHOOL)[-1].report
    assert report.status == "withdrawn"
    assert (report.reason or "").startswith("Доступ прекращён школой")


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


def test_a_rejection_takes_the_reasons_of_a_rejection(world: World) -> None:
    (reference,) = world.received(ONE)
    assert refused(world, lambda: world.close(desk.reject, reference, ClosingReason.LAPSED)) == "no-rejection"
