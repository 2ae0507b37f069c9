"""Gives a batch its one final form: canonical, valid by the schema, named by its digest.

Rules. `PreparedBatch.body` is the SubmitJournal element in exclusive canonical form, so the same bytes are
digested, signed and sent. The id is the contract's: SHA-256 over that form with the id set to 64 zeros. A batch that is
valid beyond doubt is written in that form at once (`certain`); any other is parsed, judged by the schema, and has the
form that lxml gives it. The id is in the audit log for good, and the log says all else of the batch but the marks: so
that nobody who guesses these can tell by the id that he guessed right, blanks drawn at random stand before the first
record, and are nowhere but in the message. Nothing here sends; `intact` is asked again before sending.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from connectors.portal import certain
from connectors.portal.canonical import NO_BATCH_ID, blanks, record, submit_journal
from connectors.portal.contract_schema import MalformedXmlError, parse_untrusted, violations
from journal.portal import BatchTooLargeError, UnsendableRecordsError
from journal.records import BatchItem, PreparedBatch

LARGEST_BATCH = 5000
# the contract's 8 MiB bound the message: the envelope around a body takes about 6 KiB, with a long certificate 12
LARGEST_BODY = 8 * 1024 * 1024 - 64 * 1024

_ID_SLOT = f' batchId="{NO_BATCH_ID}"'.encode()


def prepare(school: str, items: Sequence[BatchItem], created_at: datetime, drawn: int | None = None) -> PreparedBatch:
    """Give a batch its final form and id; `drawn`: `canonical.BLANK_BITS` random bits that go into both.

    Raises UnsendableRecordsError naming each record that the schema does not admit, BatchTooLargeError, and
    ValueError for what is a mistake of the caller: no records, a naive `created_at`, no school code.
    """
    if not items:
        raise ValueError("a batch needs at least one record")
    if len(items) > LARGEST_BATCH:
        raise BatchTooLargeError
    before = "" if drawn is None else blanks(drawn)
    unnamed = certain.submit_journal(school, created_at, items, before) or _judged(school, items, created_at, before)
    if unnamed is None:
        raise UnsendableRecordsError(_problems(school, items, created_at))
    if len(unnamed) > LARGEST_BODY:
        raise BatchTooLargeError
    batch_id = hashlib.sha256(unnamed).hexdigest()
    return PreparedBatch(school, batch_id, len(items), _named(unnamed, batch_id))


def intact(batch: PreparedBatch) -> bool:
    """Tell whether the body is still the one that the id was made of."""
    slot = f' batchId="{batch.batch_id}"'.encode()
    unnamed = batch.body.replace(slot, _ID_SLOT, 1)
    return slot in batch.body and hashlib.sha256(unnamed).hexdigest() == batch.batch_id


def _named(unnamed: bytes, batch_id: str) -> bytes:
    # the first occurrence is the root's own attribute: within attribute values a quote is escaped
    return unnamed.replace(_ID_SLOT, f' batchId="{batch_id}"'.encode(), 1)


def _judged(school: str, items: Sequence[BatchItem], created_at: datetime, before: str) -> bytes | None:
    """Return the element's canonical form if the schema admits it."""
    try:
        root = parse_untrusted(submit_journal(school, created_at, [record(item) for item in items], before=before))
    except (MalformedXmlError, ValueError):
        return None
    return None if violations(root) else etree.tostring(root, method="c14n", exclusive=True, with_comments=False)


def _problems(school: str, items: Sequence[BatchItem], created_at: datetime) -> dict[str, str]:
    """Ask of each record alone what is wrong with it; where none is, the fault is in what they share."""
    problems = {item.record_id: why for item in items if (why := _problem(school, item, created_at))}
    if not problems:
        raise ValueError("school code or created_at do not fit the portal's schema")
    return problems


def _problem(school: str, item: BatchItem, created_at: datetime) -> str | None:
    try:
        written = record(item)
    except ValueError:
        return "enteredAt: no zone"
    try:
        root = parse_untrusted(submit_journal(school, created_at, [written]))
    except (MalformedXmlError, UnicodeEncodeError):
        return "text: characters that XML does not admit"
    in_record = [violation for violation in violations(root) if violation.place not in {"school", "createdAt"}]
    return "; ".join(dict.fromkeys(map(str, in_record))) or None
