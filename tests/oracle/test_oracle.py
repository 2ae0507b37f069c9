"""The oracle itself, held against the contract's sentences one at a time, on tables of a few rows."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from oracle.journal_oracle import MOSCOW, OracleRecord, RowKey, Verdict, judge, links_open
from oracle.register_oracle import OpenLink
from oracle.school_tables import Row

NOW = datetime(2026, 11, 25, 19, 15, tzinfo=MOSCOW)
DAY = date(2026, 11, 20)
AT = datetime(2026, 11, 20, 12, 30, 15)  # noqa: DTZ001  as the table has it
MARK = RowKey("MARK", 1, 1017)
ABSENCE = RowKey("ABSENCE", 1, 1017)
PERIOD_MARK = RowKey("PERIOD_MARK", 1, 1017)
REGISTERED = {
    "school": "0252", "student_id": "1017", "student_last_name": "", "student_first_name": "",
    "student_middle_name": "", "student_birth_date": "", "account_id": "pa-1",
    "identified_at": "2026-09-03T15:40:00+03:00", "registered_at": "2026-09-04T09:00:00+03:00",
    "consent_text_version": "2025-09", "consent_signed_on": "2026-09-03", "in_force_from": "2026-09-04",
    "in_force_to": "", "records_from": "2026-09-01", "records_to": "", "kinds": "", "withdrawn_at": "",
    "restricted_from": "", "restricted_to": "",
}  # fmt: skip


def text(value: str) -> bytes:
    return value.encode("cp1251")


def tables() -> dict[str, list[Row]]:
    """One student with a mark, an absence and a quarter's mark, all of them sendable."""
    return {
        "SCHOOL_CLASS": [{"ID": 1, "SCHOOL_YEAR": 2026, "PARALLEL": 5, "LETTER": text("А ")}],
        "STUDENT": [
            {
                "ID": 1017, "LAST_NAME": text("Ёлкина"), "FIRST_NAME": text("Мария"), "MIDDLE_NAME": text("Петровна"),
                "BIRTH_DATE": date(2014, 3, 9),
            }
        ],
        "ENROLMENT": [
            {"ID": 1, "STUDENT_ID": 1017, "CLASS_ID": 1, "DATE_FROM": date(2026, 9, 1), "DATE_TO": None}
        ],
        "SUBJECT": [{"ID": 1, "NAME": text(" Английский  язык ")}],
        "JOURNAL": [{"ID": 1, "CLASS_ID": 1, "SUBJECT_ID": 1, "SUBGROUP": None}],
        "JOURNAL_MEMBER": [{"JOURNAL_ID": 1, "STUDENT_ID": 1017, "DATE_FROM": date(2026, 9, 1), "DATE_TO": None}],
        "LESSON": [{"ID": 1, "JOURNAL_ID": 1, "LESSON_DATE": DAY, "LESSON_NO": 3, "CANCELLED": 0}],
        "CONTROL_TYPE": [{"ID": 1, "NAME": text("Контрольная  работа")}],
        "CONTROL": [{"ID": 1, "LESSON_ID": 1, "TYPE_ID": 1, "COST": Decimal("1.50")}],
        "MARK_TYPE": [
            {"ID": number, "SHORT_NAME": text(name)}
            for number, name in (
                (405, "5"), (422, " осв "), (423, "?"), (501, "н"), (502, "б"), (503, "оп"), (601, "зам"),
            )
        ],
        "MARK": [
            {"ID": 1, "CONTROL_ID": 1, "STUDENT_ID": 1017, "TYPE_ID": 405, "NOTE": text(" Верно \n"), "ENTERED_AT": AT}
        ],
        "ABSENCE": [{"ID": 1, "LESSON_ID": 1, "STUDENT_ID": 1017, "TYPE_ID": 501, "CHANGED_AT": AT}],
        "PERIOD": [
            {
                "ID": 1, "KIND": 1, "NAME": text("1  четверть"), "DATE_FROM": date(2026, 9, 1),
                "DATE_TO": date(2026, 10, 26),
            }
        ],
        "PERIOD_MARK": [
            {"ID": 1, "JOURNAL_ID": 1, "PERIOD_ID": 1, "STUDENT_ID": 1017, "TYPE_ID": 405, "CHANGED_AT": AT}
        ],
    }  # fmt: skip


def verdict(changes: dict[str, dict[str, Any]] | None = None, now: datetime = NOW, **row: str) -> Verdict:
    """Judge the tables with a change to the first row of some, under one register row with changes."""
    rows = tables()
    for table, change in (changes or {}).items():
        rows[table][0].update(change)
    return judge(rows, [{**REGISTERED, **row}], code="0252", now=now)


def test_the_three_rows_become_the_records_of_the_contracts_table() -> None:
    entered = datetime(2026, 11, 20, 9, 30, 15, tzinfo=UTC)
    assert verdict().permitted == {
        MARK: OracleRecord(
            "current", "Английский язык", DAY, 3, "5", Decimal("1.50"), "Контрольная работа", "Верно", entered
        ),
        ABSENCE: OracleRecord("absence", "Английский язык", DAY, 3, "н", entered_at=entered),
        PERIOD_MARK: OracleRecord(
            "period", "Английский язык", date(2026, 10, 26), value="5", work="1 четверть", entered_at=entered
        ),
    }


@pytest.mark.parametrize(
    ("table", "type_id", "kind"),
    [
        ("MARK", 422, "current"),
        ("MARK", 601, "remark"),
        ("ABSENCE", 502, "absence"),
        ("ABSENCE", 503, "late"),
        ("ABSENCE", 601, "remark"),
    ],
)
def test_types_say_the_kind(table: str, type_id: int, kind: str) -> None:
    record = verdict({table: {"TYPE_ID": type_id}}).permitted[RowKey(table, 1, 1017)]
    assert record.kind == kind
    assert (record.weight is not None) == (kind == "current")


@pytest.mark.parametrize(("number", "kind"), [(1, "period"), (2, "period"), (3, "annual"), (4, "exam"), (5, "final")])
def test_periods_say_the_kind(number: int, kind: str) -> None:
    assert verdict({"PERIOD": {"KIND": number}}).permitted[PERIOD_MARK].kind == kind


@pytest.mark.parametrize(
    ("changes", "key", "reason"),
    [
        ({"MARK": {"TYPE_ID": 423}}, MARK, "unknown-mark-type"),
        ({"MARK": {"TYPE_ID": 501}}, MARK, "unknown-mark-type"),
        ({"MARK": {"TYPE_ID": 404}}, MARK, "unknown-mark-type"),
        ({"ABSENCE": {"TYPE_ID": 405}}, ABSENCE, "unknown-mark-type"),
        ({"PERIOD_MARK": {"TYPE_ID": 601}}, PERIOD_MARK, "unknown-mark-type"),
        ({"PERIOD": {"KIND": 6}}, PERIOD_MARK, "unknown-period-kind"),
        ({"LESSON": {"CANCELLED": 1}}, MARK, "lesson-cancelled"),
        ({"LESSON": {"CANCELLED": 1}}, ABSENCE, "lesson-cancelled"),
        ({"LESSON": {"LESSON_DATE": date(2026, 11, 26)}}, MARK, "future-date"),
        ({"LESSON": {"LESSON_DATE": date(2026, 11, 26)}}, ABSENCE, "future-date"),
        ({"PERIOD": {"DATE_TO": date(2026, 12, 28)}}, PERIOD_MARK, "future-date"),
        ({"ENROLMENT": {"DATE_FROM": date(2026, 11, 21)}}, MARK, "not-enrolled"),
        ({"ENROLMENT": {"DATE_FROM": date(2026, 10, 27)}}, PERIOD_MARK, "not-enrolled"),
        ({"SUBJECT": {"NAME": b"\xe0\x98"}}, MARK, "undecodable-text"),
        ({"SUBJECT": {"NAME": b"\xe0\x01"}}, ABSENCE, "undecodable-text"),
        ({"MARK_TYPE": {"SHORT_NAME": b"\x98"}}, MARK, "undecodable-text"),
        ({"MARK_TYPE": {"SHORT_NAME": b"  "}}, MARK, "text-not-sendable"),
    ],
)
def test_rows_are_set_aside(changes: dict[str, dict[str, Any]], key: RowKey, reason: str) -> None:
    judged = verdict(changes)
    assert (judged.fates[key].word, judged.fates[key].reasons) == ("set-aside", {reason})
    assert key not in judged.permitted


def test_two_marks_of_one_control_are_both_set_aside() -> None:
    rows = tables()
    rows["MARK"].append({**rows["MARK"][0], "ID": 2, "TYPE_ID": 422})
    judged = judge(rows, [REGISTERED], code="0252", now=NOW)
    assert [judged.fates[RowKey("MARK", n, 1017)].reasons for n in (1, 2)] == [{"duplicate-mark"}] * 2


def test_a_mark_of_the_last_day_of_enrolment_and_of_any_day_of_the_period_is_a_record() -> None:
    rows = {"ENROLMENT": {"DATE_TO": DAY}}
    assert MARK in verdict(rows).records
    assert PERIOD_MARK in verdict({"ENROLMENT": {"DATE_FROM": date(2026, 10, 26)}}).records


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"MARK": {"NOTE": b"\x98"}}, "comment-undecodable"),
        ({"JOURNAL_MEMBER": {"DATE_TO": date(2026, 11, 19)}}, "not-journal-member"),
        ({"LESSON": {"LESSON_NO": 256}}, "lesson-number-out-of-range"),
    ],
)
def test_warnings_keep_no_record_back(changes: dict[str, dict[str, Any]], warning: str) -> None:
    judged = verdict(changes)
    assert judged.fates[MARK].word == "permitted"
    assert judged.fates[MARK].warnings - verdict({}).fates[MARK].warnings == {warning}


def test_times_of_the_autumn_hour_are_the_first_and_of_the_spring_hour_move_on() -> None:
    for local, instant in (
        (datetime(2010, 10, 31, 2, 30), datetime(2010, 10, 30, 22, 30, tzinfo=UTC)),  # noqa: DTZ001  the table's
        (datetime(2010, 3, 28, 2, 30), datetime(2010, 3, 27, 23, 30, tzinfo=UTC)),  # noqa: DTZ001  the table's
    ):
        assert verdict({"MARK": {"ENTERED_AT": local}}).permitted[MARK].entered_at == instant


def test_only_the_window_is_read() -> None:
    judged = judge(tables(), [REGISTERED], code="0252", now=NOW, window=(DAY, DAY))
    assert set(judged.fates) == {MARK, ABSENCE}
    assert verdict(now=datetime(2027, 9, 1, tzinfo=MOSCOW)).fates == {}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"identified_at": ""}, "not-identified"),
        ({"registered_at": ""}, "not-registered"),
        ({"registered_at": "2026-11-25T19:15:01+03:00"}, "not-registered"),
        ({"withdrawn_at": "2026-11-25T19:15:00+03:00"}, "consent-withdrawn"),
        ({"in_force_from": "2026-11-26"}, "consent-not-yet-in-force"),
        ({"in_force_to": "2026-11-24"}, "consent-expired"),
        ({"restricted_from": "2026-11-25", "restricted_to": "2026-11-25"}, "restricted"),
        ({"restricted_from": "2026-11-01"}, "restricted"),
        ({"consent_signed_on": ""}, "consent-missing"),
        ({"kinds": "absence late"}, "kind-not-covered"),
        ({"records_from": "2026-11-21"}, "date-not-covered"),
        ({"records_to": "2026-11-19"}, "date-not-covered"),
        ({"school": "0253"}, "no-link"),
        ({"student_id": "1018"}, "no-link"),
    ],
)
def test_records_are_withheld(row: dict[str, str], reason: str) -> None:
    judged = verdict(**row)
    assert (judged.fates[MARK].word, judged.fates[MARK].reasons) == ("withheld", {reason})


@pytest.mark.parametrize(
    "row",
    [
        {"withdrawn_at": "2026-11-25T19:15:01+03:00"},
        {"in_force_from": "2026-11-25", "in_force_to": "2026-11-25"},
        {"restricted_from": "2026-11-26"},
        {"restricted_from": "2026-11-01", "restricted_to": "2026-11-24"},
        {"records_from": "2026-11-20", "records_to": "2026-11-20"},
        {"kinds": "remark current"},
        {
            "student_id": "",
            "student_last_name": " елкина",
            "student_first_name": "МАРИЯ",
            "student_birth_date": "2014-03-09",
        },
    ],
)
def test_records_are_permitted_at_the_edges(row: dict[str, str]) -> None:
    assert MARK in verdict(**row).permitted


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"STUDENT": {"BIRTH_DATE": None}}, "birth-date-unknown"),
        ({"STUDENT": {"BIRTH_DATE": date(2008, 11, 25)}}, "came-of-age"),
        ({"ENROLMENT": {"DATE_TO": date(2026, 11, 24)}}, "student-left"),
    ],
)
def test_the_student_can_stand_against_it(changes: dict[str, dict[str, Any]], reason: str) -> None:
    judged = verdict(changes)
    assert judged.fates[MARK].reasons == {reason}
    assert judged.open_links == frozenset()


def test_on_the_eve_of_the_eighteenth_birthday_it_is_permitted() -> None:
    assert MARK in verdict({"STUDENT": {"BIRTH_DATE": date(2008, 11, 26)}}).permitted


def test_one_link_in_force_is_enough() -> None:
    rows = [{**REGISTERED, "withdrawn_at": "2026-10-01T08:00:00+03:00"}, {**REGISTERED, "account_id": "pa-2"}]
    judged = judge(tables(), rows, code="0252", now=NOW)
    assert MARK in judged.permitted
    assert {link.account_id for link in judged.open_links} == {"pa-2"}


def test_names_that_fit_two_students_open_nothing() -> None:
    rows = tables()
    rows["STUDENT"].append({**rows["STUDENT"][0], "ID": 1018})
    by_name = {
        **REGISTERED, "student_id": "", "student_last_name": "Ёлкина", "student_first_name": "Мария",
        "student_birth_date": "2014-03-09",
    }  # fmt: skip
    assert links_open(rows, [by_name], code="0252", now=NOW) == frozenset()


def test_links_in_force_are_stated_with_what_they_cover() -> None:
    row = {**REGISTERED, "kinds": "current late", "in_force_to": "2027-05-31", "records_to": "2027-05-31"}
    assert links_open(tables(), [row], code="0252", now=NOW) == {
        OpenLink(
            1017, "pa-1", date(2026, 9, 4), date(2027, 5, 31), date(2026, 9, 1), date(2027, 5, 31),
            frozenset({"current", "late"}),
        )
    }  # fmt: skip


def test_withdrawals_given_apart_count_from_their_moment() -> None:
    for moment, open_links in ((NOW, 0), (NOW.replace(hour=20), 1)):
        found = links_open(tables(), [REGISTERED], code="0252", now=NOW, withdrawals={(1017, "pa-1"): moment})
        assert len(found) == open_links


def test_outside_the_pilot_group_nothing_is_permitted() -> None:
    for classes, word in ((("5-а", "6Б"), "permitted"), (("5Б",), "withheld")):
        judged = judge(tables(), [REGISTERED], code="0252", now=NOW, pilot_classes=classes)
        assert judged.fates[MARK].word == word
