"""A log in the bridge's own database: batch and disclosures, outcome and ledger stand or fall together."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.postgresql import postgresql
from worlds.memory_world import CODE, DiedError, Link, MemoryWorld, Row

from audit.entry import DisclosureIntended, DisclosureOutcome, RunEnded, RunStarted, parse
from audit.errors import AuditUnavailableError
from audit.keys import load_signing_key
from audit.log import open_log
from audit.verify import verify_log
from database import open_database, reading, writing
from delivery.tables import BATCH, BATCH_ROW, RECORD
from flows.steps import sync_school

RECORDS = 11
"""Four batches: from the third on, a batch is stored together with the outcome of the one before the last."""
BOUNDARIES = ("batch-stored", "about-to-send", "reply-received", "outcome-stored")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/bridge.db"
    url: str = request.getfixturevalue("server")
    engine = open_database(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url


@pytest.fixture
def world(url: str, tmp_path: Path) -> Iterator[MemoryWorld]:
    made = MemoryWorld(tmp_path, state=url)
    made.log = open_log(url, load_signing_key(made.pem, "test-log"), "test-log")
    made.register(Link("1", "pa-1"))
    for number in range(RECORDS):
        made.rows[f"r{number}"] = Row("1", str(number), date(2026, 10, 1))
    yield made
    made.log.close()
    made.engine.dispose()


def entries(world: MemoryWorld, kind: type) -> list[DisclosureIntended | DisclosureOutcome]:
    return [entry for entry in map(parse, world.log.entries()) if isinstance(entry, kind)]


def batches(world: MemoryWorld) -> dict[str, sa.Row]:
    with reading(world.engine) as connection:
        return {row.batch_id: row for row in connection.execute(sa.select(BATCH))}


def hold(world: MemoryWorld, url: str) -> None:
    """Every batch of the ledger is announced where the ledger says, every outcome of either stands in the other."""
    stored = batches(world)
    announced = {entry.batch for entry in entries(world, DisclosureIntended)}
    assert announced == set(stored)
    for batch_id, row in stored.items():
        (line,) = world.log.entries(row.audit_first, row.audit_last + 1)
        assert parse(line).batch == batch_id
    settled = [entry.batch for entry in entries(world, DisclosureOutcome)]
    assert sorted(settled) == sorted(batch_id for batch_id, row in stored.items() if row.state != "open")
    assert verify_log(url, load_signing_key(world.pem, "test-log").verifier).ok


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("passes", [0, 1, 2])
def test_a_death_at_any_boundary_leaves_log_and_ledger_at_one(
    world: MemoryWorld, url: str, boundary: str, passes: int
) -> None:
    world.die_at = (boundary, passes)
    with pytest.raises(DiedError):
        sync_school(world.bridge(), CODE)
    assert world.die_at is None
    hold(world, url)
    world.now += timedelta(minutes=10)
    sync_school(world.bridge(), CODE)
    hold(world, url)
    shown = sorted(int(item.value) for item in world.portal.visible(CODE, "pa-1").values())
    assert shown == list(range(RECORDS))
    assert not [row for row in batches(world).values() if row.state == "open"]


def test_boundaries_between_the_two_are_not_passed(world: MemoryWorld, url: str) -> None:
    for between in ("intent-logged", "outcome-logged"):
        world.die_at = (between, 0)
        sync_school(world.bridge(), CODE)
        assert world.die_at is not None
    hold(world, url)


def test_an_outcome_is_appended_with_the_intent_that_is_stored_next(world: MemoryWorld, url: str) -> None:
    """What the log says stays in the order in which it happened, and costs an append less a batch."""
    before, appends = world.log.checkpoint().size, []

    @sa.event.listens_for(world.engine, "before_cursor_execute")
    def _count(_connection, _cursor, statement: str, *_: object) -> None:
        appends.extend([statement] if statement.startswith("INSERT INTO audit_checkpoint") else [])

    assert sync_school(world.bridge(), CODE).sent == RECORDS
    told = [entry for entry in map(parse, world.log.entries(before)) if not isinstance(entry, RunStarted | RunEnded)]
    exchange = [entry for entry in told if isinstance(entry, DisclosureIntended | DisclosureOutcome)]
    names = {batch: number for number, batch in enumerate(dict.fromkeys(entry.batch for entry in exchange), 1)}
    order = [(names[entry.batch], isinstance(entry, DisclosureOutcome)) for entry in exchange]
    # 3 is stored while the portal has 2, and so is heard of 1; 4 while it has 3; nothing follows 4
    first, second, third, fourth = ((number, False) for number in (1, 2, 3, 4))
    assert order == [first, second, (1, True), third, (2, True), fourth, (3, True), (4, True)]
    assert len(appends) == len(exchange) - 2
    hold(world, url)


class FullError(Exception):
    """A disk that takes no more."""


@pytest.mark.parametrize("table", ["audit_resource", "audit_checkpoint"])
def test_what_the_log_does_not_take_is_not_stored_and_not_sent(world: MemoryWorld, url: str, table: str) -> None:
    """The statement that fails is the log's own, in the transaction that stored the batch before it."""
    failing = True

    @sa.event.listens_for(world.engine, "before_cursor_execute")
    def _fail(_connection, _cursor, statement: str, *_: object) -> None:
        if failing and statement.startswith(f"INSERT INTO {table}"):
            raise sa.exc.OperationalError(statement, None, FullError())

    balance = sync_school(world.bridge(), CODE)
    assert balance.failure is not None
    assert batches(world) == {}
    with reading(world.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(RECORD)) == 0
        assert connection.scalar(sa.select(sa.func.count()).select_from(BATCH_ROW)) == 0
    assert entries(world, DisclosureIntended) == []
    assert "submit" not in {call.lower().removesuffix("journal") for call in world.portal.calls}
    failing = False
    world.now += timedelta(minutes=10)
    assert sync_school(world.bridge(), CODE).sent == RECORDS
    hold(world, url)


def test_a_log_elsewhere_does_not_join(world: MemoryWorld, tmp_path: Path) -> None:
    key = load_signing_key(world.pem, "test-log")
    with writing(world.engine) as connection:
        for location in (tmp_path / "audit", f"sqlite:///{tmp_path}/other.db"):
            assert open_log(location, key, "test-log").within(connection) is None
        assert world.log.within(connection) is not None


def test_what_is_rolled_back_is_not_in_the_log(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    before = world.log.checkpoint()
    again = entries(world, DisclosureIntended)

    def append(fails: Callable[[], None]) -> None:
        with writing(world.engine) as connection:
            log = world.log.within(connection)
            assert log is not None
            appended = log.add(again)
            assert (appended.first, appended.checkpoint.size) == (before.size, before.size + len(again))
            fails()

    def full() -> None:
        raise AuditUnavailableError("", "")

    with pytest.raises(AuditUnavailableError):
        append(full)
    assert world.log.checkpoint() == before
    append(lambda: None)
    assert world.log.checkpoint().size == before.size + len(again)
