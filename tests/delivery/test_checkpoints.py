"""Who has which checkpoint, on both databases: the longer one stays, a failing's beginning stays, a success ends it."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes.postgresql import postgresql
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from database import open_database, reading, upgrade, writing
from delivery.checkpoints import Held, holders, note_failing, note_held

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = request.getfixturevalue("server") if request.param == "postgresql" else f"sqlite:///{tmp_path}/bridge.db"
    opened = open_database(url)
    upgrade(opened)
    with writing(opened) as connection:
        connection.exec_driver_sql("DELETE FROM checkpoint_holder")
    yield opened
    opened.dispose()


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def test_what_a_holder_has_and_since_when_it_fails(engine: Engine) -> None:
    def known() -> Held:
        with reading(engine) as connection:
            return holders(connection, "log").get("w", Held())

    steps = [
        (("fail", "timeout", 1), Held(None, None, None, "timeout", minute(1))),
        (("fail", "tls", 2), Held(None, None, None, "tls", minute(1))),
        (("held", 5, 3), Held(5, b"5", minute(3))),
        (("held", 4, 4), Held(5, b"5", minute(3))),
        (("fail", "cut", 5), Held(5, b"5", minute(3), "cut", minute(5))),
        (("held", 4, 6), Held(5, b"5", minute(3))),
        (("held", 9, 7), Held(9, b"9", minute(7))),
    ]
    for (what, value, when), expected in steps:
        with writing(engine) as connection:
            if what == "held":
                note_held(connection, "log", "w", size=value, note=b"%d" % value, now=minute(when))
            else:
                note_failing(connection, "log", "w", trouble=value, now=minute(when))
        assert known() == expected
    with reading(engine) as connection:
        assert holders(connection, "another") == {}


def test_many_writers_at_once_leave_the_longest_and_lose_nothing(engine: Engine) -> None:
    failures: list[Exception] = []

    def work(first: int) -> None:
        try:
            for size in range(first, 60, 4):
                with writing(engine) as connection:
                    note_held(connection, "log", f"w{size % 3}", size=size, note=b"%d" % size, now=minute(size))
        except Exception as error:  # noqa: BLE001  told below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with reading(engine) as connection:
        assert {name: held.size for name, held in holders(connection, "log").items()} == {"w0": 57, "w1": 58, "w2": 59}


@given(st.integers(0, 500), st.one_of(st.none(), st.integers(0, 500)), st.integers(0, 500))
def test_patience_and_dueness(now: int, at: int | None, borne: int) -> None:
    moment = None if at is None else minute(at)
    failing, sent = Held(failing_since=moment), Held(size=3, held_at=moment)
    patience = timedelta(minutes=borne)
    assert failing.out_of_patience(minute(now), patience) == (at is not None and now > at + borne)
    assert sent.is_due(4, minute(now), patience) == (at is None or now >= at + borne)
    assert not sent.is_due(3, minute(now), patience)
