"""What forms are made of in tests: everything known, nothing known, and the longest that may come."""

from dataclasses import replace
from datetime import date

from consent_registry.texts.consent_text import ConsentText, load_texts
from journal.vocabulary import RecordKind, Relation
from reports.forms import FormData, PersonLine

REFERENCE = "7Q2M-9KX4-TBHC"

TEXT = ConsentText(
    version="2026-x",
    digest="0" * 64,
    title="Согласие на обработку данных",
    purpose="показать отметки",
    data=("имя", "отметки"),
    actions=("сбор", "передача"),
    methods=("в информационной системе",),
    processor_name="",
    processor_address="",
    term="{in_force_span}",
    way_of_withdrawal="заявлением по адресу: {operator_address}",
    body=(
        "Я, {representative_name} ({relation}), {representative_address}, {representative_document}.",
        "Полномочия: {authority_document}.",
        "Обучающийся: {student_name}, родился {student_birth_date}, {student_address}, {student_document}.",
        "Оператор: {operator_name}, {operator_address}.",
        "Цель: {purpose}. Данные: {data}. Действия: {actions}; {methods}.",
        "Виды: {kinds}; даты: {records_span}. Учётная запись {account}.",
        "Поручено: {processor_name}, {processor_address}. Срок: {term}. Отзыв: {way_of_withdrawal}.",
    ),
)
KNOWN = FormData(
    reference=REFERENCE,
    printed_on=date(2026, 9, 1),
    school_name="ГБОУ «Школа № 252 имени “Ё”» & Ко",
    school_address="198330, Санкт-Петербург, ул. Захарова, д. 14",
    student=PersonLine("Королёва-Щербакова", "Анна", "Семёновна", date(2013, 2, 28)),
    class_name="7Б",
    representative=PersonLine("Королёв", "Семён", "Петрович"),
    relation=Relation.TRUSTEE,
    email="korolev@example.org",
    account="a-30912",
    authority_document="Распоряжение № 17-р от 03.02.2026",
    text=TEXT,
    processor_name="ГУП «Центр»",
    processor_address="Невский пр., 1",
    kinds=frozenset({RecordKind.CURRENT, RecordKind.LATE}),
    in_force_from=date(2026, 9, 2),
    in_force_to=date(2027, 8, 31),
    records_from=date(2026, 9, 3),
    records_to=date(2027, 5, 25),
    consent_signed_on=date(2026, 9, 4),
)
UNKNOWN = FormData(reference=None, printed_on=date(2026, 9, 1), text=TEXT)
LONGEST = replace(
    KNOWN,
    school_name="Государственное бюджетное общеобразовательное учреждение «Гимназия № 1234» " * 3,
    school_address="198330, Санкт-Петербург, улица Маршала Захарова, дом 14, литера А, " * 3,
    student=PersonLine("Ё" * 100, "Константинопольская-" * 5, "Щ" * 50 + "-" + "ы" * 49, date(2013, 2, 28)),
    representative=PersonLine("Преображенская-Щ" * 6, "Анна-Мария " * 9, "Ж" * 100),
    class_name="11 «Ж» " * 8,
    email="x" * 64 + "@" + "y" * 185 + ".ru",
    account="Z" * 64,
    authority_document="Распоряжение местной администрации № 123-р от 28.02.2026 об опеке; " * 4,
    text=load_texts()["2025-09"],
    kinds=frozenset(RecordKind),
)
"""As long as the portal and the registry admit."""
