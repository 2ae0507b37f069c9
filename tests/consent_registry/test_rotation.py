"""The master key replaced: nothing sealed changes, nobody wraps by the old key, nothing is ever unreadable."""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from consent_registry.sealed.key_file import KeyFile, open_with
from consent_registry.sealed.rotation import close_gate, give_root, rotate
from consent_registry.sealed.vault import (
    Vault,
    create_master_key,
    destroy_student_key,
    load_master_key,
    master_id,
    unlock,
)
from consent_registry.tables import STUDENT_KEY, VAULT_KEY
from database import reading, writing
from journal.wording import BridgeError

FIRST, SECOND, THIRD = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
PURPOSES = ("staff", "content:0252", "lookup:email")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    sqlite = request.param == "sqlite"
    with bridge_database(f"sqlite:///{tmp_path}/bridge.db" if sqlite else request.getfixturevalue("server")) as made:
        yield made


def opened(engine: Engine, key: bytes) -> Vault:
    with reading(engine) as connection:
        return unlock(connection, key)


def rotated(engine: Engine, vault: Vault, key: bytes) -> Vault:
    with writing(engine) as connection:
        return rotate(connection, vault, key)


def made(engine: Engine, vault: Vault, *students: str) -> dict[str, bytes]:
    with writing(engine) as connection:
        return {student: own.key for student, own in vault.make_student_keys(connection, "0252", students).items()}


def held(engine: Engine, vault: Vault) -> dict[str, bytes]:
    with reading(engine) as connection:
        every = list(connection.scalars(sa.select(STUDENT_KEY.c.student_key)))
        return {student: own.key for student, own in vault.student_keys(connection, "0252", every).items()}


def stored(engine: Engine) -> list[tuple[object, ...]]:
    with reading(engine) as connection:
        return [tuple(row) for table in (STUDENT_KEY, VAULT_KEY) for row in connection.execute(sa.select(table))]


def code_of(error: pytest.ExceptionInfo[BridgeError]) -> str:
    return error.value.code


def test_all_keys_and_all_digests_stay_and_only_the_new_master_key_opens(engine: Engine) -> None:
    first = Vault(FIRST)
    keys = made(engine, first, *(str(number) for number in range(2100)))  # read in several parts
    derived = {purpose: first.derive(purpose) for purpose in PURPOSES}
    sealed = first.seal_for("roster", b"names")
    vault = first
    for key in (SECOND, THIRD, FIRST):
        former, vault = vault, rotated(engine, vault, key)
        for found in (vault, opened(engine, key)):
            assert held(engine, found) == keys
            assert {purpose: found.derive(purpose) for purpose in PURPOSES} == derived
            assert found.open_for("roster", sealed) == b"names"
        assert {master for *_, master in stored(engine)} == {vault.master}
        with pytest.raises(BridgeError) as caught:
            held(engine, former)
        assert code_of(caught) == "master-key-rotated"
    with pytest.raises(BridgeError) as caught:
        opened(engine, SECOND)
    assert code_of(caught) == "master-key-other"


def test_who_has_the_old_key_and_the_new_database_opens_no_students_key(engine: Engine) -> None:
    made(engine, Vault(FIRST), "7")
    rotated(engine, Vault(FIRST), SECOND)
    with writing(engine) as connection:  # as a thief would: away with the ids that the program looks at
        connection.execute(STUDENT_KEY.update().values(master=None))
        connection.execute(VAULT_KEY.delete())
        with pytest.raises(BridgeError) as caught:
            Vault(FIRST).student_keys(connection, "0252", ["7"])
    assert code_of(caught) == "sealed-unreadable"


def test_keys_from_before_ids_are_wrapped_anew_too(engine: Engine) -> None:
    keys = made(engine, Vault(FIRST), "7", "8")
    with writing(engine) as connection:
        connection.execute(STUDENT_KEY.update().values(master=None))
    assert held(engine, rotated(engine, opened(engine, FIRST), SECOND)) == keys


def test_a_damaged_key_stops_it_and_nothing_is_changed(engine: Engine) -> None:
    keys = made(engine, Vault(FIRST), *(str(number) for number in range(1100)))
    with writing(engine) as connection:
        last = STUDENT_KEY.c.student_key == "999"
        connection.execute(STUDENT_KEY.update().where(last).values(wrapped_key=b"\x01damaged"))
    before = stored(engine)
    with pytest.raises(BridgeError) as caught:
        rotated(engine, Vault(FIRST), SECOND)
    assert code_of(caught) == "sealed-unreadable"
    assert stored(engine) == before
    with writing(engine) as connection:
        assert destroy_student_key(connection, "0252", "999")  # what is to be done about it
    del keys["999"]
    assert held(engine, rotated(engine, Vault(FIRST), SECOND)) == keys


def test_the_key_in_use_is_no_new_one(engine: Engine) -> None:
    with pytest.raises(ValueError, match="another master key"):
        rotated(engine, Vault(FIRST), FIRST)


ACTS = st.one_of(
    st.tuples(st.just("make"), st.integers(0, 5)),
    st.tuples(st.just("destroy"), st.integers(0, 5)),
    st.tuples(st.just("rotate"), st.integers(0, 3)),
    st.tuples(st.just("rotate, then fail"), st.integers(0, 3)),
    st.tuples(st.just("use the former vault"), st.integers(0, 5)),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(ACTS, max_size=12))
def test_whatever_is_done_the_present_key_opens_what_was_not_destroyed(acts: list[tuple[str, int]]) -> None:
    """Against a model that knows keys in clear and nothing of wrapping."""
    with TemporaryDirectory() as folder, bridge_database(f"sqlite:///{folder}/bridge.db") as engine:
        present, former, model = FIRST, None, {}
        root = Vault(FIRST).derive("content")
        for act, number in acts:
            vault, student, key = opened(engine, present), str(number), bytes([number]) * 32
            if act == "make" and student not in model:
                model |= made(engine, vault, student)
            elif act == "destroy":
                with writing(engine) as connection:
                    assert destroy_student_key(connection, "0252", student) == (student in model)
                model.pop(student, None)
            elif act == "rotate" and key != present:
                rotated(engine, vault, key)
                present, former = key, vault
            elif act == "rotate, then fail" and key != present:
                with suppress(ZeroDivisionError), writing(engine) as connection:
                    rotate(connection, vault, key)
                    raise ZeroDivisionError
            elif act == "use the former vault" and former is not None and former.master != vault.master:
                for use in (partial(made, engine, former, "new"), partial(rotated, engine, former, bytes(32))):
                    with pytest.raises(BridgeError) as caught:
                        use()
                    assert code_of(caught) == "master-key-rotated"
            assert held(engine, opened(engine, present)) == model
            assert opened(engine, present).derive("content") == root


# Two at once


def test_a_rotation_waits_for_a_key_that_is_being_made_and_wraps_it_too(engine: Engine) -> None:
    vault, done = Vault(FIRST), Event()

    def other() -> None:
        rotated(engine, vault, SECOND)
        done.set()

    thread = Thread(target=other)
    with writing(engine) as connection:
        own = vault.make_student_keys(connection, "0252", ["7"])["7"]
        thread.start()
        assert not done.wait(0.5)
    thread.join(30)
    assert done.is_set()
    assert held(engine, opened(engine, SECOND)) == {"7": own.key}


def test_who_wants_to_make_a_key_while_a_rotation_runs_waits_and_is_refused(engine: Engine) -> None:
    vault, codes = Vault(FIRST), []
    keys = made(engine, vault, "7")

    def other() -> None:
        try:
            made(engine, vault, "8")
        except BridgeError as error:
            codes.append(error.code)
        else:
            codes.append("made")

    thread = Thread(target=other)
    with writing(engine) as connection:
        rotate(connection, vault, SECOND)
        thread.start()
        thread.join(0.5)
        assert codes == []
    thread.join(30)
    assert codes == ["master-key-rotated"]
    assert held(engine, opened(engine, SECOND)) == keys
    assert {master for *_, master in stored(engine)} == {master_id(SECOND)}


def test_of_two_rotations_the_second_is_refused(engine: Engine) -> None:
    vault, codes = Vault(FIRST), []
    keys = made(engine, vault, "7")

    def other() -> None:
        with pytest.raises(BridgeError) as caught:
            rotated(engine, vault, THIRD)
        codes.append(code_of(caught))

    thread = Thread(target=other)
    with writing(engine) as connection:
        rotate(connection, vault, SECOND)
        thread.start()
        thread.join(0.5)
        assert codes == []
    thread.join(30)
    assert codes == ["master-key-rotated"]
    assert held(engine, opened(engine, SECOND)) == keys


def test_destroying_a_key_and_a_rotation_wait_for_each_other(engine: Engine) -> None:
    vault, done = Vault(FIRST), Event()
    keys = made(engine, vault, "7", "8")

    def other() -> None:
        rotated(engine, vault, SECOND)
        done.set()

    thread = Thread(target=other)
    with writing(engine) as connection:
        destroy_student_key(connection, "0252", "7")
        thread.start()
        assert not done.wait(0.5)
        vault.make_student_keys(connection, "0252", ["9"])  # would be a deadlock without one gate for both
    thread.join(30)
    assert done.is_set()
    assert held(engine, opened(engine, SECOND)).keys() == {"8", "9"}
    assert held(engine, opened(engine, SECOND))["8"] == keys["8"]


# The file


def key_file(tmp_path: Path) -> tuple[KeyFile, bytes]:
    file = KeyFile(tmp_path / "audit-master[1].key")  # a name that is a pattern too
    file.path.write_bytes(create_master_key())
    file.path.chmod(0o600)
    return file, load_master_key(file.path.read_bytes())


def beside(file: KeyFile) -> set[str]:
    return {path.name.removeprefix(file.path.name) for path in file.path.parent.glob("audit*")}


def through_commit(engine: Engine, file: KeyFile, vault: Vault) -> Vault:
    """Rotate as far as the commit: the file is not renamed."""
    content = create_master_key()
    with writing(engine) as connection:
        close_gate(connection, vault)
        file.write_next(content, vault.master)
        return rotate(connection, vault, load_master_key(content))


def test_who_opens_after_the_commit_finishes_the_renaming(engine: Engine, tmp_path: Path) -> None:
    file, key = key_file(tmp_path)
    keys = made(engine, Vault(key), "7")
    present = through_commit(engine, file, Vault(key)).master
    assert file.next_of(present).stat().st_mode & 0o777 == 0o600
    vault = open_with(engine, file.path.read_bytes, file.path)
    assert held(engine, vault) == keys
    assert beside(file) == {"", f".{master_id(key)}.old"}
    assert master_id(load_master_key(file.path.read_bytes())) == present
    assert load_master_key(file.old_of(master_id(key)).read_bytes()) == key
    assert open_with(engine, file.path.read_bytes, file.path).master == present


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    file, key = key_file(tmp_path)
    link = tmp_path / "link.key"
    link.symlink_to(file.path)
    with bridge_database(f"sqlite:///{tmp_path}/bridge.db") as engine:
        present = through_commit(engine, file, Vault(key)).master
        assert open_with(engine, link.read_bytes, link).master == present
    assert link.is_symlink()
    assert master_id(load_master_key(link.read_bytes())) == present


def test_who_is_late_with_the_renaming_does_not_undo_a_later_rotation(tmp_path: Path) -> None:
    file, key = key_file(tmp_path)
    with bridge_database(f"sqlite:///{tmp_path}/bridge.db") as engine:
        second = through_commit(engine, file, Vault(key))
        late = []

        def overtaken(step: str) -> None:
            """Between the late one's look and its rename, others finish, and rotate once more as far as the commit."""
            if step == "kept" and not late:
                late.append(step)
                file.finish(second.master)
                through_commit(engine, file, second)

        file.finish(second.master, overtaken)
        third = open_with(engine, file.path.read_bytes, file.path)
    assert third.master not in {second.master, master_id(key)}
    assert beside(file) == {"", f".{master_id(key)}.old", f".{second.master}.old"}


def test_what_a_rotation_that_died_before_its_commit_left_goes_with_the_next(tmp_path: Path) -> None:
    file, key = key_file(tmp_path)
    with bridge_database(f"sqlite:///{tmp_path}/bridge.db") as engine:
        file.write_next(create_master_key(), master_id(key))
        assert len(beside(file)) == 2
        assert open_with(engine, file.path.read_bytes, file.path).master == master_id(key)
        present = through_commit(engine, file, Vault(key)).master
        file.finish(present)
    assert beside(file) == {"", f".{master_id(key)}.old"}


def test_a_rotation_that_fails_after_one_that_died_before_its_renaming_loses_no_key(tmp_path: Path) -> None:
    file, key = key_file(tmp_path)
    with bridge_database(f"sqlite:///{tmp_path}/bridge.db") as engine:
        second = through_commit(engine, file, Vault(key))
        with suppress(ZeroDivisionError), writing(engine) as connection:
            close_gate(connection, second)
            file.write_next(create_master_key(), second.master)
            raise ZeroDivisionError
        assert open_with(engine, file.path.read_bytes, file.path).master == second.master


def test_a_rotation_between_the_reads_of_database_and_file_is_no_error(engine: Engine, tmp_path: Path) -> None:
    file, key = key_file(tmp_path)
    present = []

    def content() -> bytes:
        if not present:
            present.append(through_commit(engine, file, Vault(key)).master)
            file.finish(present[0])
        return file.path.read_bytes()

    made(engine, Vault(key), "7")
    assert open_with(engine, content, file.path).master == present[0]


def test_a_key_that_never_was_the_right_one_is_refused(engine: Engine, tmp_path: Path) -> None:
    file, key = key_file(tmp_path)
    made(engine, Vault(key), "7")
    through_commit(engine, file, Vault(key))
    (left,) = file.path.parent.glob("*.next")
    left.unlink()
    for path in (file.path, None):
        with pytest.raises(BridgeError) as caught:
            open_with(engine, file.path.read_bytes, path)
        assert code_of(caught) == "master-key-other"


def test_where_the_new_key_cannot_be_written_nothing_is_changed(engine: Engine, tmp_path: Path) -> None:
    file, key = key_file(tmp_path)
    keys = made(engine, Vault(key), "7")
    file.next_of("0" * 16).mkdir()  # can't be removed as a file is
    with pytest.raises(BridgeError) as caught:
        through_commit(engine, file, Vault(key))
    assert code_of(caught) == "master-key-not-writable"
    assert held(engine, open_with(engine, file.path.read_bytes, file.path)) == keys


def test_a_key_that_root_rotates_stays_its_readers(tmp_path: Path) -> None:
    file, key = key_file(tmp_path)
    owner = (12345, 23456) if os.geteuid() == 0 else (os.geteuid(), os.getegid())  # only root gives files away
    os.chown(file.path, *owner)
    content = create_master_key()
    file.write_next(content, master_id(key))
    written = file.next_of(master_id(load_master_key(content))).stat()
    assert (written.st_uid, written.st_gid, written.st_mode & 0o777) == (*owner, 0o600)


def test_a_new_installation_hangs_on_no_first_key(engine: Engine) -> None:
    with writing(engine) as connection:
        give_root(connection, FIRST)
    given = opened(engine, FIRST)
    rotated(engine, given, SECOND)
    assert opened(engine, SECOND).derive("staff") == given.derive("staff") != Vault(FIRST).derive("staff")
