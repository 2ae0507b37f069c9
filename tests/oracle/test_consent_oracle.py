"""The oracle of the consent registry itself, held against expectations written by hand from docs/consent-rules.md."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from oracle.application_oracle import Done, Shown, objections
from oracle.consent_acts import Registry, Row
from oracle.consent_oracle import Group, Paper, Stay, Student, birthday_18, ground

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = date(2026, 3, 10)
CHILD = Student("7", date(2014, 5, 5), [Stay("5А", date(2020, 9, 1), None)])
PAPER = Paper("", "2025-09", TODAY - 5 * DAY, TODAY - 4 * DAY, TODAY + 5 * DAY, TODAY - 9 * DAY, None)
ROW = Row("7", "pa-1", "parent", NOON - 7 * DAY, NOON - 6 * DAY, PAPER, NOON - 4 * DAY)
KEY = ("7", "pa-1")


def registry(row: Row = ROW, student: Student | None = CHILD) -> Registry:
    made = Registry(MOSCOW, {"7": student} if student else {})
    assert made.import_row(row, "c1", NOON, "test") == "new"
    return made


def now(made: Registry, at: datetime = NOON) -> str | None:
    return made.ground(KEY, at, at)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"withdrawn_at": NOON, "identified_at": None}, "consent-withdrawn"),
        ({"identified_at": NOON + DAY, "paper": None}, "not-identified"),
        ({"paper": None, "registered_at": None}, "consent-missing"),
        ({"paper": replace(PAPER, signed_on=TODAY + DAY)}, "consent-missing"),
        ({"paper": replace(PAPER, text_version=None), "registered_at": None}, "consent-missing"),
        ({"registered_at": NOON + DAY}, "not-registered"),
        ({"paper": replace(PAPER, records_from=None)}, "consent-missing"),
        ({"paper": replace(PAPER, in_force_from=TODAY + DAY)}, "consent-not-yet-in-force"),
        ({"paper": replace(PAPER, in_force_to=TODAY - DAY), "restricted_to": TODAY}, "consent-expired"),
        ({"restricted_from": TODAY}, "restricted"),
        ({"restricted_from": TODAY + DAY}, None),
    ],
)
def test_each_line_of_the_table_that_a_register_reaches(changed, reason) -> None:
    assert now(registry(replace(ROW, **changed))) == reason


@pytest.mark.parametrize(
    ("student", "reason"),
    [
        (None, "student-unknown"),
        (replace(CHILD, born=None, stays=[]), "birth-date-unknown"),
        (replace(CHILD, born=date(2008, 3, 10), stays=[]), "came-of-age"),
        (replace(CHILD, stays=[Stay("5А", date(2020, 9, 1), TODAY - DAY)]), "student-left"),
    ],
)
def test_each_line_of_the_table_that_the_school_reaches(student, reason) -> None:
    assert now(registry(student=student)) == reason


def test_a_child_of_29_february_is_of_age_on_1_march() -> None:
    assert birthday_18(date(2008, 2, 29)) == date(2026, 3, 1)


def test_a_day_is_a_day_of_the_installation() -> None:
    made = registry(replace(ROW, restricted_from=TODAY + DAY))
    assert made.ground(KEY, datetime(2026, 3, 10, 20, 59, tzinfo=UTC), NOON) is None
    assert made.ground(KEY, datetime(2026, 3, 10, 21, 0, tzinfo=UTC), NOON) == "restricted"


def test_what_held_is_told_as_it_was_known() -> None:
    made = registry()
    later = NOON + DAY
    assert made.withdraw(KEY, NOON - 2 * DAY, later, "clerk", reason=True) is None
    assert made.ground(KEY, NOON, NOON) is None
    assert made.ground(KEY, NOON, later) == "consent-withdrawn"
    assert made.ground(KEY, NOON - 3 * DAY, later) is None


def test_a_consent_anew_opens_a_withdrawn_case_when_it_is_registered_anew() -> None:
    made = registry()
    made.withdraw(KEY, NOON, NOON, "clerk", reason=False)
    made.consent(KEY, replace(PAPER, reference="c2", in_force_from=TODAY + DAY), NOON + DAY, "clerk")
    assert now(made, NOON + DAY) == "not-registered"
    made.register(KEY, frozenset({"c2"}), NOON + 2 * DAY, NOON + 2 * DAY, "head")
    assert now(made, NOON + 2 * DAY) is None
    assert made.ground(KEY, NOON, NOON + 2 * DAY) == "consent-withdrawn"


def test_a_register_takes_back_neither_a_persons_withdrawal_nor_an_ending() -> None:
    made = registry()
    made.withdraw(KEY, NOON, NOON, "clerk", reason=False)
    assert made.import_row(ROW, "c2", NOON + DAY, "test") == "unchanged"
    stale = replace(ROW, paper=replace(PAPER, signed_on=TODAY - DAY))
    assert made.import_row(stale, "c2", NOON + DAY, "test") == "changed"
    assert now(made, NOON + DAY) == "consent-withdrawn"
    anew = replace(ROW, paper=replace(PAPER, signed_on=TODAY), registered_at=NOON + DAY)
    made.import_row(anew, "c3", NOON + DAY, "test")
    assert now(made, NOON + DAY) is None


def test_a_lifted_restriction_held_until_the_day_before() -> None:
    made = registry()
    made.restrict(KEY, None, TODAY + 3 * DAY, NOON, "clerk")
    made.lift(KEY, TODAY + DAY, NOON, "clerk")
    assert now(made) == "restricted"
    assert now(made, NOON + DAY) is None


def test_a_record_has_the_reason_that_stands_nearest_to_a_permission() -> None:
    made = registry(replace(ROW, paper=replace(PAPER, kinds=frozenset({"current"}))))
    made.import_row(replace(ROW, account="pa-2", paper=None), "c2", NOON, "test")
    assert made.permission("7", "current", TODAY, NOON) is None
    assert made.permission("7", "current", TODAY - 10 * DAY, NOON) == "date-not-covered"
    assert made.permission("7", "annual", TODAY, NOON) == "kind-not-covered"
    assert made.permission("8", "annual", TODAY, NOON) == "no-link"
    made.groups = [Group("5А", "prepare", TODAY, None), Group("", "regular", TODAY, None)]
    assert made.permission("7", "current", TODAY, NOON) == "not-in-pilot"
    made.end(KEY, "registered-in-error", NOON, NOON, "clerk")
    assert made.permission("7", "current", TODAY, NOON) == "registered-in-error"


def test_a_clock_far_behind_counts_for_nothing() -> None:
    made = registry()
    assert made.clock(NOON - timedelta(seconds=60)) == NOON
    assert made.clock(NOON - timedelta(seconds=61)) is None


def test_no_facts_no_identification() -> None:
    assert ground([], CHILD, NOON, NOON, MOSCOW) == "not-identified"


RECEIVED = Done("received", NOON, "portal")
IDENTIFIED = Done("identified", NOON + DAY, "clerk")
LINKED = Done("linked", NOON + 2 * DAY, "clerk")


@pytest.mark.parametrize(
    ("done", "new", "reasons"),
    [
        ([], RECEIVED, set()),
        ([RECEIVED], IDENTIFIED, set()),
        ([RECEIVED, IDENTIFIED], replace(IDENTIFIED, at=NOON), set()),
        ([RECEIVED, IDENTIFIED], replace(IDENTIFIED, at=NOON - DAY), {"too-early"}),
        (
            [RECEIVED, IDENTIFIED, LINKED],
            replace(IDENTIFIED, at=NOON + 3 * DAY),
            {"already-identified", "already-linked"},
        ),
        ([RECEIVED], Done("registered", NOON + DAY, "head"), {"not-identified", "not-linked"}),
        ([RECEIVED, IDENTIFIED, LINKED], Done("registered", NOON + 3 * DAY, "clerk"), {"same-person"}),
        ([RECEIVED, Done("lapsed", NOON, "head")], IDENTIFIED, {"ended"}),
        ([RECEIVED], replace(IDENTIFIED, at=NOON + 10 * DAY), {"ahead"}),
    ],
)
def test_the_steps_of_an_application(done, new, reasons) -> None:
    got = objections(
        done, new, relation="parent", now=NOON + 5 * DAY, today=TODAY + 5 * DAY, two_persons=True, shown=Shown()
    )
    assert got == reasons
