from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.pilot.admission import STAGE_NAMES, WHOLE_SCHOOL, Pilot, PilotGroup, Stage, class_code

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
CLASSES = ("5А", "5Б", "11 «В»")
SPELLINGS = {
    "5А": ("5А", "5-а", "5 «А»", "5A", "5 a", "5.а"),
    "5Б": ("5Б", "5б", "5/Б"),
    "11 «В»": ("11В", "11-B", "11 в", "11b"),
}


def group(class_name: str = "5А", stage: Stage = Stage.PILOT, first: int = 0, last: int | None = None) -> PilotGroup:
    return PilotGroup("0252", class_name, stage, TODAY + first * DAY, None if last is None else TODAY + last * DAY)


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_class_is_one_class_however_it_is_spelt(name: str) -> None:
    assert {class_code(spelling) for spelling in SPELLINGS[name]} == {class_code(name)}
    assert class_code(name) not in {class_code(other) for other in SPELLINGS if other != name}


def test_every_latin_letter_that_looks_cyrillic_is_folded_and_no_other() -> None:
    latin = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    folded = class_code(latin)
    assert {a: b for a, b in zip(latin, folded, strict=True) if a != b} == dict(
        zip("ABCEHKMOPTX", "АВСЕНКМОРТХ", strict=True)
    )
    assert class_code("9и\u0306") == "9Й"  # a letter typed in two parts


def test_where_nothing_restricts_everyone_is_in_even_in_no_class() -> None:
    assert not Pilot().restricts
    assert Pilot().admits((), TODAY)
    assert Pilot().admits(("5А",), TODAY)


@pytest.mark.parametrize("pilot", [Pilot(frozenset({"5А"})), Pilot(groups=(group(WHOLE_SCHOOL),))])
def test_where_something_restricts_one_in_no_class_is_out(pilot: Pilot) -> None:
    assert pilot.restricts
    assert not pilot.admits((), TODAY)
    assert pilot.admits(("9Г", "5А"), TODAY)  # one class that takes part is enough


def test_a_configured_class_is_in_and_another_is_out() -> None:
    pilot = Pilot(frozenset({"5-а"}))
    assert pilot.admits(("5 «A»",), TODAY)
    assert not pilot.admits(("5Б",), TODAY)


def test_a_class_in_no_group_is_out_once_the_school_has_one() -> None:
    assert not Pilot(groups=(group("5А"),)).admits(("5Б",), TODAY)


def test_both_the_configuration_and_the_groups_must_admit() -> None:
    assert not Pilot(frozenset({"5А"}), (group("5Б"),)).admits(("5А", "5Б"), TODAY)
    assert Pilot(frozenset({"5А"}), (group(WHOLE_SCHOOL),)).admits(("5А",), TODAY)


@pytest.mark.parametrize(
    ("candidate", "admitted"),
    [
        (group(), True),
        (group(stage=Stage.REGULAR), True),
        (group(stage=Stage.PREPARE), False),
        (group(first=1), True),
        (group(first=-1, last=0), True),
        (group(first=-2, last=-1), False),
    ],
)
def test_a_group_admits_by_its_stage_and_its_days(candidate: PilotGroup, admitted: bool) -> None:
    assert Pilot(groups=(candidate,)).admits(("5А",), TODAY) is admitted


def test_a_classs_own_group_beats_the_whole_schools_whichever_was_recorded_last() -> None:
    own, school = group("5А", Stage.PREPARE), group(WHOLE_SCHOOL)
    for groups in ((own, school), (school, own)):
        pilot = Pilot(groups=groups)
        assert not pilot.admits(("5А",), TODAY)
        assert pilot.admits(("5Б",), TODAY)
        assert pilot.group_of("5-a") == own
        assert pilot.group_of("5Б") == school


def test_what_is_planned_ahead_changes_nothing_before_its_first_day() -> None:
    planned = Pilot(groups=(group(), group("5-а", Stage.PREPARE, first=30)))
    assert planned.admits(("5А",), TODAY)
    assert not planned.admits(("5А",), TODAY + timedelta(days=30))
    first_of_all = Pilot(groups=(group("5А", first=30),))
    assert first_of_all.admits(("5Б",), TODAY)
    assert not first_of_all.admits(("5Б",), TODAY + timedelta(days=30))


def test_the_group_recorded_last_counts_alone() -> None:
    assert not Pilot(groups=(group(WHOLE_SCHOOL), group(WHOLE_SCHOOL, last=-1, first=-9))).admits(("5А",), TODAY)


def test_a_class_without_a_letter_or_digit_is_never_taken_for_the_whole_school() -> None:
    pilot = Pilot(frozenset({"—"}), (group("«»"),))
    assert not pilot.admits(("—", "«»", "5А"), TODAY)
    assert pilot.group_of("5А") is None


def test_the_groups_that_count_are_listed_by_school_year() -> None:
    names = ("11А", "5-a", "1А", "Лицей", WHOLE_SCHOOL, "5Б")
    groups = (group("5А", Stage.PREPARE), *map(group, names))
    standing = Pilot(groups=groups).standing
    assert [counting.class_name for counting in standing] == [WHOLE_SCHOOL, "Лицей", "1А", "5-a", "5Б", "11А"]
    assert Pilot(groups=groups).own_group("5 «А»") == group("5-a")
    assert Pilot(groups=groups).own_group("9Г") is None
    assert Pilot(groups=groups).own_group(WHOLE_SCHOOL) == group(WHOLE_SCHOOL)
    assert Pilot().standing == ()


def test_a_pilot_is_of_one_school() -> None:
    with pytest.raises(ValueError, match="one school"):
        Pilot(groups=(group(), PilotGroup("0253", "5А", Stage.PILOT, TODAY)))


def test_each_stage_has_its_name() -> None:
    assert set(STAGE_NAMES) == set(Stage)
    assert Pilot() == Pilot()
    assert hash(Pilot(frozenset({"5А"}), (group(),))) == hash(Pilot(frozenset({"5А"}), (group(),)))


def spelt() -> st.SearchStrategy[str]:
    return st.sampled_from(CLASSES).flatmap(lambda name: st.sampled_from(SPELLINGS[name]))


def oracle(configured: set[str], groups: list[PilotGroup], classes: list[str], today: date) -> bool:
    """The rules, class by class, with every spelling looked up in the table above."""
    name_of = {spelling: name for name, spellings in SPELLINGS.items() for spelling in spellings}
    groups = [g for g in groups if g.first <= today]
    if not configured and not groups:
        return True
    for spelling in classes:
        name = name_of[spelling]
        if configured and name not in {name_of[c] for c in configured}:
            continue
        if groups:
            own = [g for g in groups if g.class_name != "" and name_of[g.class_name] == name]
            school = [g for g in groups if g.class_name == ""]
            if not (own or school):
                continue
            counts = (own or school)[-1]
            if counts.stage == "prepare" or today < counts.first:
                continue
            if counts.last is not None and today > counts.last:
                continue
        return True
    return False


@given(
    st.frozensets(spelt(), max_size=3),
    st.lists(
        st.builds(
            group,
            spelt() | st.just(WHOLE_SCHOOL),
            st.sampled_from(Stage),
            st.integers(-3, 3),
            st.none() | st.integers(-3, 3),
        ),
        max_size=5,
    ),
    st.lists(spelt(), max_size=3),
)
def test_who_takes_part_is_what_the_rules_say(
    configured: frozenset[str], groups: list[PilotGroup], classes: list[str]
) -> None:
    expected = oracle(set(configured), groups, classes, TODAY)
    assert Pilot(configured, tuple(groups)).admits(classes, TODAY) is expected
