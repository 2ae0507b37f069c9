"""The people of a school's database: every student with birth date and stays, and names for matching.

Rules. The roster holds every student, so that "not in the roster" means "unknown to the school". A class is
called by its parallel and letter ("5А"). A letter or a name that can't be read keeps the sign U+FFFD in its
place, so it equals nothing that a person writes; nobody is left out for it. A birth date that can't be read is
unknown; a stay whose first day can't be read covers no day, and one whose last day can't ended before it began.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

import pandas as pd

from journal.school import Enrolment, RosterEntry, StudentIdentity
from mappings.keys import MISSING, SPOILT_KEY, key_texts
from mappings.raw import ENROLMENTS, IDENTITIES, NOTHING, SPOILT, SPOILT_TIME, STUDENTS, RawJournal
from mappings.texts import Encoding

NAMELESS = frozenset({MISSING, SPOILT_KEY})
SPOILT_DAY: date = SPOILT_TIME.astype("datetime64[D]").item()


def roster(raw: RawJournal, encoding: Encoding) -> dict[str, RosterEntry]:
    """Return every student by key, with their stays in order of the first day."""
    students = raw[STUDENTS.name]
    stays = _stays(raw[ENROLMENTS.name], encoding)
    return {
        student: RosterEntry(student, None if born == SPOILT_DAY else born, stays.get(student, ()))
        for student, born in zip(_keys(students, "id", encoding), _days(students, "birth_date"), strict=True)
        if student not in NAMELESS
    }


def identities(raw: RawJournal, encoding: Encoding, today: date | None = None) -> list[StudentIdentity]:
    """Return every student's name and birth date, with the class of `today` if given. Personal data."""
    table = raw[IDENTITIES.name]
    stays = _stays(raw[ENROLMENTS.name], encoding)
    rows = zip(
        _keys(table, "id", encoding),
        table["last_name"],
        table["first_name"],
        table["middle_name"],
        _days(table, "birth_date"),
        strict=True,
    )
    return [
        StudentIdentity(
            student_key=student,
            last_name=_name(last, encoding),
            first_name=_name(first, encoding),
            middle_name=_name(middle, encoding) or None,
            birth_date=None if born == SPOILT_DAY else born,
            class_name=_class_on(stays.get(student, ()), today),
        )
        for student, last, first, middle, born in rows
    ]


def class_names(table: pd.DataFrame, encoding: Encoding) -> list[str]:
    """Return the class that each row names by parallel and letter; "" where it names none."""
    named = list(zip(table["parallel"].tolist(), table["letter"].tolist(), strict=True))
    names = {one: class_name(*one, encoding) for one in set(named)}  # a school has few classes
    return [names[one] for one in named]


def _keys(table: pd.DataFrame, column: str, encoding: Encoding) -> list[str]:
    keys: list[str] = key_texts(table[column].to_numpy(), encoding.name).tolist()
    return keys


def _class_on(stays: tuple[Enrolment, ...], day: date | None) -> str | None:
    return None if day is None else next((stay.class_name for stay in stays if stay.covers(day)), None)


def _stays(table: pd.DataFrame, encoding: Encoding) -> Mapping[str, tuple[Enrolment, ...]]:
    stays: dict[str, list[Enrolment]] = defaultdict(list)
    rows = zip(
        _keys(table, "student_id", encoding),
        _days(table, "date_from"),
        _days(table, "date_to"),
        class_names(table, encoding),
        strict=True,
    )
    for student, first, last, name in rows:
        if first not in (None, SPOILT_DAY):  # a stay that never began covers no day
            stays[student].append(Enrolment(first, last, name))
    return {student: tuple(sorted(held, key=lambda stay: stay.first)) for student, held in stays.items()}


def class_name(parallel: int, letter: object, encoding: Encoding) -> str:
    """Return what a class is called, by its parallel and letter as they were read; "" where it has neither."""
    return ("" if parallel in (NOTHING, SPOILT) else str(parallel)) + _name(letter, encoding)


def _days(table: pd.DataFrame, column: str) -> list[date | None]:
    days: list[date | None] = table[column].to_numpy("datetime64[D]").tolist()
    return days


def _name(raw: object, encoding: Encoding) -> str:
    if raw is None:
        return ""
    text = encoding.decoded(raw)
    return "\ufffd" if text is None else " ".join(text.split())
