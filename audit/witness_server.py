"""A witness on the network: HTTP/1.1 of C2SP tlog-witness over `audit.witness_folder`, with TLS if wanted.

Rules. `POST /add-checkpoint` and `GET /HASH/checkpoint`, nothing else. A request has a length, 128 KiB at most, and
as many seconds as `SECONDS`; so many connections at once as `CONNECTIONS`. What goes wrong inside is a 500 without a
word of it; what is said on stderr is a code and an origin's hash, never a body. Connections are kept alive.
"""

import ssl
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any

from audit.errors import AuditError
from audit.witness import LARGEST_REQUEST, Refusal
from audit.witness_folder import Witness

SECONDS = 15.0
CONNECTIONS = 64
_TEXT = "text/plain; charset=utf-8"


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness; `serve_forever` in the caller's thread, a thread a connection."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, witness: Witness, address: tuple[str, int], tls: ssl.SSLContext | None = None) -> None:
        self.witness = witness
        self._tls = tls
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket, Any]:
        """Accept a connection; its TLS handshake is left to its own thread."""
        connection, address = super().get_request()
        connection.settimeout(SECONDS)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  as the base class has it
        """Give a connection its thread, or close it when there are too many."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  as the base class has it
        """Answer a connection's requests."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  as the base class has it
        """Pass over a connection that broke off, for its bytes are nobody's business."""

    @property
    def url(self) -> str:
        """Where it listens, for clients."""
        host, port = self.server_address[:2]
        name = host if isinstance(host, str) else host.decode()
        return f"{'http' if self._tls is None else 'https'}://{f'[{name}]' if ':' in name else name}:{port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "dnevnik-witness"
    sys_version = ""
    timeout = SECONDS
    server: WitnessServer

    def do_POST(self) -> None:
        """Answer `add-checkpoint`."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._reply(HTTPStatus.LENGTH_REQUIRED, b"Content-Length is missing\n", _TEXT, close=True)
            return
        if len(length) > 9 or int(length) > LARGEST_REQUEST:  # noqa: PLR2004  digits, before they are made a number
            self._reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"too large\n", _TEXT, close=True)
            return
        body = self.rfile.read(int(length))
        if self.path != "/add-checkpoint":
            self._reply(HTTPStatus.NOT_FOUND, b"there is /add-checkpoint only\n", _TEXT)
            return
        if len(body) < int(length):
            self.close_connection = True
            return
        try:
            answer = self.server.witness.add_checkpoint(body)
        except AuditError as error:
            print(error.en, file=sys.stderr, flush=True)  # noqa: T201  the server's own word to its operator
            self._reply(HTTPStatus.INTERNAL_SERVER_ERROR, b"the witness can't store now\n", _TEXT)
            return
        if isinstance(answer, Refusal):
            self._reply(answer.status, answer.body, answer.content_type)
        else:
            self._reply(HTTPStatus.OK, answer.encode(), _TEXT)

    def do_GET(self) -> None:
        """Answer with the newest cosigned checkpoint of a log."""
        _, _, path = self.path.partition("/")
        hashed, _, name = path.partition("/")
        try:
            note = self.server.witness.latest(hashed) if name == "checkpoint" else None
        except AuditError:
            self._reply(HTTPStatus.INTERNAL_SERVER_ERROR, b"the witness can't read now\n", _TEXT)
            return
        if note is None:
            self._reply(HTTPStatus.NOT_FOUND, b"no such checkpoint\n", _TEXT)
        else:
            self._reply(HTTPStatus.OK, note, _TEXT)

    def _reply(self, status: HTTPStatus, body: bytes, content_type: str, *, close: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if close:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the base class has it
        """Say nothing: a line a request is the operator's proxy's business."""
