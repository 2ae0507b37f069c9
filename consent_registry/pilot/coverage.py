"""How many of a school's students have a link with a ground today: by class, by stage, in all. Pure.

Rules. Students are those who are enrolled today and known to be under 18; one without a birth date is counted apart,
for nothing can be sent of them. A student is covered when at least one link has a ground, whether or not the class
takes part yet: coverage tells when a class is ready. A student of two classes counts in each, once in a stage
and once in all. Spellings of one class are one class. A class that only a group names is listed with no students.
Deliberately not here: how much was sent (reports), whose links are missing (the list of cases).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from consent_registry.decision import Grant, Refusal, comes_of_age_on
from consent_registry.pilot.admission import WHOLE_SCHOOL, Pilot, PilotGroup, Stage, class_code, class_order
from journal.school import RosterEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Numbers of students: under 18 and enrolled, covered among them, and enrolled without a birth date."""

    students: int
    covered: int
    age_unknown: int

    @property
    def share(self) -> float | None:
        """Covered students per student, 0 to 1; None where there are none."""
        return self.covered / self.students if self.students else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCoverage(Covered):
    """A class's numbers; `stage` is its group's today (None: in no group today), `takes_part` whether it is sent."""

    class_name: str
    stage: Stage | None
    takes_part: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """A school's coverage: classes as people list them, stages that some class is in (None: in no group), and all."""

    classes: tuple[ClassCoverage, ...]
    stages: Mapping[Stage | None, Covered]
    total: Covered


def coverage(
    roster: Mapping[str, RosterEntry], grounds: Iterable[Grant | Refusal], pilot: Pilot, today: date
) -> Coverage:
    """Count who is covered today; `roster` and `grounds` are of one school, the grounds as of today."""
    granted = {link.student_key for link in grounds if isinstance(link, Grant)}
    members: defaultdict[str, list[RosterEntry]] = defaultdict(list)
    spelt: dict[str, str] = {}
    for student in roster.values():
        for code, name in {_code(name): name for name in student.classes_on(today)}.items():
            members[code].append(student)
            spelt[code] = min(name, spelt.get(code, name))  # the same one, whatever the roster's order
    for group in pilot.groups:
        if group.class_name != WHOLE_SCHOOL:
            spelt.setdefault(_code(group.class_name), group.class_name)

    begun = pilot.begun_by(today)
    classes: list[ClassCoverage] = []
    of_stage: defaultdict[Stage | None, dict[str, RosterEntry]] = defaultdict(dict)
    for code, name in sorted(spelt.items(), key=lambda item: (class_order(item[1]), item)):
        stage = _stage_on(begun.group_of(name), today)
        count = _count(members[code], granted, today)
        of_stage[stage].update((student.student_key, student) for student in members[code])
        classes.append(
            ClassCoverage(
                class_name=name,
                stage=stage,
                takes_part=pilot.admits((name,), today),
                students=count.students,
                covered=count.covered,
                age_unknown=count.age_unknown,
            )
        )
    stages: dict[Stage | None, Covered] = {
        stage: _count(of_stage[stage].values(), granted, today) for stage in (*Stage, None) if stage in of_stage
    }
    enrolled = [student for student in roster.values() if student.classes_on(today)]
    return Coverage(tuple(classes), stages, _count(enrolled, granted, today))


def _code(name: str) -> str:
    return class_code(name) or name  # a name without a letter or digit is a class by itself


def _stage_on(group: PilotGroup | None, today: date) -> Stage | None:
    return group.stage if group is not None and group.is_on(today) else None


def _count(students: Iterable[RosterEntry], granted: set[str], today: date) -> Covered:
    minors = covered = age_unknown = 0
    for student in students:
        if student.birth_date is None:
            age_unknown += 1
        elif today < comes_of_age_on(student.birth_date):
            minors += 1
            covered += student.student_key in granted
    return Covered(students=minors, covered=covered, age_unknown=age_unknown)
