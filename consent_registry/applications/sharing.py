"""Whether one account stands for two people, and whether one parent has two accounts to a student. Pure.

Rules. An account belongs to one person. Where both last and first name differ under one account, two people share it:
a problem; where only one of them differs, or only the patronymic, a new surname or a slip of the pen is likelier: a
warning. One parent needs one account: the same name and e-mail, or the same document shown, with two accounts to one
student, both links live, is a problem. Names are compared as for proposals, a patronymic only where both have one;
what is empty on one side tells nothing. The same document shown (by its keyed digest) is the same parent, whatever the
names. Every entry that does not agree with an earlier one is told, once, beside the first such.
Deliberately not here: where entries come from (a register's rows, the cases); whether a link is live.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from consent_registry.applications.proposals import name_parts
from journal.wording import Wording


class SharingFinding(StrEnum):
    """What is wrong with who has which account."""

    ACCOUNT_SHARED = "account-shared"
    ACCOUNT_NAME_DIFFERS = "account-name-differs"
    PARENT_TWICE = "parent-twice"

    @property
    def is_problem(self) -> bool:
        """Whether it must be mended before anything is recorded; else a person looks at it."""
        return self is not SharingFinding.ACCOUNT_NAME_DIFFERS


MEANINGS: Mapping[SharingFinding, Wording] = {
    SharingFinding.ACCOUNT_SHARED: Wording(
        "одной учётной записью пользуются два человека (фамилия и имя разные): пусть у каждого будет своя",
        "two people share one account (last and first name differ): let each have an account of their own",
    ),
    SharingFinding.ACCOUNT_NAME_DIFFERS: Wording(
        "имя владельца этой учётной записи уже записано иначе: сверьте с документом",
        "the name of this account's holder is already entered otherwise: compare it with the document",
    ),
    SharingFinding.PARENT_TWICE: Wording(
        "у этого родителя уже есть действующая связь с этим учеником через другую учётную запись: оставьте одну",
        "this parent already has a live link to this student through another account: keep one of them",
    ),
}
"""What each finding says and what to do about it. They name no one."""


@dataclass(frozen=True, slots=True, repr=False)
class AccountHolder:
    """Who an entry says an account belongs to. Personal data: shows itself nowhere."""

    account_id: str
    last_name: str
    first_name: str
    middle_name: str | None = None
    email: str | None = None
    documents: frozenset[str] = frozenset()
    """Keyed digests of the documents by which the holder was identified."""


@dataclass(frozen=True, slots=True, repr=False)
class HeldLink:
    """One account's link to one student of a school, as an entry says; `live`: neither withdrawn nor ended."""

    student_key: str
    holder: AccountHolder
    live: bool


@dataclass(frozen=True, slots=True)
class Sharing:
    """A finding about the entry at `place` (an index into what was given), seen against the earlier one at `other`."""

    finding: SharingFinding
    place: int
    other: int


@dataclass(frozen=True, slots=True, repr=False)
class _Name:
    last: str
    first: str
    middle: str


def shared_accounts(holders: Sequence[AccountHolder]) -> list[Sharing]:
    """Return the entries whose account an earlier entry gives to someone else.

    An entry is seen against the first earlier one that makes it a problem; if none does, the first that differs.
    """
    names: defaultdict[str, dict[_Name, int]] = defaultdict(dict)  # each name of an account, and its first entry
    found: list[Sharing] = []
    for place, holder in enumerate(holders):
        name, earlier = _name(holder), names[holder.account_id]
        differing = [(_difference(name, known), other) for known, other in earlier.items()]
        for wanted in (SharingFinding.ACCOUNT_SHARED, SharingFinding.ACCOUNT_NAME_DIFFERS):
            other = next((other for finding, other in differing if finding is wanted), None)
            if other is not None:
                found.append(Sharing(wanted, place, other))
                break
        earlier.setdefault(name, place)
    return found


def parents_twice(links: Sequence[HeldLink]) -> list[Sharing]:
    """Return the live links whose parent has an earlier live link to the same student through another account."""
    live: defaultdict[str, list[tuple[int, AccountHolder]]] = defaultdict(list)
    found: list[Sharing] = []
    for place, link in enumerate(links):
        if not link.live:
            continue
        earlier = live[link.student_key]
        twice = (
            other
            for other, known in earlier
            if known.account_id != link.holder.account_id and _same_person(link.holder, known)
        )
        if (other := next(twice, None)) is not None:
            found.append(Sharing(SharingFinding.PARENT_TWICE, place, other))
        earlier.append((place, link.holder))
    return found


def _same_person(one: AccountHolder, other: AccountHolder) -> bool:
    if one.documents & other.documents:
        return True
    emails = {(holder.email or "").strip().casefold() for holder in (one, other)}
    names = (_name(one), _name(other))
    known = "" not in emails and all(name.last and name.first for name in names)
    return known and len(emails) == 1 and _difference(*names) is None


def _name(holder: AccountHolder) -> _Name:
    parts = (name_parts(name) for name in (holder.last_name, holder.first_name, holder.middle_name))
    return _Name(*("".join(part) for part in parts))


def _difference(one: _Name, other: _Name) -> SharingFinding | None:
    last, first, middle = (
        bool(ours and theirs) and ours != theirs
        for ours, theirs in ((one.last, other.last), (one.first, other.first), (one.middle, other.middle))
    )
    if last and first:
        return SharingFinding.ACCOUNT_SHARED
    return SharingFinding.ACCOUNT_NAME_DIFFERS if last or first or middle else None
