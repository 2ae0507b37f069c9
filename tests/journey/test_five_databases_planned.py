"""`dnevnik plan` on each of the five databases, by seven ways in, says exactly what the row-by-row oracle says.

One installation, one register, one ledger and portal: the school was synced once, then teachers changed it and a parent
withdrew. The school as it is now stands in every database; each has a bridge.toml of its own, and nothing else differs.
"""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import cycle
from pathlib import Path

import pytest
from connectors_school.five_ways import Way, five_ways
from journey.portal_reading import expected, open_links, register_rows, shown
from oracle.journal_oracle import MOSCOW, OracleRecord, RowKey, Verdict, judge
from oracle.school_tables import read_tables
from worlds.command_line import Run, in_this_process
from worlds.real_world import RealWorld, authority, build

from sandbox.registry import write_register
from sandbox.school import database
from sandbox.school.dirt import UNKNOWN_MARK_TYPE
from sandbox.school.tables import MarkRow, Tables
from sandbox.school.writing import make_school

CODE = "0252"
NAMES = (
    "firebird-file", "firebird-server", "postgresql", "postgresql-odbc", "mariadb", "mariadb-odbc",
    "sqlite", "sqlite-odbc",
)  # fmt: skip
PREFIX = {"MARK": "mark", "ABSENCE": "absence", "PERIOD_MARK": "period"}
TAKES_BACK = {"lesson-cancelled", "not-enrolled"}
Act = tuple[str, str, str]


@dataclass
class Planned:
    """The installation, what the oracle said of the school then and says now, and the files of each way in."""

    world: RealWorld
    was: Verdict
    now: Verdict
    withdrawn: tuple[int, str]
    configs: dict[str, Path]

    def plan(self, run: Run, name: str) -> tuple[dict, dict]:
        """Return the balance that `dnevnik plan --json` prints for a way in, and what it wrote into the file."""
        file = self.plan_file(name)
        ended = run("--config", self.configs[name], "plan", "--json", "--out", file)
        assert ended.status in (0, 1), ended.err
        (school,) = json.loads(file.read_text())["schools"]
        return json.loads(ended.out)["schools"][CODE], school

    def plan_file(self, name: str) -> Path:
        return self.world.folder / f"{name}.plan"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return in_this_process(capsys)


def changed(tables: Tables, verdict: Verdict, spared: int) -> None:
    """Let teachers change, delete, move, enter, spoil and cancel; of the student `spared` nothing."""
    mine = sorted(key for key in verdict.permitted if key.student_id != spared)
    marks = [key.row_id for key in mine if key.table == "MARK" and verdict.permitted[key].kind == "current"]
    absences = {key.row_id for key in mine if key.table == "ABSENCE"}
    periods = {key.row_id for key in mine if key.table == "PERIOD_MARK"}
    of_mark = dict(zip(marks[::7], cycle(MARK_CHANGES), strict=False))
    control = {row.id: row for row in tables.controls}
    untouched = next(row for row in tables.marks if row.id in set(marks) - of_mark.keys())
    cancelled = control[untouched.control_id].lesson_id
    heavier = {row.control_id for row in tables.marks if row.id in marks[3::40]}

    tables.marks[:] = [row for row in (of_mark.get(row.id, as_it_is)(row) for row in tables.marks) if row is not None]
    tables.marks.extend(entered(tables))
    tables.absences[:] = [row for row in tables.absences if row.id not in sorted(absences)[::9]]
    tables.period_marks[:] = [
        row._replace(type_id=corrected(row.type_id)) if row.id in sorted(periods)[::5] else row
        for row in tables.period_marks
    ]
    tables.lessons[:] = [row._replace(cancelled=1) if row.id == cancelled else row for row in tables.lessons]
    tables.controls[:] = [row._replace(cost=Decimal("2.75")) if row.id in heavier else row for row in tables.controls]


def entered(tables: Tables) -> Iterator[MarkRow]:
    """Yield marks of works for which the student had none."""
    there = {(row.control_id, row.student_id) for row in tables.marks}
    number = max(row.id for row in tables.marks)
    for control in tables.controls[::5]:
        for mark in tables.marks[:40:10]:
            if (control.id, mark.student_id) not in there:
                there.add((control.id, mark.student_id))
                number += 1
                yield mark._replace(id=number, control_id=control.id, note=None, type_id=404)


def corrected(code: int) -> int:
    return 402 if code != 402 else 403


def as_it_is(row: MarkRow) -> MarkRow:
    return row


MARK_CHANGES: tuple[Callable[[MarkRow], MarkRow | None], ...] = (
    lambda row: row._replace(type_id=corrected(row.type_id)),
    lambda row: row._replace(note="Ёлка, исправлено"),
    lambda _: None,
    lambda row: row._replace(student_id=row.student_id + (1 if row.student_id % 2 else -1)),
    lambda row: row._replace(type_id=UNKNOWN_MARK_TYPE),
    lambda row: row._replace(entered_at=row.entered_at.replace(hour=23, minute=59, second=59)),
)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planned]:
    folder = tmp_path_factory.mktemp("planned")
    world = build(folder, authority(tmp_path_factory.mktemp("authority")), students=9, weeks=1)
    try:
        yield from _planned(world, tmp_path_factory.mktemp("ways"))
    finally:
        world.server.stop()


def _planned(world: RealWorld, folder: Path) -> Iterator[Planned]:
    today = datetime.now(MOSCOW).date()
    tables = make_school(code=CODE, name="Школа", students=40, weeks=3, seed=7, first_day=None, today=today)
    world.school_file().unlink()
    database.create(world.school_file(), tables)
    register = world.folder / "register.csv"
    write_register(register, world.school_file(), code=CODE, seed=5, today=today)
    assert world.run("registry", "import", str(register)).returncode == 0
    was = said(world.school_file(), register)
    assert world.run("sync", "--json").returncode in (0, 1)
    assert shown(world) == expected(was)
    withdrawn = only_link(was)
    asked = ("--school", CODE, "--student", str(withdrawn[0]), "--account", withdrawn[1])
    assert world.run("registry", "withdraw", *asked).returncode == 0
    at = datetime.now(UTC)
    changed(tables, was, withdrawn[0])
    with closing(sqlite3.connect(world.folder / "var" / "bridge.db")) as ours, ours:
        ours.execute("DELETE FROM source_seen")  # for a school that is suddenly another database is held
    with five_ways(folder, tables) as ways:
        now = said(folder / "school.fdb", register, {withdrawn: at})
        yield Planned(world, was, now, withdrawn, dict(configs(world, ways)))


def said(file: Path, register: Path, withdrawals: dict[tuple[int, str], datetime] | None = None) -> Verdict:
    rows = register_rows(register)
    return judge(read_tables(file), rows, code=CODE, now=datetime.now(UTC), withdrawals=withdrawals)


def only_link(verdict: Verdict) -> tuple[int, str]:
    """Return the link of a student who has no other, and records at the portal."""
    links = Counter(link.student_id for link in verdict.open_links)
    records = Counter(key.student_id for key in verdict.permitted)
    return next(
        (link.student_id, link.account_id)
        for link in sorted(verdict.open_links, key=repr)
        if links[link.student_id] == 1 and records[link.student_id] > 5
    )


def configs(world: RealWorld, ways: dict[str, Way]) -> Iterator[tuple[str, Path]]:
    text = world.config.read_text()
    for name, way in ways.items():
        source = f"source = {json.dumps(way.url)}"
        if way.password is not None:
            (world.folder / f"{name}.password").write_text(way.password)
            (world.folder / f"{name}.password").chmod(0o600)
            source += f'\nsource_password = "file:{name}.password"'
        file = world.folder / f"{name}.toml"
        file.write_text(text.replace(f'source = "file:{CODE}.fdb"', source))
        yield name, file


def source_key(key: RowKey) -> str:
    return f"{PREFIX[key.table]}:{key.row_id}"


def records_of_ledger(world: RealWorld) -> dict[tuple[str, str], str]:
    with closing(sqlite3.connect(world.folder / "var" / "bridge.db")) as ours:
        return {(row, student): record for row, student, record in ours.execute(
            "SELECT source_key, student_key, record_id FROM record"
        )}  # fmt: skip


def expected_records(found: Planned) -> tuple[set[str], set[str], dict[str, frozenset[str]]]:
    """Return, by the oracle alone: rows to publish that are new, records to publish anew, records to take back."""
    was, now = found.was.permitted, found.now.permitted
    ledger = records_of_ledger(found.world)
    key = found.world.bridge().vault.derive(f"plan:{CODE}")
    new = {
        hashlib.blake2b(f"{source_key(one)}\x1f{one.student_id}".encode(), key=key, digest_size=16).hexdigest()
        for one in now.keys() - was.keys()
    }

    def record(one: RowKey) -> str:
        return ledger[source_key(one), str(one.student_id)]

    anew = {record(one) for one in was.keys() & now.keys() if was[one] != now[one]}
    back = {record(one): reasons for one in was.keys() - now.keys() if (reasons := why_back(found.now, one))}
    return new, anew, back


def why_back(now: Verdict, key: RowKey) -> frozenset[str]:
    """Say why a record that the portal holds goes; nothing: it stays, for its row is only set aside."""
    fate = now.fates.get(key)
    if fate is None:
        return frozenset({"deleted"})
    if fate.word == "set-aside":
        return frozenset({"out-of-scope"} if fate.reasons & TAKES_BACK else ())
    return fate.reasons


@pytest.mark.parametrize("name", NAMES)
def test_each_database_is_planned_as_the_oracle_says(planned: Planned, run: Run, name: str) -> None:
    balance, school = planned.plan(run, name)
    new, anew, back = expected_records(planned)
    acts = school["acts"]
    assert {act["row"] for act in acts if act["do"] == "publish" and "row" in act} == new
    assert {act["record"] for act in acts if act["do"] == "publish" and "record" in act} == anew
    withdrawn = {act["record"]: act["reason"] for act in acts if act["do"] == "withdraw"}
    assert withdrawn.keys() == back.keys()
    assert [record for record, reason in withdrawn.items() if reason not in back[record]] == []
    assert [act["reason"] for act in acts if act["do"] == "end-link"] == ["consent-withdrawn"]
    assert len(acts) == len(new) + len(anew) + len(back) + 1
    assert {"deleted", "out-of-scope", "consent-withdrawn"} == set(withdrawn.values())
    assert min(len(new), len(anew), len(back)) > 10
    counts_are_the_oracles(balance, planned.now, published=len(new) + len(anew))
    assert balance["withdrawn"] == dict(Counter(withdrawn.values()))
    assert (balance["links_ended"], balance["links_put"], balance["held"]) == (1, 0, None)


def counts_are_the_oracles(balance: dict, verdict: Verdict, *, published: int) -> None:
    """Hold the counts against the oracle's; a row of several reasons may be counted under any of them."""
    assert balance["read"] == len(verdict.fates)
    assert balance["sent"] == published
    assert balance["unchanged"] == len(verdict.permitted) - published
    assert balance["balances"]
    for name, word in (("withheld", "withheld"), ("set_aside", "set-aside")):
        fates = [fate.reasons for fate in verdict.fates.values() if fate.word == word]
        assert sum(balance[name].values()) == len(fates)
        for reason in balance[name].keys() | set().union(*fates):
            least, most = fates.count(frozenset({reason})), sum(reason in one for one in fates)
            assert least <= balance[name].get(reason, 0) <= most
    warned = Counter(word for fate in verdict.fates.values() for word in fate.warnings)
    assert balance["warnings"] == dict(warned)


def test_a_plan_made_on_one_database_is_carried_out_on_another(planned: Planned, run: Run) -> None:
    """Contents stand in a plan as keyed digests: all are alike, and what comes of one is what the oracle permits."""
    for name in NAMES:
        if not planned.plan_file(name).exists():
            planned.plan(run, name)
    digests = {name: json.loads(planned.plan_file(name).read_text())["digest"] for name in NAMES}
    assert set(digests.values()) == {digests["firebird-file"]}
    file = planned.plan_file("firebird-server")
    ended = run("--config", planned.configs["mariadb-odbc"], "sync", "--json", "--plan", file)
    assert ended.status in (0, 1), ended.err
    assert shown(planned.world) == expected(planned.now) + stays(planned)
    assert open_links(planned.world) == Counter(link.account_id for link in planned.now.open_links)


def stays(planned: Planned) -> Counter:
    """What the portal goes on showing of rows that are set aside now."""
    kept: dict[RowKey, OracleRecord] = {
        key: record
        for key, record in planned.was.permitted.items()
        if key not in planned.now.permitted and not why_back(planned.now, key)
    }
    assert len(kept) >= 3
    return expected(Verdict({}, kept, {}, frozenset()))
