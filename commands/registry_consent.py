"""`dnevnik registry consent | scan | register-consent`: a signed consent comes in, its scan, its registration.

Rules. A consent is recorded only if it has all that the law demands (152-ФЗ, article 9, part 4): the version of its
text says a part of it, the clerk who holds the signed paper confirms the rest, each by name or all at once. What is
missing is listed with its remedy, and nothing is recorded. Until it is registered nothing is sent by it.
Deliberately not here: applications, whose registration registers their consents (`application_*`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy.engine import Connection

from commands.application_desk import NamedCase
from commands.asking import day_of
from commands.call import Call
from commands.recording import Recorder
from commands.registry_acts import carry_out
from consent_registry.acts import Actor, ConsentTerms, attach_scan, give_consent, register_consents
from consent_registry.fact_store import CaseEvent, case_of
from consent_registry.facts import FactKind, counting, of_kind
from consent_registry.sealed.scans import LARGEST_SCAN, store_scan
from consent_registry.texts.consent_content import WORDS, ConsentDocument, Content, missing_contents, to_confirm
from consent_registry.texts.consent_text import ConsentText, load_texts, text_of
from flows.assembly import random_id
from journal.vocabulary import ALL_KINDS, RecordKind
from journal.wording import BridgeError, ExitStatus, Language, Wording

_ENTERED = Wording(
    ru="Согласие {consent} внесено (текст {version}), действует с {first}: с этого дня и до регистрации по связи "
    "ничего не передаётся. Дальше: скан (dnevnik registry scan) и регистрация, по заявлению или dnevnik registry "
    "register-consent",
    en="Consent {consent} is recorded (text {version}), in force from {first}: from that day until it is registered "
    "nothing is sent through the link. Next: its scan (dnevnik registry scan) and its registration, with the "
    "application or by dnevnik registry register-consent",
)
_SCANNED = Wording(
    ru="Скан сохранён зашифрованным: {media_type}, {size} КиБ, SHA-256 {sha256}",
    en="The scan is kept encrypted: {media_type}, {size} KiB, SHA-256 {sha256}",
)
_SCANNED_ALREADY = Wording(
    ru="Этот скан уже сохранён для последнего согласия, ничего не изменено",
    en="This scan is kept for the newest consent already, nothing was changed",
)
_REGISTERED = Wording(
    ru="Зарегистрировано. Данные передаст ближайшая передача: dnevnik sync {school}",
    en="Registered. The next sync sends the records: dnevnik sync {school}",
)
_INCOMPLETE = Wording(
    ru="Согласие не внесено: на нём нет того, чего требует закон, или это не подтверждено.\n{lines}\n"
    "Что есть на бумаге, подтвердите: --confirm ИМЯ, можно несколько, или --confirm-all",
    en="The consent was not recorded: it lacks what the law demands, or that was not confirmed.\n{lines}\n"
    "Confirm what is on the paper: --confirm NAME, may be repeated, or --confirm-all",
)
_MISSING = Wording(ru="  {content}: {meaning}. {remedy}", en="  {content}: {meaning}. {remedy}")
_BAD_CONTENT = Wording(
    ru="--confirm: нет поля {name}. Есть: {known}", en="--confirm: no field {name}. There are: {known}"
)
_BAD_KINDS = Wording(
    ru="--kinds: нужны виды записей через пробел: {known}", en="--kinds: kinds with blanks between are needed: {known}"
)
_BAD_SPAN = Wording(
    ru="{option}: нужны один или два дня, например 2026-09-04/2027-08-31",
    en="{option}: one or two days are needed, like 2026-09-04/2027-08-31",
)
_BAD_YEAR = Wording(ru="{option}: год от 1900 до 2199", en="{option}: a year from 1900 to 2199")
_NO_FILE = Wording(
    ru="{file}: файл скана не читается. Проверьте имя и право чтения",
    en="{file}: the scan's file can't be read. Check its name and the right to read it",
)
_YEARS = range(1900, 2200)
_KIBIBYTE = 1024


@dataclass(frozen=True, slots=True)
class Paper:
    """A signed consent as the command line describes it: texts as they were typed, `confirmed` contents by name."""

    text: str
    signed: str
    in_force: str
    records: str
    kinds: str
    confirmed: Sequence[str]
    everything: bool


def enter_consent(call: Call, link: NamedCase, paper: Paper, *, by: str | None) -> ExitStatus:
    """Record a signed consent. Raises BridgeError.

    `consent-incomplete`, `consent-text-unknown`, `consent-days`, `link-unknown` among others.
    """
    settings = call.settings()
    code = settings.school(link.school).code
    folder = settings.consent.texts
    text = text_of(load_texts(folder), paper.text, folder)
    terms = _terms(paper, text)
    _refuse_incomplete(paper, text, terms.signed_on)
    reference = random_id()

    def deed(connection: Connection, actor: Actor, _: Recorder) -> CaseEvent:
        return give_consent(connection, code, link.student, link.account, terms, actor=actor, new_id=lambda: reference)

    carry_out(settings, deed, by=by)
    call.console.say(_ENTERED, consent=reference, version=text.version, first=terms.in_force_from)
    return ExitStatus.DONE


def _refuse_incomplete(paper: Paper, text: ConsentText, signed_on: date) -> None:
    unknown = sorted(set(paper.confirmed) - set(Content))
    if unknown:
        raise BridgeError("content-unknown", _BAD_CONTENT, {"name": unknown[0], "known": ", ".join(to_confirm(text))})
    confirmed = frozenset(Content) if paper.everything else frozenset(map(Content, paper.confirmed))
    missing = missing_contents(ConsentDocument(confirmed, signed_on), text)
    if missing:
        lines = {language: "\n".join(_line(content, language) for content in missing) for language in Language}
        wording = Wording(
            ru=_INCOMPLETE.say(Language.RU, lines=lines[Language.RU]),
            en=_INCOMPLETE.say(Language.EN, lines=lines[Language.EN]),
        )
        raise BridgeError("consent-incomplete", wording)


def _line(content: Content, language: Language) -> str:
    words = WORDS[content]
    told = {"meaning": words.meaning.say(language), "remedy": words.remedy.say(language)}
    return _MISSING.say(language, content=content, **told)


def _terms(paper: Paper, text: ConsentText) -> ConsentTerms:
    kinds = set(paper.kinds.split())
    if not kinds <= set(RecordKind):
        raise BridgeError("kinds-wrong", _BAD_KINDS, {"known": " ".join(RecordKind)})
    in_force_from, in_force_to = _span(paper.in_force, "--in-force")
    records_from, records_to = _span(paper.records, "--records")
    return ConsentTerms(
        text_version=text.version,
        signed_on=_day(paper.signed, "--signed"),
        in_force_from=in_force_from,
        records_from=records_from,
        in_force_to=in_force_to,
        records_to=records_to,
        kinds=frozenset(map(RecordKind, kinds)) or ALL_KINDS,
        text_digest=text.digest,
    )


def _span(text: str, option: str) -> tuple[date, date | None]:
    first, separator, last = text.partition("/")
    if "/" in last:
        raise BridgeError("span-wrong", _BAD_SPAN, {"option": option})
    return _day(first, option), _day(last, option) if separator and last.strip() else None


def _day(text: str, option: str) -> date:
    day = day_of(text, option)
    if day.year not in _YEARS:  # a slip of the pen, which no register would take
        raise BridgeError("day-wrong", _BAD_YEAR, {"option": option})
    return day


def keep_scan(call: Call, link: NamedCase, file: Path, *, by: str | None) -> ExitStatus:
    """Keep the scan of the consent that was entered last, sealed. Raises BridgeError, as `scans.store_scan` too."""
    settings = call.settings()
    code = settings.school(link.school).code
    content = _content(file)
    told: dict[str, object] = {}

    def deed(connection: Connection, actor: Actor, registry: Recorder) -> CaseEvent | None:
        case = case_of(connection, code, link.student, link.account)
        consents = [] if case is None else of_kind(counting(case.facts), FactKind.CONSENT)
        if case is None or not consents:  # refused, in its own words
            return attach_scan(connection, code, link.student, link.account, scan_ref="", sha256="", actor=actor)
        scan = store_scan(
            connection,
            registry.vault,
            code,
            link.student,
            case.key.case_id,
            content,
            new_id=random_id,
            now=actor.now,
        )
        told.update(media_type=scan.media_type, size=-(-scan.size // _KIBIBYTE), sha256=scan.sha256)
        named = [consents[-1].detail["consent_ref"]]
        scans = of_kind(counting(case.facts), FactKind.SCAN)
        if any((fact.detail["scan_ref"], fact.detail["consents"]) == (scan.scan_ref, named) for fact in scans):
            return None
        return attach_scan(
            connection, code, link.student, link.account, scan_ref=scan.scan_ref, sha256=scan.sha256, actor=actor
        )

    done = carry_out(settings, deed, by=by)
    call.console.say(_SCANNED if done else _SCANNED_ALREADY, **told)
    return ExitStatus.DONE


def _content(file: Path) -> bytes:
    """Read a file, and no more of it than shows that it is too large."""
    content = None
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_SCAN + 1)
    except OSError:
        pass
    if content is None:
        raise BridgeError("scan-unreadable", _NO_FILE, {"file": file})
    return content


def register_consent(call: Call, link: NamedCase, *, by: str | None) -> ExitStatus:
    """Register the consents of a link that are not yet. Raises BridgeError.

    `link-unknown`, `no-consent`, `not-identified`, `two-persons` among others.
    """
    settings = call.settings()
    code = settings.school(link.school).code
    two_persons = settings.consent.two_persons

    def deed(connection: Connection, actor: Actor, _: Recorder) -> CaseEvent:
        return register_consents(connection, code, link.student, link.account, two_persons=two_persons, actor=actor)

    carry_out(settings, deed, by=by)
    call.console.say(_REGISTERED, school=code)
    return ExitStatus.DONE
