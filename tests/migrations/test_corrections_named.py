"""A database of before facts named what they correct says the same after its upgrade."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from fakes.postgresql import postgresql
from sqlalchemy.engine import Engine

from consent_registry.fact_store import states
from consent_registry.facts import CaseState
from database import MIGRATIONS, open_database, reading, upgrade, writing

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONSENT = {
    "consent_ref": "c-1", "text_version": "2025-09", "signed_on": "2026-09-03", "in_force_from": "2026-09-04",
    "in_force_to": None, "records_from": "2026-09-01", "records_to": None, "kinds": "",
}  # fmt: skip
OLD_FACTS = [
    (1, "application", {"relation": "parent"}),
    (1, "identification", {"by": "Секретарь 1"}),
    (1, "consent", CONSENT),
    (1, "registration", {"by": "Завуч 2"}),
    (1, "withdrawal", {"origin": "register"}),
    (1, "withdrawal", {}),  # taken back
    (1, "consent", CONSENT | {"consent_ref": "c-2", "kinds": "current"}),
    (2, "application", {"relation": "parent"}),
    (2, "identification", {"by": "Секретарь 1"}),
    (2, "consent", CONSENT | {"consent_ref": "c-3"}),
    (2, "registration", {"by": "Завуч 2"}),
    (2, "registration", {"by": "Завуч 3"}),
    (2, "withdrawal", {"origin": "person"}),
    (2, "restriction", {"from": "2026-10-01", "to": None}),
    (2, "restriction", {}),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path}/bridge.db")
        yield opened
        opened.dispose()
        return
    with postgresql() as url:
        opened = open_database(url)
        yield opened
        opened.dispose()


def as_before(engine: Engine) -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    with writing(engine) as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0002")
        case = sa.text(
            "INSERT INTO registry_case (school, student_key, account_id, link_id, sealed, created_at)"
            " VALUES ('0252', :student, 'pa-1', :link, :sealed, :at)"
        )
        for student in ("1", "2"):
            at = "2026-09-01T00:00:00.000000+00:00"
            connection.execute(case, {"student": student, "link": f"link-{student}", "sealed": b"x", "at": at})
        fact = sa.text(
            "INSERT INTO registry_fact (case_id, kind, valid_at, recorded_at, recorded_by, detail)"
            " VALUES (:case, :kind, :at, :at, 'operator', :detail)"
        )
        for minute, (case_id, kind, detail) in enumerate(OLD_FACTS):
            at = f"2026-09-05T00:{minute:02}:00.000000+00:00"
            connection.execute(fact, {"case": case_id, "kind": kind, "at": at, "detail": json.dumps(detail)})


def found(engine: Engine, known_at: datetime | None = None) -> dict[str, CaseState]:
    with reading(engine) as connection:
        return {state.student_key: state for state in states(connection, "0252", at=NOW, known_at=known_at)}


def test_the_newest_of_each_kind_counts_as_it_did(engine: Engine) -> None:
    as_before(engine)
    upgrade(engine)
    after = found(engine)
    first, second = after["1"], after["2"]
    assert (first.consent_ref, {str(kind) for kind in first.kinds}, first.withdrawn_at) == ("c-2", {"current"}, None)
    assert first.registered_at == datetime(2026, 9, 5, 0, 3, tzinfo=UTC)
    assert first.in_force_from == date(2026, 9, 4)
    assert second.registered_at == datetime(2026, 9, 5, 0, 11, tzinfo=UTC)
    assert second.withdrawn_at == datetime(2026, 9, 5, 0, 12, tzinfo=UTC)
    assert second.restrictions == ()
    earlier = found(engine, known_at=datetime(2026, 9, 5, 0, 4, 30, tzinfo=UTC))["1"]
    assert (earlier.consent_ref, earlier.withdrawn_at) == ("c-1", datetime(2026, 9, 5, 0, 4, tzinfo=UTC))


@pytest.mark.parametrize("table", ["registry_fact", "application_step", "pilot_fact", "subject_request"])
def test_what_was_recorded_can_not_be_changed(engine: Engine, table: str) -> None:
    as_before(engine)
    upgrade(engine)
    with writing(engine) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO registry_application (school, reference, origin, account_id, sealed, created_at)"
                " VALUES ('0252', 'R', 'paper', 'pa-1', :sealed, '2026-09-01T00:00:00.000000+00:00')"
            ),
            {"sealed": b"x"},
        )
        columns = sa.inspect(connection).get_columns(table)
        filled = {
            "application_id": 1, "case_id": 1, "first": "2026-09-01", "detail": "{}", "school": "0252",
        }  # fmt: skip
        at = "2026-09-01T00:00:00.000000+00:00"
        wanted = [
            column["name"]
            for column in columns
            if not column["nullable"] and column["name"] not in {"fact_id", "step_id"}
        ]
        values = {name: filled.get(name, at if name.endswith("_at") else "x") for name in wanted}
        names, places = ", ".join(f'"{name}"' for name in wanted), ", ".join(f":{name}" for name in wanted)
        connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)  # noqa: S608  own names
    for act in (f"UPDATE {table} SET recorded_by = 'another'", f"DELETE FROM {table}"):  # noqa: S608  likewise
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(engine) as connection:
            connection.execute(sa.text(act))
