"""Which certificates are over soon: pure, the moment is given.

Rules. A certificate is spoken of from 30 days before its end, more urgently from 7, and loudly from 1; one that is over
counts as within 0 days. Deliberately not here: who is told (`keyring` the technical log, `dnevnik check` a person).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

THRESHOLDS = (0, 1, 7, 30)
"""Days before a certificate's end."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """A certificate that is over soon: the setting that holds it, its end (UTC), the threshold that it passed."""

    setting: str
    until: datetime
    within: int


def passed(until: datetime, now: datetime) -> int | None:
    """Return the smallest threshold, in days, that `until` lies within; None when it is farther than all."""
    return next((days for days in THRESHOLDS if until - now <= timedelta(days=days)), None)


def expiring(named: Iterable[tuple[str, x509.Certificate]], now: datetime) -> list[Expiry]:
    """Return the certificates that are over soon, nearest first."""
    found = []
    for setting, certificate in named:
        within = passed(certificate.not_valid_after_utc, now)
        if within is not None:
            found.append(Expiry(setting, certificate.not_valid_after_utc, within))
    return sorted(found, key=lambda one: one.until)


def nearest(found: Iterable[Expiry]) -> list[Expiry]:
    """Keep the first of each setting, in the order given."""
    kept: dict[str, Expiry] = {}
    for one in found:
        kept.setdefault(one.setting, one)
    return list(kept.values())
