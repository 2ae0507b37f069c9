"""Compares the portal's holdings with the ledger and puts the ledger right; the next plan then mends the portal.

Rules. The portal is the witness of what it holds. Each difference has a name:
`missing` (we think it holds a record, it does not), `extra` (one that the ledger never knew), `still-held` (one
that was taken back, or never known to be taken), `older` / `newer` (another revision), `foreign` (held under another
student's reference). In every case the ledger forgets the content it believed in, so that the plan publishes the record
again or withdraws it, through the same outbox as everything else. A foreign one is shown to another child's parents:
its id is given up, so it is withdrawn at once, which no limit holds, and its row is published under a new one.
ListHoldings says nothing of contents, and there is no list of links: what is wrong with these only shows when they are
told anew. Deliberately not here: any sending.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from delivery.tables import RECORD, STUDENT_REF
from journal.records import Holding
from journal.vocabulary import RecordKind

DifferenceName = Literal["missing", "extra", "still-held", "older", "newer", "foreign"]


@dataclass(frozen=True, slots=True)
class Believed:
    """What the ledger says of one record."""

    record_id: str
    revision: int
    held: bool
    student_ref: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One record on which ledger and portal disagree; `holding` is the portal's word, None: it holds nothing."""

    name: DifferenceName
    record_id: str
    holding: Holding | None
    known: bool


def differences(believed: Mapping[str, Believed], holdings: Iterable[Holding]) -> list[Difference]:
    """Name every difference between the ledger and the portal's holdings of one school. Pure.

    A held record's revision may lawfully be below the newest that the ledger ever assigned (a batch that was
    never taken used it up); such a record counts as `older` and is published once more, which is harmless.
    """
    found: list[Difference] = []
    seen: set[str] = set()
    for holding in holdings:
        seen.add(holding.record_id)
        belief = believed.get(holding.record_id)
        name = _name(belief, holding)
        if name is not None:
            found.append(Difference(name, holding.record_id, holding, known=belief is not None))
    found += [
        Difference("missing", belief.record_id, None, known=True)
        for belief in believed.values()
        if belief.held and belief.record_id not in seen
    ]
    return found


def _name(belief: Believed | None, holding: Holding) -> DifferenceName | None:
    if belief is None:
        return "extra"
    if belief.student_ref != holding.student_ref:
        return "foreign"
    if not belief.held:
        return "still-held"
    if holding.revision < belief.revision:
        return "older"
    return "newer" if holding.revision > belief.revision else None


def believed_records(connection: Connection, school: str) -> dict[str, Believed]:
    """Return what the ledger says of a school's records."""
    joined = RECORD.outerjoin(
        STUDENT_REF,
        sa.and_(STUDENT_REF.c.school == RECORD.c.school, STUDENT_REF.c.student_key == RECORD.c.student_key),
    )
    rows = connection.execute(
        sa.select(RECORD.c.record_id, RECORD.c.revision, RECORD.c.held, STUDENT_REF.c.student_ref)
        .select_from(joined)
        .where(RECORD.c.school == school)
    )
    return {r.record_id: Believed(r.record_id, r.revision, r.held, r.student_ref) for r in rows}


def correct_ledger(connection: Connection, school: str, found: Iterable[Difference], today: date) -> Counter[str]:
    """Make the ledger say what the portal holds, contents forgotten; returns the number of each difference."""
    counted: Counter[str] = Counter()
    for difference in found:
        counted[difference.name] += 1
        holding = difference.holding
        this_record = RECORD.update().where(RECORD.c.record_id == difference.record_id)
        if holding is None:
            connection.execute(this_record.values(held=False, digest=None))
        elif difference.known:
            newest = sa.case((RECORD.c.revision < holding.revision, holding.revision), else_=RECORD.c.revision)
            own = {"source_key": _ours_alone(difference.record_id), "student_key": ""}
            given_up = own if difference.name == "foreign" else {}
            connection.execute(this_record.values(held=True, digest=None, revision=newest, **given_up))
        else:
            connection.execute(RECORD.insert().values(**_unknown(connection, school, holding, today)))
    return counted


def _ours_alone(record_id: str) -> str:
    """Return the source key of a record that no row of the school will ever match."""
    return f"portal:{record_id}"


def _unknown(connection: Connection, school: str, holding: Holding, today: date) -> dict[str, object]:
    """Return a ledger row for a record that only the portal knows."""
    student = connection.scalar(
        sa.select(STUDENT_REF.c.student_key).where(
            STUDENT_REF.c.school == school, STUDENT_REF.c.student_ref == holding.student_ref
        )
    )
    return {
        "record_id": holding.record_id,
        "school": school,
        "source_key": _ours_alone(holding.record_id),
        "student_key": student or "",
        "kind": str(RecordKind.CURRENT),
        "date": today,
        "revision": holding.revision,
        "held": True,
    }
