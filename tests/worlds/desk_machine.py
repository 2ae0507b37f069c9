"""The machine of `registry_machine`, with applications: received, identified, linked, registered, or broken off.

Any step may be tried at any stage, dated back or ahead, by either of two people, with or without what it needs; the
product's one reason for a refusal must be among all that the oracle objects to.
"""

from datetime import timedelta
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import rule
from oracle.application_desk import Application, Desk
from oracle.application_oracle import BREAKS_OFF, Done, Shown
from oracle.consent_acts import Key
from worlds.real_desk import RealDesk
from worlds.registry_machine import RegistryMachine, few_days, people, shift
from worlds.registry_world import ACCOUNTS

KEPT = 4  # the applications that steps choose from: the newest

which = st.integers(0, KEPT - 1)
shown_papers = st.sampled_from([Shown(), Shown(), Shown(document=False), Shown(authority=False)])
students = st.sampled_from(["11", "11", "12", "13"])


class DeskMachine(RegistryMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.world.oracle)
        self.real = RealDesk(self.world, count(1))

    def application(self, which: int) -> Application | None:
        newest = self.desk.applications[-KEPT:]
        return newest[which % len(newest)] if newest else None

    @rule(
        account=st.sampled_from(ACCOUNTS), relation=st.sampled_from(["parent", "guardian", "parent"]),
        before=st.sampled_from([0, 1, 5]), portal=st.booleans(),
    )  # fmt: skip
    def an_application(self, account: str, relation: str, before: int, portal: bool) -> None:
        self.step()
        submitted = self.now - timedelta(days=before)
        reference = self.real.receive(account, relation, submitted, portal=portal)
        self.done(None, set())
        self.desk.receive(Application(reference, account, relation, submitted), "somebody", self.now)
        self.agree()

    @rule(which=which, back=shift, by=people, shown=shown_papers, until=few_days)
    def an_identification(self, which: int, back: timedelta, by: str, shown: Shown, until: int) -> None:
        self.step()
        application = self.application(which)
        if application is None:
            return
        last_day = self.world.today(until) if application.relation == "guardian" and shown.authority else None
        shown = Shown(shown.document, shown.authority and last_day is not None, last_day)
        step = Done("identified", self.now + back, by)
        objections = {f"application-{word}" for word in self.desk.objections(application, step, shown, self.now)}
        if self.done(self.real.identify(application.reference, shown, step.at, by), objections):
            self.desk.take(application, step, self.now, shown)
        self.agree_on_application(application)

    @rule(which=which, back=shift, by=people, student=students)
    def a_link(self, which: int, back: timedelta, by: str, student: str) -> None:
        self.step()
        application = self.application(which)
        if application is None:
            return
        step = Done("linked", self.now + back, by)
        objections = {f"application-{word}" for word in self.desk.objections(application, step, Shown(), self.now)}
        if self.desk.applied_already(application, student, self.now):
            objections.add("applied-twice")
        if self.done(self.real.link(application.reference, student, step.at, by), objections):
            self.desk.link(application, student, step, self.now)
        self.agree_on_application(application)

    @rule(which=which, by=people, two=st.booleans())
    def a_registered_application(self, which: int, by: str, two: bool) -> None:
        self.step()
        application = self.application(which)
        if application is None:
            return
        step = Done("registered", self.now, by)
        self.desk.two_persons = two
        objections = {f"application-{word}" for word in self.desk.objections(application, step, Shown(), self.now)}
        if application.student is not None and application.stage == "linked":
            key = self.desk.key(application)
            objections |= self.world.oracle.objections_to_registering(key, self.now, by, two_persons=two)
            if not self.world.oracle.unregistered(key):
                objections.add("application-consent-missing")
        if self.done(self.real.register(application.reference, by, two_persons=two), objections):
            self.desk.take(application, step, self.now)
        self.agree_on_application(application)

    @rule(which=which, back=shift, by=people, how=st.sampled_from(BREAKS_OFF))
    def an_end_of_an_application(self, which: int, back: timedelta, by: str, how: str) -> None:
        self.step()
        application = self.application(which)
        if application is None:
            return
        step = Done(how, self.now + back, by)
        objections = {f"application-{word}" for word in self.desk.objections(application, step, Shown(), self.now)}
        if self.done(self.real.close(how, application.reference, step.at, by), objections):
            self.desk.take(application, step, self.now)
        self.agree_on_application(application)

    @rule(which=which, student=students)
    def an_application_goes_on(self, which: int, student: str) -> None:
        """The next step of an application, as it should be: shown, chosen, signed, by two people, now."""
        application = self.application(which)
        now = timedelta(0)
        if application is None:
            self.an_application("pa-1", "parent", 0, portal=True)
        elif application.stage == "received":
            self.an_identification(which, now, "clerk", Shown(), 2)
        elif application.stage == "identified":
            self.a_link(which, now, "clerk", student)
        elif application.stage == "linked":
            key = self.desk.key(application)
            if self.world.oracle.unregistered(key):
                self.a_registration(key, "clerk", two=True)  # who identified: refused
                self.a_registered_application(which, "head", two=True)
            else:
                self.a_consent(key, 0, 0, None, "all", "clerk")
        else:
            self.an_application(application.account, "guardian", 1, portal=False)

    @rule(which=which, by=people, two=st.booleans())
    def a_registration_past_the_application(self, which: int, by: str, two: bool) -> None:
        """Somebody registers the consents of an application's case as those of any case, perhaps who identified."""
        application = self.application(which)
        if application is not None and application.student is not None:
            self.a_registration(self.desk.key(application), by, two)
        else:
            self.step()

    def only_registers_spoke_of(self, key: Key) -> bool:
        return all((one.student, one.account) != key for one in self.desk.applications)

    def agree_on_application(self, application: Application) -> None:
        stage = self.real.stage(application.reference)
        if stage != application.stage:
            raise AssertionError(f"product {stage}, oracle {application.stage}")
        self.agree()
