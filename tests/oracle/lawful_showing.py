"""Judges all that a portal ever showed: whether it was lawful when it was said, once only, and intended.

Written from the contract, docs/consent-rules.md (through `consent_acts` and `consent_oracle`) and audit/FORMAT.md, not
from the product. The portal's own record is read: `history` (each message that changed something), `exposure` (each
revision of a record that an account came to see), `receipt`. The measure of "when it was said" is the moment that the
audit log gives to the message's intent, which is stored behind the same lock as a consent's facts: what was stored
before a withdrawal is in flight and lawful, what was stored after it is not.

    Life(registry)                        what the school and its registry said, and when
    unlawful(life, portal, entries)       every showing without ground
    doubled, lost_revisions, …            likewise; each gives sentences, none of them names a person or a mark
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from oracle.consent_acts import Key, Registry
from oracle.consent_oracle import (
    Group,
    Paper,
    Student,
    consent_of_the_moment,
    counting,
    ground,
    in_pilot,
    permission,
    standing,
)
from oracle.journal_oracle import OracleRecord

Shown = tuple[object, ...]
"""A record as it is shown, its student first: without the bridge's opaque ids."""


def shown_as(student: str, record: OracleRecord) -> Shown:
    """Return how a record of a student must be shown."""
    return (
        student,
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


class SchoolSays(NamedTuple):
    """What the school's database held from a moment on: its students, and every row that is a record, by student."""

    since: datetime
    students: Mapping[str, Student]
    records: Sequence[tuple[str, OracleRecord]]


@dataclass
class Life:
    """All that was true of a school, and when. `groups`: pilot moves, each with the moment it was recorded."""

    registry: Registry
    school: list[SchoolSays] = field(default_factory=list)
    groups: list[tuple[datetime, Group]] = field(default_factory=list)

    def students_at(self, at: datetime) -> Mapping[str, Student]:
        return max((said for said in self.school if said.since <= at), key=lambda said: said.since).students

    def takes_part(self, student: str, at: datetime) -> bool:
        groups = [group for recorded, group in self.groups if recorded <= at]
        return in_pilot(self.students_at(at).get(student), groups, self.registry.day(at))

    def paper(self, key: Key, at: datetime) -> Paper | None:
        """Return the consent on which a link stands at `at`, as known then; None: it has no ground."""
        case = self.registry.cases.get(key)
        zone = self.registry.zone
        if case is None or ground(case.facts, self.students_at(at).get(key[0]), at, at, zone) is not None:
            return None
        return consent_of_the_moment(counting(case.facts, at), at)

    def may_see(self, key: Key, kind: str, on: date, at: datetime) -> bool:
        """Tell whether the account of `key` may see such a record of its student."""
        paper = self.paper(key, at)
        return paper is not None and permission([paper], kind, on, pilot=self.takes_part(key[0], at)) is None

    def must_hold(self, at: datetime) -> Counter[Shown]:
        """Return the records that the portal must show at `at`, and no others."""
        students = self.students_at(at)
        standings = defaultdict(list)
        for key, case in self.registry.cases.items():
            standings[key[0]].append(standing(case.facts, students.get(key[0]), at, self.registry.zone))
        takes_part = {student: self.takes_part(student, at) for student in standings}
        return Counter(
            shown_as(student, record)
            for student, record in self.school[-1].records
            if student in standings
            and permission(standings[student], record.kind, record.date, pilot=takes_part[student]) is None
        )

    def links(self, at: datetime) -> tuple[dict[Key, Paper], dict[Key, Paper]]:
        """Return the links that must be open at `at`, and those that may be: a class left the pilot, its links stay."""
        papers = {key: paper for key in self.registry.cases if (paper := self.paper(key, at)) is not None}
        return {key: paper for key, paper in papers.items() if self.takes_part(key[0], at)}, papers


class Said(NamedTuple):
    """One row of the portal's `history`."""

    sequence: int
    at: str
    act: str
    subject: str
    revision: int
    batch: str | None
    content: Mapping[str, Any]


class Seen(NamedTuple):
    """One row of the portal's `exposure`."""

    at: str
    account: str
    link: str
    record: str
    revision: int
    student_ref: str
    kind: str
    date: str


@dataclass(frozen=True)
class PortalRecord:
    """What the portal wrote down for itself; `students`: whose each studentRef is.

    `unknown`: when it answered that it had never taken a batch.
    """

    history: Sequence[Said]
    exposures: Sequence[Seen]
    receipts: Mapping[str, int]
    unknown: Sequence[datetime]
    students: Mapping[str, str]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moments(history: Iterable[Said]) -> Mapping[str, Sequence[datetime]]:
    """Return when something was said of each link or record."""
    moments: dict[str, list[datetime]] = defaultdict(list)
    for said in history:
        moments[said.subject].append(_moment(said.at))
    return moments


def unlawful(life: Life, portal: PortalRecord, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each revision that an account came to see without a consent in force when it was said.

    Terms that an open link is given anew show nothing that its account did not see already: a link is narrowed before
    records are taken back, so what is still there is listed once more by the portal.
    """
    batches = {entry["batch"]: _moment(entry["at"]) for entry in entries if entry["kind"] == "disclosure-intended"}
    links = {
        (entry["link"], entry["revision"]): _moment(entry["at"])
        for entry in entries
        if entry["kind"] == "link-intended"
    }
    said_at: dict[tuple[str, str], datetime | None] = {}
    for said in portal.history:
        if said.act == "publish":
            said_at[said.at, said.subject] = batches.get(said.batch or "")
        elif said.act == "put-link":
            said_at[said.at, said.subject] = links.get((said.subject, said.revision))
    wrong = []
    cache: dict[tuple[object, ...], bool] = {}
    ended = _moments(said for said in portal.history if said.act in {"end-link", "withdraw"})
    visible: dict[tuple[str, str, int], datetime] = {}
    for seen in sorted(portal.exposures, key=lambda seen: _moment(seen.at)):
        at, what = _moment(seen.at), (seen.link, seen.record, seen.revision)
        since, visible[what] = visible.get(what), at
        if since is not None and not any(since < end <= at for of in what[:2] for end in ended.get(of, ())):
            continue
        when = said_at.get((seen.at, seen.record)) or said_at.get((seen.at, seen.link))
        if when is None:
            wrong.append(f"record {seen.record} was shown, and no intent was logged")
            continue
        key = (portal.students[seen.student_ref], seen.account)
        case = (*key, seen.kind, seen.date, when)
        if case not in cache:
            cache[case] = life.may_see(key, seen.kind, date.fromisoformat(seen.date), when)
        if not cache[case]:
            wrong.append(f"record {seen.record} revision {seen.revision} was shown through {seen.link} without ground")
    return wrong


def doubled(life: Life, portal: PortalRecord) -> list[str]:
    """Return a sentence for each row of the journal that was shown under two record ids, or twice at one time.

    A comment that starts with "№" is of one row of the school's journal alone, for all time.
    """
    ids: dict[str, set[str]] = defaultdict(set)
    whose: dict[str, set[str]] = defaultdict(set)
    most: Counter[Shown] = Counter()
    for said in life.school:
        most |= Counter(_row(student, record) for student, record in said.records)
    held: dict[str, Shown] = {}
    count: Counter[Shown] = Counter()
    wrong = []
    for said in portal.history:
        if said.act not in {"publish", "withdraw"}:
            continue
        if said.subject in held:
            count[held.pop(said.subject)] -= 1
        if said.act == "withdraw":
            continue
        content = said.content
        student = portal.students[content["student_ref"]]
        comment = content.get("comment") or ""
        if comment.startswith("№"):
            ids[comment].add(said.subject)
            whose[comment].add(student)
        row = (student, content["kind"], content["subject"], content.get("work"), comment)
        held[said.subject] = row
        count[row] += 1
        if count[row] > most[row]:
            wrong.append(f"record {said.subject} is shown beside another one of the same row")
    wrong += [f"one row was shown under {len(found)} record ids" for found in ids.values() if len(found) > 1]
    wrong += [f"one row was shown for {len(found)} students" for found in whose.values() if len(found) > 1]
    return wrong


def _row(student: str, record: OracleRecord) -> Shown:
    """Return what tells rows apart: not their days, for lessons are moved, one to where another was."""
    return (student, record.kind, record.subject, record.work, record.comment or "")


def lost_revisions(portal: PortalRecord, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each batch that the portal took without its changing all that it speaks of.

    A record in it then had been given a revision that was not newer. One that arrived after it had been closed as not
    taken may be overtaken by what was said since.
    """
    changed = Counter(said.batch for said in portal.history if said.batch is not None)
    late = {entry["batch"] for entry in entries if entry.get("outcome") == "not-taken" and "batch" in entry}
    return [
        f"batch {batch}: {accepted} records accepted, {changed[batch]} changed"
        for batch, accepted in portal.receipts.items()
        if changed[batch] != accepted and batch not in late
    ]


def given_up_unasked(portal: PortalRecord, given_up: Mapping[str, tuple[datetime, datetime]]) -> list[str]:
    """Return a sentence for each batch that was closed as never arrived without the portal having said so.

    `given_up`: when each was stored, and when it was closed. One answer serves for one batch.
    """
    left = sorted(portal.unknown)
    wrong = []
    for batch, (stored, closed) in sorted(given_up.items(), key=lambda item: item[1][1]):
        answer = next((at for at in left if stored < at <= closed), None)
        if answer is None:
            wrong.append(f"batch {batch} was closed as never arrived, and nobody had asked")
        else:
            left.remove(answer)
    return wrong


def unanswered(portal: PortalRecord, entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Hold the audit log against the portal: each intent has its outcome, and what was taken is what was intended."""
    intended: dict[str, set[tuple[str, int, str]]] = defaultdict(set)
    outcomes: dict[str, str] = {}
    links: set[tuple[str, int]] = set()
    for entry in entries:
        if entry["kind"] == "disclosure-intended":
            acts = {(act["record"], act["revision"], act["action"]) for act in entry["records"]}
            intended[entry["batch"]] |= acts
        elif entry["kind"] == "disclosure-outcome":
            outcomes[entry["batch"]] = entry["outcome"]
        elif entry["kind"] == "link-intended":
            links.add((entry["link"], entry["revision"]))
    wrong = [f"batch {batch} was intended and has no outcome" for batch in intended.keys() - outcomes.keys()]
    taken = {batch for batch, outcome in outcomes.items() if outcome == "taken"}
    wrong += [f"batch {batch}: the log and the portal differ" for batch in taken ^ set(portal.receipts)]
    for said in portal.history:
        if said.batch is not None:
            if (said.subject, said.revision, said.act) not in intended[said.batch]:
                wrong.append(f"record {said.subject} revision {said.revision} was never intended")
        elif (said.subject, said.revision) not in links:
            wrong.append(f"link {said.subject} revision {said.revision} was never intended")
    return wrong
