"""Two ways to talk to the portal: zeep with xmlsec (which shares no code with the portal), and raw bytes."""

import contextlib
import hashlib
import http.client
import sqlite3
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import requests
import xmlsec
import zeep
from lxml import etree
from lxml.etree import _Element
from zeep.wsse.signature import BinarySignature, MemorySignature
from zeep.wsse.utils import WSU, get_security_header

from sandbox.authority import AuthorityFiles, Credential
from sandbox.portal import PortalServer
from sandbox.portal.security import envelope_around, load_credential, sign
from sandbox.portal.soap import DIARY, SOAP

CONTRACT = Path(__file__).parents[2] / "connectors" / "portal" / "contract"
FAULT_TAG = f"{{{SOAP}}}Fault"
HTTP_OK = 200


class SignedMessages(BinarySignature):
    """WS-Security as the contract asks for it, by xmlsec alone; replies are verified with the portal's certificate."""

    def __init__(self, files: AuthorityFiles) -> None:
        super().__init__(
            files.bridge_signing,
            files.bridge_signing,
            signature_method=xmlsec.Transform.RSA_SHA256,
            digest_method=xmlsec.Transform.SHA256,
        )
        portal_certificate = load_credential(files.portal_signing.read_bytes()).certificate_pem
        self.replies = MemorySignature(b"", portal_certificate)

    def apply(self, envelope: _Element, headers: dict[str, str]) -> tuple[_Element, dict[str, str]]:
        now = datetime.now(UTC)
        timestamp = WSU.Timestamp(WSU.Created(now.isoformat()), WSU.Expires((now + timedelta(minutes=5)).isoformat()))
        get_security_header(envelope).append(timestamp)
        return super().apply(envelope, headers)

    def verify(self, envelope: _Element) -> _Element:
        return self.replies.verify(envelope)


def session_of(files: AuthorityFiles) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(files.portal_ca)
    session.cert = str(files.bridge_tls)
    return session


class ZeepClient:
    """A stranger's client: the WSDL from the portal's own address, zeep, xmlsec, requests."""

    def __init__(self, portal: PortalServer) -> None:
        self.session = session_of(portal.files)
        transport = zeep.Transport(session=self.session, timeout=60, operation_timeout=60)
        self.client = zeep.Client(
            f"{portal.url}?wsdl",
            transport=transport,
            wsse=SignedMessages(portal.files),
            settings=zeep.Settings(strict=True),
        )
        self.service = self.client.service

    def submit(self, school: str, records: list[dict[str, object]]) -> object:
        """Send SubmitJournal with the digest of what zeep itself writes."""
        fields: dict[str, object] = {"school": school, "createdAt": "2026-10-01T12:00:00+03:00", "_value_1": records}
        blank = self.client.create_message(self.service, "SubmitJournal", batchId="0" * 64, **fields)
        journal = next(blank.iter(f"{{{DIARY}}}SubmitJournal"))
        digest = hashlib.sha256(etree.tostring(journal, method="c14n", exclusive=True)).hexdigest()
        return self.service.SubmitJournal(batchId=digest, **fields)


@dataclass
class RawClient:
    """Sends any bytes: for messages that no library would write.

    Every SOAP reply is held against the contract's schema and its signature is verified by xmlsec.
    """

    portal: PortalServer
    signing: Credential
    now: Callable[[], datetime]
    schema: etree.XMLSchema = field(
        default_factory=lambda: etree.XMLSchema(file=str(CONTRACT / "diary-exchange-1.xsd"))
    )

    def connection(self, certificate: Path | None = None) -> http.client.HTTPSConnection:
        address = urlsplit(self.portal.url)
        context = ssl.create_default_context(cafile=str(self.portal.files.portal_ca))
        context.load_cert_chain(certificate or self.portal.files.bridge_tls)
        return http.client.HTTPSConnection(address.hostname or "", address.port, context=context, timeout=60)

    def post(
        self, message: bytes, operation: str, headers: dict[str, str] | None = None, path: str | None = None
    ) -> tuple[int, bytes]:
        with contextlib.closing(self.connection()) as connection:
            sent = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{DIARY}#{operation}"'} | (headers or {})
            connection.request("POST", path or urlsplit(self.portal.url).path, message, sent)
            response = connection.getresponse()
            return response.status, response.read()

    def envelope(
        self, payload: _Element, *, credential: Credential | None = None, at: datetime | None = None
    ) -> _Element:
        return self.signed(envelope_around(payload), credential=credential, at=at)

    def signed(
        self, envelope: _Element, *, credential: Credential | None = None, at: datetime | None = None
    ) -> _Element:
        sign(envelope, credential or self.signing, at or self.now())
        return envelope

    def send(self, envelope: _Element, operation: str) -> _Element:
        """Send an envelope as it is; returns the one element of the reply's Body."""
        status, body = self.post(etree.tostring(envelope), operation)
        reply = self.checked(body)
        assert (status == HTTP_OK) == (reply.tag != FAULT_TAG)
        return reply

    def ok(self, payload: _Element) -> _Element:
        """Send a well signed payload, which the portal must take."""
        reply = self.send(self.envelope(payload), etree.QName(payload).localname)
        assert reply.tag == f"{payload.tag}Response", fault_code(reply)
        return reply

    def refused(self, payload: _Element) -> str:
        """Send a well signed payload, which the portal must refuse; returns the fault's code."""
        return fault_code(self.send(self.envelope(payload), etree.QName(payload).localname))

    def checked(self, reply: bytes) -> _Element:
        """Return the element in a reply's Body after both checks."""
        envelope = etree.fromstring(reply)
        portal_certificate = load_credential(self.portal.files.portal_signing.read_bytes()).certificate_pem
        MemorySignature(b"", portal_certificate).verify(envelope)
        payload = envelope.find(f"{{{SOAP}}}Body")[0]
        self.schema.assertValid(payload.find("detail")[0] if payload.tag == FAULT_TAG else payload)
        return payload


def fault_code(reply: _Element) -> str:
    return reply.find("detail")[0].attrib["code"]


def element(name: str, **attributes: str) -> _Element:
    return etree.Element(f"{{{DIARY}}}{name}", attributes, nsmap={None: DIARY})


def journal(records: list[_Element], *, school: str = "0252", batch_id: str | None = None) -> _Element:
    """Return a SubmitJournal, its batch id the digest of its content unless another is given."""
    payload = element("SubmitJournal", batchId="0" * 64, school=school, createdAt="2026-10-01T12:00:00Z")
    payload.extend(records)
    digest = hashlib.sha256(etree.tostring(payload, method="c14n", exclusive=True)).hexdigest()
    payload.set("batchId", digest if batch_id is None else batch_id)
    return payload


def publish(record_id: str, revision: int = 1, student: str = "s-1", **content: str) -> _Element:
    record = element("publish", recordId=record_id, revision=str(revision))
    fields = {"studentRef": student, "kind": "current", "subject": "Алгебра", "date": "2026-09-15"} | content
    order = ["studentRef", "kind", "subject", "date", "lessonNumber", "value", "weight", "work", "comment", "enteredAt"]
    for name in sorted(fields, key=order.index):
        etree.SubElement(record, f"{{{DIARY}}}{name}").text = fields[name]
    return record


def withdraw(record_id: str, revision: int, reason: str = "deleted") -> _Element:
    return element("withdraw", recordId=record_id, revision=str(revision), reason=reason)


def put_link(link_id: str, revision: int = 1, *, school: str = "0252", **other: str) -> _Element:
    fields = {
        "school": school,
        "accountId": "pa-1",
        "studentRef": "s-1",
        "consentRef": "c-1",
        "validFrom": "2026-09-01",
        "recordsFrom": "2026-09-01",
        "kinds": "current absence",
    } | other
    return element("PutLink", linkId=link_id, revision=str(revision), **fields)


def end_link(link_id: str, revision: int) -> _Element:
    return element(
        "EndLink",
        school="0252",
        linkId=link_id,
        revision=str(revision),
        endedAt="2026-10-01T12:00:00+03:00",
        reason="consent-withdrawn",
    )


def rows(portal: PortalServer, query: str, *values: object) -> list[tuple[object, ...]]:
    """Read the portal's file as any other program would."""
    with contextlib.closing(sqlite3.connect(f"file:{portal.database}?mode=ro", uri=True)) as connection:
        return connection.execute(query, values).fetchall()


@dataclass
class Clock:
    """The portal's clock, as a test sets it."""

    moment: datetime | None = None

    def forward(self, **by: float) -> None:
        self.moment = self() + timedelta(**by)

    def __call__(self) -> datetime:
        return self.moment or datetime.now(UTC)
