"""What an application says of people, and how it is kept sealed: under its own key first, then under the student's.

Rules. Names, addresses, birth dates and documents stand only here and only sealed. Until a person has chosen the
student an application has a key of its own (its owner in the vault: `application:REFERENCE`); when it is linked, the
claim is sealed anew under that student's key and its own key is destroyed: erasing the student erases the claim too.
A document's number is kept nowhere: only a keyed digest, by which the same document is known again.
Deliberately not here: who may read a claim, and the log of who did.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, fields
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.applications.procedure import ApplicationState
from consent_registry.sealed.lookup import Entry, Purpose
from consent_registry.sealed.vault import StudentKey, Vault
from consent_registry.tables import APPLICATION
from journal.records import PersonName, PortalApplication
from journal.school import StudentIdentity
from journal.wording import BridgeError, Wording

_NOT_IN_A_NUMBER = re.compile(r"[\s№]+")
_GONE = Wording(
    ru="Данные заявления {reference} уничтожены и больше не читаются",
    en="The data of application {reference} were destroyed and can't be read any more",
)
_KIND = re.compile(r"[^\d\x00-\x1f]{1,40}")


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """Who applies for whom, as they say; documents once they were seen. Personal data: shows itself nowhere."""

    parent_last_name: str
    parent_first_name: str
    parent_middle_name: str
    email: str
    student_last_name: str
    student_first_name: str
    student_middle_name: str
    student_birth_date: str
    student_class: str = ""
    submitted_at: str = ""
    """As the portal gave it, ISO."""
    document_kind: str = ""
    authority_document: str = ""

    @property
    def birth_date(self) -> date | None:
        """The student's birth date as claimed."""
        return date.fromisoformat(self.student_birth_date) if self.student_birth_date else None

    def people(self, student: StudentIdentity) -> dict[str, str]:
        """Return what a case keeps of people: the parent as claimed, the student as the school knows them."""
        return {
            "student_last_name": student.last_name,
            "student_first_name": student.first_name,
            "student_middle_name": student.middle_name or "",
            "student_birth_date": student.birth_date.isoformat() if student.birth_date else "",
            "parent_last_name": self.parent_last_name,
            "parent_first_name": self.parent_first_name,
            "parent_middle_name": self.parent_middle_name,
            "email": self.email,
            "document_kind": self.document_kind,
            "authority_document": self.authority_document,
        }

    @property
    def known_by(self) -> list[Entry]:
        """What the application can be found by."""
        parent = (self.parent_last_name, self.parent_first_name)
        student = (self.student_last_name, self.student_first_name, self.student_birth_date)
        entries: list[Entry] = [
            (Purpose.EMAIL, self.email),
            (Purpose.PARENT_NAME, parent),
            (Purpose.STUDENT, student),
        ]
        with_patronymic: list[Entry] = [(Purpose.PARENT_NAME, (*parent, self.parent_middle_name))]
        return entries + with_patronymic if self.parent_middle_name else entries

    def plain(self) -> bytes:
        """Return the claim as it is sealed."""
        return json.dumps({f.name: getattr(self, f.name) for f in fields(self)}, ensure_ascii=False).encode()


def claim_of(parent: PersonName, student: PersonName, birth_date: date, *, email: str, student_class: str) -> Claim:
    """Return what a paper application claims."""
    return Claim(
        parent_last_name=parent.last_name,
        parent_first_name=parent.first_name,
        parent_middle_name=parent.middle_name or "",
        email=email,
        student_last_name=student.last_name,
        student_first_name=student.first_name,
        student_middle_name=student.middle_name or "",
        student_birth_date=birth_date.isoformat(),
        student_class=student_class,
    )


def portal_claim(application: PortalApplication) -> Claim:
    """Return what a portal's application claims."""
    holder, student = application.account_holder, application.student
    return Claim(
        parent_last_name=holder.last_name,
        parent_first_name=holder.first_name,
        parent_middle_name=holder.middle_name or "",
        email=application.email,
        student_last_name=student.last_name,
        student_first_name=student.first_name,
        student_middle_name=student.middle_name or "",
        student_birth_date=application.student_birth_date.isoformat(),
        student_class=application.student_class or "",
        submitted_at=application.submitted_at.isoformat(),
    )


def claim_key(connection: Connection, state: ApplicationState, vault: Vault) -> StudentKey:
    """Return the key that seals a claim. Raises BridgeError `claim-destroyed` when it was destroyed."""
    owner = key_owner(state.key.reference, state.student_key)
    found = vault.student_keys(connection, state.key.school, [owner]).get(owner)
    if found is None:
        raise BridgeError("claim-destroyed", _GONE, {"reference": state.key.reference})
    return found


def open_claim(connection: Connection, state: ApplicationState, vault: Vault) -> Claim:
    """Return what an application says of people, to be shown to an authorised person; the caller logs that it was.

    Raises BridgeError `claim-destroyed`, `sealed-unreadable`.
    """
    own_key = claim_key(connection, state, vault)
    sealed = connection.execute(
        sa.select(APPLICATION.c.sealed).where(APPLICATION.c.application_id == state.key.application_id)
    ).scalar_one()
    return Claim(**json.loads(own_key.open(sealed, state.key.reference)))


def store_claim(connection: Connection, state: ApplicationState, claim: Claim, own_key: StudentKey) -> None:
    """Keep a claim's newest form, sealed under a key."""
    connection.execute(
        APPLICATION.update()
        .where(APPLICATION.c.application_id == state.key.application_id)
        .values(sealed=own_key.seal(claim.plain(), state.key.reference))
    )


def key_owner(reference: str, student_key: str | None) -> str:
    """Name whose key seals a claim: the application's own until a student is chosen, then the student's."""
    return f"application:{reference}" if student_key is None else student_key


def document_digest(vault: Vault, number: str) -> bytes:
    """Return the keyed digest of a document's number: HMAC-SHA256, blanks and № left out, in capitals."""
    normal = _NOT_IN_A_NUMBER.sub("", number).upper()
    return hmac.new(vault.derive("document"), normal.encode(), hashlib.sha256).digest()


def is_document(kind: str, number: str) -> bool:
    """Tell whether a document is named: its kind in words without digits (a number must not slip in), and a number."""
    return _KIND.fullmatch(kind.strip()) is not None and bool(_NOT_IN_A_NUMBER.sub("", number))
