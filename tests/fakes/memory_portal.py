"""A portal in memory that keeps the promises of diary-exchange-1, for tests that need no XML and no sockets.

Rules. It implements `journal.portal.Portal`; the contract test in `tests/portal_contract` runs on it and on the
SOAP connector alike. Faults come in pairs: `fail_before` (the portal took nothing) and `fail_after` (the portal
took all and the answer was lost); both raise the same error, so only `receipt` tells them apart. It never forgets
what it showed: `exposures` grows by one whenever an account comes to see a record's revision.
Deliberately not here: the contract's XML digest; a batch's id is the SHA-256 of its canonical JSON.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from journal.portal import BatchTooLargeError, PortalError, Resend, UnsendableRecordsError
from journal.records import (
    ApplicationPage,
    ApplicationReport,
    BatchItem,
    Holding,
    LinkEnd,
    LinkPut,
    LinkState,
    PortalApplication,
    PreparedBatch,
    Publish,
    Receipt,
    Rejection,
    UsageDay,
    Withdraw,
)
from journal.vocabulary import WithdrawReason

LARGEST_BATCH = 5000
LARGEST_BODY = 8 * 1024 * 1024
RECEIPTS_LIVE = timedelta(days=30)
LONGEST_USAGE_DAYS = 62
MOST_APPLICATIONS = 500

_REFERENCE = re.compile(r"[0-9A-Za-z._:-]{1,64}")
_ITEMS: TypeAdapter[tuple[BatchItem, ...]] = TypeAdapter(tuple[BatchItem, ...])


def _written(item: BatchItem) -> object:
    fields = item._asdict() if isinstance(item, Publish) else asdict(item)
    return to_jsonable_python({name: value for name, value in fields.items() if value is not None})


_SCHOOL = re.compile(r"[0-9A-Za-z-]{1,16}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong: `error` is raised by the next call of `operation` ("*": of any)."""

    operation: str
    error: BaseException
    taken: bool


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """The newest revision of one record; `published` is None once it was withdrawn (the revision stays)."""

    revision: int
    published: Publish | None
    withdrawn_for: WithdrawReason | None = None


@dataclass(frozen=True, slots=True)
class HeldLink:
    """The newest revision of one link; `put` is None for a link that was ended before it was ever put."""

    revision: int
    put: LinkPut | None
    ended: LinkEnd | None = None


@dataclass(frozen=True, slots=True)
class Exposure:
    """At `at` the account came to see this revision of a record through this link."""

    at: datetime
    school: str
    account_id: str
    link_id: str
    record: Publish


@dataclass(frozen=True, slots=True)
class Act:
    """One message that changed something, in the order taken: a publish, a withdraw, a link put or ended."""

    at: datetime
    school: str
    message: Publish | Withdraw | LinkPut | LinkEnd


@dataclass
class School:
    """All that the portal holds of one school."""

    records: dict[str, HeldRecord] = field(default_factory=dict)
    links: dict[str, HeldLink] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    applications: list[PortalApplication] = field(default_factory=list)
    reports: list[ApplicationReport] = field(default_factory=list)
    usage: list[UsageDay] = field(default_factory=list)


class MemoryPortal:
    """See the module's docstring. `now` is the portal's clock; `reject` names record ids that it will not take.

    `calls` lists every operation asked for, `acts` what changed, `exposures` what anybody ever came to see.
    """

    def __init__(self, now: Callable[[], datetime], *, page_size: int = 10_000) -> None:
        self.now = now
        self.page_size = page_size
        self.schools: dict[str, School] = {}
        self.faults: list[Fault] = []
        self.reject: dict[str, str] = {}
        self.calls: list[str] = []
        self.acts: list[Act] = []
        self.exposures: list[Exposure] = []
        self.closed = False
        self._lock = threading.RLock()
        self._receipt_count = 0

    # what a test sets and asks

    def fail_before(self, operation: str, error: BaseException, times: int = 1) -> None:
        """Let the next `times` calls of `operation` fail, nothing taken."""
        self.faults += [Fault(operation, error, taken=False)] * times

    def fail_after(self, operation: str, error: BaseException, times: int = 1) -> None:
        """Let the next `times` calls of `operation` fail after the portal took them."""
        self.faults += [Fault(operation, error, taken=True)] * times

    def held(self, school: str) -> dict[str, Publish]:
        """Return the records that the portal shows of a school, by record id."""
        with self._lock:
            records = self._school(school).records
            return {key: record.published for key, record in sorted(records.items()) if record.published is not None}

    def visible(self, school: str, account_id: str) -> dict[str, Publish]:
        """Return the records that an account sees now, by record id."""
        with self._lock:
            links = [link for link in self._school(school).links.values() if self._open(link, account_id)]
            held = self.held(school)
            return {key: record for key, record in held.items() if any(_covers(link.put, record) for link in links)}

    def active_links(self, school: str) -> dict[str, LinkPut]:
        """Return the links that were put and not ended, by link id."""
        with self._lock:
            links = self._school(school).links.items()
            return {key: link.put for key, link in sorted(links) if link.put is not None and link.ended is None}

    def seed(self, school: str) -> School:
        """Return all that the portal holds of a school, to be filled or looked into."""
        return self._school(school)

    # journal.portal.Portal

    def prepare(self, school: str, items: Sequence[BatchItem], created_at: datetime) -> PreparedBatch:
        """Give a batch its final form: one canonical JSON text, named by its SHA-256."""
        if not _SCHOOL.fullmatch(school):
            raise ValueError("not a school code")
        if not items:
            raise ValueError("a batch needs at least one record")
        if created_at.tzinfo is None:
            raise ValueError("created_at needs a zone")
        if len(items) > LARGEST_BATCH:
            raise BatchTooLargeError
        problems = {item.record_id: why for item in items if (why := _unsendable(item))}
        if problems:
            raise UnsendableRecordsError(problems)
        content = {
            "school": school,
            "created_at": created_at.isoformat(),
            "items": [_written(item) for item in items],
        }
        body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        if len(body) > LARGEST_BODY:
            raise BatchTooLargeError
        return PreparedBatch(school, hashlib.sha256(body).hexdigest(), len(items), body)

    def submit(self, batch: PreparedBatch) -> Receipt:
        """Take a batch whole; the same batch again gives its first receipt with duplicate=True for 30 days."""
        with self._lock:
            fault = self._begin("submit")
            if hashlib.sha256(batch.body).hexdigest() != batch.batch_id:
                raise PortalError("SchemaViolation", Resend.FINAL)
            receipts = self._school(batch.school).receipts
            known = receipts.get(batch.batch_id)
            if known is not None and self.now() - known.received_at <= RECEIPTS_LIVE:
                receipt = replace(known, duplicate=True)
            else:
                receipt = receipts[batch.batch_id] = self._take(batch)
            self._end(fault)
            return receipt

    def receipt(self, school: str, batch_id: str) -> Receipt | None:
        """Return the receipt of a batch that was taken, for 30 days; else None."""
        with self._lock:
            fault = self._begin("receipt")
            known = self._school(school).receipts.get(batch_id)
            self._end(fault)
            return known if known is not None and self.now() - known.received_at <= RECEIPTS_LIVE else None

    def holdings(self, school: str) -> Iterator[Holding]:
        """Yield what is held, ordered by record id; each page is a call of its own that may fail."""
        after = ""
        while True:
            with self._lock:
                fault = self._begin("holdings")
                rest = [record for key, record in self.held(school).items() if key > after]
                page, more = rest[: self.page_size], len(rest) > self.page_size
                self._end(fault)
            yield from (Holding(record.record_id, record.revision, record.student_ref) for record in page)
            if not more:
                return
            after = page[-1].record_id

    def applications(self, school: str, after: int, limit: int = MOST_APPLICATIONS) -> ApplicationPage:
        """Return applications with a sequence above `after`, oldest first."""
        with self._lock:
            fault = self._begin("applications")
            known = sorted(self._school(school).applications, key=lambda application: application.sequence)
            newer = [application for application in known if application.sequence > after]
            self._end(fault)
            last = known[-1].sequence if known else 0
            return ApplicationPage(newer[: min(limit, MOST_APPLICATIONS)], last)

    def report_application(self, report: ApplicationReport) -> None:
        """Note how far an application is; the same report twice is noted once."""
        with self._lock:
            fault = self._begin("report_application")
            school = self._school(report.school)
            if all(known.application_id != report.application_id for known in school.applications):
                raise PortalError("UnknownApplication", Resend.FINAL)
            if report not in school.reports:
                school.reports.append(report)
            self._end(fault)

    def put_link(self, link: LinkPut) -> LinkState:
        """Open a link; a revision not newer than the held one changes nothing."""
        with self._lock:
            fault = self._begin("put_link")
            links = self._school(link.school).links
            held = links.get(link.link_id)
            if held is None or link.revision > held.revision:
                held = links[link.link_id] = HeldLink(link.revision, link)
                self.acts.append(Act(self.now(), link.school, link))
                self._expose(link.school, [held], self.held(link.school).values())
            self._end(fault)
            return LinkState(link.link_id, held.revision, held.ended is None)

    def end_link(self, link: LinkEnd) -> LinkState:
        """Close a link; a revision not newer than the held one changes nothing."""
        with self._lock:
            fault = self._begin("end_link")
            links = self._school(link.school).links
            held = links.get(link.link_id)
            if held is None or link.revision > held.revision:
                held = links[link.link_id] = HeldLink(link.revision, held.put if held else None, link)
                self.acts.append(Act(self.now(), link.school, link))
            self._end(fault)
            return LinkState(link.link_id, held.revision, held.ended is None)

    def usage(self, school: str, first: date, last: date) -> Sequence[UsageDay]:
        """Return the rows of the days asked for, 62 at most."""
        with self._lock:
            fault = self._begin("usage")
            if not 0 <= (last - first).days < LONGEST_USAGE_DAYS:
                raise PortalError("too-many-days", Resend.FINAL)
            rows = [row for row in self._school(school).usage if first <= row.date <= last]
            self._end(fault)
            return rows

    def close(self) -> None:
        """Note that the connections were closed."""
        self.closed = True

    # within

    def _school(self, code: str) -> School:
        return self.schools.setdefault(code, School())

    def _begin(self, operation: str) -> Fault | None:
        self.calls.append(operation)
        fault = next((fault for fault in self.faults if fault.operation in {operation, "*"}), None)
        if fault is None:
            return None
        self.faults.remove(fault)
        if not fault.taken:
            raise fault.error
        return fault

    @staticmethod
    def _end(fault: Fault | None) -> None:
        if fault is not None:
            raise fault.error

    def _take(self, batch: PreparedBatch) -> Receipt:
        school = self._school(batch.school)
        rejected = []
        for item in _ITEMS.validate_python(json.loads(batch.body)["items"]):
            if item.record_id in self.reject:
                rejected.append(Rejection(item.record_id, self.reject[item.record_id]))
                continue
            held = school.records.get(item.record_id)
            if held is not None and item.revision <= held.revision:
                continue
            if isinstance(item, Publish):
                school.records[item.record_id] = HeldRecord(item.revision, item)
            else:
                school.records[item.record_id] = HeldRecord(item.revision, None, item.reason)
            self.acts.append(Act(self.now(), batch.school, item))
            if isinstance(item, Publish):
                self._expose(batch.school, school.links.values(), [item])
        self._receipt_count += 1
        return Receipt(
            batch_id=batch.batch_id,
            receipt_id=f"receipt-{self._receipt_count}",
            received_at=self.now(),
            accepted=batch.record_count - len(rejected),
            duplicate=False,
            rejected=tuple(rejected),
        )

    def _open(self, link: HeldLink, account_id: str | None = None) -> bool:
        if link.put is None or link.ended is not None:
            return False
        today = self.now().date()
        in_force = link.put.valid_from <= today and (link.put.valid_to is None or today <= link.put.valid_to)
        return in_force and account_id in {None, link.put.account_id}

    def _expose(self, school: str, links: Iterable[HeldLink], records: Iterable[Publish]) -> None:
        at = self.now()
        self.exposures += [
            Exposure(at, school, put.account_id, put.link_id, record)
            for put in (link.put for link in links if self._open(link))
            for record in records
            if put is not None and _covers(put, record)
        ]


def _covers(link: LinkPut | None, record: Publish) -> bool:
    return (
        link is not None
        and link.student_ref == record.student_ref
        and record.kind in link.kinds
        and link.records_from <= record.date
        and (link.records_to is None or record.date <= link.records_to)
    )


def _unsendable(item: BatchItem) -> str | None:
    if isinstance(item, Withdraw):
        wrong = {"recordId: pattern": not _REFERENCE.fullmatch(item.record_id), "revision": item.revision < 1}
    else:
        naive = item.entered_at is not None and item.entered_at.tzinfo is None
        wrong = {
            "recordId: pattern": not _REFERENCE.fullmatch(item.record_id),
            "revision: not positive": item.revision < 1,
            "studentRef: pattern": not _REFERENCE.fullmatch(item.student_ref),
            "subject: length": not 1 <= len(item.subject) <= 100,
            "value: length": len(item.value or "") > 16,
            "work: length": len(item.work or "") > 500,
            "comment: length": len(item.comment or "") > 4000,
            "enteredAt: no zone": naive,
        }
    return next((why for why, is_so in wrong.items() if is_so), None)
