"""What a school owes, read from its registry, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from fakes.postgresql import postgresql

from consent_registry.tables import APPLICATION, STEP, STUDENT_KEY
from consent_registry.terms.deadlines import Duty, TermKind
from consent_registry.terms.duties import open_duties
from consent_registry.terms.requests import RequestKind, answer_request, receive_request
from database import open_database, reading, upgrade, writing

if TYPE_CHECKING:
    from conftest import Registry

MOSCOW = ZoneInfo("Europe/Moscow")
LATE = datetime(2026, 11, 19, 22, 30, tzinfo=UTC)  # 20 November in Moscow
TODAY = date(2026, 11, 20)
MINUTE = timedelta(minutes=1)


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


def owed(registry: "Registry", school: str = "0252") -> list[Duty]:
    with reading(registry.engine) as connection:
        return open_duties(connection, school, now=registry.now, timezone=MOSCOW)


def application(registry: "Registry", number: int, *steps: str, school: str = "0252") -> None:
    """Store an application that went through these steps, the first of them late in the evening of UTC."""
    details = {
        "received": {"relation": "parent", "text_version": "2025-09"},
        "identified": {"by": "staff-1", "document_kind": "паспорт"},
        "linked": {"student_key": "1017", "case_id": 1},
        "registered": {"by": "staff-2"},
    }
    key = {"application_id": number, "reference": f"a-{number}", "school": school, "origin": "paper"}
    with writing(registry.engine) as connection:
        connection.execute(APPLICATION.insert().values(account_id="pa-1", sealed=b"-", created_at=LATE, **key))
        for minutes, step in enumerate(steps):
            told = {"valid_at": LATE + minutes * MINUTE, "recorded_at": LATE + minutes * MINUTE, "recorded_by": "-"}
            detail = details.get(step, {"why": "entered-in-error"})
            connection.execute(STEP.insert().values(application_id=number, step=step, detail=detail, **told))


def test_a_registry_without_anything_open_owes_nothing(shared: "Registry", row: dict[str, object]) -> None:
    assert owed(shared) == []
    shared.take(row)
    assert owed(shared) == []


def test_an_application_is_owed_until_it_is_registered_or_ends(shared: "Registry") -> None:
    way = ("received", "identified", "linked", "registered")
    for number in range(1, 5):
        application(shared, number, *way[:number])
    for number, ending in enumerate(("rejected", "lapsed", "withdrawn"), start=5):
        application(shared, number, "received", ending)
    application(shared, 8, *way, "withdrawn")
    application(shared, 9, "received", school="0253")
    assert owed(shared) == [Duty(TermKind.APPLICATION, "0252", f"a-{number}", TODAY) for number in (1, 2, 3)]
    assert owed(shared, "0253") == [Duty(TermKind.APPLICATION, "0253", "a-9", TODAY)]


def test_a_request_is_owed_until_it_is_answered(shared: "Registry") -> None:
    references = iter(["r-1", "r-2", "r-3"])
    with writing(shared.engine) as connection:
        for kind in (RequestKind.CORRECTION, RequestKind.ANSWER, RequestKind.ANSWER):
            receive_request(connection, "0252", kind, at=LATE, now=shared.now, by="-", new_id=lambda: next(references))
        answer_request(connection, "0252", "r-3", at=shared.now, now=shared.now, by="-")
    assert owed(shared) == [
        Duty(TermKind.CORRECTION, "0252", "r-1", TODAY),
        Duty(TermKind.ANSWER, "0252", "r-2", TODAY),
    ]


def test_a_withdrawal_is_owed_from_the_day_it_came_until_the_key_is_destroyed(
    shared: "Registry", row: dict[str, object]
) -> None:
    shared.take(row, row | {"account_id": "pa-2"}, row | {"school": "0253"})
    shared.withdraw(at=LATE)
    link = next(state.link_id for state in shared.states() if state.account_id == row["account_id"])
    assert owed(shared) == [Duty(TermKind.DESTRUCTION, "0252", link, TODAY)]
    assert owed(shared, "0253") == []
    with reading(shared.engine) as connection:
        assert open_duties(connection, "0252", now=LATE - MINUTE, timezone=MOSCOW) == []
    with writing(shared.engine) as connection:  # the school 0253 has a student of the same number
        connection.execute(STUDENT_KEY.delete().where(STUDENT_KEY.c.school == "0252"))
    assert owed(shared) == []


def test_a_withdrawal_is_owed_no_more_when_a_consent_is_given_anew(shared: "Registry", row: dict[str, object]) -> None:
    shared.take(row)
    shared.withdraw()
    assert [duty.kind for duty in owed(shared)] == [TermKind.DESTRUCTION]
    shared.now += timedelta(days=2)
    anew = {"consent_signed_on": "2026-11-21", "in_force_from": "2026-11-21"}
    shared.take(row | anew | {"registered_at": "2026-11-21T12:00:00+03:00"})
    assert shared.only.withdrawn_at is None
    assert owed(shared) == []


def test_a_naive_moment_is_refused(registry: "Registry") -> None:
    registry.now = registry.now.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        owed(registry)
