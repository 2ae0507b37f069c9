"""A portal to try the bridge on: the whole of diary-exchange-1, strict, real SOAP over real TLS.

Rules. It is written from the contract alone and imports nothing of the bridge's connector, so that the two check
each other. Its state is one SQLite file (README.md describes the tables); other programs may read it and queue
misbehaviour in it while the portal runs. Everything it answers keeps the contract's schema and is signed.
"""

from sandbox.portal.application_operations import seed_applications
from sandbox.portal.misbehaviour import FaultKind, clear_faults, queue_fault
from sandbox.portal.server import PortalServer, serve
from sandbox.portal.store import connect
from sandbox.portal.views import look, visible

__all__ = [
    "FaultKind",
    "PortalServer",
    "clear_faults",
    "connect",
    "look",
    "queue_fault",
    "seed_applications",
    "serve",
    "visible",
]
