"""What the portal would not take, or said of it what can't be: nothing lost, nothing believed, somebody told."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.memory_world import CODE, Link, MemoryWorld, Row

from database import open_database, reading, writing
from delivery.balance import SchoolBalance
from delivery.dead_letters import Undelivered, discard_record, retry_records, undelivered
from delivery.tables import BATCH, RECORD
from flows.applications import exchange_applications
from flows.bridge import Bridge
from flows.reconciling import reconcile_school
from flows.steps import sweep_school, sync_school
from journal.portal import PortalError, Resend, UnsendableRecordsError
from journal.records import BatchItem, PreparedBatch, Publish, Receipt, Rejection
from journal.wording import BridgeError

DAY = date(2026, 10, 5)
OTHER = "0385"


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    made = MemoryWorld(tmp_path, batch_records=100)
    for student in "12":
        made.register(Link(student, f"pa-{student}"))
        for number in range(5):
            made.rows[f"mark:{student}{number}"] = Row(student, "4", DAY)
    return made


def shown(world: MemoryWorld) -> list[tuple[str, str]]:
    with reading(world.engine) as connection:
        keys = {r.record_id: r.student_key for r in connection.execute(sa.select(RECORD))}
    return sorted((keys[key], record.value) for key, record in world.portal.held(CODE).items())


def expected(world: MemoryWorld) -> list[tuple[str, str]]:
    return sorted(world.permitted().values())


def left(world: MemoryWorld) -> Undelivered:
    with reading(world.engine) as connection:
        return undelivered(connection, CODE)


def code_of(balance: SchoolBalance) -> str | None:
    return balance.failure.code if balance.failure else None


def record_of(world: MemoryWorld, source_key: str) -> str:
    with reading(world.engine) as connection:
        return str(connection.scalar(sa.select(RECORD.c.record_id).where(RECORD.c.source_key == source_key)))


# receipts that are not believed

LIES: list[Callable[[Receipt], Receipt]] = [
    lambda told: replace(told, accepted=told.accepted - 1),
    lambda told: replace(told, accepted=told.accepted + 1),
    lambda told: replace(told, accepted=10_000),
    lambda told: replace(told, accepted=told.accepted - 1, rejected=(*told.rejected, Rejection("r-stranger", "X"))),
    lambda told: replace(told, rejected=(*told.rejected, Rejection("r-stranger", "X"))),
]


def lying(world: MemoryWorld, lie: Callable[[Receipt], Receipt], *operations: str) -> None:
    """Let the portal do as it is told and give receipts that can't be."""
    for name in operations:
        original = getattr(world.portal, name)

        def told(*arguments, original=original):
            receipt = original(*arguments)
            return None if receipt is None else lie(receipt)

        setattr(world.portal, name, told)


def honest(world: MemoryWorld) -> None:
    for name in ("submit", "receipt"):
        vars(world.portal).pop(name, None)


@pytest.mark.parametrize("lie", LIES)
def test_a_receipt_that_cannot_be_is_asked_for_once_more(world: MemoryWorld, lie) -> None:
    lying(world, lie, "submit")
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent) == (None, 10)
    assert world.portal.calls.count("submit") == world.portal.calls.count("receipt") == 1


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("rejects", [False, True])
@pytest.mark.parametrize("withdraws", [False, True])
def test_one_that_stays_so_leaves_the_outcome_unknown_and_is_mended(
    world: MemoryWorld, lie, rejects: bool, withdraws: bool
) -> None:
    """Whether the portal took all of the batch or not: the next run says all of it again."""
    sync_school(world.bridge(), CODE)
    for number in range(5):
        world.rows[f"mark:1{number}"].value = "5"
    if withdraws:
        del world.rows["mark:24"]
    world.rows["mark:29"] = Row("2", "3", DAY)
    if rejects:
        world.portal.reject = {record_of(world, "mark:10"): "BadValue", record_of(world, "mark:24"): "Never"}
    lying(world, lie, "submit", "receipt")
    assert code_of(sync_school(world.bridge(), CODE)) == "portal-receipt-doubtful"
    (batch,) = left(world).unknown
    assert (batch.published, batch.withdrawn) == ((0, 1) if withdraws else (6, 0))
    world.portal.reject.clear()
    honest(world)
    lying(world, lie, "receipt")
    second = sync_school(world.bridge(), CODE)
    assert code_of(second) == "portal-receipt-doubtful"
    assert second.failure is not None
    assert "dnevnik reconcile 0252" in second.failure.wording.en
    assert shown(world) == expected(world)
    assert left(world).unknown == ()
    honest(world)
    third = sync_school(world.bridge(), CODE)
    assert (third.failure, third.sent, third.withdrawn) == (None, 0, {})
    assert shown(world) == expected(world)
    with reading(world.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(BATCH.c.state == "doubtful")) == 1


@pytest.mark.parametrize("run", [reconcile_school, sweep_school])
def test_every_run_that_meets_one_says_so_and_takes_back_what_it_may_have_shown(world: MemoryWorld, run) -> None:
    lying(world, LIES[0], "submit", "receipt")
    assert code_of(sync_school(world.bridge(), CODE)) == "portal-receipt-doubtful"
    world.withdraw("1", "pa-1")
    world.portal.submit = type(world.portal).submit.__get__(world.portal)
    balance = run(world.bridge(), CODE)
    assert code_of(balance) == "portal-receipt-doubtful"
    assert {student for student, _ in shown(world)} == {"2"}
    honest(world)
    assert reconcile_school(world.bridge(), CODE).failure is None
    assert shown(world) == expected(world)


# what the portal asked for

LONG = PortalError("Throttled", Resend.RETRYABLE, retry_after=3600)
MAINTENANCE = PortalError("Maintenance", Resend.RETRYABLE, retry_after=3600)


def another_process(world: MemoryWorld) -> Bridge:
    return replace(world.bridge(), engine=open_database(f"sqlite:///{world.folder}/bridge.db"))


def with_two_schools(world: MemoryWorld) -> Bridge:
    bridge = another_process(world)
    return replace(bridge, schools={**bridge.schools, OTHER: replace(bridge.schools[CODE], code=OTHER)})


@pytest.mark.parametrize("operation", ["submit", "put_link"])
def test_until_then_no_run_of_any_process_knocks(world: MemoryWorld, operation: str) -> None:
    world.portal.fail_before(operation, LONG)
    first = sync_school(world.bridge(), CODE)
    assert code_of(first) == "portal-throttled"
    assert first.failure is not None
    assert "until 2026-11-24T13:00+03:00 (Throttled)" in first.failure.wording.en
    world.portal.calls.clear()
    world.now += timedelta(minutes=59)
    world.withdraw("1", "pa-1")
    for run in (sync_school, reconcile_school):
        again = run(another_process(world), CODE)
        assert code_of(again) == "portal-throttled"
        assert again.failure is not None
        assert "13:00" in again.failure.wording.ru
    sweep_school(another_process(world), CODE)
    exchange = exchange_applications(another_process(world), CODE)
    assert exchange.failure is not None
    assert "13:00" in exchange.failure.wording.ru
    assert world.portal.calls == []
    world.now += timedelta(minutes=1)
    assert sync_school(another_process(world), CODE).failure is None
    assert shown(world) == expected(world)


def test_a_batch_that_is_not_sent_is_not_announced(world: MemoryWorld) -> None:
    world.portal.fail_before("put_link", LONG)
    sync_school(world.bridge(), CODE)
    before = world.log.checkpoint().size
    sync_school(world.bridge(), CODE)
    assert world.log.checkpoint().size == before + 1  # that the run ended


def test_throttled_is_a_schools_and_maintenance_everybodys(world: MemoryWorld) -> None:
    bridge = with_two_schools(world)
    world.portal.fail_before("applications", LONG)
    assert exchange_applications(bridge, CODE).failure is not None
    assert exchange_applications(bridge, OTHER).failure is None
    world.now += timedelta(hours=1)
    world.portal.fail_before("applications", MAINTENANCE)
    assert exchange_applications(bridge, CODE).failure is not None
    world.portal.calls.clear()
    other = exchange_applications(bridge, OTHER)
    assert other.failure is not None
    assert other.failure.code == "portal-maintenance"
    assert world.portal.calls == []


@pytest.mark.parametrize(
    "error",
    [
        PortalError("http-503", Resend.UNKNOWN, retry_after=3600),
        PortalError("connection", Resend.RETRYABLE, retry_after=3600),
        PortalError("Throttled", Resend.RETRYABLE),
        PortalError("Throttled", Resend.RETRYABLE, retry_after=0),
        PortalError("NotAuthorized", Resend.FINAL, retry_after=3600),
    ],
)
def test_only_the_portals_own_word_is_kept(world: MemoryWorld, error: PortalError) -> None:
    world.portal.fail_before("submit", error, times=9)
    assert sync_school(world.bridge(), CODE).failure is not None
    world.portal.faults.clear()
    assert sync_school(world.bridge(), CODE).failure is None


def test_a_clock_that_was_set_back_silences_nobody(world: MemoryWorld) -> None:
    world.now += timedelta(days=3)
    world.portal.fail_before("applications", LONG)
    assert exchange_applications(world.bridge(), CODE).failure is not None
    world.now -= timedelta(days=3)
    assert exchange_applications(world.bridge(), CODE).failure is None


# records that the portal will never take


def poisoned(world: MemoryWorld, values: str, code: str = "SchemaViolation") -> list[int]:
    """Let the portal refuse each batch in which such a value stands; returns the sizes of what it refused."""
    original, refused = world.portal.submit, []

    def submit(batch: PreparedBatch) -> Receipt:
        items = json.loads(batch.body)["items"]
        if any(item.get("value") in values.split() for item in items):
            world.portal.calls.append("refused")
            refused.append(len(items))
            raise PortalError(code, Resend.FINAL)
        return original(batch)

    world.portal.submit = submit
    return refused


@pytest.mark.parametrize("bad", [["mark:10"], ["mark:24"], ["mark:12", "mark:13"], ["mark:10", "mark:24", "mark:21"]])
def test_one_bad_record_keeps_no_other_back(world: MemoryWorld, bad: list[str]) -> None:
    for key in bad:
        world.rows[key].value = "9"
    refused = poisoned(world, "9")
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent, balance.failed) == (None, 10 - len(bad), len(bad))
    assert balance.balances
    assert [one.record_id for one in left(world).rejected] == sorted(record_of(world, key) for key in bad)
    assert {one.code for one in left(world).rejected} == {"SchemaViolation"}
    assert refused.count(1) == len(bad)
    world.portal.calls.clear()
    assert sync_school(world.bridge(), CODE).failed == len(bad)
    assert world.portal.calls == []
    for key in bad:
        world.rows[key].value = "3"
    assert sync_school(world.bridge(), CODE).sent == len(bad)
    assert shown(world) == expected(world)
    assert left(world).nothing


def test_many_bad_records_among_good_ones_are_no_reason_to_stop(world: MemoryWorld) -> None:
    for number in range(100, 160):
        world.rows[f"mark:{number}"] = Row("1", "9" if number % 12 == 0 else "4", DAY)
    refused = poisoned(world, "9")
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent, balance.failed) == (None, 65, 5)
    assert len(refused) > 14


def test_what_is_no_records_fault_stops_the_run_and_blames_few(world: MemoryWorld) -> None:
    world.batch_records = 5000
    for number in range(100):
        world.rows[f"mark:1{number:03}"] = Row("1", "4", DAY)
    refused = poisoned(world, "4")
    balance = sync_school(world.bridge(), CODE)
    assert code_of(balance) == "portal-schemaviolation"
    assert balance.balances
    assert len(refused) == 14
    assert len(left(world).rejected) < 8
    assert [one.code for one in left(world).refused] == ["SchemaViolation"]
    del world.portal.submit
    with writing(world.engine) as connection:
        assert retry_records(connection, CODE)
    assert sync_school(world.bridge(), CODE).failure is None
    assert shown(world) == expected(world)
    assert left(world).nothing


@pytest.mark.parametrize("code", ["BadSignature", "NotAuthorized", "UnknownSchool"])
def test_what_speaks_of_the_installation_blames_nobody(world: MemoryWorld, code: str) -> None:
    world.portal.fail_before("submit", PortalError(code, Resend.FINAL))
    assert code_of(sync_school(world.bridge(), CODE)) == f"portal-{code.lower()}"
    assert left(world).rejected == ()
    assert [one.code for one in left(world).refused] == [code]
    assert sync_school(world.bridge(), CODE).sent == 10
    assert left(world).nothing


def test_a_withdrawal_that_is_refused_is_told_and_tried_again(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.withdraw("1", "pa-1")
    stubborn = record_of(world, "mark:10")
    world.portal.reject = {stubborn: "Never"}
    assert code_of(sync_school(world.bridge(), CODE)) == "not-taken-back"
    (told,) = left(world).rejected
    assert (told.record_id, told.code, told.withdrawal) == (stubborn, "Never", True)
    with writing(world.engine) as connection, pytest.raises(BridgeError) as refused:
        discard_record(connection, CODE, stubborn)
    assert refused.value.code == "record-still-shown"
    world.portal.reject.clear()
    assert sweep_school(world.bridge(), CODE).failure is None
    assert left(world).nothing
    assert shown(world) == expected(world)


def test_a_record_that_fits_no_batch_is_told_and_tried_again_when_it_changed(world: MemoryWorld) -> None:
    world.rows["mark:10"].value = "9"
    prepare = world.portal.prepare

    def strict(school: str, items: Sequence[BatchItem], created_at: datetime) -> PreparedBatch:
        bad = {one.record_id: "value" for one in items if isinstance(one, Publish) and one.value == "9"}
        if bad:
            raise UnsendableRecordsError(bad)
        return prepare(school, items, created_at)

    world.portal.prepare = strict
    balance = sync_school(world.bridge(), CODE)
    assert (balance.sent, balance.failed, balance.balances) == (9, 1, True)
    assert [one.code for one in left(world).rejected] == ["unsendable"]
    world.portal.calls.clear()
    assert sync_school(world.bridge(), CODE).failed == 1
    assert world.portal.calls == []
    world.rows["mark:10"].value = "5"
    assert sync_school(world.bridge(), CODE).sent == 1
    assert shown(world) == expected(world)
    assert left(world).nothing


def test_given_up_is_withheld_without_a_word_until_it_changes(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    record = record_of(world, "mark:10")
    world.portal.reject = {record: "BadValue"}
    world.rows["mark:10"].value = "5"
    assert sync_school(world.bridge(), CODE).has_exceptions
    with writing(world.engine) as connection:
        discard_record(connection, CODE, record)
    quiet = sync_school(world.bridge(), CODE)
    assert (quiet.failed, quiet.withheld, quiet.has_exceptions) == (0, {"discarded": 1}, False)
    assert quiet.balances
    assert left(world).nothing
    world.rows["mark:10"].value = "3"
    assert sync_school(world.bridge(), CODE).failed == 1
    assert [one.record_id for one in left(world).rejected] == [record]
    with writing(world.engine) as connection:
        discard_record(connection, CODE, record)
        assert retry_records(connection, CODE) == []
        assert retry_records(connection, CODE, record) == [record]
    world.portal.reject.clear()
    assert sync_school(world.bridge(), CODE).sent == 1
    assert shown(world) == expected(world)


def test_a_rejected_record_that_is_retried_goes_with_the_next_sync(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    record = record_of(world, "mark:10")
    world.portal.reject = {record: "BadValue"}
    world.rows["mark:10"].value = "5"
    sync_school(world.bridge(), CODE)
    world.portal.reject.clear()
    assert sync_school(world.bridge(), CODE).sent == 0
    with writing(world.engine) as connection:
        assert retry_records(connection, CODE, record) == [record]
    assert sync_school(world.bridge(), CODE).sent == 1
    assert shown(world) == expected(world)


def test_a_refused_link_is_told_until_it_was_taken(world: MemoryWorld) -> None:
    world.portal.fail_before("put_link", PortalError("NotAuthorized", Resend.FINAL))
    sync_school(world.bridge(), CODE)
    (link,) = left(world).links
    assert (link.code, link.since) == ("NotAuthorized", world.now)
    sync_school(world.bridge(), CODE)
    assert left(world).links == ()
