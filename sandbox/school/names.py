"""Russian names with their grammar: surnames that change with gender, patronymics made of the father's name.

Every letter here exists in Windows-1251. Deliberately not here: who is whose child; `population` decides.
"""

import random
from typing import NamedTuple


class Name(NamedTuple):
    """A person's name as a school writes it; `middle` is the patronymic, which some people have not."""

    last: str
    first: str
    middle: str | None


class Father(NamedTuple):
    """A male first name and the patronymics of his sons and daughters."""

    first: str
    son: str
    daughter: str


SURNAMES = (
    "Алексеев",
    "Андреев",
    "Антонов",
    "Белов",
    "Бондаренко",
    "Борисов",
    "Васильев",
    "Виноградов",
    "Власов",
    "Волков",
    "Воробьёв",
    "Гайдук",
    "Голубев",
    "Григорьев",
    "Гусев",
    "Давыдов",
    "Дмитриев",
    "Дробышевский",
    "Егоров",
    "Ёлкин",
    "Ершов",
    "Жданов",
    "Жуков",
    "Зайцев",
    "Захаров",
    "Иванов",
    "Ильин",
    "Казаков",
    "Калинин",
    "Карпенко",
    "Киселёв",
    "Ковальчук",
    "Козлов",
    "Комаров",
    "Королёв",
    "Крамской",
    "Кузнецов",
    "Кузьмин",
    "Лебедев",
    "Литвиненко",
    "Макаров",
    "Максимов",
    "Маяковский",
    "Медведев",
    "Мельник",
    "Михайлов",
    "Морозов",
    "Назаров",
    "Никитин",
    "Николаев",
    "Новиков",
    "Орлов",
    "Осипов",
    "Павлов",
    "Петров",
    "Покровский",
    "Поляков",
    "Попов",
    "Рожков",
    "Романов",
    "Рудской",
    "Савченко",
    "Семёнов",
    "Сергеев",
    "Сидоров",
    "Смирнов",
    "Соболев",
    "Соколов",
    "Соловьёв",
    "Степанов",
    "Тарасов",
    "Титов",
    "Тихий",
    "Толстой",
    "Фёдоров",
    "Филиппов",
    "Фролов",
    "Цветков",
    "Чайковский",
    "Черных",
    "Шевченко",
    "Щербаков",
    "Яковлев",
)

FATHERS = (
    Father("Александр", "Александрович", "Александровна"),
    Father("Алексей", "Алексеевич", "Алексеевна"),
    Father("Андрей", "Андреевич", "Андреевна"),
    Father("Антон", "Антонович", "Антоновна"),
    Father("Артём", "Артёмович", "Артёмовна"),
    Father("Борис", "Борисович", "Борисовна"),
    Father("Виктор", "Викторович", "Викторовна"),
    Father("Владимир", "Владимирович", "Владимировна"),
    Father("Денис", "Денисович", "Денисовна"),
    Father("Дмитрий", "Дмитриевич", "Дмитриевна"),
    Father("Евгений", "Евгеньевич", "Евгеньевна"),
    Father("Иван", "Иванович", "Ивановна"),
    Father("Игорь", "Игоревич", "Игоревна"),
    Father("Илья", "Ильич", "Ильинична"),
    Father("Константин", "Константинович", "Константиновна"),
    Father("Максим", "Максимович", "Максимовна"),
    Father("Михаил", "Михайлович", "Михайловна"),
    Father("Николай", "Николаевич", "Николаевна"),
    Father("Олег", "Олегович", "Олеговна"),
    Father("Павел", "Павлович", "Павловна"),
    Father("Пётр", "Петрович", "Петровна"),
    Father("Роман", "Романович", "Романовна"),
    Father("Сергей", "Сергеевич", "Сергеевна"),
    Father("Фёдор", "Фёдорович", "Фёдоровна"),
    Father("Юрий", "Юрьевич", "Юрьевна"),
)

BOYS = (
    "Александр",
    "Алексей",
    "Арсений",
    "Артём",
    "Богдан",
    "Вадим",
    "Василий",
    "Глеб",
    "Данила",
    "Дмитрий",
    "Егор",
    "Иван",
    "Илья",
    "Кирилл",
    "Лев",
    "Максим",
    "Марк",
    "Матвей",
    "Михаил",
    "Никита",
    "Пётр",
    "Роман",
    "Савелий",
    "Семён",
    "Степан",
    "Тимофей",
    "Фёдор",
    "Ярослав",
)

GIRLS = (
    "Александра",
    "Алёна",
    "Алиса",
    "Анастасия",
    "Анна",
    "Арина",
    "Варвара",
    "Василиса",
    "Вероника",
    "Виктория",
    "Дарья",
    "Ева",
    "Екатерина",
    "Елизавета",
    "Зоя",
    "Кира",
    "Ксения",
    "Любовь",
    "Мария",
    "Милана",
    "Надежда",
    "Ольга",
    "Полина",
    "София",
    "Таисия",
    "Ульяна",
    "Юлия",
    "Ярослава",
)

WOMEN = ("Анна", "Галина", "Елена", "Ирина", "Любовь", "Людмила", "Марина", "Наталья", "Ольга", "Светлана", "Татьяна")

_WITHOUT_PATRONYMIC = 0.02


def surname(masculine: str, *, female: bool) -> str:
    """Return a surname in the wanted gender from its masculine form."""
    if not female:
        return masculine
    for ending, feminine in (("ский", "ская"), ("ской", "ская"), ("ой", "ая"), ("ий", "ая")):
        if masculine.endswith(ending):
            return masculine.removesuffix(ending) + feminine
    return masculine + "а" if masculine.endswith(("ов", "ев", "ёв", "ин")) else masculine


def child(rng: random.Random, family: str, father: Father, *, female: bool) -> Name:
    """Return the name of a child of `father`; a few children have no patronymic."""
    middle = father.daughter if female else father.son
    return Name(
        surname(family, female=female),
        rng.choice(GIRLS if female else BOYS),
        None if rng.random() < _WITHOUT_PATRONYMIC else middle,
    )


def grown_up(rng: random.Random, family: str, *, female: bool) -> Name:
    """Return the name of an adult: a teacher or a parent."""
    father = rng.choice(FATHERS)
    first = rng.choice(WOMEN) if female else rng.choice(FATHERS).first
    return Name(surname(family, female=female), first, father.daughter if female else father.son)
