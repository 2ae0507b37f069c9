"""Witnesses on 127.0.0.1: real ones of a folder each, and peers that answer whatever they are told to."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audit.cosigning import cosigner_key
from audit.cosigning_client import WitnessAddress
from audit.keys import create_signing_key, load_signing_key
from audit.note import VerifierKey
from audit.witness_folder import Witness, by_origin
from audit.witness_server import WitnessServer


class RunningWitness:
    """A real witness that can be stopped and started again at the same port and folder."""

    def __init__(
        self, folder: Path, *logs: VerifierKey, now: Callable[[], int] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.key = load_signing_key(create_signing_key(), f"committee.example/{folder.name}")
        more = {} if now is None else {"now": now}
        self.witness = Witness(folder, self.key, by_origin(logs), **more)
        self._tls = tls
        self._port = 0
        self.start()

    def start(self) -> None:
        self._server = WitnessServer(self.witness, ("127.0.0.1", self._port), self._tls)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answer_by(self, witness: Witness) -> None:
        """Put something else that cosigns in the witness's place."""
        self._server.witness = witness

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return self._server.url

    def address(self, authorities: str = "", seconds: float = 5.0) -> WitnessAddress:
        return WitnessAddress(self.url, cosigner_key(self.key), authorities, seconds)


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A peer that does to each connection what `answer` does; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()
        listener.settimeout(0.05)

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def saying(reply: bytes) -> Callable[[socket.socket], None]:
    """Read what is there and answer with these bytes."""

    def answer(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(reply)

    return answer


def http(status: str, body: bytes, content_type: str = "text/plain", more: str = "") -> bytes:
    """Return the bytes of an HTTP reply."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body
