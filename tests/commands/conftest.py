"""Installations for the commands: one on real parts that is only looked at, and empty folders for `init`."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from worlds.command_line import Run, in_this_process
from worlds.real_world import RealWorld, authority, build

from journal.window import school_year
from sandbox.registry import write_register


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return in_this_process(capsys)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[RealWorld]:
    """A school, a portal and a register; the tests of one module share it and say when they change it."""
    made = build(tmp_path_factory.mktemp("world"), certificates, students=12, weeks=2)
    text = made.config.read_text().replace('language = "ru"', 'language = "en"')
    made.config.write_text(text.replace("[[school]]", '[actuality]\ncalendar = "days.toml"\n\n[[school]]', 1))
    year = school_year(datetime.now(UTC).date()).first.year
    (made.folder / "days.toml").write_text(f"[{year}]\n[{year + 1}]\n")
    write_register(
        made.folder / "register.csv", made.school_file(), code="0252", seed=1, today=datetime.now(UTC).date()
    )
    yield made
    made.server.stop()


@pytest.fixture(scope="session")
def golden() -> Callable[[str, str], None]:
    """Hold a text against the golden file of that name; GOLDEN=write in the environment writes it anew."""
    folder = Path(__file__).parent / "golden"

    def compare(name: str, text: str) -> None:
        path = folder / name
        if os.environ.get("GOLDEN") == "write":
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{name} changed; GOLDEN=write if it should"

    return compare
