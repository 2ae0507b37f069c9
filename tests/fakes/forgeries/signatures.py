"""Replies in which nothing is signed, too little, in the wrong way, or something was changed afterwards."""

import base64
from datetime import timedelta

import xmlsec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fakes.forgeries.scene import (
    ID,
    Scene,
    body_of,
    forgery,
    header_of,
    security_of,
    signature_of,
    timestamp_of,
    token_of,
    without,
)
from fakes.reply_signing import DS, sign, signed
from lxml import etree

# nothing signed, or something changed after signing


@forgery("0 Signature in Security")
def unsigned(scene: Scene) -> bytes:
    return etree.tostring(scene.unsigned())


@forgery("0 Security in Header")
def no_security_header(scene: Scene) -> bytes:
    return without(scene, security_of)


@forgery("not an envelope of one header and one body")
def no_header(scene: Scene) -> bytes:
    return without(scene, header_of)


@forgery("0 Timestamp in Security")
def no_timestamp(scene: Scene) -> bytes:
    return without(scene, timestamp_of)


@forgery("0 BinarySecurityToken in Security")
def no_token(scene: Scene) -> bytes:
    return without(scene, token_of)


@forgery("not an envelope of one header and one body")
def no_body(scene: Scene) -> bytes:
    return without(scene, body_of)


@forgery("Signature has other parts than the contract's")
def no_key_info(scene: Scene) -> bytes:
    return without(scene, lambda root: signature_of(root).find(f"{{{DS}}}KeyInfo"))


@forgery("the signature does not verify (InvalidDigest)")
def body_changed(scene: Scene) -> bytes:
    return signed(scene.payload, scene.signer, scene.now).replace(b"rc-1", b"rc-2")


@forgery("the signature does not verify (InvalidDigest)")
def timestamp_changed(scene: Scene) -> bytes:
    root = scene.genuine()
    timestamp_of(root)[1].text = (scene.now + timedelta(minutes=4)).isoformat()
    return etree.tostring(root)


@forgery("the signature does not verify (InvalidSignature)")
def signature_value_changed(scene: Scene) -> bytes:
    root = scene.genuine()
    value = signature_of(root).find(f"{{{DS}}}SignatureValue")
    raw = bytearray(base64.b64decode(value.text))
    raw[7] ^= 1
    value.text = base64.b64encode(raw).decode()
    return etree.tostring(root)


@forgery("the signature does not verify (TypeError)")
def signature_value_empty(scene: Scene) -> bytes:
    root = scene.genuine()
    signature_of(root).find(f"{{{DS}}}SignatureValue").text = None
    return etree.tostring(root)


@forgery("the signature does not verify (InvalidSignature)")
def digest_of_another_body(scene: Scene) -> bytes:
    other = etree.fromstring(signed(scene.lie, scene.signer, scene.now))
    root = scene.genuine()
    mine, theirs = (tree.find(f".//{{{DS}}}DigestValue") for tree in (root, other))
    mine.text = theirs.text
    body_of(root)[0].set("receiptId", "forged")
    return etree.tostring(root)


# signed, but not what has to be, or not how


@forgery("SignedInfo has other parts than the contract's")
def only_the_body_signed(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, parts=("B",))


@forgery("SignedInfo has other parts than the contract's")
def only_the_timestamp_signed(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, parts=("T",))


@forgery("the signature is not over body and timestamp")
def the_body_signed_twice(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, parts=("B", "B"))


@forgery("SignedInfo has other parts than the contract's")
def a_third_reference(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, parts=("B", "T", "X"))


@forgery("the signature is not over body and timestamp")
def the_payload_signed_in_the_bodys_place(scene: Scene) -> bytes:
    root = scene.unsigned()
    body_of(root)[0].set(ID, "P")
    return sign(root, scene.signer, parts=("P", "T"))


@forgery("the signature is not over body and timestamp")
def the_token_signed_in_the_timestamps_place(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, parts=("B", "X"))


@forgery("the signature does not verify (InvalidInput)")
def rsa_with_sha1(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, method=xmlsec.constants.TransformRsaSha1)


@forgery("the signature does not verify (InvalidInput)")
def digests_with_sha1(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, digest=xmlsec.constants.TransformSha1)


@forgery("the signature does not verify (InvalidInput)")
def digests_with_sha224(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, digest=xmlsec.constants.TransformSha224)


@forgery("SignedInfo is not canonicalised exclusively")
def signed_info_inclusive(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, canonical=xmlsec.constants.TransformInclC14N)


@forgery("a reference is not transformed by exclusive canonicalisation alone")
def references_inclusive(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, transform=xmlsec.constants.TransformInclC14N)


@forgery("a reference is not transformed by exclusive canonicalisation alone")
def references_with_comments(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, transform=xmlsec.constants.TransformExclC14NWithComments)


@forgery("the signature does not verify (InvalidInput)")
def hmac_with_the_public_key(scene: Scene) -> bytes:
    """The classic confusion: a MAC whose secret is what everybody knows."""
    public = scene.signer.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    root = etree.fromstring(sign(scene.unsigned(), scene.signer))
    old = signature_of(root)
    method = old.find(f"{{{DS}}}SignedInfo/{{{DS}}}SignatureMethod")
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    info = etree.tostring(old.find(f"{{{DS}}}SignedInfo"), method="c14n", exclusive=True)
    mac = hashes.Hash(hashes.SHA256())
    mac.update(public + info)
    old.find(f"{{{DS}}}SignatureValue").text = base64.b64encode(mac.finalize()).decode()
    return etree.tostring(root)


@forgery("the signature is not over body and timestamp")
def an_external_reference(scene: Scene) -> bytes:
    root = scene.genuine()
    root.find(f".//{{{DS}}}Reference").set("URI", "http://127.0.0.1:9/forged")
    return etree.tostring(root)


@forgery("the signature is not over body and timestamp")
def a_reference_to_the_whole_document(scene: Scene) -> bytes:
    root = scene.genuine()
    root.find(f".//{{{DS}}}Reference").set("URI", "")
    return etree.tostring(root)


@forgery("a reference is not transformed by exclusive canonicalisation alone")
def a_stylesheet_as_transform(scene: Scene) -> bytes:
    root = scene.genuine()
    transforms = root.find(f".//{{{DS}}}Transforms")
    etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116")
    return etree.tostring(root)
