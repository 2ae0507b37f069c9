"""How a witness is called: one HTTP exchange, bounded in time and bytes, over the standard library alone.

Rules. https trusts the given authorities and nobody else (not the system's, not those that the environment names); http
is for this very machine. No proxy, no redirect, no cookie. One limit covers the exchange as a whole, so that a witness
that answers a byte a second holds nothing up. A reply has 64 KiB at most. What fails is a kind, never a peer's text.
Deliberately not here: what the reply means (`audit.cosigning_round`).
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from audit.cosigning import CosignerKey

LARGEST_REPLY = 64 * 1024
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Failing(StrEnum):
    """Why there is no reply."""

    NO_ADDRESS = "no-address"
    NO_CONNECTION = "no-connection"
    TLS = "tls"
    TIMEOUT = "timeout"
    CUT = "cut"
    NO_HTTP = "no-http"
    TOO_LARGE = "reply-too-large"


class WitnessUnreachableError(Exception):
    """A witness gave no reply; `failing` says why."""

    def __init__(self, failing: Failing) -> None:
        super().__init__(failing.value)
        self.failing = failing


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """Where a witness listens and which key is its own; `authorities` (PEM) are whom https trusts, `seconds` a call."""

    url: str
    key: CosignerKey
    authorities: str = field(default="", repr=False)
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a witness answered."""

    status: int
    content_type: str
    body: bytes


def call(address: WitnessAddress, method: str, path: str, body: bytes | None = None) -> Reply:
    """Return the reply to one request for `path` under the witness's URL. Raises WitnessUnreachableError."""
    parts = urlsplit(address.url)
    failing = Failing.NO_CONNECTION
    try:
        with _connected(address, parts) as (connection, expired):
            try:
                connection.request(method, f"{parts.path.rstrip('/')}/{path}", body=body, headers={"Accept": "*/*"})
                return _read(connection.getresponse())
            except (OSError, http.client.HTTPException, ValueError) as error:
                failing = Failing.TIMEOUT if expired.is_set() else _kind(error, Failing.CUT)
    except OSError as error:
        failing = _kind(error, Failing.NO_CONNECTION)
    raise WitnessUnreachableError(failing)


def _read(response: http.client.HTTPResponse) -> Reply:
    body = response.read(LARGEST_REPLY + 1)
    if len(body) > LARGEST_REPLY:
        raise WitnessUnreachableError(Failing.TOO_LARGE)
    if response.length:  # what the header promised and never came
        raise http.client.IncompleteRead(body)
    return Reply(response.status, response.headers.get("Content-Type", "").partition(";")[0].strip().lower(), body)


@contextmanager
def _connected(
    address: WitnessAddress, parts: SplitResult
) -> Iterator[tuple[http.client.HTTPConnection, threading.Event]]:
    """Connect, and cut the connection once the time for the whole exchange is over: then the event is set."""
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    if parts.scheme == "http" and host not in LOOPBACK:
        raise WitnessUnreachableError(Failing.TLS)
    connection = http.client.HTTPConnection(host, port, timeout=address.seconds)
    raw = socket.create_connection((host, port), timeout=address.seconds)
    expired = threading.Event()

    def cut() -> None:
        expired.set()
        with suppress(OSError):
            socket.socket.shutdown(raw, socket.SHUT_RDWR)

    guard = threading.Timer(address.seconds, cut)
    guard.daemon = True
    guard.start()
    try:
        if parts.scheme == "https":
            secure = _trusting(address).wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
            raw = secure
            secure.do_handshake()
        connection.sock = raw
        yield connection, expired
    finally:
        guard.cancel()
        connection.close()
        raw.close()


def _trusting(address: WitnessAddress) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if address.authorities:
        context.load_verify_locations(cadata=address.authorities)
    return context


def _kind(error: Exception, otherwise: Failing) -> Failing:
    if isinstance(error, socket.gaierror):
        return Failing.NO_ADDRESS
    if isinstance(error, ssl.SSLError):
        return Failing.TLS
    if isinstance(error, TimeoutError):
        return Failing.TIMEOUT
    if isinstance(error, http.client.HTTPException) and not isinstance(
        error, http.client.RemoteDisconnected | http.client.IncompleteRead
    ):
        return Failing.NO_HTTP
    return otherwise
