"""Signature wrapping: the signed Body goes on living somewhere else, and a lie stands in its place."""

import copy
from collections.abc import Callable

from fakes.forgeries.scene import ID, body_of, header_of, security_of, signature_of, timestamp_of, token_of
from fakes.reply_signing import DS, SOAP, WSSE
from lxml import etree

Element = etree._Element  # noqa: SLF001  lxml's elements have no public name
Place = Callable[[Element, Element], Element]
"""Takes the envelope without its signed Body, and that Body; puts it somewhere; returns the document."""


def _below(parent: Callable[[Element], Element], *names: str) -> Place:
    def put(root: Element, body: Element) -> Element:
        place = parent(root)
        for name in names:
            place = etree.SubElement(place, name)
        place.append(body)
        return root

    return put


def _beside(index: int) -> Place:
    def put(root: Element, body: Element) -> Element:
        root.insert(index, body)
        return root

    return put


def _envelope_in_header(root: Element, body: Element) -> Element:
    inner = etree.SubElement(header_of(root), f"{{{SOAP}}}Envelope")
    inner.append(body)
    return root


def _whole_envelope_in_body(root: Element, body: Element) -> Element:
    inner = copy.deepcopy(root)
    inner.replace(body_of(inner), copy.deepcopy(body))
    body_of(root).append(inner)
    return root


def _outer_envelope(root: Element, body: Element) -> Element:
    outer = copy.deepcopy(root)
    inner = root
    inner.replace(body_of(inner), body)
    etree.SubElement(outer, "wrapper").append(inner)
    return outer


PLACES: dict[str, Place] = {
    "in the header": _below(header_of),
    "in a wrapper of the header": _below(header_of, "wrapper"),
    "in Security": _below(security_of),
    "in a wrapper of Security": _below(security_of, f"{{{WSSE}}}Embedded"),
    "in an Object of the signature": _below(signature_of, f"{{{DS}}}Object"),
    "in the KeyInfo": _below(lambda root: signature_of(root).find(f"{{{DS}}}KeyInfo"), "wrapper"),
    "in the token": _below(token_of, "wrapper"),
    "in the timestamp": _below(timestamp_of, "wrapper"),
    "before the new one": _beside(1),
    "before the header": _beside(0),
    "after the new one": _beside(9),
    "in a wrapper after it": _below(lambda root: root, "wrapper"),
    "in the new one": _below(body_of),
    "in a wrapper of the new one": _below(body_of, "wrapper"),
    "within the new answer": _below(lambda root: body_of(root)[0]),
    "in an envelope in the header": _envelope_in_header,
    "in its whole envelope in the new one": _whole_envelope_in_body,
    "in its own envelope within another": _outer_envelope,
}


def wrapped(genuine: bytes, lie: bytes, place: Place, wsu_id: str | None) -> bytes:
    """Return the message in which a lie takes the Body's place, under `wsu_id` or none."""
    root = etree.fromstring(genuine)
    body = body_of(root)
    forged = etree.Element(f"{{{SOAP}}}Body")
    forged.append(etree.fromstring(lie))
    if wsu_id:
        forged.set(ID, wsu_id)
    root.replace(body, forged)
    return etree.tostring(place(root, body))
