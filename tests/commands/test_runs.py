"""`plan`, `sync`, `sweep`, `reconcile`, `report`, `hold` on real parts: numbers, exit statuses, who fails alone."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld, build

import settings
from commands import scheduler
from consent_registry.fact_store import states
from database import open_database, reading
from sandbox.registry import write_register
from sandbox.school.edit import SchoolEditor

FATES = ("read", "sent", "unchanged", "withheld", "set_aside", "failed")


@pytest.fixture
def own(tmp_path: Path, certificates: Path, run: Run) -> Iterator[RealWorld]:
    """An installation of this test alone, of two schools, the first with people registered."""
    made = build(tmp_path, certificates, codes=("0252", "0385"), students=10, weeks=2)
    made.config.write_text(made.config.read_text().replace('language = "ru"', 'language = "en"'))
    today = datetime.now(UTC).date()
    write_register(tmp_path / "register.csv", made.school_file(), code="0252", seed=1, today=today, share=0.9)
    assert run("--config", made.config, "registry", "import", tmp_path / "register.csv").status == 0
    yield made
    made.server.stop()


Numbers = dict[str, dict[str, object]]


def numbers(ended: Ended) -> Numbers:
    found: Numbers = json.loads(ended.out)["schools"]
    for school in found.values():
        counts = [sum(v.values()) if isinstance(v := school[name], dict) else v for name in FATES]
        assert counts[0] == sum(counts[1:])
        assert school["balances"]
    return found


@pytest.fixture
def sync(run: Run, own: RealWorld) -> Callable[..., Ended]:
    return lambda *codes: run("--config", own.config, "sync", "--without-prefect", "--json", *codes)


def test_a_plan_says_what_a_sync_does_and_a_report_what_it_did(run: Run, own: RealWorld, sync) -> None:
    early = run("--config", own.config, "report")
    assert (early.status, early.out) == (2, "")
    assert "dnevnik sync" in early.err
    plan = run("--config", own.config, "plan", "--json")
    assert plan.status == 1  # there are rows set aside
    assert own.holdings() == []
    done = sync()
    assert (done.status, done.err) == (1, "")
    planned, synced = numbers(plan), numbers(done)
    assert list(synced) == ["0252", "0385"]
    for code in synced:
        assert {name: planned[code][name] for name in FATES} == {name: synced[code][name] for name in FATES}
    assert synced["0252"]["sent"] == len(own.holdings()) > 0
    assert synced["0385"]["withheld"] == {"no-link": synced["0385"]["read"] - sum(synced["0385"]["set_aside"].values())}
    reported = run("--config", own.config, "report", "--json", "0252")
    assert reported.status == 0
    assert numbers(reported) == {"0252": synced["0252"]}
    second = sync("0252")
    again = numbers(second)["0252"]
    assert second.status == 1  # the rows are set aside as before, though nobody read them again
    assert (again["sent"], again["read"], again["not_read"]["records"]) == (0, 0, synced["0252"]["read"])
    assert again["not_read"]["set_aside"] == synced["0252"]["set_aside"]
    whole = numbers(sync("0252", "--full"))["0252"]
    assert (whole["sent"], whole["unchanged"]) == (0, synced["0252"]["sent"])
    assert whole["not_read"]["journals"] == 0


def test_tables_speak_the_installations_language(run: Run, own: RealWorld) -> None:
    table = run("--config", own.config, "plan", "0385")
    assert "Школа 0385" in table.out
    assert "No parent has applied" in table.out


def test_pages_are_written_where_asked(run: Run, own: RealWorld, sync, tmp_path: Path) -> None:
    sync()
    ended = run("--config", own.config, "report", "--html", tmp_path / "pages")
    assert ended.status == 0
    assert {path.name for path in (tmp_path / "pages").iterdir()} == {
        "index.html", "school-0252.html", "school-0385.html", "transfers.html",
    }  # fmt: skip
    (tmp_path / "file").write_bytes(b"")
    assert run("--config", own.config, "report", "--html", tmp_path / "file" / "x").status == 2


def withdraw_one(run: Run, own: RealWorld) -> tuple[set[str], str]:
    """Withdraw one consent of those that have an open link; returns the open links' accounts then, and whose it was."""
    engine = open_database(settings.load(own.config).bridge.state)
    with reading(engine) as connection:
        known = states(connection, "0252", at=datetime.now(UTC))
    engine.dispose()
    linked = {row[0] for row in own.portal_rows("SELECT account_id FROM link WHERE ended_at IS NULL")}
    state = next(state for state in known if state.account_id in linked)
    run(
        "--config", own.config, "registry", "withdraw", "--school", "0252",
        "--student", state.student_key, "--account", state.account_id,
    )  # fmt: skip
    return linked, state.account_id


def test_a_withdrawal_takes_effect_with_a_sweep(run: Run, own: RealWorld, sync) -> None:
    sync()
    linked, account = withdraw_one(run, own)
    ended = run("--config", own.config, "sweep", "--json")
    assert ended.status == 0
    swept = numbers(ended)["0252"]
    assert swept["links_ended"] == 1
    left = {row[0] for row in own.portal_rows("SELECT account_id FROM link WHERE ended_at IS NULL")}
    assert left == linked - {account}
    again = run("--config", own.config, "sweep")
    assert again.out == ("Nothing to take back, schools: 2. Where a sync is under way, it takes back itself\n")


def test_a_sweep_says_what_it_took_back_and_nothing_of_a_journal(run: Run, own: RealWorld, sync) -> None:
    sync()
    withdraw_one(run, own)
    ended = run("--config", own.config, "sweep", "0252")
    assert ended.status == 0
    assert "0252 Школа 0252: What lost its ground was taken back\n" in ended.out
    assert re.findall(r"^  (\S.*?) +\d+ *$", ended.out, re.MULTILINE) == ["taken back", "links closed"]
    for word in ("transferred", "read", "withheld"):
        assert word not in ended.out


def test_a_plan_that_the_world_left_behind_is_for_a_person_to_make_anew(
    run: Run, own: RealWorld, sync, tmp_path: Path
) -> None:
    sync()
    plan = tmp_path / "0252.plan"
    assert run("--config", own.config, "plan", "0252", "--out", plan).status in {0, 1}
    withdraw_one(run, own)
    ended = run("--config", own.config, "sync", "--plan", plan)
    assert ended.status == 2
    said = " ".join(ended.out.split())
    assert "Make the plan anew: dnevnik plan --out" in said
    assert "plan-outdated" in said
    assert "tries again" not in said


def test_a_plan_of_a_school_that_cannot_be_read_says_that_nothing_was_calculated(run: Run, own: RealWorld) -> None:
    own.school_file("0385").rename(own.folder / "away.fdb")
    ended = run("--config", own.config, "plan", "0385")
    assert ended.status == 2
    said = " ".join(ended.out.split())
    assert "The calculation was not done" in said
    for words in ("transferred", "tries again"):
        assert words not in said


def test_a_school_that_cannot_be_read_fails_alone(own: RealWorld, sync) -> None:
    own.school_file("0385").rename(own.folder / "away.fdb")
    ended = sync()
    assert ended.status == 1
    done = numbers(ended)
    assert done["0252"]["failure"] is None
    assert done["0252"]["sent"] > 0
    assert done["0385"]["failure"]["code"] == "school-unreachable"
    (line,) = ended.err.splitlines()
    assert line.startswith("0385: ")
    assert sync("0385").status == 2


def test_a_portal_that_is_away_is_not_done_and_nothing_is_lost(own: RealWorld, sync) -> None:
    own.server.fail_next("http-503-before", times=None)
    ended = sync("0252")
    assert ended.status == 2
    assert "0252: " in ended.err
    own.server.clear_faults()
    assert sync("0252").status == 1
    assert own.holdings()


def test_an_unknown_school_is_one_line_and_nothing_is_done(run: Run, own: RealWorld) -> None:
    for command in ("plan", "sync", "sweep", "reconcile", "report"):
        ended = run("--config", own.config, command, "0252", "9999")
        assert (ended.status, ended.out) == (2, "")
        assert "9999" in ended.err
    assert own.holdings() == []


def test_reconcile_mends_what_the_portal_lost(run: Run, own: RealWorld, sync) -> None:
    sync("0252")
    before = own.holdings()
    with own.server.connect() as connection:
        connection.execute("DELETE FROM holding WHERE record_id IN (SELECT record_id FROM holding LIMIT 2)")
        connection.commit()
    ended = run("--config", own.config, "reconcile", "0252", "--json")
    assert ended.status == 1
    assert numbers(ended)["0252"]["sent"] == 2
    assert own.holdings() == before


def test_a_run_that_would_take_back_too_much_holds_until_a_person_says_so(run: Run, own: RealWorld, sync) -> None:
    sync("0252")
    before = own.holdings()
    text = own.config.read_text()
    own.config.write_text(text.replace("withdraw_count = 100000", "withdraw_count = 1"))
    with_marks = SchoolEditor(own.school_file())
    shown = {row[0] for row in own.portal_rows("SELECT date FROM holding WHERE kind = 'current' AND withdrawn = 0")}
    assert shown
    for mark in with_marks.marks():
        with_marks.delete_mark(mark.mark_id)
    ended = sync("0252")
    assert ended.status == 3
    held = numbers(ended)["0252"]["held"]
    assert "withdraw_count" in held["exceeded"]
    assert own.holdings() == before
    listed = run("--config", own.config, "hold", "list")
    assert (listed.status, listed.err) == (0, "")
    assert held["digest"][:12] in listed.out
    assert run("--config", own.config, "hold", "approve", "0252", "0" * 12).status == 2
    assert run("--config", own.config, "hold", "approve", "0252", held["digest"][:12]).status == 0
    assert "Approved" in run("--config", own.config, "hold", "list").out
    done = sync("0252")
    assert done.status in (0, 1)
    assert len(own.holdings()) < len(before)
    assert run("--config", own.config, "hold", "list").out == "Nothing waits for a decision\n"
    assert run("--config", own.config, "audit", "verify").status == 0


def test_a_discarded_plan_is_not_carried_out(run: Run, own: RealWorld, sync) -> None:
    sync("0252")
    before = own.holdings()
    own.config.write_text(own.config.read_text().replace("withdraw_count = 100000", "withdraw_count = 1"))
    editor = SchoolEditor(own.school_file())
    for mark in editor.marks():
        editor.delete_mark(mark.mark_id)
    held = numbers(sync("0252"))["0252"]["held"]
    assert run("--config", own.config, "hold", "discard", "0252", held["digest"][:12]).status == 0
    assert sync("0252").status == 3
    assert own.holdings() == before


def test_when_prefect_cannot_run_the_flow_the_steps_are_run_without(
    run: Run, own: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_prefect(*_arguments: object) -> list[object]:
        return []

    monkeypatch.setattr("commands.delivery.run_sync", no_prefect)
    ended = run("--config", own.config, "sync", "0252", "--json")
    assert ended.status == 1
    assert numbers(ended)["0252"]["sent"] == len(own.holdings()) > 0


def test_prefects_failure_is_told_in_the_technical_log_alone(
    own: RealWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PREFECT_HOME", *scheduler.QUIET):
        monkeypatch.setenv(name, "unused")
    (own.folder / "var").mkdir(exist_ok=True)
    (own.folder / "var" / "prefect").write_bytes(b"in the way")
    assert scheduler.run_sync(["0252"], settings.load(own.config), lambda *_: None) == []
    assert capsys.readouterr().err == ""


def test_full_is_taken(run: Run, own: RealWorld) -> None:
    assert run("--config", own.config, "sync", "0252", "--full", "--without-prefect").status == 1


def test_a_paused_school_sends_nothing_new(own: RealWorld, sync) -> None:
    today = datetime.now(UTC).date()
    span = f'paused = ["{today - timedelta(days=1)}/{today + timedelta(days=1)}"]\n'
    own.config.write_text(own.config.read_text().replace('code = "0252"\n', f'code = "0252"\n{span}'))
    done = numbers(sync("0252"))
    assert done["0252"]["withheld"]["paused"] > 0
    assert own.holdings() == []
