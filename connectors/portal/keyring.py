"""The keys and certificates in use, read again before each request, so that a replaced file needs no restart.

Rules. Each of the three settings is read and judged by itself. What can't be read or used (a file half written, a
key without its certificate) changes nothing: the old one goes on, and it is told once, in the technical log and by
`trouble`. What differs is put in use for the next request; a request under way ends with what it began with.
"""

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from cryptography import x509

from connectors.portal.certificates import Identity, certificates, identity
from connectors.portal.exchange import tls_context
from connectors.portal.expiry import Expiry, expiring, nearest
from connectors.portal.signing import SignatureProvider
from connectors.portal.suite import Suite
from journal.wording import BridgeError, Wording

log = structlog.get_logger("dnevnik.portal")

CLIENT, SIGNING, AUTHORITIES = "client_certificate", "signing_key", "authorities"

_TLS_REFUSED = Wording(
    ru="[portal] client_certificate, authorities: OpenSSL их не принял ({reason}). Проверьте длину ключа и алгоритм",
    en="[portal] client_certificate, authorities: OpenSSL refuses them ({reason}). Check key length and algorithm",
)

Reread = Mapping[str, Callable[[], bytes]]
"""By the settings' names: returns what the setting names now. Raises BridgeError."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What the three settings hold."""

    client_certificate: bytes = field(repr=False)
    signing_key: bytes = field(repr=False)
    authorities: bytes = field(repr=False)

    def get(self, setting: str) -> bytes:
        """Return one of them."""
        return {CLIENT: self.client_certificate, SIGNING: self.signing_key, AUTHORITIES: self.authorities}[setting]


@dataclass(frozen=True, slots=True)
class Keys:
    """Everything that a request needs, made of one state of the settings."""

    client: Identity
    provider: SignatureProvider
    signer: x509.Certificate
    authorities: tuple[x509.Certificate, ...]
    context: ssl.SSLContext = field(repr=False)

    @property
    def own(self) -> tuple[x509.Certificate, ...]:
        """The bridge's certificates: none of them may speak for the portal."""
        return self.client.certificate, self.signer

    def named(self) -> list[tuple[str, x509.Certificate]]:
        """Return each certificate with the setting that holds it."""
        ours = [(CLIENT, one) for one in (self.client.certificate, *self.client.chain)]
        return [*ours, (SIGNING, self.signer), *((AUTHORITIES, one) for one in self.authorities)]


class Keyring:
    """Gives the keys to use now. Safe to call from several threads."""

    def __init__(self, texts: Texts, suite: Suite, reread: Reread | None, now: Callable[[], datetime]) -> None:
        """Make the first keys. Raises BridgeError naming the setting that is wrong."""
        self._texts = texts
        self._suite = suite
        self._reread = reread
        self._now = now
        self._keys = _made(texts, suite)
        self._refused: dict[str, bytes | None] = {}
        self._troubles: dict[str, BridgeError] = {}
        self._looked: datetime | None = None
        self._lock = threading.Lock()

    @property
    def trouble(self) -> BridgeError | None:
        """Why a replaced key is not in use; None when all are."""
        return next(iter(self._troubles.values()), None)

    def expiring(self) -> list[Expiry]:
        """Return which of the certificates in use are over soon, nearest first."""
        return expiring(self._keys.named(), self._now())

    def current(self) -> Keys:
        """Return the keys to use for the next request, after a look at what the settings name now."""
        with self._lock:
            if self._reread is not None:
                for setting, read in self._reread.items():
                    self._look(setting, read)
            self._watch_expiry()
            return self._keys

    def _look(self, setting: str, read: Callable[[], bytes]) -> None:
        text: bytes | None = None
        try:
            text = read()
            if text == self._texts.get(setting):
                self._troubles.pop(setting, None)
                self._refused.pop(setting, None)
                return
            if setting in self._refused and self._refused[setting] == text:
                return
            texts = replace(self._texts, **{setting: text})
            # a TLS context of its own would cost a new connection
            context = self._keys.context if setting == SIGNING else None
            self._keys = _made(texts, self._suite, context)
        except BridgeError as error:
            if setting not in self._refused or self._refused[setting] != text:
                log.warning("key not replaced", code=error.code, place=setting)
            self._refused[setting], self._troubles[setting] = text, error
            return
        self._texts = texts
        self._troubles.pop(setting, None)
        self._refused.pop(setting, None)
        self._looked = None
        log.info("key replaced", place=setting)

    def _watch_expiry(self) -> None:
        """Say once a day, and after a replacement, which certificates are over soon."""
        now = self._now()
        if self._looked is not None and now - self._looked < timedelta(days=1):
            return
        self._looked = now
        for one in nearest(expiring(self._keys.named(), now)):
            log.warning("certificate is over soon", code=f"certificate-{one.within}-days", place=one.setting)


def _made(texts: Texts, suite: Suite, context: ssl.SSLContext | None = None) -> Keys:
    client = identity(texts.client_certificate, CLIENT)
    provider = suite.signer(texts.signing_key)
    authorities = certificates(texts.authorities, AUTHORITIES)
    signer = x509.load_der_x509_certificate(provider.certificate)
    try:
        return Keys(client, provider, signer, authorities, context or tls_context(client, authorities))
    except ssl.SSLError as error:
        reason = error.reason or "unknown"
    raise BridgeError("portal-tls", _TLS_REFUSED, {"reason": reason})
