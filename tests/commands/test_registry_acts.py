"""What people do to a link from the command line: logged, recorded, said; refused in words, with nothing recorded."""

import base64
import io
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.command_line import Run
from worlds.real_world import RealWorld
from worlds.registry_desk import TODAY, Desk, days_ago, minors, moment

import settings
from consent_registry.facts import FactKind, Span, of_kind
from consent_registry.sealed.scans import open_scan
from consent_registry.sealed.staff import staff_names
from consent_registry.sealed.vault import destroy_student_key
from consent_registry.tables import SCAN
from consent_registry.texts.consent_content import Content
from database import reading, writing
from flows.assembly import open_vault

PDF = b"%PDF-1.4\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n"
PAPER = ("--text", "2025-09", "--signed", TODAY, "--in-force", TODAY, "--records", f"{days_ago(80)}/{TODAY}")
_ACCOUNTS = count(1)


@pytest.fixture(scope="module")
def student(world: RealWorld) -> str:
    return minors(world)[0]


@pytest.fixture
def desk(run: Run, world: RealWorld, student: str) -> Desk:
    """A registered link that nobody touched yet."""
    made = Desk(run, world, student, f"pa-{next(_ACCOUNTS)}")
    assert made.take().status == 0
    return made


def who(desk: Desk, reference: str) -> str:
    with desk.database() as engine, reading(engine) as connection:
        return staff_names(connection, open_vault(settings.load(desk.world.config), engine), [reference])[reference]


def opened(desk: Desk, evidence: object) -> str:
    with desk.database() as engine, reading(engine) as connection:
        vault = open_vault(settings.load(desk.world.config), engine)
        key = vault.student_keys(connection, "0252", [desk.student])[desk.student]
        return key.open(base64.b64decode(str(evidence)), "evidence").decode()


def newest(desk: Desk, kind: FactKind) -> dict[str, object]:
    return dict(of_kind(desk.case().facts, kind)[-1].detail)


def test_a_withdrawal_keeps_its_reason_sealed_and_names_who_entered_it(desk: Desk) -> None:
    before = len(desk.events())
    ended = desk("withdraw", "--at", moment(3), "--reason", "письмо от Ёлкиной", "--by", "Иванова Анна")
    assert (ended.status, ended.err) == (0, "")
    assert len(ended.out.splitlines()) == 1
    fact = of_kind(desk.case().facts, FactKind.WITHDRAWAL)[-1]
    assert opened(desk, fact.detail["evidence"]) == "письмо от Ёлкиной"
    assert who(desk, fact.recorded_by) == "Иванова Анна"
    assert desk.events()[before:] == ["withdrawal"]
    assert "Ёлкин" not in str(desk.everything())


def test_a_withdrawal_that_is_dated_back_without_a_reason_says_what_to_keep(desk: Desk) -> None:
    ended = desk("withdraw", "--at", moment(3))
    assert (ended.status, ended.err) == (0, "")
    assert "written withdrawal" in ended.out
    assert "evidence" not in newest(desk, FactKind.WITHDRAWAL)


@pytest.mark.parametrize("written", [f"{TODAY}", f"{TODAY:%d.%m.%Y}", f"{TODAY} 00:00"])
def test_a_withdrawal_is_dated_as_any_act(desk: Desk, written: str) -> None:
    ended = desk("withdraw", "--at", written, "--reason", "x")
    assert (ended.status, ended.err) == (0, "")
    withdrawn = desk.state().withdrawn_at
    assert withdrawn is not None
    assert (withdrawn + timedelta(hours=3)).date() == TODAY  # Moscow's midnight, in UTC


def test_a_reason_may_be_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("письмо\n"))
    assert desk("withdraw", "--reason", "-").status == 0
    assert opened(desk, newest(desk, FactKind.WITHDRAWAL)["evidence"]) == "письмо"


def test_a_restriction_is_recorded_once_and_lifted_once(desk: Desk) -> None:
    before = len(desk.events())
    done = desk("restrict", "--from", days_ago(1), "--document", "решение суда")
    assert (done.status, done.err) == (0, "")
    assert f"from {days_ago(1)}, open" in done.out
    assert desk.state().restrictions == (Span(days_ago(1), None),)
    assert opened(desk, newest(desk, FactKind.RESTRICTION)["evidence"]) == "решение суда"
    held = desk.everything()
    assert "nothing was changed" in desk("restrict", "--from", days_ago(1)).out
    assert desk.everything() == held
    lifted = desk("lift", "--from", TODAY, "--by", "Иванова Анна")
    assert (lifted.status, lifted.err) == (0, "")
    assert desk.state().restrictions == (Span(days_ago(1), days_ago(1)),)
    assert who(desk, desk.case().facts[-1].recorded_by) == "Иванова Анна"
    held = desk.everything()
    assert "nothing was changed" in desk("lift", "--from", TODAY).out
    assert desk.everything() == held
    assert desk.events()[before:] == ["restriction", "restriction-lifted"]


def test_a_link_ends_once(desk: Desk) -> None:
    before = len(desk.events())
    ended = desk("end", "--why", "guardianship-ended", "--at", days_ago(2))
    assert (ended.status, ended.err) == (0, "")
    state = desk.state()
    assert (state.ended_why, state.ended_at.date()) == ("guardianship-ended", days_ago(3))  # Moscow's midnight, in UTC
    assert "nothing was changed" in desk("end", "--why", "registered-in-error").out
    assert desk.events()[before:] == ["ending"]
    listed = desk.run("--config", desk.world.config, "registry", "list", "0252").out
    assert f"{desk.account}\tended" in listed


def test_a_consent_is_recorded_and_nothing_sent_by_it_until_it_is_registered(desk: Desk) -> None:
    before = len(desk.events())
    done = desk("consent", *PAPER, "--kinds", "period current", "--confirm-all", "--by", "Иванова Анна")
    assert (done.status, done.err) == (0, "")
    state = desk.state()
    assert state.consent_ref in done.out
    assert (state.consent_signed_on, state.kinds, state.registered_at) == (TODAY, {"period", "current"}, None)
    assert (state.in_force_from, state.in_force_to) == (TODAY, None)
    assert (state.records_from, state.records_to) == (days_ago(80), TODAY)
    assert len(newest(desk, FactKind.CONSENT)["text_digest"]) == 64
    registered = desk("register-consent", "--by", "Иванова Анна")
    assert (registered.status, registered.err) == (0, "")
    assert desk.state().registered_at is not None
    assert desk.events()[before:] == ["consent", "registration"]


def test_a_consent_without_what_the_law_demands_is_not_recorded_and_told_field_by_field(desk: Desk) -> None:
    held = desk.everything()
    confirmed = [word for content in (Content.STUDENT_NAME, Content.SIGNATURE) for word in ("--confirm", content)]
    ended = desk("consent", *PAPER, *confirmed)
    assert (ended.status, ended.out) == (2, "")
    told = [line.split(":")[0].strip() for line in ended.err.splitlines() if line.startswith("  ")]
    assert told == [
        content for content in Content if content.value.split("-")[0] in {
            "student", "representative", "authority", "operator", "processor"
        } and content is not Content.STUDENT_NAME
    ]  # fmt: skip
    assert "--confirm-all" in ended.err.splitlines()[-1]
    assert desk.everything() == held
    every = [word for content in (*told, Content.STUDENT_NAME, Content.SIGNATURE) for word in ("--confirm", content)]
    assert desk("consent", *PAPER, *every).status == 0


def scans(desk: Desk) -> list[tuple[str, bytes]]:
    with desk.database() as engine, reading(engine) as connection:
        vault = open_vault(settings.load(desk.world.config), engine)
        rows = connection.execute(sa.select(SCAN).where(SCAN.c.case_id == desk.case().key.case_id)).all()
        return [(row.scan_ref, open_scan(connection, vault, row.scan_ref)) for row in rows]


def test_a_scan_is_kept_sealed_once(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "scan.pdf"
    file.write_bytes(PDF)
    before = len(desk.events())
    done = desk("scan", file)
    assert (done.status, done.err) == (0, "")
    ((reference, content),) = scans(desk)
    assert content == PDF
    fact = newest(desk, FactKind.SCAN)
    assert (fact["scan_ref"], fact["consents"]) == (reference, [desk.state().consent_ref])
    assert str(fact["sha256"]) in done.out
    assert "nothing was changed" in desk("scan", file).out
    assert desk.events()[before:] == ["scan"]
    # The same paper for another consent: the scan stays one, a fact says that it belongs to both.
    assert desk("consent", *PAPER, "--confirm-all").status == 0
    assert desk("scan", file).status == 0
    assert len(scans(desk)) == 1
    assert newest(desk, FactKind.SCAN)["consents"] == [desk.state().consent_ref]


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("withdraw", ["--reason", "a\nb"], "--reason"),
        ("withdraw", ["--reason", "x" * 1001], "--reason"),
        ("withdraw", ["--by", " "], "--by"),
        ("restrict", [], "first or last day"),
        ("restrict", ["--from", "2026-11-02", "--to", "2026-11-01"], "first or last day"),
        ("restrict", ["--from", "soon"], "--from"),
        ("lift", ["--from", "2026-13-01"], "--from"),
        ("end", ["--why", "moved"], "guardianship-ended, registered-in-error"),
        ("end", ["--why", "registered-in-error", "--at", "2999-01-01"], "2999"),
        ("end", ["--why", "registered-in-error", "--at", "soon"], "--at"),
        ("consent", [*PAPER, "--confirm", "signatur"], "signatur"),
        ("consent", [*PAPER, "--confirm-all", "--kinds", "homework"], "--kinds"),
        ("consent", [*PAPER, "--confirm-all", "--text", "1999"], "1999"),
        ("consent", [*PAPER, "--confirm-all", "--signed", "0202-01-01"], "--signed"),
        ("consent", [*PAPER, "--confirm-all", "--in-force", "2026-11-01/2026-11-02/2026-11-03"], "--in-force"),
        ("consent", [*PAPER, "--confirm-all", "--records", "/2026-11-01"], "--records"),
        ("consent", [*PAPER, "--confirm-all", "--signed", "2199-01-01", "--in-force", "2199-01-02"], "2199-01-01"),
        ("register-consent", [], "not registered yet"),
        ("scan", ["absent.pdf"], "absent.pdf"),
        ("scan", ["."], "."),
        ("scan", [__file__], "PDF"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_recorded(
    desk: Desk, command: str, arguments: list[object], said: str
) -> None:
    held = desk.everything()
    ended = desk(command, *arguments)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert said in line
    assert desk.everything() == held


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("restrict", ["--from", "2026-11-02", "--document", "x"]),
        ("lift", ["--from", "2026-11-02"]),
        ("end", ["--why", "registered-in-error"]),
        ("consent", [*PAPER, "--confirm-all"]),
        ("register-consent", []),
        ("withdraw", ["--reason", "x"]),
    ],
)
@pytest.mark.parametrize("wrong", [{"account": "pa-none"}, {"student": "999999"}, {"school": "0999"}])
def test_an_act_on_no_link_is_refused(desk: Desk, command: str, arguments: list[object], wrong: dict[str, str]) -> None:
    held = desk.everything()
    ended = desk(command, *arguments, **wrong)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert next(iter(wrong.values())) in line
    assert desk.everything() == held


def test_a_scan_of_no_link_is_refused(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "scan.pdf"
    file.write_bytes(PDF)
    ended = desk("scan", file, account="pa-none")
    assert (ended.status, ended.out) == (2, "")
    assert "pa-none" in ended.err


def test_evidence_of_an_erased_student_is_refused_and_the_act_is_not(run: Run, world: RealWorld, student: str) -> None:
    other = next(one for one in minors(world) if one != student)
    desk = Desk(run, world, other, "pa-erased")
    assert desk.take().status == 0
    with desk.database() as engine, writing(engine) as connection:
        destroy_student_key(connection, "0252", other)
    refused = desk("withdraw", "--reason", "письмо")
    assert (refused.status, refused.out) == (2, "")
    assert "--reason" in refused.err
    assert desk("withdraw").status == 0
    assert desk.state().withdrawn_at is not None
