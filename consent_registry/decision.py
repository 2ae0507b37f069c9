"""The decision what may be sent: permitted by these consents, or withheld with one reason. Pure.

Rules (docs/consent-rules.md), for a record to be permitted at the moment of sending: at least one link of its student
that is identified, registered, neither withdrawn nor ended, in force today (in_force_from ≤ today ≤ in_force_to), not
restricted today, the student known to the school, under 18 and enrolled today and in the pilot group, whose consent
covers the record's kind and whose records_from ≤ date ≤ records_to. No link, no rule, an unknown kind, an unknown
birth date: withheld.
A person is of age from the start of the 18th birthday; born on 29 February, from 1 March where there is no 29th.
One reason a record: when some link has a ground, why its consent does not cover the record (kind before date);
else the refusal of the link that came furthest in the procedure (`RANKING`).
Deliberately not here: where links and rosters come from; what is done about a decision (`delivery.plan`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from consent_registry.facts import CaseState, EndingReason
from consent_registry.pilot.admission import Pilot
from consent_registry.reasons import RANKING, Reason
from journal.school import RosterEntry
from journal.vocabulary import RecordKind

AGE_OF_MAJORITY = 18
EVERYONE = Pilot()
"""No pilot group restricts."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A link with a ground today, and what its consent covers. `records_to` and `in_force_to` None: open.

    `account_id` is the portal's, `account_ref` names the same account in the audit log; without one ("") nothing can
    be logged of the link, so nothing is sent.
    """

    school: str
    student_key: str
    account_id: str
    link_id: str
    consent_ref: str
    consent_text_version: str
    kinds: frozenset[RecordKind]
    in_force_from: date
    in_force_to: date | None
    records_from: date
    records_to: date | None
    account_ref: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A link without a ground today, and why."""

    school: str
    student_key: str
    account_id: str
    link_id: str
    reason: Reason


def comes_of_age_on(birth_date: date) -> date:
    """Return the day from whose start a person is of age."""
    year = birth_date.year + AGE_OF_MAJORITY
    try:
        return birth_date.replace(year=year)
    except ValueError:  # born on 29 February, and that year has none
        return date(year, 3, 1)


def _ended(case: CaseState, now: datetime) -> Reason | None:
    """Return why a person ended the link, if that was by `now`."""
    if case.ended_at is None or case.ended_at > now:
        return None
    guardianship = case.ended_why is EndingReason.GUARDIANSHIP_ENDED
    return Reason.GUARDIANSHIP_ENDED if guardianship else Reason.REGISTERED_IN_ERROR


def _refused_by_procedure(case: CaseState, now: datetime, today: date) -> Reason | None:
    """Return which step was undone or is missing, what was undone first."""
    if case.withdrawn_at is not None and case.withdrawn_at <= now:
        return Reason.CONSENT_WITHDRAWN
    ended = _ended(case, now)
    if ended is not None:
        return ended
    if case.identified_at is None or case.identified_at > now:
        return Reason.NOT_IDENTIFIED
    if case.consent_signed_on is None or case.consent_signed_on > today or not case.consent_text_version:
        return Reason.CONSENT_MISSING
    if case.registered_at is None or case.registered_at > now:
        return Reason.NOT_REGISTERED
    return None


def _refused_by_days(case: CaseState, today: date) -> Reason | None:
    """Return which span of a case that went through the procedure does not hold today."""
    if case.in_force_from is None or case.records_from is None:
        return Reason.CONSENT_MISSING
    if today < case.in_force_from:
        return Reason.CONSENT_NOT_YET_IN_FORCE
    if case.in_force_to is not None and today > case.in_force_to:
        return Reason.CONSENT_EXPIRED
    if case.authority_until is not None and today > case.authority_until:
        return Reason.GUARDIANSHIP_ENDED
    if any(restriction.covers(today) for restriction in case.restrictions):
        return Reason.RESTRICTED
    return None


def _refused_by_school(student: RosterEntry | None, today: date) -> Reason | None:
    """Return why the student gives no ground."""
    if student is None:
        return Reason.STUDENT_UNKNOWN
    if student.birth_date is None:
        return Reason.BIRTH_DATE_UNKNOWN
    if today >= comes_of_age_on(student.birth_date):
        return Reason.CAME_OF_AGE
    return None if student.classes_on(today) else Reason.STUDENT_LEFT


def ground(case: CaseState, student: RosterEntry | None, now: datetime, today: date) -> Grant | Refusal:
    """Say whether a link has a ground at `now`, which lies in the school's day `today`.

    `student` is the school's entry, None when the school has none. Raises ValueError for a naive `now`.
    """
    if now.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    reason = (
        _refused_by_procedure(case, now, today) or _refused_by_days(case, today) or _refused_by_school(student, today)
    )
    if reason is not None:
        return Refusal(case.school, case.student_key, case.account_id, case.link_id, reason)
    return Grant(
        school=case.school,
        student_key=case.student_key,
        account_id=case.account_id,
        link_id=case.link_id,
        consent_ref=case.consent_ref or "",
        consent_text_version=case.consent_text_version or "",
        kinds=case.kinds,
        in_force_from=case.in_force_from or date.max,
        in_force_to=case.in_force_to,
        records_from=case.records_from or date.max,
        records_to=case.records_to,
        account_ref=case.account_ref,
    )


def in_pilot(student: RosterEntry | None, today: date, pilot: Pilot) -> bool:
    """Tell whether a student's records may leave on `today` as far as pilot groups go."""
    return pilot.admits(() if student is None else student.classes_on(today), today)


def covers(grant: Grant, kind: RecordKind, day: date) -> bool:
    """Tell whether a grant's consent covers a record."""
    return kind in grant.kinds and grant.records_from <= day and (grant.records_to is None or day <= grant.records_to)


def covering(grounds: Iterable[Grant | Refusal], student_key: str, kind: RecordKind, day: date) -> list[Grant]:
    """Return the grants that permit one record."""
    return [
        candidate
        for candidate in grounds
        if isinstance(candidate, Grant) and candidate.student_key == student_key and covers(candidate, kind, day)
    ]


_PLACE = {str(kind): place for place, kind in enumerate(RecordKind)}
_UNKNOWN = len(_PLACE)
"""The place of all kinds that no consent can cover."""
_PLACES = np.arange(_UNKNOWN + 1)
_LATEST, _NEVER = np.datetime64("9999-12-31", "s"), np.datetime64("NaT", "s")
_RANK = {reason: rank for rank, reason in enumerate(RANKING)}
_WORDS = np.array([str(reason) for reason in RANKING], dtype=object)

Numbers = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class _Layer:
    """The first grant of each student, or the second, …: what it covers, by the student's number."""

    kinds: Numbers
    first: Days
    last: Days


@dataclass(frozen=True, slots=True)
class _Layout:
    """What is known of each student by number; the last place is that of records without a student."""

    layers: list[_Layer]
    count: Numbers
    kinds: Numbers
    refused: Numbers

    def withheld(self) -> Numbers:
        """Return why a record that no grant covers is withheld, by student and kind, as a rank."""
        none = np.where(self.count > 0, _RANK[Reason.KIND_NOT_COVERED], self.refused)
        return np.where(_by_kind(self.kinds), _RANK[Reason.DATE_NOT_COVERED], none[:, np.newaxis])


def _by_kind(kinds: Numbers) -> npt.NDArray[np.bool_]:
    """Tell for each student and place of a kind whether it is among the student's kinds."""
    among: npt.NDArray[np.bool_] = (kinds[:, np.newaxis] >> _PLACES) % 2 == 1
    return among


@cache
def _bits(kinds: frozenset[RecordKind]) -> int:
    return sum(1 << _PLACE[kind] for kind in kinds)


def _numbered(values: pd.Series) -> tuple[Numbers, list[str]]:
    """Give each distinct value a number from 0; a missing one has -1, the last place, which belongs to no value."""
    numbers, distinct = pd.factorize(values.to_numpy(dtype=object))  # in half the time that the str type takes
    return numbers, [str(value) for value in distinct]


def _layout(students: Sequence[str], grounds: Iterable[Grant | Refusal]) -> _Layout:
    """Lay the grants out by rank and student, with how many each student has, and its best refusal's rank."""
    number_of = {student: number for number, student in enumerate(students)}
    size = len(students) + 1
    layers: list[_Layer] = []
    count, kinds = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    refused = np.full(size, _RANK[Reason.NO_LINK], dtype=np.int64)
    for candidate in grounds:
        number = number_of.get(candidate.student_key)
        if number is None:
            continue
        if isinstance(candidate, Refusal):
            refused[number] = max(refused[number], _RANK[candidate.reason])
            continue
        if count[number] == len(layers):
            layers.append(_Layer(np.zeros(size, dtype=np.int64), np.full(size, _NEVER), np.full(size, _NEVER)))
        layer, covered = layers[count[number]], _bits(candidate.kinds)
        layer.kinds[number] = covered
        layer.first[number] = np.datetime64(candidate.records_from, "s")
        layer.last[number] = _LATEST if candidate.records_to is None else np.datetime64(candidate.records_to, "s")
        kinds[number] |= covered
        count[number] += 1
    return _Layout(layers, count, kinds, refused)


def decide(
    records: pd.DataFrame,
    grounds: Sequence[Grant | Refusal],
    roster: Mapping[str, RosterEntry],
    *,
    today: date,
    pilot: Pilot = EVERYONE,
) -> pd.DataFrame:
    """Decide for each record: a frame aligned with `records`, of `permitted` (bool) and `reason` (str or None).

    `records` needs `student_key`, `kind` and `date`. Grants are laid out by rank (a student's first link, second, …),
    then by student and kind: the work is a few array look-ups a rank, whatever the number of grants.
    """
    of_student, students = _numbered(records["student_key"])
    of_kind, kinds = _numbered(records["kind"])
    place = np.array([*(_PLACE.get(kind, _UNKNOWN) for kind in kinds), _UNKNOWN])[of_kind]
    cell = of_student * len(_PLACES) + place  # no student: in the last row, counted from the end
    days = records["date"].to_numpy(dtype="datetime64[s]")
    layout = _layout(students, grounds)

    covered = np.zeros(len(records), dtype=bool)
    for layer in layout.layers:
        first = np.where(_by_kind(layer.kinds), layer.first[:, np.newaxis], _NEVER).ravel()
        covered |= (first[cell] <= days) & (days <= layer.last[of_student])
    inside = np.array([*(in_pilot(roster.get(name), today, pilot) for name in students), False])[of_student]

    words = np.full(len(records), None, dtype=object)
    rest = np.flatnonzero(~covered)
    words[rest] = _WORDS[layout.withheld().ravel()[cell[rest]]]
    words[covered & ~inside] = str(Reason.NOT_IN_PILOT)
    reason = pd.Series(words, index=records.index, dtype=object)
    return pd.DataFrame({"permitted": pd.Series(covered & inside, index=records.index), "reason": reason})
