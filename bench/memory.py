"""Figure 9: what sending takes of memory, from 10,000 to 1,000,000 records.

One process a size: made-up frames of that many records go through plan and sending into a new ledger and audit log, to
a portal in the same process that keeps nothing. Told are the bytes that the plan's frame has for a record, and by how
much the process grew at its peak while it sent: the first grows with the records, the second must not.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
from ground import CODE

from audit.keys import create_signing_key, load_signing_key
from audit.log import open_log
from connectors.portal.batch import prepare
from consent_registry.decision import Grant
from database import open_database, upgrade
from delivery.content import content_digests
from delivery.desk import Desk, SendingTally
from delivery.lease import wait_for_lease
from delivery.patience import Patience, Turns
from delivery.plan import LEDGER_COLUMNS, plan_records
from delivery.send import send_publications
from journal.records import BatchItem, PreparedBatch, Receipt
from journal.vocabulary import RecordKind, WithdrawReason

SIZES = (10_000, 100_000, 1_000_000)
BATCH_RECORDS = 1000
STUDENTS = 1000
MIB = 2**20
DAY = date(2026, 9, 1)


class ForgetfulPortal:
    """Takes every batch in its final form, and keeps nothing of it."""

    def prepare(self, school: str, items: Sequence[BatchItem], created_at: datetime) -> PreparedBatch:
        """Give a batch its form as the real connector does."""
        return prepare(school, items, created_at)

    def submit(self, batch: PreparedBatch) -> Receipt:
        """Take everything."""
        return Receipt(batch.batch_id, batch.batch_id[:32], datetime.now(UTC), batch.record_count, duplicate=False)


def made_up(size: int) -> pd.DataFrame:
    """Return records as a school's reading has them, permitted, with their digests."""
    numbers = np.arange(size)
    records = pd.DataFrame(
        {
            "source_key": pd.Series(numbers, dtype="str"),
            "student_key": pd.Series(numbers % STUDENTS, dtype="str"),
            "kind": pd.Series(["current"] * size, dtype="str"),
            "subject": pd.Series(["Алгебра"] * size, dtype="str"),
            "date": (pd.Timestamp(DAY) + pd.to_timedelta(numbers % 80, unit="D")).astype("datetime64[s]"),
            "lesson_number": pd.Series(numbers % 8, dtype="Int16"),
            "value": pd.Series((numbers % 4 + 2).astype(str), dtype="str"),
            "weight": pd.Series(["1"] * size, dtype="str"),
            "work": pd.Series(["Контрольная работа"] * size, dtype="str"),
            "comment": pd.Series([None] * size, dtype="str"),
            "entered_at": pd.Series([pd.Timestamp(DAY, tz="UTC")] * size, dtype="datetime64[s, UTC]"),
        }
    )
    return records.assign(permitted=True, reason=None, digest=content_digests(records, b"k" * 32))


def resident() -> int:
    """Return the bytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak() -> int:
    """Return the most bytes that this process had in memory since the peak was last forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def measure(size: int, folder: Path) -> tuple[float, float, float]:
    """Send so many records; returns bytes of the frame a record, MiB before sending, and MiB by which sending grew."""
    engine = open_database(f"sqlite:///{folder}/bridge.db")
    upgrade(engine)
    log = open_log(folder / "audit", load_signing_key(create_signing_key(), "bench"), "bench")
    kinds = frozenset(RecordKind)
    ids = count(1)

    def clock() -> datetime:
        return datetime.now(UTC)

    def grounds(_connection: object, students: Sequence[str], _now: datetime) -> list[Grant]:
        return [
            Grant(CODE, student, f"a-{student}", f"l-{student}", f"c-{student}", "1", kinds, DAY, None, DAY, None)
            for student in students
        ]

    desk = Desk(
        engine=engine,
        portal=ForgetfulPortal(),
        log=log,
        clock=clock,
        new_id=lambda: hashlib.sha256(b"%d" % next(ids)).hexdigest()[:32],
        school=CODE,
        run="bench",
        software="bench/1",
        lease=wait_for_lease(engine, CODE, "bench", clock, tries=1),
        patience=Patience(),
        turns=Turns(engine, 10**9),
        grounds_now=grounds,
        in_pilot_now=lambda _connection, _now: lambda _student: True,
        day_of=lambda moment: moment.date(),
    )
    ledger = pd.DataFrame(columns=[*LEDGER_COLUMNS, "permitted", "reason"]).astype({"held": bool, "permitted": bool})
    plan = plan_records(
        made_up(size),
        pd.DataFrame(columns=["source_key", "student_key", "reason"], dtype="str"),
        ledger.astype({"source_key": "str", "student_key": "str"}),
        None,
        withdraw_reason=WithdrawReason,
        limited_reasons=frozenset(),
        takes_back=frozenset(),
    )
    bytes_a_record = plan.publish.memory_usage(deep=True).sum() / size
    tally = SendingTally()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew from here
    before = resident()
    send_publications(desk, plan.publish, BATCH_RECORDS, tally)
    if tally.sent != size:
        raise RuntimeError(f"{tally.sent} of {size} were sent: {tally.stopped_by}")
    peak = next(
        int(line.split()[1]) * 1024 for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    )
    return float(bytes_a_record), before / MIB, (peak - before) / MIB


def main() -> None:
    """Measure each size in a process of its own, and print."""
    print("9. Memory while sending, batches of 1,000, ledger and audit log on the disk")
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="dnevnik-bench-") as folder:
            told = subprocess.run(
                [sys.executable, __file__, folder, str(size)], check=True, capture_output=True, text=True
            ).stdout
        print(f"   {size:>9,} records: {told.strip()}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        a_record, began, grew = measure(int(sys.argv[2]), Path(sys.argv[1]))
        print(f"frame {a_record:.0f} bytes a record; {began:.0f} MiB before, {grew:.0f} MiB more while sending")
    else:
        main()
