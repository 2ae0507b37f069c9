import stat
from pathlib import Path

from database import open_database, upgrade


def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/var/bridge.db")
    upgrade(engine)
    engine.dispose()
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "var").iterdir()}
    assert modes == {0o600}
