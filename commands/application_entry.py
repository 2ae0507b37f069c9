"""`dnevnik registry enter`: an application that came on paper, from a small file or by answers to questions.

Rules. Who applies and for whom never stands on the command line: it is read from a TOML file whose template
`--template` prints, or asked for, one answer a line. A mistake names the field, never what stands in it, and nothing
is recorded then. The program doesn't delete the file, it says that it should be.
"""

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, tzinfo
from functools import partial
from pathlib import Path

from sqlalchemy.engine import Connection

import database
from commands.application_desk import act
from commands.application_words import RELATIONS, what_next
from commands.asking import Asking, day_of, moment_of
from commands.call import Call
from commands.recording import recorder
from consent_registry.acts import Actor
from consent_registry.applications.claims import claim_of
from consent_registry.applications.receiving import PaperApplication, enter_on_paper
from consent_registry.applications.references import new_reference
from consent_registry.applications.store import find
from consent_registry.fact_store import CaseEvent
from consent_registry.texts.consent_text import load_texts, text_of
from journal.records import PersonName
from journal.vocabulary import Relation
from journal.wording import BridgeError, ExitStatus, Wording
from settings import Settings

TEMPLATE = """\
# Бумажное заявление. Заполните и внесите: dnevnik registry enter --school КОД --from ФАЙЛ. Потом удалите этот файл.
# An application on paper. Fill it in and enter it. Delete the file afterwards: it holds personal data.

account = ""          # учётная запись родителя на портале · the parent's account at the portal
email = ""            # можно пусто · may be empty
relation = "parent"   # parent родитель, adopter усыновитель, guardian опекун, trustee попечитель
submitted = ""        # день подачи, например 09.11.2026; пусто: сегодня · the day it was handed in; empty: today
text_version = ""     # текст согласия, названный в заявлении; пусто: действующий · consent text; empty: the current one

[parent]
last_name = ""        # фамилия
first_name = ""       # имя
middle_name = ""      # отчество, можно пусто · may be empty

[student]
last_name = ""
first_name = ""
middle_name = ""
birth_date = ""       # например 09.03.2014
class = ""            # например 5А, можно пусто · may be empty
"""

_ENTERED = Wording(
    ru="Заявление внесено, номер {reference}. Напишите номер на бумаге. Печать бланка с номером: "
    "dnevnik registry form application {reference}",
    en="The application is entered as {reference}. Write that on the paper. To print its form: "
    "dnevnik registry form application {reference}",
)
_DELETE = Wording(
    ru="В файле {file} личные данные. Он больше не нужен: удалите его",
    en="The file {file} holds personal data. It is not needed any more: delete it",
)
_NO_FILE = Wording(ru="{file}: файл не читается", en="{file}: the file can't be read")
_NO_TOML = Wording(
    ru="{file}: это не TOML в UTF-8. Образец печатает: dnevnik registry enter --template",
    en="{file}: this is no TOML in UTF-8. A template is printed by: dnevnik registry enter --template",
)
_NO_FIELD = Wording(
    ru="{file}: поля {field} нет в образце. Образец печатает: dnevnik registry enter --template",
    en="{file}: the template has no field {field}. It is printed by: dnevnik registry enter --template",
)
_NO_TEXT = Wording(
    ru="{file}: поле {field}: нужен текст в кавычках", en="{file}: field {field}: a quoted text is needed"
)
_BAD_RELATION = Wording(ru="{where}: нужно одно из: {known}", en="{where}: one of these is needed: {known}")
_NO_SCHOOL = Wording(ru="Укажите школу: --school КОД", en="Name the school: --school CODE")

_QUESTIONS: Mapping[str, tuple[Wording, bool]] = {
    "account": (Wording(ru="Учётная запись родителя на портале", en="The parent's account at the portal"), True),
    "email": (Wording(ru="Эл. почта родителя (можно пусто)", en="The parent's e-mail (may be empty)"), False),
    "relation": (
        Wording(
            ru="Кем приходится: родитель, усыновитель, опекун, попечитель",
            en="Relation: parent, adopter, guardian, trustee",
        ),
        True,
    ),
    "submitted": (
        Wording(ru="День подачи, например 09.11.2026 (пусто: сегодня)", en="Handed in on (empty: today)"),
        False,
    ),
    "parent.last_name": (Wording(ru="Фамилия родителя", en="The parent's last name"), True),
    "parent.first_name": (Wording(ru="Имя родителя", en="The parent's first name"), True),
    "parent.middle_name": (
        Wording(ru="Отчество родителя (можно пусто)", en="The parent's patronymic (may be empty)"),
        False,
    ),
    "student.last_name": (Wording(ru="Фамилия ученика", en="The student's last name"), True),
    "student.first_name": (Wording(ru="Имя ученика", en="The student's first name"), True),
    "student.middle_name": (
        Wording(ru="Отчество ученика (можно пусто)", en="The student's patronymic (may be empty)"),
        False,
    ),
    "student.birth_date": (Wording(ru="Дата рождения ученика", en="The student's birth date"), True),
    "student.class": (Wording(ru="Класс (можно пусто)", en="The class (may be empty)"), False),
}
_FIELDS = frozenset({*_QUESTIONS, "text_version"})

Fields = Mapping[str, str]
"""What was given, by field; "" where nothing was."""


def print_template(call: Call) -> ExitStatus:
    """Write the template of a paper application."""
    call.console.result(TEMPLATE.rstrip())
    return ExitStatus.DONE


def enter(call: Call, *, school: str | None, file: Path | None, by: str | None) -> ExitStatus:
    """Enter an application that came on paper; `file` "-" is the standard input, None: answers to questions.

    Raises BridgeError `paper-field`, `paper-birth-date`, `consent-text-unknown`, `application-file`, and as `Asking`.
    """
    settings = call.settings()
    if school is None:
        raise BridgeError("school-missing", _NO_SCHOOL)
    code = settings.school(school).code
    fields = _asked(call, settings) if file is None else _read(file)
    paper = _paper(fields, settings)
    with recorder(settings) as registry:

        def work(connection: Connection, actor: Actor) -> tuple[CaseEvent]:
            event = enter_on_paper(
                connection,
                code,
                paper,
                vault=registry.vault,
                new_reference=lambda: new_reference(os.urandom),
                actor=actor,
            )
            return (event,)

        try:
            (event,) = act(registry, work, by=by)
        except BridgeError as error:
            raise _as_in_template(error) from None
        with database.reading(registry.engine) as connection:
            state = find(connection, event.case_ref)
    call.console.say(_ENTERED, reference=event.case_ref)
    call.console.result(what_next(state, call.console.language))
    if file is not None and str(file) != "-":
        call.console.note(_DELETE.say(call.console.language, file=file))
    return ExitStatus.DONE


def _as_in_template(error: BridgeError) -> BridgeError:
    """Return a refusal that names its field as the template does."""
    field = str(error.parameters.get("field", ""))
    named = {"account_id": "account", "submitted_at": "submitted"}.get(field)
    who, _, rest = field.partition("_")
    own = named or (f"{who}.{rest}" if who in {"parent", "student"} else field)
    return replace(error, parameters={**error.parameters, "field": own})


def _asked(call: Call, settings: Settings) -> Fields:
    asking, zone = Asking(call.console), settings.bridge.timezone

    def checked(field: str, answer: str) -> str:
        where = asking.named(_QUESTIONS[field][0])
        if field == "relation":
            relation_of(answer, where)
        elif field == "submitted" and answer:
            moment_of(answer, where, zone)
        elif field == "student.birth_date":
            day_of(answer, where)
        return answer

    return {
        field: asking.value(what, partial(checked, field), needed=needed)
        for field, (what, needed) in _QUESTIONS.items()
    }


def _read(file: Path) -> Fields:
    """Return a file's fields. Raises BridgeError `application-file`, which names the field, never a value."""
    problem: Wording | None = None
    content: dict[str, object] = {}
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        content = tomllib.loads(raw.decode("utf-8-sig"))
    except OSError:
        problem = _NO_FILE
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        problem = _NO_TOML
    if problem is not None:
        raise BridgeError("application-file", problem, {"file": file})
    fields: dict[str, str] = {}
    for key, value in content.items():
        parts = {f"{key}.{name}": inner for name, inner in value.items()} if isinstance(value, dict) else {key: value}
        for field, inner in parts.items():
            fields[field] = _text(file, field, inner)
    return fields


def _text(file: Path, field: str, value: object) -> str:
    if field not in _FIELDS:
        known = field if field.isascii() and len(field) <= 40 else "?"  # noqa: PLR2004  what is no key may be a name
        raise BridgeError("application-file", _NO_FIELD, {"file": file, "field": known})
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    if not isinstance(value, str) or not value.isprintable():
        raise BridgeError("application-file", _NO_TEXT, {"file": file, "field": field})
    return value.strip()


def _paper(fields: Fields, settings: Settings) -> PaperApplication:
    """Return the application that the fields describe. Raises BridgeError, which names a field."""
    given = {field: fields.get(field, "") for field in _FIELDS}
    version = given["text_version"] or settings.consent.text_version
    texts = settings.consent.texts
    text_of(load_texts(texts), version, texts)
    return PaperApplication(
        account_id=given["account"],
        relation=relation_of(given["relation"], "relation"),
        text_version=version,
        submitted_at=_submitted(given["submitted"], settings.bridge.timezone),
        claim=claim_of(
            _person(given, "parent"),
            _person(given, "student"),
            day_of(given["student.birth_date"], "student.birth_date"),
            email=given["email"],
            student_class=given["student.class"],
        ),
    )


def _submitted(text: str, timezone: tzinfo) -> datetime:
    if text:
        return moment_of(text, "submitted", timezone)
    return datetime.combine(datetime.now(timezone).date(), time.min, timezone)


def _person(given: Fields, who: str) -> PersonName:
    return PersonName(given[f"{who}.last_name"], given[f"{who}.first_name"], given[f"{who}.middle_name"] or None)


def relation_of(text: str, where: str) -> Relation:
    """Return the relation that a word names, in either language. Raises BridgeError `relation-wrong`."""
    word = text.strip().casefold()
    for relation, wording in RELATIONS.items():
        if word in {relation.value, wording.ru}:
            return relation
    known = ", ".join(f"{relation.value} ({wording.ru})" for relation, wording in RELATIONS.items())
    raise BridgeError("relation-wrong", _BAD_RELATION, {"where": where, "known": known})
