"""Which students of a school an application may mean: proposals with reasons and doubts. A person decides. Pure.

Rules. Names are compared by `matching.comparable`, also without regard to hyphens, dots and apostrophes, Latin letters
that look Cyrillic counting as Cyrillic; classes as pilot groups compare them. Each thing compared yields one finding:
a reason where it is the same, a doubt where it is nearly so, other, or missing on one side. Findings have points:

                    same   nearly                                          unknown   other
    last name         30   20: a part of a double one, one typing error                  0
    first name        30   20: likewise                                                  0
    both of them           50: exchanged
    birth date        40   20: day and month exchanged, one digit               10       0
    patronymic         6    3: its initial, a part, one typing error             0     -24
    class              2                                                         0       0

`strength` is their sum, and a student is proposed from 66 points on. So where one of last name, first name and birth
date is wholly other, the other two must be the same, or a little less beside the same patronymic; a namesake of another
birth date always needs the same patronymic; another patronymic is borne only beside three that are the same, save
one error in a name. One typing error is a letter more, less or other, or two neighbours exchanged, in a name of at
least four letters; with the digits of a date it is likewise. Strongest first, ties by key; nothing is chosen.
Where two are the strongest, or the school's database holds two alike, both carry a doubt that says so.
Deliberately not here: short forms of names (Саша), transliteration; who may decide (the procedure of an application).
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from functools import cache

from rapidfuzz.distance import DamerauLevenshtein

from consent_registry.applications.findings import POINTS, REASONS, Finding
from consent_registry.decision import comes_of_age_on
from consent_registry.pilot.admission import LOOK_ALIKES, class_code
from consent_registry.register.matching import comparable
from journal.school import StudentIdentity

PLAUSIBLE = 66
"""The points from which a student is proposed."""
MOST_PROPOSED = 5
YOUNGEST = 5
EARLIEST_BIRTH = date(1900, 1, 1)

_SHORTEST_TYPO = 4
_SHORTEST_PART = 2
_MOST_BESIDES = POINTS[Finding.MIDDLE_NAME_SAME] + POINTS[Finding.CLASS_SAME]
_BETWEEN_PARTS = re.compile(r"[\W_]+")

Findings = tuple[Finding, ...]


@dataclass(frozen=True, slots=True, repr=False)
class ClaimedStudent:
    """The student as an application names them. Personal data: shows itself nowhere."""

    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date
    class_name: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A student whom the application may mean, and what speaks for and against it; names no one."""

    student_key: str
    reasons: Findings
    doubts: Findings
    strength: int


def propose(
    claimed: ClaimedStudent, students: Sequence[StudentIdentity], *, most: int = MOST_PROPOSED
) -> list[Proposal]:
    """Return the plausible students of a school, `most` at most, the strongest first."""
    name_of = cache(name_parts)  # for this one call: names stay in no memory for longer
    last, first, middle = name_of(claimed.last_name), name_of(claimed.first_name), name_of(claimed.middle_name)
    found: list[tuple[StudentIdentity, Findings, int]] = []
    for student in students:
        birth_date = _birth_date(claimed.birth_date, student.birth_date)
        findings = (*_names(last, first, name_of(student.last_name), name_of(student.first_name)), birth_date)
        if _points(findings) + _MOST_BESIDES < PLAUSIBLE:
            continue
        findings += _middle_name(middle, name_of(student.middle_name))
        findings += _class(claimed.class_name, student.class_name)
        strength = _points(findings)
        if strength >= PLAUSIBLE:
            found.append((student, findings, strength))
    found.sort(key=lambda one: (-one[2], one[0].student_key))
    held = Counter(_held_as(student) for student, _, _ in found)
    strengths = Counter(strength for _, _, strength in found)
    proposals: list[Proposal] = []
    for student, findings, strength in found[: max(most, 0)]:
        alike = held[_held_as(student)] > 1 or (strength == max(strengths) and strengths[strength] > 1)
        proposals.append(
            Proposal(
                student.student_key,
                tuple(finding for finding in findings if finding in REASONS),
                (
                    *(finding for finding in findings if finding not in REASONS),
                    *([Finding.TWO_ALIKE] if alike else []),
                ),
                strength,
            )
        )
    return proposals


def doubts_of_birth_date(birth_date: date, today: date) -> list[Finding]:
    """Return what is doubtful about a student's birth date by itself; empty: nothing."""
    if birth_date > today:
        return [Finding.BIRTH_DATE_AHEAD]
    if birth_date < EARLIEST_BIRTH:
        return [Finding.BIRTH_DATE_LONG_AGO]
    if today >= comes_of_age_on(birth_date):
        return [Finding.OF_AGE]
    years = today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))
    return [Finding.TOO_YOUNG] if years < YOUNGEST else []


class _Likeness(Enum):
    SAME = auto()
    PART = auto()
    TYPO = auto()
    OTHER = auto()


_LAST_NAME: Mapping[_Likeness, Finding] = {
    _Likeness.SAME: Finding.LAST_NAME_SAME,
    _Likeness.PART: Finding.LAST_NAME_PART,
    _Likeness.TYPO: Finding.LAST_NAME_TYPO,
    _Likeness.OTHER: Finding.LAST_NAME_OTHER,
}
_FIRST_NAME: Mapping[_Likeness, Finding] = {
    _Likeness.SAME: Finding.FIRST_NAME_SAME,
    _Likeness.PART: Finding.FIRST_NAME_PART,
    _Likeness.TYPO: Finding.FIRST_NAME_TYPO,
    _Likeness.OTHER: Finding.FIRST_NAME_OTHER,
}
_MIDDLE_NAME: Mapping[_Likeness, Finding] = {
    _Likeness.SAME: Finding.MIDDLE_NAME_SAME,
    _Likeness.PART: Finding.MIDDLE_NAME_PART,
    _Likeness.TYPO: Finding.MIDDLE_NAME_TYPO,
    _Likeness.OTHER: Finding.MIDDLE_NAME_OTHER,
}


def name_parts(name: str | None) -> list[str]:
    """Return a name's parts as they are compared: capitals, no hyphens or dots; empty: no name. Personal data."""
    capitals = comparable(name).upper().translate(LOOK_ALIKES)
    return [part for part in _BETWEEN_PARTS.split(capitals) if part]


def _points(findings: Findings) -> int:
    return sum(POINTS.get(finding, 0) for finding in findings)


def _likeness(told: list[str], held: list[str]) -> _Likeness:
    if not told or not held:
        return _Likeness.OTHER
    told_whole, held_whole = "".join(told), "".join(held)
    if told_whole == held_whole:
        return _Likeness.SAME
    fewer, more = sorted((set(told), set(held)), key=len)
    if fewer <= more and max(map(len, fewer)) >= _SHORTEST_PART:
        return _Likeness.PART
    return _Likeness.TYPO if _one_error(told_whole, held_whole) else _Likeness.OTHER


def _one_error(told: str, held: str) -> bool:
    longer = max(len(told), len(held))
    return longer >= _SHORTEST_TYPO and DamerauLevenshtein.distance(told, held, score_cutoff=1) == 1


def _names(last: list[str], first: list[str], held_last: list[str], held_first: list[str]) -> Findings:
    straight = (_LAST_NAME[_likeness(last, held_last)], _FIRST_NAME[_likeness(first, held_first)])
    if _points(straight) >= POINTS[Finding.NAMES_SWAPPED]:
        return straight
    exchanged = {_likeness(last, held_first), _likeness(first, held_last)} == {_Likeness.SAME}
    return (Finding.NAMES_SWAPPED,) if exchanged else straight


def _middle_name(told: list[str], held: list[str]) -> Findings:
    if not told and not held:
        return ()
    if not told or not held:
        return (Finding.MIDDLE_NAME_MISSING,)
    likeness = _likeness(told, held)
    shorter, longer = sorted(("".join(told), "".join(held)), key=len)
    if likeness is _Likeness.OTHER and len(shorter) == 1 and longer.startswith(shorter):
        return (Finding.MIDDLE_NAME_INITIAL,)
    return (_MIDDLE_NAME[likeness],)


def _birth_date(told: date, held: date | None) -> Finding:
    if held is None:
        return Finding.BIRTH_DATE_UNKNOWN
    if told == held:
        return Finding.BIRTH_DATE_SAME
    if (told.year, told.month, told.day) == (held.year, held.day, held.month):
        return Finding.BIRTH_DATE_SWAPPED
    return Finding.BIRTH_DATE_DIGIT if _one_error(f"{told:%Y%m%d}", f"{held:%Y%m%d}") else Finding.BIRTH_DATE_OTHER


def _class(told: str | None, held: str | None) -> Findings:
    told_code, held_code = class_code(told or ""), class_code(held or "")
    if not told_code or not held_code:
        return ()
    return (Finding.CLASS_SAME,) if told_code == held_code else (Finding.CLASS_OTHER,)


def _held_as(student: StudentIdentity) -> tuple[str, str, str, date | None]:
    """Return what tells a student from others in the school's database, the class left out."""
    names = (student.last_name, student.first_name, student.middle_name)
    last, first, middle = ("".join(name_parts(name)) for name in names)
    return last, first, middle, student.birth_date
