"""A thousand honest replies, each in another form that the contract admits: all are taken, and read rightly."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.honest import Honest, honest
from fakes.scripted_server import ScriptedServer

from connectors.portal.soap_portal import PortalConnection, SoapPortal
from journal.portal import PortalError

COUNT = 1000


def _problem(portal: SoapPortal, reply: Honest) -> str | None:
    try:
        told = reply.question.ask(portal)
    except PortalError as error:
        if reply.said != error.code or not reply.right(error):
            return f"refused: {error}"
        return None
    if reply.said:
        return "its fault was not told"
    return None if reply.right(told) else "read otherwise than it was said"


def test_every_honest_reply_is_taken(keys: object, tmp_path: Path) -> None:
    server = ScriptedServer(tmp_path, keys.portal_tls, keys.district)
    connection = PortalConnection(
        url=server.url,
        client_certificate=keys.bridge_tls.pem,
        signing_key=keys.bridge_signing.pem,
        authorities=keys.city.credential.certificate_pem,
        connect_timeout=10,
        reply_timeout=20,
        now=lambda: datetime.now(UTC),
    )
    portal = SoapPortal(connection)
    problems: list[str] = []
    for number, reply in enumerate(honest(keys.city, portal, COUNT, seed=7)):
        server.answer(reply.answer)
        problem = _problem(portal, reply)
        if problem:
            problems.append(f"{number} {reply.question}: {problem}")
            server.scripts.clear()
    connections = server.connections
    portal.close()
    server.close()
    print(f"honest replies: {COUNT}, taken {COUNT - len(problems)}, over {connections} connections")  # noqa: T201  the figures
    assert problems[:9] == []
    assert connections == 1


@pytest.mark.parametrize("seed", [1])
def test_the_forms_do_vary(keys: object, portal: SoapPortal, seed: int) -> None:
    replies = [reply.answer for reply in honest(keys.city, portal, 60, seed)]
    for sign in (b"rsa-sha512", b"ecdsa-sha384", b"xmlenc#sha512", b"xmldsig-more#sha384", b"chunked", b"PrefixList",
                 b"<?xml", b"unsigned -->", b"Routing", b"Throttled", b"+03:00"):  # fmt: skip
        assert 0 < sum(sign in reply for reply in replies) < len(replies), sign
