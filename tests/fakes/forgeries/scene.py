"""A forger's workbench: a genuine reply, its parts, and the register of forgeries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fakes.reply_signing import DIARY, DS, SOAP, WSSE, WSU, envelope, sign, signed
from lxml import etree

from journal.records import PreparedBatch
from sandbox.authority import Credential

HOUR = timedelta(hours=1)
ID = f"{{{WSU}}}Id"


@dataclass(frozen=True)
class Scene:
    """What a forger has: the genuine payload, the portal's keys (to test what even they may not do), the time."""

    keys: object
    batch: PreparedBatch
    now: datetime
    request: bytes = b""

    @property
    def payload(self) -> bytes:
        return (
            f'<SubmitJournalResponse xmlns="{DIARY}" batchId="{self.batch.batch_id}" receiptId="rc-1" '
            f'receivedAt="2026-10-01T12:30:05Z" accepted="1" duplicate="false"/>'
        ).encode()

    @property
    def lie(self) -> bytes:
        return self.payload.replace(b"rc-1", b"forged")

    @property
    def signer(self) -> Credential:
        return self.keys.portal_signing

    def genuine(self) -> etree._Element:
        return etree.fromstring(signed(self.payload, self.signer, self.now))

    def unsigned(self, payload: bytes | None = None, **arguments: timedelta) -> etree._Element:
        return envelope(payload or self.payload, self.signer, self.now, **arguments)

    def by(self, credential: Credential, **changes: object) -> bytes:
        return sign(envelope(self.payload, credential, self.now), credential, **changes)


Forgery = Callable[[Scene], bytes]
FORGERIES: dict[str, tuple[Forgery, str]] = {}


def forgery(reason: str) -> Callable[[Forgery], Forgery]:
    """Register a forgery with the words by which it has to be refused: each check is to do its own work."""

    def register(make: Forgery) -> Forgery:
        FORGERIES[make.__name__] = (make, reason)
        return make

    return register


def header_of(root: etree._Element) -> etree._Element:
    return root.find(f"{{{SOAP}}}Header")


def security_of(root: etree._Element) -> etree._Element:
    return root.find(f"{{{SOAP}}}Header/{{{WSSE}}}Security")


def body_of(root: etree._Element) -> etree._Element:
    return root.find(f"{{{SOAP}}}Body")


def signature_of(root: etree._Element) -> etree._Element:
    return security_of(root).find(f"{{{DS}}}Signature")


def token_of(root: etree._Element) -> etree._Element:
    return security_of(root).find(f"{{{WSSE}}}BinarySecurityToken")


def timestamp_of(root: etree._Element) -> etree._Element:
    return security_of(root).find(f"{{{WSU}}}Timestamp")


def without(scene: Scene, find: Callable[[etree._Element], etree._Element]) -> bytes:
    root = scene.genuine()
    element = find(root)
    element.getparent().remove(element)
    return etree.tostring(root)


def forged_body(scene: Scene, wsu_id: str | None) -> etree._Element:
    body = etree.Element(f"{{{SOAP}}}Body")
    body.append(etree.fromstring(scene.lie))
    if wsu_id:
        body.set(ID, wsu_id)
    return body
