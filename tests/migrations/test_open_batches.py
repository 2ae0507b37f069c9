"""A batch that was open when the bridge was renewed still gets its outcome: its rows live through the migration."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from database import MIGRATIONS, open_database, reading, upgrade, writing
from delivery.tables import BATCH_ROW

_BEFORE = "0008"
_OPEN = (
    """INSERT INTO record (record_id, school, source_key, student_key, kind, date, revision, held)
    VALUES ('r-1', '0252', 'mark:1', '7', 'current', '2026-10-05', 2, 0)""",
    """INSERT INTO batch (batch_id, school, run, created_at, state, published, withdrawn, students, accounts, body)
    VALUES ('b-1', '0252', 'run', '2026-11-24T09:00:00.000000+00:00', 'open', 1, 0, 1, 1, x'00')""",
    """INSERT INTO batch_row (batch_id, record_id, action, revision, kind, date, digest)
    VALUES ('b-1', 'r-1', 'publish', 2, 'current', '2026-10-05', x'64')""",
)


def test_the_rows_of_an_open_batch_stay(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/bridge.db")
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    with writing(engine) as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, _BEFORE)
        for statement in _OPEN:
            connection.exec_driver_sql(statement)
    upgrade(engine)
    with reading(engine) as connection:
        (row,) = connection.execute(sa.select(BATCH_ROW))
        assert (row.batch_id, row.record_id, row.action, row.revision, row.digest) == ("b-1", "r-1", "publish", 2, b"d")
        assert "body" not in {column["name"] for column in sa.inspect(connection).get_columns("batch")}
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    engine.dispose()
