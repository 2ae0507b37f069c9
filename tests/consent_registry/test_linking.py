"""An application becomes a case: which student, which account, what is taken back; on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.postgresql import postgresql
from worlds.application_world import NOW, ONE, SCHOOL, TERMS, World, opened, refused

from consent_registry.acts import withdraw
from consent_registry.applications import desk
from consent_registry.applications.desk import ClosingReason, Document
from consent_registry.fact_store import NewFact, add_facts, case_of, states
from consent_registry.facts import FactKind, of_kind
from consent_registry.tables import CASE, STUDENT_KEY
from database import reading, writing
from journal.records import PersonName
from journal.wording import BridgeError


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from opened(request, tmp_path)


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


def test_a_parent_comes_back_after_a_withdrawal_by_a_new_application(world: World) -> None:
    world.whole_way()
    again = replace(ONE, application_id="app-2", sequence=2, submitted_at=NOW, email="new@example.org")
    (second,) = world.received(again)
    world.identify(second)
    assert refused(world, lambda: world.link(second)) == "applied-twice"
    with pytest.raises(BridgeError, match="already") as caught:
        world.link(second)
    assert "applied for" not in caught.value.say("en")
    assert "-." not in caught.value.say("ru")
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


def test_a_registration_without_a_consent_hinders_no_application(world: World) -> None:
    world.whole_way()
    (second,) = world.received(replace(ONE, application_id="app-2", sequence=2))
    world.identify(second)
    assert refused(world, lambda: world.link(second)) == "applied-twice"
    with writing(world.engine) as connection:
        case = case_of(connection, SCHOOL, "1017", "pa-1")
        assert case is not None
        given = tuple(fact.fact_id for fact in of_kind(case.facts, FactKind.CONSENT))
        as_a_register_may_say = [
            NewFact(FactKind.CONSENT, world.now, {}, given),
            NewFact(FactKind.REGISTRATION, world.now, {"by": "s-2", "consents": []}),
        ]
        facts = [(case.key.case_id, fact) for fact in as_a_register_may_say]
        add_facts(connection, facts, recorded_at=world.now, recorded_by="s-1")
    world.link(second)


def test_the_same_document_is_the_same_parent_under_any_name(world: World) -> None:
    world.whole_way()
    other = replace(
        ONE,
        application_id="app-2",
        sequence=2,
        account_id="pa-2",
        email="other@example.org",
        account_holder=PersonName("Соколова", "Анна"),
    )
    (reference,) = world.received(other)
    world.identify(reference, Document("паспорт", "4010№123456"))
    assert refused(world, lambda: world.link(reference)) == "parent-twice"
    world.identify(reference, Document("паспорт", "4010 123457"))
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
