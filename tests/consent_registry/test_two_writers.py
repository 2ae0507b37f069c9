"""Consents against intents: who writes to a school's registry waits for who is storing an intent, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fakes.postgresql import postgresql

import consent_registry.tables  # its tables join METADATA
import delivery.tables  # likewise
from consent_registry.fact_store import states
from consent_registry.tables import FACT
from database import METADATA, gate, open_database, reading, upgrade, writing

if TYPE_CHECKING:
    from conftest import Registry

ROOMS = (consent_registry.tables, delivery.tables)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, registry: "Registry") -> Iterator["Registry"]:
    """The registry in a database of either kind, empty."""
    if request.param == "sqlite":
        yield registry
        return
    engine = open_database(request.getfixturevalue("server"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    upgrade(engine)
    yield replace(registry, engine=engine)
    engine.dispose()


def test_a_register_is_taken_changed_and_a_consent_withdrawn(shared: "Registry", row: dict[str, object]) -> None:
    assert shared.take(row, row | {"account_id": "pa-2"}).new == 2
    assert shared.take(row, row | {"account_id": "pa-2", "kinds": "current"}).changed == 1
    shared.withdraw()
    first, second = shared.states()
    assert first.withdrawn_at == shared.now
    assert first.registered_at == second.registered_at
    assert second.withdrawn_at is None
    assert [state.withdrawn_at for state in shared.states(known_at=shared.now - timedelta(minutes=1))] == [None, None]
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(shared.engine) as connection:
        connection.execute(FACT.delete())


def test_the_migrations_make_the_tables_that_the_code_declares(shared: "Registry") -> None:
    with reading(shared.engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_a_withdrawal_waits_for_an_intent_that_read_the_consent_before_it(
    shared: "Registry", row: dict[str, object]
) -> None:
    shared.take(row)
    done = Event()

    def withdraw() -> None:
        shared.withdraw()
        done.set()

    other = Thread(target=withdraw)
    with writing(shared.engine) as connection:
        gate(connection, "0252")
        (read,) = states(connection, "0252", at=shared.now)
        other.start()
        assert not done.wait(0.5)
        assert states(connection, "0252", at=shared.now) == [read]  # what the intent is stored upon still stands
    other.join(30)
    assert done.is_set()
    assert shared.only.withdrawn_at == shared.now
