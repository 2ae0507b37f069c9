# ruff: noqa: PLC0415  a command imports its own rooms, so that --help need not wait for them
"""The command line of `dnevnik keys`: spells arguments, calls `commands.keys` and its neighbours."""

from typing import Annotated

import typer

from commands.line import call_of, group, help_of
from journal.wording import ExitStatus

keys_app = group("keys")


@keys_app.command("rotate-master", help=help_of("keys-rotate-master"))
def keys_rotate_master(context: typer.Context) -> ExitStatus:
    """Put a new master key in the old one's place."""
    from commands.keys import rotate_master

    return rotate_master(call_of(context))


@keys_app.command("rotate-signing", help=help_of("keys-rotate-signing"))
def keys_rotate_signing(
    context: typer.Context,
    *,
    revoke: Annotated[bool, typer.Option("--revoke", help=help_of("keys-revoke"))] = False,
    revoke_all: Annotated[bool, typer.Option("--revoke-all", help=help_of("keys-revoke-all"))] = False,
) -> ExitStatus:
    """Let another key sign the audit log."""
    from commands.keys_signing import Revoked, rotate_signing

    revoked = Revoked.ALL if revoke_all else Revoked.PRESENT if revoke else Revoked.NONE
    return rotate_signing(call_of(context), revoked=revoked)


@keys_app.command("list", help=help_of("keys-list"))
def keys_list(context: typer.Context) -> ExitStatus:
    """Show which keys there are."""
    from commands.keys_look import list_keys

    return list_keys(call_of(context))


@keys_app.command("check", help=help_of("keys-check"))
def keys_check(context: typer.Context) -> ExitStatus:
    """See whether the keys are as they have to be."""
    from commands.keys_look import check_keys_of

    return check_keys_of(call_of(context))
