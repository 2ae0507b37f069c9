# ruff: noqa: PLC0415  each command imports its own rooms, so that --help need not wait for the rest
"""The command line of `dnevnik registry`: spells arguments, calls `commands.registry*`.

Rules. Every act names its link by school, student and account; `--by` names the person whose act is entered, if that
is not the account that runs the program. Deliberately not here: applications, terms, requests and forms, whose module
adds its commands to `registry_app`.
"""

from pathlib import Path
from typing import Annotated

import typer

from commands.line import Account, AsDocument, By, School, Schools, Student, call_of, group, help_of
from journal.wording import ExitStatus

registry_app = group("registry")

At = Annotated[str | None, typer.Option("--at", metavar="MOMENT", help=help_of("at"), show_default=False)]
EndAt = Annotated[str | None, typer.Option("--at", metavar="MOMENT", help=help_of("end-at"), show_default=False)]
LookAt = Annotated[str | None, typer.Option("--at", metavar="MOMENT", help=help_of("look-at"), show_default=False)]
KnownAt = Annotated[
    str | None, typer.Option("--known-at", metavar="MOMENT", help=help_of("known-at"), show_default=False)
]


@registry_app.command("import", help=help_of("registry-import"))
def registry_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=help_of("register-file"))],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=help_of("dry-run"))] = False,
) -> ExitStatus:
    """Take a register of people and consents."""
    from commands.registry import import_file

    return import_file(call_of(context), file, dry_run=dry_run)


@registry_app.command("export", help=help_of("registry-export"))
def registry_export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=help_of("export-file"))],
    schools: Schools = None,
    *,
    force: Annotated[bool, typer.Option("--force", help=help_of("force"))] = False,
) -> ExitStatus:
    """Write the registry as a register file."""
    from commands.registry_export import export_file

    return export_file(call_of(context), file, schools or (), force=force)


@registry_app.command("list", help=help_of("registry-list"))
def registry_list(context: typer.Context, schools: Schools = None) -> ExitStatus:
    """List the cases without names."""
    from commands.registry import list_cases

    return list_cases(call_of(context), schools or ())


@registry_app.command("state", help=help_of("registry-state"))
def registry_state(
    context: typer.Context,
    *,
    school: School,
    student: Annotated[
        str | None, typer.Option("--student", metavar="ID", help=help_of("student"), show_default=False)
    ] = None,
    at: LookAt = None,
    known_at: KnownAt = None,
    as_document: AsDocument = False,
) -> ExitStatus:
    """Say which links had a ground at a moment, as known at another."""
    from commands.registry_look import Moments, show_state

    return show_state(call_of(context), school, student, Moments(at, known_at), as_document=as_document)


@registry_app.command("explain", help=help_of("registry-explain"))
def registry_explain(
    context: typer.Context,
    *,
    school: School,
    record: Annotated[
        str | None, typer.Option("--record", metavar="ID", help=help_of("record"), show_default=False)
    ] = None,
    student: Annotated[
        str | None, typer.Option("--student", metavar="ID", help=help_of("student"), show_default=False)
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", metavar="K", help=help_of("kind"), show_default=False)] = None,
    day: Annotated[str | None, typer.Option("--date", metavar="D", help=help_of("date"), show_default=False)] = None,
    at: LookAt = None,
    known_at: KnownAt = None,
    as_document: AsDocument = False,
) -> ExitStatus:
    """Say why a record may be sent or not."""
    from commands.registry_explain import Asked, explain_record
    from commands.registry_look import Moments

    asked = Asked(school, record, student, kind, day)
    return explain_record(call_of(context), asked, Moments(at, known_at), as_document=as_document)


@registry_app.command("history", help=help_of("registry-history"))
def registry_history(
    context: typer.Context,
    *,
    school: School,
    student: Student,
    account: Annotated[
        str | None, typer.Option("--account", metavar="ID", help=help_of("account"), show_default=False)
    ] = None,
) -> ExitStatus:
    """List all that was recorded of a student's links."""
    from commands.registry_history import show_history

    return show_history(call_of(context), school, student, account)


@registry_app.command("consent", help=help_of("registry-consent"))
def registry_consent(
    context: typer.Context,
    *,
    school: School,
    student: Student,
    account: Account,
    text: Annotated[str, typer.Option("--text", metavar="VERSION", help=help_of("text-version"))],
    signed: Annotated[str, typer.Option("--signed", metavar="DAY", help=help_of("signed"))],
    in_force: Annotated[str, typer.Option("--in-force", metavar="DAY[/DAY]", help=help_of("in-force"))],
    records: Annotated[str, typer.Option("--records", metavar="DAY[/DAY]", help=help_of("records"))],
    kinds: Annotated[str, typer.Option("--kinds", metavar="KINDS", help=help_of("kinds"), show_default=False)] = "",
    confirm: Annotated[
        list[str] | None, typer.Option("--confirm", metavar="FIELD", help=help_of("confirm"), show_default=False)
    ] = None,
    confirm_all: Annotated[bool, typer.Option("--confirm-all", help=help_of("confirm-all"))] = False,
    by: By = None,
) -> ExitStatus:
    """Record a signed consent."""
    from commands.application_desk import NamedCase
    from commands.registry_consent import Paper, enter_consent

    paper = Paper(text, signed, in_force, records, kinds, tuple(confirm or ()), everything=confirm_all)
    return enter_consent(call_of(context), NamedCase(school, student, account), paper, by=by)


@registry_app.command("scan", help=help_of("registry-scan"))
def registry_scan(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=help_of("scan-file"))],
    *,
    school: School,
    student: Student,
    account: Account,
    by: By = None,
) -> ExitStatus:
    """Keep the scan of the consent that was entered last."""
    from commands.application_desk import NamedCase
    from commands.registry_consent import keep_scan

    return keep_scan(call_of(context), NamedCase(school, student, account), file, by=by)


@registry_app.command("register-consent", help=help_of("registry-register-consent"))
def registry_register_consent(
    context: typer.Context, *, school: School, student: Student, account: Account, by: By = None
) -> ExitStatus:
    """Register the consents of a link that wait for it."""
    from commands.application_desk import NamedCase
    from commands.registry_consent import register_consent

    return register_consent(call_of(context), NamedCase(school, student, account), by=by)


@registry_app.command("withdraw", help=help_of("registry-withdraw"))
def registry_withdraw(
    context: typer.Context,
    *,
    school: School,
    student: Student,
    account: Account,
    at: At = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help=help_of("reason"), show_default=False)
    ] = None,
    by: By = None,
) -> ExitStatus:
    """Record that a parent withdrew a consent."""
    from commands.registry import withdraw_consent

    return withdraw_consent(
        call_of(context), school=school, student=student, account=account, at=at, reason=reason, by=by
    )


@registry_app.command("restrict", help=help_of("registry-restrict"))
def registry_restrict(
    context: typer.Context,
    *,
    school: School,
    student: Student,
    account: Account,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help=help_of("restrict-from"), show_default=False)
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help=help_of("restrict-to"), show_default=False)
    ] = None,
    document: Annotated[
        str | None, typer.Option("--document", metavar="TEXT", help=help_of("document"), show_default=False)
    ] = None,
    by: By = None,
) -> ExitStatus:
    """Record that a parent's access is restricted."""
    from commands.application_desk import NamedCase
    from commands.registry_acts import restrict_link

    link = NamedCase(school, student, account)
    return restrict_link(call_of(context), link, first=first, last=last, document=document, by=by)


@registry_app.command("lift", help=help_of("registry-lift"))
def registry_lift(
    context: typer.Context,
    *,
    school: School,
    student: Student,
    account: Account,
    first: Annotated[str, typer.Option("--from", metavar="DAY", help=help_of("lift-from"))],
    by: By = None,
) -> ExitStatus:
    """Record that no restriction holds from a day on."""
    from commands.application_desk import NamedCase
    from commands.registry_acts import lift_restriction

    return lift_restriction(call_of(context), NamedCase(school, student, account), first, by=by)


@registry_app.command("end", help=help_of("registry-end"))
def registry_end(
    context: typer.Context,
    *,
    school: School,
    student: Student,
    account: Account,
    why: Annotated[str, typer.Option("--why", metavar="WHY", help=help_of("why"))],
    at: EndAt = None,
    by: By = None,
) -> ExitStatus:
    """Record that a link ended."""
    from commands.application_desk import NamedCase
    from commands.registry_acts import end_of_link

    return end_of_link(call_of(context), NamedCase(school, student, account), why, at=at, by=by)
