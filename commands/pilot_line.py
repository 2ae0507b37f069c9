# ruff: noqa: PLC0415  a command imports its own rooms, so that --help need not wait for them
"""The command line of `dnevnik pilot`: spells arguments, calls `commands.pilot`. Without a command it lists."""

from typing import Annotated

import typer

from commands.line import AsDocument, By, call_of, group, help_of
from journal.wording import ExitStatus

pilot_app = group("pilot")


@pilot_app.callback(invoke_without_command=True)
def pilot(
    context: typer.Context,
    *,
    school: Annotated[
        list[str] | None, typer.Option("--school", metavar="S", help=help_of("pilot-schools"), show_default=False)
    ] = None,
    as_document: AsDocument = False,
) -> ExitStatus | None:
    """List who takes part and how many are covered."""
    if context.invoked_subcommand is not None:
        return None
    from commands.pilot import show_pilot

    return show_pilot(call_of(context), school or (), as_document=as_document)


@pilot_app.command("move", help=help_of("pilot-move"))
def pilot_move(
    context: typer.Context,
    school: Annotated[str, typer.Argument(metavar="SCHOOL", help=help_of("school"))],
    words: Annotated[list[str], typer.Argument(metavar="[CLASS] STAGE", help=help_of("class-and-stage"))],
    *,
    whole_school: Annotated[bool, typer.Option("--whole-school", help=help_of("whole-school"))] = False,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help=help_of("pilot-from"), show_default=False)
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help=help_of("pilot-to"), show_default=False)
    ] = None,
    by: By = None,
) -> ExitStatus:
    """Move a class to a stage."""
    from commands.pilot import Wish, move_class

    wish = Wish(school, tuple(words), first, last, whole_school=whole_school)
    return move_class(call_of(context), wish, by=by)
