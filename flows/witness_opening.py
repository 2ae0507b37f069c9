"""From the installation's settings to what keeps its checkpoints known elsewhere."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.engine import Engine

from audit.cosigning import CosignerKey
from audit.cosigning_client import WitnessAddress
from audit.errors import AuditError
from audit.log import AuditLog
from delivery.checkpoint_copies import MailRoute
from flows.witnessing import Witnessing
from journal.wording import BridgeError, Wording
from settings import Settings

_AUDIT = Wording(ru="{ru}", en="{en}")


def witness_addresses(settings: Settings) -> tuple[WitnessAddress, ...]:
    """Return where the witnesses are and which keys are theirs. Raises BridgeError when authorities can't be read."""
    audit = settings.audit
    authorities = "" if audit.witness_authorities is None else audit.witness_authorities.text()
    return tuple(
        WitnessAddress(url, CosignerKey.parse(key), authorities, audit.witness_timeout)
        for url, key in zip(audit.witnesses, audit.witness_keys, strict=True)
    )


def mail_route(settings: Settings) -> MailRoute | None:
    """Return how copies are mailed, None where they are not. Raises BridgeError when a secret can't be read."""
    audit = settings.audit
    if not audit.mail_to:
        return None
    return MailRoute(
        recipients=audit.mail_to,
        sender=audit.mail_from or audit.mail_to[0],
        host=audit.mail_host,
        port=audit.mail_port,
        security=audit.mail_security,
        user=audit.mail_user,
        password="" if audit.mail_password is None else audit.mail_password.text(),
        authorities="" if audit.mail_authorities is None else audit.mail_authorities.text(),
    )


def open_witnessing(
    settings: Settings, engine: Engine, log: AuditLog, origin: str, now: Callable[[], datetime]
) -> Witnessing:
    """Hold the log against the newest checkpoint known anywhere, and return what keeps its checkpoints known.

    Raises BridgeError `audit` when a witness, the database or a copy knows another log, or a longer one.
    """
    audit = settings.audit
    witnessing = Witnessing(
        engine=engine,
        log=log,
        origin=origin,
        clock=now,
        witnesses=witness_addresses(settings),
        quorum=audit.quorum,
        patience=timedelta(minutes=audit.witness_patience_minutes),
        every=audit.witness_every_seconds,
        folder=audit.copies,
        mail=mail_route(settings),
        copies_every=timedelta(minutes=audit.copies_every_minutes),
        language=settings.bridge.language,
    )
    try:
        witnessing.begin()
    except AuditError as error:
        refusal = BridgeError("audit", _AUDIT, {"ru": error.ru, "en": error.en})
    else:
        return witnessing
    raise refusal
