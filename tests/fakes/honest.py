"""Honest replies in every form that the contract leaves open, signed by libxmlsec, with what has to be read from each.

All that varies: keys and algorithms, prefixes, order and spelling of attributes, blanks and comments, the order of
the Security header's parts, headers that nobody signed, the XML declaration, sizes, how HTTP carries it.
"""

import base64
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import xmlsec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fakes.forgeries.questions import Question, questions
from fakes.reply_signing import BASE64, DIARY, DS, EXCLUSIVE, SOAP, WSSE, WSU, X509V3, fault
from lxml import etree

from connectors.portal.soap_portal import SoapPortal
from journal.records import Holding, UsageDay
from sandbox.authority import Authority, Credential, Purpose

ADDRESSING = "http://www.w3.org/2005/08/addressing"
C = xmlsec.constants
RSA_METHODS = (C.TransformRsaSha256, C.TransformRsaSha384, C.TransformRsaSha512)
EC_METHODS = (C.TransformEcdsaSha256, C.TransformEcdsaSha384, C.TransformEcdsaSha512)
DIGESTS = (C.TransformSha256, C.TransformSha384, C.TransformSha512)


@dataclass(frozen=True)
class Honest:
    """One reply: what is asked, the bytes of the HTTP answer, and whether what was read is what was said."""

    question: Question
    answer: bytes
    right: Callable[[object], bool]
    said: str


def signers(city: Authority) -> list[Credential]:
    """Return one of each kind of key that an authority issues."""
    made = [rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 3072)]
    made += [ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())]
    return [city.issue("Portal", Purpose.SIGNING, key=key) for key in made]


def honest(city: Authority, portal: SoapPortal, count: int, seed: int) -> Iterator[Honest]:
    """Give `count` replies."""
    chance = random.Random(seed)  # noqa: S311  variety, not secrecy
    asked, keys = questions(portal), signers(city)
    for number in range(count):
        question = list(asked.values())[number % len(asked)]
        payload, right, is_fault = _payload(chance, question, number)
        message = Writer(chance).message(payload, chance.choice(keys), datetime.now(UTC))
        status = "500 Internal Server Error" if is_fault and chance.random() < 0.8 else "200 OK"
        yield Honest(question, _http(chance, message, status), right, "Throttled" if is_fault else "")


def _payload(chance: random.Random, question: Question, number: int) -> tuple[bytes, Callable[[object], bool], bool]:
    size = chance.choice((0, 1, 2, 3, 10, 40) if number % 50 else (2000,))
    if chance.random() < 0.1:
        return fault("Throttled", 3), lambda error: error.retry_after == 3, True
    if question.name in {"SubmitJournal", "GetReceipt"}:
        rejected = "".join(
            f'<rejected recordId="r-{n}" code="Limit" message="&lt;{n}&gt; &amp; &#1053;&#1077;&#1090; &quot;&quot;"/>'
            for n in range(size)
        )
        payload = question.answer.replace(b"/>", f">{rejected}</{question.name}Response>".encode())
        return payload, lambda told: [r.record_id for r in told.rejected] == [f"r-{n}" for n in range(size)], False
    if question.name == "ListHoldings":
        rows = "".join(f'<holding recordId="r-{n:05}" revision="{n + 1}" studentRef="s.{n}"/>' for n in range(size))
        payload = f'<ListHoldingsResponse xmlns="{DIARY}">{rows}</ListHoldingsResponse>'.encode()
        return payload, lambda told: told == [Holding(f"r-{n:05}", n + 1, f"s.{n}") for n in range(size)], False
    if question.name == "GetUsage":
        rows = "".join(f'<day date="2026-09-01" linkId="l-{n}" views="{n}"/>' for n in range(size))
        payload = f'<GetUsageResponse xmlns="{DIARY}">{rows}</GetUsageResponse>'.encode()
        return payload, lambda told: told == [UsageDay(date(2026, 9, 1), f"l-{n}", n) for n in range(size)], False
    if question.name == "ListApplications":
        written = chance.choice(
            ("Ива<!-- not signed -->нов", "<![CDATA[Иванов]]>", "&#x418;ванов", " Иванов\n", "Иванов")
        )
        payload = question.answer.replace(b"Honest", written.encode())
        return payload, lambda told: [a.student.last_name for a in told.applications] == ["Иванов"], False
    return question.answer, lambda told: told is None or bool(told), False


class Writer:
    """Writes an envelope by chance."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.soap = chance.choice(("S", "soap", "SOAP-ENV", "s11", "ns0"))
        self.wsu, self.wsse = chance.choice(("u", "wsu", "ns1")), chance.choice(("w", "wsse", "ns2"))
        names = chance.sample(("body", "B", "_1", "id-5d1f", "TS-7", "X.509-token", "Z", "тело"), 3)
        self.body, self.stamp, self.token = names

    def message(self, payload: bytes, credential: Credential, now: datetime) -> bytes:
        """Return the whole signed message around `payload`."""
        chance = self.chance
        root = etree.fromstring(self._unsigned(payload, credential, now))
        self._sign(root, credential)
        text = etree.tostring(root, encoding="unicode")
        declaration = chance.choice(
            ("", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-8"?>\n',
             "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>", "\ufeff", "<!-- before -->\n",
             '\ufeff<?xml version="1.0" encoding="UTF-8"?>')
        )  # fmt: skip
        return f"{declaration}{text}{chance.choice(('', chr(10), '<!-- after -->'))}".encode()

    def _blank(self) -> str:
        return self.chance.choice(("", "", "\n", "\n    ", " \t", "<!-- unsigned -->"))

    def _attributes(self, *pairs: str) -> str:
        chosen = list(pairs)
        self.chance.shuffle(chosen)
        return "".join(f"{self.chance.choice((' ', chr(10) + '  '))}{pair}" for pair in chosen)

    def _other_headers(self) -> str:
        some = (
            '<x:Routing xmlns:x="urn:x" x:to="a">b</x:Routing>',
            f'<x:Trace xmlns:x="urn:x" {self.soap}:mustUnderstand="0"/>',
            f'<a:Action xmlns:a="{ADDRESSING}">urn:x</a:Action>',
            f'<a:MessageID xmlns:a="{ADDRESSING}" Id="m-{self.chance.random()}">x</a:MessageID>',
        )
        return "".join(self.chance.sample(some, self.chance.choice((0, 0, 1, 2))))

    def _unsigned(self, payload: bytes, credential: Credential, now: datetime) -> str:
        chance, s, u, w = self.chance, self.soap, self.wsu, self.wsse
        der = base64.b64encode(credential.certificate.public_bytes(Encoding.DER)).decode()
        width = chance.choice((0, 64, 76))
        token = "\n".join(der[n : n + width] for n in range(0, len(der), width)) if width else der
        told = [f'{u}:Id="{self.token}"', f'ValueType="{X509V3}"']
        told += [f'EncodingType="{BASE64}"'] if chance.random() < 0.8 else []
        created = now + timedelta(seconds=chance.uniform(-100, 200), milliseconds=1)
        life = timedelta(seconds=chance.choice((150, 240, 300)))
        kind = chance.choice(("seconds", "milliseconds", "microseconds"))
        first, last = (self._moment(moment, kind) for moment in (created, created + life))
        token = f"<{w}:BinarySecurityToken{self._attributes(*told)}>{token}</{w}:BinarySecurityToken>"
        stamp = (
            f'<{u}:Timestamp {u}:Id="{self.stamp}">{self._blank()}<{u}:Created>{first}</{u}:Created>{self._blank()}'
            f"<{u}:Expires>{last}</{u}:Expires></{u}:Timestamp>"
        )
        parts = [token, stamp]
        chance.shuffle(parts)
        inner = self._blank().join(["", *parts, ""])
        must = f' {s}:mustUnderstand="{chance.choice("01")}"' if chance.random() < 0.6 else ""
        spaces = [f'xmlns:{s}="{SOAP}"', f'xmlns:{u}="{WSU}"', 'xmlns:unused="urn:unused"']
        return (
            f"<{s}:Envelope{self._attributes(*spaces)}>{self._blank()}<{s}:Header>{self._other_headers()}"
            f'<{w}:Security xmlns:{w}="{WSSE}"{must}>{inner}</{w}:Security>{self._blank()}{self._other_headers()}'
            f"</{s}:Header>{self._blank()}<{s}:Body{self._attributes(f'{u}:Id={chr(34)}{self.body}{chr(34)}')}>"
            f"{self._blank()}{self._written(payload)}{self._blank()}</{s}:Body>{self._blank()}</{s}:Envelope>"
        )

    def _moment(self, moment: datetime, kind: str) -> str:
        zone = self.chance.choice((UTC, UTC, _zone(3), _zone(-5)))
        text = moment.astimezone(zone).isoformat(timespec=kind)
        return self.chance.choice((text, text.replace("+00:00", "Z")))

    def _written(self, payload: bytes) -> str:
        """Write the payload with a prefix of its own or none, and blanks between its elements."""
        text = payload.decode()
        if self.chance.random() < 0.3:
            text = text.replace("><", f">{self.chance.choice((chr(10), '  '))}<")
        if self.chance.random() < 0.5 and "Fault" not in text:
            root = etree.fromstring(text)
            renamed = etree.Element(root.tag, dict(_shuffled(self.chance, root.items())), nsmap={"d": DIARY})
            renamed.text = root.text
            renamed.extend(list(root))
            text = etree.tostring(renamed, encoding="unicode")
        return text

    def _sign(self, root: etree._Element, credential: Credential) -> None:
        chance = self.chance
        methods = RSA_METHODS if isinstance(credential.key, rsa.RSAPrivateKey) else EC_METHODS
        prefix = chance.choice((None, "ds", "dsig"))
        signature = xmlsec.template.create(root, C.TransformExclC14N, chance.choice(methods), ns=prefix)
        security = root.find(f"{{{SOAP}}}Header/{{{WSSE}}}Security")
        security.insert(chance.randint(0, len(security)), signature)
        context = xmlsec.SignatureContext()
        pem = credential.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        context.key = xmlsec.Key.from_memory(pem, C.KeyDataFormatPem, None)
        for part in _shuffled(chance, (self.body, self.stamp)):
            (element,) = root.xpath("//*[@u:Id=$id]", namespaces={"u": WSU}, id=part)
            context.register_id(element, "Id", WSU)
            reference = xmlsec.template.add_reference(signature, chance.choice(DIGESTS), uri=f"#{part}")
            step = xmlsec.template.add_transform(reference, C.TransformExclC14N)
            if chance.random() < 0.3:
                etree.SubElement(step, f"{{{EXCLUSIVE}}}InclusiveNamespaces", PrefixList=f"{self.soap} {self.wsu}")
        if chance.random() < 0.3:  # as WSS4J writes it
            method = signature.find(f"{{{DS}}}SignedInfo/{{{DS}}}CanonicalizationMethod")
            etree.SubElement(method, f"{{{EXCLUSIVE}}}InclusiveNamespaces", PrefixList=self.soap)
        context.sign(signature)
        info = etree.SubElement(signature, f"{{{DS}}}KeyInfo")
        pointer = etree.SubElement(info, f"{{{WSSE}}}SecurityTokenReference")
        told = {"URI": f"#{self.token}", **({"ValueType": X509V3} if chance.random() < 0.7 else {})}
        etree.SubElement(pointer, f"{{{WSSE}}}Reference", told)


def _shuffled(chance: random.Random, items: Sequence[object]) -> list[object]:
    mixed = list(items)
    chance.shuffle(mixed)
    return mixed


def _zone(hours: int) -> object:
    from datetime import timezone  # noqa: PLC0415  beside UTC it would be mistaken for it

    return timezone(timedelta(hours=hours))


def _http(chance: random.Random, body: bytes, status: str) -> bytes:
    kind = chance.choice(
        ("text/xml", "text/xml; charset=utf-8", 'text/xml;charset="UTF-8"', "Text/XML; Charset=UTF-8; x=y")
    )
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Server: any", *chance.sample(("X-A: b", "Vary: *"), 1)]
    if chance.random() < 0.3:
        width = chance.choice((7, 1000, 70_000)) if len(body) < 20_000 else 70_000
        chunks = [body[n : n + width] for n in range(0, len(body), width)]
        carried = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in (*chunks, b""))
        return "\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode() + carried
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
