"""The costliest replies of 16 MiB at most, opened in a process of their own, which says what each cost.

Run as a program: a JSON line a reply, with its name, the seconds of CPU, and by how many MiB the process grew at most.
Each has a genuine token, timestamp and signature, so that nothing ends before it has to.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

LARGEST = 16 * 1024 * 1024 - 8192


def bodies() -> Iterator[tuple[str, bytes]]:
    """Give what is put into the genuine reply's Body."""
    yield "nothing", b""
    yield "empty elements", b"<a/>" * 299_900
    yield "elements and blanks", b"<a/> \n" * 299_900
    yield "comments", b"<!---->" * 299_900
    yield "CDATA", b"<![CDATA[x]]>" * 299_900
    yield "attributes", b"<a" + b"".join(b" a%x=''" % n for n in range(599_000)) + b"/>"
    yield "attributes of many", b"<a b='' c=''/>" * 299_000
    yield "ids", b"".join(b"<a Id='%x'/>" % n for n in range(299_000))
    yield "namespaces", b"<a" + b"".join(b" xmlns:a%x='u'" % n for n in range(299_000)) + b"/>"
    yield "namespaces of many", b"<a xmlns:p='u' p:b=''/>" * 299_000
    yield "depth", (b"<a>" * 250 + b"</a>" * 250) * 599
    yield "text", b"x" * 9_900_000
    yield "two texts", b"x" * 8_000_000 + b"<a/>" + b"x" * 8_000_000
    yield "ampersands", b"&amp;" * (LARGEST // 5)
    yield "references", b"&#65;" * (LARGEST // 5)
    yield "names", b"".join(b"<a%x/>" % n for n in range(299_000))
    yield "more elements than may be", b"<a/>" * (LARGEST // 4)
    yield "more attributes than may be", b"<a b='' c='' d='' e=''/>" * (LARGEST // 24)


def _measure() -> None:
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root.parent)]
    from fakes.reply_signing import EXCLUSIVE, signed  # noqa: PLC0415  a program of its own has a path of its own

    from connectors.portal.contract_schema import MalformedXmlError  # noqa: PLC0415  likewise
    from connectors.portal.reply import open_reply  # noqa: PLC0415  likewise
    from connectors.portal.verifying import UntrustedReplyError  # noqa: PLC0415  likewise
    from sandbox.authority import Authority, Purpose  # noqa: PLC0415  likewise

    now = datetime.now(UTC)
    city = Authority.create("City", now)
    genuine = signed(b"<a/>", city.issue("Portal", Purpose.SIGNING), now)
    method = f'CanonicalizationMethod Algorithm="{EXCLUSIVE}"'.encode()
    prefixes = b" ".join(b"p%x" % n for n in range(1_500_000))[:9_900_000]
    inclusive = (
        genuine.replace(method + b"/>", method + b'><I xmlns="' + EXCLUSIVE.encode() + b'" PrefixList="PLACE"/>'
                        b"</CanonicalizationMethod>").replace(b"<I xmlns", b"<InclusiveNamespaces xmlns")
    )  # fmt: skip
    assert b"PLACE" in inclusive
    replies = [(name, genuine.replace(b"</S:Body>", body + b"</S:Body>")) for name, body in bodies()]
    replies.append(("prefixes", inclusive.replace(b"PLACE", prefixes)))
    for name, message in replies:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, verdict = time.process_time(), "taken"
        try:
            open_reply(message, [city.credential.certificate], now)
        except (MalformedXmlError, UntrustedReplyError) as error:
            verdict = str(error)
        seconds = time.process_time() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        sys.stdout.write(json.dumps([name, len(message), verdict, round(seconds, 2), grown]) + "\n")


if __name__ == "__main__":
    _measure()
