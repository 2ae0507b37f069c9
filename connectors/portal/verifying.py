"""Verifies the one form of signature that `reply` lets through, by the contract's algorithms or by others' functions.

Rules. A verifier is asked after the document's shape was held to the contract: one signature, two references by id,
each with the one transform. It returns its own copies of Body and Timestamp, made of the very bytes that were
digested; whatever goes wrong means that nothing was signed. `ByContract` is signxml with the contract's algorithms
alone. `ByFunctions` is for algorithms that signxml doesn't know: a provider gives plain functions, by URI.
Deliberately not here: the document's shape, freshness (`reply`), what the certificates are worth (`trust`).
"""

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from connectors.portal.contract_schema import DS, EXCLUSIVE_C14N, SOAP, WSSE, WSU
from connectors.portal.trust import distrust

SIGNATURE_METHODS = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
        SignatureMethod.SHA384_RSA_MGF1,
        SignatureMethod.SHA512_RSA_MGF1,
    }
)
DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})

_BODY, _TIMESTAMP = f"{{{SOAP}}}Body", f"{{{WSU}}}Timestamp"
_SECURITY = f"{{{SOAP}}}Header/{{{WSSE}}}Security"
_ID = f"{{{WSU}}}Id"

Distrust = Callable[[x509.Certificate, Sequence[x509.Certificate], datetime], str | None]
"""Says why a certificate may not speak for the portal; None when it may. Never raises."""


class UntrustedReplyError(Exception):
    """A reply that is not to be believed; the text says why in technical words, without anything of its content."""


class StaleReplyError(UntrustedReplyError):
    """A reply that the portal did sign, for another time than this: an old one, or a clock is wrong."""


@dataclass(frozen=True, slots=True)
class SignedParts:
    """Copies of what was signed."""

    body: etree._Element
    timestamp: etree._Element


class ReplyVerifier(Protocol):
    """Judges the portal's certificates and signatures."""

    def distrust(
        self, certificate: x509.Certificate, authorities: Sequence[x509.Certificate], now: datetime
    ) -> str | None:
        """Return why the certificate may not speak for the portal, in technical words; None when it may."""
        ...

    def signed(self, root: etree._Element, certificate: x509.Certificate, now: datetime) -> SignedParts:
        """Verify an envelope whose shape was checked. Raises UntrustedReplyError."""
        ...


@dataclass(frozen=True, slots=True)
class ByContract:
    """The contract's algorithms: RSA or ECDSA with SHA-256 or better, digests SHA-256 or better."""

    def distrust(
        self, certificate: x509.Certificate, authorities: Sequence[x509.Certificate], now: datetime
    ) -> str | None:
        """Ask `trust`."""
        return distrust(certificate, authorities, now)

    def signed(self, root: etree._Element, certificate: x509.Certificate, now: datetime) -> SignedParts:
        """Verify by signxml, and return its own copies. Raises UntrustedReplyError."""
        expected = SignatureConfiguration(
            location=f"./{_SECURITY}/",
            expect_references=2,
            signature_methods=SIGNATURE_METHODS,
            digest_algorithms=DIGESTS,
            verification_time=now,
        )
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            results = XMLVerifier().verify(
                root,
                x509_cert=certificate,
                expect_config=expected,
                id_attribute="Id",
                parser=parser,
                validate_schema=False,  # it knows no InclusiveNamespaces, which WSS4J writes; `reply` is stricter
            )
        except Exception as error:  # noqa: BLE001  hostile input: whatever a verifier raises means that it did not verify
            problem = f"the signature does not verify ({type(error).__name__})"
        else:
            signed = results if isinstance(results, list) else [results]
            by_tag = {part.signed_xml.tag: part.signed_xml for part in signed if part.signed_xml is not None}
            if by_tag.keys() == {_BODY, _TIMESTAMP}:
                return SignedParts(by_tag[_BODY], by_tag[_TIMESTAMP])
            problem = "something else was signed than body and timestamp"
        raise UntrustedReplyError(problem)


@dataclass(frozen=True, slots=True)
class ByFunctions:
    """Algorithms of a provider: digests, and signature checks, by the URIs of XML Signature; any other is refused.

    A signature check takes the certificate, the signed bytes and the signature's value, and says whether it is right.
    `judge` is `trust.distrust`, or the provider's own where the `cryptography` package can't read such certificates.
    """

    digests: Mapping[str, Callable[[bytes], bytes]]
    methods: Mapping[str, Callable[[x509.Certificate, bytes, bytes], bool]]
    judge: Distrust = distrust

    def distrust(
        self, certificate: x509.Certificate, authorities: Sequence[x509.Certificate], now: datetime
    ) -> str | None:
        """Ask the provider's judge; one that breaks trusts nobody."""
        try:
            return self.judge(certificate, authorities, now)
        except Exception as error:  # noqa: BLE001  hostile input: a certificate may break whoever reads it
            return f"not readable ({type(error).__name__})"

    def signed(self, root: etree._Element, certificate: x509.Certificate, now: datetime) -> SignedParts:  # noqa: ARG002  the protocol's
        """Verify by the provider's functions. Raises UntrustedReplyError."""
        try:
            parts = self._signed(root, certificate)
        except Exception as error:  # noqa: BLE001  likewise
            problem = f"the signature does not verify ({type(error).__name__})"
        else:
            if parts is not None:
                return parts
            problem = "the signature does not verify"
        raise UntrustedReplyError(problem)

    def _signed(self, root: etree._Element, certificate: x509.Certificate) -> SignedParts | None:
        (signature,) = root.findall(f"{_SECURITY}/{{{DS}}}Signature")
        (info,) = signature.findall(f"{{{DS}}}SignedInfo")
        (value,) = signature.findall(f"{{{DS}}}SignatureValue")
        (method,) = info.findall(f"{{{DS}}}SignatureMethod")
        (canonicalization,) = info.findall(f"{{{DS}}}CanonicalizationMethod")
        right = self.methods[method.get("Algorithm", "")]
        if not right(certificate, _canonical(info, canonicalization), _decoded(value)):
            return None
        parts = {}
        for reference in info.findall(f"{{{DS}}}Reference"):
            canonical = self._digested(root, reference)
            if canonical is None:
                return None
            copy = etree.fromstring(canonical, etree.XMLParser(resolve_entities=False, no_network=True))
            parts[copy.tag] = copy
        return SignedParts(parts[_BODY], parts[_TIMESTAMP])

    def _digested(self, root: etree._Element, reference: etree._Element) -> bytes | None:
        """Return the canonical bytes of what is referred to, None when their digest is another."""
        name = reference.get("URI", "").removeprefix("#")
        (part,) = (one for tag in (_BODY, _TIMESTAMP) for one in root.iter(tag) if one.get(_ID) == name)
        (transform,) = reference.findall(f"{{{DS}}}Transforms/{{{DS}}}Transform")
        (method,) = reference.findall(f"{{{DS}}}DigestMethod")
        (told,) = reference.findall(f"{{{DS}}}DigestValue")
        canonical = _canonical(part, transform)
        digest = self.digests[method.get("Algorithm", "")]
        return canonical if hmac.compare_digest(digest(canonical), _decoded(told)) else None


def _canonical(element: etree._Element, transform: etree._Element) -> bytes:
    """Return exclusive canonical bytes, with the prefixes that the transform wants treated inclusively."""
    inclusive = transform.find(f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces")
    prefixes = [] if inclusive is None else inclusive.get("PrefixList", "").split()
    return etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes or None
    )


def _decoded(element: etree._Element) -> bytes:
    return base64.b64decode("".join((element.text or "").split()), validate=True)
