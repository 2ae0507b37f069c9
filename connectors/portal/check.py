"""Asks whether the portal can be reached and understood, for `dnevnik check`; changes nothing there.

Rules. Reach: TLS stands and something answers HTTP. Clock: by the signed Timestamp where a reply was believed, else
by the Date header, which anybody could have written. Understanding: GetReceipt of a batch that never was, which a
portal that believes the bridge's signature answers by UnknownBatch. What is wrong is a value, not an exception.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.portal.soap_portal import PortalConnection, SoapPortal
from journal.portal import PortalError

NO_BATCH = "0" * 64


@dataclass(frozen=True, slots=True)
class PortalProbe:
    """What was found. `reached`: something answered HTTP over trusted TLS; `understood`: None when not asked.

    `clock_difference` is the portal's clock minus the bridge's, to about a second; None where nothing told.
    `problem` is the error that stood in the way: its code and detail are technical.
    """

    reached: bool
    understood: bool | None
    clock_difference: timedelta | None
    problem: PortalError | None


def probe(connection: PortalConnection, school: str | None = None) -> PortalProbe:
    """Reach the portal and, in the name of `school`, ask it something. Raises BridgeError for wrong settings."""
    portal = SoapPortal(connection)
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
    if school is None:
        return PortalProbe(reached=True, understood=None, clock_difference=difference, problem=None)
    try:
        portal.receipt(school, NO_BATCH)
    except PortalError as error:
        return PortalProbe(reached=True, understood=False, clock_difference=difference, problem=error)
    return PortalProbe(reached=True, understood=True, clock_difference=portal.clock_difference, problem=None)


def _difference(date: str, now: datetime) -> timedelta | None:
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)) - now
