"""What the registry says of links and records: at any moment, as known at any moment, to people and to programs."""

import csv
import io
import json
import stat
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld
from worlds.registry_desk import TODAY, Desk, days_ago, minors, moment

import settings
from consent_registry.register.file import COLUMNS
from consent_registry.sealed.vault import destroy_student_key
from database import writing
from delivery.roster import store_roster
from delivery.tables import RECORD
from flows.assembly import open_vault
from journal.school import RosterEntry
from journal.vocabulary import RecordKind

_ACCOUNTS = count(1)


@pytest.fixture(scope="module")
def students(world: RealWorld) -> list[str]:
    return minors(world)


@pytest.fixture
def desk(run: Run, world: RealWorld, students: list[str]) -> Desk:
    made = Desk(run, world, students[0], f"pa-{next(_ACCOUNTS)}")
    assert made.take().status == 0
    return made


def look(desk: Desk, command: str, *arguments: object) -> Ended:
    return desk.run("--config", desk.world.config, "registry", command, "--school", "0252", *arguments)


def link(desk: Desk, *arguments: object) -> dict[str, object]:
    ended = look(desk, "state", "--student", desk.student, "--json", *arguments)
    assert (ended.status, ended.err) == (0, "")
    links = json.loads(ended.out)["links"]
    return next((one for one in links if one["account"] == desk.account), {})


def test_state_tells_what_held_then_and_what_was_known_then(desk: Desk) -> None:
    before = datetime.now(UTC).isoformat()
    held = desk.everything()
    assert desk("withdraw", "--at", moment(5)).status == 0
    assert (link(desk)["ground"], link(desk)["reason"]) == (False, "consent-withdrawn")
    assert link(desk, "--at", days_ago(6))["ground"]
    assert link(desk, "--known-at", before)["ground"]
    assert link(desk, "--at", days_ago(80))["reason"] == "not-registered"
    assert link(desk, "--known-at", days_ago(1)) == {}  # nothing was known of it yet
    assert len(desk.case().facts) == len(held[0]) + 1  # looking records nothing


def test_state_as_a_table_explains_its_reasons_and_names_nobody(desk: Desk) -> None:
    desk("restrict", "--from", days_ago(1))
    ended = look(desk, "state", "--student", desk.student)
    assert (ended.status, ended.err) == (0, "")
    (row,) = [line for line in ended.out.splitlines() if desk.account in line.split()]
    assert "✗ restricted" in row
    assert "restricted: This parent's access is restricted by a decision" in ended.out
    assert "Пётр" not in ended.out
    none = look(desk, "state", "--student", "999999")
    assert none.status == 0
    assert "no links are known" in none.out


@pytest.mark.parametrize("arguments", [("--at", "soon"), ("--known-at", "2026-13-01"), ("--school", "0999")])
def test_a_state_that_cannot_be_asked_for_is_one_line(desk: Desk, arguments: tuple[str, str]) -> None:
    ended = look(desk, "state", *arguments)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert arguments[0] in line or arguments[1] in line


def explained(desk: Desk, *arguments: object) -> dict[str, object]:
    ended = look(desk, "explain", *arguments, "--json")
    assert (ended.status, ended.err) == (0, "")
    return json.loads(ended.out)


def test_a_record_is_explained_by_student_kind_and_date(desk: Desk, students: list[str]) -> None:
    alone = Desk(desk.run, desk.world, students[1], f"pa-{next(_ACCOUNTS)}")
    assert alone.take(kinds="current").status == 0
    named = ("--student", alone.student, "--kind", "current", "--date", days_ago(9))
    said = explained(alone, *named)
    state = alone.state()
    assert said["permitted"]
    assert said["permitted_by"] == [
        {"link": state.link_id, "account": alone.account, "consent": state.consent_ref, "text_version": "2025-09"}
    ]
    assert explained(alone, "--student", alone.student, "--kind", "late", "--date", TODAY)["reason"] == (
        "kind-not-covered"
    )
    assert explained(alone, *named[:4], "--date", days_ago(90))["reason"] == "date-not-covered"
    alone("end", "--why", "registered-in-error")
    ended = look(alone, "explain", *named)
    assert (ended.status, ended.err) == (0, "")
    _head, withheld, remedy, verdict = ended.out.splitlines()
    assert "registered-in-error" in withheld
    assert remedy.startswith("What to do: ")
    assert all(word in verdict for word in (state.link_id, state.consent_ref, alone.account))
    assert explained(alone, *named, "--at", days_ago(1))["permitted"]


def test_a_record_of_the_portal_is_explained_by_its_id(desk: Desk) -> None:
    row = {
        "school": "0252", "source_key": f"MARK/{desk.account}", "student_key": desk.student, "date": days_ago(9),
        "kind": str(RecordKind.CURRENT), "revision": 1, "held": True, "record_id": f"record-of-{desk.account}",
    }  # fmt: skip
    with desk.database() as engine, writing(engine) as connection:
        connection.execute(RECORD.insert().values(row))
    ended = look(desk, "explain", "--record", row["record_id"])
    assert (ended.status, ended.err) == (0, "")
    assert f"permitted by consent {desk.state().consent_ref}" in ended.out
    assert f"The portal holds record {row['record_id']} now." in ended.out
    assert explained(desk, "--record", row["record_id"])["held"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--record"),
        (("--student", "1", "--kind", "current"), "--date"),
        (("--record", "r", "--student", "1"), "--record"),
        (("--record", "no-such"), "no-such"),
        (("--student", "1", "--kind", "homework", "--date", "2026-11-02"), "--kind"),
        (("--student", "1", "--kind", "current", "--date", "soon"), "--date"),
    ],
)
def test_a_record_that_cannot_be_found_is_one_line(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    ended = look(desk, "explain", *arguments)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert said in line


def test_the_roster_is_the_one_that_was_read_last(desk: Desk, students: list[str]) -> None:
    alone = Desk(desk.run, desk.world, students[2], f"pa-{next(_ACCOUNTS)}")
    assert alone.take().status == 0
    assert link(alone)["ground"]  # no roster was kept: the school itself was read
    with alone.database() as engine, writing(engine) as connection:
        vault = open_vault(settings.load(alone.world.config), engine)
        emptied = {alone.student: RosterEntry(alone.student, None)}
        store_roster(connection, "0252", emptied, datetime.now(UTC), lambda plain: vault.seal_for("roster:0252", plain))
    try:
        assert link(alone)["reason"] == "birth-date-unknown"
    finally:
        with alone.database() as engine, writing(engine) as connection:
            connection.exec_driver_sql("DELETE FROM roster_snapshot")


def test_history_tells_every_fact_with_who_recorded_it_and_no_family(desk: Desk) -> None:
    desk("restrict", "--from", days_ago(1), "--document", "решение суда 17", "--by", "Иванова Анна")
    desk("lift", "--from", TODAY)
    desk("withdraw")
    ended = desk("history")
    assert (ended.status, ended.err) == (0, "")
    case = desk.case()
    for fact in case.facts:
        assert f" {fact.fact_id} " in ended.out
    assert case.key.link_id in ended.out
    for staff in ("Иванова Анна", "Секретарь 1", "Завуч 2"):
        assert staff in ended.out
    assert f"corrected by {case.facts[-2].fact_id}" in " ".join(ended.out.split())
    assert "evidence is kept sealed" in " ".join(ended.out.split())
    assert "решение суда" not in ended.out
    assert "Пётр" not in ended.out
    of_student = look(desk, "history", "--student", desk.student)
    assert case.key.link_id in of_student.out
    unknown = look(desk, "history", "--student", "999999")
    assert (unknown.status, unknown.out) == (2, "")
    assert "999999" in unknown.err


def export(desk: Desk, *arguments: object) -> Ended:
    return desk.run("--config", desk.world.config, "registry", "export", *arguments)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_an_export_is_its_owners_alone_logged_and_taken_in_again_changes_nothing(
    desk: Desk, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"register.{suffix}"
    logged = desk.events()
    assert export(desk, file, "0252").status == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert desk.events() == [*logged, "exported"]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    held = desk.everything()
    again = desk.run("--config", desk.world.config, "registry", "import", file)
    assert again.status == 0
    assert "new 0, changed 0," in again.out
    assert desk.everything() == held


def test_an_export_has_the_names(desk: Desk, tmp_path: Path) -> None:
    export(desk, tmp_path / "r.csv")
    content = (tmp_path / "r.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content), delimiter=";"))
    assert tuple(rows[0]) == COLUMNS
    (row,) = [row for row in rows if row["account_id"] == desk.account]
    assert (row["parent_last_name"], row["registered_by"]) == (desk.account, "Завуч 2")


def test_an_export_takes_no_files_place_unasked(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("mine")
    file.chmod(0o644)
    logged = desk.events()
    refused = export(desk, file)
    assert (refused.status, refused.out, file.read_text()) == (2, "", "mine")
    assert "--force" in refused.err
    assert desk.events() == logged
    assert export(desk, file, "--force").status == 0
    assert file.read_text(encoding="utf-8-sig").startswith("school;")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_name_that_was_taken_meanwhile_stays(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.symlink_to(tmp_path / "nowhere")  # not there to who looks first, there to who creates it
    refused = export(desk, file)
    assert (refused.status, refused.out) == (2, "")
    assert "--force" in refused.err
    assert file.is_symlink()
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("name", ["r.txt", "r", "absent/r.csv"])
def test_an_export_that_cannot_be_written_is_one_line(desk: Desk, tmp_path: Path, name: str) -> None:
    ended = export(desk, tmp_path / name)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert name in line
    assert list(tmp_path.iterdir()) == []


def test_what_an_export_cannot_say_is_told(desk: Desk, students: list[str], tmp_path: Path) -> None:
    desk("end", "--why", "registered-in-error")
    for first in (3, 2):
        desk("restrict", "--from", days_ago(first))
    desk.take(document_kind="=1+1")
    gone = Desk(desk.run, desk.world, students[3], f"pa-{next(_ACCOUNTS)}")
    assert gone.take().status == 0
    with gone.database() as engine, writing(engine) as connection:
        destroy_student_key(connection, "0252", gone.student)
    told = export(desk, tmp_path / "r.csv").err
    for said in ("were destroyed", "Ended links", "Restrictions beyond one", "look like formulas"):
        assert said in told
    assert "look like formulas" not in export(desk, tmp_path / "r.xlsx").err
