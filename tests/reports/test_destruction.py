"""The papers of an erasure bear every field that the order No 179 demands, in the PDF and in the CSV."""

import csv
import io
from datetime import datetime
from zoneinfo import ZoneInfo

import pypdfium2
import pytest

from reports.forms.destruction import Destruction, LoggedEvent, act_csv, act_pdf, export_csv, keep_until

AT = datetime(2026, 11, 25, 12, 5, 1, tzinfo=ZoneInfo("Europe/Moscow"))
SAID = Destruction(
    number="5f0c2a9e1b7d4c3e8a6f0d1c2b3a4958",
    operator_name="ГБОУ СОШ № 252",
    operator_address="198320, Санкт-Петербург, ул. Примерная, д. 1",
    processor_name="ООО «Обработчик»",
    processor_address="190000, Санкт-Петербург",
    subjects=("Ёлкина Мария Петровна", "=Ёлкин Пётр"),
    categories=("фамилия", "скан согласия"),
    stays=("=Ёлкин Пётр: согласие о другом обучающемся",),
    reason="отзыв согласия",
    by="Иванова Анна Петровна",
    position="заместитель директора",
    destroyed_at=AT,
    events=(LoggedEvent(AT, "ключ шифрования уничтожен"),),
)
ACT = (
    "Наименование оператора", "Адрес оператора", "по поручению", "Субъекты", "Лицо, уничтожившее", "Должность",
    "Категории", "остаются, и основание", "материальные носители", "Информационная система", "Способ",
    "Причина", "Дата уничтожения",
)  # fmt: skip
"""Point 3 of the order; the signature is by pen."""
EXPORT = ("Субъекты", "Категории", "Информационная система", "Причина", "Дата уничтожения")
"""Point 5."""


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    return [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def test_the_pdf_has_both_papers_with_every_field_and_room_to_sign() -> None:
    act, export = pages(act_pdf(SAID))
    for wanted in (*ACT, "Подпись", "приказ Роскомнадзора от 28.10.2022 № 179", SAID.number, "25.11.2026", SAID.by):
        assert wanted in act
    for wanted in (*EXPORT, "журнала регистрации событий", "25.11.2026 12:05:01 +03:00", "ключ шифрования уничтожен"):
        assert wanted in export
    for paper in (act, export):
        assert "Хранить до 25.11.2029" in paper
        assert "Ёлкина Мария Петровна" in paper


def test_the_tables_say_the_same() -> None:
    said = {row[0]: row[1] for row in table(act_csv(SAID))}
    for wanted in ACT:
        assert [name for name in said if wanted in name], wanted
    assert "Ёлкина Мария Петровна" in said["Субъекты, чьи персональные данные уничтожены"]
    exported = table(export_csv(SAID))
    for wanted in EXPORT:
        assert [row for row in exported if row and wanted in row[0]], wanted
    assert exported[-1] == ["25.11.2026 12:05:01 +03:00", "ключ шифрования уничтожен"]


def test_the_same_data_give_the_same_bytes_and_nothing_of_it_shows_in_a_repr() -> None:
    assert act_pdf(SAID) == act_pdf(SAID)
    assert "Ёлкина" not in repr(SAID)


@pytest.mark.parametrize(("on", "until"), [((2026, 11, 25), (2029, 11, 25)), ((2028, 2, 29), (2031, 3, 1))])
def test_papers_are_kept_for_three_years(on: tuple[int, int, int], until: tuple[int, int, int]) -> None:
    last = keep_until(datetime(*on, 9, tzinfo=AT.tzinfo))
    assert (last.year, last.month, last.day) == until
