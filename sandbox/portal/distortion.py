"""What a misbehaving portal answers: each `FaultKind` made into an `Answer`.

Rules. Nothing here decides whether a request is taken; `FaultKind.takes` says it and the service acts on it before.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from lxml import etree
from lxml.etree import _Element

from sandbox.authority import Authority, Credential, Purpose
from sandbox.portal.answer import FAULT, Answer, Delivery, fault_element, sealed, written
from sandbox.portal.misbehaviour import FaultKind, Misbehaviour
from sandbox.portal.security import envelope_around, sign
from sandbox.portal.soap import DIARY, DS, FaultCode, ServiceFaultError, diary

HTML_TYPE = "text/html; charset=utf-8"
LONG_WAIT = 600.0  # seconds: longer than any client's time-out
STALE = timedelta(hours=1)
OVERSIZE = 17 * 1024 * 1024
MOVED = 307

_HTTP_STATUS = re.compile(r"http-(\d{3})-")
_ECHOES = ("batchId", "linkId", "applicationId")
_FAULTS: Mapping[FaultKind, FaultCode] = {
    FaultKind.THROTTLED: FaultCode.THROTTLED,
    FaultKind.MAINTENANCE: FaultCode.MAINTENANCE,
    FaultKind.INTERNAL_BEFORE: FaultCode.INTERNAL,
    FaultKind.INTERNAL_AFTER: FaultCode.INTERNAL,
}
_SILENCES: Mapping[FaultKind, Delivery] = {
    FaultKind.TIMEOUT_BEFORE: Delivery.NEVER,
    FaultKind.TIMEOUT_AFTER: Delivery.NEVER,
    FaultKind.CUT_BEFORE: Delivery.CUT,
    FaultKind.CUT_AFTER: Delivery.CUT,
}
_PAUSES = frozenset({FaultKind.SLOW, FaultKind.TRICKLE})
_DELIVERIES: Mapping[FaultKind, Delivery] = {
    FaultKind.HALF_REPLY_AFTER: Delivery.HALF,
    FaultKind.TRICKLE: Delivery.TRICKLE,
}


def instead_of_reply(misbehaviour: Misbehaviour, signing: Credential, now: datetime) -> Answer | None:
    """Return the answer of a kind that says nothing of the right reply; None for a kind that distorts it."""
    kind = misbehaviour.kind
    if kind in _SILENCES:
        delivery = _SILENCES[kind]
        return Answer(delivery=delivery, pause=misbehaviour.seconds(LONG_WAIT if delivery is Delivery.NEVER else 0))
    if kind is FaultKind.REDIRECT:
        return Answer(MOVED, location="/elsewhere")
    if page := _HTTP_STATUS.match(kind):
        return _page(int(page[1]))
    if kind not in _FAULTS:
        return None
    code = _FAULTS[kind]
    retry_after = None if code is FaultCode.INTERNAL else int(misbehaviour.seconds(1))
    return Answer(FAULT, sealed(fault_element(ServiceFaultError(code, "asked for", retry_after)), signing, now))


def distorted(payload: _Element, status: int, misbehaviour: Misbehaviour, signing: Credential, now: datetime) -> Answer:
    """Return the right reply's element as a misbehaving portal delivers it."""
    kind = misbehaviour.kind
    if kind is FaultKind.REPLY_OF_ANOTHER:
        payload = _of_another(payload)
    envelope = envelope_around(payload)
    if kind is FaultKind.FOREIGN_CERTIFICATE:
        signing = Authority.create("Sandbox stranger", now).issue("Sandbox portal", Purpose.SIGNING)
    if kind is not FaultKind.UNSIGNED:
        sign(envelope, signing, now - STALE if kind is FaultKind.STALE_TIMESTAMP else now)
    if kind is FaultKind.WRONG_SIGNATURE:
        _forge_signature(envelope)
    if kind is FaultKind.ALTERED_BODY:
        _alter(payload)
    body = written(envelope)
    if kind is FaultKind.OVERSIZE_REPLY:
        body += b" " * (OVERSIZE - len(body))
    pause = misbehaviour.seconds(1) if kind in _PAUSES else 0.0
    return Answer(status, body, delivery=_DELIVERIES.get(kind, Delivery.WHOLE), pause=pause)


def _page(status: int) -> Answer:
    body = f"<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return Answer(status, body.encode(), HTML_TYPE)


def _of_another(payload: _Element) -> _Element:
    """Return a reply that keeps the schema and answers something that was not asked."""
    for name in _ECHOES:
        if name in payload.attrib:
            payload.set(name, hashlib.sha256(b"another").hexdigest())
            return payload
    return etree.Element(
        diary("PutLinkResponse"), {"linkId": "another", "revision": "1", "active": "true"}, nsmap={"d": DIARY}
    )


def _forge_signature(envelope: _Element) -> None:
    value = next(envelope.iter(f"{{{DS}}}SignatureValue"))
    genuine = base64.b64decode(value.text or "")
    value.text = base64.b64encode(bytes([genuine[0] ^ 1]) + genuine[1:]).decode()


def _alter(payload: _Element) -> None:
    """Change one thing that keeps the schema, after it was signed."""
    name = next((name for name in ("accepted", "revision", "last", *_ECHOES) if name in payload.attrib), None)
    if name is None:
        payload.append(etree.Element(diary("altered")))
    else:
        payload.set(name, f"{payload.get(name)}7")
