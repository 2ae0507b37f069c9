"""The portal as the rest of the bridge knows it: a Protocol, and errors that say whether to send again.

Rules. Every failure of a call is a `PortalError` whose `resend` is one of three words:
`RETRYABLE` (the portal said that it did not take the message: wait `retry_after`, send again),
`FINAL` (this very message will never be taken), `UNKNOWN` (the call broke off: it may have been taken;
only `receipt` tells). An implementation never retries by itself: delivery decides.
Implemented by `connectors.portal` (SOAP) and, in tests, by a portal in memory; one contract test runs on both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from journal.records import (
    ApplicationPage,
    ApplicationReport,
    BatchItem,
    Holding,
    LinkEnd,
    LinkPut,
    LinkState,
    PreparedBatch,
    Receipt,
    UsageDay,
)


class Resend(StrEnum):
    """Whether a message that failed may be sent again."""

    RETRYABLE = "retryable"
    FINAL = "final"
    UNKNOWN = "unknown"


@dataclass(eq=False)
class PortalError(Exception):
    """A call that did not end in the promised answer.

    `code` is the portal's fault code (Throttled, Maintenance, Internal, SchemaViolation, …) or the
    bridge's own word for what broke (timeout, connection, tls, certificate-expired and the like for the portal's,
    certificate-refused for the bridge's, reply-untrusted, reply-malformed, http-500).
    `detail` is technical and free of personal data. `retry_after` is in seconds, when the portal said so.
    """

    code: str
    resend: Resend
    retry_after: int | None = None
    detail: str = ""

    @property
    def said_by_portal(self) -> bool:
        """Tell whether the portal itself said so (its codes are capitalised), not a call that broke."""
        return self.code[:1].isupper()

    def __str__(self) -> str:
        return f"portal error {self.code} ({self.resend}){': ' + self.detail if self.detail else ''}"


@dataclass(eq=False)
class UnsendableRecordsError(Exception):
    """Records that the portal's schema does not admit: record id → why, in technical words without values."""

    problems: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{len(self.problems)} records do not fit the portal's schema"


class BatchTooLargeError(Exception):
    """The batch is over the portal's limit of records or bytes: divide it."""


class Portal(Protocol):
    """The eight operations of diary-exchange-1. Safe to call from several threads."""

    def prepare(self, school: str, items: Sequence[BatchItem], created_at: datetime) -> PreparedBatch:
        """Give a batch its final form and id; sends nothing.

        Raises UnsendableRecordsError or BatchTooLargeError.
        """
        ...

    def submit(self, batch: PreparedBatch) -> Receipt:
        """SubmitJournal. Raises PortalError."""
        ...

    def receipt(self, school: str, batch_id: str) -> Receipt | None:
        """GetReceipt; None when the portal says that it never took the batch. Raises PortalError."""
        ...

    def holdings(self, school: str) -> Iterator[Holding]:
        """ListHoldings, all pages, ordered by record id. Raises PortalError."""
        ...

    def applications(self, school: str, after: int, limit: int = 500) -> ApplicationPage:
        """ListApplications. Raises PortalError."""
        ...

    def report_application(self, report: ApplicationReport) -> None:
        """ReportApplication; the same report twice is no error. Raises PortalError."""
        ...

    def put_link(self, link: LinkPut) -> LinkState:
        """PutLink; a revision not newer than the held one changes nothing. Raises PortalError."""
        ...

    def end_link(self, link: LinkEnd) -> LinkState:
        """EndLink; a revision not newer than the held one changes nothing. Raises PortalError."""
        ...

    def usage(self, school: str, first: date, last: date) -> Sequence[UsageDay]:
        """GetUsage, 62 days at most. Raises PortalError."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
