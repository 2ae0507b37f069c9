"""What is odd about a journal's rows and about its students, said row by row in plain Python.

Written from the catalogue's meanings (mappings/reasons.py, docs/findings.md), with none of the product's rules. Only
rows that become records are given: what was set aside has its own finding and counts nowhere here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

Stay = tuple[date | None, date | None, str]
"""First day, last day (None: open), class ("": none)."""


@dataclass(frozen=True)
class PlainFact:
    """A row of MARK, ABSENCE or PERIOD_MARK; `lesson`, `period` and `journal` are None where it leads to none.

    `kind` is the record's, or None. `first` to `last` are the days it is of; `entered` is the day of entry.
    """

    key: object
    student: object
    kind: str | None
    lesson: object = None
    period: object = None
    journal: object = None
    first: date | None = None
    last: date | None = None
    entered: date | None = None
    weight: Decimal | None = None


def overlaps(stay: Stay, first: date | None, last: date | None) -> bool:
    start, end = stay[0], stay[1] or date.max
    return None not in {start, first, last} and max(start, first) <= min(end, last) and start <= end


def record_doubts(
    facts: Sequence[PlainFact],
    *,
    stays: Mapping[object, Sequence[Stay]],
    classes: Mapping[object, str],
    periods: Mapping[object, tuple[date | None, date | None]],
    most_weight: Decimal | None,
    days_off: Collection[date] = (),
) -> dict[object, set[str]]:
    """Return the doubts about each row by its key; `classes` of journals, `periods` their days."""
    found: dict[object, set[str]] = {}
    of_student: dict[object, list[PlainFact]] = {}
    given: dict[object, set[object]] = {}
    for fact in facts:
        of_student.setdefault(fact.student, []).append(fact)
        if None not in {fact.journal, fact.period}:
            given.setdefault(fact.journal, set()).add(fact.period)
    for fact in facts:
        doubts = found.setdefault(fact.key, set())
        home = [stay for stay in stays.get(fact.student, ()) if overlaps(stay, fact.first, fact.last)]
        wanted = classes.get(fact.journal, "")
        if wanted and home and not any(stay[2] in {wanted, ""} for stay in home):
            doubts.add("class-transfer-missing")
        if fact.lesson is not None and fact.last in days_off:
            doubts.add("no-school-day")
        doubts |= in_company(fact, [other for other in of_student[fact.student] if other is not fact])
        if fact.kind == "current" and fact.period is None:
            if fact.weight is not None and not 0 < fact.weight <= (most_weight or fact.weight):
                doubts.add("weight-out-of-range")
            doubts |= in_time(fact, [periods.get(period, (None, None)) for period in given.get(fact.journal, ())])
    return found


def in_company(fact: PlainFact, others: Sequence[PlainFact]) -> set[str]:
    """Return what is odd about a row for the sake of another of the same student."""
    doubts: set[str] = set()
    kinds = {other.kind for other in others if fact.lesson is not None and other.lesson == fact.lesson}
    if fact.kind == "current" and fact.period is None and "absence" in kinds:
        doubts.add("mark-while-absent")
    if fact.kind in {"absence", "late"} and kinds & {"absence", "late"}:
        doubts.add("absence-repeated")
    same = (fact.journal, fact.period)
    if None not in same and any((other.journal, other.period) == same for other in others):
        doubts.add("period-mark-repeated")
    return doubts


def in_time(fact: PlainFact, closed: Sequence[tuple[date | None, date | None]]) -> set[str]:
    """Return what is odd about the day on which a mark was entered; `closed`: the periods with marks in its journal."""
    doubts: set[str] = set()
    if fact.entered is None or fact.last is None:
        return doubts
    if fact.entered < fact.last:
        doubts.add("entered-before-lesson")
    if any(None not in {first, last} and first <= fact.last <= last < fact.entered for first, last in closed):
        doubts.add("mark-in-closed-period")
    return doubts


def student_doubts(stays: Sequence[Stay], born: date | None, window: tuple[date, date], today: date) -> set[str]:
    """Return what is odd about one student."""
    doubts: set[str] = set()
    begun = [stay for stay in stays if stay[0] is not None]
    here = [stay for stay in begun if overlaps(stay, *window)]
    if not begun or any(overlaps(stay, today, today) and not stay[2] for stay in here):
        doubts.add("student-in-no-class")
    days = [date.fromordinal(day) for day in range(window[0].toordinal(), window[1].toordinal() + 1)]
    if any(len({stay[2] for stay in here if stay[2] and overlaps(stay, day, day)}) > 1 for day in days):
        doubts.add("student-in-two-classes")
    for first, last, _ in begun:
        if last is not None and last < first and any(window[0] <= day <= window[1] for day in (first, last)):
            doubts.add("enrolment-reversed")
    if born is None and here:
        doubts.add("birth-date-missing")
    return doubts
