"""Look-ups by keyed digests: found by who knows the value whole, readable to nobody."""

import hashlib
import hmac
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from consent_registry.sealed.lookup import (
    Entry,
    Found,
    Purpose,
    Value,
    digest,
    enter,
    find,
    forget_application,
    forget_case,
    normal_form,
    replace_for_case,
)
from consent_registry.sealed.vault import Vault
from consent_registry.tables import APPLICATION, CASE, LOOKUP
from database import reading, writing

VAULT = Vault(bytes(range(32)))
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BORN = date(2014, 3, 9)
VALUES: list[Entry] = [
    (Purpose.EMAIL, "elkin@example.org"),
    (Purpose.PARENT_NAME, ("Ёлкин", "Пётр")),
    (Purpose.STUDENT, ("Ёлкина", "Мария", BORN)),
    (Purpose.DOCUMENT, "40 14 № 123456"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with two cases and an application."""
    sqlite = request.param == "sqlite"
    with bridge_database(f"sqlite:///{tmp_path}/bridge.db" if sqlite else request.getfixturevalue("server")) as made:
        with writing(made) as connection:
            _cases(connection)
        yield made


def _cases(connection: Connection) -> None:
    shared = {"account_id": "pa-1", "sealed": b"", "created_at": NOW}
    for number, school in ((1, "0252"), (2, "0253")):
        case = shared | {"case_id": number, "school": school, "student_key": "7", "link_id": f"link-{number}"}
        connection.execute(CASE.insert().values(case))
    application = shared | {"application_id": 1, "school": "0252", "reference": "R1", "origin": "paper"}
    connection.execute(APPLICATION.insert().values(application))


def found(
    engine: Engine, purpose: Purpose, value: Value, school: str | None = None
) -> list[tuple[str, object, object]]:
    with reading(engine) as connection:
        every = find(connection, VAULT, purpose, value, school=school)
    return [(one.school, one.case_id, one.application_id) for one in every]


FORMS = [
    (Purpose.EMAIL, "elkin@example.org", ["  Elkin@Example.ORG\n"], ["elkina@example.org", "elkin@example.com"]),
    (
        Purpose.PARENT_NAME,
        ("Римская-Ёлкина", "Анна"),
        [("РИМСКАЯ ЕЛКИНА", " анна "), ("Римская\u2013Е\u0308лкина", "Анна")],
        [("Римская-Ёлкина", "Инна"), ("Анна", "Римская-Ёлкина"), ("Римская-Ёлкина Анна",), ("Римская", "Ёлкина Анна")],
    ),
    (
        Purpose.STUDENT,
        ("Ёлкина", "Мария", BORN),
        [("елкина", "МАРИЯ", BORN), ("Ёлкина", "Мария", "2014-03-09")],
        [("Ёлкина", "Мария", date(2014, 9, 3)), ("Ёлкина", "Марина", BORN)],
    ),
    (
        Purpose.DOCUMENT,
        "40 14 № 123456",
        ["4014123456", "4014-123456", "40\u00a014\u2116123456", " 40.14 /123456 "],
        ["4014123457", "401412345"],
    ),
    (Purpose.DOCUMENT, "II-АК №123456", ["ii-ak 123456", "II АК123456", "\u0406\u0406-АК 123456"], ["II-АМ 123456"]),
]


@pytest.mark.parametrize(("purpose", "value", "same", "other"), FORMS)
def test_one_value_has_one_digest_however_it_is_typed(
    purpose: Purpose, value: Value, same: list[Value], other: list[Value]
) -> None:
    known = digest(VAULT, purpose, value)
    assert len(known) == 32
    assert {digest(VAULT, purpose, spelling) for spelling in same} == {known}
    assert known not in {digest(VAULT, purpose, different) for different in other}
    assert digest(Vault(bytes(32)), purpose, value) != known


def test_digests_are_for_ever() -> None:
    # Stored: with another normal form or key, whatever was entered before is no longer found.
    assert [normal_form(*entry) for entry in VALUES] == [
        "elkin@example.org",
        "елкин\nпетр",
        "елкина\nмария\n2014 03 09",
        "4014123456",
    ]
    for purpose, value in VALUES:
        key = VAULT.derive(f"lookup:{purpose.value}")
        assert digest(VAULT, purpose, value) == hmac.digest(key, normal_form(purpose, value).encode(), hashlib.sha256)


def test_purposes_do_not_answer_for_each_other() -> None:
    assert len({digest(VAULT, purpose, "4014") for purpose in Purpose}) == len(Purpose)


@given(st.sampled_from(Purpose), st.text(max_size=12))
def test_a_normal_form_is_its_own_normal_form(purpose: Purpose, text: str) -> None:
    once = normal_form(purpose, text)
    assert normal_form(purpose, once) == once
    assert normal_form(purpose, f" {unicodedata.normalize('NFD', text)} ") == normal_form(
        purpose, unicodedata.normalize("NFC", text)
    )


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("nothing", ["", "  ", ("", " "), ()])
def test_what_says_nothing_has_no_digest_and_finds_nothing(engine: Engine, purpose: Purpose, nothing: Value) -> None:
    with pytest.raises(ValueError, match="no digest"):
        digest(VAULT, purpose, nothing)
    with writing(engine) as connection:
        enter(connection, VAULT, "0252", [(purpose, nothing)], case_id=1)
    assert found(engine, purpose, nothing) == []


def test_cases_and_applications_are_found_and_nothing_is_kept_in_clear(engine: Engine) -> None:
    with writing(engine) as connection:
        enter(connection, VAULT, "0252", VALUES, case_id=1)
        enter(connection, VAULT, "0253", VALUES[:1], case_id=2)
        enter(connection, VAULT, "0252", VALUES[:1], application_id=1)
    for entry in VALUES[1:]:
        assert found(engine, *entry) == [("0252", 1, None)]
    assert found(engine, *VALUES[0]) == [("0252", None, 1), ("0252", 1, None), ("0253", 2, None)]
    assert found(engine, *VALUES[0], school="0253") == [("0253", 2, None)]
    assert found(engine, Purpose.EMAIL, "elkin") == []
    with reading(engine) as connection:
        rows = list(connection.execute(sa.select(LOOKUP)))
    assert len(rows) == 6
    for personal in ("elkin", "лкин", "2014", "123456"):
        for row in rows:
            assert personal not in str(row)
            assert personal.encode() not in bytes(row.digest)


def test_entering_again_adds_nothing(engine: Engine) -> None:
    for _ in range(2):
        with writing(engine) as connection:
            enter(connection, VAULT, "0252", [*VALUES, *VALUES], case_id=1)
    with reading(engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(LOOKUP)) == len(VALUES)


def test_a_corrected_case_is_found_by_its_new_values_alone(engine: Engine) -> None:
    with writing(engine) as connection:
        enter(connection, VAULT, "0252", VALUES, case_id=1)
        enter(connection, VAULT, "0252", VALUES, application_id=1)
        kept = set(connection.scalars(sa.select(LOOKUP.c.lookup_id).where(LOOKUP.c.case_id == 1)))
        replace_for_case(connection, VAULT, "0252", 1, [(Purpose.EMAIL, "new@example.org"), *VALUES[1:]])
        after = set(connection.scalars(sa.select(LOOKUP.c.lookup_id).where(LOOKUP.c.case_id == 1)))
    assert len(kept & after) == len(VALUES) - 1  # what stayed was not written again
    assert found(engine, Purpose.EMAIL, "new@example.org") == [("0252", 1, None)]
    assert found(engine, *VALUES[0]) == [("0252", None, 1)]
    assert found(engine, *VALUES[1]) == [("0252", None, 1), ("0252", 1, None)]


def test_what_is_forgotten_is_not_found_and_others_are(engine: Engine) -> None:
    with writing(engine) as connection:
        enter(connection, VAULT, "0252", VALUES, case_id=1)
        enter(connection, VAULT, "0253", VALUES, case_id=2)
        enter(connection, VAULT, "0252", VALUES, application_id=1)
        forget_case(connection, 1)
    for entry in VALUES:
        assert found(engine, *entry) == [("0252", None, 1), ("0253", 2, None)]
    with writing(engine) as connection:
        forget_application(connection, 1)
    for entry in VALUES:
        assert found(engine, *entry) == [("0253", 2, None)]


def test_a_digest_belongs_to_one_case_or_one_application(engine: Engine) -> None:
    for owner in ({}, {"case_id": 1, "application_id": 1}):
        with writing(engine) as connection, pytest.raises(ValueError, match="one case or one application"):
            enter(connection, VAULT, "0252", VALUES, **owner)
    assert found(engine, *VALUES[0]) == []


def test_digests_stay_when_the_master_key_is_another() -> None:
    renewed = VAULT.under(bytes(32))
    assert [digest(renewed, *entry) for entry in VALUES] == [digest(VAULT, *entry) for entry in VALUES]


def test_found_shows_no_person() -> None:
    assert repr(Found("0252", 1, None)) == "Found(school='0252', case_id=1, application_id=None)"
