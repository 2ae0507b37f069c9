"""The papers of an erasure: the act of destruction, and the export from the log of events, as PDF and CSV.

Rules. The fields are those that Roskomnadzor's order No 179 of 28.10.2022 demands of an act (points 3 and 4) and of an
export (point 5), each under its own words; both are to be kept for three years from the destruction (point 7). The
act names people, for the order wants that, and says, for the sake of truth, what of their data stays on which ground.
Its number is the erasure's in the audit log, and no other id stands on it, so the paper leads to that one entry and not
to what was disclosed. Who carried it out signs by pen.
Deliberately not here: what is destroyed (`consent_registry.sealed.erasure`), where the files go (`commands`).
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from journal.wording import BridgeError, Wording
from reports.forms.printing import print_sheet
from reports.forms.sheet import Fit, page
from reports.forms.words import day
from reports.safe_csv import csv_bytes

KEPT_YEARS = 3
"""The order's point 7."""

SYSTEM = "Мост электронного дневника (dnevnik-bridge)"
METHOD = (
    "уничтожение ключа шифрования (AES-256), которым были закрыты данные, и удаление строк базы данных с перезаписью "
    "занятого ими места; при восстановлении базы из резервной копии уничтожение повторяется"
)
_PAGES = 3
_TOO_LONG = Wording(
    ru="Акт не помещается на {pages} стр. Сократите наименования и адреса школы в файле настроек",
    en="The act doesn't fit on {pages} pages. Shorten the school's names and addresses in the configuration",
)


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One line of the log of events: when and what was done; not how much of it."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Destruction:
    """What both papers say. Moments are aware and printed as given; "" is a line to write on. Personal data.

    `stays`: what of these people's data was not destroyed, and why.
    """

    number: str
    operator_name: str
    operator_address: str
    processor_name: str
    processor_address: str
    subjects: tuple[str, ...]
    categories: tuple[str, ...]
    stays: tuple[str, ...]
    reason: str
    by: str
    position: str
    destroyed_at: datetime
    events: tuple[LoggedEvent, ...]
    system: str = SYSTEM
    method: str = METHOD

    @property
    def keep_until(self) -> date:
        """Until when the papers have to be kept."""
        return keep_until(self.destroyed_at)

    def __repr__(self) -> str:
        return f"Destruction(number={self.number!r}, …)"


def keep_until(destroyed_at: datetime) -> date:
    """Return the last day of the three years (of 29 February: 1 March)."""
    on = destroyed_at.date()
    try:
        return on.replace(year=on.year + KEPT_YEARS)
    except ValueError:
        return date(on.year + KEPT_YEARS, 3, 1)


def rows_of_act(said: Destruction) -> list[tuple[str, str]]:
    """Return the act's fields, in the order of the order's point 3."""
    return [
        ("Номер акта", said.number),
        ("Наименование оператора", said.operator_name),
        ("Адрес оператора", said.operator_address),
        ("Лицо, обрабатывавшее данные по поручению оператора", said.processor_name),
        ("Адрес этого лица", said.processor_address),
        ("Субъекты, чьи персональные данные уничтожены", "; ".join(said.subjects)),
        ("Лицо, уничтожившее персональные данные", said.by),
        ("Должность", said.position),
        ("Категории уничтоженных персональных данных", "; ".join(said.categories)),
        ("Персональные данные, которые остаются, и основание", "; ".join(said.stays)),
        ("Уничтоженные материальные носители", "нет: данные обрабатывались в информационной системе"),
        ("Информационная система персональных данных", said.system),
        ("Способ уничтожения", said.method),
        ("Причина уничтожения", said.reason),
        ("Дата уничтожения", day(said.destroyed_at.date())),
    ]


def rows_of_export(said: Destruction) -> list[tuple[str, str]]:
    """Return the export's fields, in the order of the order's point 5."""
    return [
        ("Субъекты, чьи персональные данные уничтожены", "; ".join(said.subjects)),
        ("Категории уничтоженных персональных данных", "; ".join(said.categories)),
        ("Информационная система персональных данных", said.system),
        ("Причина уничтожения", said.reason),
        ("Дата уничтожения", day(said.destroyed_at.date())),
    ]


def act_pdf(said: Destruction) -> bytes:
    """Return both papers as one PDF, the act first. Raises BridgeError `forms-unavailable`, `act-too-long`."""
    identifier = hashlib.sha256(f"destruction {said.number}".encode()).hexdigest()[:32].encode()
    pdf = print_sheet(lambda fit: _html(said, fit), _PAGES, identifier)
    if pdf is None:
        raise BridgeError("act-too-long", _TOO_LONG, {"pages": _PAGES})
    return pdf


def act_csv(said: Destruction) -> bytes:
    """Return the act's fields as CSV (UTF-8 with its mark, semicolons): field; value."""
    return csv_bytes([("Поле", "Значение"), *rows_of_act(said)])


def export_csv(said: Destruction) -> bytes:
    """Return the export as CSV: its fields, an empty line, then the events: moment; event."""
    events = [(moment(event.at), event.what) for event in said.events]
    fields = [("Поле", "Значение"), *rows_of_export(said)]
    return csv_bytes([*fields, (), ("Время", "Событие"), *events])


def moment(at: datetime) -> str:
    """Return a moment as it stands on the papers, with its zone."""
    return f"{day(at.date())} {at:%H:%M:%S} {at.isoformat()[-6:]}"


def _html(said: Destruction, fit: Fit) -> str:
    act, export = rows_of_act(said)[1:], rows_of_export(said)
    return page("destruction.html.j2", fit, said=said, act=act, export=export, moment=moment)
