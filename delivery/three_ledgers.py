"""Holds three books against each other: the audit log, the delivery ledger and the portal's holdings. Pure.

Rules. The log is folded: a batch's last word stands, but one that once was taken was; of a record the newest revision
that was taken and not rejected stands, shown or taken back. What a batch without an outcome says of a record *may* be
so: either of the two is right then, at the portal and in the ledger. The ledger counts as held what a receipt said, or
what it must assume. Every difference has a name (`delivery.difference_names`); one thing may have two.
ListHoldings names no links, so links are compared between log and ledger alone. Deliberately not here: reading the
three (`delivery.ledger_books`), any mending (`delivery.reconcile`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from audit.entry import DisclosureIntended, DisclosureOutcome, Entry, LinkIntended, LinkOutcome
from delivery.difference_names import DifferenceName
from journal.records import Holding

OPEN, TAKEN = "open", "taken"
_SAME_OUTCOME = {"doubtful": "taken", "divided": "refused"}
"""A ledger's word for a batch, where the log's word for it is another."""


Subject = Literal["record", "batch", "link"]


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One thing on which two books differ; `what` is its opaque id."""

    name: DifferenceName
    subject: Subject
    what: str


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """What the ledger says of a record: the newest revision it ever assigned, and whether the portal shows it."""

    revision: int
    held: bool
    student: str | None


@dataclass(frozen=True, slots=True)
class LedgerBook:
    """A school's ledger: records, batches by state, links (True: open at the portal, None: told, no reply seen).

    What is left of a student who was erased is in none of them, and the log says that it was taken back.
    """

    records: Mapping[str, HeldRecord]
    batches: Mapping[str, str]
    links: Mapping[str, bool | None]


@dataclass(slots=True)
class _Said:
    """What the log says of one record: each revision with its batch, whether it shows it, and whose it is."""

    revision: int
    batch: str
    shows: bool
    student: str


@dataclass(slots=True)
class LogBook:
    """What a school's entries add up to, in the order of the log."""

    outcomes: dict[str, str] = field(default_factory=dict)
    rejected: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    records: defaultdict[str, list[_Said]] = field(default_factory=lambda: defaultdict(list))
    links: dict[str, dict[int, tuple[bool, str]]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Take one entry over; other kinds say nothing of what is shown."""
        match entry:
            case DisclosureIntended():
                self.outcomes.setdefault(entry.batch, OPEN)
                for act in entry.records:
                    said = _Said(act.revision, entry.batch, act.action == "publish", entry.student)
                    self.records[act.record].append(said)
            case DisclosureOutcome():
                if self.outcomes.get(entry.batch) != TAKEN:
                    self.outcomes[entry.batch] = entry.outcome
                self.rejected[entry.batch] |= {one.record for one in entry.rejected}
            case LinkIntended():
                self.links.setdefault(entry.link, {}).setdefault(entry.revision, (entry.action == "put", OPEN))
            case LinkOutcome():
                self.links.setdefault(entry.link, {})[entry.revision] = (entry.action == "put", entry.outcome)
            case _:
                pass

    def settled(self, record: str) -> _Said | None:
        """Return what the portal took last of a record, None when it never took anything."""
        taken = [
            said
            for said in self.records.get(record, ())
            if self.outcomes[said.batch] == TAKEN and record not in self.rejected[said.batch]
        ]
        return max(taken, key=lambda said: said.revision, default=None)

    def pending(self, record: str) -> list[_Said]:
        """Return what the portal may have taken since, for its outcome isn't known."""
        settled = self.settled(record)
        after = 0 if settled is None else settled.revision
        return [
            said for said in self.records.get(record, ()) if self.outcomes[said.batch] == OPEN and said.revision > after
        ]

    def newest(self, record: str) -> int:
        """Return the newest revision that a record was ever given."""
        return max(said.revision for said in self.records[record])

    def link(self, link: str) -> bool | None:
        """Tell whether a view is open, by the newest message that was answered; None where a newer one was not."""
        told = self.links[link]
        newest = max(told)
        if told[newest][1] == OPEN:
            return None
        taken = [revision for revision, (_, outcome) in told.items() if outcome == TAKEN]
        return bool(taken) and told[max(taken)][0]


def fold(entries: Iterable[Entry]) -> defaultdict[str, LogBook]:
    """Return what a log's entries say, school by school."""
    books: defaultdict[str, LogBook] = defaultdict(LogBook)
    for entry in entries:
        if isinstance(entry, DisclosureIntended | DisclosureOutcome | LinkIntended | LinkOutcome):
            books[entry.school].add(entry)
    return books


def compare(log: LogBook, ledger: LedgerBook, holdings: Iterable[Holding]) -> list[Difference]:
    """Return every difference between the three, the worst first."""
    shown = {holding.record_id: holding for holding in holdings}
    found = [Difference(name, "record", record) for record, name in _portal(log, shown)]
    found += [Difference(name, "record", record) for record, name in _records(log, ledger)]
    found += [Difference(name, "batch", batch) for batch, name in _batches(log, ledger.batches)]
    found += [Difference(name, "link", link) for link, name in _links(log, ledger.links)]
    ranks = {name: rank for rank, name in enumerate(DifferenceName)}
    return sorted(found, key=lambda one: (ranks[one.name], one.what))


Named = Iterator[tuple[str, DifferenceName]]


def _portal(log: LogBook, shown: Mapping[str, Holding]) -> Named:
    for record in sorted(shown.keys() | log.records.keys()):
        settled, pending = log.settled(record), log.pending(record)
        holding = shown.get(record)
        if holding is None:
            may_be_gone = any(not said.shows for said in pending)
            if settled is not None and settled.shows and not may_be_gone:
                yield record, DifferenceName.NOT_SHOWN
            continue
        students = {said.student for said in log.records.get(record, ()) if said.shows}
        if students and holding.student_ref not in students:
            yield record, DifferenceName.SHOWN_AS_OTHER_STUDENTS
        if any(said.shows and said.revision == holding.revision for said in pending):
            continue
        name = _shown(settled, holding)
        if name is not None:
            yield record, name


def _shown(settled: _Said | None, holding: Holding) -> DifferenceName | None:
    if settled is None:
        return DifferenceName.SHOWN_UNLOGGED
    if not settled.shows:
        return DifferenceName.SHOWN_AFTER_WITHDRAWAL
    if holding.revision > settled.revision:
        return DifferenceName.SHOWN_NEWER
    return DifferenceName.SHOWN_OLDER if holding.revision < settled.revision else None


def _records(log: LogBook, ledger: LedgerBook) -> Named:
    records = ledger.records
    for record in sorted(records.keys() | log.records.keys()):
        kept = records.get(record)
        said = log.records.get(record)
        settled = log.settled(record)
        if kept is None:
            if settled is not None and settled.shows:  # of what was taken back nothing need be kept
                yield record, DifferenceName.RECORD_FORGOTTEN
            continue
        if not said:
            if kept.held:  # what was never sent has no place in the log
                yield record, DifferenceName.RECORD_UNLOGGED
            continue
        if kept.held and kept.student not in {one.student for one in said}:  # one that was foreign is given up for good
            yield record, DifferenceName.RECORD_OF_OTHER_STUDENT
        if kept.revision < log.newest(record):
            yield record, DifferenceName.REVISION_BEHIND
        if settled is not None and ledger.batches.get(settled.batch) == OPEN:
            continue  # its outcome isn't entered yet, which is said of the batch
        is_shown = settled is not None and settled.shows
        if kept.held != is_shown:
            yield record, DifferenceName.HELD_WRONGLY if kept.held else DifferenceName.GONE_WRONGLY


def _batches(log: LogBook, batches: Mapping[str, str]) -> Named:
    for batch in sorted(batches.keys() | log.outcomes.keys()):
        kept, said = batches.get(batch), log.outcomes.get(batch)
        if kept is None:
            yield batch, DifferenceName.BATCH_FORGOTTEN
        elif said is None:
            if kept == TAKEN:  # else it was stored, and the process died before anything was sent
                yield batch, DifferenceName.BATCH_UNLOGGED
        elif kept == OPEN and said != OPEN:
            yield batch, DifferenceName.OUTCOME_NOT_ENTERED
        elif kept != OPEN and said == OPEN:
            yield batch, DifferenceName.OUTCOME_UNLOGGED
        elif _SAME_OUTCOME.get(kept, kept) != said:
            yield batch, DifferenceName.OUTCOME_OTHER


def _links(log: LogBook, links: Mapping[str, bool | None]) -> Named:
    for link in sorted(links.keys() | log.links.keys()):
        if link not in log.links:
            if links[link]:  # else it was stored, and the process died before anything was sent
                yield link, DifferenceName.LINK_UNLOGGED
            continue
        said = log.link(link)
        if link not in links:
            if said:
                yield link, DifferenceName.LINK_FORGOTTEN
            continue
        kept = links[link]
        if said is None or kept is None or said == kept:
            continue
        yield link, DifferenceName.LINK_OPEN_WRONGLY if kept else DifferenceName.LINK_CLOSED_WRONGLY


def counted(found: Sequence[Difference]) -> dict[DifferenceName, int]:
    """Return how many there are of each, the worst first."""
    return {name: count for name in DifferenceName if (count := sum(one.name is name for one in found))}
