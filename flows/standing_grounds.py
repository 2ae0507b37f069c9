"""The grounds that a run's plan was made of, for as long as the registry is where it was.

Rule. A batch is stored upon grounds of its own transaction. Where that transaction sees that the registry has not moved
since the plan was made (`delivery.watch`: no fact, no move, none begun, the same day), the plan's grounds are those of
this transaction, too; otherwise they are read. Deliberately not here: what a ground is (`consent_registry.decision`).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.engine import Connection

from consent_registry.decision import Grant, Refusal
from delivery.watch import Days, Mark, has_moved

Grounds = Sequence[Grant | Refusal]
GroundsNow = Callable[[Connection, Sequence[str], datetime], Grounds]


@dataclass(frozen=True, slots=True)
class Standing:
    """Each student's grounds, all of one school, as they were at `mark`."""

    mark: Mark
    by_student: Mapping[str, Grounds] = field(repr=False)


def standing_at(mark: Mark, grounds: Grounds) -> Standing:
    """Return the grounds of a school, read in the transaction that `mark` was read in."""
    by_student: dict[str, list[Grant | Refusal]] = defaultdict(list)
    for ground in grounds:
        by_student[ground.student_key].append(ground)
    return Standing(mark, dict(by_student))


def while_standing(standing: Standing | None, day_of: Days, read: GroundsNow) -> GroundsNow:
    """Return what gives students' grounds in a transaction: those that stand, or by `read` once the registry moved."""
    if standing is None:
        return read

    def grounds_now(connection: Connection, students: Sequence[str], now: datetime) -> Grounds:
        if has_moved(connection, standing.mark, now, day_of):
            return read(connection, students, now)
        return [ground for student in students for ground in standing.by_student.get(student, ())]

    return grounds_now
