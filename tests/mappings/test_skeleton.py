"""A skeleton loads as a draft, and is refused by name until every query of it is finished."""

from pathlib import Path

import pytest

from journal.wording import BridgeError, Language
from mappings.profile import is_name, load_draft, load_profile
from mappings.raw import ALL_TABLES, FINGERPRINTS, MARKS, SUBJECTS, TOTALS
from mappings.skeleton import skeleton, suggested

TABLES = {
    "grades": [("id", "INTEGER"), ("student_id", "INTEGER"), ("note", "TEXT")],
    "grade_log": [("at", "TIMESTAMP")],
    "Marks": [("id", "INTEGER")],
    "subject": [("id", "INTEGER"), ("name", "TEXT")],
}


def written(folder: Path, dialect: str = "postgresql") -> Path:
    place = folder / "third"
    place.mkdir()
    for name, text in skeleton("third", "PostgreSQL 15", dialect, TABLES).items():
        (place / name).write_text(text, encoding="utf-8")
    return place


@pytest.mark.parametrize("dialect", ["postgresql", "firebird"])
def test_a_skeleton_is_a_draft_with_all_queries_to_be_written(tmp_path: Path, dialect: str) -> None:
    written(tmp_path, dialect)
    draft = load_draft("third", tmp_path)
    assert set(draft.unfinished) == {table.name for table in (*ALL_TABLES, FINGERPRINTS, TOTALS)}
    with pytest.raises(BridgeError) as caught:
        load_profile("third", tmp_path)
    assert caught.value.code == "profile-unfinished"
    for language in Language:
        assert "marks.sql" in caught.value.say(language)


@pytest.mark.parametrize("dialect", ["postgresql", "firebird"])
def test_a_finished_query_is_no_longer_named(tmp_path: Path, dialect: str) -> None:
    place = written(tmp_path, dialect)
    for table in (*ALL_TABLES, FINGERPRINTS, TOTALS):
        path = place / f"{table.name}.sql"
        lines = [line for line in path.read_text().splitlines() if not line.startswith("--")]
        path.write_text("\n".join(lines).replace("TODO", "t.X"))
    profile = load_profile("third", tmp_path)
    assert profile.unfinished == ()
    assert profile.queries[TOTALS.name].template.startswith('SELECT SUM(f.n) AS "rows"')
    for table in (*ALL_TABLES, TOTALS):
        statement = profile.statement(table.name, dialect, "qmark")
        assert "{" not in statement.sql
        assert set(statement.parameters) == ({"first", "last"} if table.windowed else set())


def test_tables_are_suggested_by_name_then_by_columns() -> None:
    assert suggested(MARKS, TABLES) == ["Marks", "grades", "grade_log"]
    assert suggested(SUBJECTS, TABLES) == ["subject"]
    assert suggested(FINGERPRINTS, TABLES) == []


@pytest.mark.parametrize(("name", "good"), [("third-1", True), ("", False), ("../x", False), ("ж", False)])
def test_a_profiles_name_is_a_folders(name: str, *, good: bool) -> None:
    assert is_name(name) is good
