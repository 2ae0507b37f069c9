"""The promises of diary-exchange-1 that the bridge builds on, held against every portal that it may talk to."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from fakes.portal_bench import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journal.portal import PortalError, Resend, UnsendableRecordsError
from journal.records import (
    ApplicationReport,
    BatchItem,
    Holding,
    LinkEnd,
    LinkPut,
    LinkState,
    PersonName,
    PortalApplication,
    PreparedBatch,
    Publish,
    UsageDay,
    Withdraw,
)
from journal.vocabulary import ALL_KINDS, ApplicationStatus, EndReason, RecordKind, Relation, WithdrawReason

SCHOOL = "0252"


def publish(record_id: str, revision: int = 1, **changes: object) -> Publish:
    fields = {
        "student_ref": "s-1",
        "kind": RecordKind.CURRENT,
        "subject": "Алгебра",
        "date": date(2026, 9, 15),
        "value": "5",
        "comment": 'Молодец! <&>\r\n"так держать"',
    }
    return Publish(record_id, revision, **{**fields, **changes})


def withdraw(record_id: str, revision: int) -> Withdraw:
    return Withdraw(record_id, revision, WithdrawReason.DELETED)


def prepared(bench: Bench, *items: BatchItem, school: str = SCHOOL) -> PreparedBatch:
    return bench.portal.prepare(school, items, bench.clock())


def held(bench: Bench, school: str = SCHOOL) -> dict[str, int]:
    return {holding.record_id: holding.revision for holding in bench.portal.holdings(school)}


def link(today: date, revision: int = 1, **changes: object) -> LinkPut:
    fields = {
        "account_id": "a-1",
        "student_ref": "s-1",
        "consent_ref": "c-1",
        "valid_from": today - timedelta(days=7),
        "valid_to": None,
        "records_from": date(2026, 9, 1),
        "records_to": None,
        "kinds": ALL_KINDS,
    }
    return LinkPut(SCHOOL, "l-1", revision, **{**fields, **changes})


def end(bench: Bench, revision: int) -> LinkEnd:
    return LinkEnd(SCHOOL, "l-1", revision, bench.clock(), EndReason.CONSENT_WITHDRAWN)


# batches and receipts


def test_a_batch_is_taken_and_receipted(bench: Bench) -> None:
    batch = prepared(bench, publish("r-1"), publish("r-2", 7))
    receipt = bench.portal.submit(batch)
    assert (receipt.batch_id, receipt.accepted, receipt.duplicate, receipt.rejected) == (batch.batch_id, 2, False, ())
    assert receipt.received_at.tzinfo is not None
    assert held(bench) == {"r-1": 1, "r-2": 7}


def test_the_same_batch_again_gives_the_same_receipt_as_duplicate(bench: Bench) -> None:
    batch = prepared(bench, publish("r-1"))
    first, second = bench.portal.submit(batch), bench.portal.submit(batch)
    assert (second.receipt_id, second.received_at, second.duplicate) == (first.receipt_id, first.received_at, True)


def test_a_receipt_is_kept_for_thirty_days(bench: Bench) -> None:
    batch = prepared(bench, publish("r-1"))
    first = bench.portal.submit(batch)
    bench.clock.offset += timedelta(days=29)
    again = bench.portal.receipt(SCHOOL, batch.batch_id)
    assert again is not None
    assert again.receipt_id == first.receipt_id


def test_the_receipt_of_a_batch_that_never_was_is_none(bench: Bench) -> None:
    batch = prepared(bench, publish("r-1"))
    assert bench.portal.receipt(SCHOOL, batch.batch_id) is None
    bench.portal.submit(batch)
    assert bench.portal.receipt("0253", batch.batch_id) is None


def test_one_bad_record_is_rejected_and_the_rest_is_taken(bench: Bench) -> None:
    bench.reject("r-2")
    batch = prepared(bench, publish("r-1"), publish("r-2"), publish("r-3"))
    receipt = bench.portal.submit(batch)
    assert [rejection.record_id for rejection in receipt.rejected] == ["r-2"]
    assert receipt.accepted == 2
    assert held(bench) == {"r-1": 1, "r-3": 1}
    known = bench.portal.receipt(SCHOOL, batch.batch_id)
    assert known is not None
    assert known.rejected == receipt.rejected


def test_a_revision_that_is_not_newer_changes_nothing_and_counts_as_accepted(bench: Bench) -> None:
    bench.portal.submit(prepared(bench, publish("r-1", 5)))
    receipt = bench.portal.submit(prepared(bench, publish("r-1", 5, value="2"), withdraw("r-1", 4)))
    assert (receipt.accepted, receipt.rejected) == (2, ())
    assert held(bench) == {"r-1": 5}


def test_a_withdrawn_record_may_be_published_again_by_a_higher_revision_only(bench: Bench) -> None:
    for item, expected in (
        (publish("r-1", 1), {"r-1": 1}),
        (withdraw("r-1", 2), {}),
        (publish("r-1", 2), {}),
        (publish("r-1", 3), {"r-1": 3}),
    ):
        bench.portal.submit(prepared(bench, item))
        assert held(bench) == expected


def test_schools_are_apart(bench: Bench) -> None:
    bench.portal.submit(prepared(bench, publish("r-1")))
    bench.portal.submit(prepared(bench, publish("r-1", 9), school="0253"))
    assert (held(bench), held(bench, "0253")) == ({"r-1": 1}, {"r-1": 9})


def test_holdings_come_in_order_over_all_pages(bench: Bench) -> None:
    ids = ["b", "a:1", "Z", "a", "0", "c.9", "c-9"]
    bench.portal.submit(prepared(bench, *(publish(record_id, student_ref=f"s-{record_id}") for record_id in ids)))
    found = list(bench.portal.holdings(SCHOOL))
    assert found == [Holding(record_id, 1, f"s-{record_id}") for record_id in sorted(ids)]


def test_the_portal_says_what_it_will_not_be_sent(bench: Bench) -> None:
    with pytest.raises(UnsendableRecordsError) as caught:
        prepared(bench, publish("good"), publish("bad", value="x" * 17), publish("worse", subject=""))
    assert set(caught.value.problems) == {"bad", "worse"}


# faults in pairs


@pytest.mark.parametrize("taken", [False, True])
def test_a_broken_off_batch_is_wholly_taken_or_unknown(taken: bool, bench: Bench) -> None:
    batch = prepared(bench, publish("r-1"), publish("r-2"))
    bench.fail("submit", taken=taken)
    with pytest.raises(PortalError) as caught:
        bench.portal.submit(batch)
    assert caught.value.resend is Resend.UNKNOWN
    assert (bench.portal.receipt(SCHOOL, batch.batch_id) is not None) == taken
    assert held(bench) == ({"r-1": 1, "r-2": 1} if taken else {})
    assert bench.portal.submit(batch).duplicate == taken
    assert held(bench) == {"r-1": 1, "r-2": 1}


@pytest.mark.parametrize("taken", [False, True])
def test_a_broken_off_link_may_be_put_again(taken: bool, bench: Bench, today: date) -> None:
    bench.fail("put_link", taken=taken)
    with pytest.raises(PortalError) as caught:
        bench.portal.put_link(link(today))
    assert caught.value.resend is Resend.UNKNOWN
    assert bench.portal.put_link(link(today)) == LinkState("l-1", 1, active=True)


def test_throttled_took_nothing_and_says_how_long_to_wait(bench: Bench) -> None:
    batch = prepared(bench, publish("r-1"))
    bench.throttle("submit", 17)
    with pytest.raises(PortalError) as caught:
        bench.portal.submit(batch)
    assert (caught.value.code, caught.value.resend, caught.value.retry_after) == ("Throttled", Resend.RETRYABLE, 17)
    assert bench.portal.receipt(SCHOOL, batch.batch_id) is None


# links


def test_links_follow_their_revisions(bench: Bench, today: date) -> None:
    assert bench.portal.put_link(link(today, 1)) == LinkState("l-1", 1, active=True)
    assert bench.portal.end_link(end(bench, 2)) == LinkState("l-1", 2, active=False)
    assert bench.portal.put_link(link(today, 2)) == LinkState("l-1", 2, active=False)
    assert bench.portal.put_link(link(today, 3)) == LinkState("l-1", 3, active=True)
    assert bench.portal.end_link(end(bench, 3)) == LinkState("l-1", 3, active=True)


def test_an_account_sees_the_records_of_its_link_and_no_others(bench: Bench, today: date) -> None:
    items = [
        publish("mine"),
        publish("another-student", student_ref="s-2"),
        publish("another-kind", kind=RecordKind.REMARK),
        publish("too-early", date=date(2026, 8, 31)),
        publish("too-late", date=date(2026, 10, 1)),
        publish("last-day", date=date(2026, 9, 30)),
    ]
    kinds = frozenset({RecordKind.CURRENT, RecordKind.LATE})
    bench.portal.submit(prepared(bench, *items))
    assert bench.seen(SCHOOL, "a-1") == set()
    bench.portal.put_link(link(today, kinds=kinds, records_to=date(2026, 9, 30)))
    assert bench.seen(SCHOOL, "a-1") == {"mine", "last-day"}
    assert bench.seen(SCHOOL, "a-2") == set()
    bench.portal.submit(prepared(bench, publish("later"), withdraw("mine", 2)))
    assert bench.seen(SCHOOL, "a-1") == {"later", "last-day"}
    bench.portal.end_link(end(bench, 2))
    assert bench.seen(SCHOOL, "a-1") == set()


@pytest.mark.parametrize(("first", "last", "sees"), [(-3, -1, False), (-3, 0, True), (0, 3, True), (1, 3, False)])
def test_a_link_shows_something_only_while_it_is_valid(
    first: int,
    last: int,
    sees: bool,
    bench: Bench,
    today: date,
) -> None:
    bench.portal.submit(prepared(bench, publish("mine")))
    valid = {"valid_from": today + timedelta(days=first), "valid_to": today + timedelta(days=last)}
    bench.portal.put_link(link(today, **valid))
    assert bench.seen(SCHOOL, "a-1") == ({"mine"} if sees else set())


# applications and usage


def application(sequence: int) -> PortalApplication:
    return PortalApplication(
        application_id=f"ap-{sequence}",
        sequence=sequence,
        submitted_at=datetime.fromisoformat("2026-09-01T08:00:00+00:00"),
        relation=Relation.TRUSTEE,
        consent_text_version="2025-09",
        account_id=f"a-{sequence}",
        email="parent@example.org",
        account_holder=PersonName("Примерова", "Анна", "Ивановна"),
        student=PersonName("Примеров", "Пётр"),
        student_birth_date=date(2015, 2, 28),
        student_class="5А",
    )


def test_applications_come_after_a_sequence_oldest_first(bench: Bench) -> None:
    bench.apply(SCHOOL, *(application(sequence) for sequence in (2, 3, 5, 8)))
    page = bench.portal.applications(SCHOOL, 2, limit=2)
    assert (list(page.applications), page.last) == ([application(3), application(5)], 8)
    assert [one.sequence for one in bench.portal.applications(SCHOOL, 5).applications] == [8]
    assert list(bench.portal.applications(SCHOOL, 8).applications) == []
    assert list(bench.portal.applications("0253", 0).applications) == []


def test_a_report_may_be_sent_twice(bench: Bench) -> None:
    bench.apply(SCHOOL, application(1))
    report = ApplicationReport(SCHOOL, "ap-1", ApplicationStatus.REJECTED, bench.clock(), "нет подписи")
    bench.portal.report_application(report)
    bench.portal.report_application(report)


def test_a_report_of_an_unknown_application_is_final(bench: Bench) -> None:
    with pytest.raises(PortalError) as caught:
        bench.portal.report_application(ApplicationReport(SCHOOL, "ap-9", ApplicationStatus.RECEIVED, bench.clock()))
    assert (caught.value.code, caught.value.resend) == ("UnknownApplication", Resend.FINAL)


def test_usage_is_a_row_a_day_and_link(bench: Bench) -> None:
    days = [UsageDay(date(2026, 9, day), "l-1", day) for day in (1, 2, 3)]
    bench.look(SCHOOL, *days)
    assert list(bench.portal.usage(SCHOOL, date(2026, 9, 2), date(2026, 9, 3))) == days[1:]
    assert list(bench.portal.usage(SCHOOL, date(2026, 9, 1), date(2026, 11, 1))) == days
    with pytest.raises(PortalError) as caught:
        bench.portal.usage(SCHOOL, date(2026, 9, 1), date(2026, 11, 2))
    assert caught.value.resend is Resend.FINAL


def test_several_threads_share_one_portal(bench: Bench, today: date) -> None:
    def work(number: int) -> tuple[LinkState, bool, int]:
        mine = replace(link(today), link_id=f"l-{number}", school=f"school-{number}")
        state = bench.portal.put_link(mine)
        batch = prepared(bench, publish(f"r-{number}"), school=f"school-{number}")
        return state, bench.portal.submit(batch).duplicate, len(held(bench, f"school-{number}"))

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(work, range(18)))
    assert results == [(LinkState(f"l-{number}", 1, active=True), False, 1) for number in range(18)]


# any order of things: what is held follows from the highest revision that was sent

UNUSED = itertools.count()
IDS = ("r-1", "r-2", "r-3")
ITEMS = st.one_of(
    st.builds(publish, st.sampled_from(IDS), st.integers(1, 6)),
    st.builds(withdraw, st.sampled_from(IDS), st.integers(1, 6)),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(ITEMS, min_size=1, max_size=4), min_size=1, max_size=5))
def test_what_is_held_is_the_highest_revision(batches: list[list[BatchItem]], bench: Bench) -> None:
    school = f"school-{next(UNUSED)}"  # the portal lives on from example to example
    newest: dict[str, BatchItem] = {}
    for items in batches:
        bench.portal.submit(prepared(bench, *items, school=school))
        for item in items:
            if item.record_id not in newest or item.revision > newest[item.record_id].revision:
                newest[item.record_id] = item
    expected = {key: item.revision for key, item in newest.items() if isinstance(item, Publish)}
    assert held(bench, school) == expected
