"""One small school in a real Firebird file, made once and copied for each test that changes it."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from sandbox.school import SchoolSummary, write_school

TODAY = date(2026, 11, 25)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> SchoolSummary:
    path = tmp_path_factory.mktemp("school") / "school.fdb"
    return write_school(
        path, code="0252", name="ГБОУ СОШ № 252", students=60, weeks=4, seed=1, first_day=None, today=TODAY
    )


@pytest.fixture
def school_file(written: SchoolSummary, tmp_path: Path) -> Path:
    return Path(shutil.copy(written.path, tmp_path / "school.fdb"))
