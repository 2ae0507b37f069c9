"""Asks at a portal's door before anything is made ready for it, where the school's last run was ended by the portal.

Rules. A portal that is away, or refuses the bridge, is asked one thing that changes nothing: the receipt of a batch
that never was. One try, no patience: while it fails, the run ends here, before the school is read, and neither the
ledger nor the audit log gets an intent. So a portal that is down for a day costs each run one call, however much
waits. A portal that didn't end the last run isn't asked. Deliberately not here: who notes that it is away
(`flows.failures`).
"""

from database import reading
from delivery.desk import Desk
from delivery.rest import away

NO_BATCH = "0" * 64


def knock(desk: Desk) -> None:
    """Return when the portal may be called; raises the PortalError that a call would end in."""
    desk.patience.heed()
    with reading(desk.engine) as connection:
        gone = away(connection, desk.school)
    if gone is not None:
        ask(desk)


def ask(desk: Desk) -> None:
    """Return when the portal answers the bridge and trusts it; raises PortalError where it does not."""
    desk.turns.take(urgent=True)
    desk.patience.once(lambda: desk.portal.receipt(desk.school, NO_BATCH))
