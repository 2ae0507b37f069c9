"""The roster of a school as last read, sealed in the ledger, so that a sweep needs no school database.

Rule: it is only ever used to take records back sooner (came of age, left); publishing always reads the school.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from delivery.tables import ROSTER_SNAPSHOT
from journal.school import Enrolment, RosterEntry


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def encode_roster(roster: Mapping[str, RosterEntry]) -> bytes:
    """Return the roster as JSON (personal data: to be sealed)."""
    students = [
        [
            entry.student_key,
            entry.birth_date.isoformat() if entry.birth_date else None,
            [[e.first.isoformat(), e.last.isoformat() if e.last else None, e.class_name] for e in entry.enrolments],
        ]
        for entry in roster.values()
    ]
    return json.dumps(students, ensure_ascii=False, separators=(",", ":")).encode()


def decode_roster(encoded: bytes) -> dict[str, RosterEntry]:
    """Return the roster that `encode_roster` wrote."""
    return {
        key: RosterEntry(
            key,
            _day(born),
            tuple(Enrolment(date.fromisoformat(first), _day(last), name) for first, last, name in enrolments),
        )
        for key, born, enrolments in json.loads(encoded)
    }


def store_roster(
    connection: Connection,
    school: str,
    roster: Mapping[str, RosterEntry],
    now: datetime,
    seal: Callable[[bytes], bytes],
) -> None:
    """Replace the school's snapshot."""
    connection.execute(ROSTER_SNAPSHOT.delete().where(ROSTER_SNAPSHOT.c.school == school))
    connection.execute(ROSTER_SNAPSHOT.insert().values(school=school, read_at=now, sealed=seal(encode_roster(roster))))


def load_roster(connection: Connection, school: str, unseal: Callable[[bytes], bytes]) -> dict[str, RosterEntry] | None:
    """Return the school's roster as last read; None when it never was."""
    sealed = connection.scalar(sa.select(ROSTER_SNAPSHOT.c.sealed).where(ROSTER_SNAPSHOT.c.school == school))
    return None if sealed is None else decode_roster(unseal(sealed))
