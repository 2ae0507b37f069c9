"""One link of a made-up school, and the commands that speak of it; what they recorded is read past them."""

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Engine
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld

import settings
from commands.application_desk import students_of
from consent_registry.fact_store import CaseFacts, case_facts
from consent_registry.facts import CaseState
from consent_registry.register.file import COLUMNS
from database import open_database, reading
from flows.assembly import open_audit_log

TODAY = datetime.now(ZoneInfo("Europe/Moscow")).date()
"""The installation's day."""


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def moment(days: int) -> str:
    """Return noon of a day so many days ago, as a register writes it."""
    return f"{days_ago(days)}T12:00:00+03:00"


FULL = {
    "school": "0252",
    "parent_first_name": "Пётр",
    "relation": "parent",
    "submitted_at": moment(82),
    "identified_at": moment(81),
    "identified_by": "Секретарь 1",
    "document_kind": "паспорт",
    "consent_text_version": "2025-09",
    "consent_signed_on": days_ago(81).isoformat(),
    "registered_at": moment(80),
    "registered_by": "Завуч 2",
    "in_force_from": days_ago(80).isoformat(),
    "records_from": days_ago(80).isoformat(),
}
"""A link that went the whole way, but for its student, account and last name."""


def register_file(path: Path, *rows: Mapping[str, str]) -> Path:
    """Write a register."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass
class Desk:
    """The link, and the installation that it is in; `run` as the fixture gives it."""

    run: Run
    world: RealWorld
    student: str
    account: str

    def take(self, **changes: str) -> Ended:
        """Bring the link in with a register."""
        row = FULL | {"student_id": self.student, "account_id": self.account, "parent_last_name": self.account}
        file = register_file(self.world.folder / f"{self.account}.csv", row | changes)
        return self.run("--config", self.world.config, "registry", "import", file)

    def __call__(self, command: str, *arguments: object, **changed: str) -> Ended:
        """Run `dnevnik registry COMMAND` on the link."""
        which = {"school": "0252", "student": self.student, "account": self.account} | changed
        options = [word for name, value in which.items() for word in (f"--{name}", value)]
        return self.run("--config", self.world.config, "registry", command, *options, *arguments)

    @contextmanager
    def database(self) -> Iterator[Engine]:
        """Open the bridge's own database."""
        engine = open_database(settings.load(self.world.config).bridge.state)
        yield engine
        engine.dispose()

    def case(self) -> CaseFacts:
        with self.database() as engine, reading(engine) as connection:
            cases = case_facts(connection, "0252", [self.student])
        return next(case for case in cases if case.key.account_id == self.account)

    def state(self) -> CaseState:
        return self.case().at(datetime.now(UTC))

    def events(self) -> list[str]:
        """Return what the audit log tells of the registry."""
        with self.database() as engine:
            log = open_audit_log(settings.load(self.world.config), engine)
            entries = [json.loads(line) for line in log.entries()]
            log.close()
        return [entry["event"] for entry in entries if entry["kind"] == "consent-event"]

    def everything(self) -> tuple[object, ...]:
        return self.case().facts, self.events()


def minors(world: RealWorld) -> list[str]:
    """Return the ids of students who are enrolled today and will not be of age soon."""
    students = students_of(settings.load(world.config), "0252", datetime.now(UTC))
    born_after = TODAY - timedelta(days=17 * 365)
    return [one.student_key for one in students if one.class_name and one.birth_date and one.birth_date > born_after]
