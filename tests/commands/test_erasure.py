"""`dnevnik erase`: refused with all that stands in the way; else nothing is left, on paper and in the log it stands.

Killed at any boundary it is finished by the next call; a database that is put back forgets again what was erased.
"""

import csv
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from canaries import EMAIL, PARENT
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld, build
from worlds.registry_desk import Desk, days_ago, minors

import settings
from audit.entry import Entry
from audit.log import AuditLog
from commands.call import Call
from commands.console import Console
from commands.erasure import Hand, erase
from commands.erasure_papers import reason_of
from consent_registry.sealed.erasure_rules import Cause, Why
from consent_registry.tables import CASE, ERASURE, ERASURE_PERMIT, FACT, LOOKUP, STUDENT_KEY
from database import reading
from delivery.tables import LINK_STATE, RECORD, STUDENT_REF
from flows.assembly import open_audit_log
from journal.wording import Language

BY = ("--by", "Иванова Анна Петровна", "--position", "заместитель директора")
BOUNDARIES = ["begun", "deleted", "destroyed", "papers", "written", "rewritten", "compacted", "done"]


class KilledError(BaseException):
    """Stands for the process's end at a boundary."""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[RealWorld]:
    """A world in English whose school is empty of links yet."""
    made = build(tmp_path_factory.mktemp("erasing"), certificates, students=10, weeks=2)
    made.config.write_text(made.config.read_text().replace('language = "ru"', 'language = "en"'))
    yield made
    made.server.stop()


@pytest.fixture
def installed(shown: RealWorld, tmp_path: Path) -> RealWorld:
    """A fresh installation at the same portal and school: own database, keys, log."""
    for name in ("bridge.toml", "portal", "0252.fdb", "keys"):
        source = shown.folder / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return RealWorld(tmp_path, shown.server)


@pytest.fixture
def desk(run: Run, installed: RealWorld) -> Desk:
    """A registered link whose records the portal shows."""
    made = Desk(run, installed, minors(installed)[0], "pa-70001")
    assert made.take(parent_last_name=PARENT, email=EMAIL).status == 0
    assert run("--config", installed.config, "sync").status == 1  # the school has rows that are set aside
    return made


def destroy(desk: Desk, *more: str, why: str = "withdrawal") -> Ended:
    return desk.run("--config", desk.world.config, "erase", desk.student, "--school", "0252", "--why", why, *BY, *more)


def given_back(desk: Desk) -> None:
    assert desk("withdraw").status == 0
    assert desk.run("--config", desk.world.config, "sweep").status == 0


def kept(desk: Desk) -> dict[str, int]:
    """Count the rows that speak of the student."""
    tables = (CASE, STUDENT_KEY, RECORD, LINK_STATE, STUDENT_REF)
    with desk.database() as engine, reading(engine) as connection:
        of_student = {
            table.name: connection.scalar(
                sa.select(sa.func.count()).select_from(table).where(table.c.student_key == desk.student)
            )
            for table in tables
        }
        anybody = {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (FACT, LOOKUP, ERASURE_PERMIT)
        }
    return {name: count or 0 for name, count in (of_student | anybody).items() if count}


def logged(desk: Desk, kind: str = "erasure") -> list[dict[str, object]]:
    read = settings.load(desk.world.config)
    with desk.database() as engine, closing(open_audit_log(read, engine)) as log:
        return [entry for entry in map(json.loads, log.entries()) if entry["kind"] == kind]


def states(desk: Desk) -> list[tuple[str, object, object]]:
    with desk.database() as engine, reading(engine) as connection:
        columns = sa.select(ERASURE.c.state, ERASURE.c.student_key, ERASURE.c.sealed)
        return [tuple(row) for row in connection.execute(columns)]


def acts(desk: Desk) -> list[Path]:
    return sorted((desk.world.folder / "acts").glob("*"))


def database_bytes(desk: Desk) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((desk.world.folder / "var").glob("bridge.db*")))


def test_what_stands_in_the_way_is_told_at_once_and_nothing_changes(desk: Desk) -> None:
    before = kept(desk)
    refused = destroy(desk)
    assert refused.status == 2
    for told in ("a consent is in force", "still shows records", "view is still open"):
        assert told in refused.err
    assert kept(desk) == before
    assert desk("withdraw").status == 0
    refused = destroy(desk)
    assert (refused.status, "a consent is in force" in refused.err) == (2, False)
    assert "still shows records" in refused.err
    assert destroy(desk, why="order").status == 2
    assert kept(desk) == before | {"registry_fact": before["registry_fact"] + 1}
    assert (acts(desk), logged(desk), states(desk)) == ([], [], [])


def test_nothing_is_left_and_the_act_the_log_and_the_list_say_so(desk: Desk) -> None:
    given_back(desk)
    tried = destroy(desk, "--dry-run")
    assert (tried.status, tried.err) == (0, "")
    assert "links 1" in tried.out
    assert kept(desk)["registry_case"] == 1
    done = destroy(desk)
    assert (done.status, done.err) == (0, "")
    assert kept(desk) == {}
    assert states(desk) == [("done", None, None)]
    (entry,) = logged(desk)
    assert (entry["school"], entry["why"]) == ("0252", "withdrawal")
    assert entry["counts"]["cases"] == entry["counts"]["keys"] == 1
    assert set(entry["counts"].values()) == {1}  # a number would find the student's entries
    assert "records" in entry["counts"]
    assert str(entry["erasure"]) in done.out
    act_table, act, events = acts(desk)
    assert act.read_bytes().startswith(b"%PDF-")
    for paper in (act, act_table, events):
        assert paper.stat().st_mode & 0o777 == 0o600
        assert str(paper) in done.out
        assert str(entry["erasure"]) in paper.name
    said = act_table.read_text("utf-8-sig")
    for told in (PARENT, BY[1], BY[3], "часть 5 статьи 21", "Школа 0252", str(entry["erasure"])):
        assert told in said
    assert "ключ шифрования данных уничтожен" in events.read_text("utf-8-sig")
    again = destroy(desk)
    assert (again.status, "nothing is kept" in again.err) == (2, True)
    listed = desk.run("--config", desk.world.config, "erase", "list")
    assert str(entry["erasure"]) in listed.out
    assert desk.run("--config", desk.world.config, "audit", "verify").status == 0


def test_no_byte_of_the_database_and_no_line_of_a_log_leads_back(desk: Desk) -> None:
    with desk.database() as engine, reading(engine) as connection:
        link = connection.scalar(sa.select(CASE.c.link_id))
        reference = connection.scalar(sa.select(STUDENT_REF.c.student_ref))
        source = connection.scalar(sa.select(RECORD.c.source_key))
        wrapped = connection.scalar(sa.select(STUDENT_KEY.c.wrapped_key))
    given_back(desk)
    assert link.encode() in database_bytes(desk)
    assert destroy(desk).status == 0
    left = database_bytes(desk)
    for gone in (link.encode(), reference.encode(), wrapped, EMAIL.encode(), b"pa-70001"):
        assert gone not in left
    rows = sqlite3.connect(desk.world.folder / "var" / "bridge.db").execute("SELECT count(*) FROM record").fetchone()
    assert rows == (0,)
    assert source is not None
    # The log still knows the link, by an id that nothing leads to any more; the erasure's entry names no other.
    entries = json.dumps(logged(desk))
    assert any(entry["link"] == link for entry in logged(desk, "link-intended"))
    assert link not in entries
    assert reference not in entries
    technical = desk.world.folder / "var" / "dnevnik.log"
    assert not technical.exists() or desk.student not in technical.read_text()


def sibling(desk: Desk, **changes: str) -> Desk:
    """Another child of the same account, whose consent stands."""
    other = Desk(desk.run, desk.world, minors(desk.world)[1], desk.account)
    assert other.take(parent_last_name=PARENT, email=EMAIL, **changes).status == 0
    return other


def fields(act: Path) -> dict[str, str]:
    return {row[0]: row[1] for row in csv.reader(act.read_text("utf-8-sig").splitlines(), delimiter=";") if row}


DESTROYED = "Категории уничтоженных персональных данных"
STAYS = "Персональные данные, которые остаются, и основание"
REASON = "Причина уничтожения"
SUBJECTS = "Субъекты, чьи персональные данные уничтожены"


def test_the_act_says_what_went_by_what_there_was(desk: Desk) -> None:
    given_back(desk)
    assert destroy(desk).status == 0
    said = fields(acts(desk)[0])
    for went in (
        "отчество законного",
        "электронной почты",
        "вид предъявленного документа",
        "о согласии",
        "о переданных",
    ):
        assert went in said[DESTROYED]
    for never in ("отчество обучающегося", "дата рождения", "сканы", "заявления", "обращения", "о полномочиях"):
        assert never not in said[DESTROYED]
    assert said[SUBJECTS] == f"обучающийся, номер {desk.student} в базе школы; {PARENT} Пётр (законный представитель)"
    assert PARENT not in said[STAYS]
    for anyhow in ("журнале школы", "журнале аудита", "резервных копиях"):
        assert anyhow in said[STAYS]
    for logged_of_it in ("сколько записей передано", "открыт и закрыт просмотр", "внесено о согласиях"):
        assert logged_of_it in said[STAYS]
    assert "исключив номера остальных" in said[STAYS]  # whoever keeps log, database and act can narrow it down


def test_the_act_of_somebody_of_whom_nothing_was_sent_says_why_and_nothing_of_transfers(
    run: Run, installed: RealWorld
) -> None:
    """A consent whose last day is over: no link was ended, nothing was sent, and the log has but the registry."""
    desk = Desk(run, installed, minors(installed)[0], "pa-70001")
    assert desk.take(parent_last_name=PARENT, in_force_to=days_ago(20).isoformat()).status == 0
    assert destroy(desk, why="term").status == 0
    said = fields(acts(desk)[0])
    assert "истёк срок согласия" in said[REASON]
    assert "прекращена" not in said[REASON]
    assert "передан" not in said[STAYS]
    assert "просмотр" not in said[STAYS]
    assert "о согласиях" in said[STAYS]
    (entry,) = logged(desk)
    assert entry["why"] == "term"
    assert "expired" not in json.dumps(entry)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Cause.CAME_OF_AGE, "обучающийся достиг совершеннолетия"),
        (Cause.CONSENT_EXPIRED, "истёк срок согласия"),
        (Cause.LINK_ENDED, "связь обучающегося с учётной записью прекращена"),
        (Cause.AUTHORITY_EXPIRED, "окончились полномочия законного представителя"),
        (Cause.NO_CONSENT, "заявление не привело к согласию"),
    ],
)
def test_the_acts_reason_names_what_happened_and_nothing_else(cause: Cause, words: str) -> None:
    law = " (часть 4 статьи 21 Федерального закона от 27.07.2006 № 152-ФЗ)"
    assert reason_of(Why.TERM, [str(cause)], "") == f"прекращение основания: {words}{law}"
    assert reason_of(Why.TERM, [], "") == f"прекращение основания{law}"  # begun by an earlier version
    assert reason_of(Why.ORDER, [str(cause)], "№ 5") == "решение или предписание уполномоченного органа: № 5"


def test_the_act_says_what_of_a_parent_stays_for_another_child(desk: Desk) -> None:
    other = sibling(desk)
    given_back(desk)
    assert destroy(desk).status == 0
    said = fields(acts(desk)[0])
    assert f"{PARENT} Пётр (законный представитель) — в части" in said[SUBJECTS]
    assert f"{PARENT} Пётр: имя, адрес электронной почты и учётная запись" in said[STAYS]
    assert "согласие этого представителя о другом обучающемся" in said[STAYS]
    assert other.student not in acts(desk)[0].read_text("utf-8-sig")
    # The brother's or sister's case is as it was, and leads to nothing of the erased one.
    assert other.case().key.account_id == desk.account
    with desk.database() as engine, reading(engine) as connection:
        assert connection.execute(sa.select(CASE.c.student_key)).scalars().all() == [other.student]


def test_what_stays_is_said_as_it_is_when_the_data_go(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed after it was begun, the other child's consent is withdrawn before it goes on."""
    other = sibling(desk)
    given_back(desk)

    def dies(step: str) -> None:
        if step == "begun":
            raise KilledError

    call = Call(desk.world.config, Console(Language.EN))
    with pytest.raises(KilledError):
        erase(call, "0252", desk.student, "withdrawal", Hand(by=BY[1]), dry_run=False, boundary=dies)
    capsys.readouterr()
    assert other("withdraw").status == 0
    assert desk.run("--config", desk.world.config, "erase", "due").status == 0
    said = fields(acts(desk)[0])
    assert "её основание отпало" in said[STAYS]
    assert "согласие этого представителя" not in said[STAYS]
    assert said["Лицо, уничтожившее персональные данные"] == BY[1]


def test_a_database_that_is_put_back_lists_what_was_erased_and_says_where_the_papers_are(desk: Desk) -> None:
    given_back(desk)
    state = desk.world.folder / "var" / "bridge.db"
    backup = desk.world.folder / "backup.db"
    with closing(sqlite3.connect(state)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    assert destroy(desk).status == 0
    before = desk.run("--config", desk.world.config, "erase", "list").out
    for left in state.parent.glob("bridge.db*"):
        left.unlink()
    shutil.copy(backup, state)
    listed = desk.run("--config", desk.world.config, "erase", "list")
    assert (listed.status, listed.err) == (0, "")
    assert listed.out.replace("state from-log", "state done") == before
    (entry,) = logged(desk)
    assert str(entry["erasure"]) in listed.out
    assert f"act-{entry['at'][:10]}-{entry['erasure']}.pdf" in listed.out
    assert "keep the papers until" in listed.out
    for paper in acts(desk):
        paper.unlink()
    listed = desk.run("--config", desk.world.config, "erase", "list")
    assert "was put back" in listed.out
    assert f"the act with the number {entry['erasure']}" in listed.out
    assert desk.run("--config", desk.world.config, "erase", "due").status == 0
    assert states(desk) == [("from-log", None, None)]
    assert acts(desk) == []


def test_the_next_sync_and_sweep_bring_nothing_back(desk: Desk) -> None:
    given_back(desk)
    assert destroy(desk).status == 0
    for command in ("sync", "sweep"):
        assert desk.run("--config", desk.world.config, command).status in {0, 1}
    assert kept(desk) == {}


def killed_at(desk: Desk, boundary: str) -> None:
    """Erase the student, and die at this boundary."""

    def dies(step: str) -> None:
        if step == boundary:
            raise KilledError

    call = Call(desk.world.config, Console(Language.EN))
    with pytest.raises(KilledError):
        erase(call, "0252", desk.student, "withdrawal", Hand(by=BY[1]), dry_run=False, boundary=dies)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_anywhere_the_next_call_finishes_it(
    desk: Desk, boundary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given_back(desk)

    killed_at(desk, boundary)
    capsys.readouterr()
    finished = desk.run("--config", desk.world.config, "erase", "due")
    assert (finished.status, finished.err) == (0, "")
    assert kept(desk) == {}
    assert states(desk) == [("done", None, None)]
    (entry,) = logged(desk)
    assert entry["counts"]["cases"] == 1
    assert len(acts(desk)) == 3
    assert PARENT in acts(desk)[0].read_text("utf-8-sig")
    assert b"pa-70001" not in database_bytes(desk)


@pytest.mark.parametrize("boundary", ["begun", "destroyed", "papers", "written"])
def test_killed_anywhere_the_list_names_the_next_step_and_the_same_call_ends_well(
    desk: Desk, boundary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given_back(desk)

    killed_at(desk, boundary)
    capsys.readouterr()
    listed = desk.run("--config", desk.world.config, "erase", "list")
    assert "dnevnik erase due" in listed.out
    finished = destroy(desk)
    assert (finished.status, finished.err) == (0, "")
    assert f"Nothing is kept of student {desk.student} any more" in finished.out
    assert states(desk) == [("done", None, None)]
    assert "dnevnik erase due" not in desk.run("--config", desk.world.config, "erase", "list").out
    assert destroy(desk).status == 2


def test_killed_between_the_log_and_the_commit_the_log_is_believed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    given_back(desk)
    append = AuditLog.append

    def append_and_die(self: AuditLog, entries: Sequence[Entry]) -> None:
        append(self, entries)
        if any(entry.kind == "erasure" for entry in entries):
            raise KilledError

    monkeypatch.setattr(AuditLog, "append", append_and_die)
    call = Call(desk.world.config, Console(Language.EN))
    with pytest.raises(KilledError):
        erase(call, "0252", desk.student, "withdrawal", Hand(by=BY[1]), dry_run=False)
    monkeypatch.undo()
    assert kept(desk)["registry_case"] == 1
    assert desk.run("--config", desk.world.config, "erase", "due").status == 0
    assert kept(desk) == {}
    (entry,) = logged(desk)
    assert entry["counts"]["cases"] == 1
    assert "связи ученика с учётными записями удалены" in acts(desk)[2].read_text("utf-8-sig")


def test_a_backup_that_is_put_back_forgets_again_at_its_first_opening(desk: Desk) -> None:
    given_back(desk)
    state = desk.world.folder / "var" / "bridge.db"
    backup = desk.world.folder / "backup.db"
    with closing(sqlite3.connect(state)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    assert destroy(desk).status == 0
    for left in state.parent.glob("bridge.db*"):
        left.unlink()
    shutil.copy(backup, state)
    assert kept(desk)["registry_case"] == 1
    shown = desk.run("--config", desk.world.config, "erase", "due")
    assert (shown.status, "nothing to destroy" in shown.out) == (0, True)
    assert kept(desk) == {}
    assert b"pa-70001" not in database_bytes(desk)
    # And for a sync, which opens the installation another way.
    for left in state.parent.glob("bridge.db*"):
        left.unlink()
    shutil.copy(backup, state)
    assert desk.world.run("sync").returncode == 1
    assert kept(desk) == {}


def test_a_consent_that_came_meanwhile_stops_what_was_begun(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    given_back(desk)

    def dies(step: str) -> None:
        if step == "begun":
            raise KilledError

    call = Call(desk.world.config, Console(Language.EN))
    with pytest.raises(KilledError):
        erase(call, "0252", desk.student, "withdrawal", Hand(by=BY[1]), dry_run=False, boundary=dies)
    capsys.readouterr()
    today = days_ago(0).isoformat()
    given = (
        "--text",
        "2025-09",
        "--signed",
        today,
        "--in-force",
        today,
        "--records",
        f"{days_ago(80)}/{today}",
        "--confirm-all",
    )
    consented = desk("consent", *given)
    assert (consented.status, consented.err) == (0, "")
    assert destroy(desk).status == 2
    assert kept(desk)["registry_case"] == 1
    assert (states(desk), logged(desk)) == ([], [])


def test_what_is_due_is_listed_and_carried_out_when_confirmed(desk: Desk, run: Run) -> None:
    config = desk.world.config
    assert "nothing to destroy" in run("--config", config, "erase", "due").out
    assert desk("withdraw", "--at", days_ago(28).isoformat(), "--reason", "письмо").status == 0
    told = run("--config", config, "erase", "due")
    assert f"destroy by {days_ago(-2)}" in told.out
    waits = run("--config", config, "erase", "due", "--confirm", *BY)
    assert (waits.status, "still shows records" in waits.err) == (1, True)
    assert kept(desk)["registry_case"] == 1
    assert run("--config", config, "sweep").status == 0
    early = run("--config", config, "erase", "due", "--confirm", "--within", "1", *BY)
    assert (early.status, kept(desk)["registry_case"]) == (0, 1)
    done = run("--config", config, "erase", "due", "--confirm", *BY)
    assert (done.status, done.err) == (0, "")
    assert kept(desk) == {}
    assert len(acts(desk)) == 3


def test_without_a_name_for_the_act_nothing_is_destroyed(desk: Desk) -> None:
    given_back(desk)
    refused = desk.run("--config", desk.world.config, "erase", desk.student, "--school", "0252")
    assert (refused.status, "--by" in refused.err) == (2, True)
    assert kept(desk)["registry_case"] == 1
