from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import consent_registry.tables  # its tables join METADATA
import delivery.tables  # likewise
from database import METADATA, open_database, reading, upgrade

ROOMS = (consent_registry.tables, delivery.tables)


def test_the_migrations_make_the_tables_that_the_code_declares(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/bridge.db")
    upgrade(engine)
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    assert METADATA.tables
    engine.dispose()


def test_an_upgraded_database_is_left_as_it_is(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/bridge.db")
    upgrade(engine)
    before = (tmp_path / "bridge.db").read_bytes()
    upgrade(engine)
    assert (tmp_path / "bridge.db").read_bytes() == before
    engine.dispose()
