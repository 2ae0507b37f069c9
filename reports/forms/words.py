"""The Russian words of the forms: kinds of records, relations, titles, dates, and what of a text can be printed.

Rules. The forms exist in Russian only: they are signed under Russian law. A printed value keeps its letters, Ё
included; what a printer can't show (control and format characters, among them those that turn the reading direction)
is left out, so that what is signed is what was read.
Deliberately not here: the sentences of the forms (`templates/`).
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date

from journal.vocabulary import RecordKind, Relation
from reports.forms.form_data import FormKind

TITLES: Mapping[FormKind, tuple[str, str]] = {
    FormKind.APPLICATION: ("Заявление", "о доступе к сведениям электронного классного журнала на портале"),
    FormKind.WITHDRAWAL: ("Отзыв согласия", "на обработку персональных данных"),
}
"""The heading and what stands under it; a consent has the title of its text."""

KIND_WORDS: Mapping[RecordKind, str] = {
    RecordKind.CURRENT: "текущие отметки",
    RecordKind.PERIOD: "отметки за учебный период",
    RecordKind.ANNUAL: "годовые отметки",
    RecordKind.EXAM: "экзаменационные отметки",
    RecordKind.FINAL: "итоговые отметки",
    RecordKind.ABSENCE: "пропуски уроков",
    RecordKind.LATE: "опоздания",
    RecordKind.REMARK: "замечания",
}

RELATION_WORDS: Mapping[Relation, str] = {
    Relation.PARENT: "родитель",
    Relation.ADOPTER: "усыновитель",
    Relation.GUARDIAN: "опекун",
    Relation.TRUSTEE: "попечитель",
}

_BLANKS = re.compile(r"\s+")
_BOUND = re.compile(r"(№|(?<!\w)(?:[А-Яа-яЁё]|(?:[гдчп]|ул|пр|пл|пер|кв|корп|ст|им)\.)) (?=[\w№«])|№(?=\w)")
"""What stands at no line's end: №, words of one letter, short forms before a name or number."""


def day(value: date) -> str:
    """Return a day as it stands on Russian papers."""
    return f"{value.day:02d}.{value.month:02d}.{value.year:04d}"


def printable(text: str) -> str:
    """Return `text` as it is printed: composed letters, single blanks, nothing invisible, short words bound."""
    visible = "".join(c for c in _BLANKS.sub(" ", text) if not unicodedata.category(c).startswith("C"))
    composed = unicodedata.normalize("NFC", _BLANKS.sub(" ", visible))
    return _BOUND.sub(lambda found: f"{found[1] or '№'}\N{NO-BREAK SPACE}", composed)
