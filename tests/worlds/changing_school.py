"""A school in a SQLite file that teachers change, its registry and a portal in memory, and what the portal must show.

Real: the profile `paragraf` with its counts, the reading of what changed, the bridge's database, all of delivery and
flows. Fake: the portal. The oracle judges each row by the outer contract (`oracle.journal_oracle`), and remembers what
a portal would still show of rows that are set aside; it knows nothing of fingerprints.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from connectors_school.five_ways import plain, schema
from oracle.journal_oracle import MOSCOW, OracleRecord, RowKey, judge
from worlds.memory_world import CODE, Link, MemoryWorld

from connectors.school.changes import read_changes
from connectors.school.source import SchoolSource
from database import reading
from delivery.balance import SchoolBalance
from delivery.tables import RECORD
from flows.bridge import Bridge, School
from flows.steps import sync_school
from journal.actuality import Goal
from journal.school import SchoolReading
from mappings.profile import Profile, load_profile

AT = "2026-10-01 10:00:00"
JOURNALS, LESSONS, STUDENTS = (1, 2, 3, 4), tuple(range(1, 13)), (1, 2, 3)
TAKES_BACK = {"lesson-cancelled", "not-enrolled"}
_DATES = {"LESSON_DATE", "DATE_FROM", "DATE_TO", "BIRTH_DATE"}
_MOMENTS = {"CHANGED_AT", "ENTERED_AT", "FILLED_AT"}
Statement = tuple[str, tuple[object, ...]]


def write_school(path: Path) -> None:
    """Make a school of three students and four journals, the fourth of the first one's subject."""
    rows: dict[str, list[tuple[object, ...]]] = {
        "SCHOOL": [(1, CODE, "Школа")],
        "SCHOOL_CLASS": [(1, 2026, 5, "А")],
        "STUDENT": [(n, "Ф", "И", None, "2014-03-09", None) for n in STUDENTS],
        "ENROLMENT": [(n, n, 1, "2026-09-01", None) for n in STUDENTS],
        "SUBJECT": [(n, f"Предмет {n}") for n in JOURNALS],
        "JOURNAL": [(n, 1, 1 + (n - 1) % 3, None, 1) for n in JOURNALS],
        "JOURNAL_MEMBER": [(j, n, "2026-09-01", None) for j in JOURNALS for n in STUDENTS],
        # half of them older than the weeks that are counted by journal in each run
        "LESSON": [(n, 1 + n % 4, f"2026-{10 + n % 2}-{10 + n:02d}", n, None, None, None, 0) for n in LESSONS],
        "CONTROL_TYPE": [(1, "Работа"), (2, "Диктант")],
        "CONTROL": [(n, n, 1, "1") for n in LESSONS],
        "MARK_TYPE": [(code, "", str(code)) for code in (401, 402, 405, 421, 501, 503)],
        "MARK": [(n, n, 1 + n % 3, 405, None, AT, AT) for n in LESSONS],
        "ABSENCE": [(n, n, 1 + n % 3, 501, AT) for n in range(1, 7)],
        "PERIOD": [(1, 2026, 1, "1 четверть", "2026-09-01", "2026-10-25")],
        "PERIOD_MARK": [(n, n, 1, 1 + n % 3, 405, AT) for n in JOURNALS],
    }
    with closing(sqlite3.connect(path)) as connection, connection:
        for text in schema():
            connection.execute(text)
        for table, given in rows.items():
            marks = ", ".join("?" * len(given[0]))
            insert = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608  names of ours
            connection.executemany(insert, [tuple(map(plain, row)) for row in given])


def rows_of(path: Path) -> dict[str, list[dict[str, object]]]:
    """Return every table as it stands, in plain values."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in names}  # noqa: S608  the file's own
    return {
        name: [{key: _value(key, value) for key, value in row.items()} for row in rows] for name, rows in found.items()
    }


def _value(column: str, value: object) -> object:
    if value is None:
        return None
    if column in _DATES:
        return date.fromisoformat(str(value))
    if column in _MOMENTS:
        return datetime.fromisoformat(str(value))  # local, as the school writes it
    return Decimal(str(value)) if column == "COST" else value


@dataclass
class ChangingSchool(MemoryWorld):
    """The world; `full` drives it by full readings alone. `readings` are all that were made of the school."""

    full: bool = False
    full_every_days: int = 7
    readings: list[SchoolReading] = field(default_factory=list)
    shown: dict[RowKey, OracleRecord] = field(default_factory=dict)
    software: str = "test/1"
    goal: Goal = field(default_factory=Goal)
    profile: Profile = field(default_factory=lambda: PROFILE)

    @property
    def file(self) -> Path:
        return self.folder / "school.db"

    def bridge(self) -> Bridge:
        made = super().bridge()
        school = made.schools[CODE]

        def changes(window, today, before):
            self.before_reading()
            if self.read_fails is not None:
                raise self.read_fails
            reading, seen = read_changes(
                SchoolSource(f"sqlite:///{self.file}"), self.profile, code=CODE, window=window, today=today,
                timezone=MOSCOW, software=self.software, before=before,
            )  # fmt: skip
            self.readings.append(reading)
            return reading, seen

        with_changes = School(
            CODE, school.name, school.district, school.read, school.identities, self.pilot_classes, self.paused, changes
        )
        return replace(made, schools={CODE: with_changes}, full_every_days=self.full_every_days, goal=self.goal)

    def edit(self, *statements: Statement) -> None:
        """Let a teacher write."""
        with closing(sqlite3.connect(self.file)) as teacher, teacher:
            for sql, values in statements:
                teacher.execute(sql, values)

    def sync(self, *, full: bool | None = None) -> SchoolBalance:
        """Run; the oracle runs beside it."""
        balance = sync_school(self.bridge(), CODE, full=self.full if full is None else full)
        if balance.failure is None and balance.held is None:
            self._oracle()
        return balance

    @property
    def read(self) -> frozenset[str] | None:
        """The journals that the last reading was of; None: all."""
        return self.readings[-1].only

    def _oracle(self) -> None:
        tables = rows_of(self.file)
        self.birth_dates = {str(row["ID"]): row["BIRTH_DATE"] for row in tables["STUDENT"]}
        self.left = {
            str(row["STUDENT_ID"])
            for row in tables["ENROLMENT"]
            if row["DATE_TO"] is not None and row["DATE_TO"] < self.today
        }
        verdict = judge(tables, [], code=CODE, now=self.now)
        stands = {}
        for key, record in self.shown.items():
            fate = verdict.fates.get(key)
            aside = fate is not None and fate.word == "set-aside" and not fate.reasons & TAKES_BACK
            if aside and self._permitted(key, record):
                stands[key] = record
            if fate is None and not date(2026, 9, 1) <= record.date <= date(2027, 8, 31):
                raise AssertionError("a record of another year")
        good = {key: record for key, record in verdict.records.items() if self._permitted(key, record)}
        self.shown = stands | good

    def _permitted(self, key: RowKey, record: OracleRecord) -> bool:
        student = str(key.student_id)
        return any(
            link.student == student
            and self._link_stands(link)
            and (not link.kinds or record.kind in link.kinds.split())
            and link.records_from <= record.date
            for link in self.links.values()
        )

    def must_show(self) -> Counter[tuple[object, ...]]:
        """What the portal must show by the oracle."""
        return Counter(
            (str(key.student_id), one.kind, one.subject, one.date, one.lesson_number, one.value, one.weight, one.work)
            for key, one in self.shown.items()
        )

    def shows(self) -> Counter[tuple[object, ...]]:
        """What the portal shows, its students by the ledger's own map."""
        with reading(self.engine) as connection:
            students = dict(connection.execute(sa.select(RECORD.c.record_id, RECORD.c.student_key)).all())
        return Counter(
            (
                students[key], str(one.kind), one.subject, one.date, one.lesson_number, one.value,
                None if one.weight is None else Decimal(one.weight), one.work,
            )
            for key, one in self.portal.held(CODE).items()
        )  # fmt: skip


PROFILE = load_profile("paragraf")


def changing_school(
    template: Path, folder: Path, *, full: bool = False, parents: Sequence[int] = (1, 2), state: str | None = None
) -> ChangingSchool:
    """Return a world with a copy of a school that `write_school` made; parents of these students consented.

    `state`: the URL of the bridge's own database; None: a file.
    """
    folder.mkdir(exist_ok=True)
    shutil.copy(template, folder / "school.db")
    world = ChangingSchool(folder, full=full, state=state)
    for student in parents:
        world.register(Link(str(student), f"pa-{student}"))
    return world
