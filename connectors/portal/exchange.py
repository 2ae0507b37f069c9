"""One HTTPS request and its reply: whom the bridge talks to, for how long, and how much it listens to.

Rules. TLS 1.2 or better, trusting the given authorities alone; the environment (proxies, bundles, netrc, key logs)
has no say; no redirect is followed and nothing is sent twice. A call ends within connect plus reply time-out
whatever the other side does, and no more than 16 MiB are read. Every failure says whether any byte of the request
may have left (`sent`): that decides whether the message may simply be sent again. One session a thread; it is left
for a new one when the keys were replaced.
"""

import os
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager

from connectors.portal.certificates import Identity

LONGEST_REPLY = 16 * 1024 * 1024
_CHUNK = 64 * 1024

# the other side's last words when it does not accept the bridge's certificate; in TLS 1.3 they arrive after the
# request was written, but a server that says them has handed nothing to its application
_REFUSING_ALERTS = (
    "CERTIFICATE_REQUIRED",
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "UNKNOWN_CA",
    "ACCESS_DENIED",
)
_UNTRUSTED = {
    9: "certificate-not-yet-valid",
    10: "certificate-expired",
    **dict.fromkeys((2, 18, 19, 20, 21, 27), "certificate-unknown-authority"),
    **dict.fromkeys((62, 64), "certificate-wrong-name"),  # of a host, of an address
}
"""What OpenSSL's verification codes (X509_V_ERR_…) say against the server's certificate."""


@dataclass(eq=False)
class BrokenExchangeError(Exception):
    """A request without a reply. `sent`: bytes of it may have left; `lasting`: trying again can't help."""

    code: str
    sent: bool
    lasting: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back, unjudged."""

    status: int
    headers: "requests.structures.CaseInsensitiveDict[str]"
    body: bytes
    server: bytes = b""
    """The server's own certificate, DER."""


class _Guarded(Protocol):
    """A connection that can be torn down from another thread."""

    guard: socket.socket | None


class _Call:
    """One call on its way: which connection it uses, whether it began to send, whether its time ran out."""

    def __init__(self) -> None:
        self.connection: _Guarded | None = None
        self.sent = False
        self.expired = False
        self.server = b""

    def expire(self) -> None:
        """Cut the connection under whatever waits on it; runs in the timer's thread."""
        self.expired = True
        guard = self.connection.guard if self.connection else None
        if guard is not None:
            try:
                guard.shutdown(socket.SHUT_RDWR)
            except OSError:  # it is closed already
                return


_current = threading.local()


class _WatchedConnection(HTTPSConnection):
    """An HTTPS connection that tells the current call when it starts to send, and that a timer can cut."""

    guard: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        _current.call.connection = self
        made = super()._new_conn()
        # a second handle on the same connection: TLS takes the first one away while it shakes hands
        self.guard = made.dup()
        return made

    def request(self, *args: object, **kwargs: object) -> None:
        _current.call.connection = self
        _current.call.sent = True
        if isinstance(self.sock, ssl.SSLSocket):
            _current.call.server = self.sock.getpeercert(binary_form=True) or b""
        super().request(*args, **kwargs)  # type: ignore[arg-type]  # likewise

    def close(self) -> None:
        super().close()
        if self.guard is not None:
            self.guard.close()
            self.guard = None


class _WatchedPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedConnection


class _StayingSession(requests.Session):
    """A session that sees no redirect: to prepare one that is not followed, requests would read its whole body."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  requests' own signature
        return None


class _PinnedAdapter(HTTPAdapter):
    """Opens connections by the bridge's own TLS context and adds nothing to it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_: object) -> None:  # noqa: FBT001, FBT002  requests' own signature
        self.poolmanager = PoolManager(connections, maxsize=maxsize, block=block, ssl_context=self._context)
        self.poolmanager.pool_classes_by_scheme = {"https": _WatchedPool}

    def cert_verify(self, conn: HTTPSConnectionPool, *_: object, **__: object) -> None:
        # requests would add its own bundle of authorities to the context here
        conn.cert_reqs = "CERT_REQUIRED"


def tls_context(client: Identity, authorities: Sequence[x509.Certificate]) -> ssl.SSLContext:
    """Return the TLS settings: by what the bridge is known, and whom it trusts. Raises ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # whoever stands in the file is trusted, be it a root, an intermediate or the server itself: as `trust` has it
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=b"".join(one.public_bytes(Encoding.DER) for one in authorities))
    # OpenSSL reads keys from files only: this one is memory, so the key touches no disk
    descriptor = os.memfd_create("identity", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, client.pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context


class Exchange:
    """Posts messages to one address. Safe to call from several threads."""

    def __init__(self, url: str, context: ssl.SSLContext, *, connect_timeout: float, reply_timeout: float) -> None:
        self._url = url
        self._context = context
        self._timeouts = (connect_timeout, reply_timeout)
        self._own = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()

    def use(self, context: ssl.SSLContext) -> None:
        """Make the next requests by these TLS settings; connections made by others are left."""
        self._context = context

    def post(self, message: bytes, action: str) -> HttpReply:
        """Send one SOAP 1.1 message and return what came back, whatever its status. Raises BrokenExchangeError."""
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        return self._send("POST", self._url, message, headers)

    def get(self, query: str) -> HttpReply:
        """Ask the address itself, with `query` behind it. Raises BrokenExchangeError."""
        return self._send("GET", f"{self._url}?{query}", None, {})

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
            self._own = threading.local()  # whoever calls after this opens a session that is known again
        for session in sessions:
            session.close()

    def _send(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> HttpReply:
        session = self._session()
        call = _current.call = _Call()
        timer = threading.Timer(sum(self._timeouts), call.expire)
        timer.daemon = True
        timer.start()
        try:
            with session.request(
                method, url, data=body, headers=headers, stream=True, timeout=self._timeouts, allow_redirects=False
            ) as response:
                reply = HttpReply(response.status_code, response.headers, _read(response), call.server)
            if not call.expired:
                return reply
            # the cut can look like the end of headers or of a body without a length
            failure = _failure(TimeoutError(), call)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            failure = _failure(error, call)
        finally:
            timer.cancel()
        raise failure

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._own, "session", None)
        context = self._context
        if session is not None and self._own.context is not context:
            session.close()
            with self._lock:
                self._sessions = [one for one in self._sessions if one is not session]
            session = None
        if session is None:
            session = _StayingSession()
            session.trust_env = False
            session.adapters.clear()
            session.mount("https://", _PinnedAdapter(context))
            session.headers = requests.structures.CaseInsensitiveDict(
                {"User-Agent": "dnevnik-bridge", "Accept": "text/xml", "Accept-Encoding": "identity"}
            )
            self._own.session, self._own.context = session, context
            with self._lock:
                self._sessions.append(session)
        return session


def _read(response: requests.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise BrokenExchangeError("reply-malformed", sent=True, detail="compressed though not asked for")
    parts, size = [], 0
    while chunk := response.raw.read(_CHUNK, decode_content=False):
        parts.append(chunk)
        size += len(chunk)
        if size > LONGEST_REPLY:
            raise BrokenExchangeError("reply-malformed", sent=True, detail="longer than 16 MiB")
    return b"".join(parts)


def _failure(error: Exception, call: _Call) -> BrokenExchangeError:
    if call.expired:
        return BrokenExchangeError("timeout", call.sent, detail="the whole call took too long")
    causes = _causes(error)
    tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if isinstance(tls, ssl.SSLCertVerificationError):
        code = _UNTRUSTED.get(tls.verify_code, "certificate-untrusted")
        return BrokenExchangeError(code, call.sent, lasting=not call.sent, detail=f"server: {tls.verify_message}")
    if tls is not None and (tls.reason or "").endswith(_REFUSING_ALERTS):
        detail = f"refused by the server: {tls.reason}"
        return BrokenExchangeError("certificate-refused", sent=False, lasting=True, detail=detail)
    if tls is not None and not call.sent:
        return BrokenExchangeError("tls", sent=False, detail=tls.reason or "handshake failed")
    if any(isinstance(cause, TimeoutError | requests.Timeout) for cause in causes):
        return BrokenExchangeError("timeout" if call.sent else "connection", call.sent, detail="no answer in time")
    return BrokenExchangeError("connection", call.sent, detail=type(causes[-1]).__name__)


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error and what it came of, outermost first, as urllib3 nests it: by arguments, reason and context."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]
    return found
