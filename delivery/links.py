"""Which links to open and which to close at the portal. Pure.

Rules. Every link in force today is open at the portal on its present terms, and no other is. A link whose
last message had no reply is told again. A link outside the pilot group is not opened; one that is open
already stays, for its records are withdrawn and no end reason of the contract fits.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from consent_registry.decision import Grant, Refusal
from consent_registry.reasons import Reason
from journal.vocabulary import ALL_KINDS, EndReason

TERMS_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class ToldLink:
    """What the portal was last told of a link."""

    link_id: str
    student_key: str
    revision: int
    active: bool
    pending: bool
    terms_digest: bytes | None


@dataclass(frozen=True, slots=True)
class LinkEnding:
    """A link to be closed; `limited`: the law does not demand it, so a pause or a hold keeps it open."""

    link_id: str
    student_key: str
    reason: EndReason
    limited: bool = False


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """Links to close, then links to open or renew."""

    end: tuple[LinkEnding, ...]
    put: tuple[Grant, ...]


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
    end += [
        LinkEnding(state.link_id, state.student_key, EndReason.REGISTERED_IN_ERROR)
        for state in told.values()
        if state.link_id not in seen and (state.active or state.pending)
    ]
    return LinkPlan(tuple(end), tuple(put))
