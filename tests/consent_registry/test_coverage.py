from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from consent_registry.decision import Grant, Refusal
from consent_registry.pilot.admission import WHOLE_SCHOOL, Pilot, PilotGroup, Stage
from consent_registry.pilot.coverage import ClassCoverage, Covered, coverage
from consent_registry.reasons import Reason
from journal.school import Enrolment, RosterEntry
from journal.vocabulary import ALL_KINDS

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
MINOR, OF_AGE = date(2012, 5, 5), date(2008, 11, 20)


def student(key: str, *classes: str, born: date | None = MINOR, last: date | None = None) -> RosterEntry:
    return RosterEntry(key, born, tuple(Enrolment(date(2026, 9, 1), last, name) for name in classes))


def roster(*students: RosterEntry) -> dict[str, RosterEntry]:
    return {entry.student_key: entry for entry in students}


def grant(key: str, account: str = "pa-1") -> Grant:
    return Grant("0252", key, account, f"{key}-{account}", "c", "2025-09", ALL_KINDS, TODAY, None, TODAY, None)


def refusal(key: str) -> Refusal:
    return Refusal("0252", key, "pa-2", f"{key}-2", Reason.CONSENT_WITHDRAWN)


def group(class_name: str, stage: Stage = Stage.PILOT, first: int = 0, last: int | None = None) -> PilotGroup:
    return PilotGroup("0252", class_name, stage, TODAY + first * DAY, None if last is None else TODAY + last * DAY)


def test_a_class_tells_its_stage_and_how_many_of_its_students_are_covered() -> None:
    students = roster(student("1", "5А"), student("2", "5А"), student("3", "11А"), student("4", "5-а"))
    pilot = Pilot(frozenset({"11А"}), (group("5А", Stage.PREPARE), group(WHOLE_SCHOOL)))
    found = coverage(students, [grant("1"), grant("1", "pa-2"), refusal("1"), refusal("2")], pilot, TODAY)
    assert found.classes == (
        ClassCoverage(class_name="5-а", stage=Stage.PREPARE, takes_part=False, students=3, covered=1, age_unknown=0),
        ClassCoverage(class_name="11А", stage=Stage.PILOT, takes_part=True, students=1, covered=0, age_unknown=0),
    )
    assert found.stages == {
        Stage.PREPARE: Covered(students=3, covered=1, age_unknown=0),
        Stage.PILOT: Covered(students=1, covered=0, age_unknown=0),
    }
    assert found.total == Covered(students=4, covered=1, age_unknown=0)
    assert found.total.share == 0.25


def test_only_who_is_enrolled_and_under_age_today_counts() -> None:
    students = roster(
        student("1", "5А", born=OF_AGE + DAY),
        student("2", "5А", born=OF_AGE),
        student("3", "5А", last=TODAY - DAY),
        student("4", "5А", born=None),
        student("5"),
    )
    found = coverage(students, [grant(key) for key in students], Pilot(), TODAY)
    assert found.total == Covered(students=1, covered=1, age_unknown=1)
    (only,) = found.classes
    assert (only.students, only.covered, only.age_unknown) == (1, 1, 1)
    assert (only.stage, only.takes_part) == (None, True)


def test_a_class_that_only_a_group_names_is_listed_with_no_students() -> None:
    (only,) = coverage({}, [], Pilot(groups=(group("5Я"), group(WHOLE_SCHOOL))), TODAY).classes
    assert (only.class_name, only.students, only.share) == ("5Я", 0, None)


def test_a_group_whose_days_are_over_or_ahead_gives_no_stage() -> None:
    students = roster(student("1", "5А"), student("2", "6А"), student("3", "7А"))
    pilot = Pilot(groups=(group("5А", first=-9, last=-1), group("6А", first=1), group("7А", first=-1, last=0)))
    found = coverage(students, [], pilot, TODAY)
    assert [one.stage for one in found.classes] == [None, None, Stage.PILOT]
    assert found.stages[None] == Covered(students=2, covered=0, age_unknown=0)


def test_classes_without_letters_or_digits_are_kept_apart() -> None:
    found = coverage(roster(student("1", "—"), student("2", "«»")), [], Pilot(), TODAY)
    assert [one.class_name for one in found.classes] == ["«»", "—"]


CLASSES = ("5А", "5Б", "6А", "11А")
STUDENTS = st.lists(
    st.builds(
        lambda classes, born, last: (classes, born, last),
        st.lists(st.sampled_from(CLASSES), max_size=3),
        st.sampled_from([None, MINOR, OF_AGE, OF_AGE + DAY]),
        st.sampled_from([None, TODAY, TODAY - DAY]),
    ),
    max_size=8,
)


def oracle(
    students: Sequence[RosterEntry], covered: set[str], stage_of: dict[str, Stage | None]
) -> tuple[dict[str, list[int]], dict[Stage | None, list[int]], list[int]]:
    """Count students one at a time: [under age, covered, without a birth date]."""

    def numbers(chosen: Sequence[RosterEntry]) -> list[int]:
        minors = [s for s in chosen if s.birth_date is not None and s.birth_date > OF_AGE]
        return [
            len(minors),
            len([s for s in minors if s.student_key in covered]),
            len([s for s in chosen if s.birth_date is None]),
        ]

    def studies_in(one: RosterEntry, name: str) -> bool:
        return any(e.class_name == name and (e.last is None or e.last >= TODAY) for e in one.enrolments)

    enrolled = [s for s in students if any(studies_in(s, name) for name in CLASSES)]
    by_class = {name: numbers([s for s in enrolled if studies_in(s, name)]) for name in CLASSES}
    by_stage = {
        stage: numbers(
            [s for s in enrolled if any(studies_in(s, name) and stage_of[name] is stage for name in CLASSES)]
        )
        for stage in (*Stage, None)
    }
    return by_class, by_stage, numbers(enrolled)


@given(
    STUDENTS,
    st.sets(st.integers(0, 7)),
    st.fixed_dictionaries({name: st.sampled_from([None, *Stage]) for name in CLASSES}),
)
def test_the_counts_are_those_of_a_count_by_hand(
    drawn: list[tuple[list[str], date | None, date | None]], linked: set[int], stage_of: dict[str, Stage | None]
) -> None:
    students = [student(str(i), *c, born=b, last=last) for i, (c, b, last) in enumerate(drawn)]
    covered = {str(number) for number in linked}
    pilot = Pilot(groups=tuple(group(name, stage) for name, stage in stage_of.items() if stage is not None))
    grounds = [*(grant(key) for key in covered), *(refusal(one.student_key) for one in students)]
    found = coverage(roster(*students), grounds, pilot, TODAY)
    by_class, by_stage, total = oracle(students, covered, stage_of)

    def numbers(one: Covered) -> list[int]:
        return [one.students, one.covered, one.age_unknown]

    got = {one.class_name: numbers(one) for one in found.classes}
    assert {name: got.get(name, [0, 0, 0]) for name in CLASSES} == by_class
    assert list(got) == [name for name in CLASSES if name in got]
    assert {stage: numbers(one) for stage, one in found.stages.items()} == {
        stage: by_stage[stage] for stage in found.stages
    }
    assert all(by_stage[stage] == [0, 0, 0] for stage in by_stage if stage not in found.stages)
    assert numbers(found.total) == total
    assert all(one.takes_part == (pilot.admits((one.class_name,), TODAY)) for one in found.classes)
