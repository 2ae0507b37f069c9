"""docs/secretary.ru.md against the command line: each command in it exists, with these options and arguments."""

import re
import shlex
from pathlib import Path

import pytest
import typer

import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "secretary.ru.md").read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """Return what stands in code and begins with `dnevnik`."""
    blocks = re.findall(r"^```\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^```\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", rest)]
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    return [told for told in (*lines, *spans) if told.startswith("dnevnik ")]


def parse(line: str) -> None:
    """Parse a line as the program does, and run nothing. Raises typer's exceptions."""
    words = shlex.split(line)[1:]
    group = typer.main.get_command(cli.app)
    context = group.make_context("dnevnik", words)
    while words:
        name, command, words = group.resolve_command(context, words)
        context = command.make_context(name, list(words), parent=context)
        if not hasattr(command, "resolve_command"):
            return
        group = command


@pytest.mark.parametrize("line", sorted(set(commands(PAGE))))
def test_a_command_of_the_page_exists(line: str) -> None:
    parse(line)


@pytest.mark.parametrize(
    "line",
    [
        "dnevnik registry lost",
        "dnevnik registry show",
        "dnevnik registry show AAAA --loud",
        "dnevnik registry request receive --kind answer",
    ],
)
def test_a_command_that_does_not_exist_is_noticed(line: str) -> None:
    with pytest.raises(typer.TyperException):
        parse(line)


def test_the_page_speaks_of_every_command_for_applications() -> None:
    told = {" ".join(line.split()[1:3]) for line in commands(PAGE)}
    assert len(told) > 15
    named = (
        "exchange applications show propose enter identify link register reject lapse cancel form find terms request"
    )
    assert {f"registry {name}" for name in named.split()} <= told
