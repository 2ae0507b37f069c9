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

from commands.application_line import add_to
from commands.audit_line import audit_app
from commands.call import Call
from commands.console import Console
from commands.delivery_line import delivery_app
from commands.endings import INTERRUPTED, failed, interrupted, wrong_usage
from commands.erasure_line import add_to as add_erasure
from commands.keys_line import keys_app
from commands.line import LANGUAGE, AsDocument, Schools, call_of, group, help_of
from commands.pilot_line import pilot_app
from commands.profile_line import profile_app
from commands.registry_line import registry_app
from commands.subject_line import subject_app
from commands.witness_line import witness_app
from journal.wording import ExitStatus
from settings import locate

add_to(registry_app)
app = group("dnevnik")
hold_app = group("hold")
sandbox_app = group("sandbox")
for _name, _subcommands in (
    ("registry", registry_app),
    ("pilot", pilot_app),
    ("hold", hold_app),
    ("delivery", delivery_app),
    ("audit", audit_app),
    ("subject", subject_app),
    ("keys", keys_app),
    ("profile", profile_app),
    ("witness", witness_app),
    ("sandbox", sandbox_app),
):
    app.add_typer(_subcommands, name=_name)


add_erasure(app)


@app.callback()
def _installation(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help=help_of("config"), show_default=False)
    ] = None,
) -> None:
    context.obj = Call(locate(config), context.obj)


@app.command(help=help_of("init"))
def init(context: typer.Context) -> ExitStatus:
    """Set an installation up."""
    from commands.init import initialize

    return initialize(call_of(context))


@app.command(help=help_of("check"))
def check(context: typer.Context) -> ExitStatus:
    """See whether all parts can be reached."""
    from commands.check import check as look

    return look(call_of(context))


@app.command(help=help_of("plan"))
def plan(
    context: typer.Context,
    schools: Schools = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help=help_of("plan-out"), show_default=False)
    ] = None,
    full: Annotated[bool, typer.Option("--full", help=help_of("full"))] = False,
    as_document: AsDocument = False,
) -> ExitStatus:
    """Say what a sync would do."""
    from commands import delivery

    return delivery.plan(call_of(context), schools or (), as_document=as_document, out=out, full=full)


@app.command(help=help_of("sync"))
def sync(
    context: typer.Context,
    schools: Schools = None,
    *,
    full: Annotated[bool, typer.Option("--full", help=help_of("full"))] = False,
    with_prefect: Annotated[
        bool | None, typer.Option("--with-prefect/--without-prefect", help=help_of("with-prefect"))
    ] = None,
    written: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help=help_of("sync-plan"), show_default=False)
    ] = None,
    as_document: AsDocument = False,
) -> ExitStatus:
    """Bring the portal to what it should hold."""
    from commands import delivery

    if written is not None:
        return delivery.sync_planned(call_of(context), schools or (), written, as_document=as_document)
    chosen = bool(os.environ.get("PREFECT_API_URL")) if with_prefect is None else with_prefect
    return delivery.sync(call_of(context), schools or (), as_document=as_document, with_prefect=chosen, full=full)


@app.command(help=help_of("sweep"))
def sweep(context: typer.Context, schools: Schools = None, *, as_document: AsDocument = False) -> ExitStatus:
    """Take back at once what lost its ground."""
    from commands import delivery

    return delivery.sweep(call_of(context), schools or (), as_document=as_document)


@app.command(help=help_of("reconcile"))
def reconcile(context: typer.Context, schools: Schools = None, *, as_document: AsDocument = False) -> ExitStatus:
    """Hold the portal's holdings against the ledger, and mend."""
    from commands import delivery

    return delivery.reconcile(call_of(context), schools or (), as_document=as_document)


@app.command(help=help_of("actuality"))
def actuality(
    context: typer.Context,
    schools: Schools = None,
    *,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DAY", help=help_of("actuality-as-of"), show_default=False)
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="WHAT", help=help_of("actuality-by"))] = "school",
    listed: Annotated[bool, typer.Option("--list", help=help_of("actuality-list"))] = False,
    lessons: Annotated[
        Path | None, typer.Option("--lessons", metavar="FILE", help=help_of("actuality-lessons"), show_default=False)
    ] = None,
    as_document: AsDocument = False,
) -> ExitStatus:
    """Say what share of lessons was filled in in time."""
    from commands.actuality import Wish, show

    return show(call_of(context), schools or (), Wish(as_of, by, listed, lessons, as_document))


@app.command(help=help_of("report"))
def report(
    context: typer.Context,
    schools: Schools = None,
    *,
    as_document: AsDocument = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FOLDER", help=help_of("html"), show_default=False)
    ] = None,
) -> ExitStatus:
    """Show what happened."""
    from commands import delivery

    return delivery.report(call_of(context), schools or (), as_document=as_document, pages=html)


@app.command(help=help_of("findings"))
def findings(
    context: typer.Context,
    schools: Schools = None,
    *,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help=help_of("findings-csv"), show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=help_of("force"))] = False,
    as_document: AsDocument = False,
) -> ExitStatus:
    """Say what is wrong or odd in the schools' journals."""
    from commands import quality

    return quality.findings(call_of(context), schools or (), table=table, force=force, as_document=as_document)


@hold_app.command("list", help=help_of("hold-list"))
def hold_list(context: typer.Context, schools: Schools = None) -> ExitStatus:
    """List the plans that wait for a person's word."""
    from commands import holds

    return holds.show(call_of(context), schools or ())


_HELD_SCHOOL = typer.Argument(metavar="SCHOOL", help=help_of("school"))
_HELD_PLAN = typer.Argument(metavar="PLAN", help=help_of("hold-plan"))


@hold_app.command("approve", help=help_of("hold-approve"))
def hold_approve(
    context: typer.Context, school: Annotated[str, _HELD_SCHOOL], held: Annotated[str, _HELD_PLAN]
) -> ExitStatus:
    """Let a held plan go."""
    from commands import holds

    return holds.approve(call_of(context), school, held)


@hold_app.command("discard", help=help_of("hold-discard"))
def hold_discard(
    context: typer.Context, school: Annotated[str, _HELD_SCHOOL], held: Annotated[str, _HELD_PLAN]
) -> ExitStatus:
    """Give a held plan up."""
    from commands import holds

    return holds.discard(call_of(context), school, held)


@sandbox_app.command("school", help=help_of("sandbox-school"))
def sandbox_school(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=help_of("school-file"))],
    *,
    students: Annotated[int, typer.Option("--students", help=help_of("students"))] = 200,
    weeks: Annotated[int, typer.Option("--weeks", help=help_of("weeks"))] = 10,
    seed: Annotated[int, typer.Option("--seed", help=help_of("seed"))] = 1,
    code: Annotated[str, typer.Option("--code", help=help_of("school"))] = "0252",
    name: Annotated[str, typer.Option("--name", help=help_of("name"))] = "ГБОУ СОШ № 252",
) -> ExitStatus:
    """Write a made-up school."""
    from commands.sandbox import write_school

    return write_school(call_of(context), file, code=code, name=name, students=students, weeks=weeks, seed=seed)


@sandbox_app.command("register", help=help_of("sandbox-register"))
def sandbox_register(
    context: typer.Context,
    school_file: Annotated[Path, typer.Argument(metavar="SCHOOL_FILE", help=help_of("school-file"))],
    file: Annotated[Path, typer.Argument(metavar="FILE", help=help_of("register-file"))],
    *,
    seed: Annotated[int, typer.Option("--seed", help=help_of("seed"))] = 1,
    code: Annotated[str, typer.Option("--code", help=help_of("school"))] = "0252",
) -> ExitStatus:
    """Write a register for a made-up school."""
    from commands.sandbox import write_register_of

    return write_register_of(call_of(context), file, school_file, code=code, seed=seed)


_FOLDER = typer.Option("--folder", metavar="FOLDER", help=help_of("portal-folder"))


@sandbox_app.command("portal", help=help_of("sandbox-portal"))
def sandbox_portal(
    *,
    folder: Annotated[Path, _FOLDER] = Path("sandbox-portal"),
    host: Annotated[str, typer.Option("--host", help=help_of("host"))] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help=help_of("port"))] = 8443,
    school: Annotated[
        list[str] | None, typer.Option("--school", metavar="S", help=help_of("portal-schools"), show_default=False)
    ] = None,
) -> ExitStatus:
    """Serve the portal of the sandbox."""
    from commands.sandbox import serve_portal

    return serve_portal(folder, host=host, port=port, schools=school or ())


@sandbox_app.command("fault", help=help_of("sandbox-fault"))
def sandbox_fault(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=help_of("fault-kind"))],
    *,
    folder: Annotated[Path, _FOLDER] = Path("sandbox-portal"),
    operation: Annotated[str, typer.Option("--operation", help=help_of("operation"))] = "*",
    times: Annotated[int, typer.Option("--times", min=0, help=help_of("times"))] = 1,
    argument: Annotated[str | None, typer.Option("--argument", help=help_of("argument"), show_default=False)] = None,
) -> ExitStatus:
    """Let the portal of the sandbox misbehave."""
    from commands.sandbox import misbehave

    return misbehave(call_of(context), folder, kind, operation=operation, times=times, argument=argument)


@sandbox_app.command("demo", help=help_of("sandbox-demo"))
def sandbox_demo(
    context: typer.Context, folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=help_of("demo-folder"))]
) -> ExitStatus:
    """Show the whole job on made-up schools."""
    from commands.demo import demonstrate

    return demonstrate(call_of(context).console, folder)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; nothing is raised."""
    console = Console(LANGUAGE)
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
