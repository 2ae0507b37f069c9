"""Secrets are read where they are named, when they are needed, and shown nowhere."""

from pathlib import Path

import pytest

from journal.wording import BridgeError, Language
from settings.secret import Secret, named_secret

FILE = Path("/etc/dnevnik/bridge.toml")


def secret(reference: str, configuration: Path = FILE) -> Secret:
    found = named_secret(reference, key="[portal] signing_key", configuration=configuration)
    assert found is not None
    return found


def refusal(of: Secret) -> BridgeError:
    with pytest.raises(BridgeError) as caught:
        of.read()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    for language in Language:
        assert f"{of.configuration}: [portal] signing_key: " in caught.value.say(language)
    return caught.value


def test_a_file_is_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\x00geheim\n")
    found = secret("file:key", tmp_path / "bridge.toml")
    assert found.read() == b"\x00geheim\n"
    assert found.exists
    assert "geheim" not in repr(found)


def test_a_variable_is_read_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = secret("env:SCHOOL_PASSWORD")
    monkeypatch.delenv("SCHOOL_PASSWORD", raising=False)
    assert not found.exists
    assert refusal(found).code == "secret-missing"
    monkeypatch.setenv("SCHOOL_PASSWORD", "пароль ")
    assert found.exists
    assert found.text() == "пароль "


def test_a_password_file_ends_with_a_line(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("gehe im\r\n", encoding="utf-8")
    assert secret("file:password", tmp_path / "bridge.toml").text() == "gehe im"


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    configuration = tmp_path / "bridge.toml"
    assert refusal(secret("file:absent", configuration)).code == "secret-missing"
    assert refusal(secret("file:.", configuration)).code == "secret-unreadable"
    (tmp_path / "empty").write_bytes(b" \n")
    assert refusal(secret("file:empty", configuration)).code == "secret-empty"
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(BridgeError, match="secret-unreadable") as caught:
        secret("file:binary", configuration).text()
    assert caught.value.__context__ is None


@pytest.mark.parametrize("reference", ["", "geheim", "env:", "env:1A", "env:A-B", "file:", "file:a\0b", "vault:x"])
def test_what_names_no_secret(reference: str) -> None:
    assert named_secret(reference, key="k", configuration=FILE) is None
