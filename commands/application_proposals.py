"""`dnevnik registry propose`: which students of the school an application may mean, with reasons and doubts.

Rules. A person chooses, by the document; the program never does. Reasons and doubts are in words, students are ids;
with `--names` they are named, said plainly, and the audit log knows before they are shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from audit.entry import ConsentEvent
from commands.application_desk import gathered, looked_at, students_of
from commands.application_view import NAMES_BELOW, NAMES_SHOWN, full_name
from commands.call import Call, utc_now
from commands.recording import recorder
from consent_registry.applications.claims import Claim, open_claim
from consent_registry.applications.findings import MEANINGS, Finding
from consent_registry.applications.procedure import ApplicationState
from consent_registry.applications.proposals import ClaimedStudent, Proposal, doubts_of_birth_date, propose
from consent_registry.applications.store import find
from journal.school import StudentIdentity
from journal.wording import ExitStatus, Language, Wording

_NOBODY = Wording(
    ru="Заявление {reference}: похожих учеников в школе {school} нет. Сверьте имя и дату рождения с документом. Если "
    "ребёнок учится не здесь: dnevnik registry reject {reference} --reason student-not-found",
    en="Application {reference}: school {school} has no student like it. Compare name and birth date with the document."
    " If the child is not yours: dnevnik registry reject {reference} --reason student-not-found",
)
_FOUND = Wording(
    ru="Заявление {reference}, школа {school}: похожих учеников {count}",
    en="Application {reference}, school {school}: students like it: {count}",
)
_CHOOSE = Wording(
    ru="Решает человек, сверив с документом: dnevnik registry link {reference} --student НОМЕР",
    en="A person decides, by the document: dnevnik registry link {reference} --student ID",
)
_STUDENT = Wording(ru="Ученик {student}", en="Student {student}")
_CLAIMED = Wording(
    ru="В заявлении: {name}; {born}; класс {class_name}", en="As claimed: {name}; {born}; class {class_name}"
)
_ABOUT_DATE = Wording(ru="Дата рождения в заявлении. {doubt}", en="The birth date as claimed. {doubt}")


@dataclass(frozen=True, slots=True, repr=False)
class _Compared:
    state: ApplicationState
    claim: Claim
    students: Sequence[StudentIdentity]


def propose_students(call: Call, reference: str, *, names: bool) -> ExitStatus:
    """Show which students an application may mean.

    Raises BridgeError `reference-wrong`, `application-unknown`, `claim-destroyed`, and as the school's database does.
    """
    settings = call.settings()
    now = utc_now()
    with recorder(settings) as registry:

        def gather(connection: Connection) -> tuple[_Compared, Sequence[ConsentEvent]]:
            state = find(connection, reference)
            key = state.key
            students = students_of(settings, key.school, now)
            compared = _Compared(state, open_claim(connection, state, registry.vault), students)
            return compared, [looked_at(key.school, key.reference, NAMES_SHOWN, registry, now)] if names else []

        compared = gathered(registry, gather, logged=names)
    claim, birth_date = compared.claim, compared.claim.birth_date
    found: list[Proposal] = []
    doubts: list[Finding] = []
    if birth_date is not None:
        claimed = ClaimedStudent(
            claim.student_last_name,
            claim.student_first_name,
            claim.student_middle_name or None,
            birth_date,
            claim.student_class or None,
        )
        found = propose(claimed, compared.students)
        doubts = doubts_of_birth_date(birth_date, now.astimezone(settings.bridge.timezone).date())
    if names:
        call.console.note(NAMES_BELOW.say(call.console.language))
    for line in _lines(compared, found, doubts, call.console.language, names=names):
        call.console.result(line)
    return ExitStatus.DONE


def _lines(
    compared: _Compared, found: Sequence[Proposal], doubts: Sequence[Finding], language: Language, *, names: bool
) -> Iterator[str]:
    claim, told = compared.claim, {"reference": compared.state.key.reference, "school": compared.state.key.school}
    if found:
        yield _FOUND.say(language, count=len(found), **told)
    if names:
        name = full_name(claim.student_last_name, claim.student_first_name, claim.student_middle_name)
        born = claim.student_birth_date or "—"
        yield _CLAIMED.say(language, name=name, born=born, class_name=claim.student_class or "—")
    for doubt in doubts:
        yield _ABOUT_DATE.say(language, doubt=MEANINGS[doubt].say(language))
    known = {student.student_key: student for student in compared.students}
    for proposal in found:
        yield ""
        yield _head(known[proposal.student_key], language, names=names)
        yield from (f"  + {MEANINGS[finding].say(language)}" for finding in proposal.reasons)
        yield from (f"  ? {MEANINGS[finding].say(language)}" for finding in proposal.doubts)
    if found:
        yield ""
    yield (_CHOOSE if found else _NOBODY).say(language, **told)


def _head(student: StudentIdentity, language: Language, *, names: bool) -> str:
    head = _STUDENT.say(language, student=student.student_key)
    if not names:
        return head
    born = "—" if student.birth_date is None else student.birth_date.isoformat()
    name = full_name(student.last_name, student.first_name, student.middle_name)
    return f"{head}: {name}; {born}; {student.class_name or '—'}"
