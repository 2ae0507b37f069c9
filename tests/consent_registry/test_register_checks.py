"""What a register may not say, each by its column; nothing of a refused register is stored."""

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from consent_registry.lookup import Purpose, find
from consent_registry.register_file import RegisterProblemsError
from consent_registry.tables import CASE, FACT, LOOKUP, STAFF
from database import reading
from journal.wording import Language

if TYPE_CHECKING:
    from conftest import Registry

Cells = dict[str, object]


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
