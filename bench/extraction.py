"""Figure 1: reading a school's journal, against the bare driver that fetches the rows of the same queries.

Each side opens the database, runs all queries of the journal in one transaction, and closes it. The bare side stops at
the driver's tuples; the bridge ends with typed, decoded, judged records in frames.
"""

import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from firebird.driver import connect
from ground import CODE, Ground
from rounds import by_turns, ratio, told

from connectors.school.embedded import use_embedded_firebird
from connectors.school.read import SchoolSource, read_school
from journal.school import school_year
from mappings.profile import load_profile
from mappings.raw import JOURNAL_TABLES

ROUNDS = 7
MOSCOW = ZoneInfo("Europe/Moscow")


def main(folder: Path) -> None:
    """Measure and print."""
    ground = Ground(folder)
    use_embedded_firebird()
    profile = load_profile("paragraf")
    today = datetime.now(UTC).astimezone(MOSCOW).date()
    window = school_year(today)
    statements = [profile.statement(table.name, "firebird", "qmark") for table in JOURNAL_TABLES]
    days = {"first": window.first, "last": window.last}

    def bare() -> Mapping[str, float]:
        start = time.perf_counter()
        connection = connect(str(ground.school), user="SYSDBA", charset="WIN1251")
        rows = 0
        try:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement.sql, [days[name] for name in statement.parameters])
                rows += len(cursor.fetchall())
            cursor.close()
        finally:
            connection.close()
        seconds = time.perf_counter() - start
        return {"rows": rows, "seconds": seconds, "rate": rows / seconds}

    rows = int(bare()["rows"])

    def bridge() -> Mapping[str, float]:
        start = time.perf_counter()
        source = SchoolSource(f"file:{ground.school}", None)
        reading = read_school(source, profile, code=CODE, window=window, today=today, timezone=MOSCOW)
        seconds = time.perf_counter() - start
        return {"records": len(reading.records), "seconds": seconds, "rate": rows / seconds}

    records = int(bridge()["records"])
    measured = by_turns({"bare": bare, "bridge": bridge}, ROUNDS)
    print(f"1. extraction, {rows:,} rows of {len(JOURNAL_TABLES)} queries, {records:,} records; {ROUNDS} rounds")
    print(f"   bare firebird-driver, tuples   {told(measured['bare'], 'rate')} rows/s")
    print(f"   bridge, records in frames      {told(measured['bridge'], 'rate')} rows/s")
    print(f"   bridge / bare                  {ratio(measured['bridge'], measured['bare'], 'rate', most=True)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
