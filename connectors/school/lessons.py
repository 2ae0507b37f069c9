"""Reads the lessons of a school, and whose journals they stand in, in one snapshot; no student and no mark is read."""

from connectors.school.open import open_snapshot
from connectors.school.ownership import check_code
from connectors.school.source import SchoolSource
from journal.school import SchoolLessons, Window
from mappings.keys import as_integers
from mappings.lessons import LESSON_TABLES, school_lessons
from mappings.profile import Profile


def read_lessons(source: SchoolSource, profile: Profile, *, code: str, window: Window) -> SchoolLessons:
    """Return the lessons of the school `code` in `window`. Raises as `connectors.school.read.read_school`."""
    with open_snapshot(source, code) as snapshot:
        check_code(snapshot, profile, code)
        raw = {table.name: snapshot.read(table, profile, window) for table in LESSON_TABLES}
    return school_lessons(as_integers(raw, profile.encoding), profile)
