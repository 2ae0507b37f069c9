"""A lease that a dead process held is free at once."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from database import open_database, upgrade, writing
from delivery.lease import SchoolBusyError, take_lease

HOLDER = """
import signal, sys
from datetime import UTC, datetime
from database import open_database, writing
from delivery.lease import take_lease
with writing(open_database(sys.argv[1])) as connection:
    take_lease(connection, "0252", "a run", datetime.now(UTC))
print("taken", flush=True)
signal.pause()
"""


def test_a_killed_holder_that_nobody_buried_blocks_no_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bridge.db"
    engine = open_database(url)
    upgrade(engine)
    with subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "taken\n"
        with pytest.raises(SchoolBusyError), writing(engine) as connection:
            take_lease(connection, "0252", "another run", datetime.now(UTC))
        holder.kill()
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # it has died, and stays a zombie
        with writing(engine) as connection:
            assert take_lease(connection, "0252", "another run", datetime.now(UTC)).fence == 2
    engine.dispose()
