import random

import pytest

from sandbox.school.names import BOYS, FATHERS, GIRLS, SURNAMES, WOMEN, child, surname


@pytest.mark.parametrize(
    ("masculine", "feminine"),
    [
        ("Ёлкин", "Ёлкина"),
        ("Воробьёв", "Воробьёва"),
        ("Чайковский", "Чайковская"),
        ("Крамской", "Крамская"),
        ("Толстой", "Толстая"),
        ("Тихий", "Тихая"),
        ("Шевченко", "Шевченко"),
        ("Черных", "Черных"),
        ("Мельник", "Мельник"),
    ],
)
def test_surnames_follow_the_gender(masculine: str, feminine: str) -> None:
    assert surname(masculine, female=True) == feminine
    assert surname(masculine, female=False) == masculine


def test_every_name_fits_the_databases_character_set() -> None:
    fathers = [part for father in FATHERS for part in father]
    for name in (*SURNAMES, *BOYS, *GIRLS, *WOMEN, *fathers):
        assert name.encode("cp1251").decode("cp1251") == name


def test_children_carry_their_fathers_patronymic_in_their_own_gender() -> None:
    rng = random.Random(1)  # noqa: S311  no secret
    girls = [child(rng, "Петров", FATHERS[0], female=True) for _ in range(200)]
    assert {girl.last for girl in girls} == {"Петрова"}
    assert {girl.middle for girl in girls} == {"Александровна", None}
    assert all(girl.first in GIRLS for girl in girls)
