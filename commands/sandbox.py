"""`dnevnik sandbox …`: a made-up school, its made-up register, and a portal that behaves (or doesn't).

Rules. Nothing here touches an installation's own data: no configuration file is needed, and none is read.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import sandbox.school
from commands.call import Call, utc_now
from journal.wording import BridgeError, ExitStatus, Wording
from sandbox.portal.__main__ import run
from sandbox.portal.misbehaviour import FaultKind, queue_fault
from sandbox.portal.store import connect, create_store
from sandbox.registry import write_register

MOSCOW = ZoneInfo("Europe/Moscow")

_FILLING = Wording(ru="Наполнение школы {code}", en="Filling school {code}")
_SCHOOL = Wording(
    ru="{file}: школа {code} готова, уроки с {first} по {last}, строк {rows}: {counts}",
    en="{file}: the school {code} is ready, lessons from {first} to {last}, rows {rows}: {counts}",
)
_REGISTER = Wording(
    ru="{file}: реестр школы {code} записан: {stages}", en="{file}: the register of school {code} is written: {stages}"
)
_FAULT = Wording(ru="Сбой поставлен в очередь: {kind}", en="The fault is queued: {kind}")
_WRONG_FAULT = Wording(
    ru="Сбой {kind} с аргументом «{argument}» невозможен. Сбои: {known}",
    en="The fault {kind} with the argument “{argument}” is impossible. Faults: {known}",
)


def write_school(call: Call, file: Path, *, code: str, name: str, students: int, weeks: int, seed: int) -> ExitStatus:
    """Write a Firebird database with a made-up school. Raises BridgeError `sandbox-file-exists` among others."""
    with call.console.waiting(_FILLING, code=code) as waiting:
        summary = sandbox.school.write_school(
            file.absolute(),
            code=code,
            name=name,
            students=students,
            weeks=weeks,
            seed=seed,
            first_day=None,
            today=utc_now().astimezone(MOSCOW).date(),
            progress=lambda done, total: waiting.tell("", done, total),
        )
    call.console.say(
        _SCHOOL,
        file=file,
        code=code,
        first=summary.first_day,
        last=summary.last_day,
        rows=summary.rows,
        counts=", ".join(f"{table} {count}" for table, count in summary.counts.items()),
    )
    return ExitStatus.DONE


def write_register_of(call: Call, file: Path, school: Path, *, code: str, seed: int) -> ExitStatus:
    """Write a register of invented parents for a made-up school. Raises BridgeError `sandbox-school-unusable`."""
    summary = write_register(file, school.absolute(), code=code, seed=seed, today=utc_now().astimezone(MOSCOW).date())
    stages = ", ".join(f"{stage} {count}" for stage, count in summary.stages.items())
    call.console.say(_REGISTER, file=file, code=code, stages=stages)
    return ExitStatus.DONE


def serve_portal(folder: Path, *, host: str, port: int, schools: Sequence[str]) -> ExitStatus:
    """Serve diary-exchange-1 until a signal comes; writes the URL when the portal is ready."""
    run(folder, host, port, schools or None)
    return ExitStatus.DONE


def misbehave(call: Call, folder: Path, kind: str, *, operation: str, times: int, argument: str | None) -> ExitStatus:
    """Let the portal in `folder` misbehave, running or not; `times` 0: until cleared. Raises BridgeError."""
    queued = True
    with contextlib.closing(connect(create_store(folder))) as connection:
        try:
            queue_fault(connection, kind, operation=operation, times=times or None, argument=argument)
        except ValueError:
            queued = False
    if not queued:
        known = " ".join(FaultKind)
        raise BridgeError("fault-wrong", _WRONG_FAULT, {"kind": kind, "argument": argument or "", "known": known})
    call.console.say(_FAULT, kind=kind)
    return ExitStatus.DONE
