"""What breaks below SOAP, on real sockets: TLS, time-outs, cut connections; and what each means for sending again."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from fakes.reply_signing import fault, signed
from fakes.scripted_server import CUT, ScriptedServer, Step, http

from connectors.portal.certificates import certificates, identity
from connectors.portal.exchange import tls_context
from connectors.portal.soap_portal import SoapPortal
from journal.portal import PortalError, Resend
from journal.records import PreparedBatch, Withdraw
from journal.vocabulary import WithdrawReason
from sandbox.authority import Purpose

Opener = Callable[..., SoapPortal]
PAGE = b"<html><body>502 Bad Gateway</body></html>"


@pytest.fixture
def batch(portal: SoapPortal) -> PreparedBatch:
    return portal.prepare("0252", [Withdraw("r-1", 2, WithdrawReason.DELETED)], datetime.now(UTC))


@pytest.fixture
def other_server(tmp_path: Path) -> Iterator[Callable[..., ScriptedServer]]:
    running: list[ScriptedServer] = []

    def start(*arguments: object, **settings: object) -> ScriptedServer:
        running.append(ScriptedServer(tmp_path, *arguments, **settings))
        return running[-1]

    yield start
    for server in running:
        server.close()


def _failure(call: Callable[[], object]) -> PortalError:
    with pytest.raises(PortalError) as caught:
        call()
    return caught.value


def _words(error: PortalError) -> tuple[str, Resend]:
    return error.code, error.resend


# before anything was sent


def test_nobody_listens(open_portal: Opener, batch: PreparedBatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = _failure(lambda: open_portal(url=f"https://127.0.0.1:{port}/x").submit(batch))
    assert _words(error) == ("connection", Resend.RETRYABLE)


def test_somebody_listens_and_says_nothing(open_portal: Opener, batch: PreparedBatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/x"
        error = _failure(lambda: open_portal(url=url, connect_timeout=0.3).submit(batch))
    assert _words(error) == ("connection", Resend.RETRYABLE)


def test_somebody_says_something_that_is_no_tls(open_portal: Opener, batch: PreparedBatch) -> None:
    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        error = _failure(lambda: open_portal(url=f"https://127.0.0.1:{listener.getsockname()[1]}/x").submit(batch))
        thread.join()
    assert _words(error) == ("tls", Resend.RETRYABLE)


def test_a_server_of_a_strangers_authority(
    open_portal: Opener, batch: PreparedBatch, server: ScriptedServer, keys: object
) -> None:
    error = _failure(lambda: open_portal(authorities=keys.stranger.credential.certificate_pem).submit(batch))
    assert _words(error) == ("certificate-unknown-authority", Resend.FINAL)
    assert server.received == []


def test_a_server_of_another_name(
    open_portal: Opener, batch: PreparedBatch, keys: object, other_server: Callable[..., ScriptedServer]
) -> None:
    credential = keys.city.issue("localhost", Purpose.TLS_SERVER, hosts=["portal.example"])
    server = other_server(credential, keys.district)
    error = _failure(lambda: open_portal(url=server.url).submit(batch))
    assert _words(error) == ("certificate-wrong-name", Resend.FINAL)
    assert server.received == []


def test_a_server_of_old_tls_only(
    open_portal: Opener, batch: PreparedBatch, keys: object, other_server: Callable[..., ScriptedServer]
) -> None:
    with pytest.warns(DeprecationWarning, match="TLSVersion"):
        server = other_server(keys.portal_tls, keys.district, maximum_version=ssl.TLSVersion.TLSv1_1)
    error = _failure(lambda: open_portal(url=server.url).submit(batch))
    assert _words(error) == ("tls", Resend.RETRYABLE)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_does_not_know_the_bridge(
    version: ssl.TLSVersion,
    open_portal: Opener,
    batch: PreparedBatch,
    keys: object,
    other_server: Callable[..., ScriptedServer],
) -> None:
    server = other_server(keys.portal_tls, keys.district, maximum_version=version)
    foreign = keys.stranger.issue("Bridge", Purpose.TLS_CLIENT)
    error = _failure(lambda: open_portal(url=server.url, client_certificate=foreign.pem).submit(batch))
    assert _words(error) == ("certificate-refused", Resend.FINAL)
    assert server.received == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(
    version: ssl.TLSVersion, open_portal: Opener, keys: object, other_server: Callable[..., ScriptedServer]
) -> None:
    server = other_server(keys.portal_tls, keys.district, maximum_version=version)
    server.scripts.append(lambda _: [http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC)))])
    assert open_portal(url=server.url).receipt("0252", "0" * 64) is None


def test_a_server_may_be_pinned_itself(open_portal: Opener, server: ScriptedServer, keys: object) -> None:
    server.scripts.append(lambda _: [http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC)))])
    pinned = keys.portal_tls.certificate_pem + keys.portal_signing.certificate_pem
    assert open_portal(authorities=pinned).receipt("0252", "0" * 64) is None


# after something was sent


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((CUT,), "connection"),
        ((b"HTTP/1.1 2", CUT), "connection"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<half", CUT), "connection"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<half\r\n", CUT), "connection"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", CUT), "connection"),
        ((b"HTTP/1.1 200 OK\r\n\r\n<half", CUT), "reply-malformed"),
        ((b"garbage\r\n\r\n", CUT), "connection"),
        ((http(PAGE),), "reply-untrusted"),
        ((http(PAGE, "500 Internal Server Error"),), "http-500"),
        ((http(PAGE, "502 Bad Gateway"),), "http-502"),
        ((http(b"", "503 Service Unavailable", Retry_After="17"),), "http-503"),
        ((http(b"", "204 No Content"),), "http-204"),
        ((http(PAGE, "404 Not Found"),), "http-404"),
        ((http(b"", "302 Found", Location="https://127.0.0.1:1/elsewhere"),), "http-302"),
    ],
)
def test_what_breaks_after_sending_is_unknown(
    steps: tuple[Step, ...], code: str, portal: SoapPortal, batch: PreparedBatch, server: ScriptedServer
) -> None:
    server.answer(*steps)
    error = _failure(lambda: portal.submit(batch))
    assert _words(error) == (code, Resend.UNKNOWN)
    assert len(server.received) == 1
    server.answer(*steps)
    error = _failure(lambda: portal.receipt("0252", batch.batch_id))
    assert _words(error) == (code, Resend.RETRYABLE)
    assert error.retry_after == (17 if code == "http-503" else None)


@pytest.mark.parametrize(
    "steps",
    [
        (5.0,),
        (b"HTTP/1.1 200 OK\r\n", 5.0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<", 5.0),
        tuple(step for _ in range(40) for step in (b"HTTP/1.1 100 Continue\r\n\r\n", 0.1)),
        (b"HTTP/1.1 200 OK\r\n", *(step for n in range(40) for step in (f"X-{n}: drip\r\n".encode(), 0.1))),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *(step for _ in range(40) for step in (b"<", 0.1))),
    ],
    ids=["silence", "after the status", "in the body", "dripping continues", "dripping headers", "dripping body"],
)
def test_a_call_ends_in_time_however_slow_the_reply(
    steps: tuple[Step, ...], open_portal: Opener, batch: PreparedBatch, server: ScriptedServer
) -> None:
    portal = open_portal(connect_timeout=0.3, reply_timeout=0.5)
    server.answer(*steps)
    began = time.monotonic()
    error = _failure(lambda: portal.submit(batch))
    assert _words(error) == ("timeout", Resend.UNKNOWN)
    assert time.monotonic() - began < 2


def test_a_server_that_does_not_read_is_left_in_time(
    open_portal: Opener, portal: SoapPortal, keys: object, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "own.pem").write_bytes(keys.portal_tls.pem)
    context.load_cert_chain(tmp_path / "own.pem")
    done = threading.Event()

    def hold(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, context.wrap_socket(connection, server_side=True):
            done.wait(10)

    items = [Withdraw(f"r-{n}-{'x' * 40}", 2, WithdrawReason.DELETED) for n in range(5000)]
    large = portal.prepare("0252", items, datetime.now(UTC))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        thread = threading.Thread(target=hold, args=(listener,))
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/x"
        error = _failure(lambda: open_portal(url=url, connect_timeout=0.3, reply_timeout=0.5).submit(large))
        done.set()
        thread.join()
    assert error.resend is Resend.UNKNOWN


def test_after_a_cut_the_next_call_connects_anew(portal: SoapPortal, server: ScriptedServer, keys: object) -> None:
    server.answer(CUT)
    _failure(lambda: portal.receipt("0252", "0" * 64))
    server.scripts.append(lambda _: [http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC)))])
    assert portal.receipt("0252", "0" * 64) is None
    assert server.connections == 2


def test_a_closed_portal_may_be_used_and_closed_again(portal: SoapPortal, server: ScriptedServer, keys: object) -> None:
    for _ in range(2):
        server.scripts.append(lambda _: [http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC)))])
        assert portal.receipt("0252", "0" * 64) is None
        portal.close()
    assert server.connections == 2


# the environment and other threads


def test_the_environment_has_no_say(
    portal: SoapPortal, server: ScriptedServer, keys: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(keys.stranger.credential.certificate_pem)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(bundle))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "other.example")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text("machine 127.0.0.1 login somebody password geheim\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    key_log = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(key_log))
    server.scripts.append(lambda _: [http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC)))])
    assert portal.receipt("0252", "0" * 64) is None
    assert not key_log.exists()
    assert "authorization" not in server.received[0].head.lower()


def test_an_authority_of_the_system_or_the_environment_is_not_trusted(
    open_portal: Opener,
    batch: PreparedBatch,
    keys: object,
    other_server: Callable[..., ScriptedServer],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The server's authority is in all bundles that libraries look at, and not in `authorities`."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(keys.stranger.credential.certificate_pem)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(bundle))
    monkeypatch.setattr("certifi.where", lambda: str(bundle))
    server = other_server(keys.stranger.issue("localhost", Purpose.TLS_SERVER), keys.district)
    error = _failure(lambda: open_portal(url=server.url).submit(batch))
    assert _words(error) == ("certificate-unknown-authority", Resend.FINAL)
    assert server.received == []


@pytest.mark.parametrize(
    "status", ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_no_redirect_is_followed(
    status: str,
    portal: SoapPortal,
    batch: PreparedBatch,
    server: ScriptedServer,
    other_server: Callable[..., ScriptedServer],
    keys: object,
) -> None:
    elsewhere = other_server(keys.portal_tls, keys.district)
    server.answer(http(b"", status, Location=elsewhere.url))
    error = _failure(lambda: portal.submit(batch))
    assert _words(error) == (f"http-{status[:3]}", Resend.UNKNOWN)
    assert (elsewhere.connections, len(server.received)) == (0, 1)


def test_a_thread_keeps_its_connection_from_call_to_call(
    portal: SoapPortal, server: ScriptedServer, keys: object
) -> None:
    for _ in range(5):
        server.scripts.append(lambda _: [http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC)))])
        portal.receipt("0252", "0" * 64)
    assert [received.connection for received in server.received] == [1] * 5


def test_expired_certificates_of_the_server_are_refused(
    open_portal: Opener, batch: PreparedBatch, keys: object, other_server: Callable[..., ScriptedServer]
) -> None:
    now = datetime.now(UTC)
    for since, until, why in ((-2, -1, "expired"), (1, 2, "not-yet-valid")):
        credential = keys.city.issue(
            "localhost",
            Purpose.TLS_SERVER,
            not_before=now + timedelta(days=since),
            not_after=now + timedelta(days=until),
        )
        server = other_server(credential, keys.district)
        error = _failure(lambda server=server: open_portal(url=server.url).submit(batch))
        assert _words(error) == (f"certificate-{why}", Resend.FINAL)
        assert server.received == []


def test_nobody_but_the_given_authorities_is_trusted_even_after_a_call(
    open_portal: Opener, server: ScriptedServer, keys: object
) -> None:
    portal = open_portal()
    server.scripts.append(lambda _: [http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC)))])
    portal.receipt("0252", "0" * 64)
    trusted = portal._exchange._context.get_ca_certs(binary_form=True)  # noqa: SLF001  there is no other way to see it
    assert trusted == [certificates(keys.city.credential.certificate_pem, "authorities")[0].public_bytes(Encoding.DER)]


def test_each_thread_has_its_own_connection(portal: SoapPortal, server: ScriptedServer, keys: object) -> None:
    def answer(_: object) -> list[Step]:
        return [0.2, http(signed(fault("UnknownBatch"), keys.portal_signing, datetime.now(UTC)))]

    server.scripts.extend([answer] * 4)
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(portal.receipt("0252", "0" * 64)), daemon=True) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [None] * 4
    assert server.connections == 4


def test_the_tls_key_touches_no_disk(keys: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    own = identity(keys.bridge_tls.pem, "client_certificate")
    context = tls_context(own, certificates(keys.city.credential.certificate_pem, "authorities"))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert list(tmp_path.iterdir()) == []
