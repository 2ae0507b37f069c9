"""What `dnevnik check` is told of the portal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes.reply_signing import fault, signed
from fakes.scripted_server import CUT, ScriptedServer, http

from connectors.portal.check import probe
from connectors.portal.soap_portal import PortalConnection

DATE = "Thu, 01 Oct 2026 12:00:00 GMT"


def test_a_portal_that_is_reached_and_understands(
    connection: PortalConnection, server: ScriptedServer, keys: object
) -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=90)
    server.answer(http(b"<wsdl/>"))
    server.scripts.append(lambda _: [http(signed(fault("UnknownBatch"), keys.portal_signing, ahead))])
    found = probe(connection, "0252")
    assert (found.reached, found.understood, found.problem) == (True, True, None)
    assert found.clock_difference is not None
    assert timedelta(seconds=85) < found.clock_difference <= timedelta(seconds=90)
    assert server.received[0].head.startswith("GET /diary-exchange/1?wsdl ")
    assert b'school="0252"' in server.received[1].body


def test_without_a_school_nothing_is_asked(connection: PortalConnection, server: ScriptedServer) -> None:
    server.answer(http(b"", "405 Method Not Allowed", Date=DATE))
    noon = datetime(2026, 10, 1, 12, tzinfo=UTC)
    found = probe(replace(connection, now=lambda: noon - timedelta(minutes=7)))
    assert (found.reached, found.understood, found.clock_difference) == (True, None, timedelta(minutes=7))
    assert len(server.received) == 1


@pytest.mark.parametrize("date", [{}, {"Date": "gestern"}])
def test_a_portal_may_not_tell_the_time(
    date: dict[str, str], connection: PortalConnection, server: ScriptedServer
) -> None:
    server.answer(http(b"", **date))
    assert probe(connection).clock_difference is None


def test_a_portal_that_does_not_believe_the_bridge(
    connection: PortalConnection, server: ScriptedServer, keys: object
) -> None:
    server.answer(http(b"", Date=DATE))
    server.scripts.append(lambda _: [http(signed(fault("BadSignature"), keys.portal_signing, datetime.now(UTC)))])
    found = probe(connection, "0252")
    assert (found.reached, found.understood) == (True, False)
    assert found.problem is not None
    assert found.problem.code == "BadSignature"


def test_a_portal_that_is_not_reached(connection: PortalConnection, server: ScriptedServer) -> None:
    server.answer(CUT)
    found = probe(connection, "0252")
    assert (found.reached, found.understood, found.clock_difference) == (False, None, None)
    assert found.problem is not None
    assert str(found.problem).startswith("portal error connection (retryable): wsdl: ")
