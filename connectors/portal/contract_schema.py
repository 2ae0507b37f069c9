"""The contract's schema and namespaces, and the one parser for XML that came from outside.

Rules. Schema and WSDL are read from this package only. The parser resolves no entity, loads no DTD, opens no
network and keeps libxml2's size limits; UTF-8 is the only encoding, whatever a document says of itself (its bytes are
counted before it is parsed, so they have to mean what they look like); a document with a DTD or a processing
instruction is refused (SOAP 1.1, section 3). Violations name elements and rules, never values: they may end in a log.
"""

import re
import threading
from dataclasses import dataclass
from importlib.resources import files

from lxml import etree

DIARY = "urn:diary-exchange:1"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
X509V3 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"

WSDL_NAME = "diary-exchange-1.wsdl"
SCHEMA_NAME = "diary-exchange-1.xsd"

_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]{0,100}?encoding\s*=\s*[\"']([^\"'>]{0,40})")
_UTF_8 = frozenset({b"utf-8", b"utf8", b"us-ascii"})
_NAMES = re.compile(r"Element '(?:\{[^}]*\})?([\w.-]+)'(?:, attribute '(?:\{[^}]*\})?([\w.-]+)')?")
_own = threading.local()


class MalformedXmlError(Exception):
    """A document that is not well-formed, or is in a form that SOAP forbids; the text says which, without content."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a document breaks the schema: the element or attribute's name, and the rule's."""

    place: str
    rule: str

    def __str__(self) -> str:
        return f"{self.place}: {self.rule}"


def contract_text(name: str) -> bytes:
    """Return a file of the contract as it lies in the package."""
    return (files("connectors.portal") / "contract" / name).read_bytes()


def parse_untrusted(data: bytes) -> etree._Element:
    """Return the document's root. Raises MalformedXmlError."""
    declared = _DECLARED.match(data)
    if declared is not None and declared.group(1).lower() not in _UTF_8:
        raise MalformedXmlError("not in UTF-8")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8")
    problem = "not well-formed"
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        root = None
    if root is not None:
        problem = _forbidden(root)
        if not problem:
            return root
    raise MalformedXmlError(problem)


def violations(element: etree._Element) -> tuple[Violation, ...]:
    """Tell where `element` breaks the contract's schema; empty when it is valid."""
    schema = _schema()
    if schema.validate(element):
        return ()
    return tuple(_violation(entry) for entry in schema.error_log)  # type: ignore[attr-defined]  # the stubs forget that a log is iterable


def _schema() -> etree.XMLSchema:
    """Return this thread's schema: an XMLSchema keeps the errors of its newest validation in itself."""
    schema: etree.XMLSchema | None = getattr(_own, "schema", None)
    if schema is None:
        schema = _own.schema = etree.XMLSchema(etree.fromstring(contract_text(SCHEMA_NAME)))
    return schema


def _forbidden(root: etree._Element) -> str:
    tree = root.getroottree()
    if tree.docinfo.internalDTD is not None or tree.docinfo.externalDTD is not None:
        return "has a DTD"
    if tree.docinfo.xml_version != "1.0":
        return "not XML 1.0"
    if next(root.iter(etree.Entity), None) is not None:
        return "has an entity reference"
    beside = (*root.itersiblings(preceding=True), *root.itersiblings())
    instructions = (*tree.iter(etree.ProcessingInstruction), *(one for one in beside if one.tag is etree.PI))
    if instructions:
        return "has a processing instruction"
    return ""


def _violation(entry: etree._LogEntry) -> Violation:
    # the message begins with the names and goes on with the value, so only its beginning is read
    names = _NAMES.match(entry.message or "")
    place = (names.group(2) or names.group(1)) if names else "document"
    return Violation(place, entry.type_name)
