"""Keys are replaced under a running bridge: the next request uses the new ones, or the old go on and it is told."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fakes.reply_signing import WSSE, fault, signed
from fakes.scripted_server import Received, ScriptedServer, Step, http
from lxml import etree
from structlog.testing import capture_logs

from connectors.portal.expiry import expiring, passed
from connectors.portal.soap_portal import PortalConnection, SoapPortal
from journal.portal import PortalError
from journal.wording import BridgeError, Wording
from sandbox.authority import Purpose

NAMES = ("client_certificate", "signing_key", "authorities")
DAY = timedelta(days=1)
MISSING = BridgeError("secret-missing", Wording(ru="нет", en="none"))


@pytest.fixture
def folder(tmp_path: Path, connection: PortalConnection) -> Path:
    made = tmp_path / "keys"
    made.mkdir()
    for name in NAMES:
        (made / name).write_bytes(getattr(connection, name))
    return made


@pytest.fixture
def portal(folder: Path, connection: PortalConnection) -> Iterator[SoapPortal]:
    def reader(name: str) -> Callable[[], bytes]:
        def read() -> bytes:
            try:
                return (folder / name).read_bytes()
            except FileNotFoundError:
                raise MISSING from None

        return read

    opened = SoapPortal(replace(connection, reread={name: reader(name) for name in NAMES}))
    yield opened
    opened.close()


@pytest.fixture
def ask(portal: SoapPortal, server: ScriptedServer, keys: object) -> Callable[[], Received]:
    """Ask something, and return the request that the portal saw."""

    def asked() -> Received:
        server.scripts.append(lambda _: [http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC)))])
        assert portal.receipt("0252", "0" * 64) is None
        return server.received[-1]

    return asked


def _token(received: Received) -> str:
    return etree.fromstring(received.body).findtext(f".//{{{WSSE}}}BinarySecurityToken")


def _base64(certificate: x509.Certificate) -> str:
    pem = certificate.public_bytes(Encoding.PEM).decode()
    return "".join(pem.splitlines()[1:-1])


def test_a_replaced_signing_key_signs_the_next_request(
    ask: Callable[[], Received], folder: Path, keys: object, portal: SoapPortal
) -> None:
    assert _token(ask()) == _base64(keys.bridge_signing.certificate)
    new = keys.district.issue("Bridge", Purpose.SIGNING)
    (folder / "signing_key").write_bytes(new.pem)
    seen = ask()
    assert _token(seen) == _base64(new.certificate)
    assert seen.connection == 1
    assert portal.key_trouble is None


def test_a_replaced_client_certificate_opens_a_new_connection(
    ask: Callable[[], Received], folder: Path, keys: object, server: ScriptedServer
) -> None:
    assert [ask().connection, ask().connection] == [1, 1]
    (folder / "client_certificate").write_bytes(keys.district.issue("Bridge TLS 2", Purpose.TLS_CLIENT).pem)
    assert [ask().connection, ask().connection] == [2, 2]
    assert server.connections == 2


def test_replaced_authorities_are_whom_the_next_request_trusts(
    ask: Callable[[], Received], folder: Path, keys: object, portal: SoapPortal
) -> None:
    ask()
    (folder / "authorities").write_bytes(keys.stranger.credential.certificate_pem)
    with pytest.raises(PortalError) as caught:
        portal.receipt("0252", "0" * 64)
    assert caught.value.code == "certificate-unknown-authority"
    both = keys.stranger.credential.certificate_pem + keys.city.credential.certificate_pem
    (folder / "authorities").write_bytes(both)
    ask()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["empty", "half", "no end", "other", "gone", "key of another"])
def test_a_damaged_file_changes_nothing_and_is_told_once(
    name: str, damage: str, ask: Callable[[], Received], folder: Path, keys: object, portal: SoapPortal
) -> None:
    first = ask()
    file, text = folder / name, (folder / name).read_bytes()
    if damage == "key of another":
        file.write_bytes(
            keys.portal_tls.certificate_pem + keys.bridge_signing.pem.partition(b"-----END CERTIFICATE-----\n")[2]
        )
    elif damage == "gone":
        file.unlink()
    else:
        half = text[: len(text) // 2]
        file.write_bytes({"empty": b"", "half": half, "no end": text + half, "other": b"# nothing here\n"}[damage])
    if (name, damage) == ("authorities", "key of another"):
        return  # for authorities a key beside them means nothing
    with capture_logs() as logs:
        for _ in range(3):
            seen = ask()
            assert (_token(seen), seen.connection) == (_token(first), 1)
    told = [(line["event"], line["place"]) for line in logs if line["event"].startswith("key")]
    assert told == [("key not replaced", name)]
    assert isinstance(portal.key_trouble, BridgeError)
    file.write_bytes(text)
    ask()
    assert portal.key_trouble is None


def test_a_key_replaced_between_the_requests_of_threads(
    portal: SoapPortal, folder: Path, server: ScriptedServer, keys: object
) -> None:
    def answer(_: object) -> list[Step]:
        return [http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC)))]

    server.scripts.extend([answer] * 60)
    failures: list[object] = []

    def work() -> None:
        for _ in range(15):
            try:
                portal.receipt("0252", "0" * 64)
            except Exception as error:  # noqa: BLE001  whatever it is, the test names it
                failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(5):
        made = folder / "new"
        made.write_bytes(keys.district.issue(f"Bridge TLS {number}", Purpose.TLS_CLIENT).pem)
        made.replace(folder / "client_certificate")
    for thread in threads:
        thread.join(30)
    assert failures == []


# expiry


def test_a_certificate_is_spoken_of_at_thirty_seven_and_one_day() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    days = {31: None, 30.01: None, 30: 30, 8: 30, 7: 7, 1.01: 7, 1: 1, 0.01: 1, 0: 0, -3: 0}
    assert {left: passed(now + left * DAY, now) for left in days} == days


def test_the_nearest_comes_first_with_the_setting_that_holds_it(keys: object) -> None:
    now = datetime.now(UTC)
    named = [
        (name, keys.city.issue("A", Purpose.TLS_CLIENT, not_after=now + days * DAY).certificate)
        for name, days in (("signing_key", 20), ("client_certificate", 3), ("authorities", 90))
    ]
    assert [(one.setting, one.within) for one in expiring(named, now)] == [
        ("client_certificate", 7),
        ("signing_key", 30),
    ]


def test_a_run_warns_once_a_day_and_again_after_a_replacement(
    ask: Callable[[], Received], folder: Path, keys: object, portal: SoapPortal
) -> None:
    soon = datetime.now(UTC) + 5 * DAY
    (folder / "client_certificate").write_bytes(keys.district.issue("A", Purpose.TLS_CLIENT, not_after=soon).pem)
    with capture_logs() as logs:
        ask()
        ask()
    warned = [line for line in logs if line["event"] == "certificate is over soon"]
    assert [(line["code"], line["place"], line["log_level"]) for line in warned] == [
        ("certificate-7-days", "client_certificate", "warning")
    ]
    assert [one.setting for one in portal.expiring()] == ["client_certificate"]


def test_the_portals_own_signature_is_watched(portal: SoapPortal, server: ScriptedServer, keys: object) -> None:
    soon = keys.city.issue("Portal", Purpose.SIGNING, not_after=datetime.now(UTC) + DAY / 2)
    server.scripts.extend([lambda _: [http(signed(fault("UnknownBatch"), soon, datetime.now(UTC)))]] * 2)
    with capture_logs() as logs:
        for _ in range(2):
            portal.receipt("0252", "0" * 64)
    assert [line["code"] for line in logs if line.get("place") == "portal"] == ["certificate-1-days"]
