"""Figure 12: from a PostgreSQL school to frames, by the bridge and by dlt (sql_database into DuckDB), in one run.

The bridge ends with judged records, dlt with a frame of each table's columns as they are: nothing is joined or judged
there. Each turn is a new process, whose clock starts when its packages are imported; dlt has a new folder each time.
dlt, DuckDB, pyarrow and ConnectorX are no dependencies of this project: they are installed into an environment in the
folder, which is gone with it (with DNEVNIK_BENCH_DLT=PYTHON that interpreter is taken instead). dlt runs twice, by its
two Arrow ways: pyarrow over psycopg2, and ConnectorX.

    bench/dlt_rival.py FOLDER [STUDENTS]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ground import CODE, SEED
from rounds import by_turns, middle, ratio, told

STUDENTS, WEEKS = 500, 10
ROUNDS = 5
PACKAGES = ("dlt", "duckdb", "pyarrow", "pandas", "sqlalchemy", "psycopg2-binary", "connectorx")
BACKENDS = ("pyarrow", "connectorx")


def rival_python(folder: Path) -> str:
    """Return the interpreter of an environment with dlt, which is made where none is given."""
    given = os.environ.get("DNEVNIK_BENCH_DLT")
    if given:
        return given
    place = folder / "dlt"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = str(place / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, stderr=subprocess.DEVNULL)
    return python


def versions(python: str) -> str:
    """Return the rival's packages with their versions."""
    code = f"from importlib.metadata import version; print(', '.join(f'{{n}} {{version(n)}}' for n in {PACKAGES!r}))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def answer(command: list[str]) -> Mapping[str, float]:
    """Run a side and return what it measured."""
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(ended.stderr[-2000:])
    measured: Mapping[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return measured


def bridge_side(url: str, day: str) -> None:
    """Read the school at `url` and print what that took."""
    import resource  # noqa: PLC0415  as below

    from connectors.school.read import SchoolSource, read_school  # noqa: PLC0415  the parent needs none of it
    from journal.school import school_year  # noqa: PLC0415
    from mappings.profile import load_profile  # noqa: PLC0415

    today = date.fromisoformat(day)
    start, busy = time.perf_counter(), time.process_time()
    reading = read_school(
        SchoolSource(url), load_profile("paragraf"), code=CODE, window=school_year(today), today=today,
        timezone=ZoneInfo("Europe/Moscow"),
    )  # fmt: skip
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": len(reading.records), "seconds": seconds, "busy": busy, "peak": peak}))


def main(folder: Path, students: int = STUDENTS) -> None:
    """Make the school and the rival's environment, measure by turns, and print."""
    from sandbox.school.writing import make_school  # noqa: PLC0415  the sides need none of it

    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from connectors_school.five_ways import postgresql_ways  # noqa: PLC0415

    python = rival_python(folder)
    today = datetime.now(UTC).date()
    tables = make_school(
        code=CODE, name="Школа", students=students, weeks=WEEKS, seed=SEED, first_day=None, today=today
    )
    with postgresql_ways(tables) as ways:
        url = ways["postgresql"].url
        address = f"postgresql://bridge@{url.partition('host=')[2].replace('/', '%2F')}/postgres"

        def rival(backend: str) -> Mapping[str, float]:
            with tempfile.TemporaryDirectory(dir=folder) as own:
                side = str(Path(__file__).parent / "dlt_side.py")
                return answer([python, side, own, backend, url.replace("+psycopg", "+psycopg2"), address])

        sides = {
            "bridge": lambda: answer([sys.executable, __file__, "--bridge", url, str(today)]),
            BACKENDS[0]: lambda: rival(BACKENDS[0]),
            BACKENDS[1]: lambda: rival(BACKENDS[1]),
        }
        measured = by_turns(sides, ROUNDS)
    mine = measured["bridge"]
    print(f"12. PostgreSQL to frames, {students:,} students, {WEEKS} weeks; {ROUNDS} rounds; {versions(python)}")
    print(f"   bridge, {middle(mine, 'rows'):,.0f} judged records: {told(mine, 'seconds', '.2f')} s; ", end="")
    print(f"CPU {told(mine, 'busy', '.2f')} s; {middle(mine, 'peak'):.0f} MiB")
    for backend in BACKENDS:
        other = measured[backend]
        print(f"   dlt, {backend}, {middle(other, 'rows'):,.0f} rows: {told(other, 'seconds', '.2f')} s, ", end="")
        print(f"of which extracting {middle(other, 'extracted'):.2f}; CPU {told(other, 'busy', '.2f')} s; ", end="")
        print(f"{middle(other, 'peak'):.0f} MiB")
        for figure, title in (("seconds", "time"), ("busy", "CPU")):
            print(f"     dlt / bridge, {title:<5} {ratio(other, mine, figure)}")


if __name__ == "__main__":
    if sys.argv[1] == "--bridge":
        bridge_side(sys.argv[2], sys.argv[3])
    else:
        main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
