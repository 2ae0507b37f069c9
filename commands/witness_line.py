# ruff: noqa: PLC0415  a command imports its own rooms, so that --help need not wait for them
"""The command line of `dnevnik witness`: spells arguments, calls `commands.witness`."""

from pathlib import Path
from typing import Annotated

import typer

from commands.line import call_of, group, help_of
from journal.wording import ExitStatus

witness_app = group("witness")

_FOLDER = typer.Option("--folder", metavar="FOLDER", help=help_of("witness-folder"))
_LOG_KEYS = typer.Option("--log-key", metavar="VKEY", help=help_of("witness-log-key"), show_default=False)
_CERTIFICATE = typer.Option("--certificate", metavar="FILE", help=help_of("witness-certificate"), show_default=False)


@witness_app.command("init", help=help_of("witness-init"))
def witness_init(
    context: typer.Context,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help=help_of("witness-name"))],
    folder: Annotated[Path, _FOLDER],
    log_keys: Annotated[list[str] | None, _LOG_KEYS] = None,
) -> ExitStatus:
    """Make a witness's key and say whose logs it serves."""
    from commands.witness import initialize

    return initialize(call_of(context), folder, name, log_keys or ())


@witness_app.command("drop-key", help=help_of("witness-drop-key"))
def witness_drop_key(
    context: typer.Context,
    folder: Annotated[Path, _FOLDER],
    log_key: Annotated[str, typer.Option("--log-key", metavar="VKEY", help=help_of("witness-dropped"))],
) -> ExitStatus:
    """Refuse a log's key from now on."""
    from commands.witness import drop_key

    return drop_key(call_of(context), folder, log_key)


@witness_app.command("show", help=help_of("witness-show"))
def witness_show(context: typer.Context, folder: Annotated[Path, _FOLDER]) -> ExitStatus:
    """Print the witness's verifier key and what it saw."""
    from commands.witness import show

    return show(call_of(context), folder)


@witness_app.command("serve", help=help_of("witness-serve"))
def witness_serve(
    context: typer.Context,
    folder: Annotated[Path, _FOLDER],
    listen: Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help=help_of("witness-listen"))],
    log_keys: Annotated[list[str] | None, _LOG_KEYS] = None,
    certificate: Annotated[Path | None, _CERTIFICATE] = None,
) -> ExitStatus:
    """Cosign the checkpoints of the logs that it serves."""
    from commands.witness import serve

    return serve(call_of(context), folder, listen, log_keys or (), certificate)
