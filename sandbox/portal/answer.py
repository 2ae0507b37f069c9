"""The form of an answer: a signed envelope, a fault, an HTTP answer and how it is to be delivered.

Rules. Every SOAP reply is signed, faults too. An `Answer` knows no socket: it only says what shall happen there.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from lxml import etree
from lxml.etree import _Element

from sandbox.authority import Credential
from sandbox.portal.security import envelope_around, sign
from sandbox.portal.soap import DIARY, SOAP, FaultCode, ServiceFaultError, diary

OK, FAULT = 200, 500
SOAP_TYPE = 'text/xml; charset="utf-8"'

_SERVER_FAULTS = frozenset({FaultCode.THROTTLED, FaultCode.MAINTENANCE, FaultCode.INTERNAL})
_LONGEST_LINE = 500  # the schema's type Line


class Delivery(Enum):
    """How an answer leaves the portal."""

    WHOLE = "whole"
    NEVER = "never"  # the client waits in vain, then the connection is cut
    CUT = "cut"
    HALF = "half"
    TRICKLE = "trickle"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `pause` is the seconds before it is delivered, or between its bytes when it trickles."""

    status: int = OK
    body: bytes = field(default=b"", repr=False)
    content_type: str = SOAP_TYPE
    delivery: Delivery = Delivery.WHOLE
    pause: float = 0.0
    location: str | None = None


def sealed(payload: _Element, signing: Credential, now: datetime) -> bytes:
    """Return a signed message around `payload`."""
    envelope = envelope_around(payload)
    sign(envelope, signing, now)
    return written(envelope)


def written(envelope: _Element) -> bytes:
    """Return an envelope as it goes over the wire."""
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def fault_element(fault: ServiceFaultError) -> _Element:
    """Return the SOAP fault that carries `fault` as the contract's ServiceFault."""
    element = etree.Element(f"{{{SOAP}}}Fault", nsmap={"soap": SOAP})
    side = "Server" if fault.code in _SERVER_FAULTS else "Client"
    etree.SubElement(element, "faultcode").text = f"soap:{side}"
    etree.SubElement(element, "faultstring").text = str(fault.code)
    detail = etree.SubElement(etree.SubElement(element, "detail"), diary("ServiceFault"), nsmap={"d": DIARY})
    detail.set("code", str(fault.code))
    if fault.message:
        detail.set("message", fault.message[:_LONGEST_LINE])
    if fault.retry_after is not None:
        detail.set("retryAfter", str(fault.retry_after))
    return element
