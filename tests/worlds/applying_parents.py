"""Parents who apply at the sandbox portal of a `RealWorld`, for students whom its school really has."""

import contextlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from worlds.real_world import RealWorld

import settings
from commands.application_desk import students_of
from journal.records import PersonName, PortalApplication
from journal.school import StudentIdentity
from journal.vocabulary import Relation
from sandbox.portal import seed_applications
from sandbox.portal.store import connect

MOSCOW = ZoneInfo("Europe/Moscow")
_NUMBERS: Iterator[int] = itertools.count(1)


def minors(world: RealWorld) -> list[StudentIdentity]:
    """Return the school's students of 6 to 16 years who are in a class and have no namesake."""
    now = datetime.now(UTC)
    students = students_of(settings.load(world.config), world.codes[0], now)
    names = [(one.last_name, one.first_name) for one in students]
    return [
        one
        for one in students
        if one.birth_date is not None
        and one.class_name
        and 6 <= now.year - one.birth_date.year <= 16
        and names.count((one.last_name, one.first_name)) == 1
    ]


def application_for(
    student: StudentIdentity, *, days_ago: int = 0, relation: Relation = Relation.PARENT
) -> PortalApplication:
    """Return a parent's application for a student; each call is another parent with another account."""
    number = next(_NUMBERS)
    assert student.birth_date is not None
    return PortalApplication(
        application_id=f"app-{number}",
        sequence=number,
        submitted_at=datetime.now(UTC).replace(microsecond=0) - timedelta(days=days_ago, minutes=1),
        relation=relation,
        consent_text_version="2025-09",
        account_id=f"pa-new-{number}",
        email=f"parent{number}@example.org",
        account_holder=PersonName(f"Родителев{'а' * number}", "Пётр", "Андреевич"),
        student=PersonName(student.last_name, student.first_name, student.middle_name),
        student_birth_date=student.birth_date,
        student_class=student.class_name,
    )


def apply(world: RealWorld, *applications: PortalApplication) -> None:
    """Let the parents have applied at the portal."""
    with contextlib.closing(connect(world.server.database)) as connection, connection:
        seed_applications(connection, world.codes[0], applications)
