"""Dated facts about a case, and the state that they add up to at a moment. Pure.

Rules. Each kind of fact says all of its own matter anew; of several of one kind the one recorded last counts, so
a correction is simply a newer fact. A fact with an empty detail takes its kind back (entered in error). What was
recorded after `known_at` is not known then: "what did we know on that day" is the same fold with an earlier
`known_at`. Deliberately not here: whether the state permits anything (`consent_registry.decision`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from journal.vocabulary import ALL_KINDS, RecordKind


class FactKind(StrEnum):
    """What a fact is about, in the order of the procedure."""

    APPLICATION = "application"
    IDENTIFICATION = "identification"
    CONSENT = "consent"
    REGISTRATION = "registration"
    WITHDRAWAL = "withdrawal"
    RESTRICTION = "restriction"
    PEOPLE = "people"
    """Names or documents were corrected: which columns, never what they hold."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One dated fact. `detail` holds JSON values, moments and dates as ISO text; nothing that names a parent."""

    kind: FactKind
    valid_at: datetime
    recorded_at: datetime
    recorded_by: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CaseState:
    """One account's case for one student, as its facts say. Dates are the school's days; moments are aware.

    `kinds` is what the consent covers (never empty). A link that lost its way through the stages has None there.
    """

    case_id: int
    school: str
    student_key: str
    account_id: str
    link_id: str
    relation: str | None = None
    submitted_at: datetime | None = None
    identified_at: datetime | None = None
    registered_at: datetime | None = None
    consent_ref: str | None = None
    consent_text_version: str | None = None
    consent_signed_on: date | None = None
    in_force_from: date | None = None
    in_force_to: date | None = None
    records_from: date | None = None
    records_to: date | None = None
    kinds: frozenset[RecordKind] = ALL_KINDS
    withdrawn_at: datetime | None = None
    restricted_from: date | None = None
    restricted_to: date | None = None


@dataclass(frozen=True, slots=True)
class CaseKey:
    """What a case is known by."""

    case_id: int
    school: str
    student_key: str
    account_id: str
    link_id: str


def newest(facts: Iterable[Fact], known_at: datetime | None = None) -> dict[FactKind, Fact]:
    """Return the fact of each kind that counts; `facts` in the order in which they were recorded."""
    counting: dict[FactKind, Fact] = {}
    for fact in facts:
        if known_at is None or fact.recorded_at <= known_at:
            counting[fact.kind] = fact
    return {kind: fact for kind, fact in counting.items() if fact.detail}


def _day(detail: Mapping[str, object], name: str) -> date | None:
    text = detail.get(name)
    return None if text is None else date.fromisoformat(str(text))


def state_of(case: CaseKey, facts: Iterable[Fact], known_at: datetime | None = None) -> CaseState:
    """Fold a case's facts, in the order in which they were recorded, into its state."""
    told = newest(facts, known_at)
    application = told.get(FactKind.APPLICATION)
    identification = told.get(FactKind.IDENTIFICATION)
    registration = told.get(FactKind.REGISTRATION)
    withdrawal = told.get(FactKind.WITHDRAWAL)
    consent = told[FactKind.CONSENT].detail if FactKind.CONSENT in told else {}
    restriction = told[FactKind.RESTRICTION].detail if FactKind.RESTRICTION in told else {}
    kinds = str(consent.get("kinds") or "").split()
    return CaseState(
        case_id=case.case_id,
        school=case.school,
        student_key=case.student_key,
        account_id=case.account_id,
        link_id=case.link_id,
        relation=str(application.detail["relation"]) if application else None,
        submitted_at=application.valid_at if application else None,
        identified_at=identification.valid_at if identification else None,
        registered_at=registration.valid_at if registration else None,
        consent_ref=str(consent["consent_ref"]) if consent else None,
        consent_text_version=str(consent["text_version"]) if consent else None,
        consent_signed_on=_day(consent, "signed_on"),
        in_force_from=_day(consent, "in_force_from"),
        in_force_to=_day(consent, "in_force_to"),
        records_from=_day(consent, "records_from"),
        records_to=_day(consent, "records_to"),
        kinds=frozenset(RecordKind(kind) for kind in kinds) or ALL_KINDS,
        withdrawn_at=withdrawal.valid_at if withdrawal else None,
        restricted_from=_day(restriction, "from"),
        restricted_to=_day(restriction, "to"),
    )
