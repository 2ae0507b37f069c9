"""A sync against a withdrawal, thousands of times: no intent is stored after the withdrawal was committed.

Two processes a school, on PostgreSQL, which itself tells when each transaction was committed.
"""

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import PG_CTL, postgresql
from sqlalchemy.engine import Engine
from worlds.racing_school import Race, prepare, run

INTERLEAVINGS = 100_000 if os.environ.get("DNEVNIK_SOAK") == "1" else 10_000
WITHOUT_GATE = 400

COMMITS = sa.text("""
SELECT pg_xact_commit_timestamp(registry_fact.xmin) AS withdrawn,
       (SELECT pg_xact_commit_timestamp(batch.xmin)
          FROM record JOIN batch_row USING (record_id) JOIN batch USING (batch_id)
         WHERE record.school = registry_case.school AND record.student_key = registry_case.student_key) AS intended
  FROM registry_case JOIN registry_fact USING (case_id)
 WHERE registry_fact.kind = 'withdrawal'""")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server that remembers when each transaction was committed."""
    with postgresql() as url:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("ALTER SYSTEM SET track_commit_timestamp = on")
            data = Path(connection.exec_driver_sql("SHOW data_directory").scalar_one())
        engine.dispose()
        again = [PG_CTL, "restart", "-D", data, "-s", "-w", "-l", data.parent / "log"]
        subprocess.run(again, check=True, user=data.stat().st_uid if os.geteuid() == 0 else None, cwd="/")
        yield url


@pytest.fixture
def database(server: str) -> Iterator[Engine]:
    with bridge_database(server) as engine:
        yield engine


def raced(database: Engine, races: list[Race]) -> tuple[list[tuple[int, int]], list[sa.Row]]:
    """Run races; returns what the syncs did, and when each withdrawal and intent was committed."""
    for race in races:
        prepare(race)
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    done = run(races)
    with database.connect() as connection:
        return done, list(connection.execute(COMMITS))


@pytest.mark.timeout(3600)
def test_no_intent_is_stored_after_the_withdrawal_was_committed(server: str, database: Engine, tmp_path: Path) -> None:
    rounds = INTERLEAVINGS // 2
    ahead = timedelta(seconds=20)
    races = [
        Race(server, tmp_path, "0252", rounds, seed=1),
        Race(server, tmp_path, "0253", rounds, seed=3, ahead=ahead),
    ]

    done, commits = raced(database, races)

    stored = [row for row in commits if row.intended is not None]
    assert [row for row in stored if row.intended > row.withdrawn] == []
    assert len(commits) == INTERLEAVINGS
    assert sum(intents for intents, _ in done) == len(stored)
    for intents, too_late in done:
        assert intents + too_late == rounds
        assert min(intents, too_late) >= rounds / 5  # both orders occur


def test_without_the_gate_the_same_race_stores_intents_too_late(server: str, database: Engine, tmp_path: Path) -> None:
    _, commits = raced(database, [Race(server, tmp_path, "0252", WITHOUT_GATE, seed=1, gated=False)])
    assert any(row.intended is not None and row.intended > row.withdrawn for row in commits)
