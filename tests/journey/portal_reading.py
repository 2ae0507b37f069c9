"""What the portal's own file says, in the oracle's words; and what the oracle says, in the same."""

import csv
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from oracle.journal_oracle import Verdict, judge
from oracle.school_tables import read_tables
from worlds.real_world import RealWorld

Shown = tuple[object, ...]


def shown(world: RealWorld, code: str | None = None) -> Counter[Shown]:
    """The records that the portal shows of a school, without the bridge's opaque ids."""
    return Counter(
        (
            kind,
            subject,
            day,
            lesson,
            value,
            None if weight is None else Decimal(weight),
            work,
            comment,
            None if entered is None else datetime.fromisoformat(entered).astimezone(UTC).isoformat(),
        )
        for kind, subject, day, lesson, value, weight, work, comment, entered in world.holdings(code)
    )


def expected(verdict: Verdict) -> Counter[Shown]:
    """The records that the oracle permits, in the same form."""
    return Counter(
        (
            record.kind,
            record.subject,
            record.date.isoformat(),
            record.lesson_number,
            record.value,
            record.weight,
            record.work,
            record.comment,
            None if record.entered_at is None else record.entered_at.astimezone(UTC).isoformat(),
        )
        for record in verdict.permitted.values()
    )


def register_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=";"))


def verdict(world: RealWorld, register: Path, code: str | None = None, **choices) -> Verdict:
    """The oracle's word on a school as its file and the register stand now."""
    return judge(
        read_tables(world.school_file(code)),
        register_rows(register),
        code=code or world.codes[0],
        now=datetime.now(UTC),
        **choices,
    )


def open_links(world: RealWorld, code: str | None = None) -> set[str]:
    rows = world.portal_rows("SELECT account_id FROM link WHERE school = ? AND active = 1", code or world.codes[0])
    return Counter(account for (account,) in rows)


def shown_per_student(world: RealWorld, code: str | None = None) -> list[int]:
    """How many records each student has at the portal, largest first: tells mixed-up students from right ones."""
    rows = world.portal_rows(
        "SELECT COUNT(*) FROM holding WHERE school = ? AND withdrawn = 0 GROUP BY student_ref", code or world.codes[0]
    )
    return sorted((count for (count,) in rows), reverse=True)
