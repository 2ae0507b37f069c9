"""Ten thousand rows with fields damaged at random: nothing breaks, and no record says what the journal doesn't.

What is found odd besides drops no record and changes none. The oracle reads each raw field by itself, in plain Python,
and says of each row what its record would be, or that it must be set aside. A field of a row, or of the lesson or work
that it leads to, may be anything.
"""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from fakes.raw_journal import raw_journal

from journal.frames import FINDINGS, RECORDS, SET_ASIDE, WARNINGS
from journal.school import SchoolReading, Window
from mappings.profile import Profile, load_profile
from mappings.raw import SPOILT_TEXT
from mappings.reasons import CATALOGUE, RecordWarning, Severity
from mappings.records import to_reading

ZONE = ZoneInfo("Europe/Berlin")  # a zone with repeated and missing hours
TODAY = date(2026, 11, 25)
PROFILE = load_profile("paragraf")
ROWS = 10_000
JUNK = (
    None, "", " ", "x", "-", b"\x98", b"\xff\xfe", "\x00", "\ud800", 10**30, -1, 0, 1.5, float("nan"), float("inf"),
    Decimal("NaN"), "2026-13-45", "2026-10-01junk", "0000-00-00", "9999-99-99", "2026-10-25 02:30:00", "т" * 5000,
    True, b"", "NULL", "1e400", SPOILT_TEXT, datetime(2026, 10, 1, tzinfo=UTC), "2026-03-29 02:30:00", 405, "405", "17",
)  # fmt: skip
QUALITY = frozenset(map(str, RecordWarning)) - {"period-mark-repeated", "no-school-day"} | {
    "birth-date-missing",
    "lesson-missing",
}
"""What is found in these rows, whatever the seed."""
SIGNS = {401: "1", 402: "2", 403: "3", 404: "4", 405: "5"}


def damaged(rng: random.Random, rows: list[tuple], share: float) -> list[tuple]:
    return [tuple(rng.choice(JUNK) if rng.random() < share else value for value in row) if row else row for row in rows]


def make(seed: int) -> dict[str, list[tuple]]:
    rng = random.Random(seed)  # noqa: S311  rows for a test
    day = date(2026, 9, 1)
    lessons = [
        (n, 1 + n % 4, str(day + timedelta(days=n % 80)), n % 9, 0) for n in range(1, 1001)
    ]  # fmt: skip
    controls = [(n, n, 1 + n % 3, ("1.5", "2", None)[n % 3]) for n in range(1, 1001)]
    marks = [
        (
            n,
            1 + n % 1000,
            1 + (n // 1000),
            401 + n % 5,
            ("Молодец", None)[n % 2],
            f"2026-10-{1 + n % 28:02} 10:0{n % 10}:00",
        )
        for n in range(1, ROWS + 1)
    ]
    return {
        "students": [(n, "2014-03-09" if n % 5 else None) for n in range(1, 13)],
        "enrolments": damaged(rng, [(n, "2026-09-01", None, 5, "А") for n in range(1, 13)], 0.03)
        + damaged(rng, [(n, "2026-09-01", "2026-10-01", 5, "Б") for n in range(1, 13, 4)], 0.2),
        "subjects": [(n, f"Предмет {n}") for n in range(1, 5)],
        "journals": [(n, n, *damaged(rng, [(n, 5, "АБ"[n % 2], 70 + n)], 0.1)[0]) for n in range(1, 5)],
        "control_types": [(n, f"Работа {n}") for n in range(1, 4)],
        "mark_types": [*SIGNS.items(), (501, "н"), (502, "б"), (503, "оп")],
        "members": [(journal, student, "2026-09-01", None) for journal in range(1, 5) for student in range(1, 12)],
        "periods": damaged(rng, [(n, 1, f"Период {n}", "2026-09-01", f"2026-10-{20 + n}") for n in range(1, 4)], 0.05),
        "lessons": damaged(rng, lessons, 0.03),
        "controls": damaged(rng, controls, 0.03),
        "marks": damaged(rng, marks, 0.03),
        "absences": damaged(rng, [(n, 1 + n % 250, 1 + n % 250 % 12, 501 + n % 3, None) for n in range(1, 500)], 0.03),
        "period_marks": damaged(rng, [(n, 1 + n % 4, 1 + n % 3, 1 + n % 12, 405, None) for n in range(1, 100)], 0.05),
    }


def whole(value: object) -> str | None:
    """Return a key as the text that it is; None where it names nothing."""
    if value is None or value is SPOILT_TEXT or str(value).lower() in {"nan", "inf"}:
        return None
    if isinstance(value, bytes):
        return value.decode("cp1251", "backslashreplace").rstrip(" ")
    return str(value).rstrip(" ")


def integer(value: object) -> int | None:
    try:
        number = Decimal(int(value) if isinstance(value, bool) else str(value).strip())
        return int(number) if number == int(number) and abs(number) < 2**63 else None
    except (InvalidOperation, ValueError, OverflowError):
        return None


def moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo is None else None
    if not isinstance(value, str) or len(value.strip()) not in (10, 16, 19):
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None


def text(value: object) -> str | None:
    """Return a text, "" for none, None where it can't be read."""
    if value is None or value != value:  # noqa: PLR0124  NaN is not itself
        return ""
    if isinstance(value, bytes):
        try:
            value = value.decode("cp1251")
        except UnicodeDecodeError:
            return None
    if value is SPOILT_TEXT:
        return None
    written = str(value)
    return None if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in written) else written.strip()


def stays(tables: dict[str, list[tuple]]) -> dict[object, list[tuple[date, date]]]:
    found: dict[object, list[tuple[date, date]]] = {}
    for student, first, last, *_ in tables["enrolments"]:
        start, end = moment(first), date.max if last is None else moment(last)
        if whole(student) is not None and start is not None and end is not None:
            last_day = end if isinstance(end, date) and end == date.max else end.date()
            found.setdefault(whole(student), []).append((start.date(), last_day))
    return found


def expected(tables: dict[str, list[tuple]]) -> dict[str, tuple]:
    """Return the record of each mark that must become one, by its source key."""

    def by_key(rows: list[tuple]) -> dict[object, tuple]:
        found: dict[object, tuple] = {}
        for row in rows:
            if whole(row[0]) is not None:
                found.setdefault(whole(row[0]), row)
        return found

    lessons, controls, enrolled = by_key(tables["lessons"]), by_key(tables["controls"]), stays(tables)
    keys = Counter(whole(row[0]) for row in tables["marks"])
    pairs = Counter((whole(row[1]), whole(row[2])) for row in tables["marks"])
    records = {}
    for key, control_key, student, code, note, at in tables["marks"]:
        control = controls.get(whole(control_key))
        lesson = lessons.get(whole(control[1])) if control else None
        held = moment(lesson[2]) if lesson else None
        if held is None or whole(key) is None or keys[whole(key)] > 1 or pairs[whole(control_key), whole(student)] > 1:
            continue
        here = any(first <= held.date() <= last for first, last in enrolled.get(whole(student), ()))
        sign = SIGNS.get(integer(code) or 0) if whole(code) in {str(c) for c in SIGNS} else None
        if sign is None or not here or held.date() > TODAY:
            continue
        subject = int(whole(lesson[1])) if whole(lesson[1]) in {"1", "2", "3", "4"} else None
        if subject is None or lesson[4] is None or integer(lesson[4]) != 0:
            continue
        number = integer(lesson[3])
        comment = text(note)
        entered = moment(at)
        records[f"mark:{whole(key)}"] = (
            whole(student), f"Предмет {subject}", held.date(),
            number if number is not None and 0 <= number <= 255 else None, sign,
            comment if comment and len(comment) <= 4000 else None,
            None if entered is None or not 1970 <= entered.year < 2100
            else entered.replace(microsecond=0, tzinfo=ZONE).astimezone(UTC),
        )  # fmt: skip
    return records


def read(tables: dict[str, list[tuple]], profile: Profile = PROFILE) -> SchoolReading:
    return to_reading(
        raw_journal(**tables), profile, school="0252", window=Window(date(2026, 9, 1), date(2027, 8, 31)),
        today=TODAY, timezone=ZONE,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_damaged_rows_break_nothing_and_make_no_wrong_record(seed: int) -> None:
    tables = make(seed)
    reading = read(tables)
    for schema, frame in (
        (RECORDS, reading.records), (SET_ASIDE, reading.set_aside), (WARNINGS, reading.warnings),
        (FINDINGS, reading.findings),
    ):  # fmt: skip
        schema.validate(frame)
    assert reading.rows_read == sum(len(tables[name]) for name in ("marks", "absences", "period_marks"))
    made = {
        row.source_key: (
            row.student_key, row.subject, row.date.date(), None if pd.isna(row.lesson_number) else row.lesson_number,
            row.value, None if pd.isna(row.comment) else row.comment,
            None if pd.isna(row.entered_at) else row.entered_at.to_pydatetime(),
        )
        for row in reading.records.itertuples()
        if row.source_key.startswith("mark:")
    }  # fmt: skip
    right = expected(tables)
    assert {key: record for key, record in made.items() if right.get(key) != record} == {}
    assert right.keys() == made.keys()
    assert ROWS // 2 < len(made) < ROWS
    held_to_their_findings(tables, reading)


def held_to_their_findings(tables: dict[str, list[tuple]], reading: SchoolReading) -> None:
    """Each row set aside has its one finding, a warning changes nothing, and every sort of warning is among them."""
    findings = reading.findings
    errors = findings["code"].isin([code for code, one in CATALOGUE.items() if one.severity is Severity.ERROR])
    assert findings["source_key"][errors].tolist() == reading.set_aside["source_key"].tolist()
    assert set(findings["code"]) >= QUALITY
    deaf = replace(PROFILE, codes=replace(PROFILE.codes, silent=frozenset(RecordWarning)))
    silent = read(tables, deaf)
    pd.testing.assert_frame_equal(silent.records, reading.records)
    pd.testing.assert_frame_equal(silent.set_aside, reading.set_aside)
    assert len(silent.warnings) == 0
