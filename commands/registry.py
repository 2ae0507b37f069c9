"""`dnevnik registry …`: a register of people and consents comes in, a consent is withdrawn, cases are listed.

Rules. A register is taken whole or not at all. Lists name no person: school, student id, account id, stage. A
withdrawal takes effect at the portal with the next sweep or sync.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import Connection

import database
from audit.entry import ConsentEvent
from commands.application_desk import NamedCase, act, entry, students_of
from commands.asking import moment_of
from commands.call import Call, utc_now
from commands.recording import recorder
from commands.registry_acts import evidence_text, sealed_evidence
from consent_registry.acts import Actor
from consent_registry.applications.desk import withdraw_link
from consent_registry.fact_store import CaseEvent, registry_now, states
from consent_registry.facts import CaseState
from consent_registry.register.file import read_rows
from consent_registry.register.registration import ImportSummary, import_register
from consent_registry.texts.consent_text import load_texts
from flows.assembly import random_id
from journal.school import StudentIdentity
from journal.wording import BridgeError, ExitStatus, Wording
from settings import Settings

_IMPORTED = Wording(
    ru="Реестр принят: новых {new}, изменено {changed}, без изменений {unchanged}",
    en="Register taken: new {new}, changed {changed}, unchanged {unchanged}",
)
_WOULD_IMPORT = Wording(
    ru="Проверка реестра: новых {new}, изменилось бы {changed}, без изменений {unchanged}. Ничего не записано",
    en="Register tried: new {new}, to change {changed}, unchanged {unchanged}. Nothing was recorded",
)
_NO_FILE = Wording(
    ru="{file}: файл реестра не читается. Проверьте имя и право чтения",
    en="{file}: the register file can't be read. Check its name and the right to read it",
)
_WITHDRAWN = Wording(
    ru="Отзыв записан. На портале он исполнится ближайшим запуском: dnevnik sweep",
    en="The withdrawal is recorded. It takes effect at the portal with the next run: dnevnik sweep",
)
_NO_REASON = Wording(
    ru="Отзыв датирован прошедшим временем без основания (--reason): храните письменное заявление об отзыве",
    en="It is dated back without a reason (--reason): keep the written withdrawal",
)
_ALREADY = Wording(
    ru="Согласие уже было отозвано к этому моменту, ничего не изменено",
    en="The consent was already withdrawn by then, nothing was changed",
)
_STAGES = {
    "withdrawn": Wording(ru="отозвано", en="withdrawn"),
    "ended": Wording(ru="прекращено", en="ended"),
    "registered": Wording(ru="зарегистрировано", en="registered"),
    "identified": Wording(ru="идентифицировано", en="identified"),
    "applied": Wording(ru="заявление", en="applied"),
}


def import_file(call: Call, file: Path, *, dry_run: bool) -> ExitStatus:
    """Take a register. Raises BridgeError; RegisterProblemsError lists every problem, and nothing is recorded."""
    settings = call.settings()
    try:
        read = read_rows(file, two_persons=settings.consent.two_persons)
    except OSError:
        read = None
    if read is None:
        raise BridgeError("register-unreadable", _NO_FILE, {"file": file})
    rows, problems = read
    now = utc_now()
    with recorder(settings) as registry:

        def work(connection: Connection) -> tuple[ImportSummary, Sequence[ConsentEvent]]:
            summary = import_register(
                connection,
                rows,
                identities=lambda school: _identities(settings, school, now),
                vault=registry.vault,
                new_id=random_id,
                now=now,
                by=registry.by,
                timezone=settings.bridge.timezone,
                texts=load_texts(settings.consent.texts),
                problems=problems,
            )
            return summary, [entry(event, registry, now) for event in summary.events]

        summary = registry.tried(work) if dry_run else registry.record(work)
    call.console.say(
        _WOULD_IMPORT if dry_run else _IMPORTED,
        new=summary.new,
        changed=summary.changed,
        unchanged=summary.unchanged,
    )
    for warning in summary.warnings:
        call.console.note(warning.say(call.console.language))
    return ExitStatus.DONE


def withdraw_consent(
    call: Call,
    *,
    school: str,
    student: str,
    account: str,
    at: str | None,
    reason: str | None = None,
    by: str | None = None,
) -> ExitStatus:
    """Record that a parent withdrew a consent. Raises BridgeError, `link-unknown` among others."""
    settings = call.settings()
    link = NamedCase(settings.school(school).code, student, account)
    moment = None if at is None else moment_of(at, "--at", settings.bridge.timezone)
    text = evidence_text(call, reason, "--reason")

    with recorder(settings) as registry:

        def events(connection: Connection, actor: Actor) -> tuple[CaseEvent, ...]:
            evidence = sealed_evidence(connection, registry, link, text, "--reason")
            when = moment or actor.now
            return withdraw_link(connection, link.school, student, account, at=when, actor=actor, evidence=evidence)

        done = act(registry, events, by=by)
    call.console.say(_WITHDRAWN if done else _ALREADY)
    if done and moment is not None and not text:
        call.console.say(_NO_REASON)
    return ExitStatus.DONE


def list_cases(call: Call, schools: Sequence[str]) -> ExitStatus:
    """Write a line a case: school, student id, account id, stage, days in force; tabs between, no names."""
    settings = call.settings()
    chosen = settings.chosen(schools)
    now = utc_now()
    with recorder(settings) as registry, database.reading(registry.engine) as connection:
        for school in chosen:
            moment = registry_now(connection, school.code, now)
            for case in sorted(
                states(connection, school.code, at=moment), key=lambda case: (case.student_key, case.account_id)
            ):
                stage = _STAGES[_stage(case, now)].say(call.console.language)
                days = f"{case.in_force_from or ''}/{case.in_force_to or ''}"
                call.console.result(f"{case.school}\t{case.student_key}\t{case.account_id}\t{stage}\t{days}")
    return ExitStatus.DONE


def _stage(case: CaseState, now: datetime) -> str:
    if case.withdrawn_at is not None and case.withdrawn_at <= now:
        return "withdrawn"
    if case.ended_at is not None and case.ended_at <= now:
        return "ended"
    if case.registered_at is not None:
        return "registered"
    return "identified" if case.identified_at is not None else "applied"


def _identities(settings: Settings, code: str, now: datetime) -> Sequence[StudentIdentity] | None:
    """Read a school's students; None when the installation has no such school."""
    known = any(school.code == code for school in settings.schools)
    return students_of(settings, code, now) if known else None
