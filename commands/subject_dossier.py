"""`dnevnik subject dossier`: what is held of a student or a parent's account, why, passed on to whom, until when.

Rules. Whom is asked for is found by the id: a student's of the school, or a portal account; where it is both, `--as`
says which. That somebody made it is in the log before the files are there. Two files: the PDF that is given, and the
same as JSON. What is said of the audit log is read from the log itself, all of it, not from the ledger. Deliberately
not here: the clock of the answer (`registry request`), the sentences (`reports.forms.dossier_paper`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from audit.entry import Look
from audit.verify_evidence import Asked, select
from commands.call import Call, utc_now
from commands.recording import Recorder, recorder
from commands.subject_files import SubjectFiles, files_of_account, files_of_student
from commands.written_file import write_whole
from consent_registry.tables import APPLICATION, CASE
from delivery.tables import STUDENT_REF
from flows.assembly import open_audit_log
from journal.wording import BridgeError, ExitStatus, Wording
from reports.forms.dossier_paper import Dossier, Whose, dossier_paper
from reports.forms.paper import render_paper
from settings import Settings

_ALL_TIME = ("0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z")

_MADE = Wording(
    ru="Сведения составлены: {pdf} и {json}. Выдав их, отметьте: dnevnik registry request answer НОМЕР",
    en="The dossier is made: {pdf} and {json}. Once it is handed over: dnevnik registry request answer REFERENCE",
)
_NOBODY = Wording(
    ru="Школа {school}: о {who} ничего не хранится. Проверьте номер: dnevnik registry list {school}",
    en="School {school}: nothing is held of {who}. Check the id: dnevnik registry list {school}",
)
_BOTH = Wording(
    ru="Школа {school}: {who} — и ученик, и учётная запись. Уточните: --as student или --as account",
    en="School {school}: {who} is a student and an account. Say which: --as student or --as account",
)
_BAD_KIND = Wording(ru="--as: нужно student или account", en="--as: student or account is needed")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line."""

    who: str
    school: str
    out: Path
    kind: str | None = None


def make_dossier(call: Call, wanted: Wanted) -> ExitStatus:
    """Make both files. Raises BridgeError `subject-…`, `file-exists`, `forms-unavailable`; then there are none."""
    settings = call.settings()
    code = settings.school(wanted.school).code
    pdf, beside = wanted.out.with_suffix(".pdf"), wanted.out.with_suffix(".json")
    now = utc_now()
    with recorder(settings) as registry:
        files = _looked_up(registry, code, wanted, now)
        with closing(open_audit_log(settings, registry.engine)) as log:
            size = log.checkpoint().size
            entries = list(_entries(log.entries(0, size), code, files, _asked_before(registry, files)))
    dossier = _dossier(settings, files, entries, size, now)
    document = json.dumps(dossier.as_json(), ensure_ascii=False, indent=2).encode() + b"\n"
    page = render_paper(dossier_paper(dossier))
    write_whole(beside, document)
    write_whole(pdf, page)
    call.console.say(_MADE, pdf=pdf, json=beside)
    return ExitStatus.DONE


def _looked_up(registry: Recorder, code: str, wanted: Wanted, now: datetime) -> SubjectFiles:
    """Return what is held, once the log says that somebody looked."""

    def work(connection: Connection) -> tuple[SubjectFiles, list[Look]]:
        whose = _whose(connection, code, wanted)
        gather = files_of_student if whose == "student" else files_of_account
        files = gather(connection, registry.settings, registry.vault, code, wanted.who, now=now)
        look = Look(
            at=now,
            school=code,
            what="dossier",
            names=True,
            by_digest=registry.by_digest,
            student=files.student_ref or None,
            account_digest=_asked_before(registry, files),
        )
        return files, [look]

    return registry.record(work)


def _whose(connection: Connection, code: str, wanted: Wanted) -> Whose:
    """Tell whether an id is a student's or an account's. Raises BridgeError `subject-…`."""

    def there(*columns: sa.Column[str]) -> bool:
        return any(
            connection.scalar(
                sa.select(sa.literal(1)).where(column == wanted.who, column.table.c.school == code).limit(1)
            )
            for column in columns
        )

    said = {"school": code, "who": wanted.who}
    if wanted.kind not in {None, "student", "account"}:
        raise BridgeError("subject-kind", _BAD_KIND)
    student = wanted.kind != "account" and there(CASE.c.student_key, STUDENT_REF.c.student_key)
    account = wanted.kind != "student" and there(CASE.c.account_id, APPLICATION.c.account_id)
    if student and account:
        raise BridgeError("subject-ambiguous", _BOTH, dict(said))
    if not student and not account:
        raise BridgeError("subject-unknown", _NOBODY, dict(said))
    return "student" if student else "account"


def _asked_before(registry: Recorder, files: SubjectFiles) -> str | None:
    """Return by what a look at all of an account is known in the log; None for a student, who is named there."""
    return registry.account_digest(files.school, files.subject) if files.whose == "account" else None


def _entries(
    lines: Iterator[bytes], code: str, files: SubjectFiles, looked: str | None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Give the log's entries that speak of the person; of a batch shown to an account its own ground alone."""
    numbered = ((number, json.loads(line)) for number, line in enumerate(lines))
    if files.whose == "student":
        yield from select(numbered, Asked(code, files.student_ref, files.links, files.cases, *_ALL_TIME))
        return
    batches: set[str] = set()
    for number, entry in numbered:
        if entry.get("school") != code:
            continue
        grounds = [one for one in entry.get("grounds", []) if one["link"] in files.links]
        if grounds:
            batches.add(entry["batch"])
            yield number, {**entry, "grounds": grounds}
            continue
        answers = entry["kind"] == "disclosure-outcome" and entry["batch"] in batches
        ids = {entry.get("link"), entry.get("case")} & (files.links | files.cases)
        if answers or ids or (looked is not None and entry.get("account_digest") == looked):
            yield number, entry


def _dossier(
    settings: Settings, files: SubjectFiles, entries: Sequence[tuple[int, Mapping[str, Any]]], size: int, now: datetime
) -> Dossier:
    school, consent = settings.school(files.school), settings.consent
    return Dossier(
        whose=files.whose,
        subject=files.subject,
        school=school.code,
        school_name=school.name,
        school_address=school.address,
        processor_name=consent.processor_name,
        processor_address=consent.processor_address,
        portal=settings.portal.url,
        made_at=now,
        timezone=settings.bridge.timezone,
        data=files.data,
        bases=files.bases,
        holdings=files.holdings,
        entries=entries,
        accounts=files.accounts,
        log_size=size,
        requests=files.requests,
        answer_days=consent.answer_days,
        correction_days=consent.correction_days,
        destroy_days=consent.destroy_days,
    )
