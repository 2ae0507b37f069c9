"""What a run reads of a school: the journals that changed, or all; and what is remembered of it when it ends well.

Rules. All is read (docs/adr/read-what-changed.md):
- when somebody asks for it, for a written plan and after a reconciliation;
- when the last run of the school did not deal with everything: it failed, died, was held or paused, or consents changed
  under its hands;
- `[reading] full_every_days` days after all was read, for equal sums are no proof;
- when the window, the profile, its codes, the time zone or the software are others, or anything that all journals
  share: students, enrolments, names of subjects, works and codes, periods;
- when a link is to be opened or renewed, or other students take part than then: records of journals that did not
  change may have to be published;
- when a row that was read has its record in a journal that was not.
The last two are seen only once the changed journals have been read; then all is read after them.
What was read less of is decided anew all the same: students who lose a link lose their records in every journal.
What was found wrong or odd in journals that are not read again counts as it did when they were last read, for what they
say has not changed; findings about students are made anew in every run, for students are read whole.
Deliberately not here: which journals changed (`mappings.fingerprints`), where it is kept (`delivery.seen`).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from database import reading, writing
from delivery import seen as kept
from delivery.balance import MOST_ROWS_LISTED, SchoolBalance
from delivery.lease import Lease, confirm_lease
from delivery.limits import Exceeded, shrunk
from delivery.runs import last_balances
from delivery.seen import Sight
from delivery.tables import RECORD
from flows.bridge import Bridge, School
from flows.look import LATE, Leave, Look, Unread, look_at
from journal.school import RosterEntry, SchoolReading, school_year
from mappings.findings import counted
from mappings.fingerprints import Seen


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a school, and what was seen with it; `seen` None where nothing can be remembered."""

    reading: SchoolReading = field(repr=False)
    seen: Seen | None = field(repr=False)


Reader = Callable[[Seen | None], Read]
"""Reads what has changed since it was seen; None: all."""


def reader(bridge: Bridge, school: School, now: datetime) -> Reader:
    """Return what reads a school's present year."""
    today = bridge.today(now)
    window = school_year(today)

    def read(before: Seen | None) -> Read:
        if school.read_changes is None:
            return Read(school.read(window, today), None)
        return Read(*school.read_changes(window, today, before))

    return read


def last_sight(bridge: Bridge, school: School) -> Sight | None:
    """Return what was last seen of a school, for a run that changes nothing."""
    with reading(bridge.engine) as connection:
        return kept.last_sight(connection, school.code)


def begin(bridge: Bridge, school: School, lease: Lease) -> Sight | None:
    """Return what was last seen, and let the next run read all unless this one comes to its end."""
    with writing(bridge.engine) as connection:
        confirm_lease(connection, lease, bridge.clock())
        sight = kept.last_sight(connection, school.code)
        kept.distrust(connection, school.code)
        return sight


def vouched(bridge: Bridge, sight: Sight | None, now: datetime, *, full: bool) -> Seen | None:
    """Return what need not be read again as far as can be told before reading; None: read all."""
    if full or sight is None or not sight.whole:
        return None
    days = (bridge.today(now) - sight.full_on).days
    return sight.seen if 0 <= days < bridge.full_every_days else None


def too_little(look: Look, sight: Sight | None) -> bool:
    """Tell whether a look at some journals shows that the others must be read as well."""
    return look.doubtful or bool(look.links.put) or sight is None or look.pilot != sight.pilot


def look_at_read(
    bridge: Bridge, school: School, read: Read, roster: Mapping[str, RosterEntry], now: datetime, sight: Sight | None
) -> Look:
    """Decide and plan for what was read, and hold the source against what was last seen of it."""
    look = look_at(bridge, school, read.reading, roster, now)
    if read.seen is None:
        return look
    told = replace(look, schema=read.seen.schema, suspicions=_suspicions(bridge, read.seen, sight))
    only = read.reading.only
    if only is None:
        return told
    others = {key: one for key, one in read.seen.journals.items() if key not in only}
    aside: Counter[str] = Counter()
    warned: Counter[str] = Counter()
    for one in others.values():
        aside.update(one.set_aside)
        warned.update(one.warnings)
    with reading(bridge.engine) as connection:
        earlier = last_balances(connection, [school.code])
    listed = [row for balance in earlier for row in balance.rows_set_aside if row.journal and row.journal not in only]
    rows = (*look.rows_set_aside, *listed)[:MOST_ROWS_LISTED]
    unread = Unread(len(others), sum(one.rows for one in others.values()), dict(aside), dict(warned))
    return replace(told, unread=unread, rows_set_aside=rows, findings=counted(read.reading, others))


def _suspicions(bridge: Bridge, seen: Seen, sight: Sight | None) -> tuple[Exceeded, ...]:
    """Name what is odd about a source that was read in the same way before."""
    if sight is None or sight.seen.basis != seen.basis:
        return ()
    found: list[Exceeded] = []
    if shrunk(bridge.limits, before=sight.seen.rows, now=seen.rows):
        found.append("source_shrunk")
    if sight.seen.schema != seen.schema:
        found.append("schema_differs")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run read, what it would do, what kept it from doing so, and what came of it."""

    read: Read
    look: Look
    leave: Leave
    balance: SchoolBalance

    @property
    def dealt_with_everything(self) -> bool:
        """Tell whether the portal now shows all that it should of what was read, as far as the bridge can bring it."""
        kept_back = self.leave.stop is not None or self.balance.withheld.get(LATE)
        return self.balance.failure is None and not kept_back


def finish(bridge: Bridge, school: School, lease: Lease, ended: Ended, sight: Sight | None) -> None:
    """Remember what was seen, if the run dealt with everything that it read."""
    seen, look, code = ended.read.seen, ended.look, school.code
    if seen is None or not ended.dealt_with_everything:
        return
    full = ended.read.reading.only is None
    full_on = look.today if full or sight is None else sight.full_on
    with writing(bridge.engine) as connection:
        confirm_lease(connection, lease, bridge.clock())
        if len(look.places):
            kept.note_journals(connection, code, look.places)
        if full:
            kept.forget_journals(connection, code)
        if ended.balance.failed:
            seen = _again(seen, _failing(connection, code))
        kept.keep(connection, code, seen, sight, full_on=full_on, pilot=look.pilot)


def _failing(connection: Connection, school: str) -> frozenset[str | None]:
    """Return the journals of records that the portal would not take: these are read and told of in each run."""
    rejected = sa.and_(RECORD.c.school == school, RECORD.c.rejected_code.is_not(None))
    return frozenset(connection.scalars(sa.select(RECORD.c.journal).where(rejected).distinct()))


def _again(seen: Seen, journals: frozenset[str | None]) -> Seen:
    marked = {key: replace(one, again=True) if key in journals else one for key, one in seen.journals.items()}
    return replace(seen, journals=marked)
