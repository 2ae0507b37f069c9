"""Findings with their place in the school, and how many there are of each code, class and teacher. Pure.

Rules. A finding of a row is of its journal's class and teacher, one of a student of the class that they are in today;
what is not known is None. The teacher is the school's own key and no name. Counts of journals that were not read again
are those of the reading that read them last (`mappings.fingerprints.SeenJournal`), so a school's counts are always of
all its journals. Deliberately not here: what a code means (`mappings.reasons`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from journal.frames import FINDINGS
from journal.school import Place, RosterEntry, SchoolReading, StudentIdentity
from mappings.fingerprints import SeenJournal
from mappings.keys import MISSING, SPOILT_KEY, Keys
from mappings.lookup import DayArray, IntArray
from mappings.quality import alike
from mappings.raw import JOURNALS
from mappings.reasons import StudentWarning
from mappings.roster import class_names
from mappings.texts import Encoding, ObjectArray

_NOWHERE = Place()
_NAMELESS = frozenset({MISSING, SPOILT_KEY})


@dataclass(frozen=True, slots=True)
class Rows:
    """Facts as findings tell of them, as arrays of one length."""

    source_key: ObjectArray
    student: ObjectArray
    journal: ObjectArray
    day: DayArray

    def at(self, places: IntArray) -> "Rows":
        """Return the facts at these places."""
        return Rows(self.source_key[places], self.student[places], self.journal[places], self.day[places])


@dataclass(frozen=True, slots=True)
class Pupils:
    """What is odd about students, and what is known of these."""

    doubts: Iterable[tuple[str, StudentWarning]]
    roster: Mapping[str, RosterEntry]
    today: date

    def place(self, student: str) -> Place:
        """Return where a student is today."""
        entry = self.roster.get(student)
        classes = () if entry is None else entry.classes_on(self.today)
        return Place(next((name for name in classes if name), None))


@dataclass(frozen=True, slots=True, order=True)
class FindingCount:
    """So many findings of one code in one class with one teacher ("" where unknown)."""

    code: str
    class_name: str
    teacher: str
    count: int


def places(keys: Keys, encoding: Encoding) -> dict[str, Place]:
    """Return the class and the teacher of each journal by the journal's key."""
    table = keys.raw[JOURNALS.name]
    journals, teachers = (
        keys.text_of(domain, table[column].to_numpy(np.int64)).tolist()
        for domain, column in (("journal", "id"), ("teacher", "teacher_id"))
    )
    return {
        journal: Place(name or None, None if teacher in _NAMELESS else teacher)
        for journal, teacher, name in zip(journals, teachers, class_names(table, encoding), strict=True)
        if journal not in _NAMELESS
    }


def findings_of(codes: ObjectArray, rows: Rows, where: Mapping[str, Place], pupils: Pupils) -> pd.DataFrame:
    """Return the frame `journal.frames.FINDINGS`: of rows with their codes, then of students."""
    doubts = list(pupils.doubts)
    of_journal, journals = pd.factorize(rows.journal, use_na_sentinel=False)
    at = [where.get(journal, _NOWHERE) for journal in journals.tolist()]
    at_students = [pupils.place(student) for student, _ in doubts]
    nothing = [None] * len(doubts)

    def joined(of_rows: ObjectArray, of_students: Sequence[str | None]) -> pd.Series:
        return pd.Series(np.concatenate([of_rows, _objects(of_students)]), dtype="str")

    return pd.DataFrame(
        {
            "code": joined(codes, [str(code) for _, code in doubts]),
            "source_key": joined(rows.source_key, nothing),
            "student_key": joined(rows.student, [student for student, _ in doubts]),
            "journal": joined(rows.journal, nothing),
            "class_name": joined(
                _objects([place.class_name for place in at])[of_journal], [place.class_name for place in at_students]
            ),
            "teacher": joined(
                _objects([place.teacher for place in at])[of_journal], [place.teacher for place in at_students]
            ),
            "date": np.concatenate([rows.day, np.full(len(doubts), "NaT", "datetime64[s]")]),
        },
        columns=list(FINDINGS.columns),
        copy=False,
    )


def _objects(values: Sequence[str | None]) -> ObjectArray:
    result = np.empty(len(values), object)
    result[:] = values
    return result


def with_alike(reading: SchoolReading, people: Iterable[StudentIdentity], today: date) -> SchoolReading:
    """Return a reading whose findings also tell of students who are alike. Of `people` nothing but keys is kept."""
    keys = alike(people, reading.roster, reading.window)
    pupils = Pupils([(key, StudentWarning.STUDENTS_ALIKE) for key in keys], reading.roster, today)
    nothing = np.empty(0, object)
    more = findings_of(nothing, Rows(nothing, nothing, nothing, np.empty(0, "datetime64[s]")), {}, pupils)
    return replace(
        reading, findings=pd.concat([reading.findings, more], ignore_index=True) if len(more) else reading.findings
    )


def counted(reading: SchoolReading, others: Mapping[str, SeenJournal]) -> tuple[FindingCount, ...]:
    """Return how many findings there are by code, class and teacher; `others` are the journals not read again."""
    found: Counter[tuple[str, str, str]] = Counter()
    named = reading.findings[["code", "class_name", "teacher"]].astype(object)
    found.update(named.where(named.notna(), "").itertuples(index=False, name=None))
    for journal, seen in others.items():
        place = reading.places.get(journal, _NOWHERE)
        for code, count in (*seen.set_aside.items(), *seen.warnings.items()):
            found[code, place.class_name or "", place.teacher or ""] += count
    return tuple(sorted(FindingCount(*key, count) for key, count in found.items()))
