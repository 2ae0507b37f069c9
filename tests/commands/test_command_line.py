"""How command lines end: the exit status, one line on stderr, nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from worlds.command_line import Run

import cli
from commands.call import Call
from commands.console import Console
from commands.help_texts import HELP, help_language
from journal.wording import BridgeError, ExitStatus, Language, Wording

DNEVNIK = Path(sys.executable).parent / "dnevnik"


def test_help_names_every_command_and_needs_no_installation(run: Run) -> None:
    ended = run("--help")
    assert (ended.status, ended.err) == (0, "")
    for command in (
        "init",
        "check",
        "registry",
        "pilot",
        "keys",
        "plan",
        "sync",
        "sweep",
        "reconcile",
        "report",
        "findings",
        "hold",
        "delivery",
        "audit",
    ):
        assert command in ended.out
    assert run().out == ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bogus"], "bogus"),
        (["--bogus", "check"], "--bogus"),
        (["registry"], "command"),
        (["registry", "import"], "FILE"),
        (["registry", "withdraw", "--school", "1"], "--student"),
        (["sandbox", "portal", "--port", "70000"], "--port"),
        (["--config"], "--config"),
    ],
)
def test_a_command_line_that_is_none_is_one_line(run: Run, arguments: list[str], said: str) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith("dnevnik: ")
    assert said in line


COMMANDS = [
    ["check"],
    ["registry", "import", "register.csv"],
    ["registry", "withdraw", "--school", "1", "--student", "2", "--account", "3"],
    ["registry", "list"],
    ["registry", "export", "register.csv"],
    ["registry", "history", "--school", "1", "--student", "2"],
    ["registry", "state", "--school", "1"],
    ["registry", "explain", "--school", "1", "--record", "2"],
    ["registry", "restrict", "--school", "1", "--student", "2", "--account", "3", "--from", "2026-11-02"],
    ["registry", "lift", "--school", "1", "--student", "2", "--account", "3", "--from", "2026-11-02"],
    ["registry", "end", "--school", "1", "--student", "2", "--account", "3", "--why", "registered-in-error"],
    ["registry", "scan", "--school", "1", "--student", "2", "--account", "3", "scan.pdf"],
    ["registry", "register-consent", "--school", "1", "--student", "2", "--account", "3"],
    ["pilot"],
    ["pilot", "move", "1", "5А", "pilot"],
    ["keys", "rotate-master"],
    ["plan"],
    ["sync"],
    ["sweep"],
    ["reconcile"],
    ["report"],
    ["hold", "list"],
    ["hold", "approve", "1", "2"],
    ["plan", "--out", "plan.json"],
    ["sync", "--plan", "plan.json"],
    ["delivery", "list"],
    ["delivery", "retry", "1", "--all"],
    ["delivery", "discard", "1", "--record", "2"],
    ["audit", "verify"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_a_file_nothing_is_done(run: Run, tmp_path: Path, command: list[str]) -> None:
    ended = run("--config", tmp_path / "bridge.toml", *command)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith(f"{tmp_path}/bridge.toml: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["init"], *COMMANDS], ids=" ".join)
def test_with_a_wrong_file_nothing_is_done(run: Run, tmp_path: Path, command: list[str]) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text('[portal]\nurl = "https://h"\nclient_certificate = "env:A"\nsigning_key = "env:B"\n'
                      'authorities = "env:C"\nbatch_records = 0\n[audit]\nsigning_key = "env:D"\nmaster_key = "env:E"\n'
                      '[bridge]\nlanguage = "en"\n')  # fmt: skip
    ended = run("--config", config, *command)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == f"{config}: [portal] batch_records: expected: a whole number, 1 to 5000\n"
    assert list(tmp_path.iterdir()) == [config]


def test_the_environment_may_name_the_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DNEVNIK_CONFIG", str(tmp_path / "elsewhere.toml"))
    assert "elsewhere.toml" in run("check").err


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def check(_call: Call) -> ExitStatus:
        raise error

    monkeypatch.setattr("commands.check.check", check)


def test_a_refusal_has_its_own_exit_status_and_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wording = Wording("Школа {school} ждёт", "School {school} waits")
    failing(monkeypatch, BridgeError("held", wording, {"school": "0252"}, ExitStatus.HELD))
    ended = run("check")
    assert (ended.status, ended.out) == (3, "")
    assert ended.err.strip() in {"Школа 0252 ждёт", "School 0252 waits"}


def test_what_nobody_expected_is_told_without_its_message(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, RuntimeError("Ёлкина Мария, 5"))
    ended = run("check")
    assert (ended.status, ended.out) == (2, "")
    assert "RuntimeError" in ended.err
    assert "Ёлкина" not in ended.err
    assert "Traceback" not in ended.err


def test_an_interrupted_command_is_not_done(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    ended = run("check")
    assert ended.status == 2
    assert len(ended.err.splitlines()) == 1


def test_every_help_text_exists_in_both_languages_and_is_used() -> None:
    command_line = Path(cli.__file__)
    lines = [command_line, *command_line.parent.glob("commands/*line.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in lines)
    for key, wording in HELP.items():
        assert f'help_of("{key}")' in source or f'group("{key}")' in source
        assert wording.ru != wording.en or wording.ru.isascii()


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, Language.RU),
        ({"LANG": "ru_RU.UTF-8"}, Language.RU),
        ({"LANG": "C.UTF-8"}, Language.RU),
        ({"LANG": "en_US.UTF-8"}, Language.EN),
        ({"LC_ALL": "ru_RU", "LANG": "en_US"}, Language.RU),
        ({"LC_ALL": "", "LANG": "en_GB"}, Language.EN),
    ],
)
def test_helps_language_is_the_terminals(environment: dict[str, str], language: Language) -> None:
    assert help_language(environment) is language


def test_a_message_is_one_line_however_narrow_the_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    Console(Language.EN).say(Wording("", "a {what} b"), what="long " * 50)
    assert len(capsys.readouterr().out.splitlines()) == 1


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | environment
    return subprocess.run([str(DNEVNIK), *arguments], env=kept, capture_output=True, text=True, timeout=60, check=False)


def test_the_program_itself_ends_with_the_same_statuses(tmp_path: Path) -> None:
    assert process("--help").returncode == 0
    done = process("--config", str(tmp_path / "none.toml"), "sync")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_a_terminal_without_cyrillic_gets_escapes_and_no_failure(tmp_path: Path) -> None:
    done = process("--config", str(tmp_path / "none.toml"), "check", LANG="C", PYTHONIOENCODING="ascii:strict")
    assert done.returncode == 2
    assert "\\u" in done.stderr


def test_help_does_not_wait_for_the_rooms() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import cli, sys; cli.run(['--help']); print(sorted(sys.modules))"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout.splitlines()[-1]  # fmt: skip
    for heavy in ("pandas", "prefect", "zeep", "lxml", "sqlalchemy", "firebird"):
        assert f"'{heavy}'" not in loaded


def test_verifying_a_log_needs_no_pandas_no_prefect_no_soap(tmp_path: Path) -> None:
    arguments = json.dumps(["audit", "verify", str(tmp_path)])
    program = f"import cli, sys; cli.run({arguments}); print(sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    ).stdout.splitlines()[-1]
    for heavy in ("pandas", "prefect", "zeep", "lxml", "sqlalchemy", "firebird"):
        assert f"'{heavy}'" not in loaded
