"""The report of one run of one school: every record read has exactly one fate.

Rule: read = sent + unchanged + withheld + set aside + failed. Records taken back from the portal are
counted apart, since most of them are not read any more. Nothing here names a person.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from journal.actuality import SchoolActuality
from journal.wording import ExitStatus, Wording
from mappings.findings import FindingCount


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """A plan that would change more than the installation's limits admit; it waits for a person's word."""

    digest: str
    exceeded: tuple[str, ...]
    withdrawals: int
    changes: int
    holdings: int


@dataclass(frozen=True, slots=True)
class RunFailure:
    """Why a school's run was not done: the code, and the sentence in both languages with its places filled."""

    code: str
    wording: Wording


MOST_ROWS_LISTED = 500


@dataclass(frozen=True, slots=True)
class RowSetAside:
    """One row that was set aside: the school's own ids, so that the school finds it."""

    source_key: str
    student_key: str | None
    reason: str
    journal: str | None = None


@dataclass(frozen=True, slots=True)
class SchoolBalance:
    """The numbers of one run (or, with `dry_run`, of what a run would do; with `sweep`, of one that reads no school).

    `withheld`, `set_aside`, `warnings` and `withdrawn` are counts by reason code. `withdrawn` counts records
    taken back from the portal, `failed` counts records that were to be published and were not taken.
    Of the journals that were not read again, because nothing in them changed, `journals_not_read` gives the number,
    `records_not_read` that of their records when last read, `set_aside_not_read` how many of these were set aside then
    and `warnings_not_read` how many warnings they had; none of this is in `read`.
    `findings` counts what is wrong or odd by code, class and teacher, in all journals, read in this run or not.
    `actuality` says how many lessons were filled in in time; None where no lessons were read.
    `differences` counts, after a reconciliation, what the portal and the ledger disagreed on, by name.
    """

    school: str
    name: str
    district: str
    run: str
    started_at: datetime
    ended_at: datetime
    dry_run: bool = False
    sweep: bool = False
    read: int = 0
    sent: int = 0
    unchanged: int = 0
    failed: int = 0
    withheld: Mapping[str, int] = field(default_factory=dict)
    set_aside: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    withdrawn: Mapping[str, int] = field(default_factory=dict)
    differences: Mapping[str, int] = field(default_factory=dict)
    links_put: int = 0
    links_ended: int = 0
    links_refused: int = 0
    held: HeldPlan | None = None
    failure: RunFailure | None = None
    rows_set_aside: Sequence[RowSetAside] = ()
    journals_not_read: int = 0
    records_not_read: int = 0
    set_aside_not_read: Mapping[str, int] = field(default_factory=dict)
    warnings_not_read: Mapping[str, int] = field(default_factory=dict)
    findings: Sequence[FindingCount] = ()
    actuality: SchoolActuality | None = None

    @property
    def all_set_aside(self) -> Mapping[str, int]:
        """All rows set aside, by reason: those of this reading and those of journals that were not read again."""
        return dict(Counter(self.set_aside) + Counter(self.set_aside_not_read))

    @property
    def all_warnings(self) -> Mapping[str, int]:
        """All warnings of records, likewise."""
        return dict(Counter(self.warnings) + Counter(self.warnings_not_read))

    @property
    def balances(self) -> bool:
        """Tell whether every record read has exactly one fate."""
        fates = self.sent + self.unchanged + sum(self.withheld.values()) + sum(self.set_aside.values()) + self.failed
        return self.read == fates

    @property
    def has_exceptions(self) -> bool:
        """Tell whether a person should look: records set aside or failed, links not opened, or the run not done."""
        return bool(self.all_set_aside or self.failed or self.links_refused or self.failure)


def overall_status(balances: Sequence[SchoolBalance]) -> ExitStatus:
    """Return what a command that ran these schools exits with.

    Not done, when no school's run was done; held, when any school waits for approval; done with exceptions, when
    any school failed or has records set aside, rejected or failed; else done.
    """
    if balances and all(balance.failure for balance in balances):
        return ExitStatus.NOT_DONE
    if any(balance.held for balance in balances):
        return ExitStatus.HELD
    if any(balance.has_exceptions for balance in balances):
        return ExitStatus.DONE_WITH_EXCEPTIONS
    return ExitStatus.DONE
