"""A batch's final form: what the template writes is what lxml makes of it, and the id is the contract's."""

import hashlib
import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import connectors.portal
from connectors.portal import canonical
from connectors.portal.batch import LARGEST_BATCH, intact, prepare
from connectors.portal.canonical import BLANK_BITS
from connectors.portal.contract_schema import parse_untrusted, violations
from journal.portal import BatchTooLargeError, UnsendableRecordsError
from journal.records import BatchItem, Publish, Withdraw
from journal.vocabulary import ApplicationStatus, EndReason, RecordKind, Relation, WithdrawReason

NOW = datetime(2026, 10, 1, 12, 30, tzinfo=timezone(timedelta(hours=3)))
RECORD = Publish("r-1", 1, "s-1", RecordKind.CURRENT, "Алгебра", date(2026, 9, 30), 3, "5")
SCHEMA = Path(connectors.portal.__file__).parent / "contract" / "diary-exchange-1.xsd"

# every character that XML admits and a Python text can hold, with those that canonicalisation escapes put in often
ADMITTED = st.one_of(
    st.sampled_from("\t\n\r&<>\"' ;#x]\u0301\u00a0\ufffd\U0001f393\U0010ffff"),
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
)
TEXTS = st.text(ADMITTED, max_size=40)
REFERENCES = st.from_regex(r"\A[0-9A-Za-z._:-]{1,64}\Z")
MOMENTS = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001  hypothesis wants naive bounds
    datetime(9999, 12, 29),  # noqa: DTZ001  likewise
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=3)), timezone(timedelta(hours=-11, minutes=-30))]),
)
PUBLISHED = st.builds(
    Publish,
    record_id=REFERENCES,
    revision=st.integers(1, 10**12),
    student_ref=REFERENCES,
    kind=st.sampled_from(RecordKind),
    subject=TEXTS.map(lambda text: "x" + text),
    date=st.dates(date(1, 1, 1)),
    lesson_number=st.none() | st.integers(0, 255),
    value=st.none() | st.text(ADMITTED, max_size=16),
    weight=st.none() | st.decimals(-1000, 1000, places=2).map(str),
    work=st.none() | TEXTS,
    comment=st.none() | TEXTS,
    entered_at=st.none() | MOMENTS,
)
WITHDRAWN = st.builds(Withdraw, REFERENCES, st.integers(1, 10**12), st.sampled_from(WithdrawReason))


@settings(deadline=None)
@given(items=st.lists(PUBLISHED | WITHDRAWN, min_size=1, max_size=6), created_at=MOMENTS)
def test_the_template_writes_what_lxml_canonicalises(items: list[BatchItem], created_at: datetime) -> None:
    written = canonical.submit_journal("0252", created_at, [canonical.record(item) for item in items])
    assert etree.tostring(parse_untrusted(written), method="c14n", exclusive=True, with_comments=False) == written
    batch = prepare("0252", items, created_at)
    named = canonical.submit_journal("0252", created_at, [canonical.record(item) for item in items], batch.batch_id)
    assert batch.body == named
    assert intact(batch)


@settings(deadline=None)
@given(value=st.text(ADMITTED, max_size=60))
def test_an_attribute_is_escaped_as_canonicalisation_does(value: str) -> None:
    written = f'<a b="{canonical.attribute(value)}"></a>'.encode()
    root = parse_untrusted(written)
    assert root.get("b") == value
    assert etree.tostring(root, method="c14n", exclusive=True) == written


@settings(deadline=None)
@given(item=PUBLISHED)
def test_texts_arrive_as_they_were_given(item: Publish) -> None:
    root = etree.fromstring(prepare("0252", [item], NOW).body)
    for name, text in (
        ("subject", item.subject),
        ("value", item.value),
        ("work", item.work),
        ("comment", item.comment),
    ):
        assert root.findtext(f"{{*}}publish/{{*}}{name}") == (None if text is None else text)


def test_the_id_is_the_digest_with_64_zeros_in_its_place() -> None:
    """The contract's own words, done by hand on the message as it is sent."""
    batch = prepare("0252", [RECORD, Withdraw("r-2", 2, WithdrawReason.ERASED)], NOW)
    root = etree.fromstring(batch.body)
    root.set("batchId", "0" * 64)
    canonical_form = etree.tostring(root, method="c14n", exclusive=True, with_comments=False)
    assert hashlib.sha256(canonical_form).hexdigest() == batch.batch_id
    assert (batch.school, batch.record_count) == ("0252", 2)


def test_the_id_never_changes_between_versions() -> None:
    """A batch stored by yesterday's version has to be recognised by today's."""
    batch = prepare("0252", [RECORD._replace(comment='<&>"\r\n', weight="1.50", entered_at=NOW)], NOW)
    assert batch.batch_id == "70ccdba7d2f5fcc50f75933762ef398cbbd69ddaf5b3bf52f88d3ae9d106b33e"


def test_records_of_zeros_do_not_take_the_ids_place() -> None:
    comment = f' batchId="{"0" * 64}"'
    batch = prepare("0252", [RECORD._replace(comment=comment)], NOW)
    assert intact(batch)
    assert etree.fromstring(batch.body).findtext(".//{*}comment") == comment


def test_the_same_content_has_the_same_id() -> None:
    assert prepare("0252", [RECORD], NOW) == prepare("0252", [RECORD], NOW.astimezone(UTC))
    assert prepare("0252", [RECORD], NOW).batch_id != prepare("0253", [RECORD], NOW).batch_id


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"record_id": "a b"}, "recordId: SCHEMAV_CVC_PATTERN_VALID"),
        ({"revision": 0}, "revision: "),
        ({"student_ref": ""}, "studentRef: SCHEMAV_CVC_PATTERN_VALID"),
        ({"kind": "praise"}, "kind: SCHEMAV_CVC_ENUMERATION_VALID"),
        ({"subject": " \t "}, "subject: SCHEMAV_CVC_MINLENGTH_VALID"),
        ({"subject": "я" * 101}, "subject: SCHEMAV_CVC_MAXLENGTH_VALID"),
        ({"lesson_number": 256}, "lessonNumber: "),
        ({"value": "я" * 17}, "value: SCHEMAV_CVC_MAXLENGTH_VALID"),
        ({"weight": "1e3"}, "weight: "),
        ({"work": "я" * 501}, "work: SCHEMAV_CVC_MAXLENGTH_VALID"),
        ({"comment": "я" * 4001}, "comment: SCHEMAV_CVC_MAXLENGTH_VALID"),
        ({"comment": "form feed \x0c"}, "text: characters"),
        ({"comment": "half \ud83c"}, "text: characters"),
        ({"comment": "none \uffff"}, "text: characters"),
        ({"entered_at": datetime(2026, 10, 1)}, "enteredAt: no zone"),  # noqa: DTZ001  the naive moment is the point
    ],
)
def test_a_record_that_the_schema_does_not_admit_is_named(changed: dict[str, object], why: str) -> None:
    bad = RECORD._replace(**changed)
    with pytest.raises(UnsendableRecordsError) as caught:
        prepare("0252", [RECORD._replace(record_id="good"), bad], NOW)
    assert list(caught.value.problems) == [bad.record_id]
    assert caught.value.problems[bad.record_id].startswith(why)


def test_what_is_wrong_is_told_without_values() -> None:
    secret = "attribute 'Иванов' " * 30
    with pytest.raises(UnsendableRecordsError) as caught:
        prepare("0252", [RECORD._replace(subject=secret, value="секретно" * 3)], NOW)
    assert caught.value.problems == {
        "r-1": "subject: SCHEMAV_CVC_MAXLENGTH_VALID; value: SCHEMAV_CVC_MAXLENGTH_VALID",
    }


def test_all_bad_records_are_named_at_once() -> None:
    records = [RECORD._replace(record_id=f"r-{n}", subject="" if n % 2 else "x") for n in range(6)]
    with pytest.raises(UnsendableRecordsError) as caught:
        prepare("0252", records, NOW)
    assert sorted(caught.value.problems) == ["r-1", "r-3", "r-5"]


def test_limits_of_records_and_bytes() -> None:
    many = [RECORD._replace(record_id=f"r-{n}") for n in range(LARGEST_BATCH + 1)]
    assert prepare("0252", many[:-1], NOW).record_count == 5000
    with pytest.raises(BatchTooLargeError):
        prepare("0252", many, NOW)
    long = [record._replace(comment="я" * 4000) for record in many[:1100]]
    with pytest.raises(BatchTooLargeError):
        prepare("0252", long, NOW)
    assert len(prepare("0252", long[:1000], NOW).body) < 8 * 1024 * 1024


def test_mistakes_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least one"):
        prepare("0252", [], NOW)
    with pytest.raises(ValueError, match="zone"):
        prepare("0252", [RECORD], datetime(2026, 10, 1))  # noqa: DTZ001  the naive moment is the point
    with pytest.raises(ValueError, match="school code"):
        prepare("школа", [RECORD], NOW)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("RecordKind", RecordKind),
        ("WithdrawReason", WithdrawReason),
        ("EndReason", EndReason),
        ("ApplicationStatus", ApplicationStatus),
        ("Relation", Relation),
    ],
)
def test_the_word_lists_are_the_schemas(name: str, words: type[RecordKind]) -> None:
    declared = re.search(rf'simpleType name="{name}">(.*?)</xs:simpleType>', SCHEMA.read_text(), re.DOTALL)
    assert declared is not None
    assert [str(word) for word in words] == re.findall(r'enumeration value="([^"]+)"', declared.group(1))


@given(st.integers(0, 2**BLANK_BITS - 1), st.integers(0, 2**BLANK_BITS - 1))
def test_blanks_that_were_drawn_change_the_id_and_nothing_that_is_read(one: int, other: int) -> None:
    """The odd record goes the long way, the plain one the short: both are what lxml and the schema see in the bytes."""
    for record in (RECORD, RECORD._replace(weight="+1")):
        first, second = (prepare("0252", [record], NOW, drawn) for drawn in (one, other))
        assert (first.batch_id == second.batch_id) == (one == other)
        root = etree.fromstring(first.body)
        assert etree.tostring(root, method="c14n", exclusive=True, with_comments=False) == first.body
        assert intact(first)
        assert not violations(root)
        plain = etree.fromstring(prepare("0252", [record], NOW).body)
        assert [etree.tostring(child, with_tail=False) for child in root] == [
            etree.tostring(child, with_tail=False) for child in plain
        ]
