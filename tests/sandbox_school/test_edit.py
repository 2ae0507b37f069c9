"""Edits are seen by who reads next, and an edit of nothing is an error."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from journal.wording import BridgeError
from sandbox.school.database import opened
from sandbox.school.edit import SchoolEditor, correct_mark, delete_mark

AT = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)
LOCAL = datetime(2026, 11, 25, 20, 30)  # noqa: DTZ001  as the table has it, in Moscow


def row(path: Path, table: str, row_id: int) -> dict[str, object] | None:
    with opened(path) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} WHERE ID = {row_id}")  # noqa: S608  names of ours
        names = [column[0] for column in cursor.description]
        found = cursor.fetchone()
        return None if found is None else dict(zip(names, found, strict=True))


@pytest.fixture
def editor(school_file: Path) -> SchoolEditor:
    return SchoolEditor(school_file)


def test_a_corrected_mark_has_another_type_and_a_newer_change(editor: SchoolEditor, school_file: Path) -> None:
    mark = editor.marks()[5]
    before = row(school_file, "MARK", mark.mark_id)
    correct_mark(school_file, mark.mark_id, 402, at=AT)
    assert before is not None
    assert row(school_file, "MARK", mark.mark_id) == {**before, "TYPE_ID": 402, "CHANGED_AT": LOCAL}


def test_a_deleted_mark_leaves_no_trace(editor: SchoolEditor, school_file: Path) -> None:
    marks = editor.marks()
    delete_mark(school_file, marks[7].mark_id)
    assert editor.marks() == marks[:7] + marks[8:]


def test_an_added_mark_is_its_students(editor: SchoolEditor, school_file: Path) -> None:
    mark = editor.marks()[0]
    new = editor.add_mark(mark.control_id, mark.student_id, 405, at=AT, note="Верно: «6 < 7»")
    assert new in {one.mark_id for one in editor.marks(mark.student_id)}
    assert {one.student_id for one in editor.marks(mark.student_id)} == {mark.student_id}
    found = row(school_file, "MARK", new)
    assert found is not None
    assert (found["NOTE"], found["ENTERED_AT"], found["CHANGED_AT"]) == ("Верно: «6 < 7»", LOCAL, LOCAL)


def test_a_note_can_be_changed_to_undecodable_bytes(editor: SchoolEditor, school_file: Path) -> None:
    mark = editor.marks()[0].mark_id
    editor.note_mark(mark, b"\xe0\x98", at=AT)
    with opened(school_file) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT CAST(NOTE AS VARCHAR(1000) CHARACTER SET OCTETS) FROM MARK WHERE ID = {mark}")  # noqa: S608  names of ours
        assert cursor.fetchone() == (b"\xe0\x98",)


def test_absences_are_added_corrected_and_deleted(editor: SchoolEditor, school_file: Path) -> None:
    mark = editor.marks()[0]
    new = editor.add_absence(mark.lesson_id, mark.student_id, 501, at=AT)
    editor.correct_absence(new, 503, at=AT)
    found = row(school_file, "ABSENCE", new)
    assert found == {
        "ID": new, "LESSON_ID": mark.lesson_id, "STUDENT_ID": mark.student_id, "TYPE_ID": 503, "CHANGED_AT": LOCAL,
    }  # fmt: skip
    editor.delete_absence(new)
    assert row(school_file, "ABSENCE", new) is None


def test_period_marks_are_added_corrected_and_deleted(editor: SchoolEditor, school_file: Path) -> None:
    mark = editor.marks()[0]
    new = editor.add_period_mark(mark.journal_id, 1, mark.student_id, 405, at=AT)
    editor.correct_period_mark(new, 403, at=AT)
    found = row(school_file, "PERIOD_MARK", new)
    assert found is not None
    assert (found["TYPE_ID"], found["CHANGED_AT"]) == (403, LOCAL)
    editor.delete_period_mark(new)
    assert row(school_file, "PERIOD_MARK", new) is None


def test_lessons_are_cancelled_restored_and_moved(editor: SchoolEditor, school_file: Path) -> None:
    lesson = editor.marks()[0].lesson_id
    editor.cancel_lesson(lesson)
    found = row(school_file, "LESSON", lesson)
    assert found is not None
    assert found["CANCELLED"] == 1
    editor.cancel_lesson(lesson, cancelled=False)
    editor.move_lesson(lesson, date(2026, 12, 1), 3)
    assert row(school_file, "LESSON", lesson) == {
        **found, "CANCELLED": 0, "LESSON_DATE": date(2026, 12, 1), "LESSON_NO": 3,
    }  # fmt: skip


def test_a_student_leaves_and_comes_back(editor: SchoolEditor, school_file: Path) -> None:
    with opened(school_file) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FIRST 1 ID, STUDENT_ID, CLASS_ID FROM ENROLMENT WHERE DATE_TO IS NULL")
        enrolment, student, class_id = cursor.fetchone()
    editor.end_enrolment(student, date(2026, 11, 20))
    found = row(school_file, "ENROLMENT", enrolment)
    assert found is not None
    assert found["DATE_TO"] == date(2026, 11, 20)
    back = row(school_file, "ENROLMENT", editor.enrol(student, class_id, date(2026, 11, 24)))
    assert back is not None
    assert (back["STUDENT_ID"], back["DATE_FROM"], back["DATE_TO"]) == (student, date(2026, 11, 24), None)


def test_subjects_are_renamed_and_birth_dates_corrected(editor: SchoolEditor, school_file: Path) -> None:
    editor.rename_subject(1, "Литература")
    editor.set_birth_date(1001, None)
    subject, student = row(school_file, "SUBJECT", 1), row(school_file, "STUDENT", 1001)
    assert subject == {"ID": 1, "NAME": "Литература"}
    assert student is not None
    assert student["BIRTH_DATE"] is None


@pytest.mark.parametrize(
    "edit",
    [
        lambda editor: editor.delete_mark(10**6),
        lambda editor: editor.correct_mark(10**6, 405, at=AT),
        lambda editor: editor.cancel_lesson(10**6),
        lambda editor: editor.end_enrolment(10**6, date(2026, 11, 20)),
    ],
)
def test_an_edit_of_a_row_that_is_not_there_is_refused(
    editor: SchoolEditor, edit: Callable[[SchoolEditor], None]
) -> None:
    with pytest.raises(BridgeError) as refused:
        edit(editor)
    assert refused.value.code == "sandbox-no-such-row"


def test_a_naive_moment_is_refused(editor: SchoolEditor) -> None:
    with pytest.raises(ValueError, match="time zone"):
        editor.correct_mark(1, 405, at=LOCAL)
