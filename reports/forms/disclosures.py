"""What the audit log says of a student, in Russian, as rows of a paper's tables. Pure.

Rules. The log names accounts by references; `with_accounts` puts the accounts in their place. A disclosure stands with
its outcome; one without is said to be unknown, never taken. Ids are shown as they are, cut where they are long: the CSV
beside the paper has them whole. A word that nobody translated yet stands as it is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from reports.forms.paper import Table

Numbered = Sequence[tuple[int, Mapping[str, Any]]]
_SHOWN = 8

OUTCOMES = {
    "taken": "принято порталом",
    "not-taken": "портал не получил",
    "refused": "портал отказал",
    None: "исход неизвестен",
}
LINK_ACTIONS = {"put": "открыт просмотр", "end": "закрыт просмотр"}
EVENTS = {
    "application": "заявление внесено",
    "application-received": "заявление принято",
    "application-identified": "заявление: личность подтверждена",
    "application-linked": "заявление связано с учеником",
    "application-registered": "заявление зарегистрировано",
    "application-rejected": "заявление отклонено",
    "application-lapsed": "срок заявления истёк",
    "application-withdrawn": "заявление отозвано",
    "application-taken-back": "заявление взято назад",
    "identification": "личность подтверждена",
    "consent": "согласие внесено",
    "scan": "скан согласия сохранён",
    "registration": "согласие зарегистрировано",
    "withdrawal": "согласие отозвано",
    "ending": "связь прекращена",
    "restriction": "родитель ограничен",
    "restriction-lifted": "ограничение снято",
    "people": "исправлены данные людей",
    "names-shown": "имена показаны сотруднику",
    "form-printed": "напечатан бланк",
    "request-received": "обращение получено",
    "request-answered": "обращение исполнено",
    "evidence": "составлены доказательства",
    "dossier": "составлены сведения о данных",
}


def with_accounts(entries: Numbered, accounts: Mapping[str, str]) -> Numbered:
    """Return the entries with accounts in place of the log's references, where `accounts` names them."""
    return [(number, _named(entry, accounts)) for number, entry in entries]


def _named(entry: Mapping[str, Any], accounts: Mapping[str, str]) -> Mapping[str, Any]:
    named = dict(entry)
    if "account" in named:
        named["account"] = accounts.get(named["account"], named["account"])
    if "grounds" in named:
        grounds = named["grounds"]
        named["grounds"] = [{**one, "account": accounts.get(one["account"], one["account"])} for one in grounds]
    return named


def moment(at: str, timezone: tzinfo) -> str:
    """Return an entry's moment as a clock of the zone showed it."""
    return datetime.fromisoformat(at).astimezone(timezone).strftime("%d.%m.%Y %H:%M:%S")


def short(reference: str) -> str:
    """Return an id's beginning where it is long."""
    return reference if len(reference) <= _SHOWN * 2 else f"{reference[:_SHOWN]}…"


def disclosures(entries: Numbered, timezone: tzinfo) -> Table:
    """Return each batch's part of the student: what was sent, to whom, on which consents, and what came of it."""
    ended: dict[str, str] = {}
    rejected: defaultdict[str, set[str]] = defaultdict(set)
    for _, entry in entries:
        if entry["kind"] == "disclosure-outcome":
            ended[entry["batch"]] = entry["outcome"]
            rejected[entry["batch"]] |= {one["record"] for one in entry["rejected"]}
    rows = []
    for number, entry in entries:
        if entry["kind"] != "disclosure-intended":
            continue
        records, batch = entry["records"], entry["batch"]
        refused = sum(one["record"] in rejected[batch] for one in records)
        outcome = OUTCOMES.get(ended.get(batch), "")
        rows.append(
            (
                str(number),
                moment(entry["at"], timezone),
                short(batch),
                str(sum(one["action"] == "publish" for one in records)),
                str(sum(one["action"] == "withdraw" for one in records)),
                _list(short(ground["account"]) for ground in entry["grounds"]),
                _list(short(ground["consent"]) for ground in entry["grounds"]),
                f"{outcome}, отклонено записей: {refused}" if refused else outcome,
            )
        )
    head = ("№", "Время", "Пакет", "Показано", "Убрано", "Учётные записи", "Согласия", "Исход")
    return Table(head, (5, 20, 12, 9, 8, 16, 14, 16), rows, "За этот срок ничего не передавалось.")


def links(entries: Numbered, timezone: tzinfo) -> Table:
    """Return the views that were opened and closed at the portal."""
    ended = {
        (entry["link"], entry["revision"]): entry["outcome"] for _, entry in entries if entry["kind"] == "link-outcome"
    }
    rows = [
        (
            str(number),
            moment(entry["at"], timezone),
            LINK_ACTIONS[entry["action"]],
            short(entry["link"]),
            short(entry.get("account", "")) or "—",
            short(entry.get("consent", "")) or "—",
            OUTCOMES.get(ended.get((entry["link"], entry["revision"])), ""),
        )
        for number, entry in entries
        if entry["kind"] == "link-intended"
    ]
    head = ("№", "Время", "Что", "Связь", "Учётная запись", "Согласие", "Исход")
    return Table(head, (5, 20, 17, 13, 16, 13, 16), rows, "За этот срок просмотр не открывали и не закрывали.")


def others(entries: Numbered, timezone: tzinfo) -> Table:
    """Return what else the log says: events of consents and applications, and who looked."""
    rows = []
    for number, entry in entries:
        if entry["kind"].startswith(("disclosure-", "link-")):
            continue
        said = str(entry.get("event") or entry.get("what") or entry["kind"])
        names = ", с именами" if entry.get("names") else ""
        rows.append(
            (
                str(number),
                moment(entry["at"], timezone),
                f"{EVENTS.get(said, said)}{names}",
                moment(entry.get("valid_at", entry["at"]), timezone),
                short(str(entry.get("case", ""))) or "—",
            )
        )
    head = ("№", "Записано", "Событие", "Действует с", "Связь или заявление")
    return Table(head, (6, 18, 36, 18, 22), rows)


def _list(words: Iterable[str]) -> str:
    return ", ".join(words) or "—"
