"""What a register's row adds to the facts that the registry holds of a case. Pure but for the ids that it is given.

Rules (docs/consent-rules.md, "Import a register"). A row is all that the register says of a case; a row that says what
is held adds nothing. A consent signed later than the held one follows it; any other difference corrects it. What the
row no longer has is taken back. A withdrawal, an ending or a restriction that a person recorded outlives every
register that does not know of it: a consent that the register changes is withdrawn or ended with it, unless it was
given anew. A withdrawal that came with a register goes as it came.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, tzinfo

from consent_registry.fact_store import NewFact
from consent_registry.facts import Fact, FactKind, counting, day_of, moment_of, names, of_kind
from consent_registry.register.file import RegisterRow

Detail = Mapping[str, object]

PEOPLE_COLUMNS = (
    "student_last_name", "student_first_name", "student_middle_name", "student_birth_date",
    "parent_last_name", "parent_first_name", "parent_middle_name", "email", "document_kind", "authority_document",
)  # fmt: skip
"""The columns that are kept sealed, under the student's own key."""

BY_PERSON, BY_REGISTER = "person", "register"


def people_of(row: RegisterRow) -> dict[str, str]:
    """Return what a row says of people and their documents. Personal data."""
    return {name: str(row.fields[name] or "") for name in PEOPLE_COLUMNS}


@dataclass(frozen=True, slots=True)
class Entering:
    """The circumstances of an import: when, in which zone days are, how staff are named, where ids come from.

    `staff`: a name → its `staff_ref`.
    """

    now: datetime
    timezone: tzinfo
    staff: Mapping[str, str]
    new_id: Callable[[], str]


def new_facts(row: RegisterRow, facts: Sequence[Fact], entering: Entering) -> list[NewFact]:
    """Return the facts that a row adds to those that were recorded of its case."""
    return list(_new_facts(row, counting(facts), entering))


def _new_facts(row: RegisterRow, counted: Sequence[Fact], entering: Entering) -> Iterator[NewFact]:
    yield from _application(row, counted, entering)
    yield from _identification(row, counted, entering)
    held = moment_of(of_kind(counted, FactKind.CONSENT), entering.now)
    said = _said_already(row, counted)
    consent = [] if said is not None else _consent(row, held, counted, entering)
    yield from consent
    reference = _reference(consent[0] if consent else said)
    yield from _registration(row, _naming(counted, FactKind.REGISTRATION, reference), reference, entering)
    carried = list(_carried_over(row, held, counted, reference, entering)) if consent and reference else []
    ended_at = {fact.valid_at for fact in _naming(counted, FactKind.ENDING, reference)}
    ended_at |= {fact.valid_at for fact in carried}
    if row.moment("withdrawn_at") not in ended_at:  # what a person recorded stays theirs, and an ending is exported so
        yield from _withdrawal(row, counted, carried, reference, entering)
    yield from carried
    yield from _restriction(row, counted, entering)


def _reference(consent: Fact | NewFact | None) -> str:
    return str(consent.detail.get("consent_ref") or "") if consent is not None else ""


def _ids(facts: Sequence[Fact]) -> tuple[int, ...]:
    return tuple(fact.fact_id for fact in facts)


def _naming(counted: Sequence[Fact], kind: FactKind, reference: str) -> list[Fact]:
    """Return the facts of a kind that name a consent (empty: that name none)."""
    of_this = of_kind(counted, kind)
    return [fact for fact in of_this if (reference in names(fact) if reference else not names(fact))]


def _says(fact: Fact, detail: Detail, clear: Mapping[str, str]) -> bool:
    """Tell whether a fact says all of `detail`; `clear`: what stood in place of a value in older facts."""
    return all(
        fact.detail.get(name) == value or (name in clear and fact.detail.get(name) == clear[name])
        for name, value in detail.items()
    )


def _application(row: RegisterRow, counted: Sequence[Fact], entering: Entering) -> Iterator[NewFact]:
    held = moment_of(of_kind(counted, FactKind.APPLICATION), entering.now)
    at, detail = row.moment("submitted_at") or entering.now, {"relation": row.text("relation")}
    if held is None or held.valid_at != at or not _says(held, detail, {}):
        corrects = () if held is None else (held.fact_id,)
        yield NewFact(FactKind.APPLICATION, at, {**detail, "origin": BY_REGISTER}, corrects)


def _identification(row: RegisterRow, counted: Sequence[Fact], entering: Entering) -> Iterator[NewFact]:
    held = of_kind(counted, FactKind.IDENTIFICATION)
    at = row.moment("identified_at")
    if at is None:
        if held:
            yield NewFact(FactKind.IDENTIFICATION, entering.now, {}, _ids(held))
        return
    by = row.text("identified_by")
    earliest = min(held, key=lambda fact: fact.valid_at, default=None)
    detail = {"by": entering.staff.get(by, "")}
    if earliest is None or earliest.valid_at != at or not _says(earliest, detail, {"by": by}):
        yield NewFact(FactKind.IDENTIFICATION, at, detail, _ids(held))


def _said_already(row: RegisterRow, counted: Sequence[Fact]) -> Fact | None:
    """Return the consent that the row says where it is on record: as a register said it last, or a person since then.

    A consent that a person entered is unknown to a register, so the same register again does not undo it.
    """
    consents, detail = of_kind(counted, FactKind.CONSENT), _consent_detail(row)
    if detail is None:
        return None
    by_register = [place for place, fact in enumerate(consents) if fact.detail.get("origin") != BY_PERSON]
    since = consents[by_register[-1] if by_register else 0 :]
    return next((fact for fact in reversed(since) if _says(fact, detail, {})), None)


def _consent(row: RegisterRow, held: Fact | None, counted: Sequence[Fact], entering: Entering) -> list[NewFact]:
    consents = of_kind(counted, FactKind.CONSENT)
    detail = _consent_detail(row)
    if detail is None:
        return [NewFact(FactKind.CONSENT, entering.now, {}, _ids(consents))] if consents else []
    signed, signed_before = row.day("consent_signed_on"), day_of(held.detail, "signed_on") if held else None
    at = entering.now
    if signed is not None:
        at = min(at, datetime.combine(signed, time.min, entering.timezone))
    follows = held is None or (signed is not None and (signed_before is None or signed > signed_before))
    corrected = [fact for fact in consents if fact.valid_at > at or (fact is held and not follows)]
    detail = {**detail, "origin": BY_REGISTER, "consent_ref": entering.new_id()}
    if held is not None and held in corrected:  # what the register said of its withdrawal went with it
        told = _naming(counted, FactKind.WITHDRAWAL, _reference(held))
        corrected += [fact for fact in told if fact.detail.get("origin") != BY_PERSON]
    return [NewFact(FactKind.CONSENT, at, detail, _ids(corrected))]


def _consent_detail(row: RegisterRow) -> dict[str, object] | None:
    if not row.day("consent_signed_on") and not row.text("consent_text_version"):
        return None
    days = ("in_force_from", "in_force_to", "records_from", "records_to")
    return {
        "text_version": row.text("consent_text_version"),
        "signed_on": _iso(row, "consent_signed_on"),
        **{name: _iso(row, name) for name in days},
        "kinds": " ".join(sorted(set(row.text("kinds").split()))),
    }


def _registration(row: RegisterRow, held: Sequence[Fact], reference: str, entering: Entering) -> Iterator[NewFact]:
    at = row.moment("registered_at")
    if at is None:
        if held:
            yield NewFact(FactKind.REGISTRATION, entering.now, {}, _ids(held))
            yield from _of_the_others(held, reference)
        return
    by = row.text("registered_by")
    detail = {"by": entering.staff.get(by, "")}
    earliest = min(held, key=lambda fact: fact.valid_at, default=None)
    if earliest is None or earliest.valid_at != at or not _says(earliest, detail, {"by": by}):
        yield NewFact(FactKind.REGISTRATION, at, {**detail, "consents": _listed(reference)}, _ids(held))
        yield from _of_the_others(held, reference)


def _of_the_others(corrected: Sequence[Fact], reference: str) -> Iterator[NewFact]:
    """Say again of the other consents what a corrected fact said of several: a row speaks of its own consent alone."""
    for fact in corrected:
        if others := sorted(names(fact) - {reference}):
            yield NewFact(fact.kind, fact.valid_at, {**fact.detail, "consents": others})


def _listed(reference: str) -> list[str]:
    return [reference] if reference else []


def _withdrawal(
    row: RegisterRow, counted: Sequence[Fact], carried: Sequence[NewFact], reference: str, entering: Entering
) -> Iterator[NewFact]:
    """Give the row's withdrawal; `carried`: what a person undid, as it is about to hold for the row's consent too."""
    held = _naming(counted, FactKind.WITHDRAWAL, reference)
    from_register = [fact for fact in held if fact.detail.get("origin") != BY_PERSON]
    at = row.moment("withdrawn_at")
    if at is None:
        if from_register:
            yield NewFact(FactKind.WITHDRAWAL, entering.now, {}, _ids(from_register))
        return
    by_person = [fact.valid_at for fact in held if fact.detail.get("origin") == BY_PERSON]
    by_person += [fact.valid_at for fact in carried if fact.kind is FactKind.WITHDRAWAL]
    if any(fact.valid_at == at for fact in from_register) or any(moment <= at for moment in by_person):
        return
    detail = {
        "origin": BY_PERSON if by_person else BY_REGISTER,
        "consents": _listed(reference),
    }  # stays a person's word
    yield NewFact(FactKind.WITHDRAWAL, at, detail, _ids(from_register))


def _by_person(counted: Sequence[Fact]) -> list[Fact]:
    """Return the withdrawals and endings that a person recorded."""
    withdrawals = of_kind(counted, FactKind.WITHDRAWAL)
    by_person = [fact for fact in withdrawals if fact.detail.get("origin") == BY_PERSON]
    return [*by_person, *of_kind(counted, FactKind.ENDING)]


def _given_anew(row: RegisterRow, held: Fact | None, counted: Sequence[Fact], undone: Fact, timezone: tzinfo) -> bool:
    """Tell whether a row's consent was signed, and its link registered, after one undoing and after what is held."""
    registered, signed = row.moment("registered_at"), row.day("consent_signed_on")
    if registered is None or signed is None:
        return False
    registered_before = [fact.valid_at for fact in _naming(counted, FactKind.REGISTRATION, _reference(held))]
    signed_before = None if held is None else day_of(held.detail, "signed_on")
    return (
        registered > max([undone.valid_at, *registered_before])
        and signed >= undone.valid_at.astimezone(timezone).date()
        and (signed_before is None or signed > signed_before)
    )


def _carried_over(
    row: RegisterRow, held: Fact | None, counted: Sequence[Fact], reference: str, entering: Entering
) -> Iterator[NewFact]:
    """Give what a person undid for the consent that takes the place of an undone one and was not given anew since."""
    for fact in _by_person(counted):
        if not _given_anew(row, held, counted, fact, entering.timezone):
            yield NewFact(fact.kind, fact.valid_at, {**fact.detail, "consents": [reference]})


def _restriction(row: RegisterRow, counted: Sequence[Fact], entering: Entering) -> Iterator[NewFact]:
    held = of_kind(counted, FactKind.RESTRICTION)
    from_register = [fact for fact in held if fact.detail.get("origin") != BY_PERSON]
    detail = {"from": _iso(row, "restricted_from"), "to": _iso(row, "restricted_to")}
    if not any(detail.values()):
        if from_register:
            yield NewFact(FactKind.RESTRICTION, entering.now, {}, _ids(from_register))
        return
    if not any(_says(fact, detail, {}) for fact in held):
        yield NewFact(FactKind.RESTRICTION, entering.now, {**detail, "origin": BY_REGISTER}, _ids(from_register))


def _iso(row: RegisterRow, column: str) -> str | None:
    day = row.day(column)
    return None if day is None else day.isoformat()
