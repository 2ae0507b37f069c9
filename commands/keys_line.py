# ruff: noqa: PLC0415  a command imports its own rooms, so that --help need not wait for them
"""The command line of `dnevnik keys`: spells arguments, calls `commands.keys`."""

import typer

from commands.line import call_of, group, help_of
from journal.wording import ExitStatus

keys_app = group("keys")


@keys_app.callback()
def _keys() -> None:
    """Let the one command have its name."""


@keys_app.command("rotate-master", help=help_of("keys-rotate-master"))
def keys_rotate_master(context: typer.Context) -> ExitStatus:
    """Put a new master key in the old one's place."""
    from commands.keys import rotate_master

    return rotate_master(call_of(context))
