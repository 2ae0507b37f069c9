"""The small operations as messages: zeep writes and reads them by the pinned WSDL, and never touches the network.

Rules. A request leaves here only when it is valid by the schema (zeep itself sends a wrong date unasked); a reply's
element comes in only after its signature was verified, and is validated before anything reads it. zeep's transport
serves the package's two files and nothing else. Bulk messages don't pass here: SubmitJournal is written by `batch`,
the pages of ListHoldings are read straight from their elements, for zeep takes several times as long.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import zeep
import zeep.exceptions
from lxml import etree

from connectors.portal.contract_schema import DIARY, SCHEMA_NAME, SOAP, WSDL_NAME, contract_text, violations
from journal.records import (
    ApplicationPage,
    Holding,
    LinkState,
    PersonName,
    PortalApplication,
    Receipt,
    Rejection,
    UsageDay,
)
from journal.vocabulary import Relation

_BINDING = f"{{{DIARY}}}DiaryExchangeSoap"
_PLACE = "file:///contract/"
_BLANKS = re.compile(r"[ \t\r\n]+")
# what a number of the portal may be at most here: enough for any count of theirs, small enough for any database
_LARGEST_NUMBER = 2**62

# at DEBUG these two write whole envelopes, and with them names and marks, into the log
for _talkative in ("zeep", "signxml"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)


class InvalidMessageError(Exception):
    """A message that breaks the contract; the text names elements and rules, never values."""


@dataclass(frozen=True, slots=True)
class ServiceFault:
    """The portal's fault: its code, and after how many seconds to try again, when it said so."""

    code: str
    retry_after: int | None


class _PackageTransport:
    """What zeep loads documents by: only the contract's own files exist."""

    def load(self, url: str) -> bytes:
        """Return one of the contract's two files. Raises FileNotFoundError."""
        names = {f"{_PLACE}{name}": name for name in (WSDL_NAME, SCHEMA_NAME)}
        if url not in names:
            raise FileNotFoundError("a document outside the contract")
        return contract_text(names[url])


class Messages:
    """Writes requests and reads replies. Safe to call from several threads once made."""

    def __init__(self) -> None:
        self._client = zeep.Client(f"{_PLACE}{WSDL_NAME}", transport=_PackageTransport())  # type: ignore[no-untyped-call]  # zeep has no types
        self._service = self._client.create_service(_BINDING, "")  # type: ignore[no-untyped-call]  # zeep has no types
        self._binding = self._client.wsdl.bindings[_BINDING]

    def request(self, operation: str, **fields: object) -> bytes:
        """Return the request's element in exclusive canonical form. Raises InvalidMessageError."""
        given = {name: value for name, value in fields.items() if value is not None}
        try:
            envelope = self._client.create_message(self._service, operation, **given)  # type: ignore[no-untyped-call]  # zeep has no types
        except (zeep.exceptions.Error, ValueError, TypeError) as error:
            problem = f"{operation}: {type(error).__name__}"
        else:
            element = next(envelope.find(f"{{{SOAP}}}Body").iterchildren("*"))
            _hold_to_schema(element, operation)
            return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
        raise InvalidMessageError(problem)

    def read(self, operation: str, element: etree._Element) -> Any:  # noqa: ANN401  zeep's values have no types
        """Return zeep's value of a reply that `expected` let through. Raises InvalidMessageError."""
        envelope = etree.Element(f"{{{SOAP}}}Envelope")
        etree.SubElement(envelope, f"{{{SOAP}}}Body").append(element)
        try:
            return self._binding.get(operation).process_reply(envelope)  # type: ignore[no-untyped-call]  # zeep has no types
        except Exception as error:  # noqa: BLE001  zeep raises anything; its message may hold what it read
            problem = f"{operation}Response: {type(error).__name__}"
        raise InvalidMessageError(problem)


def expected(element: etree._Element, operation: str) -> etree._Element:
    """Return the element if it is the valid reply to `operation`. Raises InvalidMessageError."""
    if element.tag != f"{{{DIARY}}}{operation}Response":
        raise InvalidMessageError(f"not the reply to {operation}")
    _hold_to_schema(element, f"{operation}Response")
    return element


def fault(element: etree._Element) -> ServiceFault | None:
    """Return the portal's fault, None when the element is none. Raises InvalidMessageError for a fault of others."""
    if element.tag != f"{{{SOAP}}}Fault":
        return None
    found = element.findall(f"detail/{{{DIARY}}}ServiceFault")
    if len(found) != 1:
        raise InvalidMessageError("a fault without the contract's detail")
    _hold_to_schema(found[0], "ServiceFault")
    retry_after = found[0].get("retryAfter")
    return ServiceFault(_token(found[0].get("code", "")), None if retry_after is None else _number(retry_after))


def holdings(element: etree._Element) -> tuple[list[Holding], str | None]:
    """Return a page of what the portal holds, and the token of the next."""
    page = [
        Holding(held.get("recordId", ""), _number(held.get("revision", "")), held.get("studentRef", ""))
        for held in element.iterchildren(f"{{{DIARY}}}holding")
    ]
    return page, element.get("nextPageToken")


# `value` below is what zeep made of a valid element: attributes by their names, moments and dates as Python's


def receipt(value: Any) -> Receipt:  # noqa: ANN401  zeep's values have no types
    """Return a receipt."""
    return Receipt(
        batch_id=value.batchId,
        receipt_id=value.receiptId,
        received_at=_moment(value.receivedAt),
        accepted=int(value.accepted),
        duplicate=bool(value.duplicate),
        rejected=tuple(Rejection(r.recordId, _token(r.code), r.message) for r in value.rejected or ()),
    )


def link_state(value: Any) -> LinkState:  # noqa: ANN401  likewise
    """Return what the portal says of a link."""
    return LinkState(value.linkId, int(value.revision), bool(value.active))


def application_page(value: Any) -> ApplicationPage:  # noqa: ANN401  likewise
    """Return a page of applications."""
    return ApplicationPage([_application(one) for one in value.application or ()], int(value.last))


def usage_days(value: Any) -> Iterator[UsageDay]:  # noqa: ANN401  likewise; zeep unwraps the reply to a list
    """Return the rows of GetUsage."""
    return (UsageDay(_date(row.date), row.linkId, int(row.views)) for row in value or ())


def _application(value: Any) -> PortalApplication:  # noqa: ANN401  likewise
    return PortalApplication(
        application_id=value.applicationId,
        sequence=int(value.sequence),
        submitted_at=_moment(value.submittedAt),
        relation=Relation(_token(value.relation)),
        consent_text_version=_token(value.consentTextVersion),
        account_id=value.account.accountId,
        email=_token(value.account.email),
        account_holder=_person(value.account),
        student=_person(value.student),
        student_birth_date=_date(value.student.birthDate),
        student_class=None if value.student.className is None else _token(value.student.className),
    )


def _person(value: Any) -> PersonName:  # noqa: ANN401  likewise
    middle = None if value.middleName is None else _token(value.middleName)
    return PersonName(_token(value.lastName), _token(value.firstName), middle)


def _token(text: str) -> str:
    """Collapse blanks as xs:token means it; zeep hands them over as they stood."""
    return _BLANKS.sub(" ", text).strip(" ")


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidMessageError("a moment without zone")
    return value


def _date(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise InvalidMessageError("a date that is none")
    return value


def _number(text: str) -> int:
    return min(int(text), _LARGEST_NUMBER)


def _hold_to_schema(element: etree._Element, name: str) -> None:
    found = violations(element)
    if found:
        raise InvalidMessageError(f"{name}: {'; '.join(dict.fromkeys(map(str, found)))}")
