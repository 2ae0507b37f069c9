"""Applications and what they do to cases: the oracle of rules 15 and 16 together with the facts of `consent_acts`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from oracle.application_oracle import Done, Shown, objections, standing
from oracle.consent_acts import Key, Registry


@dataclass
class Application:
    """One application; `student` is the one whom a person chose last, `brought` the facts that its link left."""

    reference: str
    account: str
    relation: str
    submitted_at: datetime
    done: list[Done] = field(default_factory=list)
    authority_until: date | None = None
    student: str | None = None
    brought: frozenset[int] = frozenset()

    @property
    def stage(self) -> str:
        return standing(self.done)[-1].step

    @property
    def identified(self) -> Done:
        return next(one for one in reversed(self.done) if one.step == "identified")


@dataclass
class Desk:
    """All applications to one school."""

    registry: Registry
    two_persons: bool = True
    applications: list[Application] = field(default_factory=list)

    def receive(self, application: Application, by: str, now: datetime) -> None:
        application.done.append(Done("received", application.submitted_at, by))
        self.applications.append(application)
        self.registry.newest = now

    def objections(self, application: Application, step: Done, shown: Shown, now: datetime) -> set[str]:
        """Return what speaks against a step, of its own order, dates and evidence."""
        return objections(
            application.done,
            step,
            relation=application.relation,
            now=now,
            today=self.registry.day(now),
            two_persons=self.two_persons,
            shown=shown,
        )

    def applied_already(self, application: Application, student: str, now: datetime) -> bool:
        """Tell whether this account has a consent in force or to come for the student, or another application."""
        key = (student, application.account)
        return self.registry.has_consent(key, now) or any(
            other is not application and other.stage == "linked" and self.key(other) == key
            for other in self.applications
        )

    def take(self, application: Application, step: Done, now: datetime, shown: Shown = Shown()) -> None:  # noqa: B008 - frozen
        """Enter a step that nothing speaks against, with what it does to the case."""
        registry = self.registry
        was_registered = application.stage == "registered"
        application.done.append(step)
        registry.newest = now
        if step.step == "identified":
            application.authority_until = shown.authority_until
        elif step.step in {"rejected", "lapsed", "withdrawn"} and not was_registered:
            self._take_back(application, step.by, now)
        elif step.step == "withdrawn":
            registry.withdraw(self.key(application), step.at, now, step.by, reason=True)
        elif step.step == "registered":
            key = self.key(application)
            registry.register(key, registry.unregistered(key), now, now, step.by)

    def link(self, application: Application, student: str, step: Done, now: datetime) -> None:
        """Enter a link: the case learns who applied and how they were identified."""
        if application.student != student:
            self._take_back(application, step.by, now)
        self.take(application, step, now)
        if application.student == student and application.brought:
            return
        application.student = student
        key = self.key(application)
        identified = application.identified
        numbers = [
            registry_fact.number
            for registry_fact in (
                self.registry.record(
                    key, "application", application.submitted_at, now, step.by, why=application.relation
                ),
                self.registry.record(
                    key,
                    "identification",
                    identified.at,
                    now,
                    step.by,
                    identifier=identified.by,
                    authority_until=application.authority_until,
                ),
            )
        ]
        application.brought = frozenset(numbers)

    def _take_back(self, application: Application, by: str, now: datetime) -> None:
        if application.brought:
            self.registry.record(self.key(application), "taken-back", now, now, by, corrects=application.brought)
            application.brought = frozenset()

    def key(self, application: Application) -> Key:
        assert application.student is not None
        return (application.student, application.account)

    def of(self, stages: Sequence[str]) -> list[Application]:
        return [one for one in self.applications if one.stage in stages]
