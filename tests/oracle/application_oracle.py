"""Which step of an application is lawful: rules 15 and 16 of docs/consent-rules.md, said step by step in plain Python.

`objections` gives every reason that speaks against a step, since several may; the product names one of them. None: the
step is lawful.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

WAY = ("received", "identified", "linked", "registered")
BREAKS_OFF = ("rejected", "lapsed", "withdrawn")


@dataclass(frozen=True)
class Done:
    """A step that was entered."""

    step: str
    at: datetime
    by: str


@dataclass(frozen=True)
class Shown:
    """What lies on the desk when a step is entered. A consent is either whole or it isn't."""

    document: bool = True
    authority: bool = True
    authority_until: date | None = None
    student_chosen: bool = True
    consent_whole: bool = True


def standing(done: Sequence[Done]) -> Sequence[Done]:
    """Return the steps that count: one entered again takes the place of its first entry."""
    counted: list[Done] = []
    for one in done:
        if counted and counted[-1].step == one.step:
            counted.pop()
        counted.append(one)
    return counted


def objections(
    done: Sequence[Done],
    new: Done,
    *,
    relation: str,
    now: datetime,
    today: date,
    two_persons: bool,
    shown: Shown,
) -> set[str]:
    """Return the reasons against entering `new` after `done`; `today` is the day of `now`."""
    steps = standing(done)
    reasons = _order([one.step for one in steps], new.step)
    if new.at > now:
        reasons.add("ahead")
    again = bool(steps) and steps[-1].step == new.step
    before = steps[:-1] if again else steps
    if before and new.at < before[-1].at:
        reasons.add("too-early")
    return reasons | _evidence(steps, new, relation=relation, today=today, two_persons=two_persons, shown=shown)


def _evidence(
    steps: Sequence[Done], new: Done, *, relation: str, today: date, two_persons: bool, shown: Shown
) -> set[str]:
    """Return what the step lacks (rule 16, and the table of facts on identifications)."""
    lacks = set()
    if new.step == "identified":
        if not shown.document:
            lacks.add("document-missing")
        if relation in {"guardian", "trustee"}:
            if not shown.authority or shown.authority_until is None:
                lacks.add("authority-missing")
            elif shown.authority_until < today:
                lacks.add("authority-over")
    if new.step == "linked" and not shown.student_chosen:
        lacks.add("student-not-chosen")
    if new.step == "registered":
        if not shown.consent_whole:
            lacks.add("consent-missing")
        if two_persons and any(one.step == "identified" and one.by == new.by for one in steps):
            lacks.add("same-person")
    return lacks


def _order(steps: Sequence[str], new: str) -> set[str]:
    """Return what the order of the steps says against `new`."""
    stage = steps[-1] if steps else None
    if stage is None:
        return set() if new == "received" else {"not-received"}
    if stage in BREAKS_OFF:
        return {"ended", "already-received"} if new == "received" else {"ended"}
    if new in BREAKS_OFF:
        return {"already-registered"} if stage == "registered" and new != "withdrawn" else set()
    reached, wanted = WAY.index(stage), WAY.index(new)
    if wanted == reached + 1 or (wanted == reached and new in {"identified", "linked"}):
        return set()
    if wanted <= reached:
        return {"already-received"} if new == "received" else {f"already-{one}" for one in WAY[wanted : reached + 1]}
    return {f"not-{one}" for one in WAY[reached + 1 : wanted]}
