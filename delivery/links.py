"""Which links to open and which to close at the portal. Pure.

Rules. Every link in force today is open at the portal on its present terms, and no other is. A link whose
last message had no reply is told again. A link outside the pilot group is not opened; one that is open
already stays, for its records are withdrawn and no end reason of the contract fits. New terms by which an account may
see less than it was told (`LinkPlan.narrowed`) are as urgent as an end: they go at once, and no pause or hold keeps
them. What the portal was told of an open link and nobody noted counts as more.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from consent_registry.decision import Grant, Refusal
from consent_registry.reasons import Reason
from journal.vocabulary import ALL_KINDS, EndReason

TERMS_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Reach:
    """What an account may see by a link: kinds of records, of which days, and on which days it may look."""

    kinds: frozenset[str]
    records_from: date
    records_to: date | None
    in_force_from: date
    in_force_to: date | None

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """Return how far a grant reaches."""
        kinds = frozenset(str(kind) for kind in (grant.kinds or ALL_KINDS))
        return cls(kinds, grant.records_from, grant.records_to, grant.in_force_from, grant.in_force_to)

    def covers(self, other: "Reach") -> bool:
        """Tell whether nothing that the other admits is missing here."""
        return (
            other.kinds <= self.kinds
            and self.records_from <= other.records_from
            and self.in_force_from <= other.in_force_from
            and _ends_no_earlier(self.records_to, other.records_to)
            and _ends_no_earlier(self.in_force_to, other.in_force_to)
        )

    def plain(self) -> dict[str, object]:
        """Return it as a JSON object."""
        days = {name: getattr(self, name) for name in _DAYS}
        return {"kinds": sorted(self.kinds)} | {name: day and day.isoformat() for name, day in days.items()}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Self:
        """Return what `plain` wrote."""
        days = {name: plain[name] and date.fromisoformat(plain[name]) for name in _DAYS}
        return cls(kinds=frozenset(plain["kinds"]), **days)


_DAYS = ("records_from", "records_to", "in_force_from", "in_force_to")


def _ends_no_earlier(mine: date | None, other: date | None) -> bool:
    return mine is None or (other is not None and other <= mine)


@dataclass(frozen=True, slots=True)
class ToldLink:
    """What the portal was last told of a link."""

    link_id: str
    student_key: str
    revision: int
    active: bool
    pending: bool
    terms_digest: bytes | None
    reach: Reach | None = None


@dataclass(frozen=True, slots=True)
class LinkEnding:
    """A link to be closed; `limited`: the law does not demand it, so a pause or a hold keeps it open."""

    link_id: str
    student_key: str
    reason: EndReason
    limited: bool = False


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """Links to close, then links to open or renew; `narrowed` are ids of the latter that show less from now on."""

    end: tuple[LinkEnding, ...]
    put: tuple[Grant, ...]
    narrowed: frozenset[str] = frozenset()

    def demanded(self, *, limited: bool = True) -> "LinkPlan":
        """Return of it what takes back; without what the law does not demand where `limited` is false."""
        end = tuple(ending for ending in self.end if limited or not ending.limited)
        return LinkPlan(end, tuple(grant for grant in self.put if grant.link_id in self.narrowed), self.narrowed)

    def others(self) -> "LinkPlan":
        """Return the links to open or renew that take nothing back."""
        return LinkPlan((), tuple(grant for grant in self.put if grant.link_id not in self.narrowed))


def terms_digest(grant: Grant) -> bytes:
    """Return a digest over all that PutLink says of this grant."""
    kinds = sorted(str(kind) for kind in (grant.kinds or ALL_KINDS))
    terms = [
        grant.link_id,
        grant.account_id,
        grant.student_key,
        grant.consent_ref,
        str(grant.in_force_from),
        str(grant.in_force_to),
        str(grant.records_from),
        str(grant.records_to),
        *kinds,
    ]
    return hashlib.blake2b("\x1f".join(terms).encode(), digest_size=TERMS_DIGEST_BYTES).digest()


def plan_links(
    grounds: Iterable[Grant | Refusal],
    told: Mapping[str, ToldLink],
    *,
    end_reason: Callable[[Reason], EndReason],
    in_pilot: Callable[[str], bool],
    limited_reasons: frozenset[str] = frozenset(),
) -> LinkPlan:
    """Compare the links' grounds with what the portal was told; `in_pilot` takes a student key.

    `limited_reasons` are refusals that the law does not demand to act upon.
    """
    put: list[Grant] = []
    narrowed: set[str] = set()
    end: list[LinkEnding] = []
    seen: set[str] = set()
    for ground in grounds:
        seen.add(ground.link_id)
        state = told.get(ground.link_id)
        if isinstance(ground, Refusal):
            if state is not None and (state.active or state.pending):
                limited = str(ground.reason) in limited_reasons
                end.append(LinkEnding(ground.link_id, ground.student_key, end_reason(ground.reason), limited))
            continue
        stands = state is not None and state.active and not state.pending
        if stands and state is not None and state.terms_digest == terms_digest(ground):
            continue
        if state is not None or in_pilot(ground.student_key):
            put.append(ground)
            if state is not None and state.active and not (state.reach and Reach.of(ground).covers(state.reach)):
                narrowed.add(ground.link_id)
    end += [
        LinkEnding(state.link_id, state.student_key, EndReason.REGISTERED_IN_ERROR)
        for state in told.values()
        if state.link_id not in seen and (state.active or state.pending)
    ]
    return LinkPlan(tuple(end), tuple(put), frozenset(narrowed))
