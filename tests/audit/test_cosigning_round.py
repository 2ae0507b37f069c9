"""Asking witnesses over real sockets: what is believed, what is borne, and what stops everything."""

import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.postgresql import postgresql
from fakes.witnesses import RunningWitness, answering, http, saying

from audit.cosigning import cosign, cosigner_key, verify_cosignatures
from audit.cosigning_client import WitnessAddress, call
from audit.cosigning_round import LogContradictedError, Round, ask_all
from audit.entry import Entry
from audit.keys import SigningKey
from audit.log import AuditLog, open_log
from audit.verify import verify_log
from audit.witness import origin_hash
from sandbox.authority import Authority, Purpose

ORIGIN = "school.example/audit"
Intents = Callable[[int], list[Entry]]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def witness(tmp_path: Path, key: SigningKey) -> Iterator[RunningWitness]:
    running = RunningWitness(tmp_path / "w1", key.verifier)
    yield running
    with suppress(RuntimeError):
        running.stop()


def ask(log: AuditLog, *witnesses: WitnessAddress, known: int = 0) -> Round:
    return ask_all(log, witnesses, {one.key.vkey: known for one in witnesses}, now())


def test_a_growing_log_is_cosigned_each_time_whatever_size_is_believed_known(
    log: AuditLog, intents: Intents, witness: RunningWitness
) -> None:
    for number, known in ((0, 0), (1, 0), (300, 1), (5, 250), (0, 306), (2, 10_000)):
        log.append(intents(number))
        asked = ask(log, witness.address(), known=known)
        (found,) = verify_cosignatures(asked.note, [cosigner_key(witness.key)])
        assert abs(found.moment - now().timestamp()) < 10
        log.keep_cosigned(asked.note)
        kept = log.cosigned()
        assert kept is not None
        assert kept.note == asked.note


def test_what_is_kept_beside_the_log_is_no_part_of_it_and_never_goes_back(
    log: AuditLog, location: str, key: SigningKey, intents: Intents, witness: RunningWitness
) -> None:
    log.append(intents(2))
    early = ask(log, witness.address()).note
    log.append(intents(2))
    late = ask(log, witness.address()).note
    log.keep_cosigned(late)
    log.keep_cosigned(early)
    kept = log.cosigned()
    assert kept is not None
    assert kept.note == late
    assert verify_log(location, key.verifier).problems == ()


def test_a_fork_is_found_by_the_witness(
    tmp_path: Path, key: SigningKey, intents: Intents, witness: RunningWitness
) -> None:
    log = open_log(tmp_path / "log", key, ORIGIN)
    log.append(intents(5))
    shutil.copytree(tmp_path / "log", tmp_path / "fork")
    fork = open_log(tmp_path / "fork", key, ORIGIN)
    log.append(intents(3))
    fork.append(intents(4))
    ask(log, witness.address())
    with pytest.raises(LogContradictedError, match=r"another audit log.*Either .* Or all is whole here"):
        ask(fork, witness.address())
    assert ask(log, witness.address()).cosignatures


def test_an_older_copy_is_found_by_the_witness_before_and_after_it_grew(
    tmp_path: Path, key: SigningKey, intents: Intents, witness: RunningWitness
) -> None:
    log = open_log(tmp_path / "log", key, ORIGIN)
    log.append(intents(300))
    shutil.copytree(tmp_path / "log", tmp_path / "old")
    log.append(intents(10))
    ask(log, witness.address())
    old = open_log(tmp_path / "old", key, ORIGIN)
    assert verify_log(tmp_path / "old", key.verifier).ok  # by itself there is nothing to see
    with pytest.raises(LogContradictedError, match=r"with 310 entries, here it has 300.*Either .* Or all is whole"):
        ask(old, witness.address(), known=310)
    old.append(intents(40))
    with pytest.raises(LogContradictedError, match="first 310 entries"):
        ask(old, witness.address())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_superuser_with_the_stolen_key_who_rewrites_all_is_found_by_the_witness(
    kind: str, tmp_path: Path, key: SigningKey, intents: Intents, witness: RunningWitness
) -> None:
    def rewrite(url: str) -> None:
        log = open_log(url, key, ORIGIN)
        entries = intents(20)
        log.append(entries)
        ask(log, witness.address())
        log.close()
        engine = sa.create_engine(url)
        with engine.begin() as connection:  # all is dropped, then made anew with one entry changed
            connection.exec_driver_sql("DROP TABLE audit_resource")
            connection.exec_driver_sql("DROP TABLE audit_checkpoint")
        engine.dispose()
        forged = open_log(url, key, ORIGIN)
        forged.append([*entries[:7], replace(entries[7], run="other"), *entries[8:]])
        assert verify_log(url, key.verifier).ok  # nothing in the database tells
        with pytest.raises(LogContradictedError):
            ask(forged, witness.address())
        forged.append(intents(5))
        with pytest.raises(LogContradictedError):
            ask(forged, witness.address())
        forged.close()

    if kind == "sqlite":
        rewrite(f"sqlite:///{tmp_path}/log.db")
    else:
        with postgresql() as url:
            rewrite(url)


def test_two_processes_of_one_log_may_ask_at_once(
    tmp_path: Path, key: SigningKey, intents: Intents, witness: RunningWitness
) -> None:
    """Each appends and asks on its own; a size that is ahead is only another's doing."""
    failures: list[BaseException] = []
    cosigned: list[int] = []

    def work() -> None:
        log = open_log(tmp_path / "log", key, ORIGIN)
        try:
            for _ in range(15):
                log.append(intents(3))
                cosigned.append(len(ask(log, witness.address()).cosignatures))
        except BaseException as error:  # noqa: BLE001  told below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert cosigned.count(1) > 30
    log = open_log(tmp_path / "log", key, ORIGIN)
    assert ask(log, witness.address()).cosignatures


def test_a_witness_that_lost_all_it_knew_is_borne(
    log: AuditLog, intents: Intents, witness: RunningWitness, tmp_path: Path
) -> None:
    log.append(intents(9))
    ask(log, witness.address())
    shutil.rmtree(tmp_path / "w1")
    assert ask(log, witness.address(), known=9).cosignatures


def test_a_stranger_to_the_witness_is_told_so(
    tmp_path: Path, log: AuditLog, intents: Intents, witness: RunningWitness
) -> None:
    other = RunningWitness(tmp_path / "w2")
    try:
        log.append(intents(1))
        asked = ask(log, other.address(), witness.address())
    finally:
        other.stop()
    assert [answer.trouble for answer in asked.answers] == ["log-unknown", ""]
    assert len(asked.cosignatures) == 1


def test_another_key_than_the_expected_cosigns_nothing(log: AuditLog, witness: RunningWitness, key: SigningKey) -> None:
    wrong = replace(witness.address(), key=cosigner_key(key))
    (answer,) = ask(log, wrong).answers
    assert (answer.cosignature, answer.trouble) == (None, "no-cosignature")


def test_a_clock_hours_ahead_is_not_believed(tmp_path: Path, log: AuditLog, key: SigningKey) -> None:
    ahead = RunningWitness(tmp_path / "w2", key.verifier, now=lambda: int(time.time()) + 3600)
    try:
        (answer,) = ask(log, ahead.address()).answers
    finally:
        ahead.stop()
    assert (answer.cosignature, answer.trouble) == (None, "clock-ahead")


HOSTILE: list[tuple[bytes, str]] = [
    (b"", "cut"),
    (b"hello\r\n\r\n", "no-http"),
    (http("200 OK", b""), "no-cosignature"),
    (http("200 OK", b"\xff" * 20), "no-cosignature"),
    (http("200 OK", b"\xe2\x80\x94 w AAAA\n" * 3), "no-cosignature"),
    (http("200 OK", b"x" * 70_000), "reply-too-large"),
    (http("200 OK", b"short")[:-2], "cut"),
    (http("302 Found", b"", more="Location: http://127.0.0.1:1/\r\n"), "http-302"),
    (http("400 Bad", b"no"), "http-400"),
    (http("403 No", b"no"), "log-key-unknown"),
    (http("409 Conflict", b"5\n"), "http-409"),
    (http("409 Conflict", b"-5\n", "text/x.tlog.size"), "http-409"),
    (http("409 Conflict", b"05\n", "text/x.tlog.size"), "http-409"),
    (http("409 Conflict", b"9" * 30, "text/x.tlog.size"), "http-409"),
    (http("409 Conflict", "٣".encode(), "text/x.tlog.size"), "http-409"),
    (http("409 Conflict", b"2\n", "text/x.tlog.size"), "unsteady"),
    (http("500 Broken", b"<html>"), "http-500"),
    (http("503 Busy", b""), "http-503"),
    (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", "no-http"),
    (b"HTTP/1.1 200 " + b"O" * 100_000, "no-http"),
]


@pytest.mark.parametrize(("reply", "trouble"), HOSTILE)
def test_no_answer_of_a_broken_witness_is_a_cosignature(
    tmp_path: Path, key: SigningKey, intents: Intents, reply: bytes, trouble: str
) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    log.append(intents(3))
    with answering(saying(reply)) as url:
        (answer,) = ask(log, WitnessAddress(url, cosigner_key(key), seconds=2)).answers
    assert (answer.cosignature, answer.trouble) == (None, trouble)


def test_a_replayed_cosignature_of_an_earlier_checkpoint_is_none_on_this(
    tmp_path: Path, key: SigningKey, intents: Intents
) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    line = cosign(log.append(intents(3)).note, key, int(time.time()))
    log.append(intents(3))
    with answering(saying(http("200 OK", line.encode()))) as url:
        (answer,) = ask(log, WitnessAddress(url, cosigner_key(key), seconds=2)).answers
    assert answer.trouble == "no-cosignature"


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"])
def test_a_byte_now_and_then_holds_nothing_up(tmp_path: Path, key: SigningKey, first: bytes) -> None:
    log = open_log(tmp_path, key, ORIGIN)

    def drip(connection) -> None:
        connection.recv(65_536)
        connection.sendall(first)
        for _ in range(50):
            connection.sendall(b"x")
            time.sleep(0.1)

    with answering(drip) as url:
        began = time.monotonic()
        (answer,) = ask(log, WitnessAddress(url, cosigner_key(key), seconds=0.5)).answers
        assert time.monotonic() - began < 2
    assert answer.trouble == "timeout"


def test_a_closed_port_and_an_unknown_host(tmp_path: Path, key: SigningKey) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    with answering(saying(b"")) as url:
        pass
    (answer,) = ask(log, WitnessAddress(url, cosigner_key(key), seconds=1)).answers
    assert answer.trouble == "no-connection"


def test_tls_trusts_the_given_authorities_and_no_environment(
    tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, foreign = Authority.create("ours", now()), Authority.create("foreign", now())
    pem = tmp_path / "server.pem"
    issued = ours.issue("127.0.0.1", Purpose.TLS_SERVER)
    pem.write_bytes(issued.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    authorities = tmp_path / "ours.pem"
    authorities.write_bytes(ours.credential.certificate_pem)
    running = RunningWitness(tmp_path / "w1", key.verifier, tls=context)
    log = open_log(tmp_path / "log", key, ORIGIN)
    try:
        right = running.address(ours.credential.certificate_pem.decode())
        assert ask(log, right).cosignatures
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(authorities))
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert ask(log, right).cosignatures
        for given in ("", foreign.credential.certificate_pem.decode()):
            (answer,) = ask(log, running.address(given)).answers
            assert answer.trouble == "tls"
    finally:
        running.stop()


def test_the_monitor_is_answered_and_everything_else_is_not_found(
    log: AuditLog, witness: RunningWitness, intents: Intents
) -> None:
    log.append(intents(2))
    asked = ask(log, witness.address())
    address = witness.address()
    reply = call(address, "GET", f"{origin_hash(ORIGIN)}/checkpoint")
    assert (reply.status, reply.body) == (200, asked.note)
    assert call(address, "GET", f"{origin_hash('x')}/checkpoint").status == 404
    assert call(address, "GET", "../witness.pem").status == 404
    assert call(address, "POST", "other", b"x").status == 404
    assert call(address, "POST", "add-checkpoint", b"x" * 200_000).status == 413
    assert call(address, "PUT", "add-checkpoint", b"x").status == 501
