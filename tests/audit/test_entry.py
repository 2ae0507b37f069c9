"""Entries: what they admit, how they are written, that what was written can be read back and nothing else can."""

import json
from bisect import bisect
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, get_args

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit.entry import (
    KINDS,
    ConsentEvent,
    DeliveryDecision,
    DisclosureIntended,
    DisclosureOutcome,
    Entry,
    Erasure,
    Ground,
    HoldEvent,
    KeyEvent,
    LinkIntended,
    LinkOutcome,
    Look,
    RecordAction,
    Rejected,
    RunEnded,
    RunStarted,
    canonical,
    canonical_parts,
    parse,
    portal_code,
)
from audit.errors import EntryError
from audit.shape import field_shapes, plain_fields
from audit.tiles import LARGEST_ENTRY

AT = datetime(2026, 11, 24, 19, 15, 0, 250_000, tzinfo=timezone(timedelta(hours=3)))

references = st.from_regex(r"[0-9A-Za-z._:-]{1,64}", fullmatch=True)
words = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True)
schools = st.from_regex(r"[0-9A-Za-z-]{1,16}", fullmatch=True)
digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
programs = st.from_regex(r"[0-9A-Za-z._+/-]{1,64}", fullmatch=True)
moments = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001  hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001  likewise
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=3)), timezone(timedelta(hours=-11, minutes=-30))]),
)
numbers = st.integers(1, 2**53 - 1)
counts = st.dictionaries(words, st.integers(0, 2**53 - 1) | st.dictionaries(words, st.integers(0, 9), max_size=3))
outcomes = st.sampled_from(["taken", "not-taken", "refused"])
link_fields: dict[str, Any] = {
    "at": moments,
    "run": references,
    "school": schools,
    "link": references,
    "revision": numbers,
    "action": st.sampled_from(["put", "end"]),
    "account": st.none() | digests,
    "student": st.none() | references,
    "consent": st.none() | references,
    "reason": st.none() | words,
}
record_actions = st.builds(
    RecordAction, references, numbers, st.sampled_from(["publish", "withdraw"]), st.none() | words
)
ENTRIES: list[st.SearchStrategy[Entry]] = [
    st.builds(
        DisclosureIntended,
        at=moments,
        run=references,
        school=schools,
        batch=references,
        student=references,
        records=st.lists(record_actions, max_size=4).map(tuple),
        grounds=st.lists(st.builds(Ground, references, references, digests), max_size=3).map(tuple),
        request_digest=digests,
        basis=words,
        software=programs,
    ),
    st.builds(
        DisclosureOutcome,
        at=moments,
        run=references,
        school=schools,
        batch=references,
        outcome=outcomes,
        receipt=st.none() | references,
        duplicate=st.booleans(),
        rejected=st.lists(st.builds(Rejected, references, references), max_size=3).map(tuple),
        resolved_by=st.sampled_from(["reply", "receipt"]),
    ),
    st.builds(LinkIntended, **link_fields),
    st.builds(LinkOutcome, outcome=outcomes, **link_fields),
    st.builds(
        ConsentEvent, at=moments, school=schools, case=references, event=words, valid_at=moments, by_digest=digests
    ),
    st.builds(RunStarted, at=moments, run=references, school=schools, software=st.none() | programs),
    st.builds(RunEnded, at=moments, run=references, school=schools, balance=counts, failure=st.none() | references),
    st.builds(
        HoldEvent,
        at=moments,
        school=schools,
        hold=references,
        event=words,
        run=st.none() | references,
        by_digest=st.none() | digests,
        counts=st.none() | counts,
    ),
    st.builds(
        DeliveryDecision,
        at=moments,
        school=schools,
        record=references,
        action=st.sampled_from(["retried", "discarded"]),
        by_digest=digests,
    ),
    st.builds(
        KeyEvent,
        at=moments,
        event=words,
        purpose=words,
        key=references,
        school=st.none() | schools,
        student=st.none() | references,
    ),
    st.builds(
        Erasure,
        at=moments,
        school=schools,
        erasure=references,
        why=words,
        mark=digests,
        by_digest=digests,
        counts=st.none() | counts,
    ),
    st.builds(
        Look,
        at=moments,
        school=schools,
        what=words,
        names=st.booleans(),
        by_digest=digests,
        student=st.none() | references,
        account_digest=st.none() | digests,
    ),
]


def outcome(**changes: Any) -> DisclosureOutcome:
    """An outcome with some fields changed, wrongly where the test wants that."""
    given_fields: dict[str, Any] = {
        "at": AT,
        "run": "run-1",
        "school": "0252",
        "batch": "ab" * 32,
        "outcome": "taken",
        "receipt": "rc-1",
        "rejected": (Rejected("r-1", "TooOld"),),
    }
    return DisclosureOutcome(**(given_fields | changes))


@given(entry=st.one_of(ENTRIES))
def test_an_entry_is_written_as_rfc_8785_says_and_reads_back(entry: Entry) -> None:
    line = canonical(entry)
    plain = json.loads(line)
    assert line == rfc8785.dumps(plain)
    assert b"\n" not in line
    assert plain["kind"] == entry.kind
    assert plain["v"] == 1
    assert parse(line) == entry
    assert canonical(parse(line)) == line


def test_every_kind_is_tried_above() -> None:
    assert set(KINDS.values()) == set(get_args(Entry))
    assert len(ENTRIES) == len(KINDS)


def test_an_entry_reads_as_documented() -> None:
    assert canonical(outcome()).decode() == (
        '{"at":"2026-11-24T16:15:00.250000Z","batch":"' + "ab" * 32 + '","duplicate":false,'
        '"kind":"disclosure-outcome","outcome":"taken","part":1,"parts":1,"receipt":"rc-1",'
        '"rejected":[{"code":"TooOld","record":"r-1"}],"resolved_by":"reply","run":"run-1","school":"0252","v":1}'
    )


def test_words_of_an_enumeration_are_written_as_their_text() -> None:
    class Reason(StrEnum):
        DELETED = "deleted"

    action = RecordAction("r-1", 2, "withdraw", Reason.DELETED)
    entry = DisclosureIntended(
        at=AT,
        run="r",
        school="1",
        batch="b",
        student="s",
        records=(action,),
        grounds=(),
        request_digest="0" * 64,
        basis="consent",
        software="x/1",
    )
    assert b'"reason":"deleted"' in canonical(entry)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", datetime(2026, 11, 24, 19, 15)),  # noqa: DTZ001  the naive moment is the point
        ("at", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=3)))),
        ("at", "2026-11-24T19:15:00Z"),
        ("run", ""),
        ("run", "a b"),
        ("run", "a\n"),
        ("run", "x" * 65),
        ("run", "elkin@example.org"),
        ("run", "Ёлкин"),
        ("run", "١"),  # a digit, but not ours
        ("run", None),
        ("run", 7),
        ("school", "ГБОУ"),
        ("outcome", "lost"),
        ("outcome", None),
        ("receipt", "Ёлкина Мария"),
        ("duplicate", 1),
        ("duplicate", "true"),
        ("rejected", [Rejected("r-1", "TooOld")]),
        ("rejected", ("r-1",)),
        ("rejected", None),
        ("part", 0),
        ("part", True),
        ("part", 1.0),
        ("parts", 2**53),
    ],
)
def test_a_field_that_is_not_of_its_form_is_refused_and_not_repeated(field: str, value: object) -> None:
    with pytest.raises(EntryError) as refused:
        outcome(**{field: value})
    error = refused.value
    assert field in error.en
    assert field in error.ru
    assert error.__context__ is None
    if isinstance(value, str) and len(value) > 1:
        assert value not in error.ru + error.en


@pytest.mark.parametrize(
    "balance",
    [
        {"read": -1},
        {"read": True},
        {"read": "5"},
        {"Ёлкина": 1},
        {1: 1},
        {"withheld": {"restricted": {"deeper": 1}}},
        {"withheld": {"Мария": 1}},
        [("read", 1)],
        5,
    ],
)
def test_a_balance_is_counts_under_words(balance: Any) -> None:
    with pytest.raises(EntryError):
        RunEnded(at=AT, run="r", school="1", balance=balance)


def test_a_field_that_no_kind_has_is_refused() -> None:
    with pytest.raises(TypeError):
        outcome(student_name="Мария")


@pytest.mark.parametrize("text", ["Ёлкина Мария Петровна", "мало старался", "5 за диктант", "elkin@example.org"])
@given(entry=st.one_of(ENTRIES))
def test_no_field_takes_free_text(text: str, entry: Entry) -> None:
    """Whatever field a name or a mark's comment is put into, that field is refused."""
    for field in fields(entry):
        wrong: dict[str, Any] = {field.name: text}
        with pytest.raises(EntryError, match=f"the field {field.name} "):
            replace(entry, **wrong)


@pytest.mark.parametrize("account", ["pa-55810", "55810", "a" * 63, "A" * 64])
def test_an_accounts_own_id_does_not_fit_into_the_log(
    account: str, make_intent: Callable[..., DisclosureIntended]
) -> None:
    with pytest.raises(EntryError, match="account"):
        Ground("ln-9", "cn-3", account)
    link = {"at": AT, "run": "r", "school": "1", "link": "l", "revision": 1, "action": "put"}
    for kind, more in ((LinkIntended, {}), (LinkOutcome, {"outcome": "taken"})):
        with pytest.raises(EntryError, match="account"):
            kind(**link, **more, account=account)
    line = canonical(make_intent(1))
    assert parse(line)
    with pytest.raises(EntryError):
        parse(line.replace(b"5a" * 32, account.encode()))


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b'"v":1', b'"v":2'),
        lambda line: line.replace(b'"v":1', b'"v":true'),
        lambda line: line.replace(b'"v":1', b'"v":1.0'),
        lambda line: line.replace(b'"kind":"disclosure-outcome"', b'"kind":"another"'),
        lambda line: line.replace(b'"kind":"disclosure-outcome"', b'"kind":["disclosure-outcome"]'),
        lambda line: line.replace(b'"part":1,', b""),
        lambda line: line.replace(b'"run":"run-1",', b""),
        lambda line: line.replace(b'"run"', b'"name":"Maria","run"'),
        lambda line: line.replace(b'"part":1', b'"part":1,"part":1'),
        lambda line: line.replace(b'"part":1', b'"part":1e0'),
        lambda line: line.replace(b'"part":1', b'"part":NaN'),
        lambda line: line.replace(b'"part":1', b'"part":null'),
        lambda line: line.replace(b"run-1", b"run\\u002d1"),
        lambda line: line.replace(b"run-1", b"\\ud800"),
        lambda line: line.replace(b"2026-11-24T16", b"2026-13-24T16"),
        lambda line: line.replace(b"2026-11-24T16", b"2026-11-24 16"),
        lambda line: line.replace(b'"2026-11-24T16:15:00.250000Z"', b"20261124"),
        lambda line: line.replace(b'[{"code":"TooOld","record":"r-1"}]', b"{}"),
        lambda line: line.replace(b'{"code":"TooOld","record":"r-1"}', b'"r-1"'),
        lambda line: line.replace(b'"record":"r-1"', b'"record":"r-1","value":"5"'),
        lambda line: b" " + line,
        lambda line: line + b"\n",
        lambda line: line[:-1],
        lambda line: line + line,
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b"\xff",
        lambda _: b"[" * 100_000,
    ],
)
def test_bytes_that_canonical_would_not_write_are_no_entry(change: Callable[[bytes], bytes]) -> None:
    line = canonical(outcome())
    changed = change(line)
    assert changed != line
    with pytest.raises(EntryError):
        parse(changed)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_changed_bit_makes_another_entry_or_none(at: int, bit: int) -> None:
    line = bytearray(canonical(outcome()))
    line[at % len(line)] ^= 1 << bit
    try:
        entry = parse(bytes(line))
    except EntryError:
        return
    assert canonical(entry) == bytes(line)
    assert entry != outcome()


@pytest.mark.parametrize("count", [1, 500, 760, 790, 1500, 1550, 2300, 5000])
def test_a_long_intent_is_divided_by_its_records(count: int, make_intent: Callable[..., DisclosureIntended]) -> None:
    entry = make_intent(1, records=count)
    parts = [parse(line) for line in canonical_parts(entry)]
    assert all(len(line) <= LARGEST_ENTRY for line in canonical_parts(entry))
    records: list[RecordAction] = []
    for number, part in enumerate(parts, 1):
        assert isinstance(part, DisclosureIntended)
        assert (part.part, part.parts) == (number, len(parts))
        assert replace(part, records=entry.records, part=1, parts=1) == entry
        records += part.records
    assert tuple(records) == entry.records
    assert (len(parts) == 1) == (len(canonical(entry)) <= LARGEST_ENTRY)


def test_a_division_that_is_tight_takes_one_part_more(make_intent: Callable[..., DisclosureIntended]) -> None:
    """Just under twice the limit doesn't fit into two entries, for what they share is written twice."""
    tight = bisect(range(3000), 2 * LARGEST_ENTRY, key=lambda n: len(canonical(make_intent(1, records=n)))) - 1
    assert len(canonical_parts(make_intent(1, records=tight))) == 3


def test_a_long_outcome_is_divided_by_its_rejections() -> None:
    rejected = tuple(Rejected(f"{number:064d}", "SchemaViolation") for number in range(5000))
    parts = [parse(line) for line in canonical_parts(outcome(rejected=rejected))]
    assert len(parts) > 1
    together: list[Rejected] = []
    for part in parts:
        assert isinstance(part, DisclosureOutcome)
        together += part.rejected
    assert tuple(together) == rejected


def test_what_cannot_be_divided_is_refused(make_intent: Callable[..., DisclosureIntended]) -> None:
    ended = RunEnded(at=AT, run="r", school="1", balance={f"reason-{number}": number for number in range(5000)})
    with pytest.raises(EntryError, match="run-ended"):
        canonical_parts(ended)
    crowded = replace(make_intent(1), grounds=(Ground("l" * 64, "c" * 64, "a" * 64),) * 500)
    with pytest.raises(EntryError, match="disclosure-intended"):
        canonical_parts(crowded)


def test_a_portals_code_that_may_be_more_than_a_code_is_not_kept() -> None:
    assert portal_code("SchemaViolation") == "SchemaViolation"
    assert portal_code("нет ученицы Ёлкиной") == "unclear"
    assert portal_code("") == "unclear"


_ANYTHING = st.one_of(
    references, words, numbers, st.none(), st.booleans(), st.text(), st.integers(), st.just(2**53), st.just("publish")
)


@given(_ANYTHING, _ANYTHING, st.sampled_from(["publish", "withdraw"]) | _ANYTHING, _ANYTHING)
def test_what_surely_fits_fits_by_its_shapes_and_is_written_by_them(
    record: object, revision: object, action: object, reason: object
) -> None:
    item = object.__new__(RecordAction)
    for name, value in (("record", record), ("revision", revision), ("action", action), ("reason", reason)):
        object.__setattr__(item, name, value)
    if not item.surely_fits():
        return
    for name, optional, check in field_shapes(RecordAction).checks:
        value = getattr(item, name)
        if value is not None or not optional:
            check(value)
    assert item.plain() == plain_fields(item)


@given(references, numbers, st.sampled_from(["publish", "withdraw"]), st.none() | words)
def test_a_record_is_written_by_its_shapes(record: str, revision: int, action: Any, reason: str | None) -> None:
    item = RecordAction(record, revision, action, reason)
    assert item.plain() == plain_fields(item)
    assert item.surely_fits() == (reason is None)
