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
COUNTS = Counts(TODAY, {"a": ONE, "b": ONE}, {"a": ONE, "c": ONE}, ALL)
SEEN = Seen(
    "basis", "shared", "schema", TODAY, ALL,
    {"a": SeenJournal(ONE, ONE, 3), "b": SeenJournal(ONE, None, 2), "c": SeenJournal(None, ONE, 1)},
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
        ({"older": {"a": ONE, "b": OTHER}}, {"b"}),
        ({"older": {"a": ONE}}, {"b"}),
        ({"recent": {"a": ONE, "c": ONE, "d": ONE}}, {"d"}),
        ({"journals": SEEN.journals | {"c": SeenJournal(None, ONE, again=True)}}, {"c"}),
        ({"journals": SEEN.journals | {"c": SeenJournal(None, ONE, due=TODAY)}}, {"c"}),
        ({"journals": SEEN.journals | {"c": SeenJournal(None, ONE, due=TODAY + timedelta(days=1))}}, set()),
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
    seen = replace(SEEN, journals={name: SeenJournal(ONE, ONE) for name in names})
    most = min(MOST_JOURNALS, max(8, int(LARGEST_SHARE * journals)))
    for changed in (most, most + 1):
        recent = {name: OTHER if place < changed else ONE for place, name in enumerate(names)}
        read = to_read(seen, "basis", "shared", Counts(TODAY, dict.fromkeys(names, ONE), recent, ALL), TODAY)
        assert read == (frozenset(names[:changed]) if changed == most else None)


def test_the_rest_is_everything_but_the_last_weeks() -> None:
    assert COUNTS.rest() == (4, Decimal(8), Decimal("15.5"))
    assert replace(COUNTS, total=replace(ALL, sum_of_ids=None)).rest() == (4, None, Decimal("15.5"))
    for unknown in ({"total": None}, {"total": replace(ALL, rows=-1)}, {"total": replace(ALL, sum_of_codes=None)}):
        assert replace(COUNTS, **unknown).rest() is None
    for part in ({"rows": -1}, {"sum_of_ids": None}, {"sum_of_codes": None}):
        assert replace(COUNTS, recent={"a": replace(ONE, **part)}).rest() is None


def test_what_is_older_stayed_as_long_as_the_rest_did() -> None:
    more = replace(
        COUNTS, recent={"a": ONE, "c": ONE, "d": ONE}, older={}, total=Fingerprint(13, None, Decimal(26), Decimal(38))
    )
    assert more.with_older_of(COUNTS) == replace(more, older=COUNTS.older)
    assert replace(more, total=ALL).with_older_of(COUNTS) is None
    assert replace(more, total=None).with_older_of(COUNTS) is None
    assert replace(more, boundary=TODAY - timedelta(days=1)).with_older_of(COUNTS) is None


def test_the_count_of_everything_is_one_row_or_nothing() -> None:
    rows = [(7, Decimal(6), "7.5")]
    assert total(TOTALS.frame(to_columns(rows, TOTALS.columns))) == Fingerprint(7, None, Decimal(6), Decimal("7.5"))
    assert total(TOTALS.frame(to_columns([(None, None, None)], TOTALS.columns))) == Fingerprint(-1, None, None, None)
    assert total(TOTALS.empty()) is None


def test_a_journal_that_was_not_read_is_remembered_as_it_was() -> None:
    read = {"a": SeenJournal(None, None, 9, {"future-date": 1}, TODAY)}
    after = replace(COUNTS, recent={"a": OTHER})
    assert remembered(after, read, SEEN, frozenset({"a", "c"})) == {
        "a": SeenJournal(ONE, OTHER, 9, {"future-date": 1}, TODAY),
        "b": SEEN.journals["b"],
    }
    assert set(remembered(after, read, SEEN, None)) == {"a", "b"}
    assert remembered(after, {}, None, None)["b"] == SeenJournal(ONE, None)
    assert remembered(None, read, None, None) == read
