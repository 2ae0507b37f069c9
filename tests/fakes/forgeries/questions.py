"""The eight questions that a portal is asked, each with its right answer and a lie of the same shape."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from fakes.reply_signing import DIARY

from connectors.portal.soap_portal import SoapPortal
from journal.portal import Resend
from journal.records import ApplicationReport, LinkEnd, LinkPut, Withdraw
from journal.vocabulary import ALL_KINDS, ApplicationStatus, EndReason, WithdrawReason

SCHOOL = "0252"
MADE = datetime(2026, 10, 1, 12, 30, tzinfo=UTC)
BATCH = "PLACE-OF-THE-BATCH-ID"


@dataclass(frozen=True, slots=True)
class Question:
    """`answer` is the payload of the true reply, `lie` one of its shape; `resend` is what a lost reply means."""

    name: str
    ask: Callable[[SoapPortal], object]
    answer: bytes
    lie: bytes
    resend: Resend

    def __str__(self) -> str:
        return self.name


def _receipt(operation: str, receipt: str) -> str:
    return (
        f'<{operation}Response xmlns="{DIARY}" batchId="{BATCH}" receiptId="{receipt}" '
        f'receivedAt="2026-10-01T12:30:05Z" accepted="1" duplicate="false"/>'
    )


def _holdings(record: str) -> str:
    return (
        f'<ListHoldingsResponse xmlns="{DIARY}"><holding recordId="{record}" revision="1" studentRef="s"/>'
        "</ListHoldingsResponse>"
    )


def _applications(name: str) -> str:
    return (
        f'<ListApplicationsResponse xmlns="{DIARY}" last="7"><application applicationId="ap-7" sequence="7" '
        f'submittedAt="2026-10-01T08:00:00Z" relation="parent" consentTextVersion="1">'
        f'<account accountId="a" email="e@e.example"><lastName>{name}</lastName><firstName>A</firstName></account>'
        f'<student birthDate="2015-02-03"><lastName>{name}</lastName><firstName>B</firstName></student>'
        "</application></ListApplicationsResponse>"
    )


def _link(operation: str, revision: int, active: str) -> str:
    return f'<{operation}Response xmlns="{DIARY}" linkId="l-1" revision="{revision}" active="{active}"/>'


def _usage(views: int) -> str:
    return f'<GetUsageResponse xmlns="{DIARY}"><day date="2026-09-01" linkId="l-1" views="{views}"/></GetUsageResponse>'


def questions(portal: SoapPortal) -> dict[str, Question]:
    """Return the questions by the contract's names; the batch is prepared by `portal`."""
    batch = portal.prepare(SCHOOL, [Withdraw("r-1", 2, WithdrawReason.DELETED)], MADE)
    put = LinkPut(SCHOOL, "l-1", 3, "a-1", "s-1", "c-1", date(2026, 9, 1), None, date(2026, 9, 1), None, ALL_KINDS)
    end = LinkEnd(SCHOOL, "l-1", 4, MADE, EndReason.CONSENT_WITHDRAWN)
    report = ApplicationReport(SCHOOL, "ap-1", ApplicationStatus.RECEIVED, MADE)
    told = f'<ReportApplicationResponse xmlns="{DIARY}" applicationId="ap-1"/>'
    changes, asks = Resend.UNKNOWN, Resend.RETRYABLE
    made = (
        ("SubmitJournal", lambda p: p.submit(batch), _receipt("SubmitJournal", "rc-1"),
         _receipt("SubmitJournal", "forged"), changes),
        ("GetReceipt", lambda p: p.receipt(SCHOOL, batch.batch_id), _receipt("GetReceipt", "rc-1"),
         _receipt("GetReceipt", "forged"), asks),
        ("ListHoldings", lambda p: list(p.holdings(SCHOOL)), _holdings("r-1"), _holdings("forged"), asks),
        ("ListApplications", lambda p: p.applications(SCHOOL, 0), _applications("Honest"), _applications("Forged"),
         asks),
        ("ReportApplication", lambda p: p.report_application(report), told, told, changes),
        ("PutLink", lambda p: p.put_link(put), _link("PutLink", 3, "true"), _link("PutLink", 9, "true"), changes),
        ("EndLink", lambda p: p.end_link(end), _link("EndLink", 4, "false"), _link("EndLink", 9, "false"), changes),
        ("GetUsage", lambda p: p.usage(SCHOOL, date(2026, 9, 1), date(2026, 9, 2)), _usage(1), _usage(99), asks),
    )  # fmt: skip
    return {
        name: Question(name, ask, *(text.replace(BATCH, batch.batch_id).encode() for text in (answer, lie)), resend)
        for name, ask, answer, lie, resend in made
    }
