"""What a register's row adds to the facts that the registry holds. Pure but for the ids that it is given.

Rules. A row that says what is held adds nothing. A kind of fact that differs is told anew; one that the row no
longer has is taken back by a fact with an empty detail. A consent that differs is a new consent with a reference of
its own. A withdrawal that a person recorded outlives every register that does not know of it: neither the old file
nor an emptied cell revives a consent. Only a consent signed, and a link registered, after the withdrawal does.
A withdrawal that came with a register goes as it came.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from consent_registry.facts import Fact, FactKind
from consent_registry.register_file import RegisterRow

Detail = Mapping[str, object]
NewFact = tuple[FactKind, datetime | None, Detail]
"""Kind, when it holds from (None: from when it is recorded), and its detail."""

PEOPLE_COLUMNS = (
    "student_last_name", "student_first_name", "student_middle_name", "student_birth_date",
    "parent_last_name", "parent_first_name", "parent_middle_name", "email", "document_kind", "authority_document",
)  # fmt: skip
"""The columns that are kept sealed, under the student's own key."""

BY_PERSON, BY_REGISTER = "person", "register"


def people_of(row: RegisterRow) -> dict[str, str]:
    """Return what a row says of people and their documents. Personal data."""
    return {name: str(row.fields[name] or "") for name in PEOPLE_COLUMNS}


def new_facts(row: RegisterRow, told: Mapping[FactKind, Fact], new_id: Callable[[], str]) -> list[NewFact]:
    """Return the facts that a row adds to those that count now."""
    differing = {kind: (at, detail) for kind, at, detail in stated(row) if _differs(told.get(kind), at, detail)}
    withdrawal = told.get(FactKind.WITHDRAWAL)
    if withdrawal is not None and withdrawal.detail.get("origin") == BY_PERSON and FactKind.WITHDRAWAL in differing:
        at, _ = differing.pop(FactKind.WITHDRAWAL)
        if at is not None and at < withdrawal.valid_at:
            differing[FactKind.WITHDRAWAL] = (at, withdrawal.detail)  # it stays a person's word
        elif at is None and _given_anew(row, withdrawal.valid_at, told):
            differing[FactKind.WITHDRAWAL] = (None, {})
    added: list[NewFact] = []
    for kind, (at, detail) in differing.items():
        reference = {"consent_ref": new_id()} if kind is FactKind.CONSENT and detail else {}
        added.append((kind, at, {**detail, **reference}))
    return added


def _differs(known: Fact | None, at: datetime | None, detail: Detail) -> bool:
    if known is None:
        return bool(detail)
    if not detail or (at is not None and at != known.valid_at):
        return True
    names = {"consent_ref", "origin"}  # these are the registry's own, no register states them
    return any(known.detail.get(name) != value for name, value in detail.items() if name not in names)


def _given_anew(row: RegisterRow, withdrawn_at: datetime, told: Mapping[FactKind, Fact]) -> bool:
    """Tell whether a row brings a consent signed, and a link registered, after both the withdrawal and what is held."""
    registered, signed = row.moment("registered_at"), row.day("consent_signed_on")
    if registered is None or signed is None:
        return False
    consent, registration = told.get(FactKind.CONSENT), told.get(FactKind.REGISTRATION)
    held_signed = str(consent.detail["signed_on"] or "") if consent else ""
    return (
        registered > withdrawn_at
        and (registration is None or registered > registration.valid_at)
        and signed >= withdrawn_at.astimezone(registered.tzinfo).date()
        and signed.isoformat() > held_signed
    )


def stated(row: RegisterRow) -> list[NewFact]:
    """Return all that a row says, kind by kind; empty detail: nothing of this kind."""
    identified, registered = row.moment("identified_at"), row.moment("registered_at")
    withdrawn = row.moment("withdrawn_at")
    consent: dict[str, object] = {
        "text_version": row.text("consent_text_version"),
        "signed_on": _iso(row, "consent_signed_on"),
        "in_force_from": _iso(row, "in_force_from"),
        "in_force_to": _iso(row, "in_force_to"),
        "records_from": _iso(row, "records_from"),
        "records_to": _iso(row, "records_to"),
        "kinds": " ".join(sorted(set(row.text("kinds").split()))),
    }
    restriction = {"from": _iso(row, "restricted_from"), "to": _iso(row, "restricted_to")}
    consented = row.day("consent_signed_on") or row.text("consent_text_version")
    return [
        (FactKind.APPLICATION, row.moment("submitted_at"), {"relation": row.text("relation")}),
        (FactKind.IDENTIFICATION, identified, {"by": row.text("identified_by")} if identified else {}),
        (FactKind.CONSENT, None, consent if consented else {}),
        (FactKind.REGISTRATION, registered, {"by": row.text("registered_by")} if registered else {}),
        (FactKind.WITHDRAWAL, withdrawn, {"origin": BY_REGISTER} if withdrawn else {}),
        (FactKind.RESTRICTION, None, restriction if any(restriction.values()) else {}),
    ]


def _iso(row: RegisterRow, column: str) -> str | None:
    day = row.day(column)
    return None if day is None else day.isoformat()
