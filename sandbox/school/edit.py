"""Changes a made-up school as teachers and secretaries do.

Rules. Every method is one transaction, committed when it returns, and leaves the file free for others: the
embedded engine lets one process at a time have it. A row that is not there is an error, never a silent
nothing. A change sets CHANGED_AT, a deletion leaves no trace, as in the real journal. Moments are aware and
are stored as the school's local time.
"""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from firebird.driver import Connection

from journal.wording import BridgeError, Wording
from sandbox.school.database import literal, opened
from sandbox.school.tables import Text, Value

MOSCOW = ZoneInfo("Europe/Moscow")

_NO_SUCH_ROW = Wording(
    ru="В таблице {table} базы {file} нет строки {row}. Проверьте номер.",
    en="Table {table} of {file} has no row {row}. Check the number.",
)
_NAIVE = "a moment needs a time zone"


@dataclass(frozen=True, slots=True)
class MarkRef:
    """One MARK row and where it stands."""

    mark_id: int
    student_id: int
    control_id: int
    type_id: int
    lesson_id: int
    journal_id: int
    lesson_date: date


class SchoolEditor:
    """Edits the Firebird file at `path`; raises BridgeError `sandbox-no-such-row`, `sandbox-school-unusable`."""

    def __init__(self, path: Path, timezone: ZoneInfo = MOSCOW) -> None:
        self._path = path
        self._timezone = timezone

    def marks(self, student_id: int | None = None) -> list[MarkRef]:
        """Return the marks of one student or of all, by id."""
        query = (
            "SELECT M.ID, M.STUDENT_ID, M.CONTROL_ID, M.TYPE_ID, L.ID, L.JOURNAL_ID, L.LESSON_DATE FROM MARK M "
            "JOIN CONTROL C ON C.ID = M.CONTROL_ID JOIN LESSON L ON L.ID = C.LESSON_ID"
        )
        if student_id is not None:
            query += f" WHERE M.STUDENT_ID = {student_id:d}"
        with opened(self._path) as connection, connection.cursor() as cursor:
            cursor.execute(query + " ORDER BY M.ID")
            return [MarkRef(*row) for row in cursor.fetchall()]

    def correct_mark(self, mark_id: int, type_id: int, *, at: datetime) -> None:
        """Give a mark another type, as a teacher who errs does."""
        self._update("MARK", mark_id, TYPE_ID=type_id, CHANGED_AT=self._local(at))

    def note_mark(self, mark_id: int, note: Text | None, *, at: datetime) -> None:
        """Write, change or remove a mark's comment; bytes are stored as they are."""
        self._update("MARK", mark_id, NOTE=note, CHANGED_AT=self._local(at))

    def delete_mark(self, mark_id: int) -> None:
        """Delete a mark in place."""
        self._delete("MARK", mark_id)

    def add_mark(
        self, control_id: int, student_id: int, type_id: int, *, at: datetime, note: Text | None = None
    ) -> int:
        """Give a student a mark for a control; return its id."""
        moment = self._local(at)
        return self._insert("MARK", control_id, student_id, type_id, note, moment, moment)

    def add_absence(self, lesson_id: int, student_id: int, type_id: int, *, at: datetime) -> int:
        """Write an absence, a late arrival or a remark into a lesson; return its id."""
        return self._insert("ABSENCE", lesson_id, student_id, type_id, self._local(at))

    def correct_absence(self, absence_id: int, type_id: int, *, at: datetime) -> None:
        """Give an absence another type."""
        self._update("ABSENCE", absence_id, TYPE_ID=type_id, CHANGED_AT=self._local(at))

    def delete_absence(self, absence_id: int) -> None:
        """Delete an absence in place."""
        self._delete("ABSENCE", absence_id)

    def add_period_mark(self, journal_id: int, period_id: int, student_id: int, type_id: int, *, at: datetime) -> int:
        """Give a student a period's mark; return its id."""
        return self._insert("PERIOD_MARK", journal_id, period_id, student_id, type_id, self._local(at))

    def correct_period_mark(self, period_mark_id: int, type_id: int, *, at: datetime) -> None:
        """Give a period's mark another type."""
        self._update("PERIOD_MARK", period_mark_id, TYPE_ID=type_id, CHANGED_AT=self._local(at))

    def delete_period_mark(self, period_mark_id: int) -> None:
        """Delete a period's mark in place."""
        self._delete("PERIOD_MARK", period_mark_id)

    def cancel_lesson(self, lesson_id: int, *, cancelled: bool = True) -> None:
        """Cancel a lesson, or let it stand again."""
        self._update("LESSON", lesson_id, CANCELLED=int(cancelled))

    def move_lesson(self, lesson_id: int, day: date, number: int | None = None) -> None:
        """Put a lesson on another day, at another number."""
        self._update("LESSON", lesson_id, LESSON_DATE=day, LESSON_NO=number)

    def rename_subject(self, subject_id: int, name: Text) -> None:
        """Rename a subject: every record of it changes; bytes are stored as they are."""
        self._update("SUBJECT", subject_id, NAME=name)

    def set_birth_date(self, student_id: int, birth_date: date | None) -> None:
        """Correct or remove a student's birth date."""
        self._update("STUDENT", student_id, BIRTH_DATE=birth_date)

    def end_enrolment(self, student_id: int, last_day: date) -> None:
        """Let a student leave: the enrolment that is open ends with `last_day`."""
        with opened(self._path) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT ID FROM ENROLMENT WHERE STUDENT_ID = ? AND DATE_TO IS NULL", (student_id,))
            found = [row[0] for row in cursor.fetchall()]
        if not found:
            raise self._no_such_row("ENROLMENT", student_id)
        for enrolment_id in found:
            self._update("ENROLMENT", enrolment_id, DATE_TO=last_day)

    def enrol(self, student_id: int, class_id: int, first_day: date) -> int:
        """Put a student into a class from `first_day` on; return the enrolment's id."""
        return self._insert("ENROLMENT", student_id, class_id, first_day, None)

    def _local(self, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise ValueError(_NAIVE)
        return at.astimezone(self._timezone).replace(tzinfo=None, microsecond=0)

    def _insert(self, table: str, *values: Value) -> int:
        with opened(self._path) as connection:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT COALESCE(MAX(ID), 0) + 1 FROM {table}")  # noqa: S608  a table of ours
                (new_id,) = cursor.fetchone()
            written = ",".join(map(literal, (new_id, *values)))
            connection.execute_immediate(f"INSERT INTO {table} VALUES ({written})")  # noqa: S608  values are quoted
            connection.commit()
            return int(new_id)

    def _update(self, table: str, row_id: int, **values: Value) -> None:
        assignments = ",".join(f"{column} = {literal(value)}" for column, value in values.items())
        self._change(table, row_id, f"UPDATE {table} SET {assignments} WHERE ID = {row_id:d}")  # noqa: S608  values are quoted

    def _delete(self, table: str, row_id: int) -> None:
        self._change(table, row_id, f"DELETE FROM {table} WHERE ID = {row_id:d}")  # noqa: S608  a table of ours

    def _change(self, table: str, row_id: int, statement: str) -> None:
        with opened(self._path) as connection:
            if not _exists(connection, table, row_id):
                raise self._no_such_row(table, row_id)
            connection.execute_immediate(statement)
            connection.commit()

    def _no_such_row(self, table: str, row_id: int) -> BridgeError:
        return BridgeError(
            "sandbox-no-such-row", _NO_SUCH_ROW, {"table": table, "file": self._path.name, "row": row_id}
        )


def correct_mark(path: Path, mark_id: int, type_id: int, *, at: datetime) -> None:
    """Give one mark of the database at `path` another type."""
    SchoolEditor(path).correct_mark(mark_id, type_id, at=at)


def delete_mark(path: Path, mark_id: int) -> None:
    """Delete one mark of the database at `path`."""
    SchoolEditor(path).delete_mark(mark_id)


def _exists(connection: Connection, table: str, row_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} WHERE ID = ?", (row_id,))  # noqa: S608  a table of ours
        return cursor.fetchone() is not None
