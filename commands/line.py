"""What the groups of the command line share: how help is said, what every command is given, arguments of many.

Rules. Nothing heavy is imported here or in the `*_line` modules: a command's own rooms are imported when it runs, so
that `--help` waits for none of them. Deliberately not here: what commands do.
"""

import os
from typing import Annotated

import typer

from commands.call import Call
from commands.help_texts import HELP, help_language

LANGUAGE = help_language(os.environ)


def help_of(key: str) -> str:
    """Return a text of `HELP` in the terminal's language."""
    return HELP[key].say(LANGUAGE)


def group(key: str) -> typer.Typer:
    """Return an empty group of commands."""
    return typer.Typer(
        name=None,
        help=help_of(key),
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=False,
    )


def call_of(context: typer.Context) -> Call:
    """Return the call that a command was given."""
    call: Call = context.obj
    return call


_BY = typer.Option("--by", metavar="NAME", help=help_of("by"), show_default=False)
_JSON = typer.Option("--json", help=help_of("json"))

Schools = Annotated[list[str] | None, typer.Argument(metavar="[SCHOOL…]", help=help_of("schools"), show_default=False)]
School = Annotated[str, typer.Option("--school", metavar="S", help=help_of("school"))]
Student = Annotated[str, typer.Option("--student", metavar="ID", help=help_of("student"))]
Account = Annotated[str, typer.Option("--account", metavar="ID", help=help_of("account"))]
By = Annotated[str | None, _BY]
AsDocument = Annotated[bool, _JSON]
