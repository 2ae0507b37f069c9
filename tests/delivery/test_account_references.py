"""By what the audit log names accounts: a reference under each student's own key, while the portal is told the id."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fakes.postgresql import postgresql
from worlds.memory_world import CODE, Link, MemoryWorld, Row

from audit.verify_evidence import reference_of
from consent_registry.sealed.account_refs import account_key, complete_account_refs
from consent_registry.sealed.vault import StudentKey, destroy_student_key
from consent_registry.tables import CASE
from database import open_database, reading, writing
from flows.steps import sync_school

SHARED = "pa-55810"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryWorld]:
    """Two children of one account, one of whom has another parent too."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("server")
        engine = open_database(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        engine.dispose()
    made = MemoryWorld(tmp_path, state=url)
    for student, account in (("1", SHARED), ("2", SHARED), ("2", "pa-2")):
        made.register(Link(student, account))
        made.rows[f"r{student}"] = Row(student, "5", date(2026, 10, 1))
    yield made
    made.log.close()
    made.engine.dispose()


def logged(world: MemoryWorld) -> list[dict]:
    return [json.loads(line) for line in world.log.entries()]


def expected(world: MemoryWorld, student: str, account: str) -> str:
    """The reference as FORMAT.md says to make it."""
    with reading(world.engine) as connection:
        own = world.vault.student_keys(connection, CODE, [student])[student]
    info = b"dnevnik-bridge:student:account"
    return reference_of(HKDF(SHA256(), 32, salt=None, info=info).derive(own.key), account)


def cases(world: MemoryWorld) -> dict[tuple[str, str], str | None]:
    with reading(world.engine) as connection:
        rows = connection.execute(sa.select(CASE.c.student_key, CASE.c.account_id, CASE.c.account_ref))
        return {(row.student_key, row.account_id): row.account_ref for row in rows}


def test_the_log_names_an_account_differently_for_each_student_and_the_portal_is_told_the_id(
    world: MemoryWorld,
) -> None:
    sync_school(world.bridge(), CODE)
    told = {e["link"]: e["account"] for e in logged(world) if e["kind"] == "link-intended"}
    grounds = {g["link"]: g["account"] for e in logged(world) for g in e.get("grounds", [])}
    wanted = {pair: expected(world, *pair) for pair in (("1", SHARED), ("2", SHARED), ("2", "pa-2"))}
    assert len(set(wanted.values())) == 3
    assert set(told.values()) == set(wanted.values())
    assert grounds == told
    assert cases(world) == wanted
    assert {shown.account_id for shown in world.portal.exposures} == {SHARED, "pa-2"}
    text = json.dumps(logged(world))
    assert not [account for account in (SHARED, "pa-2") if account in text]


def test_nobody_makes_a_reference_without_the_students_own_key(world: MemoryWorld) -> None:
    """The installation's keys and the other child's give other digests of the same account."""
    sync_school(world.bridge(), CODE)
    theirs = expected(world, "1", SHARED)
    with reading(world.engine) as connection:
        other = world.vault.student_keys(connection, CODE, ["2"])["2"]
    keys = [account_key(other), other.key, *(world.vault.derive(p) for p in ("account", "student:account", "erasure"))]
    assert theirs not in {reference_of(key, SHARED) for key in keys}
    assert theirs != hashlib.sha256(SHARED.encode()).hexdigest()


def test_whoever_sends_computes_no_reference(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: StudentKey, purpose: str) -> bytes:
        raise AssertionError(purpose)

    monkeypatch.setattr(StudentKey, "derive", refuse)
    sync_school(world.bridge(), CODE)
    assert [e for e in logged(world) if e["kind"] == "disclosure-intended"]


def test_a_database_from_before_gets_its_references_when_it_is_opened(world: MemoryWorld) -> None:
    before = cases(world)
    with writing(world.engine) as connection:
        connection.execute(CASE.update().where(CASE.c.student_key == "2").values(account_ref=None))
    assert complete_account_refs(world.engine, world.vault) == 2
    assert cases(world) == before
    assert complete_account_refs(world.engine, world.vault) == 0


def test_until_then_nothing_is_sent(world: MemoryWorld) -> None:
    with writing(world.engine) as connection:
        connection.execute(CASE.update().values(account_ref=None))
    assert sync_school(world.bridge(), CODE).failure is not None
    assert (world.portal.acts, world.portal.exposures) == ([], [])


def test_a_case_whose_key_is_gone_stays_without(world: MemoryWorld) -> None:
    with writing(world.engine) as connection:
        connection.execute(CASE.update().values(account_ref=None))
        destroy_student_key(connection, CODE, "2")
    assert complete_account_refs(world.engine, world.vault) == 1
    assert [pair for pair, reference in cases(world).items() if reference] == [("1", SHARED)]
