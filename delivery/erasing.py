"""What the ledger knows of a student who is erased; a backup that is put back; what deleted rows leave on the disk.

Rules. The ledger's rows tie the opaque ids of the audit log to the school's own ids, which anybody can count through:
with these rows gone, nothing leads from the student to the log, for every id in it is random; what elimination can
still tell says audit/FORMAT.md. They go only when the portal gave everything back and that is known
(`consent_registry.sealed.erasure_rules`). Whoever erases holds the school's lease: no sender is at work on what goes.
A database that was restored knows less than the audit log: every erasure in the log beyond what this database has
read is carried out again before anything else is done with it, and entered in its list of erasures, whose papers have
to be kept (`replay`).
Deliberately not here: the order of an erasure and its papers (`commands`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from audit.entry import Erasure, parse
from audit.log import AuditLog
from consent_registry.fact_store import case_facts
from consent_registry.sealed.erasure import Belongings, belongings, destroy, marked, undecided, waiting_reports
from consent_registry.sealed.erasure_rules import Standing, end_of
from consent_registry.sealed.vault import Vault, destroy_student_key
from consent_registry.tables import ERASURE, ERASURES_READ, STUDENT_KEY
from database import gate, writing
from delivery.bulk import in_parts
from delivery.ledger import OPEN
from delivery.roster import decode_roster, encode_roster
from delivery.tables import BATCH, BATCH_ROW, LINK_STATE, RECORD, ROSTER_SNAPSHOT, RUN, STUDENT_REF
from journal.wording import BridgeError, Wording

_READ_AGAIN_AFTER = 1000
"""Entries without an erasure that may be looked through again at the next opening."""

_KIND = f'"kind":"{Erasure.kind}"'.encode()
_APPLICATION = "application:"
FROM_LOG = "from-log"
"""The state of an erasure that this database knows from the audit log alone: what was known of its papers is lost."""

_BUSY = Wording(
    ru="База занята другой программой: следы удалённых строк ещё на диске. Остановите остальные программы моста и "
    "выполните: dnevnik erase due",
    en="The database is busy with another program: traces of the deleted rows are still on the disk. Stop the bridge's "
    "other programs, then do: dnevnik erase due",
)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a student, and how it stands."""

    held: Belongings
    standing: Standing


def look(connection: Connection, vault: Vault, school: str, student: str, *, now: datetime, timezone: tzinfo) -> Found:
    """Return what the bridge keeps of a student and what is not settled. Raises as `belongings`."""
    held = belongings(connection, vault, school, student)
    born: date | None = held.birth_date
    ends = tuple(
        end_of(case.at(now), case.facts, now, timezone, born) for case in case_facts(connection, school, [student])
    )
    records = sa.and_(RECORD.c.school == school, RECORD.c.student_key == student)
    links = sa.and_(LINK_STATE.c.school == school, LINK_STATE.c.student_key == student)
    known = STUDENT_REF.c.student_key == student, STUDENT_REF.c.school == school
    in_ledger = [sa.exists().where(records), sa.exists().where(links), sa.exists().where(*known)]
    open_rows = BATCH_ROW.join(RECORD, RECORD.c.record_id == BATCH_ROW.c.record_id).join(
        BATCH, BATCH.c.batch_id == BATCH_ROW.c.batch_id
    )
    standing = Standing(
        kept=held.anything or bool(connection.scalar(sa.select(sa.or_(*in_ledger)))),
        ends=ends,
        open_applications=undecided(held),
        open_batches=_count(connection, open_rows, sa.and_(records, BATCH.c.state == OPEN)),
        held_records=_count(connection, RECORD, sa.and_(records, RECORD.c.held)),
        open_links=_count(connection, LINK_STATE, sa.and_(links, sa.or_(LINK_STATE.c.active, LINK_STATE.c.pending))),
        waiting_reports=waiting_reports(connection, held),
    )
    return Found(held, standing)


def _count(connection: Connection, rows: sa.FromClause, which: sa.ColumnElement[bool]) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(rows).where(which)) or 0)


def destroy_student(connection: Connection, vault: Vault, held: Belongings) -> dict[str, int]:
    """Destroy all that the bridge keeps of a student, in the caller's transaction; returns how much of what."""
    school, student = held.school, held.student
    records = sa.select(RECORD.c.record_id).where(RECORD.c.school == school, RECORD.c.student_key == student)
    counts = destroy(connection, held)
    connection.execute(BATCH_ROW.delete().where(BATCH_ROW.c.record_id.in_(records)))
    for name, table in (("records", RECORD), ("links", LINK_STATE), ("references", STUDENT_REF)):
        gone = sa.delete(table).where(table.c.school == school, table.c.student_key == student)
        counts[name] = connection.execute(gone).rowcount
    _leave_roster(connection, vault, school, student)
    _leave_balances(connection, school, student)
    return counts


def _leave_balances(connection: Connection, school: str, student: str) -> None:
    """Take the student's rows out of the balances of runs, which list by the school's ids what was set aside."""
    runs = connection.execute(sa.select(RUN.c.run, RUN.c.balance).where(RUN.c.school == school)).all()
    for run, balance in runs:
        listed = balance.get("rows_set_aside") or []
        rest = [row for row in listed if row["student_key"] != student]
        if len(rest) < len(listed):
            connection.execute(RUN.update().where(RUN.c.run == run).values(balance={**balance, "rows_set_aside": rest}))


def _leave_roster(connection: Connection, vault: Vault, school: str, student: str) -> None:
    """Take the student out of the school's roster as last read."""
    sealed = connection.scalar(sa.select(ROSTER_SNAPSHOT.c.sealed).where(ROSTER_SNAPSHOT.c.school == school))
    if sealed is None:
        return
    purpose = f"roster:{school}"
    roster = decode_roster(vault.open_for(purpose, sealed))
    if roster.pop(student, None) is not None:
        anew = vault.seal_for(purpose, encode_roster(roster))
        connection.execute(ROSTER_SNAPSHOT.update().where(ROSTER_SNAPSHOT.c.school == school).values(sealed=anew))


def replay(engine: Engine, vault: Vault, log: AuditLog, origin: str) -> int:
    """Carry out again what the log says was erased and this database has not read; returns how many keys went.

    An erasure that this database's list lacks is entered there. Raises BridgeError, AuditUnavailableError.
    """
    with engine.connect() as connection:
        read = connection.scalar(sa.select(ERASURES_READ.c.size).where(ERASURES_READ.c.origin == origin))
    size = log.checkpoint().size
    if read is not None and read >= size:
        return 0
    told = [
        (index, entry)
        for index, line in enumerate(log.entries(read or 0, size), read or 0)
        if _KIND in line and isinstance(entry := parse(line), Erasure)
    ]
    marks = {entry.mark for _, entry in told}
    if not marks and size - (read or 0) < _READ_AGAIN_AFTER:
        return 0
    with writing(engine) as connection:
        again = marked(connection, vault, marks) if marks else []
        for school, owner in again:
            gate(connection, school)
            _destroy_again(connection, vault, school, owner)
        _list_again(connection, told)
        known = ERASURES_READ.update().where(ERASURES_READ.c.origin == origin).values(size=size)
        if not connection.execute(known).rowcount:
            connection.execute(ERASURES_READ.insert().values(origin=origin, size=size))
    if again:
        compact(engine)
    return len(again)


def _list_again(connection: Connection, told: Sequence[tuple[int, Erasure]]) -> None:
    """Enter in the list of erasures what it lacks, as the log tells it."""
    for school in sorted({entry.school for _, entry in told}):
        gate(connection, school)
    numbers = sorted({entry.erasure for _, entry in told})
    listed: set[str] = set()
    for which in in_parts(ERASURE.c.erasure_id, numbers):
        listed |= set(connection.scalars(sa.select(ERASURE.c.erasure_id).where(which)))
    lacking: dict[str, dict[str, object]] = {}
    for index, entry in told:
        if entry.erasure in listed:
            continue
        row = lacking.setdefault(
            entry.erasure,
            {
                "erasure_id": entry.erasure,
                "school": entry.school,
                "student_key": None,
                "why": entry.why,
                "state": FROM_LOG,
                "begun_at": entry.at,
                "destroyed_at": entry.at,
                "log_size": index,
                "marks": [],
                "counts": {},
                "sealed": None,
            },
        )
        row["counts"] = dict(entry.counts or {}) or row["counts"]
    if lacking:
        connection.execute(ERASURE.insert(), list(lacking.values()))


def _destroy_again(connection: Connection, vault: Vault, school: str, owner: str) -> None:
    """Destroy what a key is of: a student's all, an application's key alone; what an earlier one took is gone."""
    if owner.startswith(_APPLICATION):
        destroy_student_key(connection, school, owner)
        return
    which = sa.exists().where(STUDENT_KEY.c.school == school, STUDENT_KEY.c.student_key == owner)
    if connection.scalar(sa.select(which)):
        destroy_student(connection, vault, belongings(connection, vault, school, owner))


def compact(engine: Engine, boundary: Callable[[str], None] = lambda _: None) -> None:
    """Let nothing of deleted or changed rows stay in the database's files. Raises BridgeError `erasure-busy`.

    SQLite: the write-ahead log is emptied and the file written anew. PostgreSQL: the tables are written anew; its
    write-ahead log keeps old rows until it is recycled, and so do copies made of it.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM (FULL)")
            with suppress(SQLAlchemyError):  # a right that the bridge's account may lack; the server does it in time
                connection.exec_driver_sql("CHECKPOINT")
        return
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("VACUUM")
        boundary("rewritten")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy = (cursor.fetchone() or (1,))[0]
        cursor.close()
    finally:
        raw.close()
    if busy:
        raise BridgeError("erasure-busy", _BUSY)
