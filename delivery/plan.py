"""The plan of a run: what the portal should hold, minus what it holds. Pure.

Rules.
- A record that is read and permitted is published when the portal does not hold this content, else unchanged.
- A content that the portal rejected is not sent again until it changes; until then the record counts as failed,
  or, once a person gave it up, as withheld.
- A held record without ground is withdrawn, whether it was read or not; the consent registry's word is the reason.
- A held record that was not read is `deleted` only if its date lies in the window that was read and its row
  was not set aside: a bad row never looks like a deleted one. A row set aside because its lesson was cancelled
  or its student was not enrolled on its date is no bad row: the record goes back as `out-of-scope`.
- A record belongs to one student for ever: a row moved to another student is a deletion and a new record.

Deliberately not here: links (`delivery.links`), limits (`delivery.limits`), ids and revisions (`delivery.send`), the
plan's digest (`delivery.actions`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from journal.school import Window
from journal.vocabulary import WithdrawReason

KEY_COLUMNS = ["source_key", "student_key"]
LEDGER_COLUMNS = (
    "source_key",
    "student_key",
    "record_id",
    "kind",
    "date",
    "revision",
    "held",
    "digest",
    "rejected_digest",
    "discarded",
)

DISCARDED = "discarded"
"""Why a record is withheld that consents permit: the portal rejected it and a person gave this content up."""


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """What a run would do with records.

    `publish`: the columns of `journal.frames.RECORDS`, and `digest`, `record_id` (None: new), `held`.
    `withdraw`: `record_id`, `student_key`, `kind`, `date`, `reason` (a WithdrawReason), `lawful` (the ground
    is gone: no limit and no pause may keep the record at the portal).
    `withheld` and `set_aside` count records read, by reason. `holdings`: how many records the portal holds; None where
    the plan was not made of all of them.
    """

    read: int
    publish: pd.DataFrame = field(repr=False)
    withdraw: pd.DataFrame = field(repr=False)
    unchanged: int
    rejected_before: int
    withheld: Mapping[str, int]
    set_aside: Mapping[str, int]
    holdings: int | None

    @property
    def changes(self) -> int:
        """The number of held records that would be replaced by another content."""
        return int(self.publish["held"].sum())

    @property
    def limited_withdrawals(self) -> int:
        """The number of withdrawals that the law does not demand."""
        return int((~self.withdraw["lawful"]).sum())


def _counts(reasons: pd.Series) -> dict[str, int]:
    return {str(reason): int(count) for reason, count in reasons.value_counts(sort=False).items() if count}


def _same(left: pd.Series, right: pd.Series) -> pd.Series:
    """Compare two columns of digests; a missing one equals nothing."""
    return (left == right) & right.notna()


def _fates_unread(
    unread: pd.DataFrame, set_aside: pd.DataFrame, window: Window, takes_back: frozenset[str]
) -> pd.DataFrame:
    """Name what happens to held records whose row became no record in this reading."""
    aside = set_aside.rename(columns={"student_key": "aside_student", "reason": "aside_reason"})
    unread = unread.merge(aside, on="source_key", how="left")
    is_aside = unread["aside_reason"].notna() & (
        unread["aside_student"].isna() | (unread["aside_student"] == unread["student_key"])
    )
    in_window = unread["date"].between(pd.Timestamp(window.first), pd.Timestamp(window.last))
    out_of_scope = is_aside & unread["aside_reason"].isin(takes_back)
    deleted = ~is_aside & in_window
    why = pd.Series(None, index=unread.index, dtype=object)
    why[deleted] = str(WithdrawReason.DELETED)
    why[out_of_scope] = str(WithdrawReason.OUT_OF_SCOPE)
    unread["why"] = why.where(unread["permitted"], unread["reason"])
    return unread[unread["why"].notna()]


def plan_records(
    records: pd.DataFrame,
    set_aside: pd.DataFrame,
    ledger: pd.DataFrame,
    window: Window | None,
    *,
    withdraw_reason: Callable[[str], WithdrawReason],
    limited_reasons: frozenset[str],
    takes_back: frozenset[str],
) -> RecordPlan:
    """Compare what was read with what the portal holds.

    `records`: journal.frames.RECORDS and `permitted`, `reason` (of the decision), `digest`.
    `set_aside`: journal.frames.SET_ASIDE. `ledger`: LEDGER_COLUMNS and `permitted`, `reason` decided on the
    held kind and date. `window`: the days that were read; None when no school was read (a sweep): then nothing
    is deleted. `withdraw_reason` gives the portal's word for a decision's reason; `limited_reasons` are
    decision reasons that the law does not demand to act upon; `takes_back` are set-aside reasons that say the
    record no longer stands.
    """
    held = ledger[ledger["held"]]
    known = ledger[[*KEY_COLUMNS, "record_id", "held", "digest", "rejected_digest", "discarded"]]
    known = known.rename(columns={"digest": "held_digest"})
    rows = records.merge(known, on=KEY_COLUMNS, how="left")
    rows["held"] = rows["held"].eq(True)  # noqa: FBT003  a column, not a flag
    permitted = rows["permitted"].astype(bool)
    current = rows["held"] & _same(rows["digest"], rows["held_digest"])
    rejected = ~current & _same(rows["digest"], rows["rejected_digest"])
    discarded = permitted & rejected & rows["discarded"].eq(True)  # noqa: FBT003  likewise
    given_up = {DISCARDED: int(discarded.sum())} if discarded.any() else {}

    read_without_ground = rows[rows["held"] & ~permitted]
    parts = [_withdrawals(read_without_ground, read_without_ground["reason"], withdraw_reason, limited_reasons)]
    unread = held[~_keys(held).isin(_keys(records))]
    if window is None:
        unread = unread[~unread["permitted"]]
        parts.append(_withdrawals(unread, unread["reason"], withdraw_reason, limited_reasons))
    else:
        gone = _fates_unread(unread, set_aside, window, takes_back)
        parts.append(_withdrawals(gone, gone["why"], withdraw_reason, limited_reasons))
    publish = rows[permitted & ~current & ~rejected]
    return RecordPlan(
        read=len(records) + len(set_aside),
        publish=publish.drop(columns=["held_digest", "rejected_digest", "discarded", "permitted", "reason"]),
        withdraw=pd.concat(parts, ignore_index=True),
        unchanged=int((permitted & current).sum()),
        rejected_before=int((permitted & rejected & ~discarded).sum()),
        withheld={**_counts(rows.loc[~permitted, "reason"]), **given_up},
        set_aside=_counts(set_aside["reason"]),
        holdings=len(held),
    )


def with_unread(plan: RecordPlan, unread: RecordPlan | None) -> RecordPlan:
    """Return the plan of a run that read some journals only, joined with that for records of the others, if any.

    `unread` was made without a window: nothing of it is deleted, only what lost its ground goes.
    """
    parts = [plan.withdraw] if unread is None else [plan.withdraw, unread.withdraw]
    return replace(plan, withdraw=pd.concat(parts, ignore_index=True), holdings=None)


def _keys(frame: pd.DataFrame) -> pd.Series:
    return frame["student_key"].astype(str) + "\x1f" + frame["source_key"].astype(str)


def _withdrawals(
    rows: pd.DataFrame,
    reasons: pd.Series,
    withdraw_reason: Callable[[str], WithdrawReason],
    limited_reasons: frozenset[str],
) -> pd.DataFrame:
    ours = {str(WithdrawReason.DELETED), str(WithdrawReason.OUT_OF_SCOPE)}
    words = {str(r): str(r) if r in ours else str(withdraw_reason(str(r))) for r in reasons.unique()}
    return pd.DataFrame(
        {
            "record_id": rows["record_id"].to_numpy(dtype=object),
            "student_key": rows["student_key"].to_numpy(dtype=object),
            "kind": rows["kind"].to_numpy(dtype=object),
            "date": rows["date"].to_numpy(),
            "reason": reasons.map(words).to_numpy(dtype=object),
            "lawful": ~reasons.isin(ours | limited_reasons).to_numpy(dtype=bool),
        }
    )
