"""Figure 5: how long a withdrawn consent's records stay at the portal while the school's full first run is sending.

The portal, a process of its own, takes a while for each batch and is busy now and then (Throttled, to be asked again in
half a minute). `dnevnik sync` sends in a process of its own; meanwhile consents of links that are open at the portal
are withdrawn at random moments, and a sweep is started every minute as the schedule does. Measured from the commit to
the moment by the portal's own record at which the link was closed and, where nobody else sees them, the student's
records withdrawn. The measurement fails unless every link is found closed there.
"""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from ground import CODE, Ground, dnevnik, make_installation, portal_process

import settings
from consent_registry.acts import Actor, withdraw
from consent_registry.tables import CASE
from database import open_database, writing
from sandbox.portal.misbehaviour import FaultKind, queue_fault
from sandbox.portal.store import connect

SEED = 11
BATCH_RECORDS = 500
SLOW_SECONDS = 0.5
THROTTLED_SECONDS = 30
THROTTLED_EVERY = 60
SWEEP_EVERY = 60


def slow_down(portal: Path) -> None:
    """Let the portal take its time, and be busy now and then."""
    with closing(connect(portal / "portal.sqlite")) as connection:
        for number in range(1, 400):
            if number % THROTTLED_EVERY == 0:
                argument = str(THROTTLED_SECONDS)
                queue_fault(connection, FaultKind.THROTTLED, operation="SubmitJournal", argument=argument)
            else:
                queue_fault(connection, FaultKind.SLOW, operation="SubmitJournal", argument=str(SLOW_SECONDS))


def withdraw_while(run: subprocess.Popen[bytes], config: Path, portal: Path) -> Mapping[str, float]:
    """Withdraw consents until the run ends; returns each link with the moment of its commit."""
    engine = open_database(settings.load(config).bridge.state)
    chance = random.Random(SEED)  # noqa: S311  moments, no secrets
    committed: dict[str, float] = {}
    sweeps: list[subprocess.Popen[bytes]] = []
    swept_at = time.monotonic()
    while run.poll() is None:
        time.sleep(chance.uniform(0.5, 3.5))
        if time.monotonic() - swept_at > SWEEP_EVERY:
            swept_at = time.monotonic()
            sweeps.append(subprocess.Popen([*dnevnik(config), "sweep"], stdout=subprocess.DEVNULL))
        with closing(connect(portal / "portal.sqlite")) as connection:
            rows = connection.execute("SELECT link_id FROM link WHERE active = 1 ORDER BY link_id").fetchall()
        links = [row["link_id"] for row in rows if row["link_id"] not in committed]
        if not links:
            continue
        link = chance.choice(links)
        with writing(engine) as connection:
            now = datetime.now(UTC)
            case = connection.execute(sa.select(CASE).where(CASE.c.link_id == link)).one()
            withdraw(connection, CODE, case.student_key, case.account_id, at=now, actor=Actor("bench", now, UTC))
        committed[link] = time.time()
    for sweep in sweeps:
        sweep.wait()
    engine.dispose()
    return committed


def taken_back(portal: Path, links: Iterable[str]) -> Mapping[str, float]:
    """Return the moment, by the portal, at which nothing was shown by a link any more, for each link."""
    student_of: dict[str, str] = {}
    record_of: dict[str, str] = {}
    ended: dict[str, str] = {}
    withdrawn: dict[str, str] = {}
    with closing(connect(portal / "portal.sqlite")) as connection:
        for act, subject, at, student in connection.execute(
            "SELECT act, subject_id, at, json_extract(content, '$.student_ref') FROM history ORDER BY sequence"
        ):
            if act == "put-link":
                student_of[subject] = student
            elif act == "publish":
                record_of[subject] = student
            elif act == "end-link":
                ended[subject] = at
            else:
                withdrawn[record_of[subject]] = at
    alone = {student for student, number in Counter(student_of.values()).items() if number == 1}
    last = {
        link: max(ended[link], withdrawn.get(student_of[link], "") if student_of[link] in alone else "")
        for link in links
    }
    return {link: datetime.fromisoformat(at).timestamp() for link, at in last.items()}


def main(folder: Path) -> None:
    """Measure and print."""
    ground = Ground(folder)
    own = folder / "withdrawal"
    own.mkdir()
    with portal_process(ground, own / "portal") as url:
        config = make_installation(ground, own / "bridge", url)
        config.write_text(config.read_text().replace("[portal]", f"[portal]\nbatch_records = {BATCH_RECORDS}"))
        slow_down(own / "portal")
        started = time.monotonic()
        with subprocess.Popen([*dnevnik(config), "sync"], stdout=subprocess.DEVNULL) as run:
            committed = withdraw_while(run, config, own / "portal")
        seconds = time.monotonic() - started
        # What was withdrawn in the run's last breath is the next sweep's.
        subprocess.run([*dnevnik(config), "sweep"], check=False, stdout=subprocess.DEVNULL)
        reached = taken_back(own / "portal", committed)
        waited = sorted(reached[link] - at for link, at in committed.items())

    def share(part: float) -> float:
        return waited[min(len(waited) - 1, int(part * len(waited)))]

    print(f"5. a withdrawal during a full run of {seconds:.0f} s to a slow, at times throttled portal")
    print(f"   {len(waited)} withdrawals: p50 {share(0.5):.1f} s, p99 {share(0.99):.1f} s, max {waited[-1]:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
