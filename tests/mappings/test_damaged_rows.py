"""More than ten thousand rows damaged at random: nothing breaks, and no record says what the journal doesn't.

What is found odd besides drops no record and changes none. The oracle reads each raw field by itself, in plain Python,
and says of each row what its record would be, or that it must be set aside. A field of a row, or of the lesson or work
that it leads to, may be anything.
"""

import os
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any
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
FEW = range(3)
SEEDS = range(200) if os.environ.get("DNEVNIK_SOAK") == "1" else FEW
DAMAGED = 3_400
"""So many of a seed's rows at least are damaged, or lead to a damaged lesson, work or period: of three seeds 10,000."""
JUNK = (
    None, "", " ", "x", "-", b"\x98", b"\xff\xfe", "\x00", "\ud800", 10**30, -1, 0, 1.5, float("nan"), float("inf"),
    Decimal("NaN"), "2026-13-45", "2026-10-01junk", "0000-00-00", "9999-99-99", "2026-10-25 02:30:00", "т" * 5000,
    b"", "NULL", "1e400", SPOILT_TEXT, datetime(2026, 10, 1, tzinfo=UTC), "2026-03-29 02:30:00", 405, "405", "17",
)  # fmt: skip
KEYS = tuple(one for one in JUNK if one != 10**30)
"""What may stand where few rows are: a number that no database holds is no key among numbers, but one among texts."""
QUALITY = frozenset(map(str, RecordWarning)) - {"period-mark-repeated", "no-school-day"} | {
    "birth-date-missing",
    "lesson-missing",
}
"""What is found in the rows of each of the few seeds."""
ABSENCES = {501: ("absence", "н"), 502: ("absence", "б"), 503: ("late", "оп")}
PERIOD_KINDS = {"1": "period", "2": "period", "3": "annual", "4": "exam", "5": "final"}
SIGNS = {401: "1", 402: "2", 403: "3", 404: "4", 405: "5"}


def damaged(rng: random.Random, rows: list[tuple], share: float, junk: tuple[object, ...] = JUNK) -> list[tuple]:
    return [tuple(rng.choice(junk) if rng.random() < share else value for value in row) if row else row for row in rows]


def make(seed: int, share: float = 1.0) -> dict[str, list[tuple]]:
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
    absences = [(n, 1 + n % 250, 1 + n % 250 % 12, 501 + n % 3, None) for n in range(1, 500)]
    period_marks = [(n, 1 + n % 4, 1 + n % 3, 1 + n % 12, 405, None) for n in range(1, 100)]
    periods = [(n, 1, f"Период {n}", "2026-09-01", f"2026-10-{20 + n}") for n in range(1, 4)]
    return {
        "students": [(n, "2014-03-09" if n % 5 else None) for n in range(1, 13)],
        "enrolments": damaged(rng, [(n, "2026-09-01", None, 5, "А") for n in range(1, 13)], 0.03 * share, KEYS)
        + damaged(rng, [(n, "2026-09-01", "2026-10-01", 5, "Б") for n in range(1, 13, 4)], 0.2 * share, KEYS),
        "subjects": [(n, f"Предмет {n}") for n in range(1, 5)],
        "journals": [(n, n, *damaged(rng, [(n, 5, "АБ"[n % 2], 70 + n)], 0.1 * share)[0]) for n in range(1, 5)],
        "control_types": [(n, f"Работа {n}") for n in range(1, 4)],
        "mark_types": [*SIGNS.items(), (501, "н"), (502, "б"), (503, "оп")],
        "members": [(journal, student, "2026-09-01", None) for journal in range(1, 5) for student in range(1, 12)],
        "periods": damaged(rng, periods, 0.05 * share),
        "lessons": damaged(rng, lessons, 0.03 * share),
        "controls": damaged(rng, controls, 0.03 * share),
        "marks": damaged(rng, marks, 0.03 * share),
        "absences": damaged(rng, absences, 0.03 * share),
        "period_marks": damaged(rng, period_marks, 0.05 * share, KEYS),
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
        number = Decimal(str(value).strip())
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


def number_of(value: object) -> Decimal | None:
    """Return a weight; None where it is no number, or one of hundreds of digits."""
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal("1e300") else None


def stays(tables: dict[str, list[tuple]]) -> dict[object, list[tuple[date, date]]]:
    found: dict[object, list[tuple[date, date]]] = {}
    for student, first, last, *_ in tables["enrolments"]:
        start, end = moment(first), date.max if last is None else moment(last)
        if whole(student) is not None and start is not None and end is not None:
            last_day = end if isinstance(end, date) and end == date.max else end.date()
            found.setdefault(whole(student), []).append((start.date(), last_day))
    return found


def by_key(rows: list[tuple]) -> dict[str | None, tuple]:
    """Return rows by their keys, the first of each."""
    found: dict[str | None, tuple] = {}
    for row in rows:
        if whole(row[0]) is not None:
            found.setdefault(whole(row[0]), row)
    return found


class Right:
    """What the record of each row must be, one row and one field at a time."""

    def __init__(self, tables: dict[str, list[tuple]]) -> None:
        self.tables, self.enrolled = tables, stays(tables)
        self.lessons, self.controls, self.periods = map(by_key, (tables[n] for n in ("lessons", "controls", "periods")))

    def records(self) -> dict[str, tuple]:
        """Return all records, by their source keys."""
        found = {}
        for table, prefix, judge in (
            ("marks", "mark", self.mark), ("absences", "absence", self.absence), ("period_marks", "period", self.period)
        ):  # fmt: skip
            keys = Counter(whole(row[0]) for row in self.tables[table])
            for row in self.tables[table]:
                key = whole(row[0])
                record = judge(*row[1:]) if key is not None and keys[key] == 1 else None
                if record is not None:
                    found[f"{prefix}:{key}"] = record
        return found

    def mark(self, control_key: object, student: object, code: object, note: object, at: object) -> tuple | None:
        control = self.controls.get(whole(control_key))
        sign = SIGNS.get(integer(code) or 0) if whole(code) in {str(c) for c in SIGNS} else None
        pair = whole(control_key), whole(student)
        if control is None or sign is None or self.pairs[pair] > 1:
            return None
        comment = text(note)
        work = whole(control[2])
        return self.of_lesson(
            control[1], student, "current", sign, at, number_of(control[3]),
            f"Работа {work}" if work in {"1", "2", "3"} else None,
            comment if comment and len(comment) <= 4000 else None,
        )  # fmt: skip

    @cached_property
    def pairs(self) -> Counter:
        return Counter((whole(row[1]), whole(row[2])) for row in self.tables["marks"])

    def absence(self, lesson: object, student: object, code: object, at: object) -> tuple | None:
        known = ABSENCES.get(integer(code) or 0) if whole(code) in {str(c) for c in ABSENCES} else None
        return None if known is None else self.of_lesson(lesson, student, *known, at)

    def of_lesson(
        self, lesson_key: object, student: object, kind: str, sign: str, at: object,
        weight: Decimal | None = None, work: str | None = None, comment: str | None = None,
    ) -> tuple | None:  # fmt: skip
        lesson = self.lessons.get(whole(lesson_key))
        held = moment(lesson[2]) if lesson else None
        subject = whole(lesson[1]) if lesson else None
        if held is None or subject not in {"1", "2", "3", "4"} or lesson[4] is None or integer(lesson[4]) != 0:
            return None
        if held.date() > TODAY or not self.here(student, held.date(), held.date()):
            return None
        number = integer(lesson[3])
        number = number if number is not None and 0 <= number <= 255 else None
        return whole(student), kind, f"Предмет {subject}", held.date(), number, sign, weight, work, comment, instant(at)

    def period(self, journal: object, period_key: object, student: object, code: object, at: object) -> tuple | None:
        period = self.periods.get(whole(period_key))
        sign = SIGNS.get(integer(code) or 0) if whole(code) in {str(c) for c in SIGNS} else None
        if period is None or sign is None or whole(journal) not in {"1", "2", "3", "4"}:
            return None
        _, kind, name, first, last = period
        start, end, work = moment(first), moment(last), text(name)
        kind = PERIOD_KINDS.get(whole(kind) or "")
        if start is None or end is None or kind is None or work is None or end.date() > TODAY:
            return None
        if not self.here(student, start.date(), end.date()):
            return None
        work = " ".join(work.split())
        work = work if 1 <= len(work) <= 500 else None
        subject = f"Предмет {whole(journal)}"
        return whole(student), kind, subject, end.date(), None, sign, None, work, None, instant(at)

    def here(self, student: object, first: date, last: date) -> bool:
        stays_of = self.enrolled.get(whole(student), ())
        return any(max(start, first) <= min(end, last) for start, end in stays_of)


def instant(at: object) -> datetime | None:
    entered = moment(at)
    if entered is None or not 1970 <= entered.year < 2100:
        return None
    return entered.replace(microsecond=0, tzinfo=ZONE).astimezone(UTC)


def damaged_rows(tables: dict[str, list[tuple]], sound: dict[str, list[tuple]]) -> int:
    """Count the rows that are not what they were, or whose lesson, work or period is not."""

    def spoilt(table: str) -> set[int]:
        pairs = zip(tables[table], sound[table], strict=True)
        return {place for place, (now, was) in enumerate(pairs, 1) if repr(now) != repr(was)}

    lessons, controls, periods = spoilt("lessons"), spoilt("controls"), spoilt("periods")
    works = controls | {n for n, row in enumerate(sound["controls"], 1) if row[1] in lessons}
    leads = {"marks": (1, works), "absences": (1, lessons), "period_marks": (2, periods)}
    return sum(
        len(spoilt(table) | {n for n, row in enumerate(sound[table], 1) if row[column] in led})
        for table, (column, led) in leads.items()
    )


def read(tables: dict[str, list[tuple]], profile: Profile = PROFILE) -> SchoolReading:
    return to_reading(
        raw_journal(**tables), profile, school="0252", window=Window(date(2026, 9, 1), date(2027, 8, 31)),
        today=TODAY, timezone=ZONE,
    )  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_rows_break_nothing_and_make_no_wrong_record(seed: int) -> None:
    tables = make(seed)
    assert damaged_rows(tables, make(seed, share=0)) >= DAMAGED
    reading = read(tables)
    for schema, frame in (
        (RECORDS, reading.records), (SET_ASIDE, reading.set_aside), (WARNINGS, reading.warnings),
        (FINDINGS, reading.findings),
    ):  # fmt: skip
        schema.validate(frame)
    assert reading.rows_read == sum(len(tables[name]) for name in ("marks", "absences", "period_marks"))
    made = {row.source_key: as_plain(row) for row in reading.records.itertuples()}
    right = Right(tables).records()
    assert {key: (record, right.get(key)) for key, record in made.items() if right.get(key) != record} == {}
    assert right.keys() == made.keys()
    held_to_their_findings(tables, reading)
    if seed in FEW:
        assert ROWS // 2 < len(made) < ROWS
        assert {key.partition(":")[0] for key in made} == {"mark", "absence", "period"}
        assert set(reading.findings["code"]) >= QUALITY


def as_plain(row: Any) -> tuple:
    def there(value: Any) -> Any:
        return None if pd.isna(value) else value

    weight, at = there(row.weight), there(row.entered_at)
    return (
        row.student_key, row.kind, row.subject, row.date.date(), there(row.lesson_number), row.value,
        None if weight is None else Decimal(weight), there(row.work), there(row.comment),
        None if at is None else at.to_pydatetime(),
    )  # fmt: skip


def held_to_their_findings(tables: dict[str, list[tuple]], reading: SchoolReading) -> None:
    """Each row set aside has its one finding, and a warning changes nothing."""
    findings = reading.findings
    errors = findings["code"].isin([code for code, one in CATALOGUE.items() if one.severity is Severity.ERROR])
    assert findings["source_key"][errors].tolist() == reading.set_aside["source_key"].tolist()
    deaf = replace(PROFILE, codes=replace(PROFILE.codes, silent=frozenset(RecordWarning)))
    silent = read(tables, deaf)
    pd.testing.assert_frame_equal(silent.records, reading.records)
    pd.testing.assert_frame_equal(silent.set_aside, reading.set_aside)
    assert len(silent.warnings) == 0
