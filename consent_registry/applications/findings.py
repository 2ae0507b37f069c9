"""What comparing an application with a student may find, in words, and how much each finding weighs.

Rules. A finding is a reason or a doubt; a doubt says what to do about it. None names a person or holds a date.
Deliberately not here: how it is found, and from how many points on a student is proposed (`proposals`).
"""

from collections.abc import Mapping
from enum import StrEnum

from journal.wording import Wording


class Finding(StrEnum):
    """What comparing an application with a student, or looking at a birth date, found."""

    LAST_NAME_SAME = "last-name-same"
    LAST_NAME_PART = "last-name-part"
    LAST_NAME_TYPO = "last-name-typo"
    LAST_NAME_OTHER = "last-name-other"
    FIRST_NAME_SAME = "first-name-same"
    FIRST_NAME_PART = "first-name-part"
    FIRST_NAME_TYPO = "first-name-typo"
    FIRST_NAME_OTHER = "first-name-other"
    NAMES_SWAPPED = "names-swapped"
    MIDDLE_NAME_SAME = "middle-name-same"
    MIDDLE_NAME_INITIAL = "middle-name-initial"
    MIDDLE_NAME_PART = "middle-name-part"
    MIDDLE_NAME_TYPO = "middle-name-typo"
    MIDDLE_NAME_MISSING = "middle-name-missing"
    MIDDLE_NAME_OTHER = "middle-name-other"
    BIRTH_DATE_SAME = "birth-date-same"
    BIRTH_DATE_SWAPPED = "birth-date-swapped"
    BIRTH_DATE_DIGIT = "birth-date-digit"
    BIRTH_DATE_UNKNOWN = "birth-date-unknown"
    BIRTH_DATE_OTHER = "birth-date-other"
    CLASS_SAME = "class-same"
    CLASS_OTHER = "class-other"
    TWO_ALIKE = "two-alike"
    BIRTH_DATE_AHEAD = "birth-date-ahead"
    BIRTH_DATE_LONG_AGO = "birth-date-long-ago"
    TOO_YOUNG = "too-young"
    OF_AGE = "of-age"


MEANINGS: Mapping[Finding, Wording] = {
    Finding.LAST_NAME_SAME: Wording("Фамилия та же", "The last name is the same"),
    Finding.LAST_NAME_PART: Wording(
        "Фамилия совпадает частью или порядком частей: сверьте с документом",
        "The last name is the same in part, or in another order: compare it with the document",
    ),
    Finding.LAST_NAME_TYPO: Wording(
        "В фамилии отличается одна буква: сверьте с документом",
        "One letter of the last name differs: compare it with the document",
    ),
    Finding.LAST_NAME_OTHER: Wording(
        "Фамилия другая: спросите, не менялась ли она", "The last name is another: ask whether it was changed"
    ),
    Finding.FIRST_NAME_SAME: Wording("Имя то же", "The first name is the same"),
    Finding.FIRST_NAME_PART: Wording(
        "Имя совпадает частью или порядком частей: сверьте с документом",
        "The first name is the same in part, or in another order: compare it with the document",
    ),
    Finding.FIRST_NAME_TYPO: Wording(
        "В имени отличается одна буква: сверьте с документом",
        "One letter of the first name differs: compare it with the document",
    ),
    Finding.FIRST_NAME_OTHER: Wording(
        "Имя другое: не брат и не сестра ли это? Сверьте с документом",
        "The first name is another: is it a brother or sister? Compare it with the document",
    ),
    Finding.NAMES_SWAPPED: Wording(
        "Фамилия и имя переставлены: исправьте заявление", "Last and first name are exchanged: mend the application"
    ),
    Finding.MIDDLE_NAME_SAME: Wording("Отчество то же", "The patronymic is the same"),
    Finding.MIDDLE_NAME_INITIAL: Wording(
        "От отчества дана только первая буква, она та же",
        "Of the patronymic only the initial is given, and is the same",
    ),
    Finding.MIDDLE_NAME_PART: Wording(
        "Отчество совпадает частью: сверьте с документом",
        "The patronymic is the same in part: compare it with the document",
    ),
    Finding.MIDDLE_NAME_TYPO: Wording(
        "В отчестве отличается одна буква: сверьте с документом",
        "One letter of the patronymic differs: compare it with the document",
    ),
    Finding.MIDDLE_NAME_MISSING: Wording(
        "Отчество есть только в заявлении или только в базе школы: сверьте с документом",
        "Only the application, or only the school's database, has a patronymic: compare it with the document",
    ),
    Finding.MIDDLE_NAME_OTHER: Wording(
        "Отчество другое: не тёзка ли это? Сверьте с документом",
        "The patronymic is another: is it a namesake? Compare it with the document",
    ),
    Finding.BIRTH_DATE_SAME: Wording("Дата рождения та же", "The birth date is the same"),
    Finding.BIRTH_DATE_SWAPPED: Wording(
        "В дате рождения переставлены день и месяц: сверьте с документом",
        "Day and month of the birth date are exchanged: compare it with the document",
    ),
    Finding.BIRTH_DATE_DIGIT: Wording(
        "В дате рождения отличается одна цифра или переставлены две: сверьте с документом",
        "One digit of the birth date differs, or two are exchanged: compare it with the document",
    ),
    Finding.BIRTH_DATE_UNKNOWN: Wording(
        "В базе школы нет даты рождения: внесите её", "The school's database has no birth date: enter it"
    ),
    Finding.BIRTH_DATE_OTHER: Wording(
        "Дата рождения другая: не тёзка ли это? Сверьте с документом",
        "The birth date is another: is it a namesake? Compare it with the document",
    ),
    Finding.CLASS_SAME: Wording("Класс тот же", "The class is the same"),
    Finding.CLASS_OTHER: Wording(
        "Класс другой: спросите, в каком классе ученик", "The class is another: ask which class the student is in"
    ),
    Finding.TWO_ALIKE: Wording(
        "Другой ученик подходит так же: сверьте дату рождения, отчество и класс с документом",
        "Another student fits as well: compare birth date, patronymic and class with the document",
    ),
    Finding.BIRTH_DATE_AHEAD: Wording(
        "Дата рождения ещё не наступила: исправьте заявление", "The birth date lies ahead: mend the application"
    ),
    Finding.BIRTH_DATE_LONG_AGO: Wording(
        "Дата рождения раньше 1900 года: исправьте заявление",
        "The birth date lies before the year 1900: mend the application",
    ),
    Finding.TOO_YOUNG: Wording(
        "Ученику меньше 5 лет: сверьте дату рождения с документом",
        "The student is younger than 5: compare the birth date with the document",
    ),
    Finding.OF_AGE: Wording(
        "Ученику уже 18 лет: заявление родителя не даёт основания, решает сам ученик",
        "The student is of age: a parent's application gives no ground, the student decides",
    ),
}
"""What each finding says, and for a doubt what to do about it. They name no one."""

POINTS: Mapping[Finding, int] = {
    Finding.LAST_NAME_SAME: 30,
    Finding.LAST_NAME_PART: 20,
    Finding.LAST_NAME_TYPO: 20,
    Finding.FIRST_NAME_SAME: 30,
    Finding.FIRST_NAME_PART: 20,
    Finding.FIRST_NAME_TYPO: 20,
    Finding.NAMES_SWAPPED: 50,
    Finding.BIRTH_DATE_SAME: 40,
    Finding.BIRTH_DATE_SWAPPED: 20,
    Finding.BIRTH_DATE_DIGIT: 20,
    Finding.BIRTH_DATE_UNKNOWN: 10,
    Finding.MIDDLE_NAME_SAME: 6,
    Finding.MIDDLE_NAME_INITIAL: 3,
    Finding.MIDDLE_NAME_PART: 3,
    Finding.MIDDLE_NAME_TYPO: 3,
    Finding.MIDDLE_NAME_OTHER: -24,
    Finding.CLASS_SAME: 2,
}
"""What each finding adds to the strength; the others add nothing."""

REASONS = frozenset(
    {
        Finding.LAST_NAME_SAME,
        Finding.FIRST_NAME_SAME,
        Finding.MIDDLE_NAME_SAME,
        Finding.BIRTH_DATE_SAME,
        Finding.CLASS_SAME,
    }
)
"""The findings that speak for a student; all others are doubts."""
