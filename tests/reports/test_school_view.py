from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from journal.wording import Language
from reports.school_view import ROWS_SHOWN, SchoolPage, SetAsideRow, fates, sentence, state_of, view

if TYPE_CHECKING:
    from conftest import Cases

RU, EN = Language.RU, Language.EN


def test_the_parts_add_up_to_what_was_read(cases: "Cases") -> None:
    for name, page in cases.schools.items():
        total = sum(count for _, count in fates(page.balance))
        assert (total == page.balance.read) == page.balance.balances, name


def test_records_that_wait_for_a_person_are_not_shown_as_without_consent(cases: "Cases") -> None:
    parts = dict(fates(cases.held))
    assert (parts["waiting"], parts["withheld"]) == (1_204, 21_599)
    said = sentence(cases.held, EN).replace("\N{NO-BREAK SPACE}", " ")
    assert "1,204 wait to be sent; 21,599 are withheld for want of a ground" in said


def test_the_sentence_leaves_out_what_did_not_happen(cases: "Cases") -> None:
    said = sentence(replace(cases.plain, sent=0, read=60_015), EN)
    assert "this time" not in said
    assert "set aside" not in said


def test_nothing_read_is_said_so(cases: "Cases") -> None:
    assert "ни одной записи" in sentence(cases.schools["unreadable"].balance, RU)


@pytest.mark.parametrize(
    ("case", "kind", "title"),
    [
        ("done", "done", "Журнал передан"),
        ("exceptions", "exceptions", "Журнал передан, но не полностью"),
        ("held", "held", "Передача ждёт разрешения"),
        ("broken-off", "failed", "Передача прервалась"),
        ("unreadable", "failed", "Журнал не передан"),
        ("dry-run", "dry-run", "Пробный расчёт"),
        ("unbalanced", "unbalanced", "Числа отчёта не сходятся"),
    ],
)
def test_the_worst_is_said_first(cases: "Cases", case: str, kind: str, title: str) -> None:
    state = state_of(cases.schools[case].balance, RU)
    assert (state.kind, state.title) == (kind, title)


def test_a_failures_own_sentence_is_taken_as_it_is_even_with_braces(cases: "Cases") -> None:
    assert state_of(cases.schools["broken-off"].balance, RU).advice[0] == "Связь с порталом прервалась {timeout}."


def test_the_reason_with_most_records_comes_first(cases: "Cases") -> None:
    sections = dict(view(SchoolPage(cases.exceptions), cases.words, RU).sections)
    assert list(sections) == ["set_aside", "withheld", "warnings", "students_odd", "withdrawn"]
    codes = [reason.code for reason in sections["set_aside"]]
    assert codes == ["unknown-mark-type", "duplicate-mark", "lesson-cancelled", "a-new-reason"]


def test_rows_are_listed_up_to_a_limit_and_the_rest_is_counted(cases: "Cases") -> None:
    many = ROWS_SHOWN + 3
    balance = replace(cases.plain, set_aside={"duplicate-mark": many + 2}, read=cases.plain.read + many + 2)
    rows = [SetAsideRow(f"mark:{n}", "7", "duplicate-mark") for n in range(many)]
    (reason,) = dict(view(SchoolPage(balance, rows=rows), cases.words, EN).sections)["set_aside"]
    assert len(reason.rows) == ROWS_SHOWN
    assert reason.rows[0] == ("mark no. 0", "7")
    assert reason.more == "and 5\N{NO-BREAK SPACE}more rows"


def test_without_rows_nothing_is_said_of_them(cases: "Cases") -> None:
    for _, reasons in view(SchoolPage(cases.exceptions), cases.words, EN).sections:
        assert all(reason.rows == () and reason.more is None for reason in reasons)


def test_links_open_are_shown_only_if_counted(cases: "Cases") -> None:
    assert len(view(SchoolPage(cases.plain), cases.words, EN).links) == 2
    assert view(SchoolPage(cases.plain, links_open=0), cases.words, EN).links[2] == ("Open now", "0")
