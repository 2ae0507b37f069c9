"""The readable page of an evidence package: what was disclosed of one student, and what the package proves. Pure.

Rules. It says nothing that the entries, the registry's consents and the checkpoint beside it don't say; names stand on
it only where they were asked for. What is proven, and what is not, is said in so many words.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from audit.note import Checkpoint
from audit.verify_evidence import Asked, read_accounts
from reports.forms.disclosures import EVENTS, Numbered, disclosures, links, moment, others, short, with_accounts
from reports.forms.paper import Paper, Section, Table

_PROVES = (
    (
        "Каждая запись под этими номерами стоит в журнале аудита неизменной: это показывают доказательства RFC "
        "6962 из файла entries.jsonl и подписанная контрольная отметка из файла checkpoint. Таблица evidence.csv "
        "составлена из самих записей, проверка составляет её заново."
    ),
    (
        "Учётные записи в журнале не названы: там стоят ссылки, вычисленные ключом этого ученика (HMAC-SHA256). Ключ "
        "ссылок лежит в пакете (consents.json), и проверка вычисляет каждую ссылку заново из названной здесь учётной "
        "записи. После уничтожения данных ученика вычислить или угадать их не сможет никто, у кого нет этого пакета: "
        "храните его как сами данные."
    ),
    (
        "Эта страница и сведения реестра о согласиях (consents.json) — слова того, кто подписал пакет: изменить "
        "их после подписи незаметно нельзя, но сами они журналом не доказаны."
    ),
    (
        "Пакет не доказывает, что ничего не опущено. Это показывает только весь журнал: у кого он есть, тот "
        "отбирает записи теми же правилами заново (dnevnik audit verify ПАКЕТ.zip --against ЖУРНАЛ). Что "
        "показанный журнал полон и единственный, удостоверяют подписи свидетелей под отметкой или отметка, "
        "сохранённая отдельно."
    ),
    (
        "Проверить пакет: python verify_evidence.py ПАКЕТ.zip --key КЛЮЧ. Нужны только Python 3.9 и cryptography. "
        "Ключ и саму программу проверки берите из источника, которому доверяете, а не из пакета."
    ),
)


@dataclass(frozen=True, slots=True, repr=False)
class EvidencePage:
    """What the page is made from. `names`: label and value, where names were asked for. Moments are aware."""

    asked: Asked
    entries: Numbered
    in_span: int
    checkpoint: Checkpoint
    key: str
    witnesses: Sequence[str]
    consents: Mapping[str, Any]
    made_at: datetime
    timezone: tzinfo
    names: tuple[tuple[str, str], ...] = ()


def evidence_paper(page: EvidencePage) -> Paper:
    """Return the page."""
    asked, zone, head = page.asked, page.timezone, page.checkpoint
    accounts = read_accounts(page.consents)
    entries = page.entries if accounts is None else with_accounts(page.entries, accounts.named)
    about = (
        ("Школа", asked.school),
        ("Ученик (случайный номер)", asked.student or "порталу не называли"),
        *page.names,
        ("Срок", f"с {moment(asked.first, zone)} до {moment(asked.end, zone)}"),
        ("Составлено", page.made_at.astimezone(zone).strftime("%d.%m.%Y %H:%M")),
        ("Журнал", head.origin),
        ("Контрольная отметка", f"записей {head.size}, корень {base64.b64encode(head.root).decode()}"),
        ("Ключ журнала", page.key),
        ("Свидетели", "; ".join(page.witnesses) or "нет"),
        ("Записей журнала за этот срок", str(page.in_span)),
        ("Из них и из их исходов об ученике", str(len(page.entries))),
    )
    return Paper(
        "Доказательства",
        "выписка из журнала аудита о передаче сведений на портал",
        f"Выписка из журнала {head.origin}, отметка {head.size}",
        page.made_at.astimezone(zone).date(),
        f"evidence {asked.student} {asked.first} {asked.end} {head.size}",
        (
            Section("О чём", fields=about),
            Section("Передачи", table=disclosures(entries, zone)),
            Section("Просмотр на портале", table=links(entries, zone)),
            Section("Согласия, заявления, обращения к сведениям", table=others(entries, zone)),
            Section("Что об этих согласиях записано в реестре", table=_consents(page.consents, zone)),
            Section("Что это доказывает и чего не доказывает", paragraphs=_PROVES),
        ),
    )


def _consents(consents: Mapping[str, Any], timezone: tzinfo) -> Table:
    rows = [
        (
            short(case["link"]),
            short(case["account"]),
            EVENTS.get(event["kind"], event["kind"]),
            moment(event["valid_at"], timezone),
            moment(event["recorded_at"], timezone),
            short(str(event.get("consent_ref") or " ".join(event.get("consents", [])))) or "—",
            str(event.get("text_version", "")) or "—",
        )
        for case in consents["cases"]
        for event in case["events"]
    ]
    head = ("Связь", "Учётная запись", "Событие", "Действует с", "Записано", "Согласие", "Текст")
    return Table(head, (11, 13, 19, 18, 18, 12, 9), rows, "В реестре связей этого ученика нет.")
