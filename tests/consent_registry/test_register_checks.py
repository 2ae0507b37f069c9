"""What a register may not say, each by its column; nothing of a refused register is stored."""

from datetime import UTC, date
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from consent_registry.register.file import RegisterProblemsError, read_rows
from consent_registry.register.registration import import_register
from consent_registry.sealed.lookup import Purpose, find
from consent_registry.tables import CASE, FACT, LOOKUP, STAFF, STUDENT_KEY
from database import reading, writing
from journal.school import StudentIdentity
from journal.wording import Language

if TYPE_CHECKING:
    from conftest import Registry

Cells = dict[str, object]
STUDENTS = (
    StudentIdentity("1017", "Ёлкина", "Мария", "Петровна", date(2014, 3, 9)),
    StudentIdentity("1018", "Соколов", "Илья", "Олегович", date(2010, 12, 24)),
)


def stored(registry: "Registry") -> list[int]:
    with reading(registry.engine) as connection:
        tables = (CASE, FACT, LOOKUP, STAFF)
        return [connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"consent_text_version": "2019-01"}, "consent_text_version"),
        ({"student_birth_date": "2027-01-01", "student_last_name": ""}, "student_birth_date"),
        ({"student_birth_date": "1900-01-01", "student_last_name": ""}, None),
    ],
)
def test_what_cannot_be_is_a_problem(registry: "Registry", row: Cells, changes: Cells, column: str | None) -> None:
    registry.texts = {"2025-09"}
    if column is None:
        registry.take(row | changes)
        return
    with pytest.raises(RegisterProblemsError) as caught:
        registry.take(row, row | {"account_id": "pa-2", "email": "b@example.org"} | changes)
    assert [(problem.row, problem.column) for problem in caught.value.problems] == [(3, column)]
    assert caught.value.say(Language.RU) != caught.value.say(Language.EN)
    assert stored(registry) == [0, 0, 0, 0]


def test_two_people_do_not_share_an_account(registry: "Registry", row: Cells) -> None:
    other = {"student_id": "1018", "student_last_name": "", "student_birth_date": "", "parent_first_name": "Анна"}
    stranger = row | other | {"parent_last_name": "Соколова"}
    with pytest.raises(RegisterProblemsError) as caught:
        registry.take(row, stranger)
    assert [(problem.row, problem.column) for problem in caught.value.problems] == [(3, "account_id")]
    registry.take(row)
    with pytest.raises(RegisterProblemsError) as caught:  # nor with what is held already
        registry.take(stranger)
    assert "Соколова" not in caught.value.say(Language.RU)
    warned = registry.take(row | other)  # only the first name differs: a slip of the pen is likelier
    assert [warning.column for warning in warned.warnings] == ["account_id"]


def test_a_row_that_corrects_a_name_is_not_held_against_itself(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    summary = registry.take(row | {"parent_last_name": "Соколова", "parent_first_name": "Анна"})
    assert (summary.changed, summary.warnings) == (1, ())


def test_one_parent_with_two_accounts_is_told(registry: "Registry", row: Cells) -> None:
    summary = registry.take(row, row | {"account_id": "pa-2"})
    assert [(warning.row, warning.column) for warning in summary.warnings] == [(3, "account_id")]
    gone = registry.take(row | {"withdrawn_at": registry.now}, row | {"account_id": "pa-2"})
    assert [warning for warning in gone.warnings if warning.column == "account_id"] == []


def test_a_case_is_found_by_who_knows_it_whole(registry: "Registry", row: Cells) -> None:
    registry.take(row)

    def found(purpose: Purpose, *value: str) -> int:
        with reading(registry.engine) as connection:
            return len(find(connection, registry.vault, purpose, value))

    last, first = str(row["parent_last_name"]), str(row["parent_first_name"])
    assert found(Purpose.EMAIL, str(row["email"]).upper()) == 1
    assert found(Purpose.PARENT_NAME, last.upper().replace("Ё", "Е"), first) == 1
    assert found(Purpose.PARENT_NAME, last) == 0
    assert (
        found(Purpose.STUDENT, *(str(row[f"student_{name}"]) for name in ("last_name", "first_name", "birth_date")))
        == 1
    )
    registry.take(row | {"email": "new@example.org"})
    assert found(Purpose.EMAIL, str(row["email"])) == 0
    assert found(Purpose.EMAIL, "new@example.org") == 1


def refused(registry: "Registry", *rows: Cells) -> list[tuple[int, str]]:
    """Import rows whose form may be wrong; return every problem told, none of them twice."""
    read, problems = read_rows(registry.files.csv(rows), two_persons=True)
    with pytest.raises(RegisterProblemsError) as caught, writing(registry.engine) as connection:
        import_register(
            connection,
            read,
            identities=lambda school: STUDENTS if school == "0252" else None,
            vault=registry.vault,
            new_id=lambda: f"id-{next(registry.ids)}",
            now=registry.now,
            by="operator",
            timezone=UTC,
            texts=registry.texts,
            problems=problems,
        )
    assert len(set(caught.value.problems)) == len(caught.value.problems)
    assert set(problems) <= set(caught.value.problems)
    return [(problem.row, problem.column) for problem in caught.value.problems]


def test_problems_of_form_hide_none_that_need_the_school(registry: "Registry", row: Cells) -> None:
    registry.texts = {"2025-09"}
    other = {"student_id": "1018", "student_last_name": "", "student_birth_date": "", "account_id": "pa-4"}
    told = refused(
        registry,
        row | {"relation": "aunt"},
        row | {"school": "0999", "account_id": "pa-2", "kinds": "all"},
        row | {"student_id": "9999", "account_id": "pa-3", "consent_text_version": "2019-01", "in_force_to": "never"},
        row | {"email": "second@example.org"},
        row | other | {"parent_last_name": "Соколова", "parent_first_name": "Анна"},
        row | {"account_id": "pa-4", "consent_signed_on": "03.09.2026", "consent_text_version": "2019-02"},
    )
    assert told == [
        (2, "relation"),
        (3, "kinds"),
        (3, "school"),
        (4, "in_force_to"),
        (4, "student_id"),
        (4, "consent_text_version"),
        (5, "account_id"),
        (7, "consent_signed_on"),
        (7, "account_id"),
        (7, "consent_text_version"),
    ]
    assert stored(registry) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        ({"school": ""}, ["school"]),
        ({"school": "0252/1"}, ["school"]),
        ({"account_id": ""}, ["account_id"]),
        ({"account_id": "счёт 1"}, ["account_id"]),
        ({"account_id": "", "student_id": "9999"}, ["account_id", "student_id"]),
        ({"student_id": "", "student_last_name": ""}, ["student_id"]),
        ({"student_id": "", "student_birth_date": "9.3.2014"}, ["student_birth_date", "student_id"]),
        ({"student_id": "", "student_birth_date": ""}, ["student_id"]),
    ],
)
def test_a_field_that_cannot_be_read_is_told_once(
    registry: "Registry", row: Cells, changes: Cells, columns: list[str]
) -> None:
    told = refused(registry, row | {"account_id": "pa-1"}, row | changes, row | changes)
    assert told == [(number, column) for number in (3, 4) for column in columns]
    assert stored(registry) == [0, 0, 0, 0]


def test_a_problem_of_form_alone_stores_nothing(registry: "Registry", row: Cells) -> None:
    assert refused(registry, row, row | {"account_id": "pa-2", "kinds": "all"}) == [(3, "kinds")]
    assert stored(registry) == [0, 0, 0, 0]


def test_a_destroyed_student_is_told_beside_all_else(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    with writing(registry.engine) as connection:
        connection.execute(STUDENT_KEY.delete())
    assert refused(registry, row, row | {"account_id": "pa-2", "kinds": "all"}) == [
        (2, "student_id"),
        (3, "kinds"),
        (3, "student_id"),
    ]


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("submitted_at", "2026-11-20T12:02:00+03:00", True),
        ("identified_at", "2026-11-20T12:02:00+03:00", True),
        ("registered_at", "2026-11-20T12:02:00+03:00", True),
        ("registered_at", "2026-11-20T12:01:00+03:00", False),
        ("consent_signed_on", "2026-11-21", True),
        ("consent_signed_on", "2026-11-20", False),
    ],
)
def test_what_was_done_in_the_future_is_told(
    registry: "Registry", row: Cells, column: str, value: str, *, told: bool
) -> None:
    summary = registry.take(row | {column: value})
    ahead = [warning for warning in summary.warnings if "lies ahead" in warning.say(Language.EN)]
    assert [warning.column for warning in ahead] == [column] * told
    assert summary.new == 1
