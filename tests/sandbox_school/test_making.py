"""What a made-up school must contain: the issue's list, sort by sort, on rows in memory."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import pytest

from journal.wording import BridgeError
from sandbox.school import make_school
from sandbox.school.tables import LessonRow, MarkRow, Tables

TODAY = date(2026, 11, 25)


def school(students: int = 150, weeks: int = 10, seed: int = 1, today: date = TODAY, code: str = "0252") -> Tables:
    return make_school(code=code, name="Школа", students=students, weeks=weeks, seed=seed, first_day=None, today=today)


@pytest.fixture(scope="module")
def made() -> Tables:
    return school()


def lesson_of(tables: Tables, mark: MarkRow) -> LessonRow:
    return tables.lessons[tables.controls[mark.control_id - 1].lesson_id - 1]


def enrolled(tables: Tables, student: int, day: date) -> bool:
    return any(
        row.student_id == student and row.date_from <= day and (row.date_to is None or day <= row.date_to)
        for row in tables.enrolments
    )


def member(tables: Tables, journal: int, student: int, day: date) -> bool:
    return any(
        (row.journal_id, row.student_id) == (journal, student)
        and row.date_from <= day
        and (row.date_to is None or day <= row.date_to)
        for row in tables.members
    )


def taught_marks(tables: Tables) -> Iterator[tuple[MarkRow, LessonRow]]:
    for mark in tables.marks:
        yield mark, lesson_of(tables, mark)


def test_the_same_seed_makes_the_same_school_and_another_a_different_one(made: Tables) -> None:
    assert list(school().in_order()) == list(made.in_order())
    assert school(seed=2).marks != made.marks
    assert school(code="0253").students != made.students


def test_it_has_as_many_students_as_asked_for_in_even_classes(made: Tables) -> None:
    assert len(made.students) == 150
    sizes = Counter(row.class_id for row in made.enrolments if row.date_to is None)
    assert len(sizes) == 6
    assert max(sizes.values()) - min(sizes.values()) <= 6


def test_students_get_about_six_marks_a_week() -> None:
    tables = school(students=400, weeks=10)
    begun = {mark.id for mark, lesson in taught_marks(tables) if lesson.lesson_date <= TODAY}
    assert 5 <= len(begun) / 400 / 10 <= 7


def test_every_row_refers_to_rows_that_are_there(made: Tables) -> None:
    ids = {name: {row[0] for row in rows} for name, rows in made.in_order()}
    assert {row.lesson_id for row in made.controls} <= ids["LESSON"]
    assert {row.control_id for row in made.marks} <= ids["CONTROL"]
    assert {row.student_id for row in made.marks} <= ids["STUDENT"]
    assert {row.lesson_id for row in made.absences} <= ids["LESSON"]
    assert {row.journal_id for row in made.lessons} <= ids["JOURNAL"]
    assert all(len(rows) == len({row[:3] for row in rows}) for _, rows in made.in_order())


def test_subgroups_have_two_journals_that_meet_at_the_same_hour(made: Tables) -> None:
    pairs = Counter((row.class_id, row.subject_id) for row in made.journals if row.subgroup)
    assert pairs
    assert set(pairs.values()) == {2}
    one, other = next([j for j in made.journals if (j.class_id, j.subject_id) == pair] for pair in pairs)
    hours = [{(x.lesson_date, x.lesson_no) for x in made.lessons if x.journal_id == j.id} for j in (one, other)]
    assert len(hours[0] & hours[1]) > 0.9 * len(hours[0])


def test_some_of_the_newest_lessons_are_not_filled_in_and_planned_ones_never(made: Tables) -> None:
    recent = [row for row in made.lessons if 0 <= (TODAY - row.lesson_date).days <= 3 and not row.cancelled]
    assert 0.1 < sum(row.filled_at is None for row in recent) / len(recent) < 0.7
    planned = [row for row in made.lessons if row.lesson_date > TODAY]
    assert planned
    assert all(row.filled_at is None for row in planned)


def test_nothing_is_entered_before_its_lesson_or_after_today(made: Tables) -> None:
    for mark, lesson in taught_marks(made):
        assert mark.entered_at <= mark.changed_at
        assert mark.changed_at.date() <= TODAY
        assert mark.entered_at.date() >= lesson.lesson_date or lesson.lesson_date > TODAY


def test_students_change_class_leave_and_join(made: Tables) -> None:
    stays = Counter(row.student_id for row in made.enrolments)
    moved = [student for student, count in stays.items() if count > 1]
    assert moved
    for student in moved:
        first, second = sorted((row for row in made.enrolments if row.student_id == student), key=lambda r: r.date_from)
        assert first.date_to is not None
        assert first.date_to < second.date_from
    left = {row.student_id for row in made.enrolments if row.date_to} - {
        row.student_id for row in made.enrolments if row.date_to is None
    }
    assert left
    assert any(row.date_from > date(2026, 9, 1) and stays[row.student_id] == 1 for row in made.enrolments)


def test_two_students_share_a_name_but_not_a_birth_date(made: Tables) -> None:
    names = Counter(row[1:4] for row in made.students)
    shared = [row for row in made.students if names[row[1:4]] > 1]
    assert len(shared) >= 2
    assert len({row.birth_date for row in shared}) == len(shared)


def test_some_have_no_birth_date_and_some_come_of_age_around_today(made: Tables) -> None:
    born = [row.birth_date for row in made.students]
    assert None in born
    for day in (date(2008, 11, 25), date(2008, 11, 26), date(2008, 10, 16), date(2008, 2, 29)):
        assert day in born


def test_absences_lates_and_remarks_are_there(made: Tables) -> None:
    kinds = Counter(row.type_id for row in made.absences)
    assert kinds[502] > kinds[503] > 0
    assert kinds[501] > 0
    assert kinds[601] > 0
    assert any(mark.type_id == 601 and mark.note for mark in made.marks)


def test_period_marks_are_there_for_the_quarter_that_is_over_and_early_ones(made: Tables) -> None:
    ends = Counter(made.periods[row.period_id - 1].date_to for row in made.period_marks)
    assert ends[date(2026, 10, 26)] > 500
    assert 0 < ends[date(2026, 12, 28)] < 50


def test_years_and_exams_have_marks_once_they_are_over() -> None:
    tables = school(students=120, weeks=3, today=date(2027, 6, 28))
    kinds = Counter(tables.periods[row.period_id - 1].kind for row in tables.period_marks)
    assert {1, 2, 3, 4, 5, 6} <= set(kinds)
    upper = {row.id for row in tables.classes if row.parallel in (9, 11)}
    for row in tables.period_marks:
        if tables.periods[row.period_id - 1].kind in (4, 5):
            assert tables.journals[row.journal_id - 1].class_id in upper


def test_reaching_into_the_year_before_classes_are_a_year_younger() -> None:
    tables = school(students=60, weeks=14, today=date(2026, 10, 8))
    classes = {(row.school_year, row.parallel, row.letter): row.id for row in tables.classes}
    assert {(2026, 7, "А"), (2025, 6, "А"), (2025, 11, "А"), (2026, 11, "А")} <= set(classes)
    inside = {row.student_id for row in tables.enrolments if row.class_id == classes[2025, 6, "А"]}
    later = {row.student_id for row in tables.enrolments if row.class_id == classes[2026, 7, "А"]}
    assert len(inside & later) >= 15
    graduates = {row.student_id for row in tables.enrolments if row.class_id == classes[2025, 11, "А"]}
    assert graduates
    assert not any(enrolled(tables, student, date(2026, 10, 8)) for student in graduates)


@pytest.mark.parametrize("students", [9, 40, 150])
def test_every_sort_of_dirt_is_there_whatever_the_size(students: int) -> None:
    tables = school(students=students, weeks=4)
    marks = list(taught_marks(tables))
    types = Counter(mark.type_id for mark in tables.marks)
    assert types[431]
    assert types[413]
    assert types[414]
    assert types[501]
    assert any(isinstance(mark.note, bytes) and b"\x98" in mark.note for mark in tables.marks)
    assert max(Counter((mark.control_id, mark.student_id) for mark in tables.marks).values()) > 1
    assert any(lesson.cancelled for _, lesson in marks)
    assert any(tables.lessons[row.lesson_id - 1].cancelled for row in tables.absences)
    assert any(lesson.lesson_date > TODAY for _, lesson in marks)
    assert {None, 300, -1} <= {row.lesson_no for row in tables.lessons}
    assert any(
        not member(tables, lesson.journal_id, mark.student_id, lesson.lesson_date)
        and enrolled(tables, mark.student_id, lesson.lesson_date)
        for mark, lesson in marks
    )
    assert any(not enrolled(tables, mark.student_id, lesson.lesson_date) for mark, lesson in marks)
    assert {row.type_id for row in tables.absences} & {405}
    assert 6 in {tables.periods[row.period_id - 1].kind for row in tables.period_marks}
    broken = {row.id for row in tables.subjects if isinstance(row.name, bytes)}
    assert any(tables.journals[lesson.journal_id - 1].subject_id in broken for _, lesson in marks)


@pytest.mark.parametrize(("students", "weeks"), [(8, 4), (3001, 4), (50, 0), (50, 61)])
def test_an_impossible_size_is_refused(students: int, weeks: int) -> None:
    with pytest.raises(BridgeError) as refused:
        school(students=students, weeks=weeks)
    assert refused.value.code == "sandbox-school-size"
