"""What is kept of a person, as the answer to their request: 152-FZ, article 14, part 7, point by point. Pure.

Rules. The answer is whole (`Dossier`): the JSON beside the page has the same things in the same words. Each datum has
where it came from and since when it is kept; each ground, until when. Of the persons beside the one who asked only what
the law lets be said: a parent stands in a child's answer as an account, a child in a parent's as a number. What a
school itself keeps in its journal is the school's to answer for, and so it says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal

from reports.forms.disclosures import Numbered, disclosures, links, others, with_accounts
from reports.forms.paper import Paper, Section, Table

Whose = Literal["student", "account"]


@dataclass(frozen=True, slots=True, repr=False)
class Datum:
    """One thing that is kept. `value` is the datum itself, or what it says where it can't be shown."""

    what: str
    value: str
    source: str
    since: str
    kept_as: str


@dataclass(frozen=True, slots=True, repr=False)
class Basis:
    """One consent or application: what it covers, how it stands, until when it lasts and what then becomes of data."""

    party: str
    document: str
    covers: str
    term: str
    state: str
    until: str


@dataclass(frozen=True, slots=True, repr=False)
class PortalHolding:
    """How many records of a kind the portal shows now, and of which student (the school's number)."""

    student: str
    kind: str
    count: int
    first: str
    last: str


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One request of the person: what it was about, when it came and was answered."""

    reference: str
    kind: str
    received: str
    answered: str


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Dossier:
    """The whole answer. Personal data: shows itself nowhere. Days and moments are written out, in the school's zone.

    `accounts`: the account behind each reference by which the log's entries name accounts.
    """

    whose: Whose
    subject: str
    school: str
    school_name: str
    school_address: str
    processor_name: str
    processor_address: str
    portal: str
    made_at: datetime
    timezone: tzinfo
    data: Sequence[Datum]
    bases: Sequence[Basis]
    holdings: Sequence[PortalHolding]
    entries: Numbered
    accounts: Mapping[str, str]
    log_size: int
    requests: Sequence[Request]
    answer_days: int
    correction_days: int
    destroy_days: int

    def as_json(self) -> dict[str, Any]:
        """Return the answer for programs; `log` are the audit log's entries as they stand, `accounts` name theirs."""
        return {
            "format": "dnevnik-bridge dossier 1",
            "subject": {"kind": self.whose, "id": self.subject, "school": self.school},
            "made_at": self.made_at.isoformat(),
            "operator": {"name": self.school_name, "address": self.school_address},
            "processor": {"name": self.processor_name, "address": self.processor_address},
            "recipient": self.portal,
            "held": [asdict(one) for one in self.data],
            "grounds": [asdict(one) for one in self.bases],
            "at_the_portal": [asdict(one) for one in self.holdings],
            "log": [{"number": number, "entry": dict(entry)} for number, entry in self.entries],
            "accounts": dict(sorted(self.accounts.items())),
            "requests": [asdict(one) for one in self.requests],
            "terms_in_days": {
                "answer": self.answer_days,
                "correction": self.correction_days,
                "destruction": self.destroy_days,
            },
        }


_PURPOSE = (
    "Обработка ведётся, чтобы законные представители ученика могли видеть на портале сведения его электронного "
    "классного журнала. Основание — письменное согласие законного представителя (статья 9 Федерального закона от "
    "27.07.2006 № 152-ФЗ); без действующего согласия ничего не передаётся."
)
_WAYS = (
    "Способы: автоматизированная обработка — получение из журнала школы, хранение в зашифрованном виде, передача на "
    "портал по защищённому соединению, снятие с портала, уничтожение. Решений, порождающих юридические последствия, на "
    "основании исключительно автоматизированной обработки не принимается."
)
_ACCESS = (
    "Доступ имеют сотрудники школы и лица, обрабатывающего данные по её поручению; каждый показ имён и каждое "
    "составление таких сведений записаны в журнале аудита и перечислены ниже. Получатель передаваемых сведений — "
    "портал; кроме него, программа сведений никому не передаёт."
)
_ABROAD = "Трансграничная передача не предусмотрена."
_JOURNAL = (
    "Отметки, пропуски и замечания хранит сам классный журнал школы; здесь от них остаются только ключевые отпечатки, "
    "по которым видно, изменилась ли запись. Об обработке в журнале отвечает школа."
)
_SHOWN_TO_ACCOUNT = (
    "Записи каждого ученика, которые видит эта учётная запись: те, что охватывает её связь с учеником, пока просмотр "
    "на портале не закрыт."
)
_MEASURES = (
    "Меры (статьи 18.1 и 19): имена, документы и сканы зашифрованы собственным ключом ученика, главный ключ хранится "
    "отдельно от базы; каждая передача записана в журнал, который нельзя изменить незаметно; при уничтожении удаляются "
    "и ключ ученика, и сами данные. В резервной копии базы то и другое лежит, пока копию не уничтожат; если её "
    "восстановят, уничтожение повторяется."
)


def dossier_paper(dossier: Dossier) -> Paper:
    """Return the answer as a paper."""
    zone, made = dossier.timezone, dossier.made_at.astimezone(dossier.timezone)
    about = (
        ("О ком", f"{_WHO[dossier.whose]} {dossier.subject}"),
        ("Оператор", _named(dossier.school_name, dossier.school_address)),
        ("Обрабатывает по поручению", _named(dossier.processor_name, dossier.processor_address)),
        ("Получатель", dossier.portal),
        ("Составлено", f"{made:%d.%m.%Y %H:%M}"),
    )
    entries = with_accounts(dossier.entries, dossier.accounts)
    confirmed = "Персональные данные этого лица обрабатываются." if dossier.data else "Персональных данных не хранится."
    return Paper(
        "Сведения",
        "об обработке персональных данных (статья 14 Федерального закона № 152-ФЗ)",
        f"Сведения об обработке персональных данных, составлено {made:%d.%m.%Y}",
        made.date(),
        f"dossier {dossier.whose} {dossier.school} {dossier.log_size} {dossier.made_at.isoformat()}",
        (
            Section("1. Обрабатываются ли данные и кем", (confirmed,), about),
            Section("2. Зачем, на каком основании и какими способами", (_PURPOSE, _WAYS), table=_bases(dossier)),
            Section("3. Что хранится, откуда и с какого дня", (_JOURNAL,), table=_data(dossier.data)),
            Section("4. Кому передано: передачи на портал", (_ACCESS, _ABROAD), table=disclosures(entries, zone)),
            Section("Просмотр, открытый и закрытый на портале", table=links(entries, zone)),
            Section("Что портал показывает сейчас", _shown(dossier), table=_holdings(dossier)),
            Section("5. До каких пор", _until(dossier), table=_ends(dossier.bases)),
            Section("6. Что записано о согласиях и кто смотрел", table=others(entries, zone)),
            Section("7. Обращения", table=_requests(dossier.requests)),
            Section("8. Права и меры защиты", (_rights(dossier), _MEASURES)),
        ),
    )


_WHO: Mapping[Whose, str] = {"student": "ученик, номер в школе", "account": "учётная запись родителя на портале"}


def _named(name: str, address: str) -> str:
    return ", ".join(filter(None, (name, address))) or "—"


def _data(data: Sequence[Datum]) -> Table:
    rows = [(one.what, one.value, one.source, one.since, one.kept_as) for one in data]
    head = ("Данные", "Что хранится", "Откуда", "С какого дня", "Как хранится")
    return Table(head, (20, 28, 18, 13, 21), rows, "Ничего.")


def _bases(dossier: Dossier) -> Table:
    rows = [(one.party, one.document, one.covers, one.term, one.state) for one in dossier.bases]
    other = "Учётная запись" if dossier.whose == "student" else "Ученик"
    head = (other, "Документ", "Что охватывает", "Срок", "Состояние")
    return Table(head, (15, 21, 24, 19, 21), rows, "Согласий нет.")


def _ends(bases: Sequence[Basis]) -> Table:
    head = ("Связь с", "Документ", "Обрабатывается")
    return Table(head, (20, 30, 50), [(one.party, one.document, one.until) for one in bases], "Согласий нет.")


def _shown(dossier: Dossier) -> tuple[str, ...]:
    return (_SHOWN_TO_ACCOUNT,) if dossier.whose == "account" else ()


def _holdings(dossier: Dossier) -> Table:
    """Return what the portal shows; a parent's answer says of which child."""
    rows = [(one.kind, str(one.count), one.first, one.last) for one in dossier.holdings]
    head, widths = ("Вид записей", "Сколько", "Первый день", "Последний день"), (40, 20, 20, 20)
    if dossier.whose == "student":
        return Table(head, widths, rows, "Ничего.")
    of_children = [(one.student, *row) for one, row in zip(dossier.holdings, rows, strict=True)]
    return Table(("Ученик", *head), (20, 32, 14, 17, 17), of_children, "Ничего.")


def _requests(requests: Sequence[Request]) -> Table:
    rows = [(one.reference, one.kind, one.received, one.answered) for one in requests]
    return Table(("Номер", "О чём", "Получено", "Исполнено"), (25, 35, 20, 20), rows, "Обращений не было.")


def _until(dossier: Dossier) -> tuple[str, ...]:
    told = (
        "Данные обрабатываются, пока действует согласие. Записи снимаются с портала сразу, как только передавать их "
        f"больше нельзя. Остальное уничтожается не позднее {dossier.destroy_days} дней после отзыва или окончания "
        "последнего согласия, прекращения связи или совершеннолетия ученика, об этом составляется акт; выбытие из "
        "школы прекращает передачу, а согласие не прекращает. Журнал аудита хранится дальше: в нём нет имён, только "
        "случайные номера, моменты и количества; сведения о том, чьи это номера, уничтожаются вместе с данными."
    )
    return (told,)


def _rights(dossier: Dossier) -> str:
    return (
        "Вы вправе требовать уточнить данные, заблокировать или уничтожить их, если они неполны, устарели, неточны, "
        "получены незаконно или не нужны для цели обработки, отозвать согласие в любое время и обжаловать действия "
        "оператора в Роскомнадзор или в суд. Обращайтесь в школу письменно: на запрос о данных она отвечает в течение "
        f"{dossier.answer_days} рабочих дней, исправляет в течение {dossier.correction_days} рабочих дней."
    )
