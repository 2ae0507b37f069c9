import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from sqlalchemy.engine import Engine

from consent_registry.sealed.vault import (
    ROOT,
    StudentKey,
    Vault,
    create_master_key,
    destroy_student_key,
    load_master_key,
    master_id,
    unlock,
)
from consent_registry.tables import STUDENT_KEY, VAULT_KEY
from database import reading, writing
from journal.wording import BridgeError, Language

MASTER = bytes(range(32))
OTHER = bytes(32)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    sqlite = request.param == "sqlite"
    with bridge_database(f"sqlite:///{tmp_path}/bridge.db" if sqlite else request.getfixturevalue("server")) as made:
        yield made


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


def test_a_master_keys_id_is_short_and_for_ever() -> None:
    # Stored beside what the key wraps: a change of the way it is made would lock every installation out.
    assert master_id(MASTER) == "990dd3f66c5973ec"
    assert master_id(OTHER) != master_id(MASTER)


def test_keys_are_derived_one_a_purpose() -> None:
    vault = Vault(MASTER)
    assert vault.derive("content") == Vault(MASTER).derive("content")
    assert len({vault.derive("content"), vault.derive("batch"), Vault(OTHER).derive("content"), MASTER}) == 4
    assert len(vault.derive("content")) == 32


def test_what_was_derived_and_sealed_before_keys_had_ids_stays(engine: Engine) -> None:
    # Fixed values, made by the first version (nonces of zeros): digests are compared, sealed data opened, years on.
    wrapped = (
        "010000000000000000000000007a2beb64b1c547771ccd7b75aac90b8d"
        "7148463b15d3ba5a478e3ea1a329f039b6a6ac0c2dafc3de2955005c90a83983"
    )
    with writing(engine) as connection:
        values = {"school": "0252", "student_key": "7", "wrapped_key": bytes.fromhex(wrapped)}
        connection.execute(STUDENT_KEY.insert().values(values))
        vault = unlock(connection, MASTER)
        assert vault.student_keys(connection, "0252", ["7"])["7"].key == bytes(range(32, 64))
    derived = "30672b1cf6d4d4e9098808804619cd897430bf3da43e656c5a6f096d00423f28"
    assert vault.derive("content:0252").hex() == derived
    sealed = "010000000000000000000000001cce50086ba96d3f78551795c6ba7bafca72abd30c3d7b"
    assert vault.open_for("batch:0252", bytes.fromhex(sealed)) == b"content"


def test_what_is_sealed_for_one_purpose_opens_for_it_alone() -> None:
    vault = Vault(MASTER)
    sealed = vault.seal_for("batch:0252", b"content")
    assert b"content" not in sealed
    assert vault.open_for("batch:0252", sealed) == b"content"
    assert vault.seal_for("batch:0252", b"content") != sealed
    for reader, purpose in ((vault, "batch:0253"), (Vault(OTHER), "batch:0252")):
        with pytest.raises(BridgeError) as caught:
            reader.open_for(purpose, sealed)
        assert code_of(caught) == "sealed-unreadable"


def test_what_is_sealed_for_one_place_opens_there_alone() -> None:
    vault = Vault(MASTER)
    sealed = vault.seal_for("staff", b"name", place="a")
    assert vault.open_for("staff", sealed, place="a") == b"name"
    own = StudentKey(MASTER, "0252:7", bytes)
    scan = own.seal(b"scan", "scan:1")
    assert own.open(scan, "scan:1") == b"scan"
    for place in ("", "b"):
        with pytest.raises(BridgeError):
            vault.open_for("staff", sealed, place=place)
        with pytest.raises(BridgeError):
            own.open(scan, place)


def test_any_changed_byte_is_noticed() -> None:
    vault = Vault(MASTER)
    sealed = vault.seal_for("batch", b"content")
    damaged = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    for broken in [*damaged, sealed[:-1], sealed[:5], b""]:
        with pytest.raises(BridgeError) as caught:
            vault.open_for("batch", broken)
        assert code_of(caught) == "sealed-unreadable"


def test_each_student_has_a_key_of_its_own(engine: Engine) -> None:
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
        with pytest.raises(BridgeError) as caught:
            Vault(OTHER).student_keys(connection, "0252", ["7"])
        assert code_of(caught) == "sealed-unreadable"
        assert set(connection.scalars(sa.select(STUDENT_KEY.c.master))) == {master_id(MASTER)}


def test_a_destroyed_key_is_gone_for_good_and_no_other_is_touched(engine: Engine) -> None:
    vault = Vault(MASTER)
    with writing(engine) as connection:
        before = vault.make_student_keys(connection, "0252", ["7", "8"]) | {
            "elsewhere": vault.make_student_keys(connection, "0253", ["7"])["7"]
        }
    sealed = before["7"].seal(b"names")
    with writing(engine) as connection:
        assert destroy_student_key(connection, "0252", "7")
        assert not destroy_student_key(connection, "0252", "7")
        assert not destroy_student_key(connection, "0252", "9")
    with writing(engine) as connection:
        assert vault.student_keys(connection, "0252", ["7", "8"]).keys() == {"8"}
        assert vault.student_keys(connection, "0253", ["7"])["7"].key == before["elsewhere"].key
        again = vault.make_student_keys(connection, "0252", ["7"])["7"]  # comes back as somebody new
    with pytest.raises(BridgeError):
        again.open(sealed)


def test_a_destroyed_key_is_not_left_lying_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bridge.db"
    with bridge_database(f"sqlite:///{file}") as engine:

        @sa.event.listens_for(engine, "checkout")
        def _as_most_builds_are(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute("PRAGMA secure_delete=OFF")  # some builds of SQLite have it on of themselves

        vault = Vault(MASTER)
        with writing(engine) as connection:
            vault.make_student_keys(connection, "0252", [str(number) for number in range(20)])
            wrapped = connection.scalar(sa.select(STUDENT_KEY.c.wrapped_key).where(STUDENT_KEY.c.student_key == "7"))
        _checkpoint(engine)
        assert wrapped in file.read_bytes()
        with writing(engine) as connection:
            destroy_student_key(connection, "0252", "7")
        _checkpoint(engine)
        assert wrapped not in file.read_bytes()


def _checkpoint(engine: Engine) -> None:
    connection = engine.raw_connection()
    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


# Unlocking


def refused(engine: Engine, key: bytes) -> BridgeError:
    with reading(engine) as connection, pytest.raises(BridgeError) as caught:
        unlock(connection, key)
    return caught.value


def test_an_empty_database_takes_any_key_and_then_only_that_one(engine: Engine) -> None:
    with reading(engine) as connection:
        unlock(connection, OTHER)
        vault = unlock(connection, MASTER)
    with writing(engine) as connection:
        vault.make_student_keys(connection, "0252", ["7"])
    with reading(engine) as connection:
        assert unlock(connection, MASTER).student_keys(connection, "0252", ["7"])
    refusal = refused(engine, OTHER)
    assert refusal.code == "master-key-other"
    for language in Language:  # it names both, and neither key
        assert master_id(MASTER) in refusal.say(language)
        assert master_id(OTHER) in refusal.say(language)
        assert MASTER.hex() not in refusal.say(language)


def test_keys_wrapped_before_ids_were_kept_still_open(engine: Engine) -> None:
    vault = Vault(MASTER)
    with writing(engine) as connection:
        made = vault.make_student_keys(connection, "0252", ["7"])
        connection.execute(STUDENT_KEY.update().values(master=None))
    with reading(engine) as connection:
        assert unlock(connection, MASTER).student_keys(connection, "0252", ["7"])["7"].key == made["7"].key
    assert refused(engine, OTHER).code == "master-key-other"


def test_a_stored_root_is_where_purposes_keys_come_from(engine: Engine) -> None:
    vault = Vault(MASTER, root=OTHER)
    with writing(engine) as connection:
        values = {"name": ROOT, "wrapped": vault.wrapped_root(), "master": vault.master}
        connection.execute(VAULT_KEY.insert().values(values))
    with reading(engine) as connection:
        found = unlock(connection, MASTER)
    assert found.derive("content") == Vault(OTHER).derive("content")
    assert refused(engine, OTHER).code == "master-key-other"
    with writing(engine) as connection:
        connection.execute(VAULT_KEY.update().values(wrapped=vault.wrap(OTHER, "another place")))
    assert refused(engine, MASTER).code == "sealed-unreadable"


def test_keys_do_not_show_themselves() -> None:
    own = StudentKey(MASTER, "0252:7", bytes)
    assert repr(MASTER)[2:-1] not in repr(own) + repr(Vault(MASTER))
