"""What the audit log says, as values: one frozen class for each kind of entry.

Rules. An entry names people and records by the bridge's opaque ids only; it holds no name, no address, no mark,
no text from a journal. Fields admit narrow alphabets (`audit.shape`), so such a text is refused when the entry is
made. One entry is one line of canonical JSON (RFC 8785) with `kind`, `v` and `at`; a field that is None is left
out. What is too long for one entry of the log is divided over several, numbered by `part` and `parts`.
A shape that was written once is never changed: a new field or meaning takes a new kind or a new `v`.
Deliberately not here: the decision what to write and when.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Literal, cast

import orjson

from audit.errors import EntryError
from audit.shape import (
    LARGEST_NUMBER,
    Checked,
    Choice,
    Counts,
    Flag,
    Instant,
    Json,
    MisfitError,
    Number,
    Several,
    Text,
    read_fields,
)
from audit.shape import plain_fields as _plain_fields
from audit.tiles import LARGEST_ENTRY

VERSION = 1
UNCLEAR_CODE = "unclear"

_ENVELOPE = frozenset({"kind", "v"})
LONGEST_REFERENCE = 64
_REFERENCE = Text(rf"[0-9A-Za-z._:-]{{1,{LONGEST_REFERENCE}}}")
_WORD = Text(r"[a-z0-9][a-z0-9_-]{0,63}")

Moment = Annotated[datetime, Instant()]
School = Annotated[str, Text(r"[0-9A-Za-z-]{1,16}")]
Reference = Annotated[str, _REFERENCE]
Word = Annotated[str, _WORD]
Digest = Annotated[str, Text(r"[0-9a-f]{64}")]
Program = Annotated[str, Text(r"[0-9A-Za-z._+/-]{1,64}")]
Balance = Annotated[Mapping[str, "int | Mapping[str, int]"], Counts(_WORD)]
Revision = Annotated[int, Number(1)]
Part = Annotated[int, Number(1)]
Truth = Annotated[bool, Flag()]
Outcome = Annotated[Literal["taken", "not-taken", "refused"], Choice("taken", "not-taken", "refused")]
LinkAction = Annotated[Literal["put", "end"], Choice("put", "end")]


@dataclass(frozen=True, slots=True)
class RecordAction(Checked):
    """One record of a batch: shown at the portal, or taken back (then with a reason)."""

    record: Reference
    revision: Revision
    action: Annotated[Literal["publish", "withdraw"], Choice("publish", "withdraw")]
    reason: Word | None = None

    def surely_fits(self) -> bool:
        """Tell at once of what is mostly written: there are thousands a batch, and the shapes' way is slower."""
        return (
            self.reason is None
            and self.action in ("publish", "withdraw")
            and type(self.revision) is int
            and 0 < self.revision <= LARGEST_NUMBER
            and type(self.record) is str
            and (self._named_plainly() or _REFERENCE.admits(self.record) is not None)
        )

    def _named_plainly(self) -> bool:
        """Tell whether the id is of letters and digits only, as the bridge makes them: an expression takes longer."""
        return len(self.record) <= LONGEST_REFERENCE and self.record.isascii() and self.record.isalnum()

    def plain(self) -> dict[str, Json]:
        """Return the fields in their JSON form, likewise."""
        plain: dict[str, Json] = {"record": self.record, "revision": self.revision, "action": self.action}
        return plain if self.reason is None else {**plain, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Ground(Checked):
    """What lets an account see the records: the link and the consent behind it.

    `account` names it by `audit.account_reference`; the account's own id does not fit.
    """

    link: Reference
    consent: Reference
    account: Digest


@dataclass(frozen=True, slots=True)
class Rejected(Checked):
    """One record that the portal would not take; `code` by `portal_code`."""

    record: Reference
    code: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureIntended(Checked):
    """One student's records in one batch are about to be sent. Written before the first byte leaves.

    `grounds` are the links and consents that cover the records (none are needed to withdraw); `request_digest`
    is the SHA-256 of the request's content, `basis` the legal basis in one word, `software` name/version.
    """

    kind: ClassVar[str] = "disclosure-intended"
    at: Moment
    run: Reference
    school: School
    batch: Reference
    student: Reference
    records: Annotated[tuple[RecordAction, ...], Several(RecordAction)]
    grounds: Annotated[tuple[Ground, ...], Several(Ground)]
    request_digest: Digest
    basis: Word
    software: Program
    part: Part = 1
    parts: Part = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureOutcome(Checked):
    """What became of a batch, and whether the portal's reply or a later receipt said so."""

    kind: ClassVar[str] = "disclosure-outcome"
    at: Moment
    run: Reference
    school: School
    batch: Reference
    outcome: Outcome
    receipt: Reference | None = None
    duplicate: Truth = False
    rejected: Annotated[tuple[Rejected, ...], Several(Rejected)] = ()
    resolved_by: Annotated[Literal["reply", "receipt"], Choice("reply", "receipt")] = "reply"
    part: Part = 1
    parts: Part = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkIntended(Checked):
    """An account's view of a student is about to be opened or closed at the portal."""

    kind: ClassVar[str] = "link-intended"
    at: Moment
    run: Reference
    school: School
    link: Reference
    revision: Revision
    action: LinkAction
    account: Digest | None = None
    student: Reference | None = None
    consent: Reference | None = None
    reason: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOutcome(Checked):
    """What became of opening or closing a view."""

    kind: ClassVar[str] = "link-outcome"
    at: Moment
    run: Reference
    school: School
    link: Reference
    revision: Revision
    action: LinkAction
    outcome: Outcome
    account: Digest | None = None
    student: Reference | None = None
    consent: Reference | None = None
    reason: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentEvent(Checked):
    """Something was recorded of an application or consent; `by_digest` is a keyed digest of who recorded it."""

    kind: ClassVar[str] = "consent-event"
    at: Moment
    school: School
    case: Reference
    event: Word
    valid_at: Moment
    by_digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Checked):
    """A run began to read a school."""

    kind: ClassVar[str] = "run-started"
    at: Moment
    run: Reference
    school: School
    software: Program | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Checked):
    """A run of a school ended; `balance` gives its counts, some of them by reason."""

    kind: ClassVar[str] = "run-ended"
    at: Moment
    run: Reference
    school: School
    balance: Balance
    failure: Reference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEvent(Checked):
    """A run was held, or a person let it go on or gave it up; `by_digest` is a keyed digest of who did."""

    kind: ClassVar[str] = "hold"
    at: Moment
    school: School
    hold: Reference
    event: Word
    run: Reference | None = None
    by_digest: Digest | None = None
    counts: Balance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDecision(Checked):
    """A person had a record that the portal rejected sent again, or gave it up until it changes."""

    kind: ClassVar[str] = "delivery-decision"
    at: Moment
    school: School
    record: Reference
    action: Annotated[Literal["retried", "discarded"], Choice("retried", "discarded")]
    by_digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEvent(Checked):
    """A key was made, replaced or destroyed (a destroyed student's key makes what it sealed unreadable)."""

    kind: ClassVar[str] = "key"
    at: Moment
    event: Word
    purpose: Word
    key: Reference
    school: School | None = None
    student: Reference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure(Checked):
    """A key was destroyed and with it all that it sealed, so that nobody can tell any more whose the ids here are.

    `erasure` is the number on the act of destruction, and no other id in the log. `mark` is derived from the destroyed
    key: a restored backup that still has this key knows by it what to destroy again; to all others it says nothing.
    """

    kind: ClassVar[str] = "erasure"
    at: Moment
    school: School
    erasure: Reference
    why: Word
    mark: Digest
    by_digest: Digest
    counts: Balance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Checked):
    """Somebody was shown what is kept of a person, or took it away as a file. Written before they see it.

    `what` says in which form (`evidence`, `dossier`), `names` whether names stand in it; whose it is, as far as one
    student or one account was asked for: the account by `account_digest`, a keyed digest of its id.
    """

    kind: ClassVar[str] = "look"
    at: Moment
    school: School
    what: Word
    names: Truth
    by_digest: Digest
    student: Reference | None = None
    account_digest: Digest | None = None


Entry = (
    DisclosureIntended
    | DisclosureOutcome
    | LinkIntended
    | LinkOutcome
    | ConsentEvent
    | RunStarted
    | RunEnded
    | HoldEvent
    | DeliveryDecision
    | KeyEvent
    | Erasure
    | Look
)

KINDS: dict[str, type[Entry]] = {
    cls.kind: cls
    for cls in (
        DisclosureIntended,
        DisclosureOutcome,
        LinkIntended,
        LinkOutcome,
        ConsentEvent,
        RunStarted,
        RunEnded,
        HoldEvent,
        DeliveryDecision,
        KeyEvent,
        Erasure,
        Look,
    )
}


def portal_code(text: str) -> str:
    """Return a portal's code as `Rejected` admits it: itself, or `unclear` where it may be more than a code."""
    try:
        _REFERENCE.check(text)
    except MisfitError:
        return UNCLEAR_CODE
    return text


def canonical(entry: Entry) -> bytes:
    """Return the entry as RFC 8785 JSON in UTF-8, without a newline."""
    plain: dict[str, Json] = {"kind": entry.kind, "v": VERSION, **_plain_fields(entry)}
    # With texts and whole numbers only, and keys in ASCII, what orjson writes is the canonical form.
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


def canonical_parts(entry: Entry) -> tuple[bytes, ...]:
    """Return the entry's canonical form, divided where it is longer than the log admits for one entry.

    Raises EntryError when it is too long and has nothing to be divided by.
    """
    whole = canonical(entry)
    if len(whole) <= LARGEST_ENTRY:
        return (whole,)
    if not isinstance(entry, DisclosureIntended | DisclosureOutcome):
        raise _too_long(entry.kind)
    parts = len(whole) // LARGEST_ENTRY + 1
    while True:
        divided = tuple(canonical(part) for part in _divide(entry, parts))
        if all(len(part) <= LARGEST_ENTRY for part in divided):
            return divided
        if parts > _divisible(entry):
            raise _too_long(entry.kind)
        parts += 1


def _divisible(entry: DisclosureIntended | DisclosureOutcome) -> int:
    return len(entry.records if isinstance(entry, DisclosureIntended) else entry.rejected)


def _divide(entry: DisclosureIntended | DisclosureOutcome, parts: int) -> list[Entry]:
    """Return the entry as about `parts` entries, each with its share of the records."""
    share = max(1, -(-_divisible(entry) // parts))
    starts = range(0, _divisible(entry), share)
    divided: list[Entry] = []
    for part, start in enumerate(starts, 1):
        mine = slice(start, start + share)
        if isinstance(entry, DisclosureIntended):
            divided.append(replace(entry, records=entry.records[mine], part=part, parts=len(starts)))
        else:
            divided.append(replace(entry, rejected=entry.rejected[mine], part=part, parts=len(starts)))
    return divided


def _too_long(kind: str) -> EntryError:
    return EntryError(
        f"Запись аудита вида {kind} длиннее {LARGEST_ENTRY} байт и не делится. Запись не сделана.",
        f"An audit entry of kind {kind} is over {LARGEST_ENTRY} bytes and can't be divided. It was not made.",
    )


def parse(line: bytes) -> Entry:
    """Return the entry that one canonical line stands for.

    Raises EntryError for anything that `canonical` would not have written: another kind or version, an unknown or
    missing field, other spacing or order, a number with a fraction, a field that doesn't fit.
    """
    try:
        plain = json.loads(line.decode("utf-8"))
        entry = _read(plain)
    except (ValueError, RecursionError, MisfitError):
        entry = None
    # Another version, order or spacing, a key given twice: whatever the fields don't show, this does.
    if entry is None or canonical(entry) != line:
        raise EntryError(
            "Это не запись аудита в той форме, в какой её пишет эта версия программы.",
            "This is no audit entry in the form that this version of the program writes.",
        )
    return entry


def _read(plain: Json) -> Entry:
    if not isinstance(plain, dict):
        raise MisfitError
    cls = KINDS.get(str(plain.get("kind")))
    if cls is None:
        raise MisfitError
    return cast("Entry", read_fields(cls, plain, beside=_ENVELOPE))
