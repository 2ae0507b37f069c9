# ruff: noqa: PLC0415  a command imports its own rooms, so that --help need not wait for them
"""The command line of `dnevnik profile`: spells arguments, calls `commands.profile`."""

from pathlib import Path
from typing import Annotated

import typer

from commands.line import AsDocument, call_of, group, help_of
from journal.wording import ExitStatus

profile_app = group("profile")

_FOLDER = typer.Option("--folder", metavar="FOLDER", help=help_of("profile-folder"), show_default=False)


@profile_app.command("check", help=help_of("profile-check"))
def profile_check(
    context: typer.Context,
    school: Annotated[str, typer.Argument(metavar="SCHOOL", help=help_of("school"))],
    *,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="NAME", help=help_of("profile-other"), show_default=False)
    ] = None,
    folder: Annotated[Path | None, _FOLDER] = None,
    as_document: AsDocument = False,
) -> ExitStatus:
    """Hold a school's profile against its live database."""
    from commands.profile import check

    return check(call_of(context), school, profile=profile, folder=folder, as_document=as_document)


@profile_app.command("new", help=help_of("profile-new"))
def profile_new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help=help_of("profile-name"))],
    *,
    url: Annotated[str, typer.Option("--from-url", metavar="URL", help=help_of("profile-url"))],
    password: Annotated[
        str | None, typer.Option("--password", metavar="SECRET", help=help_of("profile-password"), show_default=False)
    ] = None,
    folder: Annotated[Path | None, _FOLDER] = None,
) -> ExitStatus:
    """Write the skeleton of a profile."""
    from commands.profile import new

    return new(call_of(context), name, url=url, password=password, folder=folder)
