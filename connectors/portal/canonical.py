"""Writes SubmitJournal directly in the bytes that Exclusive XML Canonicalization 1.0 would make of it.

Rules. One namespace, declared as the default one; attributes in the order of their names; no empty-element tags;
texts and attribute values escaped as the recommendation says (sections 2.3 of Canonical XML); a property test holds it
to lxml's canonical form. What the schema says of values is not asked here: a wrong value is written as it is and found
by `batch`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from connectors.portal.contract_schema import DIARY
from journal.records import BatchItem, Publish

NO_BATCH_ID = "0" * 64

BLANK_BITS = 96


def text(value: str) -> str:
    """Escape the content of an element."""
    if "&" in value:
        value = value.replace("&", "&amp;")
    if "<" in value:
        value = value.replace("<", "&lt;")
    if ">" in value:
        value = value.replace(">", "&gt;")
    if "\r" in value:
        value = value.replace("\r", "&#xD;")
    return value


def attribute(value: str) -> str:
    """Escape the value of an attribute that stands in double quotes."""
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return value.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


_TWO = [f"{number:02}" for number in range(60)]
_days: dict[int, str] = {}
"""Days that were written, by ordinal: there are hundreds of moments a day."""


def moment(value: datetime) -> str:
    """Write an instant in UTC. Raises ValueError for a naive one."""
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError("a moment needs a zone")
        value = value.astimezone(UTC)
    ordinal = value.toordinal()
    day = _days.get(ordinal)
    if day is None:
        day = _days[ordinal] = value.date().isoformat()
    parts = f"{day}T{_TWO[value.hour]}:{_TWO[value.minute]}:{_TWO[value.second]}"
    return f"{parts}.{value.microsecond:06}Z" if value.microsecond else f"{parts}Z"


def record(item: BatchItem) -> str:
    """Write one publish or withdraw element. Raises ValueError for a naive moment."""
    head = f'recordId="{attribute(item.record_id)}" revision="{item.revision}"'
    if not isinstance(item, Publish):
        return f'<withdraw reason="{attribute(item.reason)}" {head}></withdraw>'
    number, entered_at = item.lesson_number, item.entered_at
    return "".join(
        (
            f"<publish {head}><studentRef>{text(item.student_ref)}</studentRef><kind>{text(item.kind)}</kind>",
            f"<subject>{text(item.subject)}</subject><date>{item.date.isoformat()}</date>",
            "" if number is None else f"<lessonNumber>{number}</lessonNumber>",
            "" if item.value is None else f"<value>{text(item.value)}</value>",
            "" if item.weight is None else f"<weight>{text(item.weight)}</weight>",
            "" if item.work is None else f"<work>{text(item.work)}</work>",
            "" if item.comment is None else f"<comment>{text(item.comment)}</comment>",
            "" if entered_at is None else f"<enteredAt>{moment(entered_at)}</enteredAt>",
            "</publish>",
        )
    )


def blanks(drawn: int) -> str:
    """Write `BLANK_BITS` bits as blanks, which no reader of a journal sees and its digest depends on."""
    return "".join(" \t"[drawn >> place & 1] for place in range(BLANK_BITS))


def submit_journal(
    school: str, created_at: datetime, records: Sequence[str], batch_id: str = NO_BATCH_ID, before: str = ""
) -> bytes:
    """Write the whole element around records that `record` made; `before` are blanks that stand before the first.

    Raises ValueError for a naive moment and UnicodeEncodeError for a lone surrogate.
    """
    head = f'batchId="{batch_id}" createdAt="{moment(created_at)}" school="{attribute(school)}"'
    return f'<SubmitJournal xmlns="{DIARY}" {head}>{before}{"".join(records)}</SubmitJournal>'.encode()
