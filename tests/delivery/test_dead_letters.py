"""What was not delivered, in the database of either kind: what is listed, tried again, given up, and of whom."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from sqlalchemy.engine import Engine

from database import reading, writing
from delivery import ledger
from delivery.dead_letters import (
    RefusedLink,
    RejectedRecord,
    Undelivered,
    UnsettledBatch,
    discard_record,
    retry_records,
    undelivered,
)
from delivery.rest import WHOLE_PORTAL, Rest, Resting, resting
from delivery.tables import LINK_STATE, RECORD
from journal.portal import PortalError, Resend
from journal.records import Receipt, Rejection
from journal.wording import BridgeError

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SCHOOL, OTHER = "0252", "0385"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/bridge.db" if request.param == "sqlite" else request.getfixturevalue("server")
    with bridge_database(url) as opened:
        yield opened


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def row(record: str, action: str = "publish", *, new: bool = True) -> ledger.BatchRow:
    digest = b"d" * 16 if action == "publish" else None
    reason = None if action == "publish" else "deleted"
    return ledger.BatchRow(
        record, 1, action, f"mark:{record}", "7", "current", date(2026, 10, 5), digest, reason, new=new
    )


def store(engine: Engine, batch_id: str, at: datetime, *rows: ledger.BatchRow, school: str = SCHOOL) -> None:
    published = sum(one.action == "publish" for one in rows)
    batch = ledger.StoredBatch(batch_id, school, "run", at, published, len(rows) - published)
    with writing(engine) as connection:
        ledger.store_batch(connection, batch, rows, students=1, accounts=1)


def settle(engine: Engine, batch_id: str, at: datetime, **rejected: str) -> None:
    told = tuple(Rejection(record, code) for record, code in rejected.items())
    with writing(engine) as connection:
        ledger.settle_batch(connection, batch_id, Receipt(batch_id, "r", at, 0, duplicate=False, rejected=told), at)


def drop(engine: Engine, batch_id: str, state: str, code: str, at: datetime, *, blame_records: bool = False) -> None:
    with writing(engine) as connection:
        ledger.drop_batch(connection, batch_id, state, code, at, blame_records=blame_records)


def left(engine: Engine, school: str = SCHOOL) -> Undelivered:
    with reading(engine) as connection:
        return undelivered(connection, school)


def states(engine: Engine) -> dict[str, tuple[bool, bytes | None, str | None, bool]]:
    with reading(engine) as connection:
        return {
            r.record_id: (r.held, r.rejected_digest, r.rejected_code, r.discarded)
            for r in connection.execute(RECORD.select())
        }


def test_batches_are_listed_while_their_end_is_unknown_or_a_refusal(engine: Engine) -> None:
    store(engine, "b-1", NOW, row("a"))
    store(engine, "b-2", later(1), row("b"), row("c"))
    store(engine, "b-3", later(2), row("d"), school=OTHER)
    assert left(engine).unknown == (UnsettledBatch("b-1", NOW, 1, 0), UnsettledBatch("b-2", later(1), 2, 0))
    drop(engine, "b-1", ledger.REFUSED, "NotAuthorized", later(3))
    settle(engine, "b-3", later(4))
    assert left(engine).refused == (UnsettledBatch("b-1", later(3), 1, 0, "NotAuthorized"),)
    assert left(engine, OTHER).nothing
    settle(engine, "b-2", later(5))
    assert left(engine).nothing


@pytest.mark.parametrize("state", [ledger.NOT_TAKEN, ledger.DIVIDED])
def test_what_has_another_end_is_not_listed(engine: Engine, state: str) -> None:
    store(engine, "b-1", NOW, row("a"))
    drop(engine, "b-1", state, "X", later(1))
    assert left(engine).nothing


def test_rejected_records_and_refused_links_are_listed_oldest_first(engine: Engine) -> None:
    store(engine, "b-1", NOW, row("b"), row("c"))
    settle(engine, "b-1", later(1), b="BadValue")
    store(engine, "b-2", later(2), row("a"))
    drop(engine, "b-2", ledger.DIVIDED, "TooLarge", later(2), blame_records=True)
    store(engine, "b-3", later(3), row("c", "withdraw", new=False))
    settle(engine, "b-3", later(3), c="Never")
    with writing(engine) as connection:
        for link, code in (("l-1", "NotAuthorized"), ("l-2", None)):
            state = {"revision": 1, "active": False, "pending": True, "refused_code": code, "refused_at": NOW}
            connection.execute(LINK_STATE.insert().values(link_id=link, school=SCHOOL, student_key="7", **state))
    assert left(engine).rejected == (
        RejectedRecord("b", "BadValue", later(1), withdrawal=False),
        RejectedRecord("a", "TooLarge", later(2), withdrawal=False),
        RejectedRecord("c", "Never", later(3), withdrawal=True),
    )
    assert left(engine).links == (RefusedLink("l-1", "NotAuthorized", NOW),)
    store(engine, "b-4", later(4), row("c", "withdraw", new=False))
    settle(engine, "b-4", later(4))
    assert [one.record_id for one in left(engine).rejected] == ["b", "a"]
    assert states(engine)["c"] == (False, None, None, False)


def test_a_withdrawal_leaves_a_rejected_content_rejected(engine: Engine) -> None:
    store(engine, "b-1", NOW, row("a"))
    settle(engine, "b-1", NOW, a="BadValue")
    store(engine, "b-2", later(1), row("a", "withdraw", new=False))
    settle(engine, "b-2", later(1), a="Never")
    assert left(engine).rejected == (RejectedRecord("a", "BadValue", NOW, withdrawal=False),)
    store(engine, "b-3", later(2), row("a", "withdraw", new=False))
    settle(engine, "b-3", later(2))
    assert states(engine)["a"] == (False, b"d" * 16, "BadValue", False)


def test_retry_and_discard_touch_what_they_name_and_no_other_school(engine: Engine) -> None:
    store(engine, "b-1", NOW, row("a"), row("b"), row("c"))
    settle(engine, "b-1", NOW, a="X", b="X")
    store(engine, "b-2", NOW, row("z"), school=OTHER)
    settle(engine, "b-2", NOW, z="X")
    with writing(engine) as connection:
        for record in ("c", "z", "nobody"):
            for act in (retry_records, discard_record):
                with pytest.raises(BridgeError) as refused:
                    act(connection, SCHOOL, record)
                assert refused.value.code == "record-not-rejected"
        discard_record(connection, SCHOOL, "a")
        with pytest.raises(BridgeError):
            discard_record(connection, SCHOOL, "a")
        assert retry_records(connection, SCHOOL) == ["b"]
    assert states(engine) == {
        "a": (False, b"d" * 16, "X", True),
        "b": (False, None, None, False),
        "c": (True, None, None, False),
        "z": (False, b"d" * 16, "X", False),
    }
    with writing(engine) as connection:
        assert retry_records(connection, SCHOOL, "a") == ["a"]
        assert retry_records(connection, SCHOOL) == []


def test_a_doubtful_batch_leaves_the_worst_of_each_record(engine: Engine) -> None:
    store(engine, "b-1", NOW, row("a"), row("b"))
    settle(engine, "b-1", NOW)
    store(engine, "b-2", NOW, row("a", "withdraw", new=False), row("b", new=False), row("c"))
    with writing(engine) as connection:
        assert sorted(ledger.batch_records(connection, "b-2")) == ["a", "b", "c"]
        ledger.settle_doubtful(connection, "b-2", "r-2", later(1))
        assert ledger.open_batches(connection, SCHOOL) == []
        held = {r.record_id: (r.held, r.digest) for r in connection.execute(RECORD.select())}
    assert held == {"a": (True, b"d" * 16), "b": (True, None), "c": (True, None)}
    assert left(engine).nothing


# for how long the portal wants to be left alone


def throttled(seconds: int | None, code: str = "Throttled") -> PortalError:
    return PortalError(code, Resend.RETRYABLE, seconds)


def rest_of(engine: Engine, scope: str, now: datetime) -> Resting | None:
    with reading(engine) as connection:
        return resting(connection, scope, now)


def test_the_newest_word_of_the_portal_counts(engine: Engine) -> None:
    rest = Rest(engine, lambda: NOW, SCHOOL)
    rest.keep(throttled(7200))
    rest.keep(throttled(600))
    assert rest_of(engine, SCHOOL, NOW) == Resting(SCHOOL, later(10), "Throttled", NOW)
    assert rest_of(engine, SCHOOL, later(10)) is None
    assert rest_of(engine, OTHER, NOW) is None
    rest.keep(throttled(3600, "Maintenance"))
    for scope in (SCHOOL, OTHER, WHOLE_PORTAL):
        assert rest_of(engine, scope, NOW) == Resting(WHOLE_PORTAL, later(60), "Maintenance", NOW)
    told = Rest(engine, lambda: later(59), OTHER).refusal()
    assert told is not None
    assert (told.code, told.resend, told.retry_after) == ("Maintenance", Resend.RETRYABLE, 60)
    assert Rest(engine, lambda: later(60), OTHER).refusal() is None


def test_no_wait_is_longer_than_a_day(engine: Engine) -> None:
    Rest(engine, lambda: NOW, SCHOOL).keep(throttled(10**9))
    assert rest_of(engine, SCHOOL, later(24 * 60 - 1)) is not None
    assert rest_of(engine, SCHOOL, later(24 * 60)) is None
    assert rest_of(engine, SCHOOL, later(-1)) is None  # a clock that was set back since
