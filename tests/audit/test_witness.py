"""A witness: its rules against a plain oracle, its folder killed or failing at every call, two of its processes."""

import errno
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.cosigning import cosigner_key, verify_cosignatures
from audit.errors import AuditDamagedError, AuditUnavailableError, NoteError
from audit.keys import SigningKey
from audit.note import Checkpoint, sign_note
from audit.tree import EMPTY_ROOT, consistency_proof, leaf_hash, root_hash
from audit.witness import (
    NOTHING_SEEN,
    LogKeys,
    Refusal,
    Seen,
    Submission,
    decide,
    origin_hash,
    read_submission,
    submission_body,
)
from audit.witness_folder import Witness, add_log_keys, by_origin, read_log_keys

ORIGIN = "school.example/audit"
LOG = SigningKey(Ed25519PrivateKey.from_private_bytes(b"L" * 32), ORIGIN)
STRANGER = SigningKey(Ed25519PrivateKey.from_private_bytes(b"S" * 32), ORIGIN)
OWN = SigningKey(Ed25519PrivateKey.from_private_bytes(b"W" * 32), "committee.example/witness")
LEAVES = [leaf_hash(bytes([number])) for number in range(40)]
FORKED = [*LEAVES[:3], leaf_hash(b"other"), *LEAVES[4:]]
FORK = multiprocessing.get_context("fork")
CALLS = ("open", "write", "fsync", "replace", "mkdir")


def proof(old: int, new: int, leaves: list[bytes] = LEAVES) -> tuple[bytes, ...]:
    return (
        consistency_proof(old, new, lambda level, at: root_hash(leaves[at << level : (at + 1) << level])) if old else ()
    )


def checkpoint(size: int, leaves: list[bytes] = LEAVES, key: SigningKey = LOG) -> Checkpoint:
    return Checkpoint.sign(ORIGIN, size, root_hash(leaves[:size]), key)


def body(old: int, new: int, leaves: list[bytes] = LEAVES) -> bytes:
    return submission_body(old, proof(old, new, leaves), checkpoint(new, leaves).note)


def witness(folder: Path) -> Witness:
    return Witness(folder, OWN, by_origin([LOG.verifier]), now=lambda: 1_800_000_000)


def status(answer: str | Refusal) -> int:
    return answer.status if isinstance(answer, Refusal) else 200


@settings(max_examples=400)
@given(st.data())
def test_what_is_cosigned_is_always_one_growing_history(data: st.DataObject) -> None:
    """The oracle keeps all leaves that the witness stands for; the rules know a size and a root alone."""
    stood_for: list[bytes] = []
    seen = NOTHING_SEEN
    for _ in range(6):
        leaves = data.draw(st.sampled_from([LEAVES, FORKED]))
        new = data.draw(st.integers(0, 40))
        old = data.draw(st.one_of(st.just(len(stood_for)), st.integers(0, 40)))
        steps = proof(old, new, data.draw(st.sampled_from([LEAVES, FORKED]))) if old <= new else ()
        if data.draw(st.integers(0, 9)) == 0:
            steps = (*steps, b"x" * 32)
        submission = Submission(old, steps, checkpoint(new, leaves))
        refusal = decide(submission, seen)
        whole = leaves[:new][: len(stood_for)] == stood_for and new >= len(stood_for)
        if refusal is None:
            assert whole
            assert old == len(stood_for)
            stood_for = leaves[:new]
            seen = Seen(new, root_hash(stood_for))
        elif refusal.status == 400:
            assert old > new
        elif refusal.status == 409:
            assert old != len(stood_for)
            assert refusal.body == b"%d\n" % len(stood_for)
        else:
            assert refusal.status == 422
            assert not whole or steps != proof(old, new, leaves)


def test_the_codes_are_those_of_the_specification(tmp_path: Path) -> None:
    one = witness(tmp_path)
    other = Checkpoint.sign("another.example", 1, root_hash(LEAVES[:1]), LOG).note
    assert status(one.add_checkpoint(submission_body(0, (), other))) == 404
    assert status(one.add_checkpoint(submission_body(0, (), checkpoint(3, key=STRANGER).note))) == 403
    assert status(one.add_checkpoint(submission_body(0, (), checkpoint(3).note + b"\xe2\x80\x94 x eA==\n"))) == 400
    assert status(one.add_checkpoint(submission_body(0, proof(2, 5), checkpoint(5).note))) == 422
    assert status(one.add_checkpoint(body(0, 5))) == 200
    conflict = one.add_checkpoint(body(0, 6))
    assert isinstance(conflict, Refusal)
    assert (conflict.status, conflict.content_type, conflict.body) == (409, "text/x.tlog.size", b"5\n")
    assert status(one.add_checkpoint(submission_body(6, (), checkpoint(5).note))) == 400
    assert status(one.add_checkpoint(body(5, 9, FORKED))) == 422
    assert status(one.add_checkpoint(submission_body(5, (), checkpoint(5, FORKED).note))) == 422
    assert status(one.add_checkpoint(submission_body(5, (), checkpoint(5).note))) == 200
    assert status(one.add_checkpoint(body(5, 9))) == 200
    assert [seen.size for seen in one.check()] == [9]


def test_a_known_key_whose_line_is_false_spoils_the_note(tmp_path: Path) -> None:
    note = checkpoint(3).note
    false = checkpoint(4).note.split(b"\n\n")[1]
    assert status(witness(tmp_path).add_checkpoint(submission_body(0, (), note + false))) == 403


def test_an_empty_tree_has_one_root(tmp_path: Path) -> None:
    one = witness(tmp_path)
    assert status(one.add_checkpoint(submission_body(0, (), Checkpoint.sign(ORIGIN, 0, b"r" * 32, LOG).note))) == 422
    assert status(one.add_checkpoint(submission_body(0, (), Checkpoint.sign(ORIGIN, 0, EMPTY_ROOT, LOG).note))) == 200
    assert status(one.add_checkpoint(body(0, 7))) == 200


def test_extension_lines_are_cosigned_as_they_stand(tmp_path: Path) -> None:
    note = sign_note(checkpoint(3).note.split(b"\n\n")[0].decode() + "\nmore\n", LOG)
    answer = witness(tmp_path).add_checkpoint(submission_body(0, (), note))
    assert isinstance(answer, str)
    assert verify_cosignatures(note + answer.encode(), [cosigner_key(OWN)])


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"old 0\n",
        b"old 00\n\n" + checkpoint(3).note,
        b"old +0\n\n" + checkpoint(3).note,
        b"old \xd9\xa3\n\n" + checkpoint(3).note,
        b"old  0\n\n" + checkpoint(3).note,
        b"Old 0\n\n" + checkpoint(3).note,
        b"old 0\r\n\n" + checkpoint(3).note,
        b"old 0\n" + checkpoint(3).note,
        b"old 0\nAAAA\n\n" + checkpoint(3).note,
        b"old 0\n" + b"A" * 43 + b"=\n" * 64 + b"\n" + checkpoint(3).note,
        b"old 0\n\n" + checkpoint(3).note.replace(b"\n3\n", b"\n03\n"),
        b"old 0\n\n" + checkpoint(3).note[:-1],
        b"old 0\n\n" + b"x" * 200_000,
        b"\xff" * 100,
    ],
)
def test_what_is_no_request_is_a_400(spoiled: bytes) -> None:
    answer = read_submission(spoiled)
    assert isinstance(answer, Refusal)
    assert answer.status == 400


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading(junk: bytes) -> None:
    for text in (junk, b"old 0\n\n" + junk, b"old 0\n" + junk + b"\n" + checkpoint(3).note):
        read_submission(text)


def test_sixty_three_lines_are_read_and_sixty_four_are_not() -> None:
    assert isinstance(read_submission(submission_body(1, (b"x" * 32,) * 63, checkpoint(3).note)), Submission)
    assert isinstance(read_submission(submission_body(1, (b"x" * 32,) * 64, checkpoint(3).note)), Refusal)


def test_the_monitor_gets_the_logs_signature_and_the_witness_own_and_no_other(tmp_path: Path) -> None:
    one = witness(tmp_path)
    stranger = checkpoint(3, key=STRANGER).note.split(b"\n\n")[1]
    one.add_checkpoint(submission_body(0, (), checkpoint(3).note + stranger))
    note = one.latest(origin_hash(ORIGIN))
    assert note is not None
    assert stranger not in note
    assert verify_cosignatures(note, [cosigner_key(OWN)])
    assert Checkpoint.parse(note).signed_by([LOG.verifier]) == LOG.verifier
    assert one.latest("..") is None
    assert one.latest(origin_hash("another")) is None


def test_a_key_that_is_added_or_dropped_counts_at_the_next_request(tmp_path: Path) -> None:
    one = Witness(tmp_path, OWN, now=lambda: 1_800_000_000)
    known = submission_body(0, (), checkpoint(3).note)
    assert status(one.add_checkpoint(known)) == 404
    assert not (tmp_path / "seen").exists()
    add_log_keys(tmp_path, [LOG.verifier, STRANGER.verifier])
    assert status(one.add_checkpoint(known)) == 200
    one.drop(LOG.verifier)
    assert status(one.add_checkpoint(body(3, 5))) == 403
    assert [seen.size for seen in one.check()] == [3]
    note = one.latest(origin_hash(ORIGIN))
    assert note is not None
    assert Checkpoint.parse(note).size == 3
    theirs = submission_body(3, proof(3, 5), checkpoint(5, key=STRANGER).note)
    assert status(one.add_checkpoint(theirs)) == 200
    both = Checkpoint.sign(ORIGIN, 7, root_hash(LEAVES[:7]), STRANGER).note + checkpoint(7).note.split(b"\n\n")[1]
    assert status(one.add_checkpoint(submission_body(5, proof(5, 7), both))) == 200
    one.drop(STRANGER.verifier)
    # The origin stays known, and what was cosigned can still be asked for.
    assert status(one.add_checkpoint(submission_body(7, (), checkpoint(7, key=STRANGER).note))) == 403
    assert one.latest(origin_hash(ORIGIN)) is not None


def test_a_dropped_key_stays_dropped_whatever_names_it(tmp_path: Path) -> None:
    add_log_keys(tmp_path, [LOG.verifier])
    witness(tmp_path).drop(LOG.verifier)
    witness(tmp_path).drop(LOG.verifier)
    assert (tmp_path / "logs").read_text() == ""
    assert (tmp_path / "dropped").read_text().splitlines() == [LOG.verifier.vkey]
    assert status(witness(tmp_path).add_checkpoint(body(0, 5))) == 403  # given on the command line
    (tmp_path / "logs").write_text(f"{LOG.verifier.vkey}\n")  # put back from a copy, or killed in between
    assert status(witness(tmp_path).add_checkpoint(body(0, 5))) == 403
    with pytest.raises(AuditUnavailableError, match="dropped the key"):
        add_log_keys(tmp_path, [STRANGER.verifier, LOG.verifier])
    assert STRANGER.verifier not in read_log_keys(tmp_path)


def test_a_key_that_is_dropped_while_a_request_waits_signs_nothing_more(tmp_path: Path) -> None:
    """Between the first look at the keys and the lock the key is dropped."""

    class Slow(Witness):
        def served(self) -> LogKeys:
            served = super().served()
            if not (tmp_path / "dropped").exists():
                Witness(tmp_path, OWN).drop(LOG.verifier)
            return served

    assert status(Slow(tmp_path, OWN, by_origin([LOG.verifier])).add_checkpoint(body(0, 5))) == 403
    assert witness(tmp_path).check() == []


def test_a_list_of_keys_that_cant_be_read_cosigns_nothing(tmp_path: Path) -> None:
    for name in ("logs", "dropped"):
        (tmp_path / name).write_text("junk\n")
        with pytest.raises(NoteError):
            witness(tmp_path).add_checkpoint(body(0, 5))
        (tmp_path / name).unlink()


def test_a_stored_checkpoint_that_was_changed_stops_the_witness(tmp_path: Path) -> None:
    one = witness(tmp_path)
    one.add_checkpoint(body(0, 9))
    stored = tmp_path / "seen" / origin_hash(ORIGIN) / "checkpoint"
    stored.write_bytes(checkpoint(3).note)  # signed by the log, never by the witness
    with pytest.raises(AuditDamagedError):
        one.add_checkpoint(body(3, 10))
    with pytest.raises(AuditDamagedError):
        one.check()


@contextmanager
def at_call(number: int, act: Callable[[], None], *, after: bool) -> Iterator[list[str]]:
    """Do `act` before or after the system call of that number, of those that the folder makes; gives their names."""
    real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}
    made: list[str] = []

    def around(name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            made.append(name)
            here = len(made) == number
            if here and not after:
                act()
            result = real[name](*args, **kwargs)
            if here and after:
                act()
            return result

        return call

    for name in CALLS:
        setattr(os, name, around(name))
    try:
        yield made
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise OSError(errno.ENOSPC, "no space")


@pytest.mark.parametrize("first", [0, 5])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_call_it_never_goes_back_on_what_it_said(tmp_path: Path, first: int, *, after: bool) -> None:
    base = tmp_path / "base"
    base.mkdir()
    if first:
        witness(base).add_checkpoint(body(0, first))
    kills = 0
    for number in count(1):
        folder = tmp_path / f"killed-{number}"
        shutil.copytree(base, folder)
        said = tmp_path / f"said-{number}"

        def work(folder: Path = folder, number: int = number, said: Path = said) -> None:
            with at_call(number, die, after=after):
                answer = witness(folder).add_checkpoint(body(first, 12))
            said.write_text(str(answer))

        process = FORK.Process(target=work)
        process.start()
        process.join()
        if process.exitcode == 0:
            break
        kills += 1
        assert process.exitcode == -signal.SIGKILL
        assert not said.exists()
        (seen,) = witness(folder).check() or [None]
        assert seen is None or seen.size in {first, 12}
        known = seen.size if seen else 0
        # what follows is the usual way: an answer of 409 with the size at most, then a cosignature
        assert status(witness(folder).add_checkpoint(body(known, 20))) == 200
        assert status(witness(folder).add_checkpoint(body(20, 30, FORKED))) == 422
    assert kills >= 7


@pytest.mark.parametrize("first", [0, 5])
def test_an_error_at_every_call_is_told_and_nothing_is_cosigned(tmp_path: Path, first: int) -> None:
    base = tmp_path / "base"
    base.mkdir()
    if first:
        witness(base).add_checkpoint(body(0, first))
    failures = 0
    for number in count(1):
        folder = tmp_path / f"failed-{number}"
        shutil.copytree(base, folder)
        with at_call(number, fail, after=False) as made:
            try:
                assert status(witness(folder).add_checkpoint(body(first, 12))) == 200
            except AuditUnavailableError:
                failures += 1
        if len(made) < number:
            break
        (seen,) = witness(folder).check() or [None]
        known = seen.size if seen else 0
        assert known in {first, 12}
        assert status(witness(folder).add_checkpoint(body(known, 20))) == 200
    assert failures >= 7


def test_two_processes_and_threads_at_one_folder_keep_one_history(tmp_path: Path) -> None:
    """Each tries to take the witness another way; the spoken cosignatures are all of one history."""
    queue = FORK.Queue()

    def work(leaves: list[bytes]) -> None:
        one, known = witness(tmp_path), 0
        for new in range(1, 40):
            for _ in range(10):
                answer = one.add_checkpoint(
                    submission_body(
                        known, proof(known, new, leaves) if known <= new else (), checkpoint(new, leaves).note
                    )
                )
                if isinstance(answer, str):
                    queue.put((new, leaves is FORKED))
                    known = new
                if not isinstance(answer, Refusal) or answer.known_size is None:
                    break
                known = answer.known_size
        queue.put(None)

    workers = [FORK.Process(target=work, args=(leaves,)) for leaves in (LEAVES, FORKED, LEAVES)]
    workers.append(threading.Thread(target=work, args=(FORKED,)))  # type: ignore[arg-type]  a thread starts and joins likewise
    for worker in workers:
        worker.start()
    said: list[tuple[int, bool]] = []
    ended = 0
    while ended < len(workers):
        item = queue.get(timeout=60)
        ended += item is None
        if item is not None:
            said.append(item)
    for worker in workers:
        worker.join()
    assert len({forked for size, forked in said if size > 3}) == 1
    assert max(size for size, _ in said) == 39
