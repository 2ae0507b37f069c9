"""A tiny school in a real Firebird database, made from the contract's own tables."""

import re
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from firebird.driver import create_database

from connectors.school.embedded import use_embedded_firebird
from connectors.school.read import SchoolSource, read_school
from journal.school import SchoolReading, Window
from mappings.profile import Profile, load_profile

TABLES_SQL = Path(__file__).parents[2] / "sandbox" / "journal-firebird.sql"

ROWS: dict[str, list[tuple[object, ...]]] = {
    "SCHOOL": [(1, "0252", "Школа")],
    "SCHOOL_CLASS": [(1, 2026, 5, "А"), (2, 2026, 6, "Б")],
    "STUDENT": [
        (1017, "Ёлкина", "Мария", "Петровна", "2014-03-09", None),
        (1018, "Соколов", "Илья", None, None, "К-1"),
    ],
    "ENROLMENT": [(1, 1017, 1, "2026-09-01", None), (2, 1018, 2, "2026-09-01", "2026-10-15")],
    "TEACHER": [(1, "Учителева", "Анна", None)],
    "SUBJECT": [(1, "Алгебра"), (2, b"\x98")],
    "JOURNAL": [(1, 1, 1, None, 1), (2, 1, 2, None, 1)],
    "JOURNAL_MEMBER": [(1, 1017, "2026-09-01", None), (2, 1017, "2026-09-01", None)],
    "LESSON": [
        (1, 1, "2026-10-01", 2, None, None, None, 0),
        (2, 2, "2026-10-01", 3, None, None, None, 0),
        (3, 1, "2026-10-20", None, None, None, None, 0),
        (4, 1, "2026-08-31", 1, None, None, None, 0),
    ],
    "CONTROL": [(1, 1, 1, "1.5"), (2, 2, 2, None), (3, 3, 3, "-0.25"), (4, 4, 1, "1")],
    "MARK": [
        (1, 1, 1017, 405, "Молодец ", "2026-10-01 10:00:00.1234", "2026-10-01 10:00:00"),
        (2, 2, 1017, 404, None, "2026-10-01 10:00:00", "2026-10-01 10:00:00"),
        (3, 3, 1017, 601, b"\x98", "2026-10-20 23:59:59.9999", "2026-10-20 10:00:00"),
        (4, 3, 1018, 403, None, "2026-10-20 10:00:00", "2026-10-20 10:00:00"),
        (5, 4, 1017, 405, None, "2026-08-31 10:00:00", "2026-08-31 10:00:00"),
    ],
    "ABSENCE": [(1, 1, 1018, 502, "2026-10-01 09:00:00")],
    "PERIOD": [(1, 2026, 1, "1 четверть", "2026-09-01", "2026-10-25"), (2, 2026, 3, "Год", "2026-09-01", "2027-05-25")],
    "PERIOD_MARK": [(1, 1, 1, 1018, 404, "2026-10-25 12:00:00"), (2, 1, 2, 1017, 405, "2026-10-25 12:00:00")],
}
WINDOW = Window(date(2026, 9, 1), date(2027, 8, 31))
TODAY = date(2026, 11, 25)


def statements() -> list[str]:
    """Return the contract's statements, one by one."""
    text = re.sub(r"^--.*$", "", TABLES_SQL.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [part.strip() for part in re.split(r";\s*$", text, flags=re.MULTILINE) if part.strip()]


def fill(path: Path, rows: dict[str, list[tuple[object, ...]]]) -> None:
    """Make a Firebird file of the contract's tables with these rows; bytes go in as they are."""
    use_embedded_firebird()
    connection = create_database(str(path), user="SYSDBA", charset="WIN1251")
    try:
        connection.execute_immediate("ALTER DATABASE SET DEFAULT CHARACTER SET WIN1251")
        connection.commit()
        for statement in statements():
            connection.execute_immediate(statement)
            connection.commit()
        cursor = connection.cursor()
        for table, given in rows.items():
            for row in given:
                cursor.execute(*insert(table, row))
        cursor.close()
        connection.commit()
    finally:
        connection.close()


def insert(table: str, row: Sequence[object]) -> tuple[str, list[object]]:
    """Return the INSERT of a row and its values; a bytes value is cast from OCTETS."""
    marks = ", ".join(
        "CAST(? AS VARCHAR(100) CHARACTER SET OCTETS)" if isinstance(value, bytes) else "?" for value in row
    )
    return f"INSERT INTO {table} VALUES ({marks})", list(row)  # noqa: S608  the tables stand above


@pytest.fixture(scope="session")
def made_school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("school") / "school.fdb"
    fill(path, ROWS)
    return path


@pytest.fixture
def school_file(made_school: Path, tmp_path: Path) -> Path:
    """A school's database file of one's own."""
    return Path(shutil.copy(made_school, tmp_path / "school.fdb"))


@pytest.fixture(scope="session")
def profile() -> Profile:
    return load_profile("paragraf")


class Reader:
    """Reads a source as the bridge would."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def __call__(
        self, url: str | Path, password: str | None = None, *, code: str = "0252", window: Window = WINDOW
    ) -> SchoolReading:
        source = SchoolSource(f"file:{url}" if isinstance(url, Path) else url, password)
        zone = ZoneInfo("Europe/Moscow")
        return read_school(source, self.profile, code=code, window=window, today=TODAY, timezone=zone)


@pytest.fixture
def read(profile: Profile) -> Reader:
    return Reader(profile)
