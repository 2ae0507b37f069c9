"""The consent registry against its oracle, step by step, in whatever order hypothesis thinks of.

A step is one thing that somebody does, or that happens: a row of a register, an act, a step of an application, a
birthday, a leaving, time. Both sides must agree on whether it was refused and why, then on every case's ground, on past
moments, and on each record. Steps are counted; `steps_wanted` says how many there must be.
"""

import os
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from oracle.consent_acts import Key, Row
from oracle.consent_oracle import EVERY_KIND, Group, Paper, Stay, Student
from worlds.registry_world import FIRST, KEYS, STUDENTS, RegistryWorld

STOOD = 3
"""Of how many steps one asks whether what stood still is as it was."""

PEOPLE = ("clerk", "head")

keys = st.sampled_from(KEYS)
people = st.sampled_from(PEOPLE)
few_days = st.sampled_from([0, -1, 1, -3, 2, -6, 5])
shift = st.sampled_from(
    [timedelta(0), timedelta(hours=-1), timedelta(days=-1), timedelta(days=-4), timedelta(seconds=1), timedelta(days=1)]
)
pause = st.sampled_from(
    [timedelta(seconds=1), timedelta(minutes=10), timedelta(hours=5), timedelta(days=1), timedelta(days=3)]
)
signings = st.sampled_from([-2, 0, -6, -1, 1, 3, None])
firsts = st.sampled_from([-3, 0, 1, 3, -10, None])
lasts = st.sampled_from([None, 0, 2, -1, 6])
KINDS = {
    "all": EVERY_KIND,
    "current": frozenset({"current"}),
    "both": frozenset({"annual", "current"}),
    "exam": frozenset({"exam"}),
}
kinds = st.sampled_from(list(KINDS))
CELLS = (
    "identified_at", "registered_at", "withdrawn_at", "restricted_from", "restricted_to", "relation",
    "text_version", "signed_on", "in_force_from", "in_force_to", "records_from", "records_to", "kinds", "paper",
)  # fmt: skip


def same(where: str, differences: list[str]) -> None:
    """Fail with what differs; modules beside the tests have no rewritten assertions."""
    if differences:
        raise AssertionError("\n".join([where, *differences]))


class RegistryMachine(RuleBasedStateMachine):
    """See the module; `steps` is of all examples in this process."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.world = RegistryWorld()
        self.chance = random.Random(20250901)  # noqa: S311 - which past moments are asked about
        self.moments = [self.world.now]
        self.untouched = False

    def teardown(self) -> None:
        try:
            self.agree_on_history()
        finally:
            self.world.close()

    # --- how the sides are compared ----------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return self.world.now

    def day(self, offset: int | None) -> date | None:
        return None if offset is None else self.world.today(offset)

    def paper(self, signed: int | None, starts: int | None, ends: int | None, since: int | None, kinds: str) -> Paper:
        return Paper(
            self.world.new_id(),
            "2025-09",
            self.day(signed),
            self.day(starts),
            self.day(ends),
            self.day(since),
            None if ends is None else self.world.today(ends + 1),
            KINDS[kinds],
        )

    def done(self, refused: str | None, objections: set[str]) -> bool:
        """Hold a refusal against all that the oracle objects to; return whether the act was done.

        An act that was done moves the school's clock, even where it found nothing to record.
        """
        if refused not in (objections or {None}):
            raise AssertionError(f"product {refused}, oracle {sorted(objections)}")
        self.untouched = refused is not None
        if refused is None:
            self.world.oracle.newest = self.world.oracle.clock(self.now)
        return refused is None

    def unknown(self, key: Key) -> set[str]:
        return set() if key in self.world.oracle.cases else {"link-unknown"}

    def step(self) -> None:
        """Count a step."""
        type(self).steps += 1

    def agree(self) -> None:
        """Ask both sides about every case now; after a refusal that is left to the next step, and to the end."""
        self.moments.append(self.now)
        if self.untouched:
            self.untouched = False
            return
        same("now", self.world.differences(self.now, self.now))
        if len(self.moments) % STOOD == 0:
            same("standing", self.world.differences_of_standing())

    def agree_on_history(self) -> None:
        known = self.chance.sample(self.moments, min(6, len(self.moments)))
        pairs = []
        for moment in known:
            pairs += [(moment, moment), (moment, self.now), (self.chance.choice(self.moments), moment)]
            pairs.append(
                (moment + self.chance.choice([timedelta(days=1), timedelta(days=-2), timedelta(hours=9)]), self.now)
            )
        same("history", self.world.differences_of_history(pairs))

    @initialize(known=st.sets(keys), kinds=kinds)
    def a_school_with_links(self, known: set[Key], kinds: str) -> None:
        """Some cases went the whole way before."""
        for key in sorted(known):
            self.a_register(key, (-2, -3, None, -10, kinds), whole=True, registered=0, withdrawn=None)

    # --- time, and what the school's database says -------------------------------------------------------------------

    @rule(by=pause)
    def time_passes(self, by: timedelta) -> None:
        self.step()
        self.world.now += by
        self.agree()

    @rule(who=st.sampled_from(STUDENTS), born=st.sampled_from([0, -1, 1, None]))
    def a_birthday(self, who: Student, born: int | None) -> None:
        """The school corrects a birth date: of age today, since yesterday, tomorrow, or nobody knows."""
        self.step()
        day = self.world.today(born or 0)
        birth = None if born is None else day.replace(year=day.year - 18)
        self.world.school_says(Student(who.key, birth or who.born, list(self._stays(who))))
        self.agree()

    def _stays(self, who: Student) -> list[Stay]:
        known = self.world.oracle.students.get(who.key)
        return known.stays if known else who.stays

    @rule(who=st.sampled_from(STUDENTS), last=few_days, into=st.sampled_from([None, "5А", "11А"]))
    def a_leaving(self, who: Student, last: int, into: str | None) -> None:
        """A student leaves the school, or one class for another."""
        self.step()
        day = self.world.today(last)
        stays = [Stay("10Б", FIRST, day)]
        if into:
            stays.append(Stay(into, day + timedelta(days=1), None))
        self.world.school_says(Student(who.key, who.born, stays))
        self.agree()

    @rule(who=st.sampled_from(STUDENTS))
    def a_student_unknown(self, who: Student) -> None:
        """The school's database has no such student, until it has."""
        self.step()
        if who.key in self.world.roster:
            self.world.school_forgets(who.key)
        else:
            self.world.school_says(who)
        self.agree()

    # --- registers ---------------------------------------------------------------------------------------------------

    @rule(
        key=keys, paper=st.tuples(signings, firsts, lasts, firsts, kinds), whole=st.booleans(),
        registered=st.sampled_from([0, -1, None, 1]), withdrawn=st.sampled_from([None, None, None, 0, -1]),
    )  # fmt: skip
    def a_register(self, key: Key, paper, whole: bool, registered: int | None, withdrawn: int | None) -> None:
        """A register comes in with a row on a case, whatever it said before."""
        self.step()
        if whole:  # all that a ground needs
            paper, registered, withdrawn = (-2, -3, paper[2], -10, paper[4]), 0, None
        row = Row(
            key[0],
            key[1],
            "parent",
            self.now - timedelta(days=9),
            self.now - timedelta(days=5),
            self.paper(*paper),
            None if registered is None else self.now + timedelta(days=registered),
            None if withdrawn is None else self.now + timedelta(days=withdrawn),
        )
        self._import(row)

    @rule(key=keys, cell=st.sampled_from(CELLS), offset=st.sampled_from([None, 0, -1, 1, -5, 4]), kinds=kinds)
    def a_changed_row(self, key: Key, cell: str, offset: int | None, kinds: str) -> None:
        """A register comes in with one cell changed, emptied or filled."""
        self.step()
        row = self.world.rows.get(key)
        if row is None:
            return
        day = self.day(offset)
        moment = None if offset is None else self.now + timedelta(days=offset)
        if cell in {"identified_at", "registered_at", "withdrawn_at"}:
            row = replace(row, **{cell: moment})
        elif cell in {"restricted_from", "restricted_to"}:
            row = replace(row, **{cell: day})
        elif cell == "relation":
            row = replace(row, relation="adopter" if row.relation == "parent" else "parent")
        elif cell == "paper":
            row = replace(row, paper=None if row.paper and offset is None else self.paper(-2, -3, None, -10, kinds))
        elif row.paper:
            value = (
                KINDS[kinds] if cell == "kinds" else ("2025-10" if offset else None) if cell == "text_version" else day
            )
            row = replace(row, paper=replace(row.paper, **{cell: value}))
        self._import(row)

    @rule(key=keys)
    def the_same_register(self, key: Key) -> None:
        """The last register again."""
        self.step()
        if key in self.world.rows:
            self._import(self.world.rows[key])

    def _import(self, row: Row) -> None:
        key = (row.student, row.account)
        refused, said = self.world.import_row(row)
        self.done(refused, set())
        self.world.rows[key] = row
        wanted = self.world.oracle.import_row(row, self.world.new_id(), self.now, "operator")
        if said != wanted and self.only_registers_spoke_of(key):
            same("import", [f"{key}: product {said}, oracle {wanted}"])
        self.agree()

    def only_registers_spoke_of(self, key: Key) -> bool:  # noqa: ARG002 - others know more
        """Tell whether no application brought names or documents, of which the oracle knows nothing."""
        return True

    # --- acts --------------------------------------------------------------------------------------------------------

    @rule(key=keys, back=shift, by=people)
    def a_withdrawal(self, key: Key, back: timedelta, by: str) -> None:
        self.step()
        refused = self.world.withdraw(key, self.now + back, by)
        objections = self.unknown(key) | ({"withdrawal-ahead"} if back > timedelta(0) else set())
        if self.done(refused, objections):
            self.world.oracle.withdraw(key, self.now + back, self.now, by, reason=True)
        self.agree()

    @rule(key=keys, back=shift, why=st.sampled_from(["guardianship-ended", "registered-in-error"]), by=people)
    def an_ending(self, key: Key, back: timedelta, why: str, by: str) -> None:
        self.step()
        refused = self.world.end(key, why, self.now + back, by)
        objections = self.unknown(key) | ({"ahead"} if back > timedelta(0) else set())
        if self.done(refused, objections):
            self.world.oracle.end(key, why, self.now + back, self.now, by)
        self.agree()

    @rule(key=keys, first=firsts, last=lasts, by=people)
    def a_restriction(self, key: Key, first: int | None, last: int | None, by: str) -> None:
        self.step()
        refused = self.world.restrict(key, self.day(first), self.day(last), by)
        wrong = (first is None and last is None) or (first is not None and last is not None and last < first)
        if self.done(refused, self.unknown(key) | ({"restriction-days"} if wrong else set())):
            self.world.oracle.restrict(key, self.day(first), self.day(last), self.now, by)
        self.agree()

    @rule(key=keys, on=few_days, by=people)
    def a_lifting(self, key: Key, on: int, by: str) -> None:
        self.step()
        refused = self.world.lift(key, self.world.today(on), by)
        if self.done(refused, self.unknown(key)):
            self.world.oracle.lift(key, self.world.today(on), self.now, by)
        self.agree()

    @rule(key=keys, signed=st.sampled_from([0, -1, -5, 1]), starts=few_days, ends=lasts, kinds=kinds, by=people)
    def a_consent(self, key: Key, signed: int, starts: int, ends: int | None, kinds: str, by: str) -> None:
        """A person enters a consent that was signed."""
        self.step()
        paper = self.paper(signed, starts, ends, -10, kinds)
        objections = self.unknown(key) | self.world.oracle.objections_to_consent(key, paper, self.now)
        if self.done(self.world.give(key, paper, by), objections):
            self.world.oracle.consent(key, paper, self.now, by)
        self.agree()

    @rule(key=keys, kinds=kinds)
    def a_parent_comes_back(self, key: Key, kinds: str) -> None:
        """A consent is signed and registered on one day: the way back after a withdrawal or an ending."""
        self.a_consent(key, 0, 0, None, kinds, "clerk")
        self.a_registration(key, "head", two=False)

    @rule(key=keys, by=people, two=st.booleans())
    def a_registration(self, key: Key, by: str, two: bool) -> None:
        """A person registers what consents of a case wait for it."""
        self.step()
        oracle = self.world.oracle
        objections = self.unknown(key) | oracle.objections_to_registering(key, self.now, by, two_persons=two)
        if self.done(self.world.register(key, by, two_persons=two), objections):
            oracle.register(key, oracle.unregistered(key), self.now, self.now, by)
        self.agree()

    @rule(key=keys, behind=st.sampled_from([timedelta(seconds=59), timedelta(seconds=61), timedelta(days=2)]))
    def a_clock_behind(self, key: Key, behind: timedelta) -> None:
        """The clock stands before what was recorded last, and somebody withdraws."""
        self.step()
        oracle, right = self.world.oracle, self.now
        if oracle.newest is None or key not in oracle.cases:
            return
        self.world.now = oracle.newest - behind
        counts_as = oracle.clock(self.now)
        if self.done(self.world.withdraw(key, self.now, "clerk"), set() if counts_as else {"clock-back"}):
            assert counts_as is not None
            oracle.withdraw(key, self.now, counts_as, "clerk", reason=True)
        self.world.now = right
        self.agree()

    @rule(
        on=st.sampled_from(["", "5А", "10Б", "11А"]),
        stage=st.sampled_from(["pilot", "regular", "prepare"]),
        first=few_days,
        last=lasts,
    )
    def a_pilot(self, on: str, stage: str, first: int, last: int | None) -> None:
        self.step()
        group = Group(on, stage, self.world.today(first), self.day(last))
        refused = self.world.move(group, "head")
        if self.done(refused, {"pilot-days-reversed"} if last is not None and last < first else set()):
            self.world.oracle.move(group, self.now)

    @rule()
    def every_record(self) -> None:
        """Both sides decide on every record."""
        self.step()
        same("records", self.world.differences_of_records())


def steps_wanted() -> int:
    """Return how many steps the whole test takes: 10^5, in `make soak` 10^6."""
    return 10**6 if os.environ.get("DNEVNIK_SOAK") == "1" else 10**5


def run_steps(machine: type[RegistryMachine], wanted: int, seeds: Iterable[int]) -> int:
    """Run the machine with one seed after another until so many steps were taken; return how many.

    A failure names its seed. Few examples a seed: hypothesis remembers all that it tried under one.
    """
    taken = 0
    for number in seeds:
        if taken >= wanted:
            break
        seeded = seed(number)(type(machine.__name__, (machine,), {"steps": 0}))
        try:
            run_state_machine_as_test(seeded, settings=SETTINGS)
        except Exception as failure:
            failure.add_note(f"seed {number}")
            raise
        taken += seeded.steps
    return taken


SETTINGS = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
    # An example is some hundred acts on a database: slower, and with more choices in it, than hypothesis expects.
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
)
