"""A registry in a database of its own, a school of four students, and register files to feed it with."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from sqlalchemy.engine import Engine

from consent_registry.acts import Actor, withdraw
from consent_registry.fact_store import CaseEvent, states
from consent_registry.facts import CaseState
from consent_registry.register.file import COLUMNS, read_register
from consent_registry.register.registration import ImportSummary, import_register
from consent_registry.sealed.vault import Vault
from database import open_database, reading, upgrade, writing
from journal.school import StudentIdentity

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
STUDENTS = (
    StudentIdentity("1017", "Ёлкина", "Мария", "Петровна", date(2014, 3, 9)),
    StudentIdentity("1018", "Соколов", "Илья", "Олегович", date(2010, 12, 24)),
    StudentIdentity("1019", "Иванов", "Пётр", "Ильич", date(2013, 1, 2)),
    StudentIdentity("1020", "Иванов", "Пётр", "Олегович", date(2013, 1, 2)),
    StudentIdentity("1021", "Тихая", "Анна", None, None),
)
FULL = {
    "school": "0252",
    "student_id": "1017",
    "student_last_name": "Ёлкина",
    "student_first_name": "Мария",
    "student_middle_name": "Петровна",
    "student_birth_date": "2014-03-09",
    "account_id": "pa-55810",
    "parent_last_name": "Ёлкин",
    "parent_first_name": "Пётр",
    "parent_middle_name": "Андреевич",
    "email": "elkin@example.org",
    "relation": "parent",
    "submitted_at": "2026-09-02T10:15:00+03:00",
    "identified_at": "2026-09-03T15:40:00+03:00",
    "identified_by": "Секретарь 1",
    "document_kind": "паспорт",
    "consent_text_version": "2025-09",
    "consent_signed_on": "2026-09-03",
    "registered_at": "2026-09-04T09:00:00+03:00",
    "registered_by": "Завуч 2",
    "in_force_from": "2026-09-04",
    "records_from": "2026-09-01",
}


def lines(rows: Sequence[dict[str, object]], columns: Sequence[str] = COLUMNS) -> list[list[object]]:
    return [list(columns), *([row.get(column, "") for column in columns] for row in rows)]


def as_csv(table: Sequence[Sequence[object]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(table)
    return out.getvalue()


MOSCOW = ZoneInfo("Europe/Moscow")


@dataclass
class Files:
    folder: Path
    numbers: Iterator[int] = field(default_factory=count)

    def csv(self, rows: Sequence[dict[str, object]], encoding: str = "utf-8") -> Path:
        return self.raw(as_csv(lines(rows)).encode(encoding))

    def raw(self, content: bytes, suffix: str = ".csv") -> Path:
        path = self.folder / f"register-{next(self.numbers)}{suffix}"
        path.write_bytes(content)
        return path

    def xlsx(self, table: Sequence[Sequence[object]]) -> Path:
        path = self.folder / f"register-{next(self.numbers)}.xlsx"
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        for line in table:
            sheet.append(list(line))
        book.save(path)
        return path


@dataclass
class Registry:
    engine: Engine
    files: Files
    vault: Vault = field(default_factory=lambda: Vault(bytes(range(32))))
    now: datetime = NOW
    texts: set[str] | None = None
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def take(self, *rows: dict[str, object]) -> ImportSummary:
        """Import these rows as one register file."""
        register = read_register(self.files.csv(rows), two_persons=True)
        self.now += timedelta(minutes=1)
        with writing(self.engine) as connection:
            return import_register(
                connection,
                register,
                identities=lambda school: STUDENTS if school in {"0252", "0253"} else None,
                vault=self.vault,
                new_id=lambda: f"id-{next(self.ids)}",
                now=self.now,
                by="operator",
                timezone=MOSCOW,
                texts=self.texts,
            )

    def withdraw(self, at: datetime | None = None, student: str = "1017") -> CaseEvent | None:
        self.now += timedelta(minutes=1)
        with writing(self.engine) as connection:
            account = str(FULL["account_id"])
            return withdraw(connection, "0252", student, account, at=at or self.now, actor=self.actor)

    @property
    def actor(self) -> Actor:
        return Actor("operator", self.now, MOSCOW)

    def states(self, school: str = "0252", known_at: datetime | None = None) -> list[CaseState]:
        with reading(self.engine) as connection:
            return states(connection, school, at=self.now, known_at=known_at)

    @property
    def only(self) -> CaseState:
        (state,) = self.states()
        return state


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def registry(tmp_path: Path, files: Files) -> Iterator[Registry]:
    engine = open_database(f"sqlite:///{tmp_path}/bridge.db")
    upgrade(engine)
    yield Registry(engine, files)
    engine.dispose()


@pytest.fixture
def row() -> dict[str, object]:
    """A row that went the whole way."""
    return dict(FULL)
