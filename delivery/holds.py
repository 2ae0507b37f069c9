"""Plans that wait for a person's word because they change more than the limits admit.

Rules. A hold is known by its plan's digest: an approval counts for exactly that plan, and when the school's
journal or the consents change meanwhile, the new plan asks anew. A hold that is no longer asked for is done.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from delivery.balance import HeldPlan
from delivery.tables import HOLD
from journal.wording import BridgeError, Wording

WAITING, APPROVED, DISCARDED, DONE = "waiting", "approved", "discarded", "done"

_UNKNOWN = Wording(
    ru="Школа {school}: нет ожидающей задержки с номером {digest}. Посмотрите список: dnevnik hold list",
    en="School {school}: no hold {digest} waits. See the list: dnevnik hold list",
)


@dataclass(frozen=True, slots=True)
class Hold:
    """One held plan and what was decided of it."""

    school: str
    plan: HeldPlan
    created_at: datetime
    decision: str
    decided_by: str | None
    decided_at: datetime | None


def is_approved(connection: Connection, school: str, digest: str) -> bool:
    """Tell whether a person approved exactly this plan."""
    decision = connection.scalar(sa.select(HOLD.c.decision).where(HOLD.c.school == school, HOLD.c.digest == digest))
    return decision == APPROVED


def store_hold(connection: Connection, school: str, plan: HeldPlan, now: datetime) -> None:
    """Put a plan on hold; the school's older waiting holds are done, for the world has changed since."""
    finish_holds(connection, school, plan.digest, now, only_others=True)
    known = connection.scalar(sa.select(HOLD.c.digest).where(HOLD.c.school == school, HOLD.c.digest == plan.digest))
    if known is not None:
        connection.execute(
            HOLD.update()
            .where(HOLD.c.school == school, HOLD.c.digest == plan.digest, HOLD.c.decision == DONE)
            .values(decision=WAITING, decided_at=None, decided_by=None)
        )
        return
    connection.execute(
        HOLD.insert().values(
            school=school,
            digest=plan.digest,
            created_at=now,
            exceeded=list(plan.exceeded),
            withdrawals=plan.withdrawals,
            changes=plan.changes,
            holdings=plan.holdings,
            decision=WAITING,
        )
    )


def finish_holds(connection: Connection, school: str, digest: str, now: datetime, *, only_others: bool = False) -> None:
    """Close the school's undecided and approved holds (with `only_others`: all but this plan's)."""
    pending = sa.and_(HOLD.c.school == school, HOLD.c.decision.in_([WAITING, APPROVED]))
    if only_others:
        pending = sa.and_(pending, HOLD.c.digest != digest)
    connection.execute(HOLD.update().where(pending).values(decision=DONE, decided_at=now))


def list_holds(connection: Connection, school: str | None = None) -> list[Hold]:
    """Return the holds that wait or were approved and not yet carried out, oldest first."""
    query = sa.select(HOLD).where(HOLD.c.decision.in_([WAITING, APPROVED])).order_by(HOLD.c.created_at)
    if school is not None:
        query = query.where(HOLD.c.school == school)
    return [
        Hold(
            r.school,
            HeldPlan(r.digest, tuple(r.exceeded), r.withdrawals, r.changes, r.holdings),
            r.created_at,
            r.decision,
            r.decided_by,
            r.decided_at,
        )
        for r in connection.execute(query)
    ]


def decide_hold(connection: Connection, school: str, digest: str, decision: str, by: str, now: datetime) -> str:
    """Approve or discard the waiting hold whose digest starts with `digest`; returns the whole digest.

    Raises BridgeError `hold-unknown` when none or several do.
    """
    waiting = connection.scalars(
        sa.select(HOLD.c.digest).where(
            HOLD.c.school == school, HOLD.c.decision == WAITING, HOLD.c.digest.startswith(digest, autoescape=True)
        )
    ).all()
    if len(waiting) != 1:
        raise BridgeError("hold-unknown", _UNKNOWN, {"school": school, "digest": digest})
    connection.execute(
        HOLD.update()
        .where(HOLD.c.school == school, HOLD.c.digest == waiting[0])
        .values(decision=decision, decided_by=by, decided_at=now)
    )
    return str(waiting[0])
