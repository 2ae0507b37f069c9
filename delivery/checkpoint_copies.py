"""Copies of checkpoints that leave the machine without a witness: into a folder (a file share), and by e-mail.

Rules. A copy is the signed note, byte by byte, in a file of its own named by its size; nothing personal stands in it.
A file is written beside, flushed and renamed, and none is ever deleted. Mail goes to one server by TLS that the given
authorities vouch for, or in the clear to this machine alone; each step has a time limit. A copy that can't be made is
told and stops nothing: witnesses are what sending depends on. Deliberately not here: when copies are due
(`flows.witnessing`).
"""

import os
import re
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from audit.durable_files import flush_folder
from audit.errors import NoteError
from audit.note import Checkpoint
from journal.wording import Language, Wording

LOOPBACK = ("127.0.0.1", "::1", "localhost")
NEWEST = 3
"""How many of the newest copies are read when the bridge starts."""

_NAME = re.compile(r"checkpoint-([0-9]{12,19})\.txt", re.ASCII)

_SUBJECT = Wording(
    ru="Контрольная отметка журнала аудита: {origin}, записей {size}",
    en="Checkpoint of the audit log {origin}, {size} entries",
)
_TEXT = Wording(
    ru="Во вложении — подписанная контрольная отметка журнала аудита {origin}: {size} записей. Сохраните это письмо: "
    "по нему видно, если журнал потом изменят. Проверка: dnevnik audit verify --checkpoint ФАЙЛ. Персональных данных "
    "нет.",
    en="Attached is the signed checkpoint of the audit log {origin}: {size} entries. Keep this message: it shows a "
    "later change of the log. To check: dnevnik audit verify --checkpoint FILE. It holds no personal data.",
)


class CopyFailedError(Exception):
    """A copy could not be made; `trouble` is a code of why, never a server's text."""

    def __init__(self, trouble: str) -> None:
        super().__init__(trouble)
        self.trouble = trouble


def copy_name(size: int) -> str:
    """Return the name of a copy's file."""
    return f"checkpoint-{size:012d}.txt"


def store_copy(folder: Path, checkpoint: Checkpoint) -> None:
    """Put a checkpoint into the folder, durably. Raises CopyFailedError."""
    target = folder / copy_name(checkpoint.size)
    new = folder / f".{target.name}.{os.getpid()}.new"
    trouble = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as file:
            file.write(checkpoint.note)
            file.flush()
            os.fsync(file.fileno())
        new.replace(target)
        with suppress(OSError):  # some file shares flush no folders
            flush_folder(folder)
    except OSError as error:
        trouble = os.strerror(error.errno) if error.errno else type(error).__name__
    if trouble is not None:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise CopyFailedError(trouble)


def newest_copies(folder: Path, most: int | None = NEWEST) -> list[Checkpoint]:
    """Return the newest copies in the folder (`most` None: all), as they say of themselves; what is none is left out.

    Raises CopyFailedError when the folder is there and can't be read.
    """
    trouble = None
    found: list[Checkpoint] = []
    try:
        named = sorted((int(match[1]), path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name)))
        for _, path in named if most is None else named[-most:]:
            with suppress(NoteError):
                found.append(Checkpoint.parse(path.read_bytes()))
    except FileNotFoundError:
        return []
    except OSError as error:
        trouble = os.strerror(error.errno) if error.errno else type(error).__name__
    if trouble is not None:
        raise CopyFailedError(trouble)
    return found


@dataclass(frozen=True, slots=True)
class MailRoute:
    """Where copies are mailed, and through which server; `authorities` (PEM) are whom its TLS trusts."""

    recipients: Sequence[str] = field(repr=False)
    sender: str = field(repr=False)
    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    authorities: str = field(default="", repr=False)
    seconds: float = 20.0


def mail_copy(route: MailRoute, checkpoint: Checkpoint, language: Language) -> None:
    """Mail a checkpoint to all recipients. Raises CopyFailedError."""
    message = _message(route, checkpoint, language)
    trouble = None
    if route.security == "none" and route.host not in LOOPBACK:
        raise CopyFailedError("no-tls")
    try:
        with _server(route) as server:
            if route.user:
                server.login(route.user, route.password)
            if server.send_message(message):
                trouble = "recipients-refused"
    except smtplib.SMTPResponseException as error:
        trouble = f"smtp-{error.smtp_code}"
    except smtplib.SMTPException as error:
        trouble = type(error).__name__
    except ssl.SSLError:
        trouble = "tls"
    except OSError as error:
        trouble = "timeout" if isinstance(error, TimeoutError) else "no-connection"
    if trouble is not None:
        raise CopyFailedError(trouble)


def _server(route: MailRoute) -> smtplib.SMTP:
    if route.security == "none":
        return smtplib.SMTP(route.host, route.port, timeout=route.seconds)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if route.authorities:
        context.load_verify_locations(cadata=route.authorities)
    if route.security == "tls":
        return smtplib.SMTP_SSL(route.host, route.port, timeout=route.seconds, context=context)
    server = smtplib.SMTP(route.host, route.port, timeout=route.seconds)
    try:
        server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _message(route: MailRoute, checkpoint: Checkpoint, language: Language) -> EmailMessage:
    about = {"origin": checkpoint.origin, "size": checkpoint.size}
    message = EmailMessage()
    message["From"] = route.sender
    message["To"] = ", ".join(route.recipients)
    message["Subject"] = _SUBJECT.say(language, **about)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEXT.say(language, **about) + "\n")
    message.add_attachment(
        checkpoint.note, maintype="application", subtype="octet-stream", filename=copy_name(checkpoint.size)
    )
    return message
