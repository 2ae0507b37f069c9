"""A school's roster for commands that only look: as the newest run read it, else read from the school now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

import database
from commands.recording import Recorder
from connectors.school.read import read_school
from delivery.roster import load_roster
from delivery.tables import ROSTER_SNAPSHOT
from flows.assembly import school_source
from journal.school import RosterEntry, Window
from mappings.profile import load_profile


@dataclass(frozen=True, slots=True)
class KnownRoster:
    """Who the school's students are, and when that was read."""

    students: Mapping[str, RosterEntry] = field(repr=False)
    read_at: datetime


def known_roster(registry: Recorder, code: str, now: datetime) -> KnownRoster:
    """Return the school's roster. Raises BridgeError `sealed-unreadable`, and as `read_school` where it has to read."""
    with database.reading(registry.engine) as connection:
        read_at = connection.scalar(sa.select(ROSTER_SNAPSHOT.c.read_at).where(ROSTER_SNAPSHOT.c.school == code))
        students = load_roster(connection, code, lambda sealed: registry.vault.open_for(f"roster:{code}", sealed))
    if read_at is not None and students is not None:
        return KnownRoster(students, read_at)
    school, timezone = registry.settings.school(code), registry.settings.bridge.timezone
    today = now.astimezone(timezone).date()
    read = read_school(
        school_source(school),
        load_profile(school.profile),
        code=code,
        window=Window(today, today),  # the roster is whole whatever the window
        today=today,
        timezone=timezone,
    )
    return KnownRoster(read.roster, now)
