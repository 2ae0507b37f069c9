"""Whether a plan changes so much that a person should look first. Pure.

Rules. Withdrawals that the law demands are never limited. A share is of the records that the portal holds
of this school; the very first publication is no change. Changes of at most `small_change` records never hold,
else one deletion in a school of five marks would. A school's database that has far fewer rows than when it was last
read, or other columns, holds whatever would come of it: it may be another database, or half of one. So does a school
whose teachers fill in too few lessons in time, where the installation says that this holds (`journal.actuality`).
"""

from dataclasses import dataclass
from typing import Literal

Exceeded = Literal[
    "withdraw_share", "withdraw_count", "change_share", "source_shrunk", "schema_differs", "actuality_below"
]


@dataclass(frozen=True, slots=True)
class Limits:
    """The installation's [limits]: shares of 0 to 1, counts of records."""

    withdraw_share: float = 0.10
    withdraw_count: int = 200
    change_share: float = 0.75
    small_change: int = 2


def exceeded(limits: Limits, *, holdings: int, withdrawals: int, changes: int) -> tuple[Exceeded, ...]:
    """Name the limits that a plan with these numbers is over; empty: go."""
    over: list[Exceeded] = []
    if withdrawals > limits.small_change:
        if withdrawals > limits.withdraw_share * holdings:
            over.append("withdraw_share")
        if withdrawals > limits.withdraw_count:
            over.append("withdraw_count")
    if changes > limits.small_change and changes > limits.change_share * holdings:
        over.append("change_share")
    return tuple(over)


def enough(limits: Limits, *, withdrawals: int, changes: int) -> int | None:
    """Return a number of holdings from which on no share of them is exceeded; None where there is none such."""
    numbers = [(withdrawals, limits.withdraw_share), (changes, limits.change_share)]
    shares = [(number, share) for number, share in numbers if number > limits.small_change]
    if not all(share for _, share in shares):
        return None
    return max((int(number / share) + 2 for number, share in shares), default=0)


def shrunk(limits: Limits, *, before: int, now: int) -> bool:
    """Tell whether a source has so many rows fewer than before that a person should look."""
    lost = before - now
    return lost > limits.small_change and lost > limits.withdraw_share * before
