"""Hostile replies by combination, of what is signed: a way of forging × the questions that a portal is asked.

Each family gives single replies, lazily, so that each is signed in the moment in which it is sent. What a forger has
is generous: genuine replies of the very question, and in the families that are about rules the portal's own key.
"""

import base64
from collections.abc import Iterator
from datetime import timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fakes.forgeries import handmade
from fakes.forgeries.forger import Forger, Hostile, copied
from fakes.forgeries.handmade import BODY, TIMESTAMP, Reference
from fakes.forgeries.places import PLACES, wrapped
from fakes.forgeries.scene import HOUR, ID, header_of, security_of, signature_of, timestamp_of, token_of
from fakes.reply_signing import DS, EXCLUSIVE, WSSE, X509V3, envelope
from fakes.scripted_server import http
from lxml import etree

from sandbox.authority import Authority, Credential, Purpose

XML = "{http://www.w3.org/XML/1998/namespace}"


def wrapping(forger: Forger) -> Iterator[Hostile]:
    """Every place × every question, and for a submit also under the ids that a verifier might look up."""
    for question in forger.questions.values():
        for place, put in PLACES.items():
            message = wrapped(forger.genuine(question), question.lie, put, None)
            yield Hostile(f"{question}: the signed body {place}", question, [http(message)])
    submit = forger.questions["SubmitJournal"]
    for place, put in PLACES.items():
        for wsu_id in ("B", "F", "T", "X"):
            message = wrapped(forger.genuine(submit), submit.lie, put, wsu_id)
            yield Hostile(f"the signed body {place}, the lie has the id {wsu_id}", submit, [http(message)])


def ids(forger: Forger) -> Iterator[Hostile]:
    """An id of a signed part that stands a second time, as an id of any type, on any element."""
    names = (ID, f"{XML}id", "Id", "ID", "id", "AssertionID", f"{{{DS}}}Id", "{urn:x}Id")
    places = {"the header": header_of, "Security": security_of, "the signature": signature_of}
    for name in names:
        for wsu_id in ("B", "T", "X"):
            for place, find in places.items():
                root = etree.fromstring(forger.genuine(forger.questions["SubmitJournal"]))
                etree.SubElement(find(root), "{urn:x}decoy").set(name, wsu_id)
                yield forger.to_submit(f"{wsu_id} again as {name} in {place}", etree.tostring(root))


def references(forger: Forger) -> Iterator[Hostile]:
    """Signed by the portal's own key, over something else than Body and Timestamp, or transformed otherwise."""
    hm = handmade
    for uri in ("", "#", "#nothing", "B", "#xpointer(/)", "#xpointer(id('B'))", "#B ", "#b", None,
                "http://127.0.0.1:9/x", "file:///etc/passwd", "cid:body", "?#B"):  # fmt: skip
        other = Reference(uri, element="B")
        yield forger.to_submit(f"a reference to {uri!r} for the body", forger.handmade(references=(other, TIMESTAMP)))
        other = Reference(uri, element="T")
        yield forger.to_submit(f"a reference to {uri!r} for the time", forger.handmade(references=(BODY, other)))
    for name, some in {
        "no reference": (),
        "the body alone": (BODY,),
        "the time alone": (TIMESTAMP,),
        "the body twice": (BODY, BODY),
        "the body twice and the time": (BODY, BODY, TIMESTAMP),
        "the token too": (BODY, TIMESTAMP, Reference("#X")),
        "the whole too": (BODY, TIMESTAMP, Reference("")),
        "the token for the time": (BODY, Reference("#X")),
    }.items():
        yield forger.to_submit(f"signed: {name}", forger.handmade(references=some))
    for transforms in (
        (), (hm.INCLUSIVE,), (hm.INCLUSIVE_11,), (hm.WITH_COMMENTS,), (hm.ENVELOPED,), (hm.BASE64_DECODE,),
        (hm.XPATH,), (hm.XPATH_FILTER,), (hm.XSLT,), (hm.STR_TRANSFORM,), ("urn:x",), ("",),
        (hm.EXCLUSIVE, hm.EXCLUSIVE), (hm.ENVELOPED, hm.EXCLUSIVE), (hm.EXCLUSIVE, hm.ENVELOPED),
        (hm.EXCLUSIVE, hm.XSLT), (hm.XPATH, hm.EXCLUSIVE), (hm.EXCLUSIVE, hm.BASE64_DECODE),
    ):  # fmt: skip
        for uri, kept in (("#B", TIMESTAMP), ("#T", BODY)):
            message = forger.handmade(references=(Reference(uri, transforms), kept))
            yield forger.to_submit(f"{uri} transformed by {[one[-20:] for one in transforms]}", message)
    for canonical in (hm.INCLUSIVE, hm.INCLUSIVE_11, hm.WITH_COMMENTS, hm.ENVELOPED, "urn:x", ""):
        yield forger.to_submit(f"SignedInfo canonical by {canonical[-20:]}", forger.handmade(canonical=canonical))


def algorithms(forger: Forger) -> Iterator[Hostile]:
    """Weak, foreign or confused algorithms, computed rightly wherever that can be."""
    hm, key = handmade, forger.signer.key
    public = forger.signer.certificate.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    whole = forger.signer.certificate.public_bytes(Encoding.DER)
    signs = {
        f"{DS}rsa-sha1": hm.rsa(key, hashes.SHA1()),  # noqa: S303  the weak one is the point
        f"{hm.MORE}rsa-md5": hm.rsa(key, hashes.MD5()),  # noqa: S303  likewise
        f"{hm.MORE}rsa-sha224": hm.rsa(key, hashes.SHA224()),
        f"{DS}hmac-sha1": hm.mac(pem, "sha1"),
        f"{hm.MORE}hmac-sha256": hm.mac(pem),
        f"{hm.MORE}hmac-sha512": hm.mac(der, "sha512"),
        f"{hm.MORE}hmac-sha384": hm.mac(whole, "sha384"),
        f"{hm.MORE}ecdsa-sha256": hm.rsa(key),
        f"{DS}dsa-sha1": hm.rsa(key),
        "http://www.w3.org/2009/xmldsig11#dsa-sha256": hm.rsa(key),
        "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519": hm.rsa(key),
        "urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34102012-gostr34112012-256": hm.rsa(key),
        "http://www.w3.org/2000/09/xmldsig#none": lambda _: b"",
        "none": lambda _: b"",
        "": hm.rsa(key),
        f"{hm.RSA_SHA256}#": hm.rsa(key),
        f"{hm.MORE}rsa-sha512": hm.rsa(key),  # says SHA-512, is SHA-256
        hm.RSA_SHA256: hm.mac(pem),  # says RSA, is HMAC
    }
    for method, value in signs.items():
        yield forger.to_submit(f"method {method[-40:]}", hm.sign(forger.unsigned(), value, method=method))
    for name, value in {"empty": b"", "one zero": b"\0", "zeros": bytes(256), "ones": b"\xff" * 256}.items():
        yield forger.to_submit(f"value {name}", hm.sign(forger.unsigned(), lambda _, value=value: value))
    for digest in (f"{DS}sha1", f"{hm.MORE}md5", f"{hm.MORE}sha224", "urn:x", "",
                   "urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34112012-256"):  # fmt: skip
        for uri, kept in (("#B", TIMESTAMP), ("#T", BODY)):
            message = forger.handmade(references=(Reference(uri, digest=digest), kept))
            yield forger.to_submit(f"{uri} digested by {digest[-30:]}", message)


def keys(forger: Forger) -> Iterator[Hostile]:
    """Somebody else's key, or a key that is told otherwise than by the message's token."""
    now = forger.now
    city, stranger = forger.keys.city, forger.keys.stranger
    middle = Authority(city.issue("Middle", Purpose.SIGNING), now)
    day = timedelta(days=1)
    for name, other in {
        "a stranger's": stranger.issue("Portal", Purpose.SIGNING),
        "self-signed": Authority.create("Portal", now).credential,
        "another authority of the name": Authority.create("City", now).issue("Portal", Purpose.SIGNING),
        "the authority's own": city.credential,
        "a stranger authority's own": stranger.credential,
        "over": city.issue("Portal", Purpose.SIGNING, not_before=now - 2 * day, not_after=now - day),
        "just over": city.issue("Portal", Purpose.SIGNING, not_before=now - day, not_after=now - timedelta(seconds=1)),
        "not yet in force": city.issue("Portal", Purpose.SIGNING, not_before=now + day, not_after=now + 2 * day),
        "issued by one that may not": middle.issue("Portal", Purpose.SIGNING),
        "the bridge's authority's": forger.keys.district.issue("Portal", Purpose.SIGNING),
        "the bridge's": forger.keys.bridge_signing,
    }.items():
        for question in ("SubmitJournal", "GetReceipt", "ListHoldings"):
            asked = forger.questions[question]
            root = envelope(asked.answer, other, forger.now)
            value = handmade.rsa(other.key) if _is_rsa(other) else _ecdsa(other)
            method = handmade.RSA_SHA256 if _is_rsa(other) else f"{handmade.MORE}ecdsa-sha256"
            message = handmade.sign(root, value, method=method)
            yield Hostile(f"{question}: certificate {name}", asked, [http(message)])
        root = forger.unsigned()
        token_of(root).text = base64.b64encode(other.certificate.public_bytes(Encoding.DER)).decode()
        yield forger.to_submit(f"the portal's signature, the token is {name}", forger.handmade(root))
    numbers = stranger.issue("Portal", Purpose.SIGNING)
    der = base64.b64encode(numbers.certificate.public_bytes(Encoding.DER)).decode()
    modulus = numbers.key.public_key().public_numbers().n
    n = base64.b64encode(modulus.to_bytes((modulus.bit_length() + 7) // 8)).decode()
    start = f'<w:SecurityTokenReference xmlns:w="{WSSE}">'
    for name, info in {
        "a key's value": f'<KeyValue xmlns="{DS}"><RSAKeyValue><Modulus>{n}</Modulus><Exponent>AQAB</Exponent>'
        "</RSAKeyValue></KeyValue>",
        "a certificate of its own": f'<X509Data xmlns="{DS}"><X509Certificate>{der}</X509Certificate></X509Data>',
        "a name": f'<KeyName xmlns="{DS}">Portal</KeyName>',
        "a place to get it": f'<RetrievalMethod xmlns="{DS}" URI="http://127.0.0.1:9/key"/>',
        "an id of a key": f'{start}<w:KeyIdentifier ValueType="{X509V3}">{der}</w:KeyIdentifier>'
        "</w:SecurityTokenReference>",
        "an embedded token": f"{start}<w:Embedded><w:BinarySecurityToken>{der}</w:BinarySecurityToken></w:Embedded>"
        "</w:SecurityTokenReference>",
        "another id": f'{start}<w:Reference URI="#Y"/></w:SecurityTokenReference>',
        "two references": f'{start}<w:Reference URI="#X"/><w:Reference URI="#Y"/></w:SecurityTokenReference>',
        "an outer address": f'{start}<w:Reference URI="http://127.0.0.1:9/#X"/></w:SecurityTokenReference>',
        "nothing": "",
    }.items():
        message = handmade.sign(forger.unsigned(), handmade.rsa(numbers.key), key_info=info)
        yield forger.to_submit(f"KeyInfo of {name}, signed by it", message)
        yield forger.to_submit(f"KeyInfo of {name}, signed by the portal", forger.handmade(key_info=info))


def _is_rsa(credential: Credential) -> bool:
    return isinstance(credential.key, RSAPrivateKey)


def _ecdsa(credential: Credential) -> handmade.Sign:
    def value(data: bytes) -> bytes:
        pair = decode_dss_signature(credential.key.sign(data, ECDSA(hashes.SHA256())))
        return b"".join(part.to_bytes(32) for part in pair)

    return value


def times(forger: Forger) -> Iterator[Hostile]:
    """Timestamps signed by the portal itself that say another time, or none."""
    now = forger.now.replace(microsecond=0)
    z = "%Y-%m-%dT%H:%M:%SZ"
    soon = (now + timedelta(minutes=4)).strftime(z)
    minute = timedelta(minutes=1)
    for created, expires in (
        (now - HOUR, now - HOUR + minute), (now - 3 * minute, now - minute),
        (now - 6 * minute, now - minute), (now + 6 * minute, now + 10 * minute),
        (now - 6 * minute, now + minute), (now, now), (now, now - minute), (now + minute, now), (now, now + 6 * minute),
        (now, now + timedelta(seconds=301)), (now - minute, now + timedelta(seconds=241)), (now, now + 24 * HOUR),
        (now - 365 * 24 * HOUR, now + 365 * 24 * HOUR), (now + HOUR, now + HOUR + minute),
    ):  # fmt: skip
        for question in forger.questions.values():
            root = forger.unsigned(question)
            timestamp_of(root)[0].text, timestamp_of(root)[1].text = created.strftime(z), expires.strftime(z)
            name = f"{question}: from {(created - now).total_seconds():.0f} to {(expires - now).total_seconds():.0f} s"
            yield Hostile(name, question, [http(forger.handmade(root))])
    plain = now.strftime("%Y-%m-%dT%H:%M:%S")
    for written in (
        plain, now.strftime("%Y-%m-%d"), now.strftime("%Y-%m-%dZ"), plain.replace("T", " ") + "Z", plain + "+25:00",
        plain.lower() + "z", plain.replace("T", "t") + "Z", plain + ",5Z", plain + ".Z", "1" + plain + "Z",
        "-" + plain + "Z", "+" + plain + "Z", now.strftime("%G-W%V-%uT%H:%M:%SZ"), now.strftime("%Y%m%dT%H%M%SZ"),
        now.strftime("%Y-%m-%dT24:00:00Z"), now.strftime("%Y-%m-%dT%H:%M:60Z"), now.strftime("%Y-%m-%dT%H:%MZ"),
        "now", "", "0", str(int(now.timestamp())), plain.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")) + "Z",
        plain + "Z" + plain + "Z", plain + " Z", plain + "\u00a0Z", plain + "+0300", plain + "UTC",
    ):  # fmt: skip
        root = forger.unsigned()
        timestamp_of(root)[0].text, timestamp_of(root)[1].text = written, soon
        yield forger.to_submit(f"Created {written!r}", forger.handmade(root))
    for name, change in {
        "two Created": lambda stamp: stamp.insert(1, copied(stamp[0])),
        "two Expires": lambda stamp: stamp.append(copied(stamp[1])),
        "no Created": lambda stamp: stamp.remove(stamp[0]),
        "no Expires": lambda stamp: stamp.remove(stamp[1]),
        "nothing in it": lambda stamp: [stamp.remove(one) for one in list(stamp)],
        "Created within Expires": lambda stamp: stamp[1].append(stamp[0]),
        "names of another namespace": lambda stamp: [one.__setattr__("tag", "{urn:x}Created") for one in stamp],
    }.items():
        root = forger.unsigned()
        change(timestamp_of(root))
        yield forger.to_submit(f"a timestamp with {name}", forger.handmade(root))


def shapes(forger: Forger) -> Iterator[Hostile]:
    """Signatures of the portal's own key with a part too many somewhere."""
    extra = {
        "an Object": f'<Object xmlns="{DS}"/>',
        "a Manifest": f'<Manifest xmlns="{DS}"><Reference URI="#B"/></Manifest>',
        "a length of the MAC": f'<HMACOutputLength xmlns="{DS}">1</HMACOutputLength>',
        "prefixes": f'<InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList="S"/>',
        "a reference": f'<Reference xmlns="{DS}" URI="#X"/>',
        "anything": "<x/>",
    }
    for path in (
        ".", "SignedInfo", "SignedInfo/SignatureMethod", "SignedInfo/Reference", "SignedInfo/Reference/Transforms",
        "SignedInfo/Reference/DigestMethod", "SignedInfo/Reference/DigestValue", "SignatureValue",
    ):  # fmt: skip
        for name, text in extra.items():
            root = etree.fromstring(forger.genuine(forger.questions["SubmitJournal"]))
            place = "/".join(part if part == "." else f"{{{DS}}}{part}" for part in path.split("/"))
            signature_of(root).find(place).append(etree.fromstring(text))
            yield forger.to_submit(f"{name} in {path}", etree.tostring(root))
    for number in (65, 10_000):
        root = etree.fromstring(forger.genuine(forger.questions["SubmitJournal"]))
        listed = " ".join(f"p{n}" for n in range(number))
        for step in ("CanonicalizationMethod", "Reference/{DS}Transforms/{DS}Transform"):
            path = f"{{{DS}}}SignedInfo/{{{DS}}}{step}".replace("{DS}", f"{{{DS}}}")
            etree.SubElement(signature_of(root).find(path), f"{{{EXCLUSIVE}}}InclusiveNamespaces", PrefixList=listed)
        yield forger.to_submit(f"{number} prefixes", etree.tostring(root))


SIGNED_FAMILIES = (wrapping, ids, references, shapes, algorithms, keys, times)
