# ruff: noqa: PLC0415  each command imports its own rooms, so that --help need not wait for the rest
"""The command line for applications, forms, terms and requests: adds its commands to `dnevnik registry`.

Rules. What names a person is never an argument (`commands.asking`). Deliberately not here: what commands do.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from commands.application_help import HELP
from commands.line import LANGUAGE, AsDocument, By, School, Schools, call_of, group
from journal.wording import ExitStatus


def _help(key: str) -> str:
    return HELP[key].say(LANGUAGE)


Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help=_help("reference"))]
Names = Annotated[bool, typer.Option("--names", help=_help("names"))]
StepAt = Annotated[str | None, typer.Option("--at", metavar="MOMENT", help=_help("step-at"), show_default=False)]
MaybeSchool = Annotated[
    str | None, typer.Option("--school", metavar="S", help=_help("enter-school"), show_default=False)
]
FormSchool = Annotated[str | None, typer.Option("--school", metavar="S", help=_help("form-school"), show_default=False)]
MaybeStudent = Annotated[
    str | None, typer.Option("--student", metavar="ID", help=_help("request-student"), show_default=False)
]
MaybeAccount = Annotated[
    str | None, typer.Option("--account", metavar="ID", help=_help("request-account"), show_default=False)
]

request_app = group("registry")


def add_to(registry_app: typer.Typer) -> None:
    """Add the commands."""
    commands: Sequence[Callable[..., ExitStatus]] = (
        exchange, applications, show, propose, enter, identify, link, register, reject, lapse, cancel, form, find,
        terms,
    )  # fmt: skip
    for command in commands:
        registry_app.command(command.__name__, help=_help(command.__name__))(command)
    registry_app.add_typer(request_app, name="request", help=_help("request"))


def exchange(context: typer.Context, schools: Schools = None) -> ExitStatus:
    """Exchange applications with the portal."""
    from commands.application_exchange import exchange as exchange_with_portal

    return exchange_with_portal(call_of(context), schools or ())


def applications(
    context: typer.Context,
    schools: Schools = None,
    *,
    stage: Annotated[
        str | None, typer.Option("--stage", metavar="STAGE", help=_help("stage"), show_default=False)
    ] = None,
    closed_too: Annotated[bool, typer.Option("--all", help=_help("all"))] = False,
    as_document: AsDocument = False,
) -> ExitStatus:
    """List applications."""
    from commands.application_lists import list_applications

    return list_applications(
        call_of(context), schools or (), stage=stage, closed_too=closed_too, as_document=as_document
    )


def show(context: typer.Context, reference: Reference, *, names: Names = False) -> ExitStatus:
    """Show one application."""
    from commands.application_view import show as show_application

    return show_application(call_of(context), reference, names=names)


def propose(context: typer.Context, reference: Reference, *, names: Names = False) -> ExitStatus:
    """Propose students."""
    from commands.application_proposals import propose_students

    return propose_students(call_of(context), reference, names=names)


def enter(
    context: typer.Context,
    *,
    school: MaybeSchool = None,
    file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help=_help("enter-from"), show_default=False)
    ] = None,
    template: Annotated[bool, typer.Option("--template", help=_help("template"))] = False,
    by: By = None,
) -> ExitStatus:
    """Enter an application that came on paper."""
    from commands.application_entry import enter as enter_paper
    from commands.application_entry import print_template

    return (
        print_template(call_of(context)) if template else enter_paper(call_of(context), school=school, file=file, by=by)
    )


def identify(
    context: typer.Context,
    reference: Reference,
    *,
    document: Annotated[str, typer.Option("--document", metavar="KIND", help=_help("document-kind"))],
    authority: Annotated[
        str | None, typer.Option("--authority", metavar="TEXT", help=_help("authority"), show_default=False)
    ] = None,
    authority_until: Annotated[
        str | None,
        typer.Option("--authority-until", metavar="DAY", help=_help("authority-until"), show_default=False),
    ] = None,
    at: StepAt = None,
    by: By = None,
) -> ExitStatus:
    """Enter an identification."""
    from commands.application_steps import SeenDocument, identify_parent

    seen = SeenDocument(document, authority, authority_until)
    return identify_parent(call_of(context), reference, seen, at=at, by=by)


def link(
    context: typer.Context,
    reference: Reference,
    *,
    student: Annotated[str, typer.Option("--student", metavar="ID", help=_help("link-student"))],
    by: By = None,
) -> ExitStatus:
    """Enter the student that was chosen."""
    from commands.application_steps import link_student

    return link_student(call_of(context), reference, student=student, by=by)


def register(context: typer.Context, reference: Reference, *, by: By = None) -> ExitStatus:
    """Register an application."""
    from commands.application_steps import register_application

    return register_application(call_of(context), reference, by=by)


def reject(
    context: typer.Context,
    reference: Reference,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="CODE", help=_help("reject-reason"))],
    by: By = None,
) -> ExitStatus:
    """Reject an application."""
    from commands.application_steps import reject_application

    return reject_application(call_of(context), reference, reason=reason, by=by)


def lapse(context: typer.Context, reference: Reference, *, by: By = None) -> ExitStatus:
    """Let an application lapse."""
    from commands.application_steps import lapse_application

    return lapse_application(call_of(context), reference, by=by)


def cancel(context: typer.Context, reference: Reference, *, at: StepAt = None, by: By = None) -> ExitStatus:
    """Enter that a parent withdrew an application."""
    from commands.application_steps import cancel_application

    return cancel_application(call_of(context), reference, at=at, by=by)


def form(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=_help("form-kind"))],
    reference: Annotated[
        str | None, typer.Argument(metavar="[REFERENCE]", help=_help("form-reference"), show_default=False)
    ] = None,
    *,
    school: FormSchool = None,
    student: MaybeStudent = None,
    account: MaybeAccount = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help=_help("out"), show_default=False)] = None,
) -> ExitStatus:
    """Print a form."""
    from commands.application_desk import NamedCase
    from commands.application_forms import print_form

    case = None if school is None or student is None or account is None else NamedCase(school, student, account)
    return print_form(call_of(context), kind, reference=reference, case=case, out=out)


def find(
    context: typer.Context,
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help=_help("code"), show_default=False)] = None,
    *,
    email: Annotated[bool, typer.Option("--email", help=_help("find-email"))] = False,
    parent: Annotated[bool, typer.Option("--parent", help=_help("find-parent"))] = False,
    student: Annotated[bool, typer.Option("--student-name", help=_help("find-student"))] = False,
    document: Annotated[bool, typer.Option("--document", help=_help("find-document"))] = False,
) -> ExitStatus:
    """Find an application or a link."""
    from commands.application_find import By as FoundBy
    from commands.application_find import find_case

    given = {FoundBy.EMAIL: email, FoundBy.PARENT: parent, FoundBy.STUDENT: student, FoundBy.DOCUMENT: document}
    return find_case(call_of(context), code, wanted=[by for by, asked in given.items() if asked])


def terms(
    context: typer.Context,
    schools: Schools = None,
    *,
    within: Annotated[
        int | None, typer.Option("--within", metavar="DAYS", min=0, help=_help("within"), show_default=False)
    ] = None,
    as_document: AsDocument = False,
) -> ExitStatus:
    """List the clocks of the law."""
    from commands.terms import list_terms

    return list_terms(call_of(context), schools or (), within=within, as_document=as_document)


@request_app.command("receive", help=_help("request-receive"))
def request_receive(
    context: typer.Context,
    *,
    school: School,
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help=_help("request-kind"))],
    at: Annotated[
        str | None, typer.Option("--at", metavar="MOMENT", help=_help("request-at"), show_default=False)
    ] = None,
    student: MaybeStudent = None,
    account: MaybeAccount = None,
) -> ExitStatus:
    """Enter a request."""
    from commands.subject_requests import receive

    return receive(call_of(context), school=school, kind=kind, at=at, student=student, account=account)


@request_app.command("answer", help=_help("request-answer"))
def request_answer(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help=_help("request-reference"))],
    *,
    at: Annotated[
        str | None, typer.Option("--at", metavar="MOMENT", help=_help("answered-at"), show_default=False)
    ] = None,
) -> ExitStatus:
    """Enter an answer."""
    from commands.subject_requests import answer

    return answer(call_of(context), reference, at=at)
