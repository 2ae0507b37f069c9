"""Who goes to a made-up school: students in classes, and how they move between them.

Rules. A group is a class that stays together through the years (7Б this year was 6Б the year before). The
newest school year has exactly as many students as asked for; earlier years add those who have finished since.
In the newest year some students change class, leave, return, or join. Deterministic: randomness is an argument.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from sandbox.school import curriculum, terms
from sandbox.school.names import FATHERS, SURNAMES, Father, Name, child

FIRST_STUDENT = 1001
USUAL_CLASS_SIZE = 27
OF_AGE = 18

_LETTERS = "АБВГДЕЖЗИКЛМН"
# Even the smallest school has a class with a neighbour to change to, and one whose students come of age.
_FIRST_GROUPS = ((7, "А"), (11, "А"), (7, "Б"))
_OTHER_PARALLELS = (5, 9, 2, 8, 3, 10, 6, 4, 11, 7, 1)
_SHARE_OF_MOVES = 0.02
_SHARE_OF_SIBLINGS = 0.08


class Group(NamedTuple):
    """A class through the years."""

    entered: int
    letter: str

    def parallel(self, year: int) -> int:
        """Return which school year of its life the group is in; outside 1 to 11 it is not at school."""
        return year - self.entered + 1


@dataclass(frozen=True, slots=True)
class Student:
    """A student; `skill` from 0 (weak) to 2 (strong) colours the marks, `subgroup` is 1 or 2."""

    id: int
    name: Name
    birth_date: date | None
    group: Group
    skill: int
    subgroup: int


@dataclass(frozen=True, slots=True)
class Stay:
    """One student in one group for a while within one school year."""

    student: Student
    group: Group
    year: int
    first: date
    last: date | None

    def covers(self, day: date) -> bool:
        """Tell whether the student was in the class on `day`."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Population:
    """Everyone who goes, or in the covered years went, to the school."""

    students: tuple[Student, ...]
    stays: tuple[Stay, ...]

    def groups(self, year: int) -> list[Group]:
        """Return the groups at school in `year`, by parallel and letter."""
        found = {stay.group for stay in self.stays if stay.year == year}
        return sorted(found, key=lambda group: (group.parallel(year), group.letter))


def make_population(rng: random.Random, *, students: int, days: Sequence[date], today: date) -> Population:
    """Return the people of a school with `students` in the newest of the school years that `days` touch."""
    years = sorted({terms.school_year(day) for day in days})
    people = list(_people(rng, _groups(students, years), years[-1]))
    _give_notable_birthdays(people, years[-1], today)
    _give_shared_names(people)
    stays = [stay for year in years[:-1] for stay in _whole_year(people, year)]
    begun = [day for day in days if terms.school_year(day) == years[-1] and day <= today]
    stays.extend(_newest_year(rng, people, years[-1], begun))
    return Population(tuple(people), tuple(stays))


def _groups(students: int, years: Sequence[int]) -> dict[Group, int]:
    """Return each group with its number of students."""
    wanted = list(_FIRST_GROUPS)
    for letter in _LETTERS:
        wanted.extend((parallel, letter) for parallel in _OTHER_PARALLELS if (parallel, letter) not in _FIRST_GROUPS)
    count = min(len(wanted), max(len(_FIRST_GROUPS), round(students / USUAL_CLASS_SIZE)))
    newest = years[-1]
    sizes: dict[Group, int] = {}
    for number, (parallel, letter) in enumerate(wanted[:count]):
        sizes[Group(newest - parallel + 1, letter)] = students // count + (number < students % count)
    finishing = [(group, size) for group, size in sizes.items() if group.parallel(newest) == curriculum.LAST_PARALLEL]
    for year in years[:-1]:
        for group, size in finishing:
            sizes[Group(group.entered - (newest - year), group.letter)] = size
    return sizes


def _people(rng: random.Random, groups: dict[Group, int], newest: int) -> Iterator[Student]:
    families: list[tuple[str, Father]] = []
    number = FIRST_STUDENT
    for group in sorted(groups, key=lambda group: (group.parallel(newest), group.letter)):
        for place in range(groups[group]):
            if families and rng.random() < _SHARE_OF_SIBLINGS:
                family, father = rng.choice(families)
            else:
                family, father = rng.choice(SURNAMES), rng.choice(FATHERS)
                families.append((family, father))
            name = child(rng, family, father, female=rng.random() < 0.5)  # noqa: PLR2004  half of them are girls
            born = date(group.entered - 8, 10, 1) + timedelta(days=rng.randrange(365))
            yield Student(number, name, born, group, skill=rng.choices((0, 1, 2), (2, 5, 3))[0], subgroup=1 + place % 2)
            number += 1


def _give_notable_birthdays(people: list[Student], newest: int, today: date) -> None:
    """In class 11: one is of age, one becomes so today, one tomorrow, one was born on 29 February. Some are null."""
    eldest = [n for n, one in enumerate(people) if one.group.parallel(newest) == curriculum.LAST_PARALLEL]
    notable = [
        eighteen_years_before(today - timedelta(days=40)),
        eighteen_years_before(today),
        eighteen_years_before(today + timedelta(days=1)),
        date(2008, 2, 29),
    ]
    for place, born in zip(eldest, notable, strict=False):
        people[place] = replace(people[place], birth_date=born)
    for place in range(2, len(people), 301):
        if place not in eldest[: len(notable)]:
            people[place] = replace(people[place], birth_date=None)


def eighteen_years_before(day: date) -> date:
    """Return the latest birth date of somebody who is of age on `day`."""
    try:
        return day.replace(year=day.year - OF_AGE)
    except ValueError:
        return date(day.year - OF_AGE, 2, 28)


def _give_shared_names(people: list[Student]) -> None:
    """Give two students of different classes one full name; birth dates tell them apart."""
    first = next(n for n, one in enumerate(people) if one.name.middle and one.birth_date)
    for place in range(len(people) - 1, first, -1):
        other = people[place]
        if other.group != people[first].group and other.birth_date not in (None, people[first].birth_date):
            people[place] = replace(other, name=people[first].name)
            return


def _whole_year(people: Sequence[Student], year: int) -> Iterator[Stay]:
    for one in people:
        parallel = one.group.parallel(year)
        if 1 <= parallel <= curriculum.LAST_PARALLEL:
            finishing = parallel == curriculum.LAST_PARALLEL
            last = date(year + 1, 6, 30) if finishing else date(year + 1, 8, 31)
            yield Stay(one, one.group, year, date(year, 9, 1), last)


def _newest_year(rng: random.Random, people: Sequence[Student], year: int, begun: Sequence[date]) -> Iterator[Stay]:
    present = [one for one in people if one.group.parallel(year) <= curriculum.LAST_PARALLEL]
    groups = sorted({one.group for one in present})
    count = max(1, round(len(present) * _SHARE_OF_MOVES))
    neighbours = {
        group: [other for other in groups if other.entered == group.entered and other != group] for group in groups
    }
    movable = [one for one in present if neighbours[one.group]]
    transfers = set(rng.sample(movable, min(count, len(movable) // 2)))
    others = [one for one in present if one not in transfers]
    moved = rng.sample(others, min(2 * count, len(others) // 2))
    leavers, joiners = set(moved[:count]), set(moved[count:])
    start = date(year, 9, 1)
    days = begun or [start]
    for one in present:
        # A day in the middle half, so that there are lessons before and after it.
        day = days[len(days) // 4 + rng.randrange(max(1, len(days) // 2))]
        if one in transfers:
            yield Stay(one, one.group, year, start, day - terms.DAY)
            yield Stay(one, rng.choice(neighbours[one.group]), year, day, None)
        elif one in leavers:
            yield Stay(one, one.group, year, start, day)
            back = day + timedelta(days=14)
            if one.id % 4 == 0 and back <= days[-1]:
                yield Stay(one, one.group, year, back, None)
        elif one in joiners:
            yield Stay(one, one.group, year, max(day, start), None)
        else:
            yield Stay(one, one.group, year, start, None)
