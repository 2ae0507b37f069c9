"""The order of an erasure, so that one killed anywhere is finished by the next: begun, destroyed, written, done.

1. *begun*: nothing stands in the way; what the papers will say is kept, sealed by the installation's key.
2. *destroyed*: in one transaction all rows and keys of the student go; the audit log knows it before the commit.
   Killed between the log and the commit: whoever opens the database next destroys what the log says (`replay`).
3. *written*: the act and the export lie in their folder, durable; the sealed names are gone from the database.
4. *done*: the database's files were written anew, so nothing that was deleted stays in them.
While it destroys, it holds the school's lease: no sender is at work on what goes. Deliberately not here: what the
papers say (`erasure_papers`), what people are told (`erasure`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

import database
from audit.entry import Entry, Erasure, parse
from commands.call import utc_now
from commands.erasure_papers import Erased, forget_papers, renewed_papers, sealed_papers, write_papers
from commands.recording import Recorder
from consent_registry.fact_store import advance_clock
from consent_registry.sealed.erasure_rules import MEANINGS, Obstacle, Why, obstacles
from consent_registry.sealed.remaining import remaining
from consent_registry.tables import ERASURE
from delivery.erasing import FROM_LOG, Found, compact, destroy_student, look
from delivery.lease import give_back_lease, wait_for_lease
from flows.assembly import open_audit_log, random_id
from journal.wording import BridgeError, Wording

BEGUN, DESTROYED, WRITTEN, DONE = "begun", "destroyed", "written", "done"
Boundary = Callable[[str], None]

_REFUSED = Wording(
    ru="Школа {school}, ученик {student}: данные не уничтожены: {reasons}",
    en="School {school}, student {student}: the data were not destroyed: {reasons}",
)


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a person ordered: whose data, why, who carries it out; `document`: the order that demands it."""

    school: str
    student: str
    why: Why
    by: str
    position: str = ""
    document: str = ""
    folder: str = ""


def _nothing(_: str) -> None:
    """Stop nowhere."""


def find_obstacles(registry: Recorder, ordered: Ordered, now: datetime) -> tuple[Found, list[Obstacle]]:
    """Return what is kept of the student and what stands in the way; changes nothing."""
    with database.reading(registry.engine) as connection:
        return _look(connection, registry, ordered.school, ordered.student, ordered.why, now)


def _look(
    connection: Connection, registry: Recorder, school: str, student: str, why: Why, now: datetime
) -> tuple[Found, list[Obstacle]]:
    zone = registry.settings.bridge.timezone
    found = look(connection, registry.vault, school, student, now=now, timezone=zone)
    return found, obstacles(found.standing, why)


def refusal(school: str, student: str, found: Sequence[Obstacle]) -> BridgeError:
    """Return the refusal that names all that stands in the way."""
    ru, en = ("; ".join(getattr(MEANINGS[one], language) for one in found) for language in ("ru", "en"))
    wording = Wording(_REFUSED.ru.replace("{reasons}", ru), _REFUSED.en.replace("{reasons}", en))
    return BridgeError(f"erasure-{found[0]}", wording, {"school": school, "student": student})


def begin(registry: Recorder, ordered: Ordered, boundary: Boundary = _nothing) -> str:
    """Begin an erasure; returns its number. One that was begun for the student already is gone on with.

    Raises BridgeError `erasure-…`, named after the first obstacle, `clock-back`.
    """
    with closing(open_audit_log(registry.settings, registry.engine)) as log:
        size = log.checkpoint().size
    now, number = utc_now(), random_id()
    with database.writing(registry.engine) as connection:
        moment = advance_clock(connection, ordered.school, now)
        begun = sa.select(ERASURE.c.erasure_id).where(
            ERASURE.c.school == ordered.school, ERASURE.c.student_key == ordered.student
        )
        known = connection.scalar(begun)
        if known is not None:
            return str(known)
        found, blocked = _look(connection, registry, ordered.school, ordered.student, ordered.why, moment)
        if blocked:
            raise refusal(ordered.school, ordered.student, blocked)
        connection.execute(
            ERASURE.insert().values(
                erasure_id=number,
                school=ordered.school,
                student_key=ordered.student,
                why=str(ordered.why),
                state=BEGUN,
                begun_at=moment,
                log_size=size,
                marks=found.held.marks or [random_id() * 2],
                counts={},
                sealed=sealed_papers(
                    registry.vault, number, _erased(connection, registry, found, moment), _plain(ordered)
                ),
            )
        )
    boundary(BEGUN)
    return number


def _erased(connection: Connection, registry: Recorder, found: Found, now: datetime) -> Erased:
    zone = registry.settings.bridge.timezone
    stays = remaining(connection, registry.vault, found.held, now=now, timezone=zone)
    return Erased(found.held, found.standing.causes, stays)


def _plain(ordered: Ordered) -> dict[str, str]:
    return {
        "by": ordered.by,
        "position": ordered.position,
        "document": ordered.document,
        "folder": ordered.folder,
    }


def unfinished(registry: Recorder) -> list[str]:
    """Return the numbers of the erasures that were begun and are not done, oldest first."""
    waiting = (
        sa.select(ERASURE.c.erasure_id).where(ERASURE.c.state.not_in([DONE, FROM_LOG])).order_by(ERASURE.c.begun_at)
    )
    with database.reading(registry.engine) as connection:
        return [str(number) for number in connection.scalars(waiting)]


def carry_on(registry: Recorder, numbers: Sequence[str], boundary: Boundary = _nothing) -> list[str]:
    """Bring erasures to their end; returns the papers that were written. Raises BridgeError."""
    papers: list[str] = []
    for number in numbers:
        if _row(registry, number).state == BEGUN:
            _destroy(registry, number, boundary)
        if _row(registry, number).state == DESTROYED:
            _log_what_is_missing(registry, number)
            papers += _write(registry, number, boundary)
    if numbers:
        compact(registry.engine, boundary)
        boundary("compacted")
        _set(registry, ERASURE.c.erasure_id.in_(numbers), {"state": DONE})
        boundary(DONE)
    return papers


def _row(registry: Recorder, number: str) -> Row[Any]:
    with database.reading(registry.engine) as connection:
        return connection.execute(sa.select(ERASURE).where(ERASURE.c.erasure_id == number)).one()


def _set(registry: Recorder, which: sa.ColumnElement[bool], values: Mapping[str, object]) -> None:
    with database.writing(registry.engine) as connection:
        connection.execute(ERASURE.update().where(which).values(dict(values)))


@contextmanager
def _alone(registry: Recorder, school: str, number: str) -> Iterator[None]:
    """Keep senders of the school out. Raises BridgeError `school-busy`."""
    lease = wait_for_lease(registry.engine, school, number, utc_now, tries=1)
    try:
        yield
    finally:
        give_back_lease(registry.engine, lease)


def _destroy(registry: Recorder, number: str, boundary: Boundary) -> None:
    row = _row(registry, number)
    before = _logged(registry, row)  # then what the log says was destroyed when the database was opened
    stopped: list[BridgeError] = []

    def work(connection: Connection) -> tuple[None, Sequence[Entry]]:
        moment = advance_clock(connection, row.school, utc_now())
        found, blocked = _look(connection, registry, row.school, row.student_key, Why(row.why), moment)
        mine = ERASURE.c.erasure_id == number
        if found.standing.kept and blocked:  # a new consent came after it was begun
            connection.execute(ERASURE.delete().where(mine))
            stopped.append(refusal(row.school, row.student_key, blocked))
            return None, []
        erased = _erased(connection, registry, found, moment)
        sealed = renewed_papers(registry.vault, number, row.sealed, erased)
        counts = destroy_student(connection, registry.vault, found.held)
        # What sorts of data went, never how many: a number of records would find the student's entries in the log.
        counts = _told(before) or {name: 1 for name, count in counts.items() if count}
        boundary("deleted")
        at = before[0].at if before else moment
        values = {"state": DESTROYED, "student_key": None, "destroyed_at": at, "counts": counts, "sealed": sealed}
        connection.execute(ERASURE.update().where(mine).values(values))
        return None, [] if before else _entries(registry, row, moment, counts)

    with _alone(registry, row.school, number):
        registry.record(work)
    if stopped:
        raise stopped[0]
    boundary(DESTROYED)


def _told(entries: Sequence[Erasure]) -> dict[str, int]:
    """Return what sorts of data went, by what the log was told before the database forgot."""
    counts = next((entry.counts for entry in entries if entry.counts), {})
    return {name: count for name, count in counts.items() if isinstance(count, int)}


def _entries(registry: Recorder, row: Row[Any], at: datetime, counts: Mapping[str, int]) -> list[Entry]:
    """Return what the audit log is told: an entry a key, the first with what sorts of data went."""
    return [
        Erasure(
            at=at,
            school=row.school,
            erasure=row.erasure_id,
            why=row.why,
            mark=mark,
            by_digest=registry.by_digest,
            counts=None if place else dict(counts),
        )
        for place, mark in enumerate(row.marks)
    ]


def _log_what_is_missing(registry: Recorder, number: str) -> None:
    """Tell the audit log of an erasure that it lost: where log and database share a file, it follows the commit."""
    row = _row(registry, number)

    def work(_: Connection) -> tuple[None, Sequence[Entry]]:
        return None, _entries(registry, row, utc_now(), row.counts)

    if not _logged(registry, row):
        registry.record(work)


def _logged(registry: Recorder, row: Row[Any]) -> list[Erasure]:
    """Return what the audit log says of this erasure."""
    number = row.erasure_id.encode()
    with closing(open_audit_log(registry.settings, registry.engine)) as log:
        entries = [parse(line) for line in log.entries(row.log_size) if number in line]
    return [entry for entry in entries if isinstance(entry, Erasure) and entry.erasure == row.erasure_id]


def _write(registry: Recorder, number: str, boundary: Boundary) -> list[str]:
    row = _row(registry, number)
    papers = write_papers(registry, row)
    boundary("papers")
    _set(registry, ERASURE.c.erasure_id == number, {"state": WRITTEN, **forget_papers()})
    boundary(WRITTEN)
    return papers
