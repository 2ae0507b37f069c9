"""Hostile replies by combination, of how they come: documents, envelopes, answers to others, faults, HTTP."""

import zlib
from collections.abc import Iterator
from datetime import timedelta

from fakes.forgeries.forger import Forger, Hostile, copied
from fakes.forgeries.scene import HOUR, header_of, security_of, signature_of, timestamp_of, token_of
from fakes.reply_signing import DIARY, SOAP, envelope, fault, signed
from fakes.scripted_server import CUT, http
from lxml import etree

from sandbox.authority import Purpose


def documents(forger: Forger) -> Iterator[Hostile]:
    """What is no document of SOAP, or one too many, around a genuine reply or in it."""
    genuine = forger.genuine(forger.questions["SubmitJournal"])
    text = genuine.decode()
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    before = {
        "an empty DTD": "<!DOCTYPE x>",
        "an internal DTD": "<!DOCTYPE x [<!ELEMENT x ANY>]>",
        "an external DTD": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        "a public DTD": '<!DOCTYPE x PUBLIC "-//W3C//DTD XHTML 1.0//EN" "file:///etc/passwd">',
        "an entity": '<!DOCTYPE x [<!ENTITY e "forged">]>',
        "an outer entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        "a parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p">%p;]>',
        "ids by a DTD": "<!DOCTYPE x [<!ATTLIST decoy any ID #IMPLIED>]>",
        "a default attribute": '<!DOCTYPE x [<!ATTLIST S:Body u:Id CDATA "B">]>',
        "a billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>',
        "an instruction": '<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?>',
        "text": "forged",
        "an element": "<x/>",
        "XML 1.1": '<?xml version="1.1"?>',
        "XML 9": '<?xml version="9.0"?>',
        "a NUL": "\0",
        "a control character": "\x01",
    }  # fmt: skip
    for name, start in before.items():
        yield forger.to_submit(f"before it: {name}", start.encode() + genuine)
    laughing = text.replace('receiptId="rc-1"', 'receiptId="&l9;"')
    yield forger.to_submit("laughs within", f"{before['a billion laughs']}{laughing}".encode())
    blowup = f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>' + text.replace("rc-1", "&a;" * 20_000)
    yield forger.to_submit("a quadratic blowup", blowup.encode())
    for name, end in {
        "text": "forged",
        "an element": "<x/>",
        "an instruction": "<?x?>",
        "itself": text,
        "NUL": "\0",
    }.items():
        yield forger.to_submit(f"after it: {name}", genuine + end.encode())
    for name, insert in {
        "an instruction": "<?forged ?>",
        "an entity nobody knows": "&forged;",
        "a NUL": "\0",
        "a reference to NUL": "&#0;",
        "a lone surrogate": "&#xD800;",
        "half a surrogate in bytes": b"\xed\xa0\x80",
        "bytes that are no UTF-8": b"\xff\xfe",
        "an overlong slash": b"\xc0\xaf",
        "text": "forged",
        "XInclude": '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>',
        "a name too long": f"<{'a' * 60_000}/>",
        "a depth of 300": "<a>" * 300 + "</a>" * 300,
        "a depth of 100,000": "<a>" * 100_000 + "</a>" * 100_000,
        "an open element": "<a>",
        "a close element": "</a>",
        "11 MiB of text": "x" * (11 * 1024 * 1024),
        "11 MiB in an attribute": f"<a b='{'x' * (11 * 1024 * 1024)}'/>",
        "a million elements": "<a/>" * 1_000_000,
        "a million attributes": "<a " + " ".join(f"a{n:x}=''" for n in range(1_000_000)) + "/>",
        "half a million namespaces": "<a " + " ".join(f"xmlns:a{n:x}='u'" for n in range(500_000)) + "/>",
    }.items():
        raw = insert if isinstance(insert, bytes) else insert.encode()
        yield forger.to_submit(f"in its body: {name}", genuine.replace(b"</S:Body>", raw + b"</S:Body>"))
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037", "cp1251", "iso-8859-5", "koi8-r"):
        declared = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
        yield forger.to_submit(f"encoded as {encoding}", declared.encode(encoding))
        yield forger.to_submit(f"said to be {encoding}", declared.encode())
    for encoding in ("utf-16", "utf-16-le", "utf-32-be", "cp037"):
        yield forger.to_submit(f"encoded as {encoding}, unsaid", text.encode(encoding))
    yield forger.to_submit("two marks of byte order", b"\xef\xbb\xbf\xef\xbb\xbf" + genuine)
    yield forger.to_submit("a mark of byte order in the middle", genuine.replace(b"<S:Body", b"\xff\xfe<S:Body"))
    for share in (1, 10, 50, 90, 99):
        yield forger.to_submit(f"{share} % of it", genuine[: len(genuine) * share // 100])
    yield forger.to_submit("all but its last byte", genuine[:-1])
    for name, other in {
        "nothing": b"",
        "blanks": b" \n",
        "JSON": b'{"accepted": 1}',
        "the payload alone": b"<a/>",
    }.items():
        yield forger.to_submit(f"instead of it: {name}", other)


def envelopes(forger: Forger) -> Iterator[Hostile]:
    """Parts of the envelope that stand twice, are missing, or are of another name; the rest is genuine."""
    finds = {
        "Header": header_of, "Security": security_of, "Timestamp": timestamp_of, "Signature": signature_of,
        "Token": token_of, "Body": lambda root: root.find(f"{{{SOAP}}}Body"),
    }  # fmt: skip
    submit = forger.questions["SubmitJournal"]
    for name, find in finds.items():
        for where in ("before", "after"):
            root = etree.fromstring(forger.genuine(submit))
            part = find(root)
            part.getparent().insert(part.getparent().index(part) + (where == "after"), copied(part))
            yield forger.to_submit(f"{name} again, {where}", etree.tostring(root))
        root = etree.fromstring(forger.genuine(submit))
        find(root).getparent().remove(find(root))
        yield forger.to_submit(f"no {name}", etree.tostring(root))
        root = etree.fromstring(forger.genuine(submit))
        find(root).tag = "{urn:x}" + etree.QName(find(root)).localname
        yield forger.to_submit(f"{name} of another namespace", etree.tostring(root))
    for question in forger.questions.values():
        two = signed(question.answer + question.lie, forger.signer, forger.now)
        yield Hostile(f"{question}: two answers in one signed body", question, [http(two)])
        empty = signed(b"", forger.signer, forger.now)
        yield Hostile(f"{question}: a signed body of nothing", question, [http(empty)])
        changed = forger.genuine(question).replace(_payload(question.answer), _payload(question.lie))
        if _payload(question.answer) != _payload(question.lie):
            yield Hostile(f"{question}: changed after signing", question, [http(changed)])
        yield Hostile(f"{question}: unsigned", question, [http(etree.tostring(forger.unsigned(question)))])
    for name in ("SOAP 1.2", "no SOAP"):
        other = "http://www.w3.org/2003/05/soap-envelope" if name == "SOAP 1.2" else "urn:x"
        root = etree.fromstring(etree.tostring(forger.unsigned()).replace(SOAP.encode(), other.encode()))
        yield forger.to_submit(name, etree.tostring(root))


def _payload(answer: bytes) -> bytes:
    """Return the part of a payload that lxml writes as it stood."""
    return answer.partition(DIARY.encode())[2].partition(b"/>")[0]


def echoes(forger: Forger) -> Iterator[Hostile]:
    """Genuine replies to another question, to another batch, link or application, or to an earlier question."""
    for asked in forger.questions.values():
        for other in forger.questions.values():
            if other is not asked:
                yield Hostile(f"{asked} answered by {other}", asked, [http(forger.genuine(other))])
    named = {
        "SubmitJournal": (b'batchId="', b'batchId="0', 1),
        "GetReceipt": (b'batchId="', b'batchId="0', 1),
        "ReportApplication": (b"ap-1", b"ap-2", 0),
        "PutLink": (b"l-1", b"l-2", 0),
        "EndLink": (b"l-1", b"l-2", 0),
    }
    for name, (true, other, cut) in named.items():
        asked = forger.questions[name]
        payload = asked.answer.replace(true, other)
        if cut:  # the id stays as long as it was
            at = payload.index(other) + len(other)
            payload = payload[: at + 63] + payload[at + 64 :]
        yield Hostile(f"{name}: of another", asked, [http(signed(payload, forger.signer, forger.now))])
    for name in ("SubmitJournal", "GetReceipt"):
        asked = forger.questions[name]
        at = asked.answer.index(b'batchId="') + 9
        upper = asked.answer[:at] + asked.answer[at : at + 64].upper() + asked.answer[at + 64 :]
        yield Hostile(f"{name}: the id in capitals", asked, [http(signed(upper, forger.signer, forger.now))])
    for name in ("PutLink", "EndLink"):
        asked = forger.questions[name]
        for revision in (1, 2):
            earlier = asked.answer.replace(b'revision="3"', b'revision="%d"' % revision)
            earlier = earlier.replace(b'revision="4"', b'revision="%d"' % revision)
            yield Hostile(
                f"{name}: an earlier answer, {revision}", asked, [http(signed(earlier, forger.signer, forger.now))]
            )
    for asked in forger.questions.values():
        old = signed(asked.answer, forger.signer, forger.now - timedelta(minutes=6))
        yield Hostile(f"{asked}: the answer of six minutes ago", asked, [http(old)])


CODES = ("UnknownBatch", "UnknownSchool", "UnknownApplication", "SchemaViolation", "BadSignature", "NotAuthorized",
         "TooLarge", "Throttled", "Maintenance", "Internal")  # fmt: skip


def faults(forger: Forger) -> Iterator[Hostile]:
    """Faults that nobody signed, that a stranger signed, or that the contract doesn't know."""
    stranger = forger.keys.stranger.issue("Portal", Purpose.SIGNING)
    broken = "500 Internal Server Error"
    for name in ("SubmitJournal", "GetReceipt"):
        asked = forger.questions[name]
        for code in CODES:
            payload = fault(code, 1)
            bare = etree.tostring(envelope(payload, forger.signer, forger.now))
            for status in ("200 OK", broken):
                yield Hostile(f"{name}: {code} unsigned, {status}", asked, [http(bare, status)])
            theirs = signed(payload, stranger, forger.now)
            yield Hostile(f"{name}: {code} signed by a stranger", asked, [http(theirs, broken)])
            stale = signed(payload, forger.signer, forger.now - HOUR)
            yield Hostile(f"{name}: {code} of an hour ago", asked, [http(stale, broken)])
        for code in ("Thr0ttled", "unknownBatch", "", "Client"):
            message = signed(fault(code), forger.signer, forger.now)
            yield Hostile(f"{name}: the code {code!r}", asked, [http(message, broken)])
        for old, new in ((b"d:ServiceFault", b"d:OtherFault"), (DIARY.encode(), b"urn:diary-exchange:2"),
                         (b"<detail>", b"<detail><x/></detail><detail>"), (b"retryAfter", b"retry")):  # fmt: skip
            message = signed(fault("Throttled", 1).replace(old, new), forger.signer, forger.now)
            wrong = f"{name}: {new.decode()} in a signed fault"
            if new != b"<detail><x/></detail><detail>":
                yield Hostile(wrong, asked, [http(message, broken)])


def carriers(forger: Forger) -> Iterator[Hostile]:
    """A genuine reply that comes in a way in which none is taken."""
    submit = forger.questions["SubmitJournal"]
    genuine = forger.genuine(submit)
    for kind in ("text/html", "application/xml", "application/soap+xml", "application/json", "text/plain", "text/xml2",
                 "application/xop+xml", "text/xml; charset=windows-1251", "text/xml; charset=utf-16",
                 'multipart/related; type="text/xml"; boundary=b', "multipart/mixed; boundary=b"):  # fmt: skip
        body = genuine
        if kind.startswith("multipart"):
            body = b"--b\r\nContent-Type: text/xml\r\n\r\n" + genuine + b"\r\n--b--\r\n"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        yield Hostile(f"Content-Type: {kind}", submit, [head.encode() + body])
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = bomb.compress(b" " * (64 * 1024 * 1024)) + bomb.flush()
    for coding in ("gzip", "x-gzip", "deflate", "br", "zstd", "compress", "identity, gzip", "gzip, identity", "xyz"):
        yield forger.to_submit(f"Content-Encoding: {coding}", packed, Content_Encoding=coding)
    for status in ("201 Created", "202 Accepted", "203 Non-Authoritative", "206 Partial Content", "300 Multiple",
                   "301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent", "400 Bad Request",
                   "401 Unauthorized", "403 Forbidden", "404 Not Found", "407 Proxy", "429 Too Many", "500 Error",
                   "502 Bad Gateway", "503 Unavailable"):  # fmt: skip
        yield forger.to_submit(f"status {status}", genuine, status, Location=f"https://127.0.0.1:9/{status[:3]}")
    moved = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:9/\r\nContent-Length: 99999999\r\n\r\n"
    yield Hostile("a redirect without end", submit, [moved, *[b" " * 0x40000] * 80, CUT])
    chunk = b"40000\r\n" + b" " * 0x40000 + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield Hostile("chunks without end", submit, [head, *[chunk] * 80, CUT])
    yield Hostile("a chunk too long to be", submit, [head, b"ffffffffffffffff\r\n", *[b" " * 0x40000] * 80, CUT])
    yield Hostile("a chunk of less than nothing", submit, [head, b"-1\r\n", genuine, CUT])
    for length in ("17000000", "99999999999", "-1", "1e9", "0x10"):
        start = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n"
        yield Hostile(f"Content-Length: {length}", submit, [start.encode(), *[b" " * 0x40000] * 80, CUT])
    start = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(genuine) - 7}\r\n\r\n"
    yield Hostile("a length seven too short", submit, [start.encode(), genuine, CUT])
    yield Hostile(
        "headers without end", submit, [b"HTTP/1.1 200 OK\r\n", *[b"X-More: " + b"y" * 900 + b"\r\n"] * 500, CUT]
    )
    yield Hostile("a header without end", submit, [b"HTTP/1.1 200 OK\r\nX-More: " + b"y" * 200_000, CUT])


CARRIED_FAMILIES = (documents, envelopes, echoes, faults, carriers)
