"""Raw frames keep exactly their declared types, whatever pandas would make of the values."""

import numpy as np
import pytest

from mappings.raw import ALL_TABLES, DTYPES, JOURNALS, LESSONS, MARKS, PERIODS, SUBJECTS, RawTable


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_a_table_without_rows_has_its_types(table: RawTable) -> None:
    assert dict(table.empty().dtypes) == {name: DTYPES[kind] for name, kind in table.columns.items()}


def test_texts_stay_what_they_are() -> None:
    frame = SUBJECTS.frame({"id": np.array([1, 2]), "name": np.array(["Алгебра", None], object)})
    assert frame["name"].tolist() == ["Алгебра", None]


def test_what_not_every_system_has_may_be_left_out() -> None:
    assert MARKS.required == ("id", "control_id", "student_id", "type_id", "note", "entered_at")
    assert LESSONS.required == ("id", "journal_id", "lesson_date", "lesson_no", "cancelled")
    assert JOURNALS.required == ("id", "subject_id")
    assert PERIODS.required == tuple(PERIODS.columns)
