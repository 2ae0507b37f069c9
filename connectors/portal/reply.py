"""Opens a reply of the portal: only what a trusted certificate signed comes out.

Rules. First the document's shape is held to the contract: one Envelope with one Header and one Body, one Security
header with one Timestamp, one token and one Signature, each in its place and none anywhere else; two references, to
that Body and that Timestamp, each with the one transform; no id twice. Then the token's certificate is judged, then
the signature is verified (`verifying`), and from there on only the verifier's copies of the signed parts are looked at:
the Timestamp has to be fresh and the Body to hold one element.
Deliberately not here: what that element means, and whether it answers the question (`messages`, `soap_portal`). The
lists carry no echo of the question: within its five minutes only TLS keeps an earlier list from being played again.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from lxml import etree

from connectors.portal.contract_schema import (
    BASE64,
    DS,
    EXCLUSIVE_C14N,
    SOAP,
    WSSE,
    WSU,
    X509V3,
    MalformedXmlError,
    parse_untrusted,
)
from connectors.portal.verifying import ByContract, ReplyVerifier, StaleReplyError, UntrustedReplyError

LONGEST_LIFE = timedelta(minutes=5)
CLOCK_TOLERANCE = timedelta(minutes=5)

MOST_TAGS = 300_000
MOST_ATTRIBUTES = 600_000
MOST_OF_ONE_ELEMENT = 64
"""What a reply may consist of: 62 days of 2,400 links of GetUsage, the contract's longest list, are within it. The
parser makes a hundred times its size of an empty tag, so tags and attributes are counted before it is let loose on
them; and to put the attributes of one element in canonical order takes the square of their number."""

_ENVELOPE, _HEADER, _BODY = f"{{{SOAP}}}Envelope", f"{{{SOAP}}}Header", f"{{{SOAP}}}Body"
_SECURITY, _TOKEN = f"{{{WSSE}}}Security", f"{{{WSSE}}}BinarySecurityToken"
_TIMESTAMP, _SIGNATURE = f"{{{WSU}}}Timestamp", f"{{{DS}}}Signature"
_SIGNED_INFO = ("CanonicalizationMethod", "SignatureMethod", "Reference", "Reference")
_ID = f"{{{WSU}}}Id"
_ID_NAMES = frozenset({"id", "assertionid"})
_UNDERSTAND_OR_FAIL = f"{{{SOAP}}}mustUnderstand"
_BY_CONTRACT = ByContract()
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")


@dataclass(frozen=True, slots=True)
class TrustedReply:
    """What a trusted certificate signed: the Body's one element, and when the portal made the message; and which."""

    payload: etree._Element
    created: datetime
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class _Parts:
    """Where the parts of a well-shaped envelope are."""

    body: etree._Element
    timestamp: etree._Element
    token: etree._Element
    signature: etree._Element


def open_reply(
    data: bytes,
    authorities: Sequence[x509.Certificate],
    now: datetime,
    never: Sequence[x509.Certificate] = (),
    verifier: ReplyVerifier = _BY_CONTRACT,
) -> TrustedReply:
    """Return what was signed by a certificate of `authorities`.

    `never` are certificates that may not speak for the portal though they chain: the bridge's own, lest its
    requests be reflected. Raises MalformedXmlError for what is no XML document or too full of tags, else
    UntrustedReplyError (StaleReplyError where nothing but the time is wrong).
    """
    if data.count(b"<") > MOST_TAGS or data.count(b"=") > MOST_ATTRIBUTES:
        raise MalformedXmlError("more tags or attributes than any reply has")
    root = parse_untrusted(data)
    parts = _parts(root)
    _check_ids(root)
    _check_signature_shape(parts)
    certificate = _certificate(parts.token)
    problem = "the bridge's own certificate" if certificate in never else None
    problem = problem or verifier.distrust(certificate, authorities, now)
    if problem:
        raise UntrustedReplyError(f"certificate: {problem}")
    signed = verifier.signed(root, certificate, now)
    created = _fresh(signed.timestamp, now)
    elements = list(signed.body.iterchildren("*"))
    if len(elements) != 1:
        raise UntrustedReplyError("the body does not hold exactly one element")
    return TrustedReply(elements[0], created, certificate)


def _parts(root: etree._Element) -> _Parts:
    children = list(root.iterchildren("*"))
    if root.tag != _ENVELOPE or [child.tag for child in children] != [_HEADER, _BODY]:
        raise UntrustedReplyError("not an envelope of one header and one body")
    header, body = children
    security = _only(header, _SECURITY)
    parts = _Parts(body, _only(security, _TIMESTAMP), _only(security, _TOKEN), _only(security, _SIGNATURE))
    for tag in (_ENVELOPE, _HEADER, _BODY, _SECURITY, _TIMESTAMP, _TOKEN, _SIGNATURE):
        if sum(1 for _ in root.iter(tag)) != 1:
            raise UntrustedReplyError(f"more than one {etree.QName(tag).localname}")
    for other in header:
        if other is not security and other.get(_UNDERSTAND_OR_FAIL) in {"1", "true"}:
            raise UntrustedReplyError("a header that must be understood and is not")
    return parts


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise UntrustedReplyError(f"{len(found)} {etree.QName(tag).localname} in {etree.QName(parent).localname}")
    return found[0]


def _check_ids(root: etree._Element) -> None:
    """Refuse any id that stands twice, by whatever attribute a verifier might look it up, and too many attributes."""
    seen: set[str] = set()
    for element in root.iter(etree.Element):
        if len(element.attrib) > MOST_OF_ONE_ELEMENT:
            raise UntrustedReplyError("an element with more attributes than any has")
        ids = {str(value) for name, value in element.items() if etree.QName(name).localname.lower() in _ID_NAMES}
        if ids & seen:
            raise UntrustedReplyError("an id stands twice")
        seen |= ids


def _check_signature_shape(parts: _Parts) -> None:
    """Hold the signature to the one form of the contract before any verifier interprets it."""
    signature = parts.signature
    info, value, key_info = _children(signature, "SignedInfo", "SignatureValue", "KeyInfo")
    canonical, method, *references = _children(info, *_SIGNED_INFO)
    plain = [value, method]
    if not _is_exclusive(canonical):
        raise UntrustedReplyError("SignedInfo is not canonicalised exclusively")
    wanted = sorted(f"#{part.get(_ID)}" for part in (parts.body, parts.timestamp) if part.get(_ID))
    if len(wanted) != len(references) or sorted(reference.get("URI", "") for reference in references) != wanted:
        raise UntrustedReplyError("the signature is not over body and timestamp")
    for reference in references:
        transforms, *digest = _children(reference, "Transforms", "DigestMethod", "DigestValue")
        plain += digest
        if [_is_exclusive(transform) for transform in transforms.iterchildren("*")] != [True]:
            raise UntrustedReplyError("a reference is not transformed by exclusive canonicalisation alone")
    if any(len(element) for element in plain):
        raise UntrustedReplyError("the signature has parts within its values")
    token = parts.token.get(_ID)
    pointer = key_info.findall(f"{{{WSSE}}}SecurityTokenReference/{{{WSSE}}}Reference")
    if not token or [reference.get("URI") for reference in pointer] != [f"#{token}"]:
        raise UntrustedReplyError("the signature's key is not the message's token")


def _children(parent: etree._Element, *names: str) -> list[etree._Element]:
    """Return the child elements, which have to be these of XML Signature, in this order."""
    found = list(parent.iterchildren("*"))
    if [child.tag for child in found] != [f"{{{DS}}}{name}" for name in names]:
        raise UntrustedReplyError(f"{etree.QName(parent).localname} has other parts than the contract's")
    return found


def _is_exclusive(step: etree._Element) -> bool:
    """Tell whether a step is exclusive canonicalisation, perhaps with prefixes to be treated inclusively."""
    inner = list(step.iterchildren("*"))
    prefixes = inner[0].get("PrefixList", "").split() if inner else []
    plain = [child.tag for child in inner] in ([], [f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces"])
    return step.get("Algorithm") == EXCLUSIVE_C14N and plain and len(prefixes) <= MOST_OF_ONE_ELEMENT


def _certificate(token: etree._Element) -> x509.Certificate:
    if token.get("ValueType") != X509V3 or token.get("EncodingType", BASE64) != BASE64 or len(token):
        raise UntrustedReplyError("the token is no X509v3 certificate in Base64")
    try:
        return x509.load_der_x509_certificate(base64.b64decode("".join((token.text or "").split()), validate=True))
    except ValueError:
        unreadable = "the token's certificate is not readable"
    raise UntrustedReplyError(unreadable)


def _fresh(timestamp: etree._Element, now: datetime) -> datetime:
    created, expires = _moment(timestamp, "Created"), _moment(timestamp, "Expires")
    if not timedelta(0) < expires - created <= LONGEST_LIFE:
        raise UntrustedReplyError("the timestamp's life is not within five minutes")
    if now >= expires:
        raise StaleReplyError("the timestamp has expired")
    if abs(now - created) > CLOCK_TOLERANCE:
        raise StaleReplyError("the timestamp is of another time")
    return created


def _moment(timestamp: etree._Element, name: str) -> datetime:
    text = (_only(timestamp, f"{{{WSU}}}{name}").text or "").strip()
    try:
        return datetime.fromisoformat(text if _MOMENT.fullmatch(text) else "")
    except ValueError:
        unreadable = f"the timestamp's {name} is no moment with a zone"
    raise UntrustedReplyError(unreadable)
