"""The rules on whole columns against the same rules said row by row, on schools made at random."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
from fakes.raw_journal import raw_journal
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.school import Window
from mappings.profile import load_profile
from mappings.records import to_reading

ZONE = ZoneInfo("Europe/Moscow")
TODAY = date(2026, 11, 25)
PROFILE = load_profile("paragraf")
Tables = Mapping[str, Sequence[tuple]]

ids = st.integers(1, 3)
days = st.sampled_from([date(2026, 9, 1), date(2026, 10, 1), date(2026, 10, 2), date(2026, 11, 25), date(2026, 11, 26)])
open_days = st.none() | days
texts = st.sampled_from([b"5", " а \t б ".encode("cp1251"), b"", b" ", b"\x98", b"\x01", None, "д" * 101, "д" * 501])
moments = st.none() | st.datetimes(*(datetime(year, 1, 1) for year in (1960, 2110)))  # noqa: DTZ001  local times
codes = st.sampled_from([401, 405, 422, 423, 501, 502, 503, 601, 700])


def table(*columns: st.SearchStrategy, key: bool = True, size: int = 3) -> st.SearchStrategy:
    rows = st.lists(st.tuples(*columns), max_size=size)
    if not key:
        return rows
    return rows.map(lambda given: [(place, *row) for place, row in enumerate(given, 1)])


schools = st.fixed_dictionaries(
    {
        "students": table(days),
        "enrolments": table(ids, open_days, open_days, st.integers(1, 11), st.just("А"), key=False, size=5),
        "subjects": table(texts),
        "journals": table(ids),
        "control_types": table(texts),
        "mark_types": st.lists(codes, unique=True).flatmap(
            lambda chosen: st.tuples(*[st.tuples(st.just(code), texts) for code in chosen]).map(list)
        ),
        "periods": table(st.integers(0, 6), texts, open_days, open_days, size=4),
        "members": table(ids, ids, open_days, open_days, key=False, size=5),
        "lessons": table(ids, open_days, st.sampled_from([None, 0, 255, 256, -1]), st.sampled_from([0, 0, 0, 1, None])),
        "controls": table(ids, ids, st.sampled_from([None, "1.5", "NaN", "2"])),
        "marks": table(ids, ids, codes, texts, moments, size=8),
        "absences": table(ids, ids, codes, moments, size=6),
        "period_marks": table(ids, ids, ids, codes, moments, size=6),
    }
)


ORDER = (
    "lesson-cancelled",
    "not-enrolled",
    "duplicate-mark",
    "unknown-mark-type",
    "unknown-period-kind",
    "lesson-missing",
    "date-missing",
    "future-date",
    "undecodable-text",
    "text-not-sendable",
)

CONTRACTED = ("comment-undecodable", "not-journal-member", "lesson-number-out-of-range", "field-left-out")
"""The warnings that are about the form of a record; test_quality_row_by_row.py holds the others."""


@dataclass
class Row:
    """A journal row on its way, in plain words."""

    key: str
    student: int
    code: int
    kind: str | None
    journal: int | None = None
    first: date | None = None
    last: date | None = None
    number: int | None = None
    weight: str | None = None
    work: str | None = None
    comment: str | None = None
    at: datetime | None = None
    reasons: set[str] = field(default_factory=set)
    odd: set[str] = field(default_factory=set)


def read(raw: bytes | str | None, *, line: bool = True) -> tuple[str | None, bool]:
    """Return a text, and whether it is spoilt."""
    try:
        text = raw.decode("cp1251") if isinstance(raw, bytes) else raw or ""
    except UnicodeDecodeError:
        return None, True
    if "\x01" in text:
        return None, True
    return (" ".join(text.split()) if line else text.strip()) or None, False


def met(spans: Sequence[tuple], first: date | None, last: date | None) -> bool:
    """Tell whether one of the spans has a day in common with `first` to `last`."""
    return any(
        None not in {start, first, last}
        and start <= (end or date.max)
        and max(start, first) <= min(end or date.max, last)
        for start, end in spans
    )


class Plain:
    """The contract's rules, one row at a time, with nothing but dicts."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.by_id = {name: {row[0]: row for row in tables[name]} for name in tables}
        self.copies = Counter((row[1], row[2]) for row in tables["marks"])

    def rows(self) -> Iterator[Row]:
        for row in self.tables["marks"]:
            yield self.judged(self.mark(row))
        for key, lesson, student, code, at in self.tables["absences"]:
            kind = {501: "absence", 502: "absence", 503: "late", 601: "remark"}.get(code)
            yield self.judged(self.of_lesson(Row(f"absence:{key}", student, code, kind, at=at), lesson))
        for row in self.tables["period_marks"]:
            yield self.judged(self.period_mark(row))

    def named(self, row: Row, table: str, key: object) -> None:
        """Give the row its work by the name in a table."""
        row.work, spoilt = read(self.by_id[table].get(key, (0, None, None))[2 if table == "periods" else 1])
        if spoilt:
            row.reasons.add("undecodable-text")
        if len(row.work or "") > 500:
            row.work = None
            row.odd.add("field-left-out")

    def mark(self, given: tuple) -> Row:
        key, control_id, student, code, note, at = given
        kind = "current" if 401 <= code <= 422 else "remark" if code == 601 else None
        row = Row(f"mark:{key}", student, code, kind, at=at)
        row.comment, spoilt = read(note, line=False)
        if spoilt:
            row.odd.add("comment-undecodable")
        _, lesson, work, cost = self.by_id["controls"].get(control_id, (0, None, None, None))
        if kind != "remark":
            self.named(row, "control_types", work)
            if cost == "NaN":
                row.odd.add("field-left-out")
            elif cost is not None:
                row.weight = f"{float(cost):.2f}"
        if self.copies[control_id, student] > 1:
            row.reasons.add("duplicate-mark")
        return self.of_lesson(row, lesson)

    def of_lesson(self, row: Row, lesson: int | None) -> Row:
        if lesson not in self.by_id["lessons"]:
            row.reasons.add("lesson-missing")
        _, row.journal, row.last, row.number, cancelled = self.by_id["lessons"].get(lesson, (0, None, None, None, 0))
        row.first = row.last
        if row.number is not None and not 0 <= row.number <= 255:
            row.number = None
            row.odd.add("lesson-number-out-of-range")
        if cancelled != 0:
            row.reasons.add("lesson-cancelled")
        if row.kind is None:
            row.reasons.add("unknown-mark-type")
        return row

    def period_mark(self, given: tuple) -> Row:
        key, journal, period, student, code, at = given
        _, kind, _, first, last = self.by_id["periods"].get(period, (0, None, None, None, None))
        word = {1: "period", 2: "period", 3: "annual", 4: "exam", 5: "final"}.get(kind)
        row = Row(f"period:{key}", student, code, word, journal, first, last, at=at)
        self.named(row, "periods", period)
        if word is None:
            row.reasons.add("unknown-period-kind")
        if not 401 <= code <= 422:
            row.reasons.add("unknown-mark-type")
        return row

    def judged(self, row: Row) -> Row:
        if row.code not in self.by_id["mark_types"]:
            row.reasons.add("unknown-mark-type")
        if row.last is None:
            row.reasons.add("date-missing")
        elif row.last > TODAY:
            row.reasons.add("future-date")
        stays = [stay[1:3] for stay in self.tables["enrolments"] if stay[0] == row.student]
        if row.last is not None and not met(stays, row.first, row.last):
            row.reasons.add("not-enrolled")
        for text, spoilt, limit in (self.subject(row), self.value(row)):
            if spoilt:
                row.reasons.add("undecodable-text")
            elif not 1 <= len(text or "") <= limit:
                row.reasons.add("text-not-sendable")
        lists = [member[2:4] for member in self.tables["members"] if member[:2] == (row.journal, row.student)]
        if not met(lists, row.first, row.last):
            row.odd.add("not-journal-member")
        if row.at is not None and not 1970 <= row.at.year <= 2099:
            row.at = None
            row.odd.add("field-left-out")
        return row

    def subject(self, row: Row) -> tuple[str | None, bool, int]:
        journal = self.by_id["journals"].get(row.journal, (0, None))
        return *read(self.by_id["subjects"].get(journal[1], (0, None))[1]), 100

    def value(self, row: Row) -> tuple[str | None, bool, int]:
        return *read(self.by_id["mark_types"].get(row.code, (0, None))[1]), 16

    def record(self, row: Row) -> tuple[object, ...]:
        at = row.at and row.at.replace(microsecond=0, tzinfo=ZONE).astimezone(UTC)
        return (
            row.key, str(row.student), row.kind, self.subject(row)[0], row.last, row.number, self.value(row)[0],
            row.weight, row.work, row.comment, at,
        )  # fmt: skip


def as_plain(value: object) -> object:
    if pd.isna(value):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


@given(schools)
@settings(max_examples=400, deadline=None)
def test_columns_and_rows_agree(tables: Tables) -> None:
    reading = to_reading(
        raw_journal(**tables),
        PROFILE,
        school="0252",
        window=Window(date(2026, 9, 1), date(2027, 8, 31)),
        today=TODAY,
        timezone=ZONE,
    )
    plain = Plain(tables)
    rows = list(plain.rows())
    expected = [plain.record(row) for row in rows if not row.reasons]
    found = [tuple(as_plain(value) for value in row) for row in reading.records.itertuples(index=False)]
    assert [(*row[:4], row[4].date(), *row[5:]) for row in found] == expected
    assert list(reading.set_aside.itertuples(index=False, name=None)) == [
        (row.key, str(row.student), next(reason for reason in ORDER if reason in row.reasons))
        for row in rows
        if row.reasons
    ]
    told = set(reading.warnings[reading.warnings["warning"].isin(CONTRACTED)].itertuples(index=False, name=None))
    assert told == {(row.key, warning) for row in rows if not row.reasons for warning in row.odd}
