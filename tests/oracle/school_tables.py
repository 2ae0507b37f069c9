"""Reads a school's Firebird file and a register as they stand: plain rows, nothing judged.

Texts of the database stay the bytes that are stored. Only the loader of the Firebird engine is the product's.
"""

import csv
from pathlib import Path
from typing import Any

from connectors.school.embedded import use_embedded_firebird

Row = dict[str, Any]

_COLUMNS = {
    "SCHOOL_CLASS": "ID SCHOOL_YEAR PARALLEL LETTER*",
    "STUDENT": "ID LAST_NAME* FIRST_NAME* MIDDLE_NAME* BIRTH_DATE",
    "ENROLMENT": "ID STUDENT_ID CLASS_ID DATE_FROM DATE_TO",
    "SUBJECT": "ID NAME*",
    "JOURNAL": "ID CLASS_ID SUBJECT_ID SUBGROUP TEACHER_ID",
    "JOURNAL_MEMBER": "JOURNAL_ID STUDENT_ID DATE_FROM DATE_TO",
    "LESSON": "ID JOURNAL_ID LESSON_DATE LESSON_NO CANCELLED FILLED_AT",
    "CONTROL_TYPE": "ID NAME*",
    "CONTROL": "ID LESSON_ID TYPE_ID COST",
    "MARK_TYPE": "ID SHORT_NAME*",
    "MARK": "ID CONTROL_ID STUDENT_ID TYPE_ID NOTE* ENTERED_AT",
    "ABSENCE": "ID LESSON_ID STUDENT_ID TYPE_ID CHANGED_AT",
    "PERIOD": "ID KIND NAME* DATE_FROM DATE_TO",
    "PERIOD_MARK": "ID JOURNAL_ID PERIOD_ID STUDENT_ID TYPE_ID CHANGED_AT",
}


def read_tables(path: Path) -> dict[str, list[Row]]:
    """Read every table of a Firebird file that nobody else has open; texts (`*`) as the bytes that are stored."""
    use_embedded_firebird()
    from firebird.driver import connect  # noqa: PLC0415  only after the engine is set up

    tables: dict[str, list[Row]] = {}
    connection = connect(str(path.absolute()), user="SYSDBA", charset="WIN1251")
    try:
        cursor = connection.cursor()
        for table, columns in _COLUMNS.items():
            names = [name.rstrip("*") for name in columns.split()]
            wanted = ",".join(
                f"CAST({name[:-1]} AS VARCHAR(1000) CHARACTER SET OCTETS)" if name.endswith("*") else name
                for name in columns.split()
            )
            cursor.execute(f"SELECT {wanted} FROM {table}")  # noqa: S608  the names stand above
            tables[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        cursor.close()
    finally:
        connection.close()
    return tables


def read_register(path: Path) -> list[dict[str, str]]:
    """Read the register's rows as they stand in the file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def decoded(stored: bytes | str | None) -> str | None:
    """Return a text, or None where it can't be read or XML can't carry it."""
    if stored is None:
        return ""
    if isinstance(stored, bytes):
        try:
            stored = stored.decode("cp1251")
        except UnicodeDecodeError:
            return None
    bad = any((ord(c) < 0x20 and c not in "\t\n\r") or c in "\ufffe\uffff" for c in stored)
    return None if bad else stored


def one_line(stored: bytes | str | None) -> str | None:
    """Return a text trimmed and with inner blanks collapsed; None where it can't be decoded."""
    text = decoded(stored)
    return None if text is None else " ".join(text.split())
