"""A mail server on 127.0.0.1: enough SMTP (RFC 5321) for the standard library's client, with STARTTLS or TLS."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """What came in, and how to refuse: `refusing` maps a command to the reply that it gets."""

    tls: ssl.SSLContext | None = None
    at_once: bool = False
    refusing: dict[str, str] = field(default_factory=dict)
    messages: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    port: int = 0


class _Session(socketserver.StreamRequestHandler):
    timeout = 5

    def setup(self) -> None:
        mail: MailServer = self.server.mail  # type: ignore[attr-defined]  set by `mail_server`
        self.mail = mail
        self.is_secure = mail.at_once
        if mail.at_once and mail.tls is not None:
            self.request = mail.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()  # what TLS was wrapped around is not the server's to close

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
        self.wfile.flush()

    def handle(self) -> None:
        self.say("220 test")
        sender, recipients = "", []
        while line := self.rfile.readline():
            word = line.split(b" ")[0].strip().upper().decode()
            if word in self.mail.refusing:
                self.say(self.mail.refusing[word])
            elif word == "EHLO":
                self.say("250-test")
                self.say("250 STARTTLS" if self.mail.tls and not self.is_secure else "250 8BITMIME")
            elif word == "STARTTLS":
                self.say("220 go")
                self.request = self.mail.tls.wrap_socket(self.request, server_side=True)
                self.is_secure = True
                super().setup()
            elif word == "MAIL":
                sender, recipients = line.split(b"<")[1].split(b">")[0].decode(), []
                self.say("250 ok")
            elif word == "RCPT":
                recipients.append(line.split(b"<")[1].split(b">")[0].decode())
                self.say("250 ok")
            elif word == "DATA":
                self.say("354 go")
                lines = []
                while (got := self.rfile.readline()) not in {b".\r\n", b""}:
                    lines.append(got.removeprefix(b"."))
                self.mail.messages.append(b"".join(lines))
                self.mail.envelopes.append((sender, recipients))
                self.mail.secure.append(self.is_secure)
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up is no failure of the test."""


@contextmanager
def mail_server(mail: MailServer) -> Iterator[MailServer]:
    """Let `mail` listen."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.mail = mail  # type: ignore[attr-defined]  read by the sessions
        mail.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield mail
        finally:
            server.shutdown()
            thread.join()
