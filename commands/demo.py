"""`dnevnik sandbox demo FOLDER`: the main job on three made-up schools, told step by step and left to look at.

Rules. Everything is real but the people: Firebird files, a portal over TLS with client certificates in a process of
its own, the bridge's own commands. What the portal shows is read from the portal's own file, not asked of the
bridge. Made for `make demo`; nothing here is used by a real installation.
"""

import contextlib
import csv
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.table import Table

from commands import audit_log, delivery, registry
from commands.call import Call, utc_now
from commands.console import Console
from commands.init import initialize
from journal.wording import BridgeError, ExitStatus, Wording
from sandbox.authority import ensure_authority
from sandbox.registry import write_register
from sandbox.school import write_school
from sandbox.school.edit import MOSCOW, MarkRef, SchoolEditor

MARKER = ".dnevnik-demo"
MARKS = range(401, 406)
FIVE, FOUR = 405, 404
FEW = 3


@dataclass(frozen=True, slots=True)
class DemoSchool:
    """One of the demo's schools: the numbers of students and weeks, and the seed of its made-up people."""

    code: str
    name: str
    students: int
    weeks: int
    seed: int

    @property
    def file(self) -> str:
        """The name of its database file."""
        return f"school-{self.code}.fdb"


SCHOOLS = (
    DemoSchool("0252", "ГБОУ СОШ № 252", 60, 8, 1),
    DemoSchool("0385", "ГБОУ школа № 385", 45, 8, 2),
    DemoSchool("0590", "ГБОУ гимназия № 590", 30, 8, 3),
)

TOML = """\
# Демонстрация: три вымышленные школы и портал-песочница. A demonstration: three made-up schools, a sandbox portal.
[bridge]
state = "sqlite:///var/bridge.db"
language = "ru"

[portal]
url = "{url}"
client_certificate = "file:portal/keys/bridge-tls.pem"
signing_key = "file:portal/keys/bridge-signing.pem"
authorities = "file:portal/keys/portal-ca.pem"
requests_per_minute = 6000

[audit]
log = "var/audit"
signing_key = "file:keys/audit-ed25519.pem"
master_key = "file:keys/audit-master.key"
"""
SCHOOL_TOML = """
[[school]]
code = "{code}"
name = "{name}"
district = "Красносельский"
source = "file:{file}"
"""

_OCCUPIED = Wording(
    ru="Папка {folder} занята чем-то другим. Укажите пустую или новую.",
    en="The folder {folder} holds something else. Name an empty or a new one.",
)
_NO_PORTAL = Wording(ru="Портал-песочница не запустился: {folder}", en="The sandbox portal did not start: {folder}")
_T_SCHOOLS = Wording(
    ru="1. Три школы в Firebird и портал-песочница", en="1. Three schools in Firebird, a sandbox portal"
)
_T_REGISTER = Wording(ru="2. Реестр: заявления и согласия во всех состояниях", en="2. The register, in every stage")
_T_SYNC = Wording(ru="3. Передача", en="3. The sync")
_T_CHANGES = Wording(
    ru="4. Родитель отзывает согласие, учитель исправляет одну отметку и удаляет другую",
    en="4. A parent withdraws, a teacher corrects one mark and deletes another",
)
_T_AGAIN = Wording(ru="5. Следующая передача", en="5. The next sync")
_T_PORTAL = Wording(ru="6. Что теперь на портале (читаем его собственный файл)", en="6. The portal now (its own file)")
_T_AUDIT = Wording(ru="7. Журнал аудита проверяется", en="7. The audit log is verified")
_T_FORGED = Wording(
    ru="8. В копии журнала изменён один байт: проверка обязана отказать",
    en="8. One byte of a copy was changed: it has to be refused",
)
_NOT_REFUSED = Wording(ru="Подделка не замечена!", en="The forgery was not noticed!")
_WROTE = Wording(ru="{file}: учеников {students}, недель {weeks}", en="{file}: {students} students, {weeks} weeks")
_COUNTS = Wording(
    ru="Школа {school}, один ученик: записей на портале было {before}, стало {after}",
    en="School {school}, one student: records at the portal were {before}, are {after}",
)
_DAY, _SUBJECT = Wording("дата", "date"), Wording("предмет", "subject")
_WAS, _IS = Wording("было", "was"), Wording("стало", "is")
_MORE = Wording("и ещё {count}", "and {count} more")
_LEFT = Wording(
    ru="""
Готово. Всё осталось в {folder}/ — посмотрите:
  {folder}/pages/index.html                 страницы для школ и аудитора
  {dnevnik} report                          последний отчёт
  {dnevnik} audit verify                    проверка журнала
  sqlite3 {folder}/portal/portal.sqlite     что хранит портал
Портал снова: .venv/bin/dnevnik sandbox portal --folder {folder}/portal --port {port}; затем {dnevnik} sync""",
    en="""
Done. All of it stays in {folder}/; look at:
  {folder}/pages/index.html                 pages for the schools and the auditor
  {dnevnik} report                          the last report
  {dnevnik} audit verify                    the log, verified
  sqlite3 {folder}/portal/portal.sqlite     what the portal holds
The portal again: .venv/bin/dnevnik sandbox portal --folder {folder}/portal --port {port}; then {dnevnik} sync""",
)


def demonstrate(console: Console, folder: Path) -> ExitStatus:
    """Run the demonstration in `folder`, which is made anew. Raises BridgeError `demo-folder-occupied`."""
    _clear(folder)
    now = utc_now()
    console.say(_T_SCHOOLS)
    for school in SCHOOLS:
        write_school(
            (folder / school.file).absolute(),
            code=school.code,
            name=school.name,
            students=school.students,
            weeks=school.weeks,
            seed=school.seed,
            first_day=None,
            today=now.astimezone(MOSCOW).date(),
        )
        console.say(_WROTE, file=school.file, students=school.students, weeks=school.weeks)
    with _portal(folder / "portal") as url:
        file = folder / "bridge.toml"
        text = TOML.format(url=url)
        for school in SCHOOLS:
            text += SCHOOL_TOML.format(code=school.code, name=school.name, file=school.file)
        file.write_text(text, encoding="utf-8")
        call = Call(file.absolute(), console)
        status = _main_job(call, folder, now)
    dnevnik = f".venv/bin/dnevnik --config {file}"
    console.say(_LEFT, folder=folder, dnevnik=dnevnik, port=url.split(":")[2].split("/")[0])
    return status


def _main_job(call: Call, folder: Path, now: datetime) -> ExitStatus:
    console = call.console
    initialize(call)
    console.say(_T_REGISTER)
    register = _write_register(folder, now)
    registry.import_file(call, register, dry_run=False)
    console.say(_T_SYNC)
    delivery.sync(call, [], as_document=False, with_prefect=False)
    console.say(_T_CHANGES)
    parent, student = (_choose(folder, register, school) for school in SCHOOLS[:2])
    editor = SchoolEditor((folder / SCHOOLS[1].file).absolute())
    corrected, deleted = _two_marks(folder, student, editor)
    before = [_shown(folder, choice) for choice in (parent, student)]
    registry.withdraw_consent(call, school=parent.school, student=parent.student, account=parent.account, at=None)
    editor.correct_mark(corrected.mark_id, FOUR if corrected.type_id == FIVE else FIVE, at=now)
    editor.delete_mark(deleted.mark_id)
    console.say(_T_AGAIN)
    delivery.sync(call, [], as_document=False, with_prefect=False)
    console.say(_T_PORTAL)
    after = [_shown(folder, choice) for choice in (parent, student)]
    console.draw(_differences(console, before[0], after[0], parent))
    console.draw(_differences(console, before[1], after[1], student))
    delivery.report(call, [], as_document=False, pages=folder / "pages")
    console.say(_T_AUDIT)
    audit_log.verify(call, None, key=None)
    console.say(_T_FORGED)
    return _forge(call, folder)


@dataclass(frozen=True, slots=True)
class _Choice:
    """A parent whose link is open, the student, and under what name the portal knows the student."""

    school: str
    account: str
    student: str
    student_ref: str


Shown = dict[str, tuple[str, str, str]]
"""What the portal shows: record id → date, subject, value."""


def _write_register(folder: Path, now: datetime) -> Path:
    """Write one register of all three schools."""
    whole = folder / "register.csv"
    lines: list[str] = []
    for school in SCHOOLS:
        part = folder / f"register-{school.code}.csv"
        write_register(
            part,
            (folder / school.file).absolute(),
            code=school.code,
            seed=school.seed,
            today=now.astimezone(MOSCOW).date(),
        )
        head, *rows = part.read_text(encoding="utf-8-sig").splitlines()
        lines += rows if lines else [head, *rows]
        part.unlink()
    whole.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return whole


def _portal_rows(folder: Path, query: str, *parameters: str) -> list[tuple[str, ...]]:
    """Read the portal's own file."""
    with contextlib.closing(sqlite3.connect(folder / "portal" / "portal.sqlite")) as connection:
        return connection.execute(query, parameters).fetchall()


def _choose(folder: Path, register: Path, school: DemoSchool) -> _Choice:
    """Return the parent of the student with the most records, of those who are the only one for this student."""
    with register.open(encoding="utf-8", newline="") as file:
        named = {
            (row["school"], row["account_id"]): row["student_id"]
            for row in csv.DictReader(file, delimiter=";")
            if row["student_id"]
        }
    query = (
        "SELECT MIN(link.account_id), link.student_ref FROM link JOIN holding USING (school, student_ref) "
        "WHERE link.school = ? AND link.active = 1 AND holding.withdrawn = 0 AND holding.kind = 'current' "
        "GROUP BY link.student_ref HAVING COUNT(DISTINCT link.account_id) = 1 ORDER BY COUNT(*) DESC"
    )
    open_links = _portal_rows(folder, query, school.code)
    return next(
        _Choice(school.code, account, named[school.code, account], student_ref)
        for account, student_ref in open_links
        if (school.code, account) in named
    )


def _two_marks(folder: Path, student: _Choice, editor: SchoolEditor) -> list[MarkRef]:
    """Return two marks of a student that the portal shows, each the only one of its day."""
    query = (
        "SELECT date FROM holding WHERE school = ? AND student_ref = ? AND withdrawn = 0 AND kind = 'current' "
        "GROUP BY date HAVING COUNT(*) = 1"
    )
    days = {day for (day,) in _portal_rows(folder, query, student.school, student.student_ref)}
    marks = [mark for mark in editor.marks(int(student.student)) if mark.type_id in MARKS]
    return [mark for mark in marks if mark.lesson_date.isoformat() in days][:2]


def _shown(folder: Path, choice: _Choice) -> Shown:
    query = "SELECT record_id, date, subject, value FROM holding WHERE school = ? AND student_ref = ? AND withdrawn = 0"
    rows = _portal_rows(folder, query, choice.school, choice.student_ref)
    return {record: (day, subject, value) for record, day, subject, value in rows}


def _differences(console: Console, before: Shown, after: Shown, choice: _Choice) -> Table:
    """Return a table of what the portal shows otherwise than before of one student."""
    gone = [record for record in before if record not in after]
    other = [record for record in after if record in before and before[record] != after[record]]
    counts = _COUNTS.say(console.language, school=choice.school, before=len(before), after=len(after))
    table = Table(title=counts, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in (_DAY, _SUBJECT, _WAS, _IS):
        table.add_column(heading.say(console.language))
    for record in other:
        table.add_row(*before[record], after[record][2])
    for record in gone[:FEW]:
        table.add_row(*before[record], "—")
    if len(gone) > FEW:
        table.add_row("…", _MORE.say(console.language, count=len(gone) - FEW), "", "—")
    return table


def _forge(call: Call, folder: Path) -> ExitStatus:
    """Change one byte in a copy of the log and have it verified; the demo has failed if nobody notices."""
    copy = folder / "forged-audit"
    shutil.copytree(folder / "var" / "audit", copy)
    bundle = next(path for path in sorted((copy / "tile" / "entries").rglob("*")) if path.is_file())
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    if audit_log.verify(call, str(copy), key=None) is not ExitStatus.NOT_DONE:
        call.console.say(_NOT_REFUSED)
        return ExitStatus.NOT_DONE
    return ExitStatus.DONE


def _clear(folder: Path) -> None:
    """Empty a former demo's folder; anything else is left alone."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).exists():
            raise BridgeError("demo-folder-occupied", _OCCUPIED, {"folder": folder})
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()


@contextlib.contextmanager
def _portal(folder: Path) -> Iterator[str]:
    """Run the sandbox portal in a process of its own; yields its URL."""
    ensure_authority(folder / "keys")
    command = [sys.executable, "-m", "sandbox.portal", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own program
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise BridgeError("demo-portal", _NO_PORTAL, {"folder": folder})
            yield url
        finally:
            process.terminate()
