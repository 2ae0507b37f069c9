"""What the auditor's page is given: the transfers, and the state of the audit log that proves them.

Rules. Ids are opaque, counts are counts: nothing here names a student, a parent or a mark. The numbers of a
transfer are the bridge's books; what proves them is the log entries that it names, and `LogState` says whether the
log was found whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from journal.wording import Wording


@dataclass(frozen=True, slots=True)
class Transfer:
    """One batch handed (or meant to be handed) to the portal.

    `at` is when the intent was logged. `students` and `accounts` count those whose records the batch holds and
    who may read them. `outcome` is the audit log's word: taken, not-taken, refused; None while it isn't known.
    `receipt` is the portal's receipt id. `audit_first` and `audit_last` number the log entries, both
    included; None where the batch has none.
    """

    at: datetime
    school: str
    batch: str
    records_published: int
    records_withdrawn: int
    students: int
    accounts: int
    outcome: str | None
    receipt: str | None
    audit_first: int | None
    audit_last: int | None


@dataclass(frozen=True, slots=True)
class LogState:
    """The audit log at `checked_at`: its size in entries, its root, and what checking it said.

    `root` is the checkpoint's base64 root, `key` the verifier key as text (`name+hash+key`), `origin` the log's
    name in its checkpoints. `verified` is None when nobody checked; `problems` are what the check found.
    """

    origin: str
    size: int
    root: str
    verified: bool | None
    key: str
    checked_at: datetime
    problems: tuple[Wording, ...] = ()


@dataclass(frozen=True, slots=True)
class TransfersPage:
    """Everything on the auditor's page: the transfers from `since` until `until`, and the log's state."""

    transfers: Sequence[Transfer]
    log: LogState
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SchoolTotal:
    """The transfers of one school added up. Students and accounts recur from batch to batch, so they are not."""

    school: str
    transfers: int
    records_published: int
    records_withdrawn: int
    unfinished: int


def totals(transfers: Sequence[Transfer]) -> tuple[SchoolTotal, ...]:
    """Add up the taken transfers of each school, by school code; `unfinished` counts those not known as taken."""
    by_school: dict[str, list[Transfer]] = {}
    for transfer in transfers:
        by_school.setdefault(transfer.school, []).append(transfer)
    return tuple(_total(school, by_school[school]) for school in sorted(by_school))


def _total(school: str, transfers: Sequence[Transfer]) -> SchoolTotal:
    taken = [transfer for transfer in transfers if transfer.outcome == "taken"]
    return SchoolTotal(
        school=school,
        transfers=len(taken),
        records_published=sum(transfer.records_published for transfer in taken),
        records_withdrawn=sum(transfer.records_withdrawn for transfer in taken),
        unfinished=len(transfers) - len(taken),
    )
