"""Figure 2: SubmitJournal from records in memory to a verified receipt: the bridge against zeep and xmlsec.

All talk to one sandbox portal in a process of its own, by TLS with client certificates. Each turn sends the same
records under ids of its own, so the portal has the same work each time. `bridge` is the connector alone; it also holds
each batch against the schema before it is sent, and judges the reply's certificate, age and shape, as zeep does not.
`delivery` is all of sending as a sync does it, ledger and audit log included: consents read again, the batch and its
disclosures stored durably before a byte is sent, the outcome after; once with the log in a folder, once in the bridge's
own database. The records are once those of a first run (students one after the other, with all they have), once those
of a night (a few records of many students).
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
from ground import CODE, Ground, make_installation, portal_process
from plain_client import PlainClient
from rounds import by_turns, ratio, told

import settings as configuration
from connectors.portal.soap_portal import PortalConnection, SoapPortal
from connectors.school.read import SchoolSource, read_school
from delivery.desk import Desk, SendingTally
from delivery.send import send_publications
from flows.assembly import assemble
from flows.standing_grounds import while_standing
from flows.steps import TakingBack, at_desk, look_at
from journal.records import Publish
from journal.school import school_year
from journal.vocabulary import RecordKind
from mappings.profile import load_profile

ROUNDS = 7
BATCH_RECORDS = 1000
MOSCOW = ZoneInfo("Europe/Moscow")
SHAPES = {"a first run": (True, 20), "a night": (False, 5)}
"""By name, whether the records are whole students, and how many batches a turn sends: fewer than a school's first run
has, and about what is new in a night."""
TITLES = {
    "plain": "zeep and xmlsec",
    "bridge": "bridge, the connector",
    "delivery": "bridge, delivery, log in a folder",
    "shared": "bridge, delivery, one database",
}
NAMES = {
    "record_id": "recordId",
    "revision": "revision",
    "student_ref": "studentRef",
    "kind": "kind",
    "subject": "subject",
    "date": "date",
    "lesson_number": "lessonNumber",
    "value": "value",
    "weight": "weight",
    "work": "work",
    "comment": "comment",
    "entered_at": "enteredAt",
}


def chosen(frame: pd.DataFrame, wanted: int, *, whole: bool) -> pd.DataFrame:
    """Return so many records of a frame: of whole students, or of any."""
    if whole:
        frame = frame.sort_values(["student_key", "source_key"], kind="stable").head(wanted)
        return frame.reset_index(drop=True)
    return frame.sample(wanted, replace=True, random_state=1).reset_index(drop=True)


def read_records(ground: Ground) -> pd.DataFrame:
    """Return the school's records as the bridge reads them."""
    today = datetime.now(UTC).astimezone(MOSCOW).date()
    source = SchoolSource(f"file:{ground.school}", None)
    reading = read_school(
        source, load_profile("paragraf"), code=CODE, window=school_year(today), today=today, timezone=MOSCOW
    )
    return reading.records


def made_publications(frame: pd.DataFrame) -> list[Publish]:
    """Return records as the connector takes them, with made-up opaque ids."""
    return [_publish(number, row) for number, row in enumerate(frame.to_dict("records"))]


def _publish(number: int, row: Mapping[str, object]) -> Publish:
    held = {name: None if pd.isna(value) else value for name, value in row.items()}
    return Publish(
        record_id=f"{number:032x}",
        revision=1,
        student_ref=f"{int(str(held['student_key'])):032x}",
        kind=RecordKind(str(held["kind"])),
        subject=str(held["subject"]),
        date=held["date"].date(),
        lesson_number=held["lesson_number"] and int(held["lesson_number"]),
        value=held["value"],
        weight=held["weight"],
        work=held["work"],
        comment=held["comment"],
        entered_at=held["entered_at"] and held["entered_at"].to_pydatetime(),
    )


def as_zeep(record: Publish) -> dict[str, object]:
    """Return a record as zeep takes it."""
    fields = record._asdict() | {"kind": str(record.kind)}
    return {"publish": {NAMES[name]: value for name, value in fields.items() if value is not None}}


@contextmanager
def at_the_desk(ground: Ground, folder: Path, url: str, log: str | None) -> Iterator[tuple[Desk, pd.DataFrame]]:
    """Give a new installation's desk as a sync has it, and what its first plan would publish.

    `log`: where it is kept, as `make_installation` takes it.
    """
    config = make_installation(ground, folder, url, log)
    bridge = assemble(configuration.load(config))
    school, now = bridge.school(CODE), bridge.clock()
    read = school.read(school_year(bridge.today(now)), bridge.today(now))
    roster = dict(read.roster)
    with at_desk(bridge, school, bridge.new_id(), lambda: roster) as desk:
        look = look_at(bridge, school, read, roster, now)
        first = TakingBack(bridge, school, desk, roster)
        first.start_from_here()
        first.look = look
        grounds_now = while_standing(look.standing, bridge.today, desk.grounds_now)
        yield replace(desk, first=first, grounds_now=grounds_now), look.records.publish
    bridge.portal.close()


def made_new(frame: pd.DataFrame, turn: int, *, whole: bool) -> pd.DataFrame:
    """Return the records as ones that are new in this turn.

    A first run's rows lie among all that the ledger has. A night's were made since, so their numbers are above all.
    """
    keys = enumerate(frame["source_key"])
    return frame.assign(
        source_key=[f"{key}.{turn}.{n}" if whole else f"mark:{10**9 + turn * len(frame) + n}" for n, key in keys]
    )


def deliver(desk: Desk, new: pd.DataFrame) -> int:
    """Send the records; returns how many were taken."""
    tally = SendingTally()
    send_publications(desk, new, BATCH_RECORDS, tally)
    if tally.stopped_by is not None:
        raise tally.stopped_by
    return tally.sent


def timed(send: Callable[[Sequence[object]], int], batches: Sequence[Sequence[object]]) -> Mapping[str, float]:
    """Send batches and return records a second, and the microseconds of this process's CPU for a record."""
    records = sum(map(len, batches))
    start, busy = time.perf_counter(), time.process_time()
    accepted = sum(send(batch) for batch in batches)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    if accepted != records:
        raise RuntimeError(f"the portal took {accepted} of {records} records")
    return {"rate": records / seconds, "busy": 1e6 * busy / records}


def main(folder: Path) -> None:
    """Measure and print."""
    ground = Ground(folder)
    frame = read_records(ground)
    print(f"2. SubmitJournal, batches of {BATCH_RECORDS:,}; {ROUNDS} rounds")
    with (
        portal_process(ground, folder / "portal-submit") as url,
        at_the_desk(ground, folder / "bridge-folder", url, None) as (apart, planned),
        at_the_desk(ground, folder / "bridge-shared", url, "shared") as (together, _),
    ):
        clients = PlainClient(url, ground.keys), _bridge(url, ground.keys)
        turns = count(1)
        for name, (whole, batches) in SHAPES.items():
            records = made_publications(chosen(frame, batches * BATCH_RECORDS, whole=whole))
            new = chosen(planned, len(records), whole=whole)
            measured = _measured(clients, (apart, together), records, partial(made_new, new, whole=whole), turns)
            students = new["student_key"].nunique()
            print(f"   {name}: {batches} batches a turn, {len(new) / students:.1f} records a student")
            _told(measured)
        clients[1].close()


def _measured(
    clients: tuple[PlainClient, SoapPortal],
    desks: tuple[Desk, Desk],
    records: Sequence[Publish],
    new: Callable[[int], pd.DataFrame],
    turns: Iterator[int],
) -> Mapping[str, Sequence[Mapping[str, float]]]:
    plain, bridge = clients
    apart, together = desks

    def batches() -> list[list[Publish]]:
        turn = next(turns)
        newer = [record._replace(record_id=f"{turn:08x}{record.record_id[8:]}") for record in records]
        return [newer[start : start + BATCH_RECORDS] for start in range(0, len(newer), BATCH_RECORDS)]

    def send_plain(batch: Sequence[dict[str, object]]) -> int:
        return plain.submit(CODE, datetime.now(UTC), list(batch)).accepted

    def send_bridge(batch: Sequence[Publish]) -> int:
        return bridge.submit(bridge.prepare(CODE, batch, datetime.now(UTC))).accepted

    sides = {
        "plain": lambda: timed(send_plain, [[as_zeep(record) for record in batch] for batch in batches()]),
        "bridge": lambda: timed(send_bridge, batches()),
        "delivery": lambda: timed(lambda frame: deliver(apart, frame), [new(next(turns))]),
        "shared": lambda: timed(lambda frame: deliver(together, frame), [new(next(turns))]),
    }
    by_turns(sides, 1)  # connections and caches are warm from here on
    return by_turns(sides, ROUNDS)


def _told(measured: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    for name, title in TITLES.items():
        print(f"      {title:<32} {told(measured[name], 'rate')} records/s", end="; ")
        print(f"client's CPU {told(measured[name], 'busy')} µs a record")
    for name in ("bridge", "delivery", "shared"):
        print(f"      {TITLES[name]} / zeep")
        print(f"         records/s       {ratio(measured[name], measured['plain'], 'rate', most=True)}")
        print(f"         CPU a record    {ratio(measured[name], measured['plain'], 'busy')}")


def _bridge(url: str, keys: Path) -> SoapPortal:
    return SoapPortal(
        PortalConnection(
            url=url,
            client_certificate=(keys / "bridge-tls.pem").read_bytes(),
            signing_key=(keys / "bridge-signing.pem").read_bytes(),
            authorities=(keys / "portal-ca.pem").read_bytes(),
            connect_timeout=5,
            reply_timeout=60,
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
