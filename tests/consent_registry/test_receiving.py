"""How applications come, from the portal and on paper, and the reference by which they are found again."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Thread

import pytest
from fakes.postgresql import postgresql
from hypothesis import given
from hypothesis import strategies as st
from worlds.application_world import NOW, ONE, SCHOOL, World, opened, refused

from consent_registry.applications import desk
from consent_registry.applications.claims import claim_of
from consent_registry.applications.desk import PaperApplication
from consent_registry.applications.procedure import Step
from database import reading, writing
from journal.records import PersonName
from journal.vocabulary import Relation
from journal.wording import BridgeError


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from opened(request, tmp_path)


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
