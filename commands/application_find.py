"""`dnevnik registry find`: the application or case that a form's code, or what somebody knows, finds.

Rules. What is looked for is asked for, never an argument (a code names nobody). It finds by keyed digests: only what is
known whole and right is found, whatever its spelling. Nobody is named in the answer.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

import sqlalchemy as sa
from rich import box
from rich.table import Table
from sqlalchemy.engine import Connection

import database
from commands.application_desk import form_code
from commands.application_words import STAGES
from commands.asking import Asking, day_of
from commands.call import Call, utc_now
from commands.recording import Recorder, recorder
from consent_registry.applications.procedure import ApplicationState
from consent_registry.applications.references import normal_reference
from consent_registry.applications.store import applications
from consent_registry.applications.store import find as find_application
from consent_registry.fact_store import CaseFacts, case_facts
from consent_registry.sealed.lookup import Found, Purpose, Value, find
from consent_registry.tables import CASE
from consent_registry.terms.requests import open_requests
from journal.wording import BridgeError, ExitStatus, Language, Wording


class By(StrEnum):
    """What is looked for."""

    EMAIL = "email"
    PARENT = "parent"
    STUDENT = "student"
    DOCUMENT = "document"


_EMAIL = Wording(ru="Эл. почта", en="E-mail")
_LAST = Wording(ru="Фамилия", en="Last name")
_FIRST = Wording(ru="Имя", en="First name")
_MIDDLE = Wording(ru="Отчество (можно пусто)", en="Patronymic (may be empty)")
_BORN = Wording(ru="Дата рождения", en="Birth date")
_NUMBER = Wording(ru="Серия и номер документа", en="The document's series and number")

_WHAT = Wording(
    ru="Что искать? Код с бланка или одно из: --email, --parent, --student-name, --document",
    en="What to look for? A form's code, or one of --email, --parent, --student-name, --document",
)
_NOTHING = Wording(
    ru="Ничего не найдено. Ищется только точное совпадение: проверьте написание целиком",
    en="Nothing was found. Only what is wholly right is found: check the spelling",
)
_REQUEST = Wording(
    ru="{code}: обращение о персональных данных, школа {school}. Отметить исполнение: "
    "dnevnik registry request answer {code}",
    en="{code}: a request about personal data, school {school}. To enter its answer: "
    "dnevnik registry request answer {code}",
)
_COLUMNS = (
    Wording(ru="код", en="code"),
    Wording(ru="школа", en="school"),
    Wording(ru="что", en="what"),
    Wording(ru="ученик", en="student"),
    Wording(ru="учётная запись", en="account"),
    Wording(ru="стадия", en="stage"),
)
_APPLICATION, _CASE = Wording(ru="заявление", en="application"), Wording(ru="связь", en="link")
_APPLIED = Wording(ru="заявление", en="applied")
_IDENTIFIED = Wording(ru="личность подтверждена", en="identified")
_REGISTERED = Wording(ru="зарегистрировано", en="registered")
_WITHDRAWN = Wording(ru="согласие отозвано", en="consent withdrawn")
_ENDED = Wording(ru="связь прекращена", en="link ended")


def find_case(call: Call, code: str | None, *, wanted: Sequence[By]) -> ExitStatus:
    """Show what a code finds, or an answer to what is asked for; exit status 1 when nothing does.

    Raises BridgeError `find-what`, `reference-wrong`, `day-wrong`, and as `Asking`.
    """
    settings = call.settings()
    if (code is not None) + len(wanted) != 1:
        raise BridgeError("find-what", _WHAT)
    with recorder(settings) as registry:
        if code is not None:
            return _by_code(call, registry, normal_reference(code))
        tries = _ASKED[wanted[0]](Asking(call.console))
        with database.reading(registry.engine) as connection:
            found: Iterable[Found] = ()
            for purpose, value in tries:
                found = found or find(connection, registry.vault, purpose, value)
            rows = _rows(connection, list(found), call.console.language)
    return _show(call, rows)


def _by_code(call: Call, registry: Recorder, code: str) -> ExitStatus:
    """Look among the applications, the cases and the open requests of all schools of the installation."""
    language = call.console.language
    with database.reading(registry.engine) as connection:
        application = _application(connection, code)
        if application is not None:
            return _show(call, [_application_row(application, language)])
        for school in registry.settings.schools:
            for request in open_requests(connection, school.code):
                if request.reference == code:
                    call.console.say(_REQUEST, code=code, school=school.code)
                    return ExitStatus.DONE
        links = connection.execute(sa.select(CASE.c.case_id, CASE.c.school, CASE.c.link_id))
        cases = [Found(row.school, row.case_id, None) for row in links if form_code(row.link_id) == code]
        rows = _rows(connection, cases, language)
    return _show(call, rows)


def _application(connection: Connection, code: str) -> ApplicationState | None:
    try:
        return find_application(connection, code)
    except BridgeError:
        return None


def _parent(asking: Asking) -> list[tuple[Purpose, Value]]:
    """Ask for a parent's name; an application that has no patronymic is found by the name without it."""
    last, first, middle = asking.text(_LAST), asking.text(_FIRST), asking.text(_MIDDLE, needed=False)
    whole: list[tuple[Purpose, Value]] = [(Purpose.PARENT_NAME, (last, first, middle))] if middle else []
    return [*whole, (Purpose.PARENT_NAME, (last, first))]


def _student(asking: Asking) -> list[tuple[Purpose, Value]]:
    last, first = asking.text(_LAST), asking.text(_FIRST)
    born = asking.value(_BORN, lambda answer: day_of(answer, asking.named(_BORN)))
    return [(Purpose.STUDENT, (last, first, born))]


_ASKED: dict[By, Callable[[Asking], list[tuple[Purpose, Value]]]] = {
    By.EMAIL: lambda asking: [(Purpose.EMAIL, asking.text(_EMAIL))],
    By.PARENT: _parent,
    By.STUDENT: _student,
    By.DOCUMENT: lambda asking: [(Purpose.DOCUMENT, asking.text(_NUMBER))],
}


def _rows(connection: Connection, found: Sequence[Found], language: Language) -> list[tuple[str, ...]]:
    by_school = {one.school: applications(connection, one.school) for one in found if one.application_id is not None}
    cases = {one.school: case_facts(connection, one.school) for one in found if one.case_id is not None}
    rows = []
    for one in found:
        rows += [
            _application_row(state, language)
            for state in by_school.get(one.school, [])
            if state.key.application_id == one.application_id
        ]
        rows += [_case_row(case, language) for case in cases.get(one.school, []) if case.key.case_id == one.case_id]
    return rows


def _application_row(state: ApplicationState, language: Language) -> tuple[str, ...]:
    key, student = state.key, state.student_key or "—"
    words = _APPLICATION.say(language), STAGES[state.stage].say(language)
    return key.reference, key.school, words[0], student, key.account_id, words[1]


def _case_row(case: CaseFacts, language: Language) -> tuple[str, ...]:
    key, now = case.key, utc_now()
    state = case.at(now)
    if state.withdrawn_at is not None and state.withdrawn_at <= now:
        stage = _WITHDRAWN
    elif state.ended_at is not None and state.ended_at <= now:
        stage = _ENDED
    elif state.registered_at is not None:
        stage = _REGISTERED
    else:
        stage = _APPLIED if state.identified_at is None else _IDENTIFIED
    words = _CASE.say(language), stage.say(language)
    return form_code(key.link_id), key.school, words[0], key.student_key, key.account_id, words[1]


def _show(call: Call, rows: Sequence[tuple[str, ...]]) -> ExitStatus:
    if not rows:
        call.console.say(_NOTHING)
        return ExitStatus.DONE_WITH_EXCEPTIONS
    language = call.console.language
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    for column in _COLUMNS:
        table.add_column(column.say(language), no_wrap=column in _COLUMNS[:2], overflow="fold")
    for row in rows:
        table.add_row(*row)
    call.console.draw(table)
    return ExitStatus.DONE
