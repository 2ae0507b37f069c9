"""Schools whose lessons are all that matters: journals of classes and teachers in SQLite files, and an installation.

The oracle reads a school's file with SQL of its own, row by row, and says of each lesson where it stands
(`oracle.actuality_oracle`); it knows nothing of the profile, of frames, or of the bridge's calendar.
"""

import random
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

from connectors_school.five_ways import plain, schema
from oracle.actuality_oracle import Lesson, stands

from audit.keys import create_signing_key
from consent_registry.sealed.vault import create_master_key

FIRST, DAYS = date(2023, 9, 1), 60
WITHIN = 2
CONFIG = """
[bridge]
language = "{language}"
timezone = "Europe/Moscow"
[portal]
url = "https://portal.example"
client_certificate = "file:none.pem"
signing_key = "file:none.pem"
authorities = "file:none.pem"
[audit]
signing_key = "file:signing.pem"
master_key = "file:master.key"
[actuality]
lesson_filled_within_days = 2
target = 0.95
calendar = "days.toml"
"""
SCHOOL = """
[[school]]
code = "{code}"
name = "Школа {code}"
source = "{source}"
profile = "{profile}"
"""
CALENDAR = """
week = 6
[2023]
vacations = ["2023-10-28/2023-11-05"]
days_off = ["2023-09-15"]
school_days = ["2023-09-17"]
"""
CLASSES = [(1, 2023, 5, "А"), (2, 2023, 10, "Б"), (3, 2023, 5, "Б")]
SUBJECTS = ["Алгебра", "Физика [углублённо]", "=2+5"]
JOURNALS = [(1, 1, 1, None, 7), (2, 1, 2, None, 8), (3, 2, 1, None, 8), (4, 3, 3, 1, 9), (5, 3, 3, 2, 7)]


def taught(day: date) -> bool:
    """Tell whether the calendar above has lessons on a day, said by the list of its days."""
    if day in {date(2023, 9, 15), date(2023, 11, 4)} or date(2023, 10, 28) <= day <= date(2023, 11, 5):
        return False
    return day == date(2023, 9, 17) or day.isoweekday() != 7


SCHOOL_DAYS = frozenset(day for n in range(120) if taught(day := FIRST + timedelta(days=n)))


def random_lessons(seed: int, count: int = 60) -> list[tuple[object, ...]]:
    """Return rows of LESSON: filled in early, late, never, by the hour; some cancelled, some of it damaged."""
    chance = random.Random(seed)  # noqa: S311  rows for a test
    rows: list[tuple[object, ...]] = [
        (1, 1, str(FIRST), 1, None, None, f"{FIRST} 12:00:00", 0),  # a column needs one field that can be read
    ]
    for number in range(2, count + 1):
        day = FIRST + timedelta(days=chance.randrange(DAYS))
        after = timedelta(days=chance.choice([0, 0, 0, 1, 1, 2, 2, 3, 4, 9]), hours=chance.randrange(24))
        filled: object = datetime.combine(day, datetime.min.time()) + after - timedelta(days=chance.random() < 0.1)
        filled = chance.choice([None, "24 сентября", f"{filled}Z"]) if chance.random() < 0.2 else str(filled)
        cancelled = chance.choice([0, 0, 0, 0, 0, 0, 1, "нет"])
        journal = chance.choice([1, 2, 3, 4, 5, 99])
        rows.append((number, journal, str(day), chance.choice([None, 1, 8]), "", "", filled, cancelled))
    return rows


def write_lessons(path: Path, lessons: list[tuple[object, ...]]) -> None:
    """Make a school with these lessons."""
    tables: dict[str, list[tuple[object, ...]]] = {
        "SCHOOL": [(1, path.stem, "Школа")],
        "SCHOOL_CLASS": list(CLASSES),
        "SUBJECT": [(n, name) for n, name in enumerate(SUBJECTS, 1)],
        "JOURNAL": list(JOURNALS),
        "LESSON": lessons,
    }
    with closing(sqlite3.connect(path)) as connection, connection:
        for text in schema():
            connection.execute(text)
        for table, rows in tables.items():
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", [tuple(map(plain, row)) for row in rows])  # noqa: S608  names of ours


def installation(folder: Path, sources: dict[str, tuple[str, str]], *, language: str = "en") -> Path:
    """Write a bridge.toml of these schools (code: source and profile), its calendar and keys that are always alike."""
    (folder / "signing.pem").write_bytes(create_signing_key())
    (folder / "master.key").write_bytes(create_master_key(lambda size: b"m" * size))
    for name in ("signing.pem", "master.key"):
        (folder / name).chmod(0o600)
    (folder / "days.toml").write_text(CALENDAR, "utf-8")
    text = CONFIG.format(language=language)
    for code, (source, profile) in sources.items():
        text += SCHOOL.format(code=code, source=source, profile=profile)
    (folder / "bridge.toml").write_text(text, "utf-8")
    return folder / "bridge.toml"


def judged(path: Path, as_of: date) -> list[dict[str, object]]:
    """Return each lesson of a school's file: what it belongs to, and where it stands on `as_of`."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        journals = {row["ID"]: row for row in connection.execute("SELECT * FROM JOURNAL")}
        classes = {
            row["ID"]: f"{row['PARALLEL']}{row['LETTER']}" for row in connection.execute("SELECT * FROM SCHOOL_CLASS")
        }
        subjects = {row["ID"]: row["NAME"] for row in connection.execute("SELECT * FROM SUBJECT")}
        found = []
        for row in connection.execute("SELECT * FROM LESSON"):
            day, filled, unclear = date.fromisoformat(row["LESSON_DATE"]), None, row["CANCELLED"] not in {0, 1}
            if row["FILLED_AT"] is not None:
                try:
                    filled = datetime.strptime(row["FILLED_AT"], "%Y-%m-%d %H:%M:%S").date()  # noqa: DTZ007  local
                except ValueError:
                    unclear = True
            lesson = Lesson(day, filled, cancelled=row["CANCELLED"] == 1, unclear=unclear)
            journal = journals.get(row["JOURNAL_ID"])
            found.append(
                {
                    "lesson": str(row["ID"]),
                    "class": classes[journal["CLASS_ID"]] if journal else None,
                    "subject": subjects[journal["SUBJECT_ID"]] if journal else None,
                    "teacher": journal["TEACHER_ID"] if journal else None,
                    "week": str(day - timedelta(days=day.weekday())),
                    "standing": stands(lesson, as_of, WITHIN, SCHOOL_DAYS),
                }
            )
    return found


def by_group(lessons: list[dict[str, object]], key: str) -> dict[object, Counter[object]]:
    """Return how many lessons of each standing each group has."""
    groups: dict[object, Counter[object]] = {}
    for lesson in lessons:
        groups.setdefault(lesson[key], Counter())[lesson["standing"]] += 1
    return groups
