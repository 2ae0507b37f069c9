"""The portal over SOAP: `journal.portal.Portal` by the contract diary-exchange-1.

Rules. A call is: payload, sealed, posted once, opened, read. What a failure means for sending again follows from
where it happened. Nothing left: retryable. Something left and no trustworthy answer came: unknown for what changes
the portal, retryable for what only asks. A fault is believed only when signed: Throttled and Maintenance are
retryable; Internal is unknown until GetReceipt says UnknownBatch; the others are final. An answer has to echo what was
asked: the batch's id, the application's, the link's with a revision that is not older.
Deliberately not here: waiting and repeating (`delivery`).
"""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.message import Message
from typing import TypeVar
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from connectors.portal import batch as batches
from connectors.portal import messages
from connectors.portal.canonical import BLANK_BITS
from connectors.portal.contract_schema import DIARY, MalformedXmlError
from connectors.portal.exchange import BrokenExchangeError, Exchange, HttpReply
from connectors.portal.expiry import Expiry, passed
from connectors.portal.keyring import Keyring, Keys, Reread, Texts
from connectors.portal.messages import InvalidMessageError, Messages
from connectors.portal.reply import TrustedReply, open_reply
from connectors.portal.signing import seal
from connectors.portal.suite import CONTRACT, Suite
from connectors.portal.verifying import StaleReplyError, UntrustedReplyError
from journal.portal import PortalError, Resend
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
from journal.wording import BridgeError, Wording

_T = TypeVar("_T")

log = structlog.get_logger("dnevnik.portal")

HOLDINGS_PAGE = 10_000
MOST_APPLICATIONS = 500
LONGEST_USAGE_DAYS = 62
LONGEST_RETRY_AFTER = 86_400
_OK = 200
_BLANK = re.compile(r"[\s\x00-\x1f]")
_PLEASE_WAIT = frozenset({429, 503})

_DESCRIPTION = "wsdl"
_READING = frozenset({"GetReceipt", "ListHoldings", "ListApplications", "GetUsage", _DESCRIPTION})
_RETRYABLE_FAULTS = frozenset({"Throttled", "Maintenance"})

_NOT_HTTPS = Wording(
    ru="[portal] url: ожидается адрес вида https://узел:порт/путь",
    en="[portal] url: expected an address of the form https://host:port/path",
)


@dataclass(frozen=True, slots=True)
class PortalConnection:
    """How to reach and whom to believe: PEM texts, time-outs in seconds, the bridge's clock (aware).

    `reread` has, by their names here, what returns the three texts anew; what has none stays what it is.
    """

    url: str
    client_certificate: bytes = field(repr=False)
    signing_key: bytes = field(repr=False)
    authorities: bytes = field(repr=False)
    connect_timeout: float
    reply_timeout: float
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)
    reread: Reread | None = field(default=None, repr=False)


class SoapPortal:
    """The eight operations over SOAP. Safe to call from several threads; each keeps a connection of its own.

    `clock_difference` is the portal's clock minus the bridge's as the newest believed reply told; None before one.
    `portal_signer` is the certificate (DER) that signed it; `key_trouble` says why a replaced key is not in use.
    """

    def __init__(
        self, settings: PortalConnection, suite: Suite = CONTRACT, *, draw: Callable[[int], int] = secrets.randbits
    ) -> None:
        """Read keys and certificates; connects to nothing. Raises BridgeError naming the setting that is wrong.

        `draw` gives so many random bits, known to nobody.
        """
        self._draw = draw
        texts = Texts(settings.client_certificate, settings.signing_key, settings.authorities)
        self._verifier = suite.verifier
        self._now = settings.now
        self._keyring = Keyring(texts, suite, settings.reread, settings.now)
        self.clock_difference: timedelta | None = None
        self.portal_signer = b""
        self._messages = Messages()
        self._exchange = Exchange(
            checked_url(settings.url),
            self._keyring.current().context,
            connect_timeout=settings.connect_timeout,
            reply_timeout=settings.reply_timeout,
        )

    @property
    def key_trouble(self) -> BridgeError | None:
        """Why a key that was replaced is not in use: the old one goes on. None when all are."""
        return self._keyring.trouble

    def expiring(self) -> Sequence[Expiry]:
        """Return which certificates in use are over soon, nearest first."""
        return self._keyring.expiring()

    def prepare(self, school: str, items: Sequence[BatchItem], created_at: datetime) -> PreparedBatch:
        """Give a batch its final form and an id that nobody can make out of its content alone; sends nothing.

        Raises UnsendableRecordsError or BatchTooLargeError; ValueError for no records or a naive `created_at`.
        """
        return batches.prepare(school, items, created_at, self._draw(BLANK_BITS))

    def submit(self, batch: PreparedBatch) -> Receipt:
        """SubmitJournal. Raises PortalError."""
        if not batches.intact(batch):
            raise PortalError("batch-damaged", Resend.FINAL, detail="the stored body is not the one of this id")
        element = self._ask("SubmitJournal", batch.body)
        return self._receipt("SubmitJournal", element, batch.batch_id)

    def receipt(self, school: str, batch_id: str) -> Receipt | None:
        """GetReceipt; None when the portal says that it never took the batch. Raises PortalError."""
        request = self._request("GetReceipt", school=school, batchId=batch_id)
        try:
            element = self._ask("GetReceipt", request)
        except PortalError as error:
            if error.code != "UnknownBatch":
                raise
            return None
        return self._receipt("GetReceipt", element, batch_id)

    def holdings(self, school: str) -> Iterator[Holding]:
        """ListHoldings, all pages, ordered by record id. Raises PortalError, also between two pages."""
        token: str | None = None
        seen: set[str | None] = set()
        while token not in seen:
            seen.add(token)
            request = self._request("ListHoldings", school=school, pageToken=token, pageSize=HOLDINGS_PAGE)
            page, token = messages.holdings(self._ask("ListHoldings", request))
            yield from page
            if token is None:
                return
        raise PortalError("reply-malformed", Resend.RETRYABLE, detail="ListHoldings: a page token came twice")

    def applications(self, school: str, after: int, limit: int = MOST_APPLICATIONS) -> ApplicationPage:
        """ListApplications. Raises PortalError."""
        request = self._request("ListApplications", school=school, after=after, limit=min(limit, MOST_APPLICATIONS))
        page = self._read("ListApplications", request, messages.application_page)
        sequences = [application.sequence for application in page.applications]
        if sequences != sorted(set(sequences)) or any(sequence <= after for sequence in sequences):
            raise PortalError("reply-malformed", Resend.RETRYABLE, detail="ListApplications: not above, oldest first")
        return page

    def report_application(self, report: ApplicationReport) -> None:
        """ReportApplication; the same report twice is no error. Raises PortalError."""
        request = self._request(
            "ReportApplication",
            school=report.school,
            applicationId=report.application_id,
            status=str(report.status),
            at=_utc(report.at),
            reason=report.reason,
        )
        told = self._read("ReportApplication", request, lambda value: _as_text(value, "applicationId"))
        _echoed(told, report.application_id, "ReportApplication")

    def put_link(self, link: LinkPut) -> LinkState:
        """PutLink; a revision not newer than the held one changes nothing. Raises PortalError."""
        request = self._request(
            "PutLink",
            school=link.school,
            linkId=link.link_id,
            revision=link.revision,
            accountId=link.account_id,
            studentRef=link.student_ref,
            consentRef=link.consent_ref,
            validFrom=link.valid_from,
            validTo=link.valid_to,
            recordsFrom=link.records_from,
            recordsTo=link.records_to,
            kinds=sorted(str(kind) for kind in link.kinds),
        )
        return self._link("PutLink", request, link)

    def end_link(self, link: LinkEnd) -> LinkState:
        """EndLink; a revision not newer than the held one changes nothing. Raises PortalError."""
        request = self._request(
            "EndLink",
            school=link.school,
            linkId=link.link_id,
            revision=link.revision,
            endedAt=_utc(link.ended_at),
            reason=str(link.reason),
        )
        return self._link("EndLink", request, link)

    def usage(self, school: str, first: date, last: date) -> Sequence[UsageDay]:
        """GetUsage, 62 days at most, both days included. Raises PortalError."""
        if not 0 <= (last - first).days < LONGEST_USAGE_DAYS:
            raise PortalError("too-many-days", Resend.FINAL, detail="GetUsage: 1 to 62 days")
        request = self._request("GetUsage", **{"school": school, "from": first, "to": last})
        return self._read("GetUsage", request, lambda value: list(messages.usage_days(value)))

    def reach(self) -> HttpReply:
        """Ask for the service's description: what answers is not judged. Raises PortalError."""
        self._exchange.use(self._keyring.current().context)
        try:
            return self._exchange.get(_DESCRIPTION)
        except BrokenExchangeError as error:
            failure = _not_answered(error, _DESCRIPTION)
        raise failure

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    # a call, from payload to payload

    def _request(self, operation: str, **fields: object) -> bytes:
        try:
            return self._messages.request(operation, **fields)
        except InvalidMessageError as error:
            refusal = PortalError("request-invalid", Resend.FINAL, detail=str(error))
        raise refusal

    def _ask(self, operation: str, payload: bytes) -> etree._Element:
        """Send, and return the valid element that the portal signed in answer. Raises PortalError."""
        keys = self._keyring.current()
        self._exchange.use(keys.context)
        message = seal(payload, keys.provider, self._now())
        try:
            http = self._exchange.post(message, f"{DIARY}#{operation}")
        except BrokenExchangeError as error:
            failure = _not_answered(error, operation)
        else:
            opened = self._open(http, operation, keys)
            if not isinstance(opened, PortalError):
                return opened
            failure = opened
        raise failure

    def _open(self, http: HttpReply, operation: str, keys: Keys) -> etree._Element | PortalError:
        try:
            trusted = self._trusted(http, keys)
            told = messages.fault(trusted.payload)
            if told is not None:
                return _told(told, operation)
            if http.status == _OK:
                return messages.expected(trusted.payload, operation)
        except MalformedXmlError as error:
            code, why = "reply-malformed", str(error)
        except InvalidMessageError as error:
            code, why = "reply-malformed", str(error)
        except StaleReplyError as error:  # so is a fault's, where a clock is wrong: its HTTP status says nothing then
            return PortalError("reply-untrusted", _broken_off(operation), detail=f"{operation}: {error}")
        except UntrustedReplyError as error:
            code, why = "reply-untrusted", str(error)
        else:
            code, why = "reply-malformed", "no fault, yet not the status of an answer"
        if http.status != _OK:
            return PortalError(f"http-{http.status}", _broken_off(operation), _retry_after(http), f"{operation}: {why}")
        return PortalError(code, _broken_off(operation), detail=f"{operation}: {why}")

    def _trusted(self, http: HttpReply, keys: Keys) -> TrustedReply:
        if not _is_xml(http.headers.get("Content-Type", "text/xml")):
            raise MalformedXmlError("not text/xml in UTF-8")
        now = self._now()
        trusted = open_reply(http.body, keys.authorities, now, never=keys.own, verifier=self._verifier)
        self.clock_difference = trusted.created - now
        signer = trusted.certificate.public_bytes(Encoding.DER)
        if signer != self.portal_signer:
            self.portal_signer = signer
            within = passed(trusted.certificate.not_valid_after_utc, now)
            if within is not None:
                log.warning("the portal's certificate is over soon", code=f"certificate-{within}-days", place="portal")
        return trusted

    def _read(self, operation: str, request: bytes, convert: Callable[[object], _T]) -> _T:
        return self._converted(operation, self._ask(operation, request), convert)

    def _converted(self, operation: str, element: etree._Element, convert: Callable[[object], _T]) -> _T:
        try:
            return convert(self._messages.read(operation, element))
        except (InvalidMessageError, ValueError) as error:
            why = str(error) if isinstance(error, InvalidMessageError) else type(error).__name__
        raise PortalError("reply-malformed", _broken_off(operation), detail=f"{operation}: {why}")

    def _receipt(self, operation: str, element: etree._Element, batch_id: str) -> Receipt:
        receipt = self._converted(operation, element, messages.receipt)
        _echoed(receipt.batch_id, batch_id, operation)
        return receipt

    def _link(self, operation: str, request: bytes, link: LinkPut | LinkEnd) -> LinkState:
        state = self._read(operation, request, messages.link_state)
        _echoed(state.link_id, link.link_id, operation)
        if state.revision < link.revision:  # the portal holds this one or a newer: an older is an earlier answer
            raise PortalError("reply-untrusted", _broken_off(operation), detail=f"{operation}: an earlier reply")
        return state


def checked_url(url: str) -> str:
    """Return the address as it is, if it is one that can be posted to. Raises BridgeError `portal-url`."""
    if not _is_https(url):
        raise BridgeError("portal-url", _NOT_HTTPS)
    return url


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    extra = parts.query or parts.fragment or parts.username or parts.password or port == 0
    return parts.scheme == "https" and bool(parts.hostname) and not extra and not _BLANK.search(url)


def _is_xml(content_type: str) -> bool:
    """Tell whether a Content-Type is SOAP 1.1's, in the one encoding that is read."""
    message = Message()
    message["Content-Type"] = content_type
    charset = str(message.get_param("charset", "utf-8")).lower()
    return message.get_content_type() == "text/xml" and charset in {"utf-8", "utf8", "us-ascii"}


def _not_answered(error: BrokenExchangeError, operation: str) -> PortalError:
    if error.lasting:
        return PortalError(error.code, Resend.FINAL, detail=f"{operation}: {error.detail}")
    resend = _broken_off(operation) if error.sent else Resend.RETRYABLE
    return PortalError(error.code, resend, detail=f"{operation}: {error.detail}")


def _told(fault: messages.ServiceFault, operation: str) -> PortalError:
    if fault.code in _RETRYABLE_FAULTS:
        wait = None if fault.retry_after is None else min(fault.retry_after, LONGEST_RETRY_AFTER)
        return PortalError(fault.code, Resend.RETRYABLE, wait, detail=operation)
    resend = _broken_off(operation) if fault.code == "Internal" else Resend.FINAL
    return PortalError(fault.code, resend, detail=operation)


def _broken_off(operation: str) -> Resend:
    """Return what the lack of a trustworthy answer means for sending again: asking twice changes nothing."""
    return Resend.RETRYABLE if operation in _READING else Resend.UNKNOWN


def _retry_after(http: HttpReply) -> int | None:
    """Return a proxy's or server's own request to wait, in seconds; a date there is not heeded."""
    text = http.headers.get("Retry-After", "")
    if http.status not in _PLEASE_WAIT or not (text.isascii() and text.isdigit()):
        return None
    return min(int(text[:9]), LONGEST_RETRY_AFTER)


def _echoed(told: str, asked: str, operation: str) -> None:
    if told != asked:
        raise PortalError("reply-untrusted", _broken_off(operation), detail=f"{operation}: the reply to another")


def _as_text(value: object, name: str) -> str:
    return str(getattr(value, name, value))


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a zone")
    return moment.astimezone(UTC)
