"""Figure 11: what reading a whole year of a large school takes of memory, whatever the database.

A school of 3,000 students and 36 weeks, read whole into judged records in a process of its own. Told are the process'
peak of resident memory, Python and its packages included, and its CPU. A Firebird file's engine, and SQLite, are in
that process with their caches; a server is not. `bench/reading_memory.py FOLDER [STUDENTS]`.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ground import CODE, SEED

LAST_DAY = date(2027, 5, 14)
BEFORE_ALL = date(2026, 8, 31)
"""A day on which every fact of that year lies in the future: each is set aside and has a finding."""
STUDENTS, WEEKS = 3000, 36
LIMIT_MIB = 400


def measure(url: str, today: date = LAST_DAY) -> None:
    """Read the school at `url` as on `today` and print what it took."""
    from connectors.school.read import SchoolSource, read_school  # noqa: PLC0415  the parent stays small
    from journal.school import school_year  # noqa: PLC0415
    from mappings.profile import load_profile  # noqa: PLC0415

    busy = time.process_time()
    reading = read_school(
        SchoolSource(url), load_profile("paragraf"), code=CODE, window=school_year(LAST_DAY), today=today,
        timezone=ZoneInfo("Europe/Moscow"),
    )  # fmt: skip
    busy = time.process_time() - busy
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
    facts = len(reading.records) + len(reading.set_aside)
    print(f"{peak} MiB at the peak; {facts:,} facts, {len(reading.records):,} records; {busy:.1f} s of CPU")


def main(folder: Path, students: int) -> None:
    """Make the school in each database, and measure each way in."""
    from sandbox.school import database  # noqa: PLC0415  as above
    from sandbox.school.writing import make_school  # noqa: PLC0415  as above

    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from connectors_school.five_ways import (  # noqa: PLC0415
        Way,
        mariadb_ways,
        postgresql_ways,
        sqlite_ways,
    )

    own = folder / "memory"
    own.mkdir()
    tables = make_school(
        code=CODE, name="Школа", students=students, weeks=WEEKS, seed=SEED, first_day=None, today=LAST_DAY
    )
    print(f"11. memory while reading, {students:,} students, {WEEKS} weeks; the aim is under {LIMIT_MIB} MiB")
    database.create(own / "school.fdb", tables)
    told({"firebird-file": Way(f"file:{own / 'school.fdb'}")})
    told({"set aside wholesale": Way(f"file:{own / 'school.fdb'}")}, BEFORE_ALL)
    told(sqlite_ways(own, tables))
    with postgresql_ways(tables) as ways:
        told(ways)
    with mariadb_ways(tables) as ways:
        told(ways)


def told(ways: Mapping[str, Any], today: date = LAST_DAY) -> None:
    """Measure each way in, in a process of its own, and print."""
    for name, way in ways.items():
        command = [sys.executable, __file__, way.url, str(today)]
        line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(f"   {name:<20} {line.strip()}", flush=True)


if __name__ == "__main__":
    if Path(sys.argv[1]).is_dir():
        main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else STUDENTS)
    else:
        measure(sys.argv[1], *map(date.fromisoformat, sys.argv[2:3]))
