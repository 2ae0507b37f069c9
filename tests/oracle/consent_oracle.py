"""What a school's consent registry must answer, said fact by fact in plain Python.

Written from docs/consent-rules.md alone (its numbers stand in the comments), not from the product: no pandas, no SQL,
none of the product's code; words are strings. Slow and plain on purpose. What people may do, and what facts their acts
leave behind, is `consent_acts`.

    ground(facts, student, at, known_at, zone)        None: the link has a ground; else the one reason
    permission(standings, kind, on, pilot=...)        None: the record may be sent; else the one reason
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

EVERY_KIND = frozenset({"current", "period", "annual", "exam", "final", "absence", "late", "remark"})

# Rule 9, from far to near.
NEARNESS = (
    "no-link",
    "not-identified",
    "consent-missing",
    "not-registered",
    "student-unknown",
    "consent-not-yet-in-force",
    "consent-expired",
    "consent-withdrawn",
    "registered-in-error",
    "guardianship-ended",
    "student-left",
    "birth-date-unknown",
    "came-of-age",
    "restricted",
    "not-in-pilot",
)


@dataclass(frozen=True)
class Paper:
    """A consent as it was signed; `None` where the paper says nothing."""

    reference: str
    text_version: str | None
    signed_on: date | None
    in_force_from: date | None
    in_force_to: date | None
    records_from: date | None
    records_to: date | None
    kinds: frozenset[str] = EVERY_KIND


@dataclass(frozen=True)
class Fact:
    """What somebody recorded. `number` counts the facts of the registry in the order of recording."""

    number: int
    kind: str
    valid_at: datetime
    recorded_at: datetime
    by: str
    corrects: frozenset[int] = frozenset()
    of_register: bool = False
    paper: Paper | None = None
    names: frozenset[str] = frozenset()
    why: str | None = None
    first: date | None = None
    last: date | None = None
    identifier: str | None = None
    authority_until: date | None = None


@dataclass(frozen=True)
class Stay:
    """A student's time in a class; `last` None: still there."""

    class_name: str
    first: date
    last: date | None


@dataclass
class Student:
    """What the school's database says of a student today."""

    key: str
    born: date | None
    stays: list[Stay] = field(default_factory=list)

    def classes(self, day: date) -> set[str]:
        return {stay.class_name for stay in self.stays if stay.first <= day <= (stay.last or date.max)}


# --- facts (rules 1 and 2) -------------------------------------------------------------------------------------------


def counting(facts: Sequence[Fact], known_at: datetime) -> list[Fact]:
    """Return the facts that exist and count for whoever knows what was recorded at or before `known_at`."""
    known = [fact for fact in facts if fact.recorded_at <= known_at]
    corrected: set[int] = set()
    for fact in known:
        corrected |= fact.corrects
    return [fact for fact in known if fact.number not in corrected and fact.kind != "taken-back"]


def _of(kind: str, facts: Iterable[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.kind == kind]


# --- the consent of the moment (rules 4 to 6) ------------------------------------------------------------------------


def consent_of_the_moment(counted: Sequence[Fact], at: datetime) -> Paper | None:
    consents = _of("consent", counted)
    best: Fact | None = None
    for fact in consents:
        later = best is None or (fact.valid_at, fact.number) > (best.valid_at, best.number)
        if fact.valid_at <= at and later:
            best = fact
    if best is None:
        for fact in consents:
            if best is None or (fact.valid_at, fact.number) < (best.valid_at, best.number):
                best = fact
    return best.paper if best else None


def earliest(kind: str, counted: Sequence[Fact], reference: str | None) -> Fact | None:
    """Return the earliest fact of this kind that names the consent, or, with no consent, that names none."""
    found: Fact | None = None
    for fact in _of(kind, counted):
        meant = reference in fact.names if reference is not None else not fact.names
        if meant and (found is None or _place(fact) < _place(found)):
            found = fact
    return found


def _place(fact: Fact) -> tuple[datetime, int, int]:
    return fact.valid_at, 0 if fact.why == "registered-in-error" else 1, fact.number


# --- the ground of a link --------------------------------------------------------------------------------------------


def birthday_18(born: date) -> date:
    if (born.month, born.day) == (2, 29):  # no year 18 years after a leap year is one
        return date(born.year + 18, 3, 1)
    return date(born.year + 18, born.month, born.day)


def ground(  # noqa: C901, PLR0911, PLR0912 - the table of the rules, line by line
    facts: Sequence[Fact], student: Student | None, at: datetime, known_at: datetime, zone: tzinfo
) -> str | None:
    """Return the first reason that applies to a link at `at`, as known at `known_at`; None: it has a ground."""
    counted = counting(facts, known_at)
    day = at.astimezone(zone).date()
    paper = consent_of_the_moment(counted, at)
    reference = paper.reference if paper else None

    withdrawal = earliest("withdrawal", counted, reference)
    if withdrawal is not None and withdrawal.valid_at <= at:  # 1
        return "consent-withdrawn"
    ending = earliest("ending", counted, reference)
    if ending is not None and ending.valid_at <= at:  # 2
        return ending.why
    identifications = [fact for fact in _of("identification", counted) if fact.valid_at <= at]
    if not identifications:  # 3
        return "not-identified"
    if paper is None or paper.signed_on is None or paper.signed_on > day or not paper.text_version:  # 4
        return "consent-missing"
    registration = earliest("registration", counted, reference)
    if registration is None or registration.valid_at > at:  # 5
        return "not-registered"
    if paper.in_force_from is None or paper.records_from is None:  # 6
        return "consent-missing"
    if day < paper.in_force_from:  # 7
        return "consent-not-yet-in-force"
    if paper.in_force_to is not None and day > paper.in_force_to:  # 8
        return "consent-expired"
    last = identifications[0]
    for fact in identifications:
        if (fact.valid_at, fact.number) > (last.valid_at, last.number):
            last = fact
    if last.authority_until is not None and last.authority_until < day:  # 9
        return "guardianship-ended"
    for fact in _of("restriction", counted):  # 10: its own days say when it holds, not when it was recorded
        if (fact.first or date.min) <= day <= (fact.last or date.max):
            return "restricted"
    if student is None:  # 11
        return "student-unknown"
    if student.born is None:  # 12
        return "birth-date-unknown"
    if day >= birthday_18(student.born):  # 13
        return "came-of-age"
    if not student.classes(day):  # 14
        return "student-left"
    return None


# --- may a record be sent? (rules 7 to 9) ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """What was recorded of a class, or of the whole school where `class_name` is empty; later ones come later."""

    class_name: str
    stage: str
    first: date
    last: date | None


def in_pilot(student: Student | None, groups: Sequence[Group], day: date) -> bool:
    """Tell whether one of the day's classes takes part: by its own newest group, else by the school's; none: all do."""
    groups = [group for group in groups if group.first <= day]  # what is planned ahead changes nothing before
    if not groups:
        return True
    for class_name in student.classes(day) if student else ():
        own = [group for group in groups if group.class_name == class_name]
        whole = [group for group in groups if not group.class_name]
        speaks = (own or whole)[-1:]
        for group in speaks:
            if group.stage in {"pilot", "regular"} and group.first <= day <= (group.last or date.max):
                return True
    return False


Standing = Paper | str
"""What a link stands on: the consent of the moment where it has a ground, else the reason why it has none."""


def standing(facts: Sequence[Fact], student: Student | None, at: datetime, zone: tzinfo) -> Standing:
    """Return what one link stands on at `at`, as known then."""
    reason = ground(facts, student, at, at, zone)
    if reason is not None:
        return reason
    paper = consent_of_the_moment(counting(facts, at), at)
    assert paper is not None
    return paper


def permission(standings: Sequence[Standing], kind: str | None, on: date | None, *, pilot: bool) -> str | None:
    """Return the one reason why a record may not be sent; None: it may.

    `standings`: of all links of the record's student; `pilot`: whether the student takes part today.
    """
    papers = [one for one in standings if isinstance(one, Paper)]
    if not papers:
        against = [one for one in standings if isinstance(one, str)]
        return max(against, key=NEARNESS.index, default="no-link")
    covering = [paper for paper in papers if kind in paper.kinds]
    if not covering:
        return "kind-not-covered"
    for paper in covering:
        assert paper.records_from is not None
        if on is not None and paper.records_from <= on <= (paper.records_to or date.max):
            return None if pilot else "not-in-pilot"
    return "date-not-covered"
