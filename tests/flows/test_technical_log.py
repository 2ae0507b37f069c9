"""The technical log takes ids, counts and codes, and nothing that could be a person's."""

import json
import stat
from pathlib import Path

import pytest
import structlog

from flows import technical_log
from flows.technical_log import allow, open_technical_log, report_failure, technical_log_file


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(technical_log, "_file", None)
    path = tmp_path / "var" / "dnevnik.log"
    open_technical_log(path)
    return path


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_allowed_fields_are_written_and_others_only_named(file: Path) -> None:
    structlog.get_logger("x").error("run failed", school="0252", count=3, value="5", student="Ёлкина")
    (line,) = lines(file)
    assert (line["event"], line["school"], line["count"], line["level"]) == ("run failed", "0252", 3, "error")
    assert line["dropped"] == ["student", "value"]
    assert "Ёлкина" not in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert technical_log_file() == file


@pytest.mark.parametrize("value", ["a@example.org", "две\nстроки", "x" * 301, {"a": 1}, ["a@b"], object()])
def test_an_allowed_field_takes_no_odd_value(value: object) -> None:
    assert allow(None, "info", {"event": "e", "code": value}) == {"event": "e", "dropped": ["code"]}


def test_an_exception_is_its_type_and_its_places(file: Path) -> None:
    def inner(mark: str) -> None:
        raise ValueError(f"оценка {mark}")

    try:
        inner("Ёлкина 5")
    except ValueError as error:
        said = report_failure(error)
    (line,) = lines(file)
    assert line["exception"] == "ValueError"
    assert any("test_technical_log.py" in str(place) and "inner" in str(place) for place in line["places"])
    assert said.startswith("ValueError, tests/flows/test_technical_log.py:")
    assert "Ёлкина" not in file.read_text(encoding="utf-8") + said


def test_a_full_file_makes_room(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(technical_log, "LARGEST_FILE", 10)
    for _ in range(2):
        structlog.get_logger("x").info("run ended")
    assert len(lines(file)) == 1
    assert len(lines(file.with_suffix(".log.1"))) == 1


def test_a_file_that_cannot_be_written_leaves_the_line_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    open_technical_log(tmp_path / "file" / "dnevnik.log")
    structlog.get_logger("x").info("run ended")
    assert "run ended" in capsys.readouterr().err
