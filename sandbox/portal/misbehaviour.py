"""Switches that make the portal misbehave: a queue in the table `faults`, filled by anybody at any time.

Rules. The oldest row whose operation is the request's or `*` is used by the next request that passed all checks;
`times` counts down, NULL stays until it is cleared. Kinds come in pairs where it matters: `…-before` (nothing was
taken) and `…-after` (all was taken, then the answer went wrong). What a kind does: see `FaultKind`.
"""

import re
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from sandbox.portal.store import writing

EVERY_OPERATION = "*"


class FaultKind(StrEnum):
    """All that can go wrong; `argument` is in seconds where a kind waits, a regular expression where it rejects."""

    TIMEOUT_BEFORE = "timeout-before-taking"  # no reply for `argument` seconds (600), then the connection is cut
    TIMEOUT_AFTER = "timeout-after-taking"
    CUT_BEFORE = "cut-before"  # the connection is cut instead of a reply
    CUT_AFTER = "cut-after"
    HALF_REPLY_AFTER = "half-reply-after"  # cut in the middle of the reply
    THROTTLED = "throttled"  # the fault, with retryAfter = `argument` (1); nothing taken
    MAINTENANCE = "maintenance"  # likewise
    INTERNAL_BEFORE = "internal-before"  # the fault Internal, signed
    INTERNAL_AFTER = "internal-after"
    HTTP_500_BEFORE = "http-500-before"  # a page of HTML, as a proxy sends it
    HTTP_500_AFTER = "http-500-after"
    HTTP_502_BEFORE = "http-502-before"
    HTTP_502_AFTER = "http-502-after"
    HTTP_503_BEFORE = "http-503-before"
    HTTP_503_AFTER = "http-503-after"
    UNSIGNED = "unsigned"  # from here to reject-records: all was taken
    WRONG_SIGNATURE = "wrong-signature"  # the SignatureValue is another
    ALTERED_BODY = "altered-body"  # changed after it was signed
    FOREIGN_CERTIFICATE = "foreign-certificate"  # well signed by somebody unknown
    STALE_TIMESTAMP = "stale-timestamp"  # well signed an hour ago
    REPLY_OF_ANOTHER = "reply-of-another"  # well signed, but it answers another batch, link or application
    OVERSIZE_REPLY = "oversize-reply"  # more than 16 MiB
    REDIRECT = "redirect"  # HTTP 307 to elsewhere; nothing taken
    SLOW = "slow"  # a right reply after `argument` seconds (1)
    TRICKLE = "trickle"  # a right reply, a byte every `argument` seconds (1)
    REJECT_RECORDS = "reject-records"  # SubmitJournal: record ids in which `argument` is found are rejected

    @property
    def takes(self) -> bool:
        """Whether the request is taken before things go wrong."""
        return self not in _TAKES_NOTHING


_TAKES_NOTHING = frozenset(
    {
        FaultKind.TIMEOUT_BEFORE,
        FaultKind.CUT_BEFORE,
        FaultKind.THROTTLED,
        FaultKind.MAINTENANCE,
        FaultKind.INTERNAL_BEFORE,
        FaultKind.HTTP_500_BEFORE,
        FaultKind.HTTP_502_BEFORE,
        FaultKind.HTTP_503_BEFORE,
        FaultKind.REDIRECT,
    }
)


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One use of a switch."""

    kind: FaultKind
    argument: str | None = None

    def seconds(self, otherwise: float) -> float:
        """Return the argument as seconds."""
        return otherwise if self.argument is None else float(self.argument)

    @property
    def rejecting(self) -> re.Pattern[str] | None:
        """The record ids that the portal shall not take; None: it takes all."""
        return re.compile(self.argument or "") if self.kind is FaultKind.REJECT_RECORDS else None


def queue_fault(
    connection: sqlite3.Connection,
    kind: FaultKind | str,
    *,
    operation: str = EVERY_OPERATION,
    times: int | None = 1,
    argument: str | None = None,
) -> None:
    """Add a fault to the end of the queue; raises ValueError for an unknown kind or a useless argument."""
    misbehaviour = Misbehaviour(FaultKind(kind), argument)
    if misbehaviour.kind is FaultKind.REJECT_RECORDS:
        try:
            re.compile(argument or "")
        except re.error:
            raise ValueError("the argument is no regular expression") from None
    elif argument is not None:
        misbehaviour.seconds(0)
    with writing(connection):
        connection.execute(
            "INSERT INTO faults (operation, fault, times, argument) VALUES (?, ?, ?, ?)",
            (operation, str(misbehaviour.kind), times, argument),
        )


def clear_faults(connection: sqlite3.Connection) -> None:
    """Let the portal behave again."""
    with writing(connection):
        connection.execute("DELETE FROM faults")


def next_fault(connection: sqlite3.Connection, operation: str) -> Misbehaviour | None:
    """Use up one turn of the oldest fault that concerns `operation`; None when the portal shall behave.

    The queue is looked into without a lock first: a portal that behaves writes nothing here.
    """
    if connection.execute("SELECT 1 FROM faults LIMIT 1").fetchone() is None:
        return None
    with writing(connection):
        row = connection.execute(
            "SELECT * FROM faults WHERE operation IN (?, ?) AND (times IS NULL OR times > 0) ORDER BY id LIMIT 1",
            (operation, EVERY_OPERATION),
        ).fetchone()
        if row is None:
            return None
        if row["times"] == 1:
            connection.execute("DELETE FROM faults WHERE id = ?", (row["id"],))
        else:
            connection.execute("UPDATE faults SET times = times - 1 WHERE id = ?", (row["id"],))
    return Misbehaviour(FaultKind(row["fault"]), row["argument"])
