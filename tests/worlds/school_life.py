"""A school that lives by a schedule, its bridge and a portal: real parts, and an oracle that is told the same.

Real: the school's Firebird file, the registry in the bridge's database, the audit log, each run in a process of its own
(`forking`), the portal over TLS in its own. An act is carried out on the real part and on the oracle's; the oracle is
never told what the bridge did. Every mark has a comment of its own, "№ and a number", by which it is known for good.
What people do in the registry while a run is under way waits for its turn as in life, and takes its moment then.
"""

import contextlib
import csv
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from oracle.consent_acts import Key, Registry, Row
from oracle.consent_oracle import EVERY_KIND, Paper, Stay, Student
from oracle.journal_oracle import MOSCOW, judge
from oracle.lawful_showing import Life, PortalRecord, Said, SchoolSays, Seen, Shown
from oracle.register_oracle import student_of
from oracle.school_tables import decoded, read_register, read_tables
from sqlalchemy.engine import Connection, Engine
from worlds.forking import NO_KILL, Ended, Forker, Kill
from worlds.real_world import SCHOOL, TOML

import consent_registry.register.file
import settings
from audit.keys import create_signing_key
from connectors.school.read import SchoolSource, read_identities
from consent_registry.acts import Actor
from consent_registry.register.registration import import_register
from consent_registry.sealed.vault import create_master_key
from database import gate, open_database, reading, upgrade, writing
from delivery.tables import BATCH, STUDENT_REF
from flows.assembly import open_audit_log, open_vault, random_id
from journal.school import StudentIdentity
from mappings.profile import load_profile
from sandbox.registry import COLUMNS, write_register
from sandbox.school import write_school
from sandbox.school.database import opened
from sandbox.school.edit import SchoolEditor

CODE = "0252"


def now() -> datetime:
    return datetime.now(UTC)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass
class Home:
    """An installation that schedules begin from: made once, copied for each."""

    folder: Path
    truth: Life = field(repr=False)
    rows: list[dict[str, str]] = field(repr=False)
    identities: Sequence[StudentIdentity] = field(repr=False)


def make_home(folder: Path, keys: Path, *, seed: int, students: int, weeks: int, batch_records: int) -> Home:
    """Make a school, its register, and a bridge that took the register in and never ran."""
    shutil.copytree(keys, folder / "portal" / "keys")
    (folder / "keys").mkdir()
    for name, content in (("audit-ed25519.pem", create_signing_key()), ("audit-master.key", create_master_key())):
        (folder / "keys" / name).write_bytes(content)
        (folder / "keys" / name).chmod(0o600)
    text = TOML.format(
        url="https://127.0.0.1:1/", batch_records=batch_records, reply_timeout=20, language="ru",
        state="sqlite:///var/bridge.db",
    )  # fmt: skip
    (folder / "bridge.toml").write_text(text + SCHOOL.format(code=CODE))
    today = datetime.now(MOSCOW).date()
    school = folder / f"{CODE}.fdb"
    write_school(
        school, code=CODE, name="Школа", students=students, weeks=weeks, seed=seed, first_day=None, today=today
    )
    with opened(school) as connection:
        connection.execute_immediate("UPDATE MARK SET NOTE = '№' || ID")
        connection.commit()
    register = folder / "register.csv"
    write_register(register, school, code=CODE, seed=seed, today=today, share=1.0)
    identities = read_identities(SchoolSource(f"file:{school}"), load_profile("paragraf"), code=CODE, today=today)
    home = Home(folder, Life(Registry(MOSCOW)), read_register(register), identities)
    living = SchoolLife(home, folder, None)
    upgrade(living.engine)
    living.look()
    living.take_in(home.rows)
    living.close()
    return Home(folder, living.truth, home.rows, home.identities)


class SchoolLife:
    """One school's life in `folder`; `forker` makes its runs."""

    def __init__(self, home: Home, folder: Path, forker: Forker | None) -> None:
        self.folder = folder
        self.forker = forker
        self.config = folder / "bridge.toml"
        self.truth = deepcopy(home.truth)
        self.rows = home.rows
        self.identities = home.identities
        self.editor = SchoolEditor(self.school_file)
        self.settings = settings.load(self.config)
        self.engine: Engine = open_database(self.settings.bridge.state)
        self.numbers = iter(range(10**6, 10**9))
        self.tables: dict[str, list[dict[str, Any]]] = {}

    @property
    def school_file(self) -> Path:
        return self.folder / f"{CODE}.fdb"

    @property
    def registry(self) -> Registry:
        return self.truth.registry

    def close(self) -> None:
        self.engine.dispose()

    # --- runs --------------------------------------------------------------------------------------------------------

    def run(self, how: str, kill: Kill = NO_KILL) -> Ended:
        assert self.forker is not None
        return self.forker.run(self.config, how, kill)

    # --- what the school's database says -----------------------------------------------------------------------------

    def look(self) -> None:
        """Let the oracle see the school's file as it is now."""
        self.tables = read_tables(self.school_file)
        classes = {row["ID"]: f"{row['PARALLEL']}{decoded(row['LETTER'])}" for row in self.tables["SCHOOL_CLASS"]}
        students = {
            str(row["ID"]): Student(
                str(row["ID"]),
                row["BIRTH_DATE"],
                [
                    Stay(classes[stay["CLASS_ID"]], stay["DATE_FROM"], stay["DATE_TO"])
                    for stay in self.tables["ENROLMENT"]
                    if stay["STUDENT_ID"] == row["ID"]
                ],
            )
            for row in self.tables["STUDENT"]
        }
        at = now()
        judged = judge(self.tables, [], code=CODE, now=at).records
        records = [(str(key.student_id), record) for key, record in judged.items()]
        self.truth.school.append(SchoolSays(at, students, records))

    # --- the registry, on both sides ---------------------------------------------------------------------------------

    def record(self, act: Callable[[Connection, Actor], object], told: Callable[[datetime], object]) -> None:
        """Do something in the registry, in its turn; then tell the oracle, with the same moment."""
        with writing(self.engine) as connection:
            gate(connection, CODE)
            at = now()
            act(connection, Actor("clerk", at, MOSCOW))
        told(at)

    def take_in(self, rows: Sequence[dict[str, str]]) -> None:
        """Take in a register with these rows."""
        file = self.folder / "rows.csv"
        with file.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, COLUMNS, delimiter=";", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        read = consent_registry.register.file.read_register(file, two_persons=True)
        vault = open_vault(self.settings, self.engine)

        def act(connection: Connection, actor: Actor) -> None:
            import_register(
                connection,
                read,
                identities=lambda _: self.identities,
                vault=vault,
                new_id=random_id,
                now=actor.now,
                by="operator",
                timezone=MOSCOW,
            )

        def told(at: datetime) -> None:
            for row in rows:
                self.registry.import_row(self._as_row(row), random_id(), at, "operator")

        self.record(act, told)

    def _as_row(self, row: dict[str, str]) -> Row:
        submitted = _moment(row["submitted_at"])
        assert submitted is not None
        signed, version = _day(row["consent_signed_on"]), row["consent_text_version"]
        paper = Paper(
            "",
            version or None,
            signed,
            _day(row["in_force_from"]),
            _day(row["in_force_to"]),
            _day(row["records_from"]),
            _day(row["records_to"]),
            frozenset(row["kinds"].split()) or EVERY_KIND,
        )
        return Row(
            str(student_of(row, self.tables["STUDENT"])),
            row["account_id"],
            row["relation"],
            submitted,
            _moment(row["identified_at"]),
            paper if signed or version else None,
            _moment(row["registered_at"]),
            _moment(row["withdrawn_at"]),
            _day(row["restricted_from"]),
            _day(row["restricted_to"]),
        )

    # --- what came of it ---------------------------------------------------------------------------------------------

    def portal_rows(self, query: str) -> list[tuple]:
        """Read the portal's own file, with nothing of the product between."""
        with contextlib.closing(sqlite3.connect(self.folder / "portal" / "portal.sqlite")) as connection:
            return connection.execute(query).fetchall()

    def students_by_ref(self) -> dict[str, str]:
        with reading(self.engine) as connection:
            return {row.student_ref: row.student_key for row in connection.execute(STUDENT_REF.select())}

    def shown(self) -> Counter[Shown]:
        """Return what the portal shows, student by student."""
        whose = self.students_by_ref()
        rows = self.portal_rows(
            "SELECT student_ref, kind, subject, date, lesson_number, value, weight, work, comment, entered_at"
            " FROM holding WHERE withdrawn = 0"
        )
        return Counter(
            (
                whose[ref], kind, subject, day, lesson, value,
                None if weight is None else Decimal(weight), work, comment,
                None if entered is None else datetime.fromisoformat(entered).astimezone(UTC).isoformat(),
            )
            for ref, kind, subject, day, lesson, value, weight, work, comment, entered in rows
        )  # fmt: skip

    def open_links(self) -> Counter[tuple[Key, tuple[object, ...]]]:
        """Return the portal's open links with their terms."""
        whose = self.students_by_ref()
        rows = self.portal_rows(
            "SELECT student_ref, account_id, valid_to, records_from, records_to, kinds FROM link WHERE active = 1"
        )
        return Counter(
            ((whose[ref], account), (valid_to, first, last, frozenset(kinds.split())))
            for ref, account, valid_to, first, last, kinds in rows
        )

    def portal_record(self) -> PortalRecord:
        history = [
            Said(*row[:6], json.loads(row[6]))
            for row in self.portal_rows(
                "SELECT sequence, at, act, subject_id, revision, batch_id, content FROM history ORDER BY sequence"
            )
        ]
        exposures = [
            Seen(*row)
            for row in self.portal_rows(
                "SELECT at, account_id, link_id, record_id, revision, student_ref, kind, date FROM exposure"
            )
        ]
        receipts = dict(self.portal_rows("SELECT batch_id, accepted FROM receipt"))
        asked = self.portal_rows(
            "SELECT at FROM request_log WHERE operation = 'GetReceipt' AND outcome = 'UnknownBatch'"
        )
        unknown = [datetime.fromisoformat(at) for (at,) in asked]
        return PortalRecord(history, exposures, receipts, unknown, self.students_by_ref())

    def given_up(self) -> dict[str, tuple[datetime, datetime]]:
        """Return the batches that were closed as never arrived, though asked for: when stored, and when closed."""
        with reading(self.engine) as connection:
            closed = connection.execute(BATCH.select().where(BATCH.c.error_code == "never-arrived"))
            return {row.batch_id: (row.created_at, row.settled_at) for row in closed}

    def log_entries(self) -> list[dict[str, Any]]:
        log = open_audit_log(self.settings, self.engine)
        entries = [json.loads(line) for line in log.entries()]
        log.close()
        return entries

    def open_batches(self) -> int:
        with reading(self.engine) as connection:
            return len(connection.execute(BATCH.select().where(BATCH.c.state == "open")).all())


def terms(paper: Paper) -> tuple[object, ...]:
    """Return a consent's terms as the portal must have them of a link."""
    iso = [day and day.isoformat() for day in (paper.in_force_to, paper.records_from, paper.records_to)]
    return (*iso, paper.kinds)


@contextlib.contextmanager
def living(home: Home, folder: Path, forker: Forker) -> Iterator[SchoolLife]:
    """Give a school that begins where `home` stands, and a portal for it; both are gone afterwards."""
    shutil.copytree(home.folder, folder)
    with forker.portal(folder / "portal") as url:
        config = folder / "bridge.toml"
        config.write_text(config.read_text().replace("https://127.0.0.1:1/", url))
        life = SchoolLife(home, folder, forker)
        try:
            life.look()
            yield life
        finally:
            life.close()
    shutil.rmtree(folder)
