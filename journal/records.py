"""What is handed to the portal and what the portal answers, as values.

Source: `diary-exchange-1.xsd` (element SubmitJournal, type Receipt, elements ListHoldings, PutLink,
EndLink, ListApplications, GetUsage). Ids are opaque strings of the bridge's own. All moments are aware.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from journal.vocabulary import ApplicationStatus, EndReason, RecordKind, Relation, WithdrawReason


class Publish(NamedTuple):
    """One journal record to be shown at the portal; texts as the XSD admits them, weight as decimal text."""

    record_id: str
    revision: int
    student_ref: str
    kind: RecordKind
    subject: str
    date: date
    lesson_number: int | None = None
    value: str | None = None
    weight: str | None = None
    work: str | None = None
    comment: str | None = None
    entered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """One journal record to be taken back from the portal."""

    record_id: str
    revision: int
    reason: WithdrawReason


BatchItem = Publish | Withdraw


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """A batch in the one form in which it is digested and sent; `body` is opaque outside its connector.

    `batch_id` is the contract's digest over the content, so the same body always has the same id.
    """

    school: str
    batch_id: str
    record_count: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Rejection:
    """One record that the portal would not take; `code` is the portal's own word."""

    record_id: str
    code: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The portal's word that a batch was taken; records not in `rejected` are held."""

    batch_id: str
    receipt_id: str
    received_at: datetime
    accepted: int
    duplicate: bool
    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """One record that the portal holds."""

    record_id: str
    revision: int
    student_ref: str


@dataclass(frozen=True, slots=True)
class LinkPut:
    """Opens (or renews) one account's view of one student's records."""

    school: str
    link_id: str
    revision: int
    account_id: str
    student_ref: str
    consent_ref: str
    valid_from: date
    valid_to: date | None
    records_from: date
    records_to: date | None
    kinds: frozenset[RecordKind]


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """Closes one account's view of one student's records."""

    school: str
    link_id: str
    revision: int
    ended_at: datetime
    reason: EndReason


@dataclass(frozen=True, slots=True)
class LinkState:
    """What the portal says of a link after PutLink or EndLink."""

    link_id: str
    revision: int
    active: bool


@dataclass(frozen=True, slots=True)
class PersonName:
    """A person as the portal names them. Personal data: never in a log line."""

    last_name: str
    first_name: str
    middle_name: str | None = None


@dataclass(frozen=True, slots=True)
class PortalApplication:
    """A parent's application as the portal passes it on. Personal data: never in a log line."""

    application_id: str
    sequence: int
    submitted_at: datetime
    relation: Relation
    consent_text_version: str
    account_id: str
    email: str
    account_holder: PersonName
    student: PersonName
    student_birth_date: date
    student_class: str | None = None


@dataclass(frozen=True, slots=True)
class ApplicationPage:
    """Applications with a sequence above the one asked for, oldest first; `last` is the newest that exists."""

    applications: Sequence[PortalApplication]
    last: int


@dataclass(frozen=True, slots=True)
class ApplicationReport:
    """How far an application is, told to the parent."""

    school: str
    application_id: str
    status: ApplicationStatus
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class UsageDay:
    """How often one link was looked at on one day."""

    date: date
    link_id: str
    views: int
