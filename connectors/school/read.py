"""Reads one school's journal in one snapshot, and hands it to its mapping profile.

Rules. All tables of a reading come from one read-only transaction, so a teacher who writes meanwhile is
seen wholly or not at all. The database must be the school's own: where it says which schools it belongs to
and the configured code is not among them, nothing is read. A school that can't be read fails alone, with a
BridgeError. Deliberately not here: what becomes of the rows (`mappings.records`), retries (the next run).
"""

from collections.abc import Collection
from datetime import date
from zoneinfo import ZoneInfo

from connectors.school.open import open_snapshot
from connectors.school.ownership import check_code
from connectors.school.probe import SchoolProbe, probe
from connectors.school.snapshot import Progress
from connectors.school.source import SchoolSource
from journal.school import SchoolReading, StudentIdentity, Window
from mappings.findings import with_alike
from mappings.fingerprints import Fingerprint, fingerprints
from mappings.profile import Profile
from mappings.quality import SchoolDays
from mappings.raw import ENROLMENTS, FINGERPRINTS, IDENTITIES, JOURNAL_TABLES, RawJournal
from mappings.records import to_reading
from mappings.roster import identities
from mappings.selection import of_journals
from mappings.unmapped import Unmapped, unmapped

__all__ = [
    "Progress",
    "SchoolProbe",
    "SchoolSource",
    "probe",
    "read_findings",
    "read_fingerprints",
    "read_identities",
    "read_school",
]


def read_school(
    source: SchoolSource,
    profile: Profile,
    *,
    code: str,
    window: Window,
    today: date,
    timezone: ZoneInfo,
    progress: Progress | None = None,
    only_journals: Collection[str] | None = None,
    school_days: SchoolDays | None = None,
) -> SchoolReading:
    """Read the journal of the school `code` in `window`; `today` is the run's day in `timezone`.

    `only_journals` keeps the facts of these journals alone (keys as `read_fingerprints` gives them); the roster is
    whole all the same. `school_days` is the school's calendar, to tell of lessons on other days.
    Raises BridgeError `school-source-wrong`, `school-unreachable`, `school-login-refused`,
    `school-driver-missing`, `school-not-permitted`, `school-schema-differs`, `school-code-differs` or
    `school-reading-failed`.
    """

    def raw() -> RawJournal:
        with open_snapshot(source, code) as snapshot:
            check_code(snapshot, profile, code)
            read: RawJournal = {table.name: snapshot.read(table, profile, window, progress) for table in JOURNAL_TABLES}
        return read if only_journals is None else of_journals(read, frozenset(only_journals), profile)

    return to_reading(  # it alone has the raw tables, so that they are gone before the records are made
        raw(), profile, school=code, window=window, today=today, timezone=timezone, school_days=school_days
    )


def read_findings(
    source: SchoolSource,
    profile: Profile,
    *,
    code: str,
    window: Window,
    today: date,
    timezone: ZoneInfo,
    progress: Progress | None = None,
    school_days: SchoolDays | None = None,
) -> tuple[SchoolReading, tuple[Unmapped, ...]]:
    """Read as `read_school` does, and the students' names in the same snapshot, to find who are alike.

    Also returns the codes that the profile says nothing of. The names are compared here and leave no trace but the keys
    of the alike. Raises as `read_school`.
    """
    with open_snapshot(source, code) as snapshot:
        check_code(snapshot, profile, code)
        tables = (*JOURNAL_TABLES, IDENTITIES)
        raw: RawJournal = {table.name: snapshot.read(table, profile, window, progress) for table in tables}
    unknown, people = unmapped(raw, profile), {name: raw[name] for name in (IDENTITIES.name, ENROLMENTS.name)}
    tables_of_journal = [raw]
    del raw
    reading = to_reading(
        tables_of_journal.pop(),
        profile,
        school=code,
        window=window,
        today=today,
        timezone=timezone,
        school_days=school_days,
    )
    return with_alike(reading, identities(people, profile.reading), today), unknown


def read_fingerprints(
    source: SchoolSource, profile: Profile, *, code: str, window: Window
) -> dict[str, Fingerprint] | None:
    """Return what the database counts of each journal in `window`, by the journal's key.

    None where the profile has no `fingerprints.sql`: then all is read. Raises as `read_school`.
    """
    if FINGERPRINTS.name not in profile.queries:
        return None
    with open_snapshot(source, code) as snapshot:
        check_code(snapshot, profile, code)
        return fingerprints(snapshot.read(FINGERPRINTS, profile, window), profile)


def read_identities(
    source: SchoolSource, profile: Profile, *, code: str, today: date | None = None
) -> list[StudentIdentity]:
    """Read the names and birth dates of all students, to match applications; with `today`, their classes.

    Personal data. Raises as `read_school`.
    """
    with open_snapshot(source, code) as snapshot:
        check_code(snapshot, profile, code)
        raw = {table.name: snapshot.read(table, profile) for table in (IDENTITIES, ENROLMENTS)}
    return identities(raw, profile.reading, today)
