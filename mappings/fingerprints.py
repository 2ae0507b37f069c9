"""Which journals have changed since they were last seen, told by what the database counts of each.

Rules. A journal is read again when it was not there, is there no more, or any figure of it differs: the number of
its rows, the newest time of change, the sums of ids and codes. A figure that is missing on either side differs, for
unknown is changed. Equal figures are no proof: two changes can cancel each other out in the sums, so a full read
from time to time finds what this can't.
Counting by journal costs a database almost a third of reading. So the last weeks of a school year are counted by
journal in each run, what is older only when it moved. Whether it did is told by one count of everything (`totals.sql`,
cheap: no join, no sort): as long as it exceeds the last weeks' counts by as much as it did, nothing older has changed.
Else older days are counted by journal some weeks at a time, the newest first, until what was found is what it moved by.
Some journals' rows say all only as long as everything that all journals share is what it was; then, or where
anything else is in doubt, all is read (`to_read`). Pure; deliberately not here: where what was seen is kept
(`delivery.seen`), and when all is read anyway.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pandas as pd

from mappings.keys import MISSING, SPOILT_KEY, key_texts
from mappings.profile import Profile
from mappings.raw import FINGERPRINTS, NOTHING, SPOILT, SPOILT_TIME, TOTALS


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the database counts of one journal. `newest` is the school's local time; None where rows have none."""

    rows: int
    newest: datetime | None
    sum_of_ids: Decimal | None
    sum_of_codes: Decimal | None

    @property
    def whole(self) -> bool:
        """Tell whether every figure is there that must be."""
        return self.sum_of_ids is not None and self.sum_of_codes is not None


def fingerprints(table: pd.DataFrame, profile: Profile) -> dict[str, Fingerprint]:
    """Return the fingerprints of a raw table of `mappings.raw.FINGERPRINTS` by the journal's key."""
    rows = zip(
        key_texts(table["journal_id"].to_numpy(), profile.encoding).tolist(),
        table["rows"].tolist(),
        table["newest"].to_numpy("datetime64[s]").tolist(),
        table["sum_of_ids"].tolist(),
        table["sum_of_codes"].tolist(),
        strict=True,
    )
    never = SPOILT_TIME.item()
    return {
        journal: Fingerprint(
            rows=-1 if count in (NOTHING, SPOILT) else count,
            newest=None if newest == never else newest,
            sum_of_ids=_number(ids),
            sum_of_codes=_number(codes),
        )
        for journal, count, newest, ids, codes in rows
    }


def changed_journals(last_seen: Mapping[str, Fingerprint], now: Mapping[str, Fingerprint]) -> frozenset[str]:
    """Return the keys of the journals whose rows may differ from those last seen; journals that are gone too."""
    return frozenset(
        journal
        for journal in last_seen.keys() | now.keys()
        if (seen := last_seen.get(journal)) is None
        or (held := now.get(journal)) is None
        or seen != held
        or not held.whole
        or held.rows < 0
    )


def _number(value: Decimal | None) -> Decimal | None:
    return None if value is None or not value.is_finite() else value.normalize() + 0


Sums = tuple[int, Decimal, Decimal]
"""Of some journals: how many rows, the sums of ids and of codes."""
Days = tuple[date, date]
"""The first and the last of some days in a row."""
SPAN_DAYS = 56
"""So many older days are counted by journal at a time."""


def _sums(journals: Mapping[str, Fingerprint]) -> Sums | None:
    """Return the sums of all journals; None where a figure of one is missing."""
    rows, ids, codes = 0, Decimal(), Decimal()
    for one in journals.values():
        if one.sum_of_ids is None or one.sum_of_codes is None or one.rows < 0:
            return None
        rows, ids, codes = rows + one.rows, ids + one.sum_of_ids, codes + one.sum_of_codes
    return rows, ids, codes


def _less(sums: Sums | None, others: Sums | None) -> Sums | None:
    """Return by how much some sums exceed others; None where either is unknown."""
    if sums is None or others is None:
        return None
    return sums[0] - others[0], sums[1] - others[1], sums[2] - others[2]


@dataclass(frozen=True, slots=True)
class Counts:
    """What a school's database counts: by journal before the day `boundary` and from it on, and all in one.

    `older` has the journals of some weeks by their first day; weeks in which no journal has anything may be left out.
    `total` is None where the profile or the database can't say it.
    """

    boundary: date
    older: Mapping[date, Mapping[str, Fingerprint]]
    recent: Mapping[str, Fingerprint]
    total: Fingerprint | None

    def rest(self) -> Sums | None:
        """Return by how much everything exceeds the last weeks; None where it can't be told.

        The sum of ids is 0 where it was not counted over everything.
        """
        every, recent = self.total, _sums(self.recent)
        if every is None or every.rows < 0 or every.sum_of_codes is None or recent is None:
            return None
        ids = recent[1] if every.sum_of_ids is None else every.sum_of_ids
        return _less((every.rows, ids, every.sum_of_codes), recent)

    def with_older(
        self,
        before: "Counts | None",
        spans: Sequence[Days],
        by_journal: "Callable[[date, date], Mapping[str, Fingerprint]]",
    ) -> "Counts":
        """Return these counts with what is older: as it was `before`, counted anew as far as it may have moved.

        `spans` are all older days, the newest first, the same as before where the boundary is; `by_journal` counts
        some. Where the sum of ids was not counted over everything, it tells nothing here.
        """
        known = before is not None and before.boundary == self.boundary
        older = dict(before.older) if before is not None and known else {}
        moved = _less(self.rest(), before.rest()) if before is not None and known else None
        with_ids = moved is not None and self.total is not None and self.total.sum_of_ids is not None
        for first, last in spans:
            if moved is not None and not any(moved if with_ids else (moved[0], moved[2])):
                break
            counted = by_journal(first, last)
            moved = _less(moved, _less(_sums(counted), _sums(older.get(first, {}))))
            older[first] = counted
        return replace(self, older=older)


def older_spans(first: date, boundary: date) -> list[Days]:
    """Return the days from `first` until before the boundary, some weeks at a time, the newest first."""
    spans: list[Days] = []
    while boundary > first:
        start = max(first, boundary - timedelta(days=SPAN_DAYS))
        spans.append((start, boundary - timedelta(days=1)))
        boundary = start
    return spans


def _changed_older(then: Counts, now: Counts) -> frozenset[str]:
    weeks = then.older.keys() | now.older.keys()
    return frozenset().union(
        *(changed_journals(then.older.get(first, {}), now.older.get(first, {})) for first in weeks)
    )


def total(table: pd.DataFrame) -> Fingerprint | None:
    """Return the count of everything from a raw table of `mappings.raw.TOTALS`; None where it isn't one row."""
    if len(table) != 1:
        return None
    rows, ids, codes = (table[name].iloc[0] for name in ("rows", "sum_of_ids", "sum_of_codes"))
    return Fingerprint(-1 if rows in (NOTHING, SPOILT) else int(rows), None, _number(ids), _number(codes))


@dataclass(frozen=True, slots=True)
class SeenJournal:
    """What is remembered of a journal that was read: its counts, and what its rows came to.

    `older`: the counts of the older weeks in which it has anything, by their first day, as in `Counts`.
    `rows`: how many facts it had; `set_aside` how many of them by reason, `warnings` how many warnings. `due`: the day
    from which it is to be read in any case, for a row of it becomes good by itself. `again`: it is to be read in any
    case, for what was read of it was not brought to its end.
    """

    older: Mapping[date, Fingerprint]
    recent: Fingerprint | None
    rows: int = 0
    set_aside: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    due: date | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of a school's database: enough to know what need not be read again.

    `basis` is a digest of how it was read: profile, window, time zone, software. `shared` is one of the rows that all
    journals share: students and their enrolments, names of subjects, works and codes, periods. `schema` is one of the
    columns that the queries returned. `repeated`: a key named several rows, which only a full reading can see.
    `boundary` and `total` are those of `Counts`; without a boundary nothing was counted.
    """

    basis: str
    shared: str
    schema: str
    boundary: date | None
    total: Fingerprint | None
    journals: Mapping[str, SeenJournal]
    repeated: bool = False

    @property
    def counts(self) -> Counts | None:
        """What the database counted; None where it can't."""
        if self.boundary is None:
            return None
        older: defaultdict[date, dict[str, Fingerprint]] = defaultdict(dict)
        for key, one in self.journals.items():
            for first, counted in one.older.items():
                older[first][key] = counted
        recent = {key: one.recent for key, one in self.journals.items() if one.recent is not None}
        return Counts(self.boundary, older, recent, self.total)

    @property
    def rows(self) -> int:
        """The number of facts in all journals."""
        return sum(one.rows for one in self.journals.values())


MOST_JOURNALS = 300
"""More journals than this are not asked for one by one: databases limit how many values a condition names."""
LARGEST_SHARE = 0.25
"""Where more of the journals than this have changed, reading all is as quick,"""
FEW_JOURNALS = 8
"""unless they are so few."""
_NO_JOURNAL = frozenset({MISSING, SPOILT_KEY})


def to_read(before: Seen | None, basis: str, shared: str, counts: Counts | None, today: date) -> frozenset[str] | None:
    """Return the journals to read; None: all.

    All, when nothing was seen before or it was seen otherwise, when the rows that journals share differ, when a key
    named several rows, when rows belong to no journal and have changed, or when too many journals have.
    """
    then = None if before is None else before.counts
    if before is None or then is None or counts is None or before.repeated or then.boundary != counts.boundary:
        return None
    if (before.basis, before.shared) != (basis, shared):
        return None
    changed = changed_journals(then.recent, counts.recent) | _changed_older(then, counts)
    changed |= {key for key, one in before.journals.items() if one.again or (one.due is not None and one.due <= today)}
    known = before.journals.keys() | counts.recent.keys() | frozenset().union(*counts.older.values())
    many = len(changed) > min(MOST_JOURNALS, max(FEW_JOURNALS, int(LARGEST_SHARE * len(known))))
    return None if many or changed & _NO_JOURNAL else changed


def remembered(
    counts: Counts | None,
    read: Mapping[str, SeenJournal],
    before: Seen | None,
    asked: frozenset[str] | None,
) -> dict[str, SeenJournal]:
    """Return what is to be remembered of the journals after a reading.

    `read` says of the journals with facts that were read what these came to, `asked` which were read (None: all). A
    journal that was not read is remembered as it was.
    """
    recent = {} if counts is None else counts.recent
    older: defaultdict[str, dict[date, Fingerprint]] = defaultdict(dict)
    for first, journals in ({} if counts is None else counts.older).items():
        for journal, counted in journals.items():
            older[journal][first] = counted
    kept = {} if asked is None or before is None else {k: v for k, v in before.journals.items() if k not in asked}
    for journal in (older.keys() | recent.keys() | read.keys()) - kept.keys():
        facts = read.get(journal, SeenJournal({}, None))
        kept[journal] = replace(facts, older=older.get(journal, {}), recent=recent.get(journal))
    return kept


__all__ = [
    "FINGERPRINTS",
    "TOTALS",
    "Counts",
    "Fingerprint",
    "Seen",
    "SeenJournal",
    "changed_journals",
    "fingerprints",
    "older_spans",
    "remembered",
    "to_read",
    "total",
]
