"""`dnevnik check`: can everything be reached, read and trusted? One line a thing, with the remedy.

Rules. Changes nothing and sends no record. Each thing is looked at alone, so one that fails hides no other. Exit
status 2 when something does not work, else 0: what works but needs a look is marked (!), and 1 is kept for records.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from commands.call import Call, utc_now
from commands.check_outside import look_at_certificate, look_at_portal, look_at_school
from commands.check_own import look_at_audit, look_at_database, look_at_key
from commands.check_school_days import look_at_school_days
from commands.check_terms import look_at_terms
from commands.check_witnesses import look_at_witnesses
from commands.findings import Condition, Finding, found, guarded
from journal.wording import ExitStatus, Wording
from settings import Settings

_FILE = Wording(ru="{file}: настройки верны", en="{file}: the settings are right")
_NO_SCHOOLS = Wording(
    ru="{file}: нет ни одной школы. Добавьте раздел [[school]]", en="{file}: no school. Add a [[school]] section"
)


def check(call: Call) -> ExitStatus:
    """Look at everything and write a line a thing. Raises ConfigurationError when the file itself is wrong."""
    conditions = set()
    for finding in _findings(call.settings(), utc_now()):
        conditions.add(finding.condition)
        call.console.result(finding.line(call.console.language))
    return ExitStatus.NOT_DONE if Condition.WRONG in conditions else ExitStatus.DONE


def _findings(settings: Settings, now: datetime) -> Iterator[Finding]:
    portal, audit = settings.portal, settings.audit
    if settings.schools:
        yield found(Condition.FINE, _FILE, file=settings.file)
    else:
        yield found(Condition.LOOK, _NO_SCHOOLS, file=settings.file)
    yield from look_at_school_days(settings, now)
    own = list(guarded("[bridge] state", partial(look_at_database, settings)))
    for secret in (audit.signing_key, audit.master_key):
        own += guarded(secret.key, partial(look_at_key, secret, is_private=True))
    yield from own
    if all(finding.condition is not Condition.WRONG for finding in own):
        yield from guarded("[audit] log", partial(look_at_audit, settings))
        yield from guarded("[audit] witnesses", partial(look_at_witnesses, settings, now))
    keys: list[Finding] = []
    for secret in (portal.client_certificate, portal.signing_key, portal.authorities):
        is_private = secret is not portal.authorities
        (there,) = guarded(secret.key, partial(look_at_key, secret, is_private=is_private))
        if there.condition is not Condition.FINE:
            keys.append(there)
        if there.condition is not Condition.WRONG:
            keys += guarded(secret.key, partial(look_at_certificate, secret, now))
    yield from keys
    if all(finding.condition is not Condition.WRONG for finding in keys):
        yield from guarded("[portal] url", partial(look_at_portal, settings, now))
    for school in settings.schools:
        yield from guarded(f"[[school]] {school.code}", partial(look_at_school, school))
        if all(finding.condition is not Condition.WRONG for finding in own):
            yield from guarded(f"[[school]] {school.code}", partial(look_at_terms, settings, school, now))
