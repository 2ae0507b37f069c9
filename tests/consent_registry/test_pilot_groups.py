"""Classes moved from stage to stage, on both databases."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
import sqlalchemy as sa
from fakes.postgresql import postgresql
from sqlalchemy.engine import Engine

from consent_registry.pilot.admission import WHOLE_SCHOOL, Pilot, PilotGroup, Stage
from consent_registry.pilot.groups import groups_of, move, moves_of, pilot_of
from consent_registry.tables import CLOCK, PILOT
from database import gate, open_database, reading, upgrade, writing
from journal.wording import BridgeError, Language

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST, LAST = date(2026, 9, 1), date(2027, 5, 31)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty registry in a database of either kind."""
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{tmp_path}/bridge.db")
    else:
        engine = open_database(request.getfixturevalue("server"))
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    upgrade(engine)
    yield engine
    engine.dispose()


def moved(
    engine: Engine,
    class_name: str,
    stage: Stage,
    *,
    first: date = FIRST,
    last: date | None = None,
    now: datetime = NOW,
    school: str = "0252",
) -> bool:
    with writing(engine) as connection:
        return move(connection, school, class_name, stage, first=first, last=last, now=now, by="staff-1")


def test_what_was_recorded_is_who_takes_part(engine: Engine) -> None:
    assert moved(engine, " 5  «А» ", Stage.PREPARE)
    assert moved(engine, "5А", Stage.PILOT, last=LAST, now=NOW + HOUR)
    assert moved(engine, WHOLE_SCHOOL, Stage.REGULAR, now=NOW + HOUR)
    assert moved(engine, "1А", Stage.PILOT, school="0253")
    expected = (
        PilotGroup("0252", "5 «А»", Stage.PREPARE, FIRST),
        PilotGroup("0252", "5А", Stage.PILOT, FIRST, LAST),
        PilotGroup("0252", WHOLE_SCHOOL, Stage.REGULAR, FIRST),
    )
    with reading(engine) as connection:
        assert groups_of(connection, "0252") == expected
        assert groups_of(connection, "0252", NOW) == expected[:1]
        assert groups_of(connection, "0252", NOW - HOUR) == ()
        assert pilot_of(connection, "0252", frozenset({"5А"})) == Pilot(frozenset({"5А"}), expected)
        assert not pilot_of(connection, "0252", known_at=NOW).admits(("5А",), FIRST)
        assert pilot_of(connection, "0252").admits(("5А",), LAST)
        assert not pilot_of(connection, "0254").restricts
        newest = moves_of(connection, "0252")[-1]
    assert (newest.recorded_at, newest.by) == (NOW + HOUR, "staff-1")


def test_the_same_again_changes_nothing_and_going_back_is_a_move(engine: Engine) -> None:
    assert moved(engine, "5А", Stage.PILOT, last=LAST)
    assert not moved(engine, "5-a", Stage.PILOT, last=LAST)  # Latin a: the same class
    assert moved(engine, "5А", Stage.PILOT)
    assert moved(engine, "5А", Stage.PILOT, last=LAST)
    assert moved(engine, WHOLE_SCHOOL, Stage.PILOT, last=LAST)  # not what counts for 5А
    assert not moved(engine, WHOLE_SCHOOL, Stage.PILOT, last=LAST)
    assert moved(engine, "5Б", Stage.PILOT, last=LAST)  # a group of its own, though the school's says the same
    with reading(engine) as connection:
        assert len(groups_of(connection, "0252")) == 5


@pytest.mark.parametrize(
    ("class_name", "last", "code"),
    [
        ("5А", FIRST - timedelta(days=1), "pilot-days-reversed"),
        ("  ", None, "class-name-wrong"),
        ("«—»", None, "class-name-wrong"),
        ("5" * 101, None, "class-name-wrong"),
    ],
)
def test_what_makes_no_sense_is_refused_in_both_languages(
    engine: Engine, class_name: str, last: date | None, code: str
) -> None:
    with pytest.raises(BridgeError) as refused:
        moved(engine, class_name, Stage.PILOT, last=last)
    assert refused.value.code == code
    assert all("0252" in refused.value.say(language) for language in Language)
    with reading(engine) as connection:
        assert groups_of(connection, "0252") == ()


def test_a_single_day_is_in_order(engine: Engine) -> None:
    assert moved(engine, "5" * 100, Stage.PILOT, last=FIRST)


def test_a_clock_behind_the_registry_records_nothing(engine: Engine) -> None:
    assert moved(engine, "5А", Stage.PILOT)
    with pytest.raises(BridgeError, match="clock-back"):
        moved(engine, "5Б", Stage.PILOT, now=NOW - HOUR)
    with writing(engine) as connection:  # the clock is the whole registry's, not the pilot's alone
        connection.execute(CLOCK.insert().values(school="0253", recorded_at=NOW))
    with pytest.raises(BridgeError, match="clock-back"):
        moved(engine, "5Б", Stage.PILOT, now=NOW - HOUR, school="0253")
    with reading(engine) as connection:
        assert len(groups_of(connection, "0252")) == 1
        assert groups_of(connection, "0253") == ()


def test_a_clock_a_little_behind_counts_as_the_newest_moment(engine: Engine) -> None:
    assert moved(engine, "5А", Stage.PILOT)
    assert moved(engine, "5Б", Stage.PILOT, now=NOW - timedelta(seconds=5))
    with reading(engine) as connection:
        assert [one.recorded_at for one in moves_of(connection, "0252")] == [NOW, NOW]


def test_a_move_waits_for_an_intent_that_read_the_groups_before_it(engine: Engine) -> None:
    moved(engine, "5А", Stage.PILOT)
    done = Event()

    def stop() -> None:
        moved(engine, "5А", Stage.PREPARE)
        done.set()

    other = Thread(target=stop)
    with writing(engine) as connection:
        gate(connection, "0252")
        read = groups_of(connection, "0252")
        other.start()
        assert not done.wait(0.5)
        assert groups_of(connection, "0252") == read  # what the intent is stored upon still stands
    other.join(30)
    assert done.is_set()
    with reading(engine) as connection:
        assert not pilot_of(connection, "0252").admits(("5А",), FIRST)


def test_a_naive_moment_is_refused(engine: Engine) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        moved(engine, "5А", Stage.PILOT, now=naive)
    with reading(engine) as connection, pytest.raises(ValueError, match="time zone"):
        groups_of(connection, "0252", naive)


def test_a_move_can_be_neither_changed_nor_deleted(engine: Engine) -> None:
    moved(engine, "5А", Stage.PILOT)
    for statement in (PILOT.update().values(stage="regular"), PILOT.delete()):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(engine) as connection:
            connection.execute(statement)
