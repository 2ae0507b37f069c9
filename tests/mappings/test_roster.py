"""Everyone whom the school knows, with their stays; names for matching."""

from datetime import date

from fakes.raw_journal import raw_journal

from connectors.school.columns import to_columns
from journal.school import Enrolment, RosterEntry, StudentIdentity
from mappings.raw import IDENTITIES
from mappings.roster import identities, roster
from mappings.texts import Encoding

CP1251 = Encoding("cp1251")


def test_the_roster_holds_every_student_with_stays_in_order() -> None:
    raw = raw_journal(
        students=[(1, "2014-03-09"), (2, None), (3, "2010-01-01")],
        enrolments=[
            (1, "2026-09-01", None, 6, " А ".encode("cp1251")),
            (1, "2025-09-01", "2026-05-31", 5, "А"),
            (2, "2026-09-01", None, None, b"\x98"),
            (2, None, None, 1, None),
        ],
    )
    assert roster(raw, CP1251) == {
        "1": RosterEntry(
            "1",
            date(2014, 3, 9),
            (
                Enrolment(date(2025, 9, 1), date(2026, 5, 31), "5А"),
                Enrolment(date(2026, 9, 1), None, "6А"),
            ),
        ),
        "2": RosterEntry("2", None, (Enrolment(date(2026, 9, 1), None, "\ufffd"),)),
        "3": RosterEntry("3", date(2010, 1, 1), ()),
    }


def test_identities_have_tidy_names_and_the_days_class() -> None:
    rows = [
        (1, "Ёлкина ".encode("cp1251"), "Мария", None, "2014-03-09"),
        (2, b"\x98", memoryview(b"a"), " ", None),
    ]
    raw = raw_journal() | {IDENTITIES.name: IDENTITIES.frame(to_columns(rows, IDENTITIES.columns))}
    assert identities(raw, CP1251, date(2027, 1, 15)) == [
        StudentIdentity("1", "Ёлкина", "Мария", None, date(2014, 3, 9), "5А"),
        StudentIdentity("2", "\ufffd", "a", None, None, None),
    ]
    assert identities(raw, CP1251)[0].class_name is None
