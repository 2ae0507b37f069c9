"""Applications in the real registry of a `RegistryWorld`: one function a step, each with the code of its refusal."""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import count

from oracle.application_oracle import Shown
from worlds.registry_world import CODE, IDENTITIES, PARENTS, RegistryWorld

from consent_registry.applications.claims import claim_of
from consent_registry.applications.closing import ClosingReason
from consent_registry.applications.desk import Document, identify, lapse, reject, withdraw_application
from consent_registry.applications.linking import link, register
from consent_registry.applications.receiving import PaperApplication, enter_on_paper, receive_from_portal
from consent_registry.applications.references import new_reference
from consent_registry.applications.store import find
from journal.records import PersonName, PortalApplication
from journal.vocabulary import Relation

CHILD = PersonName("Тихая", "Анна")
BORN = date(2014, 3, 9)
EMAIL = "tikhaya@example.org"


@dataclass
class RealDesk:
    """The steps of applications; `numbers` makes references and the portal's ids."""

    world: RegistryWorld
    numbers: "count[int]"

    def receive(self, account: str, relation: str, submitted_at: datetime, *, portal: bool) -> str:
        """Take an application in and return its reference."""
        world, number = self.world, next(self.numbers)

        def reference() -> str:
            return new_reference(lambda size: (number << 8).to_bytes(size, "big"))

        if not portal:
            claim = claim_of(PARENTS[account], CHILD, BORN, email=EMAIL, student_class="5А")
            paper = PaperApplication(account, Relation(relation), "2025-09", submitted_at, claim)
            entered = enter_on_paper(
                world.connection, CODE, paper, vault=world.vault, new_reference=reference, actor=world.actor("clerk")
            )
            return entered.case_ref
        arrived = PortalApplication(
            application_id=f"app-{number}",
            sequence=number,
            submitted_at=submitted_at,
            relation=Relation(relation),
            consent_text_version="2025-09",
            account_id=account,
            email=EMAIL,
            account_holder=PARENTS[account],
            student=CHILD,
            student_birth_date=BORN,
            student_class="5А",
        )
        (event,) = receive_from_portal(
            world.connection, CODE, [arrived], vault=world.vault, new_reference=reference, now=world.now, by="bridge"
        )
        return event.case_ref

    def identify(self, reference: str, shown: Shown, at: datetime, by: str) -> str | None:
        world = self.world
        account = find(world.connection, reference).key.account_id  # each parent shows a document of their own
        document = Document(
            "паспорт" if shown.document else "",
            f"4010 {account}" if shown.document else "",
            "решение опеки" if shown.authority else "",
            shown.authority_until if shown.authority else None,
        )
        return world.attempt(
            lambda: identify(world.connection, reference, document, at=at, vault=world.vault, actor=world.actor(by))
        )

    def link(self, reference: str, student: str, at: datetime, by: str) -> str | None:
        world = self.world
        return world.attempt(
            lambda: link(
                world.connection,
                reference,
                student,
                students=IDENTITIES,
                at=at,
                vault=world.vault,
                new_id=world.new_id,
                actor=world.actor(by),
            )
        )

    def register(self, reference: str, by: str, *, two_persons: bool) -> str | None:
        world = self.world
        return world.attempt(
            lambda: register(world.connection, reference, two_persons=two_persons, actor=world.actor(by))
        )

    def close(self, step: str, reference: str, at: datetime, by: str) -> str | None:
        """Reject an application, let it lapse, or withdraw it."""
        world, actor = self.world, self.world.actor(by)

        def act() -> object:
            if step == "rejected":
                why = ClosingReason.NOT_CONFIRMED
                return reject(world.connection, reference, why, at=at, actor=actor, vault=world.vault)
            ends = lapse if step == "lapsed" else withdraw_application
            return ends(world.connection, reference, at=at, actor=actor, vault=world.vault)

        return world.attempt(act)

    def stage(self, reference: str) -> str:
        return str(find(self.world.connection, reference).stage)
