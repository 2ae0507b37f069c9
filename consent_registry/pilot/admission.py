"""Which classes of a school take part (опытная эксплуатация), with the stage and the days of each. Pure.

Rules. Two things restrict, and where both stand both must admit: the classes that the installation's configuration
names (none: the whole school), and the groups that people recorded and whose first day has come (none: no
restriction). Where a school has such groups, a class is in only if its group is in stage `pilot` or `regular` and today
is not past the group's last day; a class that no group speaks of is out. A class's own group beats the whole school's;
of several that have begun the one recorded last counts, alone: an earlier one does not come back when it ends. What
is planned ahead changes nothing before its first day.
A student takes part when one of today's classes does; one in no class takes part only where nothing restricts.
Class names are compared by letters and digits, in capitals; Latin letters that look Cyrillic count as Cyrillic.
Deliberately not here: how groups are kept (`groups`), what being outside means for a record (`decision`).
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import takewhile

from journal.wording import Wording

WHOLE_SCHOOL = ""
"""The class name of a group that speaks of every class without a group of its own."""

LOOK_ALIKES = str.maketrans("ABCEHKMOPTX", "АВСЕНКМОРТХ")
"""For `str.translate`: Latin capitals that look Cyrillic, as Cyrillic."""

_CLASS_NAMES_KEPT, _PILOTS_KEPT = 4096, 64


class Stage(StrEnum):
    """How far a class is: `prepare` sends nothing yet, `pilot` and `regular` send."""

    PREPARE = "prepare"
    PILOT = "pilot"
    REGULAR = "regular"

    @property
    def sends(self) -> bool:
        """Whether records of a class in this stage may leave."""
        return self is not Stage.PREPARE


STAGE_NAMES: dict[Stage, Wording] = {
    Stage.PREPARE: Wording("подготовка: ничего не передаётся", "preparation: nothing is sent"),
    Stage.PILOT: Wording("опытная эксплуатация", "pilot"),
    Stage.REGULAR: Wording("постоянная эксплуатация", "regular use"),
}


@lru_cache(maxsize=_CLASS_NAMES_KEPT)
def class_code(name: str) -> str:
    """Return a class's name as it is compared: "5А", "5-а", "5 «А»" and a Latin "5A" are one. May be empty."""
    capitals = unicodedata.normalize("NFC", name.upper())
    return "".join(character for character in capitals if character.isalnum()).translate(LOOK_ALIKES)


def class_order(name: str) -> tuple[int, str]:
    """Return what sorts classes as people list them: 5А before 11А."""
    code = class_code(name)
    year = "".join(takewhile(str.isdecimal, code))
    return int(year) if year else 0, code


@dataclass(frozen=True, slots=True)
class PilotGroup:
    """What was recorded of one class, or with `WHOLE_SCHOOL` of all others. Both days included; `last` None: open."""

    school: str
    class_name: str
    stage: Stage
    first: date
    last: date | None = None

    def admits(self, today: date) -> bool:
        """Tell whether records of this group may leave on `today`."""
        return self.stage.sends and self.is_on(today)

    def is_on(self, today: date) -> bool:
        """Tell whether `today` lies in the group's days."""
        return self.first <= today and (self.last is None or today <= self.last)


@dataclass(frozen=True, slots=True)
class Pilot:
    """Who of one school takes part. `groups` in the order in which they were recorded.

    Raises ValueError for groups of several schools.
    """

    configured: frozenset[str] = frozenset()
    groups: tuple[PilotGroup, ...] = ()
    _codes: frozenset[str] = field(init=False, repr=False, compare=False)
    _by_code: dict[str, PilotGroup] = field(init=False, repr=False, compare=False)
    _others: PilotGroup | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len({group.school for group in self.groups}) > 1:
            raise ValueError("a pilot is of one school")
        whole = [group for group in self.groups if group.class_name == WHOLE_SCHOOL]
        by_code = {class_code(group.class_name): group for group in self.groups if group.class_name != WHOLE_SCHOOL}
        object.__setattr__(self, "_codes", frozenset(map(class_code, self.configured)))
        object.__setattr__(self, "_by_code", by_code)
        object.__setattr__(self, "_others", whole[-1] if whole else None)

    @property
    def restricts(self) -> bool:
        """Whether anything keeps a class out; if not, everyone is in."""
        return bool(self.configured or self.groups)

    def group_of(self, class_name: str) -> PilotGroup | None:
        """Return the group that counts for a class; None: no group speaks of it."""
        return self._by_code.get(class_code(class_name), self._others)

    def own_group(self, class_name: str) -> PilotGroup | None:
        """Return the group that counts among those that name this very class, or with `WHOLE_SCHOOL` the school."""
        return self._others if class_name == WHOLE_SCHOOL else self._by_code.get(class_code(class_name))

    @property
    def standing(self) -> tuple[PilotGroup, ...]:
        """The groups that count: the whole school's first, then by class, 5А before 11А."""
        of_classes = sorted(self._by_code.values(), key=lambda group: class_order(group.class_name))
        return (*([self._others] if self._others else ()), *of_classes)

    def begun_by(self, today: date) -> "Pilot":
        """Return what counts on `today`: the groups whose first day has come."""
        return self if all(group.first <= today for group in self.groups) else _begun(self, today)

    def admits(self, classes: Iterable[str], today: date) -> bool:
        """Tell whether a student who is in these classes on `today` takes part."""
        begun = self.begun_by(today)
        return not begun.restricts or any(begun._admits_class(name, today) for name in classes)  # noqa: SLF001  one of its own

    def _admits_class(self, name: str, today: date) -> bool:
        code = class_code(name)
        if not code:  # nothing to tell it by
            return False
        if self.configured and code not in self._codes:
            return False
        if not self.groups:
            return True
        group = self._by_code.get(code, self._others)
        return group is not None and group.admits(today)


@lru_cache(maxsize=_PILOTS_KEPT)
def _begun(pilot: Pilot, today: date) -> Pilot:
    return Pilot(pilot.configured, tuple(group for group in pilot.groups if group.first <= today))
