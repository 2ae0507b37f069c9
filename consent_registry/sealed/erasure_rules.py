"""Whether a student's data may be destroyed, and what stands in the way. Pure.

Rules. Data may be destroyed when their ground is gone: every consent of the student that did not give its place to a
later one was withdrawn, has ended, has expired, or the student came of age, whatever came first. Leaving the school
ends what may be sent, not a consent. An order (of a court, of the authority for personal data) needs no such ground.
In either case the portal has to have given back what it was given, and that has to be known: nothing held, no link
open, no batch whose outcome is unknown, no word to a parent unsent, no application undecided. Everything that stands
in the way is told at once.
Deliberately not here: by when (`consent_registry.terms.deadlines`), what is destroyed (`erasure`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from consent_registry.decision import comes_of_age_on
from consent_registry.facts import CaseState, Consent, Fact, consents_of, counting
from journal.wording import Wording


class Why(StrEnum):
    """Why a student's data are destroyed; the words are stored."""

    WITHDRAWAL = "withdrawal"
    TERM = "term"
    ORDER = "order"


class Cause(StrEnum):
    """By what a case lost its ground. For the act, which names the person; no log is told: one tells a birth date."""

    WITHDRAWN = "withdrawn"
    LINK_ENDED = "link-ended"
    CONSENT_EXPIRED = "consent-expired"
    AUTHORITY_EXPIRED = "authority-expired"
    CAME_OF_AGE = "came-of-age"
    NO_CONSENT = "no-consent"


class Obstacle(StrEnum):
    """What stands in the way."""

    NOTHING_KEPT = "nothing-kept"
    CONSENT_STANDS = "consent-stands"
    NOT_WITHDRAWN = "not-withdrawn"
    NOT_LAPSED = "not-lapsed"
    APPLICATION_OPEN = "application-open"
    BATCH_OPEN = "batch-open"
    RECORDS_HELD = "records-held"
    LINK_OPEN = "link-open"
    REPORT_WAITING = "report-waiting"


MEANINGS: dict[Obstacle, Wording] = {
    Obstacle.NOTHING_KEPT: Wording(
        "о таком ученике ничего не хранится. Проверьте номер; сделанные уничтожения: dnevnik erase list",
        "nothing is kept of such a student. Check the id; what was erased: dnevnik erase list",
    ),
    Obstacle.CONSENT_STANDS: Wording(
        "согласие действует или ещё вступит в силу. Отзовите его (dnevnik registry withdraw) или назовите "
        "предписание: --why order",
        "a consent is in force, or will be. Withdraw it (dnevnik registry withdraw), or name an order: --why order",
    ),
    Obstacle.NOT_WITHDRAWN: Wording(
        "ни одно согласие не отозвано. Если срок истёк или связь прекращена: --why term",
        "no consent was withdrawn. If the term is over or the link ended: --why term",
    ),
    Obstacle.NOT_LAPSED: Wording(
        "согласия отозваны, а не истекли: --why withdrawal", "the consents were withdrawn, not lapsed: --why withdrawal"
    ),
    Obstacle.APPLICATION_OPEN: Wording(
        "есть незавершённое заявление. Зарегистрируйте или отклоните его: dnevnik registry applications",
        "an application is undecided. Register or reject it: dnevnik registry applications",
    ),
    Obstacle.BATCH_OPEN: Wording(
        "исход отправленного пакета неизвестен. Выполните: dnevnik sweep {school}",
        "the outcome of a batch is not known. Do: dnevnik sweep {school}",
    ),
    Obstacle.RECORDS_HELD: Wording(
        "портал ещё показывает записи ученика. Выполните: dnevnik sweep {school}; не помогло: dnevnik delivery list",
        "the portal still shows records of the student. Do: dnevnik sweep {school}; else see: dnevnik delivery list",
    ),
    Obstacle.LINK_OPEN: Wording(
        "доступ родителя на портале ещё открыт. Выполните: dnevnik sweep {school}",
        "a parent's view is still open at the portal. Do: dnevnik sweep {school}",
    ),
    Obstacle.REPORT_WAITING: Wording(
        "портал ещё не узнал исход заявления. Выполните: dnevnik registry exchange",
        "the portal was not told yet what became of an application. Do: dnevnik registry exchange",
    ),
}
"""What each obstacle is, and the remedy."""


@dataclass(frozen=True, slots=True)
class End:
    """When and by what a case lost its ground."""

    at: datetime
    cause: Cause

    @property
    def why(self) -> Why:
        """The reason that is stored and logged."""
        return Why.WITHDRAWAL if self.cause is Cause.WITHDRAWN else Why.TERM


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a student: how each case ended (None: it did not), and what is not settled."""

    kept: bool
    ends: tuple[End | None, ...] = ()
    open_applications: int = 0
    open_batches: int = 0
    held_records: int = 0
    open_links: int = 0
    waiting_reports: int = 0

    @property
    def ended_at(self) -> datetime | None:
        """When the last of the student's grounds went; None while one stands, or where there never was one."""
        moments = [end.at for end in self.ends if end is not None]
        return max(moments) if moments and len(moments) == len(self.ends) else None

    @property
    def causes(self) -> frozenset[Cause]:
        """By what the student's grounds went, as far as they are gone."""
        return frozenset(end.cause for end in self.ends if end is not None)

    @property
    def why(self) -> Why | None:
        """Why the ground is gone; None while it stands."""
        if self.ended_at is None:
            return None
        return Why.WITHDRAWAL if any(end and end.why is Why.WITHDRAWAL for end in self.ends) else Why.TERM


def obstacles(standing: Standing, why: Why) -> list[Obstacle]:
    """Return all that stands in the way of destroying a student's data for this reason; empty: nothing does."""
    if not standing.kept:
        return [Obstacle.NOTHING_KEPT]
    return [*_of_ground(standing, why), *_unsettled(standing)]


def _of_ground(standing: Standing, why: Why) -> list[Obstacle]:
    if why is Why.ORDER:
        return []
    found = [Obstacle.CONSENT_STANDS] if None in standing.ends else []
    given = {end.why for end in standing.ends if end is not None}
    if not found and why is Why.WITHDRAWAL and Why.WITHDRAWAL not in given:
        found.append(Obstacle.NOT_WITHDRAWN)
    if not found and why is Why.TERM and given == {Why.WITHDRAWAL}:
        found.append(Obstacle.NOT_LAPSED)
    return found


def _unsettled(standing: Standing) -> list[Obstacle]:
    counted = (
        (standing.open_applications, Obstacle.APPLICATION_OPEN),
        (standing.open_batches, Obstacle.BATCH_OPEN),
        (standing.held_records, Obstacle.RECORDS_HELD),
        (standing.open_links, Obstacle.LINK_OPEN),
        (standing.waiting_reports, Obstacle.REPORT_WAITING),
    )
    return [obstacle for count, obstacle in counted if count]


def end_of(
    state: CaseState, facts: Sequence[Fact], now: datetime, timezone: tzinfo, birth_date: date | None
) -> End | None:
    """Return how a case lost its ground by `now`; None while a consent of it stands, is to come or to be registered.

    A case without any consent ended with what undid it, else (an application that came to nothing) before all others.
    """
    counted = counting(facts)
    consents = consents_of(counted)
    if not consents:
        return _without_consent(state, counted, now)
    of_age_on = None if birth_date is None else comes_of_age_on(birth_date)
    present = max((one for one in consents if one.valid_at <= now), key=_order, default=min(consents, key=_order))
    ends = [_end(one, state, now, timezone, of_age_on) for one in consents if _order(one) >= _order(present)]
    last = [end for end in ends if end is not None]
    return max(last, key=lambda end: end.at) if len(last) == len(ends) else None


def _without_consent(state: CaseState, counted: Sequence[Fact], now: datetime) -> End:
    undone = [
        End(moment, cause)
        for moment, cause in ((state.withdrawn_at, Cause.WITHDRAWN), (state.ended_at, Cause.LINK_ENDED))
        if moment is not None and moment <= now
    ]
    if undone:
        return End(min(end.at for end in undone), undone[0].cause)
    return End(counted[0].valid_at if counted else now, Cause.NO_CONSENT)


def _order(consent: Consent) -> tuple[datetime, int]:
    return consent.valid_at, consent.fact_id


def _end(consent: Consent, state: CaseState, now: datetime, timezone: tzinfo, of_age_on: date | None) -> End | None:
    """Return how one consent lost its force, by what came first."""
    today = now.astimezone(timezone).date()
    moments = ((consent.withdrawn_at, Cause.WITHDRAWN), (consent.ended_at, Cause.LINK_ENDED))
    last_days = ((consent.in_force_to, Cause.CONSENT_EXPIRED), (state.authority_until, Cause.AUTHORITY_EXPIRED))
    ends = [End(at, cause) for at, cause in moments if at is not None and at <= now]
    ends += [
        End(_start(last + timedelta(days=1), timezone), cause)
        for last, cause in last_days
        if last is not None and last < today
    ]
    if of_age_on is not None and of_age_on <= today:
        ends.append(End(_start(of_age_on, timezone), Cause.CAME_OF_AGE))
    return min(ends, key=lambda end: end.at, default=None)


def _start(day: date, timezone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, timezone)
