"""Whether a receipt may be believed. Pure.

Rules. A receipt speaks of the batch that was sent, of each of its records once: it accepts so many, and names those
that it rejects. One whose numbers do not add up, that rejects a record twice or one that was not sent, says nothing
that could be relied on: the outcome counts as unknown, however well the reply was signed.
"""

from collections.abc import Collection
from typing import Literal

from journal.portal import PortalError, Resend
from journal.records import Receipt

DOUBTFUL = "receipt-doubtful"
"""The code of an outcome that stays unknown because the portal's receipt contradicts itself or the batch."""

Doubt = Literal["stranger", "twice", "sum"]


def doubt(receipt: Receipt, sent: Collection[str]) -> Doubt | None:
    """Say what is wrong with a receipt for a batch of the records `sent` (ids, each once); None: nothing is."""
    rejected = [rejection.record_id for rejection in receipt.rejected]
    if not set(rejected) <= set(sent):
        return "stranger"
    if len(set(rejected)) < len(rejected):
        return "twice"
    return "sum" if receipt.accepted + len(rejected) != len(sent) else None


def doubted(why: Doubt) -> PortalError:
    """Return the error of a receipt that is not believed: its outcome is unknown."""
    return PortalError(DOUBTFUL, Resend.UNKNOWN, detail=why)
