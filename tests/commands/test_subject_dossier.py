"""`subject dossier`: the answer to a student or a parent who asks what is held of them, on real parts."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
import sqlalchemy as sa
from worlds.command_line import Run
from worlds.real_world import RealWorld, build
from worlds.registry_desk import Desk, days_ago, minors

import settings
from audit.keys import load_signing_key
from audit.log import open_log
from consent_registry.tables import CASE
from database import open_database, reading
from delivery.tables import STUDENT_REF
from journal.vocabulary import RecordKind
from reports.forms.words import KIND_WORDS
from sandbox.portal.views import visible
from sandbox.registry import write_register

ORIGIN = "dnevnik-bridge"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[RealWorld]:
    folder = tmp_path_factory.mktemp("dossier")
    made = build(folder, certificates, students=12, weeks=2)
    write_register(
        folder / "register.csv", made.school_file(), code="0252", seed=1, today=datetime.now(UTC).date(), share=0.9
    )
    for arguments in (("registry", "import", folder / "register.csv"), ("sync", "--without-prefect")):
        assert made.run(*map(str, arguments)).returncode in {0, 1}
    yield made
    made.server.stop()


def log_of(world: RealWorld) -> list[dict]:
    read = settings.load(world.config)
    with closing(open_log(read.audit.log, load_signing_key(read.audit.signing_key.read(), ORIGIN), ORIGIN)) as log:
        return [json.loads(line) for line in log.entries()]


@pytest.fixture(scope="module")
def family(synced: RealWorld) -> dict[str, str]:
    """A row of the register whose account was shown records."""
    with (synced.folder / "register.csv").open(encoding="utf-8-sig") as register:
        head, *rows = [line.rstrip("\n").split(";") for line in register]
    shown = {g["link"] for e in log_of(synced) for g in e.get("grounds", [])}
    people = [dict(zip(head, row, strict=True)) for row in rows]
    return next(one for one in people if links_of(synced, one["account_id"]) & shown)


def links_of(world: RealWorld, account: str) -> set[str]:
    engine = open_database(settings.load(world.config).bridge.state)
    with reading(engine) as connection:
        found = set(connection.scalars(sa.select(CASE.c.link_id).where(CASE.c.account_id == account)))
    engine.dispose()
    return found


def words(pdf: Path) -> str:
    text = " ".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))
    return " ".join(text.replace("\ufffe", "-").replace("\N{NO-BREAK SPACE}", " ").split())


def make(run: Run, world: RealWorld, who: str, out: Path, *more: str):
    return run("--config", world.config, "subject", "dossier", who, "--school", "0252", "--out", out, *more)


def test_a_students_answer_has_all_that_is_held_and_no_other_person(
    run: Run, synced: RealWorld, family: dict[str, str], tmp_path: Path
) -> None:
    ended = make(run, synced, family["student_id"], tmp_path / "answer.pdf")
    assert (ended.status, ended.err) == (0, "")
    told = json.loads((tmp_path / "answer.json").read_text("utf-8"))
    page = words(tmp_path / "answer.pdf")
    held = {one["what"]: one["value"] for one in told["held"]}
    name = " ".join(filter(None, (family[f"student_{part}_name"] for part in ("last", "first", "middle"))))
    assert held["Фамилия, имя, отчество"] == name
    assert held["Дата рождения"].split(".")[::-1] == family["student_birth_date"].split("-")
    assert name in page
    for other in (family["parent_last_name"] + " " + family["parent_first_name"], family["email"]):
        assert other not in page
        assert other not in (tmp_path / "answer.json").read_text("utf-8")
    assert family["account_id"] in page
    for expected in ("принято порталом", "открыт просмотр", "Роскомнадзор", "10 рабочих дней", "с 0", "уничтож"):
        assert expected in page
    for true in ("выбытие из школы прекращает передачу, а согласие не прекращает", "уничтожение повторяется"):
        assert true in page
    for untrue in ("нечитаемыми во всех копиях", "ни с кем не связать"):
        assert untrue not in page
    shown = sum(one["count"] for one in told["at_the_portal"])
    sent = [one["entry"] for one in told["log"] if one["entry"]["kind"] == "disclosure-intended"]
    assert shown == sum(len(one["records"]) for one in sent) > 0
    assert all((tmp_path / name).stat().st_mode & 0o777 == 0o600 for name in ("answer.pdf", "answer.json"))
    assert [one["entry"] for one in told["log"]] == [
        e for n, e in enumerate(log_of(synced)) if n in {one["number"] for one in told["log"]}
    ]


def test_a_parents_answer_has_the_parent_and_the_child_as_a_number(
    run: Run, synced: RealWorld, family: dict[str, str], tmp_path: Path
) -> None:
    ended = make(run, synced, family["account_id"], tmp_path / "answer.pdf")
    assert (ended.status, ended.err) == (0, "")
    text, page = (tmp_path / "answer.json").read_text("utf-8"), words(tmp_path / "answer.pdf")
    told = json.loads(text)
    held = {one["what"]: one["value"] for one in told["held"]}
    assert family["parent_last_name"] in held["Фамилия, имя, отчество"]
    assert held["Адрес электронной почты"] == family["email"]
    child = f"{family['student_last_name']} {family['student_first_name']}"
    assert child not in text + page
    grounds = [g["account"] for one in told["log"] for g in one["entry"].get("grounds", [])]
    assert grounds
    assert {told["accounts"][one] for one in grounds} == {family["account_id"]}
    assert set(told["accounts"].values()) == {family["account_id"]}
    assert family["account_id"] in page.partition("4. Кому передано")[2]
    assert not [e for e in log_of(synced) if f'"{family["account_id"]}"' in json.dumps(e)]
    kinds = {one["entry"]["kind"] for one in told["log"]}
    assert {"disclosure-intended", "disclosure-outcome", "link-intended", "link-outcome", "consent-event"} <= kinds


def test_that_somebody_looked_is_logged_before_the_files_are_there(
    run: Run, synced: RealWorld, family: dict[str, str], tmp_path: Path
) -> None:
    size = len(log_of(synced))
    assert make(run, synced, family["account_id"], tmp_path / "missing" / "answer.pdf").status == 2
    look = log_of(synced)[-1]
    assert len(log_of(synced)) == size + 1
    assert (look["kind"], look["what"], look["names"], look.keys() & {"account", "student"}) == (
        "look",
        "dossier",
        True,
        set(),
    )
    assert re.fullmatch("[0-9a-f]{64}", look["account_digest"])
    assert re.fullmatch("[0-9a-f]{64}", look["by_digest"])
    make(run, synced, family["student_id"], tmp_path / "answer.pdf")
    look = log_of(synced)[-1]
    links = links_of(synced, family["account_id"])
    sent = next(e for e in log_of(synced) for g in e.get("grounds", []) if g["link"] in links)
    assert look["student"] == sent["student"]


def test_nobody_is_answered_about_whom_nothing_is_held(
    run: Run, synced: RealWorld, family: dict[str, str], tmp_path: Path
) -> None:
    size = len(log_of(synced))
    for who, more in (
        ("no-such", ()),
        (family["student_id"], ("--as", "account")),
        (family["account_id"], ("--as", "x")),
    ):
        ended = make(run, synced, who, tmp_path / "answer.pdf", *more)
        assert (ended.status, ended.out) == (2, "")
    assert list(tmp_path.iterdir()) == []
    assert len(log_of(synced)) == size
    assert make(run, synced, family["student_id"], tmp_path / "answer.pdf", "--as", "student").status == 0
    before = (tmp_path / "answer.pdf").read_bytes()
    assert make(run, synced, family["student_id"], tmp_path / "answer.pdf").status == 2
    assert (tmp_path / "answer.pdf").read_bytes() == before


def at_the_portal(world: RealWorld, account: str) -> Counter[tuple[str, str]]:
    """Count what the account sees there, by child and kind, by the portal's own file."""
    engine = open_database(settings.load(world.config).bridge.state)
    with reading(engine) as connection:
        columns = sa.select(STUDENT_REF.c.student_ref, STUDENT_REF.c.student_key)
        child = {row.student_ref: row.student_key for row in connection.execute(columns)}
    engine.dispose()
    with closing(sqlite3.connect(world.server.database)) as portal:
        rows = visible(portal, "0252", account, days_ago(0)).values()
    return Counter((child[str(row["student_ref"])], KIND_WORDS[RecordKind(str(row["kind"]))]) for row in rows)


def test_a_parents_answer_has_what_the_portal_shows_of_each_child_as_far_as_the_link_goes(
    run: Run, synced: RealWorld, family: dict[str, str], tmp_path: Path
) -> None:
    """Two children, one of them seen in part only; another parent sees all of that child."""
    account, other = "pa-77001", "pa-77002"
    first, second = (one for one in minors(synced)[-4:-2])
    assert family["student_id"] not in {first, second}
    whole, part = Desk(run, synced, first, account), Desk(run, synced, second, account)
    assert whole.take().status == 0
    assert part.take(kinds="current", records_from=days_ago(7).isoformat()).status == 0
    assert Desk(run, synced, second, other).take().status == 0

    def told(who: str, out: str) -> tuple[Counter[tuple[str, str]], str]:
        assert make(run, synced, who, tmp_path / f"{out}.pdf").status == 0
        shown = json.loads((tmp_path / f"{out}.json").read_text("utf-8"))["at_the_portal"]
        page = words(tmp_path / f"{out}.pdf").partition("Что портал показывает сейчас")[2].partition("5. До каких")[0]
        return Counter({(one["student"], one["kind"]): one["count"] for one in shown}), page

    assert told(account, "before") == (Counter(), told(other, "other-before")[1])
    assert run("--config", synced.config, "sync").status in {0, 1}
    shown, page = told(account, "answer")
    assert shown == at_the_portal(synced, account)
    assert {child for child, _ in shown} == {first, second}
    assert 0 < shown[second, "текущие отметки"] < told(second, "child")[0][second, "текущие отметки"]
    for (child, kind), count in shown.items():
        assert f"{child} {kind} {count} " in page
    assert part("withdraw").status == 0
    assert told(account, "withdrawn")[0] == shown  # the portal was not told yet
    assert run("--config", synced.config, "sweep").status in {0, 1}
    left, page = told(account, "after")
    assert left == at_the_portal(synced, account) == Counter({key: n for key, n in shown.items() if key[0] == first})
