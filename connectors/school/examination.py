"""Holds a profile against a live database: what each query returns, and what would come of it. Changes nothing.

Rules. Every query is run whole, in one snapshot, as a reading would; what a query lacks is a value here, not an
exception, so that one wrong query hides no other. Rows are shown by their shape (`mappings.pseudonyms`). Codes that
the profile does not map are counted with their signs; they are not guessed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from connectors.school.open import open_snapshot
from connectors.school.ownership import school_codes
from connectors.school.refusals import code_differs
from connectors.school.snapshot import Snapshot, SnapshotFacts
from connectors.school.source import SchoolSource
from journal.school import Window
from journal.wording import BridgeError
from mappings.lessons import counted_lessons, lesson_times, same_times
from mappings.profile import Profile
from mappings.pseudonyms import shown
from mappings.raw import (
    ALL_TABLES,
    BESIDES,
    FINGERPRINTS,
    JOURNAL_TABLES,
    LESSON_COUNTS,
    LESSONS,
    NOTHING,
    SCHOOL,
    SPOILT,
    SPOILT_TIME,
    TIMES,
    ColumnType,
    RawTable,
)
from mappings.records import to_reading
from mappings.texts import Encoding
from mappings.unmapped import Unmapped, unmapped

EXAMPLES = 3
_MISREAD = re.compile("[À-ÿ]{3,}")
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ColumnSeen:
    """One column of a query: how many fields hold something, how many can't be read, and examples without people."""

    name: str
    kind: ColumnType
    filled: int
    unreadable: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuerySeen:
    """What came of one query; `rows` is None where it could not be run. `misread`: texts of another encoding."""

    name: str
    rows: int | None = None
    columns: tuple[ColumnSeen, ...] = ()
    problem: BridgeError | None = None
    unfinished: bool = False
    misread: bool = False


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that was seen. `facts` is None where the database could not be opened."""

    school: str
    profile: str
    facts: SnapshotFacts | None = None
    problems: tuple[BridgeError, ...] = ()
    queries: tuple[QuerySeen, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    records: int | None = None
    set_aside: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    has_fingerprints: bool = False
    keeps_filling_times: bool = False
    counts_differ: bool = False
    """Whether `lesson_counts.sql` tells of other lessons than `lessons.sql`."""

    @property
    def ok(self) -> bool:
        """Tell whether a reading would go through; unmapped codes only set rows aside."""
        wrong = self.problems or self.counts_differ or any(q.problem or q.unfinished for q in self.queries)
        return self.facts is not None and not wrong


def examine(
    source: SchoolSource, draft: Profile, *, code: str, window: Window, today: date, timezone: ZoneInfo, salt: bytes
) -> Examination:
    """Run all of a profile's queries on a school's database. Raises nothing but bugs."""
    try:
        snapshot = open_snapshot(source, code)
    except BridgeError as error:
        return Examination(code, draft.name, problems=(error,))
    with snapshot:
        snapshot.numbered = snapshot.facts.numbered_since is not None  # as a run will ask, some days after a restore
        raw: dict[str, pd.DataFrame] = {}
        queries = tuple(_seen(snapshot, draft, table, window, raw, salt) for table in _tables(draft))
        problems: list[BridgeError] = []
        if SCHOOL.name in raw:
            codes = school_codes(snapshot, draft)
            problems += [code_differs(code)] if codes and code not in codes else []
    whole = all(table.name in raw for table in JOURNAL_TABLES)
    reading = to_reading(raw, draft, school=code, window=window, today=today, timezone=timezone) if whole else None
    return Examination(
        school=code,
        profile=draft.name,
        facts=snapshot.facts,
        problems=tuple(problems),
        queries=queries,
        unmapped=unmapped(raw, draft) if whole else (),
        records=None if reading is None else len(reading.records),
        set_aside={} if reading is None else _counts(reading.set_aside["reason"]),
        warnings={} if reading is None else _counts(reading.warnings["warning"]),
        has_fingerprints=FINGERPRINTS.name in draft.queries,
        keeps_filling_times=draft.keeps_filling_times,
        counts_differ=_counts_differ(raw, draft),
    )


def _counts_differ(raw: Mapping[str, pd.DataFrame], draft: Profile) -> bool:
    if LESSONS.name not in raw or LESSON_COUNTS.name not in raw:
        return False
    return not same_times(lesson_times(raw, draft), counted_lessons(raw[LESSON_COUNTS.name], draft))


def _tables(draft: Profile) -> list[RawTable]:
    named = {*draft.queries, *draft.unfinished}
    return [*ALL_TABLES, *(table for table in BESIDES if table.name in named)]


def _seen(
    snapshot: Snapshot, draft: Profile, table: RawTable, window: Window, raw: dict[str, pd.DataFrame], salt: bytes
) -> QuerySeen:
    """Run one query; its rows go into `raw`."""
    if table.name in draft.unfinished:
        return QuerySeen(table.name, unfinished=True)
    try:
        frame = snapshot.read(table, draft, window)
    except BridgeError as error:
        return QuerySeen(table.name, problem=error)
    raw[table.name] = frame
    columns = tuple(_column(table, name, frame, draft.reading, salt) for name in table.columns)
    misread = any(_is_misread(frame[name]) for name, kind in table.columns.items() if kind is ColumnType.TEXT)
    return QuerySeen(table.name, len(frame), columns, misread=misread and draft.misread_as is None)


def _column(table: RawTable, name: str, frame: pd.DataFrame, encoding: Encoding, salt: bytes) -> ColumnSeen:
    kind, values = table.columns[name], frame[name]
    if kind in TIMES:
        null, spoilt = values.isna().to_numpy(bool), (values.to_numpy() == SPOILT_TIME)
        plain = values.to_numpy("datetime64[s]").tolist()
    elif values.dtype == np.int64:
        null, spoilt = (values == NOTHING).to_numpy(bool), (values == SPOILT).to_numpy(bool)
        plain = values.tolist()
    else:
        plain = values.tolist()
        null = np.array([value is None for value in plain], bool)
        texts = kind in {ColumnType.TEXT, ColumnType.KEY}
        spoilt = np.array([v is not None and _is_spoilt(v, encoding, texts=texts) for v in plain], bool)
    examples = [plain[place] for place in np.flatnonzero(~null)[:EXAMPLES].tolist()]
    return ColumnSeen(
        name=name,
        kind=kind,
        filled=int((~null).sum()),
        unreadable=int(spoilt.sum()),
        examples=tuple(shown(table, name, value, encoding, salt) for value in examples),
    )


def _is_spoilt(value: object, encoding: Encoding, *, texts: bool) -> bool:
    return encoding.decoded(value) is None if texts else value != value  # noqa: PLR0124  NaN is not itself


def _is_misread(values: pd.Series) -> bool:
    """Tell whether texts look like cp1251 that was taken for latin-1: its letters, and no Russian one."""
    texts = [value for value in values.tolist()[:500] if isinstance(value, str)]
    return any(_MISREAD.search(text) for text in texts) and not any(_CYRILLIC.search(text) for text in texts)


def _counts(values: pd.Series) -> dict[str, int]:
    return {str(name): int(count) for name, count in values.value_counts().items()}
