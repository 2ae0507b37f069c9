"""`dnevnik registry enter` and `find`: what names people is read from a file or asked for, and told to nobody."""

import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from worlds.command_line import Ended, Run
from worlds.real_world import RealWorld

from commands.application_entry import TEMPLATE

Registry = Callable[..., Ended]
ANSWERS = (
    "pa-paper", "elkina@example.org", "родитель", "", "Ёлкина", "Анна", "Петровна", "Ёлкина", "Мария", "",
    "09.03.2014", "5А",
)  # fmt: skip
FILLED = {
    'account = ""': 'account = "pa-file"',
    'email = ""': 'email = "orlov@example.org"',
    '[parent]\nlast_name = ""': '[parent]\nlast_name = "Орлов"',
    'first_name = ""       # имя': 'first_name = "Пётр"',
    '[student]\nlast_name = ""\nfirst_name = ""': '[student]\nlast_name = "Орлова-Белая"\nfirst_name = "Вера"',
    'birth_date = ""': "birth_date = 2013-05-06",
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def registry(run: Run, world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Run `dnevnik registry ARGUMENTS`; `answers` are piped, or typed at a terminal."""
    assert run("--config", world.config, "init").status == 0

    def run_it(*arguments: object, answers: str = "", typed: str | None = None) -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(answers) if typed is None else Terminal(typed))
        return run("--config", world.config, "registry", *arguments)

    return run_it


def filled(file: Path, **changes: str) -> Path:
    text = TEMPLATE
    for empty, value in FILLED.items():
        assert empty in text
        text = text.replace(empty, value)
    for field, value in changes.items():
        name, _, _ = field.partition("_of_")
        lines = [f"{name} = {value}" if line.startswith(f"{name} = ") else line for line in text.splitlines()]
        text = "\n".join(lines)
    file.write_text(text, encoding="utf-8")
    return file


def count(registry: Registry) -> int:
    return registry("applications", "--all").out.count("paper")


def reference_in(ended: Ended) -> str:
    assert (ended.status, ended.out.count("\n")) == (0, 2)
    return ended.out.partition("entered as ")[2].partition(".")[0]


def test_answers_to_questions_enter_an_application(registry: Registry) -> None:
    ended = registry("enter", "--school", "0252", answers="\n".join(ANSWERS) + "\n")
    reference = reference_in(ended)
    assert ended.err == ""
    shown = registry("show", reference, "--names").out
    assert "Ёлкина Анна Петровна; elkina@example.org" in shown
    assert "2014-03-09" in shown
    assert "To the parent, by the portal" not in shown


def test_a_file_enters_an_application_and_is_to_be_deleted(registry: Registry, tmp_path: Path) -> None:
    printed = registry("enter", "--template").out
    assert printed.strip() == TEMPLATE.strip()
    file = filled(tmp_path / "paper.toml")
    ended = registry("enter", "--school", "0252", "--from", file)
    reference_in(ended)
    assert "delete it" in ended.err
    assert file.exists()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"account": '"a b"'}, "account"),
        ({"relation": '"тётя"'}, "relation"),
        ({"birth_date": '"31.02.2013"'}, "student.birth_date"),
        ({"birth_date": "2999-01-01"}, "birth date"),
        ({"submitted": "2999-01-01"}, "submitted"),
        ({"email": '"Секрет"'}, "email"),
        ({"text_version": '"1999-01"'}, "1999-01"),
        ({"last_name": '""'}, "parent.last_name"),
        ({"last_name": "17"}, "parent.last_name"),
        ({"last_name": '"Сек\\nрет"'}, "parent.last_name"),
        ({"class": '""\nСекрет = 1'}, "TOML"),
        ({"class": '""\nnick = "Секрет"'}, "student.nick"),
    ],
)
def test_a_mistake_names_its_field_and_records_nothing(
    registry: Registry, tmp_path: Path, changes: dict[str, str], named: str
) -> None:
    before = count(registry)
    ended = registry("enter", "--school", "0252", "--from", filled(tmp_path / "p.toml", **changes))
    assert (ended.status, ended.out) == (2, "")
    assert named in ended.err
    assert "Секрет" not in ended.err
    assert "Орлов" not in ended.err
    assert count(registry) == before


@pytest.mark.parametrize(("answers", "said"), [("", "ended"), ("\n", "needed"), ("pa\x00x\n", "can't be read")])
def test_an_answer_that_is_none(registry: Registry, answers: str, said: str) -> None:
    before = count(registry)
    ended = registry("enter", "--school", "0252", answers=answers)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert "account at the portal" in ended.err
    assert count(registry) == before


def test_at_a_terminal_a_wrong_answer_is_asked_for_again(registry: Registry) -> None:
    typed = [*ANSWERS]
    typed[10:10] = ["", "31.31.2014"]
    typed[0] = "pa-typed"
    ended = registry("enter", "--school", "0252", typed="\n".join(typed) + "\n")
    reference_in(ended)
    assert ended.err.count("The student's birth date: ") == 4  # asked thrice, told once what was wrong with it
    broken_off = registry("enter", "--school", "0252", typed="pa-x\n")
    assert (broken_off.status, broken_off.out) == (2, "")


def test_a_file_or_school_that_is_none(registry: Registry, tmp_path: Path) -> None:
    for arguments in (
        ("--from", tmp_path / "absent.toml", "--school", "0252"),
        ("--from", tmp_path, "--school", "0252"),
        ("--from", filled(tmp_path / "p.toml"), "--school", "0999"),
        ("--from", filled(tmp_path / "p.toml")),
    ):
        ended = registry("enter", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "right", "wrong"),
    [
        ("--email", "BELOV@example.org\n", "belov@example\n"),
        ("--parent", "белов\nИлья\nОлегович\n", "Белов\nОлег\n\n"),
        ("--parent", "Белов\nИлья\n\n", "Бел\nИлья\n\n"),
        ("--student-name", "Белова\nВЕРА\n2012-07-01\n", "Белова\nВера\n02.07.2012\n"),
    ],
)
def test_what_is_known_whole_finds_it(registry: Registry, option: str, right: str, wrong: str) -> None:
    if registry("find", "--email", answers="belov@example.org\n").status:
        answers = ("pa-f", "belov@example.org", "parent", "", "Белов", "Илья", "Олегович", "Белова", "Вера", "",
                   "01.07.2012", "")  # fmt: skip
        registry("enter", "--school", "0252", answers="\n".join(answers) + "\n")
    found = registry("find", option, answers=right)
    assert (found.status, found.err) == (0, "")
    assert "pa-f" in found.out
    assert "Белов" not in found.out
    missed = registry("find", option, answers=wrong)
    assert missed.status == 1
    assert "Nothing was found" in missed.out


def test_a_parent_entered_without_a_patronymic_is_found_with_it(registry: Registry) -> None:
    answers = ("pa-np", "", "parent", "", "Дубов", "Олег", "", "Дубов", "Кирилл", "", "01.07.2012", "")
    registry("enter", "--school", "0252", answers="\n".join(answers) + "\n")
    assert "pa-np" in registry("find", "--parent", answers="Дубов\nОлег\nИванович\n").out


def test_of_two_namesakes_the_patronymic_finds_one(registry: Registry) -> None:
    for account, middle in (("pa-n1", "Ильич"), ("pa-n2", "Львович")):
        answers = (account, "", "parent", "", "Серов", "Ян", middle, "Серова", account, "", "01.07.2012", "")
        registry("enter", "--school", "0252", answers="\n".join(answers) + "\n")
    one = registry("find", "--parent", answers="Серов\nЯн\nЛьвович\n").out
    assert ("pa-n1" in one, "pa-n2" in one) == (False, True)
    both = registry("find", "--parent", answers="Серов\nЯн\n\n").out
    assert ("pa-n1" in both, "pa-n2" in both) == (True, True)


def test_a_link_of_a_register_is_found_too(registry: Registry, world: RealWorld) -> None:
    assert registry("import", world.folder / "register.csv").status == 0
    with (world.folder / "register.csv").open(encoding="utf-8-sig", newline="") as file:
        row = next(row for row in csv.DictReader(file, delimiter=";") if row["withdrawn_at"] and row["email"])
    found = registry("find", "--email", answers=f"{row['email'].upper()}\n")
    assert found.status == 0
    assert row["account_id"] in found.out
    assert "consent withdrawn" in found.out
    assert row["parent_last_name"] not in found.out


def test_what_to_find_is_one_thing(registry: Registry) -> None:
    for arguments in ((), ("--email", "--parent"), ("0000-0000-0000", "--email")):
        ended = registry("find", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert "--student-name" in ended.err
    unknown = registry("find", "0000-0000-0000")
    assert unknown.status == 1
