"""What people may do with a school's consent registry and what facts their acts leave: the second half of the oracle.

Written from docs/consent-rules.md alone, as `consent_oracle` is. An act returns the word of its refusal (and leaves
nothing behind), or None. Only what the rules leave no doubt about is said here; where they are silent the machine that
drives both sides asks nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import count

from oracle.consent_oracle import (
    Fact,
    Group,
    Paper,
    Standing,
    Student,
    consent_of_the_moment,
    counting,
    earliest,
    ground,
    in_pilot,
    permission,
    standing,
)

CLOCK_SLACK = timedelta(minutes=1)
Key = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """A register's row: all that the register says of a case. `paper` None: its consent cells are empty."""

    student: str
    account: str
    relation: str
    submitted_at: datetime
    identified_at: datetime | None = None
    paper: Paper | None = None
    registered_at: datetime | None = None
    withdrawn_at: datetime | None = None
    restricted_from: date | None = None
    restricted_to: date | None = None


@dataclass
class Case:
    """A link's facts, and what it says of itself besides."""

    facts: list[Fact] = field(default_factory=list)


@dataclass
class Registry:
    """One school's registry and, beside it, what the school's database says of its students today."""

    zone: tzinfo
    students: dict[str, Student] = field(default_factory=dict)
    cases: dict[Key, Case] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    newest: datetime | None = None
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    # --- answers -----------------------------------------------------------------------------------------------------

    def ground(self, key: Key, at: datetime, known_at: datetime) -> str | None:
        return ground(self.cases[key].facts, self.students.get(key[0]), at, known_at, self.zone)

    def standings(self, student: str, at: datetime) -> list[Standing]:
        known = self.students.get(student)
        return [standing(case.facts, known, at, self.zone) for key, case in self.cases.items() if key[0] == student]

    def takes_part(self, student: str, at: datetime) -> bool:
        return in_pilot(self.students.get(student), self.groups, self.day(at))

    def permission(self, student: str, kind: str | None, on: date | None, at: datetime) -> str | None:
        return permission(self.standings(student, at), kind, on, pilot=self.takes_part(student, at))

    def exists(self, key: Key, known_at: datetime) -> bool:
        """Tell whether anything of the case had been recorded by then."""
        return key in self.cases and any(fact.recorded_at <= known_at for fact in self.cases[key].facts)

    def clock(self, now: datetime) -> datetime | None:
        """Rule 3: the moment that `now` counts as; None: the clock is too far behind."""
        if self.newest is None or now >= self.newest:
            return now
        return self.newest if self.newest - now <= CLOCK_SLACK else None

    # --- recording ---------------------------------------------------------------------------------------------------

    def record(self, key: Key, kind: str, valid_at: datetime, now: datetime, by: str, **said: object) -> Fact:
        fact = Fact(next(self.numbers), kind, valid_at, now, by, **said)  # type: ignore[arg-type]  # a fact's own fields
        self.cases.setdefault(key, Case()).facts.append(fact)
        self.newest = now
        return fact

    def counted(self, key: Key) -> list[Fact]:
        case = self.cases.get(key)
        return counting(case.facts, case.facts[-1].recorded_at) if case and case.facts else []

    def day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def start(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)

    # --- what people do (rules 10 to 13) -----------------------------------------------------------------------------

    def withdraw(self, key: Key, at: datetime, now: datetime, by: str, *, reason: bool) -> str | None:
        """Rule 10. What is withdrawn already by then is left alone."""
        if at > now:
            return "ahead"
        if at < now and not reason:
            return "reason-missing"
        names = self._not_yet("withdrawal", key, at)
        if names is not None:
            self.record(key, "withdrawal", at, now, by, names=names)
        return None

    def end(self, key: Key, why: str, at: datetime, now: datetime, by: str) -> str | None:
        """Rule 12; what ended already by then is left alone, as in rule 10."""
        if at > now:
            return "ahead"
        names = self._not_yet("ending", key, at)
        if names is not None:
            self.record(key, "ending", at, now, by, names=names, why=why)
        return None

    def _not_yet(self, kind: str, key: Key, at: datetime) -> frozenset[str] | None:
        """Return the consents that no fact of this kind names by `at`; None: nothing is left to withdraw or end."""
        counted = self.counted(key)
        consents = [fact.paper.reference for fact in counted if fact.kind == "consent" and fact.paper]
        left = set()
        for reference in consents or [None]:
            known = earliest(kind, counted, reference)
            if known is None or known.valid_at > at:
                left.add(reference)
        return frozenset(left - {None}) if left else None

    def restrict(self, key: Key, first: date | None, last: date | None, now: datetime, by: str) -> str | None:
        """Rule 11; valid from when it is recorded."""
        if first is None and last is None:
            return "both-open"
        if first is not None and last is not None and last < first:
            return "backwards"
        self.record(key, "restriction", now, now, by, first=first, last=last)
        return None

    def lift(self, key: Key, day: date, now: datetime, by: str) -> str | None:
        """Rule 11: from `day` on no restriction holds; what held before that day stays as it was."""
        for fact in self.counted(key):
            if fact.kind != "restriction" or (fact.last is not None and fact.last < day):
                continue
            corrects = frozenset({fact.number})
            if fact.first is not None and fact.first >= day:
                self.record(key, "taken-back", now, now, by, corrects=corrects)
            else:
                until = day - timedelta(days=1)
                self.record(key, "restriction", fact.valid_at, now, by, corrects=corrects, first=fact.first, last=until)
        return None

    def objections_to_consent(self, key: Key, paper: Paper, now: datetime) -> set[str]:
        """Return what speaks against a consent that a person enters: it is complete, of today or older, and rule 13."""
        reasons = set()
        assert paper.signed_on is not None
        for first, last in ((paper.in_force_from, paper.in_force_to), (paper.records_from, paper.records_to)):
            if first is not None and last is not None and last < first:
                reasons.add("consent-days")
        if paper.in_force_from is not None and paper.in_force_from < paper.signed_on:
            reasons.add("consent-days")
        if paper.signed_on > self.day(now):
            reasons.add("consent-ahead")
        counted = self.counted(key)
        for fact in counted:
            happened = fact.kind in {"withdrawal", "ending"} and fact.valid_at <= now
            if happened and paper.signed_on < self.day(fact.valid_at):
                reasons.add("consent-older")
        return reasons

    def consent(self, key: Key, paper: Paper, now: datetime, by: str) -> None:
        """Rule 13: it takes the place of earlier ones from the day on which it comes into force."""
        assert paper.in_force_from is not None
        self.record(key, "consent", self.start(paper.in_force_from), now, by, paper=paper)

    def unregistered(self, key: Key) -> frozenset[str]:
        counted = self.counted(key)
        references = {fact.paper.reference for fact in counted if fact.kind == "consent" and fact.paper}
        return frozenset(one for one in references if earliest("registration", counted, one) is None)

    def has_consent(self, key: Key, now: datetime) -> bool:
        """Tell whether the consent of the moment is registered, neither withdrawn nor ended, and not expired."""
        counted = self.counted(key)
        paper = consent_of_the_moment(counted, now)
        return (
            paper is not None
            and earliest("registration", counted, paper.reference) is not None
            and earliest("withdrawal", counted, paper.reference) is None
            and earliest("ending", counted, paper.reference) is None
            and (paper.in_force_to is None or self.day(now) <= paper.in_force_to)
        )

    def objections_to_registering(self, key: Key, now: datetime, by: str, *, two_persons: bool) -> set[str]:
        """Return what speaks against registering the consents of a case that are not registered."""
        reasons = set()
        counted = self.counted(key)
        identified = [fact for fact in counted if fact.kind == "identification" and fact.valid_at <= now]
        if not self.unregistered(key):
            reasons.add("no-consent")
        if not identified:
            reasons.add("not-identified")
        if two_persons and any(fact.identifier == by for fact in identified):
            reasons.add("two-persons")
        return reasons

    def register(self, key: Key, references: frozenset[str], at: datetime, now: datetime, by: str) -> None:
        self.record(key, "registration", at, now, by, names=references)

    def move(self, group: Group, now: datetime) -> None:
        """Rule 7: the newest of a class counts."""
        self.groups.append(group)
        self.newest = now

    # --- a register (rule 14) ----------------------------------------------------------------------------------------

    def import_row(self, row: Row, reference: str, now: datetime, by: str) -> str:
        """Take a row in; return "new", "changed" or "unchanged". `reference` is for a consent that is new by it."""
        key = (row.student, row.account)
        new = key not in self.cases
        before = len(self.cases[key].facts) if not new else 0
        taking = _Taking(self, key, row, now, by)
        taking.application()
        taking.identification()
        held = taking.consent(reference)
        taking.stage("registration", row.registered_at, held)
        taking.stage("withdrawal", row.withdrawn_at, held)
        taking.restriction()
        if new:
            return "new"
        return "changed" if len(self.cases[key].facts) > before else "unchanged"


@dataclass
class _Taking:
    """One row being taken in."""

    registry: Registry
    key: Key
    row: Row
    now: datetime
    by: str

    def counted(self, kind: str) -> list[Fact]:
        return [fact for fact in self.registry.counted(self.key) if fact.kind == kind]

    def record(self, kind: str, valid_at: datetime, replaced: Sequence[Fact] = (), **said: object) -> None:
        corrects = frozenset(fact.number for fact in replaced)
        said = {"of_register": True, **said}
        self.registry.record(self.key, kind, valid_at, self.now, self.by, corrects=corrects, **said)

    def take_back(self, replaced: Sequence[Fact]) -> None:
        if replaced:
            self.record("taken-back", self.now, replaced)

    def application(self) -> None:
        held = self.counted("application")
        said = self.row.relation
        if not any(fact.why == said and fact.valid_at == self.row.submitted_at for fact in held):
            past = [fact for fact in held if fact.valid_at <= self.now] or held
            newest = sorted(past, key=lambda fact: (fact.valid_at, fact.number))[-1:]
            self.record("application", self.row.submitted_at, newest, why=said)

    def identification(self) -> None:
        held = self.counted("identification")
        at = self.row.identified_at
        if at is None:
            self.take_back(held)
        elif not held or min(fact.valid_at for fact in held) != at:
            self.record("identification", at, held, identifier="the register")

    def consent(self, reference: str) -> str | None:
        """Let the row's consent follow the held one, correct it or be it; return the reference of the row's consent."""
        consents = self.counted("consent")
        paper = consent_of_the_moment(consents, self.now)
        held = next((fact for fact in reversed(consents) if fact.paper == paper), None)
        said = self.row.paper
        if said is None or not (said.signed_on or said.text_version):
            self.take_back(consents)
            return None
        told = [fact.number for fact in consents if fact.of_register]
        since = [fact for fact in consents if not told or fact.number >= told[-1]]
        for fact in reversed(since):  # held, also where another consent has taken its place
            if fact.paper == replace(said, reference=fact.paper.reference):
                return fact.paper.reference
        said = replace(said, reference=paper.reference if paper else reference)
        valid_at = self.now
        if said.signed_on is not None:
            valid_at = min(valid_at, self.registry.start(said.signed_on))
        follows = paper is None or _later(said.signed_on, paper.signed_on)
        if follows:
            said = replace(said, reference=reference)
        # What the register says is the consent of the moment now: nothing stands after it.
        behind = [fact for fact in consents if fact.valid_at > valid_at]
        corrected = behind if follows or held is None or held in behind else [held, *behind]
        if held is not None and held in corrected and held.paper is not None:  # with what a register said of it
            named = held.paper.reference
            withdrawn = [fact for fact in self.counted("withdrawal") if fact.of_register and named in fact.names]
            corrected = [*corrected, *withdrawn]
        self.record("consent", valid_at, corrected, paper=said)
        self._outlive(said, held, later_than_held=follows)
        return said.reference

    def _outlive(self, said: Paper, held: Fact | None, *, later_than_held: bool) -> None:
        """Withdraw or end the consent that this row changed, where a person withdrew or ended and it doesn't reopen."""
        reference = held.paper.reference if held and held.paper else None
        # "Registered anew" (rule 13): the registration of the held consent, said once more, opens nothing.
        before = [fact.valid_at for fact in self.counted("registration") if reference in fact.names]
        for kind in ("withdrawal", "ending"):
            for fact in self.counted(kind):
                if fact.of_register or said.reference in fact.names:
                    continue
                day = self.registry.day(fact.valid_at)
                signed = said.signed_on is not None and said.signed_on >= day
                at = self.row.registered_at
                registered = at is not None and at > max(fact.valid_at, *before, fact.valid_at)
                if not (signed and registered and later_than_held):
                    # Not the register's word: the next register doesn't take it back either.
                    names = frozenset({said.reference})
                    self.registry.record(self.key, kind, fact.valid_at, self.now, self.by, names=names, why=fact.why)

    def stage(self, kind: str, at: datetime | None, reference: str | None) -> None:
        """Take in the row's registration or withdrawal, which is of the row's consent."""
        named = frozenset({reference} if reference is not None else ())
        held = [fact for fact in self.counted(kind) if (fact.names & named if named else not fact.names)]
        own = [fact for fact in held if fact.of_register]
        if kind == "registration":
            self._registration(at, held, named)
            return
        ended = [fact for fact in self.counted("ending") if (fact.names & named if named else not fact.names)]
        if any(fact.valid_at == at for fact in ended):
            return  # an export writes an ending as a withdrawal
        if at is None:
            self.take_back(own)
        elif not any(fact.valid_at == at or (fact not in own and fact.valid_at < at) for fact in held):
            names = named.union(*(fact.names for fact in own))
            # A register that dates a person's withdrawal earlier speaks of that one: no later register takes it back.
            self.record(kind, at, own, names=names, of_register=len(own) == len(held))

    def _registration(self, at: datetime | None, held: Sequence[Fact], named: frozenset[str]) -> None:
        """Who registered and when, as the register says it: of the row's consent, and of no other."""
        if at is None:
            self.take_back(held)
        elif any(fact.valid_at == at and fact.of_register for fact in held):
            return
        else:
            self.record("registration", at, held, names=named)
        for fact in held:
            if fact.names - named:
                others = fact.names - named
                self.registry.record(
                    self.key,
                    "registration",
                    fact.valid_at,
                    self.now,
                    self.by,
                    names=others,
                    of_register=fact.of_register,
                )

    def restriction(self) -> None:
        held = self.counted("restriction")
        own = [fact for fact in held if fact.of_register]
        said = (self.row.restricted_from, self.row.restricted_to)
        if said == (None, None):
            self.take_back(own)
        elif not any((fact.first, fact.last) == said for fact in held):
            self.record("restriction", self.now, own, first=said[0], last=said[1])


def _later(said: date | None, held: date | None) -> bool:
    return said is not None and (held is None or said > held)
