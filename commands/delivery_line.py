# ruff: noqa: PLC0415  each command imports its own rooms, so that --help need not wait for the rest
"""The command line of `dnevnik delivery`: spells arguments, calls `commands.delivery_letters`."""

from typing import Annotated

import typer

from commands.line import AsDocument, Schools, call_of, group, help_of
from journal.wording import ExitStatus

delivery_app = group("delivery")

_School = Annotated[str, typer.Argument(metavar="SCHOOL", help=help_of("school"))]


@delivery_app.command("list", help=help_of("delivery-list"))
def delivery_list(context: typer.Context, schools: Schools = None, *, as_document: AsDocument = False) -> ExitStatus:
    """List what was not delivered."""
    from commands import delivery_letters

    return delivery_letters.show(call_of(context), schools or (), as_document=as_document)


@delivery_app.command("retry", help=help_of("delivery-retry"))
def delivery_retry(
    context: typer.Context,
    school: _School,
    *,
    record: Annotated[
        str | None, typer.Option("--record", metavar="ID", help=help_of("record"), show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help=help_of("delivery-all"))] = False,
) -> ExitStatus:
    """Let rejected records be tried again."""
    from commands import delivery_letters

    return delivery_letters.retry(call_of(context), school, record, everything=everything)


@delivery_app.command("discard", help=help_of("delivery-discard"))
def delivery_discard(
    context: typer.Context,
    school: _School,
    *,
    record: Annotated[str, typer.Option("--record", metavar="ID", help=help_of("record"))],
) -> ExitStatus:
    """Give a rejected record up."""
    from commands import delivery_letters

    return delivery_letters.discard(call_of(context), school, record)
