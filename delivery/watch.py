"""Whether what a sender decided still stands: how far the registry was when it was looked at, and whether it moved.

Rules. A mark is read in the transaction whose decisions it stands for. It is out of date when a fact or a move of a
class was recorded since, when a fact recorded earlier has begun to hold (a withdrawal dated ahead), and when the
school's day changed, for terms, ages and restrictions go by days. The question costs one look into two indexes, so it
is asked before each request. A school's facts are recorded one writer after the other (`database.gate`), so their
numbers grow in the order of their commits; other schools' facts don't matter.
Deliberately not here: what is done when it moved (`flows.taking_back`), what facts mean (`consent_registry`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.fact_store import registry_now
from consent_registry.tables import CASE, FACT, PILOT

Days = Callable[[datetime], date]
"""Gives the school's day of a moment."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a school's registry was at the moment `at`; `due`: when the next fact that is known begins to hold."""

    school: str
    at: datetime
    day: date
    newest_fact: int
    newest_move: int
    due: datetime | None


_NEWEST_OF_CASE = sa.select(sa.func.max(FACT.c.fact_id)).where(FACT.c.case_id == CASE.c.case_id).scalar_subquery()
_OF_SCHOOL = CASE.c.school == sa.bindparam("school")
_NEWEST_FACT = sa.select(sa.func.max(_NEWEST_OF_CASE)).where(_OF_SCHOOL)
_NEWEST_MOVE = sa.select(sa.func.max(PILOT.c.fact_id)).where(PILOT.c.school == sa.bindparam("school"))
_LATER = FACT.c.valid_at > sa.bindparam("at"), _OF_SCHOOL
# Not min(): the index gives the first at once, where SQLite would look at every fact of the school.
_DUE = sa.select(FACT.c.valid_at).join(CASE).where(*_LATER).order_by(FACT.c.valid_at).limit(1)
_MOVED = sa.select(
    sa.or_(
        sa.exists().where(
            FACT.c.fact_id > sa.bindparam("fact"), sa.exists().where(CASE.c.case_id == FACT.c.case_id, _OF_SCHOOL)
        ),
        sa.exists().where(PILOT.c.school == sa.bindparam("school"), PILOT.c.fact_id > sa.bindparam("move")),
    )
)
"""Whether anything was recorded; asked several times a batch, so made once."""


def mark_of(connection: Connection, school: str, now: datetime, day_of: Days) -> Mark:
    """Return how far the registry is in the caller's transaction. Raises BridgeError `clock-back`."""
    at = registry_now(connection, school, now)
    newest = connection.scalar(_NEWEST_FACT, {"school": school})
    due = connection.scalar(_DUE, {"school": school, "at": at})
    move = connection.scalar(_NEWEST_MOVE, {"school": school})
    return Mark(school, at, day_of(at), newest or 0, move or 0, due)


def mark_after(connection: Connection, earlier: Mark | None, school: str, now: datetime, day_of: Days) -> Mark:
    """Return `mark_of` the school, for less where the registry is where it was at `earlier`."""
    if earlier is None or has_moved(connection, earlier, now, day_of):
        return mark_of(connection, school, now, day_of)
    return replace(earlier, at=registry_now(connection, school, now))


def has_moved(connection: Connection, mark: Mark, now: datetime, day_of: Days) -> bool:
    """Tell whether the grounds of a school may be other than at `mark`."""
    if day_of(now) > mark.day or (mark.due is not None and mark.due <= now):
        return True
    moved = {"school": mark.school, "fact": mark.newest_fact, "move": mark.newest_move}
    return bool(connection.scalar(_MOVED, moved))


def students_concerned(connection: Connection, earlier: Mark, later: Mark) -> list[str] | None:
    """Return whose grounds may differ between two marks, by student key; None: anybody's."""
    if later.day != earlier.day or later.newest_move != earlier.newest_move:
        return None
    begun = sa.and_(FACT.c.valid_at > earlier.at, FACT.c.valid_at <= later.at)
    query = (
        sa.select(CASE.c.student_key)
        .join(FACT)
        .where(CASE.c.school == later.school, sa.or_(FACT.c.fact_id > earlier.newest_fact, begun))
        .distinct()
        .order_by(CASE.c.student_key)
    )
    return list(connection.scalars(query))
