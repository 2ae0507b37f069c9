"""Looks at the clocks of the law: what a school has let lapse, or is about to.

Rules. A term is a matter of people, not of the installation: it is worth a look (!), never a failure.
"""

from collections.abc import Iterator
from datetime import datetime

import database
from commands.findings import Condition, Finding, found
from commands.term_clocks import school_terms, working_days
from consent_registry.terms.deadlines import alarms
from flows.assembly import open_vault
from journal.wording import Wording
from settings import SchoolSection, Settings

_FINE = Wording(ru="[[school]] {school}: сроки соблюдены", en="[[school]] {school}: nothing is due")
_DUE = Wording(
    ru="[[school]] {school}: сроки: просрочено {overdue}, истекает за {within} дн.: {soon}. "
    "Посмотрите и исполните: dnevnik registry terms {school}",
    en="[[school]] {school}: terms: overdue {overdue}, due within {within} days: {soon}. "
    "Look and act: dnevnik registry terms {school}",
)


def look_at_terms(settings: Settings, school: SchoolSection, now: datetime) -> Iterator[Finding]:
    """Count a school's terms that have lapsed or are due within `alarm_days`. Raises BridgeError."""
    within = settings.consent.alarm_days
    engine = database.open_database(settings.bridge.state)
    try:
        vault = open_vault(settings, engine)
        with database.reading(engine) as connection:
            terms = school_terms(connection, settings, school.code, now, working_days(settings), vault)
    finally:
        engine.dispose()
    urgent = alarms(terms, within_days=within)
    overdue = sum(term.is_overdue for term in urgent)
    if not urgent:
        yield found(Condition.FINE, _FINE, school=school.code)
        return
    yield found(Condition.LOOK, _DUE, school=school.code, overdue=overdue, within=within, soon=len(urgent) - overdue)
