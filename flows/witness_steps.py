"""What a run does about witnesses, as steps of `flows.steps`; each does nothing for an installation without them."""

from dataclasses import replace

from delivery.balance import SchoolBalance
from delivery.desk import Desk, TakingBackStoppedError
from flows.bridge import Bridge
from flows.failures import describe
from flows.look import Leave
from journal.wording import BridgeError

UNWITNESSED = "unwitnessed"
"""The reason for which a record is withheld that nobody else would vouch for having been logged."""


def keep_up(bridge: Bridge) -> None:
    """Have the log's newest entries cosigned, if it is time. Raises AuditError when a witness contradicts the log."""
    if bridge.witnessing is not None:
        bridge.witnessing.keep_up()


def tell_the_end(bridge: Bridge) -> None:
    """Have a run's last entry cosigned, and send the copies that are due. Raises as `keep_up` does."""
    if bridge.witnessing is not None:
        bridge.witnessing.end()


def unless_short(bridge: Bridge, leave: Leave) -> Leave:
    """Return the leave, with nothing but lawful withdrawals where too few witnesses vouch for too long."""
    return leave if _shortage(bridge) is None or leave.stop is not None else replace(leave, stop=UNWITNESSED)


def told_if_short(bridge: Bridge, balance: SchoolBalance) -> SchoolBalance:
    """Return the balance, failed where records were withheld for want of witnesses and nothing worse happened."""
    short = _shortage(bridge)
    if short is None or balance.failure is not None:
        return balance
    return replace(balance, failure=describe(short))


def heeding_witnesses(bridge: Bridge, desk: Desk) -> Desk:
    """Return the desk at which witnesses are asked between two requests, and nothing goes once they are too few."""
    if bridge.witnessing is None:
        return desk

    def first() -> None:
        desk.first()
        keep_up(bridge)
        short = _shortage(bridge)
        if short is not None:
            raise TakingBackStoppedError(short)

    return replace(desk, first=first)


def _shortage(bridge: Bridge) -> BridgeError | None:
    try:
        if bridge.witnessing is not None:
            bridge.witnessing.refuse_when_short()
    except BridgeError as error:
        return error
    return None
