"""`dnevnik profile check` and `profile new` on real databases: what is shown, and that it names nobody."""

import json
import shutil
from pathlib import Path

import pytest
from firebird.driver import connect
from worlds.command_line import Run
from worlds.real_world import RealWorld

from connectors.school.embedded import use_embedded_firebird
from mappings.profile import PROFILES, load_draft
from mappings.raw import ALL_TABLES, FINGERPRINTS, TOTALS


def names(path: Path) -> set[str]:
    """Return every name, birth date and note that the school's database holds."""
    use_embedded_firebird()
    connection = connect(str(path), user="SYSDBA", charset="UTF8")
    cursor = connection.cursor()
    cursor.execute("SELECT LAST_NAME, FIRST_NAME, MIDDLE_NAME, BIRTH_DATE FROM STUDENT")
    found = {str(value) for row in cursor.fetchall() for value in row if value is not None}
    cursor.close()
    connection.close()
    return found


def test_a_school_that_fits_its_profile_is_shown_query_by_query(run: Run, world: RealWorld) -> None:
    ended = run("--config", world.config, "profile", "check", "0252")
    assert ended.status == 1  # the sandbox's school has codes that nobody maps
    assert ended.err == ""
    for table in (*ALL_TABLES, FINGERPRINTS):
        assert f" {table.name}.sql: " in ended.out
    assert "✓ All queries see one state of the database" in ended.out
    assert "Codes that codes.toml lacks" in ended.out
    people = names(world.school_file())
    assert len(people) > 20
    assert [name for name in people if name in ended.out] == []
    assert max(map(len, ended.out.splitlines())) <= 130


def test_the_same_as_a_document(run: Run, world: RealWorld) -> None:
    ended = run("--config", world.config, "profile", "check", "0252", "--json")
    seen = json.loads(ended.out)
    assert seen["ok"]
    assert seen["one_state"]
    assert {query["name"] for query in seen["queries"]} >= {table.name for table in ALL_TABLES}
    assert {(one["table"], one["code"]) for one in seen["unmapped"]} >= {("periods", "6")}
    assert seen["records"] > 100
    assert [name for name in names(world.school_file()) if name in ended.out] == []


def test_a_query_that_does_not_fit_is_said_and_hides_no_other(run: Run, world: RealWorld, tmp_path: Path) -> None:
    place = tmp_path / "paragraf"
    place.mkdir()
    for path in (PROFILES / "paragraf").iterdir():
        (place / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (place / "subjects.sql").write_text("SELECT s.ID, s.TITLE AS NAME FROM SUBJECT s", encoding="utf-8")
    (place / "students.sql").write_text("SELECT s.ID FROM STUDENT s", encoding="utf-8")
    (place / "lessons.sql").write_text("SELECT TODO AS id FROM LESSON", encoding="utf-8")
    ended = run("--config", world.config, "profile", "check", "0252", "--folder", tmp_path)
    assert ended.status == 2
    wrong = [line for line in ended.out.splitlines() if line.startswith("✗")]
    assert len(wrong) == 3
    assert any("S.TITLE" in line for line in wrong)
    assert any("students.sql" in line and "birth_date" in line for line in wrong)
    assert any("lessons.sql: not finished" in line for line in wrong)
    assert " marks.sql: " in ended.out


@pytest.mark.parametrize(("wrong", "status"), [(False, 1), (True, 2)])
def test_lessons_that_are_counted_otherwise_than_they_stand_are_said(
    run: Run, world: RealWorld, tmp_path: Path, *, wrong: bool, status: int
) -> None:
    shutil.copytree(PROFILES / "paragraf", tmp_path / "paragraf")
    query = tmp_path / "paragraf" / "lesson_counts.sql"
    text = query.read_text("utf-8")
    query.write_text(text.replace("WHERE ", "WHERE l.CANCELLED = 0 AND ") if wrong else text, "utf-8")
    ended = run("--config", world.config, "profile", "check", "0252", "--folder", tmp_path)
    assert ended.status == status
    assert ("✗ lesson_counts.sql counts other lessons" in ended.out) is wrong
    assert " lesson_counts.sql: " in ended.out


def test_a_database_that_is_away_is_said(run: Run, world: RealWorld) -> None:
    text = world.config.read_text()
    world.config.write_text(text.replace("file:0252.fdb", "file:absent.fdb"))
    ended = run("--config", world.config, "profile", "check", "0252")
    world.config.write_text(text)
    assert ended.status == 2
    assert "absent.fdb" in ended.out


def test_a_new_profile_is_a_skeleton_of_the_database(run: Run, world: RealWorld, tmp_path: Path) -> None:
    url = f"file:{world.school_file()}"
    ended = run("profile", "new", "third", "--from-url", url, "--folder", tmp_path)
    assert (ended.status, ended.err) == (0, "")
    draft = load_draft("third", tmp_path)
    assert set(draft.unfinished) == {table.name for table in (*ALL_TABLES, FINGERPRINTS, TOTALS)}
    assert "MARK(ID, CONTROL_ID" in (tmp_path / "third" / "marks.sql").read_text()
    again = run("profile", "new", "third", "--from-url", url, "--folder", tmp_path)
    assert again.status == 2
    checked = run("--config", world.config, "profile", "check", "0252", "--profile", "third", "--folder", tmp_path)
    assert checked.status == 2
    assert checked.out.count(".sql: not finished") == len(ALL_TABLES) + 2
    assert "Traceback" not in checked.out + checked.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("../x", "--from-url", "sqlite:///x.db"), "../x"),
        (("third", "--from-url", "sqlite:////nowhere/x.db"), "third"),
        (("third", "--from-url", "sqlite:///x.db", "--password", "secret"), "--password"),
        (("third", "--from-url", "sqlite:///x.db", "--password", "env:NOT_THERE"), "--password"),
    ],
)
def test_what_new_cannot_do_is_one_line(run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    ended = run("profile", "new", *arguments, "--folder", tmp_path)
    assert ended.status == 2
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
