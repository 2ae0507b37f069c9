"""`dnevnik registry form`: application, consent or withdrawal as PDF, filled in, with a code that finds the case again.

Rules. What a form says of people is opened only to be printed, and the audit log knows it before. The file is its
owner's alone (0600). A case that came by a register has no application: its form carries a code made from its link.
Kinds and days of a consent are left to the parent's pen. Deliberately not here: how a form looks (`reports.forms`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from audit.entry import ConsentEvent
from commands.application_desk import NamedCase, form_code, gathered, looked_at, refused
from commands.call import Call, utc_now
from commands.recording import Recorder, recorder
from consent_registry.applications.claims import open_claim
from consent_registry.applications.procedure import ENDINGS, ApplicationState, StepRefusal
from consent_registry.applications.store import find
from consent_registry.fact_store import CaseFacts, case_of
from consent_registry.tables import CASE
from consent_registry.texts.consent_text import load_texts, text_of
from journal.vocabulary import Relation
from journal.wording import BridgeError, ExitStatus, Wording
from reports.forms import FormData, FormKind, PersonLine, write_form
from settings import Settings

FORM_PRINTED = "form-printed"
"""The audit log's word for names that were opened to be printed."""

_WRITTEN = Wording(
    ru="Бланк записан: {file}. В нём личные данные, читать его можете только вы; напечатав, удалите",
    en="The form is written: {file}. It holds personal data and is readable by you alone; delete it once it is printed",
)
_NEXT = {
    FormKind.APPLICATION: Wording(
        ru="Дальше: заявитель проверяет, дописывает и подписывает бланк. Код на нём находит заявление: "
        "dnevnik registry find {code}",
        en="Next: the applicant checks, completes and signs it. Its code finds the application: "
        "dnevnik registry find {code}",
    ),
    FormKind.CONSENT: Wording(
        ru="Дальше: родитель вписывает адреса, документы, виды записей и даты и подписывает. Подписанное внесите "
        "(dnevnik registry consent {link} …) и сохраните скан (dnevnik registry scan {link} ФАЙЛ). Код на бланке: "
        "dnevnik registry find {code}",
        en="Next: the parent writes in addresses, documents, kinds and days, and signs. Enter the signed one (dnevnik "
        "registry consent {link} …) and keep its scan (dnevnik registry scan {link} FILE). The form's code: "
        "dnevnik registry find {code}",
    ),
    FormKind.WITHDRAWAL: Wording(
        ru="Дальше: родитель подписывает отзыв, вы вносите его в тот же день: dnevnik registry {undo}. Код на бланке: "
        "dnevnik registry find {code}",
        en="Next: the parent signs it, you enter it on the same day: dnevnik registry {undo}. The form's code: "
        "dnevnik registry find {code}",
    ),
}
_BAD_KIND = Wording(
    ru="Бланки: application (заявление), consent (согласие), withdrawal (отзыв)",
    en="The forms are application, consent and withdrawal",
)
_WHOSE = Wording(
    ru="Чей бланк? Назовите номер заявления или --school, --student и --account вместе",
    en="Whose form? Name an application's reference, or --school, --student and --account together",
)
_NO_CASE = Wording(
    ru="Школа {school}: в реестре нет связи ученика {student} с учётной записью {account}. Проверьте номера",
    en="School {school}: the registry has no link of student {student} to account {account}. Check the ids",
)
_DESTROYED = Wording(
    ru="Школа {school}: данные ученика {student} уничтожены, печатать нечего",
    en="School {school}: the data of student {student} were destroyed, there is nothing to print",
)
_OTHER = Wording(
    ru="{file}: там уже есть файл, и это не PDF. Назовите другой: --out ФАЙЛ.pdf",
    en="{file}: there is a file already, and it is no PDF. Name another: --out FILE.pdf",
)
_PDF = b"%PDF-"
_NOT_WRITTEN = Wording(
    ru="Файл {file} не записать: проверьте папку и права",
    en="The file {file} can't be written: check the folder and your rights",
)


@dataclass(frozen=True, slots=True, repr=False)
class _Found:
    """What a form is made of: whose it is (school, and reference or link, for the audit log), and what it prints.

    `link` is how commands name the case, `undo` the command that withdraws.
    """

    school: str
    case_ref: str
    data: FormData
    link: str
    undo: str


def print_form(call: Call, kind: str, *, reference: str | None, case: NamedCase | None, out: Path | None) -> ExitStatus:
    """Write a form of an application, or of a case, as PDF.

    Raises BridgeError `form-kind`, `form-whose`, `application-…`, `link-unknown`, `claim-destroyed`,
    `forms-unavailable`, `form-too-long`, `form-not-written`, `form-file-other`.
    """
    settings = call.settings()
    if kind not in set(FormKind):
        raise BridgeError("form-kind", _BAD_KIND)
    if (reference is None) == (case is None):
        raise BridgeError("form-whose", _WHOSE)
    wanted, now = FormKind(kind), utc_now()
    with recorder(settings) as registry:

        def gather(connection: Connection) -> tuple[_Found, Sequence[ConsentEvent]]:
            found = (
                _of_application(connection, registry, find(connection, reference), wanted, now)
                if reference is not None
                else _of_case(connection, registry, case or NamedCase("", "", ""), now)
            )
            return found, [looked_at(found.school, found.case_ref, FORM_PRINTED, registry, now)]

        found = gathered(registry, gather, logged=True)
    code = found.data.reference
    file = out or Path(f"{wanted}-{code}.pdf")
    _write(file, wanted, found.data)
    call.console.say(_WRITTEN, file=file.absolute())
    call.console.say(_NEXT[wanted], code=code, link=found.link, undo=found.undo)
    return ExitStatus.DONE


def _write(file: Path, kind: FormKind, data: FormData) -> None:
    """Write a form; printed again it takes the earlier one's place, but never that of another file."""
    try:
        if file.exists() and not file.read_bytes().startswith(_PDF):
            raise BridgeError("form-file-other", _OTHER, {"file": file})
        write_form(file, kind, data)
    except OSError:
        written = False
    else:
        written = True
    if not written:
        raise BridgeError("form-not-written", _NOT_WRITTEN, {"file": file})


def _of_application(
    connection: Connection, registry: Recorder, state: ApplicationState, kind: FormKind, now: datetime
) -> _Found:
    """Return what an application's form prints; a closed one takes no consent any more."""
    if kind is FormKind.CONSENT and state.stage in ENDINGS:
        raise refused(state, StepRefusal.ENDED)
    key, claim = state.key, open_claim(connection, state, registry.vault)
    case: CaseFacts | None = None
    people: dict[str, str] = {}
    if state.student_key is not None:
        case = case_of(connection, key.school, state.student_key, key.account_id)
    if case is not None:
        people = _people(connection, registry, case)
    claimed = PersonLine(claim.student_last_name, claim.student_first_name, claim.student_middle_name, claim.birth_date)
    data = FormData(
        reference=key.reference,
        printed_on=_today(registry.settings, now),
        # An application says what was claimed; what is signed later, whom a person has chosen.
        student=_person(people, "student") if people and kind is not FormKind.APPLICATION else claimed,
        class_name=claim.student_class or None,
        representative=PersonLine(claim.parent_last_name, claim.parent_first_name, claim.parent_middle_name),
        relation=state.relation,
        email=claim.email or None,
        account=key.account_id,
        authority_document=claim.authority_document or None,
        consent_signed_on=None if case is None else case.at(now).consent_signed_on,
    )
    link = _arguments(NamedCase(key.school, state.student_key or "…", key.account_id))
    filled = _by_school(registry.settings, key.school, data)
    return _Found(key.school, key.reference, filled, link, f"cancel {key.reference}")


def _of_case(connection: Connection, registry: Recorder, named: NamedCase, now: datetime) -> _Found:
    """Return what a case's form prints: the student as the school knows them, the parent as the register does."""
    told: dict[str, object] = {"school": named.school, "student": named.student, "account": named.account}
    case = case_of(connection, named.school, named.student, named.account)
    if case is None:
        raise BridgeError("link-unknown", _NO_CASE, told)
    people = _people(connection, registry, case)
    state = case.at(now)
    data = FormData(
        reference=form_code(case.key.link_id),
        printed_on=_today(registry.settings, now),
        student=_person(people, "student"),
        representative=_person(people, "parent"),
        relation=None if state.relation is None else Relation(state.relation),
        email=people.get("email") or None,
        account=named.account,
        authority_document=people.get("authority_document") or None,
        consent_signed_on=state.consent_signed_on,
    )
    filled, link = _by_school(registry.settings, named.school, data), _arguments(named)
    return _Found(named.school, case.key.link_id, filled, link, f"withdraw {link}")


def _arguments(case: NamedCase) -> str:
    return f"--school {case.school} --student {case.student} --account {case.account}"


def _people(connection: Connection, registry: Recorder, case: CaseFacts) -> dict[str, str]:
    """Return who a case's people are; nothing where it was taken back. Raises BridgeError `student-data-destroyed`."""
    school, student = case.key.school, case.key.student_key
    key = registry.vault.student_keys(connection, school, [student]).get(student)
    if key is None:
        raise BridgeError("student-data-destroyed", _DESTROYED, {"school": school, "student": student})
    sealed = connection.execute(sa.select(CASE.c.sealed).where(CASE.c.case_id == case.key.case_id)).scalar_one()
    people: dict[str, str] = json.loads(key.open(sealed))
    return people


def _by_school(settings: Settings, code: str, data: FormData) -> FormData:
    """Add what is the same on all forms of a school: its name and address, the consent's text, who processes."""
    school, consent = settings.school(code), settings.consent
    return replace(
        data,
        school_name=school.name,
        school_address=school.address,
        text=text_of(load_texts(consent.texts), consent.text_version, consent.texts),
        processor_name=consent.processor_name,
        processor_address=consent.processor_address,
    )


def _person(people: Mapping[str, str], who: str) -> PersonLine:
    born = people.get(f"{who}_birth_date")
    return PersonLine(
        people.get(f"{who}_last_name", ""),
        people.get(f"{who}_first_name", ""),
        people.get(f"{who}_middle_name", ""),
        date.fromisoformat(born) if born else None,
    )


def _today(settings: Settings, now: datetime) -> date:
    return now.astimezone(settings.bridge.timezone).date()
