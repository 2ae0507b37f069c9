"""Dated facts about a case, and the state that they add up to at a moment. Pure.

Rules (docs/consent-rules.md). Facts are only added; a fact that corrects others names them, and they no longer count
for whoever knows of it. `state_of(case, facts, at, known_at)` answers what held at `at`, as known at `known_at`: later
recorded facts are not known, what is valid later has not happened. The consent of a moment is the one that took
its place last; an earlier one does not come back. Deliberately not here: whether the state permits anything
(`consent_registry.decision`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter

from journal.vocabulary import ALL_KINDS, RecordKind


class FactKind(StrEnum):
    """What a fact is about, in the order of the procedure."""

    APPLICATION = "application"
    IDENTIFICATION = "identification"
    CONSENT = "consent"
    SCAN = "scan"
    REGISTRATION = "registration"
    WITHDRAWAL = "withdrawal"
    ENDING = "ending"
    RESTRICTION = "restriction"
    PEOPLE = "people"
    """Names or documents were corrected: which columns, never what they hold."""


class EndingReason(StrEnum):
    """Why a person ended a link."""

    GUARDIANSHIP_ENDED = "guardianship-ended"
    REGISTERED_IN_ERROR = "registered-in-error"


@dataclass(frozen=True, slots=True)
class Fact:
    """One dated fact. `detail` holds JSON values, moments and dates as ISO text; nothing that names a parent.

    `corrects`: the facts that no longer count. An empty detail says nothing but that.
    """

    fact_id: int
    kind: FactKind
    valid_at: datetime
    recorded_at: datetime
    recorded_by: str
    detail: Mapping[str, object]
    corrects: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both included; None: open on that side."""

    first: date | None
    last: date | None

    def covers(self, day: date) -> bool:
        """Tell whether a day lies in the span."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Consent:
    """One signed document, and what became of it. `valid_at`: from when it takes the place of earlier ones."""

    fact_id: int
    valid_at: datetime
    consent_ref: str
    text_version: str
    signed_on: date | None
    in_force_from: date | None
    in_force_to: date | None
    records_from: date | None
    records_to: date | None
    kinds: frozenset[RecordKind]
    registered_at: datetime | None = None
    withdrawn_at: datetime | None = None
    ended_at: datetime | None = None
    ended_why: EndingReason | None = None


@dataclass(frozen=True, slots=True)
class CaseState:
    """One account's case for one student, at a moment. Dates are the installation's days; moments are aware.

    The consent's fields are those of the consent of the moment; `kinds` is what it covers (never empty). `account_ref`
    is what names the account in the audit log.
    """

    case_id: int
    school: str
    student_key: str
    account_id: str
    link_id: str
    relation: str | None = None
    submitted_at: datetime | None = None
    identified_at: datetime | None = None
    authority_until: date | None = None
    consent_ref: str | None = None
    consent_text_version: str | None = None
    consent_signed_on: date | None = None
    in_force_from: date | None = None
    in_force_to: date | None = None
    records_from: date | None = None
    records_to: date | None = None
    kinds: frozenset[RecordKind] = ALL_KINDS
    registered_at: datetime | None = None
    withdrawn_at: datetime | None = None
    ended_at: datetime | None = None
    ended_why: EndingReason | None = None
    restrictions: tuple[Span, ...] = ()
    account_ref: str = ""


@dataclass(frozen=True, slots=True)
class CaseKey:
    """What a case is known by. `account_ref`: names the account in the audit log; "": not given yet."""

    case_id: int
    school: str
    student_key: str
    account_id: str
    link_id: str
    account_ref: str = ""


def counting(facts: Iterable[Fact], known_at: datetime | None = None) -> list[Fact]:
    """Return the facts that count, as known at `known_at` (None: now), in the order in which they were recorded."""
    known = list(facts) if known_at is None else [fact for fact in facts if fact.recorded_at <= known_at]
    corrected = {fact_id for fact in known for fact_id in fact.corrects}
    return [fact for fact in known if fact.detail and fact.fact_id not in corrected]


def of_kind(facts: Iterable[Fact], kind: FactKind) -> list[Fact]:
    """Return the facts of one kind."""
    return [fact for fact in facts if fact.kind is kind]


def names(fact: Fact) -> frozenset[str]:
    """Return the references of the consents that a registration, a withdrawal or an ending speaks of."""
    listed = fact.detail.get("consents")
    return frozenset(map(str, listed)) if isinstance(listed, list) else frozenset()


def moment_of(facts: Iterable[Fact], at: datetime) -> Fact | None:
    """Return the fact that is valid last by `at`, of several the one recorded last; else the first to become valid."""
    known = list(facts)
    if len(known) == 1:
        return known[0]
    ordered = sorted(known, key=_valid_at)  # stable: of equals, the order of recording stands
    return next((fact for fact in reversed(ordered) if fact.valid_at <= at), ordered[0] if ordered else None)


_valid_at = attrgetter("valid_at")


def day_of(detail: Mapping[str, object], name: str) -> date | None:
    """Return a date of a fact's detail."""
    text = detail.get(name)
    return None if text is None else date.fromisoformat(str(text))


@cache
def _kinds(words: str) -> frozenset[RecordKind]:
    return frozenset(RecordKind(word) for word in words.split()) or ALL_KINDS


_Kinds = Mapping[FactKind, Sequence[Fact]]


def _by_kind(counted: Iterable[Fact]) -> _Kinds:
    kinds: defaultdict[FactKind, list[Fact]] = defaultdict(list)
    for fact in counted:
        kinds[fact.kind].append(fact)
    return kinds


def consents_of(counted: Sequence[Fact]) -> list[Consent]:
    """Return each consent of a case, with what became of it; `counted` as `counting` returns them."""
    kinds = _by_kind(counted)
    return [_consent(fact, kinds) for fact in kinds[FactKind.CONSENT]]


def _no_consent(kinds: _Kinds) -> Consent:
    """Return what stands for a consent in a case that has none: what happened names none either."""
    return _document(0, datetime.min.replace(tzinfo=UTC), {}, kinds)


def _consent(fact: Fact, kinds: _Kinds) -> Consent:
    return _document(fact.fact_id, fact.valid_at, fact.detail, kinds)


def _document(fact_id: int, valid_at: datetime, detail: Mapping[str, object], kinds: _Kinds) -> Consent:
    reference = str(detail.get("consent_ref") or "")
    ending = _earliest(kinds[FactKind.ENDING], reference)
    return Consent(
        fact_id=fact_id,
        valid_at=valid_at,
        consent_ref=reference,
        text_version=str(detail.get("text_version") or ""),
        signed_on=day_of(detail, "signed_on"),
        in_force_from=day_of(detail, "in_force_from"),
        in_force_to=day_of(detail, "in_force_to"),
        records_from=day_of(detail, "records_from"),
        records_to=day_of(detail, "records_to"),
        kinds=_kinds(str(detail.get("kinds") or "")),
        registered_at=_moment(_earliest(kinds[FactKind.REGISTRATION], reference)),
        withdrawn_at=_moment(_earliest(kinds[FactKind.WITHDRAWAL], reference)),
        ended_at=_moment(ending),
        ended_why=_why(ending),
    )


def _earliest(facts: Sequence[Fact], reference: str) -> Fact | None:
    """Return the earliest of these facts, all of one kind, that names a consent (empty: that names none).

    Of endings at one moment an error counts: with it there never was a ground, whatever order they were recorded in.
    """
    naming = [fact for fact in facts if (reference in names(fact) if reference else not names(fact))]
    error = EndingReason.REGISTERED_IN_ERROR
    return min(naming, key=lambda fact: (fact.valid_at, fact.detail.get("why") != error), default=None)


def _moment(fact: Fact | None) -> datetime | None:
    return None if fact is None else fact.valid_at


def _why(fact: Fact | None) -> EndingReason | None:
    return None if fact is None else EndingReason(str(fact.detail["why"]))


def state_of(case: CaseKey, facts: Iterable[Fact], at: datetime, known_at: datetime | None = None) -> CaseState:
    """Fold a case's facts, in the order in which they were recorded, into its state at `at`, as known at `known_at`."""
    kinds = _by_kind(counting(facts, known_at))
    application = moment_of(kinds[FactKind.APPLICATION], at)
    identifications = kinds[FactKind.IDENTIFICATION]
    identification = moment_of(identifications, at)
    restrictions = kinds[FactKind.RESTRICTION]
    document = moment_of(kinds[FactKind.CONSENT], at)
    consent = _no_consent(kinds) if document is None else _consent(document, kinds)
    return CaseState(
        case_id=case.case_id,
        school=case.school,
        student_key=case.student_key,
        account_id=case.account_id,
        link_id=case.link_id,
        relation=None if application is None else str(application.detail["relation"]),
        submitted_at=_moment(application),
        identified_at=min((fact.valid_at for fact in identifications), default=None),
        authority_until=None if identification is None else day_of(identification.detail, "authority_until"),
        consent_ref=consent.consent_ref or None,
        consent_text_version=consent.text_version or None,
        consent_signed_on=consent.signed_on,
        in_force_from=consent.in_force_from,
        in_force_to=consent.in_force_to,
        records_from=consent.records_from,
        records_to=consent.records_to,
        kinds=consent.kinds,
        registered_at=consent.registered_at,
        withdrawn_at=consent.withdrawn_at,
        ended_at=consent.ended_at,
        ended_why=consent.ended_why,
        restrictions=tuple(Span(day_of(f.detail, "from"), day_of(f.detail, "to")) for f in restrictions),
        account_ref=case.account_ref,
    )
