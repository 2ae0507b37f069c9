"""The raw tables of some journals only: the rest of a reading, had it been read, would not have been looked at.

Rules. Facts that lead to no journal (a lesson that isn't there) are kept: whose they are is unknown, so they may be
of these. Everything that facts refer to stays whole.
"""

import numpy as np
import pandas as pd

from mappings.keys import Keys, as_integers
from mappings.lookup import BoolArray, IntArray, Lookup
from mappings.profile import Profile
from mappings.raw import ABSENCES, CONTROLS, JOURNALS, LESSONS, MARKS, NOTHING, PERIOD_MARKS, RawJournal
from mappings.texts import ObjectArray


def journals_of(keys: Keys) -> ObjectArray:
    """Return the journal's key of each fact: of marks, then absences, then period marks, in the order read.

    `MISSING` where a fact leads to no journal.
    """

    def column(table: str, name: str) -> IntArray:
        return keys.raw[table][name].to_numpy(np.int64)

    lessons, controls = Lookup(column(LESSONS.name, "id")), Lookup(column(CONTROLS.name, "id"))
    of_lesson = np.append(column(LESSONS.name, "journal_id"), NOTHING)
    of_control = np.append(of_lesson[lessons.positions(column(CONTROLS.name, "lesson_id"))], NOTHING)
    parts = (
        of_control[controls.positions(column(MARKS.name, "control_id"))],
        of_lesson[lessons.positions(column(ABSENCES.name, "lesson_id"))],
        column(PERIOD_MARKS.name, "journal_id"),
    )
    return keys.text_of("journal", np.concatenate(parts))


def of_journals(raw: RawJournal, wanted: frozenset[str], profile: Profile) -> RawJournal:
    """Return the raw tables with the facts of these journals only."""
    keys = as_integers(raw, profile.encoding)

    def column(table: str, name: str) -> IntArray:
        return keys.raw[table][name].to_numpy(np.int64)

    def chosen(journal: IntArray) -> BoolArray:
        texts = keys.text_of("journal", journal)
        return np.asarray(pd.Index(texts).isin(list(wanted)), bool)

    lesson_there = np.append(chosen(column(LESSONS.name, "journal_id")), True)
    lessons = Lookup(column(LESSONS.name, "id"))
    controls = Lookup(column(CONTROLS.name, "id"))
    control_there = np.append(lesson_there[lessons.positions(column(CONTROLS.name, "lesson_id"))], True)
    known = Lookup(column(JOURNALS.name, "id"))
    period_journal = column(PERIOD_MARKS.name, "journal_id")
    kept = {
        MARKS.name: control_there[controls.positions(column(MARKS.name, "control_id"))],
        ABSENCES.name: lesson_there[lessons.positions(column(ABSENCES.name, "lesson_id"))],
        PERIOD_MARKS.name: chosen(period_journal) | (known.positions(period_journal) == known.size),
    }
    return {name: frame[kept[name]].reset_index(drop=True) if name in kept else frame for name, frame in raw.items()}
