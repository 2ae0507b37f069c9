"""Keys of both sides, made once; a scripted TLS server; a SoapPortal that talks to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.scripted_server import ScriptedServer

from connectors.portal.soap_portal import PortalConnection, SoapPortal
from sandbox.authority import Authority, Credential, Purpose


@dataclass(frozen=True)
class Keys:
    """Two authorities and what they issued."""

    city: Authority
    district: Authority
    stranger: Authority
    portal_tls: Credential
    portal_signing: Credential
    bridge_tls: Credential
    bridge_signing: Credential


@pytest.fixture(scope="session")
def keys() -> Keys:
    now = datetime.now(UTC)
    city, district = Authority.create("City", now), Authority.create("District", now)
    return Keys(
        city=city,
        district=district,
        stranger=Authority.create("Stranger", now),
        portal_tls=city.issue("localhost", Purpose.TLS_SERVER),
        portal_signing=city.issue("Portal", Purpose.SIGNING),
        bridge_tls=district.issue("Bridge TLS", Purpose.TLS_CLIENT),
        bridge_signing=district.issue("Bridge", Purpose.SIGNING),
    )


@pytest.fixture
def server(keys: Keys, tmp_path: Path) -> Iterator[ScriptedServer]:
    running = ScriptedServer(tmp_path, keys.portal_tls, keys.district)
    yield running
    running.close()


@pytest.fixture
def connection(keys: Keys, server: ScriptedServer) -> PortalConnection:
    return PortalConnection(
        url=server.url,
        client_certificate=keys.bridge_tls.pem,
        signing_key=keys.bridge_signing.pem,
        authorities=keys.city.credential.certificate_pem,
        connect_timeout=2,
        reply_timeout=2,
        now=lambda: datetime.now(UTC),
    )


@pytest.fixture
def open_portal(connection: PortalConnection) -> Iterator[Callable[..., SoapPortal]]:
    """Give a function that opens a portal, with single settings changed; all are closed at the end."""
    opened: list[SoapPortal] = []

    def make(**changes: object) -> SoapPortal:
        opened.append(SoapPortal(replace(connection, **changes)))
        return opened[-1]

    yield make
    for portal in opened:
        portal.close()


@pytest.fixture
def portal(open_portal: Callable[..., SoapPortal]) -> SoapPortal:
    return open_portal()
