import os
from pathlib import Path

import pytest

from audit.durable_files import put_file


def test_a_file_takes_its_former_ones_place_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    put_file(file, b"one")
    put_file(file, b"two")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"two", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_a_name_that_is_taken_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        put_file(file, b"new", replacing=False)
    assert file.read_bytes() == b"another's"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("replacing", [True, False])
def test_what_fails_leaves_nothing_not_even_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, replacing: bool
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        put_file(tmp_path / "file", b"new", replacing=replacing)
    assert list(tmp_path.iterdir()) == []
