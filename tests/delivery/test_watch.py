"""A mark of the registry: out of date by what was recorded, by what begins to hold, by a new day; for one school."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from sqlalchemy.engine import Engine

from consent_registry.fact_store import NewFact, add_facts, advance_clock
from consent_registry.facts import FactKind
from consent_registry.pilot.admission import Stage
from consent_registry.pilot.groups import move
from consent_registry.tables import CASE
from database import reading, writing
from delivery.watch import Mark, has_moved, mark_of, students_concerned

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def day_of(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo("Europe/Moscow")).date()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path) -> Iterator[Engine]:
    kept_in_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/bridge.db" if kept_in_file else request.getfixturevalue("server")
    with bridge_database(url) as made:
        with writing(made) as connection:
            for number, (school, student) in enumerate([("0252", "1"), ("0252", "2"), ("0385", "3")], start=1):
                values = {"account_id": f"pa-{number}", "link_id": f"link-{number}", "sealed": b"", "created_at": NOW}
                connection.execute(CASE.insert().values(case_id=number, school=school, student_key=student, **values))
        yield made


def record(engine: Engine, case: int, *, school: str = "0252", at: datetime = NOW, valid_at: datetime | None = None):
    with writing(engine) as connection:
        moment = advance_clock(connection, school, at)
        fact = NewFact(FactKind.PEOPLE, valid_at or moment, {"columns": []})
        add_facts(connection, [(case, fact)], recorded_at=moment, recorded_by="test")


def mark(engine: Engine, at: datetime = NOW) -> Mark:
    with reading(engine) as connection:
        return mark_of(connection, "0252", at, day_of)


def moved(engine: Engine, since: Mark, at: datetime = NOW) -> bool:
    with reading(engine) as connection:
        return has_moved(connection, since, at, day_of)


def concerned(engine: Engine, earlier: Mark, later: Mark) -> list[str] | None:
    with reading(engine) as connection:
        return students_concerned(connection, earlier, later)


def test_a_fact_of_this_school_moves_it_and_another_schools_does_not(engine: Engine) -> None:
    record(engine, 1)
    before = mark(engine)
    assert not moved(engine, before, NOW + MINUTE)
    record(engine, 3, school="0385")
    assert not moved(engine, before, NOW + MINUTE)
    record(engine, 2)  # in the same moment as the first: the clock alone would not tell
    assert moved(engine, before)
    assert concerned(engine, before, mark(engine)) == ["2"]


def test_what_was_recorded_ahead_moves_it_at_its_moment(engine: Engine) -> None:
    record(engine, 1, valid_at=NOW + 5 * MINUTE)
    record(engine, 2)
    before = mark(engine)
    assert before.due == NOW + 5 * MINUTE
    assert not moved(engine, before, NOW + 4 * MINUTE)
    assert moved(engine, before, NOW + 5 * MINUTE)
    later = mark(engine, NOW + 5 * MINUTE)
    assert concerned(engine, before, later) == ["1"]
    assert not moved(engine, later, NOW + 9 * MINUTE)


def test_a_new_day_at_the_school_and_a_class_moved_concern_everybody(engine: Engine) -> None:
    before = mark(engine)
    midnight = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
    assert not moved(engine, before, midnight - MINUTE)
    assert moved(engine, before, midnight)
    assert concerned(engine, before, mark(engine, midnight)) is None
    with writing(engine) as connection:
        move(connection, "0385", "5А", Stage.PILOT, first=NOW.date(), last=None, now=NOW, by="test")
    assert not moved(engine, before)
    with writing(engine) as connection:
        move(connection, "0252", "5А", Stage.PILOT, first=NOW.date(), last=None, now=NOW, by="test")
    assert moved(engine, before)
    assert concerned(engine, before, mark(engine)) is None
