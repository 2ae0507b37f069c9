"""The wire's names and forms: namespaces, strict parsing, plain values out of XML, faults.

Rules. A message is parsed without DTD, entities, processing instructions (SOAP 1.1 forbids them) or network. A value
is read as its schema type says: tokens are collapsed, a Line or Text is left as it is. What cannot be read raises
`ServiceFaultError`; its message names the place and the rule, never the value.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache

from lxml import etree
from lxml.etree import _Element

DIARY = "urn:diary-exchange:1"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"

_PREFIX = len(DIARY) + 2

LARGEST_WHOLE = 2**63 - 1  # what an INTEGER of SQLite holds

_SPACE = re.compile("[ \t\n\r]+")  # XML's white space; a no-break space is none
_SECOND_IN_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?")


class FaultCode(StrEnum):
    """The portal's words for what is wrong, as the schema spells them."""

    UNKNOWN_BATCH = "UnknownBatch"
    UNKNOWN_SCHOOL = "UnknownSchool"
    UNKNOWN_APPLICATION = "UnknownApplication"
    SCHEMA_VIOLATION = "SchemaViolation"
    BAD_SIGNATURE = "BadSignature"
    NOT_AUTHORIZED = "NotAuthorized"
    TOO_LARGE = "TooLarge"
    THROTTLED = "Throttled"
    MAINTENANCE = "Maintenance"
    INTERNAL = "Internal"


@dataclass(eq=False)
class ServiceFaultError(Exception):
    """A request that ends in a fault; `retry_after` is in seconds. The message holds nothing personal."""

    code: FaultCode
    message: str = ""
    retry_after: int | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def diary(name: str) -> str:
    """Return the qualified tag of the contract's element `name`."""
    return f"{{{DIARY}}}{name}"


def local_name(element: _Element) -> str:
    """Return an element's name without its namespace."""
    return etree.QName(element).localname


def parse(message: bytes) -> _Element:
    """Return the root of a message; raises SchemaViolation for what is no XML or has a DTD or entities."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(message, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "the message is no well-formed XML")
    tree = root.getroottree()
    if tree.docinfo.internalDTD is not None or next(tree.iter(etree.Entity, etree.PI), None) is not None:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "the message has a DTD, entities or instructions")
    return root


def attribute(element: _Element, name: str) -> str | None:
    """Return an attribute as a collapsed token, or None."""
    value = element.get(name)
    return None if value is None else collapse(value)


def required(element: _Element, name: str) -> str:
    """Return an attribute that the schema requires, as a collapsed token."""
    value = element.get(name)
    if value is None:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, f"{name} is missing")
    return collapse(value)


@lru_cache(1 << 14)  # a batch says the same few words a thousand times
def collapse(text: str) -> str:
    """Apply XML Schema's white space rule "collapse"."""
    return _SPACE.sub(" ", text).strip(" ")


def whole(text: str) -> int:
    """Read a whole number; raises SchemaViolation when it is larger than the portal stores."""
    number = int(text)
    if number > LARGEST_WHOLE:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "a number is too large")
    return number


def texts(element: _Element) -> dict[str, str]:
    """Return the texts of all children by local name, as they stand ("" when empty).

    For an element that keeps the schema and was read from canonical bytes: each child comes once, and no comment.
    """
    return {one.tag[_PREFIX:]: one.text or "" for one in element}


@lru_cache(1 << 12)
def day(text: str) -> date:
    """Read an xs:date, its zone left out; raises SchemaViolation outside the years 1 to 9999."""
    match = _DAY.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "a date is out of range") from None


def moment(text: str) -> datetime:
    """Read an xs:dateTime with a zone; raises SchemaViolation where it has none or cannot be stored."""
    try:
        read = datetime.fromisoformat(text.strip(" \t\n\r"))
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "a moment cannot be read or has no zone")
    return read


def moment_text(at: datetime) -> str:
    """Write an instant in UTC with microseconds: as the database and the replies hold it (sorts as time does)."""
    return f"{at.astimezone(UTC).isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


def moment_held(text: str) -> str:
    """Return `moment_text(moment(text))`, of which a second in UTC, the usual form, is written already."""
    at = moment(text)
    return f"{text[:-1]}.000000Z" if _SECOND_IN_UTC.fullmatch(text) else moment_text(at)
