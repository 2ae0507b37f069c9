"""SubmitJournal, GetReceipt and ListHoldings keep the contract's promises."""

import json
from datetime import UTC, datetime

import pytest
from lxml import etree
from sandbox_portal.wire import Clock, RawClient, element, journal, publish, rows, withdraw

from sandbox.portal import PortalServer


def held(portal: PortalServer) -> list[tuple[object, ...]]:
    return rows(portal, "SELECT record_id, revision, value, withdrawn FROM holding ORDER BY record_id")


def test_every_field_of_a_record_is_kept(portal: PortalServer, raw: RawClient) -> None:
    content = {
        "subject": " Русский \n язык ",
        "lessonNumber": "3",
        "value": " 5 ",
        "weight": "1.50",
        "work": " Диктант ",
        "comment": "строка\r\nи ещё",
        "enteredAt": "2026-09-15T12:30:00.5+03:00",
    }
    raw.ok(journal([publish("r-1", 7, **content)]))
    columns = "subject, kind, date, student_ref, lesson_number, value, weight, work, comment, entered_at"
    assert rows(portal, f"SELECT {columns} FROM holding") == [  # noqa: S608  the columns are two lines above
        (
            "Русский язык",
            "current",
            "2026-09-15",
            "s-1",
            3,
            "5",
            "1.50",
            " Диктант ",
            "строка\r\nи ещё",
            "2026-09-15T09:30:00.500000Z",
        )
    ]


def test_the_history_tells_in_json_what_is_held(portal: PortalServer, raw: RawClient) -> None:
    odd = '"\\/ <«ё»> &\t\r\n\x7f\u2028𝔐'
    full = {"lessonNumber": "0", "value": '"5"', "weight": "1.50", "work": odd, "comment": odd}
    records = [publish("r-1", subject='"Алгебра"'), publish("r-2", **full, enteredAt="2026-09-15T12:30:00Z")]
    raw.ok(journal([*records, publish("r-3", comment=""), withdraw("r-4", 2, "came-of-age")]))
    columns = (
        "student_ref", "kind", "subject", "date", "lesson_number", "value", "weight", "work", "comment", "entered_at",
        "reason",
    )  # fmt: skip
    held = rows(portal, f"SELECT {', '.join(columns)} FROM holding ORDER BY record_id")  # noqa: S608  columns of above
    told = [{name: value for name, value in zip(columns, row, strict=True) if value is not None} for row in held]
    history = rows(portal, "SELECT content FROM history ORDER BY subject_id")
    assert [row[0] for row in history] == [json.dumps(one, ensure_ascii=False) for one in told]
    assert told[1]["comment"] == odd


def test_a_comment_is_no_part_of_a_value(portal: PortalServer, raw: RawClient) -> None:
    batch = journal([publish("r-1", value="45")])
    batch[0][-1].text = "4"
    comment = etree.Comment("not signed")
    comment.tail = "5"
    batch[0][-1].append(comment)
    raw.ok(batch)
    assert held(portal) == [("r-1", 1, "45", 0)]


def test_a_revision_that_is_not_newer_changes_nothing_and_counts_as_accepted(
    portal: PortalServer, raw: RawClient
) -> None:
    raw.ok(journal([publish("r-1", 5, value="5")]))
    reply = raw.ok(journal([publish("r-1", 5, value="2"), publish("r-1", 4, value="3"), withdraw("r-1", 5)]))
    assert reply.attrib["accepted"] == "3"
    assert held(portal) == [("r-1", 5, "5", 0)]
    assert rows(portal, "SELECT count(*) FROM history") == [(1,)]


def test_records_of_a_batch_are_taken_in_their_order(portal: PortalServer, raw: RawClient) -> None:
    records = [publish("r-1", 1, value="5"), withdraw("r-1", 2), publish("r-1", 3, value="4"), publish("r-1", 2)]
    raw.ok(journal(records))
    assert held(portal) == [("r-1", 3, "4", 0)]
    assert rows(portal, "SELECT act, revision FROM history ORDER BY sequence") == [
        ("publish", 1),
        ("withdraw", 2),
        ("publish", 3),
    ]


def test_a_withdrawn_record_has_no_content_and_may_come_back(portal: PortalServer, raw: RawClient) -> None:
    raw.ok(journal([publish("r-1", 1, value="5", comment="x")]))
    raw.ok(journal([withdraw("r-1", 2, "consent-withdrawn")]))
    assert rows(portal, "SELECT student_ref, subject, value, comment, reason FROM holding") == [
        (None, None, None, None, "consent-withdrawn")
    ]
    assert list(raw.ok(element("ListHoldings", school="0252"))) == []
    raw.ok(journal([publish("r-1", 3, value="4")]))
    assert held(portal) == [("r-1", 3, "4", 0)]


def test_a_late_publish_after_a_withdraw_of_an_unknown_record_stays_out(portal: PortalServer, raw: RawClient) -> None:
    assert raw.ok(journal([withdraw("r-1", 2)])).attrib["accepted"] == "1"
    raw.ok(journal([publish("r-1", 1)]))
    assert held(portal) == [("r-1", 2, None, 1)]


def test_schools_do_not_share_records(portal: PortalServer, raw: RawClient) -> None:
    raw.ok(journal([publish("r-1", 2, value="5")]))
    raw.ok(journal([publish("r-1", 1, value="4")], school="7"))
    assert rows(portal, "SELECT school, value FROM holding ORDER BY school") == [("0252", "5"), ("7", "4")]


def test_a_receipt_lives_thirty_days(raw: RawClient, clock: Clock) -> None:
    clock.moment = datetime(2026, 11, 25, tzinfo=UTC)
    batch = journal([publish("r-1")])
    first = raw.ok(batch)
    asked = element("GetReceipt", school="0252", batchId=batch.attrib["batchId"])
    clock.forward(days=30)
    assert raw.ok(asked).attrib["receiptId"] == first.attrib["receiptId"]
    assert raw.ok(batch).attrib["duplicate"] == "true"
    clock.forward(seconds=1)
    assert raw.refused(asked) == "UnknownBatch"
    again = raw.ok(batch)
    assert again.attrib["duplicate"] == "false"
    assert again.attrib["receiptId"] != first.attrib["receiptId"]


def test_a_receipt_is_its_schools_own(raw: RawClient) -> None:
    batch = journal([publish("r-1")])
    raw.ok(batch)
    assert raw.refused(element("GetReceipt", school="7", batchId=batch.attrib["batchId"])) == "UnknownBatch"


def test_rejected_records_leave_the_others_taken(portal: PortalServer, raw: RawClient) -> None:
    portal.fail_next("reject-records", argument="^r-2$")
    batch = journal([publish("r-1"), publish("r-2"), publish("r-22")])
    reply = raw.ok(batch)
    assert (reply.attrib["accepted"], [dict(found.attrib) for found in reply]) == (
        "2",
        [{"recordId": "r-2", "code": "Refused"}],
    )
    assert [row[0] for row in held(portal)] == ["r-1", "r-22"]
    asked = raw.ok(element("GetReceipt", school="0252", batchId=batch.attrib["batchId"]))
    assert [found.attrib["recordId"] for found in asked] == ["r-2"]


@pytest.mark.parametrize("records", [28, 30])
def test_holdings_come_in_pages_ordered_by_record_id(raw: RawClient, records: int) -> None:
    ids = [f"r-{number}" for number in range(records - 3)] + ["R-1", "a:1", "Z.9"]
    raw.ok(journal([publish(record_id) for record_id in reversed(ids)]))
    seen, pages, page_token = [], 0, None
    while pages == 0 or page_token is not None:
        asked = {"school": "0252", "pageSize": "10"} | ({"pageToken": page_token} if page_token else {})
        reply = raw.ok(element("ListHoldings", **asked))
        seen += [holding.attrib["recordId"] for holding in reply]
        pages, page_token = pages + 1, reply.get("nextPageToken")
    assert (seen, pages) == (sorted(ids), 3)


def test_a_page_token_outlives_the_server_but_not_an_hour(raw: RawClient, clock: Clock) -> None:
    clock.moment = datetime(2026, 11, 25, tzinfo=UTC)
    raw.ok(journal([publish("r-1"), publish("r-2")]))
    page_token = raw.ok(element("ListHoldings", school="0252", pageSize="1")).attrib["nextPageToken"]
    following = element("ListHoldings", school="0252", pageToken=page_token)
    clock.forward(hours=1)
    assert [holding.attrib["recordId"] for holding in raw.ok(following)] == ["r-2"]
    clock.forward(seconds=1)
    assert raw.refused(following) == "SchemaViolation"


def test_a_page_holds_ten_thousand_at_most(raw: RawClient) -> None:
    for batch in range(3):
        raw.ok(journal([publish(f"r-{batch}-{number}") for number in range(4000)]))
    reply = raw.ok(element("ListHoldings", school="0252", pageSize="20000"))
    assert (len(reply), "nextPageToken" in reply.attrib) == (10_000, True)


@pytest.mark.parametrize(("records", "code"), [(5000, None), (5001, "TooLarge")])
def test_a_batch_has_five_thousand_records_at_most(raw: RawClient, records: int, code: str | None) -> None:
    batch = journal([withdraw(f"r-{number}", 1) for number in range(records)])
    if code is None:
        assert raw.ok(batch).attrib["accepted"] == str(records)
    else:
        assert raw.refused(batch) == code


@pytest.mark.parametrize(("over", "code"), [(0, None), (1, "TooLarge")])
def test_a_batch_has_eight_mebibytes_at_most(raw: RawClient, over: int, code: str | None) -> None:
    records = [publish(f"r-{number}", subject="Algebra", comment="a" * 3900) for number in range(2030)]
    missing = 8 * 1024 * 1024 + over - len(etree.tostring(journal(records), method="c14n", exclusive=True))
    for record in records:
        more = min(100, missing)
        record[-1].text += "a" * more
        missing -= more
    assert missing == 0
    batch = journal(records)
    if code is None:
        assert raw.ok(batch).attrib["accepted"] == "2030"
    else:
        assert raw.refused(batch) == code


@pytest.mark.parametrize(
    "payload",
    [
        journal([publish("r-1")], batch_id="0" * 64),
        journal([publish("r-1")], batch_id="ab" * 32),
        journal([]),
        journal([publish("r-1", value="s" * 17)]),
        journal([publish("r-1", subject=" ")]),
        journal([publish("r-1", kind="other")]),
        journal([publish("r 1")]),
        journal([publish("r-1", 0)]),
        journal([publish("r-1", 2**63)]),
        journal([publish("r-1", enteredAt="2026-09-15T12:00:00")]),
        journal([publish("r-1", date="20260-09-15")]),
        element("ListHoldings", school="0252", pageToken="guessed"),
        element("ListHoldings", school="0252", pageSize="0"),
        element("ListHoldings", school="школа"),
        element("GetUsage", school="0252", **{"from": "2026-09-01", "to": "2026-11-02"}),
        element("GetUsage", school="0252", **{"from": "2026-09-02", "to": "2026-09-01"}),
        element("ListHoldingsResponse"),
    ],
)
def test_what_breaks_the_contract_is_refused_whole(portal: PortalServer, raw: RawClient, payload: object) -> None:
    assert raw.refused(payload) == "SchemaViolation"
    assert rows(portal, "SELECT count(*) FROM holding") == [(0,)]


def test_a_refusal_does_not_repeat_the_value(raw: RawClient) -> None:
    reply = raw.send(raw.envelope(journal([publish("r-1", value="Ёлкина-двоечница!")])), "SubmitJournal")
    message = reply.find("detail")[0].attrib["message"]
    assert "SCHEMAV_CVC_MAXLENGTH_VALID" in message
    assert "Ёлкина" not in message
