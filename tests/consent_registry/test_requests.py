"""What people ask about their data, on both databases."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from fakes.postgresql import postgresql
from sqlalchemy.engine import Connection, Engine

from consent_registry.fact_store import CaseEvent
from consent_registry.tables import CASE, REQUEST
from consent_registry.terms.requests import OpenRequest, RequestKind, answer_request, open_requests, receive_request
from database import open_database, reading, upgrade, writing
from journal.wording import BridgeError

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty registry in a database of either kind, with a case of school 0252 in it."""
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{tmp_path}/bridge.db")
    else:
        engine = open_database(request.getfixturevalue("server"))
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    upgrade(engine)
    case = {"school": "0252", "student_key": "1017", "account_id": "pa-1", "link_id": "link-1", "sealed": b"-"}
    with writing(engine) as connection:
        connection.execute(CASE.insert().values(case_id=7, created_at=NOW, **case))
    yield engine
    engine.dispose()


def received(
    engine: Engine,
    reference: str,
    kind: RequestKind = RequestKind.ANSWER,
    *,
    at: datetime = NOW,
    now: datetime = NOW,
    school: str = "0252",
    case_id: int | None = None,
) -> CaseEvent:
    with writing(engine) as connection:
        return receive_request(
            connection, school, kind, at=at, now=now, by="staff-1", new_id=lambda: reference, case_id=case_id
        )


def answered(
    engine: Engine, reference: str, *, at: datetime = NOW, now: datetime = NOW, school: str = "0252"
) -> CaseEvent:
    with writing(engine) as connection:
        return answer_request(connection, school, reference, at=at, now=now, by="staff-2")


def waiting(engine: Engine, school: str = "0252") -> list[OpenRequest]:
    with reading(engine) as connection:
        return open_requests(connection, school)


def recorded(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(sa.select(REQUEST)).all())


def test_a_request_waits_until_it_is_answered(engine: Engine) -> None:
    assert received(engine, "r-1") == CaseEvent("0252", "r-1", "request-received", NOW, "staff-1")
    received(engine, "r-2", RequestKind.CORRECTION, at=NOW - HOUR, case_id=7)
    received(engine, "r-3", school="0253")
    assert waiting(engine) == [
        OpenRequest("r-2", "0252", RequestKind.CORRECTION, NOW - HOUR, 7),
        OpenRequest("r-1", "0252", RequestKind.ANSWER, NOW),
    ]
    told = answered(engine, "r-2", at=NOW + HOUR, now=NOW + 2 * HOUR)
    assert told == CaseEvent("0252", "r-2", "request-answered", NOW + HOUR, "staff-2")
    assert [request.reference for request in waiting(engine)] == ["r-1"]
    assert [request.reference for request in waiting(engine, "0253")] == ["r-3"]


def test_an_answer_keeps_what_the_request_said(engine: Engine) -> None:
    received(engine, "r-1", RequestKind.CORRECTION, case_id=7)
    answered(engine, "r-1", at=NOW, now=NOW + HOUR)
    with reading(engine) as connection:
        rows = connection.execute(sa.select(REQUEST).order_by(REQUEST.c.fact_id)).all()
    assert [(row.kind, row.event, row.case_id, row.recorded_at, row.recorded_by) for row in rows] == [
        ("correction", "received", 7, NOW, "staff-1"),
        ("correction", "answered", 7, NOW + HOUR, "staff-2"),
    ]


@pytest.mark.parametrize(
    ("act", "code", "names"),
    [
        (lambda engine: answered(engine, "r-9"), "request-unknown", ["0252", "r-9"]),
        (lambda engine: answered(engine, "r-1", school="0253"), "request-unknown", ["0253", "r-1"]),
        (lambda engine: answered(engine, "r-2"), "request-answered", ["0252", "r-2", "2026-11-20T09:00:00+00:00"]),
        (lambda engine: answered(engine, "r-1", at=NOW + HOUR), "request-ahead", ["2026-11-20T10:00:00+00:00"]),
        (
            lambda engine: answered(engine, "r-1", at=NOW - HOUR),
            "request-too-early",
            ["r-1", "2026-11-20T08:00:00+00:00", "2026-11-20T09:00:00+00:00"],
        ),
        (lambda engine: received(engine, "r-3", at=NOW + HOUR), "request-ahead", ["2026-11-20T10:00:00+00:00"]),
        (lambda engine: received(engine, "r-3", case_id=8), "request-case-unknown", ["0252"]),
        (lambda engine: received(engine, "r-3", case_id=7, school="0253"), "request-case-unknown", ["0253"]),
        (lambda engine: received(engine, "r-3", at=NOW - HOUR, now=NOW - HOUR), "clock-back", ["0252"]),
        (lambda engine: answered(engine, "r-1", at=NOW - HOUR, now=NOW - HOUR), "clock-back", ["0252"]),
    ],
)
def test_what_may_not_be_is_refused_and_nothing_recorded(
    engine: Engine, act: Callable[[Engine], CaseEvent], code: str, names: list[str]
) -> None:
    received(engine, "r-1")
    received(engine, "r-2")
    answered(engine, "r-2")
    with pytest.raises(BridgeError) as refused:
        act(engine)
    assert refused.value.code == code
    for language in ("ru", "en"):
        assert all(name in refused.value.say(language) for name in names)
    assert recorded(engine) == 3


@pytest.mark.parametrize("reference", ["r-1", "", "r" * 65])
def test_a_reference_that_is_none_is_refused(engine: Engine, reference: str) -> None:
    received(engine, "r-1", school="0253")
    with pytest.raises(ValueError, match="not taken"):
        received(engine, reference)
    assert recorded(engine) == 1


def test_a_naive_moment_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="time zone"):
        received(engine, "r-1", at=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        answered(engine, "r-1", at=NOW.replace(tzinfo=None))
    assert recorded(engine) == 0


def test_nothing_of_a_request_is_changed_or_deleted(engine: Engine) -> None:
    received(engine, "r-1")
    acts: list[Callable[[Connection], object]] = [
        lambda connection: connection.execute(REQUEST.update().values(kind="answer")),
        lambda connection: connection.execute(REQUEST.delete()),
    ]
    for act in acts:
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(engine) as connection:
            act(connection)
    assert len(waiting(engine)) == 1


def test_of_two_who_answer_at_once_one_does(engine: Engine) -> None:
    received(engine, "r-1")
    codes: list[str] = []

    def answer() -> None:
        try:
            answered(engine, "r-1")
        except BridgeError as error:
            codes.append(error.code)

    others = [Thread(target=answer) for _ in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join(30)
    assert codes == ["request-answered"] * 3
    assert recorded(engine) == 2
