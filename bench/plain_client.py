"""The rival's client: zeep and xmlsec as a good user of them sets them up, and nothing of the bridge.

One WSDL load, one kept-alive session with a client certificate, time-outs, RSA-SHA256 over Body and Timestamp, replies
verified with the portal's certificate. The batch's digest is taken of the envelope that zeep built anyway (a plugin),
so no message is built twice.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
import xmlsec
import zeep
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from zeep.plugins import Plugin
from zeep.wsse.signature import BinarySignature, MemorySignature
from zeep.wsse.utils import WSU, get_security_header

SECONDS = 60
NO_BATCH_ID = "0" * 64
JOURNAL = "{urn:diary-exchange:1}SubmitJournal"


class BatchId(Plugin):
    """Puts the contract's digest into SubmitJournal; zeep runs it before the signature."""

    def egress(
        self, envelope: etree._Element, http_headers: dict[str, str], *_: object
    ) -> tuple[etree._Element, dict[str, str]]:
        """Name the batch, if it is one."""
        for journal in envelope.iter(JOURNAL):
            digest = hashlib.sha256(etree.tostring(journal, method="c14n", exclusive=True)).hexdigest()
            journal.set("batchId", digest)
        return envelope, http_headers


class SignedMessages(BinarySignature):
    """WS-Security as the contract asks for it, replies included."""

    def __init__(self, signing: Path, portal_certificate: bytes) -> None:
        """Read the bridge's key and certificate."""
        super().__init__(
            signing,
            signing,
            signature_method=xmlsec.Transform.RSA_SHA256,
            digest_method=xmlsec.Transform.SHA256,
        )
        self.replies = MemorySignature(b"", portal_certificate)

    def apply(self, envelope: etree._Element, headers: dict[str, str]) -> tuple[etree._Element, dict[str, str]]:
        """Add the Timestamp, and sign."""
        now = datetime.now(UTC)
        timestamp = WSU.Timestamp(WSU.Created(now.isoformat()), WSU.Expires((now + timedelta(minutes=5)).isoformat()))
        get_security_header(envelope).append(timestamp)
        return super().apply(envelope, headers)

    def verify(self, envelope: etree._Element) -> etree._Element:
        """Verify a reply by the portal's own certificate."""
        return self.replies.verify(envelope)


class PlainClient:
    """diary-exchange-1 by zeep; `service` has the operations."""

    def __init__(self, url: str, keys: Path) -> None:
        """Load the WSDL from the portal."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(keys / "portal-ca.pem")
        session.cert = str(keys / "bridge-tls.pem")
        certificate = x509.load_pem_x509_certificate((keys / "portal-signing.pem").read_bytes())
        self.service = zeep.Client(
            f"{url}?wsdl",
            transport=zeep.Transport(session=session, timeout=SECONDS, operation_timeout=SECONDS),
            wsse=SignedMessages(keys / "bridge-signing.pem", certificate.public_bytes(Encoding.PEM)),
            plugins=[BatchId()],
        ).service

    def submit(self, school: str, created_at: datetime, records: list[dict[str, object]]) -> object:
        """SubmitJournal; returns the receipt. Raises zeep.exceptions.Fault and what requests raises."""
        return self.service.SubmitJournal(batchId=NO_BATCH_ID, school=school, createdAt=created_at, _value_1=records)
