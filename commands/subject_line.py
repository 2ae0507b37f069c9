# ruff: noqa: PLC0415  each command imports its own rooms, so that --help need not wait for the rest
"""The command line of `dnevnik subject`: spells arguments, calls `commands.subject_dossier`."""

from pathlib import Path
from typing import Annotated

import typer

from commands.line import School, call_of, group, help_of
from journal.wording import ExitStatus

subject_app = group("subject")


@subject_app.command("dossier", help=help_of("subject-dossier"))
def subject_dossier(
    context: typer.Context,
    who: Annotated[str, typer.Argument(metavar="STUDENT|ACCOUNT", help=help_of("subject-who"))],
    *,
    school: School,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=help_of("subject-out"))],
    kind: Annotated[
        str | None, typer.Option("--as", metavar="student|account", help=help_of("subject-as"), show_default=False)
    ] = None,
) -> ExitStatus:
    """Make the answer to a person who asks what is held of them."""
    from commands.subject_dossier import Wanted, make_dossier

    return make_dossier(call_of(context), Wanted(who, school, out, kind))
