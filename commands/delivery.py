"""`plan`, `sync`, `sweep`, `reconcile`, `report`: the schools' runs, and what came of them.

Rules. A school fails alone: its line says why, the others go on. The exit status is the balances' (`delivery.balance`).
That witnesses are too few is said on stderr while it is borne; later it is each school's failure.
`sync` runs the same flow as the schedule does: by Prefect's engine where a Prefect server is named (PREFECT_API_URL)
or asked for, else by threads (docs/adr/prefect-only-starts-work.md); what Prefect could not run is run without it,
for what was sent is known by the bridge's database alone. `--json` writes one JSON document on stdout and nothing else.
`plan --out` writes what a sync would do into a file, `sync --plan` does exactly that, school by school, or refuses; it
runs by threads alone, for Prefect is told school codes and nothing else.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import database
from commands.call import Call, utc_now
from commands.console import Waiting
from commands.opening import open_bridge, open_state
from commands.report_pages import write_report
from commands.scheduler import run_sync
from delivery.balance import SchoolBalance, overall_status
from delivery.plan_file import PlanFile, SchoolPlan, read_plan, refuse_other_file, write_plan
from delivery.runs import last_balances
from flows import steps
from flows.assembly import software
from flows.bridge import Bridge
from flows.order import Step, run_in_threads
from flows.progress import Progress
from flows.reconciling import reconcile_school
from journal.wording import BridgeError, ExitStatus, Language, Wording
from reports.machine import as_json
from reports.reasons import catalogue
from reports.terminal import table
from settings import SchoolSection

_PLANNING = Wording(ru="Расчёт", en="Planning")
_SYNCING = Wording(ru="Передача", en="Syncing")
_SWEEPING = Wording(ru="Отзыв утративших основание", en="Taking back")
_RECONCILING = Wording(ru="Сверка с порталом", en="Reconciling")
_STEPS = {
    "recover": Wording(ru="незаконченное", en="unfinished"),
    "read": Wording(ru="чтение журнала", en="reading"),
    "decide": Wording(ru="проверка согласий", en="deciding"),
    "holdings": Wording(ru="записи портала", en="holdings"),
    "send": Wording(ru="отправка", en="sending"),
    "done": Wording(ru="готово", en="done"),
}
_NO_REPORT = Wording(
    ru="Отчёта ещё нет: ни одна школа не передавала данных. Выполните: dnevnik sync",
    en="There is no report yet: no school was synced. Do: dnevnik sync",
)
_WRITTEN = Wording(
    ru="План записан: {file} (школ {schools}, действий {acts}, отпечаток {digest}). Исполнить: "
    "dnevnik sync --plan {file}",
    en="The plan is written: {file} ({schools} schools, {acts} acts, digest {digest}). To carry it out: "
    "dnevnik sync --plan {file}",
)
_NOT_PLANNED = Wording(
    ru="План не записан: ни одну школу не удалось прочитать", en="The plan is not written: no school could be read"
)
_NOTHING_TO_TAKE_BACK = Wording(
    ru="Отзывать нечего, школ: {schools}. Где сейчас идёт передача, она отзывает сама",
    en="Nothing to take back, schools: {schools}. Where a sync is under way, it takes back itself",
)
DIGEST_SHOWN = 12


def plan(
    call: Call, schools: Sequence[str], *, as_document: bool, out: Path | None = None, full: bool = False
) -> ExitStatus:
    """Say what a sync would do; sends nothing. `out`: write it, so that it can be carried out just so.

    `full`: read all journals; a plan that is written is always made so.

    Raises BridgeError `plan-name-taken`, `plan-not-written`. A school that can't be planned is not in the file.
    """
    if out is None:
        return _run(call, schools, partial(steps.plan_school, full=full), _PLANNING, as_document=as_document)
    codes = [school.code for school in call.settings().chosen(schools)]
    refuse_other_file(out)
    made_at = utc_now()
    written: dict[str, SchoolPlan] = {}

    def keep(one: SchoolPlan) -> None:
        written[one.school] = one

    ended = _run(call, schools, partial(steps.plan_school, write=keep, full=True), _PLANNING, as_document=as_document)
    whole = PlanFile(made_at, software(), tuple(written[code] for code in codes if code in written))
    if not whole.schools:
        call.console.note(_NOT_PLANNED.say(call.console.language))
        return ended
    write_plan(out, whole)
    told = {
        "file": out,
        "schools": len(whole.schools),
        "acts": sum(len(one.acts) for one in whole.schools),
        "digest": whole.digest[:DIGEST_SHOWN],
    }
    call.console.note(_WRITTEN.say(call.console.language, **told))
    return ended


def sweep(call: Call, schools: Sequence[str], *, as_document: bool) -> ExitStatus:
    """Take back what lost its ground, without reading the schools; those with nothing to do are told in a sentence."""
    balances = _balances(call, schools, steps.sweep_school, _SWEEPING)
    if as_document:
        return _tell(call, balances, as_document=True)
    told = [one for one in balances if one.failure or one.held or one.withdrawn or one.links_ended or one.links_put]
    if told:
        _tell(call, told, as_document=False)
    if len(told) < len(balances):
        call.console.say(_NOTHING_TO_TAKE_BACK, schools=len(balances) - len(told))
    return overall_status(balances)


def reconcile(call: Call, schools: Sequence[str], *, as_document: bool) -> ExitStatus:
    """Hold the portal's holdings against the ledger, and mend."""
    return _run(call, schools, reconcile_school, _RECONCILING, as_document=as_document)


def sync(
    call: Call, schools: Sequence[str], *, as_document: bool, with_prefect: bool, full: bool = False
) -> ExitStatus:
    """Bring the portal to what it should hold, as a Prefect flow or by its steps alone; `full`: read all journals."""
    settings = call.settings()
    chosen = settings.chosen(schools)
    bridge = open_bridge(settings)
    with call.console.waiting(_SYNCING) as waiting:
        progress = _progress(waiting, call.console.language, len(chosen))
        codes = [school.code for school in chosen]
        balances = run_sync(codes, settings, progress, full=full) if with_prefect else []
        done = {balance.school for balance in balances}
        rest = [code for code in codes if code not in done]
        balances += run_in_threads(bridge, rest, partial(steps.sync_school, full=full), progress)
    _tell_shortage(call, bridge)
    return _tell(call, _in_order(balances, chosen), as_document=as_document)


def sync_planned(call: Call, schools: Sequence[str], file: Path, *, as_document: bool) -> ExitStatus:
    """Do exactly what a written plan says, of these of its schools (none named: all).

    A school whose plan does not fit the world any more is refused alone, by `plan-outdated`, and nothing of it is sent.
    Raises BridgeError `plan-unreadable`, `plan-altered`, `plan-without-school`, `school-unknown`.
    """
    settings = call.settings()
    planned = {
        one.school: one for one in read_plan(file).chosen(file, [settings.school(code).code for code in schools])
    }
    chosen = settings.chosen(list(planned))

    def carry_out(bridge: Bridge, code: str, progress: Progress) -> SchoolBalance:
        return steps.sync_school(bridge, code, progress, only=planned[code])

    return _run(call, [school.code for school in chosen], carry_out, _SYNCING, as_document=as_document)


def report(call: Call, schools: Sequence[str], *, as_document: bool, pages: Path | None) -> ExitStatus:
    """Show what came of each school's newest run. Raises BridgeError `no-report` when there was none."""
    settings = call.settings()
    chosen = settings.chosen(schools)
    engine = open_state(settings)
    with database.reading(engine) as connection:
        balances = last_balances(connection, [school.code for school in chosen])
    if not balances:
        raise BridgeError("no-report", _NO_REPORT)
    if pages is not None:
        call.console.note(str(write_report(settings, engine, balances, pages, utc_now())))
    engine.dispose()
    if as_document or pages is None:
        _show(call, balances, as_document=as_document)
    return ExitStatus.DONE


def _run(call: Call, schools: Sequence[str], step: Step, title: Wording, *, as_document: bool) -> ExitStatus:
    return _tell(call, _balances(call, schools, step, title), as_document=as_document)


def _balances(call: Call, schools: Sequence[str], step: Step, title: Wording) -> list[SchoolBalance]:
    settings = call.settings()
    chosen = settings.chosen(schools)
    bridge = open_bridge(settings)
    with call.console.waiting(title) as waiting:
        progress = _progress(waiting, call.console.language, len(chosen))
        balances = run_in_threads(bridge, [school.code for school in chosen], step, progress)
    _tell_shortage(call, bridge)
    return balances


def _tell_shortage(call: Call, bridge: Bridge) -> None:
    """Say on stderr that witnesses are too few, while it is still borne: after it each school's failure says so."""
    short = None if bridge.witnessing is None else bridge.witnessing.shortage()
    if short is not None:
        call.console.note(short.say(call.console.language))


def _progress(waiting: Waiting, language: Language, schools: int) -> Progress:
    """Return what a step calls: shows the school and the step, and how many schools are done."""
    done: set[str] = set()

    def progress(school: str, step: str) -> None:
        if step == "done":
            done.add(school)
        waiting.tell(f"{school} {_STEPS[step].say(language) if step in _STEPS else step}", len(done), schools)

    return progress


def _in_order(balances: Sequence[SchoolBalance], chosen: Sequence[SchoolSection]) -> list[SchoolBalance]:
    by_code = {balance.school: balance for balance in balances}
    return [by_code[school.code] for school in chosen]


def _tell(call: Call, balances: Sequence[SchoolBalance], *, as_document: bool) -> ExitStatus:
    """Show the balances, and on stderr a line for each school whose run was not done."""
    _show(call, balances, as_document=as_document)
    for balance in balances:
        if balance.failure is not None and as_document:
            call.console.note(f"{balance.school}: {balance.failure.wording.say(call.console.language)}")
    return overall_status(balances)


def _show(call: Call, balances: Sequence[SchoolBalance], *, as_document: bool) -> None:
    if as_document:
        call.console.result(json.dumps(as_json(balances), ensure_ascii=False, indent=2))
    else:
        call.console.draw(table(balances, call.console.language, catalogue()))
