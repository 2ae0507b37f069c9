from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from journal.wording import Language
from reports.terminal import IN_FULL, table

if TYPE_CHECKING:
    from conftest import Cases


def printed(what: RenderableType, width: int = 80) -> str:
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(what)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


@pytest.mark.parametrize("language", list(Language))
def test_a_block_a_school(cases: "Cases", golden: Callable[[str, str], None], language: Language) -> None:
    balances = [cases.schools[name].balance for name in ("exceptions", "held", "unreadable")]
    text = printed(table(balances, language, cases.words))
    golden(f"terminal-blocks.{language}.txt", text)
    assert max(cell_len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize("language", list(Language))
def test_the_lessons_filled_in_in_time(cases: "Cases", golden: Callable[[str, str], None], language: Language) -> None:
    names = ("lessons-below", "lessons-reached", "lessons-not-kept", "lessons-held")
    text = printed(table([cases.schools[name].balance for name in names], language, cases.words))
    golden(f"terminal-lessons.{language}.txt", text)
    assert max(cell_len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize("language", list(Language))
def test_a_row_a_school_fits_eighty_columns(
    cases: "Cases", golden: Callable[[str, str], None], language: Language
) -> None:
    balances = [replace(page.balance, school=f"{500 + n:04}") for n, page in enumerate(cases.schools.values())]
    assert len(balances) > IN_FULL
    text = printed(table(balances, language, cases.words))
    golden(f"terminal-rows.{language}.txt", text)
    assert max(cell_len(line) for line in text.splitlines()) <= 80


def test_no_number_is_cut_when_the_terminal_is_narrow(cases: "Cases") -> None:
    text = printed(table([cases.exceptions], Language.EN, cases.words), width=40)
    for number in ("61,219", "1,171", "38,416", "21,599", "21,005", "310", "188", "96", "31", "17"):
        assert number in text.split(), number


def test_without_a_catalogue_reasons_show_their_codes(cases: "Cases") -> None:
    assert "unknown-mark-type" in printed(table([cases.exceptions], Language.RU))


def test_a_code_is_shown_as_it_is_and_not_read_as_markup(cases: "Cases") -> None:
    odd = replace(cases.plain, warnings={"[red]x[/red]": 3}, name="[bold]Школа[/bold]")
    text = printed(table([odd], Language.EN))
    assert "[red]x[/red]" in text
    assert "[bold]Школа[/bold]" in text
