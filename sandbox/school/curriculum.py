"""What is taught in which class, how many lessons a week, and where a class is split into subgroups."""

from typing import NamedTuple


class Course(NamedTuple):
    """One subject of one parallel; a split course has two journals, one a subgroup."""

    subject: str
    hours: int
    split: bool = False


# The blanks inside and behind a name are as schools type them; the bridge has to tidy them.
ENGLISH = "Английский  язык"
RUSSIAN = "Русский язык"
SPORT = "Физическая культура "
BROKEN_SUBJECT = "Родной язык".encode("cp1251") + b" \x98"

_PRIMARY = (
    Course(RUSSIAN, 5),
    Course("Литературное чтение", 4),
    Course("Математика", 4),
    Course("Окружающий мир", 2),
    Course("Музыка", 1),
    Course("Изобразительное искусство", 1),
    Course("Труд (технология)", 1),
    Course(SPORT, 3),
)
_PRIMARY_WITH_ENGLISH = (*_PRIMARY, Course(ENGLISH, 2, split=True))
_LOWER = (
    Course(RUSSIAN, 5),
    Course("Литература", 3),
    Course(ENGLISH, 3, split=True),
    Course("Математика", 5),
    Course("История", 2),
    Course("География", 1),
    Course("Биология", 1),
    Course("Музыка", 1),
    Course("Изобразительное искусство", 1),
    Course("Труд (технология)", 2, split=True),
    Course(SPORT, 3),
)
_MIDDLE = (
    Course(RUSSIAN, 4),
    Course("Литература", 2),
    Course(ENGLISH, 3, split=True),
    Course("Алгебра", 3),
    Course("Геометрия", 2),
    Course("Информатика", 1, split=True),
    Course("История", 2),
    Course("Обществознание", 1),
    Course("География", 2),
    Course("Физика", 2),
    Course("Химия", 2),
    Course("Биология", 2),
    Course("Основы безопасности и защиты Родины", 1),
    Course(SPORT, 2),
)
_UPPER = (
    Course(RUSSIAN, 2),
    Course("Литература", 3),
    Course(ENGLISH, 3, split=True),
    Course("Алгебра и начала математического анализа", 3),
    Course("Геометрия", 2),
    Course("Информатика", 2, split=True),
    Course("История", 2),
    Course("Обществознание", 2),
    Course("География", 1),
    Course("Физика", 2),
    Course("Химия", 2),
    Course("Биология", 1),
    Course("Основы безопасности и защиты Родины", 1),
    Course(SPORT, 2),
)

FIRST_PARALLEL_WITH_MARKS = 2
FIRST_PARALLEL_WITH_SATURDAY = 7
FIRST_PARALLEL_WITH_HALF_YEARS = 10
PARALLELS_WITH_EXAMS = frozenset({9, 11})
LAST_PARALLEL = 11


def courses(parallel: int) -> tuple[Course, ...]:
    """Return what a class of `parallel` is taught."""
    if parallel < FIRST_PARALLEL_WITH_MARKS:
        return _PRIMARY
    if parallel <= 4:  # noqa: PLR2004  primary school ends with the 4th year
        return _PRIMARY_WITH_ENGLISH
    if parallel <= 6:  # noqa: PLR2004  algebra and physics begin with the 7th year
        return _LOWER
    return _MIDDLE if parallel < FIRST_PARALLEL_WITH_HALF_YEARS else _UPPER


def subjects() -> tuple[str, ...]:
    """Return every subject once, in a steady order."""
    every = (*_PRIMARY_WITH_ENGLISH, *_LOWER, *_MIDDLE, *_UPPER)
    return tuple(dict.fromkeys(course.subject for course in every))
