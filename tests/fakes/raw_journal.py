"""Raw journal tables typed by hand: what a connector would hand to `mappings`, without a database."""

from collections.abc import Sequence

from connectors.school.columns import to_columns
from mappings.raw import JOURNAL_TABLES, RawJournal

BASE: dict[str, list[tuple[object, ...]]] = {
    "students": [(1, "2014-03-09"), (2, None)],
    "enrolments": [(1, "2026-09-01", None, 5, "А".encode("cp1251")), (2, "2026-09-01", "2026-12-30", 5, "Б")],
    "subjects": [(1, "Алгебра".encode("cp1251")), (2, b"\x98"), (3, b"  "), (4, "Русский \t язык "), (5, "Ф" * 101)],
    "journals": [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)],
    "control_types": [(1, "Работа на  уроке"), (2, b"\x98"), (3, "д" * 501), (4, "")],
    "mark_types": [
        *((code, str(code - 400).encode()) for code in range(401, 406)),
        (411, "зч"), (421, b"\x98"), (422, ""), (501, "н"), (502, "б"), (503, "оп"), (601, "зам"),
        *((code, "?") for code in (400, 423, 500, 504, 600, 602, 700)),
    ],
    "periods": [
        (kind, kind, f"Период {kind}", "2026-09-01", "2026-10-31") for kind in range(1, 6)
    ] + [(6, 6, "Иное", "2026-09-01", "2026-10-31"), (7, 1, b"\x98", "2026-09-01", "2026-10-31")],
    "members": [(journal, student, "2026-09-01", None) for journal in range(1, 6) for student in (1, 2)],
    "lessons": [
        (1, 1, "2026-10-01", 2, 0), (2, 1, "2026-10-02", 2, 1), (3, 2, "2026-10-01", 3, 0),
        (4, 3, "2026-10-01", 3, 0), (5, 4, "2026-10-01", None, 0), (6, 1, "2026-12-01", 1, 0),
        (7, 1, "2026-10-01", 256, 0), (8, 1, "2026-10-01", -1, 0), (9, 1, None, 1, 0), (10, 5, "2026-10-01", 1, 0),
        (11, 1, "2026-11-25", 1, 0), (12, 1, "2026-08-31", 1, 0),
        (13, 1, "2026-10-01", 0, 0), (14, 1, "2026-10-01", 255, 0),
    ],
    "controls": [(lesson, lesson, 1, "1.5") for lesson in range(1, 15)]
    + [(20, 1, 2, None), (21, 1, 3, "NaN"), (22, 1, 4, "2"), (23, 1, 1, "-0.25")],
}  # fmt: skip
"""A small school: student 1 in 5А all year, student 2 in 5Б until the end of December; today is 2026-11-25."""


def raw_journal(**tables: Sequence[tuple[object, ...]]) -> RawJournal:
    """Return all raw tables of a reading: those given, the small school's for the others."""
    rows = {**BASE, **tables}
    return {table.name: table.frame(to_columns(rows.get(table.name, []), table.columns)) for table in JOURNAL_TABLES}
