"""Where cases' facts are kept: the reads that decisions use, and the one way in which facts are added.

Rules. Nothing is cached: a decision reads the facts in the transaction that stores what it decides. Facts are only
added, by `add_facts`, behind the school's `database.gate`, so that an intent stored after a withdrawal always knows
it. Recorded moments never run backwards within a school: a clock up to a minute behind the newest counts as that
newest moment, a clock further behind is refused, for recording and for deciding.
Deliberately not here: what facts mean (`facts`), what people do (`registration`, `acts`, `applications`).
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.facts import CaseKey, CaseState, Fact, FactKind, state_of
from consent_registry.tables import CASE, CLOCK, FACT
from database import gate
from journal.wording import BridgeError, Wording

CLOCK_TOLERANCE = timedelta(minutes=1)
_CHUNK = 500
_KINDS = {str(kind): kind for kind in FactKind}

_CLOCK_BACK = Wording(
    ru="Часы этой машины ({now}) отстают от последней записи реестра школы {school} ({newest}). Ничего не записано и "
    "не отправлено. Исправьте часы и повторите",
    en="This machine's clock ({now}) is behind the newest entry of school {school}'s registry ({newest}). Nothing was "
    "recorded or sent. Set the clock and try again",
)


@dataclass(frozen=True, slots=True)
class NewFact:
    """What is to be recorded of one case. `corrects`: ids of facts that no longer count; `detail` empty: only that."""

    kind: FactKind
    valid_at: datetime
    detail: Mapping[str, object]
    corrects: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """What was recorded of one case or application, without names: for the audit log."""

    school: str
    case_ref: str
    event: str
    valid_at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A case and all that was ever recorded of it, in that order."""

    key: CaseKey
    facts: tuple[Fact, ...]

    def at(self, at: datetime, known_at: datetime | None = None) -> CaseState:
        """Return the case's state at a moment, as known at another."""
        return state_of(self.key, self.facts, at, known_at)


_RECORDED_AT = sa.select(CLOCK.c.recorded_at).where(CLOCK.c.school == sa.bindparam("school"))


def registry_now(connection: Connection, school: str, now: datetime) -> datetime:
    """Return the moment that counts as now for a school. Raises BridgeError `clock-back`; ValueError where naive."""
    if now.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    newest = connection.scalar(_RECORDED_AT, {"school": school})
    if newest is None or newest <= now:
        return now
    if newest - now > CLOCK_TOLERANCE:
        told = {"now": now.isoformat(timespec="seconds"), "newest": newest.isoformat(timespec="seconds")}
        raise BridgeError("clock-back", _CLOCK_BACK, {"school": school, **told})
    moment: datetime = newest
    return moment


def advance_clock(connection: Connection, school: str, now: datetime) -> datetime:
    """Put a writer of this school in line, and return the moment at which what it records is recorded.

    Raises BridgeError `clock-back`.
    """
    gate(connection, school)
    moment = registry_now(connection, school, now)
    updated = connection.execute(CLOCK.update().where(CLOCK.c.school == school).values(recorded_at=moment))
    if not updated.rowcount:
        connection.execute(CLOCK.insert().values(school=school, recorded_at=moment))
    return moment


def add_facts(
    connection: Connection, new: Sequence[tuple[int, NewFact]], *, recorded_at: datetime, recorded_by: str
) -> None:
    """Record facts of cases (by case id) at a moment that `advance_clock` gave."""
    values = [
        {
            "case_id": case_id,
            "kind": str(fact.kind),
            "valid_at": fact.valid_at,
            "recorded_at": recorded_at,
            "recorded_by": recorded_by,
            "detail": dict(fact.detail),
            "corrects": list(fact.corrects) or None,
        }
        for case_id, fact in new
    ]
    if values:
        connection.execute(FACT.insert(), values)


def case_facts(connection: Connection, school: str, student_keys: Sequence[str] | None = None) -> list[CaseFacts]:
    """Return the cases of a school (of these students) with their facts, in the order in which they were opened."""
    of_school = CASE.c.school == school
    if student_keys is None:
        return _case_facts(connection, of_school)
    found: list[CaseFacts] = []
    for start in range(0, len(student_keys), _CHUNK):
        part = student_keys[start : start + _CHUNK]
        found += _case_facts(connection, sa.and_(of_school, CASE.c.student_key.in_(part)))
    return found


def case_of(connection: Connection, school: str, student_key: str, account_id: str) -> CaseFacts | None:
    """Return one case with its facts, or None."""
    which = sa.and_(CASE.c.school == school, CASE.c.student_key == student_key, CASE.c.account_id == account_id)
    return next(iter(_case_facts(connection, which)), None)


def states(
    connection: Connection,
    school: str,
    *,
    at: datetime,
    student_keys: Sequence[str] | None = None,
    known_at: datetime | None = None,
) -> list[CaseState]:
    """Return the state at `at` of each case of a school (of these students), as known at `known_at`.

    A case that nothing was known of by then is left out.
    """
    cases = case_facts(connection, school, student_keys)
    return [
        case.at(at, known_at)
        for case in cases
        if known_at is None or (case.facts and case.facts[0].recorded_at <= known_at)
    ]


def _case_facts(connection: Connection, which: sa.ColumnElement[bool]) -> list[CaseFacts]:
    names = (CASE.c.case_id, CASE.c.school, CASE.c.student_key, CASE.c.account_id, CASE.c.link_id)
    columns = sa.select(*names, sa.func.coalesce(CASE.c.account_ref, ""))
    keys = [CaseKey(*row) for row in connection.execute(columns.where(which).order_by(CASE.c.case_id))]
    by_case: defaultdict[int, list[Fact]] = defaultdict(list)
    for case_id, fact in _facts(connection, which):
        by_case[case_id].append(fact)
    return [CaseFacts(key, tuple(by_case[key.case_id])) for key in keys]


def _facts(connection: Connection, which: sa.ColumnElement[bool]) -> Iterator[tuple[int, Fact]]:
    """Yield facts with their case's id. What is stored as text is read for all at once: that is a third of the work."""
    columns = (
        FACT.c.case_id,
        FACT.c.fact_id,
        FACT.c.kind,
        sa.type_coerce(FACT.c.valid_at, sa.String),
        sa.type_coerce(FACT.c.recorded_at, sa.String),
        FACT.c.recorded_by,
        sa.cast(FACT.c.detail, sa.Text),
        sa.func.coalesce(sa.cast(FACT.c.corrects, sa.Text), "null"),
    )
    rows = connection.execute(sa.select(*columns).join(CASE).where(which).order_by(FACT.c.fact_id)).all()
    if not rows:
        return
    cases, ids, kinds, valid, recorded, people, details, corrected = zip(*rows, strict=True)
    moments = {text: datetime.fromisoformat(text) for text in {*valid, *recorded}}
    read = zip(cases, ids, kinds, valid, recorded, people, _plain(details), _plain(corrected), strict=True)
    for case_id, fact_id, kind, valid_at, recorded_at, by, detail, corrects in read:
        known = tuple(corrects or ())
        yield case_id, Fact(fact_id, _KINDS[kind], moments[valid_at], moments[recorded_at], by, detail, known)


def _plain(texts: Sequence[str]) -> list[Any]:
    """Return what JSON texts say."""
    said: list[Any] = json.loads(f"[{','.join(texts)}]")
    return said
