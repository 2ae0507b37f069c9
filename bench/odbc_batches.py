"""Figure 13: what the bridge's own blocks bring through ODBC beside Arrow batches (arrow-odbc) and the rows of pyodbc.

The same queries of the same school through the same ODBC drivers: pyodbc's `fetchall` to tuples, arrow-odbc to Arrow
batches, neither made anything of; the bridge to the typed frames of `mappings.raw`, in its snapshot. arrow-odbc brings
pyarrow, with which pandas keeps all texts in another way: so it is installed into an environment in the folder (with
DNEVNIK_BENCH_ARROW=PYTHON that interpreter is taken instead).

    bench/odbc_batches.py FOLDER [STUDENTS]
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ground import CODE, SEED
from rounds import by_turns, middle, ratio, told

STUDENTS, WEEKS = 500, 10
ROUNDS = 5
BATCH_ROWS, TEXT_BYTES, BATCH_BYTES = 10_000, 4096, 2**26
DIALECTS = {"postgresql-odbc": "postgresql", "mariadb-odbc": "mysql"}
Queries = Sequence[tuple[str, Sequence[str]]]


def with_arrow(connection_string: str, queries: Queries) -> int:
    """Fetch all rows as Arrow batches."""
    import arrow_odbc  # type: ignore[import-not-found]  # noqa: PLC0415  not in this project's environment

    connection = arrow_odbc.connect(connection_string, autocommit=False)
    return sum(
        batch.num_rows
        for sql, values in queries
        for batch in connection.read_arrow_batches(
            sql, BATCH_ROWS, values or None, max_text_size=TEXT_BYTES, max_bytes_per_batch=BATCH_BYTES
        )
    )


def with_rows(connection_string: str, queries: Queries) -> int:
    """Fetch all rows as tuples."""
    import pyodbc  # noqa: PLC0415  not in the other environment

    connection = pyodbc.connect(connection_string, autocommit=False)
    try:
        return sum(len(connection.cursor().execute(sql, *values).fetchall()) for sql, values in queries)
    finally:
        connection.close()


def with_blocks(connection_string: str, _queries: Queries) -> int:
    """Read all tables as the bridge does; its queries are the same."""
    from connectors.school.open import open_snapshot  # noqa: PLC0415  not in the other environment
    from connectors.school.source import SchoolSource  # noqa: PLC0415  likewise
    from journal.school import school_year  # noqa: PLC0415  likewise
    from mappings.profile import load_profile  # noqa: PLC0415  likewise
    from mappings.raw import JOURNAL_TABLES  # noqa: PLC0415  likewise

    window, profile = school_year(datetime.now(UTC).date()), load_profile("paragraf")
    with open_snapshot(SchoolSource(f"odbc:{connection_string}"), CODE) as snapshot:
        return sum(len(snapshot.read(table, profile, window)) for table in JOURNAL_TABLES)


def side(name: str, connection_string: str, queries: Queries) -> None:
    """Fetch once to have everything loaded, then once by the clock, and print."""
    fetch = {"arrow": with_arrow, "rows": with_rows, "blocks": with_blocks}[name]
    fetch(connection_string, queries)
    start, busy = time.perf_counter(), time.process_time()
    rows = fetch(connection_string, queries)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    print(json.dumps({"rows": rows, "rate": rows / seconds, "busy": busy / rows * 1e6}))


def main(folder: Path, students: int = STUDENTS) -> None:
    """Measure both through each driver, and print."""
    from journal.school import school_year  # noqa: PLC0415  the sides need none of it
    from mappings.profile import load_profile  # noqa: PLC0415
    from mappings.raw import JOURNAL_TABLES  # noqa: PLC0415
    from sandbox.school.writing import make_school  # noqa: PLC0415

    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from connectors_school.five_ways import mariadb_ways, postgresql_ways  # noqa: PLC0415

    arrow = os.environ.get("DNEVNIK_BENCH_ARROW")
    if not arrow:
        subprocess.run([sys.executable, "-m", "venv", str(folder / "arrow")], check=True)
        arrow = str(folder / "arrow" / "bin" / "python")
        subprocess.run([arrow, "-m", "pip", "install", "-q", "arrow-odbc"], check=True, stderr=subprocess.DEVNULL)
    today = datetime.now(UTC).date()
    window, profile = school_year(today), load_profile("paragraf")
    days = {"first": str(window.first), "last": str(window.last)}
    tables = make_school(
        code=CODE, name="Школа", students=students, weeks=WEEKS, seed=SEED, first_day=None, today=today
    )
    print(f"13. ODBC, {students:,} students, {WEEKS} weeks; {ROUNDS} rounds; CPU of the process in us a row")
    with postgresql_ways(tables) as ways, mariadb_ways(tables) as more:
        for name, dialect in DIALECTS.items():
            statements = [profile.statement(table.name, dialect, "qmark") for table in JOURNAL_TABLES]
            queries = json.dumps([(one.sql, [days[part] for part in one.parameters]) for one in statements])
            address = {**ways, **more}[name].url.removeprefix("odbc:")

            def fetched(python: str, which: str, address: str = address, queries: str = queries) -> Mapping[str, float]:
                command = [python, __file__, "--side", which, address, queries]
                answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                measured: Mapping[str, float] = json.loads(answer)
                return measured

            rows, batches, blocks = f"{name}, pyodbc", f"{name}, arrow-odbc", f"{name}, bridge"
            measured = by_turns(
                {
                    rows: lambda: fetched(sys.executable, "rows"),
                    batches: lambda: fetched(arrow, "arrow"),
                    blocks: lambda: fetched(sys.executable, "blocks"),
                },
                ROUNDS,
            )
            for title, mine in measured.items():
                print(f"   {title:<28} {middle(mine, 'rows'):,.0f} rows; {told(mine, 'rate')} rows/s; ", end="")
                print(f"CPU {told(mine, 'busy', '.2f')}")
            for title in (batches, blocks):
                print(f"     rows/s, {title} / pyodbc {ratio(measured[title], measured[rows], 'rate', most=True)}")


if __name__ == "__main__":
    if sys.argv[1] == "--side":
        side(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
    else:
        main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
