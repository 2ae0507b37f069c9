"""The portal's sockets: HTTP/1.1 with keep-alive over TLS with client certificates, on the loopback.

Rules. TLS 1.2 or newer; a client without a certificate of the trusted authority never gets as far as HTTP. One
thread and one database connection a client connection. An answer is delivered as `Answer.delivery` says. When the
server stops, every connection is cut: nobody talks to a stopped portal.
"""

import contextlib
import hashlib
import socket
import sqlite3
import ssl
import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from sandbox.authority import AuthorityFiles, ensure_authority
from sandbox.portal.answer import SOAP_TYPE, Answer, Delivery
from sandbox.portal.contract import LARGEST_JOURNAL, SERVICE_PATH, schema_file, service_description
from sandbox.portal.misbehaviour import EVERY_OPERATION, FaultKind, clear_faults, queue_fault
from sandbox.portal.security import Trust, load_credential
from sandbox.portal.service import Service
from sandbox.portal.soap import FaultCode, ServiceFaultError
from sandbox.portal.store import connect, create_store

LARGEST_MESSAGE = LARGEST_JOURNAL + 64 * 1024  # a journal with its envelope
MOST_DRAINED = 64 * 1024 * 1024  # of a message that is too large: read, so that the client reads the answer
HANDSHAKE_SECONDS = 10
IDLE_SECONDS = 300
STOP_SECONDS = 10

Clock = Callable[[], datetime]


class PortalServer:
    """A portal that listens from its construction and answers from `start` to `stop`; a context manager, too."""

    def __init__(self, service: Service, files: AuthorityFiles, database: Path, address: tuple[str, int]) -> None:
        self.files = files
        self.database = database
        self._http = _HttpServer(address, service, _tls_context(files), database)
        host, port = self._http.socket.getsockname()[:2]
        self.url = f"https://{host}:{port}{SERVICE_PATH}"
        self._http.url = self.url
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Answer requests in a thread of its own."""
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="sandbox-portal", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and cut every connection; safe to call twice."""
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._thread = None
        self._http.server_close()
        self._http.cut_all()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def connect(self) -> sqlite3.Connection:
        """Open the portal's file to read or seed it; the caller closes it."""
        return connect(self.database)

    def fail_next(
        self,
        kind: FaultKind | str,
        *,
        operation: str = EVERY_OPERATION,
        times: int | None = 1,
        argument: str | None = None,
    ) -> None:
        """Let the next `times` requests of `operation` go wrong; faults queue up, first in, first out."""
        with contextlib.closing(self.connect()) as connection:
            queue_fault(connection, kind, operation=operation, times=times, argument=argument)

    def clear_faults(self) -> None:
        """Forget the queued faults."""
        with contextlib.closing(self.connect()) as connection:
            clear_faults(connection)


def serve(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    schools: Collection[str] | None = None,
    clients: Collection[str] | None = None,
    now: Clock | None = None,
) -> PortalServer:
    """Return a portal that keeps its file and its keys (`keys/`) in `folder`, making what is missing.

    `port` 0 takes a free one. `schools` None: every school is known. `clients`: SHA-256 fingerprints of the TLS and
    signing certificates that may speak; None: all that the authority issued. `now` is the portal's clock.
    """
    clock = now or _system_clock
    files = ensure_authority(folder / "keys", clock())
    service = Service(
        trust=Trust.load(files.bridge_ca.read_bytes()),
        signing=load_credential(files.portal_signing.read_bytes()),
        now=clock,
        schools=None if schools is None else frozenset(schools),
        clients=None if clients is None else frozenset(clients),
    )
    return PortalServer(service, files, create_store(folder), (host, port))


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    url = ""

    def __init__(self, address: tuple[str, int], service: Service, tls: ssl.SSLContext, database: Path) -> None:
        self.service = service
        self.database = database
        self.stopping = threading.Event()
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept; the handshake is the handler's, so that a slow client holds up only itself."""
        plain, client = super().get_request()
        secured = self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        with self._changed:
            self._open.add(secured)
        return secured, client

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Close a connection and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that breaks off is the sandbox's daily bread."""

    def cut_all(self) -> None:
        """Cut what is open and wait until the handlers noticed."""
        self.stopping.set()
        with self._changed:
            for connection in self._open:
                cut(connection)
            self._changed.wait_for(lambda: not self._open, STOP_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "DiarySandbox/1"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: _HttpServer
    connection: ssl.SSLSocket

    def setup(self) -> None:
        """Shake hands, then open this connection's database."""
        self.request.settimeout(HANDSHAKE_SECONDS)
        self.request.do_handshake()
        super().setup()
        certificate = self.connection.getpeercert(binary_form=True) or b""
        self.client_fingerprint = hashlib.sha256(certificate).hexdigest()
        self.database = connect(self.server.database)

    def finish(self) -> None:
        """Close the database; the socket is the server's to close."""
        self.database.close()
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing: `request_log` says what is to be said."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the Date header by the portal's own clock."""
        at = self.server.service.now() if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
        return format_datetime(at.astimezone(UTC), usegmt=True)

    def do_GET(self) -> None:
        """Serve the contract: ?wsdl and ?xsd, and the XSD by the name that the WSDL gives it."""
        address = urlsplit(self.path)
        if address.path == SERVICE_PATH and address.query.lower() == "wsdl":
            self._send(Answer(body=service_description(self.server.url)))
        elif (address.path == SERVICE_PATH and address.query.lower() == "xsd") or address.path.endswith(
            "/diary-exchange-1.xsd"
        ):
            self._send(Answer(body=schema_file()))
        else:
            self._send(Answer(404, b"", "text/plain"))

    def do_POST(self) -> None:
        """Answer one SOAP request."""
        service = self.server.service
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            self._send(Answer(411, b"", "text/plain"))
            return
        if int(length) > LARGEST_MESSAGE:
            self._drain(int(length))
            fault = ServiceFaultError(FaultCode.TOO_LARGE, f"more than {LARGEST_MESSAGE} bytes")
            self._send(service.refuse(self.database, fault, int(length)))
            return
        message = self.rfile.read(int(length))
        if len(message) < int(length):
            self.close_connection = True  # cut within the request: nothing was taken, nobody to answer
        elif self.path != SERVICE_PATH:
            self._send(Answer(404, b"", "text/plain"))
        elif self.headers.get_content_type() != "text/xml":
            self._send(Answer(415, b"", "text/plain"))
        else:
            action = self.headers.get("SOAPAction", "")
            self._send(service.answer(self.database, message, action, self.client_fingerprint))

    def _drain(self, length: int) -> None:
        if length > MOST_DRAINED:
            self.close_connection = True
            return
        while length > 0 and (piece := self.rfile.read(min(length, 1 << 20))):
            length -= len(piece)

    def _send(self, answer: Answer) -> None:
        if answer.pause and answer.delivery is not Delivery.TRICKLE:
            self.server.stopping.wait(answer.pause)
        if answer.delivery in {Delivery.NEVER, Delivery.CUT}:
            self._cut()
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type or SOAP_TYPE)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.location is not None:
            self.send_header("Location", answer.location)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if answer.delivery is Delivery.TRICKLE:
            self._trickle(answer)
        elif answer.delivery is Delivery.HALF:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self._cut()
        else:
            self.wfile.write(answer.body)

    def _trickle(self, answer: Answer) -> None:
        for at in range(len(answer.body)):
            if self.server.stopping.wait(answer.pause):
                self._cut()
                return
            self.wfile.write(answer.body[at : at + 1])

    def _cut(self) -> None:
        self.close_connection = True
        cut(self.connection)


def cut(connection: socket.socket) -> None:
    """Break a connection off without TLS's farewell."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _tls_context(files: AuthorityFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.portal_tls)
    context.load_verify_locations(files.bridge_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _system_clock() -> datetime:
    return datetime.now(UTC)
