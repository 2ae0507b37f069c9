"""What was last seen of a school's journals, kept beside the ledger that it vouches for.

Rules. That a journal need not be read again is believed only after a run that dealt with everything: `begin` takes the
word back before a run changes anything, `finish` gives it when the run ended without failure and without hold. A run
that dies or fails between leaves the word taken back, so the next one reads all. Whoever else makes the ledger other
than the school (a retry, a sweep that breaks off) calls `distrust`.
The journal of a record is noted by the same `finish`: a record without one belongs to a run that did not finish.
Deliberately not here: which journals changed (`mappings.fingerprints`), why all is read (`flows.reading_plan`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.engine import Connection

from delivery.bulk import Same, in_parts, insert_columns
from delivery.tables import JOURNAL_SEEN, RECORD, SOURCE_SEEN
from mappings.fingerprints import Fingerprint, Seen, SeenJournal

_JOURNAL: TypeAdapter[SeenJournal] = TypeAdapter(SeenJournal)
_TOTAL: TypeAdapter[Fingerprint | None] = TypeAdapter(Fingerprint | None)
UNKNOWN_JOURNAL = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a school's database, the day on which all of it was, and a digest of who took part.

    `whole`: the run that saw it dealt with everything.
    """

    seen: Seen
    full_on: date
    pilot: str
    whole: bool


def last_sight(connection: Connection, school: str) -> Sight | None:
    """Return what was last seen of a school; None when it never was."""
    found = connection.execute(sa.select(SOURCE_SEEN).where(SOURCE_SEEN.c.school == school)).one_or_none()
    if found is None:
        return None
    rows = connection.execute(
        sa.select(JOURNAL_SEEN.c.journal, JOURNAL_SEEN.c.seen).where(JOURNAL_SEEN.c.school == school)
    )
    try:
        journals = {journal: _JOURNAL.validate_json(text) for journal, text in rows}
    except ValidationError:
        return None
    seen = Seen(
        basis=found.basis,
        shared=found.shared,
        schema=found.schema,
        boundary=found.boundary,
        total=_TOTAL.validate_python(found.total),
        journals=journals,
        repeated=found.repeated,
    )
    return Sight(seen, found.full_on, found.pilot, found.whole)


def distrust(connection: Connection, school: str) -> bool:
    """Let the school's next run read all; tells whether it would have had to read less."""
    told = sa.and_(SOURCE_SEEN.c.school == school, SOURCE_SEEN.c.whole)
    return connection.execute(SOURCE_SEEN.update().where(told).values(whole=False)).rowcount > 0


def trust_again(connection: Connection, school: str) -> None:
    """Take back a `distrust` that turned out to be needless."""
    connection.execute(SOURCE_SEEN.update().where(SOURCE_SEEN.c.school == school).values(whole=True))


def keep(connection: Connection, school: str, seen: Seen, before: Sight | None, *, full_on: date, pilot: str) -> None:
    """Remember what a run saw, all of whose records it dealt with; journals that are as they were stay unwritten."""
    values = {
        "whole": True,
        "full_on": full_on,
        "basis": seen.basis,
        "shared": seen.shared,
        "schema": seen.schema,
        "pilot": pilot,
        "boundary": seen.boundary,
        "total": _TOTAL.dump_python(seen.total, mode="json"),
        "repeated": seen.repeated,
        "rows": seen.rows,
    }
    known: Mapping[str, SeenJournal] = {} if before is None else before.seen.journals
    this_school = SOURCE_SEEN.c.school == school
    if before is None:
        connection.execute(SOURCE_SEEN.delete().where(this_school))
        connection.execute(JOURNAL_SEEN.delete().where(JOURNAL_SEEN.c.school == school))
        connection.execute(SOURCE_SEEN.insert().values(school=school, **values))
    else:
        connection.execute(SOURCE_SEEN.update().where(this_school).values(**values))
    changed = {key: one for key, one in seen.journals.items() if known.get(key) != one}
    outdated = [key for key in known if key in changed or key not in seen.journals]
    for these in in_parts(JOURNAL_SEEN.c.journal, outdated):
        connection.execute(JOURNAL_SEEN.delete().where(JOURNAL_SEEN.c.school == school, these))
    insert_columns(
        connection,
        JOURNAL_SEEN,
        {
            "school": Same(school),
            "journal": list(changed),
            "seen": [_JOURNAL.dump_json(one).decode() for one in changed.values()],
        },
    )


def note_journals(connection: Connection, school: str, rows: pd.DataFrame) -> None:
    """Note in which journal the ledger's records were read: `source_key`, `student_key`, `journal` of each."""
    values = [
        {"b_source": source, "b_student": student, "b_journal": journal}
        for source, student, journal in rows[["source_key", "student_key", "journal"]].itertuples(
            index=False, name=None
        )
    ]
    if values:
        connection.execute(
            RECORD.update()
            .where(
                RECORD.c.school == school,
                RECORD.c.source_key == sa.bindparam("b_source"),
                RECORD.c.student_key == sa.bindparam("b_student"),
            )
            .values(journal=sa.bindparam("b_journal")),
            values,
        )


def forget_journals(connection: Connection, school: str) -> None:
    """Note of records that were in none of all journals read that they are in none; so they are not asked for again."""
    nowhere = sa.and_(RECORD.c.school == school, RECORD.c.journal.is_(None))
    connection.execute(RECORD.update().where(nowhere).values(journal=UNKNOWN_JOURNAL))


def holdings(connection: Connection, school: str, most: int | None = None) -> int:
    """Return how many records the portal shows of a school, counted no further than to `most`."""
    held = sa.select(sa.literal(1)).where(RECORD.c.school == school, RECORD.c.held).limit(most)
    return connection.scalar(sa.select(sa.func.count()).select_from(held.subquery())) or 0


def in_journals(journals: Collection[str]) -> list[sa.ColumnElement[bool]]:
    """Return the conditions, to be asked one after the other, under which a record is of these journals or of none."""
    return [RECORD.c.journal.is_(None), *in_parts(RECORD.c.journal, sorted(journals))]
