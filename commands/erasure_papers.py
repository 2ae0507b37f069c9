"""What the papers of an erasure say, where they go, and how that is kept until they are written.

Rules. Who the act names is known only before the data are destroyed, so it is kept, sealed under the installation's
key and the erasure's number, until the files are durable; then it goes, and the bridge holds no name of who was
erased. The files are their owner's alone (0600), to be printed, signed and kept in the school's archive for three
years: why not in the bridge: docs/adr/acts-of-destruction-leave-the-bridge.md.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Row

from audit.durable_files import put_file
from commands.recording import Recorder
from consent_registry.sealed.erasure import Belongings
from consent_registry.sealed.erasure_rules import Why
from consent_registry.sealed.vault import Vault
from journal.wording import BridgeError, Wording
from reports.forms.destruction import Destruction, LoggedEvent, act_csv, act_pdf, export_csv
from reports.forms.words import day

FOLDER = "acts"
"""Beside the installation's file, where no other folder is named."""

_PURPOSE = "erasure"
_NOT_WRITTEN = Wording(
    ru="{folder}: акт об уничтожении не записать ({reason}). Данные уже уничтожены, сведения для акта сохранены. Дайте "
    "право записи и выполните: dnevnik erase due",
    en="{folder}: the act of destruction can't be written ({reason}). The data are destroyed, what the act says is "
    "kept. Allow writing there, then do: dnevnik erase due",
)
_REASONS = {
    Why.WITHDRAWAL: "отзыв согласия на обработку персональных данных (часть 5 статьи 21 Федерального закона "
    "от 27.07.2006 № 152-ФЗ)",
    Why.TERM: "прекращение основания: истёк срок согласия или прекращена связь (часть 4 статьи 21 Федерального закона "
    "от 27.07.2006 № 152-ФЗ)",
    Why.ORDER: "решение или предписание уполномоченного органа",
}
_EVENTS = {
    "keys": "ключ шифрования данных уничтожен",
    "scans": "сканы согласий удалены",
    "facts": "сведения о согласиях удалены",
    "requests": "обращения удалены",
    "steps": "сведения о ходе заявлений удалены",
    "reports": "сообщения порталу о заявлениях удалены",
    "applications": "заявления удалены",
    "cases": "связи ученика с учётными записями удалены",
    "records": "учёт переданных записей журнала удалён",
    "links": "учёт доступа на портале удалён",
    "references": "условный номер ученика удалён",
}


@dataclass(frozen=True, slots=True, repr=False)
class _Kept:
    """What is kept sealed from the beginning of an erasure to its papers."""

    subjects: list[str]
    categories: list[str]
    by: str
    position: str
    document: str
    folder: str


def sealed_papers(vault: Vault, number: str, held: Belongings, ordered: Mapping[str, str]) -> bytes:
    """Return what the papers will say of people, sealed for this erasure."""
    kept = {"subjects": _subjects(held), "categories": _categories(held), **ordered}
    return vault.seal_for(_PURPOSE, json.dumps(kept, ensure_ascii=False).encode(), place=number)


def forget_papers() -> dict[str, object]:
    """Return the values by which a row forgets what its papers said."""
    return {"sealed": None, "marks": []}


def write_papers(registry: Recorder, row: Row[Any]) -> list[str]:
    """Write the act and the export; returns their paths. Written again they take their own place.

    Raises BridgeError `act-not-written`, `forms-unavailable`, `act-too-long`, `sealed-unreadable`.
    """
    kept = _Kept(**json.loads(registry.vault.open_for(_PURPOSE, row.sealed, place=row.erasure_id)))
    said = _destruction(registry, row, kept)
    folder = Path(kept.folder) if kept.folder else registry.settings.file.parent / FOLDER
    base = f"{said.destroyed_at.date().isoformat()}-{row.erasure_id}"
    contents = {
        f"act-{base}.pdf": act_pdf(said),
        f"act-{base}.csv": act_csv(said),
        f"events-{base}.csv": export_csv(said),
    }
    reason = None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, content in contents.items():
            put_file(folder / name, content)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason is not None:
        raise BridgeError("act-not-written", _NOT_WRITTEN, {"folder": folder, "reason": reason})
    return [str(folder / name) for name in contents]


def _destruction(registry: Recorder, row: Row[Any], kept: _Kept) -> Destruction:
    settings = registry.settings
    school, consent = settings.school(row.school), settings.consent
    at = row.destroyed_at.astimezone(settings.bridge.timezone)
    reason = _REASONS[Why(row.why)] + (f": {kept.document}" if kept.document else "")
    return Destruction(
        number=row.erasure_id,
        operator_name=school.name,
        operator_address=school.address,
        processor_name=consent.processor_name,
        processor_address=consent.processor_address,
        subjects=tuple(kept.subjects),
        categories=tuple(kept.categories),
        reason=reason,
        by=kept.by,
        position=kept.position,
        destroyed_at=at,
        events=tuple(LoggedEvent(at, what) for name, what in _EVENTS.items() if row.counts.get(name)),
    )


def _subjects(held: Belongings) -> list[str]:
    """Name the student, then every parent once; who has no name here is named by the school's own id."""
    named = []
    for people in held.people:
        student = _name(people, "student")
        born = held.birth_date
        named.append(f"{student}{f', {day(born)} г. р.' if born else ''} (обучающийся)" if student else "")
    named += [f"{parent} (законный представитель)" for one in held.people if (parent := _name(one, "parent"))]
    found = list(dict.fromkeys(one for one in named if one))
    return found or [f"обучающийся, номер {held.student} в базе школы"]


def _name(people: Mapping[str, str], who: str) -> str:
    parts = (people.get(f"{who}_{part}_name", "") for part in ("last", "first", "middle"))
    return " ".join(part for part in parts if part)


def _categories(held: Belongings) -> list[str]:
    found = [
        "фамилия, имя, отчество, дата рождения обучающегося",
        "фамилия, имя, отчество, адрес электронной почты, учётная запись на портале законного представителя",
        "сведения о согласии, его сроках и основаниях представительства",
        "сведения о переданных записях журнала",
    ]
    if held.applications:
        found.append("заявления законного представителя")
    if any(people.get("document_kind") or people.get("authority_document") for people in held.people):
        found.append("вид предъявленного документа, документ о полномочиях")
    return found
