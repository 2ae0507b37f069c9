"""Runs under witnesses: cosigned at each end, without them borne for a while, contradicted: nothing at all."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from fakes.mail_server import MailServer, mail_server
from fakes.witnesses import RunningWitness
from worlds.memory_world import CODE, Link, MemoryWorld, Row

from audit.cosigning import cosigner_key, verify_cosignatures
from audit.cosigning_round import UNKNOWN_KEY, LogContradictedError
from audit.errors import AuditDamagedError
from audit.keys import load_signing_key
from audit.log import open_log
from audit.note import Checkpoint
from database import reading, writing
from delivery.checkpoint_copies import MailRoute, newest_copies, store_copy
from delivery.checkpoints import QUORUM, holders, note_failing, note_held
from flows.bridge import Bridge
from flows.steps import sweep_school, sync_school
from flows.witnessing import Witnessing
from journal.wording import Language

DAY = date(2026, 10, 5)
PATIENCE = timedelta(minutes=30)


class WitnessedWorld(MemoryWorld):
    """A world whose bridge has witnesses; one process of it lives until `restart`."""

    running: list[RunningWitness]
    quorum = 1
    folder_of_copies: Path | None = None
    mail: MailRoute | None = None
    every = 0.0
    _witnessing: Witnessing | None = None

    def witnessing(self) -> Witnessing:
        return Witnessing(
            engine=self.engine,
            log=self.log,
            origin="test-log",
            clock=lambda: self.now,
            witnesses=[one.address(seconds=2) for one in self.running],
            quorum=self.quorum,
            patience=PATIENCE,
            every=self.every,
            folder=self.folder_of_copies,
            mail=self.mail,
        )

    def bridge(self) -> Bridge:
        if self._witnessing is None:
            fresh = self.witnessing()
            fresh.begin()
            self._witnessing = fresh
        return replace(super().bridge(), witnessing=self._witnessing)

    def witnessing_now(self) -> Witnessing:
        assert self._witnessing is not None
        return self._witnessing

    def restart(self) -> None:
        self._witnessing = None


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WitnessedWorld]:
    made = WitnessedWorld(tmp_path)
    log_key = load_signing_key(made.pem, "test-log").verifier
    made.running = [
        RunningWitness(tmp_path / f"w{number}", log_key, now=lambda: int(made.now.timestamp())) for number in (1, 2)
    ]
    made.quorum = 2
    for student in "12":
        made.register(Link(student, f"pa-{student}"))
        for number in range(5):
            made.rows[f"mark:{student}{number}"] = Row(student, str(number % 4 + 2), DAY)
    yield made
    for one in made.running:
        with suppress(OSError, RuntimeError):
            one.stop()


def cosigners(world: WitnessedWorld) -> int:
    kept = world.log.cosigned()
    keys = [cosigner_key(one.key) for one in world.running]
    return 0 if kept is None else len(verify_cosignatures(kept.note, keys))


def test_a_runs_last_entry_is_cosigned_by_all_and_kept_beside_the_log_and_in_the_database(
    world: WitnessedWorld,
) -> None:
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent) == (None, 10)
    assert world.witnessing_now().shortage() is None
    kept = world.log.cosigned()
    assert kept is not None
    assert kept.size == world.log.checkpoint().size
    assert cosigners(world) == 2
    with reading(world.engine) as connection:
        known = holders(connection, "test-log")
    assert known[QUORUM].note == kept.note
    assert {known[cosigner_key(one.key).vkey].size for one in world.running} == {kept.size}


def test_too_few_are_borne_for_the_set_time_then_only_lawful_withdrawals_go(world: WitnessedWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.running[1].stop()
    world.rows["mark:20"].value = "5"
    borne = sync_school(world.bridge(), CODE)
    assert (borne.failure, borne.sent) == (None, 1)
    short = world.witnessing_now().shortage()
    assert short is not None
    assert f"until {world.now + PATIENCE:%Y-%m-%dT%H:%M}" in short.say(Language.EN)
    assert "1 из 2 нужных свидетелей" in short.say(Language.RU)
    assert f"{world.running[1].url} (нет соединения)" in short.say(Language.RU)
    world.now += PATIENCE
    assert sync_school(world.bridge(), CODE).failure is None
    world.now += timedelta(seconds=1)
    world.rows["mark:21"].value = "5"
    del world.rows["mark:22"]
    world.withdraw("1", "pa-1")
    before = len(world.portal.held(CODE))
    stopped = sync_school(world.bridge(), CODE)
    assert stopped.failure is not None
    assert stopped.failure.code == "witnesses-short"
    assert world.witnessing_now().shortage() is None  # the school's failure says it now
    assert world.running[1].url in stopped.failure.wording.ru
    assert "no connection" in stopped.failure.wording.en
    assert stopped.sent == 0
    assert stopped.withheld["unwitnessed"] == 1
    assert stopped.withdrawn["consent-withdrawn"] == 5  # the law demands it; see the decision in docs/adr
    assert len(world.portal.held(CODE)) <= before - 5
    assert stopped.balances


def test_patience_is_counted_over_restarts_and_ends_with_the_first_full_round(world: WitnessedWorld) -> None:
    world.running[0].stop()
    assert sync_school(world.bridge(), CODE).failure is None
    world.now += PATIENCE + timedelta(minutes=1)
    world.restart()
    world.rows["mark:20"].value = "5"
    assert sync_school(world.bridge(), CODE).sent == 0
    world.running[0].start()
    again = sync_school(world.bridge(), CODE)
    assert (again.failure, again.sent) == (None, 1)
    assert cosigners(world) == 2


def test_a_run_under_way_stops_between_two_batches(world: WitnessedWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.running[0].stop()
    assert sync_school(world.bridge(), CODE).failure is None
    for number in range(9):
        world.rows[f"mark:1{number}"] = Row("1", "3", DAY)
        world.rows[f"mark:2{number}"] = Row("2", "3", DAY)
    submitted: list[str] = []
    submit = world.portal.submit

    def slow(*arguments, **options):
        submitted.append("batch")
        world.now += PATIENCE / 2
        return submit(*arguments, **options)

    world.portal.submit = slow
    stopped = sync_school(world.bridge(), CODE)
    assert stopped.failure is not None
    assert stopped.failure.code == "witnesses-short"
    assert len(submitted) == 3  # half an hour is not over it, three quarters are
    assert stopped.sent == 9
    assert stopped.balances


def test_a_quorum_of_one_bears_the_other_for_ever(world: WitnessedWorld) -> None:
    world.quorum = 1
    world.running[1].stop()
    sync_school(world.bridge(), CODE)
    world.now += timedelta(days=9)
    world.rows["mark:20"].value = "5"
    assert sync_school(world.bridge(), CODE).sent == 1


def test_a_sweep_takes_back_without_witnesses(world: WitnessedWorld) -> None:
    sync_school(world.bridge(), CODE)
    for one in world.running:
        one.stop()
    world.now += PATIENCE * 3
    world.withdraw("1", "pa-1")
    assert sweep_school(world.bridge(), CODE).withdrawn == {"consent-withdrawn": 5}


def test_a_log_put_back_from_an_older_copy_sends_nothing_and_a_restart_refuses_it(world: WitnessedWorld) -> None:
    shutil.copytree(world.folder / "audit", world.folder / "copy")
    sync_school(world.bridge(), CODE)
    calls = len(world.portal.calls)
    shutil.rmtree(world.folder / "audit")
    shutil.copytree(world.folder / "copy", world.folder / "audit")
    world.rows["mark:20"].value = "5"
    refused = sync_school(world.bridge(), CODE)
    assert refused.failure is not None
    assert refused.failure.code == "audit"
    assert "submit" not in world.portal.calls[calls:]
    world.restart()
    with pytest.raises(AuditDamagedError):
        world.bridge()
    with writing(world.engine) as connection:  # the attacker has the database too
        connection.exec_driver_sql("DELETE FROM checkpoint_holder")
        connection.exec_driver_sql("DELETE FROM known_checkpoint")
    with pytest.raises(AuditDamagedError, match="witness"):
        world.bridge()


def test_a_contradiction_outlasts_the_witness_being_away_and_ends_when_it_cosigns(world: WitnessedWorld) -> None:
    world.quorum = 1
    shutil.copytree(world.folder / "audit", world.folder / "older")
    sync_school(world.bridge(), CODE)
    shutil.copytree(world.folder / "audit", world.folder / "newest")
    with writing(world.engine) as connection:  # all of the machine is put back from a backup
        connection.exec_driver_sql("DELETE FROM checkpoint_holder")
        connection.exec_driver_sql("DELETE FROM known_checkpoint")
    put_back(world, "older")
    with pytest.raises(AuditDamagedError, match="here it has"):
        world.bridge()
    for one in world.running:
        one.stop()
    with pytest.raises(LogContradictedError, match="has not cosigned this one since"):
        world.bridge()
    with writing(world.engine) as connection:
        first, second = (cosigner_key(one.key).vkey for one in world.running)
        note_failing(connection, "test-log", first, trouble=UNKNOWN_KEY, now=world.now)
        note_failing(connection, "test-log", second, trouble=UNKNOWN_KEY, now=world.now)
    with pytest.raises(LogContradictedError, match="has not cosigned this one since"):
        world.bridge()
    for one in world.running:
        one.start()
    with pytest.raises(AuditDamagedError):
        world.bridge()
    put_back(world, "newest")
    world.bridge()
    world.rows["mark:20"].value = "5"
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent) == (None, 1)


def put_back(world: WitnessedWorld, copy: str) -> None:
    world.restart()
    shutil.rmtree(world.folder / "audit")
    shutil.copytree(world.folder / copy, world.folder / "audit")


def test_what_is_known_only_beside_the_log_in_the_database_or_as_a_copy_refuses_an_older_log_too(
    world: WitnessedWorld, tmp_path: Path
) -> None:
    world.folder_of_copies = tmp_path / "share"
    sync_school(world.bridge(), CODE)
    kept = world.log.cosigned()
    assert kept is not None
    (copy,) = newest_copies(world.folder_of_copies)
    assert copy.note == kept.note
    log = open_log(tmp_path / "young", load_signing_key(world.pem, "test-log"), "test-log")
    mine, world.log = world.log, log
    for one in world.running:
        one.stop()
    everything = (world.engine, world.folder_of_copies)
    with pytest.raises(AuditDamagedError, match="the bridge's database"):
        world.witnessing().begin()
    with writing(world.engine) as connection:
        connection.exec_driver_sql("DELETE FROM checkpoint_holder")
    with pytest.raises(AuditDamagedError, match="the folder of copies"):
        world.witnessing().begin()
    shutil.rmtree(everything[1])
    world.witnessing().begin()
    log.keep_cosigned(kept.note)
    with pytest.raises(AuditDamagedError, match=r"checkpoint\.cosigned"):
        world.witnessing().begin()
    world.log = mine


def test_what_another_log_signed_is_no_contradiction(world: WitnessedWorld, tmp_path: Path) -> None:
    world.folder_of_copies = tmp_path / "share"
    sync_school(world.bridge(), CODE)
    stranger = Checkpoint.sign("test-log", 10**6, b"r" * 32, world.running[0].key)
    store_copy(world.folder_of_copies, stranger)
    with writing(world.engine) as connection:
        note_held(connection, "test-log", "folder", size=10**6, note=stranger.note, now=world.now)
    world.restart()
    assert sync_school(world.bridge(), CODE).failure is None


def test_copies_go_into_the_folder_and_by_mail_not_too_often_and_stop_nothing(
    world: WitnessedWorld, tmp_path: Path
) -> None:
    world.folder_of_copies = tmp_path / "share"
    with mail_server(MailServer()) as mail:
        world.mail = MailRoute(["a@committee.example"], "b@school.example", "127.0.0.1", mail.port, "none")
        assert sync_school(world.bridge(), CODE).failure is None
        assert sync_school(world.bridge(), CODE).failure is None
        assert (len(mail.messages), len(list(world.folder_of_copies.iterdir()))) == (1, 1)
        world.now += timedelta(hours=1)
        assert sync_school(world.bridge(), CODE).failure is None
        assert (len(mail.messages), len(list(world.folder_of_copies.iterdir()))) == (2, 2)
    for word in (b"pa-1", b"0252", "Физика".encode()):
        assert not any(word in message for message in mail.messages)
    world.now += timedelta(hours=1)
    shutil.rmtree(world.folder_of_copies)
    world.folder_of_copies.write_bytes(b"")
    assert sync_school(world.bridge(), CODE).failure is None
    with reading(world.engine) as connection:
        known = holders(connection, "test-log")
    assert (known["mail"].trouble, known["mail"].failing_since) == ("no-connection", world.now)
    assert known["folder"].failing_since == world.now


def test_witnesses_are_not_asked_for_every_batch(world: WitnessedWorld) -> None:
    asked: list[bytes] = []
    for one in world.running:
        one.answer_by(_Counting(one.witness, asked))
    world.every = 3600.0
    world.batch_records = 1
    sync_school(world.bridge(), CODE)
    assert world.portal.calls.count("submit") == 10
    assert len(asked) <= 2 * 3  # at the start (with the empty log's), at the end


class _Counting:
    def __init__(self, witness, asked) -> None:
        self.witness, self.asked = witness, asked

    def add_checkpoint(self, body: bytes):
        self.asked.append(body)
        return self.witness.add_checkpoint(body)
