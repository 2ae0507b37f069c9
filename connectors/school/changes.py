"""Reads of a school's journal what may have changed since it was last seen, all in one snapshot.

Rules. The counts that tell what changed come from the snapshot that the rows come from; where a database has none, they
are read first, so that they are never newer than the rows: what is written in between is then read again the next time,
never missed. What all journals share (students, enrolments, names, periods) is read whole each time; does any of it
differ, all is read. Which journals are read otherwise, `mappings.fingerprints.to_read` says. A sum that a database
can't hold counts as unknown, and unknown is changed.
Where a database numbers its rows by who wrote them, sums of these numbers tell of any change; as a restored database
numbers its rows anew, they count only together with the moment when it was made, and some days after that.
The schema's digest is over the columns that the queries return, as the driver describes them; SQLite's driver tells no
types, so there the tables that the queries name count as well.
Deliberately not here: where it is kept what was seen (`delivery.seen`).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from connectors.school.open import open_snapshot
from connectors.school.ownership import check_code
from connectors.school.snapshot import Progress, Snapshot
from connectors.school.source import SchoolSource
from journal.school import SchoolReading, Window
from journal.wording import BridgeError
from mappings.fingerprints import (
    Counts,
    Fingerprint,
    Seen,
    SeenJournal,
    fingerprints,
    older_spans,
    remembered,
    to_read,
    total,
)
from mappings.lessons import counted_lessons
from mappings.profile import CodeMeaning, CodeRange, Profile
from mappings.quality import SchoolDays
from mappings.raw import (
    ABSENCES,
    CONTROL_TYPES,
    CONTROLS,
    ENROLMENTS,
    FINGERPRINTS,
    JOURNALS,
    LESSON_COUNTS,
    LESSONS,
    MARK_TYPES,
    MARKS,
    MEMBERS,
    PERIOD_MARKS,
    PERIODS,
    STUDENTS,
    SUBJECTS,
    TOTALS,
    RawJournal,
    RawTable,
)
from mappings.reasons import RecordWarning, SetAsideReason
from mappings.records import to_reading
from mappings.selection import of_journals

SHARED: tuple[RawTable, ...] = (STUDENTS, ENROLMENTS, SUBJECTS, JOURNALS, CONTROL_TYPES, MARK_TYPES, PERIODS)
"""What the rows of all journals refer to."""
OF_JOURNALS: tuple[RawTable, ...] = (MEMBERS, LESSONS, CONTROLS, MARKS, ABSENCES, PERIOD_MARKS)
SETTLED_DAYS = 14
"""For so many days the row numbers of a database that was restored are not relied upon: it may be a copy that is
restored time and again, and its rows are numbered anew each time."""
RECENT_DAYS = 14
"""How many days before a full reading are counted by journal in each reading after it."""


def read_changes(
    source: SchoolSource,
    profile: Profile,
    *,
    code: str,
    window: Window,
    today: date,
    timezone: ZoneInfo,
    software: str,
    before: Seen | None = None,
    progress: Progress | None = None,
    school_days: SchoolDays | None = None,
) -> tuple[SchoolReading, Seen]:
    """Read of the school `code` what `before` does not vouch for (None: all); returns it, and what is seen now.

    What is seen now may take the place of `before` once all that was read has been dealt with. Raises as `read_school`.
    """
    with open_snapshot(source, code) as snapshot:
        check_code(snapshot, profile, code)
        since = snapshot.facts.numbered_since
        snapshot.numbered = since is not None and (today - since.date()).days > SETTLED_DAYS
        numbering = str(since) if snapshot.numbered else ""
        basis = _basis(profile, window, timezone, software, _days_off(window, school_days), numbering)
        then = before.counts if before is not None and before.basis == basis else None
        counts = _counted(snapshot, profile, window, today, then)
        raw = {table.name: snapshot.read(table, profile, window, progress) for table in SHARED}
        shared = _digest(row for table in SHARED for row in _rows(table, raw))
        only = to_read(before, basis, shared, counts, today)
        asked = _numbers(only, raw)
        counted = asked is not None and LESSON_COUNTS.name in profile.queries
        for table in OF_JOURNALS:
            wanted = asked if counted or table is not LESSONS else None  # of lessons all are told, whatever is read
            raw[table.name] = snapshot.read(table, profile, window, progress, wanted)
        lessons = counted_lessons(snapshot.read(LESSON_COUNTS, profile, window), profile) if counted else None
        schema = _schema(snapshot, profile)
    if only is not None:
        raw = dict(of_journals(raw, only, profile))
    reading = to_reading(
        raw, profile, school=code, window=window, today=today, timezone=timezone, school_days=school_days
    )
    seen = Seen(
        basis=basis,
        shared=shared,
        schema=schema,
        boundary=None if counts is None else counts.boundary,
        total=None if counts is None else counts.total,
        journals=remembered(counts, _read(reading), before, only),
        repeated=bool((reading.set_aside["reason"] == str(SetAsideReason.DUPLICATE_KEY)).any()),
    )
    return replace(reading, only=only, lessons=lessons or reading.lessons), seen


def _counted(snapshot: Snapshot, profile: Profile, window: Window, today: date, then: Counts | None) -> Counts | None:
    """Return what the database counts; of days gone by by journal only where they are not what they were `then`."""
    if FINGERPRINTS.name not in profile.queries:
        return None
    boundary = max(window.first, today - timedelta(days=RECENT_DAYS)) if then is None else then.boundary

    def by_journal(first: date, last: date) -> dict[str, Fingerprint]:
        return fingerprints(snapshot.read(FINGERPRINTS, profile, Window(first, last)), profile)

    counts = Counts(boundary, {}, by_journal(boundary, window.last), _total(snapshot, profile))
    return counts.with_older(then, older_spans(window.first, boundary), by_journal)


def _total(snapshot: Snapshot, profile: Profile) -> Fingerprint | None:
    if TOTALS.name not in profile.queries:
        return None
    try:
        return total(snapshot.read(TOTALS, profile))
    except BridgeError as error:
        if error.code != "school-reading-failed":
            raise
        return None


def _numbers(only: frozenset[str] | None, raw: RawJournal) -> list[int] | None:
    """Return the journals' keys as a query takes them; None where they are no numbers: then all rows are asked for."""
    if only is None or raw[JOURNALS.name]["id"].dtype.kind != "i" or not all(_is_number(key) for key in only):
        return None
    return sorted(map(int, only))


def _is_number(key: str) -> bool:
    return key.removeprefix("-").isdecimal() and key.isascii()


def _days_off(window: Window, school_days: SchoolDays | None) -> tuple[date, ...]:
    """Return the days of the window on which a record is odd by the calendar: another calendar, another reading."""
    if school_days is None:
        return ()
    days = (window.first + timedelta(days=after) for after in range((window.last - window.first).days + 1))
    return tuple(day for day in days if school_days.knows(day) and not school_days.is_school_day(day))


def _basis(
    profile: Profile, window: Window, timezone: ZoneInfo, software: str, days_off: tuple[date, ...], numbering: str
) -> str:
    queries = sorted((name, query.template) for name, query in profile.queries.items())
    codes = profile.codes
    tables = (codes.marks, codes.absences, codes.periods, codes.period_marks)
    meanings = [[_plain(meaning) for meaning in table] for table in tables]
    texts = (profile.encoding, profile.misread_as, sorted(profile.texts.items()))
    warned = codes.most_weight, sorted(codes.silent), days_off
    parts = (software, profile.name, queries, meanings, codes.uncoded, warned, texts, window, str(timezone), numbering)
    return _digest(map(repr, parts))


def _plain(meaning: CodeMeaning) -> tuple[object, ...]:
    """Return what a code means, sets in an order of their own."""
    if isinstance(meaning, CodeRange):
        return meaning.first, meaning.last, str(meaning.kind)
    return *sorted(meaning.names), str(meaning.kind)


def _schema(snapshot: Snapshot, profile: Profile) -> str:
    described = snapshot.driver.described
    told = [f"{table.name} {described.get(table.name)}" for table in (*SHARED, *OF_JOURNALS)]
    if snapshot.facts.dialect == "sqlite":
        words = frozenset().union(*(query.words() for query in profile.queries.values()))
        tables = snapshot.driver.tables()
        told += [f"{name} {sorted(columns)}" for name, columns in tables.items() if name.upper() in words]
    return _digest(told)


def _rows(table: RawTable, raw: RawJournal) -> Iterable[str]:
    """Yield what a table's rows say of records as texts, in an order of their own, for a database keeps none."""
    columns = (raw[table.name][name].to_numpy().tolist() for name in table.columns if name not in table.beside)
    yield table.name
    yield from sorted(map(repr, zip(*columns, strict=True)))


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _read(reading: SchoolReading) -> dict[str, SeenJournal]:
    """Return what the facts of each journal came to: how many, what was found of them, when one becomes good."""
    if reading.record_journals is None or reading.aside_journals is None or reading.aside_days is None:
        raise ValueError("a reading that doesn't say of which journals it is")
    read = {
        str(key): SeenJournal({}, None, int(count))
        for key, count in pd.concat([reading.record_journals, reading.aside_journals]).value_counts().items()
    }
    for (key, reason), count in Counter(zip(reading.aside_journals, reading.set_aside["reason"], strict=True)).items():
        one = read[key]
        read[key] = replace(one, set_aside={**one.set_aside, reason: count})
    found = reading.findings
    warned = found["source_key"].notna() & found["code"].isin([str(code) for code in RecordWarning])
    for (key, code), count in Counter(zip(found["journal"][warned], found["code"][warned], strict=True)).items():
        one = read[key]
        read[key] = replace(one, warnings={**one.warnings, code: count})
    future = reading.set_aside["reason"] == str(SetAsideReason.FUTURE_DATE)
    for key, day in reading.aside_days[future].groupby(reading.aside_journals[future]).min().items():
        read[str(key)] = replace(read[str(key)], due=day.date())
    return read


__all__ = ["Seen", "read_changes"]
