"""The city portal by the contract diary-exchange-1, with the contract's own algorithms (`connectors.portal`)."""

from connectors.portal.check import PortalProbe
from connectors.portal.check import probe as _probe
from connectors.portal.soap_portal import PortalConnection, SoapPortal
from connectors.portal.suite import CONTRACT


def open_portal(connection: PortalConnection) -> SoapPortal:
    """Return the portal; connects to nothing. Raises BridgeError naming the setting that is wrong."""
    return SoapPortal(connection, CONTRACT)


def probe(connection: PortalConnection, school: str | None) -> PortalProbe:
    """Reach the portal and ask it something. Raises BridgeError for wrong settings."""
    return _probe(connection, school, CONTRACT)


def check_signing_key(text: bytes) -> None:
    """Read the PEM key and its certificate. Raises BridgeError."""
    CONTRACT.signer(text)
