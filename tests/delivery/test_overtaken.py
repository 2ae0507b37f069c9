"""A receipt of a batch whose record was told of since: what the ledger then says of it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from sqlalchemy.engine import Engine

from database import reading, writing
from delivery import ledger
from delivery.stragglers import close_as_straggler, settle_straggler
from delivery.tables import RECORD
from journal.records import Receipt

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
RECEIPT = Receipt("b-1", "rc-1", NOW, accepted=1, duplicate=False)
ROW = ledger.BatchRow("r-1", 1, "publish", "mark:1", "7", "current", date(2026, 10, 5), b"d" * 16, None, True)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A batch is stored, and its record told of again under revision 2, by a message that nobody answered."""
    with bridge_database(f"sqlite:///{tmp_path}/bridge.db") as made:
        with writing(made) as connection:
            batch = ledger.StoredBatch("b-1", "0252", "run", NOW, 1, 0)
            ledger.store_batch(connection, batch, [ROW], students=1, accounts=1)
            connection.execute(RECORD.update().values(revision=2))
        yield made


def held(engine: Engine) -> tuple[bool, bytes | None]:
    with reading(engine) as connection:
        shown, digest = connection.execute(sa.select(RECORD.c.held, RECORD.c.digest)).one()
    return shown, digest


def test_what_arrived_late_counts_as_shown_with_unknown_content(engine: Engine) -> None:
    with writing(engine) as connection:
        close_as_straggler(connection, "b-1", "never-arrived", NOW)
        settle_straggler(connection, "b-1", RECEIPT, NOW)
    assert held(engine) == (True, None)


def test_a_reply_in_its_time_says_nothing_of_what_was_told_since(engine: Engine) -> None:
    with writing(engine) as connection:
        ledger.settle_batch(connection, "b-1", RECEIPT, NOW)
    assert held(engine) == (False, None)
