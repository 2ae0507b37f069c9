"""Which lessons a figure of actuality is made of, and the figures of their groups: as tables, CSV and document.

Rules. Every lesson is listed with what was said of it and the last day of its term, so that a figure can be counted
again by hand. A teacher stands there as a word that the caller made; no name, no key of a person. The terminal lists
what is to be mended alone: lessons that count and were not filled in in time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from rich import box
from rich.table import Table

from journal.actuality import Actuality, SchoolActuality, Standing
from journal.wording import Language, Wording
from reports.actuality_words import STANDINGS, share_of
from reports.counting import number
from reports.machine import JsonValue, figure_json

LESSON_HEADINGS: Mapping[str, Wording] = {
    "school": Wording(ru="школа", en="school"),
    "date": Wording(ru="день", en="day"),
    "number": Wording(ru="урок", en="no."),
    "class_name": Wording(ru="класс", en="class"),
    "subject": Wording(ru="предмет", en="subject"),
    "teacher": Wording(ru="учитель", en="teacher"),
    "filled_at": Wording(ru="заполнен", en="filled in"),
    "last_day": Wording(ru="срок по", en="term ends"),
    "standing": Wording(ru="состояние", en="standing"),
    "journal": Wording(ru="журнал", en="journal"),
    "lesson": Wording(ru="номер урока в базе", en="lesson's key"),
}
_LISTED = ("date", "number", "class_name", "subject", "teacher", "filled_at", "last_day", "standing")
_WIDE = frozenset({"subject"})
GROUP_HEADINGS: Mapping[str, Wording] = {
    "class": Wording(ru="класс", en="class"),
    "subject": Wording(ru="предмет", en="subject"),
    "teacher": Wording(ru="учитель", en="teacher"),
    "week": Wording(ru="неделя с", en="week from"),
}
_SHARE = Wording(ru="доля", en="share")
_IN_TIME = Wording(ru="вовремя", en="in time")
_LATE = Wording(ru="позже", en="late")
_NOT_FILLED = Wording(ru="не заполнено", en="not filled")
_NOT_COUNTED = Wording(ru="не считается", en="not counted")
_NAMELESS = Wording(ru="не указан", en="not given")
_TOTAL = Wording(ru="всего", en="total")


@dataclass(frozen=True, slots=True)
class SchoolLessonsTold:
    """A school's figure, its groups in the order shown, and its lessons.

    `lessons` has the columns of `LESSON_HEADINGS`: moments and days as datetime64, `standing` a `Standing`, the others
    texts.
    """

    school: str
    name: str
    told: SchoolActuality
    groups: Mapping[str, Actuality]
    lessons: pd.DataFrame = field(repr=False)

    @property
    def to_mend(self) -> pd.DataFrame:
        """The lessons that count and were not filled in in time."""
        return self.lessons[self.lessons["standing"].isin([str(Standing.LATE), str(Standing.NOT_FILLED)])]


def group_table(told: SchoolLessonsTold, by: str, language: Language) -> Table:
    """Return the figures of a school's groups, a row each, and their sum; what is below the target is marked."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(GROUP_HEADINGS[by].say(language), overflow="fold")
    for heading in (_SHARE, _IN_TIME, _LATE, _NOT_FILLED, _NOT_COUNTED):
        table.add_column(heading.say(language), justify="right", no_wrap=True)
    target = told.told.goal.target
    for name, figure in told.groups.items():
        mark = {True: "✓", False: "!", None: " "}[figure.reaches(target)]
        style = "yellow" if mark == "!" else ""
        table.add_row(f"{mark} {name or _NAMELESS.say(language)}", *_numbers(figure, language), style=style)
    table.add_section()
    table.add_row(f"  {_TOTAL.say(language)}", *_numbers(told.told.figure, language))
    return table


def _numbers(figure: Actuality, language: Language) -> tuple[str, ...]:
    counts = (figure.in_time, figure.late, figure.not_filled, sum(figure.not_counted.values()))
    return share_of(figure, language), *(number(count, language) for count in counts)


def lesson_table(told: SchoolLessonsTold, language: Language) -> Table:
    """Return the lessons to be mended, oldest first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in _LISTED:
        table.add_column(LESSON_HEADINGS[name].say(language), overflow="fold", no_wrap=name not in _WIDE)
    for row in _texts(told.to_mend[list(_LISTED)], language):
        table.add_row(*(text.replace("[", "\\[") for text in row))
    return table


def lesson_rows(schools: Sequence[SchoolLessonsTold], language: Language) -> list[tuple[str, ...]]:
    """Return all lessons as rows of texts, under their headings."""
    rows = [tuple(heading.say(language) for heading in LESSON_HEADINGS.values())]
    for told in schools:
        rows += _texts(told.lessons[list(LESSON_HEADINGS)], language)
    return rows


def as_document(told: SchoolLessonsTold, by: str, *, listed: bool) -> dict[str, JsonValue]:
    """Return the figures of groups, and with `listed` the lessons, as JSON has them."""
    groups: list[JsonValue] = [{"name": name or None, **figure_json(one)} for name, one in told.groups.items()]
    document: dict[str, JsonValue] = {"name": told.name, "by": by, "groups": groups}
    if listed:
        names = [name for name in LESSON_HEADINGS if name != "school"]
        rows = told.lessons[names].itertuples(index=False, name=None)
        document["lessons"] = [dict(zip(names, map(_plain, row), strict=True)) for row in rows]
    return document


def _plain(value: Any) -> JsonValue:  # noqa: ANN401  whatever stands in a frame's cell
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat() if value == value.normalize() else value.isoformat()
    return int(value) if not isinstance(value, str) else value


def _texts(lessons: pd.DataFrame, language: Language) -> Iterator[tuple[str, ...]]:
    words = {str(standing): word.say(language) for standing, word in STANDINGS.items()}
    names = list(lessons.columns)
    for row in lessons.itertuples(index=False, name=None):
        yield tuple(_text(name, value, words) for name, value in zip(names, row, strict=True))


def _text(name: str, value: Any, words: Mapping[str, str]) -> str:  # noqa: ANN401  likewise
    if pd.isna(value):
        return ""
    if name == "filled_at":
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return words.get(value, value) if name == "standing" else str(value)
