"""`plan --out`, `sync --plan` and `delivery …` on real parts: files, exit statuses, words, who decided."""

import json
import re
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld, build

import settings
from audit.cosigning import cosigner_key
from audit.entry import DeliveryDecision, parse
from audit.keys import create_signing_key, load_signing_key
from audit.log import open_log
from database import open_database, reading, writing
from delivery.tables import BATCH, LINK_STATE, RECORD
from sandbox.registry import write_register
from sandbox.school.edit import SchoolEditor

ORIGIN = "dnevnik-bridge"

Do = Callable[..., Ended]


@pytest.fixture
def own(tmp_path: Path, certificates: Path, run: Run) -> Iterator[RealWorld]:
    """An installation of this test alone, of two schools, both with people registered."""
    made = build(tmp_path, certificates, codes=("0252", "0385"), students=9, weeks=2)
    made.config.write_text(made.config.read_text().replace('language = "ru"', 'language = "en"'))
    for code in made.codes:
        register = tmp_path / f"register-{code}.csv"
        today = datetime.now(UTC).date()
        write_register(register, made.school_file(code), code=code, seed=1, today=today, share=0.9)
        assert run("--config", made.config, "registry", "import", register).status == 0
    yield made
    made.server.stop()


@pytest.fixture
def do(run: Run, own: RealWorld) -> Do:
    return lambda *arguments: run("--config", own.config, *arguments)


def sync(do: Do, *arguments: object) -> dict[str, dict[str, object]]:
    ended = do("sync", "--without-prefect", "--json", *arguments)
    return {"": {"status": ended.status, "err": ended.err}, **json.loads(ended.out)["schools"]}


def test_a_written_plan_is_carried_out_school_by_school(do: Do, own: RealWorld, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    planned = do("plan", "--out", file)
    assert planned.status == 1  # there are rows set aside
    assert own.holdings() == own.holdings("0385") == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    whole = json.loads(file.read_bytes())
    assert [one["school"] for one in whole["schools"]] == ["0252", "0385"]
    assert f"dnevnik sync --plan {file}" in planned.err
    assert whole["digest"][:12] in planned.err
    assert do("plan", "--out", file, "--json").err == planned.err
    assert json.loads(file.read_bytes())["digest"] == whole["digest"]
    editor = SchoolEditor(own.school_file("0385"))
    for mark in editor.marks():
        editor.delete_mark(mark.mark_id)
    done = sync(do, "--plan", file)
    assert done[""]["status"] == 1
    assert re.fullmatch(r"0385: School 0385: since the plan was made, this has changed: records to publish: "
                        r"\d+ .*gone\. Nothing was sent\. .*\n", str(done[""]["err"]))  # fmt: skip
    acts = {one["school"]: [act["do"] for act in one["acts"]] for one in whole["schools"]}
    assert done["0252"]["sent"] == len(own.holdings()) == acts["0252"].count("publish") > 0
    assert own.holdings("0385") == []
    assert own.portal_rows("SELECT * FROM link WHERE school = '0385'") == []
    assert do("sync", "--plan", file, "0385").status == 2
    do("plan", "--out", file, "0385")
    assert sync(do, "--plan", file)["0385"]["failure"] is None
    assert own.holdings("0385")
    assert do("sync", "--plan", file, "0252").status == 2  # not in this plan
    assert do("audit", "verify").status == 0


def test_a_plan_replaces_nothing_but_a_plan_and_an_altered_one_is_refused(do: Do, own: RealWorld, tmp_path) -> None:
    before = own.config.read_bytes()
    ended = do("plan", "--out", own.config, "0252")
    assert (ended.status, ended.out) == (2, "")
    assert own.config.read_bytes() == before
    file = tmp_path / "plan.json"
    do("plan", "--out", file, "0252")
    file.write_bytes(file.read_bytes().replace(b'"do":"publish"', b'"do":"erase"', 1))
    for refused in (do("sync", "--plan", file), do("sync", "--plan", tmp_path / "none.json")):
        assert (refused.status, refused.out) == (2, "")
    assert own.holdings() == []


def test_no_school_that_could_be_read_is_no_plan(do: Do, own: RealWorld, tmp_path: Path) -> None:
    own.school_file().rename(own.folder / "away.fdb")
    ended = do("plan", "--out", tmp_path / "plan.json", "0252")
    assert ended.status == 2
    assert "no school could be read" in ended.err
    assert not (tmp_path / "plan.json").exists()


def listed(do: Do, *schools: str) -> dict[str, dict[str, list[dict[str, object]]]]:
    ended = do("delivery", "list", "--json", *schools)
    assert (ended.status, ended.err) == (0, "")
    document: dict[str, dict[str, list[dict[str, object]]]] = json.loads(ended.out)["schools"]
    return document


def decisions(own: RealWorld) -> list[tuple[str, str]]:
    """What persons decided of records, as the audit log tells it."""
    section = settings.load(own.config).audit
    log = open_log(section.log, load_signing_key(section.signing_key.read(), ORIGIN), ORIGIN)
    entries = [parse(line) for line in log.entries()]
    return [(entry.action, entry.record) for entry in entries if isinstance(entry, DeliveryDecision)]


def test_rejected_records_are_listed_retried_and_given_up_by_a_person(do: Do, own: RealWorld) -> None:
    assert do("delivery", "list").out == "Nothing is undelivered\n"
    own.server.fail_next("reject-records", argument="[0-7]$", operation="SubmitJournal")
    first = sync(do, "0252")["0252"]
    rejected = [str(one["record_id"]) for one in listed(do)["0252"]["rejected"]]
    assert len(rejected) == first["failed"] > 2
    assert all(one["deed"] == "publish" for one in listed(do)["0252"]["rejected"])
    told = do("delivery", "list", "0252")
    assert f"dnevnik delivery retry 0252 --record {rejected[0]}" in told.out
    assert sync(do, "0252")["0252"]["failed"] == first["failed"]
    one, other, *_ = rejected
    assert do("delivery", "discard", "0252", "--record", one).status == 0
    assert do("delivery", "retry", "0252", "--record", other).status == 0
    second = sync(do, "0252")["0252"]
    assert (second["sent"], second["failed"]) == (1, len(rejected) - 2)
    assert dict(second["withheld"])["discarded"] == 1
    assert "Rejected by the portal and given up" in do("report", "0252").out
    assert one not in do("delivery", "list").out
    for words in (["discard", "0252", "--record", other], ["retry", "0252", "--record", "nobody"], ["retry", "0252"]):
        refused = do("delivery", *words)
        assert (refused.status, refused.out) == (2, "")
        assert len(refused.err.splitlines()) == 1
    everything = do("delivery", "retry", "0252", "--all")
    assert f"{len(rejected) - 2} records will be sent again" in everything.out
    assert sync(do, "0252")["0252"]["sent"] == len(rejected) - 2
    assert "there is nothing to try again" in do("delivery", "retry", "0252", "--all").out
    assert do("delivery", "list").out == "Nothing is undelivered\n"
    assert decisions(own)[:2] == [("discarded", one), ("retried", other)]
    assert sorted(decisions(own)[2:]) == sorted(("retried", record) for record in rejected[2:])
    assert do("audit", "verify").status == 0


def test_a_portal_that_asks_for_a_rest_is_shown_and_left_alone(do: Do, own: RealWorld) -> None:
    own.server.fail_next("maintenance", argument="3600")
    failure = sync(do, "0252")["0252"]["failure"]
    assert failure["code"] == "portal-maintenance"
    until = re.search(r"until (\S+) \(Maintenance\)", failure["en"])
    assert until is not None
    asked = len(own.portal_rows("SELECT * FROM request_log"))
    assert sync(do)[""]["status"] == 2
    assert len(own.portal_rows("SELECT * FROM request_log")) == asked
    told = do("delivery", "list")
    assert told.out == (
        f"The portal asked to be left alone until {until[1]} (Maintenance), all schools wait. Nothing needs doing\n"
    )
    own.server.fail_next("throttled", argument="3600")
    assert json.loads(do("delivery", "list", "--json").out)["portal"]["code"] == "Maintenance"


def test_all_that_can_be_undelivered_is_told_in_a_line_each(do: Do, own: RealWorld) -> None:
    sync(do, "0252")
    engine = open_database(settings.load(own.config).bridge.state)
    now = datetime.now(UTC)
    with writing(engine) as connection:
        for state, code in (("open", None), ("refused", "NotAuthorized")):
            batch = {"batch_id": state * 8, "school": "0385", "run": "run", "created_at": now, "state": state}
            counts = {"published": 3, "withdrawn": 2, "students": 1, "accounts": 1}
            settled = {"settled_at": None if code is None else now, "error_code": code}
            connection.execute(BATCH.insert().values(**batch, **counts, **settled))
        connection.execute(LINK_STATE.update().values(refused_code="NotAuthorized", refused_at=now))
        connection.execute(RECORD.update().values(rejected_code="Never"))
    with reading(engine) as connection:
        records = connection.scalar(sa.select(sa.func.count()).select_from(RECORD)) or 0
    engine.dispose()
    lines = do("delivery", "list").out.splitlines()
    assert len([line for line in lines if "0252" in line]) == 51
    assert lines[49].startswith("School 0252: the portal refused to take back the record ")
    assert re.fullmatch(r"School 0252: and \d+ more; all: dnevnik delivery list 0252 --json", lines[50])
    assert [line.partition(":")[2][:39] for line in lines[51:]] == [
        " the outcome of the batch openopenopen ",
        " the portal refused the batch refusedre",
    ]
    assert len(listed(do)["0252"]["rejected"]) == records
    assert listed(do)["0385"]["refused"][0]["code"] == "NotAuthorized"
    assert len(listed(do, "0252")) == 1


def test_a_run_says_that_witnesses_are_short_while_it_still_sends(do: Do, own: RealWorld) -> None:
    vkey = cosigner_key(load_signing_key(create_signing_key(), "w.example/1")).vkey
    more = f'[audit]\nwitnesses = ["http://127.0.0.1:1"]\nwitness_keys = ["{vkey}"]'
    own.config.write_text(own.config.read_text().replace("[audit]", more))
    ended = do("sync", "--without-prefect", "0252")
    assert ended.status in {0, 1}
    assert own.holdings()
    (said,) = [line for line in ended.err.splitlines() if "witnesses needed" in line]
    assert said.startswith("The audit log is cosigned by 0 of the 1 witnesses needed, since ")
    assert "http://127.0.0.1:1 (no connection)" in said
    swept = do("sweep", "0252")
    assert "witnesses needed" in swept.err
