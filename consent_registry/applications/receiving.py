"""How applications come: from the portal, page by page, and on paper.

Rules. An application from the portal is known by school and the portal's id: taken again, it adds nothing, whatever
else it says. What is wrong in it, a person finds and rejects; what a person enters from paper is checked here, and
nothing wrong is stored. Each application gets a reference and a key of its own. Who applied at the portal is told.
Deliberately not here: the portal (`delivery.applications`), later steps (`desk`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.engine import Connection

from consent_registry.acts import Actor
from consent_registry.applications.claims import Claim, key_owner, portal_claim
from consent_registry.applications.procedure import ApplicationKey, Origin, Step, StepTaken, told_as
from consent_registry.applications.store import portal_ids, record_step
from consent_registry.decision import comes_of_age_on
from consent_registry.fact_store import CaseEvent, advance_clock
from consent_registry.sealed import lookup
from consent_registry.sealed.vault import Vault
from consent_registry.tables import APPLICATION
from journal.records import PortalApplication
from journal.vocabulary import Relation
from journal.wording import BridgeError, Wording

_ACCOUNT = re.compile(r"[0-9A-Za-z._:-]{1,64}")
_VERSION = re.compile(r"\S{1,64}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_LONGEST_NAME = 100
_FIRST_BIRTH_YEAR = 1900

_BAD_FIELD = Wording(
    ru="Бумажное заявление не внесено: поле {field} пустое или неверное. Исправьте его и повторите",
    en="The paper application was not entered: the field {field} is empty or wrong. Mend it and try again",
)
_BAD_BIRTH_DATE = Wording(
    ru="Заявление не внесено: дата рождения ученика в будущем, слишком давняя или ученику уже 18 лет. "
    "Сверьте с документом",
    en="The application was not entered: the student's birth date is to come, too long ago, or the student is of age. "
    "Compare it with the document",
)


@dataclass(frozen=True, slots=True, repr=False)
class PaperApplication:
    """An application that came on paper. Personal data."""

    account_id: str
    relation: Relation
    text_version: str
    submitted_at: datetime
    claim: Claim


def receive_from_portal(
    connection: Connection,
    school: str,
    received: Sequence[PortalApplication],
    *,
    vault: Vault,
    new_reference: Callable[[], str],
    now: datetime,
    by: str,
) -> list[CaseEvent]:
    """Store a school's applications that are new, in the portal's order; returns an event for each of these.

    One that the portal's clock dates ahead of ours counts as submitted now. Raises BridgeError `clock-back`.
    """
    moment = advance_clock(connection, school, now)
    known = portal_ids(connection, school, [one.application_id for one in received])
    events = []
    for one in sorted(received, key=lambda application: application.sequence):
        if one.application_id in known:
            continue
        known.add(one.application_id)
        taken = StepTaken(Step.RECEIVED, min(one.submitted_at, moment), by, told_as(Step.RECEIVED))
        paper = PaperApplication(
            one.account_id, one.relation, one.consent_text_version, one.submitted_at, portal_claim(one)
        )
        identity = (new_reference(), one.application_id, one.sequence)
        events.append(_receive(connection, school, identity, paper, taken, vault=vault, moment=moment))
    return events


def enter_on_paper(
    connection: Connection,
    school: str,
    paper: PaperApplication,
    *,
    vault: Vault,
    new_reference: Callable[[], str],
    actor: Actor,
) -> CaseEvent:
    """Store an application that came on paper; the event's `case_ref` is its reference.

    Raises BridgeError `paper-field`, `paper-birth-date`, `clock-back`; ValueError for a naive moment.
    """
    moment = advance_clock(connection, school, actor.now)
    wrong = "submitted_at" if paper.submitted_at > moment else _wrong_field(paper)
    if wrong:
        raise BridgeError("paper-field", _BAD_FIELD, {"field": wrong})
    if not _is_minor(paper.claim, moment.astimezone(actor.timezone).date()):
        raise BridgeError("paper-birth-date", _BAD_BIRTH_DATE)
    taken = StepTaken(Step.RECEIVED, paper.submitted_at, actor.by, None)
    return _receive(connection, school, (new_reference(), None, None), paper, taken, vault=vault, moment=moment)


def _wrong_field(paper: PaperApplication) -> str:
    """Return the name of a field that can't be, or nothing; never its value."""
    claim = paper.claim
    names = ("parent_last_name", "parent_first_name", "student_last_name", "student_first_name")
    middle = ("parent_middle_name", "student_middle_name")
    checks = {
        "account_id": _ACCOUNT.fullmatch(paper.account_id),
        "text_version": _VERSION.fullmatch(paper.text_version),
        "email": not claim.email or _EMAIL.fullmatch(claim.email),
        **{name: 0 < len(getattr(claim, name).strip()) <= _LONGEST_NAME for name in names},
        **{name: len(getattr(claim, name)) <= _LONGEST_NAME for name in middle},
    }
    return next((name for name, good in checks.items() if not good), "")


def _is_minor(claim: Claim, today: date) -> bool:
    born = claim.birth_date
    return born is not None and born.year >= _FIRST_BIRTH_YEAR and born <= today < comes_of_age_on(born)


def _receive(
    connection: Connection,
    school: str,
    identity: tuple[str, str | None, int | None],
    paper: PaperApplication,
    taken: StepTaken,
    *,
    vault: Vault,
    moment: datetime,
) -> CaseEvent:
    reference, portal_id, sequence = identity
    owner = key_owner(reference, None)
    own_key = vault.make_student_keys(connection, school, [owner])[owner]
    origin = Origin.PAPER if portal_id is None else Origin.PORTAL
    stored = connection.execute(
        APPLICATION.insert()
        .values(
            school=school,
            reference=reference,
            origin=str(origin),
            portal_id=portal_id,
            sequence=sequence,
            account_id=paper.account_id,
            sealed=own_key.seal(paper.claim.plain(), reference),
            created_at=moment,
        )
        .returning(APPLICATION.c.application_id)
    ).scalar_one()
    key = ApplicationKey(stored, reference, school, origin, portal_id, paper.account_id)
    lookup.enter(connection, vault, school, paper.claim.known_by, application_id=stored)
    detail = {"relation": str(paper.relation), "text_version": paper.text_version, "origin": str(origin)}
    return record_step(connection, key, taken, detail, recorded_at=moment, told_at=moment)
