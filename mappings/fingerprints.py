"""Which journals have changed since they were last seen, told by what the database counts of each.

Rules. A journal is read again when it was not there, is there no more, or any figure of it differs: the number of
its rows, the newest time of change, the sums of ids and codes. A figure that is missing on either side differs, for
unknown is changed. Equal figures are no proof: two changes can cancel each other out in the sums, so a full read
from time to time finds what this can't.
Counting by journal costs a database almost a third of reading. So a school year is counted in two spans: the last
weeks by journal in each run, what is older by journal only when it moved. Whether it did is told by one count of
everything (`totals.sql`, cheap: no join, no sort): as long as it exceeds the last weeks' counts by as much as it did,
nothing older has changed.
Some journals' rows say all only as long as everything that all journals share is what it was; then, or where
anything else is in doubt, all is read (`to_read`). Pure; deliberately not here: where what was seen is kept
(`delivery.seen`), and when all is read anyway.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
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


@dataclass(frozen=True, slots=True)
class Counts:
    """What a school's database counts: by journal before the day `boundary` and from it on, and all in one.

    `total` is None where the profile or the database can't say it.
    """

    boundary: date
    older: Mapping[str, Fingerprint]
    recent: Mapping[str, Fingerprint]
    total: Fingerprint | None

    def rest(self) -> tuple[int, Decimal | None, Decimal] | None:
        """Return by how much everything exceeds the last weeks; None where it can't be told.

        The sum of ids is left out where it was not counted over everything.
        """
        if self.total is None or self.total.rows < 0 or self.total.sum_of_codes is None:
            return None
        rows, ids, codes = self.total.rows, self.total.sum_of_ids, self.total.sum_of_codes
        for one in self.recent.values():
            if one.sum_of_ids is None or one.sum_of_codes is None or one.rows < 0:
                return None
            rows, codes = rows - one.rows, codes - one.sum_of_codes
            ids = None if ids is None else ids - one.sum_of_ids
        return rows, ids, codes

    def with_older_of(self, before: "Counts") -> "Counts | None":
        """Return these counts with what is older as it was before; None unless it is sure to have stayed the same."""
        rest = self.rest()
        same = self.boundary == before.boundary and rest is not None and rest == before.rest()
        return replace(self, older=before.older) if same else None


def total(table: pd.DataFrame) -> Fingerprint | None:
    """Return the count of everything from a raw table of `mappings.raw.TOTALS`; None where it isn't one row."""
    if len(table) != 1:
        return None
    rows, ids, codes = (table[name].iloc[0] for name in ("rows", "sum_of_ids", "sum_of_codes"))
    return Fingerprint(-1 if rows in (NOTHING, SPOILT) else int(rows), None, _number(ids), _number(codes))


@dataclass(frozen=True, slots=True)
class SeenJournal:
    """What is remembered of a journal that was read: its counts in both spans, and what its rows came to.

    `rows`: how many facts it had; `set_aside` how many of them by reason, `warnings` how many warnings. `due`: the day
    from which it is to be read in any case, for a row of it becomes good by itself. `again`: it is to be read in any
    case, for what was read of it was not brought to its end.
    """

    older: Fingerprint | None
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
        older = {key: one.older for key, one in self.journals.items() if one.older is not None}
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
    changed = changed_journals(then.recent, counts.recent) | changed_journals(then.older, counts.older)
    changed |= {key for key, one in before.journals.items() if one.again or (one.due is not None and one.due <= today)}
    known = before.journals.keys() | counts.recent.keys() | counts.older.keys()
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
    older, recent = ({}, {}) if counts is None else (counts.older, counts.recent)
    kept = {} if asked is None or before is None else {k: v for k, v in before.journals.items() if k not in asked}
    for journal in (older.keys() | recent.keys() | read.keys()) - kept.keys():
        facts = read.get(journal, SeenJournal(None, None))
        kept[journal] = replace(facts, older=older.get(journal), recent=recent.get(journal))
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
    "remembered",
    "to_read",
    "total",
]
