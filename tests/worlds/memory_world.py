"""One school, its registry and the portal, small and in this process, with the bridge's real steps between them.

Real: the bridge's database (SQLite file), the audit log (folder), the registry, all of delivery and flows.steps.
Fake: the school's database (rows in a dictionary) and the portal (`fakes.memory_portal`).
The oracle at the end says row by row what the portal must hold; it uses none of the product's rules.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
from fakes.memory_portal import MemoryPortal

from audit.keys import create_signing_key, load_signing_key
from audit.log import open_log
from consent_registry.acts import Actor, withdraw
from consent_registry.register.file import COLUMNS, RegisterRow
from consent_registry.register.registration import import_register
from consent_registry.sealed.vault import Vault
from database import open_database, upgrade, writing
from delivery.limits import Limits
from delivery.patience import Patience, Turns
from flows.bridge import Bridge, School
from journal.frames import RECORD_COLUMNS, RECORDS, SET_ASIDE, WARNINGS, empty_frame
from journal.school import Enrolment, RosterEntry, SchoolReading, StudentIdentity
from journal.wording import Language

CODE = "0252"
MOSCOW = ZoneInfo("Europe/Moscow")
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NO_LIMITS = Limits(1.0, 10**9, 1.0, 10**9)


class DiedError(BaseException):
    """The process ends here, as far as a test in one process can show it."""


@dataclass
class Row:
    """One row of the school's journal; `bad` is the reason for which the profile sets it aside."""

    student: str
    value: str
    day: date
    kind: str = "current"
    bad: str | None = None


@dataclass
class Link:
    """One row of the register."""

    student: str
    account: str
    kinds: str = ""
    records_from: date = date(2026, 9, 1)
    in_force_to: date | None = None
    withdrawn: datetime | None = None
    registered: bool = True


@dataclass
class MemoryWorld:
    """The world and the bridge in it. `die_at` names a boundary at which the process ends, after so many passes."""

    folder: Path
    limits: Limits = NO_LIMITS
    batch_records: int = 3
    now: datetime = START
    rows: dict[str, Row] = field(default_factory=dict)
    links: dict[tuple[str, str], Link] = field(default_factory=dict)
    birth_dates: dict[str, date] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    paused: tuple[tuple[date, date], ...] = ()
    pilot_classes: frozenset[str] = frozenset()
    die_at: tuple[str, int] | None = None
    vanished: bool = False
    state: str | None = None
    before_reading: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.portal = MemoryPortal(lambda: self.now)
        self.engine = open_database(self.state or f"sqlite:///{self.folder}/bridge.db")
        upgrade(self.engine)
        self._ids = itertools.count(1)
        self.vault = Vault(b"m" * 32)
        self.pem = create_signing_key()
        self.log = open_log(self.folder / "audit", load_signing_key(self.pem, "test-log"), "test-log")
        self.read_fails: BaseException | None = None

    def new_id(self) -> str:
        return f"id{next(self._ids):08d}"

    @property
    def today(self) -> date:
        return self.now.astimezone(MOSCOW).date()

    def _boundary(self, name: str) -> None:
        if self.die_at is not None and self.die_at[0] == name:
            if self.die_at[1] == 0:
                self.die_at = None
                raise DiedError
            self.die_at = (name, self.die_at[1] - 1)

    def bridge(self) -> Bridge:
        school = School(CODE, "Школа", "Район", self._read, self._identities, self.pilot_classes, self.paused)
        return Bridge(
            engine=self.engine,
            portal=self.portal,
            log=self.log,
            origin="test-log",
            vault=self.vault,
            schools={CODE: school},
            clock=lambda: self.now,
            new_id=self.new_id,
            timezone=MOSCOW,
            language=Language.RU,
            limits=self.limits,
            batch_records=self.batch_records,
            patience=Patience(attempts=2, total_seconds=5, first_wait=0.001, longest_wait=0.001),
            turns=Turns(self.engine, 100_000),
            software="dnevnik-bridge/test",
            boundary=self._boundary,
        )

    def _entry(self, student: str) -> RosterEntry:
        last = self.today - timedelta(days=1) if student in self.left else None
        born = self.birth_dates.get(student, date(2014, 3, 9))
        return RosterEntry(student, born, (Enrolment(date(2026, 9, 1), last, "5А"),))

    def _identities(self) -> list[StudentIdentity]:
        return [StudentIdentity(str(n), "Ф", "И", None, date(2014, 3, 9)) for n in range(10)]

    def _read(self, window, _today) -> SchoolReading:
        self.before_reading()
        if self.read_fails is not None:
            raise self.read_fails
        good = {key: row for key, row in self.rows.items() if row.bad is None}
        frame = pd.DataFrame(
            [
                {
                    "source_key": key,
                    "student_key": row.student,
                    "kind": row.kind,
                    "subject": "Физика",
                    "date": row.day,
                    "value": row.value,
                }
                for key, row in good.items()
            ],
            columns=list(RECORD_COLUMNS),
        )
        texts = ["source_key", "student_key", "kind", "subject", "value", "weight", "work", "comment"]
        frame = frame.astype({**dict.fromkeys(texts, "str"), "lesson_number": "Int16"})
        frame["date"] = pd.to_datetime(frame["date"]).astype("datetime64[s]")
        frame["entered_at"] = pd.to_datetime(frame["entered_at"], utc=True).astype("datetime64[s, UTC]")
        aside = pd.DataFrame(
            [(key, row.student, row.bad) for key, row in self.rows.items() if row.bad],
            columns=["source_key", "student_key", "reason"],
        ).astype("str")
        students = {row.student for row in self.rows.values()} | {student for student, _ in self.links}
        return SchoolReading(
            CODE,
            window,
            RECORDS.validate(frame),
            SET_ASIDE.validate(aside) if len(aside) else empty_frame(SET_ASIDE),
            empty_frame(WARNINGS),
            {} if self.vanished else {student: self._entry(student) for student in sorted(students)},
        )

    def register(self, link: Link) -> None:
        """Enter a link, as a register's row would."""
        self.links[link.student, link.account] = link
        values = dict.fromkeys(COLUMNS, "") | {
            "school": CODE,
            "student_id": link.student,
            "account_id": link.account,
            "relation": "parent",
            "submitted_at": START - timedelta(days=9),
            "identified_at": START - timedelta(days=8),
            "identified_by": "Секретарь 1",
            "consent_text_version": "2025-09",
            "consent_signed_on": START.date() - timedelta(days=8),
            "registered_at": START - timedelta(days=7) if link.registered else None,
            "registered_by": "Завуч 2",
            "in_force_from": date(2026, 9, 1),
            "in_force_to": link.in_force_to,
            "records_from": link.records_from,
            "kinds": link.kinds,
        }
        with writing(self.engine) as connection:
            import_register(
                connection,
                [RegisterRow(2, values)],
                identities=lambda _: self._identities(),
                vault=self.vault,
                new_id=self.new_id,
                now=self.now,
                by="test",
                timezone=MOSCOW,
            )

    def withdraw(self, student: str, account: str) -> None:
        link = self.links[student, account]
        link.withdrawn = link.withdrawn or self.now
        with writing(self.engine) as connection:
            withdraw(connection, CODE, student, account, at=self.now, actor=Actor("test", self.now, MOSCOW))

    # the oracle: the contract's words, one row and one link at a time

    def _link_stands(self, link: Link) -> bool:
        born = self.birth_dates.get(link.student, date(2014, 3, 9))
        of_age = (self.today.year - born.year, self.today.month, self.today.day) >= (18, born.month, born.day)
        return (
            link.registered
            and link.withdrawn is None
            and (link.in_force_to is None or self.today <= link.in_force_to)
            and not of_age
            and link.student not in self.left
        )

    def open_links(self) -> set[tuple[str, str]]:
        return {key for key, link in self.links.items() if self._link_stands(link)}

    def permitted(self) -> dict[str, tuple[str, str]]:
        """Return the rows that may be shown now: source key → (student, value)."""
        return {
            key: (row.student, row.value)
            for key, row in self.rows.items()
            if row.bad is None and self.may_see(row) and row.day <= self.today
        }

    def may_see(self, row: Row) -> bool:
        return any(
            self._link_stands(link)
            and link.student == row.student
            and (not link.kinds or row.kind in link.kinds.split())
            and link.records_from <= row.day
            for link in self.links.values()
        )
