"""`dnevnik hold …`: plans that would change too much wait for a person's word.

Rules. An approval counts for exactly one plan; when the journal or the consents change meanwhile, the new plan asks
anew. Who decided stands in the database and, as a keyed digest, in the audit log.
"""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

import database
from audit.entry import HoldEvent
from commands.call import Call, utc_now
from commands.recording import recorder
from delivery.holds import APPROVED, DISCARDED, decide_hold, list_holds
from journal.wording import ExitStatus, Wording

DIGEST_SHOWN = 12
"""Digits of a plan's digest that are shown, and suffice to name it."""

_NOTHING_WAITS = Wording(ru="Ничего не ждёт решения", en="Nothing waits for a decision")
_HOLD = Wording(
    ru="Школа {school}: {digest}, с {at}: снять {withdrawals}, изменить {changes} из {holdings} записей. {state}",
    en="School {school}: {digest}, since {at}: to take back {withdrawals}, change {changes} of {holdings}. {state}",
)
_WAITS = Wording(ru="Ждёт решения", en="Waits for a decision")
_GRANTED = Wording(ru="Одобрено, исполнит следующий sync", en="Approved, the next sync does it")
_APPROVED = Wording(
    ru="Школа {school}: план {digest} одобрен. Исполнить: dnevnik sync {school}",
    en="School {school}: the plan {digest} is approved. To carry it out: dnevnik sync {school}",
)
_DISCARDED = Wording(
    ru="Школа {school}: план {digest} отклонён, ничего не изменено",
    en="School {school}: the plan {digest} is discarded, nothing was changed",
)


def show(call: Call, schools: Sequence[str]) -> ExitStatus:
    """Write a line a plan that waits for a person's word, or has it and is not yet carried out."""
    settings = call.settings()
    chosen = {school.code for school in settings.chosen(schools)}
    language = call.console.language
    with recorder(settings) as desk, database.reading(desk.engine) as connection:
        holds = [hold for hold in list_holds(connection) if hold.school in chosen]
    for hold in holds:
        call.console.say(
            _HOLD,
            school=hold.school,
            digest=hold.plan.digest[:DIGEST_SHOWN],
            at=hold.created_at.astimezone(settings.bridge.timezone).isoformat(timespec="minutes"),
            withdrawals=hold.plan.withdrawals,
            changes=hold.plan.changes,
            holdings=hold.plan.holdings,
            state=(_GRANTED if hold.decision == APPROVED else _WAITS).say(language),
        )
    if not holds:
        call.console.say(_NOTHING_WAITS)
    return ExitStatus.DONE


def approve(call: Call, school: str, digest: str) -> ExitStatus:
    """Let exactly this held plan go. Raises BridgeError `hold-unknown`."""
    return _decide(call, school, digest, APPROVED, _APPROVED)


def discard(call: Call, school: str, digest: str) -> ExitStatus:
    """Give a held plan up. Raises BridgeError `hold-unknown`."""
    return _decide(call, school, digest, DISCARDED, _DISCARDED)


def _decide(call: Call, school: str, digest: str, decision: str, wording: Wording) -> ExitStatus:
    code = call.settings().school(school).code
    now = utc_now()
    with recorder(call.settings()) as desk:

        def work(connection: Connection) -> tuple[str, Sequence[HoldEvent]]:
            whole = decide_hold(connection, code, digest, decision, desk.by, now)
            event = HoldEvent(at=now, school=code, hold=whole, event=decision, by_digest=desk.by_digest)
            return whole, [event]

        whole = desk.record(work)
    call.console.say(wording, school=code, digest=whole[:DIGEST_SHOWN])
    return ExitStatus.DONE
