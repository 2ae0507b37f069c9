"""What an account sees, and the lasting record of what it came to see.

Rules. One condition, `store.SHOWS`, says which links show which records; `visible` adds the day. `exposure`
grows whenever a message makes an account see a revision of a record; nothing ever leaves it. Not in it: what
becomes visible by a day's coming alone (a link whose validFrom lies ahead); ask `visible` for that day.
"""

import sqlite3
from datetime import date, datetime

from sandbox.portal.soap import moment_text
from sandbox.portal.store import SHOWS

_EXPOSURE = "INSERT INTO exposure (at, school, account_id, link_id, record_id, revision, student_ref, kind, date)"
_EXPOSE_LINK = f"""{_EXPOSURE}
SELECT :at, school, account_id, link_id, record_id, revision, student_ref, kind, date FROM sight
WHERE school = :school AND link_id = :link_id AND valid_from <= :today AND (valid_to IS NULL OR :today <= valid_to)
"""  # noqa: S608  joined from constants
_EXPOSE_RECORDS = f"""{_EXPOSURE}
SELECT :at, holding.school, account_id, link_id, record_id, holding.revision, holding.student_ref, kind, date
FROM history CROSS JOIN holding
    ON holding.school = history.school AND record_id = subject_id AND holding.revision = history.revision
CROSS JOIN link INDEXED BY link_by_student
    ON link.school = holding.school AND link.student_ref = holding.student_ref
WHERE sequence > :after AND act = 'publish' AND {SHOWS}
    AND valid_from <= :today AND (valid_to IS NULL OR :today <= valid_to)
"""  # noqa: S608  joined from constants


def visible(connection: sqlite3.Connection, school: str, account: str, on: date) -> dict[str, dict[str, object]]:
    """Return what `account` sees of `school` on the day `on`: record id → the columns of `holding`."""
    cursor = connection.execute(
        "SELECT DISTINCT school, record_id, revision, student_ref, kind, subject, date, lesson_number, value, weight,"
        " work, comment, entered_at FROM sight WHERE school = :school AND account_id = :account"
        " AND valid_from <= :on AND (valid_to IS NULL OR :on <= valid_to) ORDER BY record_id",
        {"school": school, "account": account, "on": on.isoformat()},
    )
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    return {str(row["record_id"]): row for row in rows}


def look(connection: sqlite3.Connection, school: str, account: str, on: date) -> dict[str, dict[str, object]]:
    """Look as a parent does: what `visible` gives, and each link that shows something is counted in `usage`."""
    connection.execute(
        "INSERT INTO usage (school, date, link_id, views)"
        " SELECT DISTINCT school, :on, link_id, 1 FROM sight WHERE school = :school AND account_id = :account"
        " AND valid_from <= :on AND (valid_to IS NULL OR :on <= valid_to)"
        " ON CONFLICT (school, date, link_id) DO UPDATE SET views = views + 1",
        {"school": school, "account": account, "on": on.isoformat()},
    )
    return visible(connection, school, account, on)


def note_exposures_of_records(connection: sqlite3.Connection, after: int, now: datetime, today: date) -> None:
    """Note who came to see the records that `history` took after the sequence `after`."""
    connection.execute(
        _EXPOSE_RECORDS,
        {"at": moment_text(now), "today": today.isoformat(), "after": after},
    )


def note_exposures_of_link(
    connection: sqlite3.Connection, school: str, link_id: str, now: datetime, today: date
) -> None:
    """Note what a link that was just put came to show."""
    connection.execute(
        _EXPOSE_LINK,
        {"at": moment_text(now), "school": school, "today": today.isoformat(), "link_id": link_id},
    )
