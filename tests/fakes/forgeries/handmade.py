"""Signs by hand, step by step, so that every step can be taken wrongly and the signature still be right.

Digests and canonical forms are lxml's and hashlib's, keys are used by `cryptography`: none of the bridge's own code.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from fakes.reply_signing import DS, EXCLUSIVE, SOAP, WSSE, WSU, X509V3
from lxml import etree

INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_11 = "http://www.w3.org/2006/12/xml-c14n11"
WITH_COMMENTS = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
ENVELOPED = f"{DS}enveloped-signature"
BASE64_DECODE = f"{DS}base64"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XPATH_FILTER = "http://www.w3.org/2002/06/xmldsig-filter2"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
STR_TRANSFORM = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
RSA_SHA256 = f"{MORE}rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
DIGESTS = {
    SHA256: hashlib.sha256,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
    f"{MORE}sha384": hashlib.sha384,
    f"{MORE}sha224": hashlib.sha224,
    f"{DS}sha1": hashlib.sha1,
    f"{MORE}md5": hashlib.md5,
    "http://www.w3.org/2007/05/xmldsig-more#sha3-256": hashlib.sha3_256,
}

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Reference:
    """One reference: what it points to, how that is transformed and digested."""

    uri: str | None
    transforms: Sequence[str] = (EXCLUSIVE,)
    digest: str = SHA256
    element: str = ""
    """The wsu:Id of what is really digested, where the URI names something else."""


BODY, TIMESTAMP = Reference("#B"), Reference("#T")


def rsa(key: object, algorithm: hashes.HashAlgorithm | None = None) -> Sign:
    """Return RSA with PKCS#1 1.5."""
    return lambda data: key.sign(data, padding.PKCS1v15(), algorithm or hashes.SHA256())


def mac(secret: bytes, name: str = "sha256") -> Sign:
    """Return HMAC."""
    return lambda data: hmac.new(secret, data, name).digest()


def sign(
    root: etree._Element,
    value: Sign,
    *,
    method: str = RSA_SHA256,
    canonical: str = EXCLUSIVE,
    references: Sequence[Reference] = (BODY, TIMESTAMP),
    key_info: str = f'<w:SecurityTokenReference xmlns:w="{WSSE}"><w:Reference URI="#X" ValueType="{X509V3}"/>'
    "</w:SecurityTokenReference>",
) -> bytes:
    """Put a signature into the Security header and return the message."""
    security = root.find(f"{{{SOAP}}}Header/{{{WSSE}}}Security")
    signature = etree.SubElement(security, f"{{{DS}}}Signature", nsmap={"ds": DS})
    info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
    etree.SubElement(info, f"{{{DS}}}CanonicalizationMethod", Algorithm=canonical)
    etree.SubElement(info, f"{{{DS}}}SignatureMethod", Algorithm=method)
    for reference in references:
        _add(info, root, reference)
    signed = base64.b64encode(value(canonical_bytes(info, canonical))).decode()
    etree.SubElement(signature, f"{{{DS}}}SignatureValue").text = signed
    if key_info:
        etree.SubElement(signature, f"{{{DS}}}KeyInfo").append(etree.fromstring(key_info))
    return etree.tostring(root)


def _add(info: etree._Element, root: etree._Element, reference: Reference) -> None:
    made = etree.SubElement(info, f"{{{DS}}}Reference")
    if reference.uri is not None:
        made.set("URI", reference.uri)
    if reference.transforms:
        transforms = etree.SubElement(made, f"{{{DS}}}Transforms")
        for uri in reference.transforms:
            etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=uri)
    etree.SubElement(made, f"{{{DS}}}DigestMethod", Algorithm=reference.digest)
    wanted = reference.element or (reference.uri or "").removeprefix("#")
    found = root.xpath("//*[@u:Id=$id]", namespaces={"u": WSU}, id=wanted)
    canonical = canonical_bytes(
        found[0] if found else root, reference.transforms[0] if reference.transforms else INCLUSIVE
    )
    digest = DIGESTS.get(reference.digest, hashlib.sha256)(canonical).digest()
    etree.SubElement(made, f"{{{DS}}}DigestValue").text = base64.b64encode(digest).decode()


def canonical_bytes(element: etree._Element, uri: str) -> bytes:
    exclusive = uri not in {INCLUSIVE, INCLUSIVE_11}
    return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=uri == WITH_COMMENTS)
