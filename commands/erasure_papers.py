"""What the papers of an erasure say, where they go, and how that is kept until they are written.

Rules. The act says what went, by what there was, and what stays, on which ground: a parent whose account has another
child here is named with that. Who the act names is known only before the data are destroyed, so it is kept, sealed
under the installation's key and the erasure's number, until the files are durable; then it goes, and the bridge holds
no name of who was erased. The files are their owner's alone (0600), to be printed, signed and kept in the school's
archive for three years: why not in the bridge: docs/adr/acts-of-destruction-leave-the-bridge.md.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Row

from audit.durable_files import put_file
from commands.recording import Recorder
from consent_registry.sealed.erasure import Belongings
from consent_registry.sealed.erasure_rules import Cause, Why
from consent_registry.sealed.remaining import Remaining, Staying
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
    Why.TERM: "прекращение основания{causes} (часть 4 статьи 21 Федерального закона от 27.07.2006 № 152-ФЗ)",
    Why.ORDER: "решение или предписание уполномоченного органа",
}
_CAUSES = {
    Cause.WITHDRAWN: "согласие отозвано",
    Cause.LINK_ENDED: "связь обучающегося с учётной записью прекращена",
    Cause.CONSENT_EXPIRED: "истёк срок согласия",
    Cause.AUTHORITY_EXPIRED: "окончились полномочия законного представителя",
    Cause.CAME_OF_AGE: "обучающийся достиг совершеннолетия",
    Cause.NO_CONSENT: "заявление не привело к согласию",
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


_OF_PEOPLE: Sequence[tuple[str, frozenset[str]]] = (
    (
        "фамилия, имя, отчество обучающегося",
        frozenset({"student_last_name", "student_first_name", "student_middle_name"}),
    ),
    ("дата рождения обучающегося", frozenset({"student_birth_date"})),
    (
        "фамилия, имя, отчество законного представителя",
        frozenset({"parent_last_name", "parent_first_name", "parent_middle_name"}),
    ),
    ("адрес электронной почты законного представителя", frozenset({"email"})),
    ("вид предъявленного документа", frozenset({"document_kind"})),
    ("документ о полномочиях законного представителя", frozenset({"authority_document"})),
)
"""Categories by what the cases' sealed part has."""
_OF_ROWS: Sequence[tuple[str, str]] = (
    ("связь обучающегося с учётной записью законного представителя на портале", "cases"),
    ("сведения о согласии, его сроках и основаниях представительства", "facts"),
    ("сканы согласий", "scans"),
    ("обращения законного представителя", "requests"),
    ("заявления законного представителя", "applications"),
    ("сведения о переданных записях журнала", "records"),
    ("сведения о просмотре, открытом на портале", "links"),
    ("условный номер обучающегося", "references"),
)
"""Categories by the sorts of rows that went."""
_IN_PART = " — в части сведений, относящихся к этому обучающемуся"
_STAYING = {
    Staying.CONSENT: "имя, адрес электронной почты и учётная запись при связи с другим обучающимся; основание: "
    "согласие этого представителя о другом обучающемся",
    Staying.ENDED: "имя, адрес электронной почты и учётная запись при связи с другим обучающимся; её основание отпало, "
    "эти данные уничтожаются отдельно, в свой срок",
    Staying.APPLICATION: "заявление о другом обучающемся; основание: оно ещё рассматривается",
    Staying.CLOSED_APPLICATION: "оконченное заявление о другом обучающемся; уничтожается вместе с последней связью "
    "этого представителя",
}
_STAYS_ANYHOW = (
    "в классном журнале школы: данные обучающегося, по основаниям самой школы",
    (
        "в резервных копиях базы, пока не истёк срок их хранения: имена, документы и сканы закрыты ключом, номера нет; "
        "при восстановлении уничтожаются снова"
    ),
)
_LOGGED: Sequence[tuple[str, frozenset[str]]] = (
    ("когда и сколько записей передано на портал и снято с него", frozenset({"records"})),
    ("когда открыт и закрыт просмотр на портале", frozenset({"links"})),
    ("когда что внесено о согласиях, заявлениях и обращениях", frozenset({"facts", "requests", "steps"})),
)
"""What the audit log has of a student, by the sorts of rows that went."""
_LOG_STAYS = (
    "в журнале аудита, без имён, под случайными номерами: {told}. То, что связывало эти номера с людьми, уничтожено; "
    "сузить, чьи они, может тот, кто держит и журнал, и базу, и этот акт, исключив номера остальных"
)
_ORDERED = ("by", "position", "document", "folder")


@dataclass(frozen=True, slots=True, repr=False)
class _Kept:
    """What is kept sealed from the beginning of an erasure to its papers."""

    subjects: list[str]
    columns: list[str]
    stays: list[str]
    by: str
    position: str
    document: str
    folder: str
    causes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, repr=False)
class Erased:
    """Whom an erasure is about, as it stands: what is held, by what its grounds went, what of others stays."""

    held: Belongings
    causes: frozenset[Cause]
    stays: Sequence[Remaining]


def sealed_papers(vault: Vault, number: str, erased: Erased, ordered: Mapping[str, str]) -> bytes:
    """Return what the papers will say of people, sealed for this erasure."""
    kept = {**_kept_of(erased.held, erased.stays), "causes": sorted(map(str, erased.causes)), **ordered}
    return vault.seal_for(_PURPOSE, json.dumps(kept, ensure_ascii=False).encode(), place=number)


def renewed_papers(vault: Vault, number: str, sealed: bytes, erased: Erased) -> bytes:
    """Return the same with what there is at the moment of the destruction; as it was where that is nothing any more.

    Raises BridgeError `sealed-unreadable`.
    """
    if not erased.held.anything:
        return sealed
    ordered = json.loads(vault.open_for(_PURPOSE, sealed, place=number))
    return sealed_papers(vault, number, erased, {name: ordered[name] for name in _ORDERED})


def papers_of(registry: Recorder, number: str) -> list[Path]:
    """Return the papers of an erasure that lie in the usual folder."""
    return sorted((registry.settings.file.parent / FOLDER).glob(f"*-{number}.*"))


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
    return Destruction(
        number=row.erasure_id,
        operator_name=school.name,
        operator_address=school.address,
        processor_name=consent.processor_name,
        processor_address=consent.processor_address,
        subjects=tuple(kept.subjects),
        categories=tuple(categories(kept.columns, row.counts)),
        stays=(*kept.stays, *_STAYS_ANYHOW, log_stays(row.counts)),
        reason=reason_of(Why(row.why), kept.causes, kept.document),
        by=kept.by,
        position=kept.position,
        destroyed_at=at,
        events=tuple(LoggedEvent(at, what) for name, what in _EVENTS.items() if row.counts.get(name)),
    )


def reason_of(why: Why, causes: Collection[str], document: str) -> str:
    """Return the act's reason: of an ended ground, by what it ended; of an order, by which."""
    told = ", ".join(words for cause, words in _CAUSES.items() if cause in causes)
    reason = _REASONS[why].replace("{causes}", f": {told}" if told else "")
    return reason + (f": {document}" if document else "")


def log_stays(counts: Mapping[str, int]) -> str:
    """Return what stays in the audit log of somebody of whom these sorts of rows went."""
    told = [words for words, sorts in _LOGGED if any(counts.get(name) for name in sorts)]
    return _LOG_STAYS.replace("{told}", ", ".join([*told, "это уничтожение"]))


def _kept_of(held: Belongings, stays: Sequence[Remaining]) -> dict[str, object]:
    """Return what is kept of people until the act is written."""
    columns = {name for people in held.people for name, value in people.items() if value}
    return {
        "subjects": _subjects(held, {one.account for one in stays}),
        "columns": sorted(columns),
        "stays": [
            f"{who}: {_STAYING[ground]}"
            for one in stays
            for who in _parents(held, one.account) or ["законный представитель, чьё имя здесь не хранилось"]
            for ground in one.grounds
        ],
    }


def _subjects(held: Belongings, staying: set[str]) -> list[str]:
    """Name the student, by the school's own id where no name was kept, then every parent once."""
    born = f", {day(held.birth_date)} г. р." if held.birth_date else ""
    students = dict.fromkeys(_name(people, "student") for people in held.people)
    named = [f"{student}{born} (обучающийся)" for student in students if student]
    named = named or [f"обучающийся, номер {held.student} в базе школы"]
    for account in dict.fromkeys(held.accounts):
        part = _IN_PART if account in staying else ""
        named += [f"{parent} (законный представитель){part}" for parent in _parents(held, account)]
    return list(dict.fromkeys(named))


def _parents(held: Belongings, account: str) -> list[str]:
    """Return the names that the student's cases have of whose account it is, each once."""
    of_account = (people for people, whose in zip(held.people, held.accounts, strict=False) if whose == account)
    return list(dict.fromkeys(parent for people in of_account if (parent := _name(people, "parent"))))


def _name(people: Mapping[str, str], who: str) -> str:
    parts = (people.get(f"{who}_{part}_name", "") for part in ("last", "first", "middle"))
    return " ".join(part for part in parts if part)


def categories(columns: Collection[str], counts: Mapping[str, int]) -> list[str]:
    """Return the categories of data that were destroyed: by what was known of people, and by the sorts of rows."""
    found = [what for what, any_of in _OF_PEOPLE if any_of & set(columns)]
    return found + [what for what, name in _OF_ROWS if counts.get(name)]
