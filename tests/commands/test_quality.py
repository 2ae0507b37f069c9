"""`dnevnik findings` on a real school: what is told, that it names nobody, and what becomes of the file."""

import csv
import io
import json
import stat
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from canaries import CANARIES, plant
from firebird.driver import connect
from worlds.command_line import Run
from worlds.real_world import RealWorld

from connectors.school.embedded import use_embedded_firebird
from journal.school import school_year
from mappings.reasons import CATALOGUE, Severity
from reports.findings import COLUMNS


@pytest.fixture(scope="module")
def people(world: RealWorld) -> set[str]:
    """Spoil the school a little, and return every name, birth date and note in it."""
    use_embedded_firebird()
    plant(world.school_file())
    connection = connect(str(world.school_file()), user="SYSDBA", charset="UTF8")
    cursor = connection.cursor()
    cursor.execute("SELECT FIRST 2 ID FROM STUDENT ORDER BY ID")
    one, other = (row[0] for row in cursor.fetchall())
    cursor.execute(
        "UPDATE STUDENT SET LAST_NAME = 'Сёмина', FIRST_NAME = 'Анна', MIDDLE_NAME = NULL, "
        "BIRTH_DATE = DATE '2015-05-05' WHERE ID IN (?, ?)",
        (one, other),
    )
    cursor.execute("UPDATE STUDENT SET LAST_NAME = 'СЕМИНА ' WHERE ID = ?", (other,))
    cursor.execute("INSERT INTO STUDENT VALUES (99001, 'Безклассов', 'Пётр', NULL, DATE '2015-01-01', NULL)")
    connection.commit()
    cursor.execute("SELECT LAST_NAME, FIRST_NAME, MIDDLE_NAME, BIRTH_DATE FROM STUDENT")
    found = {str(value).strip() for row in cursor.fetchall() for value in row if value is not None}
    cursor.execute("SELECT LAST_NAME FROM TEACHER")
    found |= {row[0] for row in cursor.fetchall()}
    cursor.close()
    connection.close()
    return found | set(CANARIES)


def lines(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline=""), delimiter=";"))


def test_what_is_found_is_told_with_its_remedy_and_names_nobody(
    run: Run, world: RealWorld, people: set[str], tmp_path: Path
) -> None:
    file = tmp_path / "findings.csv"
    ended = run("--config", world.config, "findings", "0252", "--csv", file)
    assert ended.status == 1  # the sandbox's school has rows that are set aside
    assert len(ended.err.splitlines()) == 1
    assert str(file) in ended.err
    flat = " ".join(ended.out.split())
    written = lines(file)
    assert "A code that codes.toml lacks: periods, 6, rows 1" in flat
    for code in {line["code"] for line in written}:
        assert f" {code} " in flat
        assert CATALOGUE[code].remedy.en.split()[0] in flat
    assert {"students-alike", "student-in-no-class"} <= {line["code"] for line in written}
    assert [name for name in people if name in ended.out + file.read_text("utf-8-sig")] == []
    assert len(people) > 20


def test_document_table_and_terminal_agree(run: Run, world: RealWorld, people: set[str], tmp_path: Path) -> None:
    file = tmp_path / "findings.csv"
    ended = run("--config", world.config, "findings", "--csv", file, "--json")
    school = json.loads(ended.out)["schools"]["0252"]
    written = lines(file)
    assert tuple(written[0]) == COLUMNS
    counts = Counter(line["code"] for line in written)
    assert {one["code"]: one["count"] for one in school["findings"]} == counts
    places = Counter((line["code"], line["class"], line["teacher"]) for line in written)
    assert places == Counter(
        {
            (one["code"], place["class"] or "", place["teacher"] or ""): place["count"]
            for one in school["findings"]
            for place in one["places"]
        }
    )
    assert {line["severity"] for line in written} == {"error", "warning"}
    assert school["failure"] is None
    assert {"table": "periods", "code": "6", "count": 1} in school["unmapped"]
    unknown = [one["count"] for one in school["unmapped"] if one["table"] != "periods"]
    assert sum(unknown) >= counts["unknown-mark-type"] > 0
    assert [name for name in people if name in ended.out] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_plan_counts_the_same_but_for_those_who_are_alike(run: Run, world: RealWorld, people: set[str]) -> None:
    assert people
    found = json.loads(run("--config", world.config, "findings", "--json").out)["schools"]["0252"]
    planned = json.loads(run("--config", world.config, "plan", "0252", "--json").out)["schools"]["0252"]
    counts = {one["code"]: one["count"] for one in found["findings"] if one["code"] != "students-alike"}
    told: Counter[str] = Counter()
    for one in planned["findings"]:
        told[one["code"]] += one["count"]
    assert told == counts
    assert planned["set_aside"] == {code: n for code, n in told.items() if CATALOGUE[code].severity is Severity.ERROR}
    assert planned["balances"]
    assert planned["read"] == found["read"]


def test_a_file_is_not_replaced_unasked(run: Run, world: RealWorld, tmp_path: Path) -> None:
    file = tmp_path / "findings.csv"
    file.write_text("mine")
    ended = run("--config", world.config, "findings", "--csv", file)
    assert (ended.status, file.read_text(), ended.out) == (2, "mine", "")
    assert "--force" in ended.err
    assert run("--config", world.config, "findings", "--csv", file, "--force").status == 1
    assert lines(file)


def test_a_file_that_cannot_be_written_is_said(run: Run, world: RealWorld, tmp_path: Path) -> None:
    ended = run("--config", world.config, "findings", "--csv", tmp_path / "nowhere" / "f.csv")
    assert ended.status == 2
    assert "nowhere" in ended.err


def test_a_school_that_is_away_is_said(run: Run, world: RealWorld, tmp_path: Path) -> None:
    text = world.config.read_text()
    world.config.write_text(text.replace("file:0252.fdb", "file:absent.fdb"))
    ended = run("--config", world.config, "findings", "--json", "--csv", tmp_path / "f.csv")
    world.config.write_text(text)
    assert ended.status == 2
    assert json.loads(ended.out)["schools"]["0252"]["failure"]["code"] == "school-unreachable"
    assert run("--config", world.config, "findings", "9999").status == 2


def test_a_calendar_tells_of_lessons_on_other_days(run: Run, world: RealWorld) -> None:
    def off_days(command: str) -> int:
        school = json.loads(run("--config", world.config, command, "0252", "--json").out)["schools"]["0252"]
        return sum(one["count"] for one in school["findings"] if one["code"] == "no-school-day")

    year = school_year(datetime.now(UTC).date())
    text = world.config.read_text()
    days = f'[{year.first.year}]\nvacations = ["{year.first}/{year.last}"]\n'
    (world.config.parent / "off.toml").write_text(days, encoding="utf-8")
    world.config.write_text(text.replace('code = "0252"\n', 'code = "0252"\ncalendar = "off.toml"\n'))
    found, planned = off_days("findings"), off_days("plan")
    world.config.write_text(text)
    assert found == planned > 100
