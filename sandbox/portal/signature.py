"""Verifies the one form of signature that `security` lets through, in as few passes over a message as it takes.

Rules. What was signed is found by its place in the envelope and never looked up by an id; an id that a reference names
stands once in the message. RSA or ECDSA with SHA-256 or better, digests SHA-256 or better; a signature has the parts of
the contract's and no others. What is returned are the very bytes that were digested: nothing else of a message is to be
read. `signxml` does the same and more, but copies a message of a thousand records a dozen times.
Deliberately not here: where the parts stand, the token, how fresh a message is (`security`).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree
from lxml.etree import _Element
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from sandbox.portal.soap import DS, EXCLUSIVE_C14N, WSU

_ID = f"{{{WSU}}}Id"
_IDS = etree.XPath("//@*[local-name() = 'Id']", smart_strings=False)
_DIGESTS: Mapping[str, str] = {
    DigestAlgorithm.SHA256.value: "sha256",
    DigestAlgorithm.SHA384.value: "sha384",
    DigestAlgorithm.SHA512.value: "sha512",
}
_RSA: Mapping[str, hashes.HashAlgorithm] = {
    SignatureMethod.RSA_SHA256.value: hashes.SHA256(),
    SignatureMethod.RSA_SHA384.value: hashes.SHA384(),
    SignatureMethod.RSA_SHA512.value: hashes.SHA512(),
}
_ELLIPTIC: Mapping[str, hashes.HashAlgorithm] = {
    SignatureMethod.ECDSA_SHA256.value: hashes.SHA256(),
    SignatureMethod.ECDSA_SHA384.value: hashes.SHA384(),
    SignatureMethod.ECDSA_SHA512.value: hashes.SHA512(),
}


class _UnverifiedError(Exception):
    """A signature that is not to be believed."""


def verified(signature: _Element, signed: Sequence[_Element], certificate: x509.Certificate) -> list[bytes] | None:
    """Return the elements `signed` in canonical form, if the signature is over each; None when it doesn't verify."""
    try:
        info, value, _ = _children(signature, "SignedInfo", "SignatureValue", "KeyInfo")
        method, algorithm, *references = _children(
            info, "CanonicalizationMethod", "SignatureMethod", *("Reference" for _ in signed)
        )
        _check_value(certificate, algorithm.get("Algorithm", ""), _canonical(info, method), _decoded(value))
        by_uri = {reference.get("URI"): reference for reference in references}
        ids = cast("list[str | None]", _IDS(signature))  # of every kind of result, attributes come as a list of texts
        if any(ids.count(element.get(_ID)) != 1 for element in signed):
            return None
        return [_digested(element, by_uri[f"#{element.get(_ID)}"]) for element in signed]
    except (_UnverifiedError, InvalidSignature, KeyError, etree.LxmlError, binascii.Error):
        return None


def _children(parent: _Element, *names: str) -> list[_Element]:
    found = list(parent.iterchildren("{*}*"))
    if [child.tag for child in found] != [f"{{{DS}}}{name}" for name in names]:
        raise _UnverifiedError
    return found


def _check_value(certificate: x509.Certificate, algorithm: str, data: bytes, value: bytes) -> None:
    """Hold a signature's value against the certificate's key. Raises InvalidSignature."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and algorithm in _RSA:
        key.verify(value, data, padding.PKCS1v15(), _RSA[algorithm])
    elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm in _ELLIPTIC:
        half = (key.key_size + 7) // 8  # r and s side by side: XML Signature 1.1, section 6.4.3
        if len(value) != 2 * half:
            raise _UnverifiedError
        parts = int.from_bytes(value[:half]), int.from_bytes(value[half:])
        key.verify(encode_dss_signature(*parts), data, ec.ECDSA(_ELLIPTIC[algorithm]))
    else:
        raise _UnverifiedError


def _digested(element: _Element, reference: _Element) -> bytes:
    """Return the bytes that were digested."""
    transforms, method, value = _children(reference, "Transforms", "DigestMethod", "DigestValue")
    (transform,) = _children(transforms, "Transform")
    canonical = _canonical(element, transform)
    digest = hashlib.new(_DIGESTS[method.get("Algorithm", "")], canonical).digest()
    if not hmac.compare_digest(digest, _decoded(value)):
        raise _UnverifiedError
    return canonical


def _canonical(element: _Element, method: _Element) -> bytes:
    """Return the exclusive canonical form, with the prefixes that the method wants treated inclusively."""
    inclusive = method.find(f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces")
    prefixes = [] if inclusive is None else inclusive.get("PrefixList", "").split()
    return etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes or None
    )


def _decoded(element: _Element) -> bytes:
    if len(element):
        raise _UnverifiedError
    return base64.b64decode("".join((element.text or "").split()), validate=True)
