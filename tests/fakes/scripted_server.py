"""A real TLS server on 127.0.0.1 that answers, request by request, just as a test scripts it.

A script is a list of steps: bytes are sent, numbers are seconds to sleep, CUT closes the connection at once.
Scripts stand in a queue; each request takes the next. What came in is kept in `received`.
"""

import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sandbox.authority import Authority, Credential


class Cut(Enum):
    """Closes the connection."""

    CUT = "cut"


CUT = Cut.CUT
Step = bytes | float | Cut


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in."""

    head: str
    body: bytes
    connection: int


Script = Callable[[Received], Iterable[Step]]


def http(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """Return a whole HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/xml; charset=utf-8", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class ScriptedServer:
    """See the module's docstring. `trusted` is whose client certificates it takes."""

    def __init__(self, folder: Path, credential: Credential, trusted: Authority, **settings: object) -> None:
        self.scripts: deque[Script] = deque()
        self.received: list[Received] = []
        self.connections = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own = folder / "server.pem"
        own.write_bytes(credential.pem)
        self._context.load_cert_chain(own)
        self._context.load_verify_locations(cadata=trusted.credential.certificate_pem.decode())
        self._context.verify_mode = ssl.CERT_REQUIRED
        for name, value in settings.items():
            setattr(self._context, name, value)
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}/diary-exchange/1"
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def answer(self, *steps: Step) -> None:
        """Put a script in the queue that doesn't look at the request."""
        self.scripts.append(lambda _: steps)

    def close(self) -> None:
        """Close everything and wait for the threads."""
        self._closing.set()
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        self._listener.settimeout(0.05)
        while True:
            try:
                plain, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, plain, self.connections)

    def _serve(self, plain: socket.socket, number: int) -> None:
        plain.settimeout(10)
        connection = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        try:
            connection.do_handshake()
        except OSError:
            _take_leave(connection)
            return
        self._open.append(connection)
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while self._one(connection, stream, number):
                pass

    def _one(self, connection: ssl.SSLSocket, stream: object, number: int) -> bool:
        lines = []
        while (line := stream.readline().decode().strip()) or not lines:
            if not line:
                return False
            lines.append(line)
        length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length")), 0)
        received = Received("\n".join(lines), stream.read(length), number)
        self.received.append(received)
        for step in self.scripts.popleft()(received) if self.scripts else (CUT,):
            if isinstance(step, Cut):
                return False
            if isinstance(step, float):
                self._closing.wait(step)
            else:
                connection.sendall(step)
        return True


def _take_leave(connection: ssl.SSLSocket) -> None:
    """Close after a refused handshake so that the alert arrives: unread bytes would turn the farewell into a reset."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_WR)
        while socket.socket.recv(connection, 65536):
            pass
    connection.close()
