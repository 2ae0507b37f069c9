# ruff: noqa: PLC0415  each command imports its own rooms, so that --help and `audit verify` need not wait for the rest
"""The command line: `dnevnik --config FILE COMMAND`. Spells arguments, calls `commands`, turns ends into statuses.

Rules. Exit status 0 done, 1 done with records set aside, rejected or failed, 2 not done, 3 held. What goes wrong is
told on stderr in the installation's language, one line a thing, never a traceback; what nobody expected goes into
the technical log, without values. Help is in the language of the terminal (LANG), Russian where that says nothing.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from commands.call import Call
from commands.console import Console
from commands.endings import INTERRUPTED, failed, interrupted, wrong_usage
from commands.help_texts import HELP, help_language
from journal.wording import ExitStatus
from settings import locate

_LANGUAGE = help_language(os.environ)


def _help(key: str) -> str:
    return HELP[key].say(_LANGUAGE)


def _group(key: str) -> typer.Typer:
    return typer.Typer(
        name=None,
        help=_help(key),
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=False,
    )


app = _group("dnevnik")
registry_app = _group("registry")
audit_app = _group("audit")
hold_app = _group("hold")
sandbox_app = _group("sandbox")
for _name, _subcommands in (
    ("registry", registry_app),
    ("hold", hold_app),
    ("audit", audit_app),
    ("sandbox", sandbox_app),
):
    app.add_typer(_subcommands, name=_name)

_SCHOOL_CODES = typer.Argument(metavar="[SCHOOL…]", help=_help("schools"), show_default=False)
_JSON = typer.Option("--json", help=_help("json"))

Schools = Annotated[list[str] | None, _SCHOOL_CODES]
AsDocument = Annotated[bool, _JSON]


@app.callback()
def _installation(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help=_help("config"), show_default=False)
    ] = None,
) -> None:
    context.obj = Call(locate(config), context.obj)


def _call(context: typer.Context) -> Call:
    call: Call = context.obj
    return call


@app.command(help=_help("init"))
def init(context: typer.Context) -> ExitStatus:
    """Set an installation up."""
    from commands.init import initialize

    return initialize(_call(context))


@app.command(help=_help("check"))
def check(context: typer.Context) -> ExitStatus:
    """See whether all parts can be reached."""
    from commands.check import check as look

    return look(_call(context))


@registry_app.command("import", help=_help("registry-import"))
def registry_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_help("register-file"))],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_help("dry-run"))] = False,
) -> ExitStatus:
    """Take a register of people and consents."""
    from commands.registry import import_file

    return import_file(_call(context), file, dry_run=dry_run)


@registry_app.command("withdraw", help=_help("registry-withdraw"))
def registry_withdraw(
    context: typer.Context,
    *,
    school: Annotated[str, typer.Option("--school", metavar="S", help=_help("school"))],
    student: Annotated[str, typer.Option("--student", metavar="ID", help=_help("student"))],
    account: Annotated[str, typer.Option("--account", metavar="ID", help=_help("account"))],
    at: Annotated[str | None, typer.Option("--at", metavar="MOMENT", help=_help("at"), show_default=False)] = None,
) -> ExitStatus:
    """Record that a parent withdrew a consent."""
    from commands.registry import withdraw_consent

    return withdraw_consent(_call(context), school=school, student=student, account=account, at=at)


@registry_app.command("list", help=_help("registry-list"))
def registry_list(context: typer.Context, schools: Schools = None) -> ExitStatus:
    """List the cases without names."""
    from commands.registry import list_cases

    return list_cases(_call(context), schools or ())


@app.command(help=_help("plan"))
def plan(context: typer.Context, schools: Schools = None, *, as_document: AsDocument = False) -> ExitStatus:
    """Say what a sync would do."""
    from commands import delivery

    return delivery.plan(_call(context), schools or (), as_document=as_document)


@app.command(help=_help("sync"))
def sync(
    context: typer.Context,
    schools: Schools = None,
    *,
    full: Annotated[bool, typer.Option("--full", help=_help("full"))] = False,
    with_prefect: Annotated[
        bool | None, typer.Option("--with-prefect/--without-prefect", help=_help("with-prefect"))
    ] = None,
    as_document: AsDocument = False,
) -> ExitStatus:
    """Bring the portal to what it should hold."""
    from commands import delivery

    del full  # every sync reads the whole school year; the option is promised for versions that read less
    chosen = bool(os.environ.get("PREFECT_API_URL")) if with_prefect is None else with_prefect
    return delivery.sync(_call(context), schools or (), as_document=as_document, with_prefect=chosen)


@app.command(help=_help("sweep"))
def sweep(context: typer.Context, schools: Schools = None, *, as_document: AsDocument = False) -> ExitStatus:
    """Take back at once what lost its ground."""
    from commands import delivery

    return delivery.sweep(_call(context), schools or (), as_document=as_document)


@app.command(help=_help("reconcile"))
def reconcile(context: typer.Context, schools: Schools = None, *, as_document: AsDocument = False) -> ExitStatus:
    """Hold the portal's holdings against the ledger, and mend."""
    from commands import delivery

    return delivery.reconcile(_call(context), schools or (), as_document=as_document)


@app.command(help=_help("report"))
def report(
    context: typer.Context,
    schools: Schools = None,
    *,
    as_document: AsDocument = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FOLDER", help=_help("html"), show_default=False)
    ] = None,
) -> ExitStatus:
    """Show what happened."""
    from commands import delivery

    return delivery.report(_call(context), schools or (), as_document=as_document, pages=html)


@hold_app.command("list", help=_help("hold-list"))
def hold_list(context: typer.Context, schools: Schools = None) -> ExitStatus:
    """List the plans that wait for a person's word."""
    from commands import holds

    return holds.show(_call(context), schools or ())


_HELD_SCHOOL = typer.Argument(metavar="SCHOOL", help=_help("school"))
_HELD_PLAN = typer.Argument(metavar="PLAN", help=_help("hold-plan"))


@hold_app.command("approve", help=_help("hold-approve"))
def hold_approve(
    context: typer.Context, school: Annotated[str, _HELD_SCHOOL], held: Annotated[str, _HELD_PLAN]
) -> ExitStatus:
    """Let a held plan go."""
    from commands import holds

    return holds.approve(_call(context), school, held)


@hold_app.command("discard", help=_help("hold-discard"))
def hold_discard(
    context: typer.Context, school: Annotated[str, _HELD_SCHOOL], held: Annotated[str, _HELD_PLAN]
) -> ExitStatus:
    """Give a held plan up."""
    from commands import holds

    return holds.discard(_call(context), school, held)


@audit_app.command("verify", help=_help("audit-verify"))
def audit_verify(
    context: typer.Context,
    log: Annotated[str | None, typer.Argument(metavar="[LOG]", help=_help("log"), show_default=False)] = None,
    *,
    key: Annotated[str | None, typer.Option("--key", metavar="VKEY", help=_help("key"), show_default=False)] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option("--checkpoint", metavar="FILE", help=_help("checkpoint"), show_default=False)
    ] = None,
) -> ExitStatus:
    """Recompute the whole log."""
    from commands.audit_log import verify

    return verify(_call(context), log, key=key, checkpoints=checkpoint or ())


@sandbox_app.command("school", help=_help("sandbox-school"))
def sandbox_school(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_help("school-file"))],
    *,
    students: Annotated[int, typer.Option("--students", help=_help("students"))] = 200,
    weeks: Annotated[int, typer.Option("--weeks", help=_help("weeks"))] = 10,
    seed: Annotated[int, typer.Option("--seed", help=_help("seed"))] = 1,
    code: Annotated[str, typer.Option("--code", help=_help("school"))] = "0252",
    name: Annotated[str, typer.Option("--name", help=_help("name"))] = "ГБОУ СОШ № 252",
) -> ExitStatus:
    """Write a made-up school."""
    from commands.sandbox import write_school

    return write_school(_call(context), file, code=code, name=name, students=students, weeks=weeks, seed=seed)


@sandbox_app.command("register", help=_help("sandbox-register"))
def sandbox_register(
    context: typer.Context,
    school_file: Annotated[Path, typer.Argument(metavar="SCHOOL_FILE", help=_help("school-file"))],
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_help("register-file"))],
    *,
    seed: Annotated[int, typer.Option("--seed", help=_help("seed"))] = 1,
    code: Annotated[str, typer.Option("--code", help=_help("school"))] = "0252",
) -> ExitStatus:
    """Write a register for a made-up school."""
    from commands.sandbox import write_register_of

    return write_register_of(_call(context), file, school_file, code=code, seed=seed)


_FOLDER = typer.Option("--folder", metavar="FOLDER", help=_help("portal-folder"))


@sandbox_app.command("portal", help=_help("sandbox-portal"))
def sandbox_portal(
    *,
    folder: Annotated[Path, _FOLDER] = Path("sandbox-portal"),
    host: Annotated[str, typer.Option("--host", help=_help("host"))] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help=_help("port"))] = 8443,
    school: Annotated[
        list[str] | None, typer.Option("--school", metavar="S", help=_help("portal-schools"), show_default=False)
    ] = None,
) -> ExitStatus:
    """Serve the portal of the sandbox."""
    from commands.sandbox import serve_portal

    return serve_portal(folder, host=host, port=port, schools=school or ())


@sandbox_app.command("fault", help=_help("sandbox-fault"))
def sandbox_fault(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=_help("fault-kind"))],
    *,
    folder: Annotated[Path, _FOLDER] = Path("sandbox-portal"),
    operation: Annotated[str, typer.Option("--operation", help=_help("operation"))] = "*",
    times: Annotated[int, typer.Option("--times", min=0, help=_help("times"))] = 1,
    argument: Annotated[str | None, typer.Option("--argument", help=_help("argument"), show_default=False)] = None,
) -> ExitStatus:
    """Let the portal of the sandbox misbehave."""
    from commands.sandbox import misbehave

    return misbehave(_call(context), folder, kind, operation=operation, times=times, argument=argument)


@sandbox_app.command("demo", help=_help("sandbox-demo"))
def sandbox_demo(
    context: typer.Context, folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=_help("demo-folder"))]
) -> ExitStatus:
    """Show the whole job on made-up schools."""
    from commands.demo import demonstrate

    return demonstrate(_call(context).console, folder)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; nothing is raised."""
    console = Console(_LANGUAGE)
    try:
        ended = typer.main.get_command(app).main(
            list(arguments) or ["--help"], prog_name="dnevnik", standalone_mode=False, obj=console
        )
    except typer.TyperException as error:
        return wrong_usage(console, error)
    except Exception as error:  # noqa: BLE001  the border: whatever happened becomes a line and a status
        return failed(console, error)
    if ended == INTERRUPTED:
        return interrupted(console)
    return int(ended or ExitStatus.DONE)


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
