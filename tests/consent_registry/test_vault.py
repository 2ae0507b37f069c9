from pathlib import Path

import pytest

from consent_registry.vault import StudentKey, Vault, create_master_key, load_master_key
from database import open_database, reading, upgrade, writing
from journal.wording import BridgeError, Language

MASTER = bytes(range(32))


def code_of(error: pytest.ExceptionInfo[BridgeError]) -> str:
    return error.value.code


def test_a_new_master_key_is_one_line_and_is_loaded_back() -> None:
    content = create_master_key(lambda size: bytes(range(size)))
    assert content == b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert load_master_key(content) == MASTER
    assert create_master_key() != create_master_key()


@pytest.mark.parametrize(
    "content", [b"", b"no base64!", b"AAECAw==\n", create_master_key(bytes) + create_master_key(bytes)]
)
def test_a_damaged_master_key_is_refused_without_showing_it(content: bytes) -> None:
    with pytest.raises(BridgeError) as caught:
        load_master_key(content)
    assert code_of(caught) == "master-key-damaged"
    assert "AAEC" not in caught.value.say(Language.RU) + str(caught.value) + repr(caught.value)


def test_keys_are_derived_one_a_purpose() -> None:
    vault = Vault(MASTER)
    assert vault.derive("content") == Vault(MASTER).derive("content")
    assert len({vault.derive("content"), vault.derive("batch"), Vault(bytes(32)).derive("content"), MASTER}) == 4
    assert len(vault.derive("content")) == 32


def test_what_is_sealed_for_one_purpose_opens_for_it_alone() -> None:
    vault = Vault(MASTER)
    sealed = vault.seal_for("batch:0252", b"content")
    assert b"content" not in sealed
    assert vault.open_for("batch:0252", sealed) == b"content"
    assert vault.seal_for("batch:0252", b"content") != sealed
    for reader, purpose in ((vault, "batch:0253"), (Vault(bytes(32)), "batch:0252")):
        with pytest.raises(BridgeError) as caught:
            reader.open_for(purpose, sealed)
        assert code_of(caught) == "sealed-unreadable"


def test_any_changed_byte_is_noticed() -> None:
    vault = Vault(MASTER)
    sealed = vault.seal_for("batch", b"content")
    damaged = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    for broken in [*damaged, sealed[:-1], sealed[:5], b""]:
        with pytest.raises(BridgeError) as caught:
            vault.open_for("batch", broken)
        assert code_of(caught) == "sealed-unreadable"


def test_each_student_has_a_key_of_its_own_and_its_destruction_is_final(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/bridge.db")
    upgrade(engine)
    vault = Vault(MASTER)
    students = [str(number) for number in range(600)]
    with writing(engine) as connection:
        made = vault.make_student_keys(connection, "0252", students)
        assert vault.make_student_keys(connection, "0252", []) == {}
    sealed = made["7"].seal(b"names")
    with reading(engine) as connection:
        found = vault.student_keys(connection, "0252", students)
        assert found.keys() == made.keys()
        assert found["7"].open(sealed) == b"names"
        assert vault.student_keys(connection, "0253", students) == {}
        with pytest.raises(BridgeError):
            found["8"].open(sealed)
        moved = StudentKey(made["7"].key, "0253:7", made["7"].randomness)  # the right key, another place
        with pytest.raises(BridgeError):
            moved.open(sealed)
        with pytest.raises(BridgeError):
            Vault(bytes(32)).student_keys(connection, "0252", ["7"])
    engine.dispose()


def test_keys_do_not_show_themselves() -> None:
    own = StudentKey(MASTER, "0252:7", bytes)
    assert repr(MASTER)[2:-1] not in repr(own) + repr(Vault(MASTER))
