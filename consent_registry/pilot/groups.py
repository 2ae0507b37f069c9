"""Keeps which classes take part: who moved which class to which stage, for which days, and when that was recorded.

Rules. Moves are only ever added; the newest of a class counts (`admission`). A move that says what counts already adds
nothing. The days may lie ahead or behind; what matters is that they are in order. Like every writer of a school's
registry a move waits its turn and keeps to the school's clock (`fact_store`), so an intent stored after a class was
put out always knows it. Deliberately not here: whether the school has such a class (the caller has its roster).
"""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.fact_store import advance_clock
from consent_registry.pilot.admission import WHOLE_SCHOOL, Pilot, PilotGroup, Stage, class_code
from consent_registry.tables import PILOT
from journal.wording import BridgeError, Wording

LONGEST_CLASS_NAME = 100

_E_REVERSED = Wording(
    ru="Школа {school}: последний день {last} раньше первого {first}. Исправьте дни.",
    en="School {school}: the last day {last} lies before the first, {first}. Mend the days.",
)
_E_CLASS_NAME = Wording(
    ru="Школа {school}: в названии класса нужны буква или цифра и не больше {most} знаков, например 5А.",
    en="School {school}: a class's name needs a letter or digit and at most {most} characters, like 5А.",
)


@dataclass(frozen=True, slots=True)
class Move:
    """One recorded move; `by` is who recorded it, as facts name staff."""

    group: PilotGroup
    recorded_at: datetime
    by: str


def moves_of(connection: Connection, school: str, known_at: datetime | None = None) -> tuple[Move, ...]:
    """Return a school's moves in the order in which they were recorded, as known at `known_at`.

    Raises ValueError for a naive moment.
    """
    query = sa.select(PILOT).where(PILOT.c.school == school).order_by(PILOT.c.fact_id)
    if known_at is not None:
        if known_at.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        query = query.where(PILOT.c.recorded_at <= known_at)
    return tuple(
        Move(
            PilotGroup(row.school, row.class_name, Stage(row.stage), row.first, row.last),
            row.recorded_at,
            row.recorded_by,
        )
        for row in connection.execute(query)
    )


def groups_of(connection: Connection, school: str, known_at: datetime | None = None) -> tuple[PilotGroup, ...]:
    """Return what was recorded of a school's classes, oldest first, as `Pilot` takes it."""
    return tuple(move.group for move in moves_of(connection, school, known_at))


def pilot_of(
    connection: Connection, school: str, configured: frozenset[str] = frozenset(), *, known_at: datetime | None = None
) -> Pilot:
    """Return who of a school takes part, by the configuration and by what was recorded. One query, nothing cached."""
    return Pilot(configured, groups_of(connection, school, known_at))


def move(
    connection: Connection,
    school: str,
    class_name: str,
    stage: Stage,
    *,
    first: date,
    last: date | None,
    now: datetime,
    by: str,
) -> bool:
    """Record that a class (`WHOLE_SCHOOL`: all without a group of their own) is in `stage` for these days.

    Returns False when that already counts; then nothing is recorded. Raises BridgeError `pilot-days-reversed`,
    `class-name-wrong` or `clock-back`; ValueError for a naive `now`.
    """
    if last is not None and last < first:
        raise BridgeError("pilot-days-reversed", _E_REVERSED, {"school": school, "first": first, "last": last})
    name = " ".join(class_name.split())
    if class_name != WHOLE_SCHOOL and (not class_code(name) or len(name) > LONGEST_CLASS_NAME):
        raise BridgeError("class-name-wrong", _E_CLASS_NAME, {"school": school, "most": LONGEST_CLASS_NAME})
    recorded_at = advance_clock(connection, school, now)
    held = Pilot(groups=groups_of(connection, school)).own_group(name)
    if held is not None and (held.stage, held.first, held.last) == (stage, first, last):
        return False
    connection.execute(
        PILOT.insert().values(
            school=school,
            class_name=name,
            stage=str(stage),
            first=first,
            last=last,
            recorded_at=recorded_at,
            recorded_by=by,
        )
    )
    return True
