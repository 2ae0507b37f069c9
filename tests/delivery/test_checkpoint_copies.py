"""Copies of checkpoints: into a folder, byte by byte and durable; by mail, over TLS that is trusted, or not at all."""

import email
import email.policy
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.mail_server import MailServer, mail_server

from audit.keys import create_signing_key, load_signing_key
from audit.note import Checkpoint
from delivery.checkpoint_copies import CopyFailedError, MailRoute, mail_copy, newest_copies, store_copy
from journal.wording import Language
from sandbox.authority import Authority, Purpose

KEY = load_signing_key(create_signing_key(), "test-log")


def checkpoint(size: int) -> Checkpoint:
    return Checkpoint.sign("test-log", size, bytes([size % 251]) * 32, KEY)


def route(port: int, **changes) -> MailRoute:
    values = {"recipients": ["auditor@committee.example"], "sender": "bridge@school.example", "host": "127.0.0.1"}
    return MailRoute(**{**values, "port": port, "security": "none", "seconds": 2.0, **changes})


def test_the_newest_copies_are_found_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "share"
    assert newest_copies(folder) == []
    for size in (5, 1000, 70, 100_000, 9):
        store_copy(folder, checkpoint(size))
    (folder / "checkpoint-000000999999.txt").write_bytes(b"junk")
    (folder / "notes.txt").write_bytes(b"x")
    assert [copy.size for copy in newest_copies(folder)] == [1000, 100_000]
    assert (folder / "checkpoint-000000001000.txt").read_bytes() == checkpoint(1000).note
    assert not [path for path in folder.iterdir() if path.name.endswith(".new")]


def test_a_folder_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "share").write_bytes(b"")
    with pytest.raises(CopyFailedError):
        store_copy(tmp_path / "share", checkpoint(1))
    with pytest.raises(CopyFailedError):
        newest_copies(tmp_path / "share")


@pytest.mark.parametrize("language", list(Language))
def test_a_mail_carries_the_note_unchanged_and_nothing_personal(language: Language) -> None:
    with mail_server(MailServer()) as mail:
        mail_copy(route(mail.port), checkpoint(300), language)
    assert mail.envelopes == [("bridge@school.example", ["auditor@committee.example"])]
    message = email.message_from_bytes(mail.messages[0], policy=email.policy.default)
    (attached,) = message.iter_attachments()
    assert attached.get_content() == checkpoint(300).note
    assert attached.get_filename() == "checkpoint-000000000300.txt"
    assert "300" in message["Subject"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_only_to_a_server_that_the_authorities_vouch_for(
    tmp_path: Path, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    ours, foreign = Authority.create("ours", now), Authority.create("foreign", now)
    (tmp_path / "mail.pem").write_bytes(ours.issue("127.0.0.1", Purpose.TLS_SERVER).pem)
    (tmp_path / "ours.pem").write_bytes(ours.credential.certificate_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
    with mail_server(MailServer(context, at_once=security == "tls")) as mail:
        for authority in ("", foreign.credential.certificate_pem.decode()):
            with pytest.raises(CopyFailedError) as failed:
                mail_copy(route(mail.port, security=security, authorities=authority), checkpoint(1), Language.EN)
            assert failed.value.trouble == "tls"
        pem = ours.credential.certificate_pem.decode()
        mail_copy(route(mail.port, security=security, authorities=pem), checkpoint(1), Language.EN)
    assert mail.secure == [True]


def test_a_server_without_starttls_gets_nothing() -> None:
    with mail_server(MailServer()) as mail, pytest.raises(CopyFailedError):
        mail_copy(route(mail.port, security="starttls"), checkpoint(1), Language.EN)
    assert mail.messages == []


def test_no_mail_leaves_this_machine_in_the_clear() -> None:
    with pytest.raises(CopyFailedError) as failed:
        mail_copy(route(25, host="mail.example"), checkpoint(1), Language.EN)
    assert failed.value.trouble == "no-tls"


@pytest.mark.parametrize(
    ("command", "reply", "trouble"),
    [
        ("MAIL", "451 later", "smtp-451"),
        ("DATA", "554 geheim@example.org is bad", "smtp-554"),
        ("RCPT", "550 no such user", "SMTPRecipientsRefused"),
        ("EHLO", "421 busy", "smtp-421"),
    ],
)
def test_a_refusal_is_a_code_without_the_servers_words(command: str, reply: str, trouble: str) -> None:
    refusing = MailServer(refusing={command: reply, "HELO": reply})
    with mail_server(refusing) as mail, pytest.raises(CopyFailedError) as failed:
        mail_copy(route(mail.port), checkpoint(1), Language.EN)
    assert failed.value.trouble == trouble
    assert "geheim" not in str(failed.value)


def test_a_closed_port_is_told() -> None:
    with mail_server(MailServer()) as mail:
        pass
    with pytest.raises(CopyFailedError) as failed:
        mail_copy(route(mail.port), checkpoint(1), Language.EN)
    assert failed.value.trouble == "no-connection"
