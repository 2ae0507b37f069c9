"""A portal for each test, and its clients."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sandbox_portal.wire import Clock, RawClient, ZeepClient

from sandbox.authority import write_authority
from sandbox.portal import PortalServer, serve
from sandbox.portal.security import load_credential


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    # valid whatever the clock of the test or of the machine says: TLS goes by the machine's
    write_authority(folder, datetime(2020, 1, 1, tzinfo=UTC), life=timedelta(days=36_500))
    return folder


@pytest.fixture
def portal_folder(tmp_path: Path, keys_folder: Path) -> Path:
    """Return a folder with keys in it, so that no test waits for new ones."""
    shutil.copytree(keys_folder, tmp_path / "portal" / "keys")
    return tmp_path / "portal"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def portal(portal_folder: Path, clock: Clock) -> Iterator[PortalServer]:
    with serve(portal_folder, now=clock) as server:
        yield server


@pytest.fixture
def raw(portal: PortalServer, clock: Clock) -> RawClient:
    return RawClient(portal, load_credential(portal.files.bridge_signing.read_bytes()), clock)


@pytest.fixture
def stranger(portal: PortalServer) -> Iterator[ZeepClient]:
    """Yield a client that knows nothing but the contract."""
    client = ZeepClient(portal)
    yield client
    client.session.close()
