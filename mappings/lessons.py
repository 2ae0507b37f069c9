"""The lessons of a school as rows that say when each was filled in, and whose journal it stands in. Pure.

Rules. A lesson is a row, whatever is wrong with it. It is *unclear* where its day is missing or can't be read, or it
can't be read whether it was cancelled or when it was filled in. Cancelled is what is not 0, as for the records of a
lesson. Days are the school's local days. A class or subject that can't be told, or a teacher, is None: a journal may
have none. No student stands in a lesson. Where the school's system keeps no filling time, `known` says so; that
a column of it is there but empty means that nothing was filled in.
Deliberately not here: which lessons were filled in in time (`journal.actuality`).
"""

import numpy as np
import pandas as pd

from journal.school import SchoolLessons
from mappings.keys import MISSING, SPOILT_KEY, Keys
from mappings.lookup import IntArray, Lookup
from mappings.profile import Profile
from mappings.raw import FILLED_AT, JOURNALS, LESSONS, NOTHING, SPOILT, SPOILT_TIME, SUBJECTS, RawJournal, RawTable
from mappings.roster import class_name
from mappings.texts import ObjectArray, lines, only

LESSON_TABLES: tuple[RawTable, ...] = (SUBJECTS, JOURNALS, LESSONS)
"""What lessons are made of."""
_NO_TIME = np.datetime64("NaT", "s")
_NAMELESS = [MISSING, SPOILT_KEY]


def lesson_times(raw: RawJournal, profile: Profile) -> SchoolLessons:
    """Return the lessons of raw tables with what a share is counted of alone: their times, not whose they are."""
    table = raw[LESSONS.name]
    day, filled = (table[name].to_numpy("datetime64[s]") for name in ("lesson_date", FILLED_AT))
    day_read, filled_read = (np.where(one == SPOILT_TIME, _NO_TIME, one) for one in (day, filled))
    cancelled = _integers(table, "cancelled")
    frame = pd.DataFrame(
        {
            "date": day_read,
            "cancelled": (cancelled != 0) & (cancelled != SPOILT),
            "unclear": np.isnat(day_read) | (cancelled == SPOILT) | (filled == SPOILT_TIME),
            "filled_at": filled_read,
            "filled_on": filled_read.astype("datetime64[D]").astype("datetime64[s]"),
        }
    )
    return SchoolLessons(frame, profile.keeps_filling_times or bool((~np.isnat(filled)).any()))


def counted_lessons(counts: pd.DataFrame, profile: Profile) -> SchoolLessons:
    """Return what `lesson_times` does, of a table of `LESSON_COUNTS`, but for the hour: a row a lesson all the same."""
    number = np.maximum(_integers(counts, "lessons"), 0)
    table = counts.rename(columns={"filled_on": FILLED_AT})
    rows = table.loc[np.repeat(np.arange(len(table)), number)]
    return lesson_times({LESSONS.name: rows.reset_index(drop=True)}, profile)


def same_times(one: SchoolLessons, other: SchoolLessons) -> bool:
    """Tell whether two readings have as many lessons of each day, cancelled or not, filled in on the same day."""
    columns = ["date", "cancelled", "unclear", "filled_on"]
    rows, others = (told.rows.groupby(columns, dropna=False).size() for told in (one, other))
    return rows.equals(others)


def school_lessons(keys: Keys, profile: Profile) -> SchoolLessons:
    """Return the lessons of raw tables with integer keys, which must hold `LESSON_TABLES`, and whose each is."""
    table, journals = keys.raw[LESSONS.name], keys.raw[JOURNALS.name]
    place = Lookup(_integers(journals, "id")).positions(_integers(table, "journal_id"))
    number = _integers(table, "lesson_no")
    times = lesson_times(keys.raw, profile)
    rows = times.rows.assign(
        lesson=_texts(_named(keys.text_of("lesson", _integers(table, "id")))),
        journal=_texts(_named(keys.text_of("journal", _integers(table, "journal_id")))),
        number=pd.arrays.IntegerArray(np.where(number <= SPOILT, 0, number), number <= SPOILT),
        class_name=_texts(_classes(journals, profile)[place]),
        subject=_texts(_subjects(keys, profile)[place]),
        teacher=_texts(_teachers(keys)[place]),
    )
    return SchoolLessons(rows, times.known)


def _classes(journals: pd.DataFrame, profile: Profile) -> ObjectArray:
    rows = zip(journals["parallel"].tolist(), journals["letter"], strict=True)
    return np.array([*(class_name(*row, profile.reading) or None for row in rows), None], object)


def _teachers(keys: Keys) -> ObjectArray:
    named = _named(keys.text_of("teacher", _integers(keys.raw[JOURNALS.name], "teacher_id")))
    return np.array([*named, None], object)


def _subjects(keys: Keys, profile: Profile) -> ObjectArray:
    """Return the subject's name of each journal, and None for a journal that is not there."""
    subjects, journals = keys.raw[SUBJECTS.name], keys.raw[JOURNALS.name]
    named = lines(np.append(subjects["name"].to_numpy(object), [None]), profile.reading)
    wanted = np.append(_integers(journals, "subject_id"), NOTHING)
    return named.values[Lookup(_integers(subjects, "id")).positions(wanted)]  # noqa: PD011  no frame


def _named(texts: ObjectArray) -> ObjectArray:
    """Return keys with None in the place of those that name nothing."""
    return only(texts, ~np.asarray(pd.Index(texts).isin(_NAMELESS), bool))


def _texts(values: ObjectArray) -> pd.Series:
    return pd.Series(values, dtype="str")


def _integers(table: pd.DataFrame, column: str) -> IntArray:
    return table[column].to_numpy(np.int64)
