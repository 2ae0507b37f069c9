"""Which journals have changed, from two sets of fingerprints alone."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.school.columns import to_columns
from mappings.fingerprints import Fingerprint, changed_journals, fingerprints
from mappings.raw import FINGERPRINTS

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
