"""Figure 10: a nightly run in which 1 % of the journals changed, against a full reading, database and bridge together.

One school of a whole year, in a Firebird file that is read by the engine in this process, so that the process' time
is that of database and bridge together. Each round is another day; before each run, in 1 % of the journals a mark is
corrected, one added and one deleted. Three sides by turns, the same work in each: all is read (`dnevnik sync --full`);
what changed is read, and the changes are of the last weeks; likewise, and a mark of months ago is deleted besides. The
portal is in this process too and keeps nothing: it is the same for all sides, and small. At the end a full reading must
find nothing that the nights left undone.

The file is new, so it is said here that its rows' own numbers are relied upon, as in a database that was not restored
for some weeks; with `by-value` they are not.
"""

import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ground import CODE, SEED, SHARE_OF_APPLICANTS, Ground, make_installation
from rounds import by_turns, middle, ratio, told

import settings
from connectors.portal.batch import prepare
from connectors.school import changes
from flows.assembly import assemble
from flows.bridge import Bridge
from flows.steps import plan_school, sync_school
from journal.records import BatchItem, LinkEnd, LinkPut, LinkState, PreparedBatch, Receipt
from sandbox.authority import write_authority
from sandbox.registry import write_register
from sandbox.school import write_school
from sandbox.school.database import opened
from sandbox.school.edit import MarkRef, SchoolEditor

STUDENTS, WEEKS = 1000, 36
LAST_DAY = date(2027, 5, 14)
ROUNDS = 5
RECENT = timedelta(days=7)
OLD = timedelta(days=60)
SHARE = 0.01


class ForgetfulPortal:
    """Takes everything, and keeps nothing of it."""

    def prepare(self, school: str, items: Sequence[BatchItem], created_at: datetime) -> PreparedBatch:
        """Give a batch its form as the real connector does."""
        return prepare(school, items, created_at)

    def submit(self, batch: PreparedBatch) -> Receipt:
        """Take everything."""
        return Receipt(batch.batch_id, batch.batch_id[:32], batch_moment(), batch.record_count, duplicate=False)

    def receipt(self, _school: str, _batch_id: str) -> None:
        """Know of no batch."""

    def put_link(self, link: LinkPut) -> LinkState:
        """Open a link."""
        return LinkState(link.link_id, link.revision, active=True)

    def end_link(self, link: LinkEnd) -> LinkState:
        """Close a link."""
        return LinkState(link.link_id, link.revision, active=False)


def batch_moment() -> datetime:
    """Return when a batch was taken."""
    return datetime.now(UTC)


class Nights:
    """The school's life: each night is a day later, after some edits."""

    def __init__(self, school: Path, bridge: Bridge) -> None:
        self.now = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 16, 15, tzinfo=UTC)
        self.bridge = replace(bridge, clock=lambda: self.now, portal=ForgetfulPortal())
        self.editor = SchoolEditor(school)
        self.chance = random.Random(SEED)  # noqa: S311  which marks are edited is no secret
        self.marks = self.editor.marks()
        self.journals = sorted({mark.journal_id for mark in self.marks})
        self.changed = self.runs = 0

    def night(self, *, full: bool, old: bool = False) -> Mapping[str, float]:
        """Edit, then run; returns the run's seconds and CPU seconds."""
        self.runs += 1
        self.now += timedelta(hours=8)  # three runs a round, so each round is another day
        self.edit(old=old)
        start, busy = time.perf_counter(), time.process_time()
        balance = sync_school(self.bridge, CODE, full=full)
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        if balance.failure is not None or balance.held is not None:
            raise RuntimeError(f"{balance.failure or balance.held}")
        if full == bool(balance.journals_not_read):
            raise RuntimeError("not what was to be read was read")
        return {"seconds": seconds, "busy": busy, "read": balance.read, "not read": balance.records_not_read}

    def edit(self, *, old: bool) -> None:
        """Correct, add and delete a mark of the last weeks in 1 % of the journals; with `old`, delete an old one."""
        today = LAST_DAY
        recent = [mark for mark in self.marks if today - RECENT <= mark.lesson_date <= today]
        journals = sorted({mark.journal_id for mark in recent})
        chosen = self.chance.sample(journals, max(1, round(SHARE * len(self.journals))))
        self.changed = len(chosen)
        for journal in chosen:
            first, second = self.chance.sample([mark for mark in recent if mark.journal_id == journal], 2)
            self.editor.correct_mark(first.mark_id, 401 + (first.type_id - 400) % 5, at=self.now)
            self._delete(second)
            self.editor.add_mark(second.control_id, second.student_id, 405, at=self.now)
        if old:
            ago = [mark for mark in self.marks if mark.lesson_date < today - OLD and mark.journal_id == chosen[0]]
            self._delete(self.chance.choice(ago))

    def _delete(self, mark: MarkRef) -> None:
        self.editor.delete_mark(mark.mark_id)
        self.marks.remove(mark)


def make_year(folder: Path, students: int) -> Ground:
    """Make a school of a whole year, a register of its parents, and keys."""
    ground = Ground(folder)
    write_authority(ground.keys)
    write_school(
        ground.school, code=CODE, name=f"Школа {CODE}", students=students, weeks=WEEKS, seed=SEED, first_day=None,
        today=LAST_DAY,
    )  # fmt: skip
    _end_with_today(ground.school)
    today = datetime.now(UTC).date()
    write_register(ground.register, ground.school, code=CODE, seed=SEED, today=today, share=SHARE_OF_APPLICANTS)
    return ground


def _end_with_today(school: Path) -> None:
    """Take away what stands on days to come: else each day makes some rows good, and their journals are read."""
    later = f"SELECT l.ID FROM LESSON l WHERE l.LESSON_DATE > '{LAST_DAY}'"  # noqa: S608  a day of ours
    of_works = f"SELECT c.ID FROM CONTROL c WHERE c.LESSON_ID IN ({later})"  # noqa: S608  a day of ours
    with opened(school) as connection:
        connection.execute_immediate(f"DELETE FROM MARK m WHERE m.CONTROL_ID IN ({of_works})")  # noqa: S608  a day of ours
        connection.execute_immediate(f"DELETE FROM ABSENCE a WHERE a.LESSON_ID IN ({later})")  # noqa: S608  likewise
        connection.execute_immediate(
            f"DELETE FROM PERIOD_MARK m WHERE m.PERIOD_ID IN (SELECT ID FROM PERIOD WHERE DATE_TO > '{LAST_DAY}')"  # noqa: S608  likewise
        )
        connection.commit()


def main(folder: Path, students: int = STUDENTS, *, by_value: bool = False) -> None:
    """Measure and print; `by_value`: as in a database that was restored lately."""
    changes.SETTLED_DAYS = 100_000 if by_value else -100_000
    own = folder / "year"
    own.mkdir()
    ground = make_year(own, students)
    config = make_installation(ground, own / "bridge", "https://127.0.0.1:1/never-called")
    nights = Nights(ground.school, assemble(settings.load(config)))
    first = sync_school(nights.bridge, CODE)
    if first.failure is not None:
        raise RuntimeError(f"{first.failure}")
    sides = {
        "full": lambda: nights.night(full=True),
        "changes": lambda: nights.night(full=False),
        "old": lambda: nights.night(full=False, old=True),
    }
    measured = by_turns(sides, ROUNDS)
    left = plan_school(nights.bridge, CODE, full=True)
    if left.sent or left.withdrawn or left.failure:
        raise RuntimeError(f"the nights left something undone: {left.sent} to send, {left.withdrawn}")
    print(
        f"10. a nightly run: {first.read:,} records in {len(nights.journals):,} journals, {first.sent:,} at the "
        f"portal; {nights.changed} journals changed; {ROUNDS} rounds"
    )
    for side, title in (("full", "all is read"), ("changes", "changes"), ("old", "and an old one")):
        mine = measured[side]
        print(f"   {title:<15} {told(mine, 'seconds', '.2f')} s; CPU {told(mine, 'busy', '.2f')} s", end="; ")
        print(f"{middle(mine, 'read'):,.0f} records read, {middle(mine, 'not read'):,.0f} not")
    for side, title in (("changes", "changes / full"), ("old", "with an old one / full")):
        for figure in ("seconds", "busy"):
            unit = "time" if figure == "seconds" else "CPU"
            print(f"   {title:<22} {unit:<5} {ratio(measured[side], measured['full'], figure)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]), by_value="by-value" in sys.argv)
