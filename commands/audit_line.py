# ruff: noqa: PLC0415  each command imports its own rooms, so that --help and `audit verify` need not wait for the rest
"""The command line of `dnevnik audit`: spells arguments, calls `commands.audit_*`."""

from pathlib import Path
from typing import Annotated

import typer

from commands.line import AsDocument, By, School, Schools, Student, call_of, group, help_of
from journal.wording import ExitStatus

audit_app = group("audit")


@audit_app.command("verify", help=help_of("audit-verify"))
def audit_verify(
    context: typer.Context,
    log: Annotated[
        str | None, typer.Argument(metavar="[LOG|EVIDENCE.zip]", help=help_of("log"), show_default=False)
    ] = None,
    *,
    key: Annotated[str | None, typer.Option("--key", metavar="VKEY", help=help_of("key"), show_default=False)] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option("--checkpoint", metavar="FILE", help=help_of("checkpoint"), show_default=False)
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="LOG", help=help_of("evidence-against"), show_default=False)
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", metavar="VKEY", help=help_of("evidence-witness"), show_default=False),
    ] = None,
    quorum: Annotated[
        int | None, typer.Option("--quorum", min=0, help=help_of("evidence-quorum"), show_default=False)
    ] = None,
) -> ExitStatus:
    """Recompute the whole log, or an evidence package."""
    call, kept = call_of(context), checkpoint or ()
    if log is not None and "://" not in log and Path(log).is_file():  # a log is a folder or a URL
        from commands.evidence_verdict import Trusted, verify_package

        return verify_package(call, Path(log), Trusted(key, witness or (), quorum, kept), against=against)
    from commands.audit_log import verify

    return verify(call, log, key=key, checkpoints=kept, witnesses=witness or (), quorum=quorum or 0)


@audit_app.command("evidence", help=help_of("audit-evidence"))
def audit_evidence(
    context: typer.Context,
    *,
    school: School,
    student: Student,
    first: Annotated[str, typer.Option("--from", metavar="DAY", help=help_of("evidence-from"))],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help=help_of("evidence-to"))],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=help_of("evidence-out"))],
    with_names: Annotated[bool, typer.Option("--with-names", help=help_of("evidence-names"))] = False,
    by: By = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", metavar="FILE", help=help_of("evidence-earlier"), show_default=False)
    ] = None,
) -> ExitStatus:
    """Pack what the log says of one student."""
    from commands.audit_evidence import Wanted, make_evidence

    wanted = Wanted(school, student, first, last, out, with_names, by, checkpoint)
    return make_evidence(call_of(context), wanted)


@audit_app.command("reconcile", help=help_of("audit-reconcile"))
def audit_reconcile(context: typer.Context, schools: Schools = None, *, as_document: AsDocument = False) -> ExitStatus:
    """Hold log, ledger and portal against each other."""
    from commands.audit_reconcile import compare_ledgers

    return compare_ledgers(call_of(context), schools or (), as_document=as_document)
