"""A plan as a list of acts, in the order in which they are done, and the digest that names exactly this list. Pure.

Rules.
- The order never shows a record to an account without ground: links end, records are withdrawn, links are put,
  records are published. Within each, by id, so the same world always gives the same list and digest.
- An act says what the portal would be told and nothing of whom: the bridge's opaque ids, a reason, keyed digests of
  content and terms. A record that has no id yet is named by a keyed digest of its row; who lacks the installation's
  key can't try out rows, students or marks against a list.
- Two lists are equal exactly when the portal would come to show the same by them. What only counts messages is not
  in them: revisions, batch ids and their bounds, moments of sending.
- `lawful` acts are held back by no limit and no pause. What a hold waits for is the list without them, for they
  are done while it waits.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from delivery.links import LinkPlan, terms_digest
from delivery.plan import RecordPlan

Deed = Literal["end-link", "withdraw", "put-link", "publish"]
DEEDS: tuple[Deed, ...] = ("end-link", "withdraw", "put-link", "publish")
DIGEST_BYTES = 16
_IDS = {"end-link": "link", "withdraw": "record", "put-link": "link", "publish": "record"}
_WORDS = {"end-link": "reason", "withdraw": "reason", "put-link": "terms", "publish": "content"}


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to tell the portal.

    `what` is a record's or link's id, or (`new`) the keyed digest of a row that has no record yet, in hex. `word` is
    the reason of a withdrawal or an end, in hex the keyed digest of a record's content or of a link's terms.
    """

    deed: Deed
    what: str
    word: str
    lawful: bool = False
    new: bool = False

    def plain(self) -> dict[str, str | bool]:
        """Return the act as a JSON object."""
        told: dict[str, str | bool] = {
            "do": self.deed,
            "row" if self.new else _IDS[self.deed]: self.what,
            _WORDS[self.deed]: self.word,
        }
        return told | {"lawful": True} if self.lawful else told


def act_from(plain: object) -> Act:
    """Return the act that `Act.plain` wrote. Raises ValueError for anything else."""
    if isinstance(plain, dict):
        for deed in DEEDS:
            for new in (False, True):
                what, word = plain.get("row" if new else _IDS[deed]), plain.get(_WORDS[deed])
                if isinstance(what, str) and isinstance(word, str):
                    act = Act(deed, what, word, plain.get("lawful") is True, new)
                    if act.plain() == plain:
                        return act
    raise ValueError("not an act of a plan")


def canonical_json(value: object) -> bytes:
    """Return canonical JSON (RFC 8785, for texts of ASCII and whole numbers) in UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def acts_of(records: RecordPlan, links: LinkPlan, key: bytes) -> list[Act]:
    """Return all that a run would do with records and links; `key` (32 bytes) is the installation's, for this use."""

    def keyed(content: bytes) -> str:
        return hashlib.blake2b(content, key=key, digest_size=DIGEST_BYTES).hexdigest()

    ends = [Act("end-link", end.link_id, str(end.reason), lawful=not end.limited) for end in links.end]
    withdrawals = [
        Act("withdraw", record, str(reason), lawful=bool(lawful))
        for record, reason, lawful in _rows(records.withdraw, "record_id", "reason", "lawful")
    ]
    # The bare digest of terms is over few unknowns; that of content is keyed already.
    puts = [
        Act("put-link", grant.link_id, keyed(terms_digest(grant)), lawful=grant.link_id in links.narrowed)
        for grant in links.put
    ]
    publications = [
        Act("publish", record, digest.hex())
        if isinstance(record, str)
        else Act("publish", keyed(f"{source}\x1f{student}".encode()), digest.hex(), new=True)
        for source, student, record, digest in _rows(
            records.publish, "source_key", "student_key", "record_id", "digest"
        )
    ]
    return [act for part in (ends, withdrawals, puts, publications) for act in sorted(part, key=_by_id)]


def _rows(frame: pd.DataFrame, *names: str) -> Iterable[tuple[Any, ...]]:
    return zip(*(frame[name].tolist() for name in names), strict=True)


def _by_id(act: Act) -> str:
    return act.what


def held_back(acts: Sequence[Act]) -> list[Act]:
    """Return the acts that a pause or a hold keeps from being done."""
    return [act for act in acts if not act.lawful]


def digest_of(acts: Iterable[Act]) -> str:
    """Return the SHA-256, in hex, over the list as canonical JSON."""
    return hashlib.sha256(canonical_json([act.plain() for act in acts])).hexdigest()


@dataclass(frozen=True, slots=True)
class Drift:
    """How many acts of one deed a later list has that an earlier had not, lacks, or does otherwise."""

    deed: Deed
    new: int
    gone: int
    other: int


def drift(earlier: Iterable[Act], later: Iterable[Act]) -> list[Drift]:
    """Count what differs between two lists, deed by deed; empty when they are equal."""
    before = {(act.deed, act.what, act.new): act for act in earlier}
    after = {(act.deed, act.what, act.new): act for act in later}
    found = []
    for deed in DEEDS:
        was = {key for key in before if key[0] == deed}
        now = {key for key in after if key[0] == deed}
        other = sum(before[key] != after[key] for key in was & now)
        if was != now or other:
            found.append(Drift(deed, len(now - was), len(was - now), other))
    return found
