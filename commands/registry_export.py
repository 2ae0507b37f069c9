"""`dnevnik registry export`: the registry as a register file, with names, for whoever may see them.

Rules. The file is readable by its owner alone (0600), stands there whole or not at all, and never takes another's
place unasked. That names left the registry stands in the audit log before the file is written. What the form can't
say is told (`consent_registry.register.export`).
"""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import Connection

from audit.entry import ConsentEvent
from commands.application_desk import looked_at
from commands.call import Call, utc_now
from commands.recording import recorder
from commands.written_file import refuse_existing, write_whole
from consent_registry.fact_store import registry_now
from consent_registry.register.export import RegisterExport, as_csv, as_xlsx, export_register
from journal.wording import BridgeError, ExitStatus, Wording

_WRITERS = {".csv": as_csv, ".xlsx": as_xlsx}

_EXPORTED = Wording(
    ru="Реестр записан: {file}, строк {rows}. В нём имена: храните его как личное дело, удалите, когда не нужен",
    en="The register is written: {file}, {rows} rows. It has names: keep it like a personal file, delete it when done",
)
_DESTROYED = Wording(
    ru="Связей без строки: {count}, данные их учеников уничтожены",
    en="Links without a row: {count}, the data of their students were destroyed",
)
_ENDED = Wording(
    ru="Прекращённых связей: {count}. Столбца для этого в реестре нет: они записаны как отозванные",
    en="Ended links: {count}. A register has no column for that: they are written as withdrawn",
)
_RESTRICTIONS = Wording(
    ru="Ограничений сверх одного на связь: {count}, в реестре для них нет столбцов",
    en="Restrictions beyond one a link: {count}, a register has no columns for them",
)
_FORMULAS = Wording(
    ru="Полей, похожих на формулы (начинаются с = + - @): {count}. Не открывайте этот CSV в Excel: для Excel "
    "выгрузите .xlsx",
    en="Fields that look like formulas (they begin with = + - @): {count}. Don't open this CSV in a spreadsheet: "
    "export .xlsx for that",
)
_BAD_NAME = Wording(
    ru="{file}: имя файла должно кончаться на .csv или .xlsx", en="{file}: the file's name must end in .csv or .xlsx"
)


def export_file(call: Call, file: Path, schools: Sequence[str], *, force: bool) -> ExitStatus:
    """Write the registry as a register file. Raises BridgeError; then there is no new file."""
    settings = call.settings()
    chosen = settings.chosen(schools)
    write = _WRITERS.get(file.suffix.lower())
    if write is None:
        raise BridgeError("export-name-wrong", _BAD_NAME, {"file": file})
    refuse_existing(file, force=force)
    now = utc_now()
    with recorder(settings) as registry:

        def work(connection: Connection) -> tuple[tuple[RegisterExport, bytes], Sequence[ConsentEvent]]:
            whole = RegisterExport()
            for school in chosen:
                whole += export_register(
                    connection,
                    school.code,
                    vault=registry.vault,
                    now=registry_now(connection, school.code, now),
                    timezone=settings.bridge.timezone,
                )
            told = [looked_at(school.code, "registry", "exported", registry, now) for school in chosen]
            return (whole, write(whole.rows)), told

        exported, content = registry.record(work)
    write_whole(file, content, force=force)
    call.console.say(_EXPORTED, file=file, rows=len(exported.rows))
    formulas = exported.formulas if write is as_csv else 0
    for wording, count in (
        (_DESTROYED, exported.destroyed),
        (_ENDED, exported.ended),
        (_RESTRICTIONS, exported.restrictions),
        (_FORMULAS, formulas),
    ):
        if count:
            call.console.note(wording.say(call.console.language, count=count))
    return ExitStatus.DONE
