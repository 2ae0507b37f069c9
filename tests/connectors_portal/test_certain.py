"""What is written without asking the schema: the schema admits it, and lxml's canonical form is the very same bytes."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connectors.portal import certain
from connectors.portal.batch import prepare
from connectors.portal.contract_schema import parse_untrusted, violations
from journal.portal import UnsendableRecordsError
from journal.records import BatchItem, Publish, Withdraw
from journal.vocabulary import RecordKind, WithdrawReason

NOW = datetime(2026, 10, 1, 12, 30, tzinfo=timezone(timedelta(hours=3)))
RECORD = Publish("r-1", 1, "s-1", RecordKind.CURRENT, "Алгебра", date(2026, 9, 30), 3, "5")

# whatever a Python text can hold, and often what stands at the border of what the schema and XML admit
ODD = st.one_of(
    st.sampled_from("\x00\t\n\x0b\r\x1f \x7f\x85\xa0\ud7ff\ud800\udfff\ue000\ufffd\ufffe\uffff\U00010000\U0010ffff"),
    st.sampled_from("&<>\"'];:._-+eE٣5x"),
    st.characters(),
)


def around(most: int) -> st.SearchStrategy[str]:
    """Return texts of any characters, and ones about as long as a field may be."""
    return st.text(ODD, max_size=12) | st.integers(most - 1, most + 1).map(lambda length: "я" * length)


REFERENCES = st.from_regex(r"\A[0-9A-Za-z._:-]{1,64}\Z") | around(64)
NUMBERS = st.sampled_from([-1, 0, 1, 255, 256, 10**18 - 1, 10**18, 10**30]) | st.integers()
WEIGHTS = st.text("0123456789.-+eE", max_size=12) | st.sampled_from(["1", "1.50", "-0", "", ".5", "5.", "1\n"])
MOMENTS = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001  hypothesis wants naive bounds
    datetime(9999, 12, 29),  # noqa: DTZ001  likewise
    timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=-11, minutes=-30))]),
)
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "record_id": REFERENCES,
    "revision": NUMBERS,
    "student_ref": REFERENCES,
    "kind": st.sampled_from([*RecordKind, "praise"]),
    "subject": around(100) | st.text(" \t\n\r\xa0", max_size=3),
    "date": st.dates(date(1, 1, 1)) | MOMENTS,
    "lesson_number": st.none() | NUMBERS | st.just("3 "),
    "value": st.none() | around(16),
    "weight": st.none() | WEIGHTS,
    "work": st.none() | around(500),
    "comment": st.none() | around(4000),
    "entered_at": st.none() | MOMENTS,
}
# one field is odd, the others pass, so that it is this one's turn to be judged
ITEMS = st.one_of(
    st.sampled_from(list(FIELDS)).flatmap(lambda name: FIELDS[name].map(lambda odd: RECORD._replace(**{name: odd}))),
    st.builds(Withdraw, REFERENCES, st.just(1), st.sampled_from([*WithdrawReason, "praise"])),
)


def hold(item: BatchItem, school: str = "0252", created_at: datetime = NOW) -> None:
    written = certain.submit_journal(school, created_at, [RECORD, item])
    if written is not None:
        root = parse_untrusted(written)
        assert violations(root) == ()
        assert etree.tostring(root, method="c14n", exclusive=True, with_comments=False) == written


@settings(deadline=None, max_examples=500)
@given(item=ITEMS, school=st.just("0252") | around(16), created_at=st.just(NOW) | MOMENTS)
def test_what_is_certain_is_what_the_schema_and_lxml_say(item: BatchItem, school: str, created_at: datetime) -> None:
    hold(item, school, created_at)


@pytest.mark.parametrize("number", [-1, 0, 255, 256, 10**18 - 1, 10**18, 10**40])
def test_numbers_at_the_borders(number: int) -> None:
    hold(RECORD._replace(lesson_number=number))
    hold(RECORD._replace(revision=number))
    hold(RECORD._replace(weight=str(number)))


@pytest.mark.parametrize("field", ["subject", "value", "work", "comment"])
def test_characters_at_the_borders(field: str) -> None:
    for letter in "\x00\x08\t\n\x0b\x0c\r\x1f \x7f\x85\xa0\u2028\ud7ff\ud800\udfff\ue000\ufffd\ufffe\uffff\U0010ffff":
        hold(RECORD._replace(**{field: f"x{letter}y"}))
        hold(RECORD._replace(**{field: letter}))


@pytest.mark.parametrize(("field", "most"), [("subject", 100), ("value", 16), ("work", 500), ("comment", 4000)])
def test_lengths_at_the_borders(field: str, most: int) -> None:
    hold(RECORD._replace(**{field: "я" * most}))
    assert certain.submit_journal("0252", NOW, [RECORD._replace(**{field: "я" * most})]) is not None
    assert certain.submit_journal("0252", NOW, [RECORD._replace(**{field: "я" * (most + 1)})]) is None


PASSING = st.builds(
    Publish,
    record_id=st.from_regex(r"\A[0-9A-Za-z._:-]{1,64}\Z"),
    revision=st.integers(1, 10**12),
    student_ref=st.from_regex(r"\A[0-9A-Za-z._:-]{1,64}\Z"),
    kind=st.sampled_from(RecordKind),
    subject=st.text("Алгебра &<>\r\n", max_size=99).map(lambda text: "x" + text),
    date=st.dates(date(1, 1, 1)),
    lesson_number=st.none() | st.integers(0, 255),
    value=st.none() | st.text("н/а5+-", max_size=16),
    weight=st.none() | st.decimals(-1000, 1000, places=2).map(str),
    work=st.none() | st.text("Контрольная\xa0", max_size=500),
    comment=st.none() | st.text("всё хорошо\U0001f393\t", max_size=100),
    entered_at=st.none() | MOMENTS.filter(lambda moment: moment.tzinfo is not None),
)


@settings(deadline=None)
@given(item=PASSING)
def test_records_of_schools_are_certain(item: Publish) -> None:
    """Else the bridge would be right, and slow."""
    assert certain.submit_journal("0252", NOW, [item]) is not None


@pytest.mark.parametrize(
    "doubtful",
    [
        RECORD._replace(weight="+1"),
        RECORD._replace(weight="1234567890"),
        RECORD._replace(revision=10**18),
    ],
)
def test_what_is_in_doubt_is_left_to_the_schema(doubtful: Publish) -> None:
    assert certain.submit_journal("0252", NOW, [doubtful]) is None
    assert prepare("0252", [doubtful], NOW).record_count == 1


def test_what_was_refused_once_is_refused_again() -> None:
    bad = RECORD._replace(subject=" ")
    for _ in range(2):
        with pytest.raises(UnsendableRecordsError):
            prepare("0252", [bad], NOW)


def test_a_field_forgets_and_still_knows_its_absence() -> None:
    for number in range(certain.MOST_REMEMBERED + 10):
        assert certain.submit_journal("0252", NOW, [RECORD._replace(work=f"{number}", value=None)]) is not None
    written = certain.submit_journal("0252", NOW, [RECORD._replace(work=None)])
    assert written is not None
    assert b"<work>" not in written
