"""`dnevnik erase STUDENT | due | list`: a student's data are destroyed, and that they were is put on paper.

Rules. `erase STUDENT` refuses with all that stands in the way; `--dry-run` only says what there is. `erase due` lists
whose ground is gone and by when the law wants the data destroyed; with `--confirm` it carries out what is due within
`--within` days and says what waits for something else. Each first finishes what an earlier call began. What the bridge
cannot reach is said each time: backups, files that people made. Deliberately not here: the order (`erasing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

import database
from commands.call import Call, utc_now
from commands.console import Console
from commands.erasing import DONE, WRITTEN, Boundary, Ordered, begin, carry_on, find_obstacles, refusal, unfinished
from commands.erasure_papers import papers_of
from commands.recording import Recorder, recorder
from consent_registry.sealed.erasure_rules import MEANINGS, Why
from consent_registry.sealed.key_file import KeyFile
from consent_registry.tables import ERASURE
from delivery.erasing import FROM_LOG
from delivery.erasing_due import Due, due
from journal.wording import BridgeError, ExitStatus, Wording
from reports.forms.destruction import keep_until
from settings import Settings

SOON = 7
"""Days before the last one in which `erase due --confirm` carries an erasure out."""

_WHY_WRONG = Wording(
    ru="--why: нужно withdrawal (отзыв), term (срок или конец связи) или order (предписание)",
    en="--why: withdrawal, term or order is needed",
)
_NO_BY = Wording(
    ru="--by: назовите того, кто уничтожает данные (фамилия, имя, отчество): его имя стоит в акте",
    en="--by: name who destroys the data: the act bears the name",
)
_WOULD = Wording(
    ru="Ученик {student}: связей {cases}, заявлений {applications}. Ничто не мешает; ничего не изменено",
    en="Student {student}: links {cases}, applications {applications}. Nothing stands in the way; nothing was changed",
)
_ERASED = Wording(
    ru="Данные ученика {student} уничтожены. Номер в журнале аудита и на акте: {number}",
    en="The data of student {student} were destroyed. Number in the audit log and on the act: {number}",
)
_PAPER = Wording(
    ru="Записано: {file}. В нём имена: напечатайте, подпишите, храните в архиве школы до {until}",
    en="Written: {file}. It has names: print it, sign it, keep it in the school's archive until {until}",
)
_BEYOND = Wording(
    ru="Мост не достаёт: реестр-файлы, выгрузки, бланки и планы, сохранённые людьми; журнал самой школы; резервные "
    "копии базы. Уберите ученика из реестр-файла. Копию, которую восстановят, мост очистит сам, при открытии",
    en="Out of the bridge's reach: registers, exports, forms and plans that people saved; the school's own journal; "
    "backups of the database. Take the student out of the register file. A backup that is put back is cleaned by the "
    "bridge itself when it opens it",
)
_OLD_KEY = Wording(
    ru="{file}: прежний главный ключ. Он открывает старые копии базы, где ещё есть ключ ученика: уничтожьте его вместе "
    "с этими копиями",
    en="{file}: a former master key. It opens old backups, which still have the student's key: destroy it with them",
)
_DUE = Wording(
    ru="{school} {student}: основания нет с {since} ({why}), уничтожить по {due_on}{state}",
    en="{school} {student}: without ground since {since} ({why}), destroy by {due_on}{state}",
)
_OVERDUE = Wording(ru=" — СРОК ПРОШЁЛ", en=" — OVERDUE")
_NOTHING_DUE = Wording(ru="Уничтожать нечего", en="There is nothing to destroy")
_CONFIRM = Wording(
    ru="Чтобы уничтожить то, чей срок настаёт: dnevnik erase due --confirm --by ИМЯ",
    en="To destroy what is about to be due: dnevnik erase due --confirm --by NAME",
)
_WAITS = Wording(ru="{school} {student}: ждёт: {reasons}", en="{school} {student}: waits: {reasons}")
_FINISHED = Wording(
    ru="Закончено начатое раньше: уничтожений {count}", en="Finished what was begun earlier: erasures {count}"
)
_NOTHING_LEFT = Wording(
    ru="Об ученике {student} больше ничего не хранится. Если раньше было начато уничтожение его данных, теперь оно "
    "закончено, делать больше нечего; если нет, проверьте номер ученика",
    en="Nothing is kept of student {student} any more. If it was this student's erasure that was begun earlier, it is "
    "finished now and nothing more is to be done; if not, check the student's id",
)
_STANDS_STILL = Wording(
    ru="  не закончено. Выполните: dnevnik erase due",
    en="  not finished. Do: dnevnik erase due",
)
_LISTED = Wording(
    ru="{number} {school}: {why}, {at}, состояние {state}; бумаги хранить до {until}",
    en="{number} {school}: {why}, {at}, state {state}; keep the papers until {until}",
)
_PAPERS = Wording(ru="  бумаги: {folder}: {files}", en="  papers: {folder}: {files}")
_PAPERS_AWAY = Wording(
    ru="  бумаги: в папке acts их нет: они в архиве школы или в папке, названной при уничтожении (--out); ищите файлы "
    "с номером {number}",
    en="  papers: not in the folder acts: they are in the school's archive or in the folder named then (--out); look "
    "for files with the number {number}",
)
_PAPERS_LOST = Wording(
    ru="  бумаги: эта база восстановлена из копии, уничтожение известно ей из журнала аудита, а где бумаги, она не "
    "знает. Найдите в архиве школы или среди файлов акт с номером {number}. Если его нет, заново он не составляется: "
    "имён здесь больше нет; составьте акт вручную по записи журнала с этим номером (приказ № 179, пункт 3)",
    en="  papers: this database was put back and knows the erasure from the audit log; where its papers are, it "
    "doesn't know. Look in the school's archive or among files for the act with the number {number}. Where there is "
    "none, it can't be made again, for no names are kept here: write it by hand after the log's entry of that number "
    "(order 179, point 3)",
)


@dataclass(frozen=True, slots=True)
class Hand:
    """Who carries out, and with what: name, position, the order's words, the folder of the papers."""

    by: str | None = None
    position: str = ""
    document: str = ""
    folder: str = ""


def erase(
    call: Call, school: str, student: str, why: str, hand: Hand, *, dry_run: bool, boundary: Boundary = lambda _: None
) -> ExitStatus:
    """Destroy a student's data. Raises BridgeError `erasure-…`, `school-unknown`, `school-busy`, `act-not-written`."""
    settings = call.settings()
    code = settings.school(school).code
    if why not in set(Why):
        raise BridgeError("erasure-why", _WHY_WRONG)
    ordered = _ordered(code, student, Why(why), hand, dry_run=dry_run)
    with recorder(settings) as registry:
        finished = _finish_earlier(call.console, registry, boundary)
        found, blocked = find_obstacles(registry, ordered, utc_now())
        if finished and not found.standing.kept:
            call.console.say(_NOTHING_LEFT, student=student)
            return ExitStatus.DONE
        if dry_run:
            if blocked:
                raise refusal(code, student, blocked)
            held = found.held
            call.console.say(_WOULD, student=student, cases=len(held.cases), applications=len(held.applications))
            return ExitStatus.DONE
        number = begin(registry, ordered, boundary)
        papers = carry_on(registry, [number], boundary)
    call.console.say(_ERASED, student=student, number=number)
    _say_papers(call.console, settings, papers)
    return ExitStatus.DONE


def erase_due(call: Call, schools: Sequence[str], hand: Hand, *, confirm: bool, within: int = SOON) -> ExitStatus:
    """Say what is due, and with `confirm` carry it out; status 1 where something overdue had to wait."""
    settings = call.settings()
    codes = [settings.school(code).code for code in schools] or [school.code for school in settings.schools]
    with recorder(settings) as registry:
        _finish_earlier(call.console, registry, lambda _: None)
        found = [(code, one) for code in codes for one in _due(registry, code, utc_now())]
        today = utc_now().astimezone(settings.bridge.timezone).date()
        for code, one in found:
            state = _OVERDUE.say(call.console.language) if one.due_on < today else ""
            told = {"since": one.since, "why": one.why, "due_on": one.due_on, "state": state}
            call.console.say(_DUE, school=code, student=one.student, **told)
        if not found:
            call.console.say(_NOTHING_DUE)
        elif not confirm:
            call.console.say(_CONFIRM)
        if not confirm:
            return ExitStatus.DONE
        soon = [(code, one) for code, one in found if one.due_on <= today + timedelta(days=within)]
        papers, waiting = _carry_out(call.console, registry, soon, hand)
    if papers:
        _say_papers(call.console, settings, papers)
    return ExitStatus.DONE_WITH_EXCEPTIONS if waiting else ExitStatus.DONE


def list_erasures(call: Call) -> ExitStatus:
    """List what was erased, by number, until when the papers have to be kept, and where they are.

    What a database that was put back lacks stands in the audit log, and is listed from there.
    """
    settings = call.settings()
    with recorder(settings) as registry, database.reading(registry.engine) as connection:
        for row in connection.execute(sa.select(ERASURE).order_by(ERASURE.c.begun_at)):
            at = (row.destroyed_at or row.begun_at).astimezone(settings.bridge.timezone)
            told = {"school": row.school, "why": row.why, "at": at.isoformat(timespec="seconds"), "state": row.state}
            call.console.say(_LISTED, number=row.erasure_id, until=keep_until(at), **told)
            papers = papers_of(registry, row.erasure_id)
            if papers:
                call.console.say(_PAPERS, folder=papers[0].parent, files=", ".join(paper.name for paper in papers))
            elif row.state == FROM_LOG:
                call.console.say(_PAPERS_LOST, number=row.erasure_id)
            elif row.state in {WRITTEN, DONE}:
                call.console.say(_PAPERS_AWAY, number=row.erasure_id)
            if row.state not in {DONE, FROM_LOG}:
                call.console.say(_STANDS_STILL)
    return ExitStatus.DONE


def _ordered(school: str, student: str, why: Why, hand: Hand, *, dry_run: bool = False) -> Ordered:
    by = (hand.by or "").strip()
    if not by and not dry_run:
        raise BridgeError("erasure-by", _NO_BY)
    return Ordered(school, student, why, by, hand.position, hand.document, hand.folder)


def _finish_earlier(console: Console, registry: Recorder, boundary: Boundary) -> bool:
    """Finish what earlier calls began; tells whether there was anything."""
    left = unfinished(registry)
    if left:
        papers = carry_on(registry, left, boundary)
        console.say(_FINISHED, count=len(left))
        _say_papers(console, registry.settings, papers)
    return bool(left)


def _due(registry: Recorder, code: str, now: datetime) -> list[Due]:
    settings = registry.settings
    days, zone = settings.consent.destroy_days, settings.bridge.timezone
    with database.reading(registry.engine) as connection:
        return due(connection, registry.vault, code, now=now, timezone=zone, destroy_days=days)


def _carry_out(
    console: Console, registry: Recorder, found: Sequence[tuple[str, Due]], hand: Hand
) -> tuple[list[str], int]:
    """Erase what nothing stands in the way of; returns the papers, and how many had to wait."""
    numbers, waiting = [], 0
    for code, one in found:
        ordered = _ordered(code, one.student, one.why, hand)
        _, blocked = find_obstacles(registry, ordered, utc_now())
        if blocked:
            waiting += 1
            reasons = "; ".join(MEANINGS[each].say(console.language, school=code) for each in blocked)
            console.note(_WAITS.say(console.language, school=code, student=one.student, reasons=reasons))
            continue
        numbers.append(begin(registry, ordered))
        console.say(_ERASED, student=one.student, number=numbers[-1])
    return carry_on(registry, numbers), waiting


def _say_papers(console: Console, settings: Settings, papers: Sequence[str]) -> None:
    until = keep_until(utc_now().astimezone(settings.bridge.timezone))
    for paper in papers:
        console.say(_PAPER, file=paper, until=until)
    console.say(_BEYOND)
    path = settings.audit.master_key.path
    if path is not None:
        for old in sorted(KeyFile(path.resolve()).path.parent.glob(f"{path.name}.*.old")):
            console.say(_OLD_KEY, file=old)
