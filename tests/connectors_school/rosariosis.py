"""A made-up school in tables as RosarioSIS's published schema describes them, and what each row must become.

The statements are this project's own; only columns that the profile reads are made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

TABLES = {
    "schools": "syear numeric(4,0), id integer, title varchar(100), school_number varchar(50), PRIMARY KEY (id, syear)",
    "students": (
        "student_id integer PRIMARY KEY, last_name varchar(50), first_name varchar(50), middle_name varchar(50), "
        "custom_200000004 date"
    ),
    "school_gradelevels": "id integer PRIMARY KEY, school_id integer, short_name varchar(3), title varchar(50)",
    "school_marking_periods": (
        "marking_period_id integer PRIMARY KEY, syear numeric(4,0), mp varchar(3), school_id integer, "
        "title varchar(50), start_date date, end_date date"
    ),
    "student_enrollment": (
        "id integer PRIMARY KEY, syear numeric(4,0), school_id integer, student_id integer, grade_id integer, "
        "start_date date, end_date date"
    ),
    "courses": "syear numeric(4,0), course_id integer PRIMARY KEY, school_id integer, title varchar(100)",
    "course_periods": (
        "syear numeric(4,0), school_id integer, course_period_id integer PRIMARY KEY, course_id integer, title text, "
        "teacher_id integer"
    ),
    "schedule": (
        "syear numeric(4,0), school_id integer, student_id integer, start_date date, end_date date, "
        "course_period_id integer"
    ),
    "gradebook_assignment_types": "assignment_type_id integer PRIMARY KEY, course_id integer, title text",
    "gradebook_assignments": (
        "assignment_id integer PRIMARY KEY, marking_period_id integer, course_period_id integer, "
        "assignment_type_id integer, title text, assigned_date date, due_date date, points integer, weight integer"
    ),
    "gradebook_grades": (
        "student_id integer, course_period_id integer, assignment_id integer, points numeric(6,2), comment text, "
        "created_at timestamp, updated_at timestamp, PRIMARY KEY (student_id, assignment_id, course_period_id)"
    ),
    "attendance_codes": (
        "id integer PRIMARY KEY, title text, short_name varchar(10), state_code varchar(1), default_code varchar(1)"
    ),
    "attendance_period": (
        "student_id integer, school_date date, period_id integer, attendance_code integer, course_period_id integer, "
        "created_at timestamp, updated_at timestamp, PRIMARY KEY (student_id, school_date, period_id)"
    ),
    "attendance_day": (
        "student_id integer, school_date date, state_value numeric(2,1), PRIMARY KEY (student_id, school_date)"
    ),
    "student_report_card_grades": (
        "id integer PRIMARY KEY, student_id integer, course_period_id integer, marking_period_id integer, "
        "grade_letter varchar(5), grade_percent numeric(4,1), created_at timestamp, updated_at timestamp"
    ),
}

Rows = dict[str, list[tuple[object, ...]]]
AT = "2026-10-02 10:00:00"


@dataclass
class School:
    """The rows, and the fate of each: a record as (kind, subject, date, value, weight, work), or a reason."""

    rows: Rows = field(default_factory=dict)
    records: dict[str, tuple[object, ...]] = field(default_factory=dict)
    aside: dict[str, str] = field(default_factory=dict)


def school() -> School:
    """Return a school of three students in two schools of one database; 0252 is the one that is read."""
    rows: Rows = {
        "schools": [(2026, 1, "Springfield", "0252"), (2026, 2, "Shelbyville", "0300")],
        "students": [
            (1, "Ёлкина", "Мария", "Петровна", "2014-03-09"), (2, "Stone", "Ann", None, None),
            (3, "Other", "Al", None, "2013-01-01"),
        ],
        "school_gradelevels": [(5, 1, "05", "Fifth"), (6, 2, "06", "Sixth")],
        "school_marking_periods": [
            (1, 2026, "FY", 1, "Full Year", "2026-09-01", "2027-05-25"),
            (2, 2026, "SEM", 1, "Semester 1", "2026-09-01", "2026-11-20"),
            (3, 2026, "QTR", 1, "Quarter 1", "2026-09-01", "2026-10-25"),
            (4, 2026, "PRO", 1, "Midterm", "2026-09-01", "2026-10-01"),
            (5, 2026, "FY", 2, "Full Year", "2026-09-01", "2027-05-25"),
        ],
        "student_enrollment": [
            (1, 2026, 1, 1, 5, "2026-09-01", None), (2, 2026, 1, 2, 5, "2026-09-01", "2026-10-15"),
            (3, 2026, 2, 3, 6, "2026-09-01", None),
        ],
        "courses": [(2026, 10, 1, "Algebra"), (2026, 20, 2, "History")],
        "course_periods": [(2026, 1, 100, 10, "Algebra A", 7), (2026, 2, 200, 20, "History A", None)],
        "schedule": [
            (2026, 1, 1, "2026-09-01", None, 100), (2026, 1, 2, "2026-09-01", None, 100),
            (2026, 2, 3, "2026-09-01", None, 200),
        ],
        "gradebook_assignment_types": [(1, 10, "Homework")],
        "gradebook_assignments": [
            (1, 3, 100, 1, "Fractions", "2026-10-01", "2026-10-02", 10, 2),
            (2, 3, None, 1, "Quiz", "2026-10-20", None, 5, None),
            (3, 3, 100, 1, "Undated", None, None, 10, None), (4, 3, 100, 1, "Extra", "2026-10-05", None, 0, None),
            (5, 3, 100, 1, "Later", None, "2026-12-10", 10, None),
            (6, 5, 200, 1, "Essay", "2026-10-05", None, 10, None),
            (7, 3, 100, 1, "Last year", "2026-05-05", None, 10, None),
        ],
        "gradebook_grades": [
            (1, 100, 1, "8.50", "Good ", AT, None), (1, 100, 2, "-1", None, AT, AT), (2, 100, 1, "12", None, AT, None),
            (2, 100, 2, "3", None, AT, None), (1, 100, 3, "3", None, AT, None), (1, 100, 4, "2", None, AT, None),
            (1, 100, 5, "3", None, AT, None), (3, 200, 6, "7", None, AT, None), (2, 100, 4, None, "ill", AT, None),
            (1, 100, 7, "3", None, AT, None), (2, 100, 7, "-5", None, AT, None),
        ],
        "attendance_codes": [
            (1, "Absent", "A", "A", None), (2, "Present", "P", "P", "Y"), (3, "Tardy", "T", "P", None),
            (4, "Excused", "e", "A", None), (5, "Field trip", "F", "P", None),
        ],
        "attendance_period": [
            (1, "2026-10-02", 1, 1, 100, AT, None), (1, "2026-10-05", 1, 2, 100, AT, None),
            (1, "2026-10-06", 1, 3, 100, AT, None), (1, "2026-10-07", 1, 4, 100, AT, None),
            (1, "2026-10-08", 1, 5, 100, AT, None), (2, "2026-10-20", 1, 1, 100, AT, None),
            (1, "2026-10-09", 1, 99, 100, AT, None), (3, "2026-10-02", 1, 1, 200, AT, None),
        ],
        "attendance_day": [(1, "2026-10-02", "0.5")],
        "student_report_card_grades": [
            (1, 1, 100, 3, "A-", "91.5", AT, None), (2, 2, 100, 3, None, "78.0", AT, None),
            (3, 1, 100, 4, "B", "85.0", AT, None), (4, 1, 100, 1, "A", None, AT, None),
            (5, 2, 100, 2, "C", None, AT, AT),
            (6, 1, None, 3, "A", None, AT, None), (7, 2, 100, 3, None, None, AT, None),
        ],
    }  # fmt: skip
    made = School(rows)
    made.records = {
        "mark:1-1-100": ("current", "Algebra", "2026-10-02", "8.5/10", "2.00", "Fractions"),
        "mark:1-2-100": ("current", "Algebra", "2026-10-20", "*", None, "Quiz"),
        "mark:2-1-100": ("current", "Algebra", "2026-10-02", "12/10", "2.00", "Fractions"),
        "absence:1-20261002-1": ("absence", "Algebra", "2026-10-02", "A", None, None),
        "absence:1-20261006-1": ("late", "Algebra", "2026-10-06", "T", None, None),
        "absence:1-20261007-1": ("absence", "Algebra", "2026-10-07", "e", None, None),
        "period:1": ("period", "Algebra", "2026-10-25", "A-", None, "Quarter 1"),
        "period:2": ("period", "Algebra", "2026-10-25", "78/100", None, "Quarter 1"),
        "period:5": ("period", "Algebra", "2026-11-20", "C", None, "Semester 1"),
    }
    made.aside = {
        "mark:2-2-100": "not-enrolled",
        "mark:1-3-100": "date-missing",
        "mark:1-4-100": "points-unclear",
        "mark:1-5-100": "future-date",
        "absence:1-20261008-1": "unknown-mark-type",
        "absence:2-20261020-1": "not-enrolled",
        "absence:1-20261009-1": "unknown-mark-type",
        "period:3": "unknown-period-kind",
        "period:4": "future-date",
        "period:7": "unknown-mark-type",
    }
    return made


def fill(url: str, rows: Rows) -> None:
    """Make the tables and fill them."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for name, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
        for name, given in rows.items():
            add(connection, name, given)


def add(connection: psycopg.Connection, table: str, rows: Sequence[Sequence[object]]) -> None:
    """Insert rows of whole tables."""
    for row in rows:
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", row)  # noqa: S608  ours
