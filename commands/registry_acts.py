"""`dnevnik registry restrict | lift | end`: what a person does to one link.

Rules. What a person gives as evidence (a court's document, why a withdrawal is dated back) is sealed under the
student's key, stands in no list, and goes when the student's data are erased. An act that changes nothing says so.
At the portal an act takes effect with the next sweep or sync.
"""

import base64
from collections.abc import Callable, Sequence

from sqlalchemy.engine import Connection

from commands.application_desk import NamedCase, act
from commands.asking import Asking, day_of, moment_of
from commands.call import Call
from commands.days import span_in_words
from commands.recording import Recorder, recorder
from consent_registry.acts import Actor, lift_restrictions, restrict
from consent_registry.applications.desk import end_link
from consent_registry.fact_store import CaseEvent, case_of
from consent_registry.facts import EndingReason
from journal.wording import BridgeError, ExitStatus, Wording
from settings import Settings

Deed = Callable[[Connection, Actor, Recorder], CaseEvent | Sequence[CaseEvent] | None]
"""Records one act; None, or no event: it changes nothing."""

EVIDENCE = "evidence"
"""The part of a student's sealed data that evidence opens in."""

_LONGEST_EVIDENCE = 1000
_ASKED = "-"
_WHAT = Wording(ru="Документ или основание, одной строкой", en="The document or reason, in one line")

_RESTRICTED = Wording(
    ru="Ограничение записано: {days}. На портале оно исполнится ближайшим запуском: dnevnik sweep",
    en="The restriction is recorded: {days}. It takes effect at the portal with the next run: dnevnik sweep",
)
_RESTRICTED_ALREADY = Wording(
    ru="Такое ограничение уже записано, ничего не изменено", en="The same restriction stands, nothing was changed"
)
_LIFTED = Wording(
    ru="Ограничения сняты с {day}. Записи вернёт на портал ближайшая передача: dnevnik sync {school}",
    en="The restrictions are lifted from {day}. The next sync brings the records back: dnevnik sync {school}",
)
_NOTHING_TO_LIFT = Wording(
    ru="С {day} ограничений нет и так, ничего не изменено", en="None holds from {day}, nothing was changed"
)
_ENDED = Wording(
    ru="Связь прекращена. На портале это исполнится ближайшим запуском: dnevnik sweep",
    en="The link is ended. It takes effect at the portal with the next run: dnevnik sweep",
)
_ENDED_ALREADY = Wording(
    ru="Связь уже была прекращена к этому моменту, ничего не изменено",
    en="The link was already ended by then, nothing was changed",
)
_BAD_WHY = Wording(ru="--why: можно {known}", en="--why: one of {known} is needed")
_BAD_EVIDENCE = Wording(
    ru="{option}: нужна одна строка текста, не длиннее {most} знаков",
    en="{option}: one line of text is needed, of {most} characters at most",
)
_DESTROYED = Wording(
    ru="Школа {school}: данные ученика {student} уничтожены, хранить {option} негде. Повторите без него",
    en="School {school}: the data of student {student} were destroyed, {option} can't be kept. Do this without it",
)


def restrict_link(
    call: Call, link: NamedCase, *, first: str | None, last: str | None, document: str | None, by: str | None
) -> ExitStatus:
    """Record a court's restriction of a parent; `first`, `last`: days, None: open on that side.

    Raises BridgeError, `link-unknown` and `restriction-days` among them.
    """
    settings = call.settings()
    code = settings.school(link.school).code
    begin = None if first is None else day_of(first, "--from")
    end = None if last is None else day_of(last, "--to")
    text = evidence_text(call, document, "--document")

    def deed(connection: Connection, actor: Actor, registry: Recorder) -> CaseEvent | None:
        evidence = sealed_evidence(connection, registry, link, text, "--document")
        return restrict(
            connection, code, link.student, link.account, first=begin, last=end, actor=actor, evidence=evidence
        )

    done = carry_out(settings, deed, by=by)
    days = span_in_words(begin, end, call.console.language) if begin or end else ""
    call.console.say(_RESTRICTED if done else _RESTRICTED_ALREADY, days=days)
    return ExitStatus.DONE


def lift_restriction(call: Call, link: NamedCase, first: str, *, by: str | None) -> ExitStatus:
    """Record that no restriction holds from a day on. Raises BridgeError `link-unknown`, `day-wrong`."""
    settings = call.settings()
    code = settings.school(link.school).code
    day = day_of(first, "--from")

    def deed(connection: Connection, actor: Actor, _: Recorder) -> CaseEvent | None:
        return lift_restrictions(connection, code, link.student, link.account, on=day, actor=actor)

    done = carry_out(settings, deed, by=by)
    call.console.say(_LIFTED if done else _NOTHING_TO_LIFT, day=day, school=code)
    return ExitStatus.DONE


def end_of_link(call: Call, link: NamedCase, why: str, *, at: str | None, by: str | None) -> ExitStatus:
    """Record that a link ended. Raises BridgeError `link-unknown`, `ahead`, `ending-reason-wrong`, `moment-wrong`."""
    settings = call.settings()
    code = settings.school(link.school).code
    if why not in set(EndingReason):
        raise BridgeError("ending-reason-wrong", _BAD_WHY, {"known": ", ".join(EndingReason)})
    moment = None if at is None else moment_of(at, "--at", settings.bridge.timezone)

    def deed(connection: Connection, actor: Actor, _: Recorder) -> Sequence[CaseEvent]:
        return end_link(
            connection, code, link.student, link.account, EndingReason(why), at=moment or actor.now, actor=actor
        )

    done = carry_out(settings, deed, by=by)
    call.console.say(_ENDED if done else _ENDED_ALREADY)
    return ExitStatus.DONE


def carry_out(settings: Settings, deed: Deed, *, by: str | None) -> bool:
    """Log and record one act; False when it changed nothing. Raises what it raises, and BridgeError as `act`."""
    with recorder(settings) as registry:

        def events(connection: Connection, actor: Actor) -> tuple[CaseEvent, ...]:
            done = deed(connection, actor, registry)
            return () if done is None else (done,) if isinstance(done, CaseEvent) else tuple(done)

        return bool(act(registry, events, by=by))


def evidence_text(call: Call, given: str | None, option: str) -> str:
    """Return the evidence of an act, asked for where `-` is given. Raises BridgeError `evidence-wrong`."""
    text = Asking(call.console).text(_WHAT) if given == _ASKED else (given or "").strip()
    if len(text) > _LONGEST_EVIDENCE or not text.isprintable():
        raise BridgeError("evidence-wrong", _BAD_EVIDENCE, {"option": option, "most": _LONGEST_EVIDENCE})
    return text


def sealed_evidence(connection: Connection, registry: Recorder, link: NamedCase, text: str, option: str) -> str:
    """Return evidence as a fact keeps it: sealed under the student's key, Base64; "" where there is none.

    Raises BridgeError `evidence-unkept` when the student's key was destroyed.
    """
    if not text:
        return ""
    own = registry.vault.student_keys(connection, link.school, [link.student]).get(link.student)
    if own is not None:
        return base64.b64encode(own.seal(text.encode(), EVIDENCE)).decode()
    if case_of(connection, link.school, link.student, link.account) is None:
        return ""  # the act refuses the link
    told: dict[str, object] = {"school": link.school, "student": link.student, "option": option}
    raise BridgeError("evidence-unkept", _DESTROYED, told)
