"""Replies in which the genuine part stays in the document and a forged one takes its place."""

import copy

from fakes.forgeries.scene import (
    HOUR,
    ID,
    Scene,
    body_of,
    forged_body,
    forgery,
    header_of,
    security_of,
    signature_of,
    timestamp_of,
)
from fakes.reply_signing import DS, SOAP, signed
from lxml import etree


@forgery("not an envelope of one header and one body")
def a_second_body_after(scene: Scene) -> bytes:
    root = scene.genuine()
    root.append(forged_body(scene, None))
    return etree.tostring(root)


@forgery("not an envelope of one header and one body")
def a_second_body_before(scene: Scene) -> bytes:
    root = scene.genuine()
    root.insert(1, forged_body(scene, None))
    return etree.tostring(root)


@forgery("more than one Body")
def the_body_wrapped_in_a_header(scene: Scene) -> bytes:
    root = scene.genuine()
    body = body_of(root)
    root.append(forged_body(scene, "F"))
    etree.SubElement(header_of(root), "wrapper").append(body)
    return etree.tostring(root)


@forgery("more than one Body")
def the_body_wrapped_and_its_id_taken(scene: Scene) -> bytes:
    root = scene.genuine()
    body = body_of(root)
    root.append(forged_body(scene, "B"))
    etree.SubElement(header_of(root), "wrapper").append(body)
    return etree.tostring(root)


@forgery("more than one Body")
def the_body_within_a_forged_body(scene: Scene) -> bytes:
    root = scene.genuine()
    body, forged = body_of(root), forged_body(scene, None)
    root.append(forged)
    etree.SubElement(forged, "wrapper").append(body)
    return etree.tostring(root)


@forgery("more than one Body")
def the_body_within_the_signature(scene: Scene) -> bytes:
    root = scene.genuine()
    body = body_of(root)
    root.append(forged_body(scene, None))
    etree.SubElement(signature_of(root), f"{{{DS}}}Object").append(body)
    return etree.tostring(root)


@forgery("not an envelope of one header and one body")
def the_body_renamed_where_it_stood(scene: Scene) -> bytes:
    """The signed element keeps its id and place; a body of another namespace's making stands beside it."""
    root = scene.genuine()
    body_of(root).tag = f"{{{SOAP}}}Footer"
    root.append(forged_body(scene, None))
    return etree.tostring(root)


@forgery("more than one Envelope")
def the_envelope_within_a_forged_one(scene: Scene) -> bytes:
    inner = scene.genuine()
    outer = copy.deepcopy(inner)
    body_of(outer)[0].set("receiptId", "forged")
    etree.SubElement(header_of(outer), "wrapper").append(inner)
    return etree.tostring(outer)


@forgery("2 Security in Header")
def the_security_header_twice(scene: Scene) -> bytes:
    root = scene.genuine()
    header_of(root).append(copy.deepcopy(security_of(root)))
    return etree.tostring(root)


@forgery("2 Timestamp in Security")
def the_timestamp_twice(scene: Scene) -> bytes:
    root = scene.genuine()
    second = copy.deepcopy(timestamp_of(root))
    second.set(ID, "T2")
    security_of(root).append(second)
    return etree.tostring(root)


@forgery("more than one Timestamp")
def the_old_timestamp_wrapped(scene: Scene) -> bytes:
    root = etree.fromstring(signed(scene.payload, scene.signer, scene.now - HOUR))
    old = timestamp_of(root)
    fresh = copy.deepcopy(timestamp_of(scene.genuine()))
    fresh.set(ID, "T2")
    security_of(root).insert(0, fresh)
    etree.SubElement(header_of(root), "wrapper").append(old)
    return etree.tostring(root)


@forgery("2 Signature in Security")
def the_signature_twice(scene: Scene) -> bytes:
    root = scene.genuine()
    security_of(root).append(copy.deepcopy(signature_of(root)))
    return etree.tostring(root)


@forgery("0 Signature in Security")
def the_signature_outside_the_security_header(scene: Scene) -> bytes:
    root = scene.genuine()
    header_of(root).append(signature_of(root))
    return etree.tostring(root)


@forgery("an id stands twice")
def the_bodys_id_on_another_attribute(scene: Scene) -> bytes:
    root = scene.genuine()
    etree.SubElement(header_of(root), "decoy", Id="B")
    return etree.tostring(root)


@forgery("an id stands twice")
def the_bodys_id_as_xml_id(scene: Scene) -> bytes:
    root = scene.genuine()
    etree.SubElement(header_of(root), "decoy").set("{http://www.w3.org/XML/1998/namespace}id", "B")
    return etree.tostring(root)


@forgery("a header that must be understood and is not")
def a_header_that_must_be_understood(scene: Scene) -> bytes:
    root = scene.genuine()
    etree.SubElement(header_of(root), "{urn:x}Routing").set(f"{{{SOAP}}}mustUnderstand", "1")
    return etree.tostring(root)


@forgery("not an envelope of one header and one body")
def soap_1_2(scene: Scene) -> bytes:
    other = b"http://www.w3.org/2003/05/soap-envelope"
    return signed(scene.payload, scene.signer, scene.now).replace(SOAP.encode(), other)


@forgery("not an envelope of one header and one body")
def no_envelope(scene: Scene) -> bytes:
    return scene.payload
