"""The made-up register has the contract's form, every stage, and every shape of family."""

import csv
from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path

import pytest

from consent_registry.register.file import read_register
from sandbox.registry import STAGES, RegisterSummary, write_register
from sandbox.school import SchoolSummary

TODAY = date(2026, 11, 25)
HEADER = (
    "school;student_id;student_last_name;student_first_name;student_middle_name;student_birth_date;account_id;"
    "parent_last_name;parent_first_name;parent_middle_name;email;relation;submitted_at;identified_at;identified_by;"
    "document_kind;authority_document;consent_text_version;consent_signed_on;registered_at;registered_by;"
    "in_force_from;in_force_to;records_from;records_to;kinds;withdrawn_at;restricted_from;restricted_to"
)


@pytest.fixture(scope="module")
def register(written: SchoolSummary, tmp_path_factory: pytest.TempPathFactory) -> RegisterSummary:
    path = tmp_path_factory.mktemp("register") / "register.csv"
    return write_register(path, written.path, code="0252", seed=3, today=TODAY)


@pytest.fixture(scope="module")
def rows(register: RegisterSummary) -> list[dict[str, str]]:
    with register.path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_the_header_is_the_contracts(register: RegisterSummary) -> None:
    assert register.path.read_text(encoding="utf-8").splitlines()[0] == HEADER


def test_every_stage_occurs_and_the_summary_counts_them(register: RegisterSummary, rows: list[dict[str, str]]) -> None:
    assert set(register.stages) == set(STAGES)
    assert register.rows == len(rows)


def test_the_stages_are_what_they_say(rows: list[dict[str, str]]) -> None:
    today = TODAY.isoformat()
    shapes = {
        "received": any(not r["identified_at"] and not r["consent_signed_on"] for r in rows),
        "identified": any(r["identified_at"] and not r["registered_at"] for r in rows),
        "withdrawn": any("" < r["withdrawn_at"] < today for r in rows),
        "expired": any("" < r["in_force_to"] < today for r in rows),
        "last-day": any(r["in_force_to"] == today for r in rows),
        "not-yet": any(r["in_force_from"] > today for r in rows),
        "first-day": any(r["in_force_from"] == today for r in rows),
        "restricted": any("" < r["restricted_from"] < today < r["restricted_to"] for r in rows),
        "restricted-open": any(r["restricted_from"] == today and not r["restricted_to"] for r in rows),
        "restriction-over": any("" < r["restricted_to"] < today for r in rows),
        "kinds": {"current period annual", "absence late", ""} <= {r["kinds"] for r in rows},
        "dates": any(r["records_to"] for r in rows),
        "relations": {r["relation"] for r in rows} == {"parent", "guardian", "adopter", "trustee"},
        "authority": all(bool(r["authority_document"]) == (r["relation"] != "parent") for r in rows),
        "by-name": any(not r["student_id"] and r["student_birth_date"] for r in rows),
    }
    assert [name for name, there in shapes.items() if not there] == []


def test_the_procedure_runs_in_its_order_and_takes_two_persons(rows: list[dict[str, str]]) -> None:
    for row in rows:
        moments = [row[name] for name in ("submitted_at", "identified_at", "registered_at") if row[name]]
        assert moments == sorted(moments)
        assert all(datetime.fromisoformat(text).utcoffset() is not None for text in moments)
        assert not row["identified_by"] or row["identified_by"] != row["registered_by"]


def test_some_students_have_two_parents_and_some_parents_two_students(rows: list[dict[str, str]]) -> None:
    accounts, students = defaultdict(set), defaultdict(set)
    for row in rows:
        student = row["student_id"] or row["student_birth_date"]
        accounts[student].add(row["account_id"])
        students[row["account_id"]].add(student)
    assert max(map(len, accounts.values())) == 2
    assert max(map(len, students.values())) >= 2
    assert set(Counter((r["account_id"], r["student_id"] or r["student_birth_date"]) for r in rows).values()) == {1}


def test_it_is_the_same_again_and_different_for_another_seed(
    register: RegisterSummary, written: SchoolSummary, tmp_path: Path
) -> None:
    again = write_register(tmp_path / "again.csv", written.path, code="0252", seed=3, today=TODAY)
    other = write_register(tmp_path / "other.csv", written.path, code="0252", seed=4, today=TODAY)
    assert again.path.read_bytes() == register.path.read_bytes() != other.path.read_bytes()


def test_share_says_for_how_many_somebody_applied(written: SchoolSummary, tmp_path: Path) -> None:
    few = write_register(tmp_path / "few.csv", written.path, code="0252", seed=3, today=TODAY, share=0.0)
    all_of_them = write_register(tmp_path / "all.csv", written.path, code="0252", seed=3, today=TODAY, share=1.0)
    assert len(STAGES) <= few.rows < all_of_them.rows


def test_the_bridge_reads_it_without_a_problem(register: RegisterSummary) -> None:
    assert len(read_register(register.path, two_persons=True)) == register.rows
