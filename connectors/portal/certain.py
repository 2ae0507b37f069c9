"""Writes batches that keep the contract's schema beyond doubt, so that nothing need be parsed to see that they do.

Rules. What a field may hold is asked of the value itself, more narrowly than the schema asks it: what passes here is
valid and canonical, what doesn't may still be valid, and `batch` lets the schema judge. So a mistake on the narrow side
costs time only; the other side is held by a property test against the schema and lxml's canonical form. The escaping
is `canonical`'s. Fields of few different values are written once and looked up; a field remembers so many values at
most, and a comment or a moment is never remembered.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from connectors.portal import canonical
from journal.records import BatchItem, Publish
from journal.vocabulary import RecordKind, WithdrawReason

MOST_REMEMBERED = 4096

_LARGEST_REVISION = 10**18
_LARGEST_LESSON = 255
_LONGEST_COMMENT = 4000
_LONGEST_REFERENCE = 64
_BLANKS = " \t\n\r"

_SCHOOL = re.compile(r"[0-9A-Za-z-]{1,16}", re.ASCII)
_REFERENCE = re.compile(rf"[0-9A-Za-z._:-]{{1,{_LONGEST_REFERENCE}}}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)
# XML 1.0, production Char
_ADMITTED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


class DoubtError(Exception):
    """Something that only the schema can judge; says nothing of what it is."""


class Written(dict[object, bytes]):
    """What a field's values are written as, by value; `always` is known from the start and never forgotten."""

    def __init__(self, write: Callable[[object], str], always: Mapping[object, bytes]) -> None:
        super().__init__(always)
        self._write = write
        self._always = always

    def __missing__(self, value: object) -> bytes:
        """Write a value that is new here. Raises DoubtError."""
        written = self._write(value).encode()
        if len(self) >= MOST_REMEMBERED:
            self.clear()
            self.update(self._always)
        self[value] = written
        return written


def _doubt(_: object) -> str:
    raise DoubtError


def _texts(name: str, passes: Callable[[str], object], *, optional: bool = False) -> Written:
    """Return a field of texts that pass."""

    def write(value: object) -> str:
        if not isinstance(value, str) or not passes(value):
            raise DoubtError
        return f"<{name}>{canonical.text(value)}</{name}>"

    return Written(write, {None: b""} if optional else {})


def _words(write: Callable[[str], str], words: Sequence[str]) -> Written:
    return Written(_doubt, {word: write(str(word)).encode() for word in words})


def _up_to(most: int) -> Callable[[str], object]:
    return lambda value: len(value) <= most and _ADMITTED.fullmatch(value)


def _a_name(value: str) -> object:
    return value.strip(_BLANKS) and _up_to(100)(value)


def _a_day(value: object) -> str:
    if type(value) is not date:  # a moment is a date, too, and is written otherwise
        raise DoubtError
    return f"<date>{value.isoformat()}</date>"


def _a_lesson(value: object) -> str:
    if type(value) is not int or not 0 <= value <= _LARGEST_LESSON:
        raise DoubtError
    return f"<lessonNumber>{value}</lessonNumber>"


_STUDENTS = _texts("studentRef", _REFERENCE.fullmatch)
_KINDS = _words("<kind>{}</kind>".format, list(RecordKind))
_SUBJECTS = _texts("subject", _a_name)
_DAYS = Written(_a_day, {})
_LESSONS = Written(_a_lesson, {None: b""})
_VALUES = _texts("value", _up_to(16), optional=True)
_WEIGHTS = _texts("weight", _DECIMAL.fullmatch, optional=True)
_WORKS = _texts("work", _up_to(500), optional=True)
_REASONS = _words("{}".format, list(WithdrawReason))


_END = b"</SubmitJournal>"


def submit_journal(school: str, created_at: datetime, items: Sequence[BatchItem], before: str = "") -> bytes | None:
    """Return the whole element as `canonical.submit_journal` writes it, if it is valid beyond doubt, else None."""
    if not _SCHOOL.fullmatch(school) or created_at.tzinfo is None:
        return None
    empty = canonical.submit_journal(school, created_at, (), before=before)
    try:
        return b"".join((empty.removesuffix(_END), *map(_record, items), _END))
    except (DoubtError, TypeError, ValueError):  # a value of a type that no field has, or a naive moment
        return None


def _record(item: BatchItem) -> bytes:
    record_id, revision = item[:2] if isinstance(item, Publish) else (item.record_id, item.revision)
    plain = len(record_id) <= _LONGEST_REFERENCE and record_id.isascii() and record_id.isalnum()
    if not plain and not _REFERENCE.fullmatch(record_id):
        raise DoubtError
    if type(revision) is not int or not 0 < revision < _LARGEST_REVISION:
        raise DoubtError
    named = f' recordId="{record_id}" revision="{revision}">'.encode()
    if not isinstance(item, Publish):
        return b"".join((b'<withdraw reason="', _REASONS[item.reason], b'"', named, b"</withdraw>"))
    _, _, student, kind, subject, day, lesson, value, weight, work, comment, entered_at = item
    told = entered = b""
    if comment is not None:
        if len(comment) > _LONGEST_COMMENT or not _ADMITTED.fullmatch(comment):
            raise DoubtError
        told = f"<comment>{canonical.text(comment)}</comment>".encode()
    if entered_at is not None:
        entered = f"<enteredAt>{canonical.moment(entered_at)}</enteredAt>".encode()
    return b"".join(
        (
            b"<publish", named, _STUDENTS[student], _KINDS[kind], _SUBJECTS[subject], _DAYS[day], _LESSONS[lesson],
            _VALUES[value], _WEIGHTS[weight], _WORKS[work], told, entered, b"</publish>",
        )
    )  # fmt: skip
