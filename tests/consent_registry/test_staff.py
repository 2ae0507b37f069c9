"""Names of staff: one reference a person, the name sealed, old clear-text values as they stand."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from sqlalchemy.engine import Engine

from consent_registry.sealed.staff import enter_staff, staff_names, staff_ref
from consent_registry.sealed.vault import Vault
from consent_registry.tables import STAFF
from database import reading, writing
from journal.wording import BridgeError

VAULT = Vault(bytes(range(32)))
NAME = "Семёнова Анна-Мария"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    sqlite = request.param == "sqlite"
    with bridge_database(f"sqlite:///{tmp_path}/bridge.db" if sqlite else request.getfixturevalue("server")) as made:
        yield made


def enter(engine: Engine, *names: str) -> dict[str, str]:
    with writing(engine) as connection:
        return dict(enter_staff(connection, VAULT, names))


def names(engine: Engine, *refs: str) -> dict[str, str]:
    with reading(engine) as connection:
        return dict(staff_names(connection, VAULT, refs))


def test_a_reference_is_one_persons_whatever_the_spelling() -> None:
    # Stored in facts for ever: a change of the normal form would make two persons of one.
    assert staff_ref(VAULT, NAME) == "35035a9db21153bed13cf8713e3669b3"
    for spelling in ("  семенова   АННА-МАРИЯ", "Семе\u0308нова Анна-Мария"):
        assert staff_ref(VAULT, spelling) == staff_ref(VAULT, NAME)
    assert staff_ref(VAULT, "Семёнова Анна") != staff_ref(VAULT, NAME)
    assert staff_ref(Vault(bytes(32)), NAME) != staff_ref(VAULT, NAME)


def test_a_name_is_kept_once_sealed_and_found_again(engine: Engine) -> None:
    refs = enter(engine, f"  {NAME} ", "Секретарь 1")
    assert refs == {f"  {NAME} ": staff_ref(VAULT, NAME), "Секретарь 1": staff_ref(VAULT, "Секретарь 1")}
    assert enter(engine, NAME.upper()) == {NAME.upper(): staff_ref(VAULT, NAME)}
    assert enter(engine) == {}
    assert names(engine, *refs.values()) == {staff_ref(VAULT, NAME): NAME, refs["Секретарь 1"]: "Секретарь 1"}
    with reading(engine) as connection:
        rows = list(connection.execute(sa.select(STAFF)))
    assert len(rows) == 2
    for row in rows:
        for word in ("Семёнова", "Секретарь"):
            assert word.encode() not in row.sealed
            assert word not in row.staff_ref


def test_of_two_spellings_at_once_the_first_is_kept(engine: Engine) -> None:
    refs = enter(engine, "Завуч 2", "ЗАВУЧ 2")
    assert len(set(refs.values())) == 1
    assert names(engine, *refs.values()) == {staff_ref(VAULT, "завуч 2"): "Завуч 2"}


def test_what_is_no_known_reference_is_returned_as_it_stands(engine: Engine) -> None:
    unknown = staff_ref(VAULT, "nobody")
    assert names(engine, "Секретарь 1", "", unknown) == {"Секретарь 1": "Секретарь 1", "": "", unknown: unknown}
    assert names(engine) == {}


def test_many_names_at_once(engine: Engine) -> None:
    many = [f"Сотрудник {number}" for number in range(1200)]
    refs = enter(engine, *many)
    assert sorted(names(engine, *refs.values()).values()) == sorted(many)
    assert enter(engine, *many) == refs


def test_a_name_put_in_anothers_place_does_not_open(engine: Engine) -> None:
    first, second = enter(engine, "Секретарь 1", "Завуч 2").values()
    with writing(engine) as connection:
        sealed = connection.scalar(sa.select(STAFF.c.sealed).where(STAFF.c.staff_ref == first))
        connection.execute(STAFF.update().where(STAFF.c.staff_ref == second).values(sealed=sealed))
    with pytest.raises(BridgeError) as caught:
        names(engine, second)
    assert caught.value.code == "sealed-unreadable"
    assert "Секретарь" not in str(caught.value)


def test_two_schools_enter_the_same_person_at_the_same_moment(engine: Engine) -> None:
    found = []
    thread = Thread(target=lambda: found.append(enter(engine, "Завуч 2", NAME)))
    with writing(engine) as connection:
        refs = enter_staff(connection, VAULT, [NAME, "Завуч 2"])
        thread.start()
        thread.join(0.5)
        assert found == []
    thread.join(30)
    assert found == [refs]
    assert names(engine, *refs.values()) == {ref: name for name, ref in refs.items()}
