"""`dnevnik sandbox`: a school, a register and a portal from the command line."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from worlds.command_line import Run

DNEVNIK = Path(sys.executable).parent / "dnevnik"


def test_a_school_and_its_register(run: Run, tmp_path: Path) -> None:
    school, register = tmp_path / "school.fdb", tmp_path / "register.csv"
    ended = run("sandbox", "school", "--students", "9", "--weeks", "1", "--seed", "3", "--code", "0385", school)
    assert (ended.status, ended.err) == (0, "")
    assert "STUDENT 9" in ended.out
    assert run("sandbox", "school", school).status == 2
    assert run("sandbox", "register", school, register, "--code", "0385").status == 0
    assert register.read_text(encoding="utf-8").splitlines()[1].startswith("0385;")
    assert run("sandbox", "register", tmp_path / "absent.fdb", register).status == 2
    assert run("sandbox", "school", "--students", "0", tmp_path / "other.fdb").status == 2


def test_faults_are_queued_for_a_portal(run: Run, tmp_path: Path) -> None:
    ended = run("sandbox", "fault", "cut-after", "--folder", tmp_path, "--operation", "SubmitJournal", "--times", "2")
    assert (ended.status, ended.err) == (0, "")
    with sqlite3.connect(tmp_path / "portal.sqlite") as connection:
        rows = connection.execute("SELECT operation, fault, times FROM faults").fetchall()
    connection.close()
    assert rows == [("SubmitJournal", "cut-after", 2)]
    for arguments in (["melt"], ["throttled", "--argument", "soon"]):
        ended = run("sandbox", "fault", *arguments, "--folder", tmp_path)
        assert ended.status == 2
        assert len(ended.err.splitlines()) == 1


def test_a_portal_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    portal = subprocess.Popen(
        [str(DNEVNIK), "sandbox", "portal", "--folder", str(tmp_path / "portal"), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    )
    with portal:
        assert portal.stdout is not None
        assert portal.stdout.readline().startswith("https://127.0.0.1:")
        portal.send_signal(signal.SIGTERM)
        assert portal.wait(timeout=20) == 0
