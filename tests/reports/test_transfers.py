from typing import TYPE_CHECKING

from reports.transfers import SchoolTotal, totals

if TYPE_CHECKING:
    from conftest import Cases


def test_only_taken_batches_are_added_up(cases: "Cases") -> None:
    assert totals(cases.transfers["transfers"].transfers) == (
        SchoolTotal("0017", transfers=1, records_published=1_000, records_withdrawn=3, unfinished=1),
        SchoolTotal("0252", transfers=2, records_published=2_000, records_withdrawn=3, unfinished=3),
    )


def test_nothing_adds_up_to_nothing() -> None:
    assert totals(()) == ()
