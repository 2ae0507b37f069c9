"""Reads and checks a SubmitJournal in one pass over its signed bytes, if it is as plain as nearly every one is.

Rules. What is read here is exactly what parsing, the schema and a second canonicalisation would have read and let
through: a pattern admits less than the schema does, never more, and a property test holds the two together. Anything
else, be it wrong or only unusual, is None here and goes the long way (`request`), which also says what is wrong.
The bytes are the Body's exclusive canonical form. A journal whose start tag declares its own namespace, with nothing
else declared around or in it, stands there in the very bytes of its own canonical form: its digest is taken from them.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache

from sandbox.portal.contract import LARGEST_JOURNAL, MOST_RECORDS, NO_BATCH_ID
from sandbox.portal.journal import CONTENT, Journal
from sandbox.portal.soap import DIARY, collapse

_NAME = "[A-Za-z_][0-9A-Za-z_.-]*"
_REFERENCE = "[0-9A-Za-z._:-]{1,64}"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ZONE = "(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
_MOMENT = rf"{_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]{{1,6}})?{_ZONE}"
_REASON = "deleted|consent-withdrawn|consent-expired|link-ended|restricted|student-left|came-of-age|out-of-scope|erased"
_FORMS = {
    "studentRef": _REFERENCE,
    "kind": "current|period|annual|exam|final|absence|late|remark",
    "subject": r"(?! *<)[^<&\t\n\r]{1,100}",
    "date": _DAY,
    "lessonNumber": "[0-9]{1,2}",
    "value": r"[^<&\t\n\r]{0,16}",
    "weight": r"[0-9]{1,9}(?:\.[0-9]{1,9})?",
    "work": "[^<]{0,500}",  # a text is never longer than its escaped form, which stands here
    "comment": "[^<]{0,4000}",
    "enteredAt": _MOMENT,
}
_REQUIRED = frozenset({"studentRef", "kind", "subject", "date"})
_ATTRIBUTES = ("reason", "recordId", "revision")
_GROUPS = (*_ATTRIBUTES, *CONTENT)
_HEAD = re.compile(
    rf'<(?P<body>(?:{_NAME}:)?Body)(?: xmlns(?::{_NAME})?="[ -!#-~]*")+ {_NAME}:Id="[0-9A-Za-z_.-]+">'
    rf'<(?P<journal>(?:(?P<prefix>{_NAME}):)?SubmitJournal) xmlns(?(prefix):(?P=prefix)|)="{re.escape(DIARY)}"'
    rf' batchId="(?P<batch_id>[0-9a-f]{{64}})" createdAt="(?P<created_at>{_MOMENT})"'
    r' school="(?P<school>[0-9A-Za-z-]{1,16})">[ \t\n]*+'
)


def read_plain(body: bytes) -> Journal | None:
    """Return the journal in a Body, if all of it is plain and right; `body` is in exclusive canonical form."""
    text = body.decode()
    head = _HEAD.match(text)
    if head is None:
        return None
    outer = f"</{head['body']}>"
    end = f"</{head['journal']}>{outer}"
    if not text.endswith(end) or not _has_its_digest(body, head, len(body) - len(outer)):
        return None
    between, *columns = _columns(f"{head['prefix']}:" if head["prefix"] else "", text[head.end() : -len(end)])
    if any(between) or not 0 < len(columns[0]) <= MOST_RECORDS:
        return None
    told = dict(zip(_GROUPS, columns, strict=True))
    if not _exist(told["date"], [head["created_at"], *filter(None, told["enteredAt"])]):
        return None
    for name in ("subject", "value"):
        told[name] = [value and collapse(value) for value in told[name]]
    if "&" in text:
        for name in ("work", "comment"):
            told[name] = [value and _unescaped(value) for value in told[name]]
    return Journal(head["school"], head["batch_id"], head["created_at"], list(zip(*told.values(), strict=True)))


def _has_its_digest(body: bytes, head: re.Match[str], end: int) -> bool:
    """Tell whether the journal, which ends at `end`, is small enough and named by its digest; the head is ASCII."""
    start = head.start("journal") - 1
    digest = hashlib.sha256(body[start : head.start("batch_id")])
    digest.update(NO_BATCH_ID)
    digest.update(memoryview(body)[head.end("batch_id") : end])
    return end - start <= LARGEST_JOURNAL and digest.hexdigest() == head["batch_id"]


def _columns(prefix: str, records: str) -> list[list[str]]:
    """Return what stands between the records, then each of `_GROUPS` of all records."""
    parts = _record(prefix).split(records)
    return [parts[number :: len(_GROUPS) + 1] for number in range(len(_GROUPS) + 1)]


@lru_cache(8)
def _record(prefix: str) -> re.Pattern[str]:
    """Return the pattern of a record whose names have this prefix: a withdraw, or a publish with its content."""
    tag = re.escape(prefix)
    content = "".join(
        f"<{tag}{name}>({form})</{tag}{name}>" if name in _REQUIRED else f"(?:<{tag}{name}>({form})</{tag}{name}>)?"
        for name, form in _FORMS.items()
    )
    return re.compile(
        f'<{tag}(?:publish|withdraw reason="({_REASON})") recordId="({_REFERENCE})" revision="([1-9][0-9]{{0,17}})">'
        f"(?(1)</{tag}withdraw>|{content}</{tag}publish>)"
    )


def _exist(days: Sequence[str | None], moments: Iterable[str]) -> bool:
    """Tell whether the calendar has all these days and moments."""
    try:
        for day in filter(None, set(days)):
            date.fromisoformat(day)
        for moment in moments:
            datetime.fromisoformat(moment)
    except ValueError:
        return False
    return True


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&#xD;", "\r").replace("&amp;", "&")
