"""One school in which a sync and a withdrawal race, each in a process of its own, one student a round.

Real: the database, the desk of a sync, its reading of consents and storing of intents (`delivery.intent`), and the
withdrawal (`consent_registry.acts`). The sync stops at the boundary `batch-stored`: nothing is logged, nothing sent.
Each student has one parent and one consent; both processes start a round together, but for a few hundred µs.
"""

import hashlib
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from zoneinfo import ZoneInfo

from fakes.memory_portal import MemoryPortal
from sqlalchemy.engine import Connection, Engine

from audit.keys import create_signing_key, load_signing_key
from audit.log import open_log
from consent_registry import fact_store
from consent_registry.acts import Actor, withdraw
from consent_registry.fact_store import NewFact, add_facts, advance_clock
from consent_registry.facts import FactKind
from consent_registry.sealed.vault import Vault
from consent_registry.tables import CASE
from database import open_database, writing
from delivery import intent
from delivery.desk import Desk, SendingTally
from delivery.intent import Content, publish_rows, store_intents
from delivery.limits import Limits
from delivery.patience import Patience, Turns
from flows.bridge import Bridge, School
from flows.steps import at_desk
from journal.school import Enrolment, RosterEntry, SchoolReading, StudentIdentity
from journal.wording import Language

MOSCOW = ZoneInfo("Europe/Moscow")
LONGEST_WAIT = 0.001
"""Seconds by which one of the two may start later."""
PATIENCE = 60.0
"""Seconds after which a process whose partner is gone ends too."""


class StoredError(Exception):
    """An intent was stored, and that is all that this sync does."""


@dataclass(frozen=True)
class Race:
    """What both processes of a school know. `ahead`: by how much the withdrawer's clock is; `gated`: as in life."""

    url: str
    folder: Path
    school: str
    rounds: int
    seed: int
    ahead: timedelta = timedelta(0)
    gated: bool = True

    def students(self) -> list[str]:
        """Return the student of each round."""
        return [str(number) for number in range(self.rounds)]

    def engine(self) -> Engine:
        """Open the database, as a process of its own does."""
        if not self.gated:
            fact_store.gate = intent.gate = _no_gate
        return open_database(self.url)


def _no_gate(_connection: Connection, _school: str) -> None:
    """Let everyone through."""


def prepare(race: Race) -> None:
    """Enter a case for each round, ready to be disclosed."""
    now = datetime.now(UTC) - timedelta(hours=1)
    signed = now.astimezone(MOSCOW).date() - timedelta(days=30)
    at = datetime.combine(signed, time_of_day.min, MOSCOW)
    engine = open_database(race.url)
    with writing(engine) as connection:
        cases = [
            {
                "school": race.school,
                "student_key": student,
                "account_id": f"pa-{student}",
                "account_ref": hashlib.sha256(student.encode()).hexdigest(),
                "link_id": f"{race.school}-link-{student}",
                "sealed": b"",
                "created_at": now,
            }
            for student in race.students()
        ]
        inserted = connection.execute(CASE.insert().returning(CASE.c.case_id), cases)
        moment = advance_clock(connection, race.school, now)
        facts = [(case_id, fact) for case_id in inserted.scalars() for fact in _facts(at, signed, f"consent-{case_id}")]
        add_facts(connection, facts, recorded_at=moment, recorded_by="test")
    engine.dispose()


def _facts(at: datetime, signed: date, reference: str) -> list[NewFact]:
    consent = {
        "consent_ref": reference,
        "text_version": "2026-09",
        "signed_on": signed.isoformat(),
        "in_force_from": signed.isoformat(),
        "records_from": signed.isoformat(),
        "kinds": "",
    }
    return [
        NewFact(FactKind.APPLICATION, at, {"relation": "parent"}),
        NewFact(FactKind.IDENTIFICATION, at, {"by": "test"}),
        NewFact(FactKind.CONSENT, at, consent),
        NewFact(FactKind.REGISTRATION, at, {"by": "test", "consents": [reference]}),
    ]


def run(races: list[Race]) -> list[tuple[int, int]]:
    """Run all races at once; returns for each how many intents were stored, and how many left out as too late."""
    context = get_context("spawn")
    starts = [context.Barrier(2) for _ in races]  # kept until all have ended: a process opens its own by name
    pipes = [context.Pipe(duplex=False) for _ in races]
    processes = []
    for race, start, (_, tell) in zip(races, starts, pipes, strict=True):
        processes.append(context.Process(target=sync, args=(race, start, tell)))
        processes.append(context.Process(target=withdrawer, args=(race, start)))
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError("a process of the race failed; its own words are above")
    return [told.recv() for told, _ in pipes]


def _chance(seed: object) -> random.Random:
    return random.Random(f"{seed}")  # noqa: S311  a test's jitter


def _start_together(start: Barrier, chance: random.Random) -> None:
    start.wait(PATIENCE)
    time.sleep(chance.uniform(0, LONGEST_WAIT))


def withdrawer(race: Race, start: Barrier) -> None:
    """Withdraw the consent of each round's student."""
    engine, chance = race.engine(), _chance(race.seed)
    for student in race.students():
        _start_together(start, chance)
        now = datetime.now(UTC) + race.ahead
        with writing(engine) as connection:
            withdraw(connection, race.school, student, f"pa-{student}", at=now, actor=Actor("test", now, MOSCOW))
    engine.dispose()


def sync(race: Race, start: Barrier, tell) -> None:
    """Store an intent for a record of each round's student, where the consents still permit it."""
    engine, chance = race.engine(), _chance(race.seed + 1)
    bridge = _bridge(race, engine)
    roster = {student: _entry(student) for student in race.students()}
    tally, stored = SendingTally(), 0
    with at_desk(bridge, bridge.school(race.school), "run", lambda: roster) as desk:
        for student in race.students():
            content = _content(student)
            _start_together(start, chance)
            stored += _stores(desk, content, tally)
    engine.dispose()
    tell.send((stored, tally.withheld_late))
    tell.close()


def _stores(desk: Desk, content: Content, tally: SendingTally) -> bool:
    rows = publish_rows([content], desk.new_id)
    try:
        return any(store_intents(desk, rows, {row.record_id: content for row in rows}, tally))
    except StoredError:
        return True


def _content(student: str) -> Content:
    missing = dict.fromkeys(Content._fields)
    said = {
        "source_key": f"mark:{student}",
        "student_key": student,
        "kind": "current",
        "subject": "Физика",
        "date": datetime.now(UTC).date() - timedelta(days=2),
        "value": "5",
        "digest": bytes(16),
    }
    return Content(**(missing | said))


def _entry(student: str) -> RosterEntry:
    this_year = datetime.now(UTC).year
    return RosterEntry(student, date(this_year - 12, 3, 9), (Enrolment(date(this_year - 5, 9, 1), None, "5А"),))


def _bridge(race: Race, engine: Engine) -> Bridge:
    def clock() -> datetime:
        return datetime.now(UTC)

    def stop(boundary: str) -> None:
        if boundary == "batch-stored":
            raise StoredError

    def not_read(*_: object) -> SchoolReading:
        raise AssertionError("no school is read here")

    def no_names() -> list[StudentIdentity]:
        raise AssertionError("no names are read here")

    ids = _chance(f"{race.seed} {race.school}")
    schools: Mapping[str, School] = {race.school: School(race.school, "Школа", "Район", not_read, no_names)}
    return Bridge(
        engine=engine,
        portal=MemoryPortal(clock),
        log=open_log(race.folder / race.school, load_signing_key(create_signing_key(), "test-log"), "test-log"),
        origin="test-log",
        vault=Vault(b"m" * 32),
        schools=schools,
        clock=clock,
        new_id=lambda: f"id-{ids.getrandbits(96):024x}",
        timezone=MOSCOW,
        language=Language.RU,
        limits=Limits(1.0, 10**9, 1.0, 10**9),
        batch_records=1000,
        patience=Patience(),
        turns=Turns(engine, 100_000),
        software="dnevnik-bridge/test",
        boundary=stop,
    )
