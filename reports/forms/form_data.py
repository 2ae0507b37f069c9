"""What a form is given, as plain values.

Rules. None and "" mean unknown: the form has a line there. The reference is opaque: capital Latin letters, digits and
hyphens only, so no name and no date can slip into the code. All of it but the reference may be personal, so no `repr`
shows it. There is no field for an address of a person or a document of identity: nobody can print them by mistake.
Deliberately not here: where the values come from.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from consent_registry.texts.consent_text import ConsentText
from journal.vocabulary import RecordKind, Relation

_REFERENCE = re.compile(r"[0-9A-Z]+(-[0-9A-Z]+)*")
_REFERENCE_LENGTH = 16
"""As the registry's column; so the code always has the same 21 modules."""


class FormKind(StrEnum):
    """The papers that a parent signs."""

    APPLICATION = "application"
    CONSENT = "consent"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True, slots=True, repr=False)
class PersonLine:
    """A person as a form names them."""

    last: str = ""
    first: str = ""
    middle: str = ""
    birth_date: date | None = None

    @property
    def full_name(self) -> str:
        """Return last, first and middle name in one line; "" when none is known."""
        return " ".join(part for part in (self.last, self.first, self.middle) if part)

    def __repr__(self) -> str:
        return "PersonLine(…)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FormData:
    """Everything that the three forms print; each takes what it needs.

    `reference` None: a blank form, the secretary writes the code. `text` is needed for a consent: it is printed word by
    word, its places filled from here; `processor_*` where the text names none. `kinds` empty: the parent ticks them.
    A first day without a last one is open-ended; neither: both are written by hand. `consent_signed_on` is the day of
    the consent that is withdrawn. `printed_on` is also the date inside the PDF. Raises ValueError for a reference that
    isn't opaque.
    """

    reference: str | None
    printed_on: date
    school_name: str = ""
    school_address: str = ""
    student: PersonLine = PersonLine()
    class_name: str | None = None
    representative: PersonLine = PersonLine()
    relation: Relation | None = None
    email: str | None = None
    account: str | None = None
    authority_document: str | None = None
    text: ConsentText | None = None
    processor_name: str = ""
    processor_address: str = ""
    kinds: frozenset[RecordKind] = frozenset()
    in_force_from: date | None = None
    in_force_to: date | None = None
    records_from: date | None = None
    records_to: date | None = None
    consent_signed_on: date | None = None

    def __post_init__(self) -> None:
        if self.reference is None:
            return
        if len(self.reference) > _REFERENCE_LENGTH or not _REFERENCE.fullmatch(self.reference):
            raise ValueError("a form's reference is at most 16 capital Latin letters, digits and hyphens")

    def __repr__(self) -> str:
        return f"FormData(reference={self.reference!r}, …)"
