# ruff: noqa: PLC0415  a command imports its own rooms, so that --help need not wait for them
"""The command line of `dnevnik erase`: spells arguments, calls `commands.erasure`.

`erase STUDENT`, `erase due` and `erase list` are one command: the word says which, and no school has such students.
"""

from typing import Annotated

import typer

from commands.line import call_of, help_of
from journal.wording import BridgeError, ExitStatus, Wording

_NO_SCHOOL = Wording(ru="Чей ученик? Назовите школу: --school КОД", en="Whose student? Name the school: --school CODE")
_What = Annotated[str, typer.Argument(metavar="STUDENT|due|list", help=help_of("erase-what"), show_default=False)]
_Schools = Annotated[
    list[str] | None, typer.Option("--school", metavar="S", help=help_of("erase-school"), show_default=False)
]
_Why = Annotated[str, typer.Option("--why", metavar="WHY", help=help_of("erase-why"))]
_By = Annotated[str | None, typer.Option("--by", metavar="NAME", help=help_of("erase-by"), show_default=False)]
_Position = Annotated[str, typer.Option("--position", help=help_of("erase-position"), show_default=False)]
_Document = Annotated[str, typer.Option("--document", help=help_of("erase-document"), show_default=False)]
_Folder = Annotated[str, typer.Option("--out", metavar="FOLDER", help=help_of("erase-out"), show_default=False)]
_DryRun = Annotated[bool, typer.Option("--dry-run", help=help_of("dry-run"))]
_Confirm = Annotated[bool, typer.Option("--confirm", help=help_of("erase-confirm"))]
_Within = Annotated[int, typer.Option("--within", min=0, help=help_of("erase-within"))]


def add_to(app: typer.Typer) -> None:
    """Give the program its command `erase`."""
    app.command("erase", help=help_of("erase"))(_erase)


def _erase(
    context: typer.Context,
    what: _What,
    schools: _Schools = None,
    *,
    why: _Why = "withdrawal",
    by: _By = None,
    position: _Position = "",
    document: _Document = "",
    folder: _Folder = "",
    dry_run: _DryRun = False,
    confirm: _Confirm = False,
    within: _Within = 7,
) -> ExitStatus:
    from commands.erasure import Hand, erase, erase_due, list_erasures

    call, hand = call_of(context), Hand(by, position, document, folder)
    if what == "list":
        return list_erasures(call)
    if what == "due":
        return erase_due(call, schools or (), hand, confirm=confirm, within=within)
    if not schools or len(schools) != 1:
        raise BridgeError("erasure-school", _NO_SCHOOL)
    return erase(call, schools[0], what, why, hand, dry_run=dry_run)
