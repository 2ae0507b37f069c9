"""Which journals have changed, from two sets of fingerprints alone."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.school.columns import to_columns
from mappings.fingerprints import (
    LARGEST_SHARE,
    MOST_JOURNALS,
    Counts,
    Fingerprint,
    Seen,
    SeenJournal,
    changed_journals,
    fingerprints,
    older_spans,
    remembered,
    to_read,
    total,
)
from mappings.raw import FINGERPRINTS, TOTALS

from .test_records import PROFILE

AT = datetime(2026, 10, 1, 10, 0, 0)  # noqa: DTZ001  the school's local time
ONE = Fingerprint(3, AT, Decimal(6), Decimal("7.5"))
prints = st.builds(
    Fingerprint,
    rows=st.integers(0, 3),
    newest=st.none() | st.just(AT),
    sum_of_ids=st.decimals(0, 3, places=0),
    sum_of_codes=st.decimals(0, 3, places=0),
)
sights = st.dictionaries(st.sampled_from("abcd"), prints)


@given(sights, sights)
def test_a_journal_is_changed_unless_both_sights_of_it_are_equal(then: dict, now: dict) -> None:
    changed = changed_journals(then, now)
    for journal in "abcd":
        same = journal in then and journal in now and then[journal] == now[journal]
        gone = journal not in then and journal not in now
        assert (journal in changed) is not (same or gone)


@given(sights, sights)
def test_it_does_not_matter_which_sight_was_first(then: dict, now: dict) -> None:
    assert changed_journals(then, now) == changed_journals(now, then)
    assert changed_journals(now, now) == frozenset()


@pytest.mark.parametrize("missing", [{"sum_of_ids": None}, {"sum_of_codes": None}, {"rows": -1}])
def test_what_the_database_could_not_count_is_changed(missing: dict) -> None:
    unknown = replace(ONE, **missing)
    assert changed_journals({"a": unknown}, {"a": unknown}) == {"a"}


def test_figures_come_as_each_database_writes_them() -> None:
    rows = [
        (1, 3, AT, 6, "7.50"), ("b-1 ", Decimal(3), None, Decimal("6.0"), 7.5), (None, None, "x", "x", None),
    ]  # fmt: skip
    table = FINGERPRINTS.frame(to_columns(rows, FINGERPRINTS.columns))
    assert fingerprints(table, PROFILE) == {
        "1": ONE,
        "b-1": replace(ONE, newest=None),
        "(null)": Fingerprint(-1, None, None, None),
    }


TODAY = date(2026, 11, 24)
OTHER = replace(ONE, rows=4)
ALL = Fingerprint(10, None, Decimal(20), Decimal("30.5"))
LONG_AGO, LATELY = date(2026, 9, 1), date(2026, 10, 1)
SPANS = [(LATELY, TODAY - timedelta(days=1)), (LONG_AGO, LATELY - timedelta(days=1))]
OLD: dict[date, Fingerprint] = {LONG_AGO: ONE}
COUNTS = Counts(TODAY, {LONG_AGO: {"a": ONE, "b": ONE}}, {"a": ONE, "c": ONE}, ALL)
SEEN = Seen(
    "basis", "shared", "schema", TODAY, ALL,
    {"a": SeenJournal(OLD, ONE, 3), "b": SeenJournal(OLD, None, 2), "c": SeenJournal({}, ONE, 1)},
)  # fmt: skip


def now(**other: object) -> frozenset[str] | None:
    """What is to be read when the counts, or what else is said of them, are other than seen."""
    counts = replace(
        COUNTS, **{name: value for name, value in other.items() if name in ("older", "recent", "boundary")}
    )
    seen = replace(SEEN, **{name: value for name, value in other.items() if name in ("repeated", "journals")})
    words = {"basis": "basis", "shared": "shared", "today": TODAY} | {
        name: value for name, value in other.items() if name in ("basis", "shared", "today")
    }
    return to_read(seen, words["basis"], words["shared"], counts, words["today"])


def test_what_was_seen_gives_the_counts_back() -> None:
    assert SEEN.counts == COUNTS
    assert SEEN.rows == 6
    assert replace(SEEN, boundary=None).counts is None


@pytest.mark.parametrize(
    ("other", "read"),
    [
        ({}, set()),
        ({"recent": {"a": OTHER, "c": ONE}}, {"a"}),
        ({"older": {LONG_AGO: {"a": ONE, "b": OTHER}}}, {"b"}),
        ({"older": {LONG_AGO: {"a": ONE}}}, {"b"}),
        ({"older": {LONG_AGO: {"b": ONE}, LATELY: {"a": ONE}}}, {"a"}),
        ({"older": {LONG_AGO: {"a": ONE, "b": ONE}, LATELY: {}}}, set()),
        ({"recent": {"a": ONE, "c": ONE, "d": ONE}}, {"d"}),
        ({"journals": SEEN.journals | {"c": SeenJournal({}, ONE, again=True)}}, {"c"}),
        ({"journals": SEEN.journals | {"c": SeenJournal({}, ONE, due=TODAY)}}, {"c"}),
        ({"journals": SEEN.journals | {"c": SeenJournal({}, ONE, due=TODAY + timedelta(days=1))}}, set()),
        ({"basis": "other"}, None),
        ({"shared": "other"}, None),
        ({"boundary": TODAY - timedelta(days=1)}, None),
        ({"repeated": True}, None),
        ({"recent": {"a": ONE, "c": ONE, "(null)": ONE}}, None),
    ],
)
def test_what_is_to_be_read(other: dict, read: set[str] | None) -> None:
    assert now(**other) == read


def test_all_is_read_where_nothing_is_known() -> None:
    assert to_read(None, "basis", "shared", COUNTS, TODAY) is None
    assert to_read(SEEN, "basis", "shared", None, TODAY) is None
    assert to_read(replace(SEEN, boundary=None), "basis", "shared", COUNTS, TODAY) is None


@pytest.mark.parametrize("journals", [12, 40, 400, 4000])
def test_where_many_journals_changed_all_is_read(journals: int) -> None:
    names = [str(number) for number in range(journals)]
    seen = replace(SEEN, journals={name: SeenJournal(OLD, ONE) for name in names})
    most = min(MOST_JOURNALS, max(8, int(LARGEST_SHARE * journals)))
    for changed in (most, most + 1):
        recent = {name: OTHER if place < changed else ONE for place, name in enumerate(names)}
        read = to_read(
            seen, "basis", "shared", Counts(TODAY, {LONG_AGO: dict.fromkeys(names, ONE)}, recent, ALL), TODAY
        )
        assert read == (frozenset(names[:changed]) if changed == most else None)


def test_the_rest_is_everything_but_the_last_weeks() -> None:
    assert COUNTS.rest() == (4, Decimal(8), Decimal("15.5"))
    assert replace(COUNTS, total=replace(ALL, sum_of_ids=None)).rest() == (4, Decimal(), Decimal("15.5"))
    for unknown in ({"total": None}, {"total": replace(ALL, rows=-1)}, {"total": replace(ALL, sum_of_codes=None)}):
        assert replace(COUNTS, **unknown).rest() is None
    for part in ({"rows": -1}, {"sum_of_ids": None}, {"sum_of_codes": None}):
        assert replace(COUNTS, recent={"a": replace(ONE, **part)}).rest() is None


class Database:
    """Counts some days by journal, and remembers which it was asked for."""

    def __init__(self, older: dict[date, dict[str, Fingerprint]]) -> None:
        self.older = older
        self.asked: list[date] = []

    def __call__(self, first: date, _last: date) -> dict[str, Fingerprint]:
        self.asked.append(first)
        return self.older.get(first, {})


def test_what_is_older_stayed_as_long_as_the_rest_did() -> None:
    more = replace(
        COUNTS, recent={"a": ONE, "c": ONE, "d": ONE}, older={}, total=Fingerprint(13, None, Decimal(26), Decimal(38))
    )
    same = Database({})
    assert more.with_older(COUNTS, SPANS, same) == replace(more, older=COUNTS.older)
    assert same.asked == []
    unknown = (
        ({"total": ALL}, COUNTS),
        ({"total": None}, COUNTS),
        ({"boundary": TODAY - timedelta(days=1)}, COUNTS),
        ({}, replace(COUNTS, total=None)),
        ({}, None),
    )
    for other, before in unknown:
        every = Database({LONG_AGO: {"b": OTHER}})
        counted = replace(more, **other).with_older(before, SPANS, every)
        assert every.asked == [LATELY, LONG_AGO], other
        assert counted.older == {LATELY: {}, LONG_AGO: {"b": OTHER}}


def test_a_sum_of_ids_that_was_not_counted_over_everything_tells_nothing() -> None:
    total = replace(ALL, sum_of_ids=None)
    before, same = replace(COUNTS, total=total), Database({})
    now = replace(before, recent={"a": replace(ONE, sum_of_ids=Decimal(9)), "c": ONE}, older={})
    assert now.with_older(before, SPANS, same).older == COUNTS.older
    assert same.asked == []


kept = st.dictionaries(st.sampled_from("abc"), st.builds(lambda n: replace(ONE, rows=n), st.integers(1, 9)))
weeks = st.dictionaries(st.sampled_from([LATELY, LONG_AGO]), kept)


@given(weeks, st.lists(st.tuples(st.sampled_from([LATELY, LONG_AGO]), st.sampled_from("abc"), st.integers(1, 9))))
def test_older_weeks_are_counted_until_all_is_found_that_the_rest_moved_by(then: dict, added: list) -> None:
    now = {first: dict(journals) for first, journals in then.items()}
    for first, journal, rows in added:
        journals = now.setdefault(first, {})
        one = journals.get(journal, replace(ONE, rows=0, sum_of_codes=Decimal()))
        journals[journal] = replace(one, rows=one.rows + rows, sum_of_codes=one.sum_of_codes + rows)

    def counts(older: dict) -> Counts:
        every = [ONE, *(one for journals in older.values() for one in journals.values())]
        rows, codes = sum(one.rows for one in every), sum(one.sum_of_codes for one in every)
        return Counts(TODAY, older, {"a": ONE}, Fingerprint(rows, None, None, Decimal(codes)))

    database = Database(now)
    found = replace(counts(now), older={}).with_older(counts(then), SPANS, database)
    assert {first: journals for first, journals in found.older.items() if journals} == {
        first: journals for first, journals in now.items() if journals
    }
    moved = {first for first, _, _ in added}
    assert database.asked == ([] if not moved else [LATELY, LONG_AGO] if LONG_AGO in moved else [LATELY])


@pytest.mark.parametrize("days", [0, 1, 55, 56, 57, 112, 250])
def test_older_days_are_told_apart_whole_and_the_newest_first(days: int) -> None:
    spans = older_spans(LONG_AGO, LONG_AGO + timedelta(days=days))
    told = [first + timedelta(days=day) for first, last in spans[::-1] for day in range((last - first).days + 1)]
    assert told == [LONG_AGO + timedelta(days=day) for day in range(days)]
    assert len(spans) == -(-days // 56)


def test_the_count_of_everything_is_one_row_or_nothing() -> None:
    rows = [(7, Decimal(6), "7.5")]
    assert total(TOTALS.frame(to_columns(rows, TOTALS.columns))) == Fingerprint(7, None, Decimal(6), Decimal("7.5"))
    assert total(TOTALS.frame(to_columns([(None, None, None)], TOTALS.columns))) == Fingerprint(-1, None, None, None)
    assert total(TOTALS.empty()) is None


def test_a_journal_that_was_not_read_is_remembered_as_it_was() -> None:
    read = {"a": SeenJournal({}, None, 9, {"future-date": 1}, TODAY)}
    after = replace(COUNTS, recent={"a": OTHER})
    assert remembered(after, read, SEEN, frozenset({"a", "c"})) == {
        "a": SeenJournal(OLD, OTHER, 9, {"future-date": 1}, TODAY),
        "b": SEEN.journals["b"],
    }
    assert set(remembered(after, read, SEEN, None)) == {"a", "b"}
    assert remembered(after, {}, None, None)["b"] == SeenJournal(OLD, None)
    assert remembered(None, read, None, None) == read
