"""`dnevnik audit evidence`: packs what the log says of one student in a span of days, with its proofs.

Rules. That it was made is in the log before the file is there, and that entry too is in the package where its span
reaches so far. Days are the installation's, both included. Names stand in a package only with `--with-names`, and then
a person is named who wants them. The package is made under the newest checkpoint. An earlier one is shown to be
continued: the one that is given, else the newest with cosignatures of witnesses, who so vouch for all below its size,
else the one that the database remembers. The log names accounts by references; the package holds the student's
account key, by which whoever verifies computes them anew. A file that is there is never written over. Deliberately not
here: the package's form (`audit.evidence`), what is verified.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path

from sqlalchemy.engine import Connection

from audit.cosigning import CosignerKey, verify_cosignatures
from audit.entry import Look
from audit.errors import AuditDamagedError, NoteError
from audit.evidence import Found, Made, Papers, find, instant, make_package
from audit.keys import load_signing_key
from audit.location import open_store
from audit.note import Checkpoint
from audit.store import COSIGNED, Store
from audit.tiles import CHECKPOINT
from audit.verify_evidence import Asked, EvidenceError
from commands.asking import day_of
from commands.audit_log import installation_former_keys, kept_checkpoint
from commands.call import Call, utc_now
from commands.known_checkpoint import known_checkpoint
from commands.recording import Recorder, recorder
from commands.subject_records import SubjectIds, consent_events, subject_ids
from commands.written_file import refuse_existing, write_whole
from consent_registry.sealed.account_refs import account_key
from consent_registry.sealed.erasure import belongings
from flows.assembly import software
from journal.wording import BridgeError, ExitStatus, Wording
from reports.forms.evidence_paper import EvidencePage, evidence_paper
from reports.forms.paper import render_paper

_MADE = Wording(
    ru="{file}: доказательства составлены. Записей: {entries} из {in_span} за этот срок. Проверить: "
    "dnevnik audit verify {file}",
    en="{file}: the evidence is made. Entries: {entries} of {in_span} in this span. To verify: "
    "dnevnik audit verify {file}",
)
_DAYS = Wording(ru="--from позже --to. Исправьте дни", en="--from is after --to. Correct the days")
_NOBODY = Wording(
    ru="Школа {school}: об ученике {student} ничего не известно. Проверьте номер: dnevnik registry list {school}",
    en="School {school}: nothing is known of student {student}. Check the id: dnevnik registry list {school}",
)
_WHO = Wording(
    ru="--with-names: назовите, кому нужны имена (--by ИМЯ)", en="--with-names: name who wants the names (--by NAME)"
)
_DAMAGED = Wording(
    ru="Пакет не составлен: то, что прочитано из журнала, не сходится ({ru}) Проверьте его: dnevnik audit verify",
    en="The package isn't made: what was read from the log doesn't fit ({en}) Look for the damage: "
    "dnevnik audit verify",
)
_PEOPLE = (
    ("Ученик", ("student_last_name", "student_first_name", "student_middle_name")),
    ("Родитель", ("parent_last_name", "parent_first_name", "parent_middle_name")),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line; days as typed."""

    school: str
    student: str
    first: str
    last: str
    out: Path
    names: bool = False
    by: str | None = None
    checkpoint: Path | None = None


@dataclass(frozen=True, slots=True, repr=False)
class _Subject:
    """Whom the package is about; `names` where they were asked for; `account_key` opens the log's references."""

    ids: SubjectIds
    names: tuple[tuple[str, str], ...]
    account_key: bytes | None


def make_evidence(call: Call, wanted: Wanted) -> ExitStatus:
    """Make the package. Raises BridgeError `evidence-…`, `day-wrong`, `forms-unavailable`; then there is no file."""
    settings = call.settings()
    code, zone = settings.school(wanted.school).code, settings.bridge.timezone
    first, last = day_of(wanted.first, "--from"), day_of(wanted.last, "--to")
    if first > last:
        raise BridgeError("evidence-days", _DAYS)
    if wanted.names and not (wanted.by or "").strip():
        raise BridgeError("evidence-names", _WHO)
    refuse_existing(wanted.out)
    remembered = next(iter(known_checkpoint(settings)), None)
    now = utc_now()
    with recorder(settings) as registry:
        if wanted.by:
            registry = replace(registry, by=wanted.by.strip())  # noqa: PLW2901  the same desk, for who asks
        subject = _looked_up(registry, code, wanted, now)
    ids = subject.ids
    bounds = [datetime.combine(day, time.min, zone) for day in (first, last + timedelta(days=1))]
    asked = Asked(code, ids.student_ref, ids.links, ids.cases, *map(instant, bounds))
    store = open_store(settings.audit.log)
    try:
        checkpoint = _published(store)
        earlier = _given(wanted.checkpoint) or _cosigned(store) or remembered
        found = find(store.read, checkpoint, asked)
        signer = load_signing_key(settings.audit.signing_key.read(), settings.audit.origin)
        consents = consent_events(ids.facts, subject.account_key)
        witnesses = [CosignerKey.parse(line) for line in settings.audit.witness_keys]
        vouching = vouchers(checkpoint, earlier, witnesses)
        page = EvidencePage(
            asked,
            found.entries,
            found.in_span,
            checkpoint,
            signer.verifier.vkey,
            vouching,
            consents,
            now,
            zone,
            subject.names,
        )
        papers = Papers(render_paper(evidence_paper(page)), consents, dict(subject.names) if wanted.names else None)
        former = installation_former_keys(settings)
        made = Made(now, software(), signer, former, witnesses, earlier)
        package = _made(store, checkpoint, asked, found, papers, made)
    finally:
        store.close()
    write_whole(wanted.out, package)
    call.console.say(_MADE, file=wanted.out, entries=len(found.entries), in_span=found.in_span)
    return ExitStatus.DONE


def _looked_up(registry: Recorder, code: str, wanted: Wanted, now: datetime) -> _Subject:
    """Return whom the package is about, once the log says that somebody looked."""

    def work(connection: Connection) -> tuple[_Subject, list[Look]]:
        ids = subject_ids(connection, code, wanted.student)
        if not ids.known:
            raise BridgeError("evidence-nobody", _NOBODY, {"school": code, "student": wanted.student})
        names = _names(registry, connection, code, wanted.student) if wanted.names else ()
        look = Look(
            at=now,
            school=code,
            what="evidence",
            names=wanted.names,
            by_digest=registry.by_digest,
            student=ids.student_ref or None,
        )
        own = registry.vault.student_keys(connection, code, [wanted.student]).get(wanted.student)
        return _Subject(ids, names, None if own is None else account_key(own)), [look]

    return registry.record(work)


def _names(registry: Recorder, connection: Connection, code: str, student: str) -> tuple[tuple[str, str], ...]:
    told: dict[str, list[str]] = {}
    for people in belongings(connection, registry.vault, code, student).people:
        for label, columns in _PEOPLE:
            name = " ".join(filter(None, (people.get(column, "") for column in columns)))
            if name and name not in told.setdefault(label, []):
                told[label].append(name)
    return tuple((label, "; ".join(names)) for label, names in told.items())


def _published(store: Store) -> Checkpoint:
    note = store.read(CHECKPOINT)
    if note is None:
        raise AuditDamagedError(
            "В журнале аудита нет контрольной отметки. Восстановите его из копии.",
            "The audit log lacks its checkpoint. Restore it from a copy.",
        )
    return Checkpoint.parse(note)


def _given(file: Path | None) -> Checkpoint | None:
    """Read the checkpoint that was kept apart. Raises BridgeError `checkpoint-unreadable`, NoteError."""
    return None if file is None else kept_checkpoint(file)


def _cosigned(store: Store) -> Checkpoint | None:
    note = store.read(COSIGNED)
    try:
        return None if note is None else Checkpoint.parse(note)
    except NoteError:
        return None  # no part of the log: without it, nobody vouches


def vouchers(checkpoint: Checkpoint, earlier: Checkpoint | None, witnesses: Sequence[CosignerKey]) -> tuple[str, ...]:
    """Return who cosigned, and how many of the log's entries they vouch for, in words for the page."""
    for head in (checkpoint, earlier):
        cosigned = verify_cosignatures(head.note, witnesses) if head is not None and head.note else []
        if head is not None and cosigned:
            return tuple(f"{one.key.name} (записей {head.size})" for one in cosigned)
    return ()


def _made(store: Store, checkpoint: Checkpoint, asked: Asked, found: Found, papers: Papers, made: Made) -> bytes:
    try:
        return make_package(store.read, checkpoint, asked, found, papers, made)
    except EvidenceError as error:
        told = {"ru": error.ru, "en": error.en}
    raise BridgeError("evidence-damaged", _DAMAGED, dict(told))
