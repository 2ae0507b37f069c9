"""The acts of a schedule (`school_schedule`), carried out on a school that lives (`school_life`), and on its oracle."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from oracle.consent_acts import Key
from oracle.consent_oracle import EVERY_KIND, Group, Paper
from oracle.journal_oracle import MOSCOW
from worlds.school_life import CODE, SchoolLife, now
from worlds.school_schedule import Act

from consent_registry.acts import ConsentTerms, end_link, give_consent, lift_restrictions, register_consents, restrict
from consent_registry.acts import withdraw as withdraw_consents
from consent_registry.facts import EndingReason
from consent_registry.pilot.admission import Stage
from consent_registry.pilot.groups import move
from flows.assembly import random_id
from journal.vocabulary import RecordKind

GOOD_MARKS = (401, 402, 403, 404, 405)
NARROWED = frozenset({"current", "period"})


def carry_out(life: SchoolLife, acts: Sequence[Act]) -> None:
    """Carry out acts one after another; those in the school's file only between runs, which may have it open."""
    for act in acts:
        if act.name in IN_SCHOOL:
            IN_SCHOOL[act.name](life, act.chance)
            life.look()
        else:
            IN_REGISTRY[act.name](life, act.chance)


def _chosen(chance: int, among: Sequence[Any]) -> Any:
    return among[chance % len(among)] if among else None


def _marks(life: SchoolLife) -> list[dict[str, Any]]:
    return [row for row in life.tables["MARK"] if row["TYPE_ID"] in GOOD_MARKS]


def _correct(life: SchoolLife, chance: int) -> None:
    for turn in range(1 + chance % 3):
        mark = _chosen(chance // 7 + turn * 31, _marks(life))
        if mark:
            life.editor.correct_mark(mark["ID"], GOOD_MARKS[(mark["TYPE_ID"] + 1 + turn) % 5], at=now())


def _delete(life: SchoolLife, chance: int) -> None:
    mark = _chosen(chance, _marks(life))
    if mark:
        life.editor.delete_mark(mark["ID"])


def _re_enter(life: SchoolLife, chance: int) -> None:
    """Delete a mark and give the same one anew: another row of the journal."""
    mark = _chosen(chance, _marks(life))
    if mark:
        life.editor.delete_mark(mark["ID"])
        _give(life, mark["CONTROL_ID"], mark["STUDENT_ID"], mark["TYPE_ID"])


def _give(life: SchoolLife, control: int, student: int, kind: int) -> None:
    life.editor.add_mark(control, student, kind, at=now(), note=f"№{next(life.numbers)}")


def _new_mark(life: SchoolLife, chance: int) -> None:
    """Give a mark to a student who sits in a journal and has none for that work yet."""
    control = _chosen(chance, life.tables["CONTROL"])
    lesson = next(row for row in life.tables["LESSON"] if row["ID"] == control["LESSON_ID"])
    marked = {row["STUDENT_ID"] for row in life.tables["MARK"] if row["CONTROL_ID"] == control["ID"]}
    members = sorted(
        row["STUDENT_ID"] for row in life.tables["JOURNAL_MEMBER"] if row["JOURNAL_ID"] == lesson["JOURNAL_ID"]
    )
    student = _chosen(chance // 3, [one for one in members if one not in marked])
    if student is not None:
        _give(life, control["ID"], student, GOOD_MARKS[chance % 5])


def _past_lesson(life: SchoolLife, chance: int) -> dict[str, Any] | None:
    today = datetime.now(MOSCOW).date()
    return _chosen(chance, [row for row in life.tables["LESSON"] if row["LESSON_DATE"] <= today])


def _move_lesson(life: SchoolLife, chance: int) -> None:
    lesson = _past_lesson(life, chance)
    if lesson:
        day = lesson["LESSON_DATE"] - timedelta(days=1 + chance % 3)
        life.editor.move_lesson(lesson["ID"], day, lesson["LESSON_NO"])


def _cancel_lesson(life: SchoolLife, chance: int) -> None:
    lesson = _past_lesson(life, chance)
    if lesson:
        life.editor.cancel_lesson(lesson["ID"], cancelled=not lesson["CANCELLED"])


def _new_absence(life: SchoolLife, chance: int) -> None:
    lesson = _past_lesson(life, chance)
    member = lesson and _chosen(
        chance // 3, [row for row in life.tables["JOURNAL_MEMBER"] if row["JOURNAL_ID"] == lesson["JOURNAL_ID"]]
    )
    if member:
        life.editor.add_absence(lesson["ID"], member["STUDENT_ID"], 501 + chance % 3, at=now())


def _delete_absence(life: SchoolLife, chance: int) -> None:
    absence = _chosen(chance, life.tables["ABSENCE"])
    if absence:
        life.editor.delete_absence(absence["ID"])


def _leave(life: SchoolLife, chance: int) -> None:
    """A student leaves the school, as of yesterday."""
    staying = sorted({row["STUDENT_ID"] for row in life.tables["ENROLMENT"] if row["DATE_TO"] is None})
    if len(staying) > 10:
        life.editor.end_enrolment(_chosen(chance, staying), datetime.now(MOSCOW).date() - timedelta(days=1))


def _case(life: SchoolLife, chance: int, *, granted: bool) -> Key | None:
    """Choose a case; `granted`: rather one that stands."""
    cases = sorted(life.registry.cases)
    at = now()
    fitting = [key for key in cases if (life.truth.paper(key, at) is not None) is granted] if chance % 4 else cases
    return _chosen(chance // 4, fitting or cases)


def _withdraw(life: SchoolLife, chance: int) -> None:
    key = _case(life, chance, granted=True)
    if key:
        life.record(
            lambda connection, actor: withdraw_consents(connection, CODE, *key, at=actor.now, actor=actor),
            lambda at: life.registry.withdraw(key, at, at, "clerk", reason=False),
        )


def _end_link(life: SchoolLife, chance: int) -> None:
    key, why = (
        _case(life, chance, granted=True),
        EndingReason(("guardianship-ended", "registered-in-error")[chance % 2]),
    )
    if key:
        life.record(
            lambda connection, actor: end_link(connection, CODE, *key, why, at=actor.now, actor=actor),
            lambda at: life.registry.end(key, str(why), at, at, "clerk"),
        )


def _restrict(life: SchoolLife, chance: int) -> None:
    key = _case(life, chance, granted=True)
    first = datetime.now(MOSCOW).date() - timedelta(days=chance % 2)
    last = None if chance % 3 else first + timedelta(days=20)
    if key:
        life.record(
            lambda connection, actor: restrict(connection, CODE, *key, first=first, last=last, actor=actor),
            lambda at: life.registry.restrict(key, first, last, at, "clerk"),
        )


def _lift(life: SchoolLife, chance: int) -> None:
    key, today = _case(life, chance, granted=False), datetime.now(MOSCOW).date()
    if key:
        life.record(
            lambda connection, actor: lift_restrictions(connection, CODE, *key, on=today, actor=actor),
            lambda at: life.registry.lift(key, today, at, "clerk"),
        )


def _consent(life: SchoolLife, chance: int) -> None:
    """A parent signs a consent today, and it is registered: after a withdrawal, or in place of another."""
    key, today = _case(life, chance, granted=False), datetime.now(MOSCOW).date()
    if key is None:
        return
    kinds = NARROWED if chance % 5 == 0 else EVERY_KIND
    since = today - timedelta(days=(10, 300)[chance % 2])
    paper = Paper(random_id(), "2025-09", today, today, None, since, None, kinds)
    if life.registry.objections_to_consent(key, paper, now()):
        return
    said = ConsentTerms("2025-09", today, today, since, kinds=frozenset(RecordKind(kind) for kind in kinds))
    life.record(
        lambda connection, actor: give_consent(
            connection, CODE, *key, said, actor=actor, new_id=lambda: paper.reference
        ),
        lambda at: life.registry.consent(key, paper, at, "clerk"),
    )
    if not life.registry.objections_to_registering(key, now(), "clerk", two_persons=False):
        life.record(
            lambda connection, actor: register_consents(connection, CODE, *key, two_persons=False, actor=actor),
            lambda at: life.registry.register(key, life.registry.unregistered(key), at, at, "clerk"),
        )


def _new_link(life: SchoolLife, chance: int) -> None:
    """Another parent of a student comes in with a register, the whole way gone."""
    row = _chosen(chance, [row for row in life.rows if row["student_id"] and row["registered_at"]])
    number = next(life.numbers)
    new = row | {
        "account_id": f"pa-{number}",
        "parent_last_name": f"Родитель{number}",
        "email": f"pa-{number}@example.org",
        "in_force_to": "",
        "withdrawn_at": "",
        "restricted_from": "",
        "restricted_to": "",
    }
    life.take_in([new])


def _pilot(life: SchoolLife, chance: int) -> None:
    """A class is moved into the pilot or out of it; rarely is the whole school left with few."""
    today = datetime.now(MOSCOW).date()
    classes = sorted({name for one in life.truth.school[-1].students.values() for name in one.classes(today)})
    name = _chosen(chance // 7, ["", "", *classes])
    stage = ("regular", "pilot", "regular", "prepare")[chance % 4] if name else ("regular", "pilot")[chance % 2]
    group = Group(name, stage, today - timedelta(days=1), None)
    life.record(
        lambda connection, actor: move(
            connection, CODE, name, Stage(stage), first=group.first, last=None, now=actor.now, by="clerk"
        ),
        lambda at: life.truth.groups.append((at, group)),
    )


IN_SCHOOL: dict[str, Callable[[SchoolLife, int], None]] = {
    "correct": _correct,
    "delete": _delete,
    "re-enter": _re_enter,
    "new-mark": _new_mark,
    "move-lesson": _move_lesson,
    "cancel-lesson": _cancel_lesson,
    "new-absence": _new_absence,
    "delete-absence": _delete_absence,
    "leave": _leave,
}
IN_REGISTRY: dict[str, Callable[[SchoolLife, int], None]] = {
    "withdraw": _withdraw,
    "consent": _consent,
    "new-link": _new_link,
    "end-link": _end_link,
    "restrict": _restrict,
    "lift": _lift,
    "pilot": _pilot,
}
