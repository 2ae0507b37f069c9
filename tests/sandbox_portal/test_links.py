"""PutLink, EndLink, GetUsage; what an account sees by them and the lasting record of it."""

import contextlib
from datetime import UTC, date, datetime

import pytest
from sandbox_portal.wire import Clock, RawClient, element, end_link, journal, publish, put_link, rows, withdraw

from sandbox.portal import PortalServer, look, visible

TODAY = date(2026, 11, 25)


@pytest.fixture(autouse=True)
def _today(clock: Clock) -> None:
    clock.moment = datetime(2026, 11, 25, 9, tzinfo=UTC)


def seen(portal: PortalServer, on: date = TODAY, account: str = "pa-1") -> list[str]:
    with contextlib.closing(portal.connect()) as connection:
        return list(visible(connection, "0252", account, on))


def exposed(portal: PortalServer) -> list[tuple[object, ...]]:
    return rows(portal, "SELECT account_id, record_id, revision FROM exposure ORDER BY sequence")


def state(reply: object) -> tuple[str, str]:
    return reply.attrib["revision"], reply.attrib["active"]


def test_a_revision_that_is_not_newer_changes_nothing(portal: PortalServer, raw: RawClient) -> None:
    assert state(raw.ok(put_link("l-1", 3))) == ("3", "true")
    assert state(raw.ok(put_link("l-1", 3, accountId="pa-2"))) == ("3", "true")
    assert state(raw.ok(end_link("l-1", 2))) == ("3", "true")
    assert rows(portal, "SELECT account_id, active FROM link") == [("pa-1", 1)]
    assert state(raw.ok(end_link("l-1", 4))) == ("4", "false")
    assert state(raw.ok(put_link("l-1", 4))) == ("4", "false")
    assert state(raw.ok(put_link("l-1", 5))) == ("5", "true")
    assert rows(portal, "SELECT act, revision FROM history") == [("put-link", 3), ("end-link", 4), ("put-link", 5)]


def test_a_link_that_was_ended_before_it_came_stays_closed(portal: PortalServer, raw: RawClient) -> None:
    raw.ok(journal([publish("r-1")]))
    assert state(raw.ok(end_link("l-1", 2))) == ("2", "false")
    assert state(raw.ok(put_link("l-1", 1))) == ("2", "false")
    assert (seen(portal), exposed(portal)) == ([], [])


def test_an_account_sees_only_kinds_dates_and_students_of_its_link(portal: PortalServer, raw: RawClient) -> None:
    raw.ok(
        journal(
            [
                publish("first-day", date="2026-09-10"),
                publish("last-day", date="2026-10-10", kind="absence"),
                publish("too-early", date="2026-09-09"),
                publish("too-late", date="2026-10-11"),
                publish("other-kind", kind="remark", date="2026-09-15"),
                publish("other-student", student="s-2"),
            ]
        )
    )
    raw.ok(put_link("l-1", recordsFrom="2026-09-10", recordsTo="2026-10-10"))
    assert seen(portal) == ["first-day", "last-day"]
    assert seen(portal, account="pa-2") == []


def test_a_link_shows_records_only_while_it_is_in_force(portal: PortalServer, raw: RawClient) -> None:
    raw.ok(journal([publish("r-1")]))
    raw.ok(put_link("l-1", validFrom="2026-11-25", validTo="2026-11-30"))
    days = [date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 30), date(2026, 12, 1)]
    assert [seen(portal, day) for day in days] == [[], ["r-1"], ["r-1"], []]


def test_exposure_keeps_what_anybody_came_to_see(portal: PortalServer, raw: RawClient) -> None:
    raw.ok(journal([publish("r-1"), publish("r-2", student="s-2")]))
    assert exposed(portal) == []
    raw.ok(put_link("l-1"))
    raw.ok(journal([publish("r-1", 2), publish("r-3", kind="remark")]))
    raw.ok(journal([withdraw("r-1", 3)]))
    raw.ok(end_link("l-1", 2))
    raw.ok(journal([publish("r-4")]))
    assert exposed(portal) == [("pa-1", "r-1", 1), ("pa-1", "r-1", 2)]
    assert seen(portal) == []


def test_a_link_of_tomorrow_exposes_nothing_today(portal: PortalServer, raw: RawClient) -> None:
    raw.ok(put_link("l-1", validFrom="2026-11-26"))
    raw.ok(journal([publish("r-1")]))
    assert (seen(portal), exposed(portal)) == ([], [])


def test_usage_is_a_row_a_link_and_day(portal: PortalServer, raw: RawClient) -> None:
    raw.ok(journal([publish("r-1")]))
    raw.ok(put_link("l-1"))
    raw.ok(put_link("l-2", accountId="pa-2", kinds=""))
    with contextlib.closing(portal.connect()) as connection:
        for account, day in (("pa-1", TODAY), ("pa-1", TODAY), ("pa-2", TODAY), ("pa-1", date(2026, 11, 24))):
            look(connection, "0252", account, day)
    asked = {"from": "2026-09-25", "to": "2026-11-25"}  # 62 days
    reply = raw.ok(element("GetUsage", school="0252", **asked))
    assert [dict(day.attrib) for day in reply] == [
        {"date": "2026-11-24", "linkId": "l-1", "views": "1"},
        {"date": "2026-11-25", "linkId": "l-1", "views": "2"},
    ]
