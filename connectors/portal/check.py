"""Asks whether the portal can be reached and understood, for `dnevnik check`; changes nothing there.

Rules. Reach: TLS stands and something answers HTTP. Clock: by the signed Timestamp where a reply was believed, else
by the Date header, which anybody could have written. Understanding: GetReceipt of a batch that never was, which a
portal that believes the bridge's signature answers by UnknownBatch. What is wrong is a value, not an exception.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from cryptography import x509

from connectors.portal.soap_portal import PortalConnection, SoapPortal
from connectors.portal.suite import CONTRACT, Suite
from journal.portal import PortalError

NO_BATCH = "0" * 64
TLS, SIGNATURE = "TLS", "WS-Security"


@dataclass(frozen=True, slots=True)
class PortalProbe:
    """What was found. `reached`: something answered HTTP over trusted TLS; `understood`: None when not asked.

    `clock_difference` is the portal's clock minus the bridge's, to about a second; None where nothing told.
    `problem` is the error that stood in the way: its code and detail are technical. `ends`: until when the portal's own
    certificates are in force (UTC), of TLS and of its signature, as far as they were seen.
    """

    reached: bool
    understood: bool | None
    clock_difference: timedelta | None
    problem: PortalError | None
    ends: Mapping[str, datetime] = field(default_factory=dict)


def probe(connection: PortalConnection, school: str | None = None, suite: Suite = CONTRACT) -> PortalProbe:
    """Reach the portal and, in the name of `school`, ask it something. Raises BridgeError for wrong settings."""
    portal = SoapPortal(connection, suite)
    try:
        return _probe(portal, connection, school)
    finally:
        portal.close()


def _probe(portal: SoapPortal, connection: PortalConnection, school: str | None) -> PortalProbe:
    try:
        seen = portal.reach()
    except PortalError as error:
        return PortalProbe(reached=False, understood=None, clock_difference=None, problem=error)
    difference = _difference(seen.headers.get("Date", ""), connection.now())
    ends = _ends({TLS: seen.server})
    if school is None:
        return PortalProbe(reached=True, understood=None, clock_difference=difference, problem=None, ends=ends)
    try:
        portal.receipt(school, NO_BATCH)
    except PortalError as error:
        return PortalProbe(reached=True, understood=False, clock_difference=difference, problem=error, ends=ends)
    ends |= _ends({SIGNATURE: portal.portal_signer})
    return PortalProbe(reached=True, understood=True, clock_difference=portal.clock_difference, problem=None, ends=ends)


def _ends(certificates: Mapping[str, bytes]) -> dict[str, datetime]:
    return {name: x509.load_der_x509_certificate(der).not_valid_after_utc for name, der in certificates.items() if der}


def _difference(date: str, now: datetime) -> timedelta | None:
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)) - now
