"""One installation of the bridge, put together: its parts as values, handed from step to step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Engine

from audit.log import AuditLog
from consent_registry.sealed.vault import Vault
from delivery.limits import Limits
from delivery.patience import Patience, Turns
from flows.witnessing import Witnessing
from journal.actuality import Goal
from journal.portal import Portal
from journal.school import SchoolReading, StudentIdentity, Window
from journal.school_calendar import SchoolCalendar
from journal.wording import BridgeError, Language, Wording
from mappings.fingerprints import Seen

_UNKNOWN_SCHOOL = Wording(
    ru="Школы с кодом {school} нет в файле настроек. Есть: {known}.",
    en="The configuration has no school with the code {school}. It has: {known}.",
)


@dataclass(frozen=True, slots=True)
class School:
    """One school as the installation describes it; `paused` are spans of days, both ends included."""

    code: str
    name: str
    district: str
    read: Callable[[Window, date], SchoolReading] = field(repr=False)
    """Reads the records of a window; the date is today."""
    identities: Callable[[], Sequence[StudentIdentity]] = field(repr=False)
    """Reads the students' names, to match applications."""
    pilot_classes: frozenset[str] = frozenset()
    paused: tuple[tuple[date, date], ...] = ()
    read_changes: Callable[[Window, date, Seen | None], tuple[SchoolReading, Seen]] | None = field(
        default=None, repr=False
    )
    """Reads what may have changed since it was seen (None: all), and tells what is seen now; None: `read` is all."""
    calendar: SchoolCalendar = field(default_factory=SchoolCalendar)

    def is_paused(self, day: date) -> bool:
        """Tell whether nothing but lawful withdrawals may be sent on `day`."""
        return any(first <= day <= last for first, last in self.paused)


@dataclass(frozen=True, slots=True)
class Bridge:
    """The parts of an installation. Clock, ids and the boundaries' hook are arguments like the rest."""

    engine: Engine
    portal: Portal = field(repr=False)
    log: AuditLog = field(repr=False)
    origin: str
    vault: Vault = field(repr=False)
    schools: Mapping[str, School]
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    timezone: ZoneInfo
    language: Language
    limits: Limits
    batch_records: int
    patience: Patience
    turns: Turns
    software: str
    full_every_days: int = 7
    """After so many days a run reads all of a school; 0: always."""
    goal: Goal = field(default_factory=Goal)
    """What share of lessons is to be filled in in time, and whether less holds a school."""
    witnessing: Witnessing | None = field(default=None, repr=False)
    boundary: Callable[[str], None] = field(default=lambda _: None)

    def school(self, code: str) -> School:
        """Return the school with this code. Raises BridgeError `school-unknown`."""
        found = self.schools.get(code)
        if found is None:
            known = ", ".join(sorted(self.schools)) or "-"
            raise BridgeError("school-unknown", _UNKNOWN_SCHOOL, {"school": code, "known": known})
        return found

    def today(self, now: datetime) -> date:
        """Return the day that `now` lies in at the schools."""
        return now.astimezone(self.timezone).date()
