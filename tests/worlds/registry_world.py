"""A school's consent registry twice: the real one in a database in memory, and the oracle, fed the same acts.

Real: the tables as the migrations make them, the functions that record and read, the decision. Each refused act is
rolled back to where it began, as `database.writing` would; a world ends by a rollback, so the next one finds nothing.
The oracle (`oracle.consent_acts`) is never told what the real registry said.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pandas as pd
from oracle.consent_acts import Key, Registry, Row
from oracle.consent_oracle import EVERY_KIND, Group, Paper, Stay, Student, permission
from sqlalchemy.engine import Connection

from consent_registry.acts import (
    Actor,
    ConsentTerms,
    end_link,
    give_consent,
    lift_restrictions,
    register_consents,
    restrict,
    withdraw,
)
from consent_registry.decision import Grant, Refusal, decide, ground
from consent_registry.explanation import explain
from consent_registry.fact_store import case_facts, registry_now, states
from consent_registry.facts import CaseState, EndingReason
from consent_registry.pilot.admission import Stage
from consent_registry.pilot.groups import move, pilot_of
from consent_registry.register.file import COLUMNS, RegisterRow
from consent_registry.register.registration import import_register
from consent_registry.sealed.vault import Vault
from database import open_database, upgrade
from delivery.watch import has_moved, mark_of
from flows.standing_grounds import Standing, standing_at
from journal.records import PersonName
from journal.school import Enrolment, RosterEntry, StudentIdentity
from journal.vocabulary import RecordKind
from journal.wording import BridgeError

CODE = "0252"
MOSCOW = ZoneInfo("Europe/Moscow")
START = datetime(2026, 2, 26, 9, 0, tzinfo=MOSCOW)
FIRST = date(2025, 9, 1)
# Of age on 1 March (born on 29 February), on 5 March; a child; one without a birth date.
STUDENTS = (
    Student("11", date(2008, 2, 29), [Stay("11А", FIRST, None)]),
    Student("12", date(2008, 3, 5), [Stay("11А", FIRST, date(2026, 3, 2)), Stay("10Б", date(2026, 3, 3), None)]),
    Student("13", date(2014, 3, 9), [Stay("5А", FIRST, None)]),
    Student("14", None, [Stay("5А", FIRST, date(2026, 3, 1))]),
)
ACCOUNTS = ("pa-1", "pa-2")
IDENTITIES = tuple(StudentIdentity(one.key, "Тихая", f"Анна-{one.key}", None, one.born) for one in STUDENTS)
PARENTS = {"pa-1": PersonName("Тихий", "Пётр", "Ильич"), "pa-2": PersonName("Соколова", "Анна")}
KEYS: tuple[Key, ...] = (("11", "pa-1"), ("11", "pa-2"), ("12", "pa-1"), ("13", "pa-2"))
KINDS = ("current", "annual", "remark", "homework")
DATES = (date(2026, 2, 1), date(2026, 2, 20), date(2026, 2, 26), date(2026, 3, 4), date(2026, 5, 1), None)
ASKED = [(student, kind, on) for student in ("11", "12", "13", "14", "99") for kind in KINDS for on in DATES]

EXPLAINED = 7  # every seventh record is explained, too


@cache
def _frame() -> pd.DataFrame:
    """Every student, kind and date at once, with an unknown student, an unknown kind and no date."""
    students, kinds, dates = zip(*ASKED, strict=True)
    return pd.DataFrame(
        {
            "student_key": pd.Series(students, dtype="str"),
            "kind": pd.Series(kinds, dtype="str"),
            "date": pd.to_datetime(pd.Series(dates)).astype("datetime64[s]"),
        }
    )


@cache
def _connection() -> Connection:
    """One database in memory a process, with the tables in it."""
    engine = open_database("sqlite://")
    upgrade(engine)
    return engine.connect().execution_options(bridge_writing=True)


@dataclass
class RegistryWorld:
    """Both registries of one school at one moment. `by`: who acts."""

    now: datetime = START
    oracle: Registry = field(default_factory=lambda: Registry(MOSCOW))
    rows: dict[Key, Row] = field(default_factory=dict)
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    vault: Vault = field(default_factory=lambda: Vault(bytes(range(32))))
    roster: dict[str, RosterEntry] = field(default_factory=dict)
    former_roster: dict[str, RosterEntry] = field(default_factory=dict)
    standing: Standing | None = None
    stood: int = 0

    def __post_init__(self) -> None:
        self.connection = _connection()
        self.transaction = self.connection.begin()
        for student in STUDENTS:
            self.school_says(Student(student.key, student.born, list(student.stays)))

    def close(self) -> None:
        self.transaction.rollback()

    # --- the school's database ---------------------------------------------------------------------------------------

    def school_says(self, student: Student) -> None:
        """Let the school's database hold this of a student from now on."""
        self.oracle.students[student.key] = student
        stays = tuple(Enrolment(stay.first, stay.last, stay.class_name) for stay in student.stays)
        self.roster[student.key] = RosterEntry(student.key, student.born, stays)

    def school_forgets(self, key: str) -> None:
        self.oracle.students.pop(key, None)
        self.roster.pop(key, None)

    # --- acts on both sides ------------------------------------------------------------------------------------------

    def new_id(self) -> str:
        return f"id-{next(self.ids)}"

    def today(self, offset: int = 0) -> date:
        return self.oracle.day(self.now) + timedelta(days=offset)

    def actor(self, by: str) -> Actor:
        return Actor(by, self.now, MOSCOW)

    def attempt(self, act: Callable[[], object]) -> str | None:
        """Run an act of the real registry; return the code of its refusal, of which nothing stays."""
        nested = self.connection.begin_nested()
        try:
            act()
        except BridgeError as refusal:
            nested.rollback()
            return refusal.code
        nested.commit()
        return None

    def import_row(self, row: Row) -> tuple[str | None, str]:
        """Import one row; return the real registry's refusal and what the row was: new, changed or unchanged."""
        summary = None

        def act() -> None:
            nonlocal summary
            summary = import_register(
                self.connection,
                [RegisterRow(2, _cells(row))],
                identities=lambda _: IDENTITIES,
                vault=self.vault,
                new_id=self.new_id,
                now=self.now,
                by="operator",
                timezone=MOSCOW,
            )

        refused = self.attempt(act)
        if summary is None:
            return refused, ""
        return refused, "new" if summary.new else "changed" if summary.changed else "unchanged"

    def withdraw(self, key: Key, at: datetime, by: str) -> str | None:
        return self.attempt(
            lambda: withdraw(self.connection, CODE, *key, at=at, actor=self.actor(by), evidence="c2VhbGVk")
        )

    def end(self, key: Key, why: str, at: datetime, by: str) -> str | None:
        return self.attempt(
            lambda: end_link(self.connection, CODE, *key, EndingReason(why), at=at, actor=self.actor(by))
        )

    def restrict(self, key: Key, first: date | None, last: date | None, by: str) -> str | None:
        return self.attempt(lambda: restrict(self.connection, CODE, *key, first=first, last=last, actor=self.actor(by)))

    def lift(self, key: Key, on: date, by: str) -> str | None:
        return self.attempt(lambda: lift_restrictions(self.connection, CODE, *key, on=on, actor=self.actor(by)))

    def give(self, key: Key, paper: Paper, by: str) -> str | None:
        assert paper.text_version is not None
        assert paper.signed_on is not None
        assert paper.in_force_from is not None
        assert paper.records_from is not None
        terms = ConsentTerms(
            text_version=paper.text_version,
            signed_on=paper.signed_on,
            in_force_from=paper.in_force_from,
            in_force_to=paper.in_force_to,
            records_from=paper.records_from,
            records_to=paper.records_to,
            kinds=frozenset(RecordKind(kind) for kind in paper.kinds),
        )
        return self.attempt(
            lambda: give_consent(
                self.connection, CODE, *key, terms, actor=self.actor(by), new_id=lambda: paper.reference
            )
        )

    def register(self, key: Key, by: str, *, two_persons: bool) -> str | None:
        return self.attempt(
            lambda: register_consents(self.connection, CODE, *key, two_persons=two_persons, actor=self.actor(by))
        )

    def move(self, group: Group, by: str) -> str | None:
        return self.attempt(
            lambda: move(
                self.connection,
                CODE,
                group.class_name,
                Stage(group.stage),
                first=group.first,
                last=group.last,
                now=self.now,
                by=by,
            )
        )

    # --- answers, compared -------------------------------------------------------------------------------------------

    def _reason(self, state: CaseState, at: datetime) -> str | None:
        verdict = ground(state, self.roster.get(state.student_key), at, self.oracle.day(at))
        return str(verdict.reason) if isinstance(verdict, Refusal) else None

    def differences(self, at: datetime, known_at: datetime) -> list[str]:
        """Compare each case's ground at `at` as known at `known_at`, read from the database."""
        read = states(self.connection, CODE, at=at, known_at=known_at)
        got = {(state.student_key, state.account_id): self._reason(state, at) for state in read}
        wanted = {
            key: self.oracle.ground(key, at, known_at) for key in self.oracle.cases if self.oracle.exists(key, known_at)
        }
        return _differences(got, wanted)

    def differences_of_records(self) -> list[str]:
        """Compare the decision on every record of `ASKED` now, and on the way each case's ground."""
        now = registry_now(self.connection, CODE, self.now)
        assert now == self.oracle.clock(self.now)
        today = self.oracle.day(now)
        read = states(self.connection, CODE, at=now)
        grounds = [ground(state, self.roster.get(state.student_key), now, today) for state in read]
        pilot = pilot_of(self.connection, CODE)
        decided = decide(_frame(), grounds, self.roster, today=today, pilot=pilot)
        said = zip(decided["permitted"].tolist(), decided["reason"].tolist(), strict=True)
        wanted: dict[object, str | None] = {}
        for student in {asked[0] for asked in ASKED}:
            standings = self.oracle.standings(student, now)
            part = self.oracle.takes_part(student, now)
            for asked in ASKED:
                if asked[0] == student:
                    wanted[asked] = permission(standings, asked[1], asked[2], pilot=part)
        got = {
            asked: None if permitted else reason if isinstance(reason, str) else "nothing"
            for asked, (permitted, reason) in zip(ASKED, said, strict=True)
        }
        for asked in ASKED[::EXPLAINED]:
            links = [one for one in grounds if one.student_key == asked[0]]
            told = explain(asked[1], asked[2], links, self.roster.get(asked[0]), pilot, today)
            wanted[(*asked, "explained")] = wanted[asked]
            got[(*asked, "explained")] = str(told.reason) if told.reason else None
        return _differences(got, wanted)

    def differences_of_standing(self) -> list[str]:
        """Compare the grounds kept from an earlier step with those of now, while the registry is said to stand."""
        now, today = registry_now(self.connection, CODE, self.now), self.oracle.day
        if self.standing is None or has_moved(self.connection, self.standing.mark, self.now, today):
            self.former_roster = dict(self.roster)
            self.standing = standing_at(mark_of(self.connection, CODE, self.now, today), self._grounds(now))
            return []
        self.stood += 1
        wanted: dict[str, list[Grant | Refusal]] = {}
        for one in self._grounds(now):
            wanted.setdefault(one.student_key, []).append(one)
        return _differences(dict(self.standing.by_student), wanted)

    def _grounds(self, now: datetime) -> list[Grant | Refusal]:
        roster, today = self.former_roster, self.oracle.day(now)
        read = states(self.connection, CODE, at=now)
        return [ground(state, roster.get(state.student_key), now, today) for state in read]

    def differences_of_history(self, moments: list[tuple[datetime, datetime]]) -> list[str]:
        """Compare each case's ground at many pairs of moments, read once."""
        found = []
        for case in case_facts(self.connection, CODE):
            key = (case.key.student_key, case.key.account_id)
            for at, known_at in moments:
                if self.oracle.exists(key, known_at):
                    got = {key: self._reason(case.at(at, known_at), at)}
                    found += _differences(got, {key: self.oracle.ground(key, at, known_at)})
        return found


def _differences(got: dict, wanted: dict) -> list[str]:
    return [
        f"{key}: product {got.get(key, 'absent')}, oracle {wanted.get(key, 'absent')}"
        for key in sorted(got.keys() | wanted.keys(), key=str)
        if got.get(key, "absent") != wanted.get(key, "absent")
    ]


def _cells(row: Row) -> dict[str, object]:
    """Write a row as the register's reader gives it."""
    cells: dict[str, object] = dict.fromkeys(COLUMNS, "") | {
        "school": CODE,
        "student_id": row.student,
        "account_id": row.account,
        "parent_last_name": PARENTS[row.account].last_name,
        "parent_first_name": PARENTS[row.account].first_name,
        "parent_middle_name": PARENTS[row.account].middle_name or "",
        "relation": row.relation,
        "submitted_at": row.submitted_at,
        "identified_at": row.identified_at,
        "identified_by": "Секретарь 1" if row.identified_at else "",
        "registered_at": row.registered_at,
        "registered_by": "Завуч 2" if row.registered_at else "",
        "withdrawn_at": row.withdrawn_at,
        "restricted_from": row.restricted_from,
        "restricted_to": row.restricted_to,
    }
    if row.paper:
        cells |= {
            "consent_text_version": row.paper.text_version or "",
            "consent_signed_on": row.paper.signed_on,
            "in_force_from": row.paper.in_force_from,
            "in_force_to": row.paper.in_force_to,
            "records_from": row.paper.records_from,
            "records_to": row.paper.records_to,
            "kinds": "" if row.paper.kinds == EVERY_KIND else " ".join(sorted(row.paper.kinds)),
        }
    return cells
